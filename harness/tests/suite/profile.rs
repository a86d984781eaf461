//! `harness profile`, from the command line to the report.

use std::collections::BTreeMap;
use std::path::Path;

use crate::common::{Sandbox, assert_interrupted, files, interrupt, results, same, wait_until};
use harness::phase::Phase;
use harness::profile::Profile;
use harness::profile::tables::Roofs;
use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;

/// The arguments of a quick run of a moment with products, activations, data and metrics.
const SMALL: &str = "linear-probes --quiet --seeds 1 --threads 2";

fn read(run: &Path) -> Profile {
    Profile::read(run).unwrap().expect("a profile")
}

/// Returns the files outside the profile, without the report.
fn others(mut files: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    files.retain(|name, _| !name.starts_with("profile/") && name != "report.html");
    files
}

#[test]
fn a_profile_leaves_its_tables_and_figures_beside_those_of_a_run() {
    let sandbox = Sandbox::new();
    let profile = sandbox
        .harness(&format!("profile {SMALL} --out a"))
        .assert()
        .success();
    profile.stdout(
        contains("report: a/report.html")
            .and(contains("generating data"))
            .and(contains("FLOP/byte"))
            .and(contains("product")),
    );
    sandbox
        .harness(&format!("run --preset quick {SMALL} --out b"))
        .assert()
        .success();
    // Measuring changes no result.
    let (profiled, plain) = (results(&sandbox.join("a")), results(&sandbox.join("b")));
    same(&others(profiled.clone()), &others(plain.clone()));
    assert!(!plain.keys().any(|name| name.starts_with("profile")));
    let mut expected = vec![
        "README.md",
        "experiments.csv",
        "kernels.csv",
        "machine.csv",
        "roofline.svg",
        "stacks.csv",
    ];
    if cfg!(target_os = "linux") {
        expected.insert(2, "flamegraph.svg");
    }
    let found = profiled.keys().filter_map(|n| n.strip_prefix("profile/"));
    assert_eq!(found.collect::<Vec<_>>(), expected);

    let report = |files: &BTreeMap<String, Vec<u8>>| {
        String::from_utf8(files["report.html"].clone()).unwrap()
    };
    let page = report(&profiled);
    for part in [
        "id=\"profile\"",
        "href=\"#profile\"",
        "kernels.csv",
        "Flame graph",
    ] {
        let is_there =
            page.contains(part) || (part == "Flame graph" && cfg!(not(target_os = "linux")));
        assert!(is_there, "{part}");
    }
    // The report opens offline: nothing is loaded from elsewhere.
    for load in ["src=\"http", "href=\"http", "url(http", "<script"] {
        assert!(!page.contains(load), "{load}");
    }
    assert!(!report(&plain).contains("id=\"profile\""));

    // The report is the same when it is made again from the tables alone.
    std::fs::remove_file(sandbox.join("a/report.html")).unwrap();
    std::fs::remove_file(sandbox.join("a/profile/roofline.svg")).unwrap();
    sandbox.harness("report a").assert().success();
    same(&results(&sandbox.join("a")), &profiled);
}

#[test]
fn its_numbers_agree_with_each_other_and_with_the_run() {
    let sandbox = Sandbox::new();
    for out in ["a", "b"] {
        sandbox
            .harness(&format!("profile {SMALL} --out {out}"))
            .assert()
            .success();
    }
    let profile = read(&sandbox.join("a"));
    let roofs = Roofs::of(&profile.machine).expect("the machine's roofs");
    assert_eq!(roofs.threads, 2);
    assert!(profile.machine.iter().all(|row| row.rate > 0.0));

    let mut shares = 0.0;
    for row in &profile.kernels {
        assert!(row.calls > 0 && row.seconds >= 0.0);
        let counted = row.flop as f64 / row.seconds * 1e-9;
        assert!((row.gflops - counted).abs() <= 1e-9 * counted);
        shares += row.share;
    }
    assert!(shares > 0.0 && shares <= 1.0 + 1e-9, "{shares}");
    let kernels = |profile: &Profile| -> BTreeMap<String, [u64; 3]> {
        let rows = profile.kernels.iter();
        rows.map(|row| (row.kernel.clone(), [row.calls, row.flop, row.bytes]))
            .collect()
    };
    // The counts are the same in every run.
    assert_eq!(kernels(&profile), kernels(&read(&sandbox.join("b"))));
    assert!(kernels(&profile).contains_key("product"));

    assert_eq!(profile.experiments.len(), 5);
    let sum: f64 = profile.experiments.iter().map(|row| row.share).sum();
    assert!((1.0 - 1e-9..1.02).contains(&sum), "{sum}");
    let of = |part: Phase| {
        let row = profile.experiments.iter().find(|row| row.part == part);
        row.expect("a row of each part").seconds
    };
    assert!(of(Phase::Kernels) > 0.0 && of(Phase::Data) > 0.0);
    assert!(of(Phase::Metrics) > 0.0 && of(Phase::Writing) > 0.0);

    // Every file that is read back is held to the manifest.
    let path = sandbox.join("a/profile/kernels.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("product", "products")).unwrap();
    sandbox.refuses("report a", &["profile/kernels.csv was changed"]);
}

#[test]
fn settings_are_those_of_a_run() {
    let sandbox = Sandbox::new();
    sandbox.refuses("profile respons", &["respons", "did you mean `response`"]);
    sandbox.refuses("profile response --preset slow", &["--preset"]);
    sandbox.refuses("profile response --threads 0", &["--threads is 0"]);
    sandbox.refuses("profile response --set response.n=0", &["response.n"]);
    assert!(files(sandbox.path()).is_empty());
    let help = sandbox.harness("profile --help").assert().success();
    help.stdout(contains("quick").and(contains("byte for byte")));
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_without_symbols_says_so_wherever_its_profile_is_shown() {
    let sandbox = Sandbox::new();
    // Where Rust links programs there are binutils, `strip` among them.
    let strip = std::process::Command::new("strip")
        .arg("-o")
        .arg(sandbox.join("stripped"))
        .arg(assert_cmd::cargo::cargo_bin!("harness"))
        .status();
    assert!(strip.expect("`strip`, of binutils, starts").success());

    let told = "the program has no symbols. Build it without stripping it";
    let mut profile = assert_cmd::Command::new(sandbox.join("stripped"));
    profile.current_dir(sandbox.path());
    profile.args(format!("profile {SMALL} --out a").split_whitespace());
    profile.assert().success().stdout(contains(told));
    for shown in ["report.html", "profile/flamegraph.svg"] {
        let shown = std::fs::read_to_string(sandbox.join("a").join(shown)).unwrap();
        assert!(shown.contains(told));
    }
    // With symbols, the note is not printed.
    let mut profile = sandbox.harness(&format!("profile {SMALL} --out b"));
    profile.assert().success().stdout(contains(told).not());
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_profile_and_leaves_a_run_to_resume() {
    let sandbox = Sandbox::new();
    let widths: Vec<String> = (0..300).map(|i| (100_000 + i).to_string()).collect();
    let child = std::process::Command::new(assert_cmd::cargo::cargo_bin!("harness"))
        .current_dir(sandbox.path())
        .args(["profile", "rescale", "--out", "a", "--set"])
        .arg(format!("rescale.widths=[{}]", widths.join(",")))
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    wait_until("a manifest", || sandbox.join("a/manifest.json").exists());
    // The machine is measured first, then the experiment begins.
    std::thread::sleep(std::time::Duration::from_secs(3));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_interrupted(&output, &sandbox.join("a"));
}
