//! Massive columns of samples: columns that are much larger than the others, as activations of language models have
//! some.
//!
//! The bytes of a row span its largest value, so one large column leaves no digits for the others: some 3,000 of 4,096
//! bounds exclude nothing then, instead of 100. So these few columns are multiplied in f32, and bytes represent the
//! others.

use crate::matrix::view::MatRef;

/// The largest number of columns that are multiplied in f32: each takes one more multiply-add for every bound.
pub(super) const MOST: usize = 8;

/// The ratio above which a column is massive: that of its largest magnitude to the median of the columns' largest
/// magnitudes.
const RATIO: f32 = 3.0;

/// The largest number of samples that are looked at.
const SAMPLES: usize = 64;

/// Returns the massive columns in some samples of a batch, the largest first, at most [`MOST`].
pub(super) fn columns(x: MatRef) -> Vec<usize> {
    let step = x.rows().div_ceil(SAMPLES).max(1);
    let mut largest = vec![0f32; x.cols()];
    for row in (0..x.rows()).step_by(step) {
        for (largest, value) in largest.iter_mut().zip(x.row(row)) {
            *largest = largest.max(value.abs());
        }
    }
    let mut sorted = largest.clone();
    let middle = sorted.len() / 2;
    if sorted.is_empty() {
        return Vec::new();
    }
    let (_, &mut median, _) = sorted.select_nth_unstable_by(middle, f32::total_cmp);
    let mut massive: Vec<usize> = (0..x.cols())
        .filter(|&column| largest[column] > RATIO * median)
        .collect();
    massive.sort_by(|&a, &b| largest[b].total_cmp(&largest[a]));
    massive.truncate(MOST);
    massive
}

/// Returns a row without its values in some columns: the row itself if no column is named; else a copy in `room` with
/// zeros in these columns.
///
/// # Panics
/// If the room is shorter than the row, or a column does not exist, unless the row is empty or no column is named.
#[inline(always)]
pub(super) fn without<'a>(row: &'a [f32], columns: &[usize], room: &'a mut [f32]) -> &'a [f32] {
    if columns.is_empty() || row.is_empty() {
        return row;
    }
    let room = &mut room[..row.len()];
    room.copy_from_slice(row);
    for &column in columns {
        room[column] = 0.0;
    }
    room
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_columns_are_massive_and_those_of_noise_are_not() {
        let (rows, d) = (200, 40);
        let noise = |i: usize| ((i * i) as f32).sin();
        let mut x: Vec<f32> = (0..rows * d).map(noise).collect();
        assert!(columns(MatRef::first(&x, rows, d)).is_empty());
        for row in x.chunks_exact_mut(d) {
            row[7] = 20.0 * row[7] - 100.0;
            row[31] *= 1e4;
        }
        assert_eq!(columns(MatRef::first(&x, rows, d)), [31, 7]);
        // There are never more columns than [`MOST`], whatever the samples.
        for (c, value) in x.iter_mut().enumerate() {
            *value = if c % d < 15 { 1e6 } else { 1.0 };
        }
        assert_eq!(columns(MatRef::first(&x, rows, d)).len(), MOST);
        assert!(columns(MatRef::first(&[], 0, 5)).is_empty());
        assert!(columns(MatRef::first(&[], 3, 0)).is_empty());
    }
}
