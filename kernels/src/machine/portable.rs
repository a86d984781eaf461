//! The portable backend: `wide`'s four lanes (SSE2 on x86-64, NEON on aarch64), no `unsafe` but the pointer forms of
//! load and store.
//!
//! `wide` picks its instructions when the crate is compiled. So on x86-64 this is the backend of machines that have
//! nothing better; on aarch64 it is the only one.

use wide::bytemuck::cast;
use wide::{f32x4, i32x4};

use super::f32x4::{F32x4, I32x4};
use super::simd::{Op, Simd, Tile, TileOp};

/// The backend that every CPU has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Portable;

impl Portable {
    /// Returns the token; every CPU has these instructions.
    pub fn new() -> Option<Self> {
        Some(Self)
    }
}

impl Tile<F32x4> for Portable {
    // SSE2 takes a load and a shuffle to bring a value into all lanes, and the tile has no instructions to spare: it
    // takes 52 a step of k, of which Zen 3 starts six a cycle, against 41 with whole vectors of A. In cache the tile
    // goes from 0.62 to 0.83 of the peak.
    const SPREADS_A: bool = cfg!(not(target_arch = "aarch64"));

    fn with_tile<O: TileOp>(self, op: O) {
        // The tile has as many sums as the registers hold: there are 32 registers with NEON, 16 with SSE2.
        #[cfg(target_arch = "aarch64")]
        op.run::<Portable, 6, 4>(self);
        #[cfg(not(target_arch = "aarch64"))]
        op.run::<Portable, 6, 2>(self);
    }

    #[inline(always)]
    fn spread(self, values: [f32; 4]) -> F32x4 {
        F32x4(f32x4::splat(values[0]))
    }
    #[inline(always)]
    fn repeat(self, values: [f32; 4]) -> F32x4 {
        F32x4(f32x4::new(values))
    }
    #[inline(always)]
    fn join_quads(self, values: [[f32; 4]; 4]) -> F32x4 {
        F32x4(f32x4::new(values[0]))
    }
    #[inline(always)]
    fn transpose_quads(self, rows: [F32x4; 4]) -> [F32x4; 4] {
        f32x4::transpose(rows.map(|row| row.0)).map(F32x4)
    }
    #[inline(always)]
    fn quad(self, a: F32x4, _: usize) -> F32x4 {
        a
    }
    #[inline(always)]
    unsafe fn load_ptr(self, from: *const f32) -> F32x4 {
        // SAFETY: the caller vouches for the pointer.
        F32x4(f32x4::new(unsafe { from.cast::<[f32; 4]>().read() }))
    }
    #[inline(always)]
    unsafe fn store_ptr(self, v: F32x4, to: *mut f32) {
        // SAFETY: the caller vouches for the pointer.
        unsafe { to.cast::<[f32; 4]>().write(v.0.to_array()) }
    }
}

impl Simd for Portable {
    const LANES: usize = 4;
    type F32 = F32x4;
    type I32 = I32x4;
    type Mask = F32x4;

    #[inline]
    fn run<O: Op>(self, op: O) -> O::Output {
        op.run(self)
    }

