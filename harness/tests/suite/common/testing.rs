//! Runs of one experiment alone, without command line, files or report.

use std::collections::BTreeMap;

use kernels::Isa;

use harness::claim::ledger::Ledger;
use harness::claim::measures::Measurement;
use harness::claim::outcome::Outcome;
use harness::experiment::{Ctx, Experiment, Needs, bound};
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

/// Returns the tables of [`run`] on a pool of `threads` threads, as CSV.
///
/// # Panics
/// If the run panics, or there is no pool.
pub fn csv_on<E: Experiment>(threads: usize, settings: &E::Settings, seeds: &[u64]) -> Vec<String> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.expect("a pool of threads");
    let outcome = pool.install(|| run::<E>(settings, seeds));
    let csv = |table: &harness::table::Table| table.csv().to_string();
    outcome.tables.iter().map(csv).collect()
}

/// Runs an experiment as [`run`] does, on a given ISA and with the tables of the experiments that it needs.
///
/// # Panics
/// If the settings are out of range or the run fails.
pub fn run_with<E: Experiment>(
    settings: &E::Settings,
    seeds: &[u64],
    isa: Isa,
    inputs: &BTreeMap<&'static str, Tables>,
) -> Outcome {
    run_as::<E>(E::ABOUT.id, settings, seeds, isa, inputs)
}

/// Runs an experiment as [`run_with`] does, with the random streams of the experiment of another name.
///
/// # Panics
/// If the settings are out of range or the run fails.
pub fn run_as<E: Experiment>(
    name: &'static str,
    settings: &E::Settings,
    seeds: &[u64],
    isa: Isa,
    inputs: &BTreeMap<&'static str, Tables>,
) -> Outcome {
    settings.check().expect("settings are in range");
    in_context::<E, _>(name, seeds, isa, inputs, |ctx| {
        bound::run::<E>(settings, ctx).expect("the experiment runs")
    })
}

/// Returns what a function makes of the context of a run: its random streams, and a folder for its checkpoints.
///
/// # Panics
/// If that folder cannot be made.
pub fn in_context<E: Experiment, T>(
    name: &'static str,
    seeds: &[u64],
    isa: Isa,
    inputs: &BTreeMap<&'static str, Tables>,
    of: impl FnOnce(&Ctx) -> T,
) -> T {
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
            beside: &[],
        },
        experiment: name,
        seeds,
        needs: Needs(&BTreeMap::new()),
        inputs,
    };
    of(&ctx)
}

/// Returns the ledger of an experiment's measures, with every claim settled at all seeds.
///
/// # Panics
/// If a claim is not settled at all seeds.
pub fn settle<E: Experiment>(outcome: &Outcome, seeds: &[u64]) -> Ledger {
    settle_measures::<E>(&outcome.measures, seeds)
}

/// Returns the verdicts with every control in the place of its claim: those of a setting in which the claims should
/// fail.
pub fn settle_controls<E: Experiment>(outcome: &Outcome, seeds: &[u64]) -> Ledger {
    let as_claim = |m: &Measurement| Measurement {
        value: m.control_value,
        missing: m.control_missing.clone(),
        holds: m.control_holds,
        ..m.clone()
    };
    let controls: Vec<_> = outcome.measures.iter().map(as_claim).collect();
    settle_measures::<E>(&controls, seeds)
}

fn settle_measures<E: Experiment>(measures: &[Measurement], seeds: &[u64]) -> Ledger {
    let mut ledger = Ledger::default();
    ledger.settle(E::ABOUT.id, E::ABOUT.claims, measures);
    for entry in &ledger.entries {
        assert_eq!(entry.seeds, seeds.len() as u64, "{}", entry.id);
    }
    ledger
}
