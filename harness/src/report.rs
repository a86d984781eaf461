//! Figures and one self-contained HTML page, from the CSV files of a run alone: the same code after
//! a run and for `harness report`.

use std::path::Path;

use crate::claim::measures::MEASURES;
use crate::error::Result;
use crate::experiment::registry::Registry;
use crate::html::escape;
use crate::profile::{self, Profile};
use crate::run::results;
use crate::store::folder::Folder;
use crate::store::names;
use crate::table::{Table, Tables};
use crate::text::put;

pub mod contents;
mod page;

use contents::{Chapter, Report};

/// Draws all figures and writes `report.html`.
pub fn write(registry: &Registry, folder: &Folder) -> Result<()> {
    let report = Report::read(registry, folder.path())?;
    report.draw(|name, contents| folder.write(name, contents))
}

impl Report {
    /// Reads the ledger and the tables of all experiments that a folder holds.
    pub fn read(registry: &Registry, path: &Path) -> Result<Self> {
        let (run, ledger) = results::ledger(path)?;
        let mut sections = Vec::new();
        for section in registry.0 {
            let mut chapters = Vec::new();
            for &experiment in section.experiments {
                let folder = path.join(experiment.id());
                if folder.is_dir() {
                    results::verify(path, results::csv_files(experiment))?;
                    chapters.push(Chapter {
                        experiment,
                        tables: Tables::read(experiment.tables(), &folder)?,
                        measures: Table::read(&MEASURES, &folder.join(names::MEASURES))?,
                    });
                }
            }
            if !chapters.is_empty() {
                sections.push((section, chapters));
            }
        }
        if path.join(profile::FOLDER).is_dir() {
            results::verify(path, profile::csv_files())?;
        }
        let profile = Profile::read(path)?;
        Ok(Report {
            run,
            ledger,
            sections,
            profile,
        })
    }

    /// Draws all figures and the page, and hands each to `write` with the name of its file.
    pub fn draw(&self, mut write: impl FnMut(&str, &str) -> Result<()>) -> Result<()> {
        let mut body = String::new();
        for (section, chapters) in &self.sections {
            let (title, story) = (escape(section.title), escape(section.story));
            put(
                &mut body,
                format_args!("<h2>{title}</h2>\n<p>{story}</p>\n"),
            );
            for chapter in chapters {
                page::write_chapter(&mut body, &mut write, chapter, &self.ledger)?;
            }
        }
        if let Some(profile) = &self.profile {
            profile.draw(&mut body, &mut write)?;
        }
        write(names::REPORT, &page::page(self, &body))
    }
}
