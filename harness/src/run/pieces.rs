//! The pieces of an experiment: the results of its units, each in a file of its own, so that no unit is computed twice,
//! neither by a run that goes on nor by another part of the same run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::claim::outcome::Outcome;
use crate::error::{Error, Result};
use crate::experiment::Ctx;
use crate::experiment::bound::Bound;
use crate::experiment::units::Unit;
use crate::input::read_result;
use crate::run::parts::COMMANDS;
use crate::store::checkpoint::{self, SUFFIX, Unfit};
use crate::store::names::CHECKPOINTS;
use crate::store::snapshot::Snapshot;
use crate::store::system;

/// The names of the two entries of the file of a piece: its bytes, and the core seconds that it took.
const PIECE: &str = "piece";
const SECONDS: &str = "core_seconds";

/// The pieces of one experiment.
pub struct Pieces<'a> {
    bound: &'a dyn Bound,
    ctx: Ctx<'a>,
    units: Vec<Unit>,
    settings: BTreeMap<String, toml::Value>,
    /// The folder of the part that holds the piece of a unit, by the name of the unit.
    held: BTreeMap<String, PathBuf>,
}

/// The result of a unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// The seconds that the unit took, times the threads that it had.
    pub core_seconds: f64,
    /// The bytes of the result.
    pub bytes: Vec<u8>,
}

/// The beginning of the name of the file of a piece, which lies among the checkpoints of its experiment.
const UNIT: &str = "unit-";

/// Returns the unit whose piece the file of this name holds, if it holds a piece.
pub fn unit_of(file: &str) -> Option<&str> {
    let name = file.strip_prefix(UNIT)?.strip_suffix(SUFFIX)?;
    name.strip_suffix('.')
}

/// Returns the file of the piece of a unit, relative to the folder of a run or of a part.
fn place(experiment: &str, unit: &str) -> PathBuf {
    let file = format!("{UNIT}{unit}.{SUFFIX}");
    Path::new(experiment).join(CHECKPOINTS).join(file)
}

/// Returns the units of an experiment of which a folder holds a piece.
pub fn units(folder: &Path, experiment: &str) -> Result<BTreeSet<String>> {
    let checkpoints = folder.join(experiment).join(CHECKPOINTS);
    let mut units = BTreeSet::new();
    if system::exists(&checkpoints)? {
        for entry in system::entries(&checkpoints)? {
            let name = entry.file_name();
            units.extend(name.to_str().and_then(unit_of).map(String::from));
        }
    }
    Ok(units)
}

/// Returns the file of the piece of a unit in the folder of a part.
pub fn file(part: &Path, experiment: &str, unit: &str) -> PathBuf {
    part.join(place(experiment, unit))
}

/// Reads the piece in a file of a part of a run.
///
/// # Errors
/// If the file cannot be read, or is damaged.
pub fn piece(file: &Path, run: &Path) -> Result<Piece> {
    let bytes = read_result(file)?;
    let piece = Snapshot::decode(&bytes).and_then(|snapshot| read(&snapshot));
    piece.map_err(|why| COMMANDS.refused(file, run, &Unfit::Damaged(why)))
}

impl<'a> Pieces<'a> {
    /// Returns the pieces of an experiment with its settings, in the folder of its session and in those of `parts`.
    pub fn new(bound: &'a dyn Bound, ctx: Ctx<'a>, parts: &[PathBuf]) -> Result<Self> {
        let settings = bound.settings().list().into_iter();
        let mut held = BTreeMap::new();
        for part in parts {
            let units = units(part, ctx.session.subfolder)?;
            held.extend(units.into_iter().map(|unit| (unit, part.clone())));
        }
        Ok(Pieces {
            bound,
            ctx,
            units: bound.units(ctx.seeds, &ctx.needs),
            settings: settings.map(|s| (s.key, s.value)).collect(),
            held,
        })
    }

