//! Input that cannot be used is refused with a message and exit code 2, and nothing is written.

use std::process::Stdio;

#[cfg(unix)]
use crate::common::limited;
use crate::common::{SMALL, Sandbox, files, refused, results, same};

#[test]
fn unknown_names_are_answered_with_the_nearest() {
    let sandbox = Sandbox::new();
    sandbox.refuses(
        "run respnse",
        &["no experiment `respnse`", "did you mean `response`"],
    );
    sandbox.refuses("list respnse", &["did you mean `response`"]);
    sandbox.refuses(
        "run --preset quik",
        &["quik", "did you mean `quick`", "default, full"],
    );
    let key = "run --set response.pionts=9";
    sandbox.refuses(
        key,
        &[
            "`response` has no setting `pionts`",
            "did you mean `points`",
        ],
    );
    sandbox.refuses("run --set respons.n=9", &["did you mean `response`"]);
    sandbox.refuses("run --sed 9", &["--sed", "--seed"]);
    sandbox.refuses("repor", &["repor", "report"]);
    assert!(files(sandbox.path()).is_empty());
}

#[test]
fn unknown_instruction_sets_are_answered_with_the_nearest() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.harness(&format!("run {SMALL} --out a"));
    command.env("KERNELS_ISA", "avx215");
    refused(
        command,
        &["KERNELS_ISA", "avx215", "did you mean `avx2", "portable"],
    );
    sandbox.write("c.toml", "isa = 'portabel'\n");
    sandbox.refuses(
        "run --config c.toml --out a",
        &["c.toml:1:1: isa is \"portabel\"", "did you mean `portable`"],
    );
    assert!(!sandbox.join("a").exists());
}

#[test]
fn every_instruction_set_can_be_forced() {
    let sandbox = Sandbox::new();
    for isa in kernels::Isa::available() {
        let name = isa.name();
        let mut command = sandbox.harness(&format!("run {SMALL} --out {name}"));
        command.env("KERNELS_ISA", name).assert().success();
        let manifest = std::fs::read_to_string(sandbox.join(name).join("manifest.json")).unwrap();
        assert!(
            manifest.contains(&format!("\"isa\": \"{name}\"")),
            "{manifest}"
        );
    }
}

#[test]
fn values_out_of_range_name_key_value_and_range() {
    let sandbox = Sandbox::new();
    for (set, parts) in [
        ("n=0", ["response.n is 0", "1 to"]),
        ("reach=nan", ["response.reach is NaN", "above 0"]),
        ("reach=-1", ["response.reach is -1.0", "above 0"]),
        ("reach=inf", ["response.reach is inf", "finite"]),
        ("points=3", ["response.points is 3", "20 to"]),
        ("widths=[4,1]", ["response.widths is [4, 1]", "increasing"]),
        ("widths=[]", ["response.widths is []", "two or more"]),
        ("n=-3", ["response.n is -3", "a whole number from 0"]),
        ("n=many", ["response.n is \"many\"", "such as n = "]),
        ("n=2.5", ["response.n is 2.5", "a whole number from 0"]),
        ("n=", ["response.n is \"\"", "a whole number from 0"]),
        (
            "n=99999999999999999999",
            [
                "response.n is \"99999999999999999999\"",
                "from 0 to 9223372036854775807",
            ],
        ),
        ("reach=far", ["response.reach is \"far\"", "a number"]),
        (
            "widths=[1,x",
            ["response.widths", "a list of whole numbers"],
        ),
        (
            "widths=4",
            ["response.widths is 4", "a list of whole numbers"],
        ),
        ("n={a=1}", ["response.n is { a = 1 }", "a whole number"]),
        (
            "n=2020-01-01",
            ["response.n is 2020-01-01", "a whole number"],
        ),
    ] {
        sandbox.refuses(&format!("run --out a --set response.{set}"), &parts);
    }
    sandbox.refuses(
        "run --out a --set homogeneity.test_fraction=1",
        &["homogeneity.test_fraction is 1.0", "0.05 to 0.95"],
    );
    sandbox.refuses(
        "run --out a --seeds 0",
        &["--seeds: seeds is 0", "1 to 1000"],
    );
    sandbox.refuses("run --out a --threads 0", &["--threads is 0", "1 to 1024"]);
    sandbox.refuses(
        "run --out a --seed 18446744073709551615",
        &["--seed: seed is 18446744073709551615"],
    );
    sandbox.refuses("run --out a --seed=-1", &["--seed", "-1"]);
    sandbox.refuses("run --out a --set response.n", &["experiment.key=value"]);
    sandbox.refuses("run --out a --set n=3", &["experiment.key=value"]);
    assert!(files(sandbox.path()).is_empty());
}

#[test]
fn a_run_that_the_machine_has_no_memory_for_does_not_begin() {
    let sandbox = Sandbox::new();
    let arguments = "run response --out a --set response.points=2147483648";
    sandbox.refuses(
        arguments,
        &["response would need about", "GiB", "choose smaller sizes"],
    );
    assert!(!sandbox.join("a").exists());
}

#[cfg(unix)]
#[cfg(unix)]
#[test]
fn a_file_of_a_run_is_a_file() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    for name in ["claims.csv", "response/curves.csv", "manifest.json"] {
        let path = sandbox.join("a").join(name);
        let sound = std::fs::read(&path).unwrap();
        let what = format!("cannot read a/{name}: it is a");
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        sandbox.refuses("report a", &[&what, "a device, not a file"]);
        std::fs::remove_file(&path).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        sandbox.refuses("report a", &[&what, "a pipe, not a file"]);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, sound).unwrap();
    }
    sandbox.harness("report a").assert().success();
}

