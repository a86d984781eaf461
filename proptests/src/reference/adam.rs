//! Adam by its paper (Kingma & Ba, arXiv 1412.6980, algorithm 1).

use kernels::adam::Adam;

use crate::bounded::{Bounded, ONE};

/// The moments of one weight.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moments {
    /// The running mean of the gradients.
    pub first: Bounded,
    /// The running mean of the squares of the gradients.
    pub second: Bounded,
}

/// Updates a weight and its moments by step `t`, counted from 1.
pub fn step(adam: Adam, t: u64, weight: &mut Bounded, gradient: Bounded, moments: &mut Moments) {
    let Adam {
        learning_rate,
        beta1,
        beta2,
        epsilon,
    } = adam;
    // The kernel rounds 1 − β to f32.
    let rest = |beta: f32| Bounded::rounded(1.0 - f64::from(beta));
    moments.first = Bounded::sum_of_products([
        (Bounded::exact(beta1), moments.first),
        (rest(beta1), gradient),
    ]);
    // The kernel takes for 0 a moment that would be subnormal, and a gradient that would make it so.
    moments.first.error += 2f64.powi(-120);
    let square = Bounded::sum_of_products([(gradient, gradient)]);
    moments.second = Bounded::sum_of_products([
        (Bounded::exact(beta2), moments.second),
        (rest(beta2), square),
    ]);
    moments.second.error += 2f64.powi(-114);
    let correction = |beta: f32| 1.0 / (1.0 - f64::from(beta).powf(t as f64));
    let mean = Bounded::sum_of_products([(
        moments.first,
        Bounded::rounded(f64::from(learning_rate) * correction(beta1)),
    )]);
    let root = Bounded::sum_of_products([(
        moments.second.sqrt(),
        Bounded::rounded(correction(beta2).sqrt()),
    )]);
    let mut update = mean.over(Bounded::sum([root, Bounded::exact(epsilon)]));
    let longest = 1.001 * longest_step(adam, t);
    update.error = update.error.min(update.value.abs() + longest);
    let minus = Bounded {
        value: -update.value,
        ..update
    };
    *weight = Bounded::sum_of_products([(*weight, ONE), (minus, ONE)]);
}

/// Returns the length of the longest step that any gradients can bring about at step `t`, since by the Cauchy–Schwarz
/// inequality |Σ (1 − β₁)β₁ˢgₛ|² ≤ Σ (1 − β₁)²β₁²ˢ / ((1 − β₂)β₂ˢ) · Σ (1 − β₂)β₂ˢgₛ². It bounds the error of a step
/// where the error of a gradient is as large as the gradient.
fn longest_step(adam: Adam, t: u64) -> f64 {
    let (beta1, beta2) = (f64::from(adam.beta1), f64::from(adam.beta2));
    let ratio = beta1 * beta1 / beta2;
    let series: f64 = (0..t).map(|s| ratio.powf(s as f64)).sum();
    let corrections = (1.0 - beta2.powf(t as f64)).sqrt() / (1.0 - beta1.powf(t as f64));
    let uncorrected = (1.0 - beta1) * (series / (1.0 - beta2)).sqrt();
    f64::from(adam.learning_rate) * uncorrected * corrections
}
