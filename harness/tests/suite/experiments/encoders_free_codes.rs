//! The dictionaries that `encoders` learns with free codes, step by step against plain loops in f64.

use std::collections::BTreeMap;

use super::encoders_data::{LAMBDA, exec, small, with_source};
use crate::common::plain::{Rows, assert_near, dot, duality_gap, residual, rows};
use crate::common::testing;
use harness::experiment::Ctx;
use harness::experiments::autoencoders::encoders::source::Source;
use harness::experiments::autoencoders::encoders::{Encoders, Settings, free};
use harness::sae::training;
use kernels::sae::{L1, Rows as Norms, Shape, Variant};
use kernels::sparse_coding::{Certificate, Lasso, Stop};
use kernels::{Isa, MatMut, MatRef};

#[test]
fn a_dictionary_of_free_codes_takes_steps_of_adam_along_the_slope_of_the_error() {
    with_source(&small(), follow, Some(0.0));
}

fn follow(source: &Source, ctx: &Ctx) {
    let (n, d, batch) = (source.elements, source.width, small().training.batch);
    let rate = small().training.learning_rate;
    let shape = Shape {
        width: d,
        dictionary: n,
    };
    let linear = Variant::L1(L1 {
        lambda: LAMBDA as f32,
        rows: Norms::Unit,
    });
    let start = training::initial(shape, linear, &mut ctx.rng(0, "initial", n as u64));
    let mut before: Vec<f32> = (0..n)
        .flat_map(|j| start.dictionary().row(j).to_vec())
        .collect();
    let mut moments = vec![(0.0f64, 0.0f64); n * d];
    for step in 1..=4 {
        // The dictionary is trained anew each time, for one step more; the learning rate stays the same.
        let s = Settings {
            free_steps: step,
            ..small()
        };
        let found = testing::in_context::<Encoders, _>(
            "encoders",
            &[0],
            Isa::detect(),
            &BTreeMap::new(),
            |ctx| free::learn(source, LAMBDA, &s, ctx),
        );
        let found = found.unwrap().unwrap();
        let x = source.batch(step - 1, batch, ctx);
        let elements = rows(&before, d);
        // The kernels find the codes. Their gap is asserted here, but not at which of the codes within that gap FISTA
        // stops.
        let mut codes = vec![0f32; batch * n];
        let lasso = Lasso::new(exec(), MatRef::from_rows(&before, d), LAMBDA as f32, None);
        let stop = Stop {
            tolerance: 1e-3,
            iterations: 300,
        };
        lasso.fista(
            exec(),
            MatRef::from_rows(&x, d),
            stop,
            MatMut::from_rows(&mut codes, n),
            &mut vec![Certificate::default(); batch],
        );
        let mut slope = vec![0.0; n * d];
        for (x, code) in rows(&x, d).iter().zip(&rows(&codes, n)) {
            // Single precision adds some 10⁻⁶.
            let gap = duality_gap(x, code, &elements, LAMBDA);
            assert!(gap <= 1.01e-3 * dot(x, x) + 1e-6, "{gap:e}");
            let rest = residual(x, code, &elements);
            for (j, e) in elements.iter().enumerate() {
                let along = dot(e, &rest) / dot(e, e);
                for i in 0..d {
                    slope[j * d + i] -= 2.0 / batch as f64 * code[j] * (rest[i] - along * e[i]);
                }
            }
        }
        let steepest = slope.iter().fold(0.0f64, |a, s| a.max(s.abs()));
        // A sum over a batch in f32 is right to some 64·2⁻²⁴ of the largest entry; Adam divides by the size of each
        // entry.
        let wrong = batch as f64 * 2f64.powi(-24) * steepest;
        let mut expected: Rows = elements.clone();
        let mut tolerance = vec![1e-6; n * d];
        for (i, g) in slope.iter().enumerate() {
            let (m, v) = &mut moments[i];
            *m = 0.9 * *m + 0.1 * g;
            *v = 0.999 * *v + 0.001 * g * g;
            let of = |beta: f64| 1.0 - beta.powi(step as i32);
            let size = (*v / of(0.999)).sqrt();
            expected[i / d][i % d] -= rate * (*m / of(0.9)) / (size + 1e-8);
            if size > 0.0 {
                tolerance[i] += rate * (5.0 * wrong / size).min(2.0);
            }
        }
        let mut moved = 0.0f64;
        for (j, e) in expected.iter().enumerate() {
            let norm = dot(e, e).sqrt();
            for (i, v) in e.iter().enumerate() {
                let place = j * d + i;
                let found = f64::from(found[place]);
                // Where one value of an element may be off, so may its norm.
                let most = tolerance[j * d..][..d].iter().copied().fold(0.0, f64::max);
                assert_near(found, v / norm, most, &(step, j, i));
                moved = moved.max((found - f64::from(before[place])).abs());
            }
        }
        assert!(moved > 0.5 * rate, "{moved}");
        before = found;
    }
}
