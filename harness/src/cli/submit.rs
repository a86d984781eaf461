//! `harness submit slurm`: the scripts by which Slurm computes the parts of a planned run and merges them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, Subcommand};

use super::common::{print, threads};
use super::parts::configuration;
use crate::error::{Error, Result};
use crate::parts::Commands;
use crate::parts::plan::{self, Planned};
use crate::run;
use crate::store::folder::Folder;
use crate::text::put;

/// The folder of the scripts and of what tasks print, in that of the run.
const SLURM: &str = "slurm";

/// Most tasks of an array, where Slurm is set up as it comes.
const MOST_TASKS: i64 = 1000;

/// Least time that a task asks for, in minutes.
const LEAST_MINUTES: f64 = 10.0;

/// Memory beside that of the units, in megabytes: the program and its files.
const MEMORY_BESIDE: f64 = 512.0;

/// A scheduler.
#[derive(Debug, Subcommand)]
pub enum Scheduler {
    /// Write the scripts for Slurm: an array with a task for each part, and a merge once all of them have ended
    Slurm(SlurmArgs),
}

/// The arguments of `harness submit slurm`.
#[derive(Debug, Args)]
#[command(
    after_help = "The scripts lie in DIR/slurm: part.sh for a task of the array, merge.sh, and submit.sh, which submits \
    them and can be run again after a failure: parts that are complete end at once. What a task prints goes to \
    DIR/slurm/part-I.log. A task is told a minute before its time is up; it then writes its checkpoints and is queued \
    again. One that failed is queued again as well, three times at most.\n\nExample:\n  harness plan --preset full \
    --out run\n  harness submit slurm run --parts 32 --partition short --go\n  harness status run"
)]
pub struct SlurmArgs {
    /// Folder of the run
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// Number of parts: tasks of the array
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MOST_TASKS))]
    parts: u16,

    /// Cores of each task
    #[arg(long, value_name = "N", default_value_t = 1)]
    cpus: usize,

    /// Time of each task, in minutes [default: three times the estimate, and ten at least]
    #[arg(long, value_name = "MINUTES")]
    time: Option<u64>,

    /// Memory of each task, in megabytes [default: one and a half times the estimate, and 512 beside]
    #[arg(long, value_name = "MB")]
    memory: Option<u64>,

    /// Partition to submit to [default: that of the cluster]
    #[arg(long, value_name = "NAME")]
    partition: Option<String>,

    /// A further option of sbatch, such as --sbatch=--account=physics; may be given many times
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    sbatch: Vec<String>,

    /// Submit them as well
    #[arg(long)]
    go: bool,
}

impl Scheduler {
    /// Writes the scripts for a run of the suite.
    pub fn execute(self) -> Result<()> {
        let Scheduler::Slurm(args) = self;
        let config = configuration(&args.folder)?;
        let planned = run::plan::plan(&config, threads(Some(args.cpus))?);
        let memory = planned.iter().map(|unit| unit.memory).fold(0.0, f64::max);
        args.submit(run::parts::COMMANDS, &planned, memory)
    }
}

impl SlurmArgs {
    /// The folder of the run.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The number of parts.
    pub fn parts(&self) -> usize {
        self.parts.into()
    }

    /// Writes the scripts for the units that are planned in the folder, of which a task needs so much memory, and submits
    /// them if that was asked for.
    pub fn submit(&self, commands: Commands, planned: &[Planned], memory: f64) -> Result<()> {
        let run = fs::canonicalize(&self.folder).map_err(Error::io("read", &self.folder))?;
        let program = std::env::current_exe();
        let program = program.map_err(Error::io("read", Path::new("/proc/self/exe")))?;
        let here = std::env::current_dir().map_err(Error::io("read", Path::new(".")))?;
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
        folder.write(format!("{SLURM}/merge.sh"), scripts.merge())?;
        folder.write(format!("{SLURM}/submit.sh"), scripts.submit())?;
        drop(folder);
        let submit = run.join(SLURM).join("submit.sh");
        if !self.go {
            return print(&format!(
                "written: {}\nsubmit them by: sh {}\n",
                run.join(SLURM).display(),
                submit.display()
            ));
        }
        let ended = Command::new("sh").arg(&submit).status();
        match ended.map_err(Error::io("run", &submit))? {
            ended if ended.success() => Ok(()),
            ended => Err(Error::input(format!(
                "sh {} failed ({ended}); its messages are above, and it can be run again",
                submit.display()
            ))),
        }
    }
}

/// The scripts of a run.
struct Scripts<'a> {
    args: &'a SlurmArgs,
    run: &'a Path,
    /// The folder that commands are given in, from which they find data.
    here: &'a Path,
    program: &'a Path,
    commands: Commands,
    planned: &'a [Planned],
    /// Estimated memory of a task, bytes.
    memory: f64,
}

