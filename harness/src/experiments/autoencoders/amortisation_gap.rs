//! The experiment `amortisation-gap`: how near do the codes of encoders, and codes by optimisation, come to true codes
//! that are known?
//!
//! The setting is that of O'Neill, Gumran and Klindt, *Compute optimal inference and provable amortisation gap in
//! sparse autoencoders*, 2025.

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs};
use crate::figure::{Axis, Figure, Panel, Role};
use crate::stats::median;
use crate::stats::observations::Observations as _;
use crate::table::record::Word as _;
use crate::table::{Record as _, Table, Tables};
use crate::text::number;

mod claims;
pub mod data;
mod net;
mod scores;
mod settings;
mod task;
mod train;

use data::Data;
use scores::Scores;
pub use settings::Settings;
use task::{Known, Method, Task};

/// The experiment `amortisation-gap`; see the [module](self).
pub struct AmortisationGap;

crate::rows! {
    /// Codes of the test samples and dictionaries against the true ones.
    pub struct Gap in "gap" {
        /// number of sources
        sources: usize ["1"],
        /// dimensions of the data
        dimensions: usize ["1"],
        /// yes or no: the directions of the sources are orthogonal (the control)
        orthogonal: bool [""],
        /// what is known in training: codes, dictionary or nothing
        known: Known [""],
        /// linear, two-layer with the width of its hidden layer, or sparse coding
        method: String [""],
        /// seed of sources, data and initial weights
        seed: u64 [""],
        /// trained, or how it diverged
        end: String [""],
        /// mean absolute correlation of codes with true ones over test samples, one to one
        code_mcc: f64 ["1"],
        /// mean absolute correlation of atoms with true ones over the coordinates, the largest first; not a number
        /// where no dictionary is learned
        dictionary_mcc: f64 ["1"],
    }
}

/// The names of the figures.
const NAMES: &[&str] = &["code-mcc"];

impl Experiment for AmortisationGap {
    type Settings = Settings;
    type Unit = Task;
    /// The scores of a training, or how it diverged.
    type Piece = Result<Scores, String>;

    const SIDE_BY_SIDE: bool = true;

