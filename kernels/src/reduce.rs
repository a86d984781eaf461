//! Sums over the rows of a matrix: the gradient of a bias.

use crate::elementwise::{Add, zip_in_place};
use crate::profile::{self, Part, Work};
use crate::simd::{Op, Simd};
use crate::{Exec, MatRef};

/// `sums[j]` = Σᵢ `m[i, j]`, row after row; `m` has contiguous rows. The error is at most γ_m of the sum of
/// the sizes, for m rows.
///
/// # Panics
/// If there are not as many sums as columns.
#[track_caller]
pub fn column_sums(exec: Exec, m: MatRef, sums: &mut [f32]) {
    assert_eq!(
        sums.len(),
        m.cols(),
        "{} sums for {} columns",
        sums.len(),
        m.cols()
    );
    struct Sums<'a>(MatRef<'a>, &'a mut [f32]);
    impl Op for Sums<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            let Sums(m, sums) = self;
            sums.fill(0.0);
            for i in 0..m.rows() {
                zip_in_place(s, Add, sums, m.row(i));
            }
        }
    }
    let (rows, cols) = (m.rows(), m.cols());
    let work = || Work::new(rows * cols, (rows + 1) * cols);
    let _span = profile::timed(Part::Sums, work);
    exec.isa().dispatch(Sums(m, sums))
}
