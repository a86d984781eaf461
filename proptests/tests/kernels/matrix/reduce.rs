//! Sums over the rows of a matrix are exact to the bit.

use kernels::{Exec, Isa, MatRef, reduce};
use proptest::prelude::*;
use proptests::{config, each_isa, panic_message, stream};

each_isa!(column_sums_add_in_order);
/// Sums add row after row, beginning with 0.
fn column_sums_add_in_order(isa: Isa) {
    proptest!(config(256), |(rows in 0..30usize, cols in 0..70usize, gap in 0..3usize, seed: u64)| {
        let mut next = stream(seed);
        let m: Vec<f32> = (0..rows * (cols + gap)).map(|_| next()).collect();
        let want: Vec<f32> = (0..cols)
            .map(|c| (0..rows).fold(0.0, |sum, i| sum + m[i * (cols + gap) + c]))
            .collect();
        let exec = Exec::serial(isa);
        let mut sums = vec![f32::NAN; cols];
        let m = MatRef::with_strides(&m, rows, cols, cols + gap, 1).unwrap();
        reduce::column_sums(exec, m, &mut sums);
        prop_assert_eq!(&sums, &want);
    });
}

each_isa!(what_does_not_fit_is_named);
fn what_does_not_fit_is_named(isa: Isa) {
    let m = MatRef::new(&[0.0; 6], 2, 3).unwrap();
    let message = panic_message(|| reduce::column_sums(Exec::serial(isa), m, &mut [0.0; 4]));
    assert!(message.contains("4 sums for 3 columns"), "{message}");
}
