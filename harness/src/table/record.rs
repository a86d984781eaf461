//! Rows as structs: one declaration gives the struct, the columns of its table, and the way to cells and back.

pub use super::column::{Cell, Column, Kind, TableSpec};

/// One row of a table; implemented by [`rows!`](crate::rows).
pub trait Record: Sized {
    /// The table that it is a row of.
    const SPEC: &'static TableSpec;

    /// Estimated memory of a row, bytes: itself and the fields of its file, with as much again while lists grow.
    const MEMORY: f64 = 2.0 * (size_of::<Self>() + Self::SPEC.columns.len() * LONGEST) as f64;

    /// Its cells, in the order of the columns.
    fn to_cells(&self) -> Vec<Cell>;

    /// The row back from its cells.
    ///
    /// # Panics
    /// If the cells are not those of the columns.
    fn from_cells(cells: &[Cell]) -> Self;
}

/// Bytes of the longest field that is no text: a real number and a comma.
const LONGEST: usize = "-2.2250738585072014e-308,".len();

/// What a field of a row may be.
pub trait Field: Sized {
    /// What the cells of its column hold.
    const KIND: Kind;

    /// The cell that holds this value.
    fn to_cell(&self) -> Cell;

    /// The value back from its cell; nothing if the cell holds something else.
    fn from_cell(cell: &Cell) -> Option<Self>;
}

/// An enum whose variants are the words of a column; declared by [`words!`](crate::words).
pub trait Word:
    Copy + Into<&'static str> + strum::VariantNames + std::str::FromStr + 'static
{
    /// All of them, in the order of their declaration.
    const ALL: &'static [Self];

    /// The word as it is written.
    fn word(self) -> &'static str {
        self.into()
    }
}

impl<T: Word> Field for T {
    const KIND: Kind = Kind::Word(T::VARIANTS);

    fn to_cell(&self) -> Cell {
        self.word().into()
    }

    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Text(word) => word.parse().ok(),
            _ => None,
        }
    }
}

impl Field for f64 {
    const KIND: Kind = Kind::Real;

    fn to_cell(&self) -> Cell {
        Cell::Real(*self)
    }

    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Real(value) => Some(*value),
            _ => None,
        }
    }
}

macro_rules! counts {
    ($($type:ty),+) => {$(
        impl Field for $type {
            const KIND: Kind = Kind::Int;

            fn to_cell(&self) -> Cell {
                (*self).into()
            }

            fn from_cell(cell: &Cell) -> Option<Self> {
                match cell {
                    Cell::Int(value) => (*value).try_into().ok(),
                    _ => None,
                }
            }
        }
    )+};
}

counts!(usize, u64);

impl Field for String {
    const KIND: Kind = Kind::Text;

    fn to_cell(&self) -> Cell {
        Cell::Text(self.clone())
    }

    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

/// Written as `yes` or `no`.
impl Field for bool {
    const KIND: Kind = Kind::Word(&["yes", "no"]);

    fn to_cell(&self) -> Cell {
        if *self { "yes" } else { "no" }.into()
    }

    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Text(word) => Some(word == "yes"),
            _ => None,
        }
    }
}

