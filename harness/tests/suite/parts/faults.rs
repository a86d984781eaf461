//! Messages where a part of a run is missing, damaged or of another run, and files that a kill leaves.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use harness::store::snapshot::Snapshot;
use kernels::Isa;

use super::{SMALL, planned, status};
use crate::common::{Sandbox, flip_a_bit, merged, refused, same, succeeds, wait_until};

/// Returns the path of a piece in a part.
fn a_piece(sandbox: &Sandbox, part: &str) -> PathBuf {
    let checkpoints = sandbox.join(&format!(
        "run/parts/{part}/compressed-computation/checkpoints"
    ));
    let file = fs::read_dir(checkpoints).unwrap().next().unwrap().unwrap();
    file.path()
}

#[test]
fn a_plan_that_was_changed_is_refused_until_it_is_put_back() {
    let sandbox = planned(&["1/2"]);
    let names = ["plan.csv", "config.toml", "manifest.json"];
    let [plan, config, manifest] = names.map(|name| sandbox.read(&format!("run/{name}")));
    let refuses = |words: &[&str]| {
        for command in [
            "run --part 2/2 --out run",
            "status run",
            "merge run",
            "submit slurm run --parts 2",
        ] {
            sandbox.refuses(command, words);
        }
    };
    let again = "`harness plan --config run/config.toml --out NEW`";
    for text in [
        String::new(),
        plan.replace("seed1", "seed7"),
        plan.lines().take(3).collect::<Vec<_>>().join("\n"),
    ] {
        sandbox.write("run/plan.csv", text);
        refuses(&["run/plan.csv", "put it back", again]);
    }
    fs::remove_file(sandbox.join("run/plan.csv")).unwrap();
    refuses(&["run holds no plan", "copy NEW/plan.csv to run", again]);
    sandbox.write("run/plan.csv", &plan);
    for (place, text) in [
        ("isa", String::new()),
        ("isa", config.replace("isa =", "# isa =")),
        ("seeds", config.replace("seeds = 2", "seeds = 3")),
        // A changed size is named, whatever the estimates of the plan say.
        (
            "held_out",
            config.replace("held_out = 100", "held_out = 101"),
        ),
    ] {
        sandbox.write("run/config.toml", text);
        refuses(&["run/config.toml has", place, "put the file back"]);
    }
    fs::remove_file(sandbox.join("run/config.toml")).unwrap();
    refuses(&["no config.toml", "put it back"]);
    sandbox.write("run/config.toml", &config);
    for wrong in ["", "{"] {
        sandbox.write("run/manifest.json", wrong);
        refuses(&[
            "run/manifest.json: it is damaged",
            "copy NEW/manifest.json",
            again,
        ]);
    }
    fs::remove_file(sandbox.join("run/manifest.json")).unwrap();
    refuses(&[
        "run holds no manifest.json",
        "copy NEW/manifest.json",
        again,
    ]);
    // All messages name this way out.
    succeeds(&sandbox, "plan --config run/config.toml --out new");
    assert_eq!(sandbox.read("new/plan.csv"), plan);
    fs::copy(
        sandbox.join("new/manifest.json"),
        sandbox.join("run/manifest.json"),
    )
    .unwrap();
    succeeds(&sandbox, "run --part 2/2 --out run --quiet");
    succeeds(&sandbox, "merge run --quiet");
    let version = format!("\"harness\": \"{}\"", env!("CARGO_PKG_VERSION"));
    sandbox.write(
        "run/manifest.json",
        manifest.replace(&version, "\"harness\": \"0.0.1\""),
    );
    refuses(&["planned by version", "0.0.1", again]);
}

#[test]
fn what_is_missing_is_named_with_the_command_that_computes_it() {
    let sandbox = planned(&[]);
    sandbox.refuses(
        "merge run",
        &["6 of the 6 units", "harness run --part 1/N --out run"],
    );
    let sandbox = planned(&["1/3", "3/3"]);
    sandbox.refuses(
        "merge run",
        &["compressed-computation", "harness run --part 2/3 --out run"],
    );
    let status = sandbox.harness("status run").output().unwrap();
    let text = String::from_utf8(status.stdout).unwrap();
    assert!(text.contains("not begun, of 3 parts: 2"), "{text}");
    // The merge waits a while for a part that says it is complete.
    succeeds(&sandbox, "run --part 2/3 --out run --quiet");
    let piece = a_piece(&sandbox, "2-of-3");
    let aside = sandbox.join("aside");
    fs::rename(&piece, &aside).unwrap();
    sandbox.refuses(
        "merge run --wait 1",
        &["may show them later", "harness run --part 2/3 --out run"],
    );
    let merging = sandbox.harness("merge run --wait 60 --quiet");
    let merging = std::thread::spawn(move || {
        let mut merging = merging;
        merging.assert().success();
    });
    std::thread::sleep(Duration::from_millis(700));
    fs::rename(&aside, &piece).unwrap();
    merging.join().unwrap();
}

