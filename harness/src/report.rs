//! The report of a run: figures and one self-contained HTML page, made from the CSV files of the run alone. The same
//! code draws it after a run and for `harness report`.

use std::path::Path;

use crate::claim::measures::Measurement;
use crate::error::Result;
use crate::experiment::registry::Registry;
use crate::figure::export::Export;
use crate::profile::{self, Profile};
use crate::run::{manifest, results};
use crate::store::folder::{self, Folder};
use crate::store::{names, system};
use crate::table::{Record, Table, Tables};

pub mod contents;
mod page;
mod specification;
mod strip;
mod summary;

use contents::{Chapter, Report};

/// Draws all figures of the run in the folder `run`, and writes them and `report.html` to that folder.
pub fn write(registry: &Registry, run: &Path, export: &Export) -> Result<()> {
    let own = registry.experiments().map(|experiment| experiment.id());
    let folder = Folder::open(run, own.chain([profile::FOLDER]))?;
    draw(registry, &folder, export)
}

/// Draws all figures of a run that has just ended, and writes them and `report.html` to its folder.
pub fn draw(registry: &Registry, folder: &Folder, export: &Export) -> Result<()> {
    let report = Report::read(registry, folder.path())?;
    report.draw(|name, contents| folder.write_with(name, contents, export.made_of(name, contents)?))
}

/// Draws the run in the folder `run` into the new folder `out`, with the tables that the page links to. The folder of
/// the run is only read.
pub fn write_elsewhere(registry: &Registry, run: &Path, out: &Path, export: &Export) -> Result<()> {
    let report = Report::read_at_rest(registry, run)?;
    let folder = Folder::create_beside(out, run)?;
    report.write_tables(&folder)?;
    report.draw(|name, contents| folder.write_with(name, contents, export.made_of(name, contents)?))
}

impl Report {
    /// Reads the ledger, the tables of all experiments that the folder `path` holds, and the profile if there is one.
    pub fn read(registry: &Registry, path: &Path) -> Result<Self> {
        let (run, ledger) = results::ledger(path)?;
        let again = results::again(path)?;
        let mut sections = Vec::new();
        for section in registry.0 {
            let mut chapters = Vec::new();
            for &experiment in section.experiments {
                let folder = path.join(experiment.id());
                if system::exists(&folder)? {
                    results::verify(path, results::csv_files(experiment), &again)?;
                    chapters.push(Chapter {
                        experiment,
                        tables: Tables::read(experiment.about().tables, &folder)?,
                        measures: Table::read(Measurement::SPEC, &folder.join(names::MEASURES))?,
                    });
                }
            }
            if !chapters.is_empty() {
                sections.push((section, chapters));
            }
        }
        if system::exists(&path.join(profile::FOLDER))? {
            results::verify(path, profile::csv_files(), &again)?;
        }
        let profile = Profile::read(path)?;
        Ok(Report {
            run,
            ledger,
            sections,
            profile,
        })
    }

    /// Reads as [`read`](Self::read) does, from a folder that this process has not locked.
    ///
    /// # Errors
    /// Also if another process writes to the folder.
    fn read_at_rest(registry: &Registry, path: &Path) -> Result<Self> {
        Folder::refuse_busy(path)?;
        let before = manifest::of_run(path)?;
        let report = Self::read(registry, path)?;
        // A process that has written to the folder meanwhile either still has it locked or has left another manifest.
        Folder::refuse_busy(path)?;
        match manifest::of_run(path)? == before {
            true => Ok(report),
            false => Err(folder::busy(path)),
        }
    }

    /// Writes all tables that were read to `folder`.
    fn write_tables(&self, folder: &Folder) -> Result<()> {
        folder.write(names::RUN, Table::of(&self.run).csv())?;
        let [claims, specification] = self.ledger.to_tables();
        folder.write(names::CLAIMS, claims.csv())?;
        folder.write(names::SPECIFICATION, specification.csv())?;
        for chapter in self.sections.iter().flat_map(|(_, chapters)| chapters) {
            let experiment = chapter.experiment;
            results::write_tables(folder, experiment, &chapter.tables)?;
            let measures = format!("{}/{}", experiment.id(), names::MEASURES);
            folder.write(measures, chapter.measures.csv())?;
        }
        self.profile
            .iter()
            .try_for_each(|profile| profile.write(folder))
    }

    /// Draws all figures and the page, and calls `write` for each with the name of its file and its contents.
    pub fn draw(&self, mut write: impl FnMut(&str, &str) -> Result<()>) -> Result<()> {
        let page = page::page(self, &mut write)?;
        write(names::REPORT, &page)
    }
}
