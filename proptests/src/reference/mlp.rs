//! The residual MLP of [`kernels::mlp`] by plain loops, one sample and one number at a time.

use std::ops::Range;

use kernels::loss::Loss;
use kernels::mlp::Shape;

use super::activation::{activate, slope};
use super::loss;
use crate::bounded::{Bounded, ONE};

/// A tensor and its place among the parameters.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// The name of the tensor.
    pub name: String,
    /// The range of the tensor among all parameters.
    pub range: Range<usize>,
    /// The number of columns of the tensor.
    pub cols: usize,
}

/// Returns the tensors of a model in the order of its parameters: `embeddings.0`, `embeddings.1`, then `blocks.l.w1`,
/// `blocks.l.b1`, `blocks.l.w2` and `blocks.l.b2` of every block l.
pub fn tensors(shape: Shape) -> Vec<Tensor> {
    let (v, d, h) = (shape.vocabulary, shape.width, shape.hidden);
    let mut start = 0;
    let mut next = |name: String, rows: usize, cols: usize| {
        let range = start..start + rows * cols;
        start = range.end;
        Tensor { name, range, cols }
    };
    let mut all: Vec<Tensor> = (0..2)
        .map(|i| next(format!("embeddings.{i}"), v, d))
        .collect();
    for l in 0..shape.layers {
        for (name, rows, cols) in [("w1", h, d), ("b1", 1, h), ("w2", d, h), ("b2", 1, d)] {
            all.push(next(format!("blocks.{l}.{name}"), rows, cols));
        }
    }
    all
}

/// A residual MLP: its shape and its parameters.
pub struct Model {
    shape: Shape,
    tensors: Vec<Tensor>,
    /// All parameters, in the order of [`tensors`].
    pub values: Vec<Bounded>,
}

/// The activations of one sample.
pub struct Sample {
    /// The residual stream x₀ … x_L.
    pub residual: Vec<Vec<Bounded>>,
    /// The pre-activations of each block.
    pub pre: Vec<Vec<Bounded>>,
    /// The activations of each block.
    pub hidden: Vec<Vec<Bounded>>,
}

/// The gradients of one sample with respect to its activations.
pub struct Deltas {
    /// The gradients with respect to the residual stream x₀ … x_L.
    pub residual: Vec<Vec<Bounded>>,
    /// The gradients with respect to the pre-activations of each block.
    pub pre: Vec<Vec<Bounded>>,
}

impl Model {
    /// Makes a model with these parameters.
    pub fn new(shape: Shape, values: Vec<Bounded>) -> Model {
        assert_eq!(values.len(), shape.parameters());
        Model {
            shape,
            tensors: tensors(shape),
            values,
        }
    }

    /// Makes a model with the parameters that a kernel is given.
    pub fn exact(shape: Shape, values: &[f32]) -> Model {
        Self::new(shape, values.iter().map(|&x| Bounded::exact(x)).collect())
    }

    fn row(&self, tensor: usize, i: usize) -> &[Bounded] {
        let Tensor { range, cols, .. } = &self.tensors[tensor];
        &self.values[range.start + i * cols..][..*cols]
    }

    /// Returns the indices of W₁, b₁, W₂ and b₂ of block l among the tensors.
    fn block(l: usize) -> [usize; 4] {
        [0, 1, 2, 3].map(|i| 2 + 4 * l + i)
    }

    /// Computes the activations of a sample, which is a pair of tokens.
    pub fn forward(&self, [i, j]: [u32; 2]) -> Sample {
        let Shape {
            width,
            hidden,
            layers,
            activation,
            ..
        } = self.shape;
        let (first, second) = (self.row(0, i as usize), self.row(1, j as usize));
        let x0 = (0..width).map(|c| Bounded::sum([first[c], second[c]]));
        let mut sample = Sample {
            residual: vec![x0.collect()],
            pre: vec![],
            hidden: vec![],
        };
        for l in 0..layers {
            let [w1, b1, w2, b2] = Self::block(l);
            let x = &sample.residual[l];
            let pre: Vec<Bounded> = (0..hidden)
                .map(|k| dot(self.row(w1, k), x, [self.row(b1, 0)[k]]))
                .collect();
            let act: Vec<Bounded> = pre.iter().map(|&z| activate(activation, z)).collect();
            let y: Vec<Bounded> = (0..width)
                .map(|c| dot(self.row(w2, c), &act, [self.row(b2, 0)[c], x[c]]))
                .collect();
            sample.residual.push(y);
            sample.pre.push(pre);
            sample.hidden.push(act);
        }
        sample
    }

