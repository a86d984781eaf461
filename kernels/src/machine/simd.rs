//! The trait of a vector of f32, and of a computation over it. How to write one is in the docs of [`crate::simd`].
//!
//! [`Tile`] holds what the matrix product asks of an instruction set beyond that: the size of its tile, groups of four
//! lanes, and loads and stores through pointers. No other kernel needs these, so they are no part of the public trait.

use std::fmt::Debug;

use super::f32x4::F32x4;

/// A computation, generic over the instruction set that it will run on.
pub trait Op {
    /// What the computation returns.
    type Output;

    /// The computation itself; implementations are `#[inline(always)]`.
    fn run<S: Simd>(self, s: S) -> Self::Output;
}

/// The operations on a vector of [`LANES`](Simd::LANES) f32 values.
///
/// All are element-wise and follow IEEE 754, in the default rounding mode and with subnormals kept,
/// unless stated otherwise.
pub trait Simd: Tile<<Self as Simd>::F32> + Copy + Debug + Send + Sync + 'static {
    /// Number of f32 values in one vector.
    const LANES: usize;

    /// A vector of f32.
    type F32: Copy + Send + Sync;
    /// A vector of as many i32.
    type I32: Copy + Send + Sync;
    /// One truth value per lane.
    type Mask: Copy;

    /// Runs `op` inside a function compiled for this instruction set.
    fn run<O: Op>(self, op: O) -> O::Output;

    /// All lanes equal to `value`.
    fn splat(self, value: f32) -> Self::F32;
    /// The first `LANES` values of `from`.
    ///
    /// # Panics
    /// If `from` is shorter than a vector.
    fn load(self, from: &[f32]) -> Self::F32;
    /// Writes the vector to the first `LANES` values of `to`.
    ///
    /// # Panics
    /// If `to` is shorter than a vector.
    fn store(self, v: Self::F32, to: &mut [f32]);
    /// The values of `from`, at most `LANES` of them, and zeros behind them.
    fn load_partial(self, from: &[f32]) -> Self::F32;
    /// Writes the first lanes of the vector to `to`, as many as it takes, at most `LANES`.
    fn store_partial(self, v: Self::F32, to: &mut [f32]);

    /// Asks for the cache lines of `values`, which will be read soon. A hint, and nothing else.
    #[inline(always)]
    fn prefetch(self, values: &[f32]) {
        let _ = values;
    }
    /// Asks for the cache line that lies so many values after the first of these, whatever is there. A hint, and
    /// nothing else.
    #[inline(always)]
    fn prefetch_ahead(self, values: &[f32], by: usize) {
        let _ = (values, by);
    }

    /// `a + b`
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a - b`
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a * b`
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a / b`
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a * b + c`, rounded once, or twice where the instruction set has no fused product.
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// `c - a * b`, rounded as [`mul_add`](Simd::mul_add).
    fn neg_mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// The smaller of the two; `b` where either is NaN.
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// The larger of the two; `b` where either is NaN.
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `|a|`, the sign bit cleared.
    fn abs(self, a: Self::F32) -> Self::F32;
    /// `-a`, the sign bit flipped.
    fn neg(self, a: Self::F32) -> Self::F32;
    /// The square root.
    fn sqrt(self, a: Self::F32) -> Self::F32;
    /// The magnitude of `a` with the sign of `sign`.
    fn copysign(self, a: Self::F32, sign: Self::F32) -> Self::F32;

    /// `a < b`; false where either is NaN.
    fn lt(self, a: Self::F32, b: Self::F32) -> Self::Mask;
    /// `a <= b`; false where either is NaN.
    fn le(self, a: Self::F32, b: Self::F32) -> Self::Mask;
    /// `yes` where the mask is true, else `no`.
    fn select(self, mask: Self::Mask, yes: Self::F32, no: Self::F32) -> Self::F32;
    /// Bit i of the result is lane i of the mask.
    fn bits(self, mask: Self::Mask) -> u32;

    /// All lanes equal to `value`.
    fn splat_i32(self, value: i32) -> Self::I32;
    /// The nearest integer, ties to even; unspecified but harmless outside the range of i32.
    fn round_to_i32(self, a: Self::F32) -> Self::I32;
    /// The integer as an f32, rounded to nearest.
    fn i32_to_f32(self, a: Self::I32) -> Self::F32;
    /// `a + b`, wrapping.
    fn add_i32(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// `a - b`, wrapping.
    fn sub_i32(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// Shifts every lane left by `N` bits.
    fn shl_i32<const N: u32>(self, a: Self::I32) -> Self::I32;
    /// Shifts every lane right by `N` bits, copying the sign.
    fn shr_i32<const N: u32>(self, a: Self::I32) -> Self::I32;
    /// The same bits as an f32.
    fn bits_to_f32(self, a: Self::I32) -> Self::F32;
    /// The same bits as an i32.
    fn f32_to_bits(self, a: Self::F32) -> Self::I32;
    /// `table[index & 7]`, lane by lane.
    fn lookup8(self, table: &[f32; 8], index: Self::I32) -> Self::F32;
    /// `table[index & 15]`, lane by lane; one instruction where a vector has 16 lanes.
    fn lookup16(self, table: &[f32; 16], index: Self::I32) -> Self::F32;

    /// The sum of all lanes, added pairwise.
    fn reduce_sum(self, a: Self::F32) -> f32;
    /// The largest lane; unspecified where a lane is NaN.
    fn reduce_max(self, a: Self::F32) -> f32;
}

/// A computation that wants to know the instruction set's matrix tile, `MR` rows by `NV` vectors.
/// It is *not* run inside the instruction set's function: threads outside, instructions inside.
pub trait TileOp {
    /// The computation itself.
    fn run<S: Simd, const MR: usize, const NV: usize>(self, s: S);
}

/// The operations of the product's tile on a vector `V`. A *quad* is a group of four neighbouring lanes: a vector has
/// one, two or four of them.
pub trait Tile<V> {
    /// Whether values of A are copied for the tile, each into all lanes of a vector: where it takes more than one
    /// instruction to load a value into all lanes.
    const SPREADS_A: bool = false;

    /// Hands `op` the matrix tile that suits this instruction set.
    fn with_tile<O: TileOp>(self, op: O);
    /// Each of the first `LANES / 4` values four times: lane i is `values[i / 4]`.
    fn spread(self, values: [f32; 4]) -> V;
    /// The four values over and over: lane i is `values[i % 4]`.
    fn repeat(self, values: [f32; 4]) -> V;
    /// The lanes of one quad after those of another: lane i is `values[i / 4][i % 4]`, for the first `LANES` of them.
    fn join_quads(self, values: [[f32; 4]; 4]) -> V;
    /// Lane 4·g + i of the result's vector j is lane 4·g + j of vector i.
    fn transpose_quads(self, rows: [V; 4]) -> [V; 4];
    /// Lanes 4·`i` to 4·`i` + 3, for `i` below `LANES / 4`.
    fn quad(self, a: V, i: usize) -> F32x4;
    /// Reads `LANES` values from `from`, which need not be aligned to a vector.
    ///
    /// # Safety
    /// `from` is aligned to an f32 and valid for reading `LANES` of them.
    unsafe fn load_ptr(self, from: *const f32) -> V;
    /// Writes `LANES` values to `to`, which need not be aligned to a vector.
    ///
    /// # Safety
    /// `to` is aligned to an f32 and valid for writing `LANES` of them.
    unsafe fn store_ptr(self, v: V, to: *mut f32);
}
