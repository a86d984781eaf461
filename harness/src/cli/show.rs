//! The command `harness show`, which prints all about one claim of a run.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};

use super::common::{put_wrapped, wrapped};
use super::paint::{HEADING, paint, painted_sign, painted_verdict};
use crate::claim::condition::Condition;
use crate::claim::criteria::history;
use crate::claim::ledger::Ledger;
use crate::claim::measures::Measurement;
use crate::claim::setting::choices;
use crate::claim::words;
use crate::claim::{Bound, Cell, ClaimSpec, Entry, Kind, Verdict, reference};
use crate::error::{Error, Result};
use crate::experiment::erased::Erased;
use crate::experiment::registry::Registry;
use crate::experiments::REGISTRY;
use crate::run::results::{self, Fact};
use crate::stats::observations::Observations as _;
use crate::store::{names, system};
use crate::table::record::Word as _;
use crate::text::{number, put};

/// A parser that takes any text as the name of a claim, and tells completion scripts the names that there are.
#[derive(Debug, Clone)]
pub struct ClaimName;

impl TypedValueParser for ClaimName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(
            claims(&REGISTRY).map(|(_, claim)| PossibleValue::new(claim.id)),
        ))
    }
}

fn claims(
    registry: &Registry,
) -> impl Iterator<Item = (&'static dyn Erased, &'static ClaimSpec)> + Clone + use<> {
    let of = |e: &'static dyn Erased| e.about().claims.iter().map(move |claim| (e, *claim));
    registry.experiments().flat_map(of)
}

/// Returns all about the claim `id`, from the run in `folder` or in the one under `out/` that ended last, in lines of
/// at most `width` columns.
///
/// # Errors
/// Also if there is no such claim, or the run has no verdict on it.
pub fn show(registry: &Registry, id: &str, folder: Option<&Path>, width: usize) -> Result<String> {
    let folder = match folder {
        Some(folder) => folder.to_path_buf(),
        None => newest(id, registry)?,
    };
    let (facts, ledger) = results::ledger(&folder)?;
    let Some(entry) = ledger.get(id) else {
        known(registry, id)?;
        return Err(not_in(&folder, registry, id));
    };
    let mut page = Page::new(width);
    let measures = results::measures(&folder, &entry.experiment)?;
    page.put_claim(registry, entry);
    page.put_outcome(entry, &facts, &folder);
    page.put_conditions(entry, &measures);
    page.put_settings(entry, &ledger);
    page.put_files(registry, entry, &folder)?;
    Ok(page.text)
}

/// The folder of runs without `--out`.
const OUT: &str = "out";

/// Returns the folder of the run under `out/` that ended last.
///
/// # Errors
/// Also if that run has no verdict on the claim `id` but an older one has.
fn newest(id: &str, registry: &Registry) -> Result<PathBuf> {
    known(registry, id)?;
    let runs = results::finished(Path::new(OUT))?;
    let Some(newest) = runs.first() else {
        return Err(Error::input(format!(
            "there is no finished run in {OUT}/; `harness run` makes one, or name the folder of a run: \
             `harness show {id} DIR`"
        )));
    };
    let holds = |run: &PathBuf| {
        let ledger = results::ledger(run);
        ledger.is_ok_and(|(_, ledger)| ledger.get(id).is_some())
    };
    // An older run is named but not taken, since nobody asked for it.
    if results::ledger(newest)?.1.get(id).is_none()
        && let Some(older) = runs.iter().find(|run| holds(run))
    {
        return Err(Error::input(format!(
            "{}, the run in {OUT}/ that ended last, has no verdict on `{id}`, and {older} has one: \
             `harness show {id} {older}`",
            newest.display(),
            older = older.display(),
        )));
    }
    Ok(newest.clone())
}

/// Checks that there is a claim of the name `id`.
///
/// # Errors
/// If there is none. The message names the claims that may have been meant.
fn known(registry: &Registry, id: &str) -> Result<()> {
    let all = || claims(registry).map(|(_, claim)| claim.id);
    if all().any(|claim| claim == id) {
        return Ok(());
    }
    let meant = match registry.find(id) {
        Some(experiment) => {
            let ids = experiment.about().claims.iter().map(|claim| claim.id);
            let ids: Vec<_> = ids.map(|id| format!("`{id}`")).collect();
            match ids.is_empty() {
                true => "; it is an experiment without claims".into(),
                false => format!("; it is an experiment, with the claims {}", ids.join(", ")),
            }
        }
        None => match nearest(id, all()).as_slice() {
            [] => String::new(),
            near => format!("; did you mean {}?", near.join(" or ")),
        },
    };
    Err(Error::input(format!(
        "there is no claim `{id}`{meant} (`harness list` shows all of them)"
    )))
}

