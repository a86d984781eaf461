//! The largest cosines of rows with those of another dictionary, or with their neighbours.

use kernels::metrics::{max_cosines, mmcs, neighbour_cosines};
use kernels::{Exec, Isa, MatRef};
use proptest::prelude::*;
use proptests::bounded::gamma;
use proptests::{config, each_isa, panic_message, pool, stream};

use super::{cosine, dot, pair, view, wide};

/// Returns the rows reflected by v ↦ v − 2 (u·v) u, with a unit vector u from a seed.
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

each_isa!(max_cosines_match_the_definition);
/// Claims: no-duplicate-directions
fn max_cosines_match_the_definition(isa: Isa) {
    proptest!(config(256), |(pair in pair(40))| {
        let d = pair.d;
        let others = |i: usize| {
            let rows = pair.a.chunks(d).enumerate().filter(move |(j, _)| *j != i);
            rows.map(|(_, row)| row).collect::<Vec<_>>()
        };
        let largest = |row: &[f32], rows: &[&[f32]]| rows.iter().map(|b| cosine(row, b)).fold(f64::NEG_INFINITY, f64::max);
        let exec = Exec::serial(isa);
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
    });
}

each_isa!(mmcs_is_the_same_after_rotation_and_permutation);
/// Claims: l1-band-recovers-features, linear-encoder-holds-its-own
fn mmcs_is_the_same_after_rotation_and_permutation(isa: Isa) {
    proptest!(config(256), |(pair in pair(30), shift in 0..30usize, scale in 0.1f32..10.0, seed: u64)| {
        let d = pair.d;
        let (a, b) = (view(&pair.a, d), view(&pair.b, d));
        let mut permuted = pair.b.clone();
        permuted.rotate_left(shift * d % pair.b.len());
        permuted.iter_mut().for_each(|v| *v *= scale);
        let [turned_a, turned_b] = [&pair.a, &pair.b].map(|m| reflect(m, d, seed));
        let exec = Exec::serial(isa);
        let want = mmcs(exec, a, b);
        let bound = gamma(4 * d + 40);
        prop_assert!((mmcs(exec, a, view(&permuted, d)) - want).abs() <= bound);
        prop_assert!((mmcs(exec, view(&permuted, d), a) - mmcs(exec, b, a)).abs() <= bound);
        let turned = mmcs(exec, view(&turned_a, d), view(&turned_b, d));
        prop_assert!((turned - want).abs() <= 2.0 * bound, "{turned}, not {want}");
        // MMCS in both directions: all of a is in a and b together, but not all of these is in a.
        let both = [&pair.a[..], &pair.b].concat();
        prop_assert!((mmcs(exec, a, view(&both, d)) - 1.0).abs() <= bound);
        prop_assert!(mmcs(exec, view(&both, d), a) <= 1.0 + bound);
    });
}

each_isa!(results_do_not_depend_on_the_number_of_threads);
fn results_do_not_depend_on_the_number_of_threads(isa: Isa) {
    let (n, m, d) = (300, 500, 40);
    let mut next = stream(4);
    let a: Vec<f32> = (0..n * d).map(|_| next()).collect();
    let b: Vec<f32> = (0..m * d).map(|_| next()).collect();
    let run = |exec| {
        let mut best = [vec![0.0; n], vec![0.0; n]];
        max_cosines(exec, view(&a, d), view(&b, d), &mut best[0]);
        neighbour_cosines(exec, view(&a, d), &mut best[1]);
        best
    };
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
    let mut best = [0.0];
    max_cosines(exec, view(&row, 3), nothing, &mut best);
    assert_eq!(best, [f32::NEG_INFINITY]);
    neighbour_cosines(exec, view(&row, 3), &mut best);
    assert_eq!(best, [f32::NEG_INFINITY]);
    assert!(mmcs(exec, nothing, view(&row, 3)).is_nan());
    max_cosines(exec, view(&row, 3), view(&[0.0; 3], 3), &mut best);
    assert_eq!(best, [0.0]);

    let says = |part: &str, f: &dyn Fn()| {
        let message = panic_message(f);
        assert!(message.contains(part), "{message}");
    };
    says("rows of 3 and of 1 values", &|| {
        mmcs(exec, view(&row, 3), view(&row, 1));
    });
    says("2 places for 1 rows", &|| {
        neighbour_cosines(exec, view(&row, 3), &mut [0.0; 2]);
    });
}

each_isa!(nan_is_no_cosine);
/// The largest cosine of a row that holds a NaN or an infinity is NaN, and so is that of every row with it.
fn nan_is_no_cosine(isa: Isa) {
    let mut next = stream(6);
    let (n, m, d) = (40, 50, 20);
    let a: Vec<f32> = (0..n * d).map(|_| next()).collect();
    let b: Vec<f32> = (0..m * d).map(|_| next()).collect();
    let exec = Exec::serial(isa);
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
