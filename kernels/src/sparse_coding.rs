//! Sparse coding: for a sample x and a dictionary D (n×d, rows are atoms), a code c ≥ 0 of few non-zeros with
//! x ≈ Dᵀc.
//!
//! | | |
//! | --- | --- |
//! | [`Lasso`] | ‖x − Dᵀc‖² + λ Σ wⱼcⱼ by ISTA or FISTA, with a duality gap |
//! | [`omp`] | orthogonal matching pursuit: atom by atom, all magnitudes refitted |
//! | [`gradient_pursuit`] | matching pursuit with a gradient step in place of the refit |
//! | [`gradient_step`] | one gradient step of the magnitudes on the support of a code |
//! | [`nnls`] | the best magnitudes on the support of a code |
//!
//! The squared error is summed over dimensions, without ½ and without a mean: with one atom of norm 1, a sample that is
//! g times the atom has the code max(0, g − λ/2).
//!
//! Samples are the rows of x (B×d), and their codes are the rows of a dense B×n matrix. Samples are independent of each
//! other: threads take them in chunks of 64 rows, and results depend neither on chunks nor on the number of threads.
//!
//! Every method is accurate for atoms whose norms lie between 10⁻³⁰ and 10³⁰ and samples of any size, as far as f32
//! holds the code; [`nnls`] is for any atoms, and a [`Lasso`] in the range that it states. The code of a sample that
//! holds a NaN or an infinity is NaN, on its support where that is given, and so are all codes by a dictionary that
//! holds one. Without samples there are no codes, and nothing is done.
//!
//! Memory beyond the operands is some 64·(n + d) values for each thread, or 64·(2n + d) for the certificates of a
//! [`Lasso`], which has n² values of its own.
//!
//! ```
//! use kernels::sparse_coding::{Pursuit, omp};
//! use kernels::{Exec, MatMut, MatRef};
//!
//! let atoms = [1.0, 0.0, 0.0, 1.0, 0.6, 0.8]; // three atoms in the plane
//! let x = [3.0, 4.0];
//! let mut code = [0.0; 3];
//! omp(
//!     Exec::default(),
//!     MatRef::from_rows(&atoms, 2),
//!     MatRef::from_rows(&x, 2),
//!     Pursuit { atoms: 2, tolerance: 1e-9 },
//!     MatMut::from_rows(&mut code, 3),
//! );
//! assert!(code[0] == 0.0 && code[1] == 0.0 && (code[2] - 5.0).abs() < 1e-5);
//! ```

mod gradient_pursuit;
mod ista;
mod lasso;
mod nnls;
mod operands;
mod pursuit;

pub use gradient_pursuit::{gradient_pursuit, gradient_step};
pub use lasso::{Certificate, Lasso, Stop};
pub use nnls::nnls;
pub use pursuit::{Pursuit, omp};
