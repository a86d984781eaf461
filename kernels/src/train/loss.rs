//! Losses of a batch of outputs against target classes, one value a sample.
//!
//! ```
//! use kernels::loss::Loss;
//! use kernels::{Exec, MatMut, MatRef};
//!
//! let exec = Exec::default();
//! let outputs = [1.0, 2.0, 0.0, 0.0]; // two samples, two classes
//! let (outputs, targets) = (MatRef::from_rows(&outputs, 2), [0, 1]);
//! let mut losses = [0.0; 2];
//! Loss::SquaredError.forward(exec, outputs, &targets, &mut losses);
//! assert_eq!(losses, [4.0, 1.0]);
//!
//! // The gradient of the mean of the losses is added to what is there.
//! let mut gradient = [0.0; 4];
//! let weights = [0.5; 2];
//! let to = MatMut::from_rows(&mut gradient, 2);
//! Loss::SquaredError.backward_add(exec, outputs, &targets, &weights, to);
//! assert_eq!(gradient, [0.0, 2.0, 0.0, -1.0]);
//! ```

use crate::function::elementwise::Unary;
use crate::function::math::Exp;
use crate::function::vector::{largest, sum_of_squares, vectors};
use crate::machine::exec::Exec;
use crate::machine::profile::{self, Part, Work};
use crate::machine::simd::{Op, Simd};
use crate::matrix::view::{MatMut, MatRef};

/// A loss of one output vector x against its target class y.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// The squared error ‖x − e_y‖², summed over the outputs, with e_y the one-hot vector of the target.
    SquaredError,
    /// The cross-entropy log Σᵢ exp(xᵢ) − x_y, computed as log Σᵢ exp(xᵢ − max x) − (x_y − max x), so that no finite
    /// logit overflows.
    CrossEntropy,
}

#[track_caller]
fn check(outputs: MatRef, targets: &[u32]) {
    let (rows, cols) = (outputs.rows(), outputs.cols());
    assert_eq!(
        targets.len(),
        rows,
        "{} targets for {rows} outputs",
        targets.len()
    );
    for (b, &y) in targets.iter().enumerate() {
        assert!((y as usize) < cols, "target {b} is class {y} of {cols}");
    }
}

impl Loss {
    /// All losses.
    pub const ALL: &'static [Loss] = &[Loss::SquaredError, Loss::CrossEntropy];

    /// Writes to `losses[b]` the loss of row b of `outputs` (B×d, contiguous rows) against `targets[b]`.
    ///
    /// The error, with γ_n = n·u / (1 − n·u) and u = 2⁻²⁴, is at most γ_{d+4} of a squared error, and
    /// γ_{d+8}·(1 + log d + max x − x_y) of a cross-entropy, which is absolute near 0.
    ///
    /// A NaN among the outputs gives NaN, and +∞ gives NaN or an infinite loss; in a cross-entropy, −∞ is a probability
    /// of 0. A squared error that f32 does not hold is infinite, and squares below 10⁻³⁸ lose digits.
    ///
    /// # Panics
    /// If the shapes do not match, or a target is no class.
    #[track_caller]
    pub fn forward(self, exec: Exec, outputs: MatRef, targets: &[u32], losses: &mut [f32]) {
        check(outputs, targets);
        assert_eq!(
            losses.len(),
            targets.len(),
            "{} places for {} losses",
            losses.len(),
            targets.len()
        );
        let _span = profile::timed(Part::Loss, || self.work(outputs, 2, 1));
        exec.isa().dispatch(Forward {
            loss: self,
            outputs,
            targets,
            losses,
        })
    }

