//! The rows that `harness sae train` measures models on, what it says before it starts, and what it refuses for want of
//! memory.

use std::path::Path;

use harness::table::{Record as _, Table};
use harness::text::number;
use harness::workbench::tables::{Evaluation, Measures, Model};
use harness::workbench::truth::{Codes, Truth};

use crate::common::{Sandbox, npy, results, same};
#[cfg(target_os = "linux")]
use crate::common::{refused, under};

const WIDTH: usize = 5;

/// Returns a value of rows with two active columns.
fn value(row: usize, column: usize) -> f32 {
    let strength = 1.0 + ((row * 31) % 17) as f32 / 17.0;
    match column {
        c if c == (row * 7919 + 13) % WIDTH => strength,
        c if c == (row * 104_729 + 5) % 11 => 0.5 * strength,
        _ => 0.01 * ((row * 131 + column * 17) % 23) as f32,
    }
}

/// Makes a sandbox with rows to train on, and others, with another mean, to measure on.
fn with_data() -> Sandbox {
    let sandbox = Sandbox::new();
    let other = |row, column| value(row + 600, column) + if column == 2 { 0.4 } else { 0.0 };
    let broken = |row, column| match (row, column) {
        (7, 3) => f32::NAN,
        _ => other(row, column),
    };
    // The rows of `broken` without the broken one.
    let whole = |row, column| other(row + usize::from(row >= 7), column);
    for (name, file) in [
        ("x.npy", npy::rows(600, WIDTH, value)),
        ("other.npy", npy::rows(150, WIDTH, other)),
        ("broken.npy", npy::rows(150, WIDTH, broken)),
        ("whole.npy", npy::rows(149, WIDTH, whole)),
        ("wide.npy", npy::rows(150, WIDTH + 1, |_, _| 1.0)),
    ] {
        std::fs::write(sandbox.join(name), file).unwrap();
    }
    sandbox
}

/// The arguments of a training that takes a second or less.
const TRAINING: &str = "sae train x.npy --elements 8 --k 2 --samples 20000 --batch 64 --rate 0.001";

