//! Variants, their settings, and other settings that change a training.

use harness::settings::{Preset, Settings as _};
use harness::table::record::Word as _;
use harness::workbench::settings::Settings;

use super::{SWEEP, WIDTH, cell, models, tensors, with_data};
use crate::common::{results, same};

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
        let sparsity = match variant {
            "topk" | "batch-topk" | "matryoshka" => "--k 2",
            _ => "--lambda 0.05",
        };
        sandbox
            .harness(&format!(
                "sae train x.npy --variant {variant} {sparsity} --elements 8 --samples 40000 --batch 64 \
                 --rate 0.0005 --baselines none --set threshold=0.1 --set bandwidth=0.2 --quiet --out {variant}"
            ))
            .assert()
            .success();
        let model = &models(&sandbox, variant)[0];
        assert_eq!(model.variant.word(), variant);
        let explained = model.measures.explained_variance;
        assert!(explained > 0.3 && explained <= 1.0, "{model:?}");
        // The saved model, when it is read back, is the one that was measured.
        let name = model.model.clone();
        let measured = model.measures.clone();
        let model = format!("{variant}/models/{name}");
        sandbox
            .harness(&format!(
                "sae eval {model} --data x.npy --rows 30 --quiet --out {variant}-eval"
            ))
            .assert()
            .success();
        let evaluated = sandbox.read(&format!("{variant}-eval/models.csv"));
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
        let bytes = sandbox.bytes(&format!("a/models/{name}/model.safetensors"));
        let text = String::from_utf8_lossy(&bytes).replace('\\', "");
        assert!(text.contains(expected), "{flags}: {expected}");
    }
}

#[test]
fn the_rows_of_l1_have_norm_1_or_a_penalty_by_their_norm() {
    let sandbox = with_data();
    let train = "sae train x.npy --variant l1 --lambda 0.3 --elements 12 --samples 100000 --batch 64 --rate 0.0005 \
                 --baselines none --quiet --set decoder_norm";
    let name = "l1-n12-lambda0.3-seed0";
    let norms = |folder: &str| -> Vec<f32> {
        let all = tensors(&sandbox.bytes(&format!("{folder}/models/{name}/model.safetensors")));
        let rows = all["w_dec"].1.chunks_exact(WIDTH);
        let norm = |row: &[f32]| row.iter().map(|v| v * v).sum::<f32>().sqrt();
        rows.map(norm).collect()
    };
    let mut losses = Vec::new();
    for (how, is_unit) in [("unit", true), ("penalised", false)] {
        sandbox
            .harness(&format!("{train}={how} --out {how}"))
            .assert()
            .success();
        let norms = norms(how);
        let held = norms.iter().all(|norm| (norm - 1.0).abs() < 1e-5);
        assert_eq!(held, is_unit, "{norms:?}");
        // The folder of another tool holds the same model.
        sandbox
            .harness(&format!(
                "sae export {how}/models/{name} --to saelens {how}-export"
            ))
            .assert()
            .success();
        sandbox
            .harness(&format!(
                "sae eval {how}/models/{name} {how}-export --data x.npy --quiet --out {how}-eval"
            ))
            .assert()
            .success();
        let evaluated = sandbox.read(&format!("{how}-eval/models.csv"));
        let number =
            |model: &str, column: &str| cell(&evaluated, model, column).parse::<f64>().unwrap();
        for column in ["explained_variance", "l0"] {
            assert_eq!(
                number(name, column),
                number(&format!("{how}-export"), column)
            );
        }
        losses.push(number(name, "excess_loss"));
        assert!(number(name, "explained_variance") > 0.5, "{evaluated}");
    }
    // No code has a lower loss than the best one, with the loss counted at unit rows; FISTA stops at a share of 1e-5 of
    // ‖x − b_dec‖².
    assert!(
        losses.iter().all(|loss| (-1e-3..0.3).contains(loss)),
        "{losses:?}"
    );
    sandbox
        .harness("sae train --config penalised/config.toml --threads 3 --quiet --out again")
        .assert()
        .success();
    same(
        &results(&sandbox.join("penalised")),
        &results(&sandbox.join("again")),
    );
    sandbox.refuses(
        &format!("{train}=free --out z"),
        &["decoder_norm is \"free\"", "penalised"],
    );
}

