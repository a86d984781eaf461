//! One part of a run: some of its units, computed into a folder of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kernels::Isa;

use super::RunOptions;
use super::config::{Config, Selected};
use super::manifest::Manifest;
use super::merge;
use super::parts::{self, COMMANDS, Share};
use super::pieces::{Pieces, unit_of};
use super::plan::{self, Planned};
use super::results;
use crate::error::{Error, Result};
use crate::experiment::{Ctx, Needs};
use crate::parts::commands::LISTED;
use crate::parts::folders::Key;
use crate::parts::plan::ours;
use crate::session;
use crate::session::progress::{self, Progress};
use crate::store::checkpoint::{self, Unfit};
use crate::store::folder::Folder;
use crate::store::made::create_folders;
use crate::store::names::{CHECKPOINTS, MANIFEST, PARTS};
use crate::table::{Record as _, Table, Tables};

/// The units to compute.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// A share of all of them.
    Share(Share),
    /// Those in a table such as that of the plan; the part is named after its file.
    Listed {
        /// Name of the folder of the part.
        name: String,
        /// Lines of the plan.
        units: Vec<Planned>,
    },
}

/// The end of a part.
#[derive(Debug, PartialEq)]
pub struct Ended {
    /// Number of its units whose pieces are there.
    pub there: usize,
    /// Number of all its units.
    pub units: usize,
    /// The experiments of those units that are not, since they need what other parts have not computed yet.
    pub waiting: Vec<&'static str>,
}

impl Wanted {
    /// The units that a table lists.
    ///
    /// # Errors
    /// If it is none, or lists a unit that the configuration does not have.
    pub fn listed(path: &Path, config: &Config) -> Result<Self> {
        let units: Vec<Planned> = Table::read(Planned::SPEC, path)?.rows();
        let plan = plan::plan(config, 1);
        let known: BTreeSet<_> = plan.iter().map(Planned::key).collect();
        if let Some(other) = units.iter().find(|unit| !known.contains(&unit.key())) {
            return Err(Error::input(format!(
                "{}: `{}` has no unit `{}` under the configuration of this run; take lines of its plan.csv",
                path.display(),
                other.experiment,
                other.unit
            )));
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let name = format!("{LISTED}{name}");
        Ok(Wanted::Listed { name, units })
    }

    /// The name of the folder of the part.
    fn folder(&self) -> String {
        match self {
            Wanted::Share(share) => share.folder(),
            Wanted::Listed { name, .. } => name.clone(),
        }
    }

    /// The experiments of its units.
    pub fn experiments(&self, config: &Config) -> BTreeSet<String> {
        let units = self.units(config).into_iter();
        units.map(|(experiment, _)| experiment).collect()
    }

    /// The units, by experiment and name.
    fn units(&self, config: &Config) -> BTreeSet<Key> {
        match self {
            Wanted::Listed { units, .. } => units.iter().map(Planned::key).collect(),
            Wanted::Share(share) => {
                let planned = plan::plan(config, 1);
                ours(&planned, *share).map(Planned::key).collect()
            }
        }
    }
}

/// Computes those units of a part that are not there yet, as far as the parts have computed what they need.
pub fn run(
    config: &Config,
    isa: Isa,
    run: &Path,
    wanted: &Wanted,
    options: &RunOptions,
) -> Result<Ended> {
    let pool = session::pool(options.threads)?;
    let path = run.join(PARTS).join(wanted.folder());
    let mut manifest = Manifest::new(config, isa, options.threads);
    create_folders(&path)?;
    let folder = Folder::resume(&path, config.ids())?;
    merge::belongs(&mut manifest, &path, run)?;
    if let Some((file, why)) = checkpoint::first_damaged(&folder, config.ids())? {
        return Err(COMMANDS.refused(&file, run, &Unfit::Damaged(why)));
    }
    folder.write(MANIFEST, manifest.to_json())?;
    // What others need may be concluded in the folder of the run.
    let mut beside = vec![run.to_path_buf()];
    beside.extend(parts::folders(run)?);
    beside.retain(|other| *other != path);
    let options = RunOptions {
        parts: beside,
        ..options.clone()
    };
    let part = Part {
        config,
        isa,
        options: &options,
        folder: &folder,
        run,
        units: wanted.units(config),
    };
    let ended = pool.install(|| part.compute(&mut manifest))?;
    if ended.waiting.is_empty() {
        manifest.finish();
    }
    folder.write(MANIFEST, manifest.to_json())?;
    Ok(ended)
}

struct Part<'a> {
    config: &'a Config,
    isa: Isa,
    options: &'a RunOptions,
    folder: &'a Folder,
    /// The folder of the run.
    run: &'a Path,
    units: BTreeSet<Key>,
}

