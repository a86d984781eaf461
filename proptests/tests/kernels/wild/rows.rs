//! Rows of dictionaries, and measures of them and of samples.

use kernels::metrics::{Stream, max_cosines, mmcs, neighbour_cosines};
use kernels::{Exec, Isa, MatRef, SparseRef, dictionary, max_product};
use proptest::prelude::*;
use proptests::bounded::{Bounded, assert_within, gamma};
use proptests::wild::{Placed, any_kind, assert_same, finite};
use proptests::{config, each_isa, stream};

use super::{on_threads, place};

fn wide(row: &[f32]) -> Vec<f64> {
    row.iter().map(|&x| f64::from(x)).collect()
}

each_isa!(norms_unit_rows_and_tangents);
/// Norms are right at any scale; a row that holds a NaN or an infinity becomes NaN, and no other row is changed by it.
fn norms_unit_rows_and_tangents(isa: Isa) {
    proptest!(config(100), |(
        (rows, cols) in prop_oneof![4 => (0..9usize, 1..70usize), 1 => (200..300usize, 200..300usize)],
        kinds in (any_kind(), any_kind()),
        places in (place(), place()),
        threads in 1..5usize,
        seed: u64,
    )| {
        let d = Placed::new((rows, cols), places.0, kinds.0.stream(seed));
        let g = Placed::new((rows, cols), places.1, kinds.1.stream(seed ^ 1));
        let norms = on_threads(isa, threads, |exec| {
            let mut norms = Placed::new((1, rows), places.1, || 7.0);
            dictionary::norms(exec, d.view(), norms.slice_mut());
            norms.values()
        });
        let unit = on_threads(isa, threads, |exec| {
            let mut unit = d.clone();
            dictionary::normalise(exec, unit.view_mut());
            unit.values()
        });
        let tangents = on_threads(isa, threads, |exec| {
            let mut to = g.clone();
            dictionary::project_gradient(exec, d.view(), to.view_mut());
            to.values()
        });
        for (j, (unit, tangent)) in unit.chunks(cols).zip(tangents.chunks(cols)).enumerate() {
            let (row, slope) = (d.view().row(j), g.view().row(j));
            if row.iter().all(|x| x.is_finite()) {
                let norm = wide(row).iter().map(|x| x * x).sum::<f64>().sqrt();
                let bound = gamma(cols + 2) * norm + f64::from(f32::from_bits(1));
                assert_within("norm", &norms[j..=j], &[Bounded { value: norm, error: bound }]);
                let want: Vec<Bounded> = wide(row)
                    .iter()
                    .map(|&x| if norm == 0.0 { Bounded::exact(x as f32) } else {
                        Bounded { value: x / norm, error: 0.0 }.round(cols + 4)
                    })
                    .collect();
                assert_within("unit row", unit, &want);
            } else {
                prop_assert!(!norms[j].is_finite() && unit.iter().all(|x| x.is_nan()), "{unit:?}");
            }
            if row.iter().all(|&x| x == 0.0) {
                assert_same("a row of zeros", tangent, slope);
            }
            let mut alone = Placed::new((1, cols), places.0, || 0.0);
            alone.slice_mut().copy_from_slice(slope);
            let own = MatRef::new(row, 1, cols).unwrap();
            dictionary::project_gradient(Exec::serial(isa), own, alone.view_mut());
            assert_same("tangent", tangent, &alone.values());
        }
    });
}

each_isa!(spectral_norms);
/// Spectral norms are right at any scale between 10⁻¹⁵ and 10¹⁵, on rows a stride apart and transposed, and NaN where a
/// value is NaN or infinite.
fn spectral_norms(isa: Isa) {
    proptest!(config(100), |(
        (rows, cols) in (1..30usize, 1..30usize),
        kind in any_kind(),
        at in place(),
        exponent in -13..13i32,
        threads in 1..5usize,
        seed: u64,
    )| {
        // Of the kinds of unusual values, zeros, infinities and NaN are kept.
        let mut value = kind.stream(seed);
        let scale = 10f32.powi(exponent);
        let d = Placed::new((rows, cols), at, || match value() {
            x if x.is_subnormal() || x.is_finite() && x.abs() > 1.0 => 0.5 * scale,
            x => x * scale,
        });
        let lost = d.values().iter().any(|x| !x.is_finite());
        let largest = d.values().chunks(cols).map(|r| wide(r).iter().map(|x| x * x).sum::<f64>().sqrt()).fold(0.0, f64::max);
        let frobenius = wide(&d.values()).iter().map(|x| x * x).sum::<f64>().sqrt();
        let got = on_threads(isa, threads, |exec| {
            [d.view(), d.view().t()].map(|m| dictionary::spectral_norm(exec, m) as f32).to_vec()
        });
        for got in got {
            prop_assert_eq!(got.is_nan(), lost);
            let got = f64::from(got);
            prop_assert!(lost || got >= largest * (1.0 - 1e-7) && got <= 1.01 * frobenius, "{got} {largest} {frobenius}");
        }
    });
}

