//! Sparse matrices, and input that is not one.

use kernels::SparseRef;

#[test]
fn malformed_matrices_are_refused() {
    let error = |starts: &[usize], columns: &[u32], values: &[f32]| {
        SparseRef::new(starts, columns, values, 3)
            .err()
            .unwrap()
            .to_string()
    };
    assert!(error(&[0, 1], &[3], &[1.0]).contains("column 3"));
    assert!(error(&[0, 2], &[0], &[1.0]).contains("row starts"));
    assert!(error(&[1, 1], &[0], &[1.0]).contains("row starts"));
    assert!(error(&[], &[], &[]).contains("row starts"));
    assert!(error(&[0, 1, 0, 1], &[0], &[1.0]).contains("row starts"));
    assert!(error(&[0, 1], &[0, 1], &[1.0]).contains("2 columns for 1 values"));
}
