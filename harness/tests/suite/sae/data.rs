//! Files of activations: formats that are read, rows that are skipped, and files that are refused.

use super::{WIDTH, models, sparse, with_data};
use crate::common::{Sandbox, npy, results, same};

#[test]
fn half_double_and_safetensors_are_read() {
    let sandbox = with_data();
    // These numbers can be held in half precision.
    let value = |i: usize, j: usize| ((i * 7 + j * 3) % 64) as f32 / 8.0 - 4.0;
    let values = || (0..200 * WIDTH).map(|i| value(i / WIDTH, i % WIDTH));
    sandbox.write("single.npy", npy::rows(200, WIDTH, value));
    let mut double = npy::header("<f8", false, &[10, 20, WIDTH]);
    double.extend(values().flat_map(|v| f64::from(v).to_le_bytes()));
    sandbox.write("double.npy", double);
    let mut half = npy::header("<f2", false, &[200, WIDTH]);
    half.extend(values().flat_map(|v| half_bits(v).to_le_bytes()));
    sandbox.write("half.npy", half);
    let bf16 = values().flat_map(|v| ((v.to_bits() >> 16) as u16).to_le_bytes());
    let bytes: Vec<u8> = bf16.collect();
    let text = format!(
        "{{\"a\":{{\"dtype\":\"BF16\",\"shape\":[200,{WIDTH}],\"data_offsets\":[0,{n}]}},\
         \"b\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[{n},{n}]}}}}",
        n = bytes.len()
    );
    let mut file = (text.len() as u64).to_le_bytes().to_vec();
    file.extend(text.as_bytes());
    file.extend(bytes);
    sandbox.write("b.safetensors", file);
    let rest = "--elements 8 --k 2 --samples 2000 --batch 32 --baselines none --quiet";
    for (data, out) in [
        ("single.npy", "single"),
        ("double.npy", "double"),
        ("half.npy", "half"),
        ("b.safetensors --tensor a", "bf16"),
    ] {
        sandbox
            .harness(&format!("sae train {data} {rest} --out {out}"))
            .assert()
            .success();
        assert_eq!(
            sandbox.read(&format!("{out}/models.csv")),
            sandbox.read("single/models.csv"),
            "{out}"
        );
    }
    sandbox.refuses(
        "sae train b.safetensors",
        &["several tensors (a, b)", "--tensor"],
    );
    sandbox.refuses(
        "sae train b.safetensors --tensor c",
        &["no tensor c, but a, b"],
    );
    sandbox.refuses("sae train b.safetensors --tensor b", &["of type U8"]);
}

/// Returns the bits in half precision of a number that it can hold.
fn half_bits(value: f32) -> u16 {
    let bits = value.to_bits();
    if value == 0.0 {
        return 0;
    }
    let exponent = ((bits >> 23) & 0xff) as i32 - 127 + 15;
    ((bits >> 16) & 0x8000) as u16 | (exponent as u16) << 10 | ((bits >> 13) & 0x3ff) as u16
}

#[test]
fn rows_that_are_skipped_leave_the_models_that_their_absence_would() {
    let sandbox = with_data();
    // Rows of NaN and of infinity are first, last, side by side and at the border of two files.
    let broken = [0, 7, 8, 9, 300, 301, 302, 500, 609];
    let kept: Vec<usize> = (0..610).filter(|row| !broken.contains(row)).collect();
    let value = |row: usize, column: usize| match kept.binary_search(&row) {
        Ok(row) => sparse(row, column),
        Err(_) if row.is_multiple_of(2) && column == 3 => f32::NAN,
        Err(_) if row % 2 == 1 && column == 0 => f32::NEG_INFINITY,
        Err(_) => 1.0,
    };
    sandbox.write("whole.npy", npy::rows(kept.len(), WIDTH, sparse));
    sandbox.write("part-0.npy", npy::rows(302, WIDTH, value));
    let second = npy::rows(610 - 302, WIDTH, |row, column| value(302 + row, column));
    sandbox.write("part-1.npy", second);
    let train = "--elements 8 --k 2 --samples 5000 --batch 64 --held-out 0.3 --quiet --out";
    for command in [
        format!("sae train whole.npy {train} a"),
        format!("sae train part-*.npy --skip-nonfinite {train} b"),
    ] {
        sandbox.harness(&command).assert().success();
    }
    for file in ["models.csv", "elements.csv", "metrics.csv"] {
        assert_eq!(
            sandbox.read(&format!("a/{file}")),
            sandbox.read(&format!("b/{file}"))
        );
    }
    assert!(
        sandbox
            .read("b/report.html")
            .contains("9 of 610 rows hold a NaN")
    );
    assert!(
        sandbox
            .read("b/manifest.json")
            .contains("\"rows_left_out\": 9")
    );
    let model = "sae eval b/models/topk-n8-k2-seed0 --quiet --skip-nonfinite";
    for (data, note) in [
        ("part-*.npy", Some("note: 9 of 610 rows hold a NaN")),
        ("whole.npy", None),
    ] {
        let output = sandbox.harness(&format!("{model} --data {data}")).output();
        let shown = String::from_utf8(output.unwrap().stdout).unwrap();
        assert!(shown.contains("explained variance"), "{shown}");
        assert_eq!(shown.contains("note:"), note.is_some(), "{shown}");
        assert!(note.is_none_or(|note| shown.contains(note)), "{shown}");
    }
    // Of a file of only such rows nothing is left.
    sandbox.write("none.npy", npy::rows(20, WIDTH, |_, _| f32::NAN));
    for command in [
        format!("{model} --data none.npy"),
        format!("sae train none.npy --skip-nonfinite {train} c"),
    ] {
        let refused = sandbox.harness(&command).assert().code(2);
        refused.stderr(predicates::str::contains("none.npy"));
    }
    let refused = sandbox
        .harness(&format!("sae train part-7*.npy {train} d"))
        .assert()
        .code(2);
    refused.stderr(predicates::str::contains("part-7*.npy matches no file"));
}