/// Returns at most three of the known names that contain a word or are spelt nearly like it, the nearest first.
fn nearest(word: &str, known: impl Iterator<Item = &'static str>) -> Vec<String> {
    let near = known.filter_map(|name| {
        let holds = word.len() > 2 && name.contains(word);
        let distance = strsim::damerau_levenshtein(word, name);
        let alike = distance <= name.len().max(word.len()) / 3;
        (holds || alike).then_some((distance, name))
    });
    let mut near: Vec<_> = near.collect();
    near.sort_unstable();
    near.truncate(3);
    near.into_iter()
        .map(|(_, name)| format!("`{name}`"))
        .collect()
}

fn not_in(folder: &Path, registry: &Registry, id: &str) -> Error {
    let settles = claims(registry).find(|(_, claim)| claim.id == id);
    let experiment = settles.map_or("", |(experiment, _)| experiment.id());
    Error::input(format!(
        "the run in {} has no verdict on `{id}`: it was run without the experiment `{experiment}`; \
         `harness run {experiment}` settles it",
        folder.display()
    ))
}

/// The text that is printed, which is built field by field.
struct Page {
    text: String,
    width: usize,
}

/// The number of columns of the names of fields.
const FIELD: usize = 12;

impl Page {
    fn new(width: usize) -> Self {
        Page {
            text: String::new(),
            // In narrower lines, words would be broken.
            width: width.max(FIELD + 20),
        }
    }

    /// Appends words beside the name of a field.
    fn put(&mut self, name: &str, words: &str) {
        for (i, line) in wrapped(words, self.width - FIELD, "").iter().enumerate() {
            let name = format!("{:<FIELD$}", if i == 0 { name } else { "" });
            put(
                &mut self.text,
                format_args!("{}{line}\n", paint(HEADING, &name)),
            );
        }
    }

    /// Appends words under a field, with a sign or a dash before them.
    fn put_item(&mut self, sign: &str, words: &str) {
        for (i, line) in wrapped(words, self.width - FIELD, "").iter().enumerate() {
            let sign = if i == 0 { sign } else { " " };
            put(
                &mut self.text,
                format_args!("{:1$}{sign} {line}\n", "", FIELD - 2),
            );
        }
    }

    fn gap(&mut self) {
        self.text.push('\n');
    }

    /// Appends what the claim says and what settles it.
    fn put_claim(&mut self, registry: &Registry, entry: &Entry) {
        put(
            &mut self.text,
            format_args!(
                "{}: {}\n\n",
                paint(HEADING, &entry.id),
                painted_verdict(entry.verdict)
            ),
        );
        put_wrapped(&mut self.text, &entry.statement, self.width, "");
        self.gap();
        let kind = match entry.kind {
            Kind::Identity => "identity: algebra, so that the run checks the code",
            Kind::Law => "law: a statement on random models or on functions; nothing is trained",
            Kind::Finding => "finding: on trained models",
        };
        self.put("kind", kind);
        let experiment = registry.find(&entry.experiment);
        let title = experiment.map_or(String::new(), |e| format!(" ({})", e.about().title));
        self.put("experiment", &format!("{}{title}", entry.experiment));
        let row = history(&entry.id).find(|row| row.criterion == entry.criterion);
        let since = row.map_or(String::new(), |row| {
            let look = match row.after_a_look {
                true => ", written after a look at results",
                false => "",
            };
            format!(" (since {}{look})", row.date)
        });
        self.put("criterion", &format!("{}{since}", entry.criterion));
        self.put("control", &entry.control);
    }

    /// Appends the result, and whether it is as in the reference run.
    fn put_outcome(&mut self, entry: &Entry, facts: &[Fact], folder: &Path) {
        self.gap();
        let run = format!("{}, {}", folder.display(), results::in_short(facts));
        self.put("run", &run);
        let effect = format!(
            "{} = {} ({})",
            entry.measure,
            number(entry.value),
            words::spread(entry)
        );
        self.put("effect", &effect);
        let range = match entry.control_low == entry.control_high || entry.control_low.is_nan() {
            true => String::new(),
            false => format!(
                " ({} to {})",
                number(entry.control_low),
                number(entry.control_high)
            ),
        };
        let beside = match words::difference(entry).as_str() {
            "" => String::new(),
            difference => format!("; {difference}"),
        };
        self.put(
            "in control",
            &format!("{}{range}{beside}", number(entry.control_value)),
        );
        let reason = match entry.reason.as_str() {
            "" => String::new(),
            reason => format!(": {reason}"),
        };
        self.put("verdict", &format!("{}{reason}", entry.verdict));
        let theirs = results::in_short(&results::REFERENCE);
        let reference = match reference::counterpart(entry, &reference::LEDGER) {
            None => format!(
                "the reference run ({theirs}) has no such claim with this statement and criterion"
            ),
            Some(same) if same.verdict == entry.verdict => {
                format!("{} too ({theirs})", same.verdict)
            }
            Some(other) => format!(
                "{}, with {} ({}; {theirs})",
                other.verdict,
                number(other.value),
                words::spread(other)
            ),
        };
        self.put("reference", &reference);
    }

