//! A run of several experiments that is killed again and again.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::common::{Sandbox, npy, results, same, wait_until};
use harness::rng::Rng;

/// The arguments of a run of tables that need no training, then of every experiment that trains, at sizes of a second
/// each.
const RUN: &str = "response near-orthogonality multilayer recovery encoders unfinished-features --preset quick \
    --seeds 1 --quiet --set multilayer.width=16 --set multilayer.hidden=16 --set multilayer.datapoints=[32] \
    --set multilayer.batch=32 --set multilayer.epochs=300 --set multilayer.layers=6 --set multilayer.other_seeds=0 \
    --set multilayer.long_epochs=100 --set multilayer.curve.seeds=0 --set multilayer.capacity.seeds=0 \
    --set recovery.data.width=8 --set recovery.data.features=12 --set recovery.data.active=1.5 --set recovery.lambdas=[0.001,0.1,3.0] \
    --set recovery.ratios=[1,2] --set recovery.training.steps=300 --set recovery.training.batch=32 --set recovery.held_out=500 \
    --set recovery.optimum_samples=10 \
    --set encoders.data.width=8 --set encoders.data.features=12 --set encoders.data.active=1.5 --set encoders.training.steps=300 \
    --set encoders.free_steps=60 --set encoders.stream_steps=100 --set encoders.training.batch=64 \
    --set encoders.lambdas=[0.1,0.3] --set encoders.held_out=200 \
    --set unfinished-features.training.steps=150 --set unfinished-features.training.batch=32 --set unfinished-features.l1=[0.2,0.4]";

/// The arguments of a sweep of two models with their baselines, which takes some seconds.
const SWEEP: &str =
    "x.npy --variant batch-topk --elements 24 --k 1,2 --samples 60000 --batch 64 --quiet";

/// Returns the experiment that a run was computing: the last one that has left a file.
fn experiment(run: &Path) -> String {
    let experiments = harness::experiments::REGISTRY.experiments();
    let mut experiments = experiments.map(|e| e.id()).rev();
    let begun = experiments.find(|id| run.join(id).exists());
    begun.unwrap_or("none yet").to_string()
}

/// Returns the stage that a training was in.
fn stage(folder: &Path) -> String {
    let (models, begun) = (folder.join("models"), folder.join("models/checkpoints"));
    let stage = match () {
        () if folder.join("report.html").exists() => "the report",
        () if folder.join("models.csv").exists() => "tables",
        () if begun.exists() => "training",
        () if models.exists() => "models",
        () => "reading",
    };
    stage.to_string()
}

#[test]
#[ignore = "takes minutes"]
fn runs_killed_at_random_moments_end_in_the_same_bytes() {
    killed(&Sandbox::new(), "run", RUN, experiment);
}

#[test]
#[ignore = "takes minutes"]
fn trainings_killed_at_random_moments_end_in_the_same_bytes() {
    killed(&with_rows(), "sae train", SWEEP, stage);
}

#[test]
#[ignore = "takes minutes"]
fn trainings_of_transcoders_killed_at_random_moments_end_in_the_same_bytes() {
    let sandbox = with_rows();
    let targets = npy::rows(ROWS, 9, |i, j| 5.0 - 0.5 * row(i, j) * row(i, j + 7));
    sandbox.write("y.npy", targets);
    let transcoders = format!("{SWEEP} --target y.npy --skip-connection");
    killed(&sandbox, "sae train", &transcoders, stage);
}

const ROWS: usize = 4096;

/// Returns a value of a row of activations, of which every fifth is not 0.
fn row(i: usize, j: usize) -> f32 {
    let on = (i + j).is_multiple_of(5);
    if on {
        ((i * 31 + j * j * 7) % 97) as f32
    } else {
        0.0
    }
}

/// Makes a sandbox with activations.
fn with_rows() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("x.npy", npy::rows(ROWS, 16, row));
    sandbox
}

/// Kills a command as often as the variable KILLS says, or ten times, at moments that are spread over the whole of it,
/// on one thread and on two. Each time it is resumed. Whenever it ends by itself, it has left the same bytes as an
/// undisturbed command, and nothing else. `at` tells from the folder what the command was doing.
fn killed(sandbox: &Sandbox, command: &str, arguments: &str, at: impl Fn(&Path) -> String) {
    let begun = Instant::now();
    let whole = format!("{command} {arguments} --threads 2 --checkpoint-every 0.005 --out whole");
    sandbox.harness(&whole).assert().success();
    // A run is killed some six times.
    let most = begun.elapsed().as_millis() / 3;
    let whole = results(&sandbox.join("whole"));
    assert!(
        !whole
            .keys()
            .any(|name| name.contains("/.") || name.starts_with('.'))
    );
    assert!(!whole.keys().any(|name| name.contains("checkpoints")));

    let killed = sandbox.join("killed");
    let kills = std::env::var("KILLS").map_or(10, |n| n.parse().expect("KILLS is a number"));
    let mut rng = Rng::stream(7, "test", "kills", 0);
    let start = |resume: bool, rng: &mut Rng| {
        let threads = 1 + rng.below(2);
        let what = if resume {
            "--resume killed --quiet".into()
        } else {
            format!("{arguments} --out killed")
        };
        sandbox.start(&format!("{command} {what} --threads {threads}"))
    };
    let (mut places, mut through) = (BTreeMap::<String, u32>::new(), 0);
    let mut child = start(false, &mut rng);
    for _ in 0..kills {
        loop {
            wait_until("a manifest", || killed.join("manifest.json").exists());
            std::thread::sleep(Duration::from_millis(rng.below(most as usize) as u64));
            if child.try_wait().unwrap().is_none() {
                break;
            }
            same(&whole, &results(&killed));
            std::fs::remove_dir_all(&killed).unwrap();
            through += 1;
            child = start(false, &mut rng);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        *places.entry(at(&killed)).or_default() += 1;
        child = start(true, &mut rng);
    }
    assert!(child.wait().unwrap().success());
    same(&whole, &results(&killed));
    println!(
        "{kills} kills, in {places:?}; came through {} times",
        through + 1
    );
}
