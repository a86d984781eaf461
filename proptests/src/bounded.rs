//! Running error analysis (Higham, *Accuracy and Stability of Numerical Algorithms*, §3.3).
//!
//! A reference computes each [`Bounded`] value in f64, and beside it a bound on how far rounding can take the f32 that
//! a kernel computes for it, whatever the order of its sums. So the tolerance of a comparison follows from the data and
//! the formula alone, through as many layers and steps as there are.

/// The unit roundoff of f32.
pub const U: f64 = f32::EPSILON as f64 / 2.0;

/// The largest absolute error of a rounding whose result is subnormal: half the least subnormal number.
const UNDERFLOW: f64 = 1.0 / (1u128 << 126) as f64 * U;

/// Returns γ_n = n·u / (1 − n·u), the bound on the relative error of n roundings (Higham, lemma 3.1).
pub fn gamma(n: usize) -> f64 {
    let nu = n as f64 * U;
    nu / (1.0 - nu)
}

/// A real number, and a bound on the error of the f32 that stands for it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bounded {
    /// The real number.
    pub value: f64,
    /// The bound: |f32 − `value`| is at most this.
    pub error: f64,
}

impl Bounded {
    /// Returns a number that the kernel is given, which has no error.
    pub fn exact(x: f32) -> Bounded {
        Bounded {
            value: f64::from(x),
            error: 0.0,
        }
    }

    /// Returns a number that was rounded once, to the f32 that the kernel is given.
    pub fn rounded(value: f64) -> Bounded {
        Bounded { value, error: 0.0 }.round(1)
    }

    /// Returns the largest absolute value that the f32 can have.
    pub fn size(self) -> f64 {
        self.value.abs() + self.error
    }

    /// Returns the number with the error of `n` more roundings.
    pub fn round(self, n: usize) -> Bounded {
        Bounded {
            value: self.value,
            error: self.error + gamma(n) * self.size() + UNDERFLOW,
        }
    }

    /// Returns Σ aᵢbᵢ, summed in any order, with or without fused products: n terms, n roundings each. A term that is
    /// only added has the factor 1.
    pub fn sum_of_products(terms: impl IntoIterator<Item = (Bounded, Bounded)>) -> Bounded {
        let (mut value, mut error, mut size, mut n) = (0.0, 0.0, 0.0, 0);
        for (a, b) in terms {
            value += a.value * b.value;
            error += a.error * b.size() + a.value.abs() * b.error;
            size += a.size() * b.size();
            n += 1;
        }
        Bounded {
            value,
            error: error + gamma(n) * size + n as f64 * UNDERFLOW,
        }
    }

    /// Returns Σ aᵢ, summed in any order.
    pub fn sum(terms: impl IntoIterator<Item = Bounded>) -> Bounded {
        Self::sum_of_products(terms.into_iter().map(|a| (a, ONE)))
    }

    /// Returns the square root of a number that is not negative.
    pub fn sqrt(self) -> Bounded {
        let value = self.value.sqrt();
        // |√a − √b| = |a − b| / (√a + √b), and at most √|a − b|.
        let error = (self.error / value).min(self.error.sqrt());
        Bounded { value, error }.round(1)
    }

    /// Returns self / by, where `by` is positive.
    pub fn over(self, by: Bounded) -> Bounded {
        let value = self.value / by.value;
        let least = by.value - by.error;
        let error = if least > 0.0 {
            (self.error + value.abs() * by.error) / least
        } else {
            f64::INFINITY
        };
        Bounded { value, error }.round(1)
    }

    /// Returns whether `got` is within the bound. NaN is accepted only where the value is NaN, an infinity only where
    /// the value, give or take its error, reaches the largest f32.
    pub fn accepts(self, got: f32) -> bool {
        let beyond = f64::from(f32::MAX);
        if got.is_nan() || self.value.is_nan() {
            return got.is_nan() && self.value.is_nan();
        }
        if got.is_infinite() {
            let reach = self.value * f64::from(got.signum()) + self.error;
            return reach >= beyond;
        }
        (f64::from(got) - self.value).abs() <= self.error
    }
}

