//! `harness sae eval` measures models of any tool on the same rows.

use super::{SWEEP, WIDTH, cell, sparse, with_data};
use crate::common::{Sandbox, files, npy, same};

#[test]
fn models_side_by_side_are_measured_as_in_their_training_whichever_tool_they_are_for() {
    let sandbox = with_data();
    sandbox
        .harness(&format!("sae train {SWEEP} --out a"))
        .assert()
        .success();
    let name = "topk-n12-k2-seed0";
    for (to, out) in [("saelens", "b"), ("sparsify", "c")] {
        sandbox
            .harness(&format!("sae export a/models/{name} --to {to} {out}"))
            .assert()
            .success();
    }
    // A training holds out 30 of 600 rows.
    for threads in [1, 4] {
        let shown = sandbox
            .harness(&format!(
                "sae eval a/models/{name} b c --data x.npy --rows 30 --threads {threads} --quiet --out e{threads}"
            ))
            .output()
            .unwrap();
        let shown = String::from_utf8(shown.stdout).unwrap();
        for text in [name, "explained variance", "L0", "loss above best codes"] {
            assert!(shown.contains(text), "{shown}");
        }
    }
    let all = |folder: &str| files(&sandbox.join(folder));
    same(&all("e1"), &all("e4"));
    let (trained, evaluated) = (sandbox.read("a/models.csv"), sandbox.read("e1/models.csv"));
    for column in [
        "explained_variance",
        "mse",
        "l0",
        "l1",
        "cosine",
        "shrinkage",
        "dead",
        "rare",
    ] {
        for model in [name, "b", "c"] {
            assert_eq!(
                cell(&evaluated, model, column),
                cell(&trained, name, column),
                "{model} {column}"
            );
        }
    }
    let json: serde_json::Value = serde_json::from_str(&sandbox.read("e1/models.json")).unwrap();
    for (i, model) in [name, "b", "c"].into_iter().enumerate() {
        assert_eq!(json[i]["model"], model);
        assert_eq!(
            json[i]["explained_variance"].to_string(),
            cell(&evaluated, model, "explained_variance")
        );
        assert_eq!(json[i]["sparsity"], 2.0);
    }
    assert_eq!(sandbox.read("e1/elements.csv").lines().count(), 1 + 3 * 12);

    // A row of zeros has no share that is lost.
    let with_zero = npy::rows(40, WIDTH, |i, j| if i == 3 { 0.0 } else { sparse(i, j) });
    sandbox.write("zero.npy", with_zero);
    sandbox
        .harness("sae eval b --data zero.npy --quiet --out z")
        .assert()
        .success();
    let shrinkage: f64 = cell(&sandbox.read("z/models.csv"), "b", "shrinkage")
        .parse()
        .unwrap();
    assert!(shrinkage > 0.5 && shrinkage < 1.5, "{shrinkage}");
}

#[test]
fn no_code_has_a_lower_loss_than_the_best_one_under_an_l1_penalty() {
    let sandbox = Sandbox::new();
    // The activations were normalised for training, so λ is another number for raw activations.
    sandbox.write(
        "x.npy",
        npy::rows(600, WIDTH, |i, j| 30.0 + 5.0 * sparse(i, j)),
    );
    for variant in ["l1", "l1-tied"] {
        sandbox
            .harness(&format!(
                "sae train x.npy --variant {variant} --lambda 0.3 --elements 10 --samples 100000 --batch 64 --rate 0.0005 \
                 --baselines none --quiet --out {variant}"
            ))
            .assert()
            .success();
    }
    sandbox
        .harness(
            "sae eval l1/models/l1-n10-lambda0.3-seed0 l1-tied/models/l1-tied-n10-lambda0.3-seed0 --data x.npy --quiet \
             --out e",
        )
        .assert()
        .success();
    let models = sandbox.read("e/models.csv");
    for model in ["l1-n10-lambda0.3-seed0", "l1-tied-n10-lambda0.3-seed0"] {
        let excess: f64 = cell(&models, model, "excess_loss").parse().unwrap();
        // FISTA stops at a share of 1e-5 of ‖x − b_dec‖². With the λ of normalised activations, these codes would be
        // far from the best ones.
        assert!(excess > -1e-3 && excess < 0.3, "{model}: {excess}");
        let lambda: f64 = cell(&models, model, "sparsity").parse().unwrap();
        assert!(lambda > 0.6, "{lambda}");
    }
}

/// The codes of batch-topk and matryoshka are compared with those that a pursuit finds with as many elements in each
/// row.
#[test]
fn codes_of_as_many_elements_are_held_to_those_of_matching_pursuit() {
    let sandbox = with_data();
    let variants = ["batch-topk", "matryoshka"];
    let mut folders = String::new();
    for variant in variants {
        sandbox
            .harness(&format!(
                "sae train x.npy --variant {variant} --k 2 --elements {WIDTH} --samples 60000 --batch 64 --rate 0.0005 \
                 --baselines none --quiet --out {variant}"
            ))
            .assert()
            .success();
        folders += &format!(" {variant}/models/{variant}-n{WIDTH}-k2-seed0");
    }
    sandbox
        .harness(&format!("sae eval{folders} --data x.npy --quiet --out e"))
        .assert()
        .success();
    let models = sandbox.read("e/models.csv");
    for variant in variants {
        let model = format!("{variant}-n{WIDTH}-k2-seed0");
        let number = |column: &str| cell(&models, &model, column).parse::<f64>().unwrap();
        assert!(number("l0") > 1.5 && number("l0") < 2.5, "{models}");
        // There are as many elements as columns, and they are nearly orthogonal, so that a greedy choice is nearly the
        // best. With one element fewer in each row it would leave several times the error, with one more a small part
        // of it.
        let excess = number("excess_loss");
        assert!(excess > -0.1 && excess < 0.5, "{variant}: {excess}");
    }
}
