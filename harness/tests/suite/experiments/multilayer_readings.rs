//! What `multilayer` reads from models, and the models that it builds by hand, against plain loops in f64.

use crate::common::testing;
use harness::claim::Verdict;
use harness::experiments::many_layers::multilayer::circuit::{self, Dealt};
use harness::experiments::many_layers::multilayer::data::{self, Data};
use harness::experiments::many_layers::multilayer::decisive::{Measure, decisive_share, shares};
use harness::experiments::many_layers::multilayer::reading::{Judge, Reading};
use harness::experiments::many_layers::multilayer::traces::Traces;
use harness::experiments::many_layers::multilayer::{
    Capacity, Curve, Loss, Multilayer, Settings, Targets,
};
use harness::rng::Rng;
use harness::settings::{Preset, Settings as _};
use harness::table::record::Word as _;
use kernels::mlp::{Parameters, Shape};
use kernels::{Activation, Exec, Isa, MatRef};
use proptests::reference::{gelu, gelu_derivative};

fn product(m: MatRef, x: &[f64]) -> Vec<f64> {
    let dot = |i| m.row(i).iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum();
    (0..m.rows()).map(dot).collect()
}

fn transposed(m: MatRef, y: &[f64]) -> Vec<f64> {
    let dot = |j| (0..m.rows()).map(|i| f64::from(m.row(i)[j]) * y[i]).sum();
    (0..m.cols()).map(dot).collect()
}

/// Sum of the squares of all entries of y xᵀ, entry by entry.
fn outer_squares(y: &[f64], x: &[f64]) -> f64 {
    y.iter()
        .flat_map(|y| x.iter().map(move |x| (y * x).powi(2)))
        .sum()
}

/// What a plain loop finds for one datapoint.
struct Plain {
    /// The residual stream after layers 0 … L.
    streams: Vec<Vec<f64>>,
    loss: Vec<f64>,
    /// Gradient norms of blocks 1 … L.
    norm: Vec<f64>,
}

/// The value and the derivative of an activation.
fn activation(p: &Parameters, z: f64) -> (f64, f64) {
    match p.shape().activation {
        Activation::Relu => (z.max(0.0), if z > 0.0 { 1.0 } else { 0.0 }),
        _ => (gelu(z), gelu_derivative(z)),
    }
}

fn plain(p: &Parameters, pair: [u32; 2], target: usize, loss: Loss) -> Plain {
    let [first, second] = p.embeddings();
    let rows = first
        .row(pair[0] as usize)
        .iter()
        .zip(second.row(pair[1] as usize));
    let mut x: Vec<Vec<f64>> = vec![rows.map(|(a, b)| f64::from(*a) + f64::from(*b)).collect()];
    let (mut pres, mut hiddens) = (Vec::new(), Vec::new());
    for l in 0..p.shape().layers {
        let block = p.block(l);
        let pre: Vec<f64> = product(block.w1, &x[l])
            .iter()
            .zip(block.b1)
            .map(|(v, b)| v + f64::from(*b))
            .collect();
        let hidden: Vec<f64> = pre.iter().map(|&v| activation(p, v).0).collect();
        let out = product(block.w2, &hidden);
        let next = (0..out.len())
            .map(|i| x[l][i] + out[i] + f64::from(block.b2[i]))
            .collect();
        x.push(next);
        pres.push(pre);
        hiddens.push(hidden);
    }
    let loss_of = |x: &Vec<f64>| match loss {
        Loss::SquaredError => {
            let off = |(i, v): (usize, &f64)| if i == target { v - 1.0 } else { *v };
            x.iter().enumerate().map(|e| off(e).powi(2)).sum::<f64>()
        }
        Loss::CrossEntropy => x.iter().map(|v| v.exp()).sum::<f64>().ln() - x[target],
    };
    let losses = x.iter().map(loss_of).collect();
    let mut dy = vec![0.0; p.shape().width];
    dy[target] = 1.0;
    let mut norms = vec![0.0; p.shape().layers];
    for l in (0..p.shape().layers).rev() {
        let block = p.block(l);
        let through = transposed(block.w2, &dy);
        let d_pre: Vec<f64> = through
            .iter()
            .zip(&pres[l])
            .map(|(d, &z)| d * activation(p, z).1)
            .collect();
        norms[l] = (outer_squares(&dy, &hiddens[l]) + outer_squares(&d_pre, &x[l])).sqrt();
        let back = transposed(block.w1, &d_pre);
        dy.iter_mut().zip(back).for_each(|(d, b)| *d += b);
    }
    Plain {
        streams: x,
        loss: losses,
        norm: norms,
    }
}

