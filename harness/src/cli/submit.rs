//! The command `harness submit slurm`, which writes the scripts with which Slurm computes the parts of a planned run
//! and merges them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, Subcommand};

use super::common::print;
use super::parts::configuration;
use crate::error::{Error, Result};
use crate::parts::Commands;
use crate::parts::plan::{self, Planned};
use crate::run;
use crate::store::folder::Folder;
use crate::text::{put, quoted, quoted_path};

/// The name of the folder of the scripts and of the output of tasks, in the folder of the run.
const SLURM: &str = "slurm";

/// The largest number of tasks of an array in the default configuration of Slurm.
const MOST_TASKS: i64 = 1000;

/// The least time that a task asks for by default, in minutes.
const LEAST_MINUTES: f64 = 10.0;

/// The least time that the merge asks for, in minutes. It measures models, and computes experiments that take seconds.
const LEAST_OF_MERGE: u64 = 60;

/// The memory beside that of the units, in megabytes, for the program and its files.
const MEMORY_BESIDE: f64 = 512.0;

/// A scheduler of a cluster.
#[derive(Debug, Subcommand)]
pub enum Scheduler {
    /// Write the scripts for Slurm: an array with a task for each part, and a merge once all of them have ended
    Slurm(SlurmArgs),
}

/// The arguments of `harness submit slurm`.
#[derive(Debug, Args)]
#[command(
    after_help = "The scripts lie in DIR/slurm, written anew each time: part.sh for a task of the array, merge.sh, and \
    submit.sh, which submits them and can be run again once no job of theirs is left (it looks): parts that are complete \
    end at once. What a task prints \
    goes to DIR/slurm/part-I.log. A task is told a minute before its time is up; it then writes its checkpoints and is \
    queued again, if it has come any further. One whose program failed is queued again as well, three times at most. \
    Options of --sbatch are written as they are given: quote what holds spaces, as in a script.\n\nExample:\n  harness plan --preset full \
    --out run\n  harness submit slurm run --parts 32 --partition short --go\n  harness status run\n\nFor a sweep of trainings, the \
    same three with `harness sae`."
)]
pub struct SlurmArgs {
    /// Folder of the run
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// Number of parts: tasks of the array
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MOST_TASKS))]
    parts: u16,

    /// Cores of each task
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    cpus: u16,

    /// Time of each task, in minutes [default: three times the estimate, and ten at least]
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(2..))]
    time: Option<u64>,

    /// Memory of each task, in megabytes [default: one and a half times the estimate, and 512 beside]
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(1..))]
    memory: Option<u64>,

    /// Partition to submit to [default: that of the cluster]
    #[arg(long, value_name = "NAME")]
    partition: Option<String>,

    /// A further option of sbatch, such as --sbatch=--account=physics; may be given many times
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    sbatch: Vec<String>,

    /// Submit the scripts as well
    #[arg(long)]
    go: bool,
}

/// The estimated memory of the jobs in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// The largest memory that a task needs.
    pub task: f64,
    /// The memory that the merge needs.
    pub merge: f64,
}

impl Scheduler {
    /// Writes the scripts for a run of the suite.
    pub fn execute(self) -> Result<()> {
        let Scheduler::Slurm(args) = self;
        let (config, _) = configuration(&args.folder)?;
        let planned = run::plan::plan(&config, args.cpus());
        // Experiments without units are computed by the merge.
        let memory = config.memory(args.cpus()).into_iter();
        let memory = Memory {
            task: planned.iter().map(|unit| unit.memory).fold(0.0, f64::max),
            merge: memory.map(|(_, needed)| needed).fold(0.0, f64::max),
        };
        args.submit(run::parts::COMMANDS, &planned, memory)
    }
}

impl SlurmArgs {
    /// Returns the folder of the run.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the number of cores of a task.
    fn cpus(&self) -> usize {
        self.cpus.into()
    }

    /// Returns the number of parts.
    pub fn parts(&self) -> usize {
        self.parts.into()
    }

