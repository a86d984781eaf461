//! Dot products of bytes: sums of u8 × i8 in i32, with which a screen bounds pre-activations (see `sae/screen`).

use super::isa::Isa;
#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512};

/// The number of rows of a tile of sums.
pub(crate) const ROWS: usize = 8;
/// The number of columns of a tile of sums, and of a panel of weights.
pub(crate) const COLUMNS: usize = 32;
/// The number of products that are added to a lane of i32 at a time.
pub(crate) const DEPTH: usize = 4;

/// A tile of sums: those of [`ROWS`] rows and [`COLUMNS`] columns.
pub(crate) type Tile = [[i32; COLUMNS]; ROWS];

/// A way to multiply bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dot8 {
    /// AVX-512 VNNI: 64 products in one instruction.
    #[cfg(target_arch = "x86_64")]
    Vnni(Vnni),
    /// AVX2: 32 products in three instructions.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// Plain code, product after product: the reference that the tests compare the others with.
    Plain,
}

/// Proof that this CPU has AVX-512 VNNI beside what [`Avx512`] asks for.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vnni(());

#[cfg(target_arch = "x86_64")]
impl Vnni {
    fn new(_: Avx512) -> Option<Vnni> {
        std::arch::is_x86_feature_detected!("avx512vnni").then_some(Vnni(()))
    }
}

impl Dot8 {
    /// Returns the way of `isa` to multiply bytes, if it has one that is faster than products of f32.
    pub(crate) fn of(isa: Isa) -> Option<Dot8> {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512(isa) => Vnni::new(isa).map(Dot8::Vnni),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(isa) => Some(Dot8::Avx2(isa)),
            Isa::Portable(_) => None,
        }
    }

    /// Returns the largest magnitude that a weight may have. AVX2 adds two products in i16, which hold 2 · 255 · 64.
    pub(crate) fn largest_weight(self) -> f32 {
        match self {
            #[cfg(target_arch = "x86_64")]
            Dot8::Avx2(_) => 64.0,
            _ => 127.0,
        }
    }

    /// Writes to `sums` the product of [`ROWS`] rows of `x`, one behind the other, and a panel of [`COLUMNS`] columns
    /// of weights, in which [`DEPTH`] values of each column lie side by side. The sums are exact for rows of up to 2¹⁶
    /// values, and for weights up to [`largest_weight`](Self::largest_weight).
    ///
    /// # Panics
    /// If the panel is not of whole columns whose length is a multiple of [`DEPTH`], or `x` is not of [`ROWS`] rows of
    /// that length.
    #[inline]
    pub(crate) fn tile(self, x: &[u8], panel: &[i8], sums: &mut Tile) {
        let depth = panel.len() / COLUMNS;
        assert!(
            panel.len() == depth * COLUMNS
                && depth.is_multiple_of(DEPTH)
                && x.len() == ROWS * depth,
            "{} bytes of rows for a panel of {}",
            x.len(),
            panel.len()
        );
        if depth == 0 {
            *sums = [[0; COLUMNS]; ROWS];
            return;
        }
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the token proves that the CPU has the instructions.
            Dot8::Vnni(_) => unsafe { vnni(x, panel, sums) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the token proves that the CPU has the instructions.
            Dot8::Avx2(_) => unsafe { avx2(x, panel, sums) },
            Dot8::Plain => plain(x, panel, sums),
        }
    }
}

/// Computes the sums of a [tile](Dot8::tile) one after the other. The lengths were checked.
fn plain(x: &[u8], panel: &[i8], sums: &mut Tile) {
    let depth = panel.len() / COLUMNS;
    for (sums, x) in sums.iter_mut().zip(x.chunks_exact(depth)) {
        sums.fill(0);
        let quads = x
            .chunks_exact(DEPTH)
            .zip(panel.chunks_exact(DEPTH * COLUMNS));
        for (x, weights) in quads {
            for (sum, weights) in sums.iter_mut().zip(weights.chunks_exact(DEPTH)) {
                let products = x.iter().zip(weights);
                *sum += products
                    .map(|(&x, &w)| i32::from(x) * i32::from(w))
                    .sum::<i32>();
            }
        }
    }
}

