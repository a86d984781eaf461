//! The traits [`Simd`], of a vector of f32, and [`Op`], of a computation over such vectors. The docs of [`crate::simd`]
//! show how to write a computation.
//!
//! [`Tile`] holds what the matrix product asks of an instruction set beyond [`Simd`]: the size of its tile, groups of
//! four lanes, and loads and stores through pointers. No other kernel needs these, so they are no part of the public
//! trait.

use std::fmt::Debug;

use super::f32x4::F32x4;

/// A computation, generic over the instruction set that it will run on.
pub trait Op {
    /// The type of the result.
    type Output;

    /// Runs the computation; implementations are `#[inline(always)]`.
    fn run<S: Simd>(self, s: S) -> Self::Output;
}

/// The operations on a vector of [`LANES`](Simd::LANES) f32 values.
///
/// All are element-wise and follow IEEE 754, in the default rounding mode and with subnormals kept,
/// unless stated otherwise.
pub trait Simd: Tile<<Self as Simd>::F32> + Copy + Debug + Send + Sync + 'static {
    /// The number of f32 values in one vector.
    const LANES: usize;

    /// A vector of `LANES` f32 values.
    type F32: Copy + Send + Sync;
    /// A vector of `LANES` i32 values.
    type I32: Copy + Send + Sync;
    /// A mask: one truth value per lane.
    type Mask: Copy;

    /// Runs `op` inside a function compiled for this instruction set.
    fn run<O: Op>(self, op: O) -> O::Output;

    /// Returns a vector with all lanes equal to `value`.
    fn splat(self, value: f32) -> Self::F32;
    /// Returns the first `LANES` values of `from`.
    ///
    /// # Panics
    /// If `from` is shorter than a vector.
    fn load(self, from: &[f32]) -> Self::F32;
    /// Writes `v` to the first `LANES` values of `to`.
    ///
    /// # Panics
    /// If `to` is shorter than a vector.
    fn store(self, v: Self::F32, to: &mut [f32]);
    /// Returns the values of `from`, at most `LANES` of them, followed by zeros.
    fn load_partial(self, from: &[f32]) -> Self::F32;
    /// Writes the first lanes of `v` to `to`: as many as `to` has places, at most `LANES`.
    fn store_partial(self, v: Self::F32, to: &mut [f32]);

    /// Asks for the cache lines of `values`, which will be read soon. This is a hint and changes no result.
    #[inline(always)]
    fn prefetch(self, values: &[f32]) {
        let _ = values;
    }
    /// Asks for the cache line that lies `by` values after the first of `values`, which may be beyond the end of the
    /// slice. This is a hint and changes no result.
    #[inline(always)]
    fn prefetch_ahead(self, values: &[f32], by: usize) {
        let _ = (values, by);
    }

    /// Returns `a + b`.
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Returns `a - b`.
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Returns `a * b`.
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Returns `a / b`.
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Returns `a * b + c`, rounded once, or twice where the instruction set has no fused product.
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// Returns `c - a * b`, rounded as [`mul_add`](Simd::mul_add).
    fn neg_mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// Returns the smaller of `a` and `b`; `b` where either is NaN.
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Returns the larger of `a` and `b`; `b` where either is NaN.
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Returns `|a|`: `a` with the sign bit cleared.
    fn abs(self, a: Self::F32) -> Self::F32;
    /// Returns `-a`: `a` with the sign bit flipped.
    fn neg(self, a: Self::F32) -> Self::F32;
    /// Returns the square root of `a`.
    fn sqrt(self, a: Self::F32) -> Self::F32;
    /// Returns the magnitude of `a` with the sign of `sign`.
    fn copysign(self, a: Self::F32, sign: Self::F32) -> Self::F32;

    /// Returns whether `a < b`; false where either is NaN.
    fn lt(self, a: Self::F32, b: Self::F32) -> Self::Mask;
    /// Returns whether `a <= b`; false where either is NaN.
    fn le(self, a: Self::F32, b: Self::F32) -> Self::Mask;
    /// Returns `yes` where the mask is true, else `no`.
    fn select(self, mask: Self::Mask, yes: Self::F32, no: Self::F32) -> Self::F32;
    /// Returns the mask as an integer, whose bit i is lane i.
    fn bits(self, mask: Self::Mask) -> u32;

    /// Returns a vector with all lanes equal to `value`.
    fn splat_i32(self, value: i32) -> Self::I32;
    /// Returns the integer nearest to `a`, ties to even; unspecified but harmless outside the range of i32.
    fn round_to_i32(self, a: Self::F32) -> Self::I32;
    /// Returns the integer `a` as an f32, rounded to nearest.
    fn i32_to_f32(self, a: Self::I32) -> Self::F32;
    /// Returns `a + b`, wrapping.
    fn add_i32(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// Returns `a - b`, wrapping.
    fn sub_i32(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// Returns `a` with every lane shifted left by `N` bits.
    fn shl_i32<const N: u32>(self, a: Self::I32) -> Self::I32;
    /// Returns `a` with every lane shifted right by `N` bits, copies of the sign bit moving in.
    fn shr_i32<const N: u32>(self, a: Self::I32) -> Self::I32;
    /// Returns the bits of `a` as an f32.
    fn bits_to_f32(self, a: Self::I32) -> Self::F32;
    /// Returns the bits of `a` as an i32.
    fn f32_to_bits(self, a: Self::F32) -> Self::I32;
    /// Returns `table[index & 7]`, lane by lane.
    fn lookup8(self, table: &[f32; 8], index: Self::I32) -> Self::F32;
    /// Returns `table[index & 15]`, lane by lane; one instruction where a vector has 16 lanes.
    fn lookup16(self, table: &[f32; 16], index: Self::I32) -> Self::F32;

    /// Returns the sum of all lanes, added pairwise.
    fn reduce_sum(self, a: Self::F32) -> f32;
    /// Returns the largest lane; unspecified where a lane is NaN.
    fn reduce_max(self, a: Self::F32) -> f32;
}

/// A computation that depends on the size of the instruction set's matrix tile, `MR` rows by `NV` vectors.
/// It does *not* run inside a function compiled for the instruction set, since it shares its work among threads first.
pub trait TileOp {
    /// Runs the computation with the backend `s`.
    fn run<S: Simd, const MR: usize, const NV: usize>(self, s: S);
}

/// The operations of the product's tile on a vector `V`. A *quad* is a group of four neighbouring lanes: a vector has
/// one, two or four of them.
pub trait Tile<V> {
    /// Whether values of A are copied for the tile, each into all lanes of a vector. This pays where it takes more than
    /// one instruction to load a value into all lanes.
    const SPREADS_A: bool = false;

    /// Runs `op` with the size of the matrix tile that suits this instruction set.
    fn with_tile<O: TileOp>(self, op: O);
    /// Returns each of the first `LANES / 4` values four times: lane i is `values[i / 4]`.
    fn spread(self, values: [f32; 4]) -> V;
    /// Returns the four values over and over: lane i is `values[i % 4]`.
    fn repeat(self, values: [f32; 4]) -> V;
    /// Returns the first `LANES` values, quad after quad: lane i is `values[i / 4][i % 4]`.
    fn join_quads(self, values: [[f32; 4]; 4]) -> V;
    /// Transposes the quads of four vectors: lane 4·g + i of the result's vector j is lane 4·g + j of vector i.
    fn transpose_quads(self, rows: [V; 4]) -> [V; 4];
    /// Returns lanes 4·`i` to 4·`i` + 3 of `a`, for `i` below `LANES / 4`.
    fn quad(self, a: V, i: usize) -> F32x4;
    /// Reads `LANES` values from `from`, which need not be aligned to a vector.
    ///
    /// # Safety
    /// `from` is aligned to an f32 and valid for reading `LANES` of them.
    unsafe fn load_ptr(self, from: *const f32) -> V;
    /// Writes the `LANES` values of `v` to `to`, which need not be aligned to a vector.
    ///
    /// # Safety
    /// `to` is aligned to an f32 and valid for writing `LANES` of them.
    unsafe fn store_ptr(self, v: V, to: *mut f32);
}