#[test]
fn warm_up_clipping_and_what_is_done_for_dead_elements_change_the_models() {
    let sandbox = with_data();
    let train = "sae train x.npy --variant l1 --lambda 0.5 --elements 12 --samples 20000 --batch 64 --rate 0.001 --baselines none \
                 --quiet";
    let mut seen = std::collections::BTreeSet::new();
    for (i, flags) in [
        "--set clip=0",
        "--set clip=0 --set warmup=0.5",
        "--set clip=0 --set lambda_warmup=0.5",
        "--set clip=0.01",
        "--set clip=0 --set dead=resample --set dead_after=640",
    ]
    .into_iter()
    .enumerate()
    {
        sandbox
            .harness(&format!("{train} {flags} --out t{i}"))
            .assert()
            .success();
        let model = sandbox.bytes(&format!(
            "t{i}/models/l1-n12-lambda0.5-seed0/model.safetensors"
        ));
        assert!(seen.insert(model), "{flags} changes nothing");
    }
    // This clip is larger than any gradient, and `dead_after` is longer than the training.
    sandbox
        .harness(&format!(
            "{train} --set clip=1e9 --set dead=resample --set dead_after=30000 --out same"
        ))
        .assert()
        .success();
    assert_eq!(
        sandbox.read("t0/metrics.csv"),
        sandbox.read("same/metrics.csv")
    );
    for (flags, parts) in [
        (
            "--set dead=auxiliary",
            &["dead is auxiliary", "l1 has no auxiliary"][..],
        ),
        ("--target-l0 13", &["target_l0 is 13", "12 elements"]),
        (
            "--target-l0 3 --set lambda_warmup=0.8",
            &["lambda_warmup is 0.8", "must be below 0.8"],
        ),
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
            "--expansion 1,1.01",
            &["--expansion 1,1.01: both give 5 elements"],
        ),
        (
            "--expansion 2,1",
            &["--expansion 2,1: the numbers must increase"],
        ),
        ("--k 4.5", &["'4.5' for '--k", "it must be a whole number"]),
        (
            "--k -1",
            &["'-1' for '--k", "it must be a whole number, 0 or more"],
        ),
        ("--rate -1", &["--rate: learning_rate is -1.0"]),
        (
            "--rate fast",
            &["'fast' for '--rate", "it must be a number"],
        ),
        (
            "--seeds 99999999999999999999",
            &["'--seeds", "it is too large"],
        ),
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
    // A folder that is not there is named.
    sandbox.refuses("sae train --resume nowhere", &["nowhere"]);
}

