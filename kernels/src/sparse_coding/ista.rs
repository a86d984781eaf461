//! Proximal gradient steps on the lasso, with momentum (FISTA) or without (ISTA), sample by sample.
//!
//! The product of the Gram matrix and a code takes the rows of the atoms in its support. It is computed at the iterates
//! only: at the points between them, where momentum takes its gradients, the product is the same combination of the
//! iterates' products as the point is of iterates. So one sparse product in each iteration serves step and duality gap.
//!
//! Far from the optimum, a first step would bring half of the atoms into the support. So the penalty of FISTA starts so
//! high that hardly an atom enters, and falls from iteration to iteration (Hale, Yin & Zhang 2008, *continuation*):
//! codes stay sparse on the way, and each iteration cheap.

use super::lasso::{Certificate, Lasso, Stop, check_places, duality_gap};
use super::operands::{CHUNK, check};
use crate::function::vector::square_f64;
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::machine::profile::{self, Part, Work};
use crate::machine::scratch::with_scratch;
use crate::machine::simd::{Op, Simd};
use crate::matrix::matmul::{Accumulate, matmul};
use crate::matrix::sparse::{AtLeast, add_row_product, sift};
use crate::matrix::view::{MatMut, MatRef};

/// The factor by which a raised penalty falls in an iteration.
const DECAY: f32 = 0.9;
/// The largest factor by which a penalty is raised, so that a very small penalty is not raised for ever.
const MOST_RAISED: f32 = 1e4;

impl Lasso<'_> {
    /// Runs ISTA (iterative shrinkage-thresholding), in place, from the codes given, whose negative values and NaNs
    /// count as 0: `c ← max(0, c + (D(x − Dᵀc) − λw/2) / ‖D‖₂²)`. The objective never rises, except by rounding. Writes
    /// the certificate of each code to `certificates`.
    ///
    /// # Panics
    /// If the shapes do not match, there are not as many certificates as samples, or rows of the samples are not
    /// contiguous.
    #[track_caller]
    pub fn ista(
        &self,
        exec: Exec,
        x: MatRef,
        stop: Stop,
        codes: MatMut,
        certificates: &mut [Certificate],
    ) {
        self.solve(exec, x, stop, false, codes, certificates);
    }

    /// Runs FISTA: [`ista`](Self::ista) with Nesterov's momentum (Beck & Teboulle 2009), which starts anew when it
    /// points uphill (O'Donoghue & Candès, arXiv 1204.3982, the gradient scheme), and with a penalty that starts high
    /// and falls to λw in some tens of iterations, for each sample by itself. The objective may rise on the way.
    ///
    /// # Panics
    /// If the shapes do not match, there are not as many certificates as samples, or rows of the samples are not
    /// contiguous.
    #[track_caller]
    pub fn fista(
        &self,
        exec: Exec,
        x: MatRef,
        stop: Stop,
        codes: MatMut,
        certificates: &mut [Certificate],
    ) {
        self.solve(exec, x, stop, true, codes, certificates);
    }

    #[track_caller]
    fn solve(
        &self,
        exec: Exec,
        x: MatRef,
        stop: Stop,
        momentum: bool,
        mut codes: MatMut,
        certificates: &mut [Certificate],
    ) {
        check(self.dictionary, x, &codes);
        check_places(x, certificates);
        let serial = Exec::serial(exec.isa());
        let padded = self.penalty.len();
        par::share_rows(exec, CHUNK, (x, codes.reborrow()), &|(x, codes)| {
            with_scratch((x.rows() + 4) * padded, |scratch| {
                let (correlations, state) = scratch.split_at_mut(x.rows() * padded);
                correlations.fill(0.0);
                let n = self.dictionary.rows();
                let out = MatMut::first(correlations, x.rows(), padded).col_range(0..n);
                let atoms = self.dictionary.t();
                matmul(serial, x, atoms, Accumulate::Replace, out);
                let _span = profile::span(Part::Lasso);
                let flops = exec.isa().dispatch(Iteration {
                    lasso: self,
                    stop,
                    momentum,
                    x,
                    correlations,
                    state,
                    codes,
                });
                // The rows of the Gram matrix in the supports of the codes count as read once.
                let values = x.rows() * (x.cols() + 2 * n);
                profile::call(Part::Lasso, || Work::new(flops, values));
            });
        });
        self.certify(exec, x, codes.as_ref(), certificates);
    }
}

