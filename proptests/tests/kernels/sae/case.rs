//! What the tests share: models of every variant, each with a batch.

use kernels::sae::{self, Losses, Parameters, Shape, Variant, Workspace};
use kernels::{Exec, MatRef, SparseRef};
use proptest::prelude::*;
use proptests::reference::sae::{Model, Pass};
use proptests::stream;

/// The products that a pass takes: on the entries, or dense.
pub const PATHS: [(&str, f64); 2] = [("sparse", f64::INFINITY), ("dense", 0.0)];

/// Losses to the bit: those of no samples are NaN, which equals nothing.
pub fn bits(losses: Losses) -> [u64; 4] {
    let Losses {
        reconstruction,
        sparsity,
        auxiliary,
        density,
    } = losses;
    [reconstruction, sparsity, auxiliary, density].map(f64::to_bits)
}

/// A model and a batch for it.
#[derive(Clone, Debug)]
pub struct Case {
    pub parameters: Parameters,
    pub x: Vec<f32>,
}

impl Case {
    /// Parameters of the usual size; rows of the dictionary with norms on both sides of 1, biases of
    /// both signs.
    pub fn new(shape: Shape, variant: Variant, batch: usize, seed: u64) -> Case {
        let mut next = stream(seed);
        let mut parameters = Parameters::zeros(shape, variant);
        let scale = (shape.width.max(1) as f32).sqrt().recip();
        for value in parameters.values_mut() {
            *value = 1.7 * scale * next();
        }
        match variant {
            Variant::JumpRelu(_) => {
                let [mut threshold] = parameters.tensors_mut(["threshold"]);
                threshold.row_mut(0).fill_with(|| next().abs());
            }
            // One for all elements: above, among or below what is kept of a batch.
            Variant::BatchTopK(_) | Variant::Matryoshka(_) => {
                let [mut threshold] = parameters.tensors_mut(["threshold"]);
                threshold.row_mut(0).fill(2.0 * next().abs());
            }
            _ => {}
        }
        let x = (0..batch * shape.width).map(|_| next()).collect();
        Case { parameters, x }
    }

    pub fn shape(&self) -> Shape {
        self.parameters.shape()
    }

    pub fn variant(&self) -> Variant {
        self.parameters.variant()
    }

    pub fn batch(&self) -> MatRef<'_> {
        let width = self.shape().width;
        MatRef::new(&self.x, self.x.len() / width, width).unwrap()
    }

    fn rows(&self) -> Vec<Vec<f32>> {
        let rows = self.x.chunks(self.shape().width);
        rows.map(<[f32]>::to_vec).collect()
    }

    /// What the batch leads to in training.
    pub fn pass(&self) -> Pass {
        self.model().pass(&self.rows())
    }

    /// The codes that are read of the batch, and their reconstructions.
    pub fn reading(&self) -> Pass {
        self.model().reading(&self.rows())
    }

    pub fn model(&self) -> Model {
        let mut model = Model::exact(&self.parameters);
        model.dead = (0..self.shape().dictionary).filter(|&j| dead(j)).collect();
        model
    }

    /// A workspace with some room to spare.
    pub fn workspace(&self, dense_from: f64) -> Workspace {
        let capacity = self.batch().rows() + 3;
        let mut workspace = Workspace::new(self.shape(), self.variant(), capacity);
        workspace.set_dense_from(dense_from);
        workspace.set_dead(dead);
        workspace
    }

    pub fn gradient(&self, exec: Exec, dense_from: f64) -> (Losses, Parameters) {
        let mut gradient = Parameters::zeros(self.shape(), self.variant());
        // It is overwritten, whatever it holds.
        gradient.values_mut().fill(f32::NAN);
        let mut workspace = self.workspace(dense_from);
        let losses = sae::gradient(
            exec,
            &self.parameters,
            self.batch(),
            &mut workspace,
            &mut gradient,
        );
        (losses, gradient)
    }
}

/// The elements that an auxiliary loss takes for dead.
pub fn dead(j: usize) -> bool {
    j % 3 == 1
}

/// All values of some codes, zeros included.
pub fn dense(codes: SparseRef) -> Vec<f32> {
    let mut all = vec![0.0; codes.rows() * codes.cols()];
    for b in 0..codes.rows() {
        let (columns, values) = codes.row(b);
        assert!(columns.is_sorted_by(|a, b| a < b), "columns that rise");
        for (&j, &value) in columns.iter().zip(values) {
            all[b * codes.cols() + j as usize] = value;
        }
    }
    all
}

prop_compose! {
    /// Every variant, with widths and dictionaries on both sides of a vector's length.
    pub fn case()(
        width in 1..40usize,
        dictionary in 1..50usize,
        variant: prop::sample::Index,
        batch in 1..9usize,
        lambda in prop_oneof![Just(0.0f32), 0f32..2.0],
        seed: u64,
    ) -> Case {
        let shape = Shape { width, dictionary };
        let variant = *variant.get(&Variant::examples(shape, lambda));
        Case::new(shape, variant, batch, seed)
    }
}
