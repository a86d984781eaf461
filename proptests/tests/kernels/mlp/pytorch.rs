//! Ten steps of training against PyTorch, tensor by tensor; `fixtures/residual_mlp.py` computed PyTorch's results, in
//! f64.
//!
//! 1. Our reference, in f64 too, must agree with PyTorch to f64 accuracy.
//! 2. Losses and gradients before the first step are held to PyTorch's, and every step of the kernels to
//!    the reference's step from the same state. The running error bounds of the reference are the
//!    tolerance: an f32 implementation cannot be outside.
//! 3. After ten steps worst-case bounds say nothing any more: where a gradient is as small as its error,
//!    Adam's step can be anything up to the learning rate. So the tolerance there follows from the
//!    condition of the problem: it is how far the f64 run strays when every gradient, weight and
//!    moment is moved up or down by the bound of one step.

use kernels::adam::{self, Adam};
use kernels::loss::Loss;
use kernels::mlp::{self, Parameters, Shape, Supervision, Workspace};
use kernels::{Activation, Exec, Isa, MatMut};
use proptests::bounded::{Bounded, assert_within, blur};
use proptests::each_isa;
use proptests::fixture::Fixture;
use proptests::reference::adam::{Moments, step};
use proptests::reference::mlp::{Model, tensors};
use proptests::training::{Run, assert_near, median, values, wide};

const STEPS: usize = 10;

/// Returns the name of a loss in a fixture.
fn name(loss: Loss) -> &'static str {
    match loss {
        Loss::SquaredError => "squared_error",
        Loss::CrossEntropy => "cross_entropy",
    }
}

/// Returns a model's tensors in the order of its parameters.
fn model(fixture: &Fixture, of: &str, shape: Shape) -> Vec<f64> {
    tensors(shape)
        .iter()
        .flat_map(|tensor| {
            let values = fixture.numbers(&format!("{of}.{}", tensor.name));
            assert_eq!(values.len(), tensor.range.len(), "{of}.{}", tensor.name);
            values
        })
        .collect()
}

fn shape(fixture: &Fixture, activation: Activation) -> Shape {
    let [vocabulary, width] = fixture.sizes("initial.embeddings.0")[..] else {
        panic!("an embedding is a matrix");
    };
    let blocks = |l: &usize| fixture.has(&format!("initial.blocks.{l}.w1"));
    Shape {
        vocabulary,
        width,
        hidden: fixture.sizes("initial.blocks.0.w1")[0],
        layers: (0..).take_while(blocks).count(),
        activation,
    }
}

/// A task that a fixture sets.
struct Task {
    shape: Shape,
    loss: Loss,
    initial: Vec<f32>,
    pairs: Vec<[u32; 2]>,
    targets: Vec<u32>,
}

impl Task {
    fn new(fixture: &Fixture, activation: Activation, loss: Loss) -> Task {
        let shape = shape(fixture, activation);
        let initial = model(fixture, "initial", shape);
        let rounded: Vec<f32> = initial.iter().map(|&w| w as f32).collect();
        let exact = initial
            .iter()
            .zip(&rounded)
            .all(|(a, &b)| *a == f64::from(b));
        assert!(exact, "initial weights that are no f32");
        Task {
            shape,
            loss,
            initial: rounded,
            pairs: fixture.indices("pairs").as_chunks().0.to_vec(),
            targets: fixture.indices("targets"),
        }
    }

    /// Returns the reference's mean loss and gradient, with the bounds of a pass from these weights.
    fn pass(&self, model: &Model) -> (Bounded, Vec<Bounded>) {
        let batch = self.pairs.len();
        let mut weights = vec![vec![Bounded::default(); batch]; self.shape.layers];
        weights.push(vec![Bounded::rounded(1.0 / batch as f64); batch]);
        let losses = model.losses(&self.pairs, &self.targets, self.loss);
        // The mean is taken in f64.
        let mean = |f: fn(&Bounded) -> f64| {
            losses[self.shape.layers].iter().map(f).sum::<f64>() / batch as f64
        };
        let loss = Bounded {
            value: mean(|loss| loss.value),
            error: mean(|loss| loss.error),
        };
        let gradient = model.gradient(&self.pairs, &self.targets, self.loss, &weights);
        (loss, gradient)
    }

    /// Trains the reference in f64, where `sway` moves every result within its bound: by −1 to 1 of it.
    fn train_in_f64(&self, sway: &mut dyn FnMut() -> f64) -> Run {
        let mut sway = |x: Bounded| Bounded {
            value: x.value + sway() * x.error,
            error: 0.0,
        };
        let mut model = Model::exact(self.shape, &self.initial);
        let mut moments = vec![Moments::default(); model.values.len()];
        let (mut losses, mut first) = (vec![], None);
        for t in 1..=STEPS as u64 {
            let (loss, gradient) = self.pass(&model);
            losses.push(sway(loss).value);
            let gradient: Vec<Bounded> = gradient.into_iter().map(&mut sway).collect();
            for (i, &gradient) in gradient.iter().enumerate() {
                step(
                    Adam::default(),
                    t,
                    &mut model.values[i],
                    gradient,
                    &mut moments[i],
                );
                model.values[i] = sway(model.values[i]);
                moments[i].first = sway(moments[i].first);
                moments[i].second = sway(moments[i].second);
                // Underflow alone could bring the moment below 0.
                moments[i].second.value = moments[i].second.value.max(0.0);
            }
            first.get_or_insert(gradient);
        }
        Run {
            losses,
            gradient: values(&first.expect("a step")),
            last: values(&model.values),
        }
    }

