//! Commands that are refused leave everything as it was: no file, and no empty folder either.

use std::collections::BTreeSet;
use std::path::Path;

use super::{SWEEP, WIDTH, sparse, with_data};
use crate::common::{Sandbox, npy};
#[cfg(unix)]
use crate::common::{limited, refused};

/// Returns the paths of all files and folders in a folder.
fn tree(folder: &Path) -> BTreeSet<std::path::PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(tree(&path));
        }
        found.insert(path);
    }
    found
}

/// Makes a sandbox with a model in `model`, and data that no command can use.
fn with_model() -> Sandbox {
    let sandbox = with_data();
    sandbox
        .harness(&format!("sae train {SWEEP} --out a"))
        .assert()
        .success();
    let model = sandbox.join("a/models/topk-n8-k1-seed0");
    std::fs::rename(model, sandbox.join("model")).unwrap();
    std::fs::remove_dir_all(sandbox.join("a")).unwrap();
    sandbox.write("wide.npy", npy::rows(600, WIDTH + 1, sparse));
    let broken = |row, column| {
        if row == 599 {
            f32::NAN
        } else {
            sparse(row, column)
        }
    };
    sandbox.write("nan.npy", npy::rows(600, WIDTH, broken));
    sandbox.write("all-nan.npy", npy::rows(60, WIDTH, |_, _| f32::NAN));
    sandbox.write("wrong.toml", "features = 0\n");
    std::fs::create_dir(sandbox.join("empty")).unwrap();
    sandbox
}

#[test]
fn a_refused_command_leaves_nothing_behind() {
    let sandbox = with_model();
    let before = tree(sandbox.path());
    for command in [
        "eval model --data nan.npy --out z",
        "eval model --data wide.npy --out z",
        "eval model --data none.npy --out z",
        "eval model none --data x.npy --out z",
        "eval model --data x.npy --target x.npy --out z",
        "eval model --data nan.npy --out z/in/it",
        "eval model --data nan.npy --out empty",
        "encode model --data nan.npy --out z.npz",
        "encode model --data nan.npy --out z.safetensors",
        "encode model --data wide.npy --out z.npz",
        "features model --data nan.npy",
        "features model --data nan.npy --out z",
        "features model --data wide.npy --out z",
        "features model --data x.npy --tokens wrong.toml --out z",
        "train nan.npy --elements 8 --k 1",
        "train nan.npy --elements 8 --k 1 --out z/in/it",
        "train x.npy nan.npy --elements 8 --k 1 --out empty",
        "train x.npy --target nan.npy --elements 8 --k 1 --out z",
        "train x.npy --eval nan.npy --elements 8 --k 1 --out z",
        "train all-nan.npy --skip-nonfinite --elements 8 --k 1 --out z",
        "train x.npy wide.npy --elements 8 --k 1 --out z",
        "layers x.npy nan.npy --elements 8 --k 1",
        "layers x.npy nan.npy --elements 8 --k 1 --out z",
        "layers x.npy wide.npy --elements 8 --k 1 --out z",
        "layers x.npy x.npy --probe-targets nan.npy --elements 8 --k 1 --out z",
        "synth wrong.toml --samples 5 --out z.npy",
        "synth synthsaebench-1k --samples 5 --out z.txt",
    ] {
        let mut refused = sandbox.harness(&format!("sae {command} --quiet"));
        let output = refused.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{command}");
        assert_eq!(tree(sandbox.path()), before, "{command}");
    }
    sandbox.refuses("sae export none --to saelens z/in/it", &["none"]);
    sandbox.refuses("sae export model --to saelens model", &["is not empty"]);
    assert_eq!(tree(sandbox.path()), before);
}

#[test]
fn a_setting_that_is_lost_in_single_precision_or_does_nothing_is_refused() {
    let sandbox = with_data();
    for (flags, parts) in [
        (
            "--k 1 --set clip=1e-300",
            &["clip", "0, or 1e-30 to 3e38"][..],
        ),
        (
            "--variant jumprelu --set bandwidth=1e-300",
            &["bandwidth", "1e-30 to 1e6"],
        ),
        ("--variant l1 --lambda 1e-300", &["lambda", "1e-12 to 1e6"]),
        ("--k 1 --lambda 1", &["--lambda", "topk has no penalty"]),
        (
            "--variant l1 --k 3",
            &["--k", "l1 keeps no number of active elements"],
        ),
        (
            "--k 1 --checkpoint-every NaN",
            &["--checkpoint-every is NaN; it must be 0 to 1e19 seconds"],
        ),
    ] {
        let command = format!("sae train x.npy --elements 8 --quiet --out z {flags}");
        sandbox.refuses(&command, parts);
    }
    sandbox.refuses(
        "sae train x.npy x.npy --k 1 --out z",
        &["x.npy is named twice"],
    );
    sandbox.write("none.npy", "");
    sandbox.refuses(
        "sae train none.npy --k 1 --out z",
        &["none.npy", "it is empty"],
    );
    sandbox.write("cut.npy", &sandbox.bytes("x.npy")[..20]);
    sandbox.refuses("sae train cut.npy --k 1 --out z", &["cut.npy", "cut off"]);
    sandbox.refuses(
        "sae train x.npy --tensor layer --k 1 --out z",
        &["--tensor is layer", "leave it out"],
    );
    sandbox.refuses("sae eval x.npy --data x.npy", &["x.npy is no model"]);
    assert!(!sandbox.join("z").exists());
}

