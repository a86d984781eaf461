//! The figures of `homogeneity` and what is said of them, from its tables.

use super::tables::{Cell, Layer, Limit};
use crate::claim::ledger::Ledger;
use crate::experiments::one_layer::grid;
use crate::figure::{Axis, Figure, Heat, Mark, Panel, Role};
use crate::stats::observations::Observations;
use crate::table::Tables;
use crate::text::number;

pub(super) fn draw(tables: &Tables) -> Vec<Figure> {
    let cells = tables.rows::<Cell>();
    let gelu = || cells.iter().filter(|r| r.layer == Layer::Gelu);
    let by = |k: usize, n_on: fn(&Cell) -> f64| {
        let rows = gelu().filter(|r| r.k == k);
        rows.map(|r| (n_on(r), r.delta_r2)).medians()
    };
    let ks = cells.iter().map(|r| r.k).levels();
    // No active others have no place on a logarithmic axis: they are in the curves.
    let on = cells
        .iter()
        .map(|r| r.n_on as f64)
        .filter(|&n_on| n_on > 0.0);
    let on = on.levels();
    let columns: Vec<_> = ks.iter().map(|&k| by(k, |r| r.n_on as f64)).collect();
    let value = |column: &[(f64, f64)], n_on: f64| {
        let cell = column.iter().find(|(x, _)| *x == n_on);
        cell.map_or(f64::NAN, |(_, delta)| *delta)
    };
    let values = on
        .iter()
        .map(|&n_on| columns.iter().map(|c| value(c, n_on)).collect())
        .collect();
    let mut map = Panel::new(
        "",
        Axis::log("neurons per feature k"),
        Axis::log("active others"),
    );
    if !ks.is_empty() && !on.is_empty() {
        map = map.mark(Mark::Heat(Heat {
            label: "non-homogeneity ΔR²".into(),
            x: ks.iter().map(|&k| k as f64).collect(),
            y: on,
            values,
            range: None,
            diverging: false,
            contour: threshold(tables),
        }));
    }

    // One more than the others: the feature of interest is active too, and 0 has a place.
    let active = |r: &Cell| r.n_on as f64 + 1.0;
    let mut curves = Panel::new(
        "",
        Axis::log("active features, the one of interest included"),
        Axis::linear("non-homogeneity ΔR²"),
    );
    for (role, k) in Role::steps(grid::every_third(&ks)) {
        curves = curves.line(role, format!("k = {k}"), by(k, active));
    }
    let linear = cells.iter().filter(|r| r.layer == Layer::Linear);
    let linear = linear.map(|r| (active(r), r.delta_r2)).medians();
    curves = curves.line(Role::Control, "control: linear layer, any k", linear);
    if let Some(threshold) = threshold(tables) {
        curves = curves.level(threshold, "");
    }
    vec![
        Figure::new(
            "homogeneity",
            "Non-homogeneity of the response along a feature on k neurons while others are active. The \
             line is the threshold: above it the response is homogeneous. Mean over features of \
             interest, median over seeds.",
        )
        .columns(1)
        .panel(map),
        Figure::new(
            "homogeneity-curves",
            "The same against the number of active features, for some k; dotted across: the threshold. Mean \
             over features of interest, median over seeds.",
        )
        .columns(1)
        .panel(curves),
    ]
}

/// The threshold that the limits were found at.
fn threshold(tables: &Tables) -> Option<f64> {
    tables.rows::<Limit>().first().map(|r| r.threshold)
}

pub(super) fn findings(tables: &Tables, _: &Ledger) -> String {
    let limits = tables.rows::<Limit>();
    let limits = limits.iter().filter(|r| r.layer == Layer::Gelu);
    let limits = limits.map(|r| (r.k, r.n_on)).medians();
    let cells = tables.rows::<Cell>();
    let most = cells.iter().map(|r| r.n_on).max();
    let (Some(first), Some(last), Some(most), Some(threshold)) =
        (limits.first(), limits.last(), most, threshold(tables))
    else {
        return "Nothing was measured.".into();
    };
    let beyond = limits
        .iter()
        .filter(|(_, n_on)| *n_on >= most as f64)
        .count();
    let ends = match beyond {
        0 => String::new(),
        _ => format!(
            " At the {beyond} smallest k it is still above with all {most} active: the grid ends before the response \
             is homogeneous."
        ),
    };
    format!(
        "With features on {} neurons, ΔR² stays above {} with up to {} others active; on {} neurons, with up to \
         {}.{ends} Read along the same direction, a linear layer has no ΔR² to lose.",
        first.0,
        number(threshold),
        number(first.1),
        last.0,
        number(last.1),
    )
}
