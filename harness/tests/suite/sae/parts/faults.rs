//! Messages where a part of a sweep is missing, damaged or of another sweep, and files that a kill leaves.

use super::{TWO, checkpoint, edit, merge, part, plan};
use crate::common::{files, flip_a_bit, merged, npy, refused, results, same, succeeds};
use crate::sae::{SWEEP, WIDTH, sparse, with_data};

#[test]
fn what_is_missing_is_named_with_the_command_that_trains_it() {
    let sandbox = with_data();
    let none = "sae merge a --wait 0 --quiet";
    sandbox.refuses("sae train --part 1/2 --out a", &["there is no folder a"]);
    plan(&sandbox, &SWEEP.replace(" --quiet", ""), "a");
    sandbox.refuses(
        none,
        &[
            "8 of the 8 units of a are not there",
            "up to N/N",
            "`harness sae train --part 1/N --out a`",
        ],
    );
    part(&sandbox, "1/2", "a");
    sandbox.refuses(
        none,
        &[
            "4 of the 8 units of a are not there: models topk-",
            "compute part 2 again, such as by `harness sae train --part 2/2 --out a`",
        ],
    );
    assert!(!sandbox.join("a/models.csv").exists());
    // Parts of another partition do as well, and models that two parts hold.
    part(&sandbox, "2/3", "a");
    part(&sandbox, "1/1", "a");
    merge(&sandbox, "a");
    succeeds(&sandbox, &format!("sae train {SWEEP} --out whole"));
    same(
        &results(&sandbox.join("whole")),
        &merged(&sandbox.join("a")),
    );
}

#[test]
fn what_is_no_plan_and_what_changes_a_plan_is_refused() {
    let sandbox = with_data();
    succeeds(&sandbox, &format!("sae train {TWO} --quiet --out whole"));
    for command in [
        "sae train --part 1/2 --out whole",
        "sae merge whole",
        "sae status whole",
    ] {
        sandbox.refuses(
            command,
            &[
                "whole holds no plan",
                "`harness sae plan --config whole/config.toml --out NEW`",
            ],
        );
    }
    plan(&sandbox, TWO, "a");
    sandbox.refuses(
        "sae train --part 1/2 --k 3 --out a",
        &["the configuration of a part is that of its plan"],
    );
    sandbox.refuses("sae train --part 3/2 --out a", &["such as 3/32"]);
    sandbox.refuses("sae train --part 1/2", &["--out <DIR>"]);
}

#[test]
fn a_damaged_checkpoint_is_refused_and_its_part_goes_on_once_it_is_gone() {
    let sandbox = with_data();
    plan(&sandbox, TWO, "a");
    part(&sandbox, "1/1", "a");
    let file = checkpoint(&sandbox, "a/parts/1-of-1", "topk-n8-k2-seed0");
    flip_a_bit(&file);
    let again = "`harness sae train --part 1/1 --out a`";
    for command in [
        "sae merge a --wait 0 --quiet",
        "sae train --part 1/1 --out a --quiet",
    ] {
        sandbox.refuses(
            command,
            &["topk-n8-k2-seed0", "is damaged", "remove it", again],
        );
    }
    std::fs::remove_file(&file).unwrap();
    sandbox.refuses(
        "sae merge a --wait 0 --quiet",
        &[
            "1 of the 2 units of a are not there: models topk-n8-k2-seed0",
            again,
        ],
    );
    part(&sandbox, "1/1", "a");
    merge(&sandbox, "a");
    succeeds(&sandbox, &format!("sae train {TWO} --quiet --out whole"));
    same(
        &results(&sandbox.join("whole")),
        &merged(&sandbox.join("a")),
    );
}

#[test]
fn another_checkpoint_in_the_place_of_one_is_noticed() {
    let sandbox = with_data();
    plan(&sandbox, TWO, "a");
    part(&sandbox, "1/1", "a");
    let [theirs, ours] = ["topk-n8-k1-seed0", "topk-n8-k2-seed0"]
        .map(|model| checkpoint(&sandbox, "a/parts/1-of-1", model));
    let sound = std::fs::read(&ours).unwrap();
    std::fs::copy(theirs, &ours).unwrap();
    sandbox.refuses(
        "sae merge a --wait 0 --quiet",
        &[
            "is from another training: it has `topk-n8-k1-seed0`",
            "`harness sae train --part 1/1 --out a`",
        ],
    );
    // The right file is beside it in another part.
    let name = ours.strip_prefix(sandbox.join("a/parts/1-of-1")).unwrap();
    let right = sandbox.join("a/parts/1-of-2").join(name);
    std::fs::create_dir_all(right.parent().unwrap()).unwrap();
    std::fs::write(right, sound).unwrap();
    sandbox.refuses(
        "sae merge a --wait 0 --quiet",
        &[
            "are pieces of the same unit, but not the same",
            "remove a/parts/1-of-1/models/checkpoints/topk-n8-k2-seed0 and a/parts/1-of-2/models",
            "`harness sae train --part 1/1 --out a`",
            "`harness sae train --part 1/2 --out a`",
        ],
    );
}