fn succeeds(sandbox: &Sandbox, arguments: &str) {
    sandbox.harness(arguments).assert().success();
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn models(sandbox: &Sandbox, folder: &str) -> Vec<Model> {
    let path = sandbox.join(&format!("{folder}/models.csv"));
    Table::read(Model::SPEC, &path).unwrap().rows()
}

#[test]
fn models_are_measured_on_the_rows_of_another_file_as_an_evaluation_measures_them() {
    let sandbox = with_data();
    succeeds(&sandbox, &format!("{TRAINING} --eval other.npy -q --out a"));
    let name = "topk-n8-k2-seed0";
    succeeds(
        &sandbox,
        &format!("sae eval a/models/{name} --data other.npy -q --out e"),
    );
    let evaluated = Table::read(Evaluation::SPEC, &sandbox.join("e/models.csv")).unwrap();
    let evaluated: Vec<Evaluation> = evaluated.rows();
    let theirs = Measures {
        // The sums of this measure, of numbers near 1, are the same except for the last digits of the mean.
        explained_variance_by_row: 0.0,
        ..evaluated[0].measures.clone()
    };
    let models = models(&sandbox, "a");
    let ours = models.iter().find(|m| m.model == name).unwrap();
    let by_row = [&ours.measures, &evaluated[0].measures].map(|m| m.explained_variance_by_row);
    assert!((by_row[0] - by_row[1]).abs() < 1e-12, "{by_row:?}");
    let ours = Measures {
        explained_variance_by_row: 0.0,
        ..ours.measures.clone()
    };
    assert_eq!(ours.fields(), theirs.fields());
    assert_eq!(ours.rows, 150);
    // The tables of elements and their top rows are the same too.
    let elements = |folder: &str| {
        let all = read(&sandbox.join(&format!("{folder}/elements.csv")));
        let ours = all.lines().filter(|line| line.starts_with(name));
        ours.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(elements("a"), elements("e"));
    let report = read(&sandbox.join("a/report.html"));
    for text in [
        "rows for training",
        "150 rows of other.npy",
        "other.npy, row ",
    ] {
        assert!(report.contains(text), "{text}");
    }
    assert!(!report.contains("held-out"));
    let manifest = read(&sandbox.join("a/manifest.json"));
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["eval"]["files"][0]["path"], "other.npy");

    succeeds(
        &sandbox,
        "sae train --config a/config.toml --threads 3 -q --out b",
    );
    same(&results(&sandbox.join("a")), &results(&sandbox.join("b")));
    // The rows that models are measured on change no model, as long as equally many rows are trained on.
    succeeds(&sandbox, &format!("{TRAINING} --eval whole.npy -q --out c"));
    let weights = |folder: &str| {
        std::fs::read(sandbox.join(&format!("{folder}/models/{name}/model.safetensors"))).unwrap()
    };
    assert_eq!(weights("a"), weights("c"));
    succeeds(&sandbox, &format!("{TRAINING} -q --out d"));
    assert_ne!(weights("a"), weights("d"));
}

/// Explained variance of components and of models is about the mean of the measured rows. Here these rows lie far from
/// those that were trained on, close together, so that explained variance is negative: components that miss these rows
/// leave more than their variance.
#[test]
fn components_explain_nothing_of_rows_that_lie_elsewhere() {
    let sandbox = with_data();
    let far = |row: usize, column: usize| 50.0 + value(row, column);
    std::fs::write(sandbox.join("far.npy"), npy::rows(150, WIDTH, far)).unwrap();
    succeeds(&sandbox, &format!("{TRAINING} --eval far.npy -q --out a"));
    let models = models(&sandbox, "a");
    let pca = models.iter().find(|m| m.model.starts_with("pca")).unwrap();
    // Two of five components can hold most of a squared distance of 5 · 50², but the rest is some thousand times the
    // variance of the rows.
    assert!(pca.measures.explained_variance < -10.0, "{pca:?}");
}

#[test]
fn tokens_are_those_of_the_rows_that_are_measured() {
    let sandbox = with_data();
    let lines = |n: usize| (0..n).map(|i| format!("t{i}\n")).collect::<String>();
    sandbox.write("tokens.txt", lines(150));
    sandbox.write("more.txt", lines(600));
    let training = format!("{TRAINING} --eval other.npy -q --out a");
    sandbox.refuses(
        &format!("{training} --tokens more.txt"),
        &["more.txt has 600 lines", "150 rows in other.npy"],
    );
    succeeds(&sandbox, &format!("{training} --tokens tokens.txt"));
    let top = read(&sandbox.join("a/top.csv"));
    let rows: Vec<Vec<&str>> = top
        .lines()
        .skip(1)
        .map(|l| l.split(',').collect())
        .collect();
    assert!(!rows.is_empty());
    assert!(
        rows.iter().all(|row| row[4] == format!("t{}", row[2])),
        "{top}"
    );
    // A synthetic model has endlessly many rows, so no file has their tokens.
    sandbox.refuses(
        "sae train synth:synthsaebench-1k --tokens tokens.txt -q --out b",
        &["tokens.txt has 150 lines", "synth:synthsaebench-1k"],
    );
}

#[test]
fn rows_to_measure_on_that_do_not_fit_are_refused_before_anything_is_trained() {
    let sandbox = with_data();
    let training = format!("{TRAINING} -q --out a --eval");
    sandbox.refuses(
        &format!("{training} wide.npy"),
        &["wide.npy has rows of 6 values", "x.npy of 5"],
    );
    sandbox.refuses(
        &format!("{training} synth:synthsaebench-1k"),
        &["synth:synthsaebench-1k has no end", "harness sae synth"],
    );
    // Rows that are trained on are refused for measuring, by whatever path their file is given.
    std::fs::create_dir(sandbox.join("folder")).unwrap();
    let refuses = |eval: &str, both: &str| {
        let why =
            "is among the rows to measure models on (--eval) and among those to train them on";
        sandbox.refuses(
            &format!("{training} {eval}"),
            &[&format!("{both} {why}"), "leave --eval out"],
        );
    };
    refuses("x.npy", "x.npy");
    refuses("other.npy folder/../x.npy", "folder/../x.npy");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../x.npy", sandbox.join("folder/link.npy")).unwrap();
        refuses("folder", "folder/link.npy");
    }
    sandbox.refuses(
        &format!("{training} other.npy --target x.npy"),
        &["other.npy", "x.npy, --target", "leave --eval out"],
    );
    sandbox.refuses(
        &format!("{training} other.npy --held-out 0.1"),
        &["--eval", "--held-out"],
    );
    // Every layer is reconstructed from itself, and measured on its own rows.
    for flag in ["--eval", "--target", "--tokens"] {
        sandbox.refuses(
            &format!("sae layers x.npy x.npy -q --out a {flag} other.npy"),
            &["unexpected argument", flag],
        );
    }
    assert!(!sandbox.join("a").exists());
    sandbox.refuses(
        &format!("{training} broken.npy"),
        &["broken.npy, row 7 holds a NaN", "--skip-nonfinite"],
    );
    assert!(!sandbox.join("a").exists());

    // A skipped row leaves the measures that its absence would.
    succeeds(&sandbox, &format!("{training} broken.npy --skip-nonfinite"));
    succeeds(
        &sandbox,
        &format!("{TRAINING} --skip-nonfinite -q --out b --eval whole.npy"),
    );
    let csv = |folder: &str| read(&sandbox.join(&format!("{folder}/models.csv")));
    assert_eq!(csv("a"), csv("b"));
    let report = read(&sandbox.join("a/report.html"));
    assert!(report.contains("1 of the rows to measure models on hold"));
}

