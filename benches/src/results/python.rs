//! Peers in Python, as child processes that time one step when they are asked: one for each number of threads, since
//! what `torch.compile` makes keeps the number that it was made for.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::settle;
use crate::peers::python;

/// A package that takes part.
pub struct Peer {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: String,
    workers: Vec<Worker>,
}

/// All of them.
pub struct Peers {
    peers: Vec<Peer>,
    /// Why others take no part.
    pub missing: Vec<String>,
}

struct Worker {
    threads: usize,
    child: Child,
    ask: ChildStdin,
    answer: BufReader<ChildStdout>,
}

/// A contender: its name on the page, the package, and what it is asked for beside the step.
pub type Contender = (&'static str, &'static str, &'static str);

/// The packages: the name, and the script in `python/` that speaks for it.
const PACKAGES: [(&str, &str); 4] = [
    ("PyTorch", "pytorch_steps.py"),
    ("JAX", "jax_steps.py"),
    ("sparsify", "topk_steps.py"),
    ("SAELens", "topk_steps.py"),
];

impl Peers {
    /// Starts all that are installed, on each of these numbers of threads.
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

    /// Those that are here, by name and version.
    pub fn here(&self) -> impl Iterator<Item = String> {
        let peers = self.peers.iter();
        peers.map(|peer| format!("{} {}", peer.name, peer.version))
    }

    /// Seconds of what a line asks of a package, on so many threads; none if it takes no part, and not a number where it
    /// failed to answer, which is said on stderr.
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
                // Libraries read it before a script can set their number of threads.
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
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
