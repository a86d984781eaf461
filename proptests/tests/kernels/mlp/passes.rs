//! Forward and backward passes, against the naive model and central differences.

use kernels::loss::Loss;
use kernels::mlp::{self, Parameters, Shape, Supervision, Workspace};
use kernels::{Activation, Exec, Isa, MatMut};
use proptest::prelude::*;
use proptests::bounded::{Bounded, assert_within, blur};
use proptests::reference::mlp::Model;
use proptests::{config, each_isa, stream};

use super::case::{Case, case};

each_isa!(forward_and_losses_match_the_naive_model);
fn forward_and_losses_match_the_naive_model(isa: Isa) {
    proptest!(config(200), |(case in case())| {
        let model = case.model();
        let samples: Vec<_> = case.pairs.iter().map(|&pair| model.forward(pair)).collect();
        let want_losses: Vec<Bounded> =
            model.losses(&case.pairs, &case.targets, case.loss).concat();
        let workspace = case.forward(Exec::serial(isa));
        for l in 0..=case.shape().layers {
            let residual = workspace.residual(l);
            prop_assert_eq!((residual.rows(), residual.cols()), (samples.len(), case.shape().width));
            for (b, sample) in samples.iter().enumerate() {
                let want = &sample.residual[l];
                assert_within(&format!("x_{l} of sample {b}"), residual.row(b), want);
            }
        }
        assert_within("losses", &case.losses(Exec::serial(isa)), &want_losses);
    });
}

each_isa!(backward_matches_the_naive_model);
fn backward_matches_the_naive_model(isa: Isa) {
    proptest!(config(200), |(case in case())| {
        let weights = case.bounded_weights();
        let want = case.model().gradient(&case.pairs, &case.targets, case.loss, &weights);
        let got = case.gradient(Exec::serial(isa), case.supervision());
        assert_within("gradient", got.values(), &want);
    });
}

each_isa!(the_output_is_one_choice_of_weights);
/// The loss at the output alone is the same as loss weights of 1/B there and 0 elsewhere, to the bit.
fn the_output_is_one_choice_of_weights(isa: Isa) {
    proptest!(config(200), |(mut case in case())| {
        let batch = case.pairs.len();
        case.weights.fill(0.0);
        let output = case.shape().layers * batch;
        case.weights[output..].fill(1.0 / batch as f32);
        let exec = Exec::serial(isa);
        let output = case.gradient(exec, Supervision::Output);
        prop_assert_eq!(output, case.gradient(exec, case.supervision()));
    });
}

each_isa!(a_small_enough_step_lowers_the_loss);
/// Along the negative gradient a small enough step lowers the loss by at least half of what the slope promises. With a
/// gradient g whose product with the true one is less than ‖g‖²/2, no small step would.
fn a_small_enough_step_lowers_the_loss(isa: Isa) {
    proptest!(config(200), |(case in case(), step in 0.1f64..1.0)| {
        // The parameters of the step are not f32: each is taken as exact.
        let loss = |values: &[f64]| -> f64 {
            let exact = values.iter().map(|&value| Bounded { value, error: 0.0 }).collect();
            let losses = Model::new(case.shape(), exact).losses(&case.pairs, &case.targets, case.loss);
            losses.last().expect("x_0 at least").iter().map(|l| l.value).sum()
        };
        let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
        let from = wide(case.parameters.values());
        let before = loss(&from);
        // The weights of `Output` average over the batch; these sum.
        let ones = (0..case.weights.len())
            .map(|i| if i >= case.shape().layers * case.pairs.len() { 1.0 } else { 0.0 })
            .collect();
        let summed = Case { weights: ones, ..case.clone() };
        let exec = Exec::serial(isa);
        let gradient = wide(summed.gradient(exec, summed.supervision()).values());
        let slope: f64 = gradient.iter().map(|g| g * g).sum();
        // At a minimum there is no way down.
        if slope < 1e-6 {
            return Ok(());
        }
        let lowers = |halvings: i32| {
            let eta = step * 0.5f64.powi(halvings);
            let to: Vec<f64> = from.iter().zip(&gradient).map(|(v, g)| v - eta * g).collect();
            loss(&to) <= before - eta * slope / 2.0
        };
        prop_assert!((0..20).any(lowers), "no step lowers {}", before);
    });
}

