//! The data of `encoders` against their distribution, in f64.

use std::collections::BTreeMap;

use crate::common::plain::{assert_near, dot, non_negative, residual, rows};
use crate::common::testing;
use harness::experiment::Ctx;
use harness::experiments::autoencoders::encoders::source::Source;
use harness::experiments::autoencoders::encoders::{Encoders, Settings};
use harness::sae::synthetic::{Firing, Law};
use harness::sae::training::Plan;
use harness::settings::{Preset, Settings as _};
use kernels::{Exec, Isa};

/// The coefficient λ of the point setting.
pub const LAMBDA: f64 = 0.1;

pub fn small() -> Settings {
    let quick = Settings::preset(Preset::Quick);
    Settings {
        // With this ratio, three elements are matched with no feature.
        ratio: 1.25,
        held_out: 100,
        stream_seeds: 0,
        rates: vec![1.0],
        free_steps: 20,
        data: Law {
            width: 8,
            features: 12,
            active: 1.5,
            groups: 3,
            ..quick.data
        },
        compressed: Law {
            width: 6,
            features: 14,
            active: 1.0,
            ..quick.compressed
        },
        training: Plan {
            steps: 60,
            batch: 64,
            cooldown: 0.0,
            ..quick.training
        },
        ..quick
    }
}

pub fn exec() -> Exec {
    Exec::serial(Isa::detect())
}

/// Returns what a function makes of a source and of the context in which it is drawn.
pub fn with_source<T>(
    s: &Settings,
    of: impl FnOnce(&Source, &Ctx) -> T,
    coherence: Option<f64>,
) -> T {
    let none = BTreeMap::new();
    testing::in_context::<Encoders, _>("encoders", &[0], Isa::detect(), &none, |ctx| {
        let source = match coherence {
            Some(coherence) => Source::synthetic(s, coherence, 0, ctx),
            None => Source::compressed(s, 0, ctx),
        };
        of(&source, ctx)
    })
}

#[test]
fn samples_are_sums_of_the_features_that_are_active() {
    let s = Settings {
        held_out: 20_000,
        ..small()
    };
    for coherence in [Some(0.0), Some(0.8), None] {
        let law = if coherence.is_some() {
            s.data
        } else {
            s.compressed
        };
        let check = |source: &Source, _: &Ctx| {
            let known = rows(&source.known, law.width);
            assert_eq!(known.len(), law.features);
            known
                .iter()
                .for_each(|k| assert_near(dot(k, k), 1.0, 1e-6, k));
            let x = source.samples_to_compare();
            let all = source.active.as_ref().unwrap();
            let mut fired = vec![0.0; law.features];
            let mut found = Vec::new();
            for (b, active) in all.iter().enumerate() {
                active.iter().for_each(|&j| fired[j] += 1.0);
                // Two or fewer directions are linearly independent, so that their magnitudes can be found.
                if b < 500 && active.len() <= 2 {
                    let x = &rows(x.row(b), law.width)[0];
                    let code = non_negative(x, &known, active, 0.0);
                    let rest = residual(x, &code, &known);
                    assert!(
                        dot(&rest, &rest) < 1e-10,
                        "sample {b} has more than {active:?}"
                    );
                    found.extend(active.iter().map(|&j| code[j]));
                }
            }
            // Magnitudes are uniform on (0, 1): mean 1/2 and variance 1/12, within five standard errors.
            let n = found.len() as f64;
            assert!(found.iter().all(|m| (-1e-3..1.001).contains(m)));
            let mean = found.iter().sum::<f64>() / n;
            assert_near(mean, 0.5, 5.0 / (12.0 * n).sqrt(), &"magnitudes");
            // Features fire in proportion to 0.99ⁱ, or all alike, and together as many as asked for.
            let decay = if law.firing == Firing::Decaying {
                0.99
            } else {
                1.0f64
            };
            let weight = |i: usize| decay.powi(i as i32);
            let whole: f64 = (0..law.features).map(weight).sum();
            for (i, fired) in fired.iter().enumerate() {
                let p = law.active * weight(i) / whole;
                let error = (p * (1.0 - p) / s.held_out as f64).sqrt();
                assert_near(fired / s.held_out as f64, p, 5.0 * error, &i);
            }
        };
        with_source(&s, check, coherence);
    }
}
