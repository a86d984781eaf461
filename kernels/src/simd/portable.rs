//! The portable backend: `wide`'s four lanes (SSE2 on x86-64, NEON on aarch64), no `unsafe` but the
//! pointer forms of load and store.
//!
//! `wide` picks its instructions when the crate is compiled, so this is the backend for machines
//! that have nothing better, never the fast path.

use wide::bytemuck::cast;
use wide::{f32x4, i32x4};

use super::{Op, Simd, TileOp};

/// The backend that every CPU has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Portable;

impl super::sealed::Sealed for Portable {}

impl Simd for Portable {
    const LANES: usize = 4;
    type F32 = f32x4;
    type I32 = i32x4;
    type Mask = f32x4;

    #[inline]
    fn run<O: Op>(self, op: O) -> O::Output {
        op.run(self)
    }
    #[allow(private_bounds, private_interfaces)]
    fn with_tile<O: TileOp>(self, op: O) {
        // As many sums as there are registers: 32 with NEON, 16 with SSE2.
        #[cfg(target_arch = "aarch64")]
        op.run::<Portable, 6, 4>(self);
        #[cfg(not(target_arch = "aarch64"))]
        op.run::<Portable, 2, 4>(self);
    }

    #[inline(always)]
    fn splat(self, value: f32) -> f32x4 {
        f32x4::splat(value)
    }
    #[inline(always)]
    fn spread(self, values: [f32; 4]) -> f32x4 {
        f32x4::splat(values[0])
    }
    #[inline(always)]
    fn repeat(self, values: [f32; 4]) -> f32x4 {
        f32x4::new(values)
    }
    #[inline(always)]
    fn join_quads(self, values: [[f32; 4]; 4]) -> f32x4 {
        f32x4::new(values[0])
    }
    #[inline(always)]
    fn transpose_quads(self, rows: [f32x4; 4]) -> [f32x4; 4] {
        f32x4::transpose(rows)
    }
    #[inline(always)]
    fn quad(self, a: f32x4, _: usize) -> f32x4 {
        a
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> f32x4 {
        assert!(from.len() >= 4, "load: {} values, 4 wanted", from.len());
        f32x4::new([from[0], from[1], from[2], from[3]])
    }
    #[inline(always)]
    fn store(self, v: f32x4, to: &mut [f32]) {
        to[..4].copy_from_slice(v.as_array());
    }
    #[inline(always)]
    fn load_partial(self, from: &[f32]) -> f32x4 {
        f32x4::new(std::array::from_fn(|lane| {
            from.get(lane).copied().unwrap_or(0.0)
        }))
    }
    #[inline(always)]
    fn store_partial(self, v: f32x4, to: &mut [f32]) {
        for (to, v) in to.iter_mut().zip(v.to_array()) {
            *to = v;
        }
    }
    #[inline(always)]
    unsafe fn load_ptr(self, from: *const f32) -> f32x4 {
        // SAFETY: the caller vouches for the pointer.
        f32x4::new(unsafe { from.cast::<[f32; 4]>().read() })
    }
    #[inline(always)]
    unsafe fn store_ptr(self, v: f32x4, to: *mut f32) {
        // SAFETY: the caller vouches for the pointer.
        unsafe { to.cast::<[f32; 4]>().write(v.to_array()) }
    }

    #[inline(always)]
    fn add(self, a: f32x4, b: f32x4) -> f32x4 {
        a + b
    }
    #[inline(always)]
    fn sub(self, a: f32x4, b: f32x4) -> f32x4 {
        a - b
    }
    #[inline(always)]
    fn mul(self, a: f32x4, b: f32x4) -> f32x4 {
        a * b
    }
    #[inline(always)]
    fn div(self, a: f32x4, b: f32x4) -> f32x4 {
        a / b
    }
    #[inline(always)]
    fn mul_add(self, a: f32x4, b: f32x4, c: f32x4) -> f32x4 {
        a.mul_add(b, c)
    }
    #[inline(always)]
    fn neg_mul_add(self, a: f32x4, b: f32x4, c: f32x4) -> f32x4 {
        a.mul_neg_add(b, c)
    }
    #[inline(always)]
    fn min(self, a: f32x4, b: f32x4) -> f32x4 {
        a.simd_lt(b).bitselect(a, b)
    }
    #[inline(always)]
    fn max(self, a: f32x4, b: f32x4) -> f32x4 {
        b.simd_lt(a).bitselect(a, b)
    }
    #[inline(always)]
    fn abs(self, a: f32x4) -> f32x4 {
        cast(cast::<_, i32x4>(a) & i32x4::splat(i32::MAX))
    }
    #[inline(always)]
    fn neg(self, a: f32x4) -> f32x4 {
        a ^ f32x4::splat(-0.0)
    }
    #[inline(always)]
    fn sqrt(self, a: f32x4) -> f32x4 {
        a.sqrt()
    }
    #[inline(always)]
    fn copysign(self, a: f32x4, sign: f32x4) -> f32x4 {
        f32x4::splat(-0.0).bitselect(sign, a)
    }

    #[inline(always)]
    fn lt(self, a: f32x4, b: f32x4) -> f32x4 {
        a.simd_lt(b)
    }
    #[inline(always)]
    fn le(self, a: f32x4, b: f32x4) -> f32x4 {
        a.simd_le(b)
    }
    #[inline(always)]
    fn select(self, mask: f32x4, yes: f32x4, no: f32x4) -> f32x4 {
        mask.bitselect(yes, no)
    }
    #[inline(always)]
    fn bits(self, mask: f32x4) -> u32 {
        mask.to_bitmask()
    }

    #[inline(always)]
    fn splat_i32(self, value: i32) -> i32x4 {
        i32x4::splat(value)
    }
    #[inline(always)]
    fn round_to_i32(self, a: f32x4) -> i32x4 {
        a.fast_round_int()
    }
    #[inline(always)]
    fn i32_to_f32(self, a: i32x4) -> f32x4 {
        a.round_float()
    }
    #[inline(always)]
    fn add_i32(self, a: i32x4, b: i32x4) -> i32x4 {
        a + b
    }
    #[inline(always)]
    fn sub_i32(self, a: i32x4, b: i32x4) -> i32x4 {
        a - b
    }
    #[inline(always)]
    fn shl_i32<const N: u32>(self, a: i32x4) -> i32x4 {
        a << N
    }
    #[inline(always)]
    fn shr_i32<const N: u32>(self, a: i32x4) -> i32x4 {
        a >> N
    }
    #[inline(always)]
    fn bits_to_f32(self, a: i32x4) -> f32x4 {
        cast(a)
    }
    #[inline(always)]
    fn f32_to_bits(self, a: f32x4) -> i32x4 {
        cast(a)
    }
    #[inline(always)]
    fn lookup8(self, table: &[f32; 8], index: i32x4) -> f32x4 {
        f32x4::new(index.to_array().map(|i| table[(i & 7) as usize]))
    }
    #[inline(always)]
    fn lookup16(self, table: &[f32; 16], index: i32x4) -> f32x4 {
        f32x4::new(index.to_array().map(|i| table[(i & 15) as usize]))
    }

    #[inline(always)]
    fn reduce_sum(self, a: f32x4) -> f32 {
        let [a, b, c, d] = a.to_array();
        (a + c) + (b + d)
    }
    #[inline(always)]
    fn reduce_max(self, a: f32x4) -> f32 {
        let [a, b, c, d] = a.to_array();
        a.max(c).max(b.max(d))
    }
}
