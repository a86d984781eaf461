//! A training whose models many processes share: each part trains some of them to their last checkpoints, and a merge
//! of these writes what one machine would have written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kernels::Isa;

use crate::activations::Rows;
use crate::error::{Error, Result};
use crate::input::read_result;
use crate::memory;
use crate::parts::folders::{Key, of_other_divisions};
use crate::parts::plan::{Planned, refuse_other};
use crate::parts::status::Status;
use crate::parts::whole::{Parted, whole};
use crate::parts::{Commands, Wanted};
use crate::session;
use crate::session::progress::Show;
use crate::store::checkpoint::{self, Unfit};
use crate::store::folder::Folder;
use crate::store::names::{CHECKPOINTS, CONFIG, PARTS, PLAN, REPORT};
use crate::store::resumed;
use crate::store::snapshot::Snapshot;
use crate::store::system;
use crate::table::{Record as _, Table};
use crate::workbench::config::Config;
use crate::workbench::data::task;
use crate::workbench::job::{self, Job, MODELS, Options};
use crate::workbench::member::{self, Member};
use crate::workbench::opened::{Opened, open_target};
use crate::workbench::origin::{self, COMMANDS, Origin};
use crate::workbench::sweep::members;
use crate::workbench::tokens::Tokens;

/// A training that is planned.
#[derive(Debug)]
pub struct Plan {
    /// The folder of the training.
    pub folder: Folder,
    /// The units of work, one for each model.
    pub units: Vec<Planned>,
}

/// Plans a training in a new folder, after a pass over all rows.
pub fn plan(config: &Config, rows: Rows, isa: Isa, options: &Options) -> Result<Plan> {
    let pool = session::pool(options.threads)?;
    let opened = Opened::open(config, rows)?;
    if let Some(path) = &config.tokens {
        Tokens::open(path, opened.measured())?;
    }
    let mut units = units(config, opened.width(), opened.output());
    let drawing = opened.drawing();
    units.iter_mut().for_each(|unit| unit.memory += drawing);
    let folder = job::open(
        &config.to_toml(isa.name()),
        ("sae", resumed::TRAIN),
        options,
    )?;
    let job = Job {
        settings: &config.settings,
        isa,
        options,
        folder: &folder,
        memory: 0.0,
    };
    pool.install(|| {
        folder.all_or_nothing(|| {
            let surveyed = opened.survey(config, isa, options.show, &folder)?;
            folder.write(PLAN, Table::of(&units).csv())?;
            job.begin(&surveyed.described)
        })
    })?;
    Ok(Plan { folder, units })
}

/// Returns the units of work, one for each model; `input` and `output` are the widths of the rows that models read and
/// of those that transcoders reconstruct.
fn units(config: &Config, input: usize, output: Option<usize>) -> Vec<Planned> {
    let plan = member::plan(&config.settings);
    let unit = |member: Member| {
        let task = |elements| task(input, output, config.skip_connection, elements);
        Planned {
            round: 1,
            experiment: MODELS.into(),
            seconds: member.seconds(task(member.elements), &plan),
            memory: job::memory(&config.settings, std::slice::from_ref(&member), task),
            unit: member.name,
        }
    };
    let members = members(&config.settings, input).into_iter();
    members.map(unit).collect()
}

/// Trains those models of the training planned in the folder `run` that are wanted, and returns their number.
pub fn train(
    config: &Config,
    rows: Rows,
    isa: Isa,
    run: &Path,
    wanted: &Wanted,
    options: &Options,
) -> Result<usize> {
    let pool = session::pool(options.threads)?;
    let opened = Opened::open(config, rows)?;
    let units = units(config, opened.width(), opened.output());
    let sweep = Sweep::new(config, run, units)?;
    let mut members = members(&config.settings, opened.width());
    let unit = |member: &Member| (MODELS.to_string(), member.name.clone());
    members.retain(|member| wanted.units.contains(&unit(member)));
    let ours = members.len();
    // What parts of other divisions of the work have trained need not be trained again.
    for other in of_other_divisions(run, &wanted.folder)? {
        let trained = sweep.held(&other)?;
        members.retain(|member| !trained.contains(&unit(member)));
    }
    let task = |elements| opened.task(config, elements);
    let needed = opened.drawing() + job::memory(&config.settings, &members, task);
    let place = "harness sae train --help";
    memory::check("sae train", place, needed, options.threads)?;
    let folder = sweep.open(wanted)?;
    let ended = sweep.held(folder.path())?;
    if sweep.is_complete(folder.path())? && members.iter().all(|m| ended.contains(&unit(m))) {
        return Ok(ours);
    }
    let job = Job {
        settings: &config.settings,
        isa,
        options,
        folder: &folder,
        memory: needed,
    };
    let trained = pool.install(|| {
        let surveyed = folder.all_or_nothing(|| {
            let surveyed = opened.survey(config, isa, options.show, &folder)?;
            sweep.origin.refuse_data(&surveyed.described)?;
            Ok(surveyed)
        })?;
        job.begin(&surveyed.described)?;
        let data = std::slice::from_ref(&surveyed.data);
        job.train(&members, data, &surveyed.course)?;
        job.leave(&surveyed.described)
    });
    folder.telling_again(trained)?;
    Ok(ours)
}

/// Returns the checkpoint at the end of the training of each model, by its name, once parts have trained all of them.
/// Checkpoints that a part says that it has written are waited for as long as `patience`.
///
/// # Errors
/// If a checkpoint is missing or damaged, or differs between two parts; the message has the command that mends it.
pub fn checkpoints(
    config: &Config,
    rows: &Rows,
    run: &Path,
    (patience, show): (Duration, Show),
) -> Result<BTreeMap<String, PathBuf>> {
    let sweep = Sweep::of(config, rows, run)?;
    let whole = whole(&sweep, patience, show)?;
    let mut files = BTreeMap::new();
    for (unit, folders) in &whole.holders {
        let file = sweep.file(&folders[0], unit)?;
        sweep.snapshot(&read_result(&file)?, &file)?;
        files.insert(unit.1.clone(), file);
    }
    Ok(files)
}

