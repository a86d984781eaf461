//! The plan in a folder: how every command that goes on with the plan reads it, and the summary that is printed of it.

use std::path::Path;

use kernels::Isa;

use super::common::choose_isa;
use crate::error::{Error, Result};
use crate::parts::Commands;
use crate::parts::folders::folders;
use crate::parts::plan::{Planned, loads, rounds};
use crate::store::names::{CONFIG, PLAN};
use crate::store::system;
use crate::table::{Record as _, Table};
use crate::text::{number, put, quoted_path};
use crate::workbench::job::MODELS;

/// The numbers of tasks for which the summary of a plan gives the time.
pub const TASKS: [usize; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

/// Returns the units in the plan of a folder, as they were written.
///
/// # Errors
/// If the folder holds no plan, only a part of one, or one of another command.
pub fn listed(commands: Commands, run: &Path) -> Result<Vec<Planned>> {
    let [config, plan] = [CONFIG, PLAN].map(|name| run.join(name));
    let (name, command) = (run.display(), commands.plan);
    match (system::exists(&config)?, system::exists(&plan)?) {
        (true, true) => {}
        (false, false) => {
            let why = match system::exists(run)? {
                true => format!("{name} holds no plan: there is no {PLAN} in it"),
                false => format!("there is no folder {name}"),
            };
            return Err(Error::input(format!(
                "{why}; `{command} --help` tells how to write a plan"
            )));
        }
        (false, true) => {
            let mut copies = folders(run)?.into_iter().map(|part| part.join(CONFIG));
            let copy = copies.find(|copy| copy.exists());
            let copy = copy.map(|copy| format!(" ({} is the same)", copy.display()));
            return Err(Error::input(format!(
                "{name} holds a plan, but no {CONFIG}, which its units follow from; put it back{}",
                copy.unwrap_or_default()
            )));
        }
        (true, false) => {
            return Err(Error::input(format!(
                "{name} holds no plan: {} plans what its {CONFIG} says; if only {PLAN} was lost, copy NEW/{PLAN} to {name}",
                commands.plan_again(run)
            )));
        }
    }
    let listed = Table::read(Planned::SPEC, &plan).map_err(|error| match error {
        Error::Input(why) => Error::input(format!(
            "{why}; put it back as it was: {} writes the same",
            commands.plan_again(run)
        )),
        other => other,
    })?;
    let listed: Vec<Planned> = listed.rows();
    let is_training = listed.iter().any(|unit| unit.experiment == MODELS);
    let (by, of) = match is_training {
        true => ("harness sae plan", "of `harness sae`"),
        false => ("harness plan", "of `harness`, without sae"),
    };
    if !listed.is_empty() && by != command {
        return Err(Error::input(format!(
            "{name} was planned by `{by}`: its parts, status, merge and submit are commands {of}"
        )));
    }
    Ok(listed)
}

/// Returns the instruction set `named`, for which the computation in the folder `run` was planned.
///
/// # Errors
/// If this machine does not have it, or `KERNELS_ISA` names another one.
pub fn isa(named: Option<&str>, run: &Path) -> Result<Isa> {
    let named = named.unwrap_or_default();
    let isa = choose_isa(Some(named)).ok();
    isa.filter(|isa| isa.name() == named).ok_or_else(|| {
        let available = Isa::available().into_iter();
        let names: Vec<_> = available.map(Isa::name).collect();
        Error::input(format!(
            "{} is planned for the instruction set {named}, which this machine, with {}, does not have or KERNELS_ISA \
             forbids: compute its parts on machines that have it, or plan it anew with one that all have, such as by \
             KERNELS_ISA={}",
            run.display(),
            names.join(", "),
            names[0]
        ))
    })
}

/// Returns the summary of a plan, with its time and memory, and the commands that go on with it.
pub fn said(commands: Commands, planned: &[Planned], isa: Isa, folder: &Path) -> String {
    let all: f64 = planned.iter().map(|p| p.seconds).sum();
    let longest = planned
        .iter()
        .max_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let memory = planned.iter().map(|p| p.memory).fold(0.0, f64::max);
    let mut text = format!(
        "{} units, some {} on one core with {}, at most {} MB of memory each\n",
        planned.len(),
        hours(all),
        isa.name(),
        number((memory / 1e6).ceil())
    );
    if let Some(longest) = longest {
        put(
            &mut text,
            format_args!(
                "the longest is {} {}, some {}\n",
                longest.experiment,
                longest.unit,
                hours(longest.seconds)
            ),
        );
    }
    for tasks in TASKS.into_iter().filter(|&tasks| tasks <= planned.len()) {
        let rounds = loads(planned, tasks);
        let rounds: Vec<String> = rounds
            .iter()
            .map(|loads| hours(loads.iter().copied().fold(0.0, f64::max)))
            .collect();
        put(
            &mut text,
            format_args!(
                "{tasks:>4} tasks of one core each: {}\n",
                rounds.join(", then ")
            ),
        );
    }
    let folder = quoted_path(folder);
    put(
        &mut text,
        format_args!(
            "\nnext: {} --part I/N --out {folder}    for I from 1 to N, in any order{}\n\
             then: {} {folder}\n",
            commands.part,
            match rounds(planned) {
                0 | 1 => String::new(),
                rounds =>
                    format!(", {rounds} times over: units of a later round need those before"),
            },
            commands.merge
        ),
    );
    text
}

/// Writes a time in seconds, minutes or hours.
fn hours(seconds: f64) -> String {
    match seconds {
        ..120.0 => format!("{} s", number(seconds.ceil())),
        120.0..7200.0 => format!("{} min", number((seconds / 60.0).round())),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}
