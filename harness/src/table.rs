//! Tidy tables: one row an observation, written to CSV and read back.

use std::fmt::Write as _;
use std::path::Path;

use crate::error::{Error, Result};
use crate::input::read_result_text;
use crate::stats::observations::Observations;

mod column;
pub mod describe;
pub mod record;

pub use column::{Cell, Column, Kind, TableSpec};
pub use record::Record;

/// A table in memory.
#[derive(Debug, Clone)]
pub struct Table {
    spec: &'static TableSpec,
    cells: Vec<Cell>,
}

impl Table {
    /// An empty table.
    pub fn new(spec: &'static TableSpec) -> Self {
        Table {
            spec,
            cells: Vec::new(),
        }
    }

    /// The table of these rows.
    pub fn of<R: Record>(rows: &[R]) -> Self {
        let mut table = Table::new(R::SPEC);
        for row in rows {
            table.push_cells(row.to_cells());
        }
        table
    }

    /// Its columns and their meaning.
    pub fn spec(&self) -> &'static TableSpec {
        self.spec
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If the cells are not those that the columns ask for.
    #[track_caller]
    pub fn push<const N: usize>(&mut self, row: [Cell; N]) {
        self.push_cells(row.into());
    }

    #[track_caller]
    fn push_cells(&mut self, row: Vec<Cell>) {
        assert_eq!(
            row.len(),
            self.spec.columns.len(),
            "a row of table `{}`",
            self.spec.name
        );
        for (cell, column) in row.iter().zip(self.spec.columns) {
            assert!(
                column.kind.admits(cell),
                "column `{}.{}` does not hold {cell:?}",
                self.spec.name,
                column.name
            );
        }
        self.cells.extend(row);
    }

    /// The rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> + Clone {
        self.cells
            .chunks_exact(self.spec.columns.len())
            .map(|cells| Row {
                spec: self.spec,
                cells,
            })
    }

    /// The rows as structs, in order.
    ///
    /// # Panics
    /// If they are rows of another table.
    #[track_caller]
    pub fn records<R: Record>(&self) -> Vec<R> {
        assert_eq!(self.spec.name, R::SPEC.name, "rows of another table");
        let rows = self.cells.chunks_exact(self.spec.columns.len());
        rows.map(R::from_cells).collect()
    }

    /// The values of one column, in order, each once: the groups of a figure.
    pub fn distinct(&self, column: &str) -> Vec<Cell> {
        let mut seen = Vec::new();
        for row in self.rows() {
            let cell = row.cell(column);
            if !seen.contains(cell) {
                seen.push(cell.clone());
            }
        }
        seen
    }

    /// As CSV. Real numbers are written with as many digits as it takes to read the same back.
    pub fn to_csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let written: csv::Result<()> = (|| {
            writer.write_record(self.spec.columns.iter().map(|c| c.name))?;
            let mut field = String::new();
            for row in self.rows() {
                for cell in row.cells {
                    field.clear();
                    match cell {
                        Cell::Int(v) => write!(field, "{v}").expect("writing to a string"),
                        Cell::Real(v) => write!(field, "{v:?}").expect("writing to a string"),
                        Cell::Text(v) => field.push_str(v),
                    }
                    writer.write_field(&field)?;
                }
                writer.write_record(None::<&[u8]>)?;
            }
            Ok(())
        })();
        written.expect("writing to memory");
        let bytes = writer.into_inner().expect("writing to memory");
        String::from_utf8(bytes).expect("fields are UTF-8")
    }

    /// Reads a table back; errors name file, line and column.
    pub fn read(spec: &'static TableSpec, path: &Path) -> Result<Self> {
        let text = read_result_text(path)?;
        Self::from_csv(spec, &text).map_err(|e| Error::input(format!("{}{e}", path.display())))
    }

    /// Reads a table from CSV.
    ///
    /// # Errors
    /// If these are not the columns, or a cell holds what its column does not; the message starts with `:line:` and is
    /// to follow a file name.
    pub fn from_csv(spec: &'static TableSpec, text: &str) -> Result<Self, String> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let mut table = Table::new(spec);
        let expected = || {
            spec.columns
                .iter()
                .map(|c| c.name)
                .collect::<Vec<_>>()
                .join(",")
        };
        let mut records = reader.records();
        let header = records
            .next()
            .ok_or_else(|| format!(": empty; expected {}", expected()))?;
        let header = header.map_err(|e| format!(":1: {e}"))?;
        if !header.iter().eq(spec.columns.iter().map(|c| c.name)) {
            let found = header.iter().collect::<Vec<_>>().join(",");
            return Err(format!(
                ":1: the columns are {found}; expected {}",
                expected()
            ));
        }
        for record in records {
            let record = record.map_err(|e| {
                let line = e.position().map_or(0, csv::Position::line);
                format!(":{line}: {e}")
            })?;
            let line = record.position().map_or(0, csv::Position::line);
            if record.len() != spec.columns.len() {
                let (found, wanted) = (record.len(), spec.columns.len());
                return Err(format!(":{line}: {found} fields; expected {wanted}"));
            }
            for (field, column) in record.iter().zip(spec.columns) {
                let cell = column.kind.parse(field);
                let cell = cell.map_err(|e| format!(":{line}: column {}: {e}", column.name))?;
                table.cells.push(cell);
            }
        }
        Ok(table)
    }
}

