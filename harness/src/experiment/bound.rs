//! An experiment with its settings: what a run computes.

use super::context::Ctx;
use super::needs::Needs;
use super::{Experiment, Outcome};
use crate::error::Result;
use crate::settings::Settings;

/// An experiment with its settings, whatever their type.
pub trait Bound: Send + Sync {
    /// The settings.
    fn settings(&self) -> &dyn Settings;

    /// The settings, to change.
    fn settings_mut(&mut self) -> &mut dyn Settings;

    /// Estimated peak memory, bytes: see [`Experiment::memory`].
    fn memory(&self, needs: &Needs, threads: usize) -> f64;

    /// The largest number of seeds to run at: see [`Experiment::most_seeds`].
    fn most_seeds(&self) -> usize;

    /// Computes: see [`Experiment::run`].
    fn run(&self, ctx: &Ctx) -> Result<Outcome>;
}

/// An experiment with its settings.
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

    fn run(&self, ctx: &Ctx) -> Result<Outcome> {
        E::run(&self.0, ctx)
    }
}
