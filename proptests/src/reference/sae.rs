//! The sparse autoencoders of [`kernels::sae`], one sample and one number at a time.
//!
//! Which entries of a code are active hangs on comparisons. Where one is closer than its rounding
//! error, f32 may rightly decide otherwise: [`Pass::ambiguous`] tells.

mod deep;
mod gated;
mod jumprelu;
mod l1;
mod passes;
mod top_k;

use std::ops::Range;

use kernels::sae::{Parameters, Shape, Variant};

use crate::bounded::Bounded;

/// A model's parameters.
#[derive(Clone)]
pub struct Model {
    /// Its size.
    pub shape: Shape,
    /// Its variant.
    pub variant: Variant,
    /// Name, rows and columns of each tensor.
    tensors: Vec<(&'static str, usize, usize)>,
    /// All parameters, tensor after tensor.
    pub values: Vec<Bounded>,
    /// Elements that count as dead, for an auxiliary loss.
    pub dead: Vec<usize>,
    /// What the auxiliary loss reconstructs, where that is to be held fixed: it has no gradient.
    pub left_over: Option<Matrix>,
    /// The model whose decoder stands in a loss where it has no gradient, if not this one.
    pub frozen: Option<Box<Model>>,
}

/// What a batch leads to.
#[derive(Clone, Default)]
pub struct Pass {
    /// Codes, a sample a row.
    pub codes: Matrix,
    /// Reconstructions.
    pub x_hat: Matrix,
    /// Mean of ‖x̂ − x‖².
    pub reconstruction: Bounded,
    /// The mean penalty.
    pub sparsity: Bounded,
    /// The mean auxiliary loss.
    pub auxiliary: Bounded,
    /// What it reconstructs.
    pub left_over: Matrix,
    /// The gradient, in the order of the parameters.
    pub gradient: Vec<Bounded>,
    /// Whether each unit is active, those of hidden layers included: while this stays the same, the loss is smooth.
    pub active: Vec<Vec<bool>>,
    /// Whether rounding could change which units are active.
    pub ambiguous: bool,
}

/// Rows of numbers.
pub type Matrix = Vec<Vec<Bounded>>;

impl Pass {
    /// The loss.
    pub fn total(&self) -> f64 {
        self.reconstruction.value + self.sparsity.value + self.auxiliary.value
    }
}

impl Model {
    /// A model with the parameters that a kernel is given.
    pub fn exact(parameters: &Parameters) -> Model {
        let exact = |&x: &f32| Bounded::exact(x);
        Model {
            shape: parameters.shape(),
            variant: parameters.variant(),
            tensors: parameters
                .tensors()
                .map(|(name, m)| (name, m.rows(), m.cols()))
                .collect(),
            values: parameters.values().iter().map(exact).collect(),
            dead: vec![],
            left_over: None,
            frozen: None,
        }
    }

    /// The tensors: name and place among the parameters.
    pub fn places(&self) -> Vec<(&'static str, Range<usize>)> {
        let mut start = 0;
        let place = |&(name, rows, cols): &(&'static str, usize, usize)| {
            let range = start..start + rows * cols;
            start = range.end;
            (name, range)
        };
        self.tensors.iter().map(place).collect()
    }

    fn matrix(&self, name: &str) -> Matrix {
        let at = self.tensors.iter().position(|t| t.0 == name);
        let at = at.unwrap_or_else(|| panic!("no tensor {name}"));
        let (_, range) = self.places()[at].clone();
        let rows = self.values[range].chunks(self.tensors[at].2.max(1));
        rows.map(<[Bounded]>::to_vec).collect()
    }

    fn vector(&self, name: &str) -> Vec<Bounded> {
        self.matrix(name).concat()
    }

    /// The gradient from those with respect to the tensors, by name.
    fn gradient<'a>(&self, named: impl AsRef<[(&'a str, Matrix)]>) -> Vec<Bounded> {
        let named = named.as_ref();
        assert_eq!(named.len(), self.tensors.len());
        let of = |tensor: &(&'static str, usize, usize)| {
            let (_, values) = named
                .iter()
                .find(|it| it.0 == tensor.0)
                .expect("a gradient");
            values.concat()
        };
        self.tensors.iter().flat_map(of).collect()
    }

    /// Losses, codes and the gradient of a batch, as in training.
    pub fn pass(&self, batch: &[Vec<f32>]) -> Pass {
        let x = exact(batch);
        match self.variant {
            Variant::L1(model) => self.l1(model.lambda, model.rows, &x),
            Variant::TiedL1(model) => self.tied(model.lambda, &x),
            Variant::TopK(model) => self.top_k(model.k, model.aux, &x),
            Variant::BatchTopK(model) => self.batch_top_k(model, &x),
            Variant::Matryoshka(model) => self.matryoshka(model, &x),
            Variant::Gated(model) => self.gated(model.lambda, &x),
            Variant::JumpRelu(model) => self.jump_relu(model, &x),
            Variant::TwoLayer(model) => self.two_layer(model.lambda, &x),
            Variant::Lista(model) => self.lista(model.steps, model.lambda, &x),
        }
    }

    /// Codes and reconstructions of a batch whose samples do not depend on each other; the gradient is none of theirs.
    pub fn reading(&self, batch: &[Vec<f32>]) -> Pass {
        match self.variant {
            Variant::BatchTopK(_) | Variant::Matryoshka(_) => self.above_thresholds(&exact(batch)),
            _ => self.pass(batch),
        }
    }
}

/// Rows that a kernel is given.
fn exact(batch: &[Vec<f32>]) -> Matrix {
    let row = |row: &Vec<f32>| row.iter().map(|&x| Bounded::exact(x)).collect();
    batch.iter().map(row).collect()
}
