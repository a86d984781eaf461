//! Figures and one self-contained HTML page, from the CSV files of a run alone: the same code after
//! a run and for `harness report`.

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

/// Draws all figures of the run in a folder and writes `report.html` there.
pub fn write(registry: &Registry, run: &Path, export: &Export) -> Result<()> {
    let own = registry.experiments().map(|experiment| experiment.id());
    let folder = Folder::open(run, own.chain([profile::FOLDER]))?;
    draw(registry, &folder, export)
}

/// Draws all figures and writes `report.html`, in the folder of a run that has just ended.
pub fn draw(registry: &Registry, folder: &Folder, export: &Export) -> Result<()> {
    let report = Report::read(registry, folder.path())?;
    report.draw(|name, contents| folder.write_with(name, contents, export.made_of(name, contents)?))
}

/// Draws the run in a folder into a new folder, with the tables that the page links to; the run's own is only read.
pub fn write_elsewhere(registry: &Registry, run: &Path, out: &Path, export: &Export) -> Result<()> {
    let report = Report::read_at_rest(registry, run)?;
    let folder = Folder::create_beside(out, run)?;
    report.write_tables(&folder)?;
    report.draw(|name, contents| folder.write_with(name, contents, export.made_of(name, contents)?))
}

impl Report {
    /// Reads the ledger and the tables of all experiments that a folder holds.
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

    /// Reads as [`read`](Self::read) does, in a folder that this process has not locked; refused if another one writes
    /// there.
    fn read_at_rest(registry: &Registry, path: &Path) -> Result<Self> {
        Folder::refuse_busy(path)?;
        let before = manifest::of_run(path)?;
        let report = Self::read(registry, path)?;
        // Whoever has written there meanwhile is there still, or has left another manifest.
        Folder::refuse_busy(path)?;
        match manifest::of_run(path)? == before {
            true => Ok(report),
            false => Err(folder::busy(path)),
        }
    }

    /// Writes all tables again.
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

    /// Draws all figures and the page, and hands each to `write` with the name of its file.
    pub fn draw(&self, mut write: impl FnMut(&str, &str) -> Result<()>) -> Result<()> {
        let page = page::page(self, &mut write)?;
        write(names::REPORT, &page)
    }
}
