//! The tail of the standard normal distribution, Φ̄(z) = P(N(0, 1) > z), exact and by a table of bounds.

use std::sync::LazyLock;

/// Returns the probability of a standard normal number above z.
pub fn normal_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2)
}

/// Returns the quantile p of the standard normal distribution, by bisection.
pub fn normal_quantile(p: f64) -> f64 {
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if 1.0 - normal_tail(middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

/// The end of the range of the table, which covers −REACH to REACH.
const REACH: f32 = 8.0;
/// The number of places of the table for each unit of z.
const STEPS: f32 = 64.0;

/// Φ̄ at the places of the table, and −ln(1 − Φ̄) there.
static TABLE: LazyLock<Vec<(f64, f64)>> = LazyLock::new(|| {
    let places = (2.0 * REACH * STEPS) as usize;
    (0..=places)
        .map(|place| {
            let z = f64::from(place as f32 / STEPS - REACH);
            (normal_tail(z), -(-normal_tail(z)).ln_1p())
        })
        .collect()
});

/// Returns an upper bound of Φ̄(z), which holds up to rounding for z < −REACH, and −ln(1 − bound): the rate at which
/// features of that probability fire.
pub fn bound(z: f32) -> (f64, f64) {
    TABLE[place(z)]
}

/// Returns whether `u < Φ̄(z)`. The exact tail is computed only where the table does not decide.
pub fn is_below_tail(u: f64, z: f32) -> bool {
    let place = place(z);
    if z.abs() < REACH {
        if u >= TABLE[place].0 {
            return false;
        }
        if u < TABLE[place + 1].0 {
            return true;
        }
    }
    u < normal_tail(z.into())
}

/// Returns the last place of the table that is not above z, or the first.
fn place(z: f32) -> usize {
    ((z + REACH) * STEPS).clamp(0.0, 2.0 * REACH * STEPS) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_invert_the_tail() {
        for p in [1e-6, 0.01, 0.5, 0.9, 0.9999] {
            assert!((1.0 - normal_tail(normal_quantile(p)) - p).abs() < 1e-12);
        }
        // The upper 2.5 % point of the standard normal distribution.
        assert!((normal_quantile(0.975) - 1.959963984540054).abs() < 1e-9);
    }

    #[test]
    fn the_table_bounds_the_tail_and_decides_as_the_tail_does() {
        for i in -1000..=1000 {
            let z = i as f32 * 0.0093;
            let tail = normal_tail(z.into());
            let (bound, rate) = bound(z);
            assert!(bound >= tail || z < -REACH, "{z}");
            assert!((1.0 - (-rate).exp() - bound).abs() < 1e-14, "{z}");
            for u in [
                0.0,
                0.5 * tail,
                0.999 * tail,
                tail,
                1.001 * tail,
                1.5 * tail,
                1.0,
            ] {
                assert_eq!(is_below_tail(u, z), u < tail, "{u} {z}");
            }
        }
        assert!(is_below_tail(0.999, f32::NEG_INFINITY) && !is_below_tail(0.0, f32::INFINITY));
    }
}
