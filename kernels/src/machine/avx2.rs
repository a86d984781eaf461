//! The backend for AVX2 with FMA: 8 lanes.

use std::arch::x86_64::*;

use super::f32x4::F32x4;
use super::x86::x86_backend;
use wide::bytemuck::cast;

/// Returns the mask of the first `n` lanes, at most 8.
#[inline(always)]
fn first(n: usize) -> [i32; 8] {
    std::array::from_fn(|lane| if lane < n { -1 } else { 0 })
}

x86_backend! {
    /// Proof that this CPU has AVX2 and FMA.
    Avx2, lanes 8, tile 6 x 2, features ["avx2" "fma"],
    f32 __m256, i32 __m256i, mask __m256,

    tile {
        fn spread(values: [f32; 4]) -> __m256 {
            let four = _mm_loadu_ps(values.as_ptr());
            _mm256_set_m128(_mm_shuffle_ps::<0x55>(four, four), _mm_shuffle_ps::<0x00>(four, four))
        }
        fn repeat(values: [f32; 4]) -> __m256 {
            let four = _mm_loadu_ps(values.as_ptr());
            _mm256_set_m128(four, four)
        }
        fn join_quads(values: [[f32; 4]; 4]) -> __m256 {
            _mm256_set_m128(_mm_loadu_ps(values[1].as_ptr()), _mm_loadu_ps(values[0].as_ptr()))
        }
        fn transpose_quads(rows: [__m256; 4]) -> [__m256; 4] {
            let [a, b, c, d] = rows;
            let (ab, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            let (cd, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
            [
                _mm256_shuffle_ps::<0x44>(ab, cd),
                _mm256_shuffle_ps::<0xee>(ab, cd),
                _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
                _mm256_shuffle_ps::<0xee>(ab_high, cd_high),
            ]
        }
        fn quad(a: __m256, i: usize) -> F32x4 {
            F32x4(cast(match i {
                0 => _mm256_castps256_ps128(a),
                _ => _mm256_extractf128_ps::<1>(a),
            }))
        }
    }
    simd {
        fn splat(value: f32) -> __m256 { _mm256_set1_ps(value) }
        // A whole vector, the usual case, goes without a mask: AMD's masked stores are slow.
        fn load_partial(from: &[f32]) -> __m256 {
            match from.first_chunk::<8>() {
                Some(all) => _mm256_loadu_ps(all.as_ptr()),
                None => {
                    let mask = std::mem::transmute::<[i32; 8], __m256i>(first(from.len()));
                    _mm256_maskload_ps(from.as_ptr(), mask)
                }
            }
        }
        fn store_partial(v: __m256, to: &mut [f32]) -> () {
            match to.first_chunk_mut::<8>() {
                Some(all) => _mm256_storeu_ps(all.as_mut_ptr(), v),
                None => {
                    let mask = std::mem::transmute::<[i32; 8], __m256i>(first(to.len()));
                    _mm256_maskstore_ps(to.as_mut_ptr(), mask, v)
                }
            }
        }

        fn add(a: __m256, b: __m256) -> __m256 { _mm256_add_ps(a, b) }
        fn sub(a: __m256, b: __m256) -> __m256 { _mm256_sub_ps(a, b) }
        fn mul(a: __m256, b: __m256) -> __m256 { _mm256_mul_ps(a, b) }
        fn div(a: __m256, b: __m256) -> __m256 { _mm256_div_ps(a, b) }
        fn mul_add(a: __m256, b: __m256, c: __m256) -> __m256 { _mm256_fmadd_ps(a, b, c) }
        fn neg_mul_add(a: __m256, b: __m256, c: __m256) -> __m256 { _mm256_fnmadd_ps(a, b, c) }
        fn min(a: __m256, b: __m256) -> __m256 { _mm256_min_ps(a, b) }
        fn max(a: __m256, b: __m256) -> __m256 { _mm256_max_ps(a, b) }
        fn abs(a: __m256) -> __m256 { _mm256_andnot_ps(_mm256_set1_ps(-0.0), a) }
        fn neg(a: __m256) -> __m256 { _mm256_xor_ps(a, _mm256_set1_ps(-0.0)) }
        fn sqrt(a: __m256) -> __m256 { _mm256_sqrt_ps(a) }
        fn copysign(a: __m256, sign: __m256) -> __m256 {
            let sign_bit = _mm256_set1_ps(-0.0);
            _mm256_or_ps(_mm256_andnot_ps(sign_bit, a), _mm256_and_ps(sign_bit, sign))
        }

        fn lt(a: __m256, b: __m256) -> __m256 { _mm256_cmp_ps::<_CMP_LT_OQ>(a, b) }
        fn le(a: __m256, b: __m256) -> __m256 { _mm256_cmp_ps::<_CMP_LE_OQ>(a, b) }
        fn select(mask: __m256, yes: __m256, no: __m256) -> __m256 { _mm256_blendv_ps(no, yes, mask) }
        fn bits(mask: __m256) -> u32 { _mm256_movemask_ps(mask) as u32 }

        fn splat_i32(value: i32) -> __m256i { _mm256_set1_epi32(value) }
        fn round_to_i32(a: __m256) -> __m256i { _mm256_cvtps_epi32(a) }
        fn i32_to_f32(a: __m256i) -> __m256 { _mm256_cvtepi32_ps(a) }
        fn add_i32(a: __m256i, b: __m256i) -> __m256i { _mm256_add_epi32(a, b) }
        fn sub_i32(a: __m256i, b: __m256i) -> __m256i { _mm256_sub_epi32(a, b) }
        fn shl_i32<const N: u32>(a: __m256i) -> __m256i { _mm256_sll_epi32(a, _mm_cvtsi32_si128(N as i32)) }
        fn shr_i32<const N: u32>(a: __m256i) -> __m256i { _mm256_sra_epi32(a, _mm_cvtsi32_si128(N as i32)) }
        fn bits_to_f32(a: __m256i) -> __m256 { _mm256_castsi256_ps(a) }
        fn f32_to_bits(a: __m256) -> __m256i { _mm256_castps_si256(a) }
        fn lookup8(table: &[f32; 8], index: __m256i) -> __m256 {
            _mm256_permutevar8x32_ps(_mm256_loadu_ps(table.as_ptr()), index)
        }
        fn lookup16(table: &[f32; 16], index: __m256i) -> __m256 {
            let low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table.as_ptr()), index);
            let high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table.as_ptr().add(8)), index);
            // Bit 3 of the index, moved to the sign, picks the half.
            _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32::<28>(index)))
        }

        fn reduce_sum(a: __m256) -> f32 {
            let four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
        }
        fn reduce_max(a: __m256) -> f32 {
            let four = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)))
        }
    }
}
