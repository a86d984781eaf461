//! An experiment together with its settings, which is what a run computes.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use super::context::Ctx;
use super::needs::Needs;
use super::units::Unit;
use super::{Experiment, Outcome};
use crate::error::{Error, Result};
use crate::session::{self, Session};
use crate::settings::Settings;

/// An experiment together with its settings, whatever their type.
pub trait Bound: Send + Sync {
    /// Returns the settings.
    fn settings(&self) -> &dyn Settings;

    /// Returns the settings, to change them.
    fn settings_mut(&mut self) -> &mut dyn Settings;

    /// Returns the estimated peak memory in bytes: see [`Experiment::memory`].
    fn memory(&self, needs: &Needs, threads: usize) -> f64;

    /// Returns the largest number of seeds to compute at: see [`Experiment::most_seeds`].
    fn most_seeds(&self) -> usize;

    /// Returns the units of the computation at these seeds, with their names and costs: see [`Experiment::units`].
    fn units(&self, seeds: &[u64], needs: &Needs) -> Vec<Unit>;

    /// Computes the units with these numbers and hands each result to `keep`: see [`Experiment::compute`].
    fn compute(&self, numbers: &[usize], ctx: &Ctx, keep: &Keep) -> Result<()>;

    /// Concludes from the results of all units, as bytes and in the order of the units: see [`Experiment::conclude`].
    ///
    /// # Errors
    /// Also if the bytes cannot be read as the result of a unit.
    fn conclude(&self, pieces: Vec<Vec<u8>>, ctx: &Ctx) -> Result<Outcome>;
}

/// A function that keeps the result of a unit. Its arguments are the number of the unit, the seconds that it took times
/// the number of threads that it had, and the bytes of the result.
pub type Keep<'a> = dyn Fn(usize, f64, &[u8]) -> Result<()> + Sync + 'a;

/// An experiment together with its settings, of their own type.
pub(super) struct Typed<E: Experiment>(pub E::Settings);

impl<E: Experiment> Bound for Typed<E> {
    fn settings(&self) -> &dyn Settings {
        &self.0
    }

    fn settings_mut(&mut self) -> &mut dyn Settings {
        &mut self.0
    }

    fn memory(&self, needs: &Needs, threads: usize) -> f64 {
        E::memory(&self.0, needs, threads)
    }

    fn most_seeds(&self) -> usize {
        E::most_seeds(&self.0)
    }

    fn units(&self, seeds: &[u64], needs: &Needs) -> Vec<Unit> {
        let units = E::units(&self.0, seeds).into_iter();
        let unit = |unit: E::Unit| Unit {
            name: E::name(&unit),
            cost: E::cost(&self.0, &unit, needs),
        };
        units.map(unit).collect()
    }

    fn compute(&self, numbers: &[usize], ctx: &Ctx, keep: &Keep) -> Result<()> {
        compute::<E>(&self.0, numbers, ctx, keep)
    }

    fn conclude(&self, pieces: Vec<Vec<u8>>, ctx: &Ctx) -> Result<Outcome> {
        conclude::<E>(&self.0, pieces, ctx)
    }
}

fn compute<E: Experiment>(
    settings: &E::Settings,
    numbers: &[usize],
    ctx: &Ctx,
    keep: &Keep,
) -> Result<()> {
    let units = E::units(settings, ctx.seeds);
    let one = |number: usize, ctx: &Ctx| {
        let begun = Instant::now();
        let piece = E::compute(settings, &units[number], ctx)?;
        let seconds = begun.elapsed().as_secs_f64() * ctx.session.threads as f64;
        let bytes = postcard::to_allocvec(&piece).expect("a piece is plain data");
        keep(number, seconds, &bytes)
    };
    let threads = ctx.session.threads;
    if !E::SIDE_BY_SIDE || threads == 1 || numbers.len() < threads {
        return numbers.iter().try_for_each(|&number| one(number, ctx));
    }
    let session = Session {
        threads: 1,
        ..ctx.session
    };
    let ctx = Ctx { session, ..*ctx };
    // The units that take longest come first, so that no thread is left with one of them at the end.
    let mut order = numbers.to_vec();
    let seconds = |number: usize| E::cost(settings, &units[number], &ctx.needs).seconds;
    order.sort_by(|&a, &b| seconds(b).total_cmp(&seconds(a)));
    let begun = AtomicUsize::new(0);
    let next = || order.get(begun.fetch_add(1, Ordering::Relaxed));
    // Each thread has a pool of its own: in a shared pool, a thread that waits for a part of its unit takes on another
    // unit.
    let work = || {
        let all = || {
            std::iter::from_fn(next).try_for_each(|&number| {
                let done = one(number, &ctx);
                if done.is_err() {
                    begun.store(order.len(), Ordering::Relaxed);
                }
                done
            })
        };
        session::pool(1)?.install(all)
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ended = workers.into_iter().map(|worker| worker.join());
        let ended: Vec<Result<()>> = ended
            .map(|ended| ended.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect();
        ended.into_iter().collect()
    })
}

fn conclude<E: Experiment>(
    settings: &E::Settings,
    pieces: Vec<Vec<u8>>,
    ctx: &Ctx,
) -> Result<Outcome> {
    let read = |bytes: Vec<u8>| {
        postcard::from_bytes(&bytes).map_err(|why| {
            let id = ctx.experiment;
            Error::input(format!("a piece of `{id}` cannot be read ({why})"))
        })
    };
    let pieces = pieces.into_iter().map(read).collect::<Result<_>>()?;
    E::conclude(settings, pieces, ctx)
}

/// Computes all units of an experiment, and concludes from their results in memory.
pub fn run<E: Experiment>(settings: &E::Settings, ctx: &Ctx) -> Result<Outcome> {
    let units = E::units(settings, ctx.seeds);
    let numbers: Vec<usize> = (0..units.len()).collect();
    let pieces = Mutex::new(BTreeMap::new());
    compute::<E>(settings, &numbers, ctx, &|number, _, bytes| {
        let mut pieces = pieces.lock().expect("no panic while it is held");
        pieces.insert(number, bytes.to_vec());
        Ok(())
    })?;
    let pieces = pieces.into_inner().expect("no panic while it was held");
    conclude::<E>(settings, pieces.into_values().collect(), ctx)
}
