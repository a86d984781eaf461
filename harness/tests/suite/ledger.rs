//! The ledger is complete: every claim that is listed is settled, with a control and a spread over seeds, and is named
//! by a test.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::common::Sandbox;
use harness::claim::criteria;
use harness::experiment::erased::Erased;
use harness::experiments::REGISTRY;
use harness::settings::Preset;

/// Returns the ids that `harness list` names, in its order.
fn listed() -> Vec<String> {
    let output = Sandbox::new().harness("list").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let ids = text.lines().filter_map(|l| l.strip_prefix("  claim   "));
    ids.map(str::to_string).collect()
}

#[test]
fn every_claim_is_listed_with_a_criterion_a_control_and_several_seeds() {
    let claims = REGISTRY.experiments().flat_map(|e| e.about().claims);
    assert_eq!(listed(), claims.map(|c| c.id).collect::<Vec<_>>());
    for experiment in REGISTRY.experiments() {
        for claim in experiment.about().claims {
            for words in [claim.statement, claim.criterion, claim.control] {
                assert!(!words.is_empty(), "{}", claim.id);
            }
        }
        for preset in Preset::ALL {
            let most = experiment.bind(preset).most_seeds() as u64;
            let seeds = preset.seeds().min(most);
            let id = experiment.id();
            assert!(
                seeds >= 3 || experiment.about().claims.is_empty(),
                "{id} has {seeds} seeds in {}",
                preset.name()
            );
        }
    }
}

#[test]
fn the_claims_of_a_run_stand_in_ledger_and_report_with_control_and_spread() {
    settled("response rescale l1-geometry --seeds 2", 2);
}

/// The claims of all experiments stand in ledger and report, with control and spread.
#[test]
#[ignore = "takes half a minute"]
fn all_claims_stand_in_ledger_and_report_with_control_and_spread() {
    settled("", Preset::Quick.seeds());
}

/// Runs experiments and checks how their claims are settled.
fn settled(arguments: &str, seeds: u64) {
    let sandbox = Sandbox::new();
    let command = format!("run {arguments} --preset quick --quiet --out a");
    sandbox.harness(&command).assert().success();
    let run = sandbox.join("a");
    let report = std::fs::read_to_string(run.join("report.html")).unwrap();
    let (_, ledger) = harness::run::results::ledger(&run).unwrap();
    let ran = |e: &&dyn Erased| run.join(e.id()).is_dir();
    for experiment in REGISTRY.experiments().filter(ran) {
        let at_seeds = seeds.min(experiment.bind(Preset::Quick).most_seeds() as u64);
        let measures = run.join(experiment.id()).join("measures.csv");
        let measures = std::fs::read_to_string(measures).unwrap();
        for claim in experiment.about().claims {
            let id = claim.id;
            let entry = ledger.get(id).unwrap_or_else(|| panic!("no {id}"));
            assert!(report.contains(&format!("<li id=\"{id}\">")), "{id}");
            assert_eq!(entry.control, claim.control);
            assert_eq!(entry.seeds, at_seeds, "{id}");
            // A line says why, if the claim or its control could not be measured.
            let within = |value, low, high| low <= value && value <= high;
            let measured = within(entry.value, entry.low, entry.high)
                && within(entry.control_value, entry.control_low, entry.control_high);
            assert!(measured || !entry.reason.is_empty(), "{id}: {entry:?}");
            assert_eq!(entry.settings, ledger.cells_of(id).count() as u64);
            let rows = measures
                .lines()
                .filter(|l| l.starts_with(&format!("{id},,")));
            assert_eq!(
                rows.count() as u64,
                at_seeds * claim.conditions.len() as u64,
                "{id}: a row a condition and seed"
            );
        }
    }
    assert_eq!(
        ledger.entries.len(),
        REGISTRY
            .experiments()
            .filter(ran)
            .map(|e| e.about().claims.len())
            .sum::<usize>()
    );
}

