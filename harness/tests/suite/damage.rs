//! Results that were changed after the run are named, are not used, and can be computed again.

use crate::common::{Sandbox, files, flip_a_bit, results, same};

/// The tables that `report` and `--resume` read back.
const TABLES: [&str; 5] = [
    "run.csv",
    "claims.csv",
    "response/curves.csv",
    "response/non-homogeneity.csv",
    "response/measures.csv",
];

/// Damages a file of the run in `a` in several ways, and checks that the command names it each time and changes
/// nothing.
#[track_caller]
fn names_damage(sandbox: &Sandbox, file: &str, command: &str) {
    let path = sandbox.join("a").join(file);
    let sound = std::fs::read(&path).unwrap();
    let folder = file.split('/').next().unwrap();
    let way_out = format!("remove a/{folder} and let `harness run --resume a` compute it again");
    let refuses = |wrong: &str| {
        let before = files(&sandbox.join("a"));
        sandbox.refuses(command, &[&format!("a/{file} {wrong}"), &way_out]);
        same(&before, &files(&sandbox.join("a")));
    };
    flip_a_bit(&path);
    refuses("was changed after the run");
    for cut in [0, 1, sound.len() / 2, sound.len() - 1] {
        std::fs::write(&path, &sound[..cut]).unwrap();
        refuses("was changed after the run");
    }
    // These bytes are neither a table nor UTF-8.
    std::fs::write(&path, [0xff; 9]).unwrap();
    refuses("was changed after the run");
    std::fs::write(&path, sound).unwrap();
}

#[test]
fn report_names_every_damaged_table() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    let sound = results(&sandbox.join("a"));
    for file in TABLES {
        names_damage(&sandbox, file, "report a");
    }
    std::fs::remove_file(sandbox.join("a/response/measures.csv")).unwrap();
    sandbox.refuses("report a", &["a/response/measures.csv is missing"]);
    sandbox.harness("run --resume a --quiet").assert().success();
    same(&sound, &results(&sandbox.join("a")));
    flip_a_bit(&sandbox.join("a/claims.csv"));
    sandbox.refuses("list --markdown a", &["a/claims.csv was changed"]);
}

#[test]
fn resume_names_every_damaged_table_and_computes_what_was_removed() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    let sound = results(&sandbox.join("a"));
    for file in &TABLES[2..] {
        names_damage(&sandbox, file, "run --resume a --quiet");
    }
    std::fs::remove_file(sandbox.join("a/response/curves.csv")).unwrap();
    sandbox.refuses(
        "run --resume a --quiet",
        &["a/response/curves.csv is missing"],
    );
    std::fs::remove_dir_all(sandbox.join("a/response")).unwrap();
    // These two are written anew in any case.
    for file in &TABLES[..2] {
        flip_a_bit(&sandbox.join("a").join(file));
    }
    sandbox.harness("run --resume a --quiet").assert().success();
    same(&sound, &results(&sandbox.join("a")));
}

#[test]
fn a_damaged_manifest_is_named() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    let manifest = sandbox.join("a/manifest.json");
    let sound = std::fs::read(&manifest).unwrap();
    let way_out = ["a/manifest.json: it is damaged", "--config", "config.toml"];
    for bytes in [&sound[..0], &sound[..sound.len() / 2], b"\xff"] {
        std::fs::write(&manifest, bytes).unwrap();
        sandbox.refuses("report a", &way_out);
        sandbox.refuses("run --resume a", &way_out);
    }
    let text = String::from_utf8(sound).unwrap();
    std::fs::write(&manifest, text.replace("curves.csv", "curves.csw")).unwrap();
    let strange = ["a/response/curves.csv is not among the checksums"];
    sandbox.refuses("report a", &strange);
    sandbox.refuses("run --resume a", &["a/response/curves.csw is missing"]);
}

#[test]
fn a_refused_resume_leaves_the_profile() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    std::fs::create_dir(sandbox.join("a/profile")).unwrap();
    sandbox.write("a/profile/kernels.csv", "hours of measuring");
    flip_a_bit(&sandbox.join("a/response/curves.csv"));
    let before = files(&sandbox.join("a"));
    sandbox.refuses(
        "run --resume a --quiet",
        &["a/response/curves.csv was changed"],
    );
    same(&before, &files(&sandbox.join("a")));
}
