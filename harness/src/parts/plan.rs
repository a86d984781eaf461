//! The plan of a computation: all units of work with what they cost, and which part computes which.

use std::path::Path;

use super::commands::Commands;
use super::folders::Key;
use super::share::Share;
use crate::error::{Error, Result};
use crate::store::names::{CONFIG, PLAN};

crate::rows! {
    /// A unit of work.
    pub struct Planned in "plan" {
        /// round: units of the second round need all of the first one, and so on
        round: usize [""],
        /// experiment, or `models` in a training on activations
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
    /// Returns the names of the experiment and of the unit.
    pub fn key(&self) -> Key {
        (self.experiment.clone(), self.unit.clone())
    }
}

/// Refuses the table of a plan, as it was read from a folder, if it does not list the units of its configuration.
///
/// # Errors
/// If `listed`, the table, differs from `planned` in a unit, its round or its estimated time.
pub fn refuse_other(
    listed: &[Planned],
    planned: &[Planned],
    run: &Path,
    commands: Commands,
) -> Result<()> {
    let is_same = |(a, b): (&Planned, &Planned)| {
        (a.round, a.key(), a.seconds) == (b.round, b.key(), b.seconds)
    };
    if listed.len() == planned.len() && listed.iter().zip(planned).all(is_same) {
        return Ok(());
    }
    let [config, table] = [CONFIG, PLAN].map(|name| run.join(name));
    Err(Error::input(format!(
        "{} does not list the units of {}; put it back as it was: {} writes the same",
        table.display(),
        config.display(),
        commands.plan_again(run)
    )))
}

/// Returns for each unit the part, from 0, that computes it, so that in every round the parts take about as long: units
/// go to the part that has least to do, the longest first.
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

/// Returns the units that belong to a share.
pub fn ours(planned: &[Planned], share: Share) -> impl Iterator<Item = &Planned> {
    let owners = shares(planned, share.parts).into_iter();
    let owned = planned.iter().zip(owners);
    owned
        .filter(move |(_, owner)| owner + 1 == share.part)
        .map(|(unit, _)| unit)
}

/// Returns the number of rounds.
pub fn rounds(planned: &[Planned]) -> usize {
    planned.iter().map(|p| p.round).max().unwrap_or(0)
}

/// Returns the estimated seconds of each part in each round, on one core: a row for each round.
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
        // With more parts than units, some parts have nothing to do.
        assert_eq!(
            loads(&planned, 9)[1].iter().filter(|&&s| s == 0.0).count(),
            7
        );
    }
}
