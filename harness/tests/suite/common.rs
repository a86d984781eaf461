//! Helpers that the tests share: the command in a folder of its own, ways to disturb it, and checks of what it leaves.

pub mod npy;
pub mod plain;
pub mod sae_plain;
pub mod testing;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use harness::table::{Record, Table};

/// The command, in an empty folder of its own, on the best ISA of the machine.
pub struct Sandbox(tempfile::TempDir);

impl Sandbox {
    pub fn new() -> Self {
        Sandbox(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    #[track_caller]
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.join(name), contents).expect("a file in a temporary folder");
    }

    /// Returns the bytes of a file.
    #[track_caller]
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Returns the text of a file.
    #[track_caller]
    pub fn read(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).expect("UTF-8")
    }

    /// Returns the rows of a table in a file.
    #[track_caller]
    pub fn table<R: Record>(&self, name: &str) -> Vec<R> {
        Table::from_csv(R::SPEC, self.read(name)).unwrap().rows()
    }

    /// Returns the command `harness` with arguments separated by spaces.
    pub fn harness(&self, arguments: &str) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("harness"));
        command.current_dir(self.path()).env_remove("KERNELS_ISA");
        command.args(arguments.split_whitespace());
        command
    }

    /// Starts a run that writes a checkpoint every few milliseconds and prints nothing.
    pub fn start(&self, arguments: &str) -> Child {
        std::process::Command::new(assert_cmd::cargo::cargo_bin!("harness"))
            .current_dir(self.path())
            .env_remove("KERNELS_ISA")
            .args(arguments.split_whitespace())
            .args(["--checkpoint-every", "0.005"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the harness starts")
    }

    /// Runs `response` at sizes that take a moment, with the output folder `out`.
    pub fn small_run(&self, out: &str) {
        self.harness(&format!("run {SMALL} --out {out}"))
            .assert()
            .success();
    }

    /// Returns the lines of a run's ledger that have a cell of this name: that of a claim or of an experiment.
    pub fn claims(&self, run: &str, name: &str) -> Vec<String> {
        let ledger = self.join(run).join("claims.csv");
        let ledger = std::fs::read_to_string(ledger).expect("the run has a ledger");
        let ours = |line: &&str| line.split(',').any(|cell| cell == name);
        ledger.lines().filter(ours).map(str::to_owned).collect()
    }

    /// Returns the line of a claim in a run's ledger.
    #[track_caller]
    pub fn claim(&self, run: &str, id: &str) -> String {
        let lines = self.claims(run, id);
        let [line] = <[_; 1]>::try_from(lines).expect("a claim has one line");
        line
    }

    /// Asserts that `harness` ends with exit code 2 and a message that holds all of `parts`.
    #[track_caller]
    pub fn refuses(&self, arguments: &str, parts: &[&str]) {
        refused(self.harness(arguments), parts);
    }
}

/// The arguments of a run that takes a moment.
pub const SMALL: &str = "response --preset quick --quiet --set response.points=50";

/// Asserts that a command ends with exit code 2 and a message that holds all of `parts`.
#[track_caller]
pub fn refused(mut command: Command, parts: &[&str]) {
    let output = command.output().expect("the harness starts");
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2), "{message}");
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    // The names of temporary files are internal and must not be shown.
    assert!(!message.contains(".harness-tmp-"), "{message}");
}

/// Returns `harness` under a limit on the size of files, which acts like a full disk.
#[cfg(unix)]
pub fn limited(sandbox: &Sandbox, arguments: &str) -> Command {
    under("trap '' XFSZ; ulimit -f 8", sandbox, arguments)
}

/// Returns `harness` under limits that a shell script sets.
#[cfg(unix)]
pub fn under(limits: &str, sandbox: &Sandbox, arguments: &str) -> Command {
    let mut command = Command::new("bash");
    let script = format!("{limits}; exec \"$0\" \"$@\"");
    command
        .current_dir(sandbox.path())
        .env_remove("KERNELS_ISA");
    command
        .args(["-c", &script])
        .arg(assert_cmd::cargo::cargo_bin!("harness"));
    command.args(arguments.split_whitespace());
    command
}