    #[inline(always)]
    fn splat(self, value: f32) -> F32x4 {
        F32x4(f32x4::splat(value))
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> F32x4 {
        assert!(from.len() >= 4, "load: {} values, 4 wanted", from.len());
        F32x4(f32x4::new([from[0], from[1], from[2], from[3]]))
    }
    #[inline(always)]
    fn store(self, v: F32x4, to: &mut [f32]) {
        to[..4].copy_from_slice(v.0.as_array());
    }
    #[inline(always)]
    fn load_partial(self, from: &[f32]) -> F32x4 {
        // Four values, the usual case, are loaded at once.
        F32x4(f32x4::new(match from.first_chunk() {
            Some(&values) => values,
            None => std::array::from_fn(|lane| from.get(lane).copied().unwrap_or(0.0)),
        }))
    }
    #[inline(always)]
    fn store_partial(self, v: F32x4, to: &mut [f32]) {
        match to.first_chunk_mut() {
            Some(values) => *values = v.0.to_array(),
            None => to
                .iter_mut()
                .zip(v.0.to_array())
                .for_each(|(to, v)| *to = v),
        }
    }
    #[inline(always)]
    fn add(self, a: F32x4, b: F32x4) -> F32x4 {
        F32x4(a.0 + b.0)
    }
    #[inline(always)]
    fn sub(self, a: F32x4, b: F32x4) -> F32x4 {
        F32x4(a.0 - b.0)
    }
    #[inline(always)]
    fn mul(self, a: F32x4, b: F32x4) -> F32x4 {
        F32x4(a.0 * b.0)
    }
    #[inline(always)]
    fn div(self, a: F32x4, b: F32x4) -> F32x4 {
        F32x4(a.0 / b.0)
    }
    #[inline(always)]
    fn mul_add(self, a: F32x4, b: F32x4, c: F32x4) -> F32x4 {
        F32x4(a.0.mul_add(b.0, c.0))
    }
    #[inline(always)]
    fn neg_mul_add(self, a: F32x4, b: F32x4, c: F32x4) -> F32x4 {
        F32x4(a.0.mul_neg_add(b.0, c.0))
    }
    #[inline(always)]
    fn min(self, a: F32x4, b: F32x4) -> F32x4 {
        // SSE's minimum is this operation; NEON's is NaN where either value is NaN.
        #[cfg(target_arch = "x86_64")]
        let chosen = a.0.fast_min(b.0);
        #[cfg(not(target_arch = "x86_64"))]
        let chosen = a.0.simd_lt(b.0).bitselect(a.0, b.0);
        F32x4(chosen)
    }
    #[inline(always)]
    fn max(self, a: F32x4, b: F32x4) -> F32x4 {
        #[cfg(target_arch = "x86_64")]
        let chosen = a.0.fast_max(b.0);
        #[cfg(not(target_arch = "x86_64"))]
        let chosen = b.0.simd_lt(a.0).bitselect(a.0, b.0);
        F32x4(chosen)
    }
    #[inline(always)]
    fn abs(self, a: F32x4) -> F32x4 {
        F32x4(cast(cast::<_, i32x4>(a.0) & i32x4::splat(i32::MAX)))
    }
    #[inline(always)]
    fn neg(self, a: F32x4) -> F32x4 {
        F32x4(a.0 ^ f32x4::splat(-0.0))
    }
    #[inline(always)]
    fn sqrt(self, a: F32x4) -> F32x4 {
        F32x4(a.0.sqrt())
    }
    #[inline(always)]
    fn copysign(self, a: F32x4, sign: F32x4) -> F32x4 {
        F32x4(f32x4::splat(-0.0).bitselect(sign.0, a.0))
    }

    #[inline(always)]
    fn lt(self, a: F32x4, b: F32x4) -> F32x4 {
        F32x4(a.0.simd_lt(b.0))
    }
    #[inline(always)]
    fn le(self, a: F32x4, b: F32x4) -> F32x4 {
        F32x4(a.0.simd_le(b.0))
    }
    #[inline(always)]
    fn select(self, mask: F32x4, yes: F32x4, no: F32x4) -> F32x4 {
        F32x4(mask.0.bitselect(yes.0, no.0))
    }
    #[inline(always)]
    fn bits(self, mask: F32x4) -> u32 {
        mask.0.to_bitmask()
    }

    #[inline(always)]
    fn splat_i32(self, value: i32) -> I32x4 {
        I32x4(i32x4::splat(value))
    }
    #[inline(always)]
    fn round_to_i32(self, a: F32x4) -> I32x4 {
        I32x4(a.0.fast_round_int())
    }
    #[inline(always)]
    fn i32_to_f32(self, a: I32x4) -> F32x4 {
        F32x4(a.0.round_float())
    }
    #[inline(always)]
    fn add_i32(self, a: I32x4, b: I32x4) -> I32x4 {
        I32x4(a.0 + b.0)
    }
    #[inline(always)]
    fn sub_i32(self, a: I32x4, b: I32x4) -> I32x4 {
        I32x4(a.0 - b.0)
    }
    #[inline(always)]
    fn shl_i32<const N: u32>(self, a: I32x4) -> I32x4 {
        I32x4(a.0 << N)
    }
    #[inline(always)]
    fn shr_i32<const N: u32>(self, a: I32x4) -> I32x4 {
        I32x4(a.0 >> N)
    }
    #[inline(always)]
    fn bits_to_f32(self, a: I32x4) -> F32x4 {
        F32x4(cast(a.0))
    }
    #[inline(always)]
    fn f32_to_bits(self, a: F32x4) -> I32x4 {
        I32x4(cast(a.0))
    }
    #[inline(always)]
    fn lookup8(self, table: &[f32; 8], index: I32x4) -> F32x4 {
        F32x4(f32x4::new(
            index.0.to_array().map(|i| table[(i & 7) as usize]),
        ))
    }
    #[inline(always)]
    fn lookup16(self, table: &[f32; 16], index: I32x4) -> F32x4 {
        F32x4(f32x4::new(
            index.0.to_array().map(|i| table[(i & 15) as usize]),
        ))
    }

    #[inline(always)]
    fn reduce_sum(self, a: F32x4) -> f32 {
        let [a, b, c, d] = a.0.to_array();
        (a + c) + (b + d)
    }
    #[inline(always)]
    fn reduce_max(self, a: F32x4) -> f32 {
        let [a, b, c, d] = a.0.to_array();
        a.max(c).max(b.max(d))
    }
}
