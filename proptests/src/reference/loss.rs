//! Losses and their gradients with respect to the outputs.

use kernels::loss::Loss;

use crate::bounded::{Bounded, ONE, U, gamma};

/// The relative error of a kernel's exp, 2 ulp, which is more than that of any `ln`.
const ULPS: f64 = 4.0 * U;

/// Returns the loss of outputs `x` against class `y`.
pub fn forward(loss: Loss, x: &[Bounded], y: u32) -> Bounded {
    let y = y as usize;
    match loss {
        Loss::SquaredError => {
            let off = |(i, &x): (usize, &Bounded)| {
                // The difference itself is rounded once.
                let minus_one = Bounded {
                    value: x.value - 1.0,
                    ..x
                };
                let x = if i == y { minus_one.round(1) } else { x };
                (x, x)
            };
            Bounded::sum_of_products(x.iter().enumerate().map(off))
        }
        Loss::CrossEntropy => {
            let Softmax {
                top, log_sum, blur, ..
            } = softmax(x);
            // The distance of the target's output from the largest one is rounded, and so is the difference of the two.
            let behind = top - x[y].value;
            let value = log_sum.value + behind;
            let error = log_sum.error + blur + U * behind;
            Bounded { value, error }.round(1)
        }
    }
}

/// Adds `weight` · ∂loss/∂x to `gradient`.
pub fn add_gradient(loss: Loss, x: &[Bounded], y: u32, weight: Bounded, gradient: &mut [Bounded]) {
    let (slopes, factor) = match loss {
        Loss::SquaredError => (x.to_vec(), 2.0),
        Loss::CrossEntropy => (softmax(x).probabilities, 1.0),
    };
    // Doubling is exact.
    let scale = Bounded {
        value: factor * weight.value,
        error: factor * weight.error,
    };
    for (i, (gradient, slope)) in gradient.iter_mut().zip(slopes).enumerate() {
        let target = if i == y as usize { MINUS_ONE } else { ZERO };
        *gradient = Bounded::sum_of_products([(scale, slope), (*gradient, ONE), (scale, target)]);
    }
}

const ZERO: Bounded = Bounded {
    value: 0.0,
    error: 0.0,
};
const MINUS_ONE: Bounded = Bounded {
    value: -1.0,
    error: 0.0,
};

struct Softmax {
    /// The largest output.
    top: f64,
    /// The number log Σ exp(xᵢ − top), with the error of its evaluation alone.
    log_sum: Bounded,
    /// The most by which the errors of the outputs move a difference of log Σ exp(xᵢ) and one of them.
    blur: f64,
    probabilities: Vec<Bounded>,
}

fn softmax(x: &[Bounded]) -> Softmax {
    let top = x.iter().fold(f64::NEG_INFINITY, |m, x| m.max(x.value));
    let sum: f64 = x.iter().map(|x| libm::exp(x.value - top)).sum();
    // log Σ exp moves by no more than the largest of its arguments does.
    let blur = 2.0 * x.iter().fold(0.0, |m: f64, x| m.max(x.error));
    // A difference xᵢ − top is rounded by u of its size, which carries over to its exp.
    let carried: f64 = x
        .iter()
        .map(|x| (libm::exp(x.value - top), top - x.value))
        .filter(|&(e, _)| e > 0.0)
        .map(|(e, behind)| e / sum * U * behind)
        .sum();
    let relative = gamma(x.len()) + ULPS + carried;
    let value = libm::log(sum);
    let log_sum = Bounded {
        value,
        error: 1.01 * relative + ULPS * value,
    };
    let probability = |x: &Bounded| {
        let exponent = x.value - top - value;
        let p = libm::exp(exponent);
        // Two differences round; their sizes are infinite only where p is 0 whatever they are.
        let off = log_sum.error + blur + U * (top - x.value) + U * exponent.abs();
        let high = if off.is_finite() {
            libm::exp(exponent + off)
        } else {
            0.0
        };
        Bounded {
            value: p,
            error: (high - p) + ULPS * high + f64::from(f32::from_bits(1)),
        }
    };
    Softmax {
        top,
        log_sum,
        blur,
        probabilities: x.iter().map(probability).collect(),
    }
}
