//! Progress on stderr, and the way an interrupt reaches an experiment.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::error::{Error, Result};
use crate::stderr::say;

/// Whether Ctrl-C or another of the [signals](super::signals) that end a run has arrived.
pub(crate) static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Fails if a signal that ends the run, such as Ctrl-C, has arrived.
pub fn check() -> Result<()> {
    if INTERRUPTED.load(Ordering::Relaxed) {
        Err(Error::Interrupted(None))
    } else {
        Ok(())
    }
}

/// The way in which progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// A progress bar with the time left.
    Bar,
    /// A line of text now and then.
    Lines,
    /// No progress.
    Nothing,
}

impl Show {
    /// Returns [`Nothing`](Show::Nothing) if `quiet`, a bar at a terminal that can draw one, else lines.
    pub fn suited(quiet: bool) -> Self {
        // The target is hidden where stderr is no terminal, and where TERM is `dumb` or not set.
        match (quiet, ProgressDrawTarget::stderr().is_hidden()) {
            (true, _) => Show::Nothing,
            (false, false) => Show::Bar,
            (false, true) => Show::Lines,
        }
    }
}

/// The progress of one experiment; it may be used from any thread.
#[derive(Debug)]
pub struct Progress {
    /// The name of what is in progress, such as `[2/8] rescale`.
    name: String,
    show: Show,
    bar: ProgressBar,
    done: AtomicU64,
    /// The number of units among those done that an earlier run has done.
    skipped: AtomicU64,
    total: AtomicU64,
    /// The number of units of work after which the time left is told; 0 for never.
    timed: u64,
    begun: Instant,
    last_line: Mutex<Instant>,
    last_note: Mutex<Instant>,
}

/// The time between two notes of a progress bar.
const BETWEEN_NOTES: Duration = Duration::from_millis(500);

/// The time between two plain lines.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

impl Progress {
    /// Returns the progress of something that has just begun.
    pub fn new(name: impl Into<String>, show: Show) -> Self {
        let target = match show {
            Show::Bar => ProgressDrawTarget::stderr(),
            Show::Lines | Show::Nothing => ProgressDrawTarget::hidden(),
        };
        let name = name.into();
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let style =
            ProgressStyle::with_template("{prefix} {wide_bar} {percent:>3} %, {eta} left{msg}")
                .expect("a valid template");
        bar.set_style(style);
        bar.set_prefix(name.clone());
        let now = Instant::now();
        Progress {
            name,
            show,
            bar,
            done: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            total: AtomicU64::new(0),
            timed: 0,
            begun: now,
            last_line: Mutex::new(now),
            last_note: Mutex::new(now),
        }
    }

    /// Returns the same progress, which tells once, after `timed` units of work and by their time, about how long the
    /// others take.
    pub fn telling_after(self, timed: u64) -> Self {
        Progress { timed, ..self }
    }

    /// Announces how many [ticks](Progress::tick) the work takes; to be called once.
    pub fn start(&self, total: u64) -> Result<()> {
        self.total.store(total, Ordering::Relaxed);
        self.bar.set_length(total);
        self.bar.enable_steady_tick(Duration::from_millis(200));
        check()
    }

    /// Reports one unit of work. Fails once the run is interrupted: pass that on.
    pub fn tick(&self) -> Result<()> {
        self.advance(1)
    }

    /// Reports units of work. Fails once the run is interrupted: pass that on.
    pub fn advance(&self, units: u64) -> Result<()> {
        let before = self.done.fetch_add(units, Ordering::Relaxed);
        let done = before + units;
        self.bar.inc(units);
        self.tell_time(before, done);
        if self.show == Show::Lines {
            self.line(done);
        }
        check()
    }

    /// Reports units of work that an earlier run has done, which say nothing of the time left. Fails once the run is
    /// interrupted: pass that on.
    pub fn skip(&self, units: u64) -> Result<()> {
        self.done.fetch_add(units, Ordering::Relaxed);
        self.skipped.fetch_add(units, Ordering::Relaxed);
        self.bar.inc(units);
        self.bar.reset_eta();
        check()
    }

    /// Returns the number of units of work done.
    #[cfg(test)]
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Shows a note on where a long piece of the work stands, beside the share that is done. If notes follow one
    /// another quickly, only some of them are made.
    pub fn note(&self, note: impl FnOnce() -> String) {
        let between = match self.show {
            Show::Bar => BETWEEN_NOTES,
            Show::Lines => BETWEEN_LINES / 2,
            Show::Nothing => return,
        };
        // Another thread that holds the lock is making a note.
        let Ok(mut last) = self.last_note.try_lock() else {
            return;
        };
        if last.elapsed() >= between {
            *last = Instant::now();
            self.bar.set_message(format!("; {}", note()));
        }
    }

    /// Tells the user a line that must be known, whatever is shown.
    pub fn say(&self, line: &str) {
        self.bar.suspend(|| say(&format!("{}: {line}", self.name)));
    }

    /// Tells about how long the rest takes, if the number of units after which that is due lies above `before` and is
    /// reached by `done`.
    fn tell_time(&self, before: u64, done: u64) {
        if self.timed == 0 || self.show == Show::Nothing {
            return;
        }
        let skipped = self.skipped.load(Ordering::Relaxed);
        let total = self.total.load(Ordering::Relaxed);
        let due = skipped + self.timed;
        if before < due && due <= done && done < total {
            let left = left(self.begun.elapsed(), done - skipped, total - done);
            self.say(&format!(
                "about {} to go, by the time of its first steps",
                duration(left)
            ));
        }
    }

    /// Writes a line of progress, if the last one was long enough ago.
    fn line(&self, done: u64) {
        // Another thread that holds the lock is writing the line.
        let Ok(mut last) = self.last_line.try_lock() else {
            return;
        };
        let total = self.total.load(Ordering::Relaxed);
        let skipped = self.skipped.load(Ordering::Relaxed);
        if last.elapsed() < BETWEEN_LINES || done <= skipped || done >= total {
            return;
        }
        *last = Instant::now();
        let left = left(self.begun.elapsed(), done - skipped, total - done);
        say(&format!(
            "{}: {} %, {} left{}",
            self.name,
            100 * done / total,
            duration(left),
            self.bar.message()
        ));
    }

    /// Says that the work is over.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
        let seconds = self.begun.elapsed().as_secs_f64();
        if self.show != Show::Nothing {
            say(&format!("{}: done in {}", self.name, duration(seconds)));
        }
    }
}

/// Returns the seconds that the `left` units of work take, at the rate of the `done` units that took the time
/// `elapsed`.
fn left(elapsed: Duration, done: u64, left: u64) -> f64 {
    elapsed.as_secs_f64() * left as f64 / done as f64
}

/// Returns a time as text: `0.42 s`, `37 s`, `5 min 10 s`, `1 h 02 min`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{seconds:.2} s"),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_run_has_done_says_nothing_of_the_time_left() {
        let progress = Progress::new("test", Show::Nothing);
        progress.start(100).unwrap();
        progress.skip(80).unwrap();
        progress.advance(5).unwrap();
        let skipped = progress.skipped.load(Ordering::Relaxed);
        assert_eq!((progress.done(), skipped), (85, 80));
        assert_eq!(left(Duration::from_secs(10), 85 - skipped, 15), 30.0);
    }

    #[test]
    fn durations_read_well() {
        let shown = [0.421, 37.2, 310.0, 3720.0].map(duration);
        assert_eq!(shown, ["0.42 s", "37 s", "5 min 10 s", "1 h 02 min"]);
    }
}
