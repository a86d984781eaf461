//! The walk through the experiments of a configuration in their order, each of which is given the tables of those
//! before.

use std::collections::BTreeMap;

use kernels::Isa;

use super::config::{Config, Selected};
use super::options::RunOptions;
use crate::error::Result;
use crate::experiment::bound::Bound;
use crate::experiment::erased::Erased;
use crate::experiment::{Ctx, Needs};
use crate::session::progress::{self, Progress};
use crate::store::folder::Folder;
use crate::table::Tables;

/// A step of the walk: an experiment, and what it is given.
#[derive(Clone, Copy)]
pub struct Step<'a> {
    /// The experiment.
    pub experiment: &'static dyn Erased,
    /// The experiment with its settings.
    pub bound: &'a dyn Bound,
    /// The context of the experiment. Its inputs are the tables that earlier steps returned.
    pub ctx: Ctx<'a>,
}

/// Calls `work` on every experiment of a configuration, in order. It returns the tables of that experiment, if they are
/// known then.
pub fn walk(
    config: &Config,
    isa: Isa,
    options: &RunOptions,
    folder: &Folder,
    mut work: impl FnMut(Step) -> Result<Option<Tables>>,
) -> Result<()> {
    let settings = config.settings();
    let mut concluded: BTreeMap<&'static str, Tables> = BTreeMap::new();
    for (i, Selected { experiment, bound }) in config.experiments.iter().enumerate() {
        progress::check()?;
        let id = experiment.id();
        let name = format!("[{}/{}] {id}", i + 1, config.experiments.len());
        let progress = Progress::new(name, options.show);
        let seeds = config.seeds_of(&**bound);
        let tables = work(Step {
            experiment: *experiment,
            bound: &**bound,
            ctx: Ctx {
                session: options.session(isa, folder, id, &progress),
                experiment: id,
                seeds: &seeds,
                needs: Needs(&settings),
                inputs: &concluded,
            },
        })?;
        if let Some(tables) = tables {
            concluded.insert(id, tables);
        }
    }
    Ok(())
}
