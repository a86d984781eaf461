//! The time that the experiments of a run take, over all the processes that computed it one after another.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use crate::session::progress::duration;
use crate::store::system;

/// The time that some work took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Time {
    /// The seconds by the clock.
    pub seconds: f64,
    /// The seconds that all threads had a processor; `None` where the system does not tell.
    pub cpu_seconds: Option<f64>,
}

/// The time that each experiment took, by its name.
#[derive(Debug, Default)]
pub struct Times(BTreeMap<String, Time>);

/// A stopwatch that times a piece of work.
#[derive(Debug)]
pub struct Stopwatch {
    begun: Instant,
    cpu_seconds: Option<f64>,
}

impl Stopwatch {
    /// Starts the stopwatch.
    pub fn start() -> Self {
        Stopwatch {
            begun: Instant::now(),
            cpu_seconds: system::cpu_seconds(),
        }
    }

    /// Returns the time since the start. The processor time includes that of everything else that this process did
    /// meanwhile.
    pub fn time(&self) -> Time {
        let cpu = system::cpu_seconds().zip(self.cpu_seconds);
        Time {
            seconds: self.begun.elapsed().as_secs_f64(),
            cpu_seconds: cpu.map(|(now, then)| now - then),
        }
    }
}

impl Time {
    fn plus(self, other: Time) -> Self {
        let both = self.cpu_seconds.zip(other.cpu_seconds);
        Time {
            seconds: self.seconds + other.seconds,
            cpu_seconds: both.map(|(a, b)| a + b),
        }
    }

    /// Returns the time as text, such as `2 h 09 min, 4 h 10 min of processor time`.
    pub fn text(self) -> String {
        let mut text = duration(self.seconds);
        if let Some(cpu) = self.cpu_seconds {
            text += &format!(", {} of processor time", duration(cpu));
        }
        text
    }
}

impl Times {
    /// Notes that an experiment took more time.
    pub fn add(&mut self, experiment: &str, time: Time) {
        let so_far = self.0.get(experiment).copied();
        let all = so_far.map_or(time, |so_far| so_far.plus(time));
        self.0.insert(experiment.into(), all);
    }

    /// Returns the time that all experiments took together.
    pub fn all(&self) -> Time {
        let each = self.0.values().copied();
        each.reduce(Time::plus).unwrap_or_default()
    }

    /// Returns the values of `seconds` and `cpu_seconds` in the manifest.
    pub fn to_json(&self) -> [Value; 2] {
        let cpu = |(id, time): (&String, &Time)| Some((id.clone(), time.cpu_seconds?));
        let seconds: BTreeMap<_, _> = self.0.iter().map(|(id, time)| (id, time.seconds)).collect();
        let cpu_seconds: BTreeMap<_, _> = self.0.iter().filter_map(cpu).collect();
        [json!(seconds), json!(cpu_seconds)]
    }

    /// Reads the times in the manifest of an earlier process of the same run.
    pub fn read(manifest: &Value) -> Self {
        let each = manifest["seconds"].as_object().into_iter().flatten();
        let time = |(id, seconds): (&String, &Value)| {
            let time = Time {
                seconds: seconds.as_f64()?,
                cpu_seconds: manifest["cpu_seconds"][id].as_f64(),
            };
            Some((id.clone(), time))
        };
        Times(each.filter_map(time).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: f64, cpu_seconds: Option<f64>) -> Time {
        Time {
            seconds,
            cpu_seconds,
        }
    }

    #[test]
    fn sittings_add_up_through_the_manifest() {
        let mut times = Times::default();
        times.add("a", time(1.0, Some(2.0)));
        times.add("b", time(10.0, None));
        let [seconds, cpu_seconds] = times.to_json();
        let mut again = Times::read(&json!({"seconds": seconds, "cpu_seconds": cpu_seconds}));
        again.add("a", time(0.5, Some(0.25)));
        again.add("b", time(1.0, Some(2.0)));
        assert_eq!(again.0["a"], time(1.5, Some(2.25)));
        // Where one time lacks the processor time, the sum lacks it.
        assert_eq!(again.0["b"], time(11.0, None));
        assert_eq!(again.all(), time(12.5, None));
    }

    #[cfg(unix)]
    #[test]
    fn work_takes_processor_time() {
        let watch = Stopwatch::start();
        let mut sum = 0.0f64;
        while watch.time().cpu_seconds.unwrap() == 0.0 {
            sum = std::hint::black_box(sum.sqrt() + 1.0);
        }
        assert!(watch.time().seconds > 0.0);
    }
}