    /// Writes the scripts for the units that are planned in the folder, and submits them if `--go` was given.
    ///
    /// # Errors
    /// Also if a path or an option of sbatch cannot stand in a script, or the submission fails.
    pub fn submit(&self, commands: Commands, planned: &[Planned], memory: Memory) -> Result<()> {
        let run = fs::canonicalize(&self.folder).map_err(Error::io("read", &self.folder))?;
        let here = std::env::current_dir().map_err(Error::io("read", Path::new(".")))?;
        let program = std::env::current_exe();
        let program = program.map_err(Error::io("read", Path::new("/proc/self/exe")))?;
        for path in [&run, &here, &program] {
            if path.to_string_lossy().contains(['\n', '\\']) {
                return Err(Error::input(format!(
                    "{path:?} has a character in its name that scripts for Slurm cannot hold; rename it"
                )));
            }
        }
        if let Some(other) = self
            .sbatch
            .iter()
            .find(|o| !o.starts_with("--") || o.contains('\n'))
        {
            return Err(Error::input(format!(
                "--sbatch is {other:?}; it must be an option on one line, such as --sbatch=--account=physics"
            )));
        }
        let scripts = Scripts {
            args: self,
            run: &run,
            here: &here,
            program: &program,
            commands,
            planned,
            memory,
        };
        let folder = Folder::open(&run, [SLURM])?;
        folder.write(format!("{SLURM}/part.sh"), scripts.part())?;
        folder.write(format!("{SLURM}/merge.sh"), scripts.merge("merge", ""))?;
        if plan::rounds(planned) > 1 {
            folder.write(
                format!("{SLURM}/needed.sh"),
                scripts.merge("needed", " --needed"),
            )?;
        }
        folder.write(format!("{SLURM}/submit.sh"), scripts.submit())?;
        drop(folder);
        let submit = run.join(SLURM).join("submit.sh");
        if !self.go {
            return print(&format!(
                "written: {}\nsubmit them by: sh {}\n",
                run.join(SLURM).display(),
                quoted_path(&submit)
            ));
        }
        let ended = Command::new("sh").arg(&submit).status();
        match ended.map_err(Error::io("run", &submit))? {
            ended if ended.success() => Ok(()),
            ended => Err(Error::input(format!(
                "sh {} failed ({ended}); its messages are above, and it can be run again",
                quoted_path(&submit)
            ))),
        }
    }
}

/// The scripts of a run.
struct Scripts<'a> {
    args: &'a SlurmArgs,
    run: &'a Path,
    /// The folder in which the command was given, to which the paths of data are relative.
    here: &'a Path,
    program: &'a Path,
    commands: Commands,
    planned: &'a [Planned],
    memory: Memory,
}

