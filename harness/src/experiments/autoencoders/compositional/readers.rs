//! The readers of the first feature of a sample, fitted to the combinations of training.

use kernels::sae::{L1, Rows, Shape, Variant};
use kernels::{Exec, MatRef, metrics};
use rayon::prelude::*;

use super::data::{Combinations, Size, Source, Split};
use super::settings::{Settings, Task};
use crate::error::Result;
use crate::experiment::Ctx;
use crate::phase::Phase;
use crate::sae::optimum::Problem;
use crate::sae::reading;
use crate::sae::training::{self, Candidate, Recipe, Trained};
use crate::stats::Fit;
use crate::stats::affine::Affine;
use crate::table::record::Word as _;

crate::words! {
    /// A way to read a feature.
    pub enum Reader {
        /// A linear map that was fitted to the magnitude of the feature.
        Probe,
        /// The encoder of a sparse autoencoder.
        #[strum(serialize = "sae encoder")]
        Encoder,
        /// The codes of least loss on the dictionary of that autoencoder.
        #[strum(serialize = "best codes on sae dictionary")]
        Learned,
        /// The codes of least loss on the true directions.
        #[strum(serialize = "best codes on true dictionary")]
        Known,
    }
}

crate::rows! {
    /// The R² of a reading of the first feature, on samples that contain it.
    pub struct Reading in "readings" {
        /// features n
        features: usize ["1"],
        /// dimensions m
        dimensions: usize ["1"],
        /// yes or no: the directions of the features are orthogonal (the control)
        orthogonal: bool [""],
        /// probe, sae encoder, best codes on sae dictionary, or best codes on true dictionary
        reader: Reader [""],
        /// seed
        seed: u64 [""],
        /// read, or how the training of the autoencoder diverged
        end: String [""],
        /// share of the variance of the feature that is read where it stands beside others as in training
        r2_known: f64 ["1"],
        /// the same where it stands beside others that it never stands beside in training
        r2_new: f64 ["1"],
        /// share of the samples of known combinations on which it is told rightly whether the feature is above 1/2
        accuracy_known: f64 ["1"],
        /// the same in new combinations
        accuracy_new: f64 ["1"],
        /// largest cosine of the feature's direction with an element of the dictionary; not a number for a probe
        cosine: f64 ["1"],
    }
}

/// A source with its samples of training, of known and of new combinations.
struct Drawn {
    source: Source,
    training: Split,
    known: Split,
    new: Split,
}

/// Trains the autoencoder of a task, and reads the first feature with every reader.
pub fn read(task: &Task, s: &Settings, ctx: &Ctx) -> Result<Vec<Reading>> {
    let &Task { seed, size, number } = task;
    let stream = |what: &str| ctx.rng(seed, what, number as u64);
    let source = Source::new(size, &mut stream("directions"));
    let split = |what, name| source.draw(what, s.samples, &mut stream(name));
    let training = split(Combinations::Training, "training");
    let known = split(Combinations::Known, "known");
    let new = split(Combinations::New, "new");
    let drawn = Drawn {
        source,
        training,
        known,
        new,
    };
    let (n, m) = (size.features, size.dimensions);
    let shape = Shape {
        width: m,
        dictionary: n,
    };
    let variant = Variant::L1(L1 {
        lambda: s.lambda as f32,
        rows: Rows::Unit,
    });
    let candidate = Candidate {
        slug: task.name(),
        title: format!("sparse autoencoder of {n} features in {m} dimensions, seed {seed}"),
        source: 0,
        start: training::initial(shape, variant, &mut stream("initial")),
        recipe: Recipe::default(),
    };
    let purpose = format!("batch {number}");
    let batch = |_, step: u64| {
        let mut rng = ctx.rng(seed, &purpose, step);
        let drawn = drawn
            .source
            .draw(Combinations::Training, s.training.batch, &mut rng);
        drawn.x
    };
    let trained = training::train(vec![candidate], &s.training, s, &ctx.session, batch)?;
    let exec = ctx.session.serial();
    let one = |&reader: &Reader| {
        crate::session::progress::check()?;
        Ok(reading_of(&drawn, &trained[0], reader, seed, s, exec))
    };
    Reader::ALL.par_iter().with_max_len(1).map(one).collect()
}

fn reading_of(
    drawn: &Drawn,
    trained: &Trained,
    reader: Reader,
    seed: u64,
    s: &Settings,
    exec: Exec,
) -> Reading {
    let _span = Phase::Metrics.begin();
    let Size {
        features,
        dimensions,
        orthogonal,
        ..
    } = drawn.source.size;
    let learned = match &trained.divergence {
        None => Ok(&trained.parameters),
        Some(how) => Err(how.clone()),
    };
    let elements: Result<Option<Vec<f32>>, String> = match reader {
        Reader::Probe => Ok(None),
        Reader::Known => Ok(Some(drawn.source.directions.clone())),
        Reader::Encoder | Reader::Learned => {
            learned.clone().map(|p| Some(reading::elements(exec, p)))
        }
    };
    let read = elements.and_then(|elements| {
        let codes = |split: &Split| {
            let x = MatRef::from_rows(&split.x, dimensions);
            match (reader, &elements) {
                (Reader::Encoder, _) => learned.clone().map(|p| reading::dense_codes(exec, p, x)),
                (Reader::Learned, Some(elements)) => {
                    let centred = learned.clone().map(|p| reading::centred(p, x))?;
                    best(exec, elements, MatRef::from_rows(&centred, dimensions), s)
                }
                (_, Some(elements)) => best(exec, elements, x, s),
                (_, None) => {
                    let fitted = MatRef::from_rows(&drawn.training.x, dimensions);
                    let probe = Affine::fit(fitted, &drawn.training.first, 1, s.ridge)?;
                    Ok((0..x.rows())
                        .map(|b| probe.at(x.row(b))[0] as f32)
                        .collect())
                }
            }
        };
        let scores = scored(codes, drawn)?;
        let cosine = elements.map_or(f64::NAN, |elements| {
            let first = MatRef::from_rows(&drawn.source.directions[..dimensions], dimensions);
            metrics::mmcs(exec, first, MatRef::from_rows(&elements, dimensions))
        });
        Ok((scores, cosine))
    });
    let end = read.as_ref().err().cloned().unwrap_or("read".into());
    let ([[r2_known, accuracy_known], [r2_new, accuracy_new]], cosine) =
        read.unwrap_or(([[f64::NAN; 2]; 2], f64::NAN));
    Reading {
        features,
        dimensions,
        orthogonal,
        reader,
        seed,
        end,
        r2_known,
        r2_new,
        accuracy_known,
        accuracy_new,
        cosine,
    }
}

