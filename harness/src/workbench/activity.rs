//! What rows tell of each element of a dictionary: how often and how strongly it is active, and on which rows most.

use kernels::sae::{self, Parameters, Workspace};
use kernels::{Exec, MatRef, SparseRef};

use crate::activations::Rows;
use crate::error::Result;
use crate::phase::Phase;
use crate::sae::reading;
use crate::session::progress::Progress;

/// The activity of all elements on some rows.
#[derive(Debug)]
pub struct Activity {
    /// Number of rows.
    pub rows: u64,
    /// Every element.
    pub elements: Vec<Active>,
    /// Rows that are kept for an element, at most.
    most: usize,
}

/// The activity of an element.
#[derive(Debug, Clone, Default)]
pub struct Active {
    /// Number of rows that switch it on.
    pub firings: u64,
    /// Sum of its activations.
    pub sum: f64,
    /// Sum of their squares.
    pub squares: f64,
    /// Its largest activations and their rows, the largest first, and of equal ones the first row.
    pub top: Vec<(f32, u64)>,
}

impl Active {
    /// Its largest activation; 0 if it is never active.
    pub fn largest(&self) -> f64 {
        self.top.first().map_or(0.0, |top| top.0.into())
    }

    /// Its mean activation over the rows that switch it on; 0 if none does.
    pub fn mean(&self) -> f64 {
        self.sum / self.firings.max(1) as f64
    }
}

impl Activity {
    /// Estimated memory of the activity of that many elements, bytes.
    pub fn memory(elements: usize, most: usize) -> f64 {
        (elements * (size_of::<Active>() + most * size_of::<(f32, u64)>())) as f64
    }

    /// The activity of a model on all rows, with at most `most` rows for each element. The progress made is one unit a
    /// row.
    ///
    /// # Errors
    /// If a row cannot be read, or holds what is no finite number.
    pub fn of_all(
        exec: Exec,
        parameters: &Parameters,
        rows: &Rows,
        most: usize,
        progress: &Progress,
    ) -> Result<Activity> {
        let mut activity = Activity::none(parameters.shape().dictionary, most);
        let mut workspace = Workspace::new(parameters.task(), parameters.variant(), reading::CHUNK);
        let mut values = Vec::new();
        for first in (0..rows.len()).step_by(reading::CHUNK) {
            let count = (rows.len() - first).min(reading::CHUNK as u64);
            values.resize(count as usize * rows.width(), 0f32);
            rows.read(first, &mut values)?;
            for (row, number) in values.chunks_exact(rows.width()).zip(first..) {
                rows.check(number, row)?;
            }
            let x = MatRef::from_rows(&values, rows.width());
            activity.add(sae::encode(exec, parameters, x, &mut workspace), first..);
            progress.advance(count)?;
        }
        Ok(activity)
    }

    /// The activity of a model on the rows of these numbers, which are in increasing order and finite.
    ///
    /// # Errors
    /// If a row cannot be read.
    pub fn of(
        exec: Exec,
        parameters: &Parameters,
        rows: &Rows,
        numbers: &[u64],
        most: usize,
    ) -> Result<Activity> {
        let mut activity = Activity::none(parameters.shape().dictionary, most);
        let mut workspace = Workspace::new(parameters.task(), parameters.variant(), reading::CHUNK);
        let mut values = Vec::new();
        for some in numbers.chunks(reading::CHUNK) {
            crate::session::progress::check()?;
            values.resize(some.len() * rows.width(), 0f32);
            rows.gather(some.iter().copied(), &mut values)?;
            let x = MatRef::from_rows(&values, rows.width());
            let codes = sae::encode(exec, parameters, x, &mut workspace);
            activity.add(codes, some.iter().copied());
        }
        Ok(activity)
    }

    fn none(elements: usize, most: usize) -> Activity {
        Activity {
            rows: 0,
            elements: vec![Active::default(); elements],
            most,
        }
    }

    /// Adds the codes of the rows of these numbers, which are larger than all before.
    fn add(&mut self, codes: SparseRef, numbers: impl Iterator<Item = u64>) {
        let _span = Phase::Metrics.begin();
        self.rows += codes.rows() as u64;
        for (i, row) in (0..codes.rows()).zip(numbers) {
            let (columns, values) = codes.row(i);
            for (&j, &value) in columns.iter().zip(values).filter(|(_, v)| **v != 0.0) {
                let element = &mut self.elements[j as usize];
                element.firings += 1;
                element.sum += f64::from(value);
                element.squares += f64::from(value).powi(2);
                let top = &mut element.top;
                let place = top.partition_point(|(other, _)| other.total_cmp(&value).is_ge());
                if place < self.most {
                    top.truncate(self.most - 1);
                    top.insert(place, (value, row));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_activations_are_kept_in_order_and_of_equal_ones_the_first() {
        let mut activity = Activity::none(2, 3);
        let of_first = [1.0, 3.0, 2.0, 3.0, 0.5, 2.0];
        for (row, value) in of_first.into_iter().enumerate() {
            let values = [value];
            let codes = SparseRef::new(&[0, 1], &[0], &values, 2).unwrap();
            activity.add(codes, [10 + row as u64].into_iter());
        }
        let [first, second] = &activity.elements[..] else {
            unreachable!()
        };
        assert_eq!(first.top, [(3.0, 11), (3.0, 13), (2.0, 12)]);
        assert_eq!((first.firings, first.sum, first.squares), (6, 11.5, 27.25));
        assert_eq!((first.largest(), first.mean()), (3.0, 11.5 / 6.0));
        assert_eq!(
            (second.largest(), second.mean(), activity.rows),
            (0.0, 0.0, 6)
        );
    }
}
