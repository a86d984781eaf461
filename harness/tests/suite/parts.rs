//! A run in parts: the bytes of one machine, whatever the number of parts, and what a user is told where one is missing,
//! damaged or of another run.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::store::checkpoint::Snapshot;
use kernels::Isa;

use crate::common::{Sandbox, flip_a_bit, refused, results, same, send, wait_until};

/// Experiments that need no others, and some that do, at sizes of a moment.
const SUITE: &str = r#"
preset = "quick"
seeds = 2
experiments = ["compressed-computation", "rescale", "tradeoff", "encoders", "unfinished-features"]

[compressed-computation]
steps = 20
held_out = 100

[homogeneity]
samples = 100
features_of_interest = 2

[near-orthogonality]
most = 64

[tradeoff]
most = 64
samples = 100
features_of_interest = 2
positive_shares = [0.5, 0.7, 1.0]

[multilayer]
epochs = 120
datapoints = [48, 96]
other_seeds = 0
long_epochs = 1
curve.seeds = 1
curve.steps = 20
curve.epochs = 10
capacity.seeds = 1
capacity.steps = 20

[encoders]
rates = [1.0]
free_steps = 3
stream_steps = 20
held_out = 100
training.steps = 12

[unfinished-features]
training.steps = 20
"#;

/// One experiment whose units take a moment.
const SMALL: &str = "--preset quick --seeds 2 --set compressed-computation.steps=3 \
    --set compressed-computation.held_out=100";

/// The results of a run, without what only a run in parts has.
fn merged(folder: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut found = results(folder);
    found.retain(|name, _| name != "plan.csv" && !name.starts_with("parts/"));
    found
}

fn succeeds(sandbox: &Sandbox, arguments: &str) {
    sandbox.harness(arguments).assert().success();
}

/// A run in the folder `run` that is planned, and parts of it that are computed.
fn planned(parts: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    let plan = format!("plan compressed-computation {SMALL} --out run");
    succeeds(&sandbox, &plan);
    for part in parts {
        succeeds(&sandbox, &format!("run --part {part} --out run --quiet"));
    }
    sandbox
}

/// The file of a piece in a part.
fn a_piece(sandbox: &Sandbox, part: &str) -> PathBuf {
    let checkpoints = sandbox.join(&format!(
        "run/parts/{part}/compressed-computation/checkpoints"
    ));
    let unit = fs::read_dir(checkpoints).unwrap().next().unwrap().unwrap();
    let file = fs::read_dir(unit.path()).unwrap().next().unwrap().unwrap();
    file.path()
}

#[test]
fn parts_merge_to_the_bytes_of_one_machine() {
    let sandbox = Sandbox::new();
    sandbox.write("suite.toml", SUITE);
    succeeds(&sandbox, "run --config suite.toml --quiet --out one");
    let one = merged(&sandbox.join("one"));
    for parts in [1, 2, 3, 7] {
        let run = format!("in-{parts}");
        succeeds(&sandbox, &format!("plan --config suite.toml --out {run}"));
        // Twice over, since some need what others compute, and in any order.
        let compute = |part: usize| {
            let threads = 1 + part % 2;
            let part = format!("--part {part}/{parts} --threads {threads}");
            succeeds(&sandbox, &format!("run {part} --quiet --out {run}"));
        };
        (1..=parts).for_each(compute);
        if parts == 3 {
            // What others need may be concluded in between.
            succeeds(&sandbox, &format!("merge --needed --quiet {run}"));
            assert!(sandbox.join(&run).join("multilayer/measures.csv").exists());
            assert!(!sandbox.join(&run).join("claims.csv").exists());
        }
        (1..=parts).rev().for_each(compute);
        succeeds(&sandbox, &format!("merge --quiet {run}"));
        same(&one, &merged(&sandbox.join(&run)));
    }
    // Merging what is merged changes nothing.
    succeeds(&sandbox, "merge --quiet in-3");
    same(&one, &merged(&sandbox.join("in-3")));
}

#[test]
fn what_other_parts_have_not_computed_yet_is_waited_for() {
    let sandbox = Sandbox::new();
    let plan =
        "plan tradeoff --preset quick --seeds 1 --set tradeoff.most=64 --set tradeoff.samples=100";
    succeeds(
        &sandbox,
        &format!("{plan} --set near-orthogonality.most=64 --out run"),
    );
    let output = sandbox
        .harness("run --part 1/2 --out run")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("those of tradeoff need units"), "{text}");
    sandbox.refuses(
        "merge run",
        &[
            "tradeoff seed0",
            "near-orthogonality",
            "--part 1/2 --out run",
        ],
    );
    for part in ["2/2", "1/2"] {
        succeeds(&sandbox, &format!("run --part {part} --out run"));
    }
    let status = sandbox.harness("status run").output().unwrap();
    let text = String::from_utf8(status.stdout).unwrap();
    assert!(text.starts_with("3 of 3 units are there, 100 %"), "{text}");
    succeeds(&sandbox, "merge run --quiet");
}