    /// Trains with the kernels, and asserts that each step is that of the reference from the same state.
    fn train(&self, exec: Exec) -> Run {
        let (layers, batch) = (self.shape.layers, self.pairs.len());
        let mut parameters = Parameters::zeros(self.shape);
        parameters.values_mut().copy_from_slice(&self.initial);
        let mut gradient = Parameters::zeros(self.shape);
        let mut workspace = Workspace::new(self.shape, batch);
        let [mut first, mut second] = [(); 2].map(|()| vec![0.0; self.initial.len()]);
        let (mut losses, mut of_step_one) = (vec![], None);
        for t in 1..=STEPS as u64 {
            let mut model = Model::exact(self.shape, parameters.values());
            let (want_loss, want_gradient) = self.pass(&model);
            let exact = |x: &f32| Bounded::exact(*x);
            let mut moments: Vec<Moments> = first
                .iter()
                .zip(&second)
                .map(|(first, second)| Moments {
                    first: exact(first),
                    second: exact(second),
                })
                .collect();

            mlp::forward(exec, &parameters, &self.pairs, &mut workspace);
            let mut all = vec![f32::NAN; (layers + 1) * batch];
            let view = MatMut::from_rows(&mut all, batch);
            mlp::losses(exec, &workspace, self.loss, &self.targets, view);
            let output: f64 = all[layers * batch..].iter().map(|&l| f64::from(l)).sum();
            let loss = output / batch as f64;
            mlp::backward(
                exec,
                &parameters,
                &self.pairs,
                &self.targets,
                self.loss,
                Supervision::Output,
                &mut workspace,
                &mut gradient,
            );
            adam::step(
                exec,
                Adam::default(),
                t,
                gradient.values(),
                parameters.values_mut(),
                &mut first,
                &mut second,
            );

            let what = format!("{}, step {t}", exec.isa());
            let off = (loss - want_loss.value).abs();
            assert!(off <= want_loss.error, "{what}: a loss of {loss}");
            assert_within(
                &format!("{what}: gradient"),
                gradient.values(),
                &want_gradient,
            );
            for (i, weight) in model.values.iter_mut().enumerate() {
                let gradient = Bounded::exact(gradient.values()[i]);
                step(Adam::default(), t, weight, gradient, &mut moments[i]);
            }
            assert_within(
                &format!("{what}: weights"),
                parameters.values(),
                &model.values,
            );
            losses.push(loss);
            of_step_one.get_or_insert_with(|| wide(gradient.values()));
        }
        Run {
            losses,
            gradient: of_step_one.expect("a step"),
            last: wide(parameters.values()),
        }
    }
}

each_isa!(training_follows_pytorch);
fn training_follows_pytorch(isa: Isa) {
    let fixture = Fixture::read("residual_mlp.safetensors");
    let losses = |&activation| Loss::ALL.iter().map(move |&loss| (activation, loss));
    for (activation, loss) in Activation::ALL.iter().flat_map(losses) {
        let case = format!("{}.{}", activation.name().replace('-', "_"), name(loss));
        let task = Task::new(&fixture, activation, loss);
        let torch = Run {
            losses: fixture.numbers(&format!("{case}.losses")),
            gradient: model(&fixture, &format!("{case}.gradient"), task.shape),
            last: model(&fixture, &format!("{case}.final"), task.shape),
        };
        assert_eq!(torch.losses.len(), STEPS);

        let still = task.train_in_f64(&mut || 0.0);
        still.assert_same(&format!("reference: {case}"), &torch);

        let (first_loss, gradient) = task.pass(&Model::exact(task.shape, &task.initial));
        // A step is 1e-3 long: the bounds can see far less than one.
        assert!(blur(&gradient) < 1e-4, "{case}: {:e}", blur(&gradient));
        let stray = still.stray(|sway| task.train_in_f64(sway));
        let typical = median(&stray.last);
        assert!(typical < 1e-5, "{case}: {typical:e}");
        let got = task.train(Exec::serial(isa));
        let losses = assert_near(
            &format!("{case}.losses"),
            &got.losses,
            &torch.losses,
            |t| match t {
                0 => first_loss.error,
                _ => stray.losses[t],
            },
        );
        let (mut of_gradient, mut last): (f64, f64) = (0.0, 0.0);
        for tensor in tensors(task.shape) {
            let (name, range) = (tensor.name, tensor.range);
            of_gradient = of_gradient.max(assert_near(
                &format!("{case}.gradient.{name}"),
                &got.gradient[range.clone()],
                &torch.gradient[range.clone()],
                |i| gradient[range.start + i].error,
            ));
            last = last.max(assert_near(
                &format!("{case}.final.{name}"),
                &got.last[range.clone()],
                &torch.last[range.clone()],
                |i| stray.last[range.start + i],
            ));
        }
        println!(
            "{case}, {isa}: of its tolerance uses {losses:.2} (losses), {of_gradient:.2} (gradient), {last:.2} (final; median ± {typical:.0e})"
        );
    }
}
