//! The scripts for Slurm, with stubs of its commands; `.ci/long slurm` tests them with a real one.

use std::fs;

use crate::common::succeeds;
use crate::common::{Sandbox, refused, send, wait_until};
use crate::parts::planned;

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

/// Writes a stub of a command of that name, which a script finds in place of Slurm's.
#[cfg(unix)]
fn stub(sandbox: &Sandbox, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(sandbox.join("bin")).unwrap();
    let file = format!("bin/{name}");
    sandbox.write(&file, format!("#!/bin/sh\n{script}\n"));
    let permissions = fs::Permissions::from_mode(0o755);
    fs::set_permissions(sandbox.join(&file), permissions).unwrap();
}

/// Returns a command that finds these stubs.
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
        "--parsable --array=1-3 part.sh 1".to_string(),
        format!("--parsable {} needed.sh", after(1)),
        format!("--parsable --array=1-3 {} part.sh 2", after(2)),
        format!("--parsable {} merge.sh", after(3)),
    ];
    assert_eq!(sandbox.read("calls"), calls.join("\n") + "\n");
    assert!(
        sandbox
            .read("run/slurm/needed.sh")
            .contains("merge --needed")
    );
    // The jobs are not submitted again while they are there.
    stub(
        &sandbox,
        "squeue",
        "echo \"$@\" >../../asked; echo 2 PENDING",
    );
    refused(
        with_stubs(&sandbox, "submit slurm run --parts 3 --go"),
        &[
            "the jobs 1,2,3,4 of this run may still write",
            "scancel",
            "failed",
        ],
    );
    assert_eq!(sandbox.read("asked"), "--noheader --jobs=1,2,3,4\n");
    assert_eq!(sandbox.read("calls").lines().count(), 4);
    // They are not submitted either where Slurm does not tell, or somebody else submits.
    let refuses = |words: &[&str]| {
        refused(
            with_stubs(&sandbox, "submit slurm run --parts 3 --go"),
            words,
        )
    };
    stub(
        &sandbox,
        "squeue",
        "echo 'Unable to contact slurm controller' >&2; exit 1",
    );
    refuses(&["Unable to contact", "failed"]);
    stub(
        &sandbox,
        "squeue",
        "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1",
    );
    fs::create_dir(sandbox.join("run/slurm/submitting")).unwrap();
    refuses(&["another submission", "run/slurm/submitting", "failed"]);
    fs::remove_dir(sandbox.join("run/slurm/submitting")).unwrap();
    assert_eq!(sandbox.read("calls").lines().count(), 4);
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
    // A task that fails is requeued three times; one that scancel ends is never requeued.
    for times in [1, 2, 3, 3] {
        assert_eq!(task("false").status().unwrap().code(), Some(1));
        assert_eq!(requeued(), times);
    }
    sandbox.write("cancelled.sh", "exit 130");
    assert_eq!(task("sh cancelled.sh").status().unwrap().code(), Some(130));
    assert_eq!(requeued(), 3);
    // A task whose time is up is requeued if it has left a new piece, and not if it has left none.
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
    // A task that succeeds leaves no traces of failures.
    assert!(task(&program).status().unwrap().success());
    assert!(!sandbox.join("run/slurm/part-1.failed").exists());
}
