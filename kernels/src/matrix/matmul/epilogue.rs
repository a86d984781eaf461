//! Epilogues: operations on the rows of a product, each applied while the row is in cache.

use std::ops::Range;

use crate::function::activation::Activation;
use crate::function::elementwise::{Add, Unary, map_in_place, zip_in_place};
use crate::machine::simd::Simd;
use crate::matrix::view::{MatMut, MatRef};

/// An operation on the rows of a product, fused into its write-back: it is applied to each row while the row is in
/// cache.
///
/// A pair of epilogues applies one after the other.
///
/// ```
/// use kernels::elementwise::Unary;
/// use kernels::simd::Simd;
/// use kernels::{Accumulate, Bias, Exec, Map, MatMut, MatRef, matmul_with};
///
/// #[derive(Clone, Copy)]
/// struct Square;
/// impl Unary for Square {
///     const FLOPS: usize = 1;
///     #[inline(always)]
///     fn eval<S: Simd>(self, s: S, x: S::F32) -> S::F32 {
///         s.mul(x, x)
///     }
/// }
///
/// // y = (x·Wᵀ + b)²
/// let (x, w, b) = ([1.0, 2.0], [3.0, 4.0], [-1.0]);
/// let mut y = [0.0];
/// matmul_with(
///     Exec::default(),
///     MatRef::new(&x, 1, 2)?,
///     MatRef::new(&w, 1, 2)?.t(),
///     (Bias(&b), Map(Square)),
///     Accumulate::Replace,
///     MatMut::new(&mut y, 1, 1)?,
/// );
/// assert_eq!(y, [100.0]);
/// # Ok::<(), kernels::ShapeError>(())
/// ```
pub trait Epilogue: Send + Sized {
    /// Checks that the epilogue suits a product of `rows × cols`.
    ///
    /// # Panics
    /// If it does not.
    #[track_caller]
    fn check(&self, rows: usize, cols: usize);

    /// Returns the epilogues of the rows before row `at`, and of those from `at` on.
    fn split_rows(self, at: usize) -> (Self, Self);

    /// Applies the epilogue to `c`, the values of the product in row `row`, columns `cols`.
    fn row<S: Simd>(&mut self, s: S, row: usize, cols: Range<usize>, c: &mut [f32]);
}

#[track_caller]
fn check_bias(bias: &[f32], cols: usize) {
    assert_eq!(
        bias.len(),
        cols,
        "a bias of {} values for {cols} columns",
        bias.len()
    );
}

#[track_caller]
fn check_shape(what: &str, operand: MatRef, rows: usize, cols: usize) {
    assert!(
        (operand.rows(), operand.cols()) == (rows, cols),
        "{what} of {}×{} for a product of {rows}×{cols}",
        operand.rows(),
        operand.cols()
    );
    assert!(
        operand.col_stride() == 1 || cols <= 1,
        "{what} whose rows are not contiguous"
    );
}

impl Epilogue for () {
    fn check(&self, _: usize, _: usize) {}
    fn split_rows(self, _: usize) -> ((), ()) {
        ((), ())
    }
    #[inline(always)]
    fn row<S: Simd>(&mut self, _: S, _: usize, _: Range<usize>, _: &mut [f32]) {}
}

/// The addition of a bias to every row: C ← C + 1·biasᵀ.
#[derive(Clone, Copy, Debug)]
pub struct Bias<'a>(
    /// The bias, one value for each column.
    pub &'a [f32],
);

impl Epilogue for Bias<'_> {
    #[track_caller]
    fn check(&self, _: usize, cols: usize) {
        check_bias(self.0, cols);
    }
    fn split_rows(self, _: usize) -> (Self, Self) {
        (self, self)
    }
    #[inline(always)]
    fn row<S: Simd>(&mut self, s: S, _: usize, cols: Range<usize>, c: &mut [f32]) {
        zip_in_place(s, Add, c, &self.0[cols]);
    }
}

/// The application of a function to each value: C ← f(C). The function can be your own; see
/// [`elementwise`](crate::elementwise).
#[derive(Clone, Copy, Debug)]
pub struct Map<F>(
    /// The function f.
    pub F,
);

