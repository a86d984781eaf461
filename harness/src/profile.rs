//! The profile of a run: where its time goes, and how far its kernels are from what the machine can do. It is the work
//! of `harness profile`.
//!
//! [`machine`] measures the machine, then the experiments run as usual while [`kernels::profile`] counts and a
//! [`sampler`] samples stacks. The result is four [tables] in the folder `profile` of the run; everything that is shown
//! is drawn from them: the roofline and the flame graph of [`figures`], the text for the terminal and the section of
//! the report of [`view`].

pub mod figures;
pub mod machine;
pub mod sampler;
pub mod symbols;
pub mod tables;
pub mod view;

use std::path::Path;
use std::time::Instant;

use kernels::Isa;
use kernels::profile::{self as counters, Snapshot};

use crate::error::Result;
use crate::session::progress::{Progress, Show};
use crate::store::folder::Folder;
use crate::store::system;
use crate::table::{Table, Tables, describe};
use machine::Rate;
use sampler::Sampler;
use tables::{ALL, Kernel, Roofs, Spent, Stack, Taken};

/// The name of the folder of a profile in that of its run.
pub const FOLDER: &str = "profile";

/// The profile of a run.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The rates of the machine.
    pub machine: Vec<Rate>,
    /// The time and the work of each kernel.
    pub kernels: Vec<Kernel>,
    /// The time that each experiment spent on each phase.
    pub experiments: Vec<Spent>,
    /// The sampled stacks; empty where they could not be sampled.
    pub stacks: Vec<Stack>,
}

impl Profile {
    /// Reads the profile in the folder of a run, if the run has one.
    pub fn read(run: &Path) -> Result<Option<Profile>> {
        let folder = run.join(FOLDER);
        if !system::exists(&folder)? {
            return Ok(None);
        }
        let tables = Tables::read(&ALL, &folder)?;
        Ok(Some(Profile {
            machine: tables.rows(),
            kernels: tables.rows(),
            experiments: tables.rows(),
            stacks: tables.rows(),
        }))
    }

    /// Writes the tables of the profile and a description of their columns into the folder of a run.
    pub fn write(&self, run: &Folder) -> Result<()> {
        let tables = [
            Table::of(&self.machine),
            Table::of(&self.kernels),
            Table::of(&self.experiments),
            Table::of(&self.stacks),
        ];
        for table in tables {
            let name = format!("{FOLDER}/{}.csv", table.spec().name);
            run.write(name, table.csv())?;
        }
        let summary = "Where the time of a run went, and what its kernels reach.";
        let readme = describe::columns("Profile", summary, ALL.iter().copied());
        run.write(format!("{FOLDER}/README.md"), readme)
    }
}

/// Returns the CSV files of a profile, by their names in the folder of a run.
pub fn csv_files() -> impl Iterator<Item = String> {
    ALL.iter().map(|spec| format!("{FOLDER}/{}.csv", spec.name))
}

/// The recorder of the profile of a run, from its start to [`finish`](Recorder::finish).
pub struct Recorder {
    machine: Vec<Rate>,
    threads: usize,
    sampler: Result<Sampler, String>,
    /// The time at which the current experiment began, and what was counted by then.
    begun: (Instant, Snapshot),
    taken: Vec<Taken>,
}

impl Recorder {
    /// Measures the machine, then begins to count and to sample.
    ///
    /// # Errors
    /// If the user interrupts.
    pub fn start(isa: Isa, threads: usize) -> Result<Recorder> {
        let machine = machine::measure(isa, threads)?;
        let recorder = Recorder {
            machine,
            threads,
            sampler: Sampler::start(),
            begun: (Instant::now(), counters::snapshot()),
            taken: Vec::new(),
        };
        counters::set_enabled(true);
        Ok(recorder)
    }

    /// Notes that an experiment begins.
    pub fn begin(&mut self) {
        self.begun = (Instant::now(), counters::snapshot());
    }

    /// Notes that the experiment `id` ends, with what it took.
    pub fn end(&mut self, id: &str) {
        let (begun, before) = &self.begun;
        self.taken.push(Taken {
            experiment: id.into(),
            time: begun.elapsed().as_secs_f64(),
            counts: counters::snapshot().since(before),
        });
    }

    /// Ends the recording, and returns the profile.
    pub fn finish(mut self, show: Show) -> Profile {
        counters::set_enabled(false);
        let mut stacks = Vec::new();
        let sampler = std::mem::replace(&mut self.sampler, Err(String::new()));
        match sampler.and_then(Sampler::stacks) {
            Ok(sampled) => {
                let row = |(stack, samples)| Stack { stack, samples };
                stacks.extend(sampled.into_iter().map(row));
            }
            Err(why) => Progress::new(FOLDER, show).say(&format!("no flame graph: {why}")),
        }
        let roofs = Roofs::of(&self.machine).expect("every rate was measured");
        Profile {
            kernels: tables::kernels(&self.taken, &roofs),
            experiments: tables::experiments(&self.taken, self.threads),
            machine: std::mem::take(&mut self.machine),
            stacks,
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Counting ends after a run that fails, too.
        counters::set_enabled(false);
    }
}