impl Scripts<'_> {
    /// The head of a script, with the options of sbatch.
    fn head(&self, what: &str, log: &str) -> String {
        let mut text = format!("#!/bin/sh\n# {what} Written by `harness submit slurm`.\n");
        let name = self.run.file_name().unwrap_or_default().to_string_lossy();
        let mut option = |option: &str| put(&mut text, format_args!("#SBATCH {option}\n"));
        option(&format!(
            "--job-name={}",
            quoted(&format!("harness {name}"))
        ));
        option(&format!(
            "--output={}",
            quoted(&self.run.join(SLURM).join(log).to_string_lossy())
        ));
        option(&format!("--chdir={}", quoted(&self.here.to_string_lossy())));
        option("--open-mode=append");
        option(&format!("--cpus-per-task={}", self.args.cpus));
        option(&format!("--time={}", self.minutes()));
        option(&format!("--mem={}M", self.megabytes()));
        if let Some(partition) = &self.args.partition {
            option(&format!("--partition={}", quoted(partition)));
        }
        for other in &self.args.sbatch {
            option(other);
        }
        text
    }

    /// The script of a task.
    fn part(&self) -> String {
        let mut text = self.head("A part of a run: a task of an array.", "part-%a.log");
        put(
            &mut text,
            format_args!(
                r#"#SBATCH --requeue
#SBATCH --signal=B:TERM@60

{program} {part} --part "$SLURM_ARRAY_TASK_ID/{parts}" --threads "$SLURM_CPUS_PER_TASK" --out {run} --quiet &
task=$!
# A minute before its time is up, the task is told to write its checkpoints and to end.
trap 'kill -TERM "$task"' TERM
wait "$task"
code=$?
# The signal ended the waiting, not the task.
while kill -0 "$task" 2>/dev/null; do
    wait "$task"
    code=$?
done
# What is done is kept, and the task goes on when its turn comes again.
if [ "$code" -eq 130 ] || {{ [ "$code" -ne 0 ] && [ "${{SLURM_RESTART_COUNT:-0}}" -lt 3 ]; }}; then
    echo "ended with code $code; queued again"
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
"#,
                program = quoted(&self.program.to_string_lossy()),
                part = arguments(self.commands.part),
                parts = self.args.parts,
                run = quoted(&self.run.to_string_lossy()),
            ),
        );
        text
    }

    /// The script of the merge.
    fn merge(&self) -> String {
        let mut text = self.head("The merge of all parts of a run.", "merge.log");
        put(
            &mut text,
            format_args!(
                "\nexec {} {} --threads \"$SLURM_CPUS_PER_TASK\" --quiet {}\n",
                quoted(&self.program.to_string_lossy()),
                arguments(self.commands.merge),
                quoted(&self.run.to_string_lossy()),
            ),
        );
        text
    }

    /// The script that submits them: an array for each round, each after the one before, and the merge.
    fn submit(&self) -> String {
        let parts = self.args.parts;
        let mut text = format!(
            "#!/bin/sh\n# Submits all parts of a run, and their merge. Written by `harness submit slurm`.\n\
             # Run it again after a failure: parts that are complete end at once.\nset -e\ncd {}\n",
            quoted(&self.run.join(SLURM).to_string_lossy())
        );
        let rounds = plan::rounds(self.planned).max(1);
        for round in 1..=rounds {
            let after = match round {
                1 => String::new(),
                _ => format!(
                    " --dependency=afterok:\"$round{}\" --kill-on-invalid-dep=yes",
                    round - 1
                ),
            };
            if round == 2 {
                text.push_str(
                    "# Units of a later round need those before, which other parts compute.\n",
                );
            }
            put(
                &mut text,
                format_args!(
                    "round{round}=$(sbatch --parsable --array=1-{parts}{after} part.sh | cut -d ';' -f 1)\n\
                     echo \"parts, round {round} of {rounds}: job $round{round}\"\n"
                ),
            );
        }
        put(
            &mut text,
            format_args!(
                "merge=$(sbatch --parsable --dependency=afterok:\"$round{rounds}\" --kill-on-invalid-dep=yes merge.sh | \
                 cut -d ';' -f 1)\necho \"merge: job $merge\"\n"
            ),
        );
        text
    }

    /// Minutes that a task asks for.
    fn minutes(&self) -> u64 {
        self.args.time.unwrap_or_else(|| {
            let loads = plan::loads(self.planned, self.args.parts());
            let longest = loads.iter().flatten().copied().fold(0.0, f64::max);
            (3.0 * longest / 60.0 / self.args.cpus as f64)
                .max(LEAST_MINUTES)
                .ceil() as u64
        })
    }

    /// Megabytes that a task asks for.
    fn megabytes(&self) -> u64 {
        self.args
            .memory
            .unwrap_or_else(|| (1.5 * self.memory / 1e6 + MEMORY_BESIDE).ceil() as u64)
    }
}

/// The arguments of a command of the harness.
fn arguments(command: &str) -> &str {
    command.trim_start_matches("harness ")
}

/// A word as a shell reads it, whatever it holds.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_a_quoted_word_as_it_was() {
        for word in [
            "plain/path-1.sh",
            "",
            "two words",
            "it's",
            "$HOME `x` \"y\" \\",
            "ä\n",
        ] {
            let script = format!("printf %s {}", quoted(word));
            let out = Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(out.stdout).unwrap(), word);
        }
    }
}
