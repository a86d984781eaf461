//! `recovery`: its measures against plain f64 loops, its claims and controls, divergence, and resuming after a kill.
#![cfg(unix)]

use std::time::Duration;

use crate::common::{Sandbox, results, same, testing};
use harness::claim::measures::Measurement;
use harness::experiments::autoencoders::recovery::measures::{HeldOut, Reading};
use harness::experiments::autoencoders::recovery::{Recovery, Settings};
use harness::rng::Rng;
use harness::sae::synthetic::{Generator, Law};
use harness::sae::training::Plan;
use harness::settings::{Preset, Settings as _};
use kernels::sae::{L1, Parameters, Rows, Shape, Variant};
use kernels::{Exec, Isa, MatRef};

/// The arguments of a run that takes a second.
const TINY: &str = "recovery --seeds 2 --quiet --set recovery.data.width=8 --set recovery.data.features=12 \
    --set recovery.data.active=1.5 --set recovery.lambdas=[0.001,0.1,3.0] --set recovery.ratios=[1,2] \
    --set recovery.training.steps=300 --set recovery.training.batch=32 --set recovery.held_out=500 \
    --set recovery.optimum_samples=10";

fn rng(index: u64) -> Rng {
    Rng::stream(4, "test", "recovery", index)
}

fn law() -> Law {
    Law {
        width: 8,
        features: 12,
        active: 1.5,
        ..Settings::preset(Preset::Quick).data
    }
}

/// Returns a model with random weights and biases; the biases of dead elements are far below 0.
fn model() -> Parameters {
    let shape = Shape {
        width: 8,
        dictionary: 20,
    };
    let variant = Variant::L1(L1 {
        lambda: 0.1,
        rows: Rows::Unit,
    });
    let mut rng = rng(1);
    let mut p = Parameters::initial(shape, variant, || rng.normal() as f32);
    let [mut b_enc, mut b_dec] = p.tensors_mut(["b_enc", "b_dec"]);
    b_enc.row_mut(0).iter_mut().enumerate().for_each(|(j, b)| {
        *b = if j < 3 {
            -50.0
        } else {
            0.1 * (j as f32 - 10.0) / 10.0
        };
    });
    b_dec
        .row_mut(0)
        .iter_mut()
        .for_each(|b| *b = 0.1 * rng.normal() as f32);
    p
}

