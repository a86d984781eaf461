//! One-to-one matchings of the rows of two dictionaries.

use kernels::metrics::Matching;
use kernels::{Exec, Isa, MatRef};
use proptest::prelude::*;
use proptests::bounded::gamma;
use proptests::{config, each_isa, panic_message, pool, stream};

use super::{cosine, pair, view};

/// Returns the largest sum of values over all one-to-one assignments of rows to columns.
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

each_isa!(matchings_are_the_best_of_all);
fn matchings_are_the_best_of_all(isa: Isa) {
    proptest!(config(256), |(pair in pair(6))| {
        let d = pair.d;
        let values: Vec<Vec<f64>> =
            pair.a.chunks(d).map(|a| pair.b.chunks(d).map(|b| cosine(a, b)).collect()).collect();
        let (n, m) = (values.len(), values[0].len());
        let want = best_assignment(&values, &mut vec![false; m]);
        let exec = Exec::serial(isa);
        let matching = Matching::of(exec, view(&pair.a, d), view(&pair.b, d));
        prop_assert_eq!(matching.pairs.len(), n.min(m));
        let [mut of_a, mut of_b] = [vec![false; n], vec![false; m]];
        for &(i, j, cosine) in &matching.pairs {
            prop_assert!(!std::mem::replace(&mut of_a[i], true) && !std::mem::replace(&mut of_b[j], true));
            prop_assert!((f64::from(cosine) - values[i][j]).abs() <= gamma(3 * d + 10));
        }
        let sum = matching.mean_cosine() * n.min(m) as f64;
        // Two matchings may have the same sum up to rounding.
        prop_assert!((sum - want).abs() <= 12.0 * gamma(3 * d + 10), "{sum}, not {want}");
    });
}

each_isa!(a_shuffled_dictionary_is_matched);
/// The rows of a dictionary are matched with themselves after they are shuffled, disturbed and mixed with as many
/// others.
fn a_shuffled_dictionary_is_matched(isa: Isa) {
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
    let exec = Exec::serial(isa);
    for (b, m) in [(&b[..n * d], n), (&b[..], 2 * n)] {
        let matching = Matching::of(exec, view(&a, d), view(b, d));
        assert!(matching.pairs.iter().all(|&(i, j, _)| j == place(i)), "{m}");
        assert!(matching.mean_cosine() > 0.99);
        // The pairs are the same in the other direction.
        let back = Matching::of(exec, view(b, d), view(&a, d));
        let mut turned: Vec<_> = back.pairs.iter().map(|&(j, i, _)| (i, j)).collect();
        turned.sort_unstable();
        let pairs: Vec<_> = matching.pairs.iter().map(|&(i, j, _)| (i, j)).collect();
        assert_eq!(turned, pairs);
    }
}

each_isa!(large_matchings_end_soon);
/// Matching two unrelated dictionaries, which makes the longest augmenting paths, ends soon.
fn large_matchings_end_soon(isa: Isa) {
    let (n, d) = (1024, 16);
    let mut next = stream(3);
    let mut rows = || (0..n * d).map(|_| next()).collect::<Vec<f32>>();
    let (a, b) = (rows(), rows());
    let exec = Exec::serial(isa);
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

each_isa!(results_do_not_depend_on_the_number_of_threads);
fn results_do_not_depend_on_the_number_of_threads(isa: Isa) {
    let (n, m, d) = (300, 500, 40);
    let mut next = stream(4);
    let a: Vec<f32> = (0..n * d).map(|_| next()).collect();
    let b: Vec<f32> = (0..m * d).map(|_| next()).collect();
    let run = |exec| Matching::of(exec, view(&a, d), view(&b, d));
    let serial = run(Exec::serial(isa));
    for pool in (1..=4).map(pool) {
        assert!(
            pool.install(|| run(Exec::parallel(isa))) == serial,
            "{pool:?}"
        );
    }
}

each_isa!(what_is_empty_or_does_not_fit);
fn what_is_empty_or_does_not_fit(isa: Isa) {
    let exec = Exec::serial(isa);
    let nothing = MatRef::new(&[], 0, 3).unwrap();
    let row = [1.0, 2.0, 2.0];
    let matching = Matching::of(exec, nothing, view(&row, 3));
    assert!(matching.pairs.is_empty() && matching.mean_cosine().is_nan());

    let says = |part: &str, other: &[f32], cols: usize| {
        let message = panic_message(|| drop(Matching::of(exec, view(&row, 3), view(other, cols))));
        assert!(message.contains(part), "{message}");
    };
    says("rows of 3 and of 1 values", &row, 1);
    says(
        "a cosine of NaN between row 0 of the first dictionary and row 0 of the second",
        &[f32::NAN, 0.0, 0.0],
        3,
    );
}
