//! `magnitude`: a sparse autoencoder may know which features are active and still not how strongly.

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::claim::{Bound, ClaimSpec, Condition};
use crate::error::Result;
use crate::experiment::{Ctx, Experiment, Needs};
use crate::figure::Figure;
use crate::stats::max;
use crate::table::{Table, TableSpec, Tables};

mod case;
mod claims;
mod example;
mod figures;
pub mod methods;
mod plane;
mod settings;
mod shrinkage;
mod tables;

use case::Case;
use claims::{
    SHRINKS, SHRINKS_FISTA, SHRINKS_TRAINED, SUPPORT, SUPPORT_LEFT, TIED, TIED_CODE,
    TIED_RECONSTRUCTION, UNTIED, UNTIED_LEFT, UNTIED_RATIO,
};
use plane::Encoder;
pub use settings::Settings;

/// See the [module](self).
pub struct Magnitude;

impl Experiment for Magnitude {
    type Settings = Settings;

    const ID: &'static str = "magnitude";
    const TITLE: &'static str = "Right features, wrong magnitudes";
    const SUMMARY: &'static str = "An encoder reads each feature off along one direction, so features that overlap add to \
        each other's magnitudes, and an L1 penalty shrinks all of them. In the plane: two features at 45°, on one by one \
        and together, under tied and untied encoders. With one feature: the shrinkage against its closed form. With many \
        features: how much of the error is left by methods that change the magnitudes and keep the active set, and by \
        encoders made to avoid the error.";
    const CLAIMS: &'static [ClaimSpec] = &[
        ClaimSpec {
            id: TIED,
            statement: "With the right features and no bias, a tied encoder reads a sum of two overlapping features as too \
                strong.",
            criterion: "code and reconstruction of the target (2, 1) = f₁ + √2·f₂ by a tied SAE with f₁ = (1, 0) and \
                f₂ = (1/√2, 1/√2) and zero bias are longer than the target",
            control: "the orthogonal features (1, 0) and (0, 1)",
            conditions: &[
                Condition {
                    measure: TIED_CODE,
                    bound: Bound::Above(1.0),
                },
                Condition {
                    measure: TIED_RECONSTRUCTION,
                    bound: Bound::Above(1.0),
                },
            ],
        },
        ClaimSpec {
            id: UNTIED,
            statement: "An encoder of its own helps a sparse autoencoder with overlapping features, but only in part.",
            criterion: "data in the plane from f₁ and f₂, each on or off: on samples with both, an untied SAE trained from \
                the true features leaves less error than a tied one, but at least 0.01 of ‖x‖²",
            control: "the orthogonal features (1, 0) and (0, 1), where there is no overlap to handle",
            conditions: &[
                Condition {
                    measure: UNTIED_LEFT,
                    bound: Bound::AtLeast(0.01),
                },
                Condition {
                    measure: UNTIED_RATIO,
                    bound: Bound::Below(1.0),
                },
            ],
        },
        ClaimSpec {
            id: SHRINKS,
            statement: "An L1 penalty shrinks the magnitude of a feature of strength g to max(0, g − λ/2).",
            criterion: "one unit feature in eight dimensions, at every g and λ: the code of an SAE trained to its optimum, \
                and the code by FISTA, are within 1e-3 of it",
            control: "the same without a penalty",
            conditions: &[
                Condition {
                    measure: SHRINKS_TRAINED,
                    bound: Bound::AtMost(1e-3),
                },
                Condition {
                    measure: SHRINKS_FISTA,
                    bound: Bound::AtMost(1e-3),
                },
            ],
        },
        ClaimSpec {
            id: SUPPORT,
            statement: "Where a sparse autoencoder has found the right active set, refitting the magnitudes on it removes \
                the error.",
            criterion: "L1 SAE on held-out samples where its active elements are those matched to the active features: \
                non-negative least squares on these leaves at most 0.1 of the squared error",
            control: "refitting on the active set of another sample",
            conditions: &[Condition {
                measure: SUPPORT_LEFT,
                bound: Bound::AtMost(0.1),
            }],
        },
    ];
    const TABLES: &'static [&'static TableSpec] = &[
        &tables::EXAMPLE,
        &tables::PATTERNS,
        &tables::SHRINKAGE,
        &tables::METHODS,
    ];
    const FIGURES: &'static [&'static str] = figures::NAMES;

    fn memory(s: &Settings, _: &Needs, _: usize) -> f64 {
        let (d, n, samples) = (s.width as f64, s.elements() as f64, s.held_out as f64);
        let models = s
            .plan(s.steps)
            .memory(s.width, (0..4).map(|_| s.elements()));
        // Dense codes of all samples of one model and their refits; least squares on the scales.
        models + s.law().memory() + samples * (12.0 * n + 12.0 * d + 16.0) + 24.0 * n * n
    }

    fn run(s: &Settings, ctx: &Ctx) -> Result<Outcome> {
        let of_seed = 6 * s.plane_steps + methods::TRAINED as u64 * s.steps;
        let of_shrinkage = ((s.lambdas.len() + 1) * s.strengths.len()) as u64;
        ctx.session
            .progress
            .start(ctx.seeds.len() as u64 * (of_seed + of_shrinkage))?;
        let mut outcome = Outcome::default();
        let mut of_example = Table::new(&tables::EXAMPLE);
        let mut of_patterns = Table::new(&tables::PATTERNS);
        let mut of_strengths = Table::new(&tables::SHRINKAGE);
        let mut of_methods = Table::new(&tables::METHODS);
        for (i, &seed) in ctx.seeds.iter().enumerate() {
            for (case, control) in [(Case::Pair, false), (Case::Orthogonal, true)] {
                let drawn = example::by_tied_encoder(case, ctx.session.serial());
                let (code, reconstruction) = drawn.lengths();
                outcome.record(TIED, TIED_CODE, seed, control, Ok(code));
                outcome.record(TIED, TIED_RECONSTRUCTION, seed, control, Ok(reconstruction));
                if i == 0 {
                    drawn.tabulate(case, "tied, no bias", &mut of_example);
                    example::refitted(case).tabulate(case, "refitted", &mut of_example);
                }
            }

            let models = plane::train(s, seed, ctx)?;
            for model in &models {
                model.tabulate(seed, &mut of_patterns);
                if let (0, Some(drawn)) = (i, model.example(ctx.session.serial())) {
                    drawn.tabulate(model.case, model.encoder.name(), &mut of_example);
                }
            }
            for (case, control) in [(Case::Pair, false), (Case::Orthogonal, true)] {
                let of = |encoder| plane::left_together(&models, case, encoder);
                let ratio = of(Encoder::Untied).and_then(|untied| Ok(untied / of(Encoder::Tied)?));
                outcome.record(UNTIED, UNTIED_LEFT, seed, control, of(Encoder::Untied));
                outcome.record(UNTIED, UNTIED_RATIO, seed, control, ratio);
            }

            let shrunk = shrinkage::measure(s, seed, ctx)?;
            for (control, lambda_is) in [(false, true), (true, false)] {
                let ours = || shrunk.iter().filter(|one| one.penalised == lambda_is);
                let trained = ours().map(|one| (one.trained - one.expected).abs());
                let fista = ours().map(|one| (one.fista - one.expected).abs());
                outcome.record(SHRINKS, SHRINKS_TRAINED, seed, control, Ok(max(trained)));
                outcome.record(SHRINKS, SHRINKS_FISTA, seed, control, Ok(max(fista)));
            }
            shrunk
                .iter()
                .for_each(|one| one.tabulate(seed, &mut of_strengths));

            let compared = methods::compare(s, seed, ctx)?;
            compared.tabulate(seed, &mut of_methods);
            outcome.record(
                SUPPORT,
                SUPPORT_LEFT,
                seed,
                false,
                compared.left_by_refit.clone(),
            );
            outcome.record(
                SUPPORT,
                SUPPORT_LEFT,
                seed,
                true,
                compared.left_by_other.clone(),
            );
        }
        outcome.tables = vec![of_example, of_patterns, of_strengths, of_methods];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        figures::draw(tables)
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        figures::findings(tables, ledger)
    }
}
