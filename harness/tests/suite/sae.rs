//! `harness sae` end to end: activations in files become models, measures and a report.

use std::fmt::Write as _;

use harness::table::record::Word as _;
use harness::table::{Record, Table};
use harness::workbench::tables::{Measures, Model, Step, Summary};
use harness::workbench::truth::{Codes, Truth};

use crate::common::{Sandbox, results, same};
#[cfg(unix)]
use crate::common::{interrupt, limited, refused, wait_until};

/// Rows of five values that depend on few numbers, as a `.npy` file of single precision has them.
fn npy(rows: usize, value: impl Fn(usize, usize) -> f32) -> Vec<u8> {
    let values = (0..rows * WIDTH).flat_map(|i| value(i / WIDTH, i % WIDTH).to_le_bytes());
    let mut file = header("<f4", false, &[rows, WIDTH]);
    file.extend(values);
    file
}

const WIDTH: usize = 5;

/// The header of a `.npy` file, format 1.0.
pub fn header(kind: &str, fortran: bool, shape: &[usize]) -> Vec<u8> {
    let mut axes = String::new();
    for axis in shape {
        write!(axes, "{axis}, ").unwrap();
    }
    let order = if fortran { "True" } else { "False" };
    let mut text = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': ({axes}), }}");
    while !(10 + text.len() + 1).is_multiple_of(64) {
        text.push(' ');
    }
    text.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((text.len() as u16).to_le_bytes());
    file.extend(text.as_bytes());
    file
}

/// Activations with something to learn in them.
fn sparse(row: usize, column: usize) -> f32 {
    let on = (row * 7919 + 13) % WIDTH;
    let other = (row * 104_729 + 5) % 11;
    let strength = 1.0 + ((row * 31) % 17) as f32 / 17.0;
    match column {
        c if c == on => strength,
        c if c == other => 0.5 * strength,
        _ => 0.01 * (((row * 131 + column * 17) % 23) as f32 / 23.0 - 0.5),
    }
}

fn with_data() -> Sandbox {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.join("x.npy"), npy(600, sparse)).unwrap();
    sandbox
}

/// A sweep of a second or less.
const SWEEP: &str = "x.npy --elements 8,12 --k 1,2 --seeds 2 --samples 20000 --batch 64 --rate 0.001 --baselines none \
    --quiet";

fn read(sandbox: &Sandbox, name: &str) -> String {
    std::fs::read_to_string(sandbox.join(name)).unwrap()
}

/// The models that a training has left in a folder.
fn models(sandbox: &Sandbox, folder: &str) -> Vec<Model> {
    let csv = read(sandbox, &format!("{folder}/models.csv"));
    Table::from_csv(Model::SPEC, csv).unwrap().rows()
}

/// The rows of a table.
fn table<R: Record>(sandbox: &Sandbox, name: &str) -> Vec<R> {
    Table::from_csv(R::SPEC, read(sandbox, name))
        .unwrap()
        .rows()
}

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
        // A model that knew the mean alone would explain nothing.
        assert!(explained > 0.3 && explained <= 1.0, "{model:?}");
    }
    let report = read(&sandbox, "a/report.html");
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
    // Rows are the same in whatever files they stand.
    let whole = npy(600, sparse);
    let values = whole.len() - 600 * WIDTH * 4;
    std::fs::create_dir(sandbox.join("parts")).unwrap();
    for (name, rows) in [("b.npy", 0..250), ("c.npy", 250..600)] {
        let mut part = header("<f4", false, &[rows.len(), WIDTH]);
        part.extend(&whole[values + rows.start * WIDTH * 4..values + rows.end * WIDTH * 4]);
        std::fs::write(sandbox.join(&format!("parts/{name}")), part).unwrap();
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
            read_bytes(&sandbox, &format!("a/{file}")),
            read_bytes(&sandbox, &format!("c/{file}"))
        );
    }
}

fn read_bytes(sandbox: &Sandbox, name: &str) -> Vec<u8> {
    std::fs::read(sandbox.join(name)).unwrap()
}

#[cfg(unix)]
#[test]
fn a_killed_sweep_is_resumed_to_the_same_bytes() {
    let sandbox = with_data();
    crate::common::survives_kills_in(&sandbox, "sae train", SWEEP, "models", [1, 4, 8]);
}

