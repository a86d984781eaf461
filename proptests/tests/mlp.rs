//! The residual MLP, forward and back, against a naive one in f64 and central differences.

use kernels::loss::Loss;
use kernels::mlp::{self, Applied, Parameters, Shape, Workspace};
use kernels::{Activation, Exec, MatMut, MatRef};
use proptest::prelude::*;
use proptests::bounded::{Bounded, assert_within, blur};
use proptests::reference::mlp::Model;
use proptests::{isas, panic_message, pool, stream};

/// A model and a batch for it.
#[derive(Clone, Debug)]
struct Case {
    parameters: Parameters,
    pairs: Vec<[u32; 2]>,
    targets: Vec<u32>,
    loss: Loss,
    /// Loss weights, (L+1)×B.
    weights: Vec<f32>,
}

impl Case {
    /// Parameters of the usual size at the start of training: those of a matrix of k columns within ±1/√k.
    fn new(shape: Shape, batch: usize, loss: Loss, seed: u64) -> Case {
        let mut next = stream(seed);
        let mut parameters = Parameters::zeros(shape);
        for embedding in parameters.embeddings_mut() {
            fill(embedding, &mut next, 1.0);
        }
        for l in 0..shape.layers {
            let block = parameters.block_mut(l);
            fill(block.w1, &mut next, (shape.width as f32).sqrt().recip());
            fill(block.w2, &mut next, (shape.hidden as f32).sqrt().recip());
            for b in block.b1.iter_mut().chain(block.b2) {
                *b = 0.3 * next();
            }
        }
        let mut below = |n: usize| ((next() + 1.0) / 2.0 * n as f32) as u32 % n as u32;
        let pairs = (0..batch)
            .map(|_| [below(shape.vocabulary), below(shape.vocabulary)])
            .collect();
        let targets = (0..batch).map(|_| below(shape.width)).collect();
        // A third of the weights is zero, as after the layers that a loss leaves out.
        let weights = (0..(shape.layers + 1) * batch)
            .map(|i| if i % 3 == 1 { 0.0 } else { next() })
            .collect();
        Case {
            parameters,
            pairs,
            targets,
            loss,
            weights,
        }
    }

    fn shape(&self) -> Shape {
        self.parameters.shape()
    }

    fn model(&self) -> Model {
        Model::exact(self.shape(), self.parameters.values())
    }

    fn applied(&self) -> Applied<'_> {
        let (rows, cols) = (self.shape().layers + 1, self.pairs.len());
        Applied::Weights(MatRef::new(&self.weights, rows, cols).unwrap())
    }

    fn bounded_weights(&self) -> Vec<Vec<Bounded>> {
        let batch = self.pairs.len();
        (0..=self.shape().layers)
            .map(|l| {
                let weights = &self.weights[l * batch..][..batch];
                weights.iter().map(|&w| Bounded::exact(w)).collect()
            })
            .collect()
    }

    /// A workspace with some room to spare, after a forward pass.
    fn forward(&self, exec: Exec) -> Workspace {
        let mut workspace = Workspace::new(self.shape(), self.pairs.len() + 3);
        mlp::forward(exec, &self.parameters, &self.pairs, &mut workspace);
        workspace
    }

    fn gradient(&self, exec: Exec, applied: Applied) -> Parameters {
        let mut gradient = Parameters::zeros(self.shape());
        // It is overwritten, whatever it holds.
        gradient.values_mut().fill(f32::NAN);
        mlp::backward(
            exec,
            &self.parameters,
            &self.pairs,
            &self.targets,
            self.loss,
            applied,
            &mut self.forward(exec),
            &mut gradient,
        );
        gradient
    }

    fn losses(&self, exec: Exec) -> Vec<f32> {
        let (layers, batch) = (self.shape().layers, self.pairs.len());
        let mut losses = vec![f32::NAN; (layers + 1) * batch];
        mlp::losses(
            exec,
            &self.forward(exec),
            self.loss,
            &self.targets,
            MatMut::new(&mut losses, layers + 1, batch).unwrap(),
        );
        losses
    }

    fn norms(&self, exec: Exec) -> Vec<f32> {
        let (layers, batch) = (self.shape().layers, self.pairs.len());
        let mut norms = vec![f32::NAN; layers * batch];
        mlp::output_gradient_norms(
            exec,
            &self.parameters,
            &self.targets,
            &mut self.forward(exec),
            MatMut::new(&mut norms, layers, batch).unwrap(),
        );
        norms
    }
}

