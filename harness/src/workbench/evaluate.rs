//! The evaluation of models side by side on the same rows, whichever tool trained them.

use std::collections::BTreeSet;

use kernels::sae::{BatchTopK, L1, Lista, Matryoshka, Parameters, TiedL1, TopK, TwoLayer, Variant};
use kernels::sparse_coding::{Pursuit, omp};
use kernels::{Exec, MatMut, MatRef, dictionary};
use serde_json::{Map, Value};

use crate::activations::Rows;
use crate::activations::order::Order;
use crate::error::{Error, Result};
use crate::interchange;
use crate::phase::Phase;
use crate::sae::optimum::Problem;
use crate::sae::reading;
use crate::session::progress::Progress;
use crate::table::Record;
use crate::workbench::measure::{Pairs, measure};
use crate::workbench::tables::{Element, Evaluation};
use crate::workbench::truth::Truth;

/// The largest number of rows on which codes are compared with the best ones.
const CODED: usize = 128;

/// The largest number of elements of a dictionary on which the best codes under an L1 penalty are looked for, which
/// takes a matrix of the products of all pairs of elements.
const MOST: usize = 1 << 13;

/// A sample of rows to measure models on, by their numbers.
#[derive(Debug)]
pub struct Sample<'a> {
    rows: &'a Rows,
    target: Option<&'a Rows>,
    picked: Vec<u64>,
    /// The number of rows that were drawn and left out, since they hold a value that is not finite.
    pub left_out: usize,
    /// The mean of the rows that are to be reconstructed.
    mean: Vec<f64>,
}

impl<'a> Sample<'a> {
    /// Draws at most `most` rows, with the rows of the same numbers of `target` if there is one, in the order of the
    /// files: first those that a training with seed 0 and shuffle_block 1 on the same files holds out. Rows that hold a
    /// value that is not finite are left out if `skip` says so.
    ///
    /// # Errors
    /// If a row cannot be read, holds a value that is not finite and is not to be skipped, or if no row is left.
    pub fn new(
        rows: &'a Rows,
        target: Option<&'a Rows>,
        most: u64,
        skip: bool,
    ) -> Result<Sample<'a>> {
        let order = Order::new(rows.len(), 0, 0);
        let mut picked: Vec<u64> = (0..most.min(rows.len())).map(|i| order.at(i)).collect();
        picked.sort_unstable();
        let mut broken = BTreeSet::new();
        let mut values = Vec::new();
        // The last pass is over the rows that are to be reconstructed, and then all broken rows are known.
        let mut sums = Vec::new();
        for rows in [Some(rows), target].into_iter().flatten() {
            sums = vec![0f64; rows.width()];
            for some in picked.chunks(reading::CHUNK) {
                crate::session::progress::check()?;
                values.resize(some.len() * rows.width(), 0f32);
                rows.gather(some.iter().copied(), &mut values)?;
                for (row, &number) in values.chunks_exact(rows.width()).zip(some) {
                    match rows.check(number, row) {
                        Err(error) if !skip => return Err(error),
                        Err(_) => {
                            broken.insert(number);
                        }
                        Ok(()) if broken.contains(&number) => {}
                        Ok(()) => {
                            let sums = sums.iter_mut().zip(row);
                            sums.for_each(|(sum, &value)| *sum += f64::from(value));
                        }
                    }
                }
            }
        }
        if let Some(&first) = broken.first() {
            picked.retain(|number| !broken.contains(number));
            if picked.is_empty() {
                return Err(rows.not_finite(first));
            }
        }
        let n = picked.len() as f64;
        Ok(Sample {
            rows,
            target,
            picked,
            left_out: broken.len(),
            mean: sums.into_iter().map(|sum| sum / n).collect(),
        })
    }

    /// Returns the numbers of the rows, in increasing order.
    pub fn picked(&self) -> &[u64] {
        &self.picked
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.picked.len()
    }

    /// Returns whether there are no rows, which is never so if at least one was asked for.
    pub fn is_empty(&self) -> bool {
        self.picked.is_empty()
    }
}

/// Measures models on the rows of a sample. Returns the measures of the models, those of each of their elements, and
/// those of the models against the true features if these are known. Each row of each model is a unit of progress.
pub fn evaluate(
    exec: Exec,
    models: &[(String, Parameters)],
    sample: &Sample,
    progress: &Progress,
) -> Result<(Vec<Evaluation>, Vec<Element>, Vec<Truth>)> {
    let (mut evaluations, mut elements, mut truth) = (Vec::new(), Vec::new(), Vec::new());
    for (name, parameters) in models {
        let Sample {
            rows,
            target,
            picked,
            mean,
            ..
        } = sample;
        let pairs = Pairs {
            rows,
            target: *target,
            mean,
        };
        let measured = measure(exec, parameters, pairs, picked, None)?;
        evaluations.push(Evaluation {
            model: name.clone(),
            variant: interchange::name(parameters.variant()).into(),
            elements: parameters.shape().dictionary,
            sparsity: sparsity(parameters.variant()),
            excess_loss: excess_loss(exec, parameters, sample)?,
            measures: measured.measures(),
        });
        elements.extend(measured.elements(name));
        truth.extend(measured.truth(name));
        progress.advance(picked.len() as u64)?;
    }
    Ok((evaluations, elements, truth))
}

