//! Rows as structs: one declaration gives the struct, the columns of its table, and the conversion to a line and back.

pub use super::column::{Column, Line, TableSpec};

/// A row of a table; implemented by [`rows!`](crate::rows).
pub trait Record: Sized {
    /// The specification of the table that this is a row of.
    const SPEC: &'static TableSpec;

    /// The estimated memory of a row in bytes: the row itself and the fields of its line, and as much again while lists
    /// grow.
    const MEMORY: f64 = 2.0 * (size_of::<Self>() + Self::SPEC.columns.len() * LONGEST) as f64;

    /// Returns the fields of the row's line, in the order of the columns.
    fn fields(&self) -> Vec<String>;

    /// Reads a row from the next fields of a line; the error names the column and what is wrong.
    fn read<'a>(fields: &mut impl Iterator<Item = &'a str>) -> Result<Self, String>;

    /// Reads a row from its line, which has a field for each column.
    fn parse(line: &Line) -> Result<Self, String> {
        Self::read(&mut line.iter())
    }
}

/// Returns the number of all columns of `parts`.
pub const fn count(parts: &[&[Column]]) -> usize {
    let (mut sum, mut i) = (0, 0);
    while i < parts.len() {
        sum += parts[i].len();
        i += 1;
    }
    sum
}

/// Returns the `N` columns of `parts`, one after another; the first part has at least one.
pub const fn joined<const N: usize>(parts: &[&[Column]]) -> [Column; N] {
    let mut all = [parts[0][0]; N];
    let (mut at, mut i) = (0, 0);
    while i < parts.len() {
        let mut j = 0;
        while j < parts[i].len() {
            all[at] = parts[i][j];
            (at, j) = (at + 1, j + 1);
        }
        i += 1;
    }
    all
}

/// The length in bytes of the longest field that is no text: a real number and a comma.
const LONGEST: usize = "-2.2250738585072014e-308,".len();

/// A value that a field of a row may hold.
pub trait Field: Sized {
    /// Returns the value as it is written.
    fn write(&self) -> String;

    /// Reads a value from its text; the error says what the text is not.
    fn parse(text: &str) -> Result<Self, String>;
}

/// Reads the next field of a line, which is that of `column`.
pub fn field<'a, F: Field>(
    fields: &mut impl Iterator<Item = &'a str>,
    column: &str,
) -> Result<F, String> {
    let text = fields.next().unwrap_or_default();
    F::parse(text).map_err(|what| format!("column {column}: `{text}` is not {what}"))
}

/// An enum whose variants are the words of a column; declared by [`words!`](crate::words).
pub trait Word:
    Copy + Into<&'static str> + strum::VariantNames + std::str::FromStr + 'static
{
    /// All words, in the order of their declaration.
    const ALL: &'static [Self];

    /// Returns the word as it is written.
    fn word(self) -> &'static str {
        self.into()
    }
}

fn one_of(words: &[&str]) -> String {
    format!("one of {}", words.join(", "))
}

impl<T: Word> Field for T {
    fn write(&self) -> String {
        self.word().into()
    }

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| one_of(T::VARIANTS))
    }
}

/// Numbers are written with as many digits as it takes to read the same back; `NaN` and infinities are numbers here.
impl Field for f64 {
    fn write(&self) -> String {
        format!("{self:?}")
    }

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "a number".into())
    }
}

macro_rules! counts {
    ($($type:ty),+) => {$(
        /// Counts, numbers and seeds are integers from 0 to 2^63 − 1.
        impl Field for $type {
            fn write(&self) -> String {
                self.to_string()
            }

            fn parse(text: &str) -> Result<Self, String> {
                let value: Option<i64> = text.parse().ok();
                let value = value.and_then(|value| value.try_into().ok());
                value.ok_or_else(|| "an integer from 0".into())
            }
        }
    )+};
}

counts!(usize, u64);

impl Field for String {
    fn write(&self) -> String {
        self.clone()
    }

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.into())
    }
}

/// A truth value is written as `yes` or `no`.
impl Field for bool {
    fn write(&self) -> String {
        if *self { "yes" } else { "no" }.into()
    }

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "yes" => Ok(true),
            "no" => Ok(false),
            _ => Err(one_of(&["yes", "no"])),
        }
    }
}