fn row(m: MatRef, j: usize) -> Vec<f64> {
    m.row(j).iter().map(|&v| f64::from(v)).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Claims: l1-band-recovers-features, no-duplicate-directions
#[test]
fn measures_are_those_of_plain_loops() {
    let generator = Generator::new(law(), &mut rng(0));
    let held_out = HeldOut::draw(&generator, 1500, &mut rng(2));
    let p = model();
    let lambda = 0.1;
    let reading = Reading::of(Exec::serial(Isa::detect()), &p, lambda, &held_out, 1);

    let (n, d) = (20, 8);
    let b_enc = row(p.tensor("b_enc"), 0);
    let b_dec = row(p.tensor("b_dec"), 0);
    let (mut error, mut l0, mut l1) = (0.0, 0.0, 0.0);
    let mut fires = vec![false; n];
    let x: Vec<Vec<f64>> = (0..1500).map(|i| row(held_out.samples(), i)).collect();
    for x in &x {
        let centred: Vec<f64> = x.iter().zip(&b_dec).map(|(x, b)| x - b).collect();
        let mut x_hat = b_dec.clone();
        for j in 0..n {
            let f = (dot(&row(p.tensor("w_enc"), j), &centred) + b_enc[j]).max(0.0);
            if f > 0.0 {
                fires[j] = true;
                l0 += 1.0;
                l1 += f;
                let element = row(p.dictionary(), j);
                x_hat.iter_mut().zip(element).for_each(|(x, e)| *x += f * e);
            }
        }
        error += x
            .iter()
            .zip(&x_hat)
            .map(|(a, b)| (a - b).powi(2))
            .sum::<f64>();
    }
    let samples = x.len() as f64;
    let mean: Vec<f64> = (0..d)
        .map(|i| x.iter().map(|x| x[i]).sum::<f64>() / samples)
        .collect();
    let variance: f64 = x
        .iter()
        .map(|x| {
            x.iter()
                .zip(&mean)
                .map(|(x, m)| (x - m).powi(2))
                .sum::<f64>()
        })
        .sum();
    // Sums of some 20 terms in f32; an entry near 0 may fall on the other side of it.
    let near = |a: f64, b: f64| assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{a} {b}");
    near(reading.loss, (error + lambda * l1) / samples);
    near(reading.explained_variance, 1.0 - error / variance);
    near(reading.l0, l0 / samples);
    near(reading.l1, l1 / samples);
    near(
        reading.dead,
        fires.iter().filter(|f| !**f).count() as f64 / n as f64,
    );
    assert!(reading.dead >= 3.0 / 20.0);

    let elements: Vec<Vec<f64>> = (0..n).map(|j| row(p.dictionary(), j)).collect();
    let features: Vec<Vec<f64>> = (0..12).map(|i| row(generator.features(), i)).collect();
    let alive: Vec<Vec<f64>> = (0..n)
        .filter(|&j| fires[j])
        .map(|j| elements[j].clone())
        .collect();
    let nearest = |a: &[f64], among: &[Vec<f64>]| {
        among
            .iter()
            .map(|b| cosine(a, b))
            .fold(f64::NEG_INFINITY, f64::max)
    };
    let mmcs = |a: &[Vec<f64>], b: &[Vec<f64>]| {
        a.iter().map(|a| nearest(a, b)).sum::<f64>() / a.len() as f64
    };
    near(reading.mmcs, mmcs(&features, &elements));
    near(reading.mmcs_of_alive, mmcs(&alive, &features));
    assert_eq!(reading.neighbours.len(), alive.len());
    for (i, &neighbour) in reading.neighbours.iter().enumerate() {
        let others: Vec<Vec<f64>> = alive
            .iter()
            .enumerate()
            .filter(|(j, _)| *j != i)
            .map(|(_, a)| a.clone())
            .collect();
        near(neighbour, nearest(&alive[i], &others));
    }
    let above = reading.neighbours.iter().filter(|c| **c > 0.5).count();
    near(reading.share_above(0.5), above as f64 / alive.len() as f64);
}

/// Claims: sae-approximates-optimum
#[test]
fn the_excess_is_that_over_coordinate_descent_by_plain_loops() {
    let generator = Generator::new(law(), &mut rng(0));
    let held_out = HeldOut::draw(&generator, 100, &mut rng(3));
    let (p, lambda, compared) = (model(), 0.1, 60);
    let exec = Exec::serial(Isa::detect());
    let reading = Reading::of(exec, &p, lambda, &held_out, compared);

    let elements: Vec<Vec<f64>> = (0..20).map(|j| row(p.dictionary(), j)).collect();
    let (b_enc, b_dec) = (row(p.tensor("b_enc"), 0), row(p.tensor("b_dec"), 0));
    let rest = |x: &[f64], code: &[f64]| {
        let mut rest = x.to_vec();
        for (c, e) in code.iter().zip(&elements) {
            rest.iter_mut().zip(e).for_each(|(r, e)| *r -= c * e);
        }
        rest
    };
    let loss = |x: &[f64], code: &[f64]| {
        let rest = rest(x, code);
        dot(&rest, &rest) + lambda * code.iter().sum::<f64>()
    };
    // The loss is convex, so a code that no change of a coordinate improves is the best.
    let best = |x: &[f64]| {
        let mut code = vec![0.0; 20];
        for _ in 0..2000 {
            for j in 0..20 {
                let along = dot(&elements[j], &rest(x, &code)) - lambda / 2.0;
                code[j] = (code[j] + along / dot(&elements[j], &elements[j])).max(0.0);
            }
        }
        code
    };
    let [mut own, mut transposed, mut least] = [0.0; 3];
    for i in 0..compared {
        let x = row(held_out.samples(), i);
        let x: Vec<f64> = x.iter().zip(&b_dec).map(|(x, b)| x - b).collect();
        let by_encoder = (0..20).map(|j| (dot(&row(p.tensor("w_enc"), j), &x) + b_enc[j]).max(0.0));
        let by_transpose = elements
            .iter()
            .map(|e| (dot(e, &x) - lambda / 2.0).max(0.0));
        own += loss(&x, &by_encoder.collect::<Vec<_>>());
        transposed += loss(&x, &by_transpose.collect::<Vec<_>>());
        least += loss(&x, &best(&x));
    }
    // FISTA stops at a duality gap of 1e-5 of ‖x‖².
    for (distance, loss) in [(reading.own, own), (reading.transposed, transposed)] {
        let excess = (loss - least) / least;
        assert!(
            (distance.excess - excess).abs() <= 1e-3 * excess,
            "{distance:?} {excess}"
        );
        assert!((0.0..=1.0).contains(&distance.f1));
    }
}

#[test]
fn features_are_recovered_in_a_band_and_not_without_a_penalty() {
    let quick = Settings::preset(Preset::Quick);
    let s = Settings {
        lambdas: vec![1e-4, 0.01, 0.1, 0.3, 3.0],
        held_out: 4096,
        data: Law {
            width: 32,
            features: 64,
            active: 2.0,
            ..quick.data
        },
        training: Plan {
            steps: 700,
            batch: 256,
            ..quick.training
        },
        ..quick
    };
    let outcome = testing::run::<Recovery>(&s, &[0]);
    let claims = testing::settle::<Recovery>(&outcome, &[0]);
    let band = claims.get("l1-band-recovers-features").unwrap();
    // One seed gives no interval, but every condition of the claim holds there, and the headline fails in the control.
    let of_band = |m: &&Measurement| m.claim == band.id && m.setting.is_empty();
    let measures: Vec<_> = outcome.measures.iter().filter(of_band).collect();
    assert!(
        !measures.is_empty() && measures.iter().all(|m| m.holds),
        "{measures:?}"
    );
    assert!(band.control_value < 0.7, "{band:?}");
    let optimum = claims.get("sae-approximates-optimum").unwrap();
    assert!(optimum.value < optimum.control_value, "{optimum:?}");
    let duplicates = claims.get("no-duplicate-directions").unwrap();
    assert!(
        duplicates.value < duplicates.control_value,
        "{duplicates:?}"
    );
    // Weights × choices of λ × budgets × cosines, at the one ratio up to 1; the point setting is among them.
    assert_eq!(duplicates.settings, 2 * 3 * 2 * 2);
    assert!(claims.cells_of(duplicates.id.as_str()).any(|c| c.point));
}

#[test]
fn a_model_that_diverges_is_named_and_leaves_its_claims_open() {
    let sandbox = Sandbox::new();
    let run = format!("run {TINY} --set recovery.training.learning_rate=1e30 --out a");
    let output = sandbox.harness(&run).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{message}");
    assert!(message.contains("seed 0 diverged at step"), "{message}");
    let ours = sandbox.claims("a", "recovery");
    assert_eq!(ours.len(), 3);
    for line in ours {
        assert!(
            line.contains("undecided") && line.contains("diverged at step"),
            "{line}"
        );
    }
}

#[test]
fn a_killed_run_is_resumed_to_the_same_bytes_at_any_number_of_threads() {
    let sandbox = Sandbox::new();
    let whole = format!("run {TINY} --threads 2 --out whole");
    sandbox.harness(&whole).assert().success();
    let whole = results(&sandbox.join("whole"));
    assert!(!whole.keys().any(|name| name.contains("checkpoints")));

    let mut child = sandbox.start(&format!("run {TINY} --threads 1 --out killed"));
    let mut rng = rng(5);
    let mut seen = false;
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(60 + rng.below(100) as u64));
        child.kill().unwrap();
        child.wait().unwrap();
        seen |= sandbox.join("killed/recovery/checkpoints").exists();
        child = match sandbox.join("killed/manifest.json").exists() {
            true => sandbox.start("run --resume killed --quiet"),
            false => sandbox.start(&format!("run {TINY} --threads 1 --out killed")),
        };
    }
    assert!(child.wait().unwrap().success());
    assert!(seen, "it was never killed in the middle of its training");
    same(&whole, &results(&sandbox.join("killed")));
}

#[test]
fn settings_out_of_range_are_refused() {
    let sandbox = Sandbox::new();
    for (set, part) in [
        ("lambdas=[0.1,0.01,1]", "increasing"),
        ("lambdas=[0.1]", "3 to 64"),
        ("ratios=[0.5,1]", "2 among them"),
        ("ratios=[0.5,2]", "2 among them"),
        ("ratios=[0.0001,2]", "one element or more"),
        ("data.active=1000", "first feature always fires"),
        ("data.directions=\"orthogonal\"", "orthogonal"),
        ("data.firing=\"poisson\"", "poisson"),
        ("training.learning_rate=0.0", "above 0"),
        ("training.cooldown=2.0", "0 to 1"),
        ("optimum_samples=0", "1 to"),
    ] {
        sandbox.refuses(&format!("run recovery --set recovery.{set}"), &[part]);
    }
}
