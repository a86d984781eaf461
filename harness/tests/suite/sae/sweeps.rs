//! Sweeps: a model for every combination of settings, their baselines, intervals over seeds, and the same bytes again.

use harness::table::Record as _;
use harness::workbench::tables::{Measures, Summary};
use harness::workbench::truth::{Codes, Truth};

use super::{SWEEP, WIDTH, models, sparse, tensors, with_data};
use crate::common::{Sandbox, npy, results, same};

#[test]
fn a_sweep_leaves_a_model_for_every_combination_and_explains_held_out_rows() {
    let sandbox = with_data();
    sandbox
        .harness(&format!("sae train {SWEEP} --out a"))
        .assert()
        .success();
    let models = models(&sandbox, "a");
    assert_eq!(models.len(), 8);
    for name in ["topk-n8-k1-seed0", "topk-n12-k2-seed1"] {
        assert!(
            sandbox
                .join(&format!("a/models/{name}/model.safetensors"))
                .exists()
        );
        let model = models.iter().find(|m| m.model == name).unwrap();
        let explained = model.measures.explained_variance;
        // A model that knew only the mean would explain nothing.
        assert!(explained > 0.3 && explained <= 1.0, "{model:?}");
    }
    let report = sandbox.read("a/report.html");
    for text in [
        "topk-n12-k2-seed1",
        "Models on rows that they were not trained on",
        "explained variance",
    ] {
        assert!(report.contains(text), "{text}");
    }
    for file in [
        "training.svg",
        "frontier.svg",
        "density.svg",
        "nearest.svg",
        "README.md",
        "elements.csv",
    ] {
        assert!(sandbox.join(&format!("a/{file}")).exists(), "{file}");
    }
}

#[test]
fn the_configuration_fed_back_repeats_the_training_on_any_number_of_threads() {
    let sandbox = with_data();
    sandbox
        .harness(&format!("sae train {SWEEP} --threads 1 --out a"))
        .assert()
        .success();
    sandbox
        .harness("sae train --config a/config.toml --threads 4 --quiet --out b")
        .assert()
        .success();
    same(&results(&sandbox.join("a")), &results(&sandbox.join("b")));
    // Rows give the same results in whatever files they stand.
    let whole = npy::rows(600, WIDTH, sparse);
    let values = whole.len() - 600 * WIDTH * 4;
    std::fs::create_dir(sandbox.join("parts")).unwrap();
    for (name, rows) in [("b.npy", 0..250), ("c.npy", 250..600)] {
        let mut part = npy::header("<f4", false, &[rows.len(), WIDTH]);
        part.extend(&whole[values + rows.start * WIDTH * 4..values + rows.end * WIDTH * 4]);
        sandbox.write(&format!("parts/{name}"), part);
    }
    sandbox
        .harness(&format!(
            "sae train {} --out c",
            SWEEP.replace("x.npy", "parts")
        ))
        .assert()
        .success();
    for file in ["models.csv", "models/topk-n8-k2-seed1/model.safetensors"] {
        assert_eq!(
            sandbox.bytes(&format!("a/{file}")),
            sandbox.bytes(&format!("c/{file}"))
        );
    }
}

#[test]
fn baselines_stand_beside_every_model_and_what_does_not_beat_them_is_named() {
    let sandbox = with_data();
    let train =
        "sae train x.npy --elements 12 --k 2 --samples 20000 --batch 64 --rate 0.001 --quiet";
    sandbox
        .harness(&format!("{train} --seeds 2 --out a"))
        .assert()
        .success();
    sandbox
        .harness(&format!("{train} --seeds 2 --baselines none --out none"))
        .assert()
        .success();
    let all = models(&sandbox, "a");
    let names: Vec<&str> = all.iter().map(|m| m.model.as_str()).collect();
    assert_eq!(
        names,
        [
            "topk-n12-k2-seed0",
            "topk-n12-k2-seed1",
            "topk-n12-k2-random-decoder-seed0",
            "topk-n12-k2-random-decoder-seed1",
            "topk-n12-k2-random-encoder-seed0",
            "topk-n12-k2-random-encoder-seed1",
            "pca-2"
        ]
    );
    // The models are the same as in a training without baselines.
    let without = models(&sandbox, "none");
    assert_eq!(format!("{:?}", &all[..2]), format!("{without:?}"));
    let weights =
        |name: &str| tensors(&sandbox.bytes(&format!("a/models/{name}/model.safetensors")));
    let trained = weights("topk-n12-k2-seed0");
    let [decoder, encoder] =
        ["decoder", "encoder"].map(|part| weights(&format!("topk-n12-k2-random-{part}-seed0")));
    // The tensors that are held have the same start: that of the encoder is the transpose of the decoder.
    assert_eq!(decoder["w_dec"], encoder["w_enc"]);
    assert_ne!(decoder["w_dec"], trained["w_dec"]);
    assert_ne!(decoder["w_enc"], encoder["w_enc"]);
    assert_ne!(encoder["w_dec"], decoder["w_dec"]);
    let explained: Vec<f64> = all.iter().map(|m| m.measures.explained_variance).collect();
    assert!(
        explained[0] > explained[2] && explained[0] > explained[4],
        "{explained:?}"
    );
    assert_eq!(all[6].measures.l0, 2.0);
    assert!(explained[6] > 0.3 && explained[6] < 1.0);
    assert!(!sandbox.read("a/report.html").contains("does not beat"));
    assert_eq!(sandbox.read("a/elements.csv").lines().count(), 1 + 2 * 12);

    // There are intervals over the seeds; with one seed there are none.
    let summary: Vec<Summary> = sandbox.table("a/summary.csv");
    let measures = Measures::SPEC.columns.len() - 1;
    assert_eq!(summary.len(), 4 * measures);
    let row = summary
        .iter()
        .find(|row| row.cell == "topk-n12-k2" && row.measure == "explained_variance")
        .unwrap();
    let (mean, half) = (
        (explained[0] + explained[1]) / 2.0,
        (explained[0] - explained[1]).abs() / 2.0,
    );
    assert!((row.mean - mean).abs() < 1e-12);
    // Student's t for one degree of freedom is 12.706.
    assert!(
        (row.high - mean - 12.706 * half).abs() < 1e-3 * half,
        "{row:?}"
    );
    assert!((row.low + row.high - 2.0 * mean).abs() < 1e-9);
    let pca = summary.iter().find(|row| row.cell == "pca-2").unwrap();
    assert!(pca.low.is_nan() && pca.seeds == 1);
    assert!(sandbox.read("a/report.html").contains("Means over seeds"));
}

