//! Trainings of few steps, and trainings that fail to learn.

use super::{WIDTH, models, sparse, with_data};
use crate::common::npy;

#[test]
fn a_short_training_has_the_threshold_of_its_end() {
    let sandbox = with_data();
    let later = |row: usize, column| sparse(row + 600, column);
    sandbox.write("y.npy", npy::rows(600, WIDTH, later));
    for variant in ["batch-topk", "matryoshka"] {
        for samples in [3200, 12_800] {
            let folder = format!("{variant}-{samples}");
            let command = format!(
                "sae train x.npy --eval y.npy --variant {variant} --k 2 --elements 12 --samples {samples} --batch 64 \
                 --rate 0.001 --baselines none --quiet --out {folder}"
            );
            sandbox.harness(&command).assert().success();
            let l0 = models(&sandbox, &folder)[0].measures.l0;
            assert!((l0 / 2.0 - 1.0).abs() < 0.15, "{folder}: {l0}");
        }
    }
}

#[test]
fn a_training_that_came_to_nothing_says_so() {
    let sandbox = with_data();
    let run = |arguments: &str, folder: &str| {
        let train = "sae train x.npy --elements 12 --baselines none --quiet";
        let command = format!("{train} {arguments} --out {folder}");
        let output = sandbox.harness(&command).output().unwrap();
        assert!(output.status.success());
        let shown = String::from_utf8(output.stdout).unwrap();
        // The report shows the same notes.
        let report = sandbox.read(&format!("{folder}/report.html"));
        let notes = shown.lines().filter_map(|line| line.strip_prefix("note: "));
        notes.for_each(|note| assert!(report.contains(&note[..20]), "{note}"));
        shown
    };
    let nothing = "it reconstructs rows no better than their mean does; try more rows, ";
    let few = "Each model was trained for ";
    let shown = run("--k 2 --samples 20000 --batch 64 --rate 100", "fast");
    assert!(shown.contains(nothing) && !shown.contains(few), "{shown}");
    let shown = run(
        "--variant l1 --lambda 10000 --samples 20000 --batch 64 --rate 0.001",
        "strong",
    );
    let smaller = format!("{nothing}a smaller lambda or another learning rate");
    assert!(shown.contains(&smaller) && !shown.contains(few), "{shown}");
    let shown = run("--k 2 --samples 20000 --batch 64 --rate 0.001", "well");
    assert!(!shown.contains(nothing) && !shown.contains(few), "{shown}");
    assert!(
        shown.contains("% of the elements dead on 30 rows\n"),
        "{shown}"
    );
    // 313 batches hold more rows than were asked for; the report shows the number of rows that were seen.
    let report = sandbox.read("well/report.html");
    assert!(
        report.contains("20032 (313 batches of 64, 35.1 passes)"),
        "{report}"
    );
    assert!(report.contains("rows for training"));
    let shown = run("--k 2 --samples 128 --batch 64", "short");
    assert!(
        shown.contains(&format!("{few}2 steps only, of 64 rows: too few")),
        "{shown}"
    );
    let shown = run("--k 2 --samples 100 --batch 256", "one");
    assert!(
        shown.contains(&format!(
            "{few}1 step only, of 256 rows, since samples is 100:"
        )),
        "{shown}"
    );
    std::fs::copy(sandbox.join("x.npy"), sandbox.join("y.npy")).unwrap();
    let layers = "sae layers x.npy y.npy --elements 8 --k 1 --samples 128 --batch 64 --seeds 1 --quiet --out l";
    let output = sandbox.harness(layers).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(shown.matches(few).count(), 1, "{shown}");
}