    /// Computes the gradients of a sample. `inject(l, gradient)` adds the gradient of a loss at x_l.
    pub fn backward(
        &self,
        sample: &Sample,
        mut inject: impl FnMut(usize, &mut [Bounded]),
    ) -> Deltas {
        let Shape {
            width,
            hidden,
            layers,
            activation,
            ..
        } = self.shape;
        let mut deltas = Deltas {
            residual: vec![vec![Bounded::default(); width]; layers + 1],
            pre: vec![vec![]; layers],
        };
        inject(layers, &mut deltas.residual[layers]);
        for l in (0..layers).rev() {
            let [w1, _, w2, _] = Self::block(l);
            let dy = deltas.residual[l + 1].clone();
            let pre: Vec<Bounded> = (0..hidden)
                .map(|k| {
                    let column: Vec<Bounded> = (0..width).map(|c| self.row(w2, c)[k]).collect();
                    let d_hidden = dot(&column, &dy, []);
                    Bounded::sum_of_products([(d_hidden, slope(activation, sample.pre[l][k]))])
                })
                .collect();
            let mut dx: Vec<Bounded> = (0..width)
                .map(|c| {
                    let column: Vec<Bounded> = (0..hidden).map(|k| self.row(w1, k)[c]).collect();
                    dot(&column, &pre, [dy[c]])
                })
                .collect();
            inject(l, &mut dx);
            deltas.residual[l] = dx;
            deltas.pre[l] = pre;
        }
        deltas
    }

    /// Returns the losses of a batch: `[l][b]` is the loss of x_l at sample b.
    pub fn losses(&self, pairs: &[[u32; 2]], targets: &[u32], loss: Loss) -> Vec<Vec<Bounded>> {
        let samples: Vec<Sample> = pairs.iter().map(|&pair| self.forward(pair)).collect();
        let at = |l: usize| {
            let each = samples.iter().zip(targets);
            each.map(|(s, &y)| loss::forward(loss, &s.residual[l], y))
                .collect()
        };
        (0..=self.shape.layers).map(at).collect()
    }

    /// Returns the gradient of Σ `weights[l][b]` · loss of x_l at sample b with respect to all parameters.
    pub fn gradient(
        &self,
        pairs: &[[u32; 2]],
        targets: &[u32],
        loss: Loss,
        weights: &[Vec<Bounded>],
    ) -> Vec<Bounded> {
        let passes: Vec<(Sample, Deltas)> = (0..pairs.len())
            .map(|b| {
                let sample = self.forward(pairs[b]);
                let deltas = self.backward(&sample, |l, gradient| {
                    let (x, weight) = (&sample.residual[l], weights[l][b]);
                    if weight.value != 0.0 {
                        loss::add_gradient(loss, x, targets[b], weight, gradient);
                    }
                });
                (sample, deltas)
            })
            .collect();
        let Shape {
            vocabulary,
            width,
            hidden,
            layers,
            ..
        } = self.shape;
        let mut gradient = Vec::with_capacity(self.values.len());
        for side in 0..2 {
            for i in 0..vocabulary {
                let of_i = |b: &usize| pairs[*b][side] as usize == i;
                let rows: Vec<usize> = (0..pairs.len()).filter(of_i).collect();
                for c in 0..width {
                    let terms = rows.iter().map(|&b| passes[b].1.residual[0][c]);
                    gradient.push(Bounded::sum(terms));
                }
            }
        }
        for l in 0..layers {
            for k in 0..hidden {
                for c in 0..width {
                    let terms = passes.iter().map(|(s, d)| (d.pre[l][k], s.residual[l][c]));
                    gradient.push(Bounded::sum_of_products(terms));
                }
            }
            for k in 0..hidden {
                gradient.push(Bounded::sum(passes.iter().map(|(_, d)| d.pre[l][k])));
            }
            for c in 0..width {
                for k in 0..hidden {
                    let terms = passes
                        .iter()
                        .map(|(s, d)| (d.residual[l + 1][c], s.hidden[l][k]));
                    gradient.push(Bounded::sum_of_products(terms));
                }
            }
            for c in 0..width {
                let terms = passes.iter().map(|(_, d)| d.residual[l + 1][c]);
                gradient.push(Bounded::sum(terms));
            }
        }
        gradient
    }

    /// Returns the norm of ∂x_L\[c\] / ∂(W₁, W₂) for each block, at one sample. The value is computed from both
    /// matrices written out, the error is that of ‖δ‖·‖a‖.
    pub fn output_gradient_norms(&self, pair: [u32; 2], c: u32) -> Vec<Bounded> {
        let sample = self.forward(pair);
        let layers = self.shape.layers;
        let deltas = self.backward(&sample, |l, gradient| {
            if l == layers {
                gradient[c as usize] = ONE;
            }
        });
        let square = |x: &[Bounded]| dot(x, x, []);
        (0..layers)
            .map(|l| {
                let factors = [
                    (&deltas.pre[l], &sample.residual[l]),
                    (&deltas.residual[l + 1], &sample.hidden[l]),
                ];
                let written_out: f64 = factors
                    .iter()
                    .flat_map(|(delta, a)| {
                        delta
                            .iter()
                            .flat_map(|d| a.iter().map(|a| (d.value * a.value).powi(2)))
                    })
                    .sum();
                let squares = factors.map(|(delta, a)| (square(delta), square(a)));
                Bounded {
                    value: written_out.sqrt(),
                    ..Bounded::sum_of_products(squares).sqrt()
                }
            })
            .collect()
    }
}

/// Returns Σ aᵢbᵢ plus the terms of `more`.
fn dot<const N: usize>(a: &[Bounded], b: &[Bounded], more: [Bounded; N]) -> Bounded {
    assert_eq!(a.len(), b.len());
    let products = a.iter().copied().zip(b.iter().copied());
    Bounded::sum_of_products(products.chain(more.into_iter().map(|x| (x, ONE))))
}