#[test]
fn constant_and_massive_columns_are_named() {
    let sandbox = with_data();
    // Column 1 has one value except in the first row, which does not count; column 3 is 1,000 times as large as the
    // others.
    let value = |row: usize, column: usize| match (row, column) {
        (0, 1) => f32::NAN,
        (_, 1) => 0.1,
        (_, 3) => 1000.0 * sparse(row, column),
        _ => sparse(row, column),
    };
    sandbox.write("odd.npy", npy::rows(600, WIDTH, value));
    let rest = "--elements 8 --k 2 --samples 640 --batch 64 --baselines none --quiet";
    let shown = |data: &str, out: &str| {
        let train = format!("sae train {data} --skip-nonfinite {rest} --out {out}");
        let output = sandbox.harness(&train).output().unwrap();
        let report = sandbox.read(&format!("{out}/report.html"));
        [String::from_utf8(output.stdout).unwrap(), report]
    };
    let notes = [
        "1 of 5 columns have one value in all rows: 1.",
        "1 of 5 columns are massive, with a root mean square above 50 times that of the median column: 3.",
    ];
    for text in shown("odd.npy", "odd") {
        assert!(notes.iter().all(|note| text.contains(note)), "{text}");
    }
    for text in shown("x.npy", "plain") {
        assert!(!text.contains("of 5 columns"), "{text}");
    }
}

#[test]
fn a_model_takes_raw_activations_however_they_were_normalised() {
    let sandbox = Sandbox::new();
    // The activations are large and far from 0.
    sandbox.write(
        "x.npy",
        npy::rows(600, WIDTH, |i, j| 300.0 + 50.0 * sparse(i, j)),
    );
    for how in ["none", "mean", "scale"] {
        sandbox
            .harness(&format!(
                "sae train x.npy --variant l1 --lambda 0.01 --elements 10 --samples 60000 --batch 64 --rate 0.003 --baselines none --quiet \
                 --normalise {how} --out {how}"
            ))
            .assert()
            .success();
    }
    let explained = |how: &str| models(&sandbox, how)[0].measures.explained_variance;
    assert!(explained("scale") > 0.9, "{}", explained("scale"));
    for how in ["none", "mean"] {
        assert!(
            explained(how) > -1.0 && explained(how) <= 1.0,
            "{how}: {}",
            explained(how)
        );
    }
}

