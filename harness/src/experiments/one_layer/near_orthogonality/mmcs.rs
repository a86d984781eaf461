//! The mean max cosine similarity of the first N of some features, for many N in one pass over all pairs.

use std::ops::Range;

use kernels::{SparseRef, max_product};
use rayon::prelude::*;

use crate::error::Result;
use crate::experiments::one_layer::features::Features;
use crate::session::Session;
use crate::stats::max;

/// The largest number of features in a piece of work.
const PIECE: usize = 1024;

/// Returns ranges of features, none across a level.
pub fn pieces(levels: &[usize]) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for &level in levels {
        while from < level {
            let to = level.min(from + PIECE);
            pieces.push(from..to);
            from = to;
        }
    }
    pieces
}

/// Returns the estimated memory in bytes of a thread at work on `features` features of up to `n` neurons each. It is
/// that of two sets of features, since a thread that waits for its pieces may begin with other features.
pub fn memory(features: usize, n: usize, levels: usize) -> f64 {
    let pieces = (features / PIECE + levels) as f64;
    let (features, n) = (features as f64, n as f64);
    let entries = features * (n * 8.0 + 8.0);
    let best = pieces * features * 4.0 / 2.0;
    let panels = (PIECE + 64) as f64 * n * 4.0;
    2.0 * (entries + best) + panels
}

/// Returns, for each N of `levels`, which increase from 2 at least, the mean over the first N features of the largest
/// cosine with another one of them. Each of the [pieces] is a unit of progress.
pub fn of_first(features: &Features, levels: &[usize], session: &Session) -> Result<Vec<f64>> {
    let starts: Vec<usize> = (0..=features.count()).map(|i| i * features.k()).collect();
    let rows = SparseRef::new(
        &starts,
        features.neurons(),
        features.entries(),
        features.n(),
    )
    .expect("features lie within the layer");
    let pieces = pieces(levels);
    // For each piece of columns, the largest cosine of every row up to its end; the last piece has the most rows and
    // goes first.
    let best: Vec<Vec<f32>> = pieces
        .par_iter()
        .rev()
        .map(|piece| {
            let mut best = vec![f32::NEG_INFINITY; piece.end];
            max_product(session.serial(), rows, piece.clone(), &mut best);
            session.progress.tick()?;
            Ok(best)
        })
        .collect::<Result<_>>()?;

    let mut running = vec![f64::NEG_INFINITY; features.count()];
    let mut means = Vec::with_capacity(levels.len());
    for (piece, best) in pieces.iter().zip(best.iter().rev()) {
        for (running, &best) in running.iter_mut().zip(best) {
            *running = max([*running, best.into()]);
        }
        if levels.contains(&piece.end) {
            let sum: f64 = running[..piece.end].iter().sum();
            means.push(sum / piece.end as f64);
        }
    }
    Ok(means)
}
