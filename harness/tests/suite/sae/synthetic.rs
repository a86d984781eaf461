//! `harness sae` on synthetic models, whose features are known.

use harness::workbench::truth::Truth;

use crate::common::{Sandbox, npy, results, same};

/// The settings of a small model with trees, a copula and a bias.
const SPEC: &str = "features = 40\nwidth = 12\nfirst = 0.3\nlast = 0.02\nrank = 3\nroots = 4\n\
                    mean = [3.0, 2.0]\nbias = 0.5\nrepulsion = 20\n";

/// The arguments of a training that takes a second or less.
const TRAINING: &str = "synth:my.toml --variant batch-topk --k 3 --elements 24 --samples 6000 --batch 256 --set measured=2000 \
                        --baselines none -q";

fn with_spec() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("my.toml", SPEC);
    sandbox
}

fn truth(sandbox: &Sandbox, folder: &str) -> Vec<Truth> {
    sandbox.table(&format!("{folder}/truth.csv"))
}

#[test]
fn a_training_on_a_synthetic_model_repeats_and_an_evaluation_agrees_with_it() {
    let sandbox = with_spec();
    let train = |arguments: &str| {
        sandbox
            .harness(&format!("sae train {arguments}"))
            .assert()
            .success();
    };
    train(&format!("{TRAINING} --threads 1 --out a"));
    train("--config a/config.toml --threads 3 --out b -q");
    same(&results(&sandbox.join("a")), &results(&sandbox.join("b")));
    // The settings of the synthetic model are kept, and name the same model.
    std::fs::copy(sandbox.join("a/synthetic.toml"), sandbox.join("kept.toml")).unwrap();
    sandbox
        .harness("sae eval a/models/batch-topk-n24-k3-seed0 --data synth:kept.toml --rows 2000 -q --out e")
        .assert()
        .success();
    let (trained, evaluated) = (truth(&sandbox, "a"), truth(&sandbox, "e"));
    assert_eq!(trained.len(), 2);
    for (a, e) in trained.iter().zip(&evaluated) {
        let of = |t: &Truth| {
            [
                t.mcc,
                t.f1,
                t.precision,
                t.recall,
                t.uniqueness,
                t.l0,
                t.shrinkage,
            ]
        };
        assert_eq!(of(a), of(e));
        assert!(a.mcc > 0.2 && a.mcc <= 1.0 && a.f1 > 0.0 && a.rows == 2000);
    }
    let json: serde_json::Value = serde_json::from_str(&sandbox.read("e/truth.json")).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 2);
    for (i, (e, codes)) in evaluated.iter().zip(["alone", "together"]).enumerate() {
        assert_eq!(json[i]["model"], e.model);
        assert_eq!(json[i]["codes"], codes);
        assert_eq!(json[i]["mcc"], e.mcc);
    }

    // Another synthetic model under the same name gives another training.
    sandbox.write("my.toml", format!("{SPEC}seed = 1\n"));
    train("--config a/config.toml --out c -q");
    let models = |folder: &str| sandbox.bytes(&format!("{folder}/models.csv"));
    assert_ne!(models("a"), models("c"));
}

