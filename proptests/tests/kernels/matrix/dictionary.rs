//! Dictionary rows and their norms against f64.

use kernels::{Exec, Isa, MatMut, MatRef, dictionary};
use proptest::prelude::*;
use proptests::bounded::{Bounded, assert_within, gamma};
use proptests::{config, each_isa, panic_message, pool, stream};

fn view(values: &[f32], rows: usize) -> MatRef<'_> {
    MatRef::new(values, rows, values.len() / rows).unwrap()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| f64::from(x)).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Returns the largest singular value, by cyclic Jacobi rotations of the rows until all are orthogonal: one-sided
/// Jacobi (Demmel & Veselić 1992), to the accuracy of f64.
fn largest_singular_value(rows: &mut [Vec<f64>]) -> f64 {
    for _ in 0..60 {
        let mut furthest: f64 = 0.0;
        for i in 0..rows.len() {
            for j in i + 1..rows.len() {
                let (upper, lower) = rows.split_at_mut(j);
                let (a, b) = (&mut upper[i], &mut lower[0]);
                let (aa, bb, ab) = (dot(a, a), dot(b, b), dot(a, b));
                if ab.abs() <= 1e-14 * (aa * bb).sqrt() {
                    continue;
                }
                furthest = furthest.max(ab.abs() / (aa * bb).sqrt());
                let zeta = (bb - aa) / (2.0 * ab);
                let t = zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
                let c = 1.0 / (1.0 + t * t).sqrt();
                for (a, b) in a.iter_mut().zip(b) {
                    (*a, *b) = (c * *a - c * t * *b, c * t * *a + c * *b);
                }
            }
        }
        if furthest < 1e-13 {
            break;
        }
    }
    rows.iter().map(|r| dot(r, r).sqrt()).fold(0.0, f64::max)
}

each_isa!(norms_and_unit_rows);
fn norms_and_unit_rows(isa: Isa) {
    proptest!(config(256), |(rows in 1..9usize, cols in 1..70usize, exponent in -42..38i32, seed: u64)| {
        let mut next = stream(seed);
        let scale = 10f32.powi(exponent);
        let values: Vec<f32> = (0..rows * cols).map(|_| scale * next()).collect();
        let want: Vec<Bounded> = values.chunks(cols).map(|row| {
            let norm = dot(&wide(row), &wide(row)).sqrt();
            Bounded { value: norm, error: gamma(cols + 2) * norm + f64::from(f32::from_bits(1)) }
        }).collect();
        let exec = Exec::serial(isa);
        let mut norms = vec![f32::NAN; rows];
        dictionary::norms(exec, view(&values, rows), &mut norms);
        assert_within("norms", &norms, &want);
        let mut unit = values.clone();
        dictionary::normalise(exec, MatMut::new(&mut unit, rows, cols).unwrap());
        for ((row, unit), norm) in values.chunks(cols).zip(unit.chunks(cols)).zip(&want) {
            if norm.value == 0.0 {
                prop_assert_eq!(row, unit);
                continue;
            }
            let want: Vec<Bounded> = row.iter()
                .map(|&x| Bounded { value: f64::from(x) / norm.value, error: 0.0 }.round(cols + 4))
                .collect();
            assert_within("unit rows", unit, &want);
        }
    });
}

each_isa!(projection_onto_the_tangent);
/// The projected gradient is orthogonal to the row, and what was removed is along the row.
fn projection_onto_the_tangent(isa: Isa) {
    proptest!(config(256), |(
        rows in 1..6usize,
        cols in 1..70usize,
        scale in prop_oneof![Just(1e-15f32), 1e-3f32..1e3, Just(1e14)],
        seed: u64,
    )| {
        let mut next = stream(seed);
        let mut values: Vec<f32> = (0..rows * cols).map(|_| scale * next()).collect();
        values[..cols].fill(0.0);
        let gradient: Vec<f32> = (0..rows * cols).map(|_| next()).collect();
        let exec = Exec::serial(isa);
        let mut got = gradient.clone();
        let out = MatMut::new(&mut got, rows, cols).unwrap();
        dictionary::project_gradient(exec, view(&values, rows), out);
        prop_assert_eq!(&got[..cols], &gradient[..cols], "a row of zeros");
        for j in 1..rows {
            let range = j * cols..(j + 1) * cols;
            let [w, g, p] = [&values, &gradient, &got].map(|m| wide(&m[range.clone()]));
            let (square, size) = (dot(&w, &w), dot(&g, &g).sqrt());
            let along = dot(&g, &w) / square;
            let bound = gamma(cols + 5) * size;
            prop_assert!(dot(&p, &w).abs() <= bound * square.sqrt());
            for ((g, w), p) in g.iter().zip(&w).zip(&p) {
                prop_assert!((g - along * w - p).abs() <= bound);
            }
        }
    });
}

