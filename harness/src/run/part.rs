//! The computation of one part of a run: some of its units, computed into a folder of their own.

use std::path::{Path, PathBuf};

use kernels::Isa;

use super::config::Config;
use super::manifest::Manifest;
use super::merge;
use super::options::RunOptions;
use super::parts::{self, COMMANDS};
use super::pieces::{Pieces, unit_of};
use super::results;
use super::time::Stopwatch;
use super::walk::{Step, walk};
use crate::error::Result;
use crate::parts::Wanted;
use crate::parts::folders::of_other_divisions;
use crate::session;
use crate::store::checkpoint;
use crate::store::folder::Folder;
use crate::store::made::create_folders;
use crate::store::names::{CHECKPOINTS, MANIFEST, PARTS};
use crate::table::Tables;

/// The state of a part when its computation ends.
#[derive(Debug, PartialEq)]
pub struct Ended {
    /// The number of units of the part whose pieces are there.
    pub there: usize,
    /// The number of all units of the part.
    pub units: usize,
    /// The experiments of those units that are not there, since they need what other parts have not computed yet.
    pub waiting: Vec<&'static str>,
}

/// Computes those units of a part that are not there yet, as far as the parts have computed what these units need.
pub fn run(
    config: &Config,
    isa: Isa,
    run: &Path,
    wanted: &Wanted,
    options: &RunOptions,
) -> Result<Ended> {
    let pool = session::pool(options.threads)?;
    let path = run.join(PARTS).join(&wanted.folder);
    let mut manifest = Manifest::new(config, isa.name(), options.threads);
    create_folders(&path)?;
    let folder = Folder::resume(&path, config.ids())?.continued_by(COMMANDS.again(&path));
    merge::belongs(&mut manifest, &path)?;
    checkpoint::verify(&folder, config.ids())?;
    folder.write(MANIFEST, manifest.to_json())?;
    // The tables that others need may be concluded in the folder of the run.
    let mut beside = vec![run.to_path_buf()];
    beside.extend(parts::folders(run)?);
    beside.retain(|other| *other != path);
    let options = RunOptions {
        parts: beside,
        ..options.clone()
    };
    let others = of_other_divisions(run, &wanted.folder)?;
    merge::refuse_strange(config, isa.name(), &others)?;
    let part = Part {
        config,
        isa,
        options: &options,
        folder: &folder,
        run,
        others: &others,
        wanted,
    };
    let ended = folder.telling_again(pool.install(|| part.compute(&mut manifest)))?;
    if ended.waiting.is_empty() && wanted.is_whole {
        manifest.finish();
    }
    folder.write(MANIFEST, manifest.to_json())?;
    Ok(ended)
}

struct Part<'a> {
    config: &'a Config,
    isa: Isa,
    options: &'a RunOptions,
    folder: &'a Folder,
    /// The folder of the run.
    run: &'a Path,
    /// The folders of parts of other divisions of the work.
    others: &'a [PathBuf],
    wanted: &'a Wanted,
}

impl Part<'_> {
    fn compute(&self, manifest: &mut Manifest) -> Result<Ended> {
        let mut ended = Ended {
            there: 0,
            units: self.wanted.units.len(),
            waiting: Vec::new(),
        };
        walk(self.config, self.isa, self.options, self.folder, |step| {
            let id = step.experiment.id();
            let mut needs = step.experiment.about().needs.iter();
            let is_ready = needs.all(|need| step.ctx.inputs.contains_key(need));
            let computes = self.wanted.has(id);
            if computes && is_ready {
                let watch = Stopwatch::start();
                let there = self.pieces(&step);
                ended.there +=
                    there.inspect_err(|_| manifest.keep_time(id, watch.time(), self.folder))?;
                manifest.times.add(id, watch.time());
                step.ctx.session.progress.finish();
            } else if computes {
                ended.waiting.push(id);
            }
            self.concluded(&step, is_ready)
        })?;
        Ok(ended)
    }

    /// Computes the pieces of an experiment that belong to this part, and returns their number.
    fn pieces(&self, step: &Step) -> Result<usize> {
        let id = step.experiment.id();
        let pieces = Pieces::new(step.bound, step.ctx, self.others)?;
        let is_ours = |&number: &usize| {
            let unit = &pieces.units()[number].name;
            self.wanted.units.contains(&(id.to_string(), unit.clone()))
        };
        let ours: Vec<usize> = pieces.numbers().into_iter().filter(is_ours).collect();
        // A piece that is there is read, to refuse one of another run.
        ours.iter()
            .try_for_each(|&number| pieces.find(number).map(drop))?;
        pieces.compute(&ours)?;
        self.remove_checkpoints(id)?;
        Ok(ours.len())
    }

    /// Returns the tables of an experiment that units of this part need, if they are concluded or all pieces are there.
    fn concluded(&self, step: &Step, is_ready: bool) -> Result<Option<Tables>> {
        let (id, about) = (step.experiment.id(), step.experiment.about());
        if !self
            .config
            .is_needed(id, |experiment| self.wanted.has(experiment))
        {
            return Ok(None);
        }
        if results::is_complete(self.run, step.experiment)? {
            let names = results::csv_files(step.experiment);
            results::verify(self.run, names, &parts::conclude_needed(self.run))?;
            return Tables::read(about.tables, &self.run.join(id)).map(Some);
        }
        if !is_ready {
            return Ok(None);
        }
        let all = Pieces::new(step.bound, step.ctx, &self.options.parts)?;
        if !all.are_complete()? {
            return Ok(None);
        }
        Ok(Some(Tables::new(all.conclude()?.tables)))
    }

    /// Removes the checkpoints of the trainings of an experiment whose pieces of this part are all there.
    fn remove_checkpoints(&self, id: &str) -> Result<()> {
        let checkpoints = Path::new(id).join(CHECKPOINTS);
        for folder in self.folder.list(&checkpoints)? {
            let name = folder.file_name().expect("an entry has a name");
            if unit_of(&name.to_string_lossy()).is_none() {
                self.folder.remove(checkpoints.join(name))?;
            }
        }
        Ok(())
    }
}
