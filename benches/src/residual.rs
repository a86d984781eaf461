//! The training step of a residual MLP that benchmarks time: forward, loss, backward and Adam.

use kernels::adam::{self, Adam};
use kernels::loss::Loss;
use kernels::mlp::{self, Parameters, Shape, Supervision, Workspace};
use kernels::{Activation, Exec};

use crate::plain_step::{PlainStep, Product};

/// The sizes d, L and B of the training steps that peers are timed on.
pub const STEPS: [[usize; 3]; 3] = [[100, 4, 256], [128, 8, 512], [500, 8, 1024]];

/// A model at its initial weights, its optimiser, and a batch.
pub struct Training {
    exec: Exec,
    parameters: Parameters,
    gradient: Parameters,
    moments: [Vec<f32>; 2],
    pairs: Vec<[u32; 2]>,
    targets: Vec<u32>,
}

impl Training {
    /// Makes a model of width d with L layers at its initial weights, and a batch of B samples.
    pub fn new(exec: Exec, [d, layers, batch]: [usize; 3]) -> Training {
        let shape = Shape {
            vocabulary: d,
            width: d,
            hidden: d,
            layers,
            activation: Activation::Gelu,
        };
        let mut parameters = Parameters::zeros(shape);
        let bound = (3.0 / d as f32).sqrt();
        for (i, w) in parameters.values_mut().iter_mut().enumerate() {
            *w = bound * ((i * 7919 % 10_007) as f32 / 5003.0 - 1.0);
        }
        let n = shape.parameters();
        Training {
            exec,
            gradient: Parameters::zeros(shape),
            parameters,
            moments: [vec![0.0; n], vec![0.0; n]],
            pairs: (0..batch)
                .map(|b| [b * 7, b * 13].map(|i| (i % d) as u32))
                .collect(),
            targets: (0..batch).map(|b| (b * 31 % d) as u32).collect(),
        }
    }

    /// Returns the shape of the model.
    pub fn shape(&self) -> Shape {
        self.parameters.shape()
    }

    /// Makes one step of Adam on the mean squared error, and writes the losses of the batch before the step to
    /// `losses`.
    pub fn step(&mut self, workspace: &mut Workspace, losses: &mut [f32]) {
        let Training {
            exec,
            parameters,
            gradient,
            moments: [m, v],
            pairs,
            targets,
        } = self;
        let loss = Loss::SquaredError;
        mlp::forward(*exec, parameters, pairs, workspace);
        let output = workspace.residual(parameters.shape().layers);
        loss.forward(*exec, output, targets, losses);
        let supervision = Supervision::Output;
        mlp::backward(
            *exec,
            parameters,
            pairs,
            targets,
            loss,
            supervision,
            workspace,
            gradient,
        );
        adam::step(
            *exec,
            Adam::default(),
            1,
            gradient.values(),
            parameters.values_mut(),
            m,
            v,
        );
    }

    /// Makes the same step, written plainly with the matrix product `product`.
    pub fn plain_step(&mut self, plain: &mut PlainStep, product: Product) {
        let Training {
            exec,
            parameters,
            gradient,
            moments,
            pairs,
            targets,
        } = self;
        plain.step(
            *exec, product, parameters, gradient, moments, pairs, targets,
        );
    }
}
