//! The command line: its arguments, its commands, and what they print.

pub mod claims_table;
mod common;
mod criteria;
mod figures;
mod listing;
mod paint;
mod parts;
mod planned;
mod running;
mod sae;
mod show;
mod submit;
mod verdicts;

use std::io::Write;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use common::{
    checkpoint_every, in_plain_words, print, printed, terminal_width, threads, threads_in_range,
};
use figures::FigureArgs;
use running::run_and_report;

use crate::error::{Error, Result};
use crate::exhaustion;
use crate::experiments::REGISTRY;
use crate::report;
use crate::run::RunOptions;
use crate::run::config::{Config, Request};
use crate::session::CHECKPOINT_EVERY;
use crate::session::progress::Show;
use crate::settings::Preset;
use crate::store::names;
use crate::store::resumed::{self, RUN};

/// Runs superposition and sparse-autoencoder experiments on the CPU and rules on their claims.
///
/// Without a subcommand, runs the default suite: every experiment, tables, figures and one report
/// in a fresh folder under out/.
#[derive(Debug, Parser)]
#[command(name = "harness", version, arg_required_else_help = false)]
#[command(
    after_help = "Environment:\n  KERNELS_ISA=avx512|avx2|portable  force an instruction set \
    (default: the best of this machine)\n\nExit codes:\n  0 done, whatever the verdicts; 1 a \
    mistake of the program itself; 2 bad input, a file that cannot be read or written, or too little memory; 130 interrupted"
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run experiments, settle their claims, draw their figures
    Run(RunArgs),
    /// Plan a run that many processes share: its units of work, with the time and memory that they take
    Plan(PlanArgs),
    /// Say how far the parts of a planned run are
    Status(parts::StatusArgs),
    /// Make tables, figures and report of what the parts of a planned run have computed
    Merge(parts::RunMergeArgs),
    /// Write scripts by which a cluster computes the parts of a planned run, and merges them
    #[command(subcommand)]
    Submit(submit::Scheduler),
    /// Run experiments while measuring where the time goes, and how far kernels are from what this machine can do
    Profile(ProfileArgs),
    /// Train sparse autoencoders on activations of one's own, and export them
    #[command(subcommand)]
    Sae(sae::Command),
    /// Show the experiments, their claims and what they write; with a name, its settings as well
    List {
        /// Experiments to show in full
        #[arg(value_name = "EXPERIMENT")]
        experiments: Vec<String>,
        /// Print all claims as Markdown, with the verdicts of the run in DIR
        #[arg(long, value_name = "DIR", num_args = 0..=1, conflicts_with = "experiments")]
        markdown: Option<Option<PathBuf>>,
        /// Print what settles each claim, since when, and every change with its reason
        #[arg(long, conflicts_with = "markdown")]
        criteria: bool,
    },
    /// Show all about one claim of a finished run
    #[command(
        after_help = "Without DIR, it is shown as in the run in out/ that ended last, by the time of its claims.csv.\n\n\
        Examples:\n  harness show no-decisive-layer\n  harness show no-decisive-layer out/default-1"
    )]
    Show {
        /// Name of the claim (`harness list` shows all of them)
        #[arg(value_name = "CLAIM", value_parser = show::ClaimName, hide_possible_values = true)]
        claim: String,
        /// Folder of the run [default: the one in out/ that ended last]
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// Draw figures and report of a finished run again, from its CSV files alone
    #[command(
        after_help = "Without --out, they replace those in DIR. With it, DIR is only read, as it must be on a \
        medium that cannot be written; the tables go to OTHER as well, so that the report's links lead to them."
    )]
    Report {
        /// Folder of the run
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Folder to draw into, new or empty and not in DIR [default: DIR itself]
        #[arg(long, value_name = "OTHER")]
        out: Option<PathBuf>,
        #[command(flatten)]
        figures: FigureArgs,
    },
    /// Print a completion script for a shell
    #[command(after_help = "For example: harness completions bash > \
        ~/.local/share/bash-completion/completions/harness")]
    Completions {
        /// Shell that the script is for
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "The units are written to DIR/plan.csv, and the configuration to DIR/config.toml. Every part computes its \
    share of them, and the merge makes of all pieces what one machine would have written, byte for byte.\n\nExample, \
    with GNU parallel in place of a cluster:\n  harness plan --preset full --out run\n  \
    for round in 1 2; do parallel -j 4 harness run --part {}/8 --threads 1 --out run ::: $(seq 8); done\n  \
    harness merge run"
)]
struct PlanArgs {
    #[command(flatten)]
    what: WhatArgs,