each_isa!(rows_are_shortened_to_norm_1_and_gradients_kept_from_lengthening_them);
/// Rows longer than 1 are scaled as in `normalise`, and shorter ones stay. Gradients are projected where a row has norm
/// 1 and a step would lengthen it, and stay elsewhere.
fn rows_are_shortened_to_norm_1_and_gradients_kept_from_lengthening_them(isa: Isa) {
    proptest!(config(256), |(rows in 1..9usize, cols in 1..70usize, seed: u64)| {
        let mut next = stream(seed);
        let mut values: Vec<f32> = (0..rows * cols).map(|_| next()).collect();
        let exec = Exec::serial(isa);
        fn matrix(values: &mut [f32], cols: usize) -> MatMut<'_> {
            MatMut::from_rows(values, cols)
        }
        dictionary::normalise(exec, matrix(&mut values, cols));
        let mut unit = values.clone();
        // Norms of 0, 1/2, 1 and 2, in turn.
        for (row, j) in values.chunks_mut(cols).zip(seed % 4..) {
            let scale = [0.0, 0.5, 1.0, 2.0][j as usize % 4];
            row.iter_mut().for_each(|v| *v *= scale);
        }
        let gradient: Vec<f32> = (0..rows * cols).map(|_| next()).collect();
        let [mut inward, mut tangent] = [gradient.clone(), gradient.clone()];
        dictionary::project_inward(exec, view(&values, rows), matrix(&mut inward, cols));
        dictionary::project_gradient(exec, view(&values, rows), matrix(&mut tangent, cols));
        let mut short = values.clone();
        dictionary::shorten(exec, matrix(&mut short, cols));
        dictionary::normalise(exec, matrix(&mut unit, cols));
        for j in 0..rows {
            let row = j * cols..(j + 1) * cols;
            let [old, new, unit] = [&values, &short, &unit].map(|m| wide(&m[row.clone()]));
            let norm = dot(&old, &old).sqrt();
            if norm < 0.9 {
                prop_assert_eq!(&new, &old);
            }
            for (new, unit) in new.iter().zip(&unit) {
                prop_assert!(norm < 0.9 || (new - unit).abs() <= 2.0 * gamma(cols + 4), "norm {norm}");
            }
            let outward = dot(&wide(&gradient[row.clone()]), &old) < 0.0;
            let want = if norm > 0.9 && outward { &tangent } else { &gradient };
            prop_assert_eq!(&inward[row.clone()], &want[row], "norm {}", norm);
        }
        let mut broken = vec![f32::NAN; cols];
        dictionary::shorten(exec, MatMut::from_rows(&mut broken, cols));
        prop_assert!(broken.iter().all(|v| v.is_nan()));
    });
}

each_isa!(spectral_norm_is_a_close_upper_bound);
/// The result is never below the largest singular value, and near it, for flat spectra and for steep ones.
fn spectral_norm_is_a_close_upper_bound(isa: Isa) {
    proptest!(config(256), |(
        rows in 1..40usize,
        cols in 1..40usize,
        decay in prop_oneof![Just(0.0f32), 0f32..2.0],
        common in prop_oneof![Just(0.0f32), 0f32..3.0],
        seed: u64,
    )| {
        let mut next = stream(seed);
        let values: Vec<f32> = (0..rows * cols)
            .map(|i| (next() + common) * (-decay * (i / cols) as f32).exp())
            .collect();
        let mut jacobi: Vec<Vec<f64>> = values.chunks(cols).map(wide).collect();
        let want = largest_singular_value(&mut jacobi);
        let exec = Exec::serial(isa);
        for view in [view(&values, rows), view(&values, rows).t()] {
            let got = dictionary::spectral_norm(exec, view);
            prop_assert!(got >= want && got <= 1.01 * want, "{got}, not {want}");
        }
    });
}

