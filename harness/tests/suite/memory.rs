//! A process under a limit on memory says so and ends; its run can be resumed where there is more memory.
#![cfg(target_os = "linux")]

use std::time::Duration;

use crate::common::{Sandbox, results, same, under};

/// The arguments of a training that takes a moment.
const TRAINING: &str = "recovery --preset quick --seeds 1 --quiet --set recovery.data.width=8 --set recovery.data.features=12 \
    --set recovery.data.active=1.5 --set recovery.lambdas=[0.001,0.1,3.0] --set recovery.ratios=[1,2] --set recovery.training.steps=60 \
    --set recovery.training.batch=32 --set recovery.held_out=500 --set recovery.optimum_samples=10";

/// Runs a command under a limit, and returns whether it succeeds. If not, it must end with a message on memory or
/// threads that says what to do.
#[track_caller]
fn comes_through(limit: &str, sandbox: &Sandbox, arguments: &str) -> bool {
    let output = under(limit, sandbox, arguments).output().unwrap();
    if output.status.success() {
        return true;
    }
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{limit}: {message}");
    let of_memory = message.contains("memory") || message.contains("threads");
    assert!(of_memory && message.contains("limit"), "{limit}: {message}");
    false
}

#[test]
fn a_limit_of_the_process_is_named_before_a_run_begins() {
    let sandbox = Sandbox::new();
    for (limit, option) in [("-v 150000", "-v"), ("-d 100000", "-d")] {
        let large = "run response --out a --set response.points=2000000 --threads 1";
        let refused = under(&format!("ulimit {limit}"), &sandbox, large)
            .output()
            .unwrap();
        let message = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{message}");
        let named = format!("the limit of this process (ulimit {option}) is ");
        for part in ["response would need about", &named, "raise the limit"] {
            assert!(message.contains(part), "`{part}` is not in:\n{message}");
        }
    }
    assert!(!sandbox.join("a").exists());
}

#[test]
fn a_run_ends_well_under_any_limit_and_is_resumed_without_it() {
    let sandbox = Sandbox::new();
    sandbox
        .harness(&format!("run {TRAINING} --out whole"))
        .assert()
        .success();
    let whole = results(&sandbox.join("whole"));
    for kib in (20_000..60_000)
        .step_by(10_000)
        .chain([100_000, 150_000, 1_000_000])
    {
        for threads in [1, 8] {
            let limit = format!("ulimit -v {kib}");
            let run = format!("run {TRAINING} --threads {threads} --out a --checkpoint-every 0");
            // Below this limit, not even the program itself is loaded.
            if !under(&limit, &sandbox, "--version")
                .output()
                .unwrap()
                .status
                .success()
            {
                continue;
            }
            if !comes_through(&limit, &sandbox, &run) {
                let begun = sandbox.join("a").exists();
                let rest = if begun {
                    "run --resume a --quiet"
                } else {
                    &run
                };
                sandbox.harness(rest).assert().success();
            }
            same(&whole, &results(&sandbox.join("a")));
            std::fs::remove_dir_all(sandbox.join("a")).unwrap();
        }
    }
}

#[test]
fn memory_that_runs_out_is_told_in_a_message() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    // Without the manifest, a table may have any length.
    std::fs::remove_file(sandbox.join("a/manifest.json")).unwrap();
    let curves = sandbox.join("a/response/curves.csv");
    let mut text = std::fs::read_to_string(&curves).unwrap();
    text.push_str(&"gelu,aligned,aligned,0.0,0.0\n".repeat(2_000_000));
    std::fs::write(&curves, text).unwrap();
    let output = under("ulimit -v 120000", &sandbox, "report a")
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    for part in [
        "error: out of memory: ",
        " bytes more",
        "ulimit",
        "smaller sizes",
    ] {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
}

#[test]
fn threads_that_find_no_room_are_told_in_a_message() {
    let sandbox = Sandbox::new();
    let run = "run response --preset quick --quiet --set response.points=50 --threads 1024 --out a";
    assert!(!comes_through("ulimit -v 500000", &sandbox, run));
    // These threads find room, but those that measure the machine for a profile do not find room beside them.
    let profile = "profile response --set response.points=50 --quiet --threads 100 --out b";
    let mut profile = under("ulimit -d 300000", &sandbox, profile);
    let output = profile.timeout(Duration::from_secs(60)).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    let message = message.lines().find(|line| line.starts_with("error: "));
    let message = message.unwrap_or_default();
    assert!(message.starts_with("error: out of threads"), "{message}");
    // Few threads fit.
    let few = run.replace("1024", "2");
    assert!(comes_through("ulimit -v 500000", &sandbox, &few));
}