impl Scripts<'_> {
    /// Returns the head of a script, with the options of sbatch: `what` describes the script, `log` is the file for its
    /// output, `memory` is in bytes.
    fn head(&self, what: &str, log: &str, minutes: u64, memory: f64) -> String {
        let mut text = format!("#!/bin/sh\n# {what} Written by `harness submit slurm`.\n");
        let name = self.run.file_name().unwrap_or_default().to_string_lossy();
        let mut option = |option: &str| put(&mut text, format_args!("#SBATCH {option}\n"));
        option(&format!(
            "--job-name={}",
            quoted(&format!("harness {name}"))
        ));
        option(&format!(
            "--output={}",
            // Slurm replaces a % and what follows it.
            quoted(&format!(
                "{}/{log}",
                self.run.join(SLURM).to_string_lossy().replace('%', "%%")
            ))
        ));
        option(&format!("--chdir={}", quoted_path(self.here)));
        option("--open-mode=append");
        option(&format!("--cpus-per-task={}", self.args.cpus));
        option(&format!("--time={minutes}"));
        option(&format!("--mem={}M", self.megabytes(memory)));
        if let Some(partition) = &self.args.partition {
            option(&format!("--partition={}", quoted(partition)));
        }
        for other in &self.args.sbatch {
            option(other);
        }
        text
    }

    /// Returns the script of a task.
    fn part(&self) -> String {
        let mut text = self.head(
            "A part of a run: a task of an array.",
            "part-%a.log",
            self.minutes(),
            self.memory.task,
        );
        put(
            &mut text,
            format_args!(
                r#"#SBATCH --requeue
#SBATCH --signal=B:USR1@60

begun={folder}/part-"$SLURM_ARRAY_TASK_ID".begun
failed={folder}/part-"$SLURM_ARRAY_TASK_ID".failed
touch "$begun"
{program} {part} --part "$SLURM_ARRAY_TASK_ID/{parts}" ${{1:+--rounds "$1"}} --threads "$SLURM_CPUS_PER_TASK" --out {run} --quiet &
task=$!
# A minute before its time is up, the task is told to write its checkpoints and to end.
time_is_up=
trap 'time_is_up=yes; kill -TERM "$task"' USR1
trap 'kill -TERM "$task"' TERM
wait "$task"
code=$?
# The signal ended the waiting, not the task.
while kill -0 "$task" 2>/dev/null; do
    wait "$task"
    code=$?
done
again() {{
    echo "$1 (code $code); queued again"
    scontrol requeue "$SLURM_JOB_ID"
}}
part=$(printf '%0{digits}d-of-{parts}' "$SLURM_ARRAY_TASK_ID")
if [ "$code" -eq 0 ]; then
    rm -f "$begun" "$failed"
elif [ -n "$time_is_up" ]; then
    # What is done is kept, and the task goes on when its turn comes again, if it has come any further.
    if find {run}/parts/"$part" -name '*.ckpt' -newer "$begun" | grep -q .; then
        again "its time was up"
    else
        echo "its time was up before anything was done: ask for more by --time"
    fi
elif [ "$code" -ne 130 ]; then
    # Three times, then its error is one that comes again. 130 is the end that was asked for by scancel.
    echo "$code" >>"$failed"
    [ "$(wc -l <"$failed")" -gt 3 ] || again "it failed"
fi
exit "$code"
"#,
                program = quoted_path(self.program),
                part = arguments(self.commands.part),
                parts = self.args.parts,
                digits = self.args.parts.to_string().len(),
                folder = quoted_path(&self.run.join(SLURM)),
                run = quoted_path(self.run),
            ),
        );
        text
    }

    /// Returns the script of a merge, whose log is named `name`, with a further option of the merge.
    fn merge(&self, name: &str, option: &str) -> String {
        let mut text = self.head(
            "The merge of all parts of a run, or of what others need of it.",
            &format!("{name}.log"),
            self.minutes().max(LEAST_OF_MERGE),
            self.memory.merge,
        );
        put(
            &mut text,
            format_args!(
                "\nexec {} {}{option} --threads \"$SLURM_CPUS_PER_TASK\" --quiet {}\n",
                quoted_path(self.program),
                arguments(self.commands.merge),
                quoted_path(self.run),
            ),
        );
        text
    }

    /// Returns the script that submits the others: an array for each round, each after the one before, and the merge.
    fn submit(&self) -> String {
        let parts = self.args.parts;
        let mut text = format!(
            r#"#!/bin/sh
# Submits all parts of a run, and their merge. Written by `harness submit slurm`.
# Run it again after a failure: parts that are complete end at once.
set -e
cd {folder}
if ! mkdir submitting 2>/dev/null; then
    echo "another submission is under way; if it is not, remove $PWD/submitting" >&2
    exit 1
fi
trap 'rmdir submitting' EXIT
# Jobs of the last submission would write to the same folders. Slurm forgets those that ended long ago.
if [ -s jobs ]; then
    left=$(squeue --noheader --jobs="$(paste -sd, jobs)" 2>&1) || case $left in *"Invalid job id"*) left= ;; esac
    if [ -n "$left" ]; then
        echo "the jobs $(paste -sd, jobs) of this run may still write to it; wait for them, or end them by scancel:" >&2
        echo "$left" >&2
        exit 1
    fi
fi
rm -f jobs part-*.failed
# Submits a job with these arguments, and prints its number.
job() {{
    number=$(sbatch --parsable "$@") || return
    echo "${{number%%;*}}" | tee -a jobs
}}
"#,
            folder = quoted_path(&self.run.join(SLURM))
        );
        let rounds = plan::rounds(self.planned).max(1);
        let mut after = String::new();
        for round in 1..=rounds {
            // Each array is limited to the rounds so far: a task that went on to the next round would keep the other
            // tasks from it.
            let argument = match rounds {
                1 => String::new(),
                _ => format!(" {round}"),
            };
            if round == 2 {
                text.push_str(
                    "# Units of a later round need experiments of those before, which are concluded in between.\n",
                );
            }
            if round > 1 {
                put(
                    &mut text,
                    format_args!(
                        "needed=$(job{after} needed.sh)\necho \"what round {round} needs: job $needed\"\n"
                    ),
                );
                after = dependency("needed");
            }
            put(
                &mut text,
                format_args!(
                    "round=$(job --array=1-{parts}{after} part.sh{argument})\n\
                     echo \"parts, round {round} of {rounds}: job $round\"\n"
                ),
            );
            after = dependency("round");
        }
        put(
            &mut text,
            format_args!(
                "merge=$(job{after} merge.sh)\n\
                 echo \"merge: job $merge\"\n"
            ),
        );
        text
    }

    /// Returns the time that a task asks for, in minutes.
    fn minutes(&self) -> u64 {
        self.args.time.unwrap_or_else(|| {
            let loads = plan::loads(self.planned, self.args.parts());
            let longest = loads.iter().flatten().copied().fold(0.0, f64::max);
            (3.0 * longest / 60.0 / self.args.cpus() as f64)
                .max(LEAST_MINUTES)
                .ceil() as u64
        })
    }

    /// Returns the memory in megabytes that a job asks for if it needs `memory` bytes.
    fn megabytes(&self, memory: f64) -> u64 {
        let needed = (1.5 * memory / 1e6 + MEMORY_BESIDE).ceil() as u64;
        self.args.memory.unwrap_or(needed)
    }
}

/// Returns the options of a job that begins once all tasks of the job in the shell variable `variable` have succeeded.
fn dependency(variable: &str) -> String {
    format!(" --dependency=afterok:\"${variable}\" --kill-on-invalid-dep=yes")
}

/// Returns a command of the harness without the name of the program.
fn arguments(command: &str) -> &str {
    command.trim_start_matches("harness ")
}
