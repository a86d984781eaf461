//! The input layer as gather and scatter-add, to the bit.

use kernels::{Exec, Isa, MatMut, MatRef, embedding};
use proptest::prelude::*;
use proptests::{config, each_isa, panic_message, stream};

each_isa!(gathers_and_adds_two_rows);
/// The forward pass adds two rows, with one sum an element, so there is one right answer.
fn gathers_and_adds_two_rows(isa: Isa) {
    proptest!(config(256), |(
        first_rows in 1..7usize,
        second_rows in 1..7usize,
        cols in 0..40usize,
        batch in 0..20usize,
        gap in 0..3usize,
        seed: u64,
    )| {
        let mut next = stream(seed);
        let first: Vec<f32> = (0..first_rows * cols).map(|_| next()).collect();
        let second: Vec<f32> = (0..second_rows * cols).map(|_| next()).collect();
        let pairs = pairs(batch, first_rows, second_rows, seed);
        let exec = Exec::serial(isa);
        let mut out = vec![f32::NAN; batch * (cols + gap)];
        embedding::forward(
            exec,
            MatRef::new(&first, first_rows, cols).unwrap(),
            MatRef::new(&second, second_rows, cols).unwrap(),
            &pairs,
            MatMut::with_stride(&mut out, batch, cols, cols + gap).unwrap(),
        );
        for (b, [i, j]) in pairs.iter().map(|pair| pair.map(|i| i as usize)).enumerate() {
            let row = &out[b * (cols + gap)..][..cols + gap];
            for c in 0..cols {
                prop_assert_eq!(row[c], first[i * cols + c] + second[j * cols + c]);
            }
            prop_assert!(row[cols..].iter().all(|x| x.is_nan()), "wrote between the rows");
        }
    });
}

each_isa!(scatters_and_adds_in_order);
/// The backward pass adds the gradients of pairs that share an index in the order of the pairs.
fn scatters_and_adds_in_order(isa: Isa) {
    proptest!(config(256), |(
        first_rows in 1..5usize,
        second_rows in 1..5usize,
        cols in 0..40usize,
        batch in 0..30usize,
        seed: u64,
    )| {
        let mut next = stream(seed);
        let d_out: Vec<f32> = (0..batch * cols).map(|_| next()).collect();
        let before = [first_rows, second_rows].map(|rows| (0..rows * cols).map(|_| next()).collect::<Vec<f32>>());
        let pairs = pairs(batch, first_rows, second_rows, seed);
        let mut want = before.clone();
        for (b, pair) in pairs.iter().enumerate() {
            for (side, &i) in pair.iter().enumerate() {
                for c in 0..cols {
                    want[side][i as usize * cols + c] += d_out[b * cols + c];
                }
            }
        }
        let exec = Exec::serial(isa);
        let [mut first, mut second] = before.clone();
            embedding::backward_add(
            exec,
            MatRef::new(&d_out, batch, cols).unwrap(),
            &pairs,
            MatMut::new(&mut first, first_rows, cols).unwrap(),
            MatMut::new(&mut second, second_rows, cols).unwrap(),
        );
        prop_assert_eq!(&[first, second], &want);
    });
}

/// Returns pairs of which many share an index.
fn pairs(batch: usize, first_rows: usize, second_rows: usize, seed: u64) -> Vec<[u32; 2]> {
    let mut next = stream(seed ^ 1);
    let mut below = |n: usize| ((next() + 1.0) / 2.0 * n as f32) as u32 % n as u32;
    (0..batch)
        .map(|_| [below(first_rows), below(second_rows)])
        .collect()
}

each_isa!(what_does_not_fit_is_named);
fn what_does_not_fit_is_named(isa: Isa) {
    let exec = Exec::serial(isa);
    let values = [0.0; 60];
    let matrix = |rows, cols| MatRef::first(&values, rows, cols);
    let forward = |first, second, pairs: &[[u32; 2]], cols: usize| {
        panic_message(|| {
            let mut out = vec![0.0; 2 * cols];
            let out = MatMut::new(&mut out, 2, cols).unwrap();
            embedding::forward(exec, first, second, pairs, out);
        })
    };
    let backward = |pairs: &[[u32; 2]], cols| {
        panic_message(|| {
            let (mut first, mut second) = (vec![0.0; 12], vec![0.0; 15]);
            embedding::backward_add(
                exec,
                matrix(2, cols),
                pairs,
                MatMut::new(&mut first, 4, 3).unwrap(),
                MatMut::new(&mut second, 5, 3).unwrap(),
            );
        })
    };
    for (pair, what) in [
        ([4, 0], "pair 1, (4, 0), reaches beyond"),
        ([0, 5], "pair 1, (0, 5), reaches beyond"),
        ([u32::MAX, 0], "pair 1, (4294967295, 0), reaches beyond"),
    ] {
        let pairs = [[3, 4], pair];
        for message in [
            forward(matrix(4, 3), matrix(5, 3), &pairs, 3),
            backward(&pairs, 3),
        ] {
            assert!(message.starts_with(what), "{message}");
            assert!(message.ends_with("4 and 5 rows"), "{message}");
        }
    }
    let two = [[0, 0]; 2];
    for (message, what) in [
        (
            forward(matrix(4, 3), matrix(5, 3), &[[0, 0]], 3),
            "1 pairs for 2 rows",
        ),
        (
            forward(matrix(4, 3), matrix(5, 2), &two, 3),
            "3 and 2 values for 3",
        ),
        (backward(&[[0, 0]], 3), "1 pairs for 2 rows"),
        (backward(&two, 4), "3 and 3 values for 4"),
    ] {
        assert!(message.contains(what), "{message}");
    }
}