    /// Appends every condition, for the claim and its control.
    fn put_conditions(&mut self, entry: &Entry, measures: &[Measurement]) {
        self.gap();
        self.put(
            "conditions",
            "all of these must hold, and the first must fail in the control",
        );
        for condition in Condition::all(entry, measures) {
            let sign = match (condition.holds(), condition.fails()) {
                (true, _) => "✓",
                (_, true) => "✗",
                _ => "?",
            };
            let bounds: Vec<_> = condition.bounds.iter().copied().map(Bound::text).collect();
            let line = format!("{} {}", condition.measure, bounds.join(" and "));
            self.put_item(sign, &line);
            let line = format!(
                "{} ({}); control {} ({})",
                number(condition.effect.value),
                condition.spread(),
                number(condition.control.value),
                condition.control_spread()
            );
            self.put_item(" ", &line);
        }
    }

    /// Appends the specification curve: how often each verdict came out, and the settings in which the claim does not
    /// hold.
    fn put_settings(&mut self, entry: &Entry, ledger: &Ledger) {
        let cells: Vec<&Cell> = ledger.cells_of(&entry.id).collect();
        if cells.is_empty() {
            return;
        }
        self.gap();
        let of = |verdict: Verdict| cells.iter().filter(move |cell| cell.verdict == verdict);
        let counts = Verdict::ALL
            .iter()
            .map(|&verdict| (of(verdict).count(), verdict));
        let counts = counts
            .filter(|(n, _)| *n > 0)
            .map(|(n, verdict)| format!("{n} {verdict}"));
        let counts = counts.collect::<Vec<_>>().join(", ");
        self.put(
            "settings",
            &format!("{}: {counts}", words::settings(ledger.curve(&entry.id))),
        );
        // A choice that has the same option in all settings is left out.
        let options = cells
            .iter()
            .flat_map(|cell| choices(&cell.setting))
            .distinct();
        let varies = |choice: &str| options.iter().filter(|o| o.0 == choice).count() > 1;
        for &verdict in Verdict::ALL.iter().filter(|v| **v != Verdict::Reproduced) {
            for cell in of(verdict) {
                let setting = choices(&cell.setting).filter(|o| varies(o.0));
                let setting: Vec<_> = setting
                    .map(|(choice, option)| format!("{choice} {option}"))
                    .collect();
                let range = match cell.low == cell.high || cell.low.is_nan() {
                    true => String::new(),
                    false => format!(" ({} to {})", number(cell.low), number(cell.high)),
                };
                let words = format!("{}: {}{range}", setting.join(", "), number(cell.value));
                self.put_item(&painted_sign(verdict), &words);
            }
        }
    }

    /// Appends the places of the figures, the tables and the report.
    fn put_files(&mut self, registry: &Registry, entry: &Entry, folder: &Path) -> Result<()> {
        self.gap();
        let own = folder.join(&entry.experiment);
        let about = registry.find(&entry.experiment).map(|e| e.about());
        let figures = about.iter().flat_map(|about| about.figures);
        let curve = format!("specification-{}", entry.id);
        let figures = figures.map(|figure| figure.to_string()).chain([curve]);
        let tables = about
            .iter()
            .flat_map(|about| about.tables)
            .map(|table| table.name);
        let tables = tables
            .map(|table| format!("{table}.csv"))
            .chain([names::MEASURES.into()]);
        self.put("folder", &own.display().to_string());
        for (name, files) in [
            (
                "figures",
                figures
                    .map(|figure| format!("{figure}.svg"))
                    .collect::<Vec<_>>(),
            ),
            ("tables", tables.collect()),
        ] {
            let mut there = Vec::new();
            for file in files {
                if system::exists(&own.join(&file))? {
                    there.push(file);
                }
            }
            if !there.is_empty() {
                self.put(name, &there.join(", "));
            }
        }
        self.put("report", &folder.join(names::REPORT).display().to_string());
        Ok(())
    }
}