#[test]
fn files_that_are_not_what_they_should_be_are_named_before_anything_is_written() {
    let sandbox = with_data();
    let whole = npy::rows(600, WIDTH, sparse);
    let mut nan = whole.clone();
    let last = nan.len() - 4;
    nan[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    let mut long = whole.clone();
    long.extend([0; 4]);
    let with_header = |kind: &str, fortran: bool, shape: &[usize]| {
        let mut file = npy::header(kind, fortran, shape);
        file.resize(file.len() + 8 * shape.iter().product::<usize>(), 0);
        file
    };
    for (name, bytes, parts) in [
        (
            "cut.npy",
            whole[..whole.len() - 1].to_vec(),
            &["is cut short", "600 rows of 5 float32"][..],
        ),
        (
            "long.npy",
            long,
            &["which end at byte", "one array in each file"],
        ),
        ("nan.npy", nan, &["nan.npy, row 599", "NaN"]),
        (
            "big.npy",
            with_header(">f4", false, &[4, 2]),
            &["big-endian", "astype"],
        ),
        (
            "integers.npy",
            with_header("<i4", false, &[4, 2]),
            &["of type", "astype('float32')"],
        ),
        (
            "fortran.npy",
            with_header("<f8", true, &[4, 2]),
            &["Fortran", "ascontiguousarray"],
        ),
        (
            "flat.npy",
            with_header("<f8", false, &[8]),
            &["its shape is (8)", "two axes"],
        ),
        (
            "empty.npy",
            with_header("<f8", false, &[0, 5]),
            &["holds no values"],
        ),
        ("text.npy", b"not an array".to_vec(), &["no .npy file"]),
        ("text.txt", b"1 2 3".to_vec(), &[".npy and .safetensors"]),
        (
            "x.safetensors",
            b"\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
            &["no .safetensors file"],
        ),
    ] {
        sandbox.write(name, bytes);
        let mut all = vec![name];
        all.extend(parts);
        sandbox.refuses(
            &format!("sae train {name} --samples 1000 --quiet --out z"),
            &all,
        );
        assert!(!sandbox.join("z").exists(), "{name}");
    }
    sandbox.write("narrow.npy", with_header("<f8", false, &[4, 2]));
    sandbox.refuses(
        "sae train x.npy narrow.npy",
        &["narrow.npy has rows of 2", "x.npy of 5"],
    );
    sandbox.refuses("sae train nowhere.npy", &["cannot read nowhere.npy"]);
    sandbox.refuses("sae train", &["no activations to read"]);
    std::fs::create_dir(sandbox.join("hollow")).unwrap();
    sandbox.refuses("sae train hollow", &["hollow holds no .npy"]);
}

/// Rows that are shuffled by blocks give the same bytes on any number of threads and after an interruption, and other
/// rows are held out.
#[test]
fn rows_can_be_shuffled_by_blocks() {
    let sandbox = with_data();
    let train = "sae train x.npy --k 2 --elements 8 --samples 20000 --batch 64 --baselines none --quiet \
                 --set shuffle_window=3 --set shuffle_block";
    for (name, block, threads) in [("a", 16, 1), ("b", 16, 2), ("rows", 1, 2)] {
        sandbox
            .harness(&format!("{train}={block} --threads {threads} --out {name}"))
            .assert()
            .success();
    }
    let [a, b, rows] = ["a", "b", "rows"].map(|name| results(&sandbox.join(name)));
    same(&a, &b);
    assert_ne!(a["models.csv"], rows["models.csv"]);
    let config = sandbox.read("a/config.toml");
    assert!(config.contains("shuffle_block = 16\n"), "{config}");
    sandbox.refuses(
        &format!("{train}=2000 --out c"),
        &[
            "x.npy has 600 rows, and shuffle_block is 2000",
            "two at least",
        ],
    );
    assert!(!sandbox.join("c").exists());
}

/// A single row or block is refused unless other rows are measured: if it were held out, models would be measured on
/// the rows that they were trained on.
#[test]
fn a_single_row_or_block_is_refused_unless_other_rows_are_measured() {
    let sandbox = with_data();
    let broken = |row: usize, column| match row {
        7 => f32::NAN,
        _ => sparse(row, column),
    };
    sandbox.write("one.npy", npy::rows(1, WIDTH, sparse));
    sandbox.write(
        "two.npy",
        npy::rows(2, WIDTH, |row, column| broken(row + 6, column)),
    );
    sandbox.write("blocks.npy", npy::rows(256, WIDTH, broken));
    let rest = "--k 2 --elements 8 --samples 640 --batch 64 --baselines none --quiet";
    let skip = "--skip-nonfinite";
    let blocks = format!("{skip} --set shuffle_block=128");
    for (data, flags, has) in [
        ("one.npy", "", "one.npy has 1 row;"),
        ("two.npy", skip, "two.npy has 1 row beside 1 left out;"),
        (
            "blocks.npy",
            &blocks,
            "blocks.npy has 255 rows beside 1 left out, and shuffle_block is 128;",
        ),
    ] {
        let train = format!("sae train {data} {flags} {rest}");
        sandbox.refuses(
            &format!("{train} --out a"),
            &[has, "two at least", "--eval"],
        );
        assert!(!sandbox.join("a").exists());
        let out = format!("{data}-out");
        sandbox
            .harness(&format!("{train} --eval x.npy --out {out}"))
            .assert()
            .success();
        assert_eq!(models(&sandbox, &out)[0].measures.rows, 600);
    }
    sandbox.refuses(
        &format!("sae layers one.npy one.npy {rest} --out b"),
        &["one.npy has 1 row;", "two at least"],
    );
}
