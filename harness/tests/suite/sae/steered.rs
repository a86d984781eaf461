//! Penalties that are steered to a number of active elements.

use harness::workbench::tables::Step;

use super::{models, with_data};

#[test]
fn a_penalty_is_steered_to_its_target_and_what_misses_it_is_named() {
    let sandbox = with_data();
    for variant in ["l1", "jumprelu"] {
        sandbox
            .harness(&format!(
                "sae train x.npy --variant {variant} --target-l0 1.5,2.5 --elements 12 --samples 120000 --batch 64 --rate 0.0002 \
                 --set threshold=0.5 --set bandwidth=0.5 --baselines none --quiet --out {variant}"
            ))
            .assert()
            .success();
        let models = models(&sandbox, variant);
        assert_eq!(models.len(), 2);
        for (model, target) in models.iter().zip([1.5, 2.5]) {
            assert_eq!(
                (model.model.as_str(), model.target_l0),
                (
                    format!("{variant}-n12-target{target}-seed0").as_str(),
                    target
                )
            );
            let l0 = model.measures.l0;
            assert!(
                (l0 / target - 1.0).abs() < 0.25,
                "{variant}: {l0} for {target}"
            );
            assert!(model.sparsity > 0.0 && model.sparsity.is_finite());
        }
        // λ is the penalty at the end of the training, and is saved with the model.
        assert_ne!(models[0].sparsity, models[1].sparsity);
        let metrics: Vec<Step> = sandbox.table(&format!("{variant}/metrics.csv"));
        let lambdas: Vec<f64> = metrics.iter().map(|step| step.lambda).collect();
        assert!(lambdas.windows(2).any(|pair| pair[0] != pair[1]));
        // The figure of the training shows the course of λ.
        let figure = sandbox.read(&format!("{variant}/training.svg"));
        assert!(figure.contains("coefficient λ of the penalty"));
    }
    // Ten steps are too few to reach the target.
    let output = sandbox
        .harness(
            "sae train x.npy --variant l1 --target-l0 1 --elements 12 --samples 640 --batch 64 --rate 0.000001 \
             --baselines none --quiet --out short",
        )
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let note = "l1-n12-target1-seed0 has ";
    assert!(
        shown.contains(note) && shown.contains("and 1 was the target"),
        "{shown}"
    );
    assert!(sandbox.read("short/report.html").contains(note));
}

#[test]
fn a_penalty_that_ends_at_its_bound_is_named() {
    let sandbox = with_data();
    let train = "sae train x.npy --variant l1 --lambda 0.000000001 --elements 12 --samples 120000 --batch 64 --baselines none \
                 --quiet";
    let bounded = "The λ of l1-n12-target1-seed0 ended at its bound, 1e−7: it is steered to at most 100 times";
    for (target, is_bounded) in [("--target-l0 1", true), ("", false)] {
        let output = sandbox
            .harness(&format!("{train} {target} --out a{is_bounded}"))
            .output()
            .unwrap();
        assert!(output.status.success());
        let shown = String::from_utf8(output.stdout).unwrap();
        assert_eq!(shown.contains(bounded), is_bounded, "{shown}");
        let lambda = ", λ 1e−7 for normalised activations\n";
        assert_eq!(shown.contains(lambda), is_bounded, "{shown}");
    }
    assert!(sandbox.read("atrue/report.html").contains(bounded));
    let metrics: Vec<Step> = sandbox.table("atrue/metrics.csv");
    let lambda = metrics[metrics.len() - 1].lambda;
    assert!((lambda / 1e-7 - 1.0).abs() < 1e-6, "{lambda}");
}

#[test]
fn a_penalty_that_cannot_reach_its_target_in_time_ruins_nothing() {
    let sandbox = with_data();
    let explained = |target: &str, folder: &str| {
        // These are 60 steps at a learning rate at which weights move by 0.1 at most.
        let command = format!(
            "sae train x.npy --variant l1-tied --lambda 0.1 --elements 12 --samples 3840 --batch 64 --rate 0.00005 \
             --baselines none --quiet {target} --out {folder}"
        );
        sandbox.harness(&command).assert().success();
        models(&sandbox, folder)[0].clone()
    };
    let [plain, steered] = [
        explained("", "plain"),
        explained("--target-l0 1", "steered"),
    ];
    assert!(plain.measures.l0 > 3.0, "{plain:?}");
    assert!(steered.sparsity < 0.2, "{steered:?}");
    let lost = plain.measures.explained_variance - steered.measures.explained_variance;
    assert!(lost.abs() < 0.05, "{plain:?} {steered:?}");
}
