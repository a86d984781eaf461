//! Codes, reconstructions, losses and gradients.

use kernels::sae::{self, Parameters, Shape, Variant, Workspace};
use kernels::{Exec, Isa, MatMut, MatRef};
use proptest::prelude::*;
use proptests::bounded::{Bounded, assert_within, blur};
use proptests::{config, each_isa};

use super::case::{Case, PATHS, bits, case, dead, dense, examples, tasks};

/// Asserts that a value that was summed in f64 is within its bound.
#[track_caller]
fn assert_loss(what: &str, got: f64, want: Bounded) {
    let Bounded { value, error } = want;
    assert!(
        (got - value).abs() <= error,
        "{what}: {got}, not {value} ± {error:e}"
    );
}

each_isa!(codes_and_reconstructions_match_the_naive_model);
fn codes_and_reconstructions_match_the_naive_model(isa: Isa) {
    proptest!(config(200), |(case in case())| {
        let want = case.reading();
        prop_assume!(!want.ambiguous);
        let exec = Exec::serial(isa);
        let mut workspace = case.workspace(0.5);
        let codes = sae::encode(exec, &case.parameters, case.batch(), &mut workspace);
        prop_assert_eq!((codes.rows(), codes.cols()), (want.codes.len(), case.shape().dictionary));
        assert_within("codes", &dense(codes), &want.codes.concat());
        let width = case.shape().width;
        let mut x_hat = vec![f32::NAN; codes.rows() * width];
        let out = MatMut::from_rows(&mut x_hat, width);
        sae::reconstruct(exec, &case.parameters, case.batch(), codes, out);
        assert_within("x̂", &x_hat, &want.x_hat.concat());
        if !case.task().has_skip() {
            let mut alone = vec![f32::NAN; codes.rows() * width];
            let out = MatMut::from_rows(&mut alone, width);
            sae::decode(exec, &case.parameters, codes, out);
            prop_assert_eq!(alone, x_hat);
        }
    });
}

each_isa!(losses_and_gradients_match_the_naive_model);
/// Losses and gradients match the naive model on both paths, which therefore agree to rounding.
fn losses_and_gradients_match_the_naive_model(isa: Isa) {
    proptest!(config(200), |(case in case())| {
        let want = case.pass();
        prop_assume!(!want.ambiguous);
        let entries = want.codes.concat().iter().filter(|f| f.value > 0.0).count();
        let exec = Exec::serial(isa);
        for (path, from) in PATHS {
            let (losses, gradient) = case.gradient(exec, from);
            let what = format!("{exec:?}, {path}");
            assert_loss(&what, losses.reconstruction, want.reconstruction);
            assert_loss(&what, losses.sparsity, want.sparsity);
            assert_loss(&what, losses.auxiliary, want.auxiliary);
            let density = entries as f64 / (want.codes.len() * case.shape().dictionary) as f64;
            prop_assert_eq!(losses.density, density);
            assert_within(&format!("{what}: gradient"), gradient.values(), &want.gradient);
        }
    });
}

/// Bounds are worth something where they are small beside the values: here 1e-4 of the largest one. The steps of a
/// LISTA encoder pass a bound on to the next, and in a transcoder their first input is not centred, so 3e-4 is allowed
/// there.
#[test]
fn bounds_are_narrow() {
    let shape = Shape {
        width: 20,
        dictionary: 30,
    };
    for task in tasks(14, shape) {
        for variant in examples(task, 0.3) {
            let case = Case::new(task, variant, 8, 31);
            let pass = case.pass();
            assert!(!pass.ambiguous);
            let narrow = match variant {
                Variant::Lista(_) if task.is_transcoder() => 3e-4,
                _ => 1e-4,
            };
            for (what, values) in [
                ("codes", pass.codes.concat()),
                ("reconstructions", pass.x_hat.concat()),
                ("gradient", pass.gradient),
            ] {
                let blur = blur(&values);
                println!("{task:?}, {variant:?}: {what} {blur:.1e}");
                assert!(blur < narrow, "{task:?}, {variant:?}: {what} {blur:e}");
            }
        }
    }
}

