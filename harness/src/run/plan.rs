//! The plan of a run: the units of its experiments.

use std::collections::BTreeMap;

use crate::experiment::Needs;
use crate::experiment::units::Unit;
use crate::parts::plan::Planned;
use crate::run::config::Config;

/// Returns all units of a configuration in the order of their experiments, with their memory on `threads` threads.
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
