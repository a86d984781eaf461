//! Models, each with a batch, targets and loss weights, which the tests share.

use kernels::loss::Loss;
use kernels::mlp::{self, Parameters, Shape, Supervision, Workspace};
use kernels::{Activation, Exec, MatMut, MatRef};
use proptest::prelude::*;
use proptests::bounded::Bounded;
use proptests::reference::mlp::Model;
use proptests::stream;

/// A model and a batch for it.
#[derive(Clone, Debug)]
pub struct Case {
    pub parameters: Parameters,
    pub pairs: Vec<[u32; 2]>,
    pub targets: Vec<u32>,
    pub loss: Loss,
    /// The loss weights, (L+1)×B.
    pub weights: Vec<f32>,
}

impl Case {
    /// Makes a model with parameters of the usual size at the start of training: those of a matrix of k columns lie
    /// within ±1/√k.
    pub fn new(shape: Shape, batch: usize, loss: Loss, seed: u64) -> Case {
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
        // A third of the weights is 0, as for the layers that a loss leaves out.
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

    pub fn shape(&self) -> Shape {
        self.parameters.shape()
    }

    pub fn model(&self) -> Model {
        Model::exact(self.shape(), self.parameters.values())
    }

    pub fn supervision(&self) -> Supervision<'_> {
        let (rows, cols) = (self.shape().layers + 1, self.pairs.len());
        Supervision::Weights(MatRef::new(&self.weights, rows, cols).unwrap())
    }

    pub fn bounded_weights(&self) -> Vec<Vec<Bounded>> {
        let batch = self.pairs.len();
        (0..=self.shape().layers)
            .map(|l| {
                let weights = &self.weights[l * batch..][..batch];
                weights.iter().map(|&w| Bounded::exact(w)).collect()
            })
            .collect()
    }

    /// Returns a workspace with some room to spare, after a forward pass.
    pub fn forward(&self, exec: Exec) -> Workspace {
        let mut workspace = Workspace::new(self.shape(), self.pairs.len() + 3);
        mlp::forward(exec, &self.parameters, &self.pairs, &mut workspace);
        workspace
    }

    pub fn gradient(&self, exec: Exec, supervision: Supervision) -> Parameters {
        let mut gradient = Parameters::zeros(self.shape());
        // The gradient is overwritten, whatever it holds.
        gradient.values_mut().fill(f32::NAN);
        mlp::backward(
            exec,
            &self.parameters,
            &self.pairs,
            &self.targets,
            self.loss,
            supervision,
            &mut self.forward(exec),
            &mut gradient,
        );
        gradient
    }

    pub fn losses(&self, exec: Exec) -> Vec<f32> {
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

    pub fn norms(&self, exec: Exec) -> Vec<f32> {
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

pub fn fill(mut m: MatMut, next: &mut impl FnMut() -> f32, scale: f32) {
    for i in 0..m.rows() {
        m.row_mut(i).fill_with(|| scale * next());
    }
}

pub fn activation() -> impl Strategy<Value = Activation> {
    proptest::sample::select(Activation::ALL)
}

pub fn loss() -> impl Strategy<Value = Loss> {
    proptest::sample::select(Loss::ALL)
}

prop_compose! {
    /// A strategy for cases with widths on both sides of a vector's length, most of them different from each other.
    pub fn case()(
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
