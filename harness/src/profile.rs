//! The profile of a run: where its time goes, and how far its kernels are from what the machine can do: `harness profile`.
//!
//! [`machine`] measures the machine, then the experiments run as ever while [`kernels::profile`] counts and a [`sampler`]
//! looks at stacks. What comes out is four [tables] in the folder `profile` of the run; everything that is shown is
//! drawn from them: the roofline and the flame graph of [`figures`], the text for the terminal and the section of the report of [`view`].

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
use crate::table::{Table, describe};
use sampler::Sampler;
use tables::{ALL, Roofs, STACKS, Taken};

/// Folder of a profile in that of its run.
pub const FOLDER: &str = "profile";

/// What a profile found.
#[derive(Debug, Clone)]
pub struct Profile {
    /// [`machine::MACHINE`]
    pub machine: Table,
    /// [`tables::KERNELS`]
    pub kernels: Table,
    /// [`tables::EXPERIMENTS`]
    pub experiments: Table,
    /// [`tables::STACKS`]; empty where stacks could not be sampled.
    pub stacks: Table,
}

impl Profile {
    /// Reads the profile in the folder of a run, if that has one.
    pub fn read(run: &Path) -> Result<Option<Profile>> {
        let folder = run.join(FOLDER);
        if !system::exists(&folder)? {
            return Ok(None);
        }
        let read = |spec| Table::read(spec, &folder.join(format!("{}.csv", spec.name)));
        let [machine, kernels, experiments, stacks] = ALL;
        Ok(Some(Profile {
            machine: read(machine)?,
            kernels: read(kernels)?,
            experiments: read(experiments)?,
            stacks: read(stacks)?,
        }))
    }

    /// Writes its tables into the folder of its run.
    pub fn write(&self, run: &Folder) -> Result<()> {
        let tables = [
            &self.machine,
            &self.kernels,
            &self.experiments,
            &self.stacks,
        ];
        for table in tables {
            let name = format!("{FOLDER}/{}.csv", table.spec().name);
            run.write(name, table.to_csv())?;
        }
        let summary = "Where the time of a run went, and what its kernels reach.";
        let readme = describe::columns("Profile", summary, ALL.iter().copied());
        run.write(format!("{FOLDER}/README.md"), readme)
    }
}

/// The CSV files of a profile, by their names in the folder of a run.
pub fn csv_files() -> impl Iterator<Item = String> {
    ALL.iter().map(|spec| format!("{FOLDER}/{}.csv", spec.name))
}

/// Profiles a run, from its making to [`finish`](Recorder::finish).
pub struct Recorder {
    machine: Table,
    threads: usize,
    sampler: Result<Sampler, String>,
    /// The time at which the experiment under way began, and what was counted by then.
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

    /// An experiment begins.
    pub fn begin(&mut self) {
        self.begun = (Instant::now(), counters::snapshot());
    }

    /// It ends: notes what it took.
    pub fn end(&mut self, id: &str) {
        let (begun, before) = &self.begun;
        self.taken.push(Taken {
            experiment: id.into(),
            time: begun.elapsed().as_secs_f64(),
            counts: counters::snapshot().since(before),
        });
    }

    /// What was found.
    pub fn finish(mut self, show: Show) -> Profile {
        counters::set_enabled(false);
        let mut stacks = Table::new(&STACKS);
        let sampler = std::mem::replace(&mut self.sampler, Err(String::new()));
        match sampler.and_then(Sampler::stacks) {
            Ok(sampled) => {
                for (stack, samples) in sampled {
                    stacks.push([stack.into(), samples.into()]);
                }
            }
            Err(why) => Progress::new(FOLDER, show).say(&format!("no flame graph: {why}")),
        }
        let roofs = Roofs::of(&self.machine).expect("every rate was measured");
        Profile {
            kernels: tables::kernels(&self.taken, &roofs),
            experiments: tables::experiments(&self.taken, self.threads),
            machine: self.machine.clone(),
            stacks,
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Of a run that fails, too.
        counters::set_enabled(false);
    }
}
