//! `magnitude`: a sparse autoencoder may know which features are active and still not how strongly.

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Ctx, Experiment, Needs};
use crate::figure::Figure;
use crate::stats::max;
use crate::table::{Record, Table, Tables};

mod case;
mod claims;
pub mod example;
mod figures;
pub mod methods;
mod plane;
mod settings;
mod shrinkage;

pub use case::Case;
use claims::{SHRINKS, SUPPORT, TIED, UNTIED};
use example::Element;
use methods::Scores;
pub use plane::{Encoder, Left};
pub use settings::Settings;
pub use shrinkage::{Code, Shrunk};

/// See the [module](self).
pub struct Magnitude;

impl Experiment for Magnitude {
    type Settings = Settings;

    const ABOUT: &'static About = &About {
        id: "magnitude",
        title: "Right features, wrong magnitudes",
        summary: "An encoder reads each feature off along one direction, so features that overlap add to \
        each other's magnitudes, and an L1 penalty shrinks all of them. In the plane: two features at 45°, on one by one \
        and together, under tied and untied encoders. With one feature: the shrinkage against its closed form. With many \
        features: how much of the error is left by methods that change the magnitudes and keep the active set, and by \
        encoders made to avoid the error.",
        claims: &[&TIED, &UNTIED, &SHRINKS, &SUPPORT],
        tables: &[Element::SPEC, Left::SPEC, Shrunk::SPEC, Scores::SPEC],
        figures: figures::NAMES,
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, _: usize) -> f64 {
        let (d, n, samples) = (s.data.width as f64, s.elements() as f64, s.held_out as f64);
        let models = s
            .training
            .memory(s.data.width, (0..4).map(|_| s.elements()));
        // Dense codes of all samples of one model and their refits; least squares on the scales.
        models + s.data.memory() + samples * (12.0 * n + 12.0 * d + 16.0) + 24.0 * n * n
    }

    fn run(s: &Settings, ctx: &Ctx) -> Result<Outcome> {
        let of_seed = 6 * s.plane_steps + methods::TRAINED as u64 * s.training.steps;
        let of_shrinkage = ((s.lambdas.len() + 1) * s.strengths.len()) as u64;
        ctx.session
            .progress
            .start(ctx.seeds.len() as u64 * (of_seed + of_shrinkage))?;
        let mut outcome = Outcome::default();
        let mut elements = Vec::new();
        let mut left: Vec<Left> = Vec::new();
        let mut strengths = Vec::new();
        let mut scores = Vec::new();
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
            let [claim, control] = [Case::Pair, Case::Orthogonal].map(|case| {
                let of = |encoder| plane::left_together(&models, case, encoder);
                let ratio = of(Encoder::Untied).and_then(|untied| Ok(untied / of(Encoder::Tied)?));
                [of(Encoder::Untied), ratio]
            });
            outcome.settle(&UNTIED, seed, claim, control);

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
            let (claim, control) = (compared.left_by_refit, compared.left_by_other);
            outcome.settle(&SUPPORT, seed, [claim], [control]);
            scores.extend(compared.rows);
        }
        outcome.tables = vec![
            Table::of(&elements),
            Table::of(&left),
            Table::of(&strengths),
            Table::of(&scores),
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
