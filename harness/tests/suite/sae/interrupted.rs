//! Trainings and other commands that are killed, interrupted or run out of disk space.

use super::{SWEEP, with_data};
use crate::common::{
    files, interrupt, limited, refused, results, same, survives_kills_in, wait_until,
};

#[cfg(unix)]
#[test]
fn a_killed_sweep_is_resumed_to_the_same_bytes() {
    let sandbox = with_data();
    survives_kills_in(&sandbox, "sae train", SWEEP, "models", [1, 4, 8]);
}

#[cfg(unix)]
#[test]
fn a_killed_training_with_all_that_changes_from_step_to_step_is_resumed_to_the_same_bytes() {
    let sandbox = with_data();
    survives_kills_in(
        &sandbox,
        "sae train",
        "x.npy --variant gated --target-l0 1,2 --elements 12 --samples 40000 --batch 64 --set warmup=0.1 \
         --set lambda_warmup=0.2 --set clip=0.5 --set dead=resample --set dead_after=2000 --quiet",
        "models",
        [1, 4, 8],
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_training_promptly_and_it_goes_on_to_the_same_bytes() {
    let sandbox = with_data();
    let long = SWEEP.replace("--samples 20000", "--samples 100000");
    sandbox
        .harness(&format!("sae train {long} --out whole"))
        .assert()
        .success();
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("harness"));
    let child = command
        .current_dir(sandbox.path())
        .env_remove("KERNELS_ISA")
        .args(format!("sae train {long} --out a").split_whitespace())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("a manifest", || sandbox.join("a/manifest.json").exists());
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{message}");
    assert!(
        message.contains("interrupted; go on with `harness sae train --resume a`\n"),
        "{message}"
    );
    assert!(!sandbox.join("a/models.csv").exists());
    sandbox
        .harness("sae train --resume a --quiet")
        .assert()
        .success();
    same(
        &results(&sandbox.join("whole")),
        &results(&sandbox.join("a")),
    );
    // A second resume has nothing to do.
    let before = crate::common::files(&sandbox.join("a"));
    let again = sandbox.harness("sae train --resume a --quiet").assert();
    again
        .success()
        .stdout(predicates::str::contains("nothing is left to do"));
    assert_eq!(crate::common::files(&sandbox.join("a")), before);
}

#[cfg(unix)]
#[test]
fn a_full_disk_ends_a_command_and_what_it_was_to_write_is_not_there() {
    let sandbox = with_data();
    let train = format!("sae train {SWEEP} --elements 400");
    let train = train.replace("--elements 8,12 ", "");
    let commands = [
        // Each of these commands writes a file that is larger than the limit.
        (
            format!("{train} --checkpoint-every 0.001 --out a"),
            "a/models/checkpoints",
        ),
        (
            "sae encode whole/models/topk-n400-k1-seed0 --data x.npy --out c.npz --quiet".into(),
            "c.npz",
        ),
        (
            "sae eval whole/models/topk-n400-k1-seed0 --data x.npy --out d --quiet".into(),
            "d/elements.csv",
        ),
        (
            "sae export whole/models/topk-n400-k1-seed0 --to saelens e".into(),
            "e/sae_weights.safetensors",
        ),
    ];
    sandbox
        .harness(&format!("{train} --out whole"))
        .assert()
        .success();
    for (command, file) in commands {
        refused(
            limited(&sandbox, &command),
            &[&format!("cannot write {file}"), "free some space"],
        );
        let left = files(sandbox.path());
        assert!(
            !left
                .keys()
                .any(|name| name.contains("tmp") || name.ends_with(file)),
            "{command}: {:?}",
            left.keys()
        );
    }
    sandbox
        .harness("sae train --resume a --quiet")
        .assert()
        .success();
    same(
        &results(&sandbox.join("whole")),
        &results(&sandbox.join("a")),
    );
}