    const ABOUT: &'static About = &About {
        id: "amortisation-gap",
        title: "How far are an encoder's codes from optimised ones?",
        summary: "Exactly K of N sources are active in a sample, a sum of their directions in fewer dimensions. A linear \
        encoder and two-layer ones, all without biases, and sparse coding, which optimises every code, are trained with true \
        codes, with the true dictionary, or with neither, and their codes on test samples are correlated with the true ones.",
        claims: claims::CLAIMS,
        tables: &[Gap::SPEC],
        figures: NAMES,
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        let largest = |values: &[usize]| values.iter().copied().max().unwrap_or(0) as f64;
        let (n, m, h) = (
            largest(&s.sources),
            largest(&s.dimensions),
            largest(&s.hidden),
        );
        let samples = s.samples as f64;
        let data = 4.0 * (2.0 * samples * (n + m) + n * m);
        let weights = 16.0 * (h * (m + n) + 2.0 * n * m);
        threads as f64
            * (data + weights + 4.0 * samples * (6.0 * n + 3.0 * h + 3.0 * m) + 8.0 * n * n)
    }

    fn most_seeds(s: &Settings) -> usize {
        s.most_seeds
    }

    fn units(s: &Settings, seeds: &[u64]) -> Vec<Task> {
        s.tasks(seeds)
    }

    fn name(task: &Task) -> String {
        task.name()
    }

    fn cost(s: &Settings, task: &Task, _: &Needs) -> Cost {
        task.cost(s)
    }

    fn compute(s: &Settings, task: &Task, ctx: &Ctx) -> Result<Result<Scores, String>> {
        let size = task.size;
        let mut rng = ctx.rng(task.seed, "data", task.number as u64);
        let data = Data::draw(size, s.active, s.samples, &mut rng);
        let found = train::run(task, &data, s, ctx)?;
        Ok(found.map(|found| Scores {
            code_mcc: scores::of_codes(&found.codes, &data.test.codes, size.sources),
            dictionary_mcc: match task.known {
                Known::Nothing => {
                    scores::of_dictionaries(&found.dictionary, &data.dictionary, size.dimensions)
                }
                Known::Codes | Known::Dictionary => f64::NAN,
            },
        }))
    }

    fn conclude(s: &Settings, scores: Vec<Result<Scores, String>>, ctx: &Ctx) -> Result<Outcome> {
        let scored: Vec<_> = s.tasks(ctx.seeds).into_iter().zip(scores).collect();
        let rows: Vec<Gap> = scored
            .iter()
            .map(|(task, scores)| gap(task, scores))
            .collect();
        let mut outcome = Outcome {
            tables: vec![Table::of(&rows)],
            ..Outcome::default()
        };
        claims::settle(&scored, ctx.seeds, &mut outcome);
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        let rows = tables.rows::<Gap>();
        let mut figure = Figure::new(
            NAMES[0],
            "Mean correlation of codes with the true ones on test samples (code MCC), by what is known in training and by how \
             codes are found; and, where nothing is known, that of dictionary elements with the true directions (dictionary MCC). \
             The smallest number of sources and of dimensions; hidden h: a two-layer encoder with h hidden units. A dot a seed. Control: as many orthogonal sources as \
             dimensions.",
        );
        let (sources, dimensions) = smallest(&rows);
        let codes = |known| (known, "code MCC", (|r| r.code_mcc) as fn(&Gap) -> f64);
        let panels = Known::ALL.iter().map(|&known| codes(known));
        let dictionary: fn(&Gap) -> f64 = |r| r.dictionary_mcc;
        for (known, label, column) in panels.chain([(Known::Nothing, "dictionary MCC", dictionary)])
        {
            let ours = |r: &&Gap| r.known == known && r.dimensions == dimensions;
            let ours: Vec<&Gap> = rows.iter().filter(ours).collect();
            let names = ours.iter().map(|r| r.method.as_str()).distinct();
            let place = |r: &Gap| names.iter().position(|n| *n == r.method).unwrap_or(0) as f64;
            let random = ours
                .iter()
                .filter(|r| !r.orthogonal && r.sources == sources);
            let orthogonal = ours.iter().filter(|r| r.orthogonal);
            let panel = Panel::new(
                format!("known: {known}"),
                Axis::named(
                    "",
                    names.iter().map(|n| n.replace("two-layer of", "hidden")),
                ),
                Axis::linear(label).range(0.0, 1.05),
            )
            .scatter(
                Role::Control,
                "control: orthogonal",
                orthogonal.map(|r| (place(r) + 0.15, column(r))),
            )
            .scatter(
                Role::Distributed,
                "more sources than dimensions",
                random.map(|r| (place(r) - 0.15, column(r))),
            );
            figure = figure.panel(panel);
        }
        vec![figure]
    }

    fn findings(tables: &Tables, _: &Ledger) -> String {
        let rows = tables.rows::<Gap>();
        let (sources, dimensions) = smallest(&rows);
        let middle = |known: Known, method: Method| {
            let ours = rows.iter().filter(|r| {
                (r.known, r.sources, r.dimensions) == (known, sources, dimensions)
                    && r.method == method.to_string()
            });
            number(median(&ours.map(|r| r.code_mcc).collect::<Vec<_>>()))
        };
        format!(
            "With {sources} sources in {dimensions} dimensions and the dictionary known, the codes of a linear encoder correlate \
             with the true ones to {}, the best codes to {}; a linear encoder that was trained on true codes comes to {}. With \
             nothing known, the linear encoder comes to {} and sparse coding to {}.",
            middle(Known::Dictionary, Method::Encoder(None)),
            middle(Known::Dictionary, Method::SparseCoding),
            middle(Known::Codes, Method::Encoder(None)),
            middle(Known::Nothing, Method::Encoder(None)),
            middle(Known::Nothing, Method::SparseCoding),
        )
    }
}

/// Returns the numbers of sources and of dimensions of the first size that is not a control, which is the smallest;
/// zeros if there is none.
fn smallest(rows: &[Gap]) -> (usize, usize) {
    let first = rows.iter().find(|r| !r.orthogonal);
    first.map_or((0, 0), |r| (r.sources, r.dimensions))
}

/// Returns the row of a training.
fn gap(task: &Task, scores: &Result<Scores, String>) -> Gap {
    Gap {
        sources: task.size.sources,
        dimensions: task.size.dimensions,
        orthogonal: task.size.orthogonal,
        known: task.known,
        method: task.method.to_string(),
        seed: task.seed,
        end: scores
            .as_ref()
            .err()
            .cloned()
            .unwrap_or_else(|| "trained".into()),
        code_mcc: scores.as_ref().map_or(f64::NAN, |s| s.code_mcc),
        dictionary_mcc: scores.as_ref().map_or(f64::NAN, |s| s.dictionary_mcc),
    }
}