each_isa!(spectral_norms_known_in_closed_form);
/// The rows are orthogonal, so their norms are the singular values: the flattest spectrum and the steepest.
fn spectral_norms_known_in_closed_form(isa: Isa) {
    let exec = Exec::serial(isa);
    for m in [1, 2, 100, 300] {
        for (steep, largest) in [(false, 3.0), (true, 3.0 * m as f64)] {
            let mut values = vec![0.0; m * m];
            for j in 0..m {
                values[j * (m + 1)] = if steep { 3.0 * (j + 1) as f32 } else { -3.0 };
            }
            let got = dictionary::spectral_norm(exec, view(&values, m));
            assert!(
                got >= largest && got < 1.01 * largest,
                "{got}, not {largest}"
            );
        }
    }
    assert_eq!(dictionary::spectral_norm(exec, view(&[0.0; 6], 2)), 0.0);
    assert!(dictionary::spectral_norm(exec, view(&[0.0, f32::NAN], 2)).is_nan());
    let empty = MatRef::new(&[], 0, 3).unwrap();
    assert_eq!(dictionary::spectral_norm(exec, empty), 0.0);
}

each_isa!(spectral_norm_of_a_large_dictionary);
/// For rows of norm 1 in general position, of the size of a real dictionary, the result is between the norm along a
/// direction that power iteration finds and 1.01 times that.
fn spectral_norm_of_a_large_dictionary(isa: Isa) {
    let (n, d) = (2048, 256);
    let exec = Exec::serial(isa);
    let mut next = stream(4);
    let mut values: Vec<f32> = (0..n * d).map(|_| next()).collect();
    dictionary::normalise(exec, MatMut::new(&mut values, n, d).unwrap());
    let rows: Vec<Vec<f64>> = values.chunks(d).map(wide).collect();
    let mut v: Vec<f64> = (0..d).map(|_| f64::from(next())).collect();
    let mut norm = 0.0;
    for _ in 0..400 {
        let size = dot(&v, &v).sqrt();
        v.iter_mut().for_each(|v| *v /= size);
        let image: Vec<f64> = rows.iter().map(|row| dot(row, &v)).collect();
        norm = dot(&image, &image).sqrt();
        v = vec![0.0; d];
        for (row, image) in rows.iter().zip(image) {
            v.iter_mut().zip(row).for_each(|(v, row)| *v += image * row);
        }
    }
    let got = dictionary::spectral_norm(exec, view(&values, n));
    println!("{got} for {norm}");
    assert!(got >= norm && got <= 1.01 * norm, "{got}, not {norm}");
}

each_isa!(results_do_not_depend_on_the_number_of_threads);
fn results_do_not_depend_on_the_number_of_threads(isa: Isa) {
    let (n, d) = (700, 130);
    let mut next = stream(5);
    let values: Vec<f32> = (0..n * d).map(|_| next()).collect();
    let gradient: Vec<f32> = (0..n * d).map(|_| next()).collect();
    let pools: Vec<_> = (1..=4).map(pool).collect();
    let run = |exec| {
        let mut norms = vec![0.0; n];
        dictionary::norms(exec, view(&values, n), &mut norms);
        let mut unit = values.clone();
        dictionary::normalise(exec, MatMut::new(&mut unit, n, d).unwrap());
        let mut projected = gradient.clone();
        let out = MatMut::new(&mut projected, n, d).unwrap();
        dictionary::project_gradient(exec, view(&unit, n), out);
        let spectral = dictionary::spectral_norm(exec, view(&values, n));
        (norms, unit, projected, spectral)
    };
    let serial = run(Exec::serial(isa));
    for pool in &pools {
        assert!(pool.install(|| run(Exec::parallel(isa))) == serial, "{isa}");
    }
}

each_isa!(what_does_not_fit_is_named);
fn what_does_not_fit_is_named(isa: Isa) {
    let exec = Exec::serial(isa);
    let values = [0.0; 6];
    let message = panic_message(|| dictionary::norms(exec, view(&values, 2), &mut [0.0; 3]));
    assert!(message.contains("3 norms for 2 rows"), "{message}");
    assert_eq!(
        panic_message(|| {
            let mut gradient = [0.0; 6];
            let gradient = MatMut::new(&mut gradient, 3, 2).unwrap();
            dictionary::project_gradient(exec, view(&values, 2), gradient);
        }),
        "a gradient of 3×2 for a dictionary of 2×3"
    );
}
