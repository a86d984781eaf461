//! The matrix product against a naive one in f64.

mod epilogue;

use kernels::{Accumulate, Bias, Exec, Isa, MatMut, MatRef, matmul, matmul_with};
use proptest::prelude::*;
use proptests::bounded::gamma;
use proptests::{config, each_isa, pool, stream};

/// An operand: its values and its layout in memory.
#[derive(Clone, Debug)]
struct Operand {
    data: Vec<f32>,
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl Operand {
    fn view(&self) -> MatRef<'_> {
        MatRef::with_strides(
            &self.data,
            self.rows,
            self.cols,
            self.row_stride,
            self.col_stride,
        )
        .unwrap()
    }
}

/// The layout of an operand in memory: row-major, column-major or neither, with or without gaps.
#[derive(Clone, Copy, Debug)]
enum Layout {
    RowMajor(usize),
    ColumnMajor(usize),
    Spread,
}

fn layout() -> impl Strategy<Value = Layout> {
    prop_oneof![
        (0..5usize).prop_map(Layout::RowMajor),
        (0..5usize).prop_map(Layout::ColumnMajor),
        Just(Layout::Spread),
    ]
}

/// Makes an operand whose values between the rows and columns are NaN.
fn operand(rows: usize, cols: usize, layout: Layout, mut value: impl FnMut() -> f32) -> Operand {
    let (row_stride, col_stride) = match layout {
        Layout::RowMajor(gap) => (cols + gap, 1),
        Layout::ColumnMajor(gap) => (1, rows + gap),
        Layout::Spread => (2 * cols + 1, 2),
    };
    let len = if rows * cols == 0 {
        0
    } else {
        (rows - 1) * row_stride + (cols - 1) * col_stride + 1
    };
    let mut data = vec![f32::NAN; len];
    for i in 0..rows {
        for j in 0..cols {
            data[i * row_stride + j * col_stride] = value();
        }
    }
    Operand {
        data,
        rows,
        cols,
        row_stride,
        col_stride,
    }
}

/// Returns A·B and |A|·|B|, naively in f64.
fn naive_product(a: &Operand, b: &Operand) -> (Vec<f64>, Vec<f64>) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    let (mut sums, mut sizes) = (vec![0.0; m * n], vec![0.0; m * n]);
    let b: Vec<f64> = (0..k * n)
        .map(|at| f64::from(b.view().at(at / n, at % n)))
        .collect();
    for i in 0..m {
        let (sums, sizes) = (&mut sums[i * n..][..n], &mut sizes[i * n..][..n]);
        for p in 0..k {
            let a = f64::from(a.view().at(i, p));
            for ((sum, size), b) in sums.iter_mut().zip(&mut *sizes).zip(&b[p * n..][..n]) {
                let term = a * b;
                *sum += term;
                *size += term.abs();
            }
        }
    }
    (sums, sizes)
}

/// Options of a product: whether it is added to C, whether a bias is added to it, and how far apart the rows of C are.
struct Extras {
    add: bool,
    bias: bool,
    gap: usize,
    seed: u64,
}

/// Checks C ← [C +] A·B [+ bias] within γ of the f64 product, and that nothing else was written.
fn check(isa: Isa, a: &Operand, b: &Operand, (sums, sizes): &(Vec<f64>, Vec<f64>), extras: Extras) {
    let Extras {
        add,
        bias,
        gap,
        seed,
    } = extras;
    let (m, k, n) = (a.rows, a.cols, b.cols);
    let mut next = stream(seed);
    let before: Vec<f32> = (0..m * n).map(|_| next()).collect();
    let bias: Option<Vec<f32>> = bias.then(|| (0..n).map(|_| next()).collect());
    let stride = n + gap;
    let mut c = vec![f32::NAN; m * stride];
    if add {
        for i in 0..m {
            c[i * stride..][..n].copy_from_slice(&before[i * n..][..n]);
        }
    }
    let accumulate = if add {
        Accumulate::Add
    } else {
        Accumulate::Replace
    };
    let exec = Exec::serial(isa);
    let view = MatMut::with_stride(&mut c, m, n, stride).unwrap();
    match &bias {
        Some(bias) => matmul_with(exec, a.view(), b.view(), Bias(bias), accumulate, view),
        None => matmul(exec, a.view(), b.view(), accumulate, view),
    }
    // There are two more terms: the value that was there, and the bias.
    let gamma = gamma(k + 2);
    for i in 0..m {
        for j in 0..stride {
            let got = c[i * stride + j];
            if j >= n {
                assert!(got.is_nan(), "wrote between the rows, at ({i}, {j})");
                continue;
            }
            let (mut sum, mut size) = (sums[i * n + j], sizes[i * n + j]);
            let before = add.then(|| before[i * n + j]);
            for extra in before.into_iter().chain(bias.as_ref().map(|bias| bias[j])) {
                sum += f64::from(extra);
                size += f64::from(extra).abs();
            }
            let error = (f64::from(got) - sum).abs();
            assert!(
                error <= gamma * size,
                "({i}, {j}) of {m}×{k}×{n}: {got} for {sum}, error {error:e} > {:e}",
                gamma * size
            );
        }
    }
}

