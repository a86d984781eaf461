//! The sparse autoencoders of [`kernels::sae`] by plain loops, one sample and one number at a time.
//!
//! Which entries of a code are active depends on comparisons. Where a comparison is closer than the rounding error, f32
//! may rightly decide otherwise: [`Pass::ambiguous`] says whether there is such a comparison.

mod deep;
mod gated;
mod jumprelu;
mod l1;
mod pass;
mod passes;
mod top_k;

use std::ops::Range;

use kernels::sae::{Parameters, Shape, Task, Variant};

use crate::bounded::Bounded;
pub use pass::{Matrix, Pass};

/// A model: its task, shape, variant and parameters.
#[derive(Clone)]
pub struct Model {
    /// The task: what the model reads and reconstructs.
    pub task: Task,
    /// The width and the number of elements.
    pub shape: Shape,
    /// The variant.
    pub variant: Variant,
    /// The name, the rows and the columns of each tensor.
    tensors: Vec<(&'static str, usize, usize)>,
    /// All parameters, tensor after tensor.
    pub values: Vec<Bounded>,
    /// The elements that count as dead, for an auxiliary loss.
    pub dead: Vec<usize>,
    /// The target of the auxiliary loss, where that is to be held fixed because it has no gradient.
    pub left_over: Option<Matrix>,
    /// The model whose decoder and skip connection the loss of a gated autoencoder's gates uses without a gradient, if
    /// it is not this one.
    pub frozen: Option<Box<Model>>,
}

impl Model {
    /// Makes a model with the parameters that a kernel is given.
    pub fn exact(parameters: &Parameters) -> Model {
        let exact = |&x: &f32| Bounded::exact(x);
        Model {
            task: parameters.task(),
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

    /// Returns the name of each tensor and its range among the parameters.
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

    /// Returns the gradient with respect to all parameters from those with respect to the tensors, by name. The
    /// gradient of a skip connection is not among these: it follows from x and the gradient r with respect to the
    /// reconstructions.
    fn gradient<'a>(
        &self,
        (r, x): (&Matrix, &Matrix),
        named: impl AsRef<[(&'a str, Matrix)]>,
    ) -> Vec<Bounded> {
        let named = named.as_ref();
        assert_eq!(
            named.len() + usize::from(self.task.has_skip()),
            self.tensors.len()
        );
        let of = |tensor: &(&'static str, usize, usize)| {
            if tensor.0 == "w_skip" {
                return passes::outer(r, x).concat();
            }
            let (_, values) = named
                .iter()
                .find(|it| it.0 == tensor.0)
                .expect("a gradient");
            values.concat()
        };
        self.tensors.iter().flat_map(of).collect()
    }

    /// Returns the losses, codes and gradient of a batch, as in training.
    pub fn pass(&self, batch: &Samples) -> Pass {
        let (x, y) = (exact(&batch.x), exact(&batch.y));
        let left = self.left(&x, &y);
        let pass = match self.variant {
            Variant::L1(model) => self.l1(model.lambda, model.rows, &x, &left),
            Variant::TiedL1(model) => self.tied(model.lambda, &x, &left),
            Variant::TopK(model) => self.top_k(model.k, model.aux, &x, &left),
            Variant::BatchTopK(model) => self.batch_top_k(model, &x, &left),
            Variant::Matryoshka(model) => self.matryoshka(model, &x, &left),
            Variant::Gated(model) => {
                let frozen = self.frozen.as_deref().unwrap_or(self);
                self.gated(model.lambda, &x, &left, &frozen.left(&x, &y))
            }
            Variant::JumpRelu(model) => self.jump_relu(model, &x, &left),
            Variant::TwoLayer(model) => self.two_layer(model.lambda, &x, &left),
            Variant::Lista(model) => self.lista(model.steps, model.lambda, &x, &left),
        };
        self.with_skip(pass, &x)
    }

    /// Returns the codes and reconstructions of a batch whose samples do not depend on each other. The gradient of the
    /// result is not to be used.
    pub fn reading(&self, batch: &Samples) -> Pass {
        match self.variant {
            Variant::BatchTopK(_) | Variant::Matryoshka(_) => {
                let (x, y) = (exact(&batch.x), exact(&batch.y));
                self.with_skip(self.above_thresholds(&x, &y), &x)
            }
            _ => self.pass(batch),
        }
    }

    /// Returns the input of the encoder: x − b_dec, or x in a transcoder.
    fn input(&self, x: &Matrix, b_dec: &[Bounded]) -> Matrix {
        match self.task {
            Task::Autoencoder(_) => passes::centre(x, b_dec),
            Task::Transcoder { .. } => x.clone(),
        }
    }

    /// Returns the part of the target that a skip connection leaves to the codes, y − W_skip x.
    fn left(&self, x: &Matrix, y: &Matrix) -> Matrix {
        if !self.task.has_skip() {
            return y.clone();
        }
        let w_skip = self.matrix("w_skip");
        let row = |(x, y): (&Vec<Bounded>, &Vec<Bounded>)| {
            let rows = y.iter().zip(&w_skip);
            let each = rows.map(|(&y, w)| {
                let minus: Vec<Bounded> = w.iter().map(|&w| passes::negative(w)).collect();
                passes::dot(&minus, x, [y])
            });
            each.collect()
        };
        x.iter().zip(y).map(row).collect()
    }

    /// Adds W_skip x to the reconstructions.
    fn with_skip(&self, mut pass: Pass, x: &Matrix) -> Pass {
        if self.task.has_skip() {
            let w_skip = self.matrix("w_skip");
            for (x_hat, x) in pass.x_hat.iter_mut().zip(x) {
                for (x_hat, w) in x_hat.iter_mut().zip(&w_skip) {
                    *x_hat = passes::dot(w, x, [*x_hat]);
                }
            }
        }
        pass
    }

    /// Returns the gradient of `b_dec`, which in an autoencoder is also subtracted from the input of the first layer.
    fn decoder_bias(&self, r: &Matrix, weights: &Matrix, d_bias: &[Bounded]) -> Vec<Bounded> {
        match self.task {
            Task::Autoencoder(_) => passes::decoder_bias(r, weights, d_bias),
            Task::Transcoder { .. } => passes::column_sums(r, r[0].len()),
        }
    }
}

/// A batch: inputs and the targets of their reconstructions, a sample a row.
#[derive(Clone, Debug)]
pub struct Samples {
    /// The inputs.
    pub x: Vec<Vec<f32>>,
    /// The targets of the reconstructions.
    pub y: Vec<Vec<f32>>,
}

impl Samples {
    /// Makes a batch for an autoencoder: the targets are the inputs.
    pub fn of(x: &[Vec<f32>]) -> Samples {
        let [x, y] = [x.to_vec(), x.to_vec()];
        Samples { x, y }
    }
}

/// Returns rows that a kernel is given, which have no error.
fn exact(batch: &[Vec<f32>]) -> Matrix {
    let row = |row: &Vec<f32>| row.iter().map(|&x| Bounded::exact(x)).collect();
    batch.iter().map(row).collect()
}
