//! `multilayer`: its measures against plain f64 loops, divergence, and going on after an interrupt.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::{
    Sandbox, files, flip_a_bit, interrupt, limited, refused, results, same, wait_until,
};
use harness::experiments::many_layers::multilayer::data::Data;
use harness::experiments::many_layers::multilayer::measures::Reading;
use harness::experiments::many_layers::multilayer::{Loss, Settings};
use harness::rng::Rng;
use harness::settings::{Preset, Settings as _};
use kernels::mlp::{Parameters, Shape};
use kernels::{Activation, Exec, Isa, MatRef};
use proptests::reference::{gelu, gelu_derivative};

/// Settings of a run of a second.
const TINY: &str = "multilayer --seeds 2 --quiet --set multilayer.width=16 --set multilayer.hidden=16 \
    --set multilayer.datapoints=[16,48] --set multilayer.batch=16 --set multilayer.steps=1500 \
    --set multilayer.control_steps=2500 --set multilayer.saved_seeds=1";

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

/// Losses of x₀ … x_L and gradient norms of blocks 1 … L for one datapoint.
fn plain(p: &Parameters, pair: [u32; 2], target: usize, loss: Loss) -> (Vec<f64>, Vec<f64>) {
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
        let hidden: Vec<f64> = pre.iter().map(|&v| gelu(v)).collect();
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
            .map(|(d, &z)| d * gelu_derivative(z))
            .collect();
        norms[l] = (outer_squares(&dy, &hiddens[l]) + outer_squares(&d_pre, &x[l])).sqrt();
        let back = transposed(block.w1, &d_pre);
        dy.iter_mut().zip(back).for_each(|(d, b)| *d += b);
    }
    (losses, norms)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    (values[(n - 1) / 2] + values[n / 2]) / 2.0
}

/// Claims: late-layers-near-linear, learned-near-the-end, more-data-learned-earlier, no-decisive-layer
#[test]
fn measures_are_those_of_plain_loops() {
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
    // Through six blocks, sums of at most 13 terms in f32: some 6·2·(13 + 4)·2⁻²⁴ = 1.2e-5 of the sizes summed;
    // ten times that, since values cancel.
    let near = |a: f64, b: f64| assert!((a - b).abs() <= 1.2e-4 * b.abs().max(0.1), "{a} {b}");
    for loss in Settings::preset(Preset::Quick).losses {
        let threshold = 2.5;
        let reading = Reading::of(
            Exec::serial(Isa::detect()),
            &p,
            &data,
            loss,
            threshold,
            &[5],
        );
        let all: Vec<_> = (0..data.len())
            .map(|k| plain(&p, data.pairs[k], data.targets[k] as usize, loss))
            .collect();
        let n = all.len() as f64;
        for l in 0..=shape.layers {
            near(reading.loss[l], all.iter().map(|a| a.0[l]).sum::<f64>() / n);
            let below = all.iter().filter(|a| a.0[l] < threshold).count() as f64;
            assert_eq!(reading.learned[l], below / n);
            near(reading.samples[0].loss[l], all[5].0[l]);
        }
        let share = |a: &(Vec<f64>, Vec<f64>), l: usize| a.1[l] / a.1.iter().sum::<f64>();
        for l in 0..shape.layers {
            near(
                reading.norm[l],
                median(all.iter().map(|a| a.1[l]).collect()),
            );
            near(
                reading.share[l],
                median(all.iter().map(|a| share(a, l)).collect()),
            );
            near(reading.samples[0].norm[l], all[5].1[l]);
        }
        let largest = |a| (0..shape.layers).map(|l| share(a, l)).fold(0.0, f64::max);
        near(
            reading.largest_share,
            median(all.iter().map(largest).collect()),
        );
        let area: f64 = reading.learned[..shape.layers].iter().sum::<f64>() / shape.layers as f64;
        assert_eq!(reading.area(), area);
        assert_eq!(
            reading.learned_before_last(),
            reading.learned[shape.layers - 1]
        );
    }
}

#[test]
fn a_model_that_diverges_is_named_and_leaves_its_claims_open() {
    let sandbox = Sandbox::new();
    let run = format!("run response {TINY} --set multilayer.learning_rate=1e30 --out a");
    let output = sandbox.harness(&run).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{message}");
    assert!(
        message.contains("seed 0 diverged at step 1: the loss of layer 0 is not finite"),
        "{message}"
    );
    let ours = sandbox.claims("a", "multilayer");
    assert_eq!(ours.len(), 4);
    for line in ours {
        assert!(
            line.contains("inconclusive") && line.contains("diverged at step 1"),
            "{line}"
        );
    }
    // The rest of the suite is as ever, and what was measured is there.
    sandbox.claim("a", "same-shape-smaller");
    let models = std::fs::read_to_string(sandbox.join("a/multilayer/models.csv")).unwrap();
    assert!(models.contains("untrained") && models.contains("diverged at step 1"));
}

