//! The largest products of sparse rows against all products in f64.

use kernels::{Exec, Isa, SparseRef, max_product};
use proptest::prelude::*;
use proptests::{config, each_isa};

/// A sparse matrix that owns its entries.
#[derive(Clone, Debug)]
struct Sparse {
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f32>,
    cols: usize,
}

impl Sparse {
    fn of(rows: &[Vec<(u32, f32)>], cols: usize) -> Self {
        let mut starts = vec![0];
        for row in rows {
            starts.push(starts[starts.len() - 1] + row.len());
        }
        let (columns, values) = rows.iter().flatten().copied().unzip();
        Sparse {
            starts,
            columns,
            values,
            cols,
        }
    }

    fn view(&self) -> SparseRef<'_> {
        SparseRef::new(&self.starts, &self.columns, &self.values, self.cols).unwrap()
    }

    /// Returns row i, and the same with the absolute values of all entries, so that repeated columns add up.
    fn dense(&self, i: usize) -> Vec<(f64, f64)> {
        let mut row = vec![(0.0, 0.0); self.cols];
        let (columns, values) = self.view().row(i);
        for (&column, &value) in columns.iter().zip(values) {
            row[column as usize].0 += f64::from(value);
            row[column as usize].1 += f64::from(value.abs());
        }
        row
    }

    /// Returns the products of all rows, each with its tolerance: Σ|a||b| times the bound for as many terms as the two
    /// rows have.
    fn products(&self) -> Vec<Vec<(f64, f64)>> {
        let n = self.view().rows();
        let rows: Vec<_> = (0..n).map(|i| self.dense(i)).collect();
        let terms = |i: usize| (self.view().row(i).0.len() + 1) as f64;
        let product = |i: usize, j: usize| {
            let products = rows[i].iter().zip(&rows[j]);
            let products = products.map(|(a, b)| (a.0 * b.0, a.1 * b.1));
            let (sum, sizes) = products.fold((0.0, 0.0), |(s, t), p| (s + p.0, t + p.1));
            let error = (terms(i) + terms(j)) * f64::from(f32::EPSILON) * sizes;
            (sum, error)
        };
        (0..n)
            .map(|i| (0..n).map(|j| product(i, j)).collect())
            .collect()
    }
}

/// Returns the largest product of each of the first `n` rows with another of them, and the largest tolerance.
fn largest(products: &[Vec<(f64, f64)>], n: usize) -> Vec<(f64, f64)> {
    let of_row = |i: usize| {
        let others = (0..n).filter(|&j| j != i).map(|j| products[i][j]);
        others.fold((f64::NEG_INFINITY, 0.0f64), |best, it| {
            (it.0.max(best.0), it.1.max(best.1))
        })
    };
    (0..n).map(of_row).collect()
}

fn sparse() -> impl Strategy<Value = Sparse> {
    (prop_oneof![1..10u32, 10..40u32], 0..200usize).prop_flat_map(|(cols, rows)| {
        let row = prop::collection::vec((0..cols, -1.0f32..1.0), 0..12);
        prop::collection::vec(row, rows).prop_map(move |rows| Sparse::of(&rows, cols as usize))
    })
}

each_isa!(every_prefix_is_complete_after_any_ranges);
fn every_prefix_is_complete_after_any_ranges(isa: Isa) {
    proptest!(config(32), |(m in sparse(), cuts in prop::collection::vec(0.0..1.0f64, 0..4))| {
        let n = m.view().rows();
        let mut ends: Vec<usize> = cuts.iter().map(|c| (c * n as f64) as usize).collect();
        ends.push(n);
        ends.sort_unstable();
        let products = m.products();
        let exact: Vec<_> = ends.iter().map(|&to| largest(&products, to)).collect();
        let mut best = vec![f32::NEG_INFINITY; n];
        let mut from = 0;
        for (&to, exact) in ends.iter().zip(&exact) {
            max_product(Exec::serial(isa), m.view(), from..to, &mut best);
            for (i, (exact, tolerance)) in exact.iter().enumerate() {
                let got = f64::from(best[i]);
                prop_assert!(got == *exact || (got - exact).abs() <= *tolerance, "row {i} of {to}: {got}, not {exact}");
            }
            prop_assert!(best[to..].iter().all(|&b| b == f32::NEG_INFINITY));
            from = to;
        }
    });
}

each_isa!(integers_are_exact_and_the_row_itself_does_not_count);
fn integers_are_exact_and_the_row_itself_does_not_count(isa: Isa) {
    // Long rows would win against themselves; there are many blocks and panels, ragged at the end.
    let rows: Vec<Vec<(u32, f32)>> = (0..300u32)
        .map(|i| {
            (0..7)
                .map(|e| ((i * 31 + e * e * 17) % 50, ((i * 7 + e) % 9) as f32 - 4.0))
                .collect()
        })
        .collect();
    // In 50 columns the kernel reads the entries of a row, in 9 it reads dense rows.
    for cols in [50, 9] {
        let fold = |row: &Vec<(u32, f32)>| row.iter().map(|&(c, v)| (c % cols, v)).collect();
        let rows: Vec<_> = rows.iter().map(fold).collect();
        let m = Sparse::of(&rows, cols as usize);
        let exact: Vec<f32> = largest(&m.products(), 300)
            .iter()
            .map(|&(best, _)| best as f32)
            .collect();
        let mut best = vec![f32::NEG_INFINITY; 300];
        max_product(Exec::serial(isa), m.view(), 0..200, &mut best);
        max_product(Exec::serial(isa), m.view(), 200..300, &mut best);
        assert_eq!(best, exact, "{cols} columns");
    }
}

each_isa!(negative_products_are_not_beaten_by_padding);
fn negative_products_are_not_beaten_by_padding(isa: Isa) {
    let m = Sparse::of(&[vec![(0, 1.0)], vec![(0, -1.0)], vec![]], 1);
    let mut best = [f32::NEG_INFINITY; 3];
    max_product(Exec::serial(isa), m.view(), 0..2, &mut best);
    assert_eq!(best, [-1.0, -1.0, f32::NEG_INFINITY], "{isa}");
    max_product(Exec::serial(isa), m.view(), 2..3, &mut best);
    assert_eq!(best, [0.0, 0.0, 0.0], "{isa}");
}

each_isa!(nan_raises_nothing);
fn nan_raises_nothing(isa: Isa) {
    let m = Sparse::of(&[vec![(0, f32::NAN)], vec![(0, 2.0)], vec![(0, 3.0)]], 1);
    let mut best = [f32::NEG_INFINITY; 3];
    max_product(Exec::serial(isa), m.view(), 0..3, &mut best);
    assert_eq!(best, [f32::NEG_INFINITY, 6.0, 6.0], "{isa}");
}

each_isa!(nothing_in_nothing_out);
fn nothing_in_nothing_out(isa: Isa) {
    let empty = SparseRef::new(&[0], &[], &[], 0).unwrap();
    max_product(Exec::serial(isa), empty, 0..0, &mut []);
    let zero = SparseRef::new(&[0, 0, 0], &[], &[], 0).unwrap();
    let mut best = [f32::NEG_INFINITY; 2];
    max_product(Exec::serial(isa), zero, 0..2, &mut best);
    assert_eq!(best, [0.0, 0.0], "{isa}");
}
