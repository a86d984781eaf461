//! The description of the columns of a table.

pub use csv::StringRecord as Line;

/// The specification of a table: its columns and what they mean.
#[derive(Debug)]
pub struct TableSpec {
    /// The name of the file without `.csv`.
    pub name: &'static str,
    /// One sentence on what a row is.
    pub about: &'static str,
    /// The columns in the order of the file.
    pub columns: &'static [Column],
    /// Checks that a line is a row; the error names the column and what is wrong.
    pub check: fn(&Line) -> Result<(), String>,
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The name of the column in the header.
    pub name: &'static str,
    /// The unit of the values, or `""` for none; `1` is a plain number.
    pub unit: &'static str,
    /// The meaning of the values.
    pub about: &'static str,
}

impl TableSpec {
    /// Returns the names of the columns.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(|column| column.name)
    }
}