#[test]
fn what_is_damaged_or_contradicts_is_named_with_the_command_that_mends_it() {
    let sandbox = planned(&["1/2", "2/2"]);
    let again = "harness run --part 2/2 --out run";
    let piece = a_piece(&sandbox, "2-of-2");
    let name = piece.to_str().unwrap().split_once("/run/").unwrap().1;
    let whole = fs::read(&piece).unwrap();
    flip_a_bit(&piece);
    sandbox.refuses("merge run", &[name, "damaged", again]);
    sandbox.refuses("run --part 2/2 --out run", &[name, "damaged", again]);
    let text = status(&sandbox, 2);
    for words in [
        "5 of 6 units are there",
        "part 2/2: 2 of 3 units",
        name,
        again,
    ] {
        assert!(text.contains(words), "{words} is not in {text}");
    }
    fs::write(&piece, &whole[..whole.len() / 2]).unwrap();
    sandbox.refuses("merge run", &[name, "damaged", again]);
    // Another part holds the same unit with other bytes.
    fs::write(&piece, &whole).unwrap();
    let unit = piece
        .strip_prefix(sandbox.join("run/parts/2-of-2"))
        .unwrap();
    let other = sandbox.join("run/parts/units-other").join(unit);
    fs::create_dir_all(other.parent().unwrap()).unwrap();
    let mut snapshot = Snapshot::decode(&whole).unwrap();
    let mut bytes: Vec<u8> = snapshot.read_vector("piece").unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    snapshot.put_vector("piece", &bytes);
    fs::write(&other, snapshot.encode()).unwrap();
    sandbox.refuses(
        "merge run",
        &[
            "not the same",
            &format!("remove run/{name} and run/parts/units-other/"),
            "units-other",
            again,
        ],
    );
    fs::remove_dir_all(sandbox.join("run/parts/units-other")).unwrap();
    assert!(!sandbox.join("run/claims.csv").exists());
    // A piece of another run.
    let plan = format!("plan compressed-computation {SMALL} --out other");
    succeeds(&sandbox, &plan.replace("held_out=100", "held_out=101"));
    succeeds(&sandbox, "run --part 2/2 --out other --quiet");
    let theirs = sandbox
        .join("other")
        .join(piece.strip_prefix(sandbox.join("run")).unwrap());
    fs::copy(theirs, &piece).unwrap();
    for command in ["merge run", "run --part 2/2 --out run"] {
        sandbox.refuses(command, &[name, "held_out = 101", "remove it", again]);
    }
    fs::remove_file(&piece).unwrap();
    succeeds(&sandbox, "run --part 2/2 --out run --quiet");
    // A manifest of a part, and that of the run, that is cut short.
    let manifest = sandbox.join("run/parts/2-of-2/manifest.json");
    fs::write(&manifest, "{").unwrap();
    for command in ["merge run", "run --part 2/2 --out run"] {
        sandbox.refuses(
            command,
            &["2-of-2/manifest.json: it is damaged", "remove it", again],
        );
    }
    fs::remove_file(&manifest).unwrap();
    succeeds(&sandbox, "run --part 2/2 --out run --quiet");
    succeeds(&sandbox, "merge run --quiet");
    let merged_before = merged(&sandbox.join("run"));
    let text = status(&sandbox, 0);
    assert!(text.starts_with("merged: run/report.html"), "{text}");
    sandbox.write("run/manifest.json", "{");
    sandbox.refuses(
        "merge run",
        &["run/manifest.json: it is damaged", "copy NEW/manifest.json"],
    );
    succeeds(&sandbox, "plan --config run/config.toml --out new");
    fs::copy(
        sandbox.join("new/manifest.json"),
        sandbox.join("run/manifest.json"),
    )
    .unwrap();
    fs::remove_dir_all(sandbox.join("run/compressed-computation")).unwrap();
    succeeds(&sandbox, "merge run --quiet");
    same(&merged_before, &merged(&sandbox.join("run")));
    flip_a_bit(&sandbox.join("run/compressed-computation/measures.csv"));
    for command in ["merge run", "report run"] {
        sandbox.refuses(
            command,
            &["remove run/compressed-computation", "`harness merge run`"],
        );
    }
}