each_isa!(matches_the_naive_product);
fn matches_the_naive_product(isa: Isa) {
    proptest!(config(300), |(
        m in 0..70usize,
        k in 0..70usize,
        n in 0..150usize,
        la in layout(),
        lb in layout(),
        add: bool,
        bias: bool,
        gap in 0..4usize,
        seed: u64,
    )| {
        let mut next = stream(seed);
        let a = operand(m, k, la, &mut next);
        let b = operand(k, n, lb, &mut next);
        let extras = Extras { add, bias, gap, seed: seed ^ 1 };
        check(isa, &a, &b, &naive_product(&a, &b), extras);
    });
}

each_isa!(where_operands_lie_does_not_change_the_bits);
fn where_operands_lie_does_not_change_the_bits(isa: Isa) {
    proptest!(config(300), |(
        m in 1..40usize,
        k in 0..70usize,
        n in 1..80usize,
        la in layout(),
        lb in layout(),
        seed: u64,
    )| {
        let mut next = stream(seed);
        let (mut left, mut right) = (Vec::new(), Vec::new());
        left.resize_with(m * k, &mut next);
        right.resize_with(k * n, &mut next);
        let product = |la, lb| {
            let (mut a, mut b) = (left.iter().copied(), right.iter().copied());
            let a = operand(m, k, la, || a.next().unwrap());
            let b = operand(k, n, lb, || b.next().unwrap());
            let mut c = vec![f32::NAN; m * n];
            let view = MatMut::new(&mut c, m, n).unwrap();
                matmul(Exec::serial(isa), a.view(), b.view(), Accumulate::Replace, view);
            c
        };
        let contiguous = product(Layout::RowMajor(0), Layout::RowMajor(0));
        prop_assert!(product(la, lb) == contiguous, "{}: {}×{}×{}", isa, m, k, n);
    });
}

each_isa!(small_integers_are_exact);
fn small_integers_are_exact(isa: Isa) {
    proptest!(config(300), |(
        m in 1..40usize,
        k in 0..300usize,
        n in 1..80usize,
        la in layout(),
        lb in layout(),
        seed: u64,
    )| {
        let mut next = stream(seed);
        let mut integer = || (next() * 8.0).trunc();
        let a = operand(m, k, la, &mut integer);
        let b = operand(k, n, lb, &mut integer);
        let (sums, _) = naive_product(&a, &b);
        let mut c = vec![f32::NAN; m * n];
        let view = MatMut::new(&mut c, m, n).unwrap();
            matmul(Exec::serial(isa), a.view(), b.view(), Accumulate::Replace, view);
        let exact = c.iter().zip(&sums).all(|(&c, &sum)| f64::from(c) == sum);
        prop_assert!(exact, "{}: {}×{}×{}", isa, m, k, n);
    });
}

each_isa!(borders_of_every_block);
/// The product is right for shapes at and around the borders of tiles, chunks and blocks, at every pair of layouts.
fn borders_of_every_block(isa: Isa) {
    let layouts = [
        Layout::RowMajor(0),
        Layout::RowMajor(3),
        Layout::ColumnMajor(0),
        Layout::Spread,
    ];
    for (m, k, n) in [
        (257, 513, 33),
        (9, 1025, 1057),
        (300, 40, 300),
        (1, 600, 1),
        (17, 1, 2049),
    ] {
        let operands = |la, lb| {
            let mut next = stream(7);
            let a = operand(m, k, la, &mut next);
            (a, operand(k, n, lb, &mut next))
        };
        // The same values in every layout.
        let (a, b) = operands(layouts[0], layouts[0]);
        let product = naive_product(&a, &b);
        for la in layouts {
            for lb in layouts {
                let (a, b) = operands(la, lb);
                let extras = Extras {
                    add: true,
                    bias: true,
                    gap: 1,
                    seed: 3,
                };
                check(isa, &a, &b, &product, extras);
            }
        }
    }
}