/// Reads how far the parts of a training are.
pub fn status(config: &Config, rows: &Rows, run: &Path) -> Result<Status> {
    Status::read(&Sweep::of(config, rows, run)?)
}

/// A training that is planned in a folder.
struct Sweep<'a> {
    run: &'a Path,
    origin: Origin,
    /// The configuration as it stands in its file.
    text: String,
    planned: Vec<Planned>,
    /// The number of steps of a training.
    steps: u64,
}

impl<'a> Sweep<'a> {
    fn new(config: &Config, run: &'a Path, planned: Vec<Planned>) -> Result<Self> {
        let text = config.to_toml(config.isa.as_deref().unwrap_or_default());
        let origin = Origin::read(run)?;
        origin.refuse_configuration(&text)?;
        let listed: Vec<Planned> = Table::read(Planned::SPEC, &run.join(PLAN))?.rows();
        refuse_other(&listed, &planned, run, COMMANDS)?;
        Ok(Sweep {
            run,
            origin,
            text,
            planned,
            steps: member::plan(&config.settings).steps,
        })
    }

    /// Opens the training that is planned in the folder `run`, on these rows.
    fn of(config: &Config, rows: &Rows, run: &'a Path) -> Result<Self> {
        let target = open_target(config, rows)?;
        let units = units(config, rows.width(), target.as_ref().map(Rows::width));
        Sweep::new(config, run, units)
    }

    /// Opens the folder of a part: a new one, or the one with what it has trained so far.
    fn open(&self, wanted: &Wanted) -> Result<Folder> {
        let path = self.run.join(PARTS).join(&wanted.folder);
        if !system::exists(&path.join(CONFIG))? {
            let folder = Folder::create(&path)?.continued_by(COMMANDS.again(&path));
            folder.write(CONFIG, &self.text)?;
            return Ok(folder);
        }
        self.is_complete(&path)?;
        let folder = Folder::resume(&path, [MODELS].into_iter())?;
        let folder = folder.continued_by(COMMANDS.again(&path));
        checkpoint::verify(&folder, [MODELS])?;
        Ok(folder)
    }

    /// Returns whether the last checkpoint of a model in a part is that at the end of its training. The last checkpoint
    /// of a model that diverged comes early, and is known to be that once the part is complete.
    fn is_end(&self, file: &Path, complete: bool) -> Result<bool> {
        let is_last = checkpoint::steps(file) == Some(self.steps);
        if is_last || !complete {
            return Ok(is_last);
        }
        let bytes = read_result(file)?;
        let snapshot = self.snapshot(&bytes, file)?;
        Ok(snapshot
            .metadata("divergence")
            .is_ok_and(|how| !how.is_empty()))
    }

    /// Decodes the contents of a checkpoint in a part.
    fn snapshot<'b>(&self, bytes: &'b [u8], file: &Path) -> Result<Snapshot<'b>> {
        let snapshot = Snapshot::decode(bytes);
        snapshot.map_err(|why| COMMANDS.refused(file, self.run, &Unfit::Damaged(why)))
    }
}

impl Parted for Sweep<'_> {
    fn commands(&self) -> Commands {
        COMMANDS
    }

    fn run(&self) -> &Path {
        self.run
    }

    fn planned(&self) -> &[Planned] {
        &self.planned
    }

    fn is_complete(&self, part: &Path) -> Result<bool> {
        self.origin.refuse_other(part, &self.text)
    }

    fn held(&self, part: &Path) -> Result<Vec<Key>> {
        let complete = self.is_complete(part)?;
        let mut held = Vec::new();
        for unit in self.planned.iter().map(Planned::key) {
            if let Some(file) = checkpoint::last(&folder(part, &unit))?
                && self.is_end(&file, complete)?
            {
                held.push(unit);
            }
        }
        Ok(held)
    }

    fn file(&self, part: &Path, unit: &Key) -> Result<PathBuf> {
        let folder = folder(part, unit);
        let gone = || {
            Error::input(format!(
                "{} holds no checkpoint any more; train its part again by {}",
                folder.display(),
                COMMANDS.again(part)
            ))
        };
        checkpoint::last(&folder)?.ok_or_else(gone)
    }

    fn whole_of<'b>(&self, file: &'b Path) -> &'b Path {
        // The checkpoints before it belong to the same training.
        file.parent().unwrap_or(file)
    }

    fn is_same(&self, [a, b]: [&Path; 2]) -> Result<bool> {
        let [bytes_of_a, bytes_of_b] = [read_result(a)?, read_result(b)?];
        Ok(self.snapshot(&bytes_of_a, a)? == self.snapshot(&bytes_of_b, b)?)
    }

    fn report(&self) -> Result<Option<PathBuf>> {
        let manifest = origin::manifest(self.run)?.unwrap_or_default();
        Ok(origin::says_complete(&manifest).then(|| self.run.join(REPORT)))
    }

    fn begun(&self, part: &Path, unit: &Key) -> Result<f64> {
        let last = checkpoint::last(&folder(part, unit))?;
        let steps = last.and_then(|file| checkpoint::steps(&file));
        Ok(steps.map_or(0.0, |steps| steps as f64 / self.steps as f64))
    }
}

/// Returns the folder of the checkpoints of a model in the folder of a part.
fn folder(part: &Path, (models, name): &Key) -> PathBuf {
    part.join(models).join(CHECKPOINTS).join(name)
}