#[test]
fn a_damaged_table_between_two_rounds_is_concluded_again() {
    let sandbox = Sandbox::new();
    let plan =
        "plan tradeoff --preset quick --seeds 1 --set tradeoff.most=64 --set tradeoff.samples=100";
    let set = "--set near-orthogonality.most=64";
    succeeds(&sandbox, &format!("{plan} {set} --out a&b"));
    let part = "run --part 1/1 --out a&b --quiet";
    succeeds(&sandbox, part);
    succeeds(&sandbox, "merge --needed a&b --quiet");
    flip_a_bit(&sandbox.join("a&b/near-orthogonality/measures.csv"));
    let again = "`harness merge --needed 'a&b'`"; // As a shell reads it.
    for command in [part, "merge --needed a&b --quiet"] {
        sandbox.refuses(command, &["remove a&b/near-orthogonality", again]);
    }
    fs::remove_dir_all(sandbox.join("a&b/near-orthogonality")).unwrap();
    succeeds(&sandbox, "merge --needed a&b --quiet");
    succeeds(&sandbox, part);
    succeeds(&sandbox, "merge a&b --quiet");
}

#[test]
fn a_part_of_another_version_or_instruction_set_is_refused() {
    let sandbox = planned(&["1/2", "2/2"]);
    let manifest = sandbox.read("run/parts/1-of-2/manifest.json");
    let version = format!("\"harness\": \"{}\"", env!("CARGO_PKG_VERSION"));
    let isa = format!("\"isa\": \"{}\"", Isa::detect().name());
    for (ours, theirs) in [
        (version, "\"harness\": \"0.0.1\""),
        (isa, "\"isa\": \"other\""),
    ] {
        assert!(manifest.contains(&ours));
        sandbox.write(
            "run/parts/1-of-2/manifest.json",
            manifest.replace(&ours, theirs),
        );
        for command in ["merge run", "run --part 1/2 --out run"] {
            sandbox.refuses(
                command,
                &["1-of-2", "remove it", "harness run --part 1/2 --out run"],
            );
        }
    }
    sandbox.write("run/parts/1-of-2/manifest.json", manifest);
    succeeds(&sandbox, "merge run --quiet");
}

