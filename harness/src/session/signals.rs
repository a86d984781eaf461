//! The signals that end a run: Ctrl-C, `kill`, and the end of the terminal.

use std::ffi::c_int;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::{Error, Result};
use crate::session::progress::INTERRUPTED;
use crate::stderr::say;

/// The signals that can end a run.
const ENDING: &[c_int] = &[
    SIGINT,
    SIGTERM,
    #[cfg(unix)]
    signal_hook::consts::SIGHUP,
];

/// Makes the first signal, from now on, end the run at the next tick, and the second end the process.
///
/// A signal that the process was told to ignore when it was started, as `nohup` does with SIGHUP and a shell with the
/// SIGINT of a command in the background, stays ignored.
pub fn catch() -> Result<()> {
    // If signals were listened to twice, the first signal would count as the second.
    static CAUGHT: AtomicBool = AtomicBool::new(false);
    if CAUGHT.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    let ignored = ignored(&std::fs::read_to_string("/proc/self/status").unwrap_or_default());
    let heeded = ENDING.iter().copied().filter(|&s| !contains(ignored, s));
    listen(heeded.collect()).map_err(|e| Error::input(format!("cannot listen for Ctrl-C: {e}")))
}

fn listen(signals: Vec<c_int>) -> io::Result<()> {
    for &signal in &signals {
        // The two actions happen in this order: the process is ended by a signal that finds the flag set by an earlier
        // one.
        flag::register_conditional_shutdown(signal, 130, &INTERRUPTED)?;
        flag::register(signal, &INTERRUPTED)?;
    }
    #[cfg(unix)]
    announce(&signals)?;
    Ok(())
}

/// Starts a thread that answers the first signal at once, however long the next tick takes.
#[cfg(unix)]
fn announce(signals: &[c_int]) -> io::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new(signals)?;
    let wait = move || {
        if signals.forever().next().is_some() {
            say("stopping; press Ctrl-C again to stop at once");
        }
    };
    let thread = std::thread::Builder::new().name("signals".into());
    thread.spawn(wait).map(drop)
}

/// Returns the set of ignored signals, a bit for each, from what Linux says about a process in `/proc/PID/status`.
/// Where the system says nothing, the set is empty.
fn ignored(status: &str) -> u64 {
    let mut masks = status.lines().filter_map(|l| l.strip_prefix("SigIgn:"));
    let mask = masks.next().unwrap_or_default();
    u64::from_str_radix(mask.trim(), 16).unwrap_or(0)
}

/// Returns whether a set holds a signal; the lowest bit is that of signal 1.
fn contains(set: u64, signal: c_int) -> bool {
    set >> (signal - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_the_state_of_a_process() {
        // The status is as under `nohup`: SIGHUP is 1, SIGPIPE is 13.
        let set = ignored("SigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\nSigCgt:\t0\n");
        let found: Vec<_> = (1..=64).filter(|&s| contains(set, s)).collect();
        assert_eq!(found, [1, 13]);
        assert_eq!(ignored(""), 0);
    }
}
