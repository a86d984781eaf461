//! What the columns of a table hold.

pub use csv::StringRecord as Line;

/// The columns of a table and what they mean.
#[derive(Debug)]
pub struct TableSpec {
    /// File name without `.csv`.
    pub name: &'static str,
    /// One sentence on what a row is.
    pub about: &'static str,
    /// The columns in the order of the file.
    pub columns: &'static [Column],
    /// Checks that a line is a row; the error names the column and what is wrong.
    pub check: fn(&Line) -> Result<(), String>,
}

/// One column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name in the header.
    pub name: &'static str,
    /// Its unit, or `""` for none; `1` is a plain number.
    pub unit: &'static str,
    /// What it means.
    pub about: &'static str,
}

impl TableSpec {
    /// The names of the columns.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(|column| column.name)
    }
}
