//! The help and the messages of the command line.

use crate::common::{SMALL, Sandbox, files};
use harness::settings::{Preset, Setting};
use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;

#[test]
fn list_names_every_experiment_claim_and_file() {
    let sandbox = Sandbox::new();
    let output = sandbox.harness("list").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for experiment in harness::experiments::REGISTRY.experiments() {
        assert!(text.contains(experiment.about().title));
        for claim in experiment.about().claims {
            assert!(
                text.lines().any(|l| l == format!("  claim   {}", claim.id)),
                "{}",
                claim.id
            );
        }
        for table in experiment.about().tables {
            assert!(text.contains(&format!("{}/{}.csv", experiment.id(), table.name)));
        }
        let full = sandbox
            .harness(&format!("list {}", experiment.id()))
            .output()
            .unwrap();
        let full = String::from_utf8(full.stdout).unwrap();
        for Setting { key, .. } in experiment.bind(Preset::Default).settings().list() {
            assert!(full.contains(&format!("    {key} ")), "{key} in:\n{full}");
        }
    }
    assert!(files(sandbox.path()).is_empty());
}

#[test]
fn the_list_tells_the_range_of_each_setting() {
    let list = |id: &str| {
        let output = Sandbox::new().harness(&format!("list {id}")).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let text = list("near-orthogonality");
    let under = |key: &str| {
        let lines = text
            .lines()
            .skip_while(|l| !l.starts_with(&format!("    {key} ")));
        let own = lines.skip(1).take_while(|l| l.starts_with("     "));
        own.map(|l| l.trim().to_string()).collect::<Vec<_>>()
    };
    assert!(under("n").ends_with(&["= 100".into(), "must be 2 to 65536".into()]));
    // The range of one setting may depend on another one.
    let fewest = [
        "= 2",
        "must be 2 to `most` (2048)  (quick)",
        "must be 2 to `most` (4096)  (default)",
        "must be 2 to `most` (16384)  (full)",
    ];
    assert!(
        under("fewest").ends_with(&fewest.map(String::from)),
        "{text}"
    );
    assert!(list("rescale").contains("must be two or more, increasing, each 1 to 1048576"));
}

#[test]
fn a_run_ends_with_the_verdicts_and_the_report() {
    let sandbox = Sandbox::new();
    let run = sandbox
        .harness(&format!("run {SMALL} --out a"))
        .assert()
        .success();
    run.stdout(contains("same-shape-smaller").and(contains("report: a/report.html")));
}

#[test]
fn progress_is_plain_lines_on_a_pipe_and_nothing_when_quiet() {
    let sandbox = Sandbox::new();
    let plain = SMALL.replace("--quiet", "");
    let run = sandbox
        .harness(&format!("run {plain} --out a"))
        .assert()
        .success();
    run.stderr(contains("[1/1] response: done in").and(contains("\u{1b}").not()));
    sandbox
        .harness(&format!("run {SMALL} --out b"))
        .assert()
        .success()
        .stderr("");
}

#[test]
fn help_and_completions() {
    let sandbox = Sandbox::new();
    let help = sandbox.harness("--help").assert().success();
    help.stdout(contains("KERNELS_ISA").and(contains("Exit codes")));
    let help = sandbox.harness("run --help").assert().success();
    help.stdout(contains("--set <experiment.key=value>").and(contains("byte for byte")));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = sandbox
            .harness(&format!("completions {shell}"))
            .assert()
            .success();
        script.stdout(contains("harness"));
    }
}
