//! Sums over the rows of a matrix, with which the gradient of a bias is computed.
//!
//! ```
//! use kernels::{Exec, MatRef, reduce};
//!
//! let d_y = [1.0, 2.0, 3.0, 4.0]; // two samples, one a row
//! let mut d_bias = [0.0; 2];
//! reduce::column_sums(Exec::default(), MatRef::from_rows(&d_y, 2), &mut d_bias);
//! assert_eq!(d_bias, [4.0, 6.0]);
//! ```

use crate::function::elementwise::{Add, zip_in_place};
use crate::machine::exec::Exec;
use crate::machine::profile::{self, Part, Work};
use crate::machine::simd::{Op, Simd};
use crate::matrix::view::MatRef;

/// The number of rows that are added before a sum is written back: with one row at a time, each sum of a narrow matrix
/// would wait for its own last write.
const TOGETHER: usize = 8;

/// Computes `sums[j]` = Σᵢ `m[i, j]`, row after row; `m` has contiguous rows. The error is at most γ_B·Σᵢ |`m[i, j]`|
/// for B rows, with γ_B = B·u / (1 − B·u) and u = 2⁻²⁴.
///
/// # Panics
/// If there are not as many sums as columns, or rows of `m` are not contiguous.
#[track_caller]
pub fn column_sums(exec: Exec, m: MatRef, sums: &mut [f32]) {
    assert_eq!(
        sums.len(),
        m.cols(),
        "{} sums for {} columns",
        sums.len(),
        m.cols()
    );
    m.assert_contiguous_rows();
    struct Sums<'a>(MatRef<'a>, &'a mut [f32]);
    impl Op for Sums<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            let Sums(m, sums) = self;
            sums.fill(0.0);
            add_rows(s, m, sums);
        }
    }
    let (rows, cols) = (m.rows(), m.cols());
    let work = || Work::new(rows * cols, (rows + 1) * cols);
    let _span = profile::timed(Part::Sums, work);
    exec.isa().dispatch(Sums(m, sums))
}

/// Adds all rows of `m` to `sums`, row after row.
#[inline(always)]
pub(crate) fn add_rows<S: Simd>(s: S, m: MatRef, sums: &mut [f32]) {
    let whole = m.rows() - m.rows() % TOGETHER;
    for i in (0..whole).step_by(TOGETHER) {
        let rows: [&[f32]; TOGETHER] = std::array::from_fn(|r| m.row(i + r));
        for (j, sums) in sums.chunks_mut(S::LANES).enumerate() {
            let mut sum = s.load_partial(sums);
            for row in rows {
                let row = &row[j * S::LANES..][..sums.len()];
                // The hardware prefetcher does not follow so many rows at once.
                s.prefetch_ahead(row, TOGETHER * m.row_stride());
                sum = s.add(sum, s.load_partial(row));
            }
            s.store_partial(sum, sums);
        }
    }
    for i in whole..m.rows() {
        zip_in_place(s, Add, sums, m.row(i));
    }
}