/// Declares the rows of a table: a struct with a field for each column. The doc comments reach the user through the
/// README beside the table; the text in brackets is the unit of a column, `1` for a plain number and nothing for none.
/// A last field `..part: Other` holds a row of its own, whose columns follow.
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
/// assert_eq!(table.csv(), "k,mean\n2,0.5\n");
/// ```
#[macro_export]
macro_rules! rows {
    (
        $(#[doc = $about:literal])+
        $vis:vis struct $name:ident in $table:literal {
            $( $(#[doc = $doc:literal])+ $key:ident : $type:ty [$unit:literal], )+
            $( ..$part:ident : $of:ty, )?
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        $vis struct $name {
            $( $(#[doc = $doc])+ $vis $key: $type, )+
            $(
                #[doc = concat!("The columns of [`", stringify!($of), "`].")]
                $vis $part: $of,
            )?
        }

        impl $crate::table::record::Record for $name {
            const SPEC: &'static $crate::table::record::TableSpec = &$crate::table::record::TableSpec {
                name: $table,
                about: concat!($($about),+).trim_ascii(),
                columns: {
                    const PARTS: &[&[$crate::table::record::Column]] = &[
                        &[$(
                            $crate::table::record::Column {
                                name: stringify!($key),
                                unit: $unit,
                                about: concat!($($doc),+).trim_ascii(),
                            },
                        )+],
                        $( <$of as $crate::table::record::Record>::SPEC.columns, )?
                    ];
                    &$crate::table::record::joined::<{ $crate::table::record::count(PARTS) }>(PARTS)
                },
                check: |line| <$name as $crate::table::record::Record>::parse(line).map(drop),
            };

            fn fields(&self) -> Vec<String> {
                let own = [$( $crate::table::record::Field::write(&self.$key), )+];
                own.into_iter()$( .chain($crate::table::record::Record::fields(&self.$part)) )?.collect()
            }

            fn read<'a>(fields: &mut impl Iterator<Item = &'a str>) -> Result<Self, String> {
                Ok($name {
                    $( $key: $crate::table::record::field(fields, stringify!($key))?, )+
                    $( $part: <$of as $crate::table::record::Record>::read(fields)?, )?
                })
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
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ::serde::Serialize, ::serde::Deserialize)]
        $(#[$attribute])*
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
        let table = Table::of(&seen());
        let (header, rest) = table.csv().split_once('\n').unwrap();
        assert_eq!(header, "animal,count,seed,length,note,swims");
        assert!(rest.starts_with("cat,3,1099511627776,0.1,\"a \"\"b\"\", c\",no\nsea-horse,3,"));
    }

    crate::rows! {
        /// Where an animal was seen.
        struct Place in "places" {
            /// name of the place
            place: String [""],
            ..seen: Seen,
        }
    }

    #[test]
    fn a_row_may_hold_another() {
        let names: Vec<_> = Place::SPEC.names().collect();
        assert_eq!(
            names,
            [
                "place", "animal", "count", "seed", "length", "note", "swims"
            ]
        );
        let places = seen().map(|seen| Place {
            place: "shore".into(),
            seen,
        });
        let table = Table::of(&places);
        assert_eq!(table.rows::<Place>(), places);
        let line = table.csv().lines().nth(1).unwrap();
        assert!(line.starts_with("shore,cat,3,"), "{line}");
        let broken = table.csv().replace("sea-horse", "dog");
        let error = Table::from_csv(Place::SPEC, broken)
            .unwrap_err()
            .to_string();
        assert!(error.contains("column animal: `dog`"), "{error}");
    }

    #[test]
    fn rows_survive_their_file_whatever_they_hold() {
        let [cat, horse] = seen();
        let strange = |length: f64, note: &str| Seen {
            length,
            note: note.into(),
            seed: i64::MAX as u64,
            ..cat.clone()
        };
        let rows = [
            cat.clone(),
            horse,
            strange(f64::NEG_INFINITY, "c\nd"),
            strange(5e-324, "√n"),
            strange(-0.0, " \r\n\"\""),
            strange(f64::MIN, ","),
        ];
        let table = Table::of(&rows);
        let back = Table::from_csv(Seen::SPEC, table.csv()).unwrap();
        assert_eq!(back.csv(), table.csv());
        assert_eq!(Tables::new(vec![back]).rows::<Seen>(), rows);
        let unknown = Table::of(&[strange(f64::NAN, "")]);
        assert!(unknown.rows::<Seen>()[0].length.is_nan());
        // The number takes the most room that a real number can, with its comma.
        assert_eq!(Field::write(&-f64::MIN_POSITIVE).len() + 1, LONGEST);
    }

    #[test]
    fn errors_name_line_and_column() {
        let csv = Table::of(&seen()).csv().to_string();
        let error = |csv: &str| Table::from_csv(Seen::SPEC, csv).unwrap_err();
        for (from, to, told) in [
            (
                "sea-horse",
                "dog",
                ":3: column animal: `dog` is not one of cat, sea-horse",
            ),
            (
                ",no\n",
                ",maybe\n",
                ":2: column swims: `maybe` is not one of yes, no",
            ),
            (
                "cat,3",
                "cat,-3",
                ":2: column count: `-3` is not an integer from 0",
            ),
            (
                "cat,3",
                "cat,1.5",
                ":2: column count: `1.5` is not an integer from 0",
            ),
            (
                ",0.1,",
                ",oops,",
                ":2: column length: `oops` is not a number",
            ),
            (",no\n", "\n", ":2: 5 fields; expected 6"),
            (",no\n", ",no,no\n", ":2: 7 fields; expected 6"),
            (
                "count,seed",
                "count,seeds",
                ":1: the columns are animal,count,seeds,length,note,swims; \
                 expected animal,count,seed,length,note,swims",
            ),
        ] {
            let wrong = csv.replacen(from, to, 1);
            assert_ne!(wrong, csv);
            assert_eq!(error(&wrong), told);
        }
        assert_eq!(
            error(""),
            ": empty; expected animal,count,seed,length,note,swims"
        );
    }

    #[test]
    #[should_panic(expected = "no table `seen`")]
    fn rows_of_a_table_that_is_not_there_are_a_bug() {
        Tables::default().rows::<Seen>();
    }
}
