//! The figures of `homogeneity` and the text on its findings, from its tables.

use super::tables::{Cell, Limit};
use crate::experiments::one_layer::grid;
use crate::figure::{Axis, Figure, Heat, Mark, Panel, Role};
use crate::stats::observations::Observations;
use crate::table::Tables;
use crate::text::number;

pub(super) fn draw(tables: &Tables) -> Vec<Figure> {
    let map = Figure::new(
        "homogeneity",
        "Non-homogeneity ΔR² of the response along a feature on k neurons while others are active. On the \
         line ΔR² is the threshold; where more others are active than there, the response counts as homogeneous. Mean over \
         features of interest, median over seeds.",
    ).of::<Cell>();
    let curves = Figure::new(
        "homogeneity-curves",
        "The same against the number of active features, for some k; dotted across: the threshold. Mean over features of \
         interest, median over seeds, bands from the smallest to the largest.",
    ).of::<Cell>();
    let limits = Figure::new(
        "homogeneity-limits",
        "Where these curves fall below a threshold, against k, and where they do for others that are active on neurons of \
         their own: at the end of the grid. A threshold that the response is below even without others has no point. \
         Medians over seeds, bands from the smallest to the largest.",
    ).of::<Limit>();
    vec![
        map.columns(1).panel(draw_map(tables)),
        curves.columns(1).panel(draw_curves(tables)),
        limits.columns(1).panel(draw_limits(tables)),
    ]
}

fn draw_map(tables: &Tables) -> Panel {
    let cells = tables.rows::<Cell>();
    let ks = cells.iter().map(|r| r.k).levels();
    // A number of 0 active others has no place on a logarithmic axis: it is in the curves.
    let on = cells
        .iter()
        .map(|r| r.n_on)
        .filter(|&n_on| n_on > 0)
        .levels();
    let columns: Vec<_> = ks
        .iter()
        .map(|&k| curve(&cells, k, |r| r.n_on as f64))
        .collect();
    let value = |column: &[(f64, f64)], n_on: usize| {
        let cell = column.iter().find(|(x, _)| *x == n_on as f64);
        cell.map_or(f64::NAN, |(_, delta)| *delta)
    };
    let row = |&n_on: &usize| columns.iter().map(|c| value(c, n_on)).collect();
    let values = on.iter().map(row).collect();
    let panel = Panel::new(
        "",
        Axis::log("neurons per feature k"),
        Axis::log("active others"),
    );
    if ks.is_empty() || on.is_empty() {
        return panel;
    }
    let wide = |whole: Vec<usize>| whole.into_iter().map(|v| v as f64).collect();
    panel.mark(Mark::Heat(Heat {
        label: "non-homogeneity ΔR²".into(),
        x: wide(ks),
        y: wide(on),
        values,
        range: None,
        diverging: false,
        contour: threshold(&tables.rows::<Limit>()),
    }))
}

fn draw_curves(tables: &Tables) -> Panel {
    let cells = tables.rows::<Cell>();
    // One more than the number of others, since the feature of interest is active too: so 0 others have a place.
    let active = |r: &Cell| r.n_on as f64 + 1.0;
    let mut panel = Panel::new(
        "",
        Axis::log("active features, the one of interest included"),
        Axis::linear("non-homogeneity ΔR²"),
    );
    let ks = cells.iter().map(|r| r.k).levels();
    for (role, k) in Role::steps(grid::every_third(&ks)) {
        let points = points(&cells, k, active).ranges();
        panel = panel.mark(Mark::Band { role, points });
        panel = panel.line(role, format!("k = {k}"), curve(&cells, k, active));
    }
    match threshold(&tables.rows::<Limit>()) {
        Some(threshold) => panel.level(threshold, ""),
        None => panel,
    }
}

fn draw_limits(tables: &Tables) -> Panel {
    let limits = tables.rows::<Limit>();
    let mut panel = Panel::new(
        "",
        Axis::log("neurons per feature k"),
        Axis::log("largest number of active others"),
    );
    let thresholds = limits.iter().map(|r| r.threshold).distinct();
    for (i, &threshold) in (0..).zip(&thresholds) {
        let rows = || limits.iter().filter(|r| r.threshold == threshold);
        let role = match i {
            0 => Role::Distributed,
            _ => Role::Other(i),
        };
        let points = rows().map(|r| (r.k, r.n_on)).ranges();
        panel = panel.mark(Mark::Band { role, points });
        let label = format!("ΔR² > {}", number(threshold));
        panel = panel.dotted(role, label, rows().map(|r| (r.k, r.n_on)).medians());
    }
    let first = threshold(&limits);
    let control = limits.iter().filter(|r| Some(r.threshold) == first);
    let control = control.map(|r| (r.k, r.control));
    let band = Mark::Band {
        role: Role::Control,
        points: control.clone().ranges(),
    };
    panel.mark(band).dotted(
        Role::Control,
        "control: on other neurons",
        control.medians(),
    )
}

/// Returns the median over seeds of ΔR² of the features on `k` neurons, against `x` of a cell.
fn curve(cells: &[Cell], k: usize, x: impl Fn(&Cell) -> f64) -> Vec<(f64, f64)> {
    points(cells, k, x).medians()
}

/// Returns ΔR² of the features on `k` neurons for each seed, against `x` of a cell.
fn points(cells: &[Cell], k: usize, x: impl Fn(&Cell) -> f64) -> impl Iterator<Item = (f64, f64)> {
    let rows = cells.iter().filter(move |r| r.k == k);
    rows.map(move |r| (x(r), r.delta_r2))
}

/// Returns the threshold of the claim.
fn threshold(limits: &[Limit]) -> Option<f64> {
    limits.first().map(|r| r.threshold)
}

pub(super) fn findings(tables: &Tables) -> String {
    let rows = tables.rows::<Limit>();
    let Some(threshold) = threshold(&rows) else {
        return "Nothing was measured.".into();
    };
    let limits = rows.iter().filter(|r| r.threshold == threshold);
    let limits = limits.map(|r| (r.k, r.n_on)).medians();
    let (first, last) = (limits[0], limits[limits.len() - 1]);
    let cells = tables.rows::<Cell>();
    let most = cells.iter().map(|r| r.n_on).max().unwrap_or(0);
    let beyond = limits.iter().filter(|limit| limit.1 >= most as f64);
    let ends = match beyond.count() {
        0 => String::new(),
        beyond => format!(
            " At the {beyond} smallest k it is still above with all {most} active: the grid ends before the response \
             is homogeneous."
        ),
    };
    let others = |(k, most): (f64, f64)| match most.floor() {
        0.0 => format!("on {k} neurons not even beside one other"),
        1.0 => format!("on {k} neurons beside one other"),
        most => format!("on {k} neurons beside up to {most} others"),
    };
    format!(
        "A feature {} is not homogeneous (ΔR² above {}); {}.{ends} Others on neurons of their own do not change the \
         response at all, so it is interference that limits their number. Homogeneous means here that one straight line \
         fits positive and negative inputs alike: even ReLU, for which f(ax) = a·f(x) at every positive a, has a ΔR² of \
         3/16, as a negative a bends the line at 0.",
        others(first),
        number(threshold),
        others(last),
    )
}
