//! `harness sae plan`, `train --part`, `status`, `merge` and `submit`: a training whose models many processes share.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use kernels::Isa;

use super::super::common::{choose_isa, print, threads};
use super::super::parts::{MergeArgs, PartArgs, StatusArgs};
use super::super::planned::{self, TASKS};
use super::super::submit::{Memory, SlurmArgs};
use super::outcome::said;
use super::sweep::{ModelArgs, WhatArgs};
use crate::activations::Rows;
use crate::error::{Error, Result};
use crate::figure::export::Export;
use crate::parts::plan::{Planned, shares};
use crate::session::CHECKPOINT_EVERY;
use crate::session::progress::Show;
use crate::session::signals;
use crate::store::folder::Folder;
use crate::text::{number, quoted_path};
use crate::workbench::config::{Config, Request, file};
use crate::workbench::job::Options;
use crate::workbench::origin::COMMANDS;
use crate::workbench::parts;
use crate::workbench::train::train as train_and_report;

/// The arguments of `harness sae plan`.
#[derive(Debug, Args)]
#[command(
    after_help = "It takes what `harness sae train` does, passes over all of DATA once, and writes DIR/config.toml and \
    DIR/plan.csv, with a line for each model. Every part trains its share of the models, side by side on the same \
    batches, after a pass of its own over all of DATA; the merge passes over them once more, measures all models and \
    writes what one training would have written, byte for byte. Commands are given in the same folder, or with whole \
    paths, as DATA are found from there.\n\nExample, with GNU parallel in place of a cluster:\n  \
    harness sae plan layer6/ --k 16,32,64 --expansion 4,8 --seeds 3 --out layer6-sae\n  \
    parallel -j 4 harness sae train --part {}/8 --threads 1 --out layer6-sae ::: $(seq 8)\n  \
    harness sae merge layer6-sae"
)]
pub struct PlanArgs {
    #[command(flatten)]
    what: WhatArgs,

    #[command(flatten)]
    model: ModelArgs,

    /// Folder of the training, new or empty [default: out/sae-N, the first N that is free]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Number of threads for the pass over the data [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

impl PlanArgs {
    /// Writes the plan, and prints what it comes to.
    pub fn execute(self) -> Result<()> {
        let request = self.model.request(self.what.request()?)?;
        let (config, rows) = Config::resolve(&request)?;
        let isa = choose_isa(config.isa.as_deref())?;
        let options = Options {
            threads: threads(self.threads)?,
            out: self.out,
            resume: false,
            checkpoint_every: CHECKPOINT_EVERY,
            show: Show::suited(self.quiet),
            export: Export::new(&[])?,
            parts: BTreeMap::new(),
        };
        signals::catch()?;
        let plan = parts::plan(&config, rows, isa, &options)?;
        let mut text = in_memory(&plan.units);
        text += &planned::said(COMMANDS, &plan.units, isa, plan.folder.path());
        print(&text)
    }
}

/// Returns a line on the memory of a task, which trains all its models at once, by the number of tasks.
fn in_memory(planned: &[Planned]) -> String {
    let tasks = TASKS.into_iter().filter(|&tasks| tasks <= planned.len());
    let each = tasks.map(|tasks| {
        let most = memory_of_a_task(planned, tasks);
        format!("{} MB for {tasks}", number((most / 1e6).ceil()))
    });
    let each = each.collect::<Vec<_>>().join(", ");
    format!("memory of a task, which trains its models at once, by the number of tasks: {each}\n")
}

/// Returns the largest memory that one of `tasks` tasks needs, in bytes.
fn memory_of_a_task(planned: &[Planned], tasks: usize) -> f64 {
    let mut needed = vec![0.0; tasks];
    for (unit, owner) in planned.iter().zip(shares(planned, tasks)) {
        needed[owner] += unit.memory;
    }
    needed.into_iter().fold(0.0, f64::max)
}

/// Returns the configuration of the training that is planned in the folder `run`, its rows and its instruction set.
fn training(run: &Path) -> Result<(Config, Rows, Isa)> {
    let (config, rows) = configuration(run)?;
    let isa = planned::isa(config.isa.as_deref(), run)?;
    Ok((config, rows, isa))
}

fn configuration(run: &Path) -> Result<(Config, Rows)> {
    planned::listed(COMMANDS, run)?;
    let config = file(run);
    let resolved = Config::resolve(&Request {
        file: Some(config.clone()),
        ..Request::default()
    });
    resolved.map_err(|error| match error {
        Error::Io { path, source, .. } if source.kind() == ErrorKind::NotFound => {
            Error::input(format!(
                "{} names {}, which is not found from here ({source}); give the command in the folder that the training \
                 was planned in",
                config.display(),
                path.display()
            ))
        }
        Error::Input(why) if !why.contains(&*config.to_string_lossy()) => {
            Error::input(format!("{}: {why}", config.display()))
        }
        other => other,
    })
}

/// Trains a share of the models of the training that is planned in the folder of the options.
pub fn train(request: &Request, part: &PartArgs, options: Options) -> Result<()> {
    if *request != Request::default() {
        return Err(Error::input(
            "the configuration of a part is that of its plan: leave out DATA, --config, --set and all flags that stand \
             for a setting",
        ));
    }
    let run = options.out.as_deref().expect("clap requires it");
    let wanted = part.wanted(&planned::listed(COMMANDS, run)?)?;
    let (config, rows, isa) = training(run)?;
    let trained = parts::train(&config, rows, isa, run, &wanted, &options)?;
    print(&format!(
        "models of this part: {trained}, all trained\nthen: {} {}    once all parts are\n",
        COMMANDS.merge,
        quoted_path(run)
    ))
}

/// Merges the parts of a training, and prints the results.
pub fn merge(args: MergeArgs) -> Result<()> {
    let export = args.figures.export()?;
    let (config, rows, isa) = training(&args.folder)?;
    signals::catch()?;
    Folder::refuse_busy(&args.folder)?;
    let show = Show::suited(args.quiet);
    let waits = (Duration::from_secs(args.wait), show);
    let options = Options {
        threads: threads(args.threads)?,
        resume: true,
        checkpoint_every: CHECKPOINT_EVERY,
        show,
        export,
        parts: parts::checkpoints(&config, &rows, &args.folder, waits)?,
        out: Some(args.folder),
    };
    let finished = train_and_report(&config, rows, isa, &options)?;
    print(&format!(
        "{}\nreport: {}\n",
        said(&finished),
        finished.report().display()
    ))
}

/// Prints how far the parts of a training are.
pub fn status(args: StatusArgs) -> Result<()> {
    let (config, rows) = configuration(&args.folder)?;
    args.print(&parts::status(&config, &rows, &args.folder)?)
}

/// Writes the scripts for Slurm, and submits them if that was asked for.
pub fn submit(args: &SlurmArgs) -> Result<()> {
    let planned = planned::listed(COMMANDS, args.folder())?;
    // Tasks find the data from the folder that this command is given in.
    configuration(args.folder())?;
    let each = planned.iter().map(|unit| unit.memory);
    let memory = Memory {
        task: memory_of_a_task(&planned, args.parts()),
        // The parameters of all models, and one with all that its training remembers.
        merge: each.clone().sum::<f64>() / 2.0 + each.fold(0.0, f64::max),
    };
    args.submit(COMMANDS, &planned, memory)
}
