//! `magnitude`: a sparse autoencoder may know which features are active and still not how strongly.

use crate::claim::Setting;
use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs, NoUnit};
use crate::figure::Figure;
use crate::stats::max;
use crate::table::{Record, Table, Tables};

mod case;
mod claims;
pub mod example;
mod figures;
pub mod methods;
pub mod overlap;
mod plane;
mod settings;
mod shrinkage;

pub use case::Case;
use claims::{SHRINKS, SUPPORT, TIED, UNTIED};
use example::Element;
use methods::refit::{Refit, Set};
use methods::{Compared, Scores};
use overlap::{Encoded, Features};
pub use plane::{Encoder, Left};
pub use settings::Settings;
pub use shrinkage::{Code, Shrunk};

/// See the [module](self).
pub struct Magnitude;

impl Experiment for Magnitude {
    type Settings = Settings;
    type Unit = NoUnit;
    type Piece = ();

    const ABOUT: &'static About = &About {
        id: "magnitude",
        title: "Right features, wrong magnitudes",
        summary: "An encoder reads each feature off along one direction, so features that overlap add to \
        each other's magnitudes, and an L1 penalty shrinks all of them. In the plane: two features at 45°, on one by one \
        and together, under tied and untied encoders. With one feature: the shrinkage against its closed form. With many \
        features: how far encoders of a dictionary that is given are from the best codes, and how much of the error is left \
        by methods that change the magnitudes and keep the active set, and by encoders made to avoid the error.",
        claims: &[&TIED, &UNTIED, &SHRINKS, &SUPPORT],
        tables: &[
            Element::SPEC,
            Left::SPEC,
            Shrunk::SPEC,
            Scores::SPEC,
            Refit::SPEC,
            Encoded::SPEC,
        ],
        figures: figures::NAMES,
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, _: usize) -> f64 {
        let (d, n, samples) = (s.data.width as f64, s.elements() as f64, s.held_out as f64);
        let models = s.training.memory(
            s.data.width,
            (0..4 * s.penalties.len()).map(|_| s.elements()),
        );
        let overlapping = overlap::memory(s);
        // Dense codes of all samples of one model and their refits; least squares on the scales.
        overlapping
            + models
            + s.data.memory()
            + samples * (12.0 * n + 12.0 * d + 16.0)
            + 24.0 * n * n
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
        let of_seed = 6 * s.plane_steps
            + overlap::steps(s)
            + (methods::TRAINED.len() * s.penalties.len()) as u64 * s.training.steps;
        let of_shrinkage = ((s.lambdas.len() + 1) * s.strengths.len()) as u64;
        ctx.session
            .progress
            .start(ctx.seeds.len() as u64 * (of_seed + of_shrinkage))?;
        let mut outcome = Outcome::default();
        let mut elements = Vec::new();
        let mut left: Vec<Left> = Vec::new();
        let mut strengths = Vec::new();
        let mut scores = Vec::new();
        let mut refits = Vec::new();
        let mut encoded = Vec::new();
        for (i, &seed) in ctx.seeds.iter().enumerate() {
            let [claim, control] = [Case::Pair, Case::Orthogonal].map(|case| {
                let drawn = example::by_tied_encoder(case, ctx.session.serial());
                let (code, reconstruction) = drawn.lengths();
                if i == 0 {
                    elements.extend(drawn.rows(case, example::Encoder::WithoutBias));
                    let refitted = example::refitted(case);
                    elements.extend(refitted.rows(case, example::Encoder::Refitted));
                }
                [code, reconstruction]
            });
            outcome.settle(&TIED, seed, claim, control);

            let models = plane::train(s, seed, ctx)?;
            for model in &models {
                left.extend(model.left().cloned());
                if i == 0 {
                    elements.extend(model.example(ctx.session.serial()));
                }
            }
            let overlapping = overlap::train(s, seed, ctx)?;
            settle_untied(&overlapping, s, seed, &mut outcome);
            encoded.extend(overlapping.into_iter().filter_map(|m| m.encoded.ok()));

            let shrunk = shrinkage::measure(s, seed, ctx)?;
            let [claim, control] = [Code::Penalised, Code::Control].map(|code| {
                let ours = || shrunk.iter().filter(|one| one.code == code);
                let trained = ours().map(|one| (one.trained - one.expected).abs());
                let fista = ours().map(|one| (one.fista - one.expected).abs());
                [max(trained), max(fista)]
            });
            outcome.settle(&SHRINKS, seed, claim, control);
            strengths.extend(shrunk);

            let compared = methods::compare(s, seed, ctx)?;
            settle_support(&compared, s, seed, &mut outcome);
            refits.extend(compared.refits.into_iter().map(|(row, _)| row));
            scores.extend(compared.rows);
        }
        outcome.tables = vec![
            Table::of(&elements),
            Table::of(&left),
            Table::of(&strengths),
            Table::of(&scores),
            Table::of(&refits),
            Table::of(&encoded),
        ];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        figures::draw(tables)
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        figures::findings(tables, ledger)
    }
}

/// Measures what a refit leaves: at the point setting, and for every penalty and kind of set that holds the right one.
fn settle_support(compared: &Compared, s: &Settings, seed: u64, outcome: &mut Outcome) {
    for &penalty in &s.penalties {
        let left = |set: Set| {
            let of = |(row, _): &&(Refit, _)| (row.penalty, row.set) == (penalty, set);
            let found = compared.refits.iter().find(of);
            found.expect("a refit for each penalty and set").1.clone()
        };
        for set in [Set::Right, Set::OneTooMany] {
            let setting = Setting::new([
                ("λ", crate::text::number(penalty * s.lambda)),
                ("active set", set.to_string()),
            ]);
            let setting = setting.point_if((penalty, set) == (1.0, Set::Right));
            outcome.settle_in(
                &setting,
                &SUPPORT,
                seed,
                [left(set)],
                [left(Set::OneMissing)],
            );
        }
    }
}

/// Measures how far encoders of given features are from the best codes: at the point setting, and for every λ, number
/// of features and coherence.
fn settle_untied(models: &[overlap::Model], s: &Settings, seed: u64, outcome: &mut Outcome) {
    for &lambda in &s.overlap_lambdas {
        let measure = |features: Features| {
            let excess = |encoder| overlap::excess(models, features, lambda, encoder);
            let untied = excess(Encoder::Untied);
            let ratio = untied.clone().and_then(|u| Ok(u / excess(Encoder::Tied)?));
            [untied, ratio]
        };
        for features in Features::all(s) {
            if features.orthogonal {
                continue;
            }
            let (claim, control) = (measure(features), measure(Features::ORTHOGONAL));
            let is_point = (lambda, features.ratio, features.coherence) == (s.lambda, 2.0, 0.0);
            let setting = Setting::new([
                ("features per dimension", features.ratio.to_string()),
                ("coherence", features.coherence.to_string()),
                ("λ", lambda.to_string()),
            ]);
            outcome.settle_in(&setting.point_if(is_point), &UNTIED, seed, claim, control);
        }
    }
}
