//! Values of every kind, and operands that lie anywhere in memory.

use kernels::{MatMut, MatRef};
use proptest::prelude::*;

use crate::stream;

/// The kinds of unusual values that a stream has beside ordinary ones, and their share.
#[derive(Clone, Copy, Debug)]
pub struct Wild {
    /// The mean number of values among which one is drawn to be unusual; it stays ordinary if its kind is not allowed.
    every: u32,
    kinds: [bool; 5],
}

/// Returns a strategy for streams with zeros of both signs, subnormal and huge numbers, infinities and NaN: any of
/// these kinds, rare or frequent.
pub fn any_kind() -> impl Strategy<Value = Wild> {
    (prop_oneof![1..4u32, 10..200u32], any::<[bool; 5]>())
        .prop_map(|(every, kinds)| Wild { every, kinds })
}

/// Returns a strategy like [`any_kind`], without infinities and NaN.
pub fn finite() -> impl Strategy<Value = Wild> {
    any_kind().prop_map(|Wild { every, kinds }| Wild {
        every,
        kinds: [kinds[0], kinds[1], kinds[2], false, false],
    })
}

impl Wild {
    /// Returns the choice of ordinary values alone.
    pub fn tame() -> Wild {
        Wild {
            every: 1,
            kinds: [false; 5],
        }
    }

    /// Returns an endless stream of values from a seed. Ordinary values lie in [−1, 1).
    pub fn stream(self, seed: u64) -> impl FnMut() -> f32 {
        let mut next = stream(seed);
        move || {
            let ordinary = next();
            let sign = 1f32.copysign(next());
            let below = |x: f32, n: u32| ((x + 1.0) / 2.0 * n as f32) as u32 % n;
            if below(next(), self.every) != 0 {
                return ordinary;
            }
            let kind = below(next(), 5) as usize;
            if !self.kinds[kind] {
                return ordinary;
            }
            sign * match kind {
                0 => 0.0,
                1 => f32::from_bits(1 + below(ordinary, 0x7f_ffff)),
                2 => 10f32.powf(37.0 + 1.5 * ordinary.abs()),
                3 => f32::INFINITY,
                _ => f32::NAN,
            }
        }
    }
}

/// The bits of the values around those of a [`Placed`]: a NaN that no operation makes.
const GUARD: u32 = 0x7fc5_a5a5;

/// A matrix that begins anywhere in a buffer, its rows contiguous and `stride` values apart.
#[derive(Clone, Debug)]
pub struct Placed {
    data: Vec<f32>,
    offset: usize,
    rows: usize,
    cols: usize,
    stride: usize,
}

impl Placed {
    /// Makes a matrix `offset` values into its buffer, with `gap` values between the rows.
    pub fn new(
        (rows, cols): (usize, usize),
        (offset, gap): (usize, usize),
        mut value: impl FnMut() -> f32,
    ) -> Placed {
        let stride = cols + gap;
        let mut placed = Placed {
            data: vec![f32::from_bits(GUARD); offset + rows * stride + 3],
            offset,
            rows,
            cols,
            stride,
        };
        for i in 0..rows {
            placed.data[offset + i * stride..][..cols].fill_with(&mut value);
        }
        placed
    }

    /// Returns a view of the matrix for reading.
    pub fn view(&self) -> MatRef<'_> {
        let data = &self.data[self.offset..];
        MatRef::with_strides(data, self.rows, self.cols, self.stride, 1).expect("it fits")
    }

    /// Returns a view of the matrix for writing.
    pub fn view_mut(&mut self) -> MatMut<'_> {
        let data = &mut self.data[self.offset..];
        MatMut::with_stride(data, self.rows, self.cols, self.stride).expect("it fits")
    }

    /// Returns the first row.
    pub fn slice(&self) -> &[f32] {
        &self.data[self.offset..][..self.cols]
    }

    /// Returns the first row for writing.
    pub fn slice_mut(&mut self) -> &mut [f32] {
        &mut self.data[self.offset..][..self.cols]
    }

    /// Returns the values of the matrix, row after row.
    ///
    /// # Panics
    /// If something was written around the values.
    #[track_caller]
    pub fn values(&self) -> Vec<f32> {
        for (at, x) in self.data.iter().enumerate() {
            let inside = at.checked_sub(self.offset).is_some_and(|at| {
                at / self.stride.max(1) < self.rows && at % self.stride.max(1) < self.cols
            });
            assert!(
                inside || x.to_bits() == GUARD,
                "wrote {x} around the values, at {at}"
            );
        }
        (0..self.rows)
            .flat_map(|i| self.view().row(i).to_vec())
            .collect()
    }
}

/// Returns whether two numbers have equal bits or are both NaN.
pub fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

/// Asserts that two slices are equal by [`same`], and names the first place that differs.
///
/// # Panics
/// If the lengths or two values differ. `what` begins the message.
#[track_caller]
pub fn assert_same(what: &str, got: &[f32], want: &[f32]) {
    assert_eq!(got.len(), want.len(), "{what}: lengths");
    if let Some(i) = (0..got.len()).find(|&i| !same(got[i], want[i])) {
        panic!("{what}: [{i}] is {:e}, not {:e}", got[i], want[i]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_turns_up() {
        let all = Wild {
            every: 1,
            kinds: [true; 5],
        };
        let mut next = all.stream(1);
        let values: Vec<f32> = (0..1000).map(|_| next()).collect();
        let has = |what: &dyn Fn(f32) -> bool| values.iter().filter(|&&x| what(x)).count() > 20;
        assert!(
            has(&|x| x == 0.0 && x.is_sign_negative())
                && has(&|x| x == 0.0 && x.is_sign_positive())
        );
        assert!(has(&|x| x.is_subnormal()) && has(&|x| x.abs() > 1e38 && x.is_finite()));
        assert!(
            has(&|x| x == f32::INFINITY) && has(&|x| x == f32::NEG_INFINITY) && has(&f32::is_nan)
        );
        let mut next = Wild {
            every: 3,
            kinds: [false; 5],
        }
        .stream(1);
        assert!((0..1000).all(|_| next().abs() <= 1.0));
    }

    #[test]
    #[should_panic(expected = "wrote 1 around the values, at 4")]
    fn what_is_written_around_the_values_is_seen() {
        let mut placed = Placed::new((2, 3), (1, 1), || 0.0);
        assert_eq!(placed.values(), [0.0; 6]);
        placed.data[4] = 1.0;
        placed.values();
    }

    #[test]
    #[should_panic(expected = "two: [1] is -0e0, not 0e0")]
    fn zeros_differ_by_their_sign() {
        assert_same("two", &[f32::NAN, -0.0], &[-f32::NAN, 0.0]);
    }
}
