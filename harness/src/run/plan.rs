//! The plan of a run: all units of work with what they cost, and who computes which.

use std::collections::BTreeMap;

use crate::experiment::Needs;
use crate::experiment::units::Unit;
use crate::run::config::Config;

crate::rows! {
    /// A unit of work.
    pub struct Planned in "plan" {
        /// round: units of the second round need all of the first one, and so on
        round: usize [""],
        /// experiment
        experiment: String [""],
        /// name of the unit in its experiment
        unit: String [""],
        /// estimated time on one core
        seconds: f64 ["s"],
        /// estimated memory, at most
        memory: f64 ["bytes"],
    }
}

impl Planned {
    /// The name of the unit and its experiment.
    pub fn key(&self) -> (&str, &str) {
        (&self.experiment, &self.unit)
    }
}

/// All units of a configuration in the order of their experiments, with their memory on so many threads.
pub fn plan(config: &Config, threads: usize) -> Vec<Planned> {
    let memory: BTreeMap<_, _> = config.memory(threads).into_iter().collect();
    let mut rounds: BTreeMap<&str, usize> = BTreeMap::new();
    let settings = config.settings();
    let mut planned = Vec::new();
    for selected in &config.experiments {
        let (id, about) = (selected.experiment.id(), selected.experiment.about());
        let needed = about.needs.iter().map(|need| rounds[need]);
        let round = 1 + needed.max().unwrap_or(0);
        rounds.insert(id, round);
        let units = selected
            .bound
            .units(&config.seeds_of(&*selected.bound), &Needs(&settings));
        planned.extend(units.into_iter().map(|Unit { name, cost }| Planned {
            round,
            experiment: id.into(),
            unit: name,
            seconds: cost.seconds,
            memory: memory[id],
        }));
    }
    planned
}

/// The part, from 0, that computes each unit, so that in every round the parts take about as long: units go to the part
/// that has least to do, the longest first.
pub fn shares(planned: &[Planned], parts: usize) -> Vec<usize> {
    let mut owners = vec![0; planned.len()];
    let mut order: Vec<usize> = (0..planned.len()).collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (&planned[a], &planned[b]);
        a.round.cmp(&b.round).then(b.seconds.total_cmp(&a.seconds))
    });
    let mut busy = vec![0f64; parts];
    let mut round = 0;
    for unit in order {
        if planned[unit].round != round {
            round = planned[unit].round;
            busy.fill(0.0);
        }
        let free = (0..parts).min_by(|&a, &b| busy[a].total_cmp(&busy[b]));
        let free = free.expect("one part at least");
        busy[free] += planned[unit].seconds;
        owners[unit] = free;
    }
    owners
}

/// Number of rounds.
pub fn rounds(planned: &[Planned]) -> usize {
    planned.iter().map(|p| p.round).max().unwrap_or(0)
}

/// Estimated seconds of each part in each round, on one core.
pub fn loads(planned: &[Planned], parts: usize) -> Vec<Vec<f64>> {
    let mut loads = vec![vec![0.0; parts]; rounds(planned)];
    for (unit, owner) in planned.iter().zip(shares(planned, parts)) {
        loads[unit.round - 1][owner] += unit.seconds;
    }
    loads
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(round: usize, seconds: f64) -> Planned {
        Planned {
            round,
            experiment: "e".into(),
            unit: format!("{round}-{seconds}"),
            seconds,
            memory: 1.0,
        }
    }

    #[test]
    fn every_round_is_dealt_evenly() {
        let seconds = [5.0, 1.0, 4.0, 3.0, 3.0];
        let units = seconds.iter().map(|&s| unit(1, s));
        let planned: Vec<_> = units.chain([unit(2, 7.0), unit(2, 6.0)]).collect();
        assert_eq!(loads(&planned, 2), [[8.0, 8.0], [7.0, 6.0]]);
        assert_eq!(loads(&planned, 1), [[16.0], [13.0]]);
        assert_eq!(shares(&planned[..1], 3), [0]);
        // More parts than units: some have nothing to do.
        assert_eq!(
            loads(&planned, 9)[1].iter().filter(|&&s| s == 0.0).count(),
            7
        );
    }
}
