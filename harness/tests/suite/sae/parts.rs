//! Trainings whose models are shared by parts, and the files that the merge writes.

mod faults;

use std::path::PathBuf;

use super::{SWEEP, with_data};
use crate::common::{Sandbox, files, flip_a_bit, merged, npy, refused, results, same, succeeds};

/// The arguments of a quick sweep of two models.
const TWO: &str =
    "x.npy --elements 8 --k 1,2 --samples 2000 --batch 64 --baselines none --rate 0.001";

fn plan(sandbox: &Sandbox, training: &str, folder: &str) -> String {
    succeeds(
        sandbox,
        &format!("sae plan {training} --quiet --out {folder}"),
    )
}

fn part(sandbox: &Sandbox, share: &str, folder: &str) -> String {
    let command = format!("sae train --part {share} --threads 1 --quiet --out {folder}");
    succeeds(sandbox, &command)
}

fn merge(sandbox: &Sandbox, folder: &str) -> String {
    succeeds(sandbox, &format!("sae merge {folder} --wait 0 --quiet"))
}

/// Asserts that a training in parts gives the files of one command, for each of these numbers of parts.
#[track_caller]
fn parts_are_the_whole(sandbox: &Sandbox, training: &str, parts: &[usize]) {
    succeeds(
        sandbox,
        &format!("sae train {training} --quiet --out whole"),
    );
    let whole = results(&sandbox.join("whole"));
    for &parts in parts {
        let folder = format!("in-{parts}");
        plan(sandbox, training, &folder);
        for i in (1..=parts).rev() {
            part(sandbox, &format!("{i}/{parts}"), &folder);
        }
        merge(sandbox, &folder);
        same(&whole, &merged(&sandbox.join(&folder)));
    }
}

/// Returns the path of the last checkpoint of a model in a part.
fn checkpoint(sandbox: &Sandbox, part: &str, model: &str) -> PathBuf {
    let folder = sandbox.join(&format!("{part}/models/checkpoints/{model}"));
    let found = std::fs::read_dir(folder).unwrap();
    found.map(|entry| entry.unwrap().path()).max().unwrap()
}

/// Replaces the text of a file with what `change` returns for it.
fn edit(sandbox: &Sandbox, name: &str, change: impl Fn(String) -> String) {
    let text = sandbox.read(name);
    let changed = change(text.clone());
    assert_ne!(text, changed, "{name}");
    sandbox.write(name, changed);
}

#[test]
fn any_number_of_parts_makes_the_files_of_one_training() {
    let sandbox = with_data();
    parts_are_the_whole(&sandbox, &SWEEP.replace(" --quiet", ""), &[1, 2, 3]);
    // A second merge of the same parts changes nothing.
    let before = merged(&sandbox.join("in-3"));
    merge(&sandbox, "in-3");
    same(&before, &merged(&sandbox.join("in-3")));
    assert!(
        sandbox
            .join("in-3/parts/2-of-3/models/checkpoints")
            .exists()
    );
    assert!(!sandbox.join("in-3/models/checkpoints").exists());
}

#[test]
fn parts_of_a_steered_sweep_are_the_whole() {
    let sandbox = with_data();
    parts_are_the_whole(
        &sandbox,
        "x.npy --variant gated --target-l0 1,2 --elements 8,12 --samples 20000 --batch 64 --set warmup=0.1 \
         --set lambda_warmup=0.2 --set clip=0.5 --set dead=resample --set dead_after=2000 --baselines none",
        &[3],
    );
}

#[test]
fn parts_of_transcoders_and_their_baselines_are_the_whole() {
    let sandbox = with_data();
    let target = |row: usize, column: usize| super::sparse(row, column + 1) - 0.5;
    sandbox.write("y.npy", npy::rows(600, 3, target));
    parts_are_the_whole(
        &sandbox,
        "x.npy --target y.npy --skip-connection --k 2 --elements 8 --samples 20000 --batch 64",
        &[2],
    );
}

#[test]
fn parts_on_a_synthetic_model_and_on_other_rows_are_the_whole() {
    let sandbox = Sandbox::new();
    sandbox.write("my.toml", "features = 24\nwidth = 8\n");
    parts_are_the_whole(
        &sandbox,
        "synth:my.toml --variant batch-topk --k 2 --elements 12,16 --samples 6400 --batch 64 --set measured=256 \
         --baselines none",
        &[2],
    );
    let sandbox = with_data();
    sandbox.write("other.npy", npy::rows(200, super::WIDTH, super::sparse));
    parts_are_the_whole(&sandbox, &format!("{TWO} --eval other.npy"), &[2]);
}

