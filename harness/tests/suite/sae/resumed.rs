//! What `--resume` goes on with, and what it refuses.

use super::{SWEEP, WIDTH, sparse, with_data};
use crate::common::{Sandbox, files, npy, succeeds};

/// A training that is not complete: its manifest says what it was begun on, and nothing is computed yet.
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
