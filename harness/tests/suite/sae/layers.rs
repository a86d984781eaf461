//! `harness sae layers` end to end, on layers whose features are known.

use std::collections::BTreeMap;

#[cfg(unix)]
use crate::common::survives_kills_in;
use crate::common::{Sandbox, npy, results, same};

const WIDTH: usize = 12;
const ROWS: usize = 3000;
const FEATURES: usize = 6;

/// Returns a number from 0 to 1 for a row and a purpose.
fn uniform(row: usize, purpose: u64) -> f32 {
    let mut x = (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (purpose << 40);
    for _ in 0..3 {
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^= x >> 31;
    }
    (x >> 40) as f32 / (1u64 << 24) as f32
}

/// Returns the strength of a feature in a row; it depends on the layer for the last two features only.
fn strength(row: usize, feature: usize, layer: usize) -> f32 {
    let purpose = match feature {
        4 | 5 => 10 + 10 * (layer % 2) + feature,
        _ => feature,
    } as u64;
    match uniform(row, purpose) < 0.2 {
        true => 1.0 + uniform(row, 100 + purpose),
        false => 0.0,
    }
}

/// Returns the axis of a feature in a layer: the first two features keep their axes, the next two move after the first
/// layer, and the last two have other axes in the layer between.
fn axis(feature: usize, layer: usize) -> usize {
    match (feature, layer) {
        (2 | 3, 1 | 2) => feature + 4,
        (4 | 5, 1) => feature + 4,
        _ => feature,
    }
}

fn layer(layer: usize) -> Vec<u8> {
    npy::rows(ROWS, WIDTH, |row, column| {
        let noise = 0.02 * (uniform(row, 1000 + (layer * WIDTH + column) as u64) - 0.5);
        let here = (0..FEATURES).filter(|&feature| axis(feature, layer) == column);
        here.fold(noise, |sum, feature| sum + strength(row, feature, layer))
    })
}

/// Returns a file of targets: the first feature, and three columns of noise.
fn targets() -> Vec<u8> {
    npy::rows(ROWS, 4, |row, column| match column {
        0 => strength(row, 0, 0),
        _ => uniform(row, 5000 + column as u64 - 1),
    })
}

fn with_layers() -> Sandbox {
    let sandbox = Sandbox::new();
    for number in 0..3 {
        sandbox.write(&format!("layer{number}.npy"), layer(number));
    }
    sandbox.write("targets.npy", targets());
    sandbox
}

const ALL: &str = "layer0.npy layer1.npy layer2.npy";
const SHORT: &str = "--elements 6 --k 1,2 --samples 20000 --batch 64 --rate 0.0002 --set measured=400 --held-out 0.2 --quiet";

/// Returns the lines of a table, each by the names of its columns.
fn table(sandbox: &Sandbox, path: &str) -> Vec<BTreeMap<String, String>> {
    let text = sandbox.read(path);
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_string));
    let head: Vec<String> = lines.next().unwrap().collect();
    lines
        .map(|line| head.iter().cloned().zip(line).collect())
        .collect()
}

fn number(line: &BTreeMap<String, String>, column: &str) -> f64 {
    line[column].parse().unwrap()
}

/// Returns the feature of each element of a model of a layer, by the axis of its decoder's row.
fn features(sandbox: &Sandbox, model: &str, layer: usize) -> Vec<usize> {
    let bytes = sandbox.bytes(&format!("{model}/model.safetensors"));
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let tensor = file.tensor("w_dec").unwrap();
    let values: Vec<f32> = tensor
        .data()
        .as_chunks()
        .0
        .iter()
        .map(|b| f32::from_le_bytes(*b))
        .collect();
    let of = |row: &[f32]| {
        let largest = (0..WIDTH).max_by(|&i, &j| row[i].abs().total_cmp(&row[j].abs()));
        let found = (0..FEATURES).find(|&f| Some(axis(f, layer)) == largest);
        found.expect("an element is a feature")
    };
    values.chunks(WIDTH).map(of).collect()
}

