//! Measures of samples and of dictionaries against their definitions in f64.

use kernels::metrics::{Matching, Stream, max_cosines, mmcs, neighbour_cosines};
use kernels::{Exec, MatRef, SparseRef};
use proptest::prelude::*;
use proptests::bounded::gamma;
use proptests::{config, isas, panic_message, pool, stream};

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

fn view(values: &[f32], cols: usize) -> MatRef<'_> {
    MatRef::new(values, values.len() / cols, cols).unwrap()
}

/// Samples, reconstructions that resemble them, and codes.
#[derive(Clone, Debug)]
struct Batch {
    d: usize,
    n: usize,
    x: Vec<f32>,
    x_hat: Vec<f32>,
    codes: Vec<Vec<(u32, f32)>>,
}

impl Batch {
    /// Values are multiples of 2⁻¹⁰, so that adding an integer is exact.
    fn new(d: usize, n: usize, samples: usize, seed: u64) -> Batch {
        let mut next = stream(seed);
        let mut coarse = |size: f32| (size * next() * 1024.0).round() / 1024.0;
        let x: Vec<f32> = (0..samples * d).map(|_| coarse(1.0)).collect();
        let x_hat = x.iter().map(|x| x + coarse(0.3)).collect();
        // Stored zeros here and there, and elements that never fire.
        let codes = (0..samples)
            .map(|_| {
                let code = (0..n as u32).map(|j| (j, coarse(2.0).max(0.0)));
                code.filter(|&(j, f)| j % 3 != 1 && (f != 0.0 || j % 2 == 0))
                    .collect()
            })
            .collect();
        Batch {
            d,
            n,
            x,
            x_hat,
            codes,
        }
    }

    fn samples(&self) -> usize {
        self.codes.len()
    }

    /// Samples `from..to` go in.
    fn add(&self, exec: Exec, measures: &mut Stream, from: usize, to: usize) {
        let mut starts = vec![0];
        let codes = &self.codes[from..to];
        starts.extend(codes.iter().scan(0, |sum, code| {
            *sum += code.len();
            Some(*sum)
        }));
        let (columns, values): (Vec<u32>, Vec<f32>) = codes.iter().flatten().copied().unzip();
        let codes = SparseRef::new(&starts, &columns, &values, self.n).unwrap();
        let cut = |values: &[f32]| values[from * self.d..to * self.d].to_vec();
        let (x, x_hat) = (cut(&self.x), cut(&self.x_hat));
        let shape = |values| MatRef::new(values, to - from, self.d).unwrap();
        measures.add(exec, shape(&x), shape(&x_hat), codes);
    }

    fn measure(&self, exec: Exec) -> Stream {
        let mut measures = Stream::new(self.d, self.n);
        self.add(exec, &mut measures, 0, self.samples());
        measures
    }
}

/// Every measure of a stream.
fn all(s: &Stream) -> [f64; 8] {
    [
        s.squared_error(),
        s.mse(),
        s.explained_variance(),
        s.l0(),
        s.l1(),
        s.cosine_similarity(),
        s.reconstruction_bias(),
        s.dead_fraction(),
    ]
}

prop_compose! {
    fn batch()(d in 1..40usize, n in 1..20usize, samples in 2..30usize, seed: u64) -> Batch {
        Batch::new(d, n, samples, seed)
    }
}

/// Two dictionaries.
#[derive(Clone, Debug)]
struct Pair {
    d: usize,
    a: Vec<f32>,
    b: Vec<f32>,
}

