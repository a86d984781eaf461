//! `harness plan`, `run --part`, `status` and `merge`: a run whose units many processes compute.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use kernels::Isa;

use super::common::{choose_isa, print, threads};
use super::figures::FigureArgs;
use super::running::run_and_report;
use crate::error::{Error, Result};
use crate::experiments::REGISTRY;
use crate::parts::Commands;
use crate::parts::status::Status;
use crate::run::config::{Config, Request};
use crate::run::part::{self, Ended, Wanted};
use crate::run::parts::{COMMANDS, Share};
use crate::run::plan::{self, Planned};
use crate::run::{self, RunOptions, merge};
use crate::session::progress::Show;
use crate::session::signals;
use crate::store::folder::Folder;
use crate::store::names::{CONFIG, PLAN};
use crate::store::system;
use crate::table::{Record as _, Table};
use crate::text::{number, put};
use crate::workbench::job::MODELS;

/// Numbers of tasks for which a plan says how long they take.
pub const TASKS: [usize; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

/// Writes a plan to a new folder, and says what it comes to.
pub fn plan(config: &Config, out: Option<&Path>, threads: usize) -> Result<()> {
    let isa = choose_isa(config.isa.as_deref())?;
    let planned = plan::plan(config, threads);
    let folder = match out {
        Some(path) => Folder::create(path)?,
        None => Folder::create_numbered(Path::new("out"), config.preset.name())?,
    };
    folder.write(CONFIG, config.to_toml(isa.name()))?;
    folder.write(PLAN, Table::of(&planned).csv())?;
    print(&said(COMMANDS, &planned, isa, folder.path()))
}

/// What a plan comes to, and the commands that go on with it.
pub fn said(commands: Commands, planned: &[Planned], isa: Isa, folder: &Path) -> String {
    let all: f64 = planned.iter().map(|p| p.seconds).sum();
    let longest = planned
        .iter()
        .max_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let memory = planned.iter().map(|p| p.memory).fold(0.0, f64::max);
    let mut text = format!(
        "{} units, some {} on one core with {}, at most {} MB of memory each\n",
        planned.len(),
        hours(all),
        isa.name(),
        number((memory / 1e6).ceil())
    );
    if let Some(longest) = longest {
        put(
            &mut text,
            format_args!(
                "the longest is {} {}, some {}\n",
                longest.experiment,
                longest.unit,
                hours(longest.seconds)
            ),
        );
    }
    for tasks in TASKS.into_iter().filter(|&tasks| tasks <= planned.len()) {
        let rounds = plan::loads(planned, tasks);
        let rounds: Vec<String> = rounds
            .iter()
            .map(|loads| hours(loads.iter().copied().fold(0.0, f64::max)))
            .collect();
        put(
            &mut text,
            format_args!(
                "{tasks:>4} tasks of one core each: {}\n",
                rounds.join(", then ")
            ),
        );
    }
    let folder = folder.display();
    put(
        &mut text,
        format_args!(
            "\nnext: {} --part I/N --out {folder}    for I from 1 to N, in any order{}\n\
             then: {} {folder}\n",
            commands.part,
            match plan::rounds(planned) {
                0 | 1 => String::new(),
                rounds =>
                    format!(", {rounds} times over: units of a later round need those before"),
            },
            commands.merge
        ),
    );
    text
}

/// A time in the unit that suits it.
fn hours(seconds: f64) -> String {
    match seconds {
        ..120.0 => format!("{} s", number(seconds.ceil())),
        120.0..7200.0 => format!("{} min", number((seconds / 60.0).round())),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

/// The units that `run` is told to compute, by its flags.
#[derive(Debug, Args)]
pub struct PartArgs {
    /// Compute part I of N of the run that is planned in the folder --out (see `harness plan`), and go on with it if it
    /// was begun
    #[arg(long, value_name = "I/N", requires = "out", conflicts_with_all = ["resume", "units"])]
    part: Option<Share>,

    /// Compute the units in this table, which is made of lines of plan.csv with its first one, of the run that is planned
    /// in the folder --out; the part has the name of the file, so tables have names of their own
    #[arg(
        long,
        value_name = "FILE.csv",
        requires = "out",
        conflicts_with = "resume"
    )]
    units: Option<PathBuf>,
}

impl PartArgs {
    /// Whether only some units are to be computed.
    pub fn is_given(&self) -> bool {
        self.part.is_some() || self.units.is_some()
    }

    /// Computes them.
    pub fn execute(self, request: &Request, options: &RunOptions) -> Result<()> {
        if *request != Request::default() {
            return Err(Error::input(
                "the configuration of a part is that of its plan: leave out experiments, --preset, --config, --set, \
                 --seed and --seeds",
            ));
        }
        let run = options.out.as_deref().expect("clap requires it");
        let (config, isa) = planned(run)?;
        let wanted = match (self.part, self.units) {
            (Some(share), _) => Wanted::Share(share),
            (None, Some(file)) => Wanted::listed(&file, &config)?,
            (None, None) => unreachable!("one of them is given"),
        };
        let experiments = wanted.experiments(&config);
        run::check_memory(&config, options.threads, |id| experiments.contains(id))?;
        signals::catch()?;
        let Ended {
            there,
            units,
            waiting,
        } = part::run(&config, isa, run, &wanted, options)?;
        let mut text = format!("{there} of the {units} units of this part are there\n");
        if !waiting.is_empty() {
            put(
                &mut text,
                format_args!(
                    "those of {} need units that other parts have not computed yet: repeat this command once these \
                     have ended\n",
                    waiting.join(", ")
                ),
            );
        }
        print(&text)
    }
}

/// Refuses a folder that no plan was written to, or one of another command.
pub fn refuse_unplanned(commands: Commands, run: &Path) -> Result<()> {
    let plan = run.join(PLAN);
    if !system::exists(&plan)? {
        return Err(Error::input(format!(
            "{} holds no plan: `{} --out {}` writes one, with all that decides what is computed",
            run.display(),
            commands.plan,
            run.display()
        )));
    }
    let planned: Vec<Planned> = Table::read(Planned::SPEC, &plan)?.rows();
    let is_training = planned.iter().any(|unit| unit.experiment == MODELS);
    let (by, of) = match is_training {
        true => ("harness sae plan", "of `harness sae`"),
        false => ("harness plan", "of `harness`, without sae"),
    };
    if !planned.is_empty() && by != commands.plan {
        return Err(Error::input(format!(
            "{} was planned by `{by}`: its parts, status, merge and submit are commands {of}",
            run.display()
        )));
    }
    Ok(())
}

/// The configuration of the run that is planned in a folder.
pub fn configuration(run: &Path) -> Result<Config> {
    refuse_unplanned(COMMANDS, run)?;
    let request = Request {
        file: Some(run.join(CONFIG)),
        ..Request::default()
    };
    Config::resolve(&REGISTRY, &request)
}

/// The configuration and the instruction set of the run that is planned in a folder.
fn planned(run: &Path) -> Result<(Config, Isa)> {
    let config = configuration(run)?;
    let isa = planned_isa(config.isa.as_deref(), run)?;
    Ok((config, isa))
}

/// The instruction set of that name, which what is planned in a folder was planned for.
///
/// # Errors
/// If this machine does not have it.
pub fn planned_isa(named: Option<&str>, run: &Path) -> Result<Isa> {
    let named = named.unwrap_or_default();
    let isa = choose_isa(Some(named)).ok();
    isa.filter(|isa| isa.name() == named).ok_or_else(|| {
        let available = Isa::available().into_iter();
        let names: Vec<_> = available.map(Isa::name).collect();
        Error::input(format!(
            "{} is planned for the instruction set {named}, which this machine, with {}, does not have or KERNELS_ISA \
             forbids: compute its parts on machines that have it, or plan it anew with one that all have, such as by \
             KERNELS_ISA={}",
            run.display(),
            names.join(", "),
            names[0]
        ))
    })
}

/// The arguments that every merge has.
#[derive(Debug, Args)]
#[command(
    after_help = "The tables, figures and report are those of one machine, byte for byte; what differs by its nature, \
    times and host names, stands in manifest.json alone. The parts stay where they are, in DIR/parts."
)]
pub struct MergeArgs {
    /// Folder of the run
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,