each_isa!(gradients_are_linear_in_the_loss_weights);
/// Twice the loss weights give twice the gradient, to the bit; and the gradient of the sum of two sets of weights is
/// the sum of their gradients, within the bounds of all three.
fn gradients_are_linear_in_the_loss_weights(isa: Isa) {
    proptest!(config(200), |(case in case(), seed: u64)| {
        let mut next = stream(seed);
        let with = |weights: Vec<f32>| Case { weights, ..case.clone() };
        // Multiples of 2⁻¹⁰, so that sums of two are exact.
        let coarse = |x: f32| (x * 1024.0).round() / 1024.0;
        let one = with(case.weights.iter().map(|&w| coarse(w)).collect());
        let other = with(case.weights.iter().map(|_| coarse(next())).collect());
        let both = with(one.weights.iter().zip(&other.weights).map(|(a, b)| a + b).collect());
        let twice = with(one.weights.iter().map(|w| 2.0 * w).collect());
        let bound = |case: &Case| {
            case.model().gradient(&case.pairs, &case.targets, case.loss, &case.bounded_weights())
        };
        let bounds = [&one, &other, &both].map(bound);
        let exec = Exec::serial(isa);
        let gradient = |case: &Case| case.gradient(exec, case.supervision());
        let [g1, g2, g12] = [&one, &other, &both].map(gradient);
        for (two, one) in gradient(&twice).values().iter().zip(g1.values()) {
            // A subnormal may have lost a bit that its double has kept.
            prop_assert!(*two == 2.0 * one || one.abs() < f32::MIN_POSITIVE);
        }
        for (i, got) in g12.values().iter().enumerate() {
            let sum = f64::from(g1.values()[i]) + f64::from(g2.values()[i]);
            let error: f64 = bounds.iter().map(|bound| bound[i].error).sum();
            prop_assert!((f64::from(*got) - sum).abs() <= error, "{}: {} is not {}", i, got, sum);
        }
    });
}

each_isa!(gradient_norms_are_those_of_the_outer_products);
/// Claims: no-decisive-layer
fn gradient_norms_are_those_of_the_outer_products(isa: Isa) {
    proptest!(config(200), |(case in case())| {
        let model = case.model();
        let each: Vec<Vec<Bounded>> = case
            .pairs
            .iter()
            .zip(&case.targets)
            .map(|(&pair, &c)| model.output_gradient_norms(pair, c))
            .collect();
        let want: Vec<Bounded> = (0..case.shape().layers)
            .flat_map(|l| each.iter().map(move |norms| norms[l]))
            .collect();
        let got = case.norms(Exec::serial(isa));
        assert_within("norms", &got, &want);
    });
}

/// Bounds are worth something where they are small beside the values: here 1e-4 of the largest one forward, 1e-3
/// backward.
#[test]
fn bounds_are_narrow() {
    for &activation in Activation::ALL {
        for &loss in Loss::ALL {
            let shape = Shape {
                vocabulary: 6,
                width: 20,
                hidden: 30,
                layers: 3,
                activation,
            };
            let case = Case::new(shape, 8, loss, 29);
            let model = case.model();
            let losses = model.losses(&case.pairs, &case.targets, loss).concat();
            let outputs = &model.forward(case.pairs[0]).residual[3];
            let norms = model.output_gradient_norms(case.pairs[0], 4);
            let gradient =
                model.gradient(&case.pairs, &case.targets, loss, &case.bounded_weights());
            for (what, values, narrow) in [
                ("losses", &losses, 1e-4),
                ("outputs", outputs, 1e-4),
                ("gradient norms", &norms, 1e-3),
                ("gradient", &gradient, 1e-3),
            ] {
                let blur = blur(values);
                println!("{activation:?}, {loss:?}: {what} {blur:.1e}");
                assert!(blur < narrow, "{activation:?}, {loss:?}: {what} {blur:e}");
            }
        }
    }
}