prop_compose! {
    fn pair(most: usize)(n in 1..=most, m in 1..=most, d in 1..70usize, seed: u64) -> Pair {
        let mut next = stream(seed);
        let mut rows = |n: usize| (0..n).flat_map(|_| {
            let norm = 4f32.powf(next());
            (0..d).map(|_| norm * next()).collect::<Vec<_>>()
        }).collect();
        Pair { d, a: rows(n), b: rows(m) }
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let (a, b) = (wide(a), wide(b));
    dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
}

/// v ↦ v − 2 (u·v) u: a reflection of every row.
fn reflect(rows: &[f32], d: usize, seed: u64) -> Vec<f32> {
    let mut next = stream(seed);
    let u: Vec<f64> = (0..d).map(|_| f64::from(next()) + 1e-3).collect();
    let square = dot(&u, &u);
    let row = |row: &[f32]| {
        let along = 2.0 * dot(&wide(row), &u) / square;
        let moved = row
            .iter()
            .zip(&u)
            .map(|(&v, u)| (f64::from(v) - along * u) as f32);
        moved.collect::<Vec<_>>()
    };
    rows.chunks(d).flat_map(row).collect()
}

/// The largest sum of values over all one-to-one assignments of rows to columns.
fn best_assignment(values: &[Vec<f64>], taken: &mut Vec<bool>) -> f64 {
    let Some((row, rest)) = values.split_first() else {
        return 0.0;
    };
    // A row may be left out only where there are more rows than columns.
    let free = taken.iter().filter(|t| !**t).count();
    let mut best = if values.len() > free {
        best_assignment(rest, taken)
    } else {
        f64::NEG_INFINITY
    };
    for j in 0..row.len() {
        if !taken[j] {
            taken[j] = true;
            best = best.max(row[j] + best_assignment(rest, taken));
            taken[j] = false;
        }
    }
    best
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn streams_match_the_definitions(batch in batch()) {
        let (d, count) = (batch.d, batch.samples() as f64);
        let rows: Vec<(Vec<f64>, Vec<f64>)> =
            batch.x.chunks(d).zip(batch.x_hat.chunks(d)).map(|(x, y)| (wide(x), wide(y))).collect();
        let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        let error: f64 = rows.iter().map(|(x, y)| distance(x, y)).sum();
        let mean: Vec<f64> = (0..d).map(|k| rows.iter().map(|(x, _)| x[k]).sum::<f64>() / count).collect();
        let variance: f64 = rows.iter().map(|(x, _)| distance(x, &mean)).sum();
        let sum = |f: &dyn Fn(&[f64], &[f64]) -> f64| rows.iter().map(|(x, y)| f(x, y)).sum::<f64>();
        let cosine = |x: &[f64], y: &[f64]| {
            let size = (dot(x, x) * dot(y, y)).sqrt();
            if size == 0.0 { 0.0 } else { dot(x, y) / size }
        };
        let active: Vec<&(u32, f32)> = batch.codes.iter().flatten().filter(|(_, f)| *f != 0.0).collect();
        let dead = (0..batch.n as u32).filter(|j| active.iter().all(|(i, _)| i != j)).count();
        let want = [
            error / count,
            error / count / d as f64,
            1.0 - error / variance,
            active.len() as f64 / count,
            active.iter().map(|(_, f)| f64::from(f.abs())).sum::<f64>() / count,
            sum(&cosine) / count,
            sum(&|_, y| dot(y, y)) / sum(&dot),
            dead as f64 / batch.n as f64,
        ];
        for exec in isas().into_iter().map(Exec::serial) {
            let measures = batch.measure(exec);
            prop_assert_eq!(measures.samples(), batch.samples() as u64);
            for (got, want) in all(&measures).into_iter().zip(want) {
                // The variance may be small beside what it is a difference of.
                let near = (got - want).abs() <= 1e-10 * (1.0 + want.abs()) || got == want;
                prop_assert!(near || variance < 1e-6, "{got}, not {want}");
            }
        }
    }

    /// Sums are the same to the bit, on every instruction set.
    #[test]
    fn chunks_do_not_show(batch in batch(), cuts in prop::collection::vec(0..30usize, 0..5)) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(batch.samples())).collect();
        cuts.push(batch.samples());
        cuts.sort_unstable();
        let whole = batch.measure(Exec::serial(isas()[0]));
        for exec in isas().into_iter().map(Exec::serial) {
            let mut parts = Stream::new(batch.d, batch.n);
            let mut from = 0;
            for &to in &cuts {
                batch.add(exec, &mut parts, from, to);
                from = to;
            }
            prop_assert_eq!(&parts, &whole);
        }
    }

    /// Moved far from 0, samples and reconstructions alike: the variance has no part of it.
    #[test]
    fn explained_variance_is_the_same_after_a_translation(batch in batch(), by in -4096..4096i32) {
        let moved = |values: &[f32]| values.iter().map(|v| v + by as f32).collect::<Vec<f32>>();
        let away = Batch { x: moved(&batch.x), x_hat: moved(&batch.x_hat), ..batch.clone() };
        prop_assume!(away.x.iter().zip(&batch.x).all(|(a, x)| a - by as f32 == *x));
        for exec in isas().into_iter().map(Exec::serial) {
            let (here, there) = (batch.measure(exec), away.measure(exec));
            prop_assert_eq!(here.explained_variance(), there.explained_variance());
            prop_assert_eq!(here.squared_error(), there.squared_error());
        }
    }

    #[test]
    fn reconstructions_known_in_closed_form(batch in batch(), share in 0.1f32..2.0) {
        let perfect = Batch { x_hat: batch.x.clone(), ..batch.clone() };
        let scaled = Batch { x_hat: batch.x.iter().map(|x| share * x).collect(), ..batch.clone() };
        let silent = batch.x.chunks(batch.d).filter(|x| x.iter().all(|x| *x == 0.0)).count();
        for exec in isas().into_iter().map(Exec::serial) {
            let measures = perfect.measure(exec);
            prop_assert_eq!((measures.mse(), measures.reconstruction_bias()), (0.0, 1.0));
            prop_assert!(measures.explained_variance() == 1.0 || batch.d == 1);
            let measures = scaled.measure(exec);
            prop_assert!((measures.reconstruction_bias() - f64::from(share)).abs() < 1e-6);
            let want = 1.0 - silent as f64 / batch.samples() as f64;
            prop_assert!((measures.cosine_similarity() - want).abs() < 1e-6);
        }
    }

    /// Claims: no-duplicate-directions
    #[test]
    fn max_cosines_match_the_definition(pair in pair(40)) {
        let d = pair.d;
        let others = |i: usize| {
            let rows = pair.a.chunks(d).enumerate().filter(move |(j, _)| *j != i);
            rows.map(|(_, row)| row).collect::<Vec<_>>()
        };
        let largest = |row: &[f32], rows: &[&[f32]]| rows.iter().map(|b| cosine(row, b)).fold(f64::NEG_INFINITY, f64::max);
        for exec in isas().into_iter().map(Exec::serial) {
            let mut best = vec![f32::NAN; pair.a.len() / d];
            let rows: Vec<&[f32]> = pair.b.chunks(d).collect();
            max_cosines(exec, view(&pair.a, d), view(&pair.b, d), &mut best);
            for (row, &got) in pair.a.chunks(d).zip(&best) {
                let want = largest(row, &rows);
                prop_assert!((f64::from(got) - want).abs() <= gamma(3 * d + 10), "{got}, not {want}");
            }
            neighbour_cosines(exec, view(&pair.a, d), &mut best);
            for (i, (row, &got)) in pair.a.chunks(d).zip(&best).enumerate() {
                let want = largest(row, &others(i));
                prop_assert!(f64::from(got) == want || (f64::from(got) - want).abs() <= gamma(3 * d + 10), "{got}, not {want}");
            }
        }
    }

    /// Claims: l1-band-recovers-features, linear-encoder-holds-its-own
    #[test]
    fn mmcs_is_the_same_after_rotation_and_permutation(pair in pair(30), shift in 0..30usize, scale in 0.1f32..10.0, seed: u64) {
        let d = pair.d;
        let (a, b) = (view(&pair.a, d), view(&pair.b, d));
        let mut permuted = pair.b.clone();
        permuted.rotate_left(shift * d % pair.b.len());
        permuted.iter_mut().for_each(|v| *v *= scale);
        let [turned_a, turned_b] = [&pair.a, &pair.b].map(|m| reflect(m, d, seed));
        for exec in isas().into_iter().map(Exec::serial) {
            let want = mmcs(exec, a, b);
            let bound = gamma(4 * d + 40);
            prop_assert!((mmcs(exec, a, view(&permuted, d)) - want).abs() <= bound);
            prop_assert!((mmcs(exec, view(&permuted, d), a) - mmcs(exec, b, a)).abs() <= bound);
            let turned = mmcs(exec, view(&turned_a, d), view(&turned_b, d));
            prop_assert!((turned - want).abs() <= 2.0 * bound, "{turned}, not {want}");
            // Both ways: all of a is in a and b together, but not all of these is in a.
            let both = [&pair.a[..], &pair.b].concat();
            prop_assert!((mmcs(exec, a, view(&both, d)) - 1.0).abs() <= bound);
            prop_assert!(mmcs(exec, view(&both, d), a) <= 1.0 + bound);
        }
    }

    #[test]
    fn matchings_are_the_best_of_all(pair in pair(6)) {
        let d = pair.d;
        let values: Vec<Vec<f64>> =
            pair.a.chunks(d).map(|a| pair.b.chunks(d).map(|b| cosine(a, b)).collect()).collect();
        let (n, m) = (values.len(), values[0].len());
        let want = best_assignment(&values, &mut vec![false; m]);
        for exec in isas().into_iter().map(Exec::serial) {
            let matching = Matching::of(exec, view(&pair.a, d), view(&pair.b, d));
            prop_assert_eq!(matching.pairs.len(), n.min(m));
            let [mut of_a, mut of_b] = [vec![false; n], vec![false; m]];
            for &(i, j, cosine) in &matching.pairs {
                prop_assert!(!std::mem::replace(&mut of_a[i], true) && !std::mem::replace(&mut of_b[j], true));
                prop_assert!((f64::from(cosine) - values[i][j]).abs() <= gamma(3 * d + 10));
            }
            let sum = matching.mean_cosine() * n.min(m) as f64;
            // Two matchings may be as good to rounding.
            prop_assert!((sum - want).abs() <= 12.0 * gamma(3 * d + 10), "{sum}, not {want}");
        }
    }
}