each_isa!(results_do_not_depend_on_the_number_of_threads);
fn results_do_not_depend_on_the_number_of_threads(isa: Isa) {
    for (m, k, n) in [
        (333, 257, 190),
        (64, 1030, 500),
        (1000, 100, 100),
        (100, 900, 1100),
    ] {
        for (la, lb) in [
            (Layout::RowMajor(0), Layout::RowMajor(0)),
            (Layout::RowMajor(0), Layout::ColumnMajor(0)),
            (Layout::ColumnMajor(0), Layout::RowMajor(0)),
        ] {
            let mut next = stream(11);
            let a = operand(m, k, la, &mut next);
            let b = operand(k, n, lb, &mut next);
            let product = |exec| {
                let mut c = vec![0.0; m * n];
                let view = MatMut::new(&mut c, m, n).unwrap();
                matmul(exec, a.view(), b.view(), Accumulate::Replace, view);
                c
            };
            let serial = product(Exec::serial(isa));
            for threads in 1..=4 {
                let shared = pool(threads).install(|| product(Exec::parallel(isa)));
                assert!(serial == shared, "{threads} threads, {m}×{k}×{n}");
            }
        }
    }
}

each_isa!(nan_and_infinity_reach_exactly_the_rows_and_columns_they_should);
fn nan_and_infinity_reach_exactly_the_rows_and_columns_they_should(isa: Isa) {
    let (m, k, n) = (19, 23, 37);
    let mut next = stream(5);
    let mut a = operand(m, k, Layout::RowMajor(0), &mut next);
    let mut b = operand(k, n, Layout::RowMajor(0), &mut next);
    a.data[4 * k + 7] = f32::NAN;
    b.data[9 * n + 11] = f32::INFINITY;
    let mut c = vec![0.0; m * n];
    let view = MatMut::new(&mut c, m, n).unwrap();
    matmul(
        Exec::serial(isa),
        a.view(),
        b.view(),
        Accumulate::Replace,
        view,
    );
    for i in 0..m {
        for j in 0..n {
            let c = c[i * n + j];
            match (i == 4, j == 11) {
                (true, _) => assert!(c.is_nan()),
                (false, true) => assert!(c.is_infinite()),
                (false, false) => assert!(c.is_finite()),
            }
        }
    }
}

#[test]
#[should_panic(expected = "a product of 2×3 by 2×3 does not fit 2×3")]
fn shapes_that_do_not_match_are_named() {
    let (a, mut c) = ([0.0; 6], [0.0; 6]);
    let a = MatRef::new(&a, 2, 3).unwrap();
    matmul(
        Exec::serial(Isa::detect()),
        a,
        a,
        Accumulate::Replace,
        MatMut::new(&mut c, 2, 3).unwrap(),
    );
}

#[test]
#[should_panic(expected = "a bias of 2 values for 3 columns")]
fn a_bias_of_the_wrong_length_is_named() {
    let (a, mut c) = ([0.0; 9], [0.0; 9]);
    let a = MatRef::new(&a, 3, 3).unwrap();
    matmul_with(
        Exec::serial(Isa::detect()),
        a,
        a,
        Bias(&[0.0; 2]),
        Accumulate::Replace,
        MatMut::new(&mut c, 3, 3).unwrap(),
    );
}

each_isa!(strides_that_are_never_used_do_not_show);
/// The row stride of a single row, and the column stride of a single column, have no effect, whatever they are.
fn strides_that_are_never_used_do_not_show(isa: Isa) {
    let mut next = stream(7);
    for (m, k, n) in [
        (300, 1, 64),
        (300, 1, 37),
        (1, 40, 70),
        (40, 30, 1),
        (1, 1, 1),
    ] {
        let a = operand(m, k, Layout::RowMajor(0), &mut next);
        let b = operand(k, n, Layout::RowMajor(0), &mut next);
        let strange = |operand: &Operand, stride: usize| {
            let mut operand = operand.clone();
            if operand.rows == 1 {
                operand.row_stride = stride;
            }
            if operand.cols == 1 {
                operand.col_stride = stride;
            }
            operand
        };
        let product = |a: MatRef, b: MatRef| {
            let mut c = vec![0.0; m * n];
            let to = MatMut::new(&mut c, m, n).unwrap();
            matmul(Exec::serial(isa), a, b, Accumulate::Replace, to);
            c
        };
        let want = product(a.view(), b.view());
        for stride in [0, 1, 3, usize::MAX / 2, usize::MAX] {
            let (a, b) = (strange(&a, stride), strange(&b, stride));
            assert_eq!(product(a.view(), b.view()), want, "{stride}");
        }
    }
}