#[test]
fn an_output_folder_that_holds_anything_is_refused_and_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    let before = files(&sandbox.join("a"));
    sandbox.refuses(
        &format!("run {SMALL} --out a"),
        &["a holds another run; choose a new or empty folder"],
    );
    same(&before, &files(&sandbox.join("a")));

    std::fs::create_dir(sandbox.join("b")).unwrap();
    sandbox.write("b/precious", "x");
    sandbox.refuses(
        &format!("run {SMALL} --out b"),
        &["b is not empty (it holds precious)"],
    );
    assert_eq!(files(&sandbox.join("b")).len(), 1);

    sandbox.write("file", "x");
    sandbox.refuses(
        &format!("run {SMALL} --out file"),
        &["file is not a folder"],
    );
    sandbox.refuses(
        &format!("run {SMALL} --out file/a"),
        &["cannot create file/a"],
    );
    assert_eq!(std::fs::read_to_string(sandbox.join("file")).unwrap(), "x");
    std::fs::create_dir(sandbox.join("empty")).unwrap();
    sandbox.small_run("empty");
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_folder_that_cannot_be_written_is_refused() {
    // Nobody can create a file in /proc, not even root.
    let sandbox = Sandbox::new();
    let way_out = "choose a folder that exists and that you may write to";
    sandbox.refuses(
        &format!("run {SMALL} --out /proc/a"),
        &["cannot create /proc/a", way_out],
    );
    sandbox.refuses(
        &format!("run {SMALL} --resume /proc"),
        &["cannot write /proc/.harness.lock", way_out],
    );
    sandbox.refuses("report /proc", &["cannot write /proc/.harness.lock"]);

    // Nor can files be created in these folders, which are empty where nothing is mounted on them.
    let empty = ["/sys/kernel/debug", "/sys/kernel/security", "/sys/fs/bpf"];
    let is_empty =
        |f: &&&str| std::fs::read_dir(f).is_ok_and(|mut entries| entries.next().is_none());
    match empty.iter().find(is_empty) {
        Some(folder) => sandbox.refuses(
            &format!("run {SMALL} --out {folder}"),
            &[&format!("cannot write {folder}/"), way_out],
        ),
        None => eprintln!(
            "left out: none of {} is an empty folder here",
            empty.join(", ")
        ),
    }
}

#[test]
fn two_runs_cannot_write_one_folder() {
    let sandbox = Sandbox::new();
    let folder = harness::store::folder::Folder::create(&sandbox.join("a")).unwrap();
    sandbox.refuses(
        &format!("run {SMALL} --out a"),
        &["being written by another run"],
    );
    folder.write("manifest.json", "{}").unwrap();
    sandbox.refuses(
        &format!("run {SMALL} --out a"),
        &["being written by another run"],
    );
    for report in ["report a", "report a --out b"] {
        sandbox.refuses(report, &["a is being written by another run"]);
    }
    assert!(!sandbox.join("b").exists());
    drop(folder);
    sandbox.refuses(&format!("run {SMALL} --out a"), &["holds another run"]);
}

#[test]
fn a_report_needs_a_finished_run_with_sound_files() {
    let sandbox = Sandbox::new();
    sandbox.refuses("report missing", &["cannot read missing"]);
    std::fs::create_dir(sandbox.join("empty")).unwrap();
    sandbox.refuses(
        "report empty",
        &["empty holds no finished run", "claims.csv"],
    );
    assert!(files(&sandbox.join("empty")).is_empty());

    sandbox.small_run("a");
    // Without the manifest, nothing says what the files were: their contents count.
    std::fs::remove_file(sandbox.join("a/manifest.json")).unwrap();
    let sound = files(&sandbox.join("a"));
    let curves = sandbox.join("a/response/curves.csv");
    let text = std::fs::read_to_string(&curves).unwrap();
    let second = text.lines().nth(1).unwrap();
    let broken = text.replacen(second, "gelu,aligned,aligned,-5.0,oops", 1);
    std::fs::write(&curves, broken).unwrap();
    sandbox.refuses(
        "report a",
        &["a/response/curves.csv:2: column y: `oops` is not a number"],
    );
    std::fs::remove_file(&curves).unwrap();
    sandbox.refuses("report a", &["cannot read a/response/curves.csv"]);
    std::fs::write(&curves, text).unwrap();
    same(&sound, &files(&sandbox.join("a")));
}

#[cfg(unix)]
#[test]
fn a_full_disk_ends_the_run_and_leaves_nothing_half_written() {
    let sandbox = Sandbox::new();
    let arguments = format!("run {SMALL} --set response.points=5000 --out a");
    refused(
        limited(&sandbox, &arguments),
        &["cannot write a/response/curves.csv", "free some space"],
    );
    let left = files(&sandbox.join("a"));
    assert_eq!(
        left.keys().collect::<Vec<_>>(),
        ["config.toml", "manifest.json"]
    );
    assert!(String::from_utf8_lossy(&left["manifest.json"]).contains("\"complete\": false"));
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_an_earlier_report_whole() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    let before = results(&sandbox.join("a"));
    refused(limited(&sandbox, "report a"), &["cannot write a/"]);
    same(&before, &results(&sandbox.join("a")));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_stdout_is_an_error_and_a_closed_one_is_not() {
    let sandbox = Sandbox::new();
    let harness = || {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("harness"));
        command
            .current_dir(sandbox.path())
            .arg("list")
            .stderr(Stdio::piped());
        command
    };
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = harness().stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("cannot write to the standard output")
    );

    // The reading end of the pipe is gone before the first byte.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = harness().stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
}