impl<F: Unary> Epilogue for Map<F> {
    fn check(&self, _: usize, _: usize) {}
    fn split_rows(self, _: usize) -> (Self, Self) {
        (self, self)
    }
    #[inline(always)]
    fn row<S: Simd>(&mut self, s: S, _: usize, _: Range<usize>, c: &mut [f32]) {
        map_in_place(s, self.0, c);
    }
}

/// A layer's bias and activation: C ← C + 1·biasᵀ, which are the pre-activations, and `out` ← act(C).
#[derive(Debug)]
pub struct BiasActivation<'a> {
    /// The bias, one value for each column.
    pub bias: &'a [f32],
    /// The activation function.
    pub activation: Activation,
    /// The matrix that the activations are written to, of C's shape.
    pub out: MatMut<'a>,
}

impl Epilogue for BiasActivation<'_> {
    #[track_caller]
    fn check(&self, rows: usize, cols: usize) {
        check_bias(self.bias, cols);
        check_shape("activations", self.out.as_ref(), rows, cols);
    }
    fn split_rows(self, at: usize) -> (Self, Self) {
        let Self {
            bias,
            activation,
            out,
        } = self;
        let (upper, lower) = out.split_rows(at);
        let part = |out| Self {
            bias,
            activation,
            out,
        };
        (part(upper), part(lower))
    }
    #[inline(always)]
    fn row<S: Simd>(&mut self, s: S, row: usize, cols: Range<usize>, c: &mut [f32]) {
        let out = &mut self.out.row_mut(row)[cols.clone()];
        self.activation.add_and_eval(s, &self.bias[cols], c, out);
    }
}

/// A residual connection: C ← C + X.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'a>(
    /// The matrix X, of C's shape, with contiguous rows.
    pub MatRef<'a>,
);

impl Epilogue for Residual<'_> {
    #[track_caller]
    fn check(&self, rows: usize, cols: usize) {
        check_shape("a residual", self.0, rows, cols);
    }
    fn split_rows(self, at: usize) -> (Self, Self) {
        let (upper, lower) = self.0.split_rows(at);
        (Self(upper), Self(lower))
    }
    #[inline(always)]
    fn row<S: Simd>(&mut self, s: S, row: usize, cols: Range<usize>, c: &mut [f32]) {
        zip_in_place(s, Add, c, &self.0.row(row)[cols]);
    }
}

/// A pair applies the first epilogue to each row, then the second.
impl<A: Epilogue, B: Epilogue> Epilogue for (A, B) {
    #[track_caller]
    fn check(&self, rows: usize, cols: usize) {
        self.0.check(rows, cols);
        self.1.check(rows, cols);
    }
    fn split_rows(self, at: usize) -> (Self, Self) {
        let (a_upper, a_lower) = self.0.split_rows(at);
        let (b_upper, b_lower) = self.1.split_rows(at);
        ((a_upper, b_upper), (a_lower, b_lower))
    }
    #[inline(always)]
    fn row<S: Simd>(&mut self, s: S, row: usize, cols: Range<usize>, c: &mut [f32]) {
        self.0.row(s, row, cols.clone(), c);
        self.1.row(s, row, cols, c);
    }
}

/// The backward pass through an activation: C ← C ⊙ act'(Z), for the pre-activations Z.
#[derive(Clone, Copy, Debug)]
pub struct ActivationBackward<'a> {
    /// The activation function.
    pub activation: Activation,
    /// The pre-activations Z, of C's shape, with contiguous rows.
    pub pre: MatRef<'a>,
}

impl Epilogue for ActivationBackward<'_> {
    #[track_caller]
    fn check(&self, rows: usize, cols: usize) {
        check_shape("pre-activations", self.pre, rows, cols);
    }
    fn split_rows(self, at: usize) -> (Self, Self) {
        let Self { activation, pre } = self;
        let (upper, lower) = pre.split_rows(at);
        let part = |pre| Self { activation, pre };
        (part(upper), part(lower))
    }
    #[inline(always)]
    fn row<S: Simd>(&mut self, s: S, row: usize, cols: Range<usize>, c: &mut [f32]) {
        let pre = &self.pre.row(row)[cols];
        self.activation.multiply_by_derivative(s, pre, c);
    }
}