    /// Returns the units, in their order.
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// Returns the piece of the unit with this number, if it is there.
    ///
    /// # Errors
    /// If the file of the piece is damaged, or of other settings.
    pub fn find(&self, number: usize) -> Result<Option<Piece>> {
        let (folder, place) = (self.ctx.session.folder, self.place(number));
        let own = folder.path().join(&place);
        let (file, again) = match self.held.get(&self.units[number].name) {
            _ if system::exists(&own)? => (own, folder.again().to_string()),
            Some(part) => (part.join(&place), COMMANDS.again(part)),
            None => return Ok(None),
        };
        let piece = checkpoint::open(&file, &self.identity(number), read)?;
        let piece = piece.map_err(|unfit| unfit.refused(&file, &again))?;
        Ok(Some(piece))
    }

    /// Returns whether the piece of the unit with this number is there.
    pub fn is_there(&self, number: usize) -> Result<bool> {
        let held = self.held.contains_key(&self.units[number].name);
        let own = self.ctx.session.folder.path().join(self.place(number));
        Ok(held || system::exists(&own)?)
    }

    /// Returns whether the pieces of all units are there.
    pub fn are_complete(&self) -> Result<bool> {
        let mut numbers = 0..self.units.len();
        numbers.try_fold(true, |all, number| Ok(all && self.is_there(number)?))
    }

    /// Computes those pieces of the units with the numbers `wanted` that are not there.
    pub fn compute(&self, wanted: &[usize]) -> Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        let mut missing = Vec::new();
        for &number in wanted {
            if !self.is_there(number)? {
                missing.push(number);
            }
        }
        let ticks = |numbers: &[usize]| -> u64 {
            let costs = numbers.iter().map(|&number| self.units[number].cost);
            costs.map(|cost| cost.ticks).sum()
        };
        let progress = self.ctx.session.progress;
        progress.start(ticks(wanted))?;
        progress.skip(ticks(wanted) - ticks(&missing))?;
        let keep = |number: usize, core_seconds: f64, bytes: &[u8]| {
            let mut snapshot = Snapshot::default();
            snapshot.put_slice(PIECE, bytes);
            snapshot.put_metadata(SECONDS, core_seconds);
            let (folder, place) = (self.ctx.session.folder, self.place(number));
            checkpoint::write(folder, &place, &self.identity(number), snapshot)
        };
        self.bound.compute(&missing, &self.ctx, &keep)
    }

    /// Returns the pieces of all units, in their order; `None` if one is missing.
    pub fn all(&self) -> Result<Option<Vec<Piece>>> {
        let numbers = 0..self.units.len();
        numbers.map(|number| self.find(number)).collect()
    }

    /// Returns the numbers of all units.
    pub fn numbers(&self) -> Vec<usize> {
        (0..self.units.len()).collect()
    }

    /// Returns the outcome of the experiment, which it concludes from all pieces.
    ///
    /// # Errors
    /// If one of the pieces is missing, or cannot be read.
    pub fn conclude(&self) -> Result<Outcome> {
        let pieces = self.all()?.ok_or_else(|| {
            Error::input(format!(
                "a file of the checkpoints of `{}` is not there any more; {} computes it again",
                self.ctx.experiment,
                self.ctx.session.folder.again()
            ))
        })?;
        let bytes = pieces.into_iter().map(|piece| piece.bytes).collect();
        self.bound.conclude(bytes, &self.ctx)
    }

    /// Returns the file of a piece, relative to the folder of the run or of a part.
    fn place(&self, number: usize) -> PathBuf {
        place(self.ctx.session.subfolder, &self.units[number].name)
    }

    /// Returns the text of everything that decides a piece.
    fn identity(&self, number: usize) -> String {
        let unit = &self.units[number].name;
        self.ctx.session.identity(unit, &self.settings)
    }
}

fn read(snapshot: &Snapshot) -> Result<Piece, String> {
    let seconds = snapshot.metadata(SECONDS)?;
    let core_seconds = seconds.parse();
    Ok(Piece {
        core_seconds: core_seconds.map_err(|_| format!("its {SECONDS} are `{seconds}`"))?,
        bytes: snapshot.read_vector(PIECE)?,
    })
}
