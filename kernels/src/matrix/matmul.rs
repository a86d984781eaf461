//! The matrix product, C ← A·B or C ← C + A·B.
//!
//! One product serves every transpose: A and B have general strides. B is copied into *panels* as wide as the tile
//! (`pack`), unless it is small enough to stay in cache as it is; a transposed A is copied by the first tile that reads
//! it, and with SSE2 the values of every strip of A are spread over vectors beforehand (`pack_a`); any other A is read
//! in place. `blocking` holds all sizes and decides how B is read.
//!
//! The loops, from the outside in, as marked in `loops`:
//!
//! 1. The rows of C are cut into chunks, which go to the threads.
//! 2. A chunk runs over k in blocks of `KC`.
//! 3. A block of k runs over the columns in blocks of `NC`, which it packs just before use where threads do not share a
//!    packed B.
//! 4. A block of columns runs over the strips of `MR` rows of the chunk.
//! 5. A strip runs over the panels of the block: one *tile* of C for each, held in registers (`micro`), and a few
//!    columns at the right border (`quad`).
//!
//! When a strip has seen all of k, the [`Epilogue`] passes over it while it is in cache: bias, activation, their
//! derivatives.
//!
//! Every element of C is summed over k in the same order whatever the chunks, so results do not depend on the number of
//! threads.
//!
//! The scheme is that of Goto and van de Geijn, *Anatomy of High-Performance Matrix
//! Multiplication* (2008), except that A is packed only in the two cases above.

mod blocking;
mod epilogue;
mod loops;
mod micro;
mod pack;
mod pack_a;
mod quad;
mod single;
mod streamed;
mod transpose;

use crate::machine::exec::Exec;
use crate::machine::profile::{self, Part, Work};
use crate::matrix::view::{MatMut, MatRef};

pub use epilogue::{ActivationBackward, Bias, BiasActivation, Epilogue, Map, Residual};
pub use loops::Accumulate;
use loops::Product;
pub(crate) use single::{has_single_products, single_products};
pub(crate) use streamed::{Sink, matmul_into};

/// Computes C ← A·B or C ← C + A·B, for A of m×k, B of k×n and C of m×n.
///
/// With k = 0 the product is zero, so that [`Accumulate::Add`] leaves C as it is. The error of an element is at most
/// γ_k·(|A|·|B|) where C is replaced and γ_{k+1}·(|C| + |A|·|B|) where it is added to, with γ_n = n·u / (1 − n·u) and
/// u = 2⁻²⁴, unless something leaves the range of f32 (Higham, *Accuracy and Stability of Numerical Algorithms*, §3.5).
/// NaN and infinities follow IEEE 754.
///
/// ```
/// use kernels::{Accumulate, Exec, MatMut, MatRef, matmul};
///
/// let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]; // 2×3
/// let mut c = [0.0; 4];
/// let a = MatRef::new(&a, 2, 3)?;
/// matmul(
///     Exec::default(),
///     a,
///     a.t(),
///     Accumulate::Replace,
///     MatMut::new(&mut c, 2, 2)?,
/// );
/// assert_eq!(c, [14.0, 32.0, 32.0, 77.0]);
/// # Ok::<(), kernels::ShapeError>(())
/// ```
///
/// # Panics
/// If the shapes do not match, before anything is written.
#[track_caller]
pub fn matmul(exec: Exec, a: MatRef, b: MatRef, accumulate: Accumulate, c: MatMut) {
    matmul_with(exec, a, b, (), accumulate, c);
}

/// Computes the product as [`matmul`] does, then applies `epilogue` to each row of C while it is in cache.
///
/// # Panics
/// If the shapes do not match, those of the epilogue included, before anything is written.
#[track_caller]
pub fn matmul_with<E: Epilogue>(
    exec: Exec,
    a: MatRef,
    b: MatRef,
    epilogue: E,
    accumulate: Accumulate,
    c: MatMut,
) {
    assert!(
        a.rows() == c.rows() && b.cols() == c.cols() && a.cols() == b.rows(),
        "a product of {}×{} by {}×{} does not fit {}×{}",
        a.rows(),
        a.cols(),
        b.rows(),
        b.cols(),
        c.rows(),
        c.cols()
    );
    epilogue.check(c.rows(), c.cols());
    if c.rows() == 0 || c.cols() == 0 {
        return;
    }
    let (m, n, k) = (c.rows(), c.cols(), a.cols());
    profile::call(Part::Product, || Work::product(m, n, k));
    exec.isa().with_tile(Product {
        exec,
        c,
        accumulate,
        a,
        b,
        epilogue,
    });
}
