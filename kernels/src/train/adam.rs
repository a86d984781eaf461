//! The optimiser Adam (Kingma & Ba, arXiv 1412.6980, algorithm 1), with its bias correction.
//!
//! ```
//! use kernels::Exec;
//! use kernels::adam::{self, Adam};
//!
//! // The minimum of (w − 3)².
//! let adam = Adam { learning_rate: 0.1, ..Adam::default() };
//! let (mut w, mut m, mut v) = ([0.0], [0.0], [0.0]);
//! for t in 1..=500 {
//!     let gradient = [2.0 * (w[0] - 3.0)];
//!     adam::step(Exec::default(), adam, t, &gradient, &mut w, &mut m, &mut v);
//! }
//! assert!((w[0] - 3.0f32).abs() < 1e-2);
//! ```

use crate::machine::exec::Exec;
use crate::machine::par::{self, LEAF, RowOp};
use crate::machine::profile::{Part, Work};
use crate::machine::simd::Simd;

/// The settings of Adam.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// The learning rate α.
    pub learning_rate: f32,
    /// The decay β₁ of the first moment.
    pub beta1: f32,
    /// The decay β₂ of the second moment.
    pub beta2: f32,
    /// The constant ε that is added to the root of the second moment.
    pub epsilon: f32,
}

impl Default for Adam {
    /// Returns the settings of the paper: α = 10⁻³, β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸.
    fn default() -> Adam {
        Adam {
            learning_rate: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        }
    }
}

/// The largest size of a gradient that counts as it is: its square is far enough from the end of the range of f32 for
/// the rounding of many steps.
const LARGEST: f32 = 1e19;
/// The least gradient that counts towards the first moment, 2⁻¹²⁰: a tenth of it, as β₁ = 0.9 takes, is not subnormal.
const LEAST: f32 = 1.0 / (1u128 << 120) as f32;
/// The least gradient that counts towards the second moment, 2⁻⁵⁷: a thousandth of its square is not subnormal.
const LEAST_SQUARED: f32 = 1.0 / (1u64 << 57) as f32;
/// The number of values by which memory is fetched ahead of its use: the processor's prefetcher falls behind where four
/// arrays come from memory.
const AHEAD: usize = 512;

/// Updates `weights` by the `step`-th step (from 1), and the moments, which start at zero.
///
/// m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g²,
/// w ← w − α/(1 − β₁ᵗ) · m / (√(v / (1 − β₂ᵗ)) + ε). The corrections are computed in f64.
///
/// A finite gradient beyond ±10¹⁹ counts as ±10¹⁹, so that v, the mean of squares, stays finite: PyTorch, which adds
/// the square as it is, is left with an infinite v, under which a weight never moves again. After such a gradient a
/// weight moves in short steps until v has decayed, by the factor β₂ a step: with β₂ = 0.999, for some 80,000 steps, as
/// Adam without rounding would. A weight whose gradient is NaN or infinite becomes NaN.
///
/// Moments are never subnormal. Some processors take many times as long for such a number, and a moment would
/// become one and remain one for good, since a last bit times β rounds to itself: a step on weights whose gradient has
/// been 0 for 900 steps took 16 times as long. So a moment below the least normal number becomes 0, as does in m a
/// gradient below 2⁻¹²⁰ and in v one below 2⁻⁵⁷ (7·10⁻¹⁸), which does not show as long as ε is above 10⁻¹⁰.
///
/// Adam knows nothing of batches: under a gradient of zeros the moments decay and the weights still move.
///
/// # Panics
/// If the lengths differ, or `step` is 0.
#[track_caller]
pub fn step(
    exec: Exec,
    adam: Adam,
    step: u64,
    gradient: &[f32],
    weights: &mut [f32],
    first_moment: &mut [f32],
    second_moment: &mut [f32],
) {
    let n = weights.len();
    assert!(
        gradient.len() == n && first_moment.len() == n && second_moment.len() == n,
        "{n} weights, {} gradients, {} and {} moments",
        gradient.len(),
        first_moment.len(),
        second_moment.len()
    );
    assert!(step > 0, "steps count from 1");
    // `powf`, since a step count may exceed i32.
    let correction = |beta: f32| 1.0 - f64::from(beta).powf(step as f64);
    let update = Update {
        adam,
        rate: (f64::from(adam.learning_rate) / correction(adam.beta1)) as f32,
        root_correction: (1.0 / correction(adam.beta2).sqrt()) as f32,
    };
    let values = (weights, gradient, first_moment, second_moment);
    // Pieces of equal size, so that no thread waits.
    let piece = n.div_ceil(n.div_ceil(LEAF).max(1));
    // For each weight, four values are read and three written.
    let work = || Work::new(13 * n, 7 * n);
    par::run(exec, update, values, piece, work);
}