/// A dictionary is found again, shuffled and disturbed, and among as many others.
#[test]
fn a_shuffled_dictionary_is_matched() {
    let (n, d) = (1024, 64);
    let mut next = stream(2);
    let a: Vec<f32> = (0..n * d).map(|_| next()).collect();
    let place = |i: usize| (i * 389 + 7) % n;
    let mut b: Vec<f32> = (0..2 * n * d).map(|_| next()).collect();
    for i in 0..n {
        for k in 0..d {
            b[place(i) * d + k] = 3.0 * a[i * d + k] + 0.3 * next();
        }
    }
    for exec in isas().into_iter().map(Exec::serial) {
        for (b, m) in [(&b[..n * d], n), (&b[..], 2 * n)] {
            let matching = Matching::of(exec, view(&a, d), view(b, d));
            assert!(matching.pairs.iter().all(|&(i, j, _)| j == place(i)), "{m}");
            assert!(matching.mean_cosine() > 0.99);
            // The other way round, the pairs are the same.
            let back = Matching::of(exec, view(b, d), view(&a, d));
            let mut turned: Vec<_> = back.pairs.iter().map(|&(j, i, _)| (i, j)).collect();
            turned.sort_unstable();
            let pairs: Vec<_> = matching.pairs.iter().map(|&(i, j, _)| (i, j)).collect();
            assert_eq!(turned, pairs);
        }
    }
}

