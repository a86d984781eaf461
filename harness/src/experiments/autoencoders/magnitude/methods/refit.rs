//! The error that refitted magnitudes leave on the right active sets, and on sets that are wrong by one element.

use kernels::sparse_coding::nnls;

use super::coded::Coded;
use crate::rng::Rng;

crate::words! {
    /// The elements that magnitudes are refitted on.
    pub enum Set {
        /// The right elements: those of the active features.
        Right,
        /// The right elements but one, which is drawn at random.
        OneMissing,
        /// The right elements and one more, which is drawn at random.
        OneTooMany,
    }
}

crate::rows! {
    /// What non-negative least squares leave of the L1 model's error, on the samples whose active set is right.
    pub struct Refit in "refits" {
        /// strength of the L1 penalty in multiples of its coefficient
        penalty: f64 ["1"],
        /// the elements that magnitudes are refitted on: the right ones, one of them left out (one-missing), or another
        /// one besides (one-too-many)
        set: Set [""],
        /// seed of features, data and initial parameters
        seed: u64 [""],
        /// share of the samples whose active set is right
        right: f64 ["1"],
        /// squared error after refitting over that before
        left: f64 ["1"],
    }
}

/// Returns the error after refitting over the error before, summed over the samples whose active set is right, on each
/// kind of set; or why it is not known.
pub(super) fn left(coded: &Coded, right: &[usize], rng: &mut Rng) -> [Result<f64, String>; 3] {
    let why = match () {
        _ if coded.known(0).is_nan() => "a code of the L1 SAE is not finite",
        _ if right.is_empty() => "the L1 SAE has no sample with the right active set",
        _ => "",
    };
    if !why.is_empty() {
        return std::array::from_fn(|_| Err(why.to_string()));
    }
    let n = coded.dictionary.rows();
    let sum = |of: &Coded| right.iter().map(|&i| of.error(i)).sum::<f64>();
    let before = sum(coded);
    let left_on = |set: Set| {
        let refitted = coded.with(|exec, dictionary, x, mut codes| {
            for &i in right {
                let code = codes.row_mut(i);
                // Of the codes, the refit takes only which entries are positive.
                let (active, value) = match set {
                    Set::Right => continue,
                    Set::OneMissing => (true, 0.0),
                    Set::OneTooMany => (false, 1.0),
                };
                let among: Vec<usize> = (0..n).filter(|&j| (code[j] > 0.0) == active).collect();
                if !among.is_empty() {
                    code[among[rng.below(among.len())]] = value;
                }
            }
            nnls(exec, dictionary, x, codes);
        });
        match refitted.known(0).is_nan() {
            true => Err("a refitted code is not finite".to_string()),
            false => Ok(sum(&refitted) / before),
        }
    };
    [Set::Right, Set::OneMissing, Set::OneTooMany].map(left_on)
}

#[cfg(test)]
mod tests {
    use kernels::{Exec, Isa, MatRef};

    use super::*;

    fn left_of(codes: Vec<f32>) -> [Result<f64, String>; 3] {
        let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let x = [2.0, 0.0, 0.0, 0.0, 3.0, 0.0];
        let coded = Coded {
            exec: Exec::serial(Isa::detect()),
            dictionary: MatRef::new(&identity, 3, 3).unwrap(),
            x: &x,
            codes,
        };
        left(&coded, &[0, 1], &mut Rng::stream(1, "test", "refit", 0))
    }

    #[test]
    fn the_right_set_and_a_larger_one_leave_nothing_and_a_smaller_one_all() {
        // Both codes are short by 1; without its only element, nothing is left of a code.
        let left = left_of(vec![1.0, 0.0, 0.0, 0.0, 2.0, 0.0]);
        assert_eq!(left, [Ok(0.0), Ok((4.0 + 9.0) / 2.0), Ok(0.0)]);
    }

    #[test]
    fn a_code_that_is_not_finite_is_not_refitted() {
        for broken in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for place in 0..6 {
                let mut codes = vec![1.0, 0.0, 0.0, 0.0, 2.0, 0.0];
                codes[place] = broken;
                assert!(left_of(codes).iter().all(Result::is_err));
            }
        }
    }
}
