//! Runs where the file system or the user's umask is unusual. A library that is preloaded before the C library imitates
//! a file system on which some calls fail; the C compiler that builds it is there since Rust links with it.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use assert_cmd::Command;
use nix::errno::Errno::{
    self, EACCES, EDQUOT, EINVAL, EIO, ENOLCK, ENOSPC, ENOSYS, EOPNOTSUPP, EPERM, EROFS, ESTALE,
};

use crate::common::{SMALL, Sandbox, files, refused, results, same, wait_until};

/// Compiles the library that makes calls fail.
fn shim(sandbox: &Sandbox) -> PathBuf {
    let library = sandbox.join("shim.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/file_systems/shim.c");
    let status = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .status()
        .expect("this test needs a C compiler, `cc`");
    assert!(
        status.success(),
        "`cc` does not compile {}",
        source.display()
    );
    library
}

/// Returns `harness` where some calls fail on the folder `a` and everything in it.
fn faulty(sandbox: &Sandbox, arguments: &str, faults: &[(&str, Errno)]) -> Command {
    let faults: Vec<_> = faults
        .iter()
        .map(|(call, e)| format!("{call}={}", *e as i32))
        .collect();
    let mut command = sandbox.harness(arguments);
    command
        .env("LD_PRELOAD", shim(sandbox))
        .env(
            "SHIM_FOLDER",
            fs::canonicalize(sandbox.path()).unwrap().join("a"),
        )
        .env("SHIM_FAULTS", faults.join(" "));
    command
}

/// Runs, resumes and reports in `a`; each time the results are those of an undisturbed run, and stderr has one line for
/// each of `warnings`, which holds that text.
#[track_caller]
fn goes_on(faults: &[(&str, Errno)], warnings: &[&str]) {
    let sandbox = Sandbox::new();
    sandbox.small_run("sound");
    let sound = results(&sandbox.join("sound"));
    let run = format!("run {SMALL} --out a");
    for command in [run.as_str(), "run --resume a --quiet", "report a"] {
        let output = faulty(&sandbox, command, faults).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{command}, {faults:?}: {told}");
        assert_eq!(
            told.lines().count(),
            warnings.len(),
            "{command}, {faults:?}: {told}"
        );
        for (line, warning) in told.lines().zip(warnings) {
            assert!(
                line.starts_with("warning: ") && line.contains(warning),
                "{faults:?}: {told}"
            );
        }
        same(&sound, &results(&sandbox.join("a")));
    }
}

#[test]
fn what_is_not_vital_is_gone_without_after_one_warning() {
    let unlocked = "the file system of a has no locks";
    let unflushed = "the file system of a cannot flush to disk";
    // No run needs this call.
    goes_on(&[("fchmod", EPERM)], &[]);
    for e in [ENOLCK, EOPNOTSUPP, ENOSYS] {
        goes_on(&[("flock", e)], &[unlocked]);
    }
    for e in [EINVAL, EOPNOTSUPP] {
        goes_on(&[("fsync", e)], &[unflushed]);
        goes_on(&[("fsync-folder", e)], &[unflushed]);
    }
    let everything = ["fchmod", "flock", "fsync", "fsync-folder"].map(|call| (call, ENOSYS));
    goes_on(&everything, &[unlocked, unflushed]);
    // Where a file has no lasting identity, it cannot be told whether the lock is still in its place.
    goes_on(
        &[("identity", EIO)],
        &["it does not tell one file from another"],
    );
}

#[test]
fn what_is_vital_ends_the_run_and_is_named() {
    for (faults, parts) in [
        (
            &[("fsync", EIO)][..],
            ["cannot flush a/config.toml: ", "another file system"],
        ),
        (
            &[("fsync", ENOSPC)],
            ["cannot flush a/config.toml: ", "free some space"],
        ),
        (
            &[("fsync", EDQUOT)],
            ["cannot flush a/config.toml: ", "free some space"],
        ),
        (
            &[("fsync", EINVAL), ("close", ENOSPC)],
            ["cannot write a/config.toml: ", "free some space"],
        ),
        (
            &[("flock", EIO)],
            ["cannot lock a/.harness.lock: ", "another file system"],
        ),
        (
            &[("write", ESTALE)],
            ["cannot create a: ", "mount its file system again"],
        ),
        (
            &[("write", EROFS)],
            ["cannot create a: ", "that you may write to"],
        ),
    ] {
        let sandbox = Sandbox::new();
        refused(
            faulty(&sandbox, &format!("run {SMALL} --out a"), faults),
            &parts,
        );
        let left = sandbox.path().join("a");
        assert!(!left.exists() || files(&left).keys().all(|name| name == ".harness.lock"));
    }
}

/// A folder is flushed after its file is in place, so that a power cut does not remove the file's name.
#[test]
fn a_folder_is_flushed_after_its_file_is_in_place() {
    let sandbox = Sandbox::new();
    let run = faulty(
        &sandbox,
        &format!("run {SMALL} --out a"),
        &[("fsync-folder", EIO)],
    );
    refused(run, &["cannot flush a: "]);
    assert_eq!(
        files(&sandbox.join("a")).into_keys().collect::<Vec<_>>(),
        ["config.toml"]
    );
}

