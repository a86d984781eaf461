//! The results of a run: its tables and its ledger, read back and held to their checksums.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use kernels::Isa;

use crate::claim::ledger::Ledger;
use crate::claim::measures::Measurement;
use crate::claim::{Cell, Entry};
use crate::error::{Error, Result};
use crate::experiment::erased::Erased;
use crate::run::config::Config;
use crate::run::manifest;
use crate::run::parts::COMMANDS;
use crate::store::folder::Folder;
use crate::store::{names, system};
use crate::table::{Record, Table, Tables, describe};
use crate::text::quoted_path;

crate::rows! {
    /// What was run.
    pub struct Fact in "run" {
        /// what
        key: String [""],
        /// its value
        value: String [""],
    }
}

/// Returns the rows of `run.csv`, which the head of the report shows: all about a run that decides its bytes, settings
/// aside.
pub fn facts(config: &Config, isa: Isa) -> Vec<Fact> {
    let seeds: Vec<_> = config.seed_list().iter().map(u64::to_string).collect();
    let fact = |(key, value): (&str, &str)| Fact {
        key: key.into(),
        value: value.into(),
    };
    let facts = [
        ("preset", config.preset.name()),
        ("seeds", &seeds.join(" ")),
        ("instruction set", isa.name()),
        ("harness", env!("CARGO_PKG_VERSION")),
    ];
    facts.map(fact).into()
}

/// The rows of `run.csv` of the reference run.
pub static REFERENCE: LazyLock<Vec<Fact>> = LazyLock::new(|| {
    let facts = Table::from_csv(Fact::SPEC, include_str!("../../reference/run.csv"));
    facts.expect("the committed facts are some").rows()
});

/// Returns a short description of a run: `preset quick, 5 seeds`.
pub fn in_short(facts: &[Fact]) -> String {
    let of = |key: &str| facts.iter().find(|fact| fact.key == key);
    let value = |key: &str| of(key).map_or("", |fact| fact.value.as_str());
    let plural = match value("seeds").split_whitespace().count() {
        1 => "1 seed".into(),
        seeds => format!("{seeds} seeds"),
    };
    format!("preset {}, {plural}", value("preset"))
}

/// Reads `run.csv` and the ledger of a finished run, with its specification curves.
pub fn ledger(path: &Path) -> Result<(Vec<Fact>, Ledger)> {
    let claims = path.join(names::CLAIMS);
    if !system::exists(&claims)? {
        return Err(Error::input(format!(
            "{} holds no finished run: there is no {} in it; `harness run --resume {}` ends one that was interrupted",
            path.display(),
            names::CLAIMS,
            quoted_path(path)
        )));
    }
    verify(
        path,
        [names::CLAIMS, names::SPECIFICATION, names::RUN].map(String::from),
        &again(path)?,
    )?;
    let specification = Table::read(Cell::SPEC, &path.join(names::SPECIFICATION))?;
    let ledger = Ledger::from_tables(&Table::read(Entry::SPEC, &claims)?, &specification);
    let facts = Table::read(Fact::SPEC, &path.join(names::RUN))?;
    Ok((facts.rows(), ledger))
}

/// Returns the finished runs in a folder, the one that ended last first, by the time of its `claims.csv`.
pub fn finished(parent: &Path) -> Result<Vec<PathBuf>> {
    if !system::exists(parent)? {
        return Ok(Vec::new());
    }
    let mut runs = Vec::new();
    for entry in system::entries(parent)? {
        let ledger = entry.path().join(names::CLAIMS);
        if entry.path().is_dir() && system::exists(&ledger)? {
            let ended = std::fs::metadata(&ledger).and_then(|about| about.modified());
            runs.push((ended.map_err(Error::io("read", &ledger))?, entry.path()));
        }
    }
    runs.sort_unstable_by(|a, b| b.cmp(a));
    Ok(runs.into_iter().map(|(_, path)| path).collect())
}

/// Reads the measurements for the claims of an experiment at their point settings.
pub fn measures(run: &Path, experiment: &str) -> Result<Vec<Measurement>> {
    let name = format!("{experiment}/{}", names::MEASURES);
    let path = run.join(&name);
    if !system::exists(&path)? {
        return Err(Error::input(format!(
            "{} is not there, and the conditions of a claim are read from it; put it back, or repeat the run in a new \
             folder: `harness run --config {}`",
            path.display(),
            quoted_path(&run.join(names::CONFIG))
        )));
    }
    verify(run, [name], &again(run)?)?;
    let mut rows = Table::read(Measurement::SPEC, &path)?.rows::<Measurement>();
    rows.retain(|row| row.setting.is_empty());
    Ok(rows)
}

/// Returns the CSV files of an experiment, by their names in the folder of a run.
pub fn csv_files(experiment: &dyn Erased) -> impl Iterator<Item = String> {
    let tables = experiment.about().tables.iter().map(|t| t.name);
    let id = experiment.id();
    tables
        .chain([Measurement::SPEC.name])
        .map(move |name| format!("{id}/{name}.csv"))
}

/// Returns the command that computes again what is lost of the run in a folder.
pub fn again(run: &Path) -> Result<String> {
    Ok(match system::exists(&run.join(names::PLAN))? {
        true => COMMANDS.merge(run),
        false => format!("`harness run --resume {}`", quoted_path(run)),
    })
}

/// Checks that files are as the run in a folder left them, where its manifest is there to tell. Errors name `again`,
/// the command that computes the files again.
pub fn verify(run: &Path, names: impl IntoIterator<Item = String>, again: &str) -> Result<()> {
    let Some(checksums) = manifest::read_checksums(run)? else {
        return Ok(());
    };
    let mut names = names.into_iter();
    names.try_for_each(|name| checksums.verify(run, &name, again))
}

/// Returns whether the results of an experiment are there.
pub fn is_complete(run: &Path, experiment: &dyn Erased) -> Result<bool> {
    system::exists(&run.join(experiment.id()).join(names::MEASURES))
}

/// Writes the tables of an experiment, and beside them a `README.md` that explains their columns.
pub fn write_tables(folder: &Folder, experiment: &dyn Erased, tables: &Tables) -> Result<()> {
    let id = experiment.id();
    for table in tables.iter() {
        folder.write(format!("{id}/{}.csv", table.spec().name), table.csv())?;
    }
    let specs = experiment
        .about()
        .tables
        .iter()
        .copied()
        .chain([Measurement::SPEC]);
    let columns = describe::columns(experiment.about().title, experiment.about().summary, specs);
    folder.write(format!("{id}/README.md"), columns)
}
