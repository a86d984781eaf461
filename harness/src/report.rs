//! Figures and one self-contained HTML page, from the CSV files of a run alone: the same code after
//! a run and for `harness report`.

use std::path::Path;

use kernels::Isa;

use crate::claim::{CLAIMS, Ledger, MEASURES};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::experiment::Erased;
use crate::experiments;
use crate::manifest;
use crate::output::{self, Folder};
use crate::profile::{self, Profile};
use crate::table::{Column, Table, TableSpec, Tables};

mod page;
mod words;

pub use page::drawing;
use words::put;
pub use words::{escape, number, sign, spread};

/// All that a report is drawn from.
pub struct Report {
    /// `run.csv`.
    pub run: Table,
    /// `claims.csv`.
    pub ledger: Ledger,
    /// In the order of the post.
    pub chapters: Vec<Chapter>,
    /// Where the time went, of a run that was profiled.
    pub profile: Option<Profile>,
}

/// An experiment with what its files say.
pub struct Chapter {
    /// The experiment.
    pub experiment: &'static dyn Erased,
    /// Its tables.
    pub tables: Tables,
    /// Its `measures.csv`.
    pub measures: Table,
}

/// Columns of `run.csv`: what the head of the report says of the run.
pub static RUN: TableSpec = TableSpec {
    name: "run",
    about: "What was run.",
    columns: &[
        Column::text("key", "what"),
        Column::text("value", "its value"),
    ],
};

/// The table of `run.csv`: everything about a run that decides its bytes, settings aside.
pub fn run_table(config: &Config, isa: Isa) -> Table {
    let mut table = Table::new(&RUN);
    let seeds = config.seed_list();
    let list: Vec<_> = seeds.iter().map(u64::to_string).collect();
    for (key, value) in [
        ("preset", config.preset.name().to_string()),
        ("seeds", list.join(" ")),
        ("instruction set", isa.name().to_string()),
        ("harness", env!("CARGO_PKG_VERSION").to_string()),
    ] {
        table.push([key.into(), value.into()]);
    }
    table
}

/// Draws all figures and writes `report.html`.
pub fn write(folder: &Folder) -> Result<()> {
    let report = Report::read(folder.path())?;
    report.draw(|name, contents| folder.write(name, contents))
}

/// Draws the run in a folder into a new folder, with the tables that the page links to; the run's own is only read.
pub fn write_elsewhere(run: &Path, out: &Path) -> Result<()> {
    let report = Report::read_at_rest(run)?;
    let folder = Folder::create_beside(out, run)?;
    report.write_tables(&folder)?;
    report.draw(|name, contents| folder.write(name, contents))
}

/// Reads `run.csv` and the ledger of a finished run.
pub fn ledger(path: &Path) -> Result<(Table, Ledger)> {
    let claims = path.join("claims.csv");
    if !output::exists(&claims)? {
        return Err(Error::input(format!(
            "{} holds no finished run: there is no claims.csv in it",
            path.display()
        )));
    }
    verify(path, ["claims.csv".into(), "run.csv".into()])?;
    let ledger = Ledger::from_table(&Table::read(&CLAIMS, &claims)?);
    Ok((Table::read(&RUN, &path.join("run.csv"))?, ledger))
}

/// The CSV files of an experiment, by their names in the folder of a run.
pub fn csv_files(experiment: &dyn Erased) -> impl Iterator<Item = String> {
    let tables = experiment.tables().iter().map(|t| t.name);
    let id = experiment.id();
    tables
        .chain([MEASURES.name])
        .map(move |name| format!("{id}/{name}.csv"))
}

/// Checks that files are as the run in a folder left them, where its manifest is there to tell.
fn verify(run: &Path, names: impl IntoIterator<Item = String>) -> Result<()> {
    let Some(checksums) = manifest::read_checksums(run)? else {
        return Ok(());
    };
    let mut names = names.into_iter();
    names.try_for_each(|name| checksums.verify(run, &name))
}