/// The log holds the criteria of a claim as the code does: a change of either needs a dated row with its reason.
#[test]
fn the_log_of_criteria_ends_with_what_is_in_force() {
    for claim in REGISTRY.experiments().flat_map(|e| e.about().claims) {
        let id = claim.id;
        let last = criteria::history(id).last();
        let last = last.unwrap_or_else(|| panic!("no row in criteria.csv names {id}"));
        assert_eq!(last.criterion, claim.criterion, "{id}");
        assert_eq!(last.bounds, claim.bounds(), "{id}");
    }
    let is_date = |date: &str| {
        let parts: Vec<_> = date.split('-').map(str::len).collect();
        parts == [4, 2, 2] && date.chars().all(|c| c == '-' || c.is_ascii_digit())
    };
    for (row, next) in criteria::LOG.iter().zip(criteria::LOG.iter().skip(1)) {
        assert!(is_date(&row.date) && is_date(&next.date), "{row:?}");
        assert!(row.date <= next.date, "dates go back after {row:?}");
        assert!(!row.reason.is_empty(), "{row:?}");
    }
    let output = Sandbox::new().harness("list --criteria").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for id in listed() {
        assert!(
            text.lines().any(|l| l.starts_with(&format!("{id} ("))),
            "{id}"
        );
    }
}

/// The docs of a property or reference test name the claims that it bears on, in a line of its own:
/// `/// Claims: an-id, another-id`.
#[test]
fn a_test_bears_the_name_of_every_claim() {
    let borne = borne();
    let missing: Vec<_> = listed()
        .into_iter()
        .filter(|id| !borne.contains(id))
        .collect();
    assert!(
        missing.is_empty(),
        "no test has a line `/// Claims: …` in its docs that names {missing:?}"
    );
    let known = BTreeSet::from_iter(listed());
    let strange: Vec<_> = borne.difference(&known).collect();
    assert!(
        strange.is_empty(),
        "tests bear on claims that there are not: {strange:?}"
    );
}

/// Returns the claims that tests bear on.
fn borne() -> BTreeSet<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut borne = BTreeSet::new();
    let mut folders = vec![here.join("tests"), here.join("../proptests/tests")];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(folder).unwrap();
        let paths = entries.map(|e| e.unwrap().path());
        let (inner, files): (Vec<_>, Vec<_>) = paths.partition(|p| p.is_dir());
        folders.extend(inner);
        let is_source = |f: &&PathBuf| f.extension().is_some_and(|e| e == "rs");
        for file in files.iter().filter(is_source) {
            let text = std::fs::read_to_string(file).unwrap();
            let lines: Vec<_> = text.lines().map(str::trim).collect();
            for (i, line) in lines.iter().enumerate() {
                let Some(ids) = line.strip_prefix("/// Claims: ") else {
                    continue;
                };
                let above = |l: &&&str| l.starts_with("///") || l.starts_with("#[");
                let mut rest = lines[i..].iter().take_while(above);
                let before = lines[..i].iter().rfind(|l| !l.starts_with("///"));
                let is_test = rest.any(|l| *l == "#[test]")
                    || before.is_some_and(|l| l.starts_with("each_isa!("));
                let place = format!("{}:{}", file.display(), i + 1);
                assert!(is_test, "{place}: these are not the docs of a test");
                borne.extend(ids.split(", ").map(str::to_string));
            }
        }
    }
    borne
}

#[test]
fn verdicts_of_a_run_stand_beside_their_claims_unless_the_criterion_has_changed() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    let shown = || {
        let output = sandbox.harness("list --markdown a").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let line = |text: &str, id: &str| {
        let mark = format!("| `{id}`: ");
        let found = text.lines().find(|l| l.starts_with(&mark));
        found.unwrap().to_string()
    };
    let text = shown();
    assert!(text.starts_with("Verdicts of the run in a: preset quick, "));
    assert!(line(&text, "same-shape-smaller").contains("| ✓ reproduced: "));
    assert!(line(&text, "sqrt-n-recovers").ends_with("| not run yet |"));
    std::fs::remove_file(sandbox.join("a/manifest.json")).unwrap();
    let ledger = sandbox.join("a/claims.csv");
    let changed = std::fs::read_to_string(&ledger)
        .unwrap()
        .replace("1e-6", "1e-5");
    std::fs::write(&ledger, changed).unwrap();
    assert!(line(&shown(), "same-shape-smaller").ends_with("| not run yet |"));
}