#[test]
fn models_may_be_listed() {
    let sandbox = with_data();
    succeeds(&sandbox, &format!("sae train {TWO} --quiet --out whole"));
    plan(&sandbox, TWO, "a");
    let planned = sandbox.read("a/plan.csv");
    let lines: Vec<&str> = planned.lines().collect();
    for (name, line) in [("first", lines[1]), ("second", lines[2])] {
        sandbox.write(&format!("{name}.csv"), format!("{}\n{line}\n", lines[0]));
    }
    succeeds(&sandbox, "sae train --units first.csv --quiet --out a");
    let text = succeeds(&sandbox, "sae status a");
    assert!(text.starts_with("1 of 2 units are there"), "{text}");
    succeeds(&sandbox, "sae train --units second.csv --quiet --out a");
    // Another number of parts trains nothing again, and comments in the configuration have no effect.
    part(&sandbox, "1/1", "a");
    assert!(!sandbox.join("a/parts/1-of-1/models").exists());
    edit(&sandbox, "a/config.toml", |text| {
        text.replace("# Rows in a batch", "# My batches")
    });
    // Data are found from the folder of the plan only.
    std::fs::create_dir(sandbox.join("elsewhere")).unwrap();
    for command in ["submit slurm --parts 2", "status", "merge"] {
        let mut command = sandbox.harness(&format!("sae {command} ../a"));
        command.current_dir(sandbox.join("elsewhere"));
        refused(command, &["../a/config.toml names x.npy", "planned in"]);
    }
    merge(&sandbox, "a");
    same(
        &results(&sandbox.join("whole")),
        &merged(&sandbox.join("a")),
    );
    let text = succeeds(&sandbox, "sae status a");
    assert!(text.starts_with("merged: a/report.html\n"), "{text}");
    // A damaged file in one of them is named with the command that writes its table.
    flip_a_bit(&checkpoint(
        &sandbox,
        "a/parts/units-first",
        "topk-n8-k1-seed0",
    ));
    sandbox.refuses(
        "sae merge a --wait 0 --quiet",
        &[
            "is damaged",
            "`harness sae train --units first.csv --out a`",
        ],
    );
}

#[test]
fn a_model_that_diverges_has_ended() {
    let sandbox = with_data();
    let training = TWO.replace("--rate 0.001", "--rate 1e30");
    parts_are_the_whole(&sandbox, &training, &[1, 2]);
    let models = sandbox.read("in-2/models.csv");
    assert_eq!(models.matches(",diverged at step ").count(), 2, "{models}");
}

/// Returns when each file under a folder was written.
fn written(sandbox: &Sandbox, folder: &str) -> Vec<(String, std::time::SystemTime)> {
    let names = files(&sandbox.join(folder)).into_keys();
    let at = |name: String| {
        let about = std::fs::metadata(sandbox.join(folder).join(&name));
        (name, about.unwrap().modified().unwrap())
    };
    names
        .map(at)
        .filter(|(name, _)| name.ends_with(".ckpt"))
        .collect()
}

#[test]
fn a_plan_says_what_models_take_and_the_status_what_is_left() {
    let sandbox = with_data();
    let said = plan(&sandbox, TWO, "a");
    for text in [
        "2 units, some",
        "memory of a task, which trains its models at once",
        "next: harness sae train --part I/N --out a",
        "then: harness sae merge a",
    ] {
        assert!(said.contains(text), "{text}: {said}");
    }
    let plan = sandbox.read("a/plan.csv");
    assert!(plan.contains("models,topk-n8-k1-seed0,"), "{plan}");
    let status = || succeeds(&sandbox, "sae status a");
    assert!(status().starts_with("0 of 2 units are there, 0 % of the estimated time\n"));
    let said = part(&sandbox, "2/2", "a");
    assert!(
        said.starts_with("models of this part: 1, all trained"),
        "{said}"
    );
    let text = status();
    assert!(text.contains("1 of 2 units are there"), "{text}");
    assert!(text.contains("not begun, of 2 parts: 1"), "{text}");
    let units = succeeds(&sandbox, "sae status a --units");
    assert_eq!(units.matches(",2-of-2,").count(), 1, "{units}");
    // Models that are trained are not trained again.
    let before = written(&sandbox, "a");
    part(&sandbox, "2/2", "a");
    assert_eq!(before, written(&sandbox, "a"));
}