/// One row of a table. Cells are asked for by the name of their column.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    spec: &'static TableSpec,
    cells: &'a [Cell],
}

impl<'a> Row<'a> {
    /// The cell in `column`.
    ///
    /// # Panics
    /// If there is no such column.
    #[track_caller]
    pub fn cell(&self, column: &str) -> &'a Cell {
        let index = self.spec.columns.iter().position(|c| c.name == column);
        let index = index.unwrap_or_else(|| panic!("no column `{}.{column}`", self.spec.name));
        &self.cells[index]
    }

    /// A number, real or integer.
    ///
    /// # Panics
    /// If there is no such column, or it holds text.
    #[track_caller]
    pub fn real(&self, column: &str) -> f64 {
        match self.cell(column) {
            Cell::Real(v) => *v,
            Cell::Int(v) => *v as f64,
            Cell::Text(_) => panic!("column `{}.{column}` holds text", self.spec.name),
        }
    }

    /// An integer.
    ///
    /// # Panics
    /// If there is no such column, or it holds something else.
    #[track_caller]
    pub fn int(&self, column: &str) -> i64 {
        match self.cell(column) {
            Cell::Int(v) => *v,
            _ => panic!(
                "column `{}.{column}` does not hold integers",
                self.spec.name
            ),
        }
    }

    /// Text.
    ///
    /// # Panics
    /// If there is no such column, or it holds numbers.
    #[track_caller]
    pub fn text(&self, column: &str) -> &'a str {
        match self.cell(column) {
            Cell::Text(v) => v,
            _ => panic!("column `{}.{column}` does not hold text", self.spec.name),
        }
    }
}

/// Groups (x, value) pairs by x, in increasing order, and takes the median of each group: a curve
/// out of rows that differ by seed.
pub fn median_by(pairs: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    pairs.medians()
}

/// The tables of one experiment.
#[derive(Debug, Clone, Default)]
pub struct Tables(Vec<Table>);

impl Tables {
    /// From the tables of a run.
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

    /// The table of that name.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn get(&self, name: &str) -> &Table {
        let found = self.0.iter().find(|t| t.spec.name == name);
        found.unwrap_or_else(|| panic!("no table `{name}`"))
    }

    /// The rows of one table.
    ///
    /// # Panics
    /// If it is not among these.
    #[track_caller]
    pub fn rows<R: Record>(&self) -> Vec<R> {
        self.get(R::SPEC.name).records()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Table> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static SPEC: TableSpec = TableSpec {
        name: "t",
        about: "",
        columns: &[
            Column::int("i", "1", ""),
            Column::real("x", "1", ""),
            Column::text("s", ""),
            Column::word("w", &["yes", "no"], ""),
        ],
    };

    fn table() -> Table {
        let mut table = Table::new(&SPEC);
        table.push([1usize.into(), 0.1.into(), "plain".into(), "yes".into()]);
        table.push([
            2usize.into(),
            f64::NAN.into(),
            "a \"b\", c\nd".into(),
            "no".into(),
        ]);
        table.push([3usize.into(), 1e-300.into(), "".into(), "no".into()]);
        table.push([
            4usize.into(),
            f64::NEG_INFINITY.into(),
            "√n".into(),
            "yes".into(),
        ]);
        table
    }

    #[test]
    fn csv_reads_back_to_the_same_bytes() {
        let csv = table().to_csv();
        let back = Table::from_csv(&SPEC, &csv).unwrap();
        assert_eq!(back.to_csv(), csv);
        assert_eq!(back.rows().nth(1).unwrap().text("s"), "a \"b\", c\nd");
        assert!(csv.starts_with("i,x,s,w\n1,0.1,plain,yes\n2,NaN,"));
    }

    #[test]
    fn errors_name_line_and_column() {
        let error = |text| Table::from_csv(&SPEC, text).unwrap_err();
        assert_eq!(
            error("i,x,s,w\n1,2,a,no\n1,oops,a,no\n"),
            ":3: column x: `oops` is not a number"
        );
        assert_eq!(
            error("i,x,s,w\n1.5,2,a,no\n"),
            ":2: column i: `1.5` is not an integer from 0"
        );
        assert_eq!(
            error("i,x,s,w\n-1,2,a,yes\n"),
            ":2: column i: `-1` is not an integer from 0"
        );
        assert_eq!(
            error("i,x,s,w\n1,2,a,yes\n1,2,a,maybe\n"),
            ":3: column w: `maybe` is not one of yes, no"
        );
        assert_eq!(error("i,x,s,w\n1,2\n"), ":2: 2 fields; expected 4");
        assert_eq!(
            error("i,y,s\n"),
            ":1: the columns are i,y,s; expected i,x,s,w"
        );
        assert_eq!(error(""), ": empty; expected i,x,s,w");
    }

    #[test]
    #[should_panic(expected = "column `t.x`")]
    fn a_cell_of_the_wrong_kind_is_a_bug() {
        Table::new(&SPEC).push([1usize.into(), "x".into(), "s".into(), "no".into()]);
    }

    #[test]
    fn distinct_keeps_the_order() {
        let mut table = Table::new(&SPEC);
        for s in ["b", "a", "b"] {
            table.push([1usize.into(), 0.0.into(), s.into(), "no".into()]);
        }
        assert_eq!(table.distinct("s"), ["b".into(), "a".into()] as [Cell; 2]);
    }
}
