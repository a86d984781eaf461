//! Compares the elements of two dictionaries: by their directions, and by their activations on the same rows.

use kernels::sae::{self, Parameters, Workspace};
use kernels::{Exec, MatRef};
use rayon::prelude::*;

use crate::activations::Rows;
use crate::error::Result;
use crate::phase::Phase;
use crate::sae::reading;
use crate::workbench::nearest::nearest;

/// The smallest number of rows that an element must be active on to be compared: two elements that are active on one
/// row each, which is the same by chance, would correlate perfectly.
pub const FEWEST: usize = 10;

/// A dictionary: its elements at norm 1, and their activations on some rows.
#[derive(Debug)]
pub struct Reading {
    /// The elements at norm 1, n×d.
    pub unit: Vec<f32>,
    width: usize,
    codes: Codes,
}

/// The sparse codes of some rows, row by row and element by element.
#[derive(Debug)]
struct Codes {
    rows: Lists,
    elements: Lists,
    /// The mean and the standard deviation of each element's activations over all rows.
    moments: Vec<(f64, f64)>,
}

/// Lists of numbers with a value each, which stand one after the other.
#[derive(Debug)]
struct Lists {
    starts: Vec<usize>,
    entries: Vec<(u32, f32)>,
}

impl Lists {
    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn list(&self, i: usize) -> &[(u32, f32)] {
        &self.entries[self.starts[i]..self.starts[i + 1]]
    }

    /// Returns the same entries in lists by their numbers, which are below `len`: an entry j of list i is entry i of
    /// list j.
    fn transposed(&self, len: usize) -> Lists {
        let mut starts = vec![0; len + 1];
        for (j, _) in &self.entries {
            starts[*j as usize + 1] += 1;
        }
        for j in 0..len {
            starts[j + 1] += starts[j];
        }
        let mut next = starts.clone();
        let mut entries = vec![(0, 0.0); self.entries.len()];
        for i in 0..self.len() {
            for &(j, value) in self.list(i) {
                let place = &mut next[j as usize];
                entries[*place] = (i as u32, value);
                *place += 1;
            }
        }
        Lists { starts, entries }
    }
}

impl Codes {
    fn new(rows: Lists, elements: usize) -> Codes {
        let n = rows.len() as f64;
        let elements = rows.transposed(elements);
        let moments = |j: usize| {
            let values = || elements.list(j).iter().map(|(_, value)| f64::from(*value));
            let mean = values().sum::<f64>() / n;
            let idle = n - elements.list(j).len() as f64;
            let squares: f64 = values().map(|v| (v - mean).powi(2)).sum();
            (mean, ((squares + idle * mean * mean) / n).sqrt())
        };
        let moments = (0..elements.len()).map(moments).collect();
        Codes {
            rows,
            elements,
            moments,
        }
    }

    /// Returns whether an element is active often enough to be compared, and varies.
    fn compares(&self, j: usize) -> bool {
        self.elements.list(j).len() >= FEWEST && self.moments[j].1 > 0.0
    }
}

/// The best match of an element: the number of the other element, and their cosine or correlation.
pub type Match = Option<(usize, f64)>;

impl Reading {
    /// Encodes the rows with these numbers, which must be finite, with a model.
    ///
    /// # Errors
    /// If a row cannot be read.
    pub fn of(
        exec: Exec,
        parameters: &Parameters,
        rows: &Rows,
        numbers: &[u64],
    ) -> Result<Reading> {
        let _span = Phase::Metrics.begin();
        let (width, shape) = (rows.width(), parameters.shape());
        let mut workspace = Workspace::new(shape, parameters.variant(), reading::CHUNK);
        let mut lists = Lists {
            starts: vec![0],
            entries: Vec::new(),
        };
        let mut values = Vec::new();
        for some in numbers.chunks(reading::CHUNK) {
            crate::session::progress::check()?;
            values.resize(some.len() * width, 0f32);
            rows.gather(some.iter().copied(), &mut values)?;
            let x = MatRef::from_rows(&values, width);
            let codes = sae::encode(exec, parameters, x, &mut workspace);
            for i in 0..codes.rows() {
                let (columns, values) = codes.row(i);
                let each = columns.iter().copied().zip(values.iter().copied());
                lists.entries.extend(each.filter(|(_, v)| *v != 0.0));
                lists.starts.push(lists.entries.len());
            }
        }
        Ok(Reading {
            unit: reading::elements(exec, parameters),
            width,
            codes: Codes::new(lists, shape.dictionary),
        })
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.codes.rows.len()
    }

    /// Returns the length of a direction.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns the number of elements.
    pub fn elements(&self) -> usize {
        self.codes.elements.len()
    }

    /// Returns whether an element is active on enough rows to be compared.
    pub fn compares(&self, element: usize) -> bool {
        self.codes.compares(element)
    }