/// The correct logit minus the largest other one.
fn margin(logits: &[f64], target: usize) -> f64 {
    let others = (0..logits.len()).filter(|&c| c != target);
    logits[target] - others.map(|c| logits[c]).fold(f64::NEG_INFINITY, f64::max)
}

fn quantile(mut values: Vec<f64>, q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = q * (values.len() - 1) as f64;
    let (low, high) = (values[at.floor() as usize], values[at.ceil() as usize]);
    low + (at - at.floor()) * (high - low)
}

/// A model with random weights and random data for it.
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

fn all_plain(p: &Parameters, data: &Data, loss: Loss) -> Vec<Plain> {
    let one = |k: usize| plain(p, data.pairs[k], data.targets[k] as usize, loss);
    (0..data.len()).map(one).collect()
}

/// Through six blocks, sums of at most 13 terms in f32: some 6·2·(13 + 4)·2⁻²⁴ = 1.2e-5 of the sizes summed;
/// ten times that, since values cancel.
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

/// The parts of each layer by a measure, and the layer that decides.
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
        // The layer after the last one at which it is wrong.
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
                // There are datapoints whose loss never drops: there is nothing to share.
                let Some(got) = shares(&traces, measure, k) else {
                    assert!(want.iter().all(|v| v.is_nan()), "{measure} {k}: {want:?}");
                    assert_eq!(decisive_share(&traces, measure, k), None);
                    continue;
                };
                // A rise is a difference of two values of some units.
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

/// 40 pairs out of 12² with classes out of 12.
fn forty() -> Data {
    Data::draw(12, Targets::Random, 40, 4)
}

/// Claims: late-layers-near-linear, learned-near-the-end, no-decisive-layer
#[test]
fn a_look_up_model_is_right_exactly_from_its_owner_on() {
    let data = forty();
    for &loss in Loss::ALL {
        let p = circuit::look_up(&data, 12, 5, 8, loss).unwrap();
        let width = p.shape().width;
        let height = circuit::height(loss, width);
        for (k, a) in all_plain(&p, &data, loss).iter().enumerate() {
            let (owner, target) = (circuit::owner(k, 40, 8), data.targets[k] as usize);
            for (l, x) in a.streams.iter().enumerate() {
                let done = l >= owner;
                for (c, &logit) in x[..12].iter().enumerate() {
                    let want = if done && c == target {
                        height as f32
                    } else {
                        0.0
                    };
                    assert_eq!(logit, f64::from(want), "{loss} {k} {l} {c}");
                }
                // The code is next to nothing as a logit.
                assert!(x[12..].iter().all(|&v| v == 0.0 || v == -1.0 / 1024.0));
                assert_eq!(margin(x, target) > 0.0, done);
            }
            let active: Vec<bool> = a.norm.iter().map(|&v| v > 0.0).collect();
            let want: Vec<bool> = (1..=8).map(|l| l == owner).collect();
            assert_eq!(active, want, "only the owner has a gradient");
        }
        // Through the kernels: five datapoints a layer, by every judge, and each measure finds the owner.
        let exec = Exec::serial(Isa::detect());
        let judges = [Judge::Loss(0.05), Judge::Argmax, Judge::AffineLens];
        let reading = Reading::of(exec, &p, &data, loss, &judges, &[]);
        for judge in &judges[..2] {
            let want: Vec<f64> = (0..=8).map(|l| l as f64 / 8.0).collect();
            assert_eq!(reading.right(*judge).0, want, "{judge}");
        }
        let steps: Vec<f64> = reading.loss.windows(2).map(|w| w[1] - w[0]).collect();
        for step in &steps {
            assert!(
                (step - steps[0]).abs() < 1e-3 * steps[0].abs(),
                "a straight line: {steps:?}"
            );
        }
        for &measure in Measure::ALL {
            assert_eq!(reading.decisive[measure as usize], [1.0; 5], "{measure}");
        }
    }
    let why = circuit::look_up(&data, 12, 4, 8, Loss::CrossEntropy).unwrap_err();
    assert!(why.contains("holds 32 pairs, not 40"), "{why}");
}

