//! `harness sae features` end to end, and the top rows in the report of a training, with a model whose codes are known.

use std::fmt::Write as _;

use harness::interchange::sparsify;
use kernels::sae::{Parameters, Shape, TopK, Variant};

use crate::common::{Sandbox, files, npy, results, same};

const WIDTH: usize = 4;
const ROWS: usize = 1300;

/// Writes a model in which element j reads column j, and the last element reads no column. A code holds only the
/// largest value of a row.
fn write_model(sandbox: &Sandbox) {
    let shape = Shape {
        width: WIDTH,
        dictionary: WIDTH + 1,
    };
    let mut parameters = Parameters::zeros(shape, Variant::TopK(TopK { k: 1, aux: None }));
    let [mut w_enc, mut w_dec] = parameters.tensors_mut(["w_enc", "w_dec"]);
    for j in 0..WIDTH {
        w_enc.row_mut(j)[j] = 1.0;
        w_dec.row_mut(j)[j] = 1.0;
    }
    // The direction of the last element is nearest to that of the first.
    w_dec.row_mut(WIDTH).copy_from_slice(&[0.6, 0.8, 0.0, 0.0]);
    w_dec.row_mut(1).copy_from_slice(&[0.0, 0.0, 1.0, 0.0]);
    let (config, weights) = sparsify::encode(&parameters).unwrap();
    std::fs::create_dir(sandbox.join("model")).unwrap();
    sandbox.write("model/cfg.json", &config);
    sandbox.write("model/sae.safetensors", weights);
}

/// Returns the column of the largest value of a row, and that value. The first three columns occur more and more
/// rarely.
fn largest(row: usize) -> (usize, f32) {
    let column = match row {
        row if row % 100 == 7 => 2,
        row if row % 10 == 3 => 1,
        _ => 0,
    };
    (column, 1.0 + ((row * 7919) % 1301) as f32 / 64.0)
}

fn write_rows(sandbox: &Sandbox) {
    let rows = npy::rows(ROWS, WIDTH, |row, column| {
        let (largest, value) = largest(row);
        if column == largest { value } else { 0.25 }
    });
    sandbox.write("x.npy", rows);
    let mut tokens = String::new();
    for row in 0..ROWS {
        writeln!(tokens, "<t{row}>\tbefore {row} \t & after").unwrap();
    }
    sandbox.write("tokens.txt", &tokens);
}

fn with_model() -> Sandbox {
    let sandbox = Sandbox::new();
    write_model(&sandbox);
    write_rows(&sandbox);
    sandbox
}

/// Returns the rows whose largest value is in a column, with these values, the largest first.
fn of_column(column: usize) -> Vec<(f32, usize)> {
    let ours = (0..ROWS).filter(|&row| largest(row).0 == column);
    let mut rows: Vec<(f32, usize)> = ours.map(|row| (largest(row).1, row)).collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    rows
}

#[test]
fn elements_have_the_frequencies_activations_and_top_rows_of_codes_that_are_known() {
    let sandbox = with_model();
    sandbox
        .harness("sae features model --data x.npy --tokens tokens.txt --top 3 --quiet --out a")
        .assert()
        .success();
    let json = sandbox.bytes("a/features.json");
    let elements: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let squares = |column| {
        let squares = of_column(column)
            .into_iter()
            .map(|(v, _)| f64::from(v).powi(2));
        squares.sum::<f64>()
    };
    let all = squares(0) + squares(1) + squares(2);
    let nearest = [(4, 0.6), (2, 1.0), (1, 1.0), (0, 0.0), (0, 0.6)];
    for (column, (other, cosine)) in nearest.into_iter().enumerate() {
        let element = &elements[column];
        let rows = of_column(column);
        let close = |key: &str, expected: f64| {
            let found = element[key].as_f64().unwrap();
            assert!(
                (found - expected).abs() < 1e-6,
                "{column} {key}: {found}, not {expected}"
            );
        };
        let sum: f64 = rows.iter().map(|&(v, _)| f64::from(v)).sum();
        close("frequency", rows.len() as f64 / ROWS as f64);
        close("mean", sum / rows.len().max(1) as f64);
        close("largest", rows.first().map_or(0.0, |row| row.0.into()));
        close("share", squares(column) / all);
        close("nearest", cosine);
        assert_eq!(element["nearest_element"], other, "{column}");
        let top = element["top"].as_array().unwrap();
        assert_eq!(top.len(), rows.len().min(3), "{column}");
        for (top, (value, row)) in top.iter().zip(rows) {
            assert_eq!(top["row"], row);
            assert_eq!(top["activation"].as_f64(), Some(value.into()));
            assert_eq!(top["token"], format!("<t{row}>"));
            assert_eq!(top["before"], format!("before {row} "));
            assert_eq!(top["after"], " & after");
        }
    }
    let csv = sandbox.read("a/top.csv");
    assert_eq!(csv.lines().count(), 1 + 9);
    let page = sandbox.read("a/features.html");
    let row = of_column(2)[0].1;
    // Text of the tokens is shown as text on the page, whatever is in it.
    let shown = format!("before {row} <mark>&#60;t{row}&#62;</mark> &#38; after");
    assert!(page.contains(&shown), "{shown}");
    assert!(page.contains("dead 2") && page.contains("href=\"#e1\""));
    // A search box, which needs a script, is hidden where no script runs.
    assert!(page.contains("<p class=\"search\" hidden>"));
    assert!(page.contains("document.querySelector(\".search\").hidden = false;"));
    assert!(!page.contains("id=\"e3\""), "dead elements have no rows");
}

