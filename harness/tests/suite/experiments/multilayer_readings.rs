//! The measures that `multilayer` takes of models, against plain loops in f64.

use super::multilayer_plain::{Plain, all_plain, margin};
use harness::experiments::many_layers::multilayer::Loss;
use harness::experiments::many_layers::multilayer::data::Data;
use harness::experiments::many_layers::multilayer::decisive::{Measure, decisive_share, shares};
use harness::experiments::many_layers::multilayer::reading::{Judge, Reading};
use harness::experiments::many_layers::multilayer::traces::Traces;
use harness::rng::Rng;
use harness::table::record::Word as _;
use kernels::mlp::{Parameters, Shape};
use kernels::{Activation, Exec, Isa};

fn quantile(mut values: Vec<f64>, q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = q * (values.len() - 1) as f64;
    let (low, high) = (values[at.floor() as usize], values[at.ceil() as usize]);
    low + (at - at.floor()) * (high - low)
}

/// Returns a model with random weights and random data for it.
fn random_model() -> (Parameters, Data) {
    let shape = Shape {
        vocabulary: 7,
        width: 11,
        hidden: 13,
        layers: 6,
        activation: Activation::Gelu,
    };
    let mut rng = Rng::stream(3, "test", "multilayer", 0);
    let mut p = Parameters::zeros(shape);
    p.values_mut()
        .iter_mut()
        .for_each(|w| *w = (0.4 * rng.normal()) as f32);
    let data = Data {
        pairs: (0..33)
            .map(|_| [rng.below(7) as u32, rng.below(7) as u32])
            .collect(),
        targets: (0..33).map(|_| rng.below(11) as u32).collect(),
    };
    (p, data)
}

/// Asserts that two numbers agree up to rounding. Six blocks with sums of at most 13 terms in f32 err by some 6·2·(13 +
/// 4)·2⁻²⁴ = 1.2e-5 of the sizes summed; ten times that is allowed, since values cancel.
#[track_caller]
fn near(a: f64, b: f64) {
    assert!((a - b).abs() <= 1.2e-4 * b.abs().max(0.1), "{a} {b}");
}

/// Claims: late-layers-near-linear, learned-near-the-end, more-data-learned-earlier
#[test]
fn losses_logits_and_fractions_are_those_of_plain_loops() {
    let (p, data) = random_model();
    for &loss in Loss::ALL {
        let judges = [Judge::Loss(2.5), Judge::Argmax];
        let exec = Exec::serial(Isa::detect());
        let reading = Reading::of(exec, &p, &data, loss, &judges, &[5]);
        let all = all_plain(&p, &data, loss);
        let n = all.len() as f64;
        for l in 0..=6 {
            let losses = || all.iter().map(|a| a.loss[l]);
            near(reading.loss[l], losses().sum::<f64>() / n);
            for (i, q) in [0.1, 0.25, 0.5, 0.75, 0.9].into_iter().enumerate() {
                near(
                    reading.loss_quantiles[l][i],
                    quantile(losses().collect(), q),
                );
            }
            let below = losses().filter(|&v| v < 2.5).count() as f64;
            assert_eq!(reading.right(Judge::Loss(2.5)).0[l], below / n);
            let right = all.iter().zip(&data.targets);
            let right = right.filter(|(a, t)| margin(&a.streams[l], **t as usize) > 0.0);
            assert_eq!(reading.right(Judge::Argmax).0[l], right.count() as f64 / n);
            near(reading.samples[0].loss[l], all[5].loss[l]);
            let logit = all[5].streams[l][data.targets[5] as usize];
            near(reading.samples[0].logit[l], logit);
        }
        for l in 0..6 {
            let norms = all.iter().map(|a| a.norm[l]).collect();
            near(reading.norm[l], quantile(norms, 0.5));
            near(reading.samples[0].norm[l], all[5].norm[l]);
        }
    }
}

/// Returns the share of each layer by a measure, and the layer that decides.
fn plain_shares(a: &Plain, target: usize, measure: Measure) -> (Vec<f64>, Option<usize>) {
    let positive = |values: Vec<f64>| -> Vec<f64> {
        values.windows(2).map(|w| (w[1] - w[0]).max(0.0)).collect()
    };
    let margins: Vec<f64> = a.streams.iter().map(|x| margin(x, target)).collect();
    let parts = match measure {
        Measure::Gradient => a.norm.clone(),
        Measure::Contribution => positive(a.streams.iter().map(|x| x[target]).collect()),
        Measure::Loss => positive(a.loss.iter().map(|v| -v).collect()),
        Measure::Margin => positive(margins.clone()),
    };
    let total: f64 = parts.iter().sum();
    let shares: Vec<f64> = parts.iter().map(|v| v / total).collect();
    let largest = (0..6).max_by(|&a, &b| shares[a].total_cmp(&shares[b]));
    let decides = match measure {
        // The layer that decides is the one after the last one at which the model is wrong.
        Measure::Margin => (0..=6)
            .rev()
            .find(|&l| margins[l] <= 0.0)
            .filter(|&l| l < 6),
        _ => largest,
    };
    (shares, decides)
}

