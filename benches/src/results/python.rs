//! Peers in Python, as child processes that time one step when they are asked. There is one process for each number of
//! threads, since what `torch.compile` makes keeps the number of threads that it was made for.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::settle;
use crate::peers::python;

/// A Python package that is compared.
pub struct Peer {
    /// The name of the package.
    pub name: &'static str,
    /// The version of the package.
    pub version: String,
    workers: Vec<Worker>,
}

/// The Python packages that are installed, and the reasons why others are not compared.
pub struct Peers {
    peers: Vec<Peer>,
    /// The reasons why the other packages are not compared.
    pub missing: Vec<String>,
}

struct Worker {
    threads: usize,
    child: Child,
    ask: ChildStdin,
    answer: BufReader<ChildStdout>,
}

/// A contender: its name on the page, its package, and the mode that it is asked for besides the step.
pub type Contender = (&'static str, &'static str, &'static str);

/// The packages, each with the script in `python/` that times its steps.
const PACKAGES: [(&str, &str); 4] = [
    ("PyTorch", "pytorch_steps.py"),
    ("JAX", "jax_steps.py"),
    ("sparsify", "topk_steps.py"),
    ("SAELens", "topk_steps.py"),
];

impl Peers {
    /// Starts a process of each installed package for each of these numbers of threads.
    pub fn start(threads: &[usize]) -> Peers {
        let mut started = Peers {
            peers: Vec::new(),
            missing: Vec::new(),
        };
        for (name, script) in PACKAGES {
            match Peer::start(name, script, threads) {
                Ok(peer) => started.peers.push(peer),
                Err(why) => started.missing.push(why),
            }
        }
        started
    }

    /// Returns the names and versions of the packages that are compared.
    pub fn here(&self) -> impl Iterator<Item = String> {
        let peers = self.peers.iter();
        peers.map(|peer| format!("{} {}", peer.name, peer.version))
    }

    /// Returns the seconds of the step that `line` asks of a package, on so many threads: none if the package is not
    /// compared, and NaN if it failed to answer, with the reason on stderr.
    ///
    /// # Panics
    /// If the package was not started with that number of threads.
    pub fn seconds(&mut self, name: &str, threads: usize, line: &str) -> Option<f64> {
        let peer = self.peers.iter_mut().find(|peer| peer.name == name)?;
        let told = peer.seconds(threads, line);
        Some(told.unwrap_or_else(|why| {
            eprintln!("{why}");
            f64::NAN
        }))
    }
}

impl Peer {
    fn start(name: &'static str, script: &str, threads: &[usize]) -> Result<Peer, String> {
        let script = format!("{}/python/{script}", env!("CARGO_MANIFEST_DIR"));
        let python = python();
        let (mut workers, mut version) = (Vec::new(), String::new());
        for &threads in threads {
            let mut child = Command::new(&python)
                .args([&script, &threads.to_string(), name])
                // Libraries read this variable before a script can set their number of threads.
                .env("OMP_NUM_THREADS", threads.to_string())
                .env("SPARSIFY_DISABLE_TRITON", "1")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .map_err(|e| format!("no {name}: {python} does not start: {e}"))?;
            let ask = child.stdin.take().expect("a pipe");
            let answer = BufReader::new(child.stdout.take().expect("a pipe"));
            let mut worker = Worker {
                threads,
                child,
                ask,
                answer,
            };
            version = worker.line()?;
            if version.is_empty() {
                return Err(format!("no {name}: {python} has none"));
            }
            workers.push(worker);
        }
        Ok(Peer {
            name,
            version,
            workers,
        })
    }

    fn seconds(&mut self, threads: usize, line: &str) -> Result<f64, String> {
        let name = self.name;
        let worker = self.workers.iter_mut().find(|w| w.threads == threads);
        let worker = worker.expect("started with that number of threads");
        writeln!(worker.ask, "{line}").map_err(|e| format!("{name} has ended: {e}"))?;
        let answer = worker.line()?;
        if threads > 1 {
            settle();
        }
        let parsed = answer.parse();
        parsed.map_err(|_| format!("{name} answers `{answer}` to `{line}`"))
    }
}

impl Worker {
    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        let read = self.answer.read_line(&mut line);
        read.map_err(|e| format!("a peer does not answer: {e}"))?;
        Ok(line.trim().to_string())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The child may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