#[test]
fn a_machine_without_the_instruction_set_of_the_plan_says_so() {
    let sandbox = planned(&[]);
    let available: Vec<_> = Isa::available().into_iter().map(Isa::name).collect();
    let config = sandbox.read("run/config.toml");
    let manifest = sandbox.read("run/manifest.json");
    let mut names = Isa::NAMES.iter();
    // On a machine that has all instruction sets, this cannot be tested.
    if let Some(missing) = names.find(|name| !available.contains(name)) {
        let ours = format!("isa = \"{}\"", Isa::detect().name());
        let theirs = format!("isa = \"{missing}\"");
        sandbox.write("run/config.toml", config.replace(&ours, &theirs));
        let planned = format!("\"isa\": \"{}\"", Isa::detect().name());
        let theirs = format!("\"isa\": \"{missing}\"");
        sandbox.write("run/manifest.json", manifest.replace(&planned, &theirs));
        sandbox.refuses(
            "run --part 1/2 --out run",
            &[missing, "KERNELS_ISA=", available[0]],
        );
    }
    let other = *available.last().unwrap();
    if other != available[0] {
        sandbox.write("run/config.toml", config);
        sandbox.write("run/manifest.json", manifest);
        let mut command = sandbox.harness("run --part 1/2 --out run");
        command.env("KERNELS_ISA", other);
        refused(command, &[available[0], "KERNELS_ISA"]);
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let sandbox = planned(&[]);
    sandbox.refuses("run --part 3/2 --out run", &["3/2", "such as 3/32"]);
    sandbox.refuses("run --part 1/2", &["--out"]);
    sandbox.refuses("run --rounds 1 --out run", &["--part"]);
    sandbox.refuses(
        "run rescale --part 1/2 --out run",
        &["leave out experiments"],
    );
    sandbox.refuses(
        "run --part 1/2 --out elsewhere",
        &["there is no folder elsewhere", "harness plan --help"],
    );
    sandbox.refuses("merge elsewhere", &["there is no folder elsewhere"]);
    std::fs::create_dir(sandbox.join("empty")).unwrap();
    sandbox.refuses(
        "merge empty",
        &["empty holds no plan: there is no plan.csv in it"],
    );
    sandbox.refuses("plan --out run", &["run", "holds another run"]);
    sandbox.refuses(
        "submit slurm run --parts 0",
        &["'0'", "--parts", "it must be 1 to 1000"],
    );
    for (wrong, words) in [
        ("--time 0", "--time"),
        ("--memory 0", "--memory"),
        ("--cpus 0", "--cpus"),
        ("--sbatch=foo", "--sbatch"),
    ] {
        sandbox.refuses(&format!("submit slurm run --parts 2 {wrong}"), &[words]);
    }
    for command in [
        "status run",
        "merge run",
        "submit slurm run --parts 2",
        "train --part 1/2 --out run",
    ] {
        sandbox.refuses(
            &format!("sae {command}"),
            &["planned by `harness plan`", "without sae"],
        );
    }
    assert!(!sandbox.join("elsewhere").exists() && !sandbox.join("run/slurm").exists());
}

#[test]
fn what_a_kill_leaves_of_a_piece_is_no_piece() {
    let sandbox = planned(&["1/2", "2/2"]);
    let piece = a_piece(&sandbox, "2-of-2");
    fs::rename(&piece, piece.with_file_name(".harness-tmp-abcdef")).unwrap();
    let status = sandbox.harness("status run").output().unwrap();
    let text = String::from_utf8(status.stdout).unwrap();
    assert!(text.starts_with("5 of 6 units are there"), "{text}");
    sandbox.refuses(
        "merge run --wait 0",
        &["1 of the 6 units", "--part 2/2 --out run"],
    );
    // The folder of a part is as a kill leaves it before the part's first file is written.
    fs::remove_file(sandbox.join("run/parts/2-of-2/manifest.json")).unwrap();
    succeeds(&sandbox, "run --part 2/2 --out run --quiet");
    assert!(!piece.with_file_name(".harness-tmp-abcdef").exists());
    succeeds(&sandbox, "merge run --quiet");
}

#[cfg(unix)]
#[test]
fn a_part_that_is_killed_goes_on() {
    let sandbox = Sandbox::new();
    let plan = "plan compressed-computation --preset quick --seeds 1 \
        --set compressed-computation.held_out=100 --set compressed-computation.steps=700";
    succeeds(&sandbox, &format!("{plan} --out run"));
    let mut child = sandbox.start("run --part 1/1 --threads 1 --out run");
    let checkpoints = sandbox.join("run/parts/1-of-1/compressed-computation/checkpoints");
    wait_until("a checkpoint", || {
        fs::read_dir(&checkpoints).is_ok_and(|mut entries| entries.next().is_some())
    });
    child.kill().unwrap();
    child.wait().unwrap();
    sandbox.refuses("merge run", &["are not there", "--part 1/1 --out run"]);
    succeeds(&sandbox, "run --part 1/1 --out run --quiet");
    succeeds(&sandbox, "merge run --quiet");
    succeeds(
        &sandbox,
        &format!("{} --quiet --out one", plan.replacen("plan", "run", 1)),
    );
    same(&merged(&sandbox.join("one")), &merged(&sandbox.join("run")));
}

#[cfg(unix)]
#[test]
fn a_full_disk_in_a_part_and_two_merges_at_once_lose_nothing() {
    use crate::common::under;
    let sandbox = planned(&["1/2"]);
    refused(
        under(
            "trap '' XFSZ; ulimit -f 1",
            &sandbox,
            "run --part 2/2 --out run",
        ),
        &["run/parts/2-of-2"],
    );
    succeeds(&sandbox, "run --part 2/2 --out run --quiet");
    let lock = fs::File::create(sandbox.join("run/.harness.lock")).unwrap();
    lock.lock().unwrap();
    sandbox.refuses("merge run", &["run", "is being written"]);
    drop(lock);
    succeeds(&sandbox, "merge run --quiet");
}