/// Claims: no-decisive-layer
#[test]
fn the_four_measures_are_those_of_plain_loops() {
    let (p, data) = random_model();
    for &loss in Loss::ALL {
        let traces = Traces::of(Exec::serial(Isa::detect()), &p, &data, loss);
        let all = all_plain(&p, &data, loss);
        let mut right_in_the_end = 0;
        for &measure in Measure::ALL {
            for (k, a) in all.iter().enumerate() {
                let (want, decides) = plain_shares(a, data.targets[k] as usize, measure);
                // There are datapoints whose loss never drops: they have no shares.
                let Some(got) = shares(&traces, measure, k) else {
                    assert!(want.iter().all(|v| v.is_nan()), "{measure} {k}: {want:?}");
                    assert_eq!(decisive_share(&traces, measure, k), None);
                    continue;
                };
                // A rise is a difference of two values of some units in size.
                let close = |a: f64, b: f64| (a - b).abs() < 2e-3;
                assert!(
                    got.iter().zip(&want).all(|(a, b)| close(*a, *b)),
                    "{got:?} {want:?}"
                );
                let share = decisive_share(&traces, measure, k);
                assert_eq!(share.is_some(), decides.is_some(), "{measure} {k}");
                if let (Some(share), Some(l)) = (share, decides) {
                    assert!(close(share, want[l]), "{measure} {k}: {share} {want:?}");
                    right_in_the_end += usize::from(measure == Measure::Margin);
                }
            }
        }
        assert!(right_in_the_end > 0, "no datapoint is right in the end");
    }
}

/// Solves a system with several right-hand sides by Gauss–Jordan elimination.
fn eliminate(mut a: Vec<Vec<f64>>, mut b: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let n = a.len();
    for i in 0..n {
        let pivot = (i..n)
            .max_by(|&r, &s| a[r][i].abs().total_cmp(&a[s][i].abs()))
            .unwrap();
        a.swap(i, pivot);
        b.swap(i, pivot);
        for r in (0..n).filter(|&r| r != i) {
            let factor = a[r][i] / a[i][i];
            let (pivot, its_right) = (a[i].clone(), b[i].clone());
            let of_a = a[r].iter_mut().zip(&pivot);
            of_a.for_each(|(v, p)| *v -= factor * p);
            let of_b = b[r].iter_mut().zip(&its_right);
            of_b.for_each(|(v, p)| *v -= factor * p);
        }
    }
    (0..n)
        .map(|i| b[i].iter().map(|v| v / a[i][i]).collect())
        .collect()
}

/// Claims: learned-near-the-end
#[test]
fn the_affine_lens_is_a_ridge_regression_on_the_other_half() {
    let (p, data) = random_model();
    let traces = Traces::of(Exec::serial(Isa::detect()), &p, &data, Loss::CrossEntropy);
    let all = all_plain(&p, &data, Loss::CrossEntropy);
    let d = 11;
    for l in 0..=6 {
        for half in 0..2 {
            let fit: Vec<&Plain> = (0..33).filter(|k| k % 2 != half).map(|k| &all[k]).collect();
            let n = fit.len() as f64;
            let mean = |f: &dyn Fn(&Plain) -> f64| fit.iter().map(|a| f(a)).sum::<f64>() / n;
            let centre: Vec<f64> = (0..d).map(|i| mean(&|a| a.streams[l][i])).collect();
            let add = |a: &Plain, i: usize| a.streams[6][i] - a.streams[l][i];
            let shift: Vec<f64> = (0..d).map(|i| mean(&|a| add(a, i))).collect();
            let x = |a: &Plain, i: usize| a.streams[l][i] - centre[i];
            let sum = |f: &dyn Fn(&Plain) -> f64| fit.iter().map(|a| f(a)).sum::<f64>();
            let trace: f64 = (0..d).map(|i| sum(&|a| x(a, i).powi(2))).sum();
            let gram = |i: usize, j: usize| {
                let ridge = if i == j { 0.1 * trace / d as f64 } else { 0.0 };
                sum(&|a| x(a, i) * x(a, j)) + ridge
            };
            let a = (0..d)
                .map(|i| (0..d).map(|j| gram(i, j)).collect())
                .collect();
            let right = |i: usize, c: usize| sum(&|a| x(a, i) * (add(a, c) - shift[c]));
            let b = (0..d)
                .map(|i| (0..d).map(|c| right(i, c)).collect())
                .collect();
            let weights = eliminate(a, b);
            for k in (half..33).step_by(2) {
                let read = |c: usize| {
                    let moved: f64 = (0..d).map(|i| x(&all[k], i) * weights[i][c]).sum();
                    all[k].streams[l][c] + shift[c] + moved
                };
                let logits: Vec<f64> = (0..d).map(read).collect();
                let want = margin(&logits, data.targets[k] as usize);
                // The ridge keeps the condition of the system below a few hundred.
                let got = f64::from(traces.affine_margin[l][k]);
                assert!(
                    (got - want).abs() < 1e-2 * want.abs().max(1.0),
                    "{l} {k}: {got} {want}"
                );
            }
        }
    }
}