#[test]
fn every_layer_has_its_notes_and_its_intervals_over_seeds() {
    let sandbox = with_layers();
    let constant = |row, column| match column {
        11 => 0.1,
        _ => strength(row, column % FEATURES, 0),
    };
    sandbox.write("layer1.npy", npy::rows(ROWS, WIDTH, constant));
    sandbox
        .harness(&format!("sae layers {ALL} {SHORT} --seeds 3 --out a"))
        .assert()
        .success();
    let report = sandbox.read("a/report.html");
    assert!(report.contains("layer1: 1 of 12 columns have one value in all rows: 11."));
    assert!(!report.contains("layer0: 1 of 12 columns"));
    let (models, summary) = (
        table(&sandbox, "a/models.csv"),
        table(&sandbox, "a/summary.csv"),
    );
    for measure in ["explained_variance", "l0"] {
        let ours: Vec<_> = summary
            .iter()
            .filter(|line| line["measure"] == measure)
            .collect();
        assert_eq!(ours.len(), 3 * 2);
        for line in ours {
            let of_cell = |m: &&BTreeMap<_, _>| ["layer", "cell"].iter().all(|c| m[*c] == line[*c]);
            let values = models.iter().filter(of_cell).map(|m| number(m, measure));
            let values: Vec<f64> = values.collect();
            assert_eq!((values.len(), number(line, "seeds")), (3, 3.0));
            let mean = values.iter().sum::<f64>() / 3.0;
            assert!((number(line, "mean") - mean).abs() < 1e-12, "{line:?}");
            assert!(number(line, "low") <= mean && mean <= number(line, "high"));
        }
    }
    assert!(sandbox.read("a/README.md").contains("summary.csv"));
    assert!(report.contains("summary.csv"));
}

#[test]
fn what_stays_moves_and_is_there_in_between_alone_is_told_apart() {
    let sandbox = with_layers();
    sandbox
        .harness(&format!(
            "sae layers {ALL} --variant l1 --lambda 0.1 --elements 6 --samples 300000 --batch 64 --rate 0.0002 --held-out 0.2 --quiet \
             --probe-targets targets.npy --target-names first,a,b,c --out a"
        ))
        .assert()
        .success();
    let found = table(&sandbox, "a/elements.csv");
    for layer in 0..3 {
        let model = format!("a/models/layer{layer}-l1-n6-lambda0.1-seed0");
        let features = features(&sandbox, &model, layer);
        let mut sorted = features.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3, 4, 5], "layer {layer} has all features");
        let ours: Vec<_> = found
            .iter()
            .filter(|line| line["layer"] == format!("layer{layer}"))
            .collect();
        assert_eq!(ours.len(), FEATURES);
        for line in ours {
            let feature = features[number(line, "element") as usize];
            let (direction, function) = match (feature, layer) {
                (0 | 1, _) => ("both", "both"),
                (2 | 3, 0) => ("input", "both"),
                (2 | 3, _) => ("output", "both"),
                (_, 1) => ("neither", "neither"),
                _ => ("both", "both"),
            };
            assert_eq!(line["direction"], direction, "{feature}: {line:?}");
            assert_eq!(line["function"], function, "{feature}: {line:?}");
            let following = 2 - layer;
            let (direction, function) = match (feature, layer) {
                (0 | 1, _) => (following, following),
                (2 | 3, 0) => (0, following),
                (2 | 3, _) => (following, following),
                _ => (0, 0),
            };
            assert_eq!(
                number(line, "persists_direction") as usize,
                direction,
                "{feature}: {line:?}"
            );
            assert_eq!(
                number(line, "persists_function") as usize,
                function,
                "{feature}: {line:?}"
            );
            assert!(number(line, "again_cosine") > 0.99);
            assert!(number(line, "again_correlation") > 0.99);
        }
    }
    let layers = table(&sandbox, "a/persistence.csv");
    let share = |layer: usize, column: &str| number(&layers[layer], column);
    assert_eq!(share(0, "next_direction"), 2.0 / 6.0);
    assert_eq!(share(0, "next_function"), 4.0 / 6.0);
    assert_eq!(share(1, "next_direction"), 4.0 / 6.0);
    assert_eq!(share(1, "unfinished_direction"), 2.0 / 6.0);
    assert_eq!(share(1, "stable_unfinished_function"), 2.0 / 6.0);
    assert!(share(2, "next_direction").is_nan());
    // Chance alone gives no matches.
    assert!(share(0, "chance_correlation") < 0.2 && share(0, "chance_cosine") < 0.7);
    let findings = sandbox.read("a/report.html");
    assert!(
        findings.contains("33 % of the elements are unfinished by direction and 33 % by function")
    );

    let probes = table(&sandbox, "a/probes.csv");
    assert_eq!(probes.len(), 12);
    let mut beaten = 0;
    for probe in &probes {
        let (near, limit) = (number(probe, "direction"), number(probe, "random_high"));
        match &*probe["target"] {
            "first" => {
                assert!(
                    number(probe, "held_out") > 0.99 && near > 0.95 && near > limit,
                    "{probe:?}"
                );
                assert!(number(probe, "pattern") > 0.95);
                let layer: usize = probe["layer"].replace("layer", "").parse().unwrap();
                let model = format!("a/models/layer{layer}-l1-n6-lambda0.1-seed0");
                let element = number(probe, "direction_element") as usize;
                assert_eq!(features(&sandbox, &model, layer)[element], 0);
            }
            _ => {
                assert!(number(probe, "held_out") < 0.1, "{probe:?}");
                beaten += usize::from(near > limit);
            }
        }
    }
    // By chance one in forty probes is above the limit.
    assert!(
        beaten <= 2,
        "{beaten} of 9 probes of noise are near an element"
    );
    let figures = [
        "reconstruction",
        "persistence",
        "unfinished",
        "similarity",
        "probes",
    ];
    for name in figures {
        assert!(sandbox.join(&format!("a/{name}.svg")).exists(), "{name}");
    }
}