/// Declares the rows of a table: a struct with a field for each column. The doc comments reach the user through the
/// README beside the table; the text in brackets is the unit of a column, `1` for a plain number and nothing for none.
///
/// ```
/// use harness::table::{Record, Table};
///
/// harness::rows! {
///     /// Mean response of the features on k neurons each.
///     pub struct Response in "response" {
///         /// neurons that each feature is on
///         k: usize ["neurons"],
///         /// mean response
///         mean: f64 ["1"],
///     }
/// }
/// assert_eq!(Response::SPEC.columns[1].about, "mean response");
/// let table = Table::of(&[Response { k: 2, mean: 0.5 }]);
/// assert_eq!(table.to_csv(), "k,mean\n2,0.5\n");
/// ```
#[macro_export]
macro_rules! rows {
    (
        $(#[doc = $about:literal])+
        $vis:vis struct $name:ident in $table:literal {
            $( $(#[doc = $doc:literal])+ $key:ident : $type:ty [$unit:literal], )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq)]
        $vis struct $name {
            $( $(#[doc = $doc])+ $vis $key: $type, )+
        }

        impl $crate::table::record::Record for $name {
            const SPEC: &'static $crate::table::record::TableSpec = &$crate::table::record::TableSpec {
                name: $table,
                about: concat!($($about),+).trim_ascii(),
                columns: &[$(
                    $crate::table::record::Column {
                        name: stringify!($key),
                        kind: <$type as $crate::table::record::Field>::KIND,
                        unit: $unit,
                        about: concat!($($doc),+).trim_ascii(),
                    },
                )+],
            };

            fn to_cells(&self) -> Vec<$crate::table::record::Cell> {
                vec![$( $crate::table::record::Field::to_cell(&self.$key), )+]
            }

            fn from_cells(cells: &[$crate::table::record::Cell]) -> Self {
                let mut cells = cells.iter();
                let row = $name {$(
                    $key: cells
                        .next()
                        .and_then($crate::table::record::Field::from_cell)
                        .expect(concat!("column `", $table, ".", stringify!($key), "`")),
                )+};
                assert!(cells.next().is_none(), concat!("more cells than table `", $table, "` has columns"));
                row
            }
        }
    };
}

/// Declares the words of a column: an enum whose variants are written in kebab case, or as `#[strum(serialize = "…")]`
/// says.
///
/// ```
/// use harness::table::record::Word as _;
///
/// harness::words! {
///     /// A layer.
///     pub enum Layer {
///         /// Without a non-linearity.
///         Linear,
///         /// GELU after a linear map.
///         #[strum(serialize = "GELU")]
///         Gelu,
///     }
/// }
/// assert_eq!(Layer::Linear.word(), "linear");
/// assert_eq!(Layer::ALL[1].to_string(), "GELU");
/// assert_eq!("GELU".parse(), Ok(Layer::Gelu));
/// ```
#[macro_export]
macro_rules! words {
    (
        $(#[$attribute:meta])*
        $vis:vis enum $name:ident { $( $(#[$of_variant:meta])* $variant:ident ),+ $(,)? }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[derive(::strum::VariantNames, ::strum::IntoStaticStr, ::strum::EnumString, ::strum::Display)]
        #[strum(serialize_all = "kebab-case")]
        $vis enum $name { $( $(#[$of_variant])* $variant, )+ }

        impl $crate::table::record::Word for $name {
            const ALL: &'static [Self] = &[$( Self::$variant ),+];
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Table, Tables};

    crate::words! {
        enum Animal {
            Cat,
            SeaHorse,
        }
    }

    crate::rows! {
        /// One row an animal,
        /// wherever it lives.
        struct Seen in "seen" {
            /// which
            animal: Animal [""],
            /// how many
            count: usize ["1"],
            /// seed of the trip
            seed: u64 [""],
            /// how long
            length: f64 ["m"],
            /// what else
            note: String [""],
            /// yes or no: it swims
            swims: bool [""],
        }
    }

    fn seen() -> [Seen; 2] {
        let seen = |animal, length, note: &str, swims| Seen {
            animal,
            count: 3,
            seed: 1 << 40,
            length,
            note: note.into(),
            swims,
        };
        [
            seen(Animal::Cat, 0.1, "a \"b\", c", false),
            seen(Animal::SeaHorse, -1e-300, "", true),
        ]
    }

    #[test]
    fn the_columns_are_the_fields_in_order() {
        assert_eq!(Seen::SPEC.about, "One row an animal, wherever it lives.");
        let columns = Seen::SPEC.columns.iter();
        let columns: Vec<_> = columns.map(|c| (c.name, c.unit, c.about)).collect();
        assert_eq!(columns[0], ("animal", "", "which"));
        assert_eq!(columns[3], ("length", "m", "how long"));
        let csv = Table::of(&seen()).to_csv();
        let (header, rest) = csv.split_once('\n').unwrap();
        assert_eq!(header, "animal,count,seed,length,note,swims");
        assert!(rest.starts_with("cat,3,1099511627776,0.1,\"a \"\"b\"\", c\",no\nsea-horse,3,"));
    }

    #[test]
    fn rows_survive_their_file_and_errors_name_line_and_column() {
        let csv = Table::of(&seen()).to_csv();
        let read = |csv: &str| Table::from_csv(Seen::SPEC, csv);
        let tables = Tables::new(vec![read(&csv).unwrap()]);
        assert_eq!(tables.rows::<Seen>(), seen());
        for (wrong, error) in [
            (
                csv.replace("sea-horse", "dog"),
                ":3: column animal: `dog` is not one of cat, sea-horse",
            ),
            (
                csv.replace(",no\n", ",maybe\n"),
                ":2: column swims: `maybe` is not one of yes, no",
            ),
            (
                csv.replace("cat,3", "cat,-3"),
                ":2: column count: `-3` is not an integer from 0",
            ),
        ] {
            assert_eq!(read(&wrong).unwrap_err(), error);
        }
    }

    #[test]
    #[should_panic(expected = "no table `seen`")]
    fn rows_of_a_table_that_is_not_there_are_a_bug() {
        Tables::default().rows::<Seen>();
    }
}