    /// Returns the share of the rows that switch an element on.
    pub fn frequency(&self, element: usize) -> f64 {
        self.codes.elements.list(element).len() as f64 / self.codes.rows.len() as f64
    }

    /// Returns for each element the one of another dictionary whose direction is nearest, and the cosine.
    pub fn by_direction(&self, exec: Exec, other: &Reading) -> Vec<Match> {
        let found = nearest(exec, &self.unit, &other.unit, self.width, false);
        let exact = found
            .into_iter()
            .map(|found| found.map(|(j, cosine)| (j, cosine.into())));
        exact.collect()
    }

    /// Returns for each element the one of another dictionary whose activations correlate with its own most, over the
    /// same rows, and the correlation. Row i of this dictionary is compared with row i + `shift` of the other, modulo
    /// the number of rows. The result is `None` for an element that is active too rarely, and for one without a
    /// correlation above 0.
    pub fn by_function(&self, other: &Reading, shift: usize) -> Vec<Match> {
        let _span = Phase::Metrics.begin();
        let (ours, theirs) = (&self.codes, &other.codes);
        let n = ours.rows.len();
        let best = |sums: &mut Vec<f64>, j: usize| -> Match {
            if !ours.compares(j) {
                return None;
            }
            sums.fill(0.0);
            for &(row, value) in ours.elements.list(j) {
                for &(k, other) in theirs.rows.list((row as usize + shift) % n) {
                    sums[k as usize] += f64::from(value) * f64::from(other);
                }
            }
            let (mean, deviation) = ours.moments[j];
            let mut best: Match = None;
            for (k, sum) in sums.iter().enumerate().filter(|(_, sum)| **sum > 0.0) {
                if theirs.compares(k) {
                    let (other_mean, other_deviation) = theirs.moments[k];
                    let covariance = sum / n as f64 - mean * other_mean;
                    let correlation = covariance / (deviation * other_deviation);
                    if correlation > best.map_or(0.0, |best| best.1) {
                        best = Some((k, correlation));
                    }
                }
            }
            best
        };
        (0..self.elements())
            .into_par_iter()
            .map_init(|| vec![0f64; other.elements()], best)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    fn reading(rows: &[Vec<(u32, f32)>], elements: usize) -> Reading {
        let mut lists = Lists {
            starts: vec![0],
            entries: Vec::new(),
        };
        for row in rows {
            lists.entries.extend(row);
            lists.starts.push(lists.entries.len());
        }
        Reading {
            unit: vec![0.0; elements],
            width: 1,
            codes: Codes::new(lists, elements),
        }
    }

    #[test]
    fn correlations_are_those_of_plain_arithmetic_and_chance_makes_none() {
        let mut rng = Rng::stream(1, "test", "compare", 0);
        let n = 400;
        // Element 0 of the second follows element 1 of the first; the last of each is active on one row alone.
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for row in 0..n {
            let mut draw = || (rng.below(4) == 0).then(|| 1.0 + rng.normal().abs() as f32);
            let (first, second, noise) = (draw(), draw(), draw());
            let mut of_a: Vec<(u32, f32)> = Vec::new();
            of_a.extend(first.map(|v| (0, v)));
            of_a.extend(second.map(|v| (1, v)));
            let mut of_b: Vec<(u32, f32)> = Vec::new();
            of_b.extend(second.map(|v| (0, 2.0 * v + 0.5)));
            of_b.extend(noise.map(|v| (1, v)));
            if row == 7 {
                of_a.push((2, 1.0));
                of_b.push((2, 1.0));
            }
            a.push(of_a);
            b.push(of_b);
        }
        let dense = |rows: &[Vec<(u32, f32)>], j: u32| -> Vec<f64> {
            let value = |row: &Vec<(u32, f32)>| {
                let entry = row.iter().find(|(k, _)| *k == j);
                entry.map_or(0.0, |(_, value)| f64::from(*value))
            };
            rows.iter().map(value).collect()
        };
        let plain = |x: &[f64], y: &[f64]| {
            let (mx, my) = (crate::stats::mean(x), crate::stats::mean(y));
            let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
                x.iter().zip(y).map(|(x, y)| f(x - mx, y - my)).sum()
            };
            sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
        };
        let (first, second) = (reading(&a, 3), reading(&b, 3));
        let found = first.by_function(&second, 0);
        let (k, correlation) = found[1].unwrap();
        assert_eq!(k, 0);
        assert!((correlation - plain(&dense(&a, 1), &dense(&b, 0))).abs() < 1e-12);
        assert!(correlation > 0.95, "{correlation}");
        assert!(found[0].is_none_or(|(_, r)| r < 0.3), "{found:?}");
        assert!(found[2].is_none() && !first.compares(2) && first.compares(0));
        // Rows that do not belong together.
        let shifted = first.by_function(&second, n / 2);
        assert!(
            shifted.iter().flatten().all(|(_, r)| *r < 0.3),
            "{shifted:?}"
        );
    }
}