/// The operation that runs the iterations of some samples.
pub(super) struct Iteration<'a> {
    pub(super) lasso: &'a Lasso<'a>,
    pub(super) stop: Stop,
    pub(super) momentum: bool,
    pub(super) x: MatRef<'a>,
    /// The products Dx of each sample, padded with zeros.
    pub(super) correlations: &'a [f32],
    /// Room for two codes and their products with the Gram matrix, padded likewise.
    pub(super) state: &'a mut [f32],
    pub(super) codes: MatMut<'a>,
}

impl Op for Iteration<'_> {
    /// The number of floating-point operations.
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> usize {
        let Iteration {
            lasso,
            stop,
            momentum,
            x,
            correlations,
            state,
            mut codes,
        } = self;
        let padded = lasso.penalty.len();
        let n = lasso.dictionary.rows();
        let gram = MatRef::first(&lasso.gram, n, padded);
        let (code, rest) = state.split_at_mut(padded);
        let (before, rest) = rest.split_at_mut(padded);
        let (mut product, mut product_before) = rest.split_at_mut(padded);
        let mut entries = Entries {
            atoms: vec![0; padded],
            values: vec![0.0; padded],
        };
        let mut flops = 0;
        for i in 0..x.rows() {
            let correlations = &correlations[i * padded..][..padded];
            let out = codes.row_mut(i);
            code.fill(0.0);
            for (code, out) in code.iter_mut().zip(&*out) {
                *code = out.max(0.0);
            }
            before.copy_from_slice(code);
            let energy = square_f64(x.row(i));
            if !energy.is_finite() || lasso.step.is_nan() {
                out.fill(f32::NAN);
                continue;
            }
            let mut on = entries.gather(s, code);
            product.fill(0.0);
            add_row_product(s, entries.of(on), gram, product);
            product_before.copy_from_slice(product);
            let (mut t, mut beta) = (1.0f32, 0.0);
            let mut raise = None;
            for _ in 0..stop.iterations {
                let (steepest, gap) = gap(s, lasso, correlations, product, entries.of(on), energy);
                // A gap that is NaN ends the iteration, too.
                let goes_on = gap > stop.tolerance * energy;
                if !goes_on {
                    break;
                }
                // The step, the bound, and the product with the codes.
                flops += (2 * on + 15) * padded;
                let raised = match raise {
                    _ if !momentum => 1.0,
                    None => (DECAY * steepest).clamp(1.0, MOST_RAISED),
                    Some(raise) => f32::max(1.0, DECAY * raise),
                };
                raise = Some(raised);
                let uphill = Step {
                    beta,
                    raised,
                    step: lasso.step,
                    correlations,
                    penalty: &lasso.penalty,
                    product,
                    product_before,
                    code,
                    before,
                }
                .run(s);
                std::mem::swap(&mut product, &mut product_before);
                on = entries.gather(s, code);
                product.fill(0.0);
                add_row_product(s, entries.of(on), gram, product);
                if momentum {
                    if uphill > 0.0 {
                        t = 1.0;
                    }
                    let next = (1.0 + (1.0 + 4.0 * t * t).sqrt()) / 2.0;
                    beta = (t - 1.0) / next;
                    t = next;
                }
            }
            out.copy_from_slice(&code[..n]);
        }
        flops
    }
}