    /// Adds the gradient of the losses, each times its weight, to what `gradient` holds: `gradient[b] += weights[b] ·
    /// ∂loss/∂x` at row b of `outputs`; both matrices are B×d. The row of a sample of weight 0 is left as it is.
    ///
    /// # Panics
    /// If the shapes do not match, or a target is no class.
    #[track_caller]
    pub fn backward_add(
        self,
        exec: Exec,
        outputs: MatRef,
        targets: &[u32],
        weights: &[f32],
        gradient: MatMut,
    ) {
        check(outputs, targets);
        assert!(
            weights.len() == targets.len()
                && (gradient.rows(), gradient.cols()) == (outputs.rows(), outputs.cols()),
            "{} weights and a gradient of {}×{} for outputs of {}×{}",
            weights.len(),
            gradient.rows(),
            gradient.cols(),
            outputs.rows(),
            outputs.cols()
        );
        let _span = profile::timed(Part::Loss, || self.work(outputs, 4, 3));
        exec.isa().dispatch(Backward {
            loss: self,
            outputs,
            targets,
            weights,
            gradient,
        })
    }
}

impl Loss {
    /// Returns the work of `flops` operations for each output besides its exponentials, and of `values` values read or
    /// written for each output.
    fn work(self, outputs: MatRef, flops: usize, values: usize) -> Work {
        let n = outputs.rows() * outputs.cols();
        // A gradient takes the exponential of each output twice.
        let exponentials = match self {
            Loss::SquaredError => 0,
            Loss::CrossEntropy => flops / 2,
        };
        Work::new((flops + exponentials * Exp::FLOPS) * n, values * n)
    }
}

struct Forward<'a> {
    loss: Loss,
    outputs: MatRef<'a>,
    targets: &'a [u32],
    losses: &'a mut [f32],
}

impl Op for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (b, (&y, loss)) in self.targets.iter().zip(self.losses).enumerate() {
            let x = self.outputs.row(b);
            let target = x[y as usize];
            *loss = match self.loss {
                Loss::SquaredError => {
                    let (left, right) = x.split_at(y as usize);
                    let others = sum_of_squares(s, left) + sum_of_squares(s, &right[1..]);
                    (target - 1.0) * (target - 1.0) + others
                }
                Loss::CrossEntropy => {
                    let top = largest(s, x);
                    log_sum_exp(s, x, top) - (target - top)
                }
            };
        }
    }
}

struct Backward<'a> {
    loss: Loss,
    outputs: MatRef<'a>,
    targets: &'a [u32],
    weights: &'a [f32],
    gradient: MatMut<'a>,
}

impl Op for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for (b, (&y, &weight)) in self.targets.iter().zip(self.weights).enumerate() {
            if weight == 0.0 {
                continue;
            }
            let x = self.outputs.row(b);
            let gradient = self.gradient.row_mut(b);
            let scale = match self.loss {
                Loss::SquaredError => 2.0 * weight,
                Loss::CrossEntropy => weight,
            };
            let (top, log_sum) = match self.loss {
                Loss::SquaredError => (0.0, 0.0),
                Loss::CrossEntropy => {
                    let top = largest(s, x);
                    (top, log_sum_exp(s, x, top))
                }
            };
            for (g, x) in gradient.chunks_mut(S::LANES).zip(x.chunks(S::LANES)) {
                let x = s.load_partial(x);
                let slope = match self.loss {
                    Loss::SquaredError => x,
                    Loss::CrossEntropy => {
                        Exp.eval(s, s.sub(s.sub(x, s.splat(top)), s.splat(log_sum)))
                    }
                };
                s.store_partial(s.mul_add(s.splat(scale), slope, s.load_partial(g)), g);
            }
            gradient[y as usize] -= scale;
        }
    }
}

/// Returns log Σᵢ exp(xᵢ − top).
#[inline(always)]
fn log_sum_exp<S: Simd>(s: S, x: &[f32], top: f32) -> f32 {
    let mut sums = s.splat(0.0);
    for x in vectors(s, x) {
        sums = s.add(sums, Exp.eval(s, s.sub(x, s.splat(top))));
    }
    s.reduce_sum(sums).ln()
}
