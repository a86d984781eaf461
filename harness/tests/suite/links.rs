//! Files that are not a run's own stay as they are: those that symbolic links in its folder point to, and those that
//! others put there.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::common::{Sandbox, files, results, same};

/// Makes a sandbox with a finished run in `a` and somebody else's files in `foreign`.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    fs::create_dir(sandbox.join("foreign")).unwrap();
    for name in ["precious", ".tmp-mine", ".harness-tmp-Ab12Cd", "1.ckpt"] {
        sandbox.write(&format!("foreign/{name}"), name);
    }
    sandbox
}

/// Checks that both commands that go back to a run refuse to, name a file, and change nothing.
#[track_caller]
fn refuses_link(sandbox: &Sandbox, link: &str) {
    let before = files(sandbox.path());
    let named = format!("a/{link} is a symbolic link");
    for command in ["run --resume a --quiet", "report a"] {
        sandbox.refuses(command, &[&named, "put what it points to in its place"]);
    }
    same(&before, &files(sandbox.path()));
}

#[test]
fn only_what_a_run_left_half_written_is_swept() {
    let sandbox = sandbox();
    let sound = results(&sandbox.join("a"));
    let foreign = files(&sandbox.join("foreign"));
    for folder in ["a/.harness-tmp-folder", "a/other", "a/response/inner"] {
        fs::create_dir(sandbox.join(folder)).unwrap();
    }
    let left = [
        "a/.harness-tmp-Ab12Cd",
        "a/response/inner/.harness-tmp-zzzzzz",
    ];
    let theirs = [
        "a/.tmp-notes",
        "a/.tmp-mine12",
        "a/.harness-tmp-notes",
        "a/.harness-tmp-my-own",
        "a/.harness-tmp-folder/.harness-tmp-Ab12Cd",
        // As if another run were writing there.
        "a/other/.harness-tmp-Ab12Cd",
    ];
    left.iter()
        .chain(&theirs)
        .for_each(|name| sandbox.write(name, ""));
    symlink("../foreign", sandbox.join("a/linked")).unwrap();
    symlink("../../foreign", sandbox.join("a/response/linked")).unwrap();
    symlink("../foreign/precious", sandbox.join("a/.harness-tmp-linked")).unwrap();

    sandbox.harness("run --resume a --quiet").assert().success();
    same(&foreign, &files(&sandbox.join("foreign")));
    for name in left {
        assert!(!sandbox.join(name).exists(), "{name} is still there");
    }
    for name in theirs {
        fs::remove_file(sandbox.join(name)).expect(name);
    }
    for link in ["a/linked", "a/response/linked", "a/.harness-tmp-linked"] {
        fs::remove_file(sandbox.join(link)).expect(link);
    }
    same(&sound, &results(&sandbox.join("a")));
}

#[test]
fn nothing_is_written_or_removed_through_a_linked_folder() {
    let sandbox = sandbox();
    let move_away = |name: &str, to: &str| {
        fs::rename(sandbox.join(name), sandbox.join(to)).unwrap();
    };
    // The folder of an experiment that was moved to another disk, for example, and one that is computed anew.
    move_away("a/response", "moved");
    for target in ["../moved", "../foreign"] {
        symlink(target, sandbox.join("a/response")).unwrap();
        refuses_link(&sandbox, "response");
        fs::remove_file(sandbox.join("a/response")).unwrap();
    }
    move_away("moved", "a/response");

    symlink("../foreign", sandbox.join("a/profile")).unwrap();
    refuses_link(&sandbox, "profile");
    fs::remove_file(sandbox.join("a/profile")).unwrap();

    let resume = "run --resume a --quiet";
    let foreign = files(&sandbox.join("foreign"));
    let checkpoints = sandbox.join("a/response/checkpoints");
    symlink("../../foreign", &checkpoints).unwrap();
    sandbox.refuses(resume, &["a/response/checkpoints is a symbolic link"]);
    fs::remove_file(&checkpoints).unwrap();
    fs::create_dir(&checkpoints).unwrap();
    symlink("../../../foreign", checkpoints.join("training")).unwrap();
    sandbox.refuses(
        resume,
        &["a/response/checkpoints/training is a symbolic link"],
    );
    same(&foreign, &files(&sandbox.join("foreign")));
}

#[test]
fn a_linked_lock_is_refused_and_a_linked_file_is_replaced() {
    let sandbox = sandbox();
    let sound = results(&sandbox.join("a"));
    for target in ["../foreign/precious", "../foreign/nothing"] {
        symlink(target, sandbox.join("a/.harness.lock")).unwrap();
        let before = fs::read_dir(sandbox.join("foreign")).unwrap().count();
        for command in ["run --resume a --quiet", "report a"] {
            sandbox.refuses(command, &["a/.harness.lock is a symbolic link"]);
        }
        assert_eq!(
            fs::read_dir(sandbox.join("foreign")).unwrap().count(),
            before
        );
        fs::remove_file(sandbox.join("a/.harness.lock")).unwrap();
    }

    let replace_by_link = |name: &str| {
        let (file, moved) = (
            sandbox.join("a").join(name),
            sandbox.join("foreign").join(name),
        );
        fs::rename(&file, &moved).unwrap();
        symlink(Path::new("../foreign").join(name), &file).unwrap();
    };
    for name in ["manifest.json", "claims.csv", "report.html"] {
        replace_by_link(name);
    }
    let foreign = files(&sandbox.join("foreign"));
    sandbox.harness("run --resume a --quiet").assert().success();
    same(&foreign, &files(&sandbox.join("foreign")));
    same(&sound, &results(&sandbox.join("a")));
    assert!(!sandbox.join("a/manifest.json").is_symlink());
}