/// The atoms in the support of a code, and their magnitudes.
struct Entries {
    atoms: Vec<u32>,
    values: Vec<f32>,
}

impl Entries {
    /// Gathers the support of `code` and its magnitudes, and returns the number of atoms in it.
    #[inline(always)]
    fn gather<S: Simd>(&mut self, s: S, code: &[f32]) -> usize {
        sift(
            s,
            AtLeast::ABOVE_ZERO,
            code,
            &mut self.atoms,
            &mut self.values,
        )
    }

    #[inline(always)]
    fn of(&self, on: usize) -> (&[u32], &[f32]) {
        (&self.atoms[..on], &self.values[..on])
    }
}

struct Step<'a> {
    beta: f32,
    /// The factor by which the penalty is raised.
    raised: f32,
    step: f32,
    correlations: &'a [f32],
    penalty: &'a [f32],
    product: &'a [f32],
    product_before: &'a [f32],
    code: &'a mut [f32],
    before: &'a mut [f32],
}

impl Step<'_> {
    /// Computes the step y = c + β(c − c₋), c₊ = max(0, y + (D(x − Dᵀy) − λw/2) / ‖D‖²), with its penalty raised.
    /// Returns (y − c₊)ᵀ(c₊ − c), which is positive where the momentum points uphill.
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        let (beta, step) = (s.splat(self.beta), s.splat(self.step));
        let raised = s.splat(self.raised);
        let mut uphill = s.splat(0.0);
        for from in (0..self.code.len()).step_by(S::LANES) {
            let c = s.load(&self.code[from..]);
            let change = s.sub(c, s.load(&self.before[from..]));
            let y = s.mul_add(beta, change, c);
            let p = s.load(&self.product[from..]);
            let change = s.sub(p, s.load(&self.product_before[from..]));
            let product = s.mul_add(beta, change, p);
            let rest = s.sub(s.load(&self.correlations[from..]), product);
            let rest = s.neg_mul_add(raised, s.load(&self.penalty[from..]), rest);
            let next = s.mul_add(step, rest, y);
            // A NaN stays one.
            let next = s.select(s.le(next, s.splat(0.0)), s.splat(0.0), next);
            uphill = s.mul_add(s.sub(y, next), s.sub(next, c), uphill);
            s.store(c, &mut self.before[from..]);
            s.store(next, &mut self.code[from..]);
        }
        s.reduce_sum(uphill)
    }
}

/// Returns the largest gⱼ / (λwⱼ/2) and the duality gap at a code, from its `product` with the Gram matrix.
#[inline(always)]
fn gap<S: Simd>(
    s: S,
    lasso: &Lasso,
    correlations: &[f32],
    product: &[f32],
    (atoms, values): (&[u32], &[f32]),
    energy: f64,
) -> (f32, f64) {
    let mut steepest = s.splat(f32::NEG_INFINITY);
    for from in (0..product.len()).step_by(S::LANES) {
        let g = s.sub(s.load(&correlations[from..]), s.load(&product[from..]));
        let ratio = s.mul(g, s.load(&lasso.inverse_penalty[from..]));
        // The NaN of 0 · ∞ bounds nothing, and the maximum passes over it.
        steepest = s.max(ratio, steepest);
    }
    let entries = atoms.iter().zip(values).map(|(&j, &c)| {
        let j = j as usize;
        let g = correlations[j] - product[j];
        (f64::from(c), f64::from(lasso.penalty[j]), f64::from(g))
    });
    // ‖r‖² = ‖x‖² − cᵀDx − cᵀDr
    let parts = atoms.iter().zip(values).map(|(&j, &c)| {
        let (h, p) = (correlations[j as usize], product[j as usize]);
        f64::from(c) * (f64::from(h) + f64::from(h - p))
    });
    let square = (energy - parts.sum::<f64>()).max(0.0);
    let steepest = s.reduce_max(steepest);
    (steepest, duality_gap(square, f64::from(steepest), entries))
}