impl Part<'_> {
    fn compute(&self, manifest: &mut Manifest) -> Result<Ended> {
        let mut ended = Ended {
            there: 0,
            units: self.units.len(),
            waiting: Vec::new(),
        };
        let experiments = &self.config.experiments;
        let settings = self.config.settings();
        let mut concluded: BTreeMap<&'static str, Tables> = BTreeMap::new();
        for (i, Selected { experiment, bound }) in experiments.iter().enumerate() {
            progress::check()?;
            let id = experiment.id();
            let name = format!("[{}/{}] {id}", i + 1, experiments.len());
            let progress = Progress::new(name, self.options.show);
            let seeds = self.config.seeds_of(&**bound);
            let ctx = Ctx {
                session: self.options.session(self.isa, self.folder, id, &progress),
                experiment: id,
                seeds: &seeds,
                needs: Needs(&settings),
                inputs: &concluded,
            };
            let pieces = Pieces::new(&**bound, ctx, &[])?;
            let ours = |number: &usize| {
                let unit = &pieces.units()[*number].name;
                self.units.contains(&(id.to_string(), unit.clone()))
            };
            let ours: Vec<usize> = pieces.numbers().into_iter().filter(ours).collect();
            let mut needs = experiment.about().needs.iter();
            let ready = needs.all(|need| concluded.contains_key(need));
            if !ours.is_empty() && !ready {
                ended.waiting.push(id);
            } else if !ours.is_empty() {
                pieces.compute(&ours)?;
                ended.there += ours.len();
                self.remove_checkpoints(id)?;
            }
            if !self.is_needed(id) {
                // Nothing here reads its tables.
            } else if results::is_complete(self.run, *experiment)? {
                results::verify(self.run, results::csv_files(*experiment))?;
                let tables = Tables::read(experiment.about().tables, &self.run.join(id))?;
                concluded.insert(id, tables);
            } else if ready {
                let all = Pieces::new(&**bound, ctx, &self.options.parts)?;
                if all.are_complete()? {
                    concluded.insert(id, Tables::new(all.conclude()?.tables));
                }
            }
            if !ours.is_empty() && ready {
                *manifest.seconds.entry(id.into()).or_default() += progress.finish();
            }
        }
        Ok(ended)
    }

    /// Whether units of this part need an experiment.
    fn is_needed(&self, id: &str) -> bool {
        let needing = self.config.experiments.iter().map(|s| s.experiment.about());
        let mut needing = needing.filter(|about| about.needs.contains(&id));
        needing.any(|about| {
            self.units
                .iter()
                .any(|(experiment, _)| experiment == about.id)
        })
    }

    /// Removes the checkpoints of the trainings of an experiment, of which all pieces of this part are there.
    fn remove_checkpoints(&self, id: &str) -> Result<()> {
        let checkpoints = Path::new(id).join(CHECKPOINTS);
        for folder in self.folder.list(&checkpoints)? {
            let name = folder.file_name().expect("an entry has a name");
            if unit_of(&name.to_string_lossy()).is_none() {
                self.folder.remove(checkpoints.join(name))?;
            }
        }
        Ok(())
    }
}