/// The checkpoints of each training in progress or done.
fn checkpoints(run: &Path) -> Vec<Vec<PathBuf>> {
    let list = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|e| e.path()).collect();
        paths.retain(|p| p.is_dir() || p.extension().is_some_and(|e| e == "ckpt"));
        paths.sort();
        paths
    };
    list(&run.join("multilayer/checkpoints"))
        .iter()
        .map(|f| list(f))
        .collect()
}

#[test]
fn a_killed_run_is_resumed_to_the_same_bytes_at_any_number_of_threads() {
    let sandbox = Sandbox::new();
    sandbox
        .harness(&format!("run {TINY} --threads 2 --out whole"))
        .assert()
        .success();
    let whole = results(&sandbox.join("whole"));
    assert!(whole.keys().any(|name| name.ends_with(".safetensors")));
    assert!(!whole.keys().any(|name| name.contains("checkpoints")));

    let mut child = sandbox.start(&format!("run {TINY} --threads 1 --out killed"));
    wait_until("a configuration", || {
        sandbox.join("killed/manifest.json").exists()
    });
    let mut rng = Rng::stream(5, "test", "kill", 0);
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(20 + rng.below(150) as u64));
        if child.try_wait().unwrap().is_some() {
            // It came through before: that must not have harmed it, and another one is killed.
            same(&whole, &results(&sandbox.join("killed")));
            std::fs::remove_dir_all(sandbox.join("killed")).unwrap();
            child = sandbox.start(&format!("run {TINY} --threads 2 --out killed"));
            wait_until("a configuration", || {
                sandbox.join("killed/manifest.json").exists()
            });
        }
        child.kill().unwrap();
        child.wait().unwrap();
        child = sandbox.start("run --resume killed --quiet");
    }
    assert!(child.wait().unwrap().success());
    same(&whole, &results(&sandbox.join("killed")));

    // A run that is complete stays as it is.
    sandbox
        .harness("run --resume killed --quiet")
        .assert()
        .success();
    same(&whole, &results(&sandbox.join("killed")));
}

#[test]
fn an_interrupted_training_is_resumed_to_the_same_bytes() {
    let sandbox = Sandbox::new();
    sandbox
        .harness(&format!("run {TINY} --out whole"))
        .assert()
        .success();
    // Checkpoints are due once an hour: the one that is found was written because of the interrupt.
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("harness"))
        .current_dir(sandbox.path())
        .args(format!("run {TINY} --out a --checkpoint-every 3600").split_whitespace())
        .stderr(Stdio::null())
        .spawn()
        .expect("the harness starts");
    let run = sandbox.join("a");
    wait_until("a configuration", || run.join("manifest.json").exists());
    std::thread::sleep(Duration::from_millis(200));
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(checkpoints(&run).iter().any(|f| !f.is_empty()));
    sandbox.harness("run --resume a --quiet").assert().success();
    same(&results(&sandbox.join("whole")), &results(&run));
}

#[test]
fn fewer_models_than_threads_share_the_threads_and_give_the_same_bytes() {
    let sandbox = Sandbox::new();
    let few = "multilayer --seeds 1 --quiet --set multilayer.width=24 --set multilayer.hidden=24 \
        --set multilayer.datapoints=[200] --set multilayer.batch=160 --set multilayer.steps=300 \
        --set multilayer.control_steps=100";
    for (out, threads) in [("one", 1), ("many", 9)] {
        sandbox
            .harness(&format!("run {few} --threads {threads} --out {out}"))
            .assert()
            .success();
    }
    same(
        &results(&sandbox.join("one")),
        &results(&sandbox.join("many")),
    );
}

#[test]
fn models_are_trained_at_no_more_seeds_than_asked_for() {
    let sandbox = Sandbox::new();
    sandbox
        .harness(&format!("run {TINY} --set multilayer.most_seeds=1 --out a"))
        .assert()
        .success();
    let measures = std::fs::read_to_string(sandbox.join("a/multilayer/measures.csv")).unwrap();
    let models = std::fs::read_to_string(sandbox.join("a/multilayer/models.csv")).unwrap();
    for table in [measures, models] {
        let mut rows = csv::Reader::from_reader(table.as_bytes());
        let seed = rows
            .headers()
            .unwrap()
            .iter()
            .position(|h| h == "seed")
            .unwrap();
        let seeds: std::collections::BTreeSet<String> = rows
            .records()
            .map(|r| r.unwrap()[seed].to_string())
            .collect();
        assert_eq!(seeds.into_iter().collect::<Vec<_>>(), ["0"]);
    }
}