fn fill(mut m: MatMut, next: &mut impl FnMut() -> f32, scale: f32) {
    for i in 0..m.rows() {
        m.row(i).fill_with(|| scale * next());
    }
}

fn activation() -> impl Strategy<Value = Activation> {
    prop_oneof![
        Just(Activation::Gelu),
        Just(Activation::GeluTanh),
        Just(Activation::Relu)
    ]
}

fn loss() -> impl Strategy<Value = Loss> {
    prop_oneof![Just(Loss::SquaredError), Just(Loss::CrossEntropy)]
}

prop_compose! {
    /// Widths on both sides of a vector's length, most of them different from each other.
    fn case()(
        vocabulary in 1..9usize,
        width in 1..22usize,
        hidden in 1..35usize,
        layers in 0..4usize,
        activation in activation(),
        batch in 0..12usize,
        loss in loss(),
        seed: u64,
    ) -> Case {
        let shape = Shape { vocabulary, width, hidden, layers, activation };
        Case::new(shape, batch, loss, seed)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn forward_and_losses_match_the_naive_model(case in case()) {
        let model = case.model();
        let samples: Vec<_> = case.pairs.iter().map(|&pair| model.forward(pair)).collect();
        let want_losses: Vec<Bounded> =
            model.losses(&case.pairs, &case.targets, case.loss).concat();
        for isa in isas() {
            let workspace = case.forward(Exec::serial(isa));
            for l in 0..=case.shape().layers {
                let residual = workspace.residual(l);
                prop_assert_eq!((residual.rows(), residual.cols()), (samples.len(), case.shape().width));
                for (b, sample) in samples.iter().enumerate() {
                    let want = &sample.residual[l];
                    assert_within(&format!("{isa}: x_{l} of sample {b}"), residual.row(b), want);
                }
            }
            assert_within(&format!("{isa}: losses"), &case.losses(Exec::serial(isa)), &want_losses);
        }
    }

    #[test]
    fn backward_matches_the_naive_model(case in case()) {
        let weights = case.bounded_weights();
        let want = case.model().gradient(&case.pairs, &case.targets, case.loss, &weights);
        for isa in isas() {
            let got = case.gradient(Exec::serial(isa), case.applied());
            assert_within(&format!("{isa}: gradient"), got.values(), &want);
        }
    }

    /// The loss at the output alone is the same as weights of 1/B there and 0 elsewhere, to the bit.
    #[test]
    fn the_output_is_one_choice_of_weights(mut case in case()) {
        let batch = case.pairs.len();
        case.weights.fill(0.0);
        let output = case.shape().layers * batch;
        case.weights[output..].fill(1.0 / batch as f32);
        for exec in isas().into_iter().map(Exec::serial) {
            let output = case.gradient(exec, Applied::Output);
            prop_assert_eq!(output, case.gradient(exec, case.applied()));
        }
    }

    /// Twice the weights, twice the gradient, to the bit; and the gradient of two sets of weights is
    /// the sum of their gradients within the bounds of all three.
    #[test]
    fn gradients_are_linear_in_the_loss_weights(case in case(), seed: u64) {
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
        for exec in isas().into_iter().map(Exec::serial) {
            let gradient = |case: &Case| case.gradient(exec, case.applied());
            let [g1, g2, g12] = [&one, &other, &both].map(gradient);
            for (two, one) in gradient(&twice).values().iter().zip(g1.values()) {
                // A subnormal may have lost a bit that its double has not.
                prop_assert!(*two == 2.0 * one || one.abs() < f32::MIN_POSITIVE);
            }
            for (i, got) in g12.values().iter().enumerate() {
                let sum = f64::from(g1.values()[i]) + f64::from(g2.values()[i]);
                let error: f64 = bounds.iter().map(|bound| bound[i].error).sum();
                prop_assert!((f64::from(*got) - sum).abs() <= error, "{}: {} is not {}", i, got, sum);
            }
        }
    }

    #[test]
    fn gradient_norms_are_those_of_the_outer_products(case in case()) {
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
        for isa in isas() {
            let got = case.norms(Exec::serial(isa));
            assert_within(&format!("{isa}: norms"), &got, &want);
        }
    }
}

/// Bounds are worth something where they are small beside the values: here 1e-4 of the largest one
/// forward, 1e-3 back.
#[test]
fn bounds_are_narrow() {
    for activation in [Activation::Gelu, Activation::GeluTanh, Activation::Relu] {
        for loss in [Loss::SquaredError, Loss::CrossEntropy] {
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

/// Every component of the gradient against (f(θ + h) − f(θ − h)) / 2h of the f64 forward pass.
#[test]
fn backward_matches_central_differences() {
    const H: f64 = 1e-4;
    for activation in [Activation::Gelu, Activation::GeluTanh, Activation::Relu] {
        for loss in [Loss::SquaredError, Loss::CrossEntropy] {
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
            // The total loss, its size, and on which side of the kink every pre-activation lies.
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
            // A slope and its error: that of a step of h is a third of its distance to that of a
            // step of 2h, and each loss is good to some 100 roundings.
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
            for isa in isas() {
                let got = case.gradient(Exec::serial(isa), case.applied());
                for (i, (got, slope)) in got.values().iter().zip(&slopes).enumerate() {
                    let Some((slope, error)) = slope else {
                        continue;
                    };
                    let tolerance = bound[i].error + error;
                    assert!(*error < 1e-6, "a step that sees nothing: {error:e}");
                    assert!(
                        (f64::from(*got) - slope).abs() <= tolerance,
                        "{isa}, {activation:?}, {loss:?}: parameter {i}: {got} for {slope}"
                    );
                }
            }
        }
    }
}

/// Everything that a pass computes, by number of threads.
#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let pools: Vec<_> = (1..=4).map(pool).collect();
    for (width, hidden, layers) in [(24, 40, 2), (100, 70, 3), (9, 5, 0), (33, 50, 1)] {
        let shape = Shape {
            vocabulary: 11,
            width,
            hidden,
            layers,
            activation: Activation::Gelu,
        };
        for batch in [
            0, 1, 2, 31, 32, 33, 63, 64, 65, 71, 72, 73, 127, 128, 129, 300,
        ] {
            let case = Case::new(shape, batch, Loss::CrossEntropy, 23);
            for isa in isas() {
                let everything = |exec| {
                    let workspace = case.forward(exec);
                    let mut all: Vec<f32> = (0..=layers)
                        .flat_map(|l| (0..batch).map(move |b| (l, b)))
                        .flat_map(|(l, b)| workspace.residual(l).row(b).to_vec())
                        .collect();
                    all.extend(case.losses(exec));
                    all.extend(case.gradient(exec, case.applied()).values());
                    all.extend(case.gradient(exec, Applied::Output).values());
                    all.extend(case.norms(exec));
                    all.into_iter().map(f32::to_bits).collect::<Vec<u32>>()
                };
                let serial = everything(Exec::serial(isa));
                for pool in &pools {
                    let shared = pool.install(|| everything(Exec::parallel(isa)));
                    let threads = pool.current_num_threads();
                    assert!(serial == shared, "{isa}, {threads} threads, batch {batch}");
                }
            }
        }
    }
}

/// A sample's activations do not depend on the batch around it, to the bit.
#[test]
fn samples_are_independent() {
    let shape = Shape {
        vocabulary: 5,
        width: 19,
        hidden: 27,
        layers: 2,
        activation: Activation::GeluTanh,
    };
    let case = Case::new(shape, 70, Loss::SquaredError, 5);
    for exec in isas().into_iter().map(Exec::serial) {
        let whole = case.forward(exec);
        for b in [0, 1, 35, 69] {
            let mut alone = Workspace::new(shape, 1);
            mlp::forward(exec, &case.parameters, &case.pairs[b..=b], &mut alone);
            for l in 0..=2 {
                assert_eq!(alone.residual(l).row(0), whole.residual(l).row(b));
            }
        }
    }
}

/// A workspace says how large it is, and can be used again for smaller batches.
#[test]
fn a_workspace_serves_any_batch_up_to_its_capacity() {
    let shape = Shape {
        vocabulary: 4,
        width: 6,
        hidden: 10,
        layers: 2,
        activation: Activation::Relu,
    };
    for exec in isas().into_iter().map(Exec::serial) {
        let mut used = Workspace::new(shape, 9);
        for batch in [9, 4, 0, 1, 7] {
            let case = Case::new(shape, batch, Loss::SquaredError, batch as u64);
            mlp::forward(exec, &case.parameters, &case.pairs, &mut used);
            let fresh = case.forward(exec);
            for b in 0..batch {
                assert_eq!(used.residual(2).row(b), fresh.residual(2).row(b));
            }
            let mut gradient = Parameters::zeros(shape);
            mlp::backward(
                exec,
                &case.parameters,
                &case.pairs,
                &case.targets,
                case.loss,
                Applied::Output,
                &mut used,
                &mut gradient,
            );
            assert_eq!(gradient, case.gradient(exec, Applied::Output));
        }
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let shape = Shape {
        vocabulary: 3,
        width: 4,
        hidden: 5,
        layers: 2,
        activation: Activation::Gelu,
    };
    let case = Case::new(shape, 6, Loss::SquaredError, 1);
    for exec in isas().into_iter().map(Exec::serial) {
        let says = |part: &str, f: &dyn Fn()| {
            let message = panic_message(f);
            assert!(message.contains(part), "{message}");
        };
        says("6 pairs in a workspace for 5", &|| {
            let mut small = Workspace::new(shape, 5);
            mlp::forward(exec, &case.parameters, &case.pairs, &mut small);
        });
        says("another shape", &|| {
            let mut other = Workspace::new(Shape { layers: 1, ..shape }, 6);
            mlp::forward(exec, &case.parameters, &case.pairs, &mut other);
        });
        says("pair 0, (0, 3)", &|| {
            let mut workspace = Workspace::new(shape, 6);
            mlp::forward(exec, &case.parameters, &[[0, 3]], &mut workspace);
        });
        says("loss weights of 2×6 for 3 layers", &|| {
            let weights = MatRef::new(&case.weights[..12], 2, 6).unwrap();
            case.gradient(exec, Applied::Weights(weights));
        });
        says("class 4 of 4", &|| {
            let mut case = case.clone();
            case.targets[2] = 4;
            case.gradient(exec, Applied::Output);
        });
        says("number 4 of 4", &|| {
            let mut case = case.clone();
            case.targets[2] = 4;
            case.norms(exec);
        });
        says("layer 3 of 2", &|| {
            case.forward(exec).residual(3);
        });
    }
}

/// A norm of 1e20 is the root of 1e40, which is no f32.
#[test]
fn gradient_norms_do_not_overflow_before_their_root() {
    let shape = Shape {
        vocabulary: 1,
        width: 1,
        hidden: 1,
        layers: 1,
        activation: Activation::Relu,
    };
    for isa in isas() {
        let exec = Exec::serial(isa);
        let mut parameters = Parameters::zeros(shape);
        // E₁, E₂, W₁, b₁, W₂, b₂
        parameters
            .values_mut()
            .copy_from_slice(&[1e12, 0.0, 1.0, 0.0, 1e8, 0.0]);
        let mut workspace = Workspace::new(shape, 1);
        mlp::forward(exec, &parameters, &[[0, 0]], &mut workspace);
        let mut norm = [0.0];
        let norms = MatMut::new(&mut norm, 1, 1).unwrap();
        mlp::output_gradient_norms(exec, &parameters, &[0], &mut workspace, norms);
        assert!((norm[0] / 1e20 - 1.0).abs() < 1e-6, "{isa}: {}", norm[0]);
    }
}
