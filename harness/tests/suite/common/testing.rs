//! One experiment on its own, without command line, files or report.

use std::collections::BTreeMap;

use kernels::Isa;

use harness::claim::ledger::Ledger;
use harness::claim::outcome::Outcome;
use harness::claim::{Entry, Measure};
use harness::experiment::{Ctx, Experiment};
use harness::session::Session;
use harness::session::progress::{Progress, Show};
use harness::settings::Settings;
use harness::store::folder::Folder;
use harness::table::Tables;

/// Runs an experiment at the given seeds on the best ISA, on rayon's global pool.
///
/// # Panics
/// If the settings are out of range or the run fails.
pub fn run<E: Experiment>(settings: &E::Settings, seeds: &[u64]) -> Outcome {
    run_with::<E>(settings, seeds, Isa::detect(), &BTreeMap::new())
}

/// The tables of [`run`] on a pool of so many threads, as they are written.
///
/// # Panics
/// If the run does, or there is no pool.
pub fn csv_on<E: Experiment>(threads: usize, settings: &E::Settings, seeds: &[u64]) -> Vec<String> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.expect("a pool of threads");
    let outcome = pool.install(|| run::<E>(settings, seeds));
    let csv = |table: &harness::table::Table| table.csv().to_string();
    outcome.tables.iter().map(csv).collect()
}

/// As [`run`], on a given ISA and with the tables of the experiments that it needs.
///
/// # Panics
/// If the settings are out of range or the run fails.
pub fn run_with<E: Experiment>(
    settings: &E::Settings,
    seeds: &[u64],
    isa: Isa,
    inputs: &BTreeMap<&'static str, Tables>,
) -> Outcome {
    settings.check().expect("settings are in range");
    let parent = tempfile::tempdir().expect("a temporary folder");
    let folder = Folder::create(&parent.path().join("run")).expect("a new folder");
    let progress = Progress::new(E::ABOUT.id, Show::Nothing);
    let ctx = Ctx {
        session: Session {
            isa,
            threads: rayon::current_num_threads(),
            progress: &progress,
            folder: &folder,
            subfolder: E::ABOUT.id,
            checkpoint_every: std::time::Duration::MAX,
        },
        experiment: E::ABOUT.id,
        seeds,
        inputs,
    };
    E::run(settings, &ctx).expect("the experiment runs")
}

/// The ledger of what an experiment measured.
pub fn settle<E: Experiment>(outcome: &Outcome, seeds: &[u64]) -> Ledger {
    let settle = |claim| Entry::settle(E::ABOUT.id, claim, &outcome.measures, seeds);
    Ledger(E::ABOUT.claims.iter().copied().map(settle).collect())
}

/// Verdicts with every control in the place of its claim: what the harness says of a setting in which
/// the claims should fail.
pub fn settle_controls<E: Experiment>(outcome: &Outcome, seeds: &[u64]) -> Ledger {
    let controls = outcome.measures.iter().filter(|m| m.control).cloned();
    let measures: Vec<_> = controls
        .flat_map(|m| {
            let as_claim = Measure {
                control: false,
                ..m.clone()
            };
            [as_claim, m]
        })
        .collect();
    let settle = |claim| Entry::settle(E::ABOUT.id, claim, &measures, seeds);
    Ledger(E::ABOUT.claims.iter().copied().map(settle).collect())
}