#[test]
fn the_configuration_fed_back_repeats_all_on_any_number_of_threads() {
    let sandbox = with_layers();
    sandbox
        .harness(&format!(
            "sae layers {ALL} {SHORT} --probe-targets targets.npy --target-names first,a,b,c --same-from 0.6 --threads 1 --out a"
        ))
        .assert()
        .success();
    sandbox
        .harness("sae layers --config a/config.toml --threads 4 --quiet --out b")
        .assert()
        .success();
    same(&results(&sandbox.join("a")), &results(&sandbox.join("b")));
    // There are three layers, two values of k and two seeds; the larger k is compared.
    assert_eq!(table(&sandbox, "a/models.csv").len(), 12);
    let layers = table(&sandbox, "a/layers.csv");
    assert_eq!(layers[1]["model"], "layer1-topk-n6-k2-seed0");
    // The model of a layer is the same, wherever the layer stands.
    sandbox
        .harness(&format!(
            "sae layers layer0.npy layer2.npy {SHORT} --seeds 1 --out c"
        ))
        .assert()
        .success();
    let model = |path: &str| sandbox.bytes(&format!("{path}/model.safetensors"));
    assert_eq!(
        model("a/models/layer0-topk-n6-k1-seed0"),
        model("c/models/layer0-topk-n6-k1-seed0")
    );
    assert!(table(&sandbox, "c/persistence.csv")[0]["again_direction"] == "NaN");
    assert!(table(&sandbox, "c/probes.csv").is_empty());
}

