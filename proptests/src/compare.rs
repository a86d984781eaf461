//! Comparisons of f32 results with f64 references.
//!
//! A comparison is worth what it rejects: a NaN on one side only, anything but zero where the answer
//! is zero, a wrong infinity, a result three units off. The tests below show that each does fail.

/// Returns the error of `got` in units in the last place: the spacing of f32 at `want`, at least 2⁻¹⁴⁹.
///
/// Infinity counts as 2¹²⁸, the value that would follow the largest finite one; NaN equals NaN alone.
/// Where `want` is exactly zero, so must `got` be. All other mismatches are infinitely far off.
pub fn ulps(got: f32, want: f64) -> f64 {
    const BEYOND: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0; // 2¹²⁸
    if got.is_nan() || want.is_nan() {
        return if got.is_nan() && want.is_nan() {
            0.0
        } else {
            f64::INFINITY
        };
    }
    if want == 0.0 {
        return if got == 0.0 { 0.0 } else { f64::INFINITY };
    }
    let got = if got.is_infinite() {
        BEYOND.copysign(f64::from(got))
    } else if want.is_infinite() {
        return f64::INFINITY;
    } else {
        f64::from(got)
    };
    let want = want.clamp(-BEYOND, BEYOND);
    // The exponent of an f64 that is at least 2⁻¹²⁶ in magnitude is in its bits.
    let exponent = ((want.abs().to_bits() >> 52) as i32 - 1023).clamp(-126, 127);
    (got - want).abs() / f64::from(exponent - 23).exp2()
}

/// The distance that a result may have from the exact one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// The allowed error in [`ulps`].
    pub ulps: f64,
    /// The absolute error that is allowed where the error in ulps is exceeded; 0 to allow none.
    pub absolute: f64,
    /// Whether the sign of a zero counts.
    pub signed_zero: bool,
}

impl Tolerance {
    /// Returns a tolerance of `ulps` units in the last place, whatever the sign of a zero.
    pub const fn ulps(ulps: f64) -> Self {
        Self {
            ulps,
            absolute: 0.0,
            signed_zero: false,
        }
    }

    /// Returns a tolerance of an absolute error, whatever the sign of a zero.
    pub const fn absolute(absolute: f64) -> Self {
        Self {
            ulps: 0.0,
            absolute,
            signed_zero: false,
        }
    }

    /// Returns the same tolerance, with which a zero must have the right sign too.
    pub const fn with_signed_zero(self) -> Self {
        Self {
            signed_zero: true,
            ..self
        }
    }

    /// Returns whether `got` is within the tolerance of `want`.
    pub fn accepts(self, got: f32, want: f64) -> bool {
        if self.signed_zero && got == 0.0 && want == 0.0 {
            return got.is_sign_negative() == want.is_sign_negative();
        }
        // False for NaN and for two infinities, which only `ulps` can accept.
        let near = (f64::from(got) - want).abs() <= self.absolute;
        near || ulps(got, want) <= self.ulps
    }

    /// Asserts that every value of a slice is accepted, and names the first places where that fails.
    ///
    /// # Panics
    /// If the lengths differ, or a result is not accepted. `what` begins the message.
    #[track_caller]
    pub fn assert_all(self, what: &str, got: &[f32], want: &[f64]) {
        assert_eq!(got.len(), want.len(), "{what}: lengths");
        let wrong: Vec<usize> = (0..got.len())
            .filter(|&i| !self.accepts(got[i], want[i]))
            .collect();
        let first: Vec<String> = wrong
            .iter()
            .take(5)
            .map(|&i| {
                let (got, want) = (got[i], want[i]);
                format!(
                    "[{i}] is {got:e}, not {want:e} ({:.2} ulps)",
                    ulps(got, want)
                )
            })
            .collect();
        assert!(
            wrong.is_empty(),
            "{what}: {} of {} differ by more than {self:?}: {}",
            wrong.len(),
            got.len(),
            first.join("; "),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Tolerance = Tolerance::ulps(2.0);

    /// Returns the f32 that lies `by` values further from zero than `x`.
    fn off(x: f32, by: u32) -> f32 {
        f32::from_bits(x.to_bits() + by)
    }

    #[test]
    fn counts_units_in_every_binade() {
        for e in -149..=127 {
            let x = f64::from(e).exp2() as f32;
            assert_eq!(ulps(x, f64::from(x)), 0.0);
            assert_eq!(ulps(off(x, 3), f64::from(x)), 3.0, "2^{e}");
            assert!(TWO.accepts(off(x, 2), f64::from(x)));
            assert!(!TWO.accepts(off(x, 3), f64::from(x)));
            assert!(!TWO.accepts(-x, f64::from(x)) || e < -148);
        }
        assert_eq!(ulps(1.0, 1.0 + f64::from(f32::EPSILON) / 2.0), 0.5);
    }

    #[test]
    fn rejects_nan_on_one_side() {
        for loose in [TWO, Tolerance::absolute(f64::MAX), Tolerance::ulps(1e30)] {
            assert!(!loose.accepts(f32::NAN, 1.0));
            assert!(!loose.accepts(f32::NAN, 0.0));
            assert!(!loose.accepts(f32::NAN, f64::INFINITY));
            assert!(!loose.accepts(1.0, f64::NAN));
            assert!(!loose.accepts(f32::INFINITY, f64::NAN));
            assert!(loose.accepts(f32::NAN, f64::NAN));
        }
    }

    #[test]
    fn rejects_what_is_not_zero_at_zero() {
        assert!(!TWO.accepts(f32::from_bits(1), 0.0));
        assert!(!TWO.accepts(-f32::from_bits(1), 0.0));
        assert!(!Tolerance::absolute(1e-7).accepts(2e-7, 0.0));
        assert!(Tolerance::absolute(1e-7).accepts(1e-8, 0.0));
        assert!(TWO.accepts(-0.0, 0.0));
        let signed = TWO.with_signed_zero();
        assert!(!signed.accepts(-0.0, 0.0) && !signed.accepts(0.0, -0.0));
        assert!(signed.accepts(-0.0, -0.0) && signed.accepts(0.0, 0.0));
    }

    #[test]
    fn rejects_wrong_infinities() {
        let (inf, max) = (f32::INFINITY, f64::from(f32::MAX));
        assert!(TWO.accepts(inf, f64::INFINITY) && TWO.accepts(inf, 1e39));
        assert!(TWO.accepts(inf, max), "one unit beyond");
        assert!(!TWO.accepts(inf, 3.4e38));
        assert!(!TWO.accepts(-inf, f64::INFINITY) && !TWO.accepts(-inf, 1e39));
        assert!(!TWO.accepts(f32::MAX, f64::INFINITY));
        assert!(!Tolerance::absolute(1.0).accepts(f32::MAX, f64::INFINITY));
        assert!(!Tolerance::absolute(1.0).accepts(inf, 1.0));
    }

    #[test]
    #[should_panic(expected = "1 of 2 differ")]
    fn assert_all_panics() {
        TWO.assert_all("two", &[1.0, off(1.0, 3)], &[1.0, 1.0]);
    }

    #[test]
    #[should_panic(expected = "lengths")]
    fn assert_all_wants_all() {
        TWO.assert_all("two", &[1.0], &[1.0, 1.0]);
    }
}
