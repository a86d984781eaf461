//! The survey: one pass over all rows before anything is trained, for means, scales, values that are not finite, and a
//! checksum.

use rayon::prelude::*;

use super::Rows;
use crate::error::{Error, Result};
use crate::session::progress::Progress;

/// The result of a survey: what all rows have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// The number of rows that hold finite numbers.
    pub rows: u64,
    /// The numbers of the other rows, which count in nothing here.
    pub broken: Vec<u64>,
    /// The mean of each column.
    pub mean: Vec<f64>,
    /// The variance of each column.
    pub variance: Vec<f64>,
    /// The CRC-32 checksum of all values in single precision, row after row: the same rows give the same number,
    /// whatever files they stand in.
    pub checksum: u32,
}

/// The largest number of values that are read at once.
const BLOCK: usize = 1 << 18;

/// Sums over some rows: of the values, and of the squares of their distances from a reference.
struct Part {
    rows: u64,
    sum: Vec<f64>,
    squares: Vec<f64>,
    checksum: crc32fast::Hasher,
    /// The numbers of the rows that hold something that is no finite number.
    broken: Vec<u64>,
}

impl Survey {
    /// Surveys all rows, the first 65,536 of a synthetic model, on all threads; the result does not depend on the
    /// number of threads. Rows that hold something that is no finite number are left out, and listed as `broken`, if
    /// `skip` says so. The progress made is one unit a row.
    ///
    /// # Errors
    /// If a row cannot be read, if one holds something that is no finite number and is not to be skipped, or if all do.
    pub fn of(rows: &Rows, skip: bool, progress: &Progress) -> Result<Survey> {
        let (width, len) = (rows.width(), rows.surveyed());
        // Distances are from the first row that counts. From 0, squares of large values would cancel in the variance,
        // and rounding could leave some to a column of one value.
        let mut first = vec![0f32; width];
        for number in 0..len {
            rows.read(number, &mut first)?;
            match rows.check(number, &first) {
                Ok(()) => break,
                Err(error) if !skip => return Err(error),
                Err(_) => {}
            }
        }
        let origin: Vec<f64> = first.iter().map(|&v| v.into()).collect();
        let block = (BLOCK / width).max(1) as u64;
        let mut all: Option<Part> = None;
        // Some blocks are read for every thread at a time, and added up in order.
        let many = block * 4 * rayon::current_num_threads() as u64;
        for from in (0..len).step_by(many as usize) {
            let starts: Vec<u64> = (from..len.min(from + many))
                .step_by(block as usize)
                .collect();
            let parts: Vec<Part> = starts
                .into_par_iter()
                .map(|start| part(rows, start, block.min(len - start), &origin))
                .collect::<Result<_>>()?;
            for part in parts {
                progress.advance(part.rows + part.broken.len() as u64)?;
                if let (Some(&row), false) = (part.broken.first(), skip) {
                    return Err(rows.not_finite(row));
                }
                match &mut all {
                    Some(all) => all.add(part),
                    None => all = Some(part),
                }
            }
        }
        let all = all.expect("files hold rows");
        if all.rows == 0 {
            return Err(Error::input(format!(
                "every row holds a NaN or an infinite value: {}; save the activations again, in float32 if they overflowed",
                rows.in_words()
            )));
        }
        let n = all.rows as f64;
        let offset = || all.sum.iter().map(|sum| sum / n);
        let squares = all.squares.iter().zip(offset());
        Ok(Survey {
            rows: all.rows,
            broken: all.broken,
            mean: offset()
                .zip(&origin)
                .map(|(offset, origin)| origin + offset)
                .collect(),
            variance: squares
                .map(|(square, offset)| (square / n - offset * offset).max(0.0))
                .collect(),
            checksum: all.checksum.finalize(),
        })
    }

    /// Returns the square root of the mean over columns of their variance.
    pub fn scale(&self) -> f64 {
        (self.variance.iter().sum::<f64>() / self.variance.len() as f64).sqrt()
    }
}

fn part(rows: &Rows, start: u64, count: u64, origin: &[f64]) -> Result<Part> {
    let width = rows.width();
    let mut values = vec![0f32; count as usize * width];
    rows.read(start, &mut values)?;
    let mut part = Part {
        rows: 0,
        sum: vec![0.0; width],
        squares: vec![0.0; width],
        checksum: crc32fast::Hasher::new(),
        broken: Vec::new(),
    };
    let mut bytes = Vec::with_capacity(4 * width);
    for (row, number) in values.chunks_exact(width).zip(start..) {
        if !row.iter().all(|v| v.is_finite()) {
            part.broken.push(number);
            continue;
        }
        part.rows += 1;
        bytes.clear();
        bytes.extend(row.iter().flat_map(|v| v.to_le_bytes()));
        part.checksum.update(&bytes);
        let sums = part.sum.iter_mut().zip(&mut part.squares);
        for ((sum, square), (&v, origin)) in sums.zip(row.iter().zip(origin)) {
            let d = f64::from(v) - origin;
            *sum += d;
            *square += d * d;
        }
    }
    Ok(part)
}

impl Part {
    fn add(&mut self, other: Part) {
        self.rows += other.rows;
        self.broken.extend(other.broken);
        for (sum, other) in self.sum.iter_mut().zip(other.sum) {
            *sum += other;
        }
        for (square, other) in self.squares.iter_mut().zip(other.squares) {
            *square += other;
        }
        self.checksum.combine(&other.checksum);
    }
}
