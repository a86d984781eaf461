//! Stdout and stderr that are full devices, pipes without readers, or terminals of all kinds.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::{SMALL, Sandbox, interrupt, results, same, wait_until};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Returns the command `harness` with arguments separated by spaces.
fn harness(sandbox: &Sandbox, arguments: &str) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("harness"));
    command.current_dir(sandbox.path());
    command.args(arguments.split_whitespace());
    command
}

/// Returns the arguments of a run of a moment that shows its progress.
fn small() -> String {
    SMALL.replace("--quiet", "")
}

/// Starts a run of minutes that shows its progress on `stderr`, a terminal of the kind `term` if it is one.
fn long_run(sandbox: &Sandbox, out: &str, term: Option<&str>, stderr: Stdio) -> Child {
    let widths: Vec<String> = (0..300).map(|i| (500_000 + i).to_string()).collect();
    let mut command = harness(sandbox, &format!("run rescale --out {out} --set"));
    command.arg(format!("rescale.widths=[{}]", widths.join(",")));
    match term {
        Some(term) => command.env("TERM", term),
        None => command.env_remove("TERM"),
    };
    command.stdout(Stdio::null()).stderr(stderr);
    command.spawn().expect("the harness starts")
}

/// Returns a device without space.
fn full_device() -> Stdio {
    let full = File::options().write(true).open("/dev/full");
    full.expect("/dev/full").into()
}

/// Returns a pipe that nobody reads from.
fn abandoned_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

/// Returns the two ends of a pseudo-terminal: what a user sees, and what a process writes to.
fn terminal() -> (File, Stdio) {
    let seen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&seen).unwrap();
    unlockpt(&seen).unwrap();
    let name = ptsname(&seen, Vec::new()).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let written = rustix::fs::open(name, flags, Mode::empty()).unwrap();
    (seen.into(), written.into())
}

#[test]
fn what_cannot_be_printed_is_an_error_but_a_reader_that_has_gone_is_none() {
    let sandbox = Sandbox::new();
    let all = [
        "list",
        "list response",
        "completions bash",
        "--help",
        "run --help",
        "--version",
    ];
    for arguments in all {
        let start = |out| harness(&sandbox, arguments).stdout(out).output().unwrap();
        let full = start(full_device());
        let message = String::from_utf8_lossy(&full.stderr);
        assert_eq!(full.status.code(), Some(2), "{arguments}: {message}");
        let begin = "error: cannot write to the standard output: No space left";
        assert!(message.starts_with(begin), "{message}");
        assert!(!message.contains("--out"), "{message}");

        let gone = start(abandoned_pipe());
        assert_eq!(gone.status.code(), Some(0), "{arguments}: {gone:?}");
        assert!(gone.stderr.is_empty(), "{arguments}: {gone:?}");
    }
}

#[test]
fn a_run_needs_neither_stdout_nor_stderr() {
    let sandbox = Sandbox::new();
    sandbox.small_run("whole");
    let whole = results(&sandbox.join("whole"));
    let ways = [">&-", "2>&-", ">&- 2>&-", "2>/dev/full"];
    for (i, way) in ways.iter().enumerate() {
        let script = format!("exec \"$0\" run {} --out {i} {way}", small());
        let mut shell = Command::new("sh");
        shell.current_dir(sandbox.path()).args(["-c", &script]);
        shell.arg(assert_cmd::cargo::cargo_bin!("harness"));
        let output = shell.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{way}: {output:?}");
        same(&whole, &results(&sandbox.join(&i.to_string())));
    }
    // An error whose message cannot be written keeps its exit code.
    for arguments in ["run respons", "run --no-such-flag"] {
        let mut refused = harness(&sandbox, arguments);
        let status = refused.stderr(full_device()).status().unwrap();
        assert_eq!(status.code(), Some(2), "{arguments}");
    }
}

