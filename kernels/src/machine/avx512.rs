//! The backend for AVX-512 (F, VL, DQ, BW): 16 lanes, with masks for partial vectors.

use std::arch::x86_64::*;

use super::f32x4::F32x4;
use super::x86::x86_backend;
use wide::bytemuck::cast;

/// Returns the mask of the first `n` lanes, at most 16.
#[inline(always)]
fn first(n: usize) -> __mmask16 {
    if n >= 16 { !0 } else { (1 << n) - 1 }
}

x86_backend! {
    /// Proof that this CPU has AVX-512 F, VL, DQ and BW, and with them AVX2 and FMA.
    Avx512, lanes 16, tile 8 x 2, features ["avx512f" "avx512vl" "avx512dq" "avx512bw" "avx2" "fma"],
    f32 __m512, i32 __m512i, mask __mmask16,

    tile {
        fn spread(values: [f32; 4]) -> __m512 {
            let each = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
            _mm512_permutevar_ps(_mm512_broadcast_f32x4(_mm_loadu_ps(values.as_ptr())), each)
        }
        fn repeat(values: [f32; 4]) -> __m512 { _mm512_broadcast_f32x4(_mm_loadu_ps(values.as_ptr())) }
        fn join_quads(values: [[f32; 4]; 4]) -> __m512 {
            let [a, b, c, d] = values.map(|quad| _mm_loadu_ps(quad.as_ptr()));
            let ab = _mm512_insertf32x4::<1>(_mm512_castps128_ps512(a), b);
            _mm512_insertf32x4::<3>(_mm512_insertf32x4::<2>(ab, c), d)
        }
        fn transpose_quads(rows: [__m512; 4]) -> [__m512; 4] {
            let [a, b, c, d] = rows;
            let (ab, ab_high) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
            let (cd, cd_high) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
            [
                _mm512_shuffle_ps::<0x44>(ab, cd),
                _mm512_shuffle_ps::<0xee>(ab, cd),
                _mm512_shuffle_ps::<0x44>(ab_high, cd_high),
                _mm512_shuffle_ps::<0xee>(ab_high, cd_high),
            ]
        }
        fn quad(a: __m512, i: usize) -> F32x4 {
            F32x4(cast(match i {
                0 => _mm512_castps512_ps128(a),
                1 => _mm512_extractf32x4_ps::<1>(a),
                2 => _mm512_extractf32x4_ps::<2>(a),
                _ => _mm512_extractf32x4_ps::<3>(a),
            }))
        }
    }
    simd {
        fn splat(value: f32) -> __m512 { _mm512_set1_ps(value) }
        fn load_partial(from: &[f32]) -> __m512 { _mm512_maskz_loadu_ps(first(from.len()), from.as_ptr()) }
        fn store_partial(v: __m512, to: &mut [f32]) -> () { _mm512_mask_storeu_ps(to.as_mut_ptr(), first(to.len()), v) }

        fn add(a: __m512, b: __m512) -> __m512 { _mm512_add_ps(a, b) }
        fn sub(a: __m512, b: __m512) -> __m512 { _mm512_sub_ps(a, b) }
        fn mul(a: __m512, b: __m512) -> __m512 { _mm512_mul_ps(a, b) }
        fn div(a: __m512, b: __m512) -> __m512 { _mm512_div_ps(a, b) }
        fn mul_add(a: __m512, b: __m512, c: __m512) -> __m512 { _mm512_fmadd_ps(a, b, c) }
        fn neg_mul_add(a: __m512, b: __m512, c: __m512) -> __m512 { _mm512_fnmadd_ps(a, b, c) }
        fn min(a: __m512, b: __m512) -> __m512 { _mm512_min_ps(a, b) }
        fn max(a: __m512, b: __m512) -> __m512 { _mm512_max_ps(a, b) }
        fn abs(a: __m512) -> __m512 { _mm512_abs_ps(a) }
        fn neg(a: __m512) -> __m512 { _mm512_xor_ps(a, _mm512_set1_ps(-0.0)) }
        fn sqrt(a: __m512) -> __m512 { _mm512_sqrt_ps(a) }
        fn copysign(a: __m512, sign: __m512) -> __m512 {
            _mm512_castsi512_ps(_mm512_ternarylogic_epi32::<0xd8>(
                _mm512_castps_si512(a),
                _mm512_castps_si512(sign),
                _mm512_set1_epi32(i32::MIN),
            ))
        }

        fn lt(a: __m512, b: __m512) -> __mmask16 { _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b) }
        fn le(a: __m512, b: __m512) -> __mmask16 { _mm512_cmp_ps_mask::<_CMP_LE_OQ>(a, b) }
        fn select(mask: __mmask16, yes: __m512, no: __m512) -> __m512 { _mm512_mask_blend_ps(mask, no, yes) }
        fn bits(mask: __mmask16) -> u32 { u32::from(mask) }

        fn splat_i32(value: i32) -> __m512i { _mm512_set1_epi32(value) }
        fn round_to_i32(a: __m512) -> __m512i { _mm512_cvtps_epi32(a) }
        fn i32_to_f32(a: __m512i) -> __m512 { _mm512_cvtepi32_ps(a) }
        fn add_i32(a: __m512i, b: __m512i) -> __m512i { _mm512_add_epi32(a, b) }
        fn sub_i32(a: __m512i, b: __m512i) -> __m512i { _mm512_sub_epi32(a, b) }
        fn shl_i32<const N: u32>(a: __m512i) -> __m512i { _mm512_slli_epi32::<N>(a) }
        fn shr_i32<const N: u32>(a: __m512i) -> __m512i { _mm512_srai_epi32::<N>(a) }
        fn bits_to_f32(a: __m512i) -> __m512 { _mm512_castsi512_ps(a) }
        fn f32_to_bits(a: __m512) -> __m512i { _mm512_castps_si512(a) }
        fn lookup8(table: &[f32; 8], index: __m512i) -> __m512 {
            // The register holds the table twice, so that bit 3 of the index does not matter.
            let half = _mm512_castps256_ps512(_mm256_loadu_ps(table.as_ptr()));
            _mm512_permutexvar_ps(index, _mm512_shuffle_f32x4::<0x44>(half, half))
        }
        fn lookup16(table: &[f32; 16], index: __m512i) -> __m512 {
            _mm512_permutexvar_ps(index, _mm512_loadu_ps(table.as_ptr()))
        }

        fn reduce_sum(a: __m512) -> f32 { _mm512_reduce_add_ps(a) }
        fn reduce_max(a: __m512) -> f32 { _mm512_reduce_max_ps(a) }
    }
}
