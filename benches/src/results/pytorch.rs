//! PyTorch, as child processes that time one step when they are asked: one for each number of threads, because what
//! `torch.compile` makes keeps the number that it was made for.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::settle;

/// The script of the other side.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/pytorch/steps.py");

/// PyTorch on one thread, then on all.
pub struct PyTorch {
    /// Its version.
    pub version: String,
    workers: Vec<Worker>,
}

struct Worker {
    threads: usize,
    child: Child,
    ask: ChildStdin,
    answer: BufReader<ChildStdout>,
}

impl PyTorch {
    /// Starts `$PYTHON` (else `python3`) with the script.
    ///
    /// # Errors
    /// If it cannot take part, for want of Python or of torch.
    pub fn start(threads: &[usize]) -> Result<PyTorch, String> {
        let python = std::env::var("PYTHON").unwrap_or("python3".into());
        let (mut workers, mut version) = (Vec::new(), String::new());
        for &threads in threads {
            let mut child = Command::new(&python)
                .args([SCRIPT, &threads.to_string()])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .map_err(|e| format!("{python} does not start: {e}"))?;
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
                return Err(format!("{python} has no torch; PYTHON names another one"));
            }
            workers.push(worker);
        }
        Ok(PyTorch { version, workers })
    }

    /// Seconds of what a line asks for, on so many threads.
    ///
    /// # Errors
    /// If the other side has ended, or does not answer with a number.
    pub fn seconds(&mut self, threads: usize, line: &str) -> Result<f64, String> {
        let worker = self.workers.iter_mut().find(|w| w.threads == threads);
        let worker = worker.expect("started with that number of threads");
        writeln!(worker.ask, "{line}").map_err(|e| format!("PyTorch has ended: {e}"))?;
        let answer = worker.line()?;
        if threads > 1 {
            settle();
        }
        let parsed = answer.trim().parse();
        parsed.map_err(|_| format!("PyTorch answers `{}` to `{line}`", answer.trim()))
    }
}

impl Worker {
    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        let read = self.answer.read_line(&mut line);
        read.map_err(|e| format!("PyTorch does not answer: {e}"))?;
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