#[test]
fn features_are_the_same_on_any_number_of_threads_and_in_any_files() {
    let sandbox = with_model();
    let whole = sandbox.bytes("x.npy");
    let values = &whole[whole.len() - ROWS * WIDTH * 4..];
    std::fs::create_dir(sandbox.join("parts")).unwrap();
    for (name, rows) in [("a.npy", 0..700), ("b.npy", 700..ROWS)] {
        let mut part = npy::header("<f4", false, &[rows.len(), WIDTH]);
        part.extend(&values[rows.start * WIDTH * 4..rows.end * WIDTH * 4]);
        sandbox.write(&format!("parts/{name}"), part);
    }
    let run = |data: &str, threads: usize, out: &str| {
        sandbox
            .harness(&format!(
                "sae features model --data {data} --tokens tokens.txt --threads {threads} --quiet --out {out}"
            ))
            .assert()
            .success();
    };
    run("x.npy", 1, "a");
    run("x.npy", 4, "b");
    run("parts", 2, "c");
    same(&files(&sandbox.join("a")), &files(&sandbox.join("b")));
    for file in ["features.csv", "top.csv", "features.json"] {
        let read = |folder: &str| sandbox.bytes(&format!("{folder}/{file}"));
        assert_eq!(read("a"), read("c"), "{file}");
    }
    // Without `--out`, the first free folder name is taken.
    sandbox
        .harness("sae features model --data x.npy --quiet")
        .assert()
        .success();
    let page = sandbox.read("out/features-1/features.html");
    assert!(page.contains("x.npy, row 7") && !page.contains("<mark>"));
}

#[test]
fn tokens_that_do_not_fit_the_rows_are_refused_before_anything_is_computed() {
    let sandbox = with_model();
    let tokens = sandbox.read("tokens.txt");
    let fewer = tokens.lines().take(ROWS - 1).collect::<Vec<_>>().join("\n");
    sandbox.write("fewer.txt", &fewer);
    sandbox.write("more.txt", &(tokens.clone() + "one more"));
    sandbox.write("bytes.txt", b"a\n\xff\n");
    sandbox.write("long.txt", vec![b'a'; 3 << 20]);
    for (file, parts) in [
        (
            "fewer.txt",
            &["fewer.txt has 1299 lines", "1300 rows in x.npy"][..],
        ),
        ("more.txt", &["more.txt has 1301 lines", "1300 rows"]),
        ("bytes.txt", &["bytes.txt: line 2 is no text in UTF-8"]),
        ("long.txt", &["long.txt: line 1 is longer than a MiB"]),
        ("nothing.txt", &["nothing.txt"]),
        ("model", &["cannot read model: it is a folder, not a file"]),
    ] {
        sandbox.refuses(
            &format!("sae features model --data x.npy --tokens {file} --out z"),
            parts,
        );
        sandbox.refuses(
            &format!("sae train x.npy --elements 8 --k 1 --tokens {file} --out z"),
            parts,
        );
        assert!(!sandbox.join("z").exists(), "{file}");
    }
    // The last line may end without a line feed, and lines may end as on Windows.
    sandbox.write("windows.txt", tokens.trim_end().replace('\n', "\r\n"));
    sandbox
        .harness("sae features model --data x.npy --tokens windows.txt --quiet --out w")
        .assert()
        .success();
    let top = sandbox.read("w/top.csv");
    assert!(top.contains(" & after\n") && !top.contains('\r'));
}

#[test]
fn what_cannot_be_read_is_refused() {
    let sandbox = with_model();
    let mut narrow = npy::header("<f4", false, &[2, 3]);
    narrow.extend([0; 24]);
    sandbox.write("narrow.npy", narrow);
    let mut broken = npy::header("<f4", false, &[2, WIDTH]);
    broken.extend([1f32; 6].into_iter().flat_map(f32::to_le_bytes));
    broken.extend([f32::NAN; 2].into_iter().flat_map(f32::to_le_bytes));
    sandbox.write("broken.npy", broken);
    sandbox.refuses(
        "sae features model --data narrow.npy --out z",
        &["takes rows of 4 values", "narrow.npy has rows of 3"],
    );
    sandbox.refuses("sae features nowhere --data x.npy --out z", &["nowhere"]);
    sandbox.refuses(
        "sae features model --data broken.npy --out z",
        &["broken.npy, row 1 holds a NaN"],
    );
    assert!(!sandbox.join("z").exists());
    sandbox
        .harness("sae features model --data x.npy --top 0")
        .assert()
        .code(2);
}

#[test]
fn the_report_of_a_training_shows_elements_with_the_tokens_of_their_rows() {
    let sandbox = with_model();
    let sweep = "x.npy --elements 8 --k 1,2 --samples 20000 --batch 64 --rate 0.001 --quiet --tokens tokens.txt";
    sandbox
        .harness(&format!("sae train {sweep} --out a"))
        .assert()
        .success();
    let report = sandbox.read("a/report.html");
    let top = sandbox.read("a/top.csv");
    let first: Vec<&str> = top.lines().nth(1).unwrap().split(',').collect();
    let row = first[2];
    let shown = format!("before {row} <mark>&#60;t{row}&#62;</mark> &#38; after");
    assert!(report.contains(&shown), "{shown}");
    // The configuration holds the path of the tokens.
    sandbox
        .harness("sae train --config a/config.toml --threads 3 --quiet --out b")
        .assert()
        .success();
    same(&results(&sandbox.join("a")), &results(&sandbox.join("b")));
}
