//! `magnitude`: a sparse autoencoder may know which features are active and still not how strongly.

use crate::claim::ClaimSpec;
use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{Ctx, Experiment};
use crate::figure::Figure;
use crate::sae::synthetic::{Directions, Firing, Magnitudes};
use crate::settings::{OutOfRange, Preset, ensure};
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
use claims::{SHRINKS, SUPPORT, TIED, UNTIED};
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
    const CLAIMS: &'static [&'static ClaimSpec] = &[&TIED, &UNTIED, &SHRINKS, &SUPPORT];
    const TABLES: &'static [&'static TableSpec] = &[
        &tables::EXAMPLE,
        &tables::PATTERNS,
        &tables::SHRINKAGE,
        &tables::METHODS,
    ];
    const FIGURES: &'static [&'static str] = figures::NAMES;

    fn settings(preset: Preset) -> Settings {
        let base = Settings {
            width: 32,
            features: 48,
            directions: Directions::Gaussian,
            active: 2.0,
            firing: Firing::Constant,
            decay: 0.99,
            magnitudes: Magnitudes::Uniform,
            correlation: 0.0,
            groups: 16,
            learning_rate: 3e-3,
            cooldown: 0.5,
            batch: 256,
            steps: 3000,
            plane_steps: 2000,
            shrinkage_steps: 2000,
            lambda: 0.1,
            gated_lambda: 0.4,
            l0_lambda: 0.01,
            bandwidth: 0.05,
            k: 3,
            ratio: 1.0,
            lambdas: vec![0.1, 0.5, 1.0],
            strengths: vec![0.02, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0],
            held_out: 8192,
        };
        match preset {
            Preset::Quick => Settings {
                width: 16,
                features: 24,
                active: 1.5,
                k: 2,
                steps: 1500,
                plane_steps: 500,
                shrinkage_steps: 1500,
                held_out: 4096,
                ..base
            },
            Preset::Default => base,
            Preset::Full => Settings {
                width: 256,
                features: 512,
                active: 5.0,
                k: 7,
                batch: 512,
                steps: 6000,
                plane_steps: 5000,
                shrinkage_steps: 4000,
                held_out: 16_384,
                ..base
            },
        }
    }

    fn validate(s: &Settings) -> Result<(), OutOfRange> {
        s.law().validate()?;
        s.plan(s.steps).validate()?;
        for (key, steps) in [
            ("plane_steps", s.plane_steps),
            ("shrinkage_steps", s.shrinkage_steps),
        ] {
            ensure(key, steps, (1..=1 << 40).contains(&steps), "1 to 2^40")?;
        }
        let above_0 = |key, value: f64, most: f64| {
            let allowed = format!("above 0 and at most {most}");
            ensure(key, value, value > 0.0 && value <= most, allowed)
        };
        above_0("lambda", s.lambda, 1e6)?;
        above_0("gated_lambda", s.gated_lambda, 1e6)?;
        above_0("l0_lambda", s.l0_lambda, 1e6)?;
        above_0("bandwidth", s.bandwidth, 1e6)?;
        above_0("ratio", s.ratio, 64.0)?;
        ensure(
            "ratio",
            s.ratio,
            s.elements() >= 2,
            "so large that there are two elements",
        )?;
        let fit = (1..=s.elements()).contains(&s.k);
        ensure(
            "k",
            s.k,
            fit,
            format!("1 to the number of elements ({})", s.elements()),
        )?;
        let list = |key, values: &[f64]| {
            let increasing = values.is_sorted_by(|a, b| a < b);
            let inside = values.iter().all(|&v| v > 0.0 && v <= 1e3);
            let fits = (1..=64).contains(&values.len()) && increasing && inside;
            ensure(
                key,
                values,
                fits,
                "1 to 64 numbers, increasing, above 0 and at most 1000",
            )
        };
        list("lambdas", &s.lambdas)?;
        list("strengths", &s.strengths)?;
        let held_out = (100..=1 << 24).contains(&s.held_out);
        ensure("held_out", s.held_out, held_out, "100 to 16777216")
    }

    fn memory(s: &Settings, _: usize) -> f64 {
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
            let [claim, control] = [Case::Pair, Case::Orthogonal].map(|case| {
                let drawn = example::by_tied_encoder(case, ctx.session.serial());
                let (code, reconstruction) = drawn.lengths();
                if i == 0 {
                    drawn.tabulate(case, "tied, no bias", &mut of_example);
                    example::refitted(case).tabulate(case, "refitted", &mut of_example);
                }
                [code, reconstruction]
            });
            outcome.settle(&TIED, seed, claim, control);

            let models = plane::train(s, seed, ctx)?;
            for model in &models {
                model.tabulate(seed, &mut of_patterns);
                if let (0, Some(drawn)) = (i, model.example(ctx.session.serial())) {
                    drawn.tabulate(model.case, model.encoder.name(), &mut of_example);
                }
            }
            let [claim, control] = [Case::Pair, Case::Orthogonal].map(|case| {
                let of = |encoder| plane::left_together(&models, case, encoder);
                let ratio = of(Encoder::Untied).and_then(|untied| Ok(untied / of(Encoder::Tied)?));
                [of(Encoder::Untied), ratio]
            });
            outcome.settle(&UNTIED, seed, claim, control);

            let shrunk = shrinkage::measure(s, seed, ctx)?;
            let [claim, control] = [true, false].map(|penalised| {
                let ours = || shrunk.iter().filter(|one| one.penalised == penalised);
                let trained = ours().map(|one| (one.trained - one.expected).abs());
                let fista = ours().map(|one| (one.fista - one.expected).abs());
                [max(trained), max(fista)]
            });
            outcome.settle(&SHRINKS, seed, claim, control);
            shrunk
                .iter()
                .for_each(|one| one.tabulate(seed, &mut of_strengths));

            let compared = methods::compare(s, seed, ctx)?;
            compared.tabulate(seed, &mut of_methods);
            let (claim, control) = (
                compared.left_by_refit.clone(),
                compared.left_by_other.clone(),
            );
            outcome.settle(&SUPPORT, seed, [claim], [control]);
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
