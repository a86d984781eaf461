//! The comparison that `RESULTS.md` is made of. All contenders are measured in turn, round by round, so that a noisy
//! neighbour on the machine hits all of them; the result is the median of the ratios of single rounds.
//!
//! Each subject is one file here, whose `measure` returns a [`Part`].

pub mod activations;
pub mod grids;
pub mod page;
pub mod products;
pub mod python;
pub mod scaling;
pub mod steps;

use std::thread;
use std::time::{Duration, Instant};

use harness::figure::Figure;

use crate::median;

/// The number of rounds that count; one more round before them warms up.
pub const ROUNDS: usize = 5;

harness::rows! {
    /// What was measured, in interleaved rounds.
    pub struct Measurement in "measurements" {
        /// What is compared
        subject: String [""],
        /// Sizes of what is compared
        case: String [""],
        /// Contender that was measured
        contender: String [""],
        /// Instruction set of the kernels
        isa: String [""],
        /// Threads
        threads: usize ["1"],
        /// Interleaved round, from 1
        round: usize ["1"],
        /// What was measured
        value: f64 [""],
        /// Unit of the value
        unit: String [""],
    }
}

/// The results of one subject.
pub struct Part {
    /// The heading of the details.
    pub title: &'static str,
    /// The rows of the table at the top of the page.
    pub rows: Vec<Row>,
    /// The details, in Markdown.
    pub details: String,
    /// The figures.
    pub figures: Vec<Figure>,
}

/// One row of the table at the top of the page.
pub struct Row {
    /// A description of what is measured.
    pub what: String,
    /// The value that was measured, as text.
    pub measured: String,
    /// The value that a prototype reached, as text.
    pub reach: &'static str,
    /// The value that is aimed at, as text.
    pub aim: &'static str,
    /// Whether the reach and the aim are met; none if nothing was measured.
    pub met: Option<[bool; 2]>,
}

impl Row {
    /// Makes a row for a number of which more is better, and which `show` turns into text.
    pub fn at_least(
        what: impl Into<String>,
        value: f64,
        show: impl Fn(f64) -> String,
        [reach, aim]: [(f64, &'static str); 2],
    ) -> Row {
        Row {
            what: what.into(),
            measured: show(value),
            reach: reach.1,
            aim: aim.1,
            met: value
                .is_finite()
                .then_some([value >= reach.0, value >= aim.0]),
        }
    }
}

/// Returns the seconds that a call takes, as the mean over as many calls in a row as take about `lasting` seconds.
/// About as many calls before them do not count, since threads that slept are not at once on a core of their own.
pub fn seconds(lasting: f64, mut call: impl FnMut()) -> f64 {
    let mut calls = |times: usize| {
        let start = Instant::now();
        for _ in 0..times {
            call();
        }
        start.elapsed().as_secs_f64() / times as f64
    };
    let times = |once: f64| (lasting / once.max(1e-9)).clamp(1.0, 1e7) as usize;
    let once = calls(1);
    let warm = calls(times(once));
    calls(times(warm))
}

/// Returns the order in which so many contenders take their turns in a round. Each round begins with another contender,
/// and two rounds of four go backwards, so that none always comes first or after the same one, which may leave the
/// machine slower.
fn turns(contenders: usize, round: usize) -> impl Iterator<Item = usize> {
    (0..contenders).map(move |turn| match round % 4 {
        0 | 1 => (turn + round) % contenders,
        _ => (2 * contenders - 1 - turn + round) % contenders,
    })
}

/// Waits until a peer's threads sleep: they spin for some time after their work, on a core that the next contender
/// needs.
pub fn settle() {
    thread::sleep(Duration::from_millis(200));
}

/// The name of the contender that is the machine's own peak, in GFLOP/s whatever the unit of the others.
pub const PEAK: &str = "peak";

/// The measurements of one case: for each contender its name, its number of threads, and one value a round.
#[derive(Default)]
pub struct Rounds(Vec<(String, usize, Vec<f64>)>);

impl Rounds {
    /// Adds one round's value of a contender on so many threads.
    pub fn add(&mut self, contender: &str, threads: usize, value: f64) {
        let mut places = self.0.iter_mut();
        match places.find(|(name, t, _)| name == contender && *t == threads) {
            Some((.., values)) => values.push(value),
            None => self.0.push((contender.into(), threads, vec![value])),
        }
    }

    /// Measures each contender, by its place in `names`, in its turn of a round, and adds the values unless this is
    /// round 0, which warms up. A contender for which `measure` returns none is left out.
    pub fn take_turns(
        &mut self,
        round: usize,
        threads: usize,
        names: &[&str],
        mut measure: impl FnMut(usize) -> Option<f64>,
    ) {
        let mut values = vec![None; names.len()];
        for turn in turns(names.len(), round) {
            values[turn] = measure(turn);
        }
        for (name, value) in names.iter().zip(values) {
            if let Some(value) = value.filter(|_| round > 0) {
                self.add(name, threads, value);
            }
        }
    }

    /// Returns the values of a contender, in the order of the rounds; none if it was not measured.
    pub fn of(&self, contender: &str, threads: usize) -> &[f64] {
        let mut places = self.0.iter();
        let found = places.find(|(name, t, _)| name == contender && *t == threads);
        found.map_or(&[], |(.., values)| values)
    }

    /// Returns the median over the rounds of `value`, a function of the number of a round from 0.
    pub fn median(&self, value: impl Fn(usize) -> f64) -> f64 {
        let rounds = self.0.iter().map(|(.., values)| values.len()).min();
        median((0..rounds.unwrap_or(0)).map(value).collect())
    }

    /// Adds all measurements to the table; `place` is the subject, the case and the instruction set.
    pub fn tabulate(&self, place: [&str; 3], unit: &str, table: &mut Vec<Measurement>) {
        let [subject, case, isa] = place;
        for (contender, threads, values) in &self.0 {
            let unit = if contender == PEAK { "GFLOP/s" } else { unit };
            table.extend((1..).zip(values).map(|(round, &value)| Measurement {
                subject: subject.into(),
                case: case.into(),
                contender: contender.clone(),
                isa: isa.into(),
                threads: *threads,
                round,
                value,
                unit: unit.into(),
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contender_has_its_turn_in_each_round_and_none_is_mostly_first() {
        for contenders in 2..9 {
            let mut first = vec![0; contenders];
            for round in 1..=ROUNDS {
                let order: Vec<usize> = turns(contenders, round).collect();
                first[order[0]] += 1;
                let mut sorted = order;
                sorted.sort_unstable();
                assert!(sorted.into_iter().eq(0..contenders));
            }
            assert!(first.iter().all(|&n| 2 * n <= ROUNDS + 1), "{first:?}");
        }
    }

    #[test]
    fn what_is_measured_in_turns_counts_from_round_1_on_and_stands_in_the_order_of_the_names() {
        let mut rounds = Rounds::default();
        for round in 0..=2 {
            let value = |turn| (turn != 1).then_some((10 * round + turn) as f64);
            rounds.take_turns(round, 1, &["a", "absent", "b"], value);
        }
        assert_eq!(
            rounds.0,
            [
                ("a".into(), 1, vec![10.0, 20.0]),
                ("b".into(), 1, vec![12.0, 22.0])
            ]
        );
    }
}