#[test]
fn a_run_on_a_read_only_medium_is_drawn_elsewhere() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    for e in [EROFS, EACCES] {
        let why = Errno::desc(e);
        let parts = [
            "cannot write a/.harness.lock: ",
            why,
            "that you may write to",
        ];
        refused(faulty(&sandbox, "report a", &[("write", e)]), &parts);
        // A report elsewhere does not write to the run, not even for a moment.
        let out = format!("out-{e:?}");
        let report = faulty(&sandbox, &format!("report a --out {out}"), &[("write", e)]).output();
        let report = report.unwrap();
        assert!(
            report.status.success(),
            "{}",
            String::from_utf8_lossy(&report.stderr)
        );
        assert_eq!(
            String::from_utf8(report.stdout).unwrap(),
            format!("{out}/report.html\n")
        );
        let mut sound = results(&sandbox.join("a"));
        sound.remove("config.toml");
        same(&sound, &files(&sandbox.join(&out)));
    }
}

/// Adds the path and the mode of a file or folder, and of everything in it.
fn modes(path: &Path, found: &mut Vec<(PathBuf, u32)>) {
    let about = path.symlink_metadata().unwrap();
    found.push((path.to_path_buf(), about.permissions().mode() & 0o7777));
    if about.is_dir() {
        let entries = fs::read_dir(path).unwrap();
        entries.for_each(|entry| modes(&entry.unwrap().path(), found));
    }
}

/// Starts `harness` under a umask.
fn under(umask: &str, sandbox: &Sandbox, arguments: &str) -> std::process::Child {
    std::process::Command::new("sh")
        .args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")])
        .arg(assert_cmd::cargo::cargo_bin!("harness"))
        .args(arguments.split_whitespace())
        .current_dir(sandbox.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn the_umask_decides_on_the_permissions_of_everything() {
    for (umask, file, folder) in [
        ("077", 0o600, 0o700),
        ("027", 0o640, 0o750),
        ("002", 0o664, 0o775),
        ("000", 0o666, 0o777),
    ] {
        let sandbox = Sandbox::new();
        // This holds for a whole run, and for one that is cut short, with its lock and its checkpoints.
        let mut whole = under(umask, &sandbox, &format!("run {SMALL} --out out/whole"));
        assert!(whole.wait().unwrap().success());
        let cut = "run recovery --preset quick --seeds 1 --checkpoint-every 0.005 --out out/cut";
        let mut cut = under(umask, &sandbox, cut);
        let checkpoints = sandbox.join("out/cut/recovery/checkpoints");
        let is_there = || {
            let mut found = Vec::new();
            if checkpoints.is_dir() {
                modes(&checkpoints, &mut found);
            }
            found
                .iter()
                .any(|(path, _)| path.extension().is_some_and(|e| e == "ckpt"))
        };
        wait_until("a checkpoint", is_there);
        cut.kill().unwrap();
        cut.wait().unwrap();
        let mut found = Vec::new();
        modes(&sandbox.join("out"), &mut found);
        for (path, mode) in &found {
            let expected = if path.is_dir() { folder } else { file };
            assert_eq!(
                *mode,
                expected,
                "umask {umask}: {} has mode {mode:o}",
                path.display()
            );
        }
        for name in ["whole/report.html", "cut/.harness.lock"] {
            assert!(
                found.iter().any(|(path, _)| path.ends_with(name)),
                "no {name}"
            );
        }
    }
}

/// A report that goes elsewhere makes and removes no file or folder of the run, however briefly.
#[test]
fn a_report_that_goes_elsewhere_does_not_touch_the_run() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    let changed = |name: &str| {
        let about = sandbox.join(name).metadata().unwrap();
        (about.ctime(), about.ctime_nsec())
    };
    let times = || ["a", "a/response", "a/report.html", "a/claims.csv"].map(changed);
    let before = times();
    sandbox.harness("report a --out b/c").assert().success();
    assert_eq!(before, times());
    let written = files(&sandbox.join("b/c"));
    for (name, bytes) in &written {
        assert!(
            *bytes == fs::read(sandbox.join("a").join(name)).unwrap(),
            "{name} differs"
        );
    }
    // The new folder is as good to report on again.
    sandbox.harness("report b/c").assert().success();
    same(&written, &files(&sandbox.join("b/c")));
    // A report does not go into the folder itself, into one in it, or into one that is not empty.
    sandbox.refuses(
        "report a --out a",
        &["a lies in a; choose a new or empty folder"],
    );
    sandbox.refuses("report a --out a/new", &["a/new lies in a; choose"]);
    sandbox.refuses("report a --out b", &["b is not empty (it holds c)"]);
    assert!(!sandbox.join("a/new").exists());
}