/// Computes the sums of a [tile](Dot8::tile), a row and 16 columns to a vector. The lengths were checked.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn vnni(x: &[u8], panel: &[i8], sums: &mut Tile) {
    use std::arch::x86_64::*;
    let depth = panel.len() / COLUMNS;
    let mut lanes = [[_mm512_setzero_si512(); 2]; ROWS];
    for k in (0..depth).step_by(DEPTH) {
        // SAFETY: the panel has 32 columns of `depth` bytes, and x as many for each of the rows.
        unsafe {
            let weights = panel.as_ptr().add(k * COLUMNS).cast::<__m512i>();
            let (left, right) = (weights.read_unaligned(), weights.add(1).read_unaligned());
            #[allow(clippy::needless_range_loop)]
            for i in 0..ROWS {
                let x = x.as_ptr().add(i * depth + k).cast::<i32>().read_unaligned();
                let x = _mm512_set1_epi32(x);
                lanes[i][0] = _mm512_dpbusd_epi32(lanes[i][0], x, left);
                lanes[i][1] = _mm512_dpbusd_epi32(lanes[i][1], x, right);
            }
        }
    }
    for (sums, lanes) in sums.iter_mut().zip(lanes) {
        for (sums, lanes) in sums.chunks_exact_mut(16).zip(lanes) {
            // SAFETY: there is room for 16 sums.
            unsafe { _mm512_storeu_si512(sums.as_mut_ptr().cast(), lanes) }
        }
    }
}

/// Computes the sums of a [tile](Dot8::tile), four rows and 16 columns at a time. The lengths were checked.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(x: &[u8], panel: &[i8], sums: &mut Tile) {
    use std::arch::x86_64::*;
    /// The number of rows whose sums of 16 columns are in registers at a time.
    const TOGETHER: usize = 4;
    let depth = panel.len() / COLUMNS;
    let ones = _mm256_set1_epi16(1);
    for (sums, x) in sums
        .chunks_exact_mut(TOGETHER)
        .zip(x.chunks_exact(TOGETHER * depth))
    {
        for half in 0..2 {
            let mut lanes = [[_mm256_setzero_si256(); 2]; TOGETHER];
            for k in (0..depth).step_by(DEPTH) {
                // SAFETY: the panel has 32 columns of `depth` bytes, and x as many for each of the rows.
                unsafe {
                    let weights = panel.as_ptr().add(k * COLUMNS).cast::<__m256i>();
                    let weights = weights.add(2 * half);
                    let (left, right) = (weights.read_unaligned(), weights.add(1).read_unaligned());
                    #[allow(clippy::needless_range_loop)]
                    for i in 0..TOGETHER {
                        let x = x.as_ptr().add(i * depth + k).cast::<i32>().read_unaligned();
                        let x = _mm256_set1_epi32(x);
                        for (lanes, weights) in lanes[i].iter_mut().zip([left, right]) {
                            let pairs = _mm256_maddubs_epi16(x, weights);
                            *lanes = _mm256_add_epi32(*lanes, _mm256_madd_epi16(pairs, ones));
                        }
                    }
                }
            }
            for (sums, lanes) in sums.iter_mut().zip(lanes) {
                let sums = sums[half * 16..].chunks_exact_mut(8);
                for (sums, lanes) in sums.zip(lanes) {
                    // SAFETY: there is room for 8 sums.
                    unsafe { _mm256_storeu_si256(sums.as_mut_ptr().cast(), lanes) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_gives_the_exact_sums() {
        let ways = Isa::available().into_iter().filter_map(Dot8::of);
        for dot in ways {
            for depth in [0, 4, 8, 12, 64, 516, 65_536] {
                let largest = dot.largest_weight() as i32;
                let byte = |i: usize| (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
                for extreme in [false, true] {
                    let x: Vec<u8> = (0..ROWS * depth)
                        .map(|i| if extreme { 255 } else { byte(i) as u8 })
                        .collect();
                    let weight = |i: usize| {
                        let signed = (byte(i + 7) % (2 * largest as u64 + 1)) as i32 - largest;
                        // The same sign everywhere, and the largest magnitude.
                        if extreme {
                            -largest as i8
                        } else {
                            signed as i8
                        }
                    };
                    let panel: Vec<i8> = (0..COLUMNS * depth).map(weight).collect();
                    let [mut sums, mut expected] = [[[1; COLUMNS]; ROWS]; 2];
                    dot.tile(&x, &panel, &mut sums);
                    Dot8::Plain.tile(&x, &panel, &mut expected);
                    assert_eq!(sums, expected, "{dot:?}, depth {depth}");
                }
            }
        }
    }
}
