//! The targets of probes, which these are trained to read from activations: numbers or a class for each row.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::Path;

use crate::activations::{Rows, npy};
use crate::error::{Error, Result};
use crate::input;
use crate::sae::reading;
use crate::session::progress;

/// The largest number of columns of numbers, or of classes.
const MOST: usize = 1000;

/// The targets of all rows.
#[derive(Debug)]
pub enum Targets {
    /// Columns of numbers, each with its name.
    Numbers {
        /// The rows of the file of targets.
        rows: Box<Rows>,
        /// The names of the columns.
        names: Vec<String>,
    },
    /// A class for each row.
    Classes {
        /// The number of the class of each row.
        of: Vec<u32>,
        /// The names of the classes, by their numbers.
        names: Vec<String>,
    },
}

/// The targets of some rows.
#[derive(Debug)]
pub struct Picked {
    /// The values, row after row, with a column for each name; for classes, 1 in the column of the row's class and 0
    /// elsewhere.
    pub values: Vec<f64>,
    /// The number of columns.
    pub columns: usize,
}

impl Targets {
    /// Opens the targets of `count` rows; `names` names the columns of numbers, or the classes in the order of their
    /// numbers.
    ///
    /// # Errors
    /// If the file cannot be read, has another number of rows, holds a value that is not finite or a column that is the
    /// same in every row, or there is another number of names.
    pub fn open(path: &Path, count: u64, names: &[String]) -> Result<Targets> {
        let wrong = |why: String| Error::input(format!("{}: {why}", path.display()));
        let file = input::open(path)?;
        let classes = match path.extension().is_some_and(|e| e == "npy") {
            true => npy::classes(BufReader::new(file)).map_err(wrong)?,
            false => None,
        };
        let (len, targets) = match classes {
            Some(classes) => {
                let mut numbers = BTreeMap::new();
                for &class in &classes {
                    numbers.insert(class, 0);
                    if numbers.len() > MOST {
                        return Err(wrong(format!(
                            "it holds more than {MOST} different whole numbers, which count as classes; save numbers to be \
                             fitted with .astype('float32')"
                        )));
                    }
                }
                for (number, place) in numbers.values_mut().zip(0u32..) {
                    *number = place;
                }
                let own = numbers.keys().map(|class| format!("class {class}"));
                let names = named(path, names, own.collect())?;
                let of = classes.iter().map(|class| numbers[class]).collect();
                (classes.len() as u64, Targets::Classes { of, names })
            }
            None => {
                let rows = Rows::open(&[path.to_path_buf()], None)?;
                if rows.width() > MOST {
                    return Err(wrong(format!(
                        "it has {} columns; a probe has at most {MOST} targets",
                        rows.width()
                    )));
                }
                let own = (0..rows.width()).map(|column| format!("target {column}"));
                let names = named(path, names, own.collect())?;
                let len = rows.len();
                let rows = Box::new(rows);
                (len, Targets::Numbers { rows, names })
            }
        };
        if len != count {
            return Err(wrong(format!(
                "it has targets for {len} rows, and each layer has {count} rows; it needs one for each row, in the order of \
                 the rows"
            )));
        }
        // A value that is not finite, or a constant target, would else be found when everything is trained.
        let columns = targets.names().len();
        let mut first_row: Vec<f64> = Vec::new();
        let mut varies = vec![false; columns];
        for first in (0..count).step_by(reading::CHUNK) {
            progress::check()?;
            let some: Vec<u64> = (first..count.min(first + reading::CHUNK as u64)).collect();
            let picked = targets.of(&some)?.values;
            if first_row.is_empty() {
                first_row = picked[..columns].to_vec();
            }
            for row in picked.chunks_exact(columns) {
                let both = row.iter().zip(&first_row);
                varies
                    .iter_mut()
                    .zip(both)
                    .for_each(|(varies, (a, b))| *varies |= a != b);
            }
        }
        match varies.iter().position(|varies| !varies) {
            None => Ok(targets),
            Some(column) => {
                let name = &targets.names()[column];
                let what = match targets {
                    Targets::Numbers { .. } => {
                        format!("{name} is {} in every row", first_row[column])
                    }
                    Targets::Classes { .. } => format!("every row is of {name}"),
                };
                Err(wrong(format!(
                    "{what}: there is nothing for a probe to read; leave it out"
                )))
            }
        }
    }

    /// Returns the names of the columns.
    pub fn names(&self) -> &[String] {
        match self {
            Targets::Numbers { names, .. } | Targets::Classes { names, .. } => names,
        }
    }

    /// Returns the targets of the rows with these numbers.
    ///
    /// # Errors
    /// If a target cannot be read, or is not finite.
    pub fn of(&self, numbers: &[u64]) -> Result<Picked> {
        let columns = self.names().len();
        let values = match self {
            Targets::Numbers { rows, .. } => {
                let mut values = vec![0f32; numbers.len() * columns];
                rows.gather(numbers.iter().copied(), &mut values)?;
                for (row, &number) in values.chunks_exact(columns).zip(numbers) {
                    if !row.iter().all(|v| v.is_finite()) {
                        return Err(Error::input(format!(
                            "{} holds a NaN or an infinite value, and a target must be a number",
                            rows.name(number)
                        )));
                    }
                }
                values.into_iter().map(f64::from).collect()
            }
            Targets::Classes { of, .. } => {
                let mut values = vec![0f64; numbers.len() * columns];
                for (row, &number) in values.chunks_exact_mut(columns).zip(numbers) {
                    row[of[number as usize] as usize] = 1.0;
                }
                values
            }
        };
        Ok(Picked { values, columns })
    }
}

/// Returns the names that were given, or `own` if there are none.
///
/// # Errors
/// If the number of given names is not that of `own`.
fn named(path: &Path, given: &[String], own: Vec<String>) -> Result<Vec<String>> {
    match given.len() {
        0 => Ok(own),
        n if n == own.len() => Ok(given.to_vec()),
        n => Err(Error::input(format!(
            "--target-names has {n} names, and {} has {} targets ({}{})",
            path.display(),
            own.len(),
            own[..own.len().min(4)].join(", "),
            if own.len() > 4 { ", …" } else { "" }
        ))),
    }
}