each_isa!(backward_matches_central_differences);
/// Every component of the gradient is (f(θ + h) − f(θ − h)) / 2h of the f64 forward pass.
fn backward_matches_central_differences(isa: Isa) {
    const H: f64 = 1e-4;
    for &activation in Activation::ALL {
        for &loss in Loss::ALL {
            let shape = Shape {
                vocabulary: 3,
                width: 5,
                hidden: 7,
                layers: 3,
                activation,
            };
            let case = Case::new(shape, 4, loss, 17);
            let weights = case.bounded_weights();
            let bound = case
                .model()
                .gradient(&case.pairs, &case.targets, loss, &weights);
            let mut model = case.model();
            // The total loss, its size, and the side of the kink on which every pre-activation lies.
            let mut at = |i: usize, theta: f64| {
                let before = std::mem::replace(&mut model.values[i].value, theta);
                let losses = model.losses(&case.pairs, &case.targets, loss).concat();
                let sides: Vec<bool> = case
                    .pairs
                    .iter()
                    .flat_map(|&pair| model.forward(pair).pre.concat())
                    .map(|z| z.value > 0.0)
                    .collect();
                model.values[i].value = before;
                let terms: Vec<f64> = losses
                    .iter()
                    .zip(weights.iter().flatten())
                    .map(|(loss, weight)| loss.value * weight.value)
                    .collect();
                let size: f64 = terms.iter().map(|term| term.abs()).sum();
                (terms.iter().sum::<f64>(), size, sides)
            };
            // A slope and its error: that of a step of h is a third of its distance from the slope of a step of 2h, and
            // each loss is good to some 100 roundings.
            let slopes: Vec<Option<(f64, f64)>> = (0..shape.parameters())
                .map(|i| {
                    let theta = f64::from(case.parameters.values()[i]);
                    let ((far, _, a), (right, _, _)) = (at(i, theta + 2.0 * H), at(i, theta + H));
                    let ((near, _, b), (left, size, _)) =
                        (at(i, theta - 2.0 * H), at(i, theta - H));
                    let slope = (right - left) / (2.0 * H);
                    let truncation = ((far - near) / (4.0 * H) - slope).abs();
                    let rounding = 100.0 * f64::EPSILON * size / H;
                    let smooth = activation != Activation::Relu || a == b;
                    smooth.then_some((slope, truncation + rounding))
                })
                .collect();
            let kinks = slopes.iter().filter(|slope| slope.is_none()).count();
            assert!(kinks <= slopes.len() / 100, "{kinks} steps across a kink");
            let got = case.gradient(Exec::serial(isa), case.supervision());
            for (i, (got, slope)) in got.values().iter().zip(&slopes).enumerate() {
                let Some((slope, error)) = slope else {
                    continue;
                };
                let tolerance = bound[i].error + error;
                assert!(*error < 1e-6, "a step that sees nothing: {error:e}");
                assert!(
                    (f64::from(*got) - slope).abs() <= tolerance,
                    "{activation:?}, {loss:?}: parameter {i}: {got} for {slope}"
                );
            }
        }
    }
}

each_isa!(gradient_norms_do_not_overflow_before_their_root);
/// A norm of 1e20 is the root of 1e40, which f32 cannot hold.
fn gradient_norms_do_not_overflow_before_their_root(isa: Isa) {
    let shape = Shape {
        vocabulary: 1,
        width: 1,
        hidden: 1,
        layers: 1,
        activation: Activation::Relu,
    };
    let exec = Exec::serial(isa);
    let mut parameters = Parameters::zeros(shape);
    // The parameters E₁, E₂, W₁, b₁, W₂, b₂.
    parameters
        .values_mut()
        .copy_from_slice(&[1e12, 0.0, 1.0, 0.0, 1e8, 0.0]);
    let mut workspace = Workspace::new(shape, 1);
    mlp::forward(exec, &parameters, &[[0, 0]], &mut workspace);
    let mut norm = [0.0];
    let norms = MatMut::new(&mut norm, 1, 1).unwrap();
    mlp::output_gradient_norms(exec, &parameters, &[0], &mut workspace, norms);
    assert!((norm[0] / 1e20 - 1.0).abs() < 1e-6, "{}", norm[0]);
}

each_isa!(gradient_norms_of_any_size);
/// Norms of gradients whose squares f32 cannot hold are right: of x and h = ReLU(x), both of one value.
fn gradient_norms_of_any_size(isa: Isa) {
    let shape = Shape {
        vocabulary: 1,
        width: 1,
        hidden: 1,
        layers: 1,
        activation: Activation::Relu,
    };
    let exec = Exec::serial(isa);
    for x in [1e-36f32, 2e-23, 1.0, 1.85e19, 1e38] {
        let mut parameters = mlp::Parameters::zeros(shape);
        parameters.embeddings_mut()[0].row_mut(0)[0] = x;
        let block = parameters.block_mut(0);
        let (mut w1, mut w2) = (block.w1, block.w2);
        (w1.row_mut(0)[0], w2.row_mut(0)[0]) = (1.0, 1.0);
        let mut workspace = Workspace::new(shape, 1);
        mlp::forward(exec, &parameters, &[[0, 0]], &mut workspace);
        let mut norm = [0.0];
        let to = MatMut::new(&mut norm, 1, 1).unwrap();
        mlp::output_gradient_norms(exec, &parameters, &[0], &mut workspace, to);
        // The gradients with respect to w₁ and w₂ are both x.
        let want = x * std::f32::consts::SQRT_2;
        assert!((norm[0] / want - 1.0).abs() < 1e-6, "{x:e}: {:e}", norm[0]);
    }
}