#[test]
fn data_models_and_memory_are_told_before_a_training_starts() {
    let sandbox = with_data();
    let said = |flags: &str| {
        let command = format!("{TRAINING} --elements 16 --baselines none {flags}");
        let output = sandbox.harness(&command).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let text = said("--out a");
    // There are n (2d + 1) + d parameters for 8 and for 16 elements of width 5.
    for part in [
        "data: x.npy, 600 rows of 5 values, float32, 12 KiB\n",
        // 313 batches of 64 rows of 20 bytes, of the 570 rows that are not held out.
        "to read: about 392 KiB in batches, in 35.1 passes over the rows that are trained on\n",
        "models: 2, with 274 parameters in all, on 20032 rows each, 313 batches of 64; about ",
        " of memory\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let places = ["models:", "training: about ", "training: done"].map(|part| text.find(part));
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{text}"
    );
    assert_eq!(
        text.matches(" to go, by the time of its first steps\n")
            .count(),
        1
    );
    assert_eq!(said("--quiet --out b"), "");
}

#[test]
fn the_report_of_synthetic_data_shows_models_against_the_true_features() {
    let sandbox = with_data();
    sandbox.write("my.toml", "features = 20\nwidth = 8\n");
    let sweep = "sae train synth:my.toml --variant batch-topk --elements 16 --k 2,3 --samples 6000 --batch 256 \
                 --set measured=1500 --baselines none -q --out a";
    succeeds(&sandbox, sweep);
    let truth = Table::read(Truth::SPEC, &sandbox.join("a/truth.csv")).unwrap();
    let truth: Vec<Truth> = truth.rows();
    assert_eq!(truth.len(), 4);
    let report = read(&sandbox.join("a/report.html"));
    for t in &truth {
        let codes = match t.codes {
            Codes::Alone => "each row alone",
            Codes::Together => "1,024 rows together",
        };
        let values = [t.f1, t.mcc, t.precision, t.recall, t.uniqueness, t.l0].map(number);
        let row = format!(
            "<td>{}</td><td>{codes}</td><td>{}",
            t.model,
            values.join("</td><td>")
        );
        assert!(report.contains(&row), "{row}");
    }
    for text in [
        "Models against the true features",
        "truth.csv",
        "Uniqueness is",
    ] {
        assert!(report.contains(text), "{text}");
    }
    assert!(sandbox.join("a/truth.svg").exists());

    succeeds(&sandbox, &format!("{TRAINING} -q --out b"));
    let report = read(&sandbox.join("b/report.html"));
    for text in ["true features", "truth.csv", "Uniqueness is"] {
        assert!(!report.contains(text), "{text}");
    }
    assert!(!sandbox.join("b/truth.svg").exists());
}

/// What deep encoders and true features take is counted before anything is written. Each of these commands would have
/// started, and ended without a message where there was no more memory.
#[test]
#[cfg(target_os = "linux")]
fn what_deep_encoders_and_true_features_take_is_counted_before_anything_is_written() {
    let sandbox = with_data();
    std::fs::copy(sandbox.join("x.npy"), sandbox.join("y.npy")).unwrap();
    sandbox.write(
        "many.toml",
        "features = 16384\nwidth = 8\ndirections = \"gaussian\"\n",
    );
    for (limit, command) in [
        // The products of all pairs of elements are 8,192² numbers, eight times over.
        (
            3_000_000,
            "sae layers x.npy y.npy --variant lista --elements 8192 --batch 8 --samples 8 -q --out a",
        ),
        // The cosines of all features and elements take 256 MiB.
        (
            250_000,
            "sae train synth:many.toml --elements 4096 --k 2 --batch 8 --samples 8 --baselines none --threads 1 -q --out a",
        ),
    ] {
        let command = under(&format!("ulimit -v {limit}"), &sandbox, command);
        refused(command, &["would need about", "ulimit -v"]);
        assert!(!sandbox.join("a").exists());
    }
}