#[test]
fn what_known_features_tell_has_intervals_over_seeds_too() {
    let sandbox = Sandbox::new();
    let spec = "features = 24\nwidth = 8\n";
    sandbox.write("my.toml", spec);
    sandbox
        .harness(
            "sae train synth:my.toml --variant batch-topk --k 2 --elements 16 --samples 6400 --batch 64 --seeds 2 \
             --set measured=256 --baselines none --quiet --out a",
        )
        .assert()
        .success();
    let truth: Vec<Truth> = sandbox.table("a/truth.csv");
    let summary: Vec<Summary> = sandbox.table("a/summary.csv");
    // For codes that are found alone, models.csv has the last four measures.
    type Measure = (&'static str, fn(&Truth) -> f64);
    let measures: [Measure; 5] = [
        ("f1", |t| t.f1),
        ("explained_variance", |t| t.explained_variance),
        ("l0", |t| t.l0),
        ("dead", |t| t.dead),
        ("shrinkage", |t| t.shrinkage),
    ];
    let together = measures.map(|(name, of)| (format!("{name}_together"), of, Codes::Together));
    for (measure, of, codes) in [("f1".to_string(), measures[0].1, Codes::Alone)]
        .into_iter()
        .chain(together)
    {
        let values = truth.iter().filter(|t| t.codes == codes).map(of);
        let values: Vec<f64> = values.collect();
        let rows: Vec<&Summary> = summary
            .iter()
            .filter(|row| row.measure == measure)
            .collect();
        let [row] = rows[..] else {
            panic!("{measure}: {rows:?}");
        };
        assert_eq!((row.seeds, values.len()), (2, 2));
        assert!(
            (row.mean - (values[0] + values[1]) / 2.0).abs() < 1e-12,
            "{row:?}"
        );
        assert_eq!(row.low < row.mean, values[0] != values[1], "{row:?}");
        assert_eq!(row.low < row.mean, row.mean < row.high, "{row:?}");
    }
}

#[test]
fn principal_components_explain_what_few_directions_hold() {
    let sandbox = Sandbox::new();
    // Two directions and a mean far from 0 hold all of the data.
    let value = |i: usize, j: usize| {
        let (a, b) = ((0.7 * i as f32).sin(), (1.3 * i as f32 + 1.0).cos());
        50.0 + 3.0 * a * (j as f32 + 1.0).cos() + b * (2.0 * j as f32).sin()
    };
    sandbox.write("x.npy", npy::rows(600, WIDTH, value));
    let output = sandbox
        .harness("sae train x.npy --elements 12 --k 1,2 --samples 2000 --batch 64 --quiet --out a")
        .output()
        .unwrap();
    // Two elements that are hardly trained do not hold what two components do.
    let shown = String::from_utf8(output.stdout).unwrap();
    let note = "note: topk-n12-k2 does not beat as many principal components";
    assert!(shown.contains(note), "{shown}");
    assert!(
        sandbox
            .read("a/report.html")
            .contains(&note["note: ".len()..])
    );
    assert!(!sandbox.read("a/report.html").contains("Means over seeds"));
    let all = models(&sandbox, "a");
    let of = |name: &str| {
        let model = all.iter().find(|m| m.model == name).unwrap();
        model.measures.explained_variance
    };
    assert!(of("pca-1") > 0.5 && of("pca-1") < 0.99, "{}", of("pca-1"));
    assert!((of("pca-2") - 1.0).abs() < 1e-5, "{}", of("pca-2"));
}
