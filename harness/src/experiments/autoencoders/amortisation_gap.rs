//! `amortisation-gap`: the setting of O'Neill, Gumran and Klindt, *Compute optimal inference and provable amortisation gap in
//! sparse autoencoders*, 2025: how near do encoders, and codes by optimisation, come to codes that are known?

use rayon::prelude::*;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs, NoUnit};
use crate::figure::{Axis, Figure, Panel, Role};
use crate::stats::median;
use crate::stats::observations::Observations as _;
use crate::table::record::Word as _;
use crate::table::{Record as _, Table, Tables};
use crate::text::number;

mod claims;
mod data;
mod net;
mod scores;
mod settings;
mod train;

use claims::Scored;
use data::{Data, Size};
pub use settings::Settings;
use train::{Known, Method};

/// See the [module](self).
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
        /// mean absolute correlation of atoms with true ones over the coordinates, the largest first; not a number where
        /// no dictionary is learned
        dictionary_mcc: f64 ["1"],
    }
}

/// Names of the figures.
const NAMES: &[&str] = &["code-mcc"];

/// One training.
struct Task<'a> {
    data: &'a Data,
    number: usize,
    known: Known,
    method: Method,
}

impl Settings {
    fn sizes(&self) -> Vec<Size> {
        let random = self.dimensions.iter().flat_map(|&dimensions| {
            self.sources.iter().map(move |&sources| Size {
                sources,
                dimensions,
                orthogonal: false,
            })
        });
        let orthogonal = self.dimensions.iter().map(|&dimensions| Size {
            sources: dimensions,
            dimensions,
            orthogonal: true,
        });
        random.chain(orthogonal).collect()
    }

    /// What is trained for each size.
    fn trainings(&self) -> Vec<(Known, Method)> {
        let widths = [None]
            .into_iter()
            .chain(self.hidden.iter().copied().map(Some));
        let mut trainings = Vec::new();
        for method in widths.map(Method::Encoder) {
            trainings.extend(Known::ALL.iter().map(|&known| (known, method)));
        }
        trainings.extend([Known::Dictionary, Known::Nothing].map(|k| (k, Method::SparseCoding)));
        trainings
    }
}

impl Experiment for AmortisationGap {
    type Settings = Settings;
    type Unit = NoUnit;
    type Piece = ();

    const ABOUT: &'static About = &About {
        id: "amortisation-gap",
        title: "What does it cost to read codes off at once?",
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
        let data = s.sizes().len() as f64 * 4.0 * (2.0 * samples * (n + m) + n * m);
        let weights = 16.0 * (h * (m + n) + 2.0 * n * m);
        data + threads as f64
            * (weights + 4.0 * samples * (6.0 * n + 3.0 * h + 3.0 * m) + 8.0 * n * n)
    }

    fn most_seeds(s: &Settings) -> usize {
        s.most_seeds
    }

    fn units(_: &Settings, _: &[u64]) -> Vec<NoUnit> {
        Vec::new()
    }

    fn name(unit: &NoUnit) -> String {
        match *unit {}
    }

    fn cost(_: &Settings, unit: &NoUnit, _: &Needs) -> Cost {
        match *unit {}
    }

    fn compute(_: &Settings, unit: &NoUnit, _: &Ctx) -> Result<()> {
        match *unit {}
    }

    fn conclude(s: &Settings, _: Vec<()>, ctx: &Ctx) -> Result<Outcome> {
        let sizes = s.sizes();
        let trainings = s.trainings();
        let all = ctx.seeds.len() * sizes.len() * trainings.len();
        ctx.session.progress.start(all as u64 * s.steps)?;
        let mut scored = Vec::new();
        let mut rows = Vec::new();
        for &seed in ctx.seeds {
            let data: Vec<Data> = (0..sizes.len())
                .map(|i| {
                    let mut rng = ctx.rng(seed, "data", i as u64);
                    Data::draw(sizes[i], s.active, s.samples, &mut rng)
                })
                .collect();
            let tasks: Vec<Task> = data
                .iter()
                .enumerate()
                .flat_map(|(number, data)| {
                    trainings.iter().map(move |&(known, method)| Task {
                        data,
                        number,
                        known,
                        method,
                    })
                })
                .collect();
            let done = tasks
                .par_iter()
                .with_max_len(1)
                .map(|task| one(task, s, seed, ctx));
            for (score, row) in done.collect::<Result<Vec<_>>>()? {
                scored.push(score);
                rows.push(row);
            }
        }
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
             codes are found; the smallest number of sources and of dimensions. A dot a seed. Control: as many orthogonal \
             sources as dimensions.",
        );
        let (sources, dimensions) = smallest(&rows);
        for &known in Known::ALL {
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
                Axis::named("", names.clone()),
                Axis::linear("code MCC").range(0.0, 1.05),
            )
            .scatter(
                Role::Control,
                "control: orthogonal",
                orthogonal.map(|r| (place(r) + 0.15, r.code_mcc)),
            )
            .scatter(
                Role::Distributed,
                "more sources than dimensions",
                random.map(|r| (place(r) - 0.15, r.code_mcc)),
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

/// The sources and dimensions of the smallest size that is no control.
fn smallest(rows: &[Gap]) -> (usize, usize) {
    let first = rows.iter().find(|r| !r.orthogonal);
    first.map_or((0, 0), |r| (r.sources, r.dimensions))
}

fn one(task: &Task, s: &Settings, seed: u64, ctx: &Ctx) -> Result<(Scored, Gap)> {
    let &Task {
        data,
        number,
        known,
        method,
    } = task;
    let size = data.size;
    let what = match size.orthogonal {
        true => format!("{} orthogonal sources", size.sources),
        false => format!("{} sources in {} dimensions", size.sources, size.dimensions),
    };
    let slug = format!("{number}-{known}-{method}-seed{seed}").replace(' ', "-");
    let title = format!("{method}, {what}, known: {known}, seed {seed}");
    let mut rng = ctx.rng(seed, &format!("initial {method}"), number as u64);
    let found = train::run(data, method, known, (&slug, &title), s, &mut rng, ctx)?;
    let exec = ctx.session.serial();
    let code_mcc = found
        .as_ref()
        .map(|f| scores::of_codes(exec, &f.codes, &data.test.codes, size.sources));
    let dictionary_mcc = match (&found, known) {
        (Ok(f), Known::Nothing) => {
            scores::of_dictionaries(&f.dictionary, &data.dictionary, size.dimensions)
        }
        _ => f64::NAN,
    };
    let code_mcc = code_mcc.map_err(String::clone);
    let row = Gap {
        sources: size.sources,
        dimensions: size.dimensions,
        orthogonal: size.orthogonal,
        known,
        method: method.to_string(),
        seed,
        end: code_mcc
            .as_ref()
            .err()
            .cloned()
            .unwrap_or_else(|| "trained".into()),
        code_mcc: code_mcc.clone().unwrap_or(f64::NAN),
        dictionary_mcc,
    };
    let score = Scored {
        size,
        known,
        method,
        seed,
        code_mcc,
    };
    Ok((score, row))
}