/// The number 1, as a factor.
pub const ONE: Bounded = Bounded {
    value: 1.0,
    error: 0.0,
};

/// Asserts that every value of a slice is within its bound, and names the first places where that fails.
///
/// # Panics
/// If the lengths differ, or a value lies outside its bound. `what` begins the message.
#[track_caller]
pub fn assert_within(what: &str, got: &[f32], want: &[Bounded]) {
    assert_eq!(got.len(), want.len(), "{what}: lengths");
    let wrong: Vec<usize> = (0..got.len())
        .filter(|&i| !want[i].accepts(got[i]))
        .collect();
    let first: Vec<String> = wrong
        .iter()
        .take(5)
        .map(|&i| {
            let Bounded { value, error } = want[i];
            format!("[{i}] is {:e}, not {value:e} ± {error:.1e}", got[i])
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{what}: {} of {} outside their bounds: {}",
        wrong.len(),
        got.len(),
        first.join("; ")
    );
}

/// Returns the median of the errors divided by the largest absolute value: the relative difference that a comparison
/// with these bounds can see. A test that claims to compare asserts that this is small.
pub fn blur(values: &[Bounded]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let largest = values.iter().fold(0.0, |m: f64, v| m.max(v.value.abs()));
    let mut errors: Vec<f64> = values.iter().map(|v| v.error).collect();
    errors.sort_by(f64::total_cmp);
    errors[errors.len() / 2] / largest.max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums in f32 from either end stay within the bound, and some come near enough to it that a
    /// bound of a tenth would fail.
    #[test]
    fn sums_stay_within_their_bound() {
        let mut nearest: f64 = 0.0;
        for n in 1..200 {
            let terms: Vec<f32> = (1..=n).map(|i| (i as f32).sqrt() * 1.1).collect();
            let want = Bounded::sum(terms.iter().map(|&x| Bounded::exact(x)));
            let forward = terms.iter().fold(0.0, |sum, x| sum + x);
            let backward = terms.iter().rev().fold(0.0, |sum, x| sum + x);
            assert_within("sums", &[forward, backward], &[want, want]);
            nearest = nearest.max((f64::from(forward) - want.value).abs() / want.error);
        }
        assert!(nearest > 0.1, "{nearest}");
    }

    #[test]
    fn rejects_what_is_outside() {
        let one = ONE.round(1);
        assert!(one.accepts(1.0) && one.accepts(1.0 - f32::EPSILON / 2.0));
        assert!(!one.accepts(1.0 + f32::EPSILON) && !one.accepts(f32::NAN));
        assert!(!one.accepts(f32::INFINITY) && !ONE.accepts(0.0));
        assert!(!Bounded::default().accepts(f32::from_bits(1)));
        let huge = Bounded::rounded(1e39);
        assert!(huge.accepts(f32::INFINITY) && !huge.accepts(f32::NEG_INFINITY));
        assert!(!huge.accepts(f32::MAX));
    }

    #[test]
    fn quotients_and_roots() {
        let third = ONE.over(Bounded::exact(3.0));
        assert!(third.accepts(1.0 / 3.0) && !third.accepts(0.333_333));
        let root = Bounded::exact(2.0).sqrt();
        assert!(root.accepts(2f32.sqrt()) && !root.accepts(1.414));
        let about_zero = Bounded {
            value: 0.0,
            error: 1e-8,
        };
        assert!(about_zero.sqrt().accepts(1e-4) && !about_zero.sqrt().accepts(1.1e-4));
        assert_eq!(ONE.over(about_zero).error, f64::INFINITY);
    }

    #[test]
    #[should_panic(expected = "1 of 2 outside")]
    fn assert_within_panics() {
        assert_within("two", &[1.0, 1.5], &[ONE, ONE]);
    }
}
