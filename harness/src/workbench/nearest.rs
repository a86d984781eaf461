//! The nearest row of another matrix, by angle.

use kernels::{Accumulate, Exec, MatMut, MatRef, matmul};

/// The number of rows of the product that exist at a time.
const PIECE: usize = 64;

/// Returns for each row of `a` the index of the row of `b` with the largest cosine, of equal ones the first, and that
/// cosine. Both hold rows of norm 1, or 0, of `width` values. With `others`, `a` and `b` are the same, and a row does
/// not count for itself. The result is `None` for a row if there is no row to choose.
pub fn nearest(
    exec: Exec,
    a: &[f32],
    b: &[f32],
    width: usize,
    others: bool,
) -> Vec<Option<(usize, f32)>> {
    let b = MatRef::from_rows(b, width);
    let mut product = vec![0f32; PIECE * b.rows()];
    let mut found = Vec::with_capacity(a.len() / width);
    for rows in a.chunks(PIECE * width) {
        let rows = MatRef::from_rows(rows, width);
        let mut piece = MatMut::first(&mut product, rows.rows(), b.rows());
        matmul(exec, rows, b.t(), Accumulate::Replace, piece.reborrow());
        for i in 0..rows.rows() {
            let this = found.len();
            let mut best: Option<(usize, f32)> = None;
            for (j, &cosine) in piece.as_ref().row(i).iter().enumerate() {
                if (others && j == this) || best.is_some_and(|(_, most)| cosine <= most) {
                    continue;
                }
                best = Some((j, cosine));
            }
            found.push(best);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use kernels::Isa;

    use super::*;

    #[test]
    fn the_nearest_is_found_and_no_row_is_nearest_to_itself() {
        let exec = Exec::serial(Isa::detect());
        let a = [1.0, 0.0, 0.0, 1.0, 0.6, 0.8, 0.0, 1.0];
        let within: Vec<_> = nearest(exec, &a, &a, 2, true);
        assert_eq!(
            within.iter().map(|n| n.unwrap().0).collect::<Vec<_>>(),
            [2, 3, 1, 1]
        );
        assert!((within[0].unwrap().1 - 0.6).abs() < 1e-6);
        let other = nearest(exec, &a, &[-1.0, 0.0], 2, false);
        assert_eq!(other[0], Some((0, -1.0)));
        assert_eq!(nearest(exec, &a[..2], &a[..2], 2, true), [None]);
    }
}
