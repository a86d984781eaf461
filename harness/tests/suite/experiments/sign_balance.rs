//! `sign-balance` against plain loops in f64.

use crate::common::testing;
use harness::claim::Verdict;
use harness::experiments::one_layer::sign_balance::{
    Family, NonHomogeneity, Point, Quantiles, Settings, SignBalance,
};
use harness::rng::Rng;
use harness::settings::{Preset, Settings as _};
use harness::stats::quantile;
use harness::table::Tables;
use kernels::Isa;
use proptests::each_isa;
use proptests::fit::delta_r2;
use proptests::reference::gelu;

fn settings() -> Settings {
    Settings {
        n: 4,
        negatives: vec![0, 1, 2, 4],
        reach: 4.0,
        points: 41,
        widths: vec![3, 20],
        directions: 21,
    }
}

/// Returns f · GELU(x f), neuron by neuron.
fn response(f: &[f64], x: f64) -> f64 {
    f.iter().map(|f| f * gelu(x * f)).sum()
}

fn with_negatives(m: usize, n: usize) -> Vec<f64> {
    let size = 1.0 / (n as f64).sqrt();
    (0..n).map(|i| if i < m { -size } else { size }).collect()
}

fn levels(s: &Settings) -> Vec<f64> {
    let reach = s.reach * (s.n as f64).sqrt();
    (0..s.points)
        .map(|i| reach * (i as f64 / 20.0 - 1.0))
        .collect()
}

each_isa!(curves_and_their_delta_r2_agree_with_plain_loops_on_every_isa);
/// Claims: balanced-is-homogeneous
fn curves_and_their_delta_r2_agree_with_plain_loops_on_every_isa(isa: Isa) {
    let s = settings();
    let outcome = testing::run_with::<SignBalance>(&s, &[5], isa, &Default::default());
    let tables = Tables::new(outcome.tables);
    let curves = tables.rows::<Point>();
    assert_eq!(curves.len(), 4 * s.points);
    for (i, row) in curves.iter().enumerate() {
        let x = levels(&s)[i % s.points];
        let y = response(&with_negatives(row.m, s.n), x);
        assert!((row.x - x).abs() < 1e-14);
        // Each of n neurons rounds its input and its GELU, both up to 4, by some units in all.
        let bound = 4.0 * 4.0 * 2f64.powi(-24) * (s.n as f64).sqrt();
        assert!((row.y - y).abs() < bound, "{isa}: {y}");
    }
    let rows = tables.rows::<NonHomogeneity>();
    assert_eq!(rows.len(), 4);
    for row in rows {
        let wanted = on_a_dense_grid(&with_negatives(row.m, s.n), s.reach);
        assert!((row.delta_r2 - wanted).abs() < 1e-6, "{isa}: {wanted}");
    }
}

/// Returns ΔR² along a direction over evenly spread levels, as exact as their number allows: 1/4000².
fn on_a_dense_grid(f: &[f64], reach: f64) -> f64 {
    let reach = reach * (f.len() as f64).sqrt();
    let x = (0..4000).map(|i| reach * ((f64::from(i) + 0.5) / 2000.0 - 1.0));
    let points: Vec<_> = x.map(|x| (x, response(f, x))).collect();
    delta_r2(&points, &points)
}

/// Claims: random-directions-wash-out
#[test]
fn random_directions_agree_with_a_dense_grid() {
    let s = settings();
    let outcome = testing::run::<SignBalance>(&s, &[5]);
    let tables = Tables::new(outcome.tables);
    let measure = |f: &[f64]| {
        let norm = f.iter().map(|v| v * v).sum::<f64>().sqrt();
        on_a_dense_grid(&f.iter().map(|v| v / norm).collect::<Vec<_>>(), s.reach)
    };
    for &n in &s.widths {
        let mut rng = Rng::stream(5, "sign-balance", &format!("directions of {n}"), 0);
        let draw = |_| {
            let magnitudes: Vec<f64> = (0..n).map(|_| rng.normal().abs()).collect();
            let signed = magnitudes
                .iter()
                .map(|g| if rng.heads(1) == 1 { *g } else { -g });
            (measure(&signed.collect::<Vec<_>>()), measure(&magnitudes))
        };
        let (signed, non_negative): (Vec<f64>, Vec<f64>) = (0..s.directions).map(draw).unzip();
        let all_positive = measure(&vec![1.0; n]);
        for (family, delta) in [
            (Family::Signed, signed),
            (Family::NonNegative, non_negative),
        ] {
            let rows = tables.rows::<Quantiles>();
            let row = rows.iter().find(|r| r.family == family && r.n == n);
            let row = row.unwrap();
            for (found, wanted) in [
                (row.q05, quantile(&delta, 0.05)),
                (row.q25, quantile(&delta, 0.25)),
                (row.median, quantile(&delta, 0.5)),
                (row.q75, quantile(&delta, 0.75)),
                (row.q95, quantile(&delta, 0.95)),
                (row.all_positive, all_positive),
            ] {
                assert!(
                    (found - wanted).abs() < 1e-5,
                    "{row:?}: {found} against {wanted}"
                );
            }
            let kept = delta.iter().filter(|&&d| d >= all_positive / 2.0).count();
            assert_eq!((row.kept, row.of), (kept, s.directions));
        }
    }
}

/// The integral is what ΔR² on held-out levels estimates, as the post measures it.
#[test]
fn the_integral_is_what_held_out_levels_estimate() {
    let s = Settings {
        n: 100,
        negatives: vec![0, 50],
        points: 20,
        widths: vec![2, 3],
        directions: 1,
        ..Settings::preset(Preset::Quick)
    };
    let tables = Tables::new(testing::run::<SignBalance>(&s, &[0]).tables);
    let integral = tables.rows::<Quantiles>()[0].all_positive;
    let same = tables.rows::<NonHomogeneity>()[0].delta_r2;
    assert!((same - integral).abs() < 1e-6, "{same} against {integral}");
    // All 100 neurons have the same response.
    let levels = (0..100_000).map(|i| 5.0 * (f64::from(i) / 50_000.0 - 1.0));
    let mut points: Vec<_> = levels.map(|x| (x, gelu(x))).collect();
    Rng::stream(5, "test", "split", 0).shuffle(&mut points);
    let held_out = delta_r2(&points[..80_000], &points[80_000..]);
    // A mean over 20,000 held-out levels of shares below 1: its standard error is below 0.007, and four of them are
    // allowed.
    assert!((held_out - integral).abs() < 0.028, "{held_out}");
}

#[test]
fn the_controls_fail() {
    let seeds = [0, 1, 2];
    let outcome = testing::run::<SignBalance>(&Settings::preset(Preset::Quick), &seeds);
    for entry in &testing::settle::<SignBalance>(&outcome, &seeds).entries {
        assert_eq!(entry.verdict, Verdict::Reproduced, "{}", entry.id);
    }
    for entry in &testing::settle_controls::<SignBalance>(&outcome, &seeds).entries {
        assert_eq!(entry.verdict, Verdict::NotReproduced, "{}", entry.id);
    }
}
