//! `harness sae encode` writes codes to files.

use super::{SWEEP, WIDTH, cell, sparse, tensors, with_data};
use crate::common::{files, npy};

#[test]
fn codes_in_a_file_are_those_that_reconstruct() {
    let sandbox = with_data();
    sandbox
        .harness(&format!("sae train {SWEEP} --out a"))
        .assert()
        .success();
    let model = "a/models/topk-n12-k2-seed0";
    for (file, threads) in [("c.npz", 1), ("d.npz", 4), ("c.safetensors", 2)] {
        sandbox
            .harness(&format!(
                "sae encode {model} --data x.npy --out {file} --threads {threads} --quiet"
            ))
            .assert()
            .success();
    }
    assert_eq!(sandbox.bytes("c.npz"), sandbox.bytes("d.npz"));
    let arrays = npy::archive(sandbox.bytes("c.npz"));
    let starts: Vec<i64> = npy::values(&arrays["indptr.npy"]);
    let columns: Vec<i32> = npy::values(&arrays["indices.npy"]);
    let values: Vec<f32> = npy::values(&arrays["data.npy"]);
    assert_eq!(npy::values::<i64>(&arrays["shape.npy"]), [600, 12]);
    assert!(arrays["format.npy"].ends_with(b"\ncsr"));
    assert_eq!((starts.len(), starts[0]), (601, 0));
    assert_eq!(starts[600] as usize, values.len());
    assert!(starts.is_sorted() && values.iter().all(|&v| v > 0.0));

    // The codes reconstruct as well as the evaluation of all rows says.
    sandbox
        .harness(&format!(
            "sae eval {model} --data x.npy --rows 600 --quiet --out e"
        ))
        .assert()
        .success();
    let ours = tensors(&sandbox.bytes(&format!("{model}/model.safetensors")));
    let mut error = 0.0;
    for i in 0..600 {
        for c in 0..WIDTH {
            let entries = starts[i] as usize..starts[i + 1] as usize;
            assert!(entries.len() <= 2);
            let decoded: f32 = entries
                .map(|e| values[e] * ours["w_dec"].1[columns[e] as usize * WIDTH + c])
                .sum();
            error += f64::from(decoded + ours["b_dec"].1[c] - sparse(i, c)).powi(2);
        }
    }
    let mse: f64 = cell(&sandbox.read("e/models.csv"), "topk-n12-k2-seed0", "mse")
        .parse()
        .unwrap();
    assert!((error / 3000.0 - mse).abs() < 1e-5 * mse, "{error} {mse}");

    let bytes = sandbox.bytes("c.safetensors");
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let same = |name: &str, npz: &[u8]| {
        let tensor = file.tensor(name).unwrap();
        assert!(
            npz.ends_with(tensor.data()) && !tensor.data().is_empty(),
            "{name}"
        );
    };
    same("values", &arrays["data.npy"]);
    same("indices", &arrays["indices.npy"]);
    same("offsets", &arrays["indptr.npy"]);
}

#[test]
fn what_cannot_be_encoded_or_measured_leaves_no_file() {
    let sandbox = with_data();
    let mut nan = npy::rows(600, WIDTH, sparse);
    let last = nan.len() - 4;
    nan[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    sandbox.write("nan.npy", nan);
    let mut wide = npy::header("<f4", false, &[2, 4]);
    wide.resize(wide.len() + 32, 0);
    sandbox.write("wide.npy", wide);
    sandbox
        .harness(&format!("sae train {SWEEP} --out a"))
        .assert()
        .success();
    let model = "a/models/topk-n8-k1-seed0";
    sandbox.write("there.npz", "kept");
    for (data, out, parts) in [
        (
            "x.npy",
            "c.npy",
            &["c.npy ends in neither", ".safetensors"][..],
        ),
        (
            "x.npy",
            "there.npz",
            &["there.npz is already there", "--out"],
        ),
        ("x.npy", "nowhere/c.npz", &["cannot write nowhere/c.npz"]),
        ("nan.npy", "c.npz", &["nan.npy, row 599", "NaN"]),
        (
            "wide.npy",
            "c.npz",
            &["topk-n8-k1-seed0 takes rows of 5", "wide.npy has rows of 4"],
        ),
        ("none.npy", "c.npz", &["cannot read none.npy"]),
    ] {
        sandbox.refuses(
            &format!("sae encode {model} --data {data} --out {out} --quiet"),
            parts,
        );
    }
    assert_eq!(sandbox.read("there.npz"), "kept");
    for name in files(sandbox.path()).into_keys() {
        assert!(
            !name.contains("c.npz") && !name.contains(".harness-tmp-"),
            "{name}"
        );
    }
    sandbox.refuses(
        &format!("sae eval {model} --data nan.npy --quiet"),
        &["nan.npy, row 599", "NaN"],
    );
    sandbox.refuses(
        &format!("sae eval {model} --data wide.npy"),
        &["topk-n8-k1-seed0 takes rows of 5", "rows of 4"],
    );
    sandbox.refuses("sae eval none --data x.npy", &["cannot read none"]);
}