#[cfg(unix)]
#[test]
fn a_full_disk_ends_a_command_and_what_it_was_to_write_is_not_there() {
    let sandbox = with_data();
    let train = format!("sae train {SWEEP} --elements 400");
    let train = train.replace("--elements 8,12 ", "");
    let commands = [
        // Each of these files is larger than a file may be.
        (
            format!("{train} --checkpoint-every 0.001 --out a"),
            "a/models/checkpoints",
        ),
        (
            "sae encode whole/models/topk-n400-k1-seed0 --data x.npy --out c.npz --quiet".into(),
            "c.npz",
        ),
        (
            "sae eval whole/models/topk-n400-k1-seed0 --data x.npy --out d --quiet".into(),
            "d/elements.csv",
        ),
        (
            "sae export whole/models/topk-n400-k1-seed0 --to saelens e".into(),
            "e/sae_weights.safetensors",
        ),
    ];
    sandbox
        .harness(&format!("{train} --out whole"))
        .assert()
        .success();
    for (command, file) in commands {
        refused(
            limited(&sandbox, &command),
            &[&format!("cannot write {file}"), "free some space"],
        );
        let left = crate::common::files(sandbox.path());
        assert!(
            !left
                .keys()
                .any(|name| name.contains("tmp") || name.ends_with(file)),
            "{command}: {:?}",
            left.keys()
        );
    }
    sandbox
        .harness("sae train --resume a --quiet")
        .assert()
        .success();
    same(
        &results(&sandbox.join("whole")),
        &results(&sandbox.join("a")),
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_training_promptly_and_it_goes_on_to_the_same_bytes() {
    let sandbox = with_data();
    let long = SWEEP.replace("--samples 20000", "--samples 100000");
    sandbox
        .harness(&format!("sae train {long} --out whole"))
        .assert()
        .success();
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("harness"));
    let child = command
        .current_dir(sandbox.path())
        .env_remove("KERNELS_ISA")
        .args(format!("sae train {long} --out a").split_whitespace())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("a manifest", || sandbox.join("a/manifest.json").exists());
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{message}");
    assert!(
        message.contains("interrupted") && message.contains("--resume DIR"),
        "{message}"
    );
    assert!(!sandbox.join("a/models.csv").exists());
    sandbox
        .harness("sae train --resume a --quiet")
        .assert()
        .success();
    same(
        &results(&sandbox.join("whole")),
        &results(&sandbox.join("a")),
    );
}

#[test]
fn a_model_takes_raw_activations_however_they_were_normalised() {
    let sandbox = Sandbox::new();
    // Far from 0, and large.
    std::fs::write(
        sandbox.join("x.npy"),
        npy(600, |i, j| 300.0 + 50.0 * sparse(i, j)),
    )
    .unwrap();
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
fn rows_that_are_skipped_leave_the_models_that_their_absence_would() {
    let sandbox = with_data();
    // Rows of NaN and of infinity first, last, side by side and about the border of two files.
    let broken = [0, 7, 8, 9, 300, 301, 302, 500, 609];
    let kept: Vec<usize> = (0..610).filter(|row| !broken.contains(row)).collect();
    let value = |row: usize, column: usize| match kept.binary_search(&row) {
        Ok(row) => sparse(row, column),
        Err(_) if row.is_multiple_of(2) && column == 3 => f32::NAN,
        Err(_) if row % 2 == 1 && column == 0 => f32::NEG_INFINITY,
        Err(_) => 1.0,
    };
    std::fs::write(sandbox.join("whole.npy"), npy(kept.len(), sparse)).unwrap();
    std::fs::write(sandbox.join("part-0.npy"), npy(302, value)).unwrap();
    let second = npy(610 - 302, |row, column| value(302 + row, column));
    std::fs::write(sandbox.join("part-1.npy"), second).unwrap();
    let train = "--elements 8 --k 2 --samples 5000 --batch 64 --held-out 0.3 --quiet --out";
    for command in [
        format!("sae train whole.npy {train} a"),
        format!("sae train part-*.npy --skip-nonfinite {train} b"),
    ] {
        sandbox.harness(&command).assert().success();
    }
    for file in ["models.csv", "elements.csv", "metrics.csv"] {
        assert_eq!(
            read(&sandbox, &format!("a/{file}")),
            read(&sandbox, &format!("b/{file}"))
        );
    }
    assert!(read(&sandbox, "b/report.html").contains("9 of 610 rows hold a NaN"));
    assert!(read(&sandbox, "b/manifest.json").contains("\"rows_left_out\": 9"));
    let model = "sae eval b/models/topk-n8-k2-seed0 --quiet --skip-nonfinite";
    sandbox
        .harness(&format!("{model} --data part-*.npy"))
        .assert()
        .success();
    // Nothing is left of a file of such rows alone.
    std::fs::write(sandbox.join("none.npy"), npy(20, |_, _| f32::NAN)).unwrap();
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
fn every_variant_explains_held_out_rows_and_is_exported() {
    let sandbox = with_data();
    for variant in [
        "topk",
        "batch-topk",
        "matryoshka",
        "jumprelu",
        "l1",
        "l1-tied",
        "gated",
        "two-layer",
        "lista",
    ] {
        sandbox
            .harness(&format!(
                "sae train x.npy --variant {variant} --k 2 --lambda 0.05 --elements 8 --samples 40000 --batch 64 \
                 --rate 0.0005 --baselines none --set threshold=0.1 --set bandwidth=0.2 --quiet --out {variant}"
            ))
            .assert()
            .success();
        let model = &models(&sandbox, variant)[0];
        assert_eq!(model.variant.word(), variant);
        let explained = model.measures.explained_variance;
        assert!(explained > 0.3 && explained <= 1.0, "{model:?}");
        // Read back, the saved model is the one that was measured.
        let name = model.model.clone();
        let measured = model.measures.clone();
        let model = format!("{variant}/models/{name}");
        sandbox
            .harness(&format!(
                "sae eval {model} --data x.npy --rows 30 --quiet --out {variant}-eval"
            ))
            .assert()
            .success();
        let evaluated = read(&sandbox, &format!("{variant}-eval/models.csv"));
        for (column, measured) in [
            ("explained_variance", measured.explained_variance),
            ("l0", measured.l0),
        ] {
            let evaluated: f64 = cell(&evaluated, &name, column).parse().unwrap();
            assert_eq!(evaluated, measured, "{variant}: {column}");
        }
        let export = format!("sae export {model} --to saelens {variant}-export");
        match variant {
            "two-layer" | "lista" => {
                sandbox.refuses(
                    &export,
                    &[&name, "SAELens has no variant like", variant, "jumprelu"],
                );
                assert!(!sandbox.join(&format!("{variant}-export")).exists());
            }
            _ => {
                sandbox.harness(&export).assert().success();
            }
        }
    }
}

#[test]
fn settings_of_variants_reach_the_models_and_a_default_penalty_is_that_of_the_variant() {
    let sandbox = with_data();
    let short = "--elements 40 --samples 640 --batch 64 --baselines none --quiet";
    for (flags, expected) in [
        (
            "--variant matryoshka --k 2 --set prefixes=[0.01,0.02,0.3]",
            "\"prefixes\":[1,12,40]",
        ),
        (
            "--variant jumprelu --normalise none --set threshold=0.5 --set bandwidth=0.25",
            "\"lambda\":1.0,\"bandwidth\":0.25,\"threshold\":0.5",
        ),
        (
            "--variant two-layer --normalise none --set hidden=1.5",
            "\"hidden\":8,\"lambda\":2.0",
        ),
        (
            "--variant lista --normalise none --set unrolled=2 --lambda 0.5",
            "\"steps\":2,\"lambda\":0.5",
        ),
    ] {
        let _ = std::fs::remove_dir_all(sandbox.join("a"));
        sandbox
            .harness(&format!("sae train x.npy {short} {flags} --out a"))
            .assert()
            .success();
        let name = models(&sandbox, "a")[0].model.clone();
        let bytes = read_bytes(&sandbox, &format!("a/models/{name}/model.safetensors"));
        let text = String::from_utf8_lossy(&bytes).replace('\\', "");
        assert!(text.contains(expected), "{flags}: {expected}");
    }
}

#[test]
fn a_penalty_is_steered_to_its_target_and_what_misses_it_is_named() {
    let sandbox = with_data();
    for variant in ["l1", "jumprelu"] {
        sandbox
            .harness(&format!(
                "sae train x.npy --variant {variant} --target-l0 1.5,2.5 --elements 12 --samples 120000 --batch 64 --rate 0.0002 \
                 --set lambda_warmup=0.05 --set threshold=0.5 --set bandwidth=0.5 --baselines none --quiet --out {variant}"
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
        // λ is what the training has left, and is saved with the model.
        assert_ne!(models[0].sparsity, models[1].sparsity);
        let metrics: Vec<Step> = table(&sandbox, &format!("{variant}/metrics.csv"));
        let lambdas: Vec<f64> = metrics.iter().map(|step| step.lambda).collect();
        assert!(lambdas.windows(2).any(|pair| pair[0] != pair[1]));
    }
    // Ten steps are too few to get anywhere.
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
    assert!(read(&sandbox, "short/report.html").contains(note));
}

#[cfg(unix)]
#[test]
fn a_killed_training_with_all_that_changes_from_step_to_step_is_resumed_to_the_same_bytes() {
    let sandbox = with_data();
    crate::common::survives_kills_in(
        &sandbox,
        "sae train",
        "x.npy --variant gated --target-l0 1,2 --elements 12 --samples 40000 --batch 64 --set warmup=0.1 \
         --set lambda_warmup=0.2 --set clip=0.5 --set dead=resample --set dead_after=2000 --quiet",
        "models",
        [1, 4, 8],
    );
}

#[test]
fn warm_up_clipping_and_what_is_done_for_dead_elements_change_the_models() {
    let sandbox = with_data();
    let train = "sae train x.npy --variant l1 --lambda 0.5 --elements 12 --samples 20000 --batch 64 --rate 0.001 --baselines none \
                 --quiet";
    let mut seen = std::collections::BTreeSet::new();
    for (i, flags) in [
        "",
        "--set warmup=0.5",
        "--set lambda_warmup=0.5",
        "--set clip=0.01",
        "--set dead=resample --set dead_after=640",
    ]
    .into_iter()
    .enumerate()
    {
        sandbox
            .harness(&format!("{train} {flags} --out t{i}"))
            .assert()
            .success();
        let model = read_bytes(
            &sandbox,
            &format!("t{i}/models/l1-n12-lambda0.5-seed0/model.safetensors"),
        );
        assert!(seen.insert(model), "{flags} changes nothing");
    }
    // More than any gradient has, and longer than the training.
    sandbox
        .harness(&format!(
            "{train} --set clip=1e9 --set dead=resample --set dead_after=30000 --out same"
        ))
        .assert()
        .success();
    assert_eq!(
        read(&sandbox, "t0/metrics.csv"),
        read(&sandbox, "same/metrics.csv")
    );
    for (flags, parts) in [
        (
            "--set dead=auxiliary",
            &["dead is auxiliary", "l1 has no auxiliary"][..],
        ),
        ("--target-l0 13", &["target_l0 is 13", "12 elements"]),
        (
            "--target-l0 2 --lambda 1,2",
            &["lambda is a list", "target_l0"],
        ),
        (
            "--variant topk --k 2 --target-l0 2",
            &["topk has no penalty", "k"],
        ),
        ("--target-l0 0", &["--target-l0: target_l0 is [0.0]"]),
        ("--set clip=-1", &["clip is -1.0"]),
        ("--baselines some", &["--baselines: baselines is", "random"]),
    ] {
        let train = train
            .replace("--lambda 0.5 ", "")
            .replace(" --baselines none", "");
        let train = match flags.contains("--variant") {
            true => train.replace("--variant l1 ", ""),
            false => train,
        };
        sandbox.refuses(&format!("{train} {flags} --out z"), parts);
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
    // The models themselves are those of a training without baselines.
    let without = models(&sandbox, "none");
    assert_eq!(format!("{:?}", &all[..2]), format!("{without:?}"));
    let weights = |name: &str| {
        tensors(&read_bytes(
            &sandbox,
            &format!("a/models/{name}/model.safetensors"),
        ))
    };
    let trained = weights("topk-n12-k2-seed0");
    let [decoder, encoder] =
        ["decoder", "encoder"].map(|part| weights(&format!("topk-n12-k2-random-{part}-seed0")));
    // What is held is the same start: of the encoder, the transpose of the decoder.
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
    assert!(!read(&sandbox, "a/report.html").contains("does not beat"));
    assert_eq!(read(&sandbox, "a/elements.csv").lines().count(), 1 + 2 * 12);

    // Intervals over the seeds, of which one seed has none.
    let summary: Vec<Summary> = table(&sandbox, "a/summary.csv");
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
    // Student's t for one degree of freedom.
    assert!(
        (row.high - mean - 12.706 * half).abs() < 1e-3 * half,
        "{row:?}"
    );
    assert!((row.low + row.high - 2.0 * mean).abs() < 1e-9);
    let pca = summary.iter().find(|row| row.cell == "pca-2").unwrap();
    assert!(pca.low.is_nan() && pca.seeds == 1);
    assert!(read(&sandbox, "a/report.html").contains("Means over seeds"));
}

#[test]
fn what_known_features_tell_has_intervals_over_seeds_too() {
    let sandbox = Sandbox::new();
    let spec = "features = 24\nwidth = 8\n";
    std::fs::write(sandbox.join("my.toml"), spec).unwrap();
    sandbox
        .harness(
            "sae train synth:my.toml --variant batch-topk --k 2 --elements 16 --samples 6400 --batch 64 --seeds 2 \
             --set measured=256 --baselines none --quiet --out a",
        )
        .assert()
        .success();
    let truth: Vec<Truth> = table(&sandbox, "a/truth.csv");
    let summary: Vec<Summary> = table(&sandbox, "a/summary.csv");
    for (measure, codes) in [("f1", Codes::Alone), ("f1_together", Codes::Together)] {
        let values = truth.iter().filter(|t| t.codes == codes).map(|t| t.f1);
        let values: Vec<f64> = values.collect();
        let row = summary.iter().find(|row| row.measure == measure).unwrap();
        assert_eq!((row.seeds, values.len()), (2, 2));
        assert!(
            (row.mean - (values[0] + values[1]) / 2.0).abs() < 1e-12,
            "{row:?}"
        );
        assert!(row.low < row.mean && row.mean < row.high, "{row:?}");
    }
}

#[test]
fn principal_components_explain_what_few_directions_hold() {
    let sandbox = Sandbox::new();
    // Two directions and a mean far from 0 hold everything.
    let value = |i: usize, j: usize| {
        let (a, b) = ((0.7 * i as f32).sin(), (1.3 * i as f32 + 1.0).cos());
        50.0 + 3.0 * a * (j as f32 + 1.0).cos() + b * (2.0 * j as f32).sin()
    };
    std::fs::write(sandbox.join("x.npy"), npy(600, value)).unwrap();
    let output = sandbox
        .harness("sae train x.npy --elements 12 --k 1,2 --samples 2000 --batch 64 --quiet --out a")
        .output()
        .unwrap();
    // Hardly trained, two elements do not hold what two components do.
    let shown = String::from_utf8(output.stdout).unwrap();
    let note = "note: topk-n12-k2 does not beat as many principal components";
    assert!(shown.contains(note), "{shown}");
    assert!(read(&sandbox, "a/report.html").contains(&note["note: ".len()..]));
    assert!(!read(&sandbox, "a/report.html").contains("Means over seeds"));
    let all = models(&sandbox, "a");
    let of = |name: &str| {
        let model = all.iter().find(|m| m.model == name).unwrap();
        model.measures.explained_variance
    };
    assert!(of("pca-1") > 0.5 && of("pca-1") < 0.99, "{}", of("pca-1"));
    assert!((of("pca-2") - 1.0).abs() < 1e-5, "{}", of("pca-2"));
}

#[test]
fn an_export_holds_the_tensors_and_the_words_that_saelens_reads() {
    let sandbox = with_data();
    sandbox
        .harness(&format!("sae train {SWEEP} --out a"))
        .assert()
        .success();
    sandbox
        .harness("sae export a/models/topk-n12-k2-seed0 --to saelens b")
        .assert()
        .success();
    let config: serde_json::Value = serde_json::from_str(&read(&sandbox, "b/cfg.json")).unwrap();
    for (key, value) in [
        ("architecture", serde_json::json!("topk")),
        ("k", 2.into()),
        ("d_in", WIDTH.into()),
        ("d_sae", 12.into()),
        ("apply_b_dec_to_input", true.into()),
        ("normalize_activations", "none".into()),
    ] {
        assert_eq!(config[key], value, "{key}");
    }
    let ours = read_bytes(&sandbox, "a/models/topk-n12-k2-seed0/model.safetensors");
    let theirs = read_bytes(&sandbox, "b/sae_weights.safetensors");
    let (ours, theirs) = (tensors(&ours), tensors(&theirs));
    assert_eq!(theirs["W_enc"].0, [WIDTH, 12]);
    assert_eq!(theirs["W_dec"], ours["w_dec"]);
    for (element, row) in ours["w_enc"].1.chunks(WIDTH).enumerate() {
        for (column, value) in row.iter().enumerate() {
            assert_eq!(theirs["W_enc"].1[column * 12 + element], *value);
        }
    }
    // From folder to folder of other tools nothing is lost.
    for (from, to, out) in [
        ("b", "sparsify", "c"),
        ("c", "saelens", "d"),
        ("a/models/topk-n12-k2-seed0", "sparsify", "e"),
    ] {
        sandbox
            .harness(&format!("sae export {from} --to {to} {out}"))
            .assert()
            .success();
    }
    for (one, other) in [
        ("b/sae_weights.safetensors", "d/sae_weights.safetensors"),
        ("b/cfg.json", "d/cfg.json"),
        ("c/sae.safetensors", "e/sae.safetensors"),
        ("c/cfg.json", "e/cfg.json"),
    ] {
        assert_eq!(read_bytes(&sandbox, one), read_bytes(&sandbox, other));
    }
    assert_eq!(
        tensors(&read_bytes(&sandbox, "c/sae.safetensors"))["encoder.weight"],
        ours["w_enc"]
    );
    sandbox
        .harness(&format!(
            "sae train {} --variant l1 --out l1",
            SWEEP.replace("--k 1,2", "")
        ))
        .assert()
        .success();
    sandbox.refuses(
        "sae export l1/models/l1-n8-lambda4-seed0 --to sparsify z",
        &["l1-n8-lambda4-seed0", "no variant like l1", "saelens"],
    );
    assert!(!sandbox.join("z").exists());
    sandbox.refuses(
        "sae export a/models/topk-n12-k2-seed0 --to saelens b",
        &["b is not empty"],
    );
    sandbox.refuses(
        "sae export a --to saelens z",
        &["a holds no model", "model.safetensors"],
    );
}

/// A cell of a CSV, by the name of a model and that of a column.
fn cell(csv: &str, model: &str, column: &str) -> String {
    let header = csv.lines().next().unwrap();
    let place = header.split(',').position(|name| name == column).unwrap();
    let line = csv
        .lines()
        .find(|line| line.split(',').next() == Some(model));
    line.unwrap().split(',').nth(place).unwrap().to_string()
}

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
    let all = |folder: &str| crate::common::files(&sandbox.join(folder));
    same(&all("e1"), &all("e4"));
    let (trained, evaluated) = (
        read(&sandbox, "a/models.csv"),
        read(&sandbox, "e1/models.csv"),
    );
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
    let json: serde_json::Value = serde_json::from_str(&read(&sandbox, "e1/models.json")).unwrap();
    for (i, model) in [name, "b", "c"].into_iter().enumerate() {
        assert_eq!(json[i]["model"], model);
        assert_eq!(
            json[i]["explained_variance"].to_string(),
            cell(&evaluated, model, "explained_variance")
        );
        assert_eq!(json[i]["sparsity"], 2.0);
    }
    assert_eq!(
        read(&sandbox, "e1/elements.csv").lines().count(),
        1 + 3 * 12
    );

    // What is 0 has no share that is lost.
    let with_zero = npy(40, |i, j| if i == 3 { 0.0 } else { sparse(i, j) });
    std::fs::write(sandbox.join("zero.npy"), with_zero).unwrap();
    sandbox
        .harness("sae eval b --data zero.npy --quiet --out z")
        .assert()
        .success();
    let shrinkage: f64 = cell(&read(&sandbox, "z/models.csv"), "b", "shrinkage")
        .parse()
        .unwrap();
    assert!(shrinkage > 0.5 && shrinkage < 1.5, "{shrinkage}");
}

#[test]
fn no_code_has_a_lower_loss_than_the_best_one_under_an_l1_penalty() {
    let sandbox = Sandbox::new();
    // Normalised for training, so that λ is another one for raw activations.
    std::fs::write(
        sandbox.join("x.npy"),
        npy(600, |i, j| 30.0 + 5.0 * sparse(i, j)),
    )
    .unwrap();
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
    let models = read(&sandbox, "e/models.csv");
    for model in ["l1-n10-lambda0.3-seed0", "l1-tied-n10-lambda0.3-seed0"] {
        let excess: f64 = cell(&models, model, "excess_loss").parse().unwrap();
        // FISTA stops at a share of 1e-5 of ‖x − b_dec‖². With the λ of normalised activations, these codes would be
        // far from the best ones.
        assert!(excess > -1e-3 && excess < 0.3, "{model}: {excess}");
        let lambda: f64 = cell(&models, model, "sparsity").parse().unwrap();
        assert!(lambda > 0.6, "{lambda}");
    }
}

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
    assert_eq!(read_bytes(&sandbox, "c.npz"), read_bytes(&sandbox, "d.npz"));
    let bytes = read_bytes(&sandbox, "c.npz");
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut array = |name: &str| {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut zip.by_name(name).unwrap(), &mut bytes).unwrap();
        bytes
    };
    let starts: Vec<i64> = numbers(&array("indptr.npy"));
    let columns: Vec<i32> = numbers(&array("indices.npy"));
    let values: Vec<f32> = numbers(&array("data.npy"));
    assert_eq!(numbers::<i64>(&array("shape.npy")), [600, 12]);
    assert!(array("format.npy").ends_with(b"\ncsr"));
    assert_eq!((starts.len(), starts[0]), (601, 0));
    assert_eq!(starts[600] as usize, values.len());
    assert!(starts.is_sorted() && values.iter().all(|&v| v > 0.0));

    // They reconstruct as well as the evaluation of all rows says.
    sandbox
        .harness(&format!(
            "sae eval {model} --data x.npy --rows 600 --quiet --out e"
        ))
        .assert()
        .success();
    let ours = tensors(&read_bytes(&sandbox, &format!("{model}/model.safetensors")));
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
    let mse: f64 = cell(&read(&sandbox, "e/models.csv"), "topk-n12-k2-seed0", "mse")
        .parse()
        .unwrap();
    assert!((error / 3000.0 - mse).abs() < 1e-5 * mse, "{error} {mse}");

    let bytes = read_bytes(&sandbox, "c.safetensors");
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let same = |name: &str, npz: Vec<u8>| {
        let tensor = file.tensor(name).unwrap();
        assert!(
            npz.ends_with(tensor.data()) && !tensor.data().is_empty(),
            "{name}"
        );
    };
    same("values", array("data.npy"));
    same("indices", array("indices.npy"));
    same("offsets", array("indptr.npy"));
}

/// The values of a `.npy` file.
fn numbers<T: npyz::Deserialize>(bytes: &[u8]) -> Vec<T> {
    npyz::NpyFile::new(bytes).unwrap().into_vec().unwrap()
}

#[test]
fn what_cannot_be_encoded_or_measured_leaves_no_file() {
    let sandbox = with_data();
    let mut nan = npy(600, sparse);
    let last = nan.len() - 4;
    nan[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(sandbox.join("nan.npy"), nan).unwrap();
    let mut wide = header("<f4", false, &[2, 4]);
    wide.resize(wide.len() + 32, 0);
    std::fs::write(sandbox.join("wide.npy"), wide).unwrap();
    sandbox
        .harness(&format!("sae train {SWEEP} --out a"))
        .assert()
        .success();
    let model = "a/models/topk-n8-k1-seed0";
    std::fs::write(sandbox.join("there.npz"), "kept").unwrap();
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
    assert_eq!(read(&sandbox, "there.npz"), "kept");
    for name in crate::common::files(sandbox.path()).into_keys() {
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

/// The shapes and values of the tensors of a file of single precision.
fn tensors(bytes: &[u8]) -> std::collections::BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let each = header
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| *name != "__metadata__");
    each.map(|(name, tensor)| {
        let shape = tensor["shape"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_u64().unwrap() as usize);
        let place = |i: usize| 8 + length + tensor["data_offsets"][i].as_u64().unwrap() as usize;
        let data = bytes[place(0)..place(1)].chunks(4);
        let values = data
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect();
        (name.clone(), (shape.collect(), values))
    })
    .collect()
}

#[test]
fn files_that_are_not_what_they_should_be_are_named_before_anything_is_written() {
    let sandbox = with_data();
    let whole = npy(600, sparse);
    let mut nan = whole.clone();
    let last = nan.len() - 4;
    nan[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    let mut long = whole.clone();
    long.extend([0; 4]);
    let with_header = |kind: &str, fortran: bool, shape: &[usize]| {
        let mut file = header(kind, fortran, shape);
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
        std::fs::write(sandbox.join(name), bytes).unwrap();
        let mut all = vec![name];
        all.extend(parts);
        sandbox.refuses(
            &format!("sae train {name} --samples 1000 --quiet --out z"),
            &all,
        );
        assert!(!sandbox.join("z/models.csv").exists(), "{name}");
        let _ = std::fs::remove_dir_all(sandbox.join("z"));
    }
    std::fs::write(
        sandbox.join("narrow.npy"),
        with_header("<f8", false, &[4, 2]),
    )
    .unwrap();
    sandbox.refuses(
        "sae train x.npy narrow.npy",
        &["narrow.npy has rows of 2", "x.npy of 5"],
    );
    sandbox.refuses("sae train nowhere.npy", &["cannot read nowhere.npy"]);
    sandbox.refuses("sae train", &["no activations to read"]);
    std::fs::create_dir(sandbox.join("hollow")).unwrap();
    sandbox.refuses("sae train hollow", &["hollow holds no .npy"]);
}

#[test]
fn half_double_and_safetensors_are_read() {
    let sandbox = with_data();
    // Numbers that half precision holds.
    let value = |i: usize, j: usize| ((i * 7 + j * 3) % 64) as f32 / 8.0 - 4.0;
    let values = || (0..200 * WIDTH).map(|i| value(i / WIDTH, i % WIDTH));
    std::fs::write(sandbox.join("single.npy"), npy(200, value)).unwrap();
    let mut double = header("<f8", false, &[10, 20, WIDTH]);
    double.extend(values().flat_map(|v| f64::from(v).to_le_bytes()));
    std::fs::write(sandbox.join("double.npy"), double).unwrap();
    let mut half = header("<f2", false, &[200, WIDTH]);
    half.extend(values().flat_map(|v| half_bits(v).to_le_bytes()));
    std::fs::write(sandbox.join("half.npy"), half).unwrap();
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
    std::fs::write(sandbox.join("b.safetensors"), file).unwrap();
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
            read(&sandbox, &format!("{out}/models.csv")),
            read(&sandbox, "single/models.csv"),
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

/// The bits in half precision of a number that it holds.
fn half_bits(value: f32) -> u16 {
    let bits = value.to_bits();
    if value == 0.0 {
        return 0;
    }
    let exponent = ((bits >> 23) & 0xff) as i32 - 127 + 15;
    ((bits >> 16) & 0x8000) as u16 | (exponent as u16) << 10 | ((bits >> 13) & 0x3ff) as u16
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let sandbox = with_data();
    for (flags, parts) in [
        ("--k 41", &["k is 41", "40 elements"][..]),
        ("--k 0", &["--k: k is [0]"]),
        ("--k 2,2", &["increasing"]),
        ("--batch 0", &["--batch: batch is 0"]),
        ("--held-out 0.9", &["--held-out: held_out is 0.9"]),
        ("--variant l2", &["--variant: variant is", "topk"]),
        ("--expansion 0", &["--expansion 0"]),
        (
            "--set sampels=5",
            &["no setting `sampels`; did you mean `samples`?"],
        ),
        (
            "--set samples=many",
            &["samples is \"many\"", "a whole number"],
        ),
        ("--threads 0", &["--threads is 0"]),
        (
            "--elements 4194304 --batch 1048576",
            &["would need about", "`harness sae train --help`"],
        ),
    ] {
        sandbox.refuses(&format!("sae train x.npy {flags} --out z"), parts);
        assert!(!sandbox.join("z").exists(), "{flags}");
    }
    sandbox
        .harness(&format!("sae train {SWEEP} --out a"))
        .assert()
        .success();
    sandbox.refuses(
        "sae train x.npy --k 3 --resume a",
        &["cannot resume the training in a"],
    );
    sandbox.refuses(
        &format!("sae train {SWEEP} --out a"),
        &["a holds another run"],
    );
    // Other activations under the same name are noticed while a training is under way.
    sandbox.refuses("sae train --resume nowhere", &["nowhere"]);
}
