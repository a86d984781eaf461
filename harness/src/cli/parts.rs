//! The commands `harness plan`, `run --part`, `status` and `merge`, for a run whose units many processes compute.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::common::{choose_isa, print, threads};
use super::figures::FigureArgs;
use super::planned;
use super::running::run_and_report;
use crate::error::{Error, Result};
use crate::experiments::REGISTRY;
use crate::parts::folders::folders;
use crate::parts::plan::{Planned, refuse_other};
use crate::parts::status::Status;
use crate::parts::{Share, Wanted};
use crate::run::config::{Config, Request};
use crate::run::manifest::Manifest;
use crate::run::part::{self, Ended};
use crate::run::parts::COMMANDS;
use crate::run::{self, RunOptions, merge, plan};
use crate::session::progress::Show;
use crate::session::signals;
use crate::store::folder::Folder;
use crate::store::names::{CONFIG, MANIFEST, PLAN};
use crate::table::Table;
use crate::text::put;

/// Writes a plan to a new folder, and prints a summary of it.
pub fn plan(config: &Config, out: Option<&Path>, threads: usize) -> Result<()> {
    let isa = choose_isa(config.isa.as_deref())?;
    let units = plan::plan(config, threads);
    let folder = match out {
        Some(path) => Folder::create(path)?,
        None => Folder::create_numbered(Path::new("out"), config.preset.name())?,
    };
    folder.write(CONFIG, config.to_toml(isa.name()))?;
    folder.write(PLAN, Table::of(&units).csv())?;
    // The manifest records what was planned, and later commands compare the configuration with it.
    let manifest = Manifest::new(config, isa.name(), threads);
    folder.write(MANIFEST, manifest.to_json())?;
    print(&planned::said(COMMANDS, &units, isa, folder.path()))
}

/// The options for the units that a part computes.
#[derive(Debug, Args)]
pub struct PartArgs {
    /// Compute part I of N of what is planned in the folder --out (see the command `plan`), and go on with it if it was
    /// begun
    #[arg(long, value_name = "I/N", requires = "out", conflicts_with_all = ["resume", "units"])]
    part: Option<Share>,

    /// Compute the units in this table, which is made of lines of plan.csv with its first one, of what is planned in
    /// the folder --out; the part has the name of the file, so tables have names of their own
    #[arg(
        long,
        value_name = "FILE.csv",
        requires = "out",
        conflicts_with = "resume"
    )]
    units: Option<PathBuf>,
}

impl PartArgs {
    /// Returns whether only some units are to be computed.
    pub fn is_given(&self) -> bool {
        self.part.is_some() || self.units.is_some()
    }

    /// Returns the units that the part computes, of those that are planned.
    ///
    /// # Errors
    /// If the table of `--units` cannot be used.
    ///
    /// # Panics
    /// If neither option is [given](Self::is_given).
    pub fn wanted(&self, planned: &[Planned]) -> Result<Wanted> {
        match (self.part, &self.units) {
            (Some(share), _) => Ok(Wanted::share(share, planned)),
            (None, Some(file)) => Wanted::listed(file, planned),
            (None, None) => unreachable!("one of them is given"),
        }
    }
}

/// Computes the units of a part of a run, or only those of the first `rounds` rounds if that number is given, and
/// prints how many are there.
pub fn part(
    args: &PartArgs,
    rounds: Option<usize>,
    request: &Request,
    options: &RunOptions,
) -> Result<()> {
    if *request != Request::default() {
        return Err(Error::input(
            "the configuration of a part is that of its plan: leave out experiments, --preset, --config, --set, --seed \
             and --seeds",
        ));
    }
    let run = options.out.as_deref().expect("clap requires it");
    let (config, units) = configuration(run)?;
    let isa = planned::isa(config.isa.as_deref(), run)?;
    let mut wanted = args.wanted(&units)?;
    if let Some(rounds) = rounds {
        wanted = wanted.of_rounds(rounds, &units);
    }
    run::check_memory(&config, options.threads, |id| wanted.has(id))?;
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
                "those of {} need units that other parts have not computed yet: repeat this command once these have \
                 ended\n",
                waiting.join(", ")
            ),
        );
    }
    print(&text)
}

/// Returns the folders of the parts of a run, so that a process that goes on with the run alone can use what the parts
/// have computed.
///
/// # Errors
/// Also if the parts are of another configuration, version or instruction set.
pub fn computed(config: &Config, run: &Path) -> Result<Vec<PathBuf>> {
    let parts = folders(run)?;
    if parts.is_empty() {
        return Ok(parts);
    }
    let isa = choose_isa(config.isa.as_deref())?;
    // A run that is itself of another configuration is refused first, so that the message does not blame its parts.
    Manifest::new(config, isa.name(), 1).resume(run)?;
    merge::refuse_strange(config, isa.name(), &parts)?;
    Ok(parts)
}

/// Returns the configuration of the run that is planned in a folder, and its units.
///
/// # Errors
/// Also if the configuration or the plan in the folder was changed.
pub fn configuration(run: &Path) -> Result<(Config, Vec<Planned>)> {
    let listed = planned::listed(COMMANDS, run)?;
    let request = Request {
        file: Some(run.join(CONFIG)),
        ..Request::default()
    };
    let config = Config::resolve(&REGISTRY, &request)?;
    merge::refuse_changed(&config, run)?;
    let units = plan::plan(&config, 1);
    refuse_other(&listed, &units, run, COMMANDS)?;
    Ok((config, units))
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

    /// Conclude only the experiments that others need, between two rounds of parts: each task then finds their tables
    /// and models in DIR, and need not look for all pieces in the folders of all parts
    #[arg(long)]
    needed: bool,
}

impl RunMergeArgs {
    /// Merges the parts of a run, and prints the results; with `--needed`, concludes only the experiments that others
    /// need.
    pub fn execute(self) -> Result<()> {
        let MergeArgs {
            folder,
            wait,
            threads: asked,
            figures,
            quiet,
        } = self.merge;
        let export = figures.export()?;
        let (config, units) = configuration(&folder)?;
        let isa = planned::isa(config.isa.as_deref(), &folder)?;
        signals::catch()?;
        Folder::refuse_busy(&folder)?;
        let wanted = |id: &str| !self.needed || config.is_needed(id, |_| true);
        let show = Show::suited(quiet);
        let parts = merge::parts(
            &config,
            units,
            &folder,
            (Duration::from_secs(wait), show),
            wanted,
        )?;
        let options = RunOptions {
            out: Some(folder),
            resume: true,
            parts,
            ..RunOptions::new(threads(asked)?, show)
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
    /// Prints how far the parts of a run are.
    pub fn execute(self) -> Result<()> {
        let (config, units) = configuration(&self.folder)?;
        self.print(&merge::status(&config, units, &self.folder)?)
    }

    /// Prints how far the parts of a run or a training are.
    ///
    /// # Errors
    /// Also if files of the parts cannot be used.
    pub fn print(&self, status: &Status) -> Result<()> {
        match self.units {
            true => print(Table::of(&status.units).csv())?,
            false => print(&status.text())?,
        }
        match &status.unfit[..] {
            [] => Ok(()),
            [first] => Err(Error::input(first)),
            [first, others @ ..] => Err(Error::input(format!(
                "{first} (and {} more that cannot be used)",
                others.len()
            ))),
        }
    }
}
