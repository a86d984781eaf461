//! `rescale` against plain loops in f64.

use crate::common::testing;
use harness::claim::Verdict;
use harness::experiments::one_layer::rescale::{Deviation, Point, Rescale, Settings};
use harness::settings::{Preset, Settings as _};
use harness::table::Tables;
use kernels::Isa;
use proptests::each_isa;
use proptests::reference::gelu;

fn settings() -> Settings {
    Settings {
        n: 6,
        widths: vec![1, 3, 8],
        reach: 4.0,
        points: 31,
        control_power: 0.25,
    }
}

/// Returns the rescaled response of `n` neurons, one by one.
fn rescaled(n: usize, power: f64, x: f64) -> f64 {
    let (scale, f) = ((n as f64).powf(power), 1.0 / (n as f64).sqrt());
    (0..n).map(|_| f * gelu(scale * x * f)).sum::<f64>() / scale
}

/// Returns a bound on the rounding of the input and of GELU, some 4 units of f32 at |x| ≤ 4, once per neuron: the share
/// of n neurons in y / scale is √n / scale of one.
fn bound(n: usize, power: f64) -> f64 {
    4.0 * 4.0 * 2f64.powi(-24) * (n as f64).powf(0.5 - power)
}

each_isa!(curves_and_errors_agree_with_plain_loops_on_every_isa);
/// Claims: sqrt-n-recovers
fn curves_and_errors_agree_with_plain_loops_on_every_isa(isa: Isa) {
    let s = settings();
    let outcome = testing::run_with::<Rescale>(&s, &[1], isa, &Default::default());
    let tables = Tables::new(outcome.tables);
    let curves = tables.rows::<Point>();
    assert_eq!(curves.len(), 4 * s.points);
    for (i, row) in curves.iter().enumerate() {
        let x = s.reach * (2.0 * (i % s.points) as f64 / 30.0 - 1.0);
        let (power, scale) = (row.power, 6f64.powf(row.power));
        let y = rescaled(s.n, power, x);
        assert!((row.x - x).abs() < 1e-14);
        assert!((row.y - y).abs() < bound(s.n, power), "{isa}: {y}");
        assert!((row.gelu - gelu(x)).abs() < 1e-14);
        assert!((row.input - x * scale).abs() < 1e-13);
        assert_eq!(row.output, row.y * scale);
    }
    let errors = tables.rows::<Deviation>();
    assert_eq!(errors.len(), 4 * s.widths.len());
    for Deviation { power, n, error } in errors {
        let x = || (0..31).map(|i| s.reach * (f64::from(i) / 15.0 - 1.0));
        let largest = x().map(|x| gelu(x).abs()).fold(0.0, f64::max);
        let errors = x().map(|x| (rescaled(n, power, x) - gelu(x)).abs());
        let wanted = errors.fold(0.0, f64::max) / largest;
        let off = (error - wanted).abs();
        assert!(off < bound(n, power) / largest, "{isa}, n = {n}: {wanted}");
    }
}

#[test]
fn the_control_fails() {
    let seeds = [0, 1];
    let outcome = testing::run::<Rescale>(&Settings::preset(Preset::Quick), &seeds);
    let ledger = testing::settle::<Rescale>(&outcome, &seeds);
    assert_eq!(ledger.entries[0].verdict, Verdict::Reproduced);
    let controls = testing::settle_controls::<Rescale>(&outcome, &seeds);
    assert_eq!(controls.entries[0].verdict, Verdict::NotReproduced);
    assert!(controls.entries[0].value > 0.1);
}