/// Returns the codes of least loss of samples on some elements, or why there are none.
fn best(exec: Exec, elements: &[f32], x: MatRef, s: &Settings) -> Result<Vec<f32>, String> {
    let elements = MatRef::from_rows(elements, x.cols());
    let codes = Problem::new(exec, elements, x, s.lambda).best();
    codes.ok_or_else(|| "has a code that is not finite".into())
}

/// Returns R² and accuracy in known and in new combinations, of the entry of a code that correlates most with the
/// feature over the samples of training, through the line that fits best there.
fn scored(
    codes: impl Fn(&Split) -> Result<Vec<f32>, String>,
    drawn: &Drawn,
) -> Result<[[f64; 2]; 2], String> {
    let [training, known, new] = [&drawn.training, &drawn.known, &drawn.new];
    let column = |codes: &[f32], samples: usize, j: usize| -> Vec<f64> {
        let width = codes.len() / samples;
        let entries = codes.iter().skip(j).step_by(width);
        entries.map(|&v| v.into()).collect()
    };
    let fitted = codes(training)?;
    let width = fitted.len() / training.first.len();
    let correlations = (0..width).map(|j| {
        let entries = column(&fitted, training.first.len(), j);
        (j, correlation(&entries, &training.first))
    });
    // An entry that does not vary correlates with nothing.
    let varying = correlations.filter(|(_, r)| r.is_finite());
    let most = varying.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    let (entry, _) = most.ok_or("has no entry of its codes that varies")?;
    let line = Fit::linear(
        &column(&fitted, training.first.len(), entry),
        &training.first,
    );
    let score = |split: &Split| {
        let read = column(&codes(split)?, split.first.len(), entry);
        let read: Vec<f64> = read.into_iter().map(|v| line.at(v)).collect();
        let told = read
            .iter()
            .zip(&split.first)
            .filter(|(r, t)| (**r > 0.5) == (**t > 0.5));
        let accuracy = told.count() as f64 / read.len() as f64;
        Ok::<_, String>([r2(&read, &split.first), accuracy])
    };
    Ok([score(known)?, score(new)?])
}

/// Returns Pearson's correlation.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (x, y) = (mean(a), mean(b));
    let pairs = || a.iter().zip(b).map(|(a, b)| (a - x, b - y));
    let sum = |of: fn((f64, f64)) -> f64| pairs().map(of).sum::<f64>();
    sum(|(a, b)| a * b) / (sum(|(a, _)| a * a) * sum(|(_, b)| b * b)).sqrt()
}

/// Returns R² = 1 − Σ(truth − read)² / Σ(truth − mean)².
fn r2(read: &[f64], truth: &[f64]) -> f64 {
    let mean = truth.iter().sum::<f64>() / truth.len() as f64;
    let left: f64 = read.iter().zip(truth).map(|(r, t)| (t - r).powi(2)).sum();
    let all: f64 = truth.iter().map(|t| (t - mean).powi(2)).sum();
    1.0 - left / all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn the_entry_that_follows_the_feature_is_read_through_the_line_of_training() {
        let source = Source::new(
            Size::orthogonal(12, 4),
            &mut Rng::stream(1, "test", "readers", 0),
        );
        let mut rng = Rng::stream(1, "test", "readers", 1);
        let mut split = |which| source.draw(which, 300, &mut rng);
        let drawn = Drawn {
            training: split(Combinations::Training),
            known: split(Combinations::Known),
            new: split(Combinations::New),
            source,
        };
        // Three entries: one that never varies, another feature, and half of the first feature less 3.
        let codes = |x: &[f32]| vec![1.0, x[5], 0.5 * x[0] - 3.0];
        let exact = |split: &Split| Ok(split.x.chunks_exact(12).flat_map(codes).collect());
        let scores = scored(exact, &drawn).unwrap();
        for [r2, accuracy] in scores {
            assert!((r2 - 1.0).abs() < 1e-6 && accuracy > 0.99, "{scores:?}");
        }
        // A code that adds what never stands beside the feature in training is exact in known combinations and wrong in
        // new ones.
        let sum = |x: &[f32]| vec![x[0] + x[6..].iter().sum::<f32>()];
        let confused = |split: &Split| Ok(split.x.chunks_exact(12).flat_map(sum).collect());
        let [known, new] = scored(confused, &drawn).unwrap();
        assert!(known[0] - new[0] > 0.5, "{known:?} {new:?}");
        let constant = |split: &Split| Ok(vec![1.0; split.first.len()]);
        assert!(scored(constant, &drawn).is_err());
        assert_eq!(r2(&[1.0, 2.0, 4.0], &[1.0, 2.0, 3.0]), 0.5);
        assert!((correlation(&[1.0, 2.0, 3.0], &[-2.0, -4.0, -6.0]) + 1.0).abs() < 1e-12);
    }
}
