//! The experiment `magnitude`: a sparse autoencoder may know which features are active and still not how strongly.

use crate::claim::Setting;
use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs};
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
mod units;

pub use case::Case;
use claims::{SHRINKS, SUPPORT, TIED, UNTIED};
use example::Element;
use methods::refit::{Refit, Set};
use methods::{Compared, Scores};
use overlap::{Encoded, Features};
pub use plane::{Encoder, Left};
pub use settings::Settings;
pub use shrinkage::{Code, Shrunk};
use units::{Gathered, Piece, Unit};

/// The experiment `magnitude`; see the [module](self).
pub struct Magnitude;

impl Experiment for Magnitude {
    type Settings = Settings;
    type Unit = Unit;
    type Piece = Piece;

    const SIDE_BY_SIDE: bool = true;

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

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        let (d, n, samples) = (s.data.width as f64, s.elements() as f64, s.held_out as f64);
        let sizes = std::iter::repeat_n(s.elements(), s.penalties.len());
        // Dense codes of all samples of one model and their refits; least squares on the scales.
        let methods = s.training.memory(s.data.width, sizes)
            + s.data.memory()
            + samples * (12.0 * n + 12.0 * d + 16.0)
            + 24.0 * n * n;
        let features = Features::all(s).into_iter();
        let overlapping = features.map(|features| overlap::memory(s, features));
        threads as f64 * max(overlapping.chain([methods]))
    }

    fn most_seeds(s: &Settings) -> usize {
        s.most_seeds
    }

    fn units(s: &Settings, seeds: &[u64]) -> Vec<Unit> {
        seeds
            .iter()
            .flat_map(|&seed| Unit::of_seed(s, seed))
            .collect()
    }

    fn name(unit: &Unit) -> String {
        unit.name()
    }

    fn cost(s: &Settings, unit: &Unit, _: &Needs) -> Cost {
        unit.cost(s)
    }

    fn compute(s: &Settings, unit: &Unit, ctx: &Ctx) -> Result<Piece> {
        unit.compute(s, ctx)
    }

    fn conclude(s: &Settings, pieces: Vec<Piece>, ctx: &Ctx) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut elements = Vec::new();
        let mut left: Vec<Left> = Vec::new();
        let mut strengths = Vec::new();
        let mut scores = Vec::new();
        let mut refits = Vec::new();
        let mut encoded = Vec::new();
        let mut pieces = pieces.into_iter();
        for (i, &seed) in ctx.seeds.iter().enumerate() {
            let of_seed = Unit::of_seed(s, seed).len();
            let Gathered {
                planes,
                overlapping,
                shrunk,
                compared,
            } = Gathered::of(pieces.by_ref().take(of_seed));
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

            for plane in planes {
                left.extend(plane.left);
                if i == 0 {
                    elements.extend(plane.elements);
                }
            }
            settle_untied(&overlapping, s, seed, &mut outcome);
            encoded.extend(overlapping.into_iter().filter_map(|m| m.encoded.ok()));

            let [claim, control] = [Code::Penalised, Code::Control].map(|code| {
                let ours = || shrunk.iter().filter(|one| one.code == code);
                let trained = ours().map(|one| (one.trained - one.expected).abs());
                let fista = ours().map(|one| (one.fista - one.expected).abs());
                [max(trained), max(fista)]
            });
            outcome.settle(&SHRINKS, seed, claim, control);
            strengths.extend(shrunk);

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