/// Returns the range of the thresholds among the parameters, which is empty where there are none.
fn thresholds(case: &Case) -> std::ops::Range<usize> {
    let places = case.model().places();
    let threshold = places.into_iter().find(|place| place.0 == "threshold");
    threshold.map_or(0..0, |(_, range)| range)
}

each_isa!(gradients_match_central_differences);
/// Every component of the gradient is (f(θ + h) − f(θ − h)) / 2h of the f64 forward pass.
fn gradients_match_central_differences(isa: Isa) {
    const H: f64 = 1e-4;
    let shape = Shape {
        width: 6,
        dictionary: 11,
    };
    let all = tasks(4, shape)
        .into_iter()
        .flat_map(|task| examples(task, 0.4).map(move |variant| (task, variant)));
    for (task, variant) in all {
        let case = Case::new(task, variant, 5, 12);
        let samples = case.samples();
        let bound = case.pass();
        assert!(!bound.ambiguous);
        let mut model = case.model();
        model.left_over = Some(bound.left_over.clone());
        model.frozen = Some(Box::new(model.clone()));
        // The loss, and on which side of each kink it lies.
        let mut at = |i: usize, theta: f64| {
            let before = std::mem::replace(&mut model.values[i].value, theta);
            let pass = model.pass(&samples);
            model.values[i].value = before;
            (pass.total(), pass.active)
        };
        // With respect to a threshold the loss only has jumps: its gradient is an estimate by a formula.
        let jumps = thresholds(&case);
        // A slope and its error: that of a step of h is a third of its distance from the slope of a step of 2h.
        let slopes: Vec<Option<(f64, f64)>> = (0..case.parameters.values().len())
            .map(|i| {
                let theta = f64::from(case.parameters.values()[i]);
                let ((far, a), (right, _)) = (at(i, theta + 2.0 * H), at(i, theta + H));
                let ((near, b), (left, _)) = (at(i, theta - 2.0 * H), at(i, theta - H));
                let slope = (right - left) / (2.0 * H);
                let truncation = ((far - near) / (4.0 * H) - slope).abs();
                let rounding = 100.0 * f64::EPSILON * right.abs() / H;
                (a == b && !jumps.contains(&i)).then_some((slope, truncation + rounding))
            })
            .collect();
        let kinks = slopes.iter().filter(|slope| slope.is_none()).count() - jumps.len();
        assert!(kinks <= slopes.len() / 50, "{kinks} steps across a kink");
        let exec = Exec::serial(isa);
        for (path, from) in PATHS {
            let (_, gradient) = case.gradient(exec, from);
            for (i, (got, slope)) in gradient.values().iter().zip(&slopes).enumerate() {
                let Some((slope, error)) = slope else {
                    continue;
                };
                assert!(*error < 1e-6, "a step that sees nothing: {error:e}");
                assert!(
                    (f64::from(*got) - slope).abs() <= bound.gradient[i].error + error,
                    "{exec:?}, {task:?}, {variant:?}, {path}: parameter {i}: {got} for {slope}"
                );
            }
        }
    }
}

each_isa!(a_workspace_serves_any_batch_up_to_its_capacity);
/// A workspace can be used again for smaller batches, and a batch may lie in a larger matrix.
fn a_workspace_serves_any_batch_up_to_its_capacity(isa: Isa) {
    let shape = Shape {
        width: 7,
        dictionary: 20,
    };
    for variant in Variant::examples(shape, 0.1) {
        let exec = Exec::serial(isa);
        let mut used = Workspace::new(shape, variant, 9);
        used.set_dead(dead);
        for batch in [9, 4, 0, 1, 7] {
            let case = Case::new(shape, variant, batch, batch as u64);
            let wide: Vec<f32> = case
                .x
                .chunks(7)
                .flat_map(|row| row.iter().copied().chain([f32::NAN; 2]))
                .collect();
            let x = MatRef::with_strides(&wide, batch, 7, 9, 1).unwrap();
            let mut gradient = Parameters::zeros(shape, variant);
            let losses = sae::gradient(exec, &case.parameters, x, &mut used, &mut gradient);
            let (want_losses, want) = case.gradient(exec, sae::DENSE);
            assert_eq!((bits(losses), gradient), (bits(want_losses), want));
        }
    }
}