#[test]
fn another_configuration_version_or_instruction_set_is_refused_with_the_way_out() {
    let sandbox = with_data();
    plan(&sandbox, TWO, "a");
    part(&sandbox, "1/2", "a");
    let commands = [
        "sae train --part 2/2 --out a --quiet",
        "sae merge a --wait 0 --quiet",
    ];
    let refuses = |parts: &[&str]| {
        for command in commands {
            sandbox.refuses(command, parts);
        }
    };
    let anew = "`harness sae plan --config a/config.toml --out NEW`";

    let config = sandbox.read("a/config.toml");
    edit(&sandbox, "a/config.toml", |text| {
        text.replace("batch = 64", "batch = 32")
    });
    refuses(&["a/config.toml was changed after the plan was made", anew]);
    sandbox.write("a/config.toml", &config);

    let manifest = sandbox.read("a/manifest.json");
    edit(&sandbox, "a/manifest.json", |text| {
        let ours = format!("\"harness\": \"{}\"", env!("CARGO_PKG_VERSION"));
        text.replace(&ours, "\"harness\": \"0.0.1\"")
    });
    refuses(&[
        "a was planned by version 0.0.1",
        "one version for all parts",
        anew,
    ]);
    sandbox.write("a/manifest.json", &manifest);

    // A part of another training, in the place of a part of this one.
    let theirs = "a/parts/1-of-2/config.toml";
    edit(&sandbox, theirs, |text| {
        text.replace("batch = 64", "batch = 32")
    });
    let again = "remove it, and train it again by `harness sae train --part 1/2 --out a`";
    for command in [commands[1], "sae train --part 1/2 --out a --quiet"] {
        sandbox.refuses(
            command,
            &[
                "a/parts/1-of-2 was trained with `batch = 32`, and this training has `batch = 64`",
                again,
            ],
        );
    }
    sandbox.write(theirs, &config);
    edit(&sandbox, "a/parts/1-of-2/manifest.json", |text| {
        text.replace("\"isa\": \"", "\"isa\": \"x")
    });
    sandbox.refuses(
        commands[1],
        &["a/parts/1-of-2 was trained with isa =", again],
    );

    if kernels::Isa::detect().name() != "portable" {
        for arguments in commands {
            let mut command = sandbox.harness(arguments);
            command.env("KERNELS_ISA", "portable");
            refused(
                command,
                &["a is planned for the instruction set", "plan it anew"],
            );
        }
    }
}

#[test]
fn data_that_changed_since_the_plan_are_refused() {
    let sandbox = with_data();
    plan(&sandbox, TWO, "a");
    part(&sandbox, "1/2", "a");
    let original = sandbox.bytes("x.npy");
    let other = |row, column| sparse(row, column) + 1.0;
    sandbox.write("x.npy", npy::rows(600, WIDTH, other));
    let before = files(&sandbox.join("a"));
    let changed = [
        "the data are not those that a was planned on: data_checksum was",
        "put them back as they were",
        "`harness sae plan --config a/config.toml --out NEW`",
    ];
    sandbox.refuses("sae train --part 2/2 --out a --quiet", &changed);
    same(&before, &files(&sandbox.join("a")));
    assert!(!sandbox.join("a/parts/2-of-2").exists());
    sandbox.write("x.npy", &original);
    part(&sandbox, "2/2", "a");
    sandbox.write("x.npy", npy::rows(600, WIDTH, other));
    sandbox.refuses("sae merge a --wait 0 --quiet", &changed);
    sandbox.write("x.npy", &original);
    merge(&sandbox, "a");
}

#[cfg(unix)]
#[test]
fn a_killed_part_goes_on_by_its_command_again() {
    let sandbox = with_data();
    let long = TWO.replace("--samples 2000", "--samples 200000");
    plan(&sandbox, &long, "a");
    let command = "sae train --part 1/1 --threads 1 --quiet --out a";
    let mut child = sandbox.start(command);
    let begun = sandbox.join("a/parts/1-of-1/models/checkpoints");
    crate::common::wait_until("a checkpoint", || {
        begun.exists() && files(&begun).keys().any(|name| name.ends_with(".ckpt"))
    });
    child.kill().unwrap();
    child.wait().unwrap();
    part(&sandbox, "1/1", "a");
    merge(&sandbox, "a");
    succeeds(&sandbox, &format!("sae train {long} --quiet --out whole"));
    same(
        &results(&sandbox.join("whole")),
        &merged(&sandbox.join("a")),
    );
}
