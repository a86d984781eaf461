//! The same configuration gives the same bytes.

use crate::common::{SMALL, Sandbox, files, results, same};

#[test]
fn a_run_leaves_everything_it_promises() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    let found = files(&sandbox.join("a"));
    for file in [
        "manifest.json",
        "config.toml",
        "claims.csv",
        "run.csv",
        "report.html",
        "response/README.md",
        "response/curves.csv",
        "response/measures.csv",
        "response/response-gelu.svg",
    ] {
        assert!(
            found.get(file).is_some_and(|bytes| !bytes.is_empty()),
            "no {file}"
        );
    }
    // No temporary file and no lock is left.
    assert!(
        !found
            .keys()
            .any(|name| name.split('/').any(|part| part.starts_with('.')))
    );
    let manifest: serde_json::Value = serde_json::from_slice(&found["manifest.json"]).unwrap();
    assert_eq!(manifest["complete"], true);
    assert_eq!(manifest["settings"]["response"]["points"], 50);
    assert_eq!(manifest["seeds"], serde_json::json!([0, 1, 2, 3, 4]));
    for key in [
        "harness",
        "isa",
        "threads",
        "started_unix",
        "finished_unix",
        "seconds",
        "cpu_seconds",
    ] {
        assert!(!manifest[key].is_null(), "{key}");
    }
}

#[test]
fn threads_and_repetition_change_nothing() {
    let sandbox = Sandbox::new();
    for (out, threads) in [("one", 1), ("two", 2), ("again", 2)] {
        let arguments = format!("run {SMALL} --threads {threads} --out {out}");
        sandbox.harness(&arguments).assert().success();
    }
    let one = results(&sandbox.join("one"));
    same(&one, &results(&sandbox.join("two")));
    same(&one, &results(&sandbox.join("again")));
}

#[test]
fn the_seed_changes_what_is_random() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    sandbox
        .harness(&format!("run {SMALL} --seed 9 --out b"))
        .assert()
        .success();
    let (a, b) = (results(&sandbox.join("a")), results(&sandbox.join("b")));
    assert_eq!(a["response/curves.csv"], b["response/curves.csv"]);
    assert_ne!(a["response/measures.csv"], b["response/measures.csv"]);
}

#[test]
fn the_configuration_fed_back_repeats_the_run() {
    let sandbox = Sandbox::new();
    let flags = "--seed 4 --seeds 2 --set response.n=7 --set response.widths=[1,3] --out a";
    sandbox
        .harness(&format!("run {SMALL} {flags}"))
        .assert()
        .success();
    sandbox
        .harness("run --config a/config.toml --quiet --out b")
        .assert()
        .success();
    same(&results(&sandbox.join("a")), &results(&sandbox.join("b")));
}

#[test]
fn later_sources_of_settings_win() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "c.toml",
        "preset = 'quick'\nseeds = 2\nexperiments = ['response']\n[response]\npoints = 40\nn = 5\n",
    );
    sandbox
        .harness("run --config c.toml --set response.n=6 --quiet --out a")
        .assert()
        .success();
    let config = std::fs::read_to_string(sandbox.join("a/config.toml")).unwrap();
    for line in [
        "preset = \"quick\"",
        "seeds = 2",
        "points = 40",
        "n = 6",
        "reach = 5.0",
    ] {
        assert!(
            config.lines().any(|l| l == line),
            "no `{line}` in:\n{config}"
        );
    }
    // A flag wins over the file.
    sandbox
        .harness("run --config c.toml --seeds 1 --quiet --out b")
        .assert()
        .success();
    let config = std::fs::read_to_string(sandbox.join("b/config.toml")).unwrap();
    assert!(config.contains("\nseeds = 1\n") && config.contains("\nn = 5\n"));
}

#[test]
fn the_report_is_made_from_the_csv_files_alone() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    let before = files(&sandbox.join("a"));
    for name in before.keys().filter(|name| !name.ends_with(".csv")) {
        std::fs::remove_file(sandbox.join("a").join(name)).unwrap();
    }
    sandbox
        .harness("report a")
        .assert()
        .success()
        .stdout("a/report.html\n");
    let after = files(&sandbox.join("a"));
    for (name, bytes) in &after {
        assert!(bytes == &before[name], "{name} differs");
    }
    assert!(after.contains_key("report.html") && after.contains_key("response/response-gelu.svg"));
}

#[test]
fn the_report_shows_what_the_files_say() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    std::fs::remove_file(sandbox.join("a/manifest.json")).unwrap();
    let claims = sandbox.join("a/claims.csv");
    let text = std::fs::read_to_string(&claims).unwrap();
    std::fs::write(
        &claims,
        text.replace("Read along", "<b>Changed</b> & along"),
    )
    .unwrap();
    sandbox.harness("report a").assert().success();
    let page = std::fs::read_to_string(sandbox.join("a/report.html")).unwrap();
    assert!(page.contains("&#60;b&#62;Changed&#60;/b&#62; &#38; along"));
}

#[test]
fn the_report_needs_nothing_from_elsewhere() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    let page = std::fs::read_to_string(sandbox.join("a/report.html")).unwrap();
    for outside in ["src=", "<link", "<script", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    let elsewhere = page
        .match_indices("http")
        .map(|(i, _)| &page[i..(i + 30).min(page.len())]);
    for address in elsewhere {
        assert!(
            address.starts_with("http://www.w3.org/2000/svg"),
            "{address}"
        );
    }
}

#[test]
fn folders_are_numbered_where_none_is_named() {
    let sandbox = Sandbox::new();
    for _ in 0..2 {
        sandbox.harness(&format!("run {SMALL}")).assert().success();
    }
    same(
        &results(&sandbox.join("out/quick-1")),
        &results(&sandbox.join("out/quick-2")),
    );
}