/// Flips a bit in the middle of a file.
pub fn flip_a_bit(path: &Path) {
    let mut bytes = std::fs::read(path).expect("a readable file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).expect("a writable file");
}

/// Returns every file under a folder, by its path from there.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_str()
            .expect("UTF-8")
            .to_string();
        if path.is_dir() {
            let inner = files(&path).into_iter();
            found.extend(inner.map(|(file, bytes)| (format!("{name}/{file}"), bytes)));
        } else {
            found.insert(name, std::fs::read(&path).expect("a readable file"));
        }
    }
    found
}

/// Runs the command, which succeeds, and returns what it prints.
#[track_caller]
pub fn succeeds(sandbox: &Sandbox, command: &str) -> String {
    let output = sandbox.harness(command).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {message}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the files of [`results`] without those that only a folder of parts has.
pub fn merged(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = results(folder);
    files.retain(|name, _| name != "plan.csv" && !name.starts_with("parts/"));
    files
}

/// Returns the files of [`files`] without the manifest, which holds times and the number of threads.
pub fn results(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = files(folder);
    assert!(
        files.remove("manifest.json").is_some(),
        "no manifest in {}",
        folder.display()
    );
    files
}

/// Asserts that two sets of files are the same, and names the first that differs.
#[track_caller]
pub fn same(a: &BTreeMap<String, Vec<u8>>, b: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for (name, bytes) in a {
        assert!(bytes == &b[name], "{name} differs");
    }
}

/// Waits until `holds` returns true, for a minute at most.
#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{what} never came"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Sends a child the signal of Ctrl-C, SIGINT.
pub fn interrupt(child: &Child) {
    send("INT", child);
}

/// Returns whether this process ignores SIGINT, as does a job that a script has started in the background. Only Linux
/// tells.
fn ignores_interrupts() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|l| l.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
    ignored.is_some_and(|set| set >> 1 & 1 == 1)
}

/// Sends a child a signal by its name, such as `TERM`.
pub fn send(signal: &str, child: &Child) {
    assert!(
        !ignores_interrupts(),
        "SIGINT is ignored here, and so by all that a test starts; run the tests in the foreground"
    );
    let kill = std::process::Command::new("kill")
        .args(["-s", signal, &child.id().to_string()])
        .status();
    assert!(kill.expect("kill starts").success());
}

/// Asserts that a run survives kills: a run of `arguments` on one thread is killed and resumed each time that as many
/// trainings of `experiment` as `begun` says have a checkpoint, and in the end it has left the same files as an
/// undisturbed run on two threads.
pub fn survives_kills(arguments: &str, experiment: &str, begun: [usize; 3]) {
    let sandbox = Sandbox::new();
    survives_kills_in(&sandbox, "run", arguments, experiment, begun);
}

/// Asserts the same as [`survives_kills`] of any command that trains, in a sandbox. The checkpoints lie in `trainings`,
/// a path in the output folder.
pub fn survives_kills_in(
    sandbox: &Sandbox,
    command: &str,
    arguments: &str,
    trainings: &str,
    begun: [usize; 3],
) {
    sandbox
        .harness(&format!("{command} {arguments} --threads 2 --out whole"))
        .assert()
        .success();
    let trainings = sandbox.join(&format!("killed/{trainings}/checkpoints"));
    let mut child = sandbox.start(&format!("{command} {arguments} --threads 1 --out killed"));
    for enough in begun {
        while child.try_wait().unwrap().is_none() && with_checkpoint(&trainings) < enough {
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        child = sandbox.start(&format!("{command} --resume killed --quiet"));
    }
    assert!(child.wait().unwrap().success());
    same(
        &results(&sandbox.join("whole")),
        &results(&sandbox.join("killed")),
    );
}

/// Returns the number of folders in a folder that hold a whole checkpoint.
fn with_checkpoint(trainings: &Path) -> usize {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let holds = |training: &std::fs::DirEntry| {
        entries(&training.path()).any(|file| file.path().extension().is_some_and(|e| e == "ckpt"))
    };
    entries(trainings).filter(holds).count()
}

/// Asserts that a run says that it was interrupted, and has left no more than its first two files in its folder.
pub fn assert_interrupted(output: &Output, run: &Path) {
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{message}");
    assert!(message.contains("interrupted"), "{message}");
    let left = files(run);
    assert_eq!(
        left.keys().collect::<Vec<_>>(),
        ["config.toml", "manifest.json"]
    );
}
