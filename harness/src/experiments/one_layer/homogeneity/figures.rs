//! What `homogeneity` shows of its tables.

use crate::claim::ledger::Ledger;
use crate::figure::{Axis, Figure, Heat, Mark, Panel, Role};
use crate::table::{Cell, Row, Tables, median_by};
use crate::text::number;

pub(super) fn figures(tables: &Tables) -> Vec<Figure> {
    let gelu = || {
        let rows = tables.get("cells").rows();
        rows.filter(|r| r.text("layer") == "gelu")
    };
    let by = |k: f64, n_on: &dyn Fn(&Row) -> f64| {
        let rows = gelu().filter(|r| r.real("k") == k);
        median_by(rows.map(|r| (n_on(&r), r.real("delta_r2"))))
    };
    let ks = numbers(tables, "k");
    // No active others have no place on a logarithmic axis: they are in the curves.
    let on: Vec<f64> = numbers(tables, "n_on")
        .into_iter()
        .filter(|&n_on| n_on > 0.0)
        .collect();
    let columns: Vec<_> = ks.iter().map(|&k| by(k, &|r| r.real("n_on"))).collect();
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
            x: ks.clone(),
            y: on,
            values,
            range: None,
            diverging: false,
            contour: threshold(tables),
        }));
    }

    // One more than the others: the feature of interest is active too, and 0 has a place.
    let active = &|r: &Row| r.real("n_on") + 1.0;
    let mut curves = Panel::new(
        "",
        Axis::log("active features, the one of interest included"),
        Axis::linear("non-homogeneity ΔR²"),
    );
    let shown: Vec<f64> = ks.iter().rev().step_by(3).rev().copied().collect();
    for (index, &k) in shown.iter().enumerate() {
        let role = Role::Step {
            index,
            of: shown.len(),
        };
        curves = curves.line(role, format!("k = {k}"), by(k, active));
    }
    let linear = tables.get("cells").rows();
    let linear = linear.filter(|r| r.text("layer") == "linear");
    let linear = median_by(linear.map(|r| (active(&r), r.real("delta_r2"))));
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

/// The values of a column of the cells, increasing.
fn numbers(tables: &Tables, column: &str) -> Vec<f64> {
    let cells = tables.get("cells").distinct(column);
    let mut numbers: Vec<f64> = cells
        .into_iter()
        .filter_map(|cell| match cell {
            Cell::Int(value) => Some(value as f64),
            _ => None,
        })
        .collect();
    numbers.sort_by(f64::total_cmp);
    numbers
}

/// The threshold that the limits were found at.
fn threshold(tables: &Tables) -> Option<f64> {
    tables
        .get("limits")
        .rows()
        .next()
        .map(|r| r.real("threshold"))
}

pub(super) fn findings(tables: &Tables, _: &Ledger) -> String {
    let rows = tables.get("limits").rows();
    let rows = rows.filter(|r| r.text("layer") == "gelu");
    let limits = median_by(rows.map(|r| (r.real("k"), r.real("n_on"))));
    let most = numbers(tables, "n_on").last().copied();
    let (Some(first), Some(last), Some(most), Some(threshold)) =
        (limits.first(), limits.last(), most, threshold(tables))
    else {
        return "Nothing was measured.".into();
    };
    let beyond = limits.iter().filter(|(_, n_on)| *n_on >= most).count();
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