#[test]
fn units_may_be_listed_and_computed_twice() {
    let sandbox = planned(&["1/2", "2/2"]);
    let plan = sandbox.read("run/plan.csv");
    let first: Vec<&str> = plan.lines().take(3).collect();
    sandbox.write("some.csv", first.join("\n") + "\n");
    succeeds(&sandbox, "run --units some.csv --out run --quiet");
    assert!(sandbox.join("run/parts/units-some").is_dir());
    succeeds(&sandbox, "merge run --quiet");
    sandbox.write("some.csv", plan.replace("seed1", "seed7"));
    sandbox.refuses(
        "run --units some.csv --out run",
        &["some.csv", "seed7", "plan.csv"],
    );
}

#[test]
fn what_is_missing_is_named_with_the_command_that_computes_it() {
    let sandbox = planned(&[]);
    sandbox.refuses(
        "merge run",
        &[
            "6 of the 6 units",
            "no part",
            "harness run --part 1/N --out run",
        ],
    );
    let sandbox = planned(&["1/3", "3/3"]);
    sandbox.refuses(
        "merge run",
        &["compressed-computation", "harness run --part 2/3 --out run"],
    );
    let status = sandbox.harness("status run").output().unwrap();
    let text = String::from_utf8(status.stdout).unwrap();
    assert!(text.contains("not begun, of 3 parts: 2"), "{text}");
    // A part that says it is complete is waited for a while.
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
    fs::write(&piece, &whole[..whole.len() / 2]).unwrap();
    sandbox.refuses("merge run", &[name, "damaged", again]);
    // The same unit with other bytes in another part.
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
        &["not the same", "2-of-2", "units-other", again],
    );
    fs::remove_dir_all(sandbox.join("run/parts/units-other")).unwrap();
    assert!(!sandbox.join("run/claims.csv").exists());
    succeeds(&sandbox, "merge run --quiet");
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
    let mut names = Isa::NAMES.iter();
    let missing = names
        .find(|name| !available.contains(name))
        .unwrap_or(&"none");
    let config = sandbox.read("run/config.toml");
    let ours = format!("isa = \"{}\"", Isa::detect().name());
    sandbox.write(
        "run/config.toml",
        config.replace(&ours, &format!("isa = \"{missing}\"")),
    );
    sandbox.refuses(
        "run --part 1/2 --out run",
        &[missing, "KERNELS_ISA=", available[0]],
    );
    let other = *available.last().unwrap();
    if other != available[0] {
        sandbox.write("run/config.toml", config);
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
    sandbox.refuses(
        "run rescale --part 1/2 --out run",
        &["leave out experiments"],
    );
    sandbox.refuses(
        "run --part 1/2 --out elsewhere",
        &["holds no plan", "harness plan --out elsewhere"],
    );
    sandbox.refuses("merge elsewhere", &["holds no plan"]);
    sandbox.refuses("plan --out run", &["run", "not empty"]);
    sandbox.refuses(
        "submit slurm run --parts 0",
        &["'0'", "--parts", "1..=1000"],
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
    // As a kill leaves the folder of a part before its first file is written.
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
        --set compressed-computation.held_out=100 --set compressed-computation.steps=2000";
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

#[test]
fn the_scripts_for_slurm_hold_what_was_asked_for() {
    let sandbox = planned(&[]);
    let asked =
        "--parts 4 --cpus 2 --time 7 --memory 900 --partition short --sbatch=--account=physics";
    succeeds(&sandbox, &format!("submit slurm run {asked}"));
    let [part, submit] =
        ["part", "submit"].map(|name| sandbox.read(&format!("run/slurm/{name}.sh")));
    for line in [
        "#SBATCH --cpus-per-task=2",
        "#SBATCH --time=7",
        "#SBATCH --mem=900M",
        "#SBATCH --partition=short",
        "#SBATCH --account=physics",
        "#SBATCH --requeue",
        "run --part \"$SLURM_ARRAY_TASK_ID/4\"",
    ] {
        assert!(part.contains(line), "{line} is not in:\n{part}");
    }
    assert!(submit.contains("--array=1-4 part.sh"), "{submit}");
    assert!(!submit.contains("needed"), "{submit}");
    let program = assert_cmd::cargo::cargo_bin!("harness");
    assert!(part.contains(program.to_str().unwrap()));
}

/// A command of that name that a script finds in place of Slurm's.
#[cfg(unix)]
fn stub(sandbox: &Sandbox, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(sandbox.join("bin")).unwrap();
    let file = format!("bin/{name}");
    sandbox.write(&file, format!("#!/bin/sh\n{script}\n"));
    let permissions = fs::Permissions::from_mode(0o755);
    fs::set_permissions(sandbox.join(&file), permissions).unwrap();
}

/// A command that finds these stubs.
#[cfg(unix)]
fn with_stubs(sandbox: &Sandbox, arguments: &str) -> assert_cmd::Command {
    let mut command = sandbox.harness(arguments);
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", sandbox.join("bin").display()));
    command
}

#[cfg(unix)]
#[test]
fn jobs_are_submitted_each_after_the_one_before_and_a_refusal_is_passed_on() {
    let sandbox = Sandbox::new();
    succeeds(&sandbox, "plan tradeoff --preset quick --out run");
    stub(
        &sandbox,
        "sbatch",
        "echo \"$@\" >>../../calls; echo \"$(wc -l <../../calls);cluster\"",
    );
    with_stubs(&sandbox, "submit slurm run --parts 3 --go")
        .assert()
        .success();
    let after = |job: usize| format!("--dependency=afterok:{job} --kill-on-invalid-dep=yes");
    let calls = [
        "--parsable --array=1-3 part.sh".to_string(),
        format!("--parsable {} needed.sh", after(1)),
        format!("--parsable --array=1-3 {} part.sh", after(2)),
        format!("--parsable {} merge.sh", after(3)),
    ];
    assert_eq!(sandbox.read("calls"), calls.join("\n") + "\n");
    assert!(
        sandbox
            .read("run/slurm/needed.sh")
            .contains("merge --needed")
    );
    stub(&sandbox, "sbatch", "echo 'invalid partition' >&2; exit 1");
    refused(
        with_stubs(&sandbox, "submit slurm run --parts 3 --go"),
        &["submit.sh", "failed"],
    );
}

#[cfg(unix)]
#[test]
fn a_task_is_queued_again_as_long_as_that_helps() {
    let sandbox = planned(&[]);
    succeeds(&sandbox, "submit slurm run --parts 1");
    stub(&sandbox, "scontrol", "echo \"$@\" >>calls");
    let script = sandbox.read("run/slurm/part.sh");
    let program = assert_cmd::cargo::cargo_bin!("harness")
        .to_str()
        .unwrap()
        .to_string();
    let task = |program_instead: &str| {
        sandbox.write("part.sh", script.replace(&program, program_instead));
        let mut command = std::process::Command::new("sh");
        command.current_dir(sandbox.path()).arg("part.sh");
        command
            .env("SLURM_ARRAY_TASK_ID", "1")
            .env("SLURM_JOB_ID", "7");
        command.env("SLURM_CPUS_PER_TASK", "1");
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", sandbox.join("bin").display()));
        command
    };
    let requeued =
        || fs::read_to_string(sandbox.join("calls")).map_or(0, |calls| calls.lines().count());
    // A failure, three times; the end that scancel asks for, never.
    for times in [1, 2, 3, 3] {
        assert_eq!(task("false").status().unwrap().code(), Some(1));
        assert_eq!(requeued(), times);
    }
    sandbox.write("cancelled.sh", "exit 130");
    assert_eq!(task("sh cancelled.sh").status().unwrap().code(), Some(130));
    assert_eq!(requeued(), 3);
    // Its time is up: again if a piece is new, and not if none is.
    for (leaves, times) in [("touch run/parts/1-of-1/unit.ckpt", 4), ("true", 4)] {
        fs::create_dir_all(sandbox.join("run/parts/1-of-1")).unwrap();
        let waits = format!(
            "trap 'exit 130' TERM\nsleep 1.1\n{leaves}\ntouch ready\nwhile :; do sleep 0.05; done"
        );
        sandbox.write("waits.sh", waits);
        let mut child = task("sh waits.sh").spawn().unwrap();
        wait_until("a task", || sandbox.join("ready").exists());
        send("USR1", &child);
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert_eq!(requeued(), times, "{leaves}");
        fs::remove_file(sandbox.join("ready")).unwrap();
    }
    // What is done leaves no traces of failures.
    assert!(task(&program).status().unwrap().success());
    assert!(!sandbox.join("run/slurm/part-1.failed").exists());
}