impl Report {
    /// Reads the ledger and the tables of all experiments that a folder holds.
    pub fn read(path: &Path) -> Result<Self> {
        let (run, ledger) = ledger(path)?;
        let mut chapters = Vec::new();
        for &experiment in experiments::ALL {
            let folder = path.join(experiment.id());
            if output::exists(&folder)? {
                verify(path, csv_files(experiment))?;
                chapters.push(Chapter {
                    experiment,
                    tables: Tables::read(experiment.tables(), &folder)?,
                    measures: Table::read(&MEASURES, &folder.join("measures.csv"))?,
                });
            }
        }
        if output::exists(&path.join(profile::FOLDER))? {
            verify(path, profile::csv_files())?;
        }
        let profile = Profile::read(path)?;
        Ok(Report {
            run,
            ledger,
            chapters,
            profile,
        })
    }

    /// As [`read`](Self::read), in a folder that this process has not locked: refused if another one writes there.
    fn read_at_rest(path: &Path) -> Result<Self> {
        Folder::refuse_busy(path)?;
        let before = manifest::text(path)?;
        let report = Self::read(path)?;
        // Whoever has written there meanwhile is there still, or has left another manifest.
        Folder::refuse_busy(path)?;
        match manifest::text(path)? == before {
            true => Ok(report),
            false => Err(output::busy(path)),
        }
    }

    /// Writes all tables again.
    fn write_tables(&self, folder: &Folder) -> Result<()> {
        folder.write("run.csv", self.run.to_csv())?;
        folder.write("claims.csv", self.ledger.to_table().to_csv())?;
        for chapter in &self.chapters {
            let experiment = chapter.experiment;
            write_tables(folder, experiment, &chapter.tables)?;
            let measures = format!("{}/{}.csv", experiment.id(), MEASURES.name);
            folder.write(measures, chapter.measures.to_csv())?;
        }
        self.profile
            .iter()
            .try_for_each(|profile| profile.write(folder))
    }

    /// Draws all figures and the page, and hands each to `write` with the name of its file.
    pub fn draw(&self, mut write: impl FnMut(&str, &str) -> Result<()>) -> Result<()> {
        let mut body = String::new();
        let mut section = None;
        for chapter in &self.chapters {
            let its = chapter.experiment.section();
            if section.replace(its) != Some(its) {
                let (title, story) = (escape(its.title()), escape(its.story()));
                put(
                    &mut body,
                    format_args!("<h2>{title}</h2>\n<p>{story}</p>\n"),
                );
            }
            page::write_chapter(&mut body, &mut write, chapter, &self.ledger)?;
        }
        if let Some(profile) = &self.profile {
            profile.draw(&mut body, &mut write)?;
        }
        write("report.html", &page::page(self, &body))
    }
}

/// Writes the tables of an experiment and explains their columns beside them.
pub fn write_tables(folder: &Folder, experiment: &dyn Erased, tables: &Tables) -> Result<()> {
    let id = experiment.id();
    for table in tables.iter() {
        folder.write(format!("{id}/{}.csv", table.spec().name), table.to_csv())?;
    }
    folder.write(format!("{id}/README.md"), columns(experiment))
}

/// `README.md` beside an experiment's tables: what every column means.
fn columns(experiment: &dyn Erased) -> String {
    let tables = experiment.tables().iter().copied().chain([&MEASURES]);
    columns_of(experiment.title(), experiment.summary(), tables)
}

/// A `README.md` on some tables.
pub fn columns_of(
    title: &str,
    summary: &str,
    tables: impl IntoIterator<Item = &'static TableSpec>,
) -> String {
    let mut text = format!("# {title}\n\n{summary}\n");
    for table in tables {
        put(
            &mut text,
            format_args!("\n## {}.csv\n\n{}\n\n", table.name, table.about),
        );
        text.push_str("| column | unit | meaning |\n| --- | --- | --- |\n");
        for c in table.columns {
            let about = c.about.replace('|', "\\|");
            put(
                &mut text,
                format_args!("| {} | {} | {about} |\n", c.name, c.unit),
            );
        }
    }
    text
}
