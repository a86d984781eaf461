//! One pass over all rows before anything is trained: means, scales, values that are not finite, and a checksum.

use rayon::prelude::*;

use super::Rows;
use crate::error::{Error, Result};
use crate::session::progress::Progress;

/// What all rows have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// Number of rows.
    pub rows: u64,
    /// Mean of each column.
    pub mean: Vec<f64>,
    /// Variance of each column.
    pub variance: Vec<f64>,
    /// CRC-32 of all values in single precision, row after row: the same rows give the same number, whatever files they
    /// stand in.
    pub checksum: u32,
}

/// Values that are read at once, at most.
const BLOCK: usize = 1 << 18;

/// Sums over some rows: of the values, and of the squares of their distances from a reference.
struct Part {
    rows: u64,
    sum: Vec<f64>,
    squares: Vec<f64>,
    checksum: crc32fast::Hasher,
    /// The first row that holds something that is no finite number.
    broken: Option<u64>,
}

impl Survey {
    /// Surveys all rows, on all threads; the result does not depend on their number. The progress made is one unit a row.
    ///
    /// # Errors
    /// If a row cannot be read, or holds something that is no finite number.
    pub fn of(rows: &Rows, progress: &Progress) -> Result<Survey> {
        let (width, len) = (rows.width(), rows.len());
        let mut first = vec![0f32; width];
        rows.read(0, &mut first)?;
        // Far from 0, squares would cancel in the variance.
        let origin: Vec<f64> = first
            .iter()
            .map(|&v| if v.is_finite() { v.into() } else { 0.0 })
            .collect();
        let block = (BLOCK / width).max(1) as u64;
        let mut all: Option<Part> = None;
        // Some blocks for every thread at a time, added up in order.
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
                progress.advance(part.rows)?;
                if let Some(row) = part.broken {
                    return Err(Error::input(format!(
                        "{} holds a NaN or an infinite value; remove such rows",
                        rows.name(row)
                    )));
                }
                match &mut all {
                    Some(all) => all.add(part),
                    None => all = Some(part),
                }
            }
        }
        let all = all.expect("files hold rows");
        let n = all.rows as f64;
        let offset = || all.sum.iter().map(|sum| sum / n);
        let squares = all.squares.iter().zip(offset());
        Ok(Survey {
            rows: all.rows,
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

    /// Root of the mean over columns of their variance.
    pub fn scale(&self) -> f64 {
        (self.variance.iter().sum::<f64>() / self.variance.len() as f64).sqrt()
    }
}

fn part(rows: &Rows, start: u64, count: u64, origin: &[f64]) -> Result<Part> {
    let width = rows.width();
    let mut values = vec![0f32; count as usize * width];
    rows.read(start, &mut values)?;
    let mut part = Part {
        rows: count,
        sum: vec![0.0; width],
        squares: vec![0.0; width],
        checksum: crc32fast::Hasher::new(),
        broken: None,
    };
    let mut bytes = Vec::with_capacity(4 * width);
    for (i, row) in values.chunks_exact(width).enumerate() {
        bytes.clear();
        bytes.extend(row.iter().flat_map(|v| v.to_le_bytes()));
        part.checksum.update(&bytes);
        if part.broken.is_none() && !row.iter().all(|v| v.is_finite()) {
            part.broken = Some(start + i as u64);
        }
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
        for (sum, other) in self.sum.iter_mut().zip(other.sum) {
            *sum += other;
        }
        for (square, other) in self.squares.iter_mut().zip(other.squares) {
            *square += other;
        }
        self.checksum.combine(&other.checksum);
    }
}