#[test]
fn samples_in_files_are_the_sums_of_their_codes_and_features_and_the_bias() {
    let sandbox = with_spec();
    let synth = |arguments: &str| {
        sandbox
            .harness(&format!("sae synth my.toml --samples 5000 {arguments} -q"))
            .assert()
            .success();
    };
    synth("--out x.npy --threads 1");
    synth("--out y.safetensors --threads 3");
    let read = |name: &str| sandbox.bytes(name);
    let rows = |name: &str| npy::values::<f32>(&read(name));
    let (x, features) = (rows("x.npy"), rows("x-features.npy"));
    assert_eq!((x.len(), features.len()), (5000 * 12, 40 * 12));
    let bias = rows("x-bias.npy");
    let length = bias.iter().map(|b| b * b).sum::<f32>().sqrt();
    assert_eq!(bias.len(), 12);
    assert!((length - 0.5).abs() < 1e-6, "{length}");
    let arrays = npy::archive(read("x-codes.npz"));
    let starts: Vec<i64> = npy::values(&arrays["indptr.npy"]);
    let columns: Vec<i32> = npy::values(&arrays["indices.npy"]);
    let values: Vec<f32> = npy::values(&arrays["data.npy"]);
    assert_eq!(starts.len(), 5001);
    for (i, x) in x.chunks_exact(12).enumerate() {
        let mut sum: Vec<f64> = bias.iter().map(|&b| b.into()).collect();
        for e in starts[i] as usize..starts[i + 1] as usize {
            let direction = &features[columns[e] as usize * 12..][..12];
            let terms = sum.iter_mut().zip(direction);
            terms.for_each(|(s, f)| *s += f64::from(values[e]) * f64::from(*f));
        }
        // Sums in f32 of some ten terms, each at most some ten.
        assert!(
            x.iter()
                .zip(sum)
                .all(|(x, s)| (f64::from(*x) - s).abs() < 1e-4),
            "{i}"
        );
    }

    // The other format holds the same.
    let (of_samples, of_features) = (read("y.safetensors"), read("y-features.safetensors"));
    let of_bias = read("y-bias.safetensors");
    for (bytes, name, npy) in [
        (&of_samples, "samples", "x.npy"),
        (&of_features, "features", "x-features.npy"),
        (&of_bias, "bias", "x-bias.npy"),
    ] {
        let file = safetensors::SafeTensors::deserialize(bytes).unwrap();
        assert!(
            read(npy).ends_with(file.tensor(name).unwrap().data()),
            "{name}"
        );
    }
    let codes = read("y-codes.safetensors");
    let codes = safetensors::SafeTensors::deserialize(&codes).unwrap();
    assert!(arrays["data.npy"].ends_with(codes.tensor("values").unwrap().data()));
    // The rows that were written are activations like any others.
    sandbox
        .harness("sae train x.npy --samples 512 --batch 64 --elements 8 --k 2 --out a -q")
        .assert()
        .success();
}

#[test]
fn settings_of_a_synthetic_model_are_shown_and_read_again() {
    let sandbox = with_spec();
    let shown = |spec: &str| {
        let output = sandbox
            .harness(&format!("sae synth {spec} --settings"))
            .assert()
            .success();
        String::from_utf8(output.get_output().stdout.clone()).unwrap()
    };
    let text = shown("my.toml");
    assert!(
        text.contains("\nfeatures = 40\n")
            && text.contains("\n# Standard deviation of normal noise")
    );
    sandbox.write("again.toml", &text);
    assert_eq!(shown("again.toml"), text);
    assert!(shown("synthsaebench-16k").contains("features = 16384\n"));
}

#[test]
fn what_cannot_be_drawn_is_refused_and_leaves_no_file() {
    let sandbox = with_spec();
    sandbox.write("wrong.toml", "width = 0\n");
    sandbox.write("there-codes.npz", "kept");
    for (arguments, parts) in [
        (
            "sae synth nowhere --samples 5 --out x.npy",
            &["no synthetic model `nowhere`", "synthsaebench-16k"][..],
        ),
        (
            "sae synth wrong.toml --samples 5 --out x.npy",
            &["wrong.toml: width is 0; it must be 1 to 8192"],
        ),
        (
            "sae synth my.toml --samples 5 --out x.csv",
            &["x.csv ends in neither", ".safetensors"],
        ),
        (
            "sae synth my.toml --samples 5 --out x",
            &["x has no ending"],
        ),
        (
            "sae synth my.toml --samples 5 --out there.npy",
            &["there-codes.npz is already there", "--out"],
        ),
        (
            "sae synth my.toml --samples 5 --out nowhere/x.npy",
            &["cannot write nowhere/x.npy"],
        ),
        (
            "sae train synth:wrong.toml --out a",
            &["wrong.toml: width is 0"],
        ),
        (
            "sae train synth:my.toml x.npy --out a",
            &["synth:my.toml stands beside other data"],
        ),
        (
            "sae train synth:my.tom --out a",
            &["no synthetic model `my.tom`"],
        ),
    ] {
        sandbox.refuses(arguments, parts);
    }
    let mut left: Vec<String> = std::fs::read_dir(sandbox.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["my.toml", "there-codes.npz", "wrong.toml"]);

    sandbox
        .harness(&format!("sae train {TRAINING} --out a"))
        .assert()
        .success();
    sandbox.refuses(
        "sae encode a/models/batch-topk-n24-k3-seed0 --data synth:my.toml --out c.npz",
        &["synth:my.toml has no end", "harness sae synth my.toml"],
    );
}
