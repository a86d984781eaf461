//! What the columns of a table hold.

/// The columns of a table and what they mean.
#[derive(Debug)]
pub struct TableSpec {
    /// File name without `.csv`.
    pub name: &'static str,
    /// One sentence on what a row is.
    pub about: &'static str,
    /// In the order of the file.
    pub columns: &'static [Column],
}

/// One column of a table.
#[derive(Debug)]
pub struct Column {
    /// As in the header.
    pub name: &'static str,
    /// What its cells hold.
    pub kind: Kind,
    /// Unit, or `""` for none; `1` is a plain number.
    pub unit: &'static str,
    /// What it means.
    pub about: &'static str,
}

impl Column {
    /// A column of real numbers.
    pub const fn real(name: &'static str, unit: &'static str, about: &'static str) -> Self {
        Column {
            name,
            kind: Kind::Real,
            unit,
            about,
        }
    }

    /// A column of counts, numbers and seeds: integers from 0.
    pub const fn int(name: &'static str, unit: &'static str, about: &'static str) -> Self {
        Column {
            name,
            kind: Kind::Int,
            unit,
            about,
        }
    }

    /// A column of text.
    pub const fn text(name: &'static str, about: &'static str) -> Self {
        Column {
            name,
            kind: Kind::Text,
            unit: "",
            about,
        }
    }

    /// A column that names one of a few things.
    pub const fn word(
        name: &'static str,
        words: &'static [&'static str],
        about: &'static str,
    ) -> Self {
        Column {
            name,
            kind: Kind::Word(words),
            unit: "",
            about,
        }
    }
}

/// What the cells of a column hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An integer from 0 to 2^63 − 1.
    Int,
    /// A real number, `NaN` and infinities included.
    Real,
    /// Any text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
}

impl Kind {
    /// Whether a cell may stand in a column of this kind.
    pub(super) fn admits(self, cell: &Cell) -> bool {
        match (self, cell) {
            (Kind::Int, Cell::Int(v)) => *v >= 0,
            (Kind::Real, Cell::Real(_)) | (Kind::Text, Cell::Text(_)) => true,
            (Kind::Word(words), Cell::Text(v)) => words.contains(&v.as_str()),
            _ => false,
        }
    }

    /// The cell that a field of a file stands for; the error says what the field is not.
    pub(super) fn parse(self, field: &str) -> Result<Cell, String> {
        let (cell, what) = match self {
            Kind::Int => (field.parse().ok().map(Cell::Int), "an integer from 0"),
            Kind::Real => (field.parse().ok().map(Cell::Real), "a number"),
            Kind::Text | Kind::Word(_) => (Some(Cell::Text(field.into())), "one of"),
        };
        cell.filter(|cell| self.admits(cell)).ok_or_else(|| {
            let words = match self {
                Kind::Word(words) => format!(" {}", words.join(", ")),
                _ => String::new(),
            };
            format!("`{field}` is not {what}{words}")
        })
    }
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// An integer.
    Int(i64),
    /// A real number.
    Real(f64),
    /// Text.
    Text(String),
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Cell::Real(value)
    }
}
impl From<usize> for Cell {
    fn from(value: usize) -> Self {
        Cell::Int(value as i64)
    }
}
impl From<u64> for Cell {
    fn from(value: u64) -> Self {
        Cell::Int(value as i64)
    }
}
impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Cell::Text(value.into())
    }
}
impl From<String> for Cell {
    fn from(value: String) -> Self {
        Cell::Text(value)
    }
}