/// Returns k or λ, or the strength of another penalty; NaN where the folder of the model does not say.
fn sparsity(variant: Variant) -> f64 {
    let lambda = match variant {
        Variant::TopK(TopK { k, .. })
        | Variant::BatchTopK(BatchTopK { k, .. })
        | Variant::Matryoshka(Matryoshka {
            codes: BatchTopK { k, .. },
            ..
        }) => return k as f64,
        Variant::L1(it) => it.lambda,
        Variant::TiedL1(it) => it.lambda,
        Variant::Gated(it) => it.lambda,
        Variant::JumpRelu(it) => it.lambda,
        Variant::TwoLayer(it) => it.lambda,
        Variant::Lista(it) => it.lambda,
    };
    match lambda > 0.0 {
        true => lambda.into(),
        false => f64::NAN,
    }
}

/// Returns the excess of the loss over that of the best codes found on the same dictionary, in units of the latter, on
/// some of the rows; NaN where the variant has no such loss.
fn excess_loss(exec: Exec, parameters: &Parameters, sample: &Sample) -> Result<f64> {
    if parameters.task().is_transcoder() {
        return Ok(f64::NAN);
    }
    let _span = Phase::Metrics.begin();
    let (d, n) = (sample.rows.width(), parameters.shape().dictionary);
    // These rows are spread over all rows of the sample.
    let every = sample.len().div_ceil(CODED);
    let some: Vec<u64> = sample.picked.iter().copied().step_by(every).collect();
    let mut x = vec![0f32; some.len() * d];
    sample.rows.gather(some.iter().copied(), &mut x)?;
    let x = MatRef::from_rows(&x, d);
    let centred = reading::centred(parameters, x);
    let centred = MatRef::from_rows(&centred, d);
    let mut codes = reading::dense_codes(exec, parameters, x);
    // The elements at norm 1, and the codes that belong to them.
    let unit = reading::elements(exec, parameters);
    let unit = MatRef::from_rows(&unit, d);
    let mut norms = vec![1f32; n];
    if !matches!(parameters.variant(), Variant::TiedL1(_)) {
        dictionary::norms(exec, parameters.dictionary(), &mut norms);
    }
    for code in codes.chunks_exact_mut(n) {
        code.iter_mut().zip(&norms).for_each(|(c, norm)| *c *= norm);
    }
    let against_pursuit = |active: &[usize]| {
        let best = pursued(exec, unit, centred, active);
        let error = |codes: &[f32]| squared_error(unit, centred, codes);
        (error(&codes), error(&best))
    };
    let (ours, best) = match parameters.variant() {
        Variant::TopK(TopK { k, .. }) => against_pursuit(&vec![k; some.len()]),
        Variant::BatchTopK(_) | Variant::Matryoshka(_) => {
            let active = |code: &[f32]| code.iter().filter(|c| **c != 0.0).count();
            let active: Vec<usize> = codes.chunks_exact(n).map(active).collect();
            against_pursuit(&active)
        }
        Variant::L1(L1 { lambda, .. })
        | Variant::TiedL1(TiedL1 { lambda })
        | Variant::TwoLayer(TwoLayer { lambda, .. })
        | Variant::Lista(Lista { lambda, .. })
            if lambda > 0.0 && n <= MOST =>
        {
            let problem = Problem::new(exec, unit, centred, lambda.into());
            let Some(best) = problem.best() else {
                return Ok(f64::NAN);
            };
            (problem.loss(&codes), problem.loss(&best))
        }
        _ => return Ok(f64::NAN),
    };
    // A best loss below this share of ‖x‖² is what rounding leaves over.
    let squares = centred.data().iter().map(|&x| f64::from(x).powi(2));
    Ok(match best > 1e-10 * squares.sum::<f64>() {
        true => (ours - best) / best,
        false => f64::NAN,
    })
}

/// Returns the codes that orthogonal matching pursuit finds for the rows `x`, with at most `active[i]` elements for row
/// i.
fn pursued(exec: Exec, dictionary: MatRef, x: MatRef, active: &[usize]) -> Vec<f32> {
    let n = dictionary.rows();
    let mut all = vec![0f32; active.len() * n];
    // Rows with the same number of elements go together.
    let mut order: Vec<usize> = (0..active.len()).collect();
    order.sort_by_key(|&i| active[i]);
    for alike in order.chunk_by(|&i, &j| active[i] == active[j]) {
        let rows: Vec<f32> = alike.iter().flat_map(|&i| x.row(i)).copied().collect();
        let mut codes = vec![0f32; alike.len() * n];
        let pursuit = Pursuit {
            atoms: active[alike[0]],
            tolerance: 1e-12,
        };
        omp(
            exec,
            dictionary,
            MatRef::from_rows(&rows, x.cols()),
            pursuit,
            MatMut::from_rows(&mut codes, n),
        );
        for (&i, code) in alike.iter().zip(codes.chunks_exact(n)) {
            all[i * n..][..n].copy_from_slice(code);
        }
    }
    all
}