    /// Folder of the run, new or empty [default: out/PRESET-N, the first N that is free]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Threads that a part will have, which its memory depends on
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
}

impl PlanArgs {
    fn execute(self) -> Result<()> {
        let config = Config::resolve(&REGISTRY, &self.what.request()?)?;
        let threads = threads_in_range(self.threads)?;
        parts::plan(&config, self.out.as_deref(), threads)
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Settings are resolved in this order, the later one winning: the preset, the \
    configuration file, --set, the other flags.\n\nExamples:\n  harness run response --preset quick\n  \
    harness run response --set response.n=400 --set 'response.widths=[1, 10, 100]'\n  \
    harness run --config out/default-1/config.toml    repeat a run byte for byte"
)]
struct RunArgs {
    #[command(flatten)]
    shared: SharedArgs,

    /// Go on with an interrupted run in its folder: finished experiments are kept, trainings go on from
    /// their checkpoints; without other flags, the configuration is that of the folder
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    resume: Option<PathBuf>,

    #[command(flatten)]
    part: parts::PartArgs,

    /// Leave out units of later rounds than the first N of the plan, so that a task does not begin with them before the
    /// others have ended
    #[arg(long, value_name = "N", requires = "part")]
    rounds: Option<usize>,

    /// Seconds between two checkpoints of a training
    #[arg(long, value_name = "SECONDS", default_value_t = CHECKPOINT_EVERY.as_secs_f64())]
    checkpoint_every: f64,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The preset is quick unless --preset or the file says otherwise. The tables are those of `harness run` \
    with the same settings, byte for byte; the profile is written beside them, to DIR/profile.\n\nExamples:\n  \
    harness profile\n  harness profile multilayer --preset default --threads 1\n  harness report DIR    draw it again"
)]
struct ProfileArgs {
    #[command(flatten)]
    shared: SharedArgs,
}

/// The options that `run`, `profile` and `plan` share, on what to run.
#[derive(Debug, Args)]
struct WhatArgs {
    /// Experiments to run, with those they need [default: all]
    #[arg(value_name = "EXPERIMENT")]
    experiments: Vec<String>,

    /// How much to compute: quick (seconds), default (minutes) or full (hours)
    #[arg(long, value_name = "PRESET")]
    preset: Option<String>,

    /// Read settings from a TOML file of at most 1 MiB, or a pipe such as <(command); the config.toml of an earlier run
    /// repeats that run
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,

    /// Change one setting; may be given many times (`harness list EXPERIMENT` shows all settings)
    #[arg(long, value_name = "experiment.key=value")]
    set: Vec<String>,

    /// First seed [default: 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Number of seeds; an experiment takes the first of them, at most as many as its setting most_seeds [default: 5
    /// quick, 10 default and full]
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
}

/// The options that `run` and `profile` share, on what to run, where to write the results, and what to show.
#[derive(Debug, Args)]
struct SharedArgs {
    #[command(flatten)]
    what: WhatArgs,

