//! The activity of each element of a dictionary on some rows: how often and how strongly it is active, and on which
//! rows most.

use kernels::sae::{self, Parameters, Workspace};
use kernels::{Exec, MatRef, SparseRef};
use rayon::prelude::*;

use crate::activations::Rows;
use crate::error::Result;
use crate::phase::Phase;
use crate::sae::reading;
use crate::session::progress::Progress;

/// The activity of all elements on some rows.
#[derive(Debug)]
pub struct Activity {
    /// The number of rows.
    pub rows: u64,
    /// The activity of every element.
    pub elements: Vec<Active>,
    /// The largest number of rows that are kept for an element.
    most: usize,
}

/// The activity of an element.
#[derive(Debug, Clone, Default)]
pub struct Active {
    /// The number of rows on which the element is active.
    pub firings: u64,
    /// The sum of the element's activations.
    pub sum: f64,
    /// The sum of the squares of the element's activations.
    pub squares: f64,
    /// The element's largest activations and their rows, the largest first, and of equal ones the first row first.
    pub top: Vec<(f32, u64)>,
}

impl Active {
    /// Adds the activation on a row; keeps at most `most` top rows.
    fn add(&mut self, value: f32, row: u64, most: usize) {
        self.firings += 1;
        self.sum += f64::from(value);
        self.squares += f64::from(value).powi(2);
        let top = &mut self.top;
        let place = top.partition_point(|(other, _)| other.total_cmp(&value).is_ge());
        if place < most {
            top.truncate(most - 1);
            top.insert(place, (value, row));
        }
    }

    /// Returns the element's largest activation; 0 if it is never active.
    pub fn largest(&self) -> f64 {
        self.top.first().map_or(0.0, |top| top.0.into())
    }

    /// Returns the element's mean activation over the rows that switch it on; 0 if no row does.
    pub fn mean(&self) -> f64 {
        self.sum / self.firings.max(1) as f64
    }
}

impl Activity {
    /// Returns the estimated memory of the activity of `elements` elements with `most` top rows each, in bytes.
    pub fn memory(elements: usize, most: usize) -> f64 {
        (elements * (size_of::<Active>() + most * size_of::<(f32, u64)>())) as f64
    }

    /// Returns the activity of a model on all rows, with at most `most` rows for each element. Each row is a unit of
    /// progress.
    ///
    /// # Errors
    /// If a row cannot be read, or holds a value that is not finite.
    pub fn of_all(
        exec: Exec,
        parameters: &Parameters,
        rows: &Rows,
        most: usize,
        progress: &Progress,
    ) -> Result<Activity> {
        let mut activity = Activity::new(parameters.shape().dictionary, most);
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
            let codes = sae::encode(exec, parameters, x, &mut workspace);
            activity.add(exec, codes, |i| first + i as u64);
            progress.advance(count)?;
        }
        Ok(activity)
    }

    /// Returns the activity of `elements` elements on no rows yet; at most `most` rows are kept for each of them.
    pub fn new(elements: usize, most: usize) -> Activity {
        Activity {
            rows: 0,
            elements: vec![Active::default(); elements],
            most,
        }
    }

    /// Adds the codes of rows, of which the i-th has the number `number(i)`. The numbers must increase, and be larger
    /// than those of all rows before.
    pub fn add(&mut self, exec: Exec, codes: SparseRef, number: impl Fn(usize) -> u64 + Sync) {
        let _span = Phase::Metrics.begin();
        self.rows += codes.rows() as u64;
        let most = self.most;
        // Threads share elements, not rows, so that the sums of an element keep their order.
        let share = match exec.is_parallel() {
            true => self.elements.len().div_ceil(rayon::current_num_threads()),
            false => self.elements.len(),
        };
        let add = |(part, elements): (usize, &mut [Active])| {
            let first = part * share;
            for i in 0..codes.rows() {
                let (columns, values) = codes.row(i);
                let from = columns.partition_point(|&j| (j as usize) < first);
                for (&j, &value) in columns[from..].iter().zip(&values[from..]) {
                    let Some(element) = elements.get_mut(j as usize - first) else {
                        break;
                    };
                    if value != 0.0 {
                        element.add(value, number(i), most);
                    }
                }
            }
        };
        let parts = self.elements.par_chunks_mut(share.max(1)).enumerate();
        parts.for_each(add);
    }
}

#[cfg(test)]
mod tests {
    use kernels::Isa;

    use super::*;

    #[test]
    fn the_largest_activations_are_kept_in_order_and_of_equal_ones_the_first() {
        let exec = Exec::serial(Isa::detect());
        let mut activity = Activity::new(2, 3);
        let of_first = [1.0, 3.0, 2.0, 3.0, 0.5, 2.0];
        for (row, value) in of_first.into_iter().enumerate() {
            let values = [value];
            let codes = SparseRef::new(&[0, 1], &[0], &values, 2).unwrap();
            activity.add(exec, codes, |_| 10 + row as u64);
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

    /// Seven elements on three threads: shares of three, three and one, whose first and last elements are active, with
    /// values whose sums depend on their order.
    #[test]
    fn threads_share_the_elements_and_change_no_bit() {
        let rows = 50;
        let columns: Vec<u32> = (0..rows).flat_map(|_| [0, 2, 3, 5, 6]).collect();
        let values: Vec<f32> = (0..columns.len())
            .map(|i| ((i * 37) % 11) as f32 * 10f32.powi((i % 9) as i32 - 4))
            .collect();
        let starts: Vec<usize> = (0..=rows).map(|i| 5 * i).collect();
        let codes = SparseRef::new(&starts, &columns, &values, 7).unwrap();
        let activity = |exec: Exec| {
            let mut activity = Activity::new(7, 2);
            activity.add(exec, codes, |i| 3 * i as u64);
            let of = |e: &Active| {
                (
                    e.firings,
                    e.sum.to_bits(),
                    e.squares.to_bits(),
                    e.top.clone(),
                )
            };
            activity.elements.iter().map(of).collect::<Vec<_>>()
        };
        let isa = Isa::detect();
        let serial = activity(Exec::serial(isa));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3);
        let parallel = pool
            .build()
            .unwrap()
            .install(|| activity(Exec::parallel(isa)));
        assert_eq!(serial, parallel);
        let firings: Vec<bool> = serial.iter().map(|e| e.0 > 0).collect();
        assert_eq!(firings, [true, false, true, true, false, true, true]);
    }
}