/// Returns ‖x − Dᵀc‖², summed over samples.
fn squared_error(dictionary: MatRef, x: MatRef, codes: &[f32]) -> f64 {
    let mut rest = vec![0f64; x.cols()];
    let mut sum = 0.0;
    for (i, code) in codes.chunks_exact(dictionary.rows()).enumerate() {
        for (rest, &x) in rest.iter_mut().zip(x.row(i)) {
            *rest = x.into();
        }
        for (j, &c) in code.iter().enumerate().filter(|(_, c)| **c != 0.0) {
            for (rest, &d) in rest.iter_mut().zip(dictionary.row(j)) {
                *rest -= f64::from(c) * f64::from(d);
            }
        }
        sum += rest.iter().map(|r| r * r).sum::<f64>();
    }
    sum
}

/// Returns the rows of a table as JSON: a list of objects, with `null` for a value that is not a number.
pub fn json<R: Record>(rows: &[R]) -> String {
    let each = rows.iter().map(|row| {
        let cells = R::SPEC.columns.iter().zip(row.fields());
        let cells = cells.map(|(column, field)| {
            let value = match column.unit {
                "" => Value::from(field),
                _ => serde_json::from_str(&field).unwrap_or(Value::Null),
            };
            (column.name.to_string(), value)
        });
        Value::Object(cells.collect::<Map<_, _>>())
    });
    let all: Vec<Value> = each.collect();
    serde_json::to_string_pretty(&all).expect("numbers and words") + "\n"
}

/// Checks that all models take rows of the width of the activations.
///
/// # Errors
/// If a model takes rows of another width.
pub fn check_widths(models: &[(String, Parameters)], rows: &Rows) -> Result<()> {
    let other = |(_, model): &&(String, Parameters)| model.task().input() != rows.width();
    match models.iter().find(other) {
        None => Ok(()),
        Some((name, model)) => Err(Error::input(format!(
            "{name} takes rows of {} values, and {} has rows of {}; choose the activations that it was trained on",
            model.task().input(),
            rows.title(),
            rows.width(),
        ))),
    }
}

/// Checks that there are targets for transcoders, only for them, and of their width.
///
/// # Errors
/// If a transcoder has no target or one of another width, or another model has a target.
pub fn check_targets(models: &[(String, Parameters)], target: Option<&Rows>) -> Result<()> {
    for (name, model) in models {
        let width = model.shape().width;
        match (target, model.task().is_transcoder()) {
            (None, false) => {}
            (None, true) => {
                return Err(Error::input(format!(
                    "{name} is a transcoder: it reconstructs other activations than those that it reads; name them with \
                     --target"
                )));
            }
            (Some(target), false) => {
                return Err(Error::input(format!(
                    "{name} reconstructs the activations that it reads, so {} is no target for it; leave out --target, or \
                     name transcoders alone",
                    target.title()
                )));
            }
            (Some(target), true) if target.width() != width => {
                return Err(Error::input(format!(
                    "{name} reconstructs rows of {width} values, and {} has rows of {}; choose the targets that it was \
                     trained on",
                    target.title(),
                    target.width(),
                )));
            }
            (Some(_), true) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kernels::Isa;

    use super::*;
    use crate::rng::Rng;

    /// Rows that are pursued together have the codes that each has by itself, of its own number of elements.
    #[test]
    fn every_row_is_pursued_to_its_own_number_of_elements() {
        let (d, n) = (6, 9);
        let mut rng = Rng::stream(1, "evaluate", "pursuit", 0);
        let mut normal = |count: usize| -> Vec<f32> {
            let each = (0..count).map(|_| rng.normal() as f32);
            each.collect()
        };
        let (dictionary, x) = (normal(n * d), normal(7 * d));
        let dictionary = MatRef::from_rows(&dictionary, d);
        let x = MatRef::from_rows(&x, d);
        let exec = Exec::serial(Isa::detect());
        let active = [3, 0, 1, 3, 2, 0, 1];
        let all = pursued(exec, dictionary, x, &active);
        for (i, code) in all.chunks_exact(n).enumerate() {
            let mut alone = vec![0f32; n];
            let pursuit = Pursuit {
                atoms: active[i],
                tolerance: 1e-12,
            };
            let row = MatRef::from_rows(x.row(i), d);
            omp(
                exec,
                dictionary,
                row,
                pursuit,
                MatMut::from_rows(&mut alone, n),
            );
            let apart = code.iter().zip(&alone).map(|(a, b)| (a - b).abs());
            assert!(apart.fold(0.0, f32::max) < 1e-5, "{code:?} {alone:?}");
            assert!(code.iter().filter(|c| **c != 0.0).count() <= active[i]);
            assert_eq!(code.iter().any(|c| *c != 0.0), active[i] > 0);
        }
    }
}