#[derive(Clone, Copy)]
struct Update {
    adam: Adam,
    /// The corrected learning rate α / (1 − β₁ᵗ).
    rate: f32,
    /// The correction 1 / √(1 − β₂ᵗ) of the root of the second moment.
    root_correction: f32,
}

/// The weights, their gradient, and its first and second moment.
type Values<'a> = (&'a mut [f32], &'a [f32], &'a mut [f32], &'a mut [f32]);

impl<'a> RowOp<Values<'a>> for Update {
    const PART: Part = Part::Adam;

    #[inline(always)]
    fn run<S: Simd>(self, s: S, values: Values) {
        let Update {
            adam,
            rate,
            root_correction,
        } = self;
        let (weights, gradient, first_moment, second_moment) = values;
        let moments = first_moment
            .chunks_mut(S::LANES)
            .zip(second_moment.chunks_mut(S::LANES));
        let values = weights.chunks_mut(S::LANES).zip(gradient.chunks(S::LANES));
        for ((w, g), (m, v)) in values.zip(moments) {
            for values in [&*w, g, m, v] {
                s.prefetch_ahead(values, AHEAD);
            }
            let gradient = bounded(s, s.load_partial(g));
            let added = unless_below(s, LEAST, gradient);
            let keep = s.mul(s.splat(adam.beta1), s.load_partial(m));
            let first = s.mul_add(s.splat(1.0 - adam.beta1), added, keep);
            let first = unless_below(s, f32::MIN_POSITIVE, first);
            let added = unless_below(s, LEAST_SQUARED, gradient);
            let keep = s.mul(s.splat(adam.beta2), s.load_partial(v));
            let scaled = s.mul(s.splat(1.0 - adam.beta2), added);
            let second = s.mul_add(scaled, added, keep);
            let second = unless_below(s, f32::MIN_POSITIVE, second);
            s.store_partial(first, m);
            s.store_partial(second, v);
            let root = s.mul(s.sqrt(second), s.splat(root_correction));
            let direction = s.div(first, s.add(root, s.splat(adam.epsilon)));
            let updated = s.neg_mul_add(s.splat(rate), direction, s.load_partial(w));
            s.store_partial(updated, w);
        }
    }
}

/// Returns the nearest value between ±[`LARGEST`]; NaN and infinities stay as they are.
#[inline(always)]
fn bounded<S: Simd>(s: S, gradient: S::F32) -> S::F32 {
    let (size, largest) = (s.abs(gradient), s.splat(LARGEST));
    let beyond = s.lt(largest, size);
    if s.bits(beyond) == 0 {
        return gradient;
    }
    let finite = s.lt(size, s.splat(f32::INFINITY));
    let within = s.copysign(s.min(size, largest), gradient);
    s.select(finite, within, gradient)
}

/// Returns the values, with 0 in place of those whose size is below `least`; NaN stays as it is.
#[inline(always)]
fn unless_below<S: Simd>(s: S, least: f32, values: S::F32) -> S::F32 {
    let below = s.lt(s.abs(values), s.splat(least));
    s.select(below, s.splat(0.0), values)
}