/// Unrelated dictionaries make the longest paths.
#[test]
fn large_matchings_end_soon() {
    let (n, d) = (1024, 16);
    let mut next = stream(3);
    let mut rows = || (0..n * d).map(|_| next()).collect::<Vec<f32>>();
    let (a, b) = (rows(), rows());
    let exec = Exec::serial(isas()[0]);
    let start = std::time::Instant::now();
    let matching = Matching::of(exec, view(&a, d), view(&b, d));
    println!(
        "{n} rows in {:?}: {}",
        start.elapsed(),
        matching.mean_cosine()
    );
    // No exchange of two partners is better.
    let cosine = |i: usize, j: usize| cosine(&a[i * d..][..d], &b[j * d..][..d]);
    for (p, &(i, j, _)) in matching.pairs.iter().enumerate().step_by(17) {
        for &(k, l, _) in &matching.pairs[..p] {
            assert!(cosine(i, j) + cosine(k, l) >= cosine(i, l) + cosine(k, j) - 1e-5);
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let (n, m, d) = (300, 500, 40);
    let mut next = stream(4);
    let a: Vec<f32> = (0..n * d).map(|_| next()).collect();
    let b: Vec<f32> = (0..m * d).map(|_| next()).collect();
    let pools: Vec<_> = (1..=4).map(pool).collect();
    for isa in isas() {
        let run = |exec| {
            let mut best = [vec![0.0; n], vec![0.0; n]];
            max_cosines(exec, view(&a, d), view(&b, d), &mut best[0]);
            neighbour_cosines(exec, view(&a, d), &mut best[1]);
            (best, Matching::of(exec, view(&a, d), view(&b, d)))
        };
        let serial = run(Exec::serial(isa));
        for pool in &pools {
            assert!(pool.install(|| run(Exec::parallel(isa))) == serial, "{isa}");
        }
    }
}

#[test]
fn what_is_empty_or_does_not_fit() {
    let exec = Exec::serial(isas()[0]);
    assert!(all(&Stream::new(3, 4)).iter().all(|m| m.is_nan()));
    let nothing = MatRef::new(&[], 0, 3).unwrap();
    let row = [1.0, 2.0, 2.0];
    let mut best = [0.0];
    max_cosines(exec, view(&row, 3), nothing, &mut best);
    assert_eq!(best, [f32::NEG_INFINITY]);
    neighbour_cosines(exec, view(&row, 3), &mut best);
    assert_eq!(best, [f32::NEG_INFINITY]);
    assert!(mmcs(exec, nothing, view(&row, 3)).is_nan());
    let matching = Matching::of(exec, nothing, view(&row, 3));
    assert!(matching.pairs.is_empty() && matching.mean_cosine().is_nan());
    max_cosines(exec, view(&row, 3), view(&[0.0; 3], 3), &mut best);
    assert_eq!(best, [0.0]);

    let says = |part: &str, f: &dyn Fn()| {
        let message = panic_message(f);
        assert!(message.contains(part), "{message}");
    };
    says("rows of 3 and of 1 values", &|| {
        mmcs(exec, view(&row, 3), view(&row, 1));
    });
    says("rows of 3 and of 1 values", &|| {
        Matching::of(exec, view(&row, 3), view(&row, 1));
    });
    says("2 places for 1 rows", &|| {
        neighbour_cosines(exec, view(&row, 3), &mut [0.0; 2]);
    });
    says("a cosine of NaN between rows 0 and 0", &|| {
        Matching::of(exec, view(&row, 3), view(&[f32::NAN, 0.0, 0.0], 3));
    });
    says("in a stream of 3 and 4 values", &|| {
        let codes = SparseRef::new(&[0, 0], &[], &[], 5).unwrap();
        Stream::new(3, 4).add(exec, view(&row, 3), view(&row, 3), codes);
    });
}

/// The largest cosine of a row that holds a NaN or an infinity is NaN, and so is that of every row with it.
#[test]
fn nan_is_no_cosine() {
    let mut next = stream(6);
    let (n, m, d) = (40, 50, 20);
    let a: Vec<f32> = (0..n * d).map(|_| next()).collect();
    let b: Vec<f32> = (0..m * d).map(|_| next()).collect();
    for exec in isas().into_iter().map(Exec::serial) {
        let cosines = |a: &[f32], b: &[f32]| {
            let mut best = vec![0.0; n];
            max_cosines(exec, view(a, d), view(b, d), &mut best);
            best
        };
        let want = cosines(&a, &b);
        for bad in [f32::NAN, f32::INFINITY] {
            let mut spoilt = a.clone();
            spoilt[7 * d + 3] = bad;
            for (i, (got, want)) in cosines(&spoilt, &b).iter().zip(&want).enumerate() {
                assert!(
                    got == want && i != 7 || got.is_nan() && i == 7,
                    "{i}: {got}"
                );
            }
            assert!(mmcs(exec, view(&spoilt, d), view(&b, d)).is_nan());
            assert!(mmcs(exec, view(&b, d), view(&spoilt, d)).is_nan());
            let mut best = vec![0.0; n];
            neighbour_cosines(exec, view(&spoilt, d), &mut best);
            assert!(best.iter().all(|c| c.is_nan()));
            // A row alone has no neighbour, whatever it holds.
            neighbour_cosines(exec, view(&spoilt[7 * d..8 * d], d), &mut best[..1]);
            assert_eq!(best[0], f32::NEG_INFINITY);
        }
    }
}

/// A NaN in a code reaches every measure of codes.
#[test]
fn nan_in_a_code_is_kept() {
    for exec in isas().into_iter().map(Exec::serial) {
        let mut batch = Batch::new(20, 6, 5, 1);
        batch.codes[2].push((5, f32::NAN));
        let m = batch.measure(exec);
        let measures = [m.l0(), m.l1(), m.dead_fraction()];
        assert!(measures.iter().all(|m| m.is_nan()), "{measures:?}");
        assert!(m.mse().is_finite());
    }
}

/// A NaN in a reconstruction reaches every measure of it.
#[test]
fn nan_is_kept() {
    for exec in isas().into_iter().map(Exec::serial) {
        let mut batch = Batch::new(20, 6, 5, 1);
        batch.x_hat[33] = f32::NAN;
        let m = batch.measure(exec);
        let measures = [
            m.mse(),
            m.explained_variance(),
            m.cosine_similarity(),
            m.reconstruction_bias(),
        ];
        assert!(measures.iter().all(|m| m.is_nan()), "{measures:?}");
    }
}