each_isa!(cosines_have_no_scale);
/// A cosine does not depend on the lengths of rows: to the bit for powers of two, subnormal and huge ones included.
fn cosines_have_no_scale(isa: Isa) {
    proptest!(config(100), |(
        (n, m, d) in (1..30usize, 1..30usize, 1..40usize),
        exponents in (-100..100i32, -100..100i32),
        places in (place(), place()),
        threads in 1..5usize,
        seed: u64,
    )| {
        let rows = |n, at, exponent: i32, seed| {
            let mut next = stream(seed);
            Placed::new((n, d), at, || (64.0 * next()).round() * 2f32.powi(exponent))
        };
        let [a, b] = [rows(n, places.0, 0, seed), rows(m, places.1, 0, seed ^ 1)];
        let [far_a, far_b] = [rows(n, places.1, exponents.0, seed), rows(m, places.0, exponents.1, seed ^ 1)];
        let cosines = |a: &Placed, b: &Placed| on_threads(isa, threads, |exec| {
            let (mut best, mut neighbours) = (vec![7.0; n], vec![7.0; n]);
            max_cosines(exec, a.view(), b.view(), &mut best);
            neighbour_cosines(exec, a.view(), &mut neighbours);
            [&best[..], &neighbours, &[mmcs(exec, a.view(), b.view()) as f32]].concat()
        });
        for (near, far) in cosines(&a, &b).iter().zip(cosines(&far_a, &far_b)) {
            let close = (near - far).abs() <= 2.0 * gamma(3 * d + 10) as f32;
            prop_assert!(close || *near == far, "{near} {far}");
        }
    });
}

each_isa!(streams_scale);
/// For samples and reconstructions times a power of two, errors grow by its square and shares stay, to the bit. A
/// sample that holds a NaN makes every measure NaN that it is part of, and no other.
fn streams_scale(isa: Isa) {
    proptest!(config(100), |(
        (d, samples) in (1..40usize, 1..20usize),
        exponent in -120..110i32,
        places in (place(), place()),
        nan in any::<Option<prop::sample::Index>>(),
        seed: u64,
    )| {
        let draw = |at, exponent: i32, seed, spoilt: bool| {
            let (mut next, mut i) = (stream(seed), 0);
            let spoilt = nan.filter(|_| spoilt).map(|at| at.index(samples * d));
            Placed::new((samples, d), at, || {
                i += 1;
                let x = (256.0 * next()).round() * 2f32.powi(exponent);
                if spoilt == Some(i - 1) { f32::NAN } else { x }
            })
        };
        let starts: Vec<usize> = (0..=samples).collect();
        let (columns, values): (Vec<u32>, Vec<f32>) = (0..samples).map(|i| (i as u32 % 3, 0.5)).unzip();
        let codes = SparseRef::new(&starts, &columns, &values, 3).unwrap();
        let exec = Exec::serial(isa);
        let measure = |exponent| {
            let (x, y) = (draw(places.0, exponent, seed, false), draw(places.1, exponent, seed ^ 1, true));
            let mut stream = Stream::new(d, 3);
            stream.add(exec, x.view(), y.view(), codes);
            stream
        };
        let (near, far) = (measure(0), measure(exponent));
        let square = 2f64.powi(exponent).powi(2);
        let pairs = [
            (near.squared_error() * square, far.squared_error()),
            (near.mse() * square, far.mse()),
            (near.explained_variance(), far.explained_variance()),
            (near.cosine_similarity(), far.cosine_similarity()),
            (near.reconstruction_bias(), far.reconstruction_bias()),
        ];
        for (at, (near, far)) in pairs.into_iter().enumerate() {
            prop_assert!(near == far || near.is_nan() && far.is_nan(), "{at}: {near} {far}");
            prop_assert!(nan.is_none() || far.is_nan(), "{at}: {far}");
        }
        prop_assert_eq!((far.l0(), far.l1(), far.samples()), (1.0, 0.5, samples as u64));
    });
}

each_isa!(largest_products);
/// For rows that have an entry in every column, of which the docs promise most, largest products are within γ unless
/// they overflow.
fn largest_products(isa: Isa) {
    proptest!(config(100), |(
        (n, d) in (2..60usize, 1..20usize),
        kind in finite(),
        cuts in (0..60usize, 0..60usize),
        seed: u64,
    )| {
        let rows = Placed::new((n, d), (0, 0), kind.stream(seed)).values();
        let starts: Vec<usize> = (0..=n).map(|i| i * d).collect();
        let columns: Vec<u32> = (0..n * d).map(|i| (i % d) as u32).collect();
        let sparse = SparseRef::new(&starts, &columns, &rows, d).unwrap();
        let mut ends = [cuts.0.min(n), cuts.1.min(n), n];
        ends.sort_unstable();
        let mut best = vec![f32::NEG_INFINITY; n];
        let mut from = 0;
        for to in ends {
            max_product(Exec::serial(isa), sparse, from..to, &mut best);
            from = to;
        }
        for i in 0..n {
            let (mut want, mut error, mut overflows) = (f64::NEG_INFINITY, 0f64, false);
            for j in (0..n).filter(|&j| j != i) {
                let terms = (0..d).map(|c| f64::from(rows[i * d + c]) * f64::from(rows[j * d + c]));
                let (sum, size) = terms.fold((0.0, 0.0), |(s, t), x| (s + x, t + x.abs()));
                want = want.max(sum);
                error = error.max(gamma(d) * size + d as f64 * 2f64.powi(-150));
                overflows |= size * 1.01 >= f64::from(f32::MAX);
            }
            let near = (f64::from(best[i]) - want).abs() <= error;
            prop_assert!(near || overflows, "{} for {want} ± {error:e}", best[i]);
        }
    });
}