/// Claims: no-decisive-layer
#[test]
fn an_and_circuit_is_exact_and_its_work_is_dealt_as_told() {
    let data = forty();
    let build = |dealt, seed| {
        let rng = data::dealing(seed);
        circuit::universal_and(&data, 12, 160, 8, dealt, Loss::SquaredError, rng).unwrap()
    };
    let mut done = [0.0; 9];
    let seeds = 30;
    for seed in 0..seeds {
        let p = build(Dealt::ToAllLayers, seed);
        for (k, a) in all_plain(&p, &data, Loss::SquaredError).iter().enumerate() {
            let target = data.targets[k] as usize;
            for (c, &logit) in a.streams[8][..12].iter().enumerate() {
                let want = if c == target { 1.0 } else { 0.0 };
                // What is written is rounded to f32.
                assert!((logit - want).abs() < 1e-4, "{k} {c}: {logit}");
            }
            for (l, done) in done.iter_mut().enumerate() {
                *done += a.streams[l][target] / (40 * seeds) as f64;
            }
        }
    }
    // A share of a datapoint is spread by 0.2 or so in each of thirty circuits.
    for (l, done) in done.iter().enumerate() {
        assert!(
            (done - l as f64 / 8.0).abs() < 0.05,
            "after layer {l}: {done}"
        );
    }

    let p = build(Dealt::ToOneLayer, 0);
    let exec = Exec::serial(Isa::detect());
    let reading = Reading::of(exec, &p, &data, Loss::SquaredError, &[Judge::Argmax], &[]);
    assert_eq!(reading.right(Judge::Argmax).0[4..=5], [0.0, 1.0]);
    for &measure in Measure::ALL {
        assert_eq!(reading.decisive[measure as usize], [1.0; 5], "{measure}");
    }
    let rng = data::dealing(0);
    let few = circuit::universal_and(
        &data,
        12,
        39,
        8,
        Dealt::ToAllLayers,
        Loss::CrossEntropy,
        rng,
    );
    assert!(
        few.unwrap_err()
            .contains("39 hidden units do not tell 40 pairs apart")
    );
}

/// Claims: end-to-end-learns-more
#[test]
fn the_controls_fail_where_they_should_and_every_cell_is_settled() {
    let s = Settings {
        width: 20,
        hidden: 20,
        layers: 6,
        datapoints: vec![12, 24],
        epochs: 150,
        long_epochs: 150,
        other_seeds: 1,
        opposite_steps: 50,
        curve: Curve {
            width: 12,
            loads: vec![0.5, 1.0, 2.0],
            layers: vec![6],
            rates: vec![3e-3],
            epochs: 100,
            steps: 100,
            full_batch_steps: 50,
            seeds: 3,
            ..Curve::preset(Preset::Quick)
        },
        capacity: Capacity {
            width: 8,
            hidden: 4,
            layers: 2,
            loads: vec![1.0, 2.0],
            steps: 1000,
            ..Capacity::preset(Preset::Quick)
        },
        ..Settings::preset(Preset::Quick)
    };
    let seeds = [0, 1, 2];
    let outcome = testing::run::<Multilayer>(&s, &seeds);
    let controls = testing::settle_controls::<Multilayer>(&outcome, &seeds);
    let verdict = |id: &str| controls.get(id).unwrap().verdict;
    assert_eq!(verdict("late-layers-near-linear"), Verdict::NoPower);
    assert_eq!(verdict("learned-near-the-end"), Verdict::NotReproduced);
    assert_ne!(verdict("more-data-learned-earlier"), Verdict::NoPower);
    assert_ne!(verdict("more-data-learned-earlier"), Verdict::Reproduced);
    let entry = controls.get("no-decisive-layer").unwrap();
    assert_eq!((entry.verdict, entry.value), (Verdict::NotReproduced, 6.0));

    let ledger = testing::settle::<Multilayer>(&outcome, &seeds);
    // Two losses; minibatches with three budgets and all datapoints with two; two pairs of loads; and the point.
    let cells = 2 * (3 + 2) * 2 + 1;
    for (id, judges) in [
        ("late-layers-near-linear", 1),
        ("no-decisive-layer", 1),
        ("learned-near-the-end", 5),
        ("more-data-learned-earlier", 5),
    ] {
        let entry = ledger.get(id).unwrap();
        assert_eq!(entry.settings, cells * judges, "{id}");
        let points: Vec<_> = ledger.cells_of(id).filter(|c| c.point).collect();
        assert_eq!(points.len(), 1, "{id}");
        assert_eq!(points[0].value.to_bits(), entry.value.to_bits(), "{id}");
    }
    let entry = ledger.get("end-to-end-learns-more").unwrap();
    assert!(entry.value > 0.0, "{entry:?}");
}