#[test]
fn progress_that_cannot_be_written_does_not_stop_a_run() {
    let sandbox = Sandbox::new();
    let (seen, terminal) = terminal();
    let ways = [
        ("full", full_device()),
        ("gone", abandoned_pipe()),
        ("closed", terminal),
    ];
    let mut runs = ways.map(|(out, stderr)| (out, long_run(&sandbox, out, Some("xterm"), stderr)));
    for (out, _) in &runs {
        wait_until("a manifest", || {
            sandbox.join(out).join("manifest.json").exists()
        });
    }
    drop(seen);
    // A line of progress comes after ten seconds.
    std::thread::sleep(Duration::from_secs(12));
    for (out, run) in &mut runs {
        assert!(run.try_wait().unwrap().is_none(), "{out}: the run stopped");
        interrupt(run);
        assert_eq!(run.wait().unwrap().code(), Some(130), "{out}");
    }
}

#[test]
fn a_terminal_shows_a_bar_if_it_can_and_lines_if_it_cannot() {
    let sandbox = Sandbox::new();
    let ways = [
        ("dumb", Some("dumb"), false),
        ("none", None, false),
        ("bar", Some("xterm"), true),
    ];
    // All runs start at once, since a line of progress comes after ten seconds.
    let runs = ways.map(|(out, term, bar)| {
        let (mut seen, terminal) = terminal();
        let run = long_run(&sandbox, out, term, terminal);
        let shown = Arc::new(Mutex::new(String::new()));
        let whole = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            // Linux ends the reading with an error once nobody is left to write.
            while let Ok(read @ 1..) = seen.read(&mut part) {
                *whole.lock().unwrap() += &String::from_utf8_lossy(&part[..read]);
            }
        });
        (run, shown, bar)
    });
    for (mut run, shown, bar) in runs {
        wait_until("progress", || {
            let shown = shown.lock().unwrap();
            shown.contains("[1/1] rescale") && shown.contains(" %, ")
        });
        interrupt(&run);
        assert_eq!(run.wait().unwrap().code(), Some(130));
        let shown = shown.lock().unwrap();
        assert_eq!(shown.contains('\u{1b}'), bar, "{shown:?}");
    }
}

/// Returns what a command writes to a terminal of `columns` columns, unchanged.
fn on_terminal(mut command: Command, columns: u16) -> String {
    let (mut seen, written) = terminal();
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&seen, size).unwrap();
    let mut child = command.stdout(written).spawn().expect("the harness starts");
    // The command holds the last writing end: without it, reading ends with the child.
    drop(command);
    let mut bytes = Vec::new();
    // Linux ends the reading of a terminal that nobody writes to with an error.
    let _ = seen.read_to_end(&mut bytes);
    assert!(child.wait().unwrap().success());
    String::from_utf8(bytes)
        .expect("UTF-8")
        .replace("\r\n", "\n")
}

#[test]
fn verdicts_fit_the_terminal_and_have_colours_where_it_does() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    let command = |arguments: &str, variables: &[(&str, &str)]| {
        let mut command = harness(&sandbox, arguments);
        // In a build service, which sets CI, output has colours whatever TERM says.
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
            command.env_remove(name);
        }
        command.env("TERM", "xterm").envs(variables.iter().copied());
        command
    };
    const PAINT: char = '\u{1b}';
    for columns in [40, 60, 80, 100, 200] {
        for arguments in [
            format!("run {SMALL} --out of-{columns}"),
            "show same-shape-smaller a".into(),
        ] {
            let text = on_terminal(command(&arguments, &[]), columns);
            assert!(text.contains("\u{1b}[32m✓"), "{text:?}");
            let plain = anstream::adapter::strip_str(&text).to_string();
            for line in plain.lines() {
                let width = line.chars().count();
                assert!(width <= columns.into(), "{width} of {columns}: {line}");
            }
        }
    }
    let show = "show same-shape-smaller a";
    let painted = on_terminal(command(show, &[]), 80);
    let plain = on_terminal(command(show, &[("NO_COLOR", "1")]), 80);
    assert!(!plain.contains(PAINT), "{plain:?}");
    assert_eq!(plain, anstream::adapter::strip_str(&painted).to_string());
    assert!(!on_terminal(command(show, &[("TERM", "dumb")]), 80).contains(PAINT));
    for arguments in [show, &format!("run {SMALL} --out piped")] {
        let piped = command(arguments, &[]).output().unwrap();
        assert!(piped.status.success() && !piped.stdout.is_empty());
        assert!(!piped.stdout.contains(&(PAINT as u8)), "{arguments}");
    }
}
