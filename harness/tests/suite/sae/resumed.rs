//! The changes with which `--resume` goes on, and those that it refuses.

use super::{SWEEP, WIDTH, sparse, with_data};
use crate::common::{Sandbox, files, npy, succeeds};

/// Makes a training that is not complete: its manifest says what it was begun on, and nothing is computed yet.
fn begun() -> Sandbox {
    let sandbox = with_data();
    succeeds(&sandbox, &format!("sae train {SWEEP} --out a"));
    let manifest = sandbox.read("a/manifest.json");
    let begun = manifest.replace("\"complete\": true", "\"complete\": false");
    assert_ne!(begun, manifest);
    sandbox.write("a/manifest.json", begun);
    sandbox
}

#[test]
fn a_training_is_not_resumed_on_other_data() {
    let sandbox = begun();
    let before = files(&sandbox.join("a"));
    let other = |row, column| sparse(row + 1, column);
    sandbox.write("x.npy", npy::rows(600, WIDTH, other));
    sandbox.refuses(
        "sae train --resume a --quiet",
        &[
            "cannot resume the training in a",
            "data_checksum was",
            "--out",
        ],
    );
    assert_eq!(files(&sandbox.join("a")), before);
    sandbox.write("x.npy", npy::rows(600, WIDTH, sparse));
    succeeds(&sandbox, "sae train --resume a --quiet");
}

#[test]
fn a_flag_beside_resume_is_held_against_the_configuration_of_the_folder() {
    let sandbox = begun();
    sandbox.refuses(
        "sae train --resume a --k 3 --quiet",
        &["cannot resume the training in a: it has `k = [1, 2]`, not `k = [3]`"],
    );
    succeeds(&sandbox, "sae train --resume a --k 1,2 --quiet");
}

#[test]
fn every_setting_that_differs_is_named_with_both_values_and_no_other() {
    let sandbox = begun();
    sandbox.write("t.txt", "word\n".repeat(600));
    sandbox.refuses(
        "sae train --resume a --tokens t.txt --quiet",
        &["in a: it has no `tokens`, not `tokens = \"t.txt\"`, and a training keeps the settings"],
    );
    // A whole configuration from another place.
    let config = sandbox.read("a/config.toml");
    let config = config.replace("seeds = 2", "seeds = 3");
    let isa = config.lines().find(|line| line.starts_with("isa = "));
    let config = config.replace(isa.unwrap(), "tensor = \"x\"");
    sandbox.write("other.toml", config.replace("tensor = \"x\"\n", ""));
    sandbox.refuses(
        "sae train --resume a --config other.toml --batch 32 --quiet",
        &["it has `batch = 64`, `seeds = 2`, not `batch = 32`, `seeds = 3`, and"],
    );
}

#[test]
fn what_cannot_be_added_to_a_training_is_refused_with_the_way_out() {
    let sandbox = with_data();
    succeeds(&sandbox, &format!("sae train {SWEEP} --out a"));
    let before = files(&sandbox.join("a"));
    sandbox.refuses(
        "sae train --resume a --samples 40000 --quiet",
        &[
            "it has `samples = 20000`, not `samples = 40000`",
            "keeps the settings that it was begun with to its end",
            "`harness sae train --config a/config.toml` with what is to differ and --out NEW",
        ],
    );
    assert_eq!(files(&sandbox.join("a")), before);
    // The command that the message names works.
    succeeds(
        &sandbox,
        "sae train --config a/config.toml --samples 40000 --out b --quiet",
    );
    std::fs::copy(sandbox.join("x.npy"), sandbox.join("y.npy")).unwrap();
    let layers = "x.npy y.npy --elements 8 --k 1 --samples 640 --batch 64 --seeds 1 --quiet";
    succeeds(&sandbox, &format!("sae layers {layers} --out l"));
    sandbox.write(
        "t.npy",
        npy::rows(600, 1, |row, _| if row < 300 { 0.0 } else { 1.0 }),
    );
    sandbox.refuses(
        "sae layers --resume l --probe-targets t.npy --quiet",
        &[
            "it has no `probe_targets`, not `probe_targets = \"t.npy\"`",
            "`harness sae layers --config l/config.toml` with",
        ],
    );
    succeeds(
        &sandbox,
        "sae layers --config l/config.toml --probe-targets t.npy --out m --quiet",
    );
}

#[test]
fn what_another_command_goes_on_with_is_named() {
    let sandbox = begun();
    std::fs::copy(sandbox.join("x.npy"), sandbox.join("y.npy")).unwrap();
    let layers = "x.npy y.npy --elements 8 --k 1 --samples 640 --batch 64 --seeds 1 --quiet";
    succeeds(&sandbox, &format!("sae layers {layers} --out l"));
    sandbox.small_run("run");
    std::fs::create_dir(sandbox.join("empty")).unwrap();
    for (command, way_out) in [
        ("sae layers --resume a", "harness sae train --resume a"),
        ("sae train --resume l", "harness sae layers --resume l"),
        ("sae train --resume run", "harness run --resume run"),
        ("sae layers --resume run", "harness run --resume run"),
        ("sae train --resume empty", "there is no config.toml in it"),
        ("sae train --resume none", "there is no config.toml in it"),
        ("run --resume none", "there is no config.toml in it"),
        ("run --resume a", "harness sae train --resume a"),
        ("run --resume l", "harness sae layers --resume l"),
    ] {
        sandbox.refuses(command, &[way_out]);
    }
}

#[test]
fn a_complete_training_whose_files_were_changed_is_not_called_complete() {
    let sandbox = with_data();
    succeeds(&sandbox, &format!("sae train {SWEEP} --out a"));
    let table = sandbox.read("a/models.csv");
    sandbox.write("a/models.csv", table.replace("topk", "topl"));
    sandbox.refuses("sae train --resume a", &["a/models.csv was changed"]);
    sandbox.write("a/models.csv", table);
    std::fs::remove_file(sandbox.join("a/report.html")).unwrap();
    sandbox.refuses(
        "sae train --resume a",
        &["a/report.html is missing", "--config"],
    );
}
