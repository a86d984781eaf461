//! Ctrl-C and `kill` in the middle of a run, and several runs in one folder.
#![cfg(unix)]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{
    SMALL, Sandbox, assert_interrupted, files, interrupt, results, same, send, wait_until,
};

/// Starts a run that takes minutes.
fn long_run(sandbox: &Sandbox) -> Child {
    let harness = Command::new(assert_cmd::cargo::cargo_bin!("harness"));
    wide_run(harness, sandbox, "a", 300)
}

/// Starts a run of `layers` wide layers, by a command that starts the harness; 300 of them take minutes.
fn wide_run(mut harness: Command, sandbox: &Sandbox, out: &str, layers: usize) -> Child {
    let widths: Vec<String> = (0..layers).map(|i| (100_000 + i).to_string()).collect();
    let child = harness
        .current_dir(sandbox.path())
        .args(["run", "rescale", "--out", out, "--set"])
        .arg(format!("rescale.widths=[{}]", widths.join(",")))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    child.expect("the harness starts")
}

/// Returns a shell that ignores these signals and then becomes the harness.
fn ignoring(signals: &str) -> Command {
    let mut shell = Command::new("sh");
    let script = format!("trap '' {signals}; exec \"$0\" \"$@\"");
    shell.args(["-c", &script]);
    shell.arg(assert_cmd::cargo::cargo_bin!("harness"));
    shell
}

#[test]
fn ctrl_c_ends_a_run_promptly_and_leaves_nothing_half_written() {
    let sandbox = Sandbox::new();
    let child = long_run(&sandbox);
    wait_until("a configuration", || sandbox.join("a/config.toml").exists());
    std::thread::sleep(Duration::from_millis(300));
    interrupt(&child);
    let begun = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "took {:?}",
        begun.elapsed()
    );
    assert_interrupted(&output, &sandbox.join("a"));
}

#[test]
fn signals_that_are_ignored_at_the_start_stay_ignored_and_the_others_end_a_run() {
    let sandbox = Sandbox::new();
    for (signal, others) in [
        ("INT", "TERM HUP"),
        ("TERM", "INT HUP"),
        ("HUP", "INT TERM"),
    ] {
        let (deaf, ends) = (format!("deaf to {signal}"), format!("ends by {signal}"));
        let begun = |out: &str| {
            wait_until("a manifest", || {
                sandbox.join(out).join("manifest.json").exists()
            });
        };
        let hears = wide_run(ignoring(others), &sandbox, &ends, 300);
        begun(&ends);
        // This run ends by itself, after some seconds.
        let mut ignores = wide_run(ignoring(signal), &sandbox, &deaf, 3);
        begun(&deaf);
        assert!(
            ignores.try_wait().unwrap().is_none(),
            "the run was too short to be signalled"
        );
        send(signal, &ignores);
        send(signal, &hears);
        let output = ignores.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{signal}: {output:?}");
        assert!(sandbox.join(&deaf).join("report.html").exists());
        assert_interrupted(&hears.wait_with_output().unwrap(), &sandbox.join(&ends));
    }
}

#[test]
fn a_run_in_progress_keeps_others_out_of_its_folder() {
    let sandbox = Sandbox::new();
    let child = long_run(&sandbox);
    wait_until("a manifest", || sandbox.join("a/manifest.json").exists());
    let before = files(&sandbox.join("a"));
    let busy = [
        "a is being written by another run",
        "wait until it has ended",
    ];
    for second in [
        "run response --out a",
        "run --resume a",
        "report a",
        "report a --out b",
    ] {
        sandbox.refuses(second, &busy);
    }
    same(&before, &files(&sandbox.join("a")));
    assert!(!sandbox.join("b").exists());
    interrupt(&child);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    sandbox.refuses("run response --out a", &["holds another run"]);
}

#[test]
fn of_runs_that_begin_at_once_in_one_folder_one_comes_through() {
    let sandbox = Sandbox::new();
    sandbox.small_run("alone");
    let alone = results(&sandbox.join("alone"));
    for _ in 0..5 {
        let start = |_| {
            Command::new(assert_cmd::cargo::cargo_bin!("harness"))
                .current_dir(sandbox.path())
                .args(format!("run {SMALL} --out a").split_whitespace())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .expect("the harness starts")
        };
        let children = [(); 4].map(start);
        let outputs = children.map(|child| child.wait_with_output().unwrap());
        let mut codes = outputs.each_ref().map(|o| o.status.code());
        codes.sort();
        assert_eq!(codes, [Some(0), Some(2), Some(2), Some(2)], "{outputs:?}");
        for refused in outputs.iter().filter(|o| !o.status.success()) {
            let message = String::from_utf8_lossy(&refused.stderr);
            let reasons = [
                "is being written by another run",
                "holds another run",
                "is not empty",
            ];
            assert!(reasons.iter().any(|r| message.contains(r)), "{message}");
        }
        same(&alone, &results(&sandbox.join("a")));
        std::fs::remove_dir_all(sandbox.join("a")).unwrap();
    }
}

#[test]
fn a_killed_run_keeps_nobody_out_of_its_folder() {
    let sandbox = Sandbox::new();
    let mut child = long_run(&sandbox);
    wait_until("a manifest", || sandbox.join("a/manifest.json").exists());
    sandbox.refuses("report a", &["being written by another run"]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(sandbox.join("a/.harness.lock").exists());
    sandbox.refuses("run response --out a", &["a holds another run"]);
    sandbox.refuses("report a", &["a holds no finished run"]);
}
