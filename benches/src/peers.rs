//! The matrix products and functions of other libraries, and the Python whose packages are compared.

pub mod blas;
pub mod libm;
mod library;

use kernels::{MatMut, MatRef};

/// Computes C ← A·B or, if `add`, C ← C + A·B by `faer`, for operands with contiguous rows or columns.
pub fn faer_product(threads: usize, mut c: MatMut, add: bool, a: MatRef, b: MatRef) {
    fn row_major(m: MatRef<'_>) -> faer::MatRef<'_, f32> {
        let (rows, cols) = (m.rows(), m.cols());
        faer::MatRef::from_row_major_slice_with_stride(m.data(), rows, cols, m.row_stride())
    }
    fn view(m: MatRef<'_>) -> faer::MatRef<'_, f32> {
        match m.col_stride() {
            1 => row_major(m),
            _ => row_major(m.t()).transpose(),
        }
    }
    let (rows, cols, stride) = (c.rows(), c.cols(), c.row_stride() as isize);
    // SAFETY: the view vouches for so many rows and columns in its slice, which is borrowed for as long.
    let c = unsafe {
        faer::MatMut::from_raw_parts_mut(c.data_mut().as_mut_ptr(), rows, cols, stride, 1)
    };
    let accumulate = if add {
        faer::Accum::Add
    } else {
        faer::Accum::Replace
    };
    let parallelism = match threads {
        1 => faer::Par::Seq,
        _ => faer::Par::rayon(threads),
    };
    faer::linalg::matmul::matmul(c, accumulate, view(a), view(b), 1.0, parallelism);
}

/// Computes C ← A·B or, if `add`, C ← C + A·B by three plain loops, without a library.
pub fn naive_product(mut c: MatMut, add: bool, a: MatRef, b: MatRef) {
    for i in 0..c.rows() {
        let c = c.row_mut(i);
        if !add {
            c.fill(0.0);
        }
        for p in 0..a.cols() {
            let value = a.at(i, p);
            for (j, c) in c.iter_mut().enumerate() {
                *c += value * b.at(p, j);
            }
        }
    }
}

/// Computes C ← A·B by `matrixmultiply`, on one thread.
///
/// # Panics
/// If the shapes do not fit.
pub fn matrixmultiply_product(mut c: MatMut, a: MatRef, b: MatRef) {
    let (m, k, n) = (a.rows(), a.cols(), b.cols());
    assert!(c.rows() == m && c.cols() == n && b.rows() == k);
    let strides = |m: MatRef| (m.row_stride() as isize, m.col_stride() as isize);
    let ((rsa, csa), (rsb, csb)) = (strides(a), strides(b));
    let rsc = c.row_stride() as isize;
    let c = c.data_mut().as_mut_ptr();
    // SAFETY: the views vouch for their matrices, and the shapes fit.
    unsafe {
        let (a, b) = (a.data().as_ptr(), b.data().as_ptr());
        matrixmultiply::sgemm(m, k, n, 1.0, a, rsa, csa, b, rsb, csb, 0.0, c, rsc, 1);
    }
}

/// Returns the Python whose packages are compared: `$PYTHON`, else `python3`.
pub fn python() -> String {
    std::env::var("PYTHON").unwrap_or("python3".into())
}
