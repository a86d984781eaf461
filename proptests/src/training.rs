//! Comparisons of whole trainings: after several steps worst-case bounds are too wide, so the tolerance is how far a
//! training in f64 strays when its every result is moved within its bound.

use crate::bounded::Bounded;
use crate::stream;

/// The largest difference of two computations of the same results in f64: 2⁻⁵³ per operation, times some 10⁴ where Adam
/// divides a small gradient by its own size.
pub const F64: f64 = 1e-11;

/// The results of a training.
#[derive(Clone)]
pub struct Run {
    /// The loss terms before each step.
    pub losses: Vec<f64>,
    /// The gradient of the first step.
    pub gradient: Vec<f64>,
    /// The weights after the last step.
    pub last: Vec<f64>,
}

impl Run {
    fn parts(&self) -> [(&'static str, &[f64]); 3] {
        [
            ("losses", &self.losses),
            ("gradient", &self.gradient),
            ("final", &self.last),
        ]
    }

    /// Returns the distance that a training in f32 may stray from `self`, value by value: that of the furthest of 16
    /// trainings in f64 whose results are moved within their bounds. One is moved up all the time and one down, since
    /// roundings may be alike in all steps; the others are moved at random. `train` runs a training and takes a
    /// function that gives how far to move a result, in units of its bound; `self` is the training in which nothing is
    /// moved.
    pub fn stray(&self, train: impl Fn(&mut dyn FnMut() -> f64) -> Run) -> Run {
        let mut next = stream(1);
        let zeros = |like: &[f64]| vec![0.0; like.len()];
        let mut furthest = Run {
            losses: zeros(&self.losses),
            gradient: zeros(&self.gradient),
            last: zeros(&self.last),
        };
        for run in 0..16 {
            let swayed = train(&mut || match run {
                0 => 1.0,
                1 => -1.0,
                _ => f64::from(next()).signum(),
            });
            for (furthest, swayed, still) in [
                (&mut furthest.losses, &swayed.losses, &self.losses),
                (&mut furthest.gradient, &swayed.gradient, &self.gradient),
                (&mut furthest.last, &swayed.last, &self.last),
            ] {
                for ((furthest, a), b) in furthest.iter_mut().zip(swayed).zip(still) {
                    *furthest = furthest.max((a - b).abs());
                }
            }
        }
        furthest
    }

    /// Asserts that two trainings in f64 agree up to [`F64`]; `torch` is PyTorch's.
    #[track_caller]
    pub fn assert_same(&self, what: &str, torch: &Run) {
        for ((part, ours), (_, torch)) in self.parts().into_iter().zip(torch.parts()) {
            assert_near(&format!("{what}.{part}"), ours, torch, |_| 0.0);
        }
    }
}

/// Asserts that every value of `got` differs from PyTorch's by at most its tolerance and [`F64`]. Returns the largest
/// share of a tolerance that was used.
#[track_caller]
pub fn assert_near(
    what: &str,
    got: &[f64],
    torch: &[f64],
    tolerance: impl Fn(usize) -> f64,
) -> f64 {
    assert_eq!(got.len(), torch.len(), "{what}");
    let mut used: f64 = 0.0;
    for (i, (got, torch)) in got.iter().zip(torch).enumerate() {
        let share = (got - torch).abs() / (tolerance(i) + F64);
        // This is false for NaN too.
        assert!(
            share <= 1.0,
            "{what}[{i}]: {got:e}, not {torch:e} ± {:.1e}",
            tolerance(i)
        );
        used = used.max(share);
    }
    used
}

/// Returns the values in f64.
pub fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| f64::from(x)).collect()
}

/// Returns the values without their bounds.
pub fn values(all: &[Bounded]) -> Vec<f64> {
    all.iter().map(|x| x.value).collect()
}

/// Returns the median of some values, the upper of the middle two where their number is even.
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(x: f64) -> Run {
        Run {
            losses: vec![1.0],
            gradient: vec![2.0],
            last: vec![x],
        }
    }

    #[test]
    fn a_training_strays_as_far_as_its_furthest() {
        // Each of two results is moved by at most 1/2, both together by 1.
        let stray = run(3.0).stray(|sway| run(3.0 + 0.5 * sway() + 0.5 * sway()));
        assert_eq!((stray.last, stray.losses), (vec![1.0], vec![0.0]));
    }

    #[test]
    fn near_is_within_the_tolerance() {
        assert!((assert_near("half", &[1.0], &[1.5], |_| 1.0) - 0.5).abs() < 1e-9);
        run(1.0).assert_same("same", &run(1.0));
    }

    #[test]
    #[should_panic(expected = "off.final[0]")]
    fn a_difference_is_named() {
        run(1.0).assert_same("off", &run(1.0 + 2.0 * F64));
    }

    #[test]
    #[should_panic(expected = "nan[1]")]
    fn nan_is_never_near() {
        assert_near("nan", &[0.0, f64::NAN], &[0.0, 0.0], |_| f64::INFINITY);
    }
}