#[test]
fn layers_are_called_as_their_files_wherever_they_are_named() {
    let sandbox = with_layers();
    std::fs::create_dir(sandbox.join("x")).unwrap();
    for number in [1, 2] {
        let (from, to) = (
            format!("layer{number}.npy"),
            format!("x/layer{}.npy", 2 + number),
        );
        std::fs::rename(sandbox.join(&from), sandbox.join(&to)).unwrap();
    }
    let shown = sandbox
        .harness(&format!(
            "sae layers x/layer3.npy x/layer4.npy {SHORT} --out a"
        ))
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let report = sandbox.read("a/report.html");
    for file in ["x/layer3.npy", "x/layer4.npy"] {
        assert!(
            report.contains(file) && shown.contains(file),
            "{file}: {shown}"
        );
    }
    for text in [&shown, &report] {
        assert!(
            text.contains("least at layer")
                && !text.contains("layer 0")
                && !text.contains("layer1")
        );
    }
    let layers = table(&sandbox, "a/layers.csv");
    assert_eq!(layers[1]["layer"], "layer4");
    assert_eq!(layers[1]["file"], "x/layer4.npy");
    assert_eq!(layers[1]["model"], "layer4-topk-n6-k2-seed0");
    for name in ["models", "summary", "persistence", "elements", "similarity"] {
        for line in table(&sandbox, &format!("a/{name}.csv")) {
            assert!(
                ["layer3", "layer4"].contains(&&*line["layer"]),
                "{name}: {line:?}"
            );
        }
    }
    // There is no layer between two layers.
    assert!(!sandbox.join("a/unfinished.svg").exists());
    assert!(report.contains("No layer lies between the first and the last"));
}

#[cfg(unix)]
#[test]
fn a_layer_is_not_compared_with_itself_under_another_name() {
    let sandbox = with_layers();
    std::os::unix::fs::symlink(sandbox.join("layer0.npy"), sandbox.join("other.npy")).unwrap();
    sandbox.refuses(
        "sae layers layer0.npy layer1.npy other.npy --out z",
        &["other.npy is named twice", "as layer0.npy too"],
    );
}

#[cfg(unix)]
#[test]
fn killed_layers_are_resumed_to_the_same_bytes() {
    let sandbox = with_layers();
    let arguments = format!("{ALL} {SHORT} --probe-targets targets.npy");
    survives_kills_in(&sandbox, "sae layers", &arguments, "models", [1, 4, 8]);
}

#[test]
fn classes_are_told_apart_by_their_probes() {
    let sandbox = with_layers();
    let mut file = npy::header("|u1", false, &[ROWS]);
    file.extend((0..ROWS).map(|row| match strength(row, 1, 0) > 0.0 {
        true => 7,
        false => 200u8,
    }));
    sandbox.write("classes.npy", file);
    sandbox
        .harness(&format!(
            "sae layers {ALL} {SHORT} --seeds 1 --probe-targets classes.npy --out a"
        ))
        .assert()
        .success();
    let probes = table(&sandbox, "a/probes.csv");
    // One direction tells the two classes apart, and is reported once.
    assert_eq!(probes.len(), 3);
    let report = sandbox.read("a/report.html");
    assert_eq!(report.matches("a linear probe reads it best").count(), 1);
    for probe in &probes {
        assert_eq!(probe["target"], "class 7 or class 200");
        assert_eq!(probe["score"], "accuracy");
        assert!(number(probe, "held_out") > 0.98, "{probe:?}");
        assert!((0.7..0.9).contains(&number(probe, "chance")), "{probe:?}");
    }
}