#[test]
fn a_file_of_one_variant_serves_for_another() {
    let sandbox = with_data();
    let short = "--elements 8 --samples 6400 --batch 64 --baselines none";
    let train = |arguments: &str| {
        let command = format!("sae train {arguments} --quiet");
        sandbox.harness(&command).assert().success();
    };
    train(&format!("x.npy {short} --k 2 --out topk"));
    for (variant, lambda, dead) in [
        ("gated", "[3.0]", "none"),
        ("jumprelu", "[1.0]", "none"),
        ("batch-topk", "[2.0]", "auxiliary"),
    ] {
        train(&format!(
            "--config topk/config.toml --variant {variant} --out {variant}"
        ));
        // The settings are as if they had been given without the file.
        let config = sandbox.read(&format!("{variant}/config.toml"));
        for line in [
            format!("variant = \"{variant}\""),
            format!("lambda = {lambda}"),
            format!("dead = \"{dead}\""),
            "elements = [8]".into(),
        ] {
            assert!(config.lines().any(|l| l == line), "{variant}: {line}");
        }
    }
    train("--config jumprelu/config.toml --set variant=topk --out again");
    same(
        &results(&sandbox.join("topk")),
        &results(&sandbox.join("again")),
    );
    // What the command line says holds, and so does what a file says that names no variant.
    train("--config topk/config.toml --variant l1 --lambda 0.5 --set dead=resample --out l1");
    let config = sandbox.read("l1/config.toml");
    assert!(config.contains("\nlambda = [0.5]\n") && config.contains("\ndead = \"resample\"\n"));
    sandbox.write("mine.toml", "lambda = [0.25]\ntarget_l0 = [2.0]\n");
    train(&format!(
        "x.npy --config mine.toml --variant l1 {short} --out mine"
    ));
    assert!(
        sandbox
            .read("mine/config.toml")
            .contains("\nlambda = [0.25]\n")
    );
    sandbox.refuses(
        "sae train --config mine/config.toml --variant topk --k 2 --out z",
        &["mine/config.toml: target_l0 is set", "--set target_l0=[]"],
    );
}

#[test]
fn all_settings_are_explained_in_a_file_that_sets_none_and_can_be_read() {
    let sandbox = with_data();
    for command in ["train", "layers"] {
        let output = sandbox
            .harness(&format!("sae {command} --settings"))
            .output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        let mut lines = text.lines();
        assert!(
            lines.all(|line| line.is_empty() || line.starts_with('#')),
            "{text}"
        );
        let each = text.lines().filter_map(|line| line.strip_prefix('#'));
        let set: Vec<_> = each.filter(|line| !line.starts_with(' ')).collect();
        let set: toml::Table = set.join("\n").parse().unwrap();
        let settings = Settings::preset(Preset::Default).list().into_iter();
        let mut expected: toml::Table = settings.map(|s| (s.key, s.value)).collect();
        if command == "layers" {
            expected.insert("seeds".into(), 2.into());
            expected.insert("baselines".into(), "none".into());
        }
        assert_eq!(set, expected);
        if command == "train" {
            let text = text.replace("#k = [32]", "k = [2]");
            std::fs::write(sandbox.join("my.toml"), text).unwrap();
        }
    }
    let train = "sae train x.npy --config my.toml --samples 500 --baselines none --quiet --out a";
    sandbox.harness(train).assert().success();
    let config = std::fs::read_to_string(sandbox.join("a/config.toml")).unwrap();
    // Settings that are not given still follow from the data: the width is 5.
    assert!(config.contains("\nk = [2]\n") && config.contains("\nelements = [40]\n"));
}

#[test]
fn a_flag_for_the_size_wins_over_a_file_and_what_is_done_stays_done() {
    let sandbox = with_data();
    let train = "sae train x.npy --k 2 --samples 500 --baselines none --quiet";
    sandbox
        .harness(&format!("{train} --out a"))
        .assert()
        .success();
    // The file holds a size, as every saved configuration does.
    let again = "sae train --config a/config.toml --expansion 1,2 --quiet --out b";
    sandbox.harness(again).assert().success();
    let config = std::fs::read_to_string(sandbox.join("b/config.toml")).unwrap();
    assert!(config.contains("\nelements = [5, 10]\n"), "{config}");
    sandbox.refuses(
        "sae train --resume a --expansion 1",
        &["cannot resume the training in a"],
    );
    let before = results(&sandbox.join("a"));
    for flags in ["", "--k 2"] {
        let resume = sandbox
            .harness(&format!("sae train --resume a {flags}"))
            .output()
            .unwrap();
        let said = String::from_utf8(resume.stdout).unwrap();
        assert!(
            said.contains("the training in a is complete: nothing is left to do"),
            "{said}"
        );
    }
    same(&before, &results(&sandbox.join("a")));
}
