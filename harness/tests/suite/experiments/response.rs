//! `response` against plain loops in f64.

use crate::common::testing;
use harness::claim::Verdict;
use harness::experiments::one_layer::response::{
    Feature, NonHomogeneity, Point, Reach, Response, Settings,
};
use harness::experiments::one_layer::response_curve::Activation;
use harness::settings::{Preset, Settings as _};
use harness::table::Tables;
use kernels::Isa;
use proptests::each_isa;
use proptests::fit::delta_r2;
use proptests::reference;

fn settings() -> Settings {
    Settings {
        n: 3,
        widths: vec![1, 2, 9],
        reach: 4.0,
        points: 41,
    }
}

fn levels(s: &Settings) -> Vec<f64> {
    let last = (s.points - 1) as f64;
    (0..s.points)
        .map(|i| s.reach * (2.0 * i as f64 / last - 1.0))
        .collect()
}

fn direction(feature: Feature, n: usize) -> Vec<f64> {
    let mut f = vec![0.0; n];
    match feature {
        Feature::Aligned => f[0] = 1.0,
        Feature::Distributed => f.fill(1.0 / (n as f64).sqrt()),
    }
    f
}

fn activate(activation: Activation, z: f64) -> f64 {
    match activation {
        Activation::Gelu => reference::gelu(z),
        Activation::Relu => reference::relu(z),
    }
}

/// Returns g · act(x f), and a bound on the error of computing it with f32 kernels: the input is rounded once (slope of
/// the activation at most 1.13), the activation is within 2 ulp or 1e-7.
fn response(activation: Activation, x: f64, f: &[f64], g: &[f64]) -> (f64, f64) {
    let half_ulp = 2f64.powi(-24);
    f.iter().zip(g).fold((0.0, 0.0), |(sum, error), (f, g)| {
        let y = activate(activation, x * f);
        let bound = 1.13 * (x * f).abs() * half_ulp + (4.0 * half_ulp * y.abs()).max(1e-7);
        (sum + g * y, error + g.abs() * bound)
    })
}

each_isa!(curves_agree_with_plain_loops_on_every_isa);
/// Claims: same-shape-smaller
fn curves_agree_with_plain_loops_on_every_isa(isa: Isa) {
    let s = settings();
    let outcome = testing::run_with::<Response>(&s, &[1], isa, &Default::default());
    let curves = Tables::new(outcome.tables).rows::<Point>();
    assert_eq!(curves.len(), 2 * 4 * s.points);
    let x = levels(&s);
    for (i, row) in curves.iter().enumerate() {
        let (f, g) = (direction(row.input, s.n), direction(row.output, s.n));
        let x = x[i % s.points];
        let (y, bound) = response(row.activation, x, &f, &g);
        assert!((row.x - x).abs() <= 1e-14);
        assert!((row.y - y).abs() <= bound, "{isa}: {} against {y}", row.y);
    }
}

/// Returns ΔR² over an even grid of so many levels that it is as good as over all levels.
fn on_a_grid(y: impl Fn(f64) -> f64, reach: f64) -> f64 {
    let x = (0..20_000).map(|i| reach * ((f64::from(i) + 0.5) / 10_000.0 - 1.0));
    let points: Vec<_> = x.map(|x| (x, y(x))).collect();
    delta_r2(&points, &points)
}

/// Claims: distributed-nearly-linear, wider-is-more-linear
#[test]
fn non_homogeneity_agrees_with_fits_on_a_fine_grid_of_levels() {
    let (s, seeds) = (settings(), [3, 4]);
    let outcome = testing::run::<Response>(&s, &seeds);
    let tables = Tables::new(outcome.tables);
    let rows = tables.rows::<NonHomogeneity>();
    assert_eq!(rows.len(), 2 * s.widths.len());
    for row in rows {
        let f = direction(Feature::Distributed, row.n);
        let wanted = on_a_grid(|x| response(row.activation, x, &f, &f).0, s.reach);
        assert!((row.delta_r2 - wanted).abs() < 1e-6, "{row:?}: {wanted}");
        assert!((row.r - s.reach / (row.n as f64).sqrt()).abs() < 1e-14);
    }
    for row in tables.rows::<Reach>().iter().step_by(7) {
        let wanted = on_a_grid(|x| activate(row.activation, x), row.r);
        // From a range of 30 on, the bend of GELU is sharp for sixteen points on either side.
        assert!((row.delta_r2 - wanted).abs() < 1e-3, "{row:?}: {wanted}");
    }
}

#[test]
fn the_controls_fail_where_the_claims_are_measured() {
    let s = Settings::preset(Preset::Default);
    let seeds = [0, 1, 2];
    let outcome = testing::run::<Response>(&s, &seeds);
    let ledger = testing::settle::<Response>(&outcome, &seeds);
    for entry in &ledger.entries {
        assert_eq!(entry.verdict, Verdict::Reproduced, "{entry:?}");
    }
    let control = |id: &str| ledger.get(id).unwrap().control_value;
    assert!(control("same-shape-smaller") > 1e-2);
    assert!((control("distributed-nearly-linear") - 1.0).abs() < 1e-12);
    assert!(control("wider-is-more-linear").abs() < 1e-12);
    // An independent computation gives 0.184.
    let ratio = ledger.get("distributed-nearly-linear").unwrap().value;
    assert!((ratio - 0.184).abs() < 5e-4, "{ratio}");
}
