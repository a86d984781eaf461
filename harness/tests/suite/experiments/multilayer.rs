//! `multilayer` as a run: divergence, interrupts, kills, damaged files and a full disk.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::{
    Sandbox, files, flip_a_bit, interrupt, limited, refused, results, same, wait_until,
};
use harness::rng::Rng;

/// The arguments of a run that takes a second.
const TINY: &str = "multilayer --seeds 2 --quiet --set multilayer.width=20 --set multilayer.hidden=20 \
    --set multilayer.layers=6 --set multilayer.datapoints=[16,48] --set multilayer.batch=16 --set multilayer.epochs=300 \
    --set multilayer.other_seeds=1 --set multilayer.opposite_steps=300 --set multilayer.long_epochs=300 \
    --set multilayer.saved_seeds=1 --set multilayer.curve.width=12 --set multilayer.curve.layers=[6] \
    --set multilayer.curve.loads=[1.0,2.0] --set multilayer.curve.rates=[0.003] --set multilayer.curve.epochs=20 \
    --set multilayer.curve.steps=50 --set multilayer.curve.full_batch_steps=20 --set multilayer.curve.seeds=1 \
    --set multilayer.capacity.width=8 --set multilayer.capacity.hidden=4 --set multilayer.capacity.layers=2 \
    --set multilayer.capacity.loads=[1.0,2.0] --set multilayer.capacity.steps=300 --set multilayer.capacity.seeds=2";

#[test]
fn a_model_that_diverges_is_named_and_leaves_its_claims_open() {
    let sandbox = Sandbox::new();
    let run = format!("run response {TINY} --set multilayer.learning_rate=1e30 --out a");
    let output = sandbox.harness(&run).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{message}");
    assert!(
        message.contains("seed 0 diverged at step 1: the loss of layer 1 is not finite"),
        "{message}"
    );
    let ours = sandbox.claims("a", "multilayer");
    assert_eq!(ours.len(), 5);
    // Blocks have a learning rate of their own.
    let on_layers = ours.iter().filter(|l| !l.starts_with("end-to-end"));
    for line in on_layers {
        assert!(
            line.contains("undecided") && line.contains("diverged at step 1"),
            "{line}"
        );
    }
    // The rest of the suite is computed as usual, and the measures are there.
    sandbox.claim("a", "same-shape-smaller");
    let models = std::fs::read_to_string(sandbox.join("a/multilayer/models.csv")).unwrap();
    assert!(models.contains("untrained") && models.contains("diverged at step 1"));
}

/// Returns the checkpoints of each training in progress or done.
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
            // The run ended before the kill: its results must be those of the whole run, and another run is killed.
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
        --set multilayer.datapoints=[200] --set multilayer.batch=160 --set multilayer.epochs=100 \
        --set multilayer.long_epochs=10 --set multilayer.other_seeds=0 --set multilayer.curve.seeds=0 \
        --set multilayer.capacity.seeds=0";
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
    // In the last checkpoint of one training a bit is flipped; two of another one are cut short.
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
    // No models are saved: they are smaller than checkpoints, but written first.
    let run = format!("run {TINY} --set multilayer.saved_seeds=0");
    sandbox
        .harness(&format!("{run} --out whole"))
        .assert()
        .success();
    let arguments = format!("{run} --out a --checkpoint-every 0.005");
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
        .harness(&format!("run {TINY} --set multilayer.epochs=5 --out a"))
        .assert()
        .success();
    sandbox.refuses(
        &format!("run {TINY} --set multilayer.epochs=6 --resume a"),
        &["settings.multilayer.epochs = 5, not 6"],
    );
    sandbox.refuses("run --resume nowhere", &["nowhere holds nothing to resume"]);
}

#[test]
fn settings_out_of_range_are_refused() {
    let sandbox = Sandbox::new();
    for (set, part) in [
        ("layers=5", "6 to 256"),
        ("datapoints=[5,100000]", "width²"),
        ("datapoints=[7,7]", "increasing"),
        ("loss=hinge", "hinge"),
        ("curve.loads=[2.0,1.0]", "increasing"),
        ("curve.loads=[0.1,1000.0]", "increasing"),
        ("curve.rates=[]", "1 to 8"),
        ("capacity.loads=[0.0]", "above 0"),
        ("learning_rate=0.0", "above 0"),
        ("threshold=nan", "above 0"),
        ("batch=0", "1 to"),
    ] {
        sandbox.refuses(&format!("run multilayer --set multilayer.{set}"), &[part]);
    }
}
