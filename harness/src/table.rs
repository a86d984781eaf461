//! Tidy tables: each row is an observation. Tables are written to CSV files and read back.

use std::path::Path;

use crate::error::{Error, Result};
use crate::input::read_result_text;

mod column;
pub mod describe;
pub mod record;

pub use column::{Column, Line, TableSpec};
pub use record::Record;

/// A table as the text of its CSV file.
#[derive(Debug, Clone)]
pub struct Table {
    spec: &'static TableSpec,
    csv: String,
}

impl Table {
    /// Returns a table without rows.
    pub fn new(spec: &'static TableSpec) -> Self {
        Table::written(spec, std::iter::empty())
    }

    /// Returns the table of the rows `rows`.
    pub fn of<R: Record>(rows: &[R]) -> Self {
        Table::written(R::SPEC, rows.iter().map(R::fields))
    }

    fn written(spec: &'static TableSpec, lines: impl Iterator<Item = Vec<String>>) -> Self {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let written: csv::Result<()> = (|| {
            writer.write_record(spec.names())?;
            for line in lines {
                writer.write_record(line)?;
            }
            Ok(())
        })();
        written.expect("writing to memory");
        let bytes = writer.into_inner().expect("writing to memory");
        let csv = String::from_utf8(bytes).expect("fields are UTF-8");
        Table { spec, csv }
    }

    /// Reads a table from a file; errors name file, line and column.
    pub fn read(spec: &'static TableSpec, path: &Path) -> Result<Self> {
        let text = read_result_text(path)?;
        Self::from_csv(spec, text).map_err(|e| Error::input(format!("{}{e}", path.display())))
    }

    /// Returns the table of a text in CSV.
    ///
    /// # Errors
    /// If the text has other columns, or a field is not what its column holds; the message starts with `:line:` and is
    /// to follow a file name.
    pub fn from_csv(spec: &'static TableSpec, text: impl Into<String>) -> Result<Self, String> {
        let csv = text.into();
        parse(spec, &csv, spec.check)?;
        Ok(Table { spec, csv })
    }

    /// Returns the columns of the table and their meaning.
    pub fn spec(&self) -> &'static TableSpec {
        self.spec
    }

    /// Returns the text of the table's file.
    pub fn csv(&self) -> &str {
        &self.csv
    }

    /// Returns the rows, in order.
    ///
    /// # Panics
    /// If `R` is the row of another table.
    #[track_caller]
    pub fn rows<R: Record>(&self) -> Vec<R> {
        let rows = parse(R::SPEC, &self.csv, R::parse);
        rows.unwrap_or_else(|e| panic!("not rows of table `{}`{e}", R::SPEC.name))
    }
}

/// Returns what `row` makes of each line after the header; errors start with `:line:`.
fn parse<T>(
    spec: &TableSpec,
    text: &str,
    row: impl Fn(&Line) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let mut rows = Vec::new();
    each_line(spec, text, &mut |line| {
        rows.push(row(line)?);
        Ok(())
    })?;
    Ok(rows)
}

/// Hands each line after the header to `take`; errors start with `:line:`. It is compiled once, for all types of rows.
fn each_line(
    spec: &TableSpec,
    text: &str,
    take: &mut dyn FnMut(&Line) -> Result<(), String>,
) -> Result<(), String> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let expected = || spec.names().collect::<Vec<_>>().join(",");
    let mut lines = reader.records();
    let header = lines
        .next()
        .ok_or_else(|| format!(": empty; expected {}", expected()))?;
    let header = header.map_err(|e| format!(":1: {e}"))?;
    if !header.iter().eq(spec.names()) {
        let found = header.iter().collect::<Vec<_>>().join(",");
        return Err(format!(
            ":1: the columns are {found}; expected {}",
            expected()
        ));
    }
    let number_of = |position: Option<&csv::Position>| position.map_or(0, csv::Position::line);
    for line in lines {
        let line = line.map_err(|e| format!(":{}: {e}", number_of(e.position())))?;
        let number = number_of(line.position());
        let (found, wanted) = (line.len(), spec.columns.len());
        if found != wanted {
            return Err(format!(":{number}: {found} fields; expected {wanted}"));
        }
        take(&line).map_err(|e| format!(":{number}: {e}"))?;
    }
    Ok(())
}

/// The tables of one experiment.
#[derive(Debug, Clone, Default)]
pub struct Tables(Vec<Table>);

impl Tables {
    /// Returns the tables of an experiment.
    pub fn new(tables: Vec<Table>) -> Self {
        Tables(tables)
    }

    /// Reads all tables of `specs` from a folder.
    pub fn read(specs: &[&'static TableSpec], folder: &Path) -> Result<Self> {
        specs
            .iter()
            .map(|spec| Table::read(spec, &folder.join(format!("{}.csv", spec.name))))
            .collect::<Result<_>>()
            .map(Tables)
    }

    /// Returns the table of the name `name`.
    ///
    /// # Panics
    /// If there is no such table.
    #[track_caller]
    pub fn get(&self, name: &str) -> &Table {
        let found = self.0.iter().find(|t| t.spec.name == name);
        found.unwrap_or_else(|| panic!("no table `{name}`"))
    }

    /// Returns the rows of the table of `R`.
    ///
    /// # Panics
    /// If that table is not among these.
    #[track_caller]
    pub fn rows<R: Record>(&self) -> Vec<R> {
        self.get(R::SPEC.name).rows()
    }

    /// Returns all tables, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Table> {
        self.0.iter()
    }
}