#[test]
fn layers_and_targets_that_do_not_belong_together_are_refused_before_anything_is_written() {
    let sandbox = with_layers();
    let npy = |name: &str, kind: &str, shape: &[usize], bytes: usize| {
        let mut file = npy::header(kind, false, shape);
        file.extend(vec![0; bytes]);
        sandbox.write(name, file);
    };
    npy("few.npy", "<f4", &[10, WIDTH], 10 * WIDTH * 4);
    npy("narrow.npy", "<f4", &[ROWS, 2], ROWS * 8);
    npy("short.npy", "<f4", &[5, 2], 40);
    npy("classes.npy", "<i4", &[5], 20);
    npy("matrix.npy", "<i8", &[ROWS, 2], ROWS * 16);
    npy("cut.npy", "<i8", &[ROWS], ROWS * 8 - 1);
    npy("zeros.npy", "<f4", &[ROWS, 2], ROWS * 8);
    npy("class.npy", "<i4", &[ROWS], ROWS * 4);
    let mut many = npy::header("<i2", false, &[ROWS, 1]);
    many.extend((0..ROWS as i16).flat_map(i16::to_le_bytes));
    sandbox.write("many.npy", many);
    let mut broken = targets();
    let end = broken.len();
    broken[end - 4 * ROWS..].fill(0xff);
    sandbox.write("broken.npy", broken);
    for (arguments, parts) in [
        (
            "layer0.npy",
            &["one layer, layer0.npy", "two layers or more"][..],
        ),
        (
            "layer0.npy few.npy",
            &["layer0.npy has 3000 rows", "few.npy has 10", "same token"],
        ),
        (
            "layer0.npy narrow.npy",
            &["of 12 values", "narrow.npy has 3000 of 2"],
        ),
        (
            "layer0.npy layer1.npy --probe-targets short.npy",
            &["short.npy", "targets for 5 rows", "3000 rows"],
        ),
        (
            "layer0.npy layer1.npy --probe-targets classes.npy",
            &["classes.npy", "targets for 5 rows"],
        ),
        (
            "layer0.npy layer1.npy --probe-targets matrix.npy",
            &["matrix.npy", "astype('float32')"],
        ),
        (
            "layer0.npy layer1.npy --probe-targets cut.npy",
            &["cut.npy", "bytes"],
        ),
        (
            "layer0.npy layer1.npy --probe-targets many.npy",
            &["many.npy", "more than 1000", "float32"],
        ),
        (
            "layer0.npy layer1.npy --probe-targets zeros.npy",
            &["zeros.npy: target 0 is 0 in every row"],
        ),
        (
            "layer0.npy layer1.npy --probe-targets class.npy",
            &["class.npy: every row is of class 0"],
        ),
        (
            "layer0.npy layer1.npy --probe-targets none.npy",
            &["none.npy"],
        ),
        (
            "layer0.npy layer1.npy --probe-targets targets.npy --target-names a,b",
            &["2 names", "targets.npy has 4 targets"],
        ),
        (
            "layer0.npy layer1.npy --target-names a",
            &["no targets", "--probe-targets"],
        ),
        (
            "layer0.npy layer1.npy --same-from 0",
            &["--same-from is 0", "above 0"],
        ),
        (
            "layer0.npy layer1.npy --skip-nonfinite",
            &["same token in every layer"],
        ),
        ("layer0.npy layer1.npy --set nothing=1", &["nothing"]),
        (
            "layer0.npy layer1.npy ./layer0.npy",
            &["./layer0.npy is named twice", "(as layer0.npy too)"],
        ),
        ("layer0.npy layer0.npy", &["layer0.npy is named twice;"]),
        // Where no shell expands a pattern, the program gets the pattern itself.
        (
            "layer?.npy",
            &["one layer, layer0.npy and 2 more", "without quotes"],
        ),
    ] {
        sandbox.refuses(&format!("sae layers {arguments} --out z"), parts);
        assert!(!sandbox.join("z").exists(), "{arguments}");
    }
    sandbox.write(
        "wrong.toml",
        "data = ['layer0.npy', 'layer1.npy']\nsame_from = 'a'\n",
    );
    sandbox.refuses(
        "sae layers --config wrong.toml --out z",
        &["wrong.toml: same_from", "a number"],
    );
    sandbox.write(
        "layers.toml",
        "data = ['layer0.npy', 'layer1.npy']\nsame_from = 0.5\n",
    );
    sandbox.refuses("sae train --config layers.toml --out z", &["same_from"]);
    // The targets are refused before anything is trained, although they would be read only in the end.
    sandbox.refuses(
        &format!("sae layers {ALL} {SHORT} --probe-targets broken.npy --out z"),
        &["broken.npy, row", "NaN"],
    );
    assert!(!sandbox.join("z").exists());
}