    /// Number of threads; results are the same for any [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    /// Folder for the results, new or empty [default: out/PRESET-N, the first N that is free]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    #[command(flatten)]
    figures: FigureArgs,

    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

/// Runs the command line of this process and returns its exit code: 0; 2 for bad input, or a file that cannot be read
/// or written; 130 for an interrupt; or 1 for a bug of the harness, which the message of the panic describes.
pub fn main() -> u8 {
    exhaustion::end_where_threads_run_out();
    let parse =
        || Cli::from_arg_matches(&taking_negative_numbers(Cli::command()).try_get_matches()?);
    let execute = || match parse() {
        Ok(cli) => cli.execute(),
        // Text that was asked for, such as that of --help and --version, is no error.
        Err(said) if !said.use_stderr() => said.print().or_else(printed),
        // Other errors exit as bad input does, with a message of their own.
        Err(refused) => in_plain_words(refused).exit(),
    };
    match std::panic::catch_unwind(execute) {
        Ok(Ok(())) => 0,
        Ok(Err(error)) => {
            // If stderr cannot be written either, the exit code alone tells of the error.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            error.exit_code()
        }
        Err(_) => 1,
    }
}

/// Lets the options of a command and its subcommands take a negative number as a value rather than as the name of an
/// option, so that the message of a refusal names the option.
fn taking_negative_numbers(command: clap::Command) -> clap::Command {
    let names = command.get_subcommands().map(|c| c.get_name().to_string());
    let names: Vec<_> = names.collect();
    let command = command.mut_args(|arg| match arg.get_long() {
        Some(_) if arg.get_action().takes_values() => arg.allow_negative_numbers(true),
        _ => arg,
    });
    let each = names.into_iter();
    each.fold(command, |command, name| {
        command.mut_subcommand(name, taking_negative_numbers)
    })
}

impl Cli {
    fn execute(self) -> Result<()> {
        match self
            .command
            .unwrap_or_else(|| Command::Run(RunArgs::none()))
        {
            Command::Run(args) => args.execute(),
            Command::Plan(args) => args.execute(),
            Command::Status(args) => args.execute(),
            Command::Merge(args) => args.execute(),
            Command::Submit(scheduler) => scheduler.execute(),
            Command::Profile(args) => args.execute(),
            Command::Sae(command) => command.execute(),
            Command::List {
                experiments,
                markdown,
                criteria,
            } => print(&match markdown {
                Some(run) => claims_table::claims(&REGISTRY, run.as_deref())?,
                None if criteria => criteria::list(&REGISTRY, &experiments)?,
                None => listing::list(&REGISTRY, &experiments)?,
            }),
            Command::Show { claim, folder } => {
                let width = terminal_width();
                print(&show::show(&REGISTRY, &claim, folder.as_deref(), width)?)
            }
            Command::Report {
                folder,
                out,
                figures,
            } => {
                let export = figures.export()?;
                match &out {
                    None => report::write(&REGISTRY, &folder, &export)?,
                    Some(out) => report::write_elsewhere(&REGISTRY, &folder, out, &export)?,
                }
                let page = out.unwrap_or(folder).join(names::REPORT);
                print(&format!("{}\n", page.display()))
            }
            Command::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Cli::command(), "harness", &mut script);
                print(&String::from_utf8(script).expect("completion scripts are UTF-8"))
            }
        }
    }
}

impl RunArgs {
    /// Returns the arguments of `run` on a command line without arguments.
    fn none() -> Self {
        #[derive(Parser)]
        struct NoCommand {
            #[command(flatten)]
            run: RunArgs,
        }
        NoCommand::parse_from(["harness"]).run
    }

    fn execute(self) -> Result<()> {
        let export = self.shared.figures.export()?;
        let mut request = self.shared.what.request()?;
        if let Some(folder) = &self.resume
            && request == Request::default()
        {
            resumed::refuse_other(folder, RUN)?;
            request.file = Some(folder.join(names::CONFIG));
        }
        let options = RunOptions {
            resume: self.resume.is_some(),
            out: self.resume.or(self.shared.out.clone()),
            checkpoint_every: checkpoint_every(self.checkpoint_every)?,
            ..self.shared.options()?
        };
        if self.part.is_given() {
            return parts::part(&self.part, self.rounds, &request, &options);
        }
        let config = Config::resolve(&REGISTRY, &request)?;
        let parts = match &options.out {
            Some(run) if options.resume => parts::computed(&config, run)?,
            _ => Vec::new(),
        };
        run_and_report(&config, &RunOptions { parts, ..options }, &export)
    }
}

impl ProfileArgs {
    fn execute(self) -> Result<()> {
        let export = self.shared.figures.export()?;
        let mut request = self.shared.what.request()?;
        // A configuration file names the preset that it starts from, or else starts from the default one.
        if request.file.is_none() {
            request.preset.get_or_insert(Preset::Quick);
        }
        let config = Config::resolve(&REGISTRY, &request)?;
        let options = RunOptions {
            profile: true,
            ..self.shared.options()?
        };
        run_and_report(&config, &options, &export)
    }
}

impl WhatArgs {
    fn request(&self) -> Result<Request> {
        let preset = self.preset.as_deref().map(Preset::from_str).transpose();
        Ok(Request {
            experiments: self.experiments.clone(),
            preset: preset.map_err(|e| Error::input(format!("--preset: {e}")))?,
            file: self.config.clone(),
            set: self.set.clone(),
            seed: self.seed,
            seeds: self.seeds,
        })
    }
}

impl SharedArgs {
    fn options(&self) -> Result<RunOptions> {
        Ok(RunOptions {
            out: self.out.clone(),
            ..RunOptions::new(threads(self.threads)?, Show::suited(self.quiet))
        })
    }
}