    /// Seconds to wait for files that the parts have written and a shared file system does not show yet
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait: u64,

    /// Number of threads; results are the same for any [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,

    #[command(flatten)]
    pub figures: FigureArgs,

    /// Show no progress
    #[arg(long, short)]
    pub quiet: bool,
}

/// The arguments of `harness merge`.
#[derive(Debug, Args)]
pub struct RunMergeArgs {
    #[command(flatten)]
    merge: MergeArgs,

    /// Conclude only the experiments that others need, between two rounds of parts: each task then finds their tables and
    /// models in DIR, and need not look for all pieces in the folders of all parts
    #[arg(long)]
    needed: bool,
}

impl RunMergeArgs {
    /// Merges, and prints what came out.
    pub fn execute(self) -> Result<()> {
        let MergeArgs {
            folder,
            wait,
            threads: asked,
            figures,
            quiet,
        } = self.merge;
        let export = figures.export()?;
        let (config, isa) = planned(&folder)?;
        signals::catch()?;
        Folder::refuse_busy(&folder)?;
        let wanted = |id: &str| !self.needed || config.is_needed(id);
        let parts = merge::parts(&config, isa, &folder, Duration::from_secs(wait), wanted)?;
        let options = RunOptions {
            out: Some(folder),
            resume: true,
            parts,
            ..RunOptions::new(threads(asked)?, Show::suited(quiet))
        };
        if self.needed {
            run::check_memory(&config, options.threads, wanted)?;
            return run::conclude_needed(&config, isa, &options);
        }
        run_and_report(&config, &options, &export)
    }
}

/// The arguments of `harness status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Folder of the run
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,

    /// Print every unit as CSV: the part that has computed it, the time that was estimated and that it took
    #[arg(long)]
    pub units: bool,
}

impl StatusArgs {
    /// Says how far the parts of a run are.
    pub fn execute(self) -> Result<()> {
        self.print(&merge::status(&configuration(&self.folder)?, &self.folder)?)
    }

    /// Prints how far the parts of something are.
    pub fn print(&self, status: &Status) -> Result<()> {
        match self.units {
            true => print(Table::of(&status.units).csv()),
            false => print(&status.text()),
        }
    }
}
