//! `harness show` prints everything about one claim.

use harness::run::results::{REFERENCE, in_short};

use crate::common::{SMALL, Sandbox};

/// Returns what a command prints.
#[track_caller]
fn printed(sandbox: &Sandbox, arguments: &str) -> String {
    let output = sandbox.harness(arguments).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_claim_is_shown_whole() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    let text = printed(&sandbox, "show distributed-nearly-linear a");
    let claim = harness::experiments::REGISTRY.get("response").unwrap();
    let mut claims = claim.about().claims.iter();
    let claim = claims
        .find(|c| c.id == "distributed-nearly-linear")
        .unwrap();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "distributed-nearly-linear: ✓ reproduced",
        claim.statement,
        "kind law",
        "experiment response (",
        claim.criterion,
        "(since 2026-",
        claim.control,
        "run a, preset quick, 5 seeds",
        "(the same at all 5 seeds)",
        &format!("reference reproduced too ({})", in_short(&REFERENCE)),
        &format!("✓ {}", claim.conditions[0].measure),
        "(the same at all 5 seeds); control 1 (the same at all 5 seeds)",
        "folder a/response",
        "response-gelu.svg",
        "measures.csv",
        "report a/report.html",
    ] {
        assert!(words.contains(part), "`{part}` is not in:\n{text}");
    }
}

#[test]
fn the_settings_in_which_a_claim_fails_are_listed_by_verdict() {
    let sandbox = Sandbox::new();
    let run = "run l1-geometry --preset quick --seeds 2 --quiet --out a";
    sandbox.harness(run).assert().success();
    let id = "l1-recovers-up-to-the-phase-transition";
    let text = printed(&sandbox, &format!("show {id} a"));
    let (_, ledger) = harness::run::results::ledger(&sandbox.join("a")).unwrap();
    let entry = ledger.get(id).unwrap();
    let head = format!(
        "holds in {} of {} settings",
        entry.settings_held, entry.settings
    );
    assert!(
        entry.settings > entry.settings_held && text.contains(&head),
        "{text}"
    );
    let after = text
        .split_once(&head)
        .unwrap()
        .1
        .split_once("\n\n")
        .unwrap()
        .0;
    let listed = after
        .lines()
        .filter(|l| l.trim_start().starts_with(['✗', '?', '○', '⇄']));
    assert_eq!(
        listed.count() as u64,
        entry.settings - entry.settings_held,
        "{text}"
    );
}

#[test]
fn without_a_folder_the_run_that_ended_last_is_shown() {
    let sandbox = Sandbox::new();
    let id = "same-shape-smaller";
    let no_run = [
        "there is no finished run in out/",
        "harness show same-shape-smaller DIR",
    ];
    sandbox.refuses(&format!("show {id}"), &no_run);
    for seeds in [2, 3] {
        let run = format!("run {SMALL} --seeds {seeds}");
        sandbox.harness(&run).assert().success();
    }
    // A folder that is no run, or whose run has not ended, is passed over.
    std::fs::create_dir(sandbox.join("out/quick-3")).unwrap();
    std::fs::write(sandbox.join("out/notes"), "").unwrap();
    let shown = || printed(&sandbox, &format!("show {id}"));
    assert!(
        shown().contains("out/quick-2, preset quick, 3 seeds"),
        "{}",
        shown()
    );
    let first = std::fs::File::options()
        .append(true)
        .open(sandbox.join("out/quick-1/claims.csv"));
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    first.unwrap().set_modified(later).unwrap();
    assert!(
        shown().contains("out/quick-1, preset quick, 2 seeds"),
        "{}",
        shown()
    );
    // A newer run without the claim is not passed over silently.
    let other = "run rescale --preset quick --quiet --out out/other";
    sandbox.harness(other).assert().success();
    let newest = std::fs::File::options()
        .append(true)
        .open(sandbox.join("out/other/claims.csv"));
    let latest = later + std::time::Duration::from_secs(5);
    newest.unwrap().set_modified(latest).unwrap();
    let parts = [
        "out/other, the run",
        "no verdict",
        "harness show same-shape-smaller out/quick-1",
    ];
    sandbox.refuses(&format!("show {id}"), &parts);
}

#[test]
fn what_cannot_be_shown_is_refused_with_a_way_out() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    let near = [
        "no claim `same-shape-smaler`",
        "did you mean `same-shape-smaller`?",
    ];
    sandbox.refuses("show same-shape-smaler a", &near);
    sandbox.refuses("show same-shape-smaler", &near);
    // With part of a name, the message suggests the rest.
    sandbox.refuses(
        "show duplicate a",
        &["did you mean `no-duplicate-directions`?"],
    );
    sandbox.refuses("show xyzzy a", &["no claim `xyzzy` (`harness list`"]);
    let experiment = ["it is an experiment, with the claims `same-shape-smaller`, "];
    sandbox.refuses("show response a", &experiment);
    let not_run = [
        "the run in a has no verdict on `sqrt-n-recovers`",
        "`harness run rescale` settles it",
    ];
    sandbox.refuses("show sqrt-n-recovers a", &not_run);
    std::fs::create_dir(sandbox.join("b")).unwrap();
    for folder in ["b", "nowhere"] {
        let parts = [
            folder,
            "holds no finished run: there is no claims.csv in it",
        ];
        sandbox.refuses(&format!("show same-shape-smaller {folder}"), &parts);
    }
    std::fs::remove_file(sandbox.join("a/response/measures.csv")).unwrap();
    let parts = [
        "a/response/measures.csv is not there",
        "harness run --config a/config.toml",
    ];
    sandbox.refuses("show same-shape-smaller a", &parts);
    sandbox.refuses("show", &["CLAIM"]);
}

#[test]
fn shells_complete_the_names_of_claims() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh"] {
        let script = printed(&sandbox, &format!("completions {shell}"));
        assert!(script.contains("no-decisive-layer"), "{shell}");
    }
    // The ids of all claims would fill a screen.
    assert!(!printed(&sandbox, "show --help").contains("no-plateau-on-a-continuum"));
}