#[test]
fn damaged_checkpoints_are_refused_until_they_are_removed() {
    let sandbox = Sandbox::new();
    sandbox
        .harness(&format!("run {TINY} --out whole"))
        .assert()
        .success();
    let mut child = sandbox.start(&format!("run {TINY} --out a"));
    let run = sandbox.join("a");
    wait_until("checkpoints", || {
        checkpoints(&run).iter().filter(|f| f.len() >= 2).count() >= 2
    });
    child.kill().unwrap();
    child.wait().unwrap();

    let trainings = checkpoints(&run);
    let mut trainings = trainings.iter().filter(|f| f.len() >= 2);
    // The last of one training gets a flipped bit; of another one, all are cut short.
    let (one, other) = (trainings.next().unwrap(), trainings.next().unwrap());
    let damaged = [one.last().unwrap(), &other[0], &other[1]];
    flip_a_bit(damaged[0]);
    for file in &damaged[1..] {
        let bytes = std::fs::read(file).unwrap();
        std::fs::write(file, &bytes[..bytes.len() / 3]).unwrap();
    }
    for file in damaged {
        let name = file.strip_prefix(sandbox.path()).unwrap();
        let named = format!("{} is damaged (its checksum is wrong)", name.display());
        let before = checkpoints(&run);
        sandbox.refuses("run --resume a --quiet", &[&named, "remove it"]);
        assert_eq!(before, checkpoints(&run));
        std::fs::remove_file(file).unwrap();
    }
    sandbox.harness("run --resume a --quiet").assert().success();
    same(&results(&sandbox.join("whole")), &results(&run));
}

#[test]
fn a_changed_model_is_named_and_trained_again() {
    let sandbox = Sandbox::new();
    sandbox
        .harness(&format!("run {TINY} --out a"))
        .assert()
        .success();
    let whole = results(&sandbox.join("a"));
    let model = whole.keys().find(|name| name.ends_with(".safetensors"));
    let model = format!("a/{}", model.unwrap());
    flip_a_bit(&sandbox.join(&model));
    sandbox.refuses(
        "run --resume a --quiet",
        &[&format!("{model} was changed"), "remove a/multilayer"],
    );
    std::fs::remove_dir_all(sandbox.join("a/multilayer")).unwrap();
    sandbox.harness("run --resume a --quiet").assert().success();
    same(&whole, &results(&sandbox.join("a")));
}

#[test]
fn a_run_that_filled_the_disk_is_resumed_to_the_same_bytes() {
    let sandbox = Sandbox::new();
    sandbox
        .harness(&format!("run {TINY} --out whole"))
        .assert()
        .success();
    let arguments = format!("run {TINY} --out a --checkpoint-every 0.005");
    refused(
        limited(&sandbox, &arguments),
        &["cannot write a/multilayer/checkpoints/", "free some space"],
    );
    let left = files(&sandbox.join("a"));
    assert!(!left.keys().any(|name| name.contains("/.")), "{left:?}");
    sandbox.harness("run --resume a --quiet").assert().success();
    same(
        &results(&sandbox.join("whole")),
        &results(&sandbox.join("a")),
    );
}

#[test]
fn another_configuration_is_not_resumed() {
    let sandbox = Sandbox::new();
    sandbox
        .harness(&format!("run {TINY} --set multilayer.steps=5 --out a"))
        .assert()
        .success();
    sandbox.refuses(
        &format!("run {TINY} --set multilayer.steps=6 --resume a"),
        &["settings.multilayer.steps = 5, not 6"],
    );
    sandbox.refuses("run --resume nowhere", &["nowhere/config.toml"]);
}

#[test]
fn settings_out_of_range_are_refused() {
    let sandbox = Sandbox::new();
    for (set, part) in [
        ("layers=5", "6 to 256"),
        ("datapoints=[5,100000]", "width²"),
        ("datapoints=[7,7]", "increasing"),
        ("losses=[\"hinge\"]", "hinge"),
        ("losses=[]", "one or both"),
        ("learning_rate=0.0", "above 0"),
        ("threshold=nan", "above 0"),
        ("batch=0", "1 to"),
    ] {
        sandbox.refuses(&format!("run multilayer --set multilayer.{set}"), &[part]);
    }
}