#[test]
fn a_setting_that_is_said_twice_is_refused_by_both_names() {
    let sandbox = with_data();
    for (flag, key, value) in [
        ("--variant l1", "variant", "topk"),
        ("--elements 8", "elements", "[8]"),
        ("--expansion 2", "elements", "[8]"),
        ("--k 8", "k", "[16]"),
        ("--lambda 1", "lambda", "[2.0]"),
        ("--target-l0 1", "target_l0", "[2.0]"),
        ("--baselines none", "baselines", "random"),
        ("--seeds 1", "seeds", "2"),
        ("--samples 10", "samples", "20"),
        ("--batch 10", "batch", "20"),
        ("--rate 0.1", "learning_rate", "0.2"),
        ("--held-out 0.1", "held_out", "0.2"),
        ("--skip-nonfinite", "nonfinite", "refuse"),
        ("--normalise none", "normalise", "mean"),
        ("--set k=8", "k", "[16]"),
    ] {
        let name = flag.split(' ').next().unwrap();
        for command in ["train", "layers"] {
            sandbox.refuses(
                &format!("sae {command} x.npy x.npy --set {key}={value} {flag} --out z"),
                &[
                    &format!("--set {key}={value} and {name}"),
                    &format!("both set {key}; leave one of them out"),
                ],
            );
        }
    }
    sandbox.refuses(
        "sae train x.npy --eval x.npy --set held_out=0.2 --out z",
        &["--eval and --set held_out=0.2 exclude each other"],
    );
    assert!(!sandbox.join("z").exists());
}

#[test]
fn an_error_names_what_its_command_has() {
    let sandbox = with_model();
    let message = |command: &str| {
        let output = sandbox.harness(command).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{command}");
        String::from_utf8(output.stderr).unwrap()
    };
    // The folder of an export is not the value of a flag.
    let full = message("sae export model --to saelens model");
    assert!(full.contains("choose a new or empty folder"), "{full}");
    assert!(!full.contains("--out"), "{full}");
    // The writing of codes cannot be resumed.
    let nowhere = message("sae encode model --data x.npy --out nowhere/z.npz");
    assert!(nowhere.contains("cannot write nowhere/z.npz"), "{nowhere}");
    assert!(!nowhere.contains("resume"), "{nowhere}");
    // The targets of probes are not called activations.
    sandbox.write("t.csv", "1\n2\n");
    std::fs::copy(sandbox.join("x.npy"), sandbox.join("y.npy")).unwrap();
    let targets = message("sae layers x.npy y.npy --k 1 --probe-targets t.csv --out z");
    assert!(
        targets.contains("cannot read t.csv: rows are read from"),
        "{targets}"
    );
    assert!(!targets.contains("activations"), "{targets}");
    let one = message("sae train x.npy --elements 1 --k 2 --out z");
    assert!(one.contains("a dictionary has 1 element;"), "{one}");
}

#[test]
fn more_threads_than_cores_are_warned_of() {
    let sandbox = with_data();
    let train =
        "sae train x.npy --elements 8 --k 1 --samples 640 --batch 64 --baselines none --quiet";
    for (threads, warns) in [(1, false), (999, true)] {
        let command = format!("{train} --threads {threads} --out t{threads}");
        let output = sandbox.harness(&command).output().unwrap();
        assert!(output.status.success());
        let message = String::from_utf8(output.stderr).unwrap();
        let warned = message.contains("warning: --threads is 999, and this machine has ");
        assert_eq!(warned, warns, "{message}");
    }
}

#[cfg(unix)]
#[test]
fn a_command_that_a_full_disk_ends_leaves_nothing_behind() {
    let sandbox = with_model();
    sandbox
        .harness("sae train x.npy --elements 400 --k 1 --samples 640 --batch 64 --baselines none --quiet --out a")
        .assert()
        .success();
    let before = tree(sandbox.path());
    let model = "a/models/topk-n400-k1-seed0";
    // Each of these commands writes a file that is larger than the limit, after others that are not.
    for command in [
        format!("eval {model} --data x.npy --out z --quiet"),
        format!("features {model} --data x.npy --out z --quiet"),
        format!("export {model} --to saelens z"),
        format!("export {model} --to sparsify z/in/it"),
        format!("encode {model} --data x.npy --out z.npz --quiet"),
    ] {
        let command = limited(&sandbox, &format!("sae {command}"));
        refused(command, &["cannot write z", "free some space"]);
        assert_eq!(tree(sandbox.path()), before);
    }
}
