//! The figures of `tradeoff` and the text on its findings, from its tables.

use super::tables::{Limits, Skew};
use crate::experiments::one_layer::near_orthogonality::directions;
use crate::figure::{Axis, Figure, Heat, Mark, Panel, Role, Series};
use crate::stats::observations::Observations;
use crate::table::Tables;
use crate::text::number;

pub(super) fn draw(tables: &Tables) -> Vec<Figure> {
    vec![
        draw_mixed(&tables.rows()),
        draw_families(&tables.rows()),
        draw_planes(&tables.rows()),
        draw_at_n(&tables.rows()),
    ]
}

/// Draws the post's own picture, with positive features on one side and signed ones on the other.
fn draw_mixed(rows: &[Limits]) -> Figure {
    let thresholds = rows
        .first()
        .map(|r| (r.delta_r2_threshold, r.mmcs_threshold));
    let active = rows.iter().map(|r| (r.k, r.active));
    let available = rows.iter().map(|r| (r.k, r.nearly_orthogonal));
    Figure::new(
        "tradeoff",
        "The post's picture, which mixes two families of features. Left axis: how many other positive features can be \
         active before the response along one is homogeneous. Right axis: how many signed features are nearly \
         orthogonal. Both against the number of neurons that a feature is on; medians over seeds, bands from the \
         smallest to the largest.",
    ).of::<Limits>()
    .columns(1)
    .panel(both_sides("", Axis::log, thresholds, active, available))
}

/// Draws both sides for features of one family, at the ends and in the middle of the shares.
fn draw_families(rows: &[Skew]) -> Figure {
    let shares = rows.iter().map(|r| r.positive_share).levels();
    let thresholds = rows
        .first()
        .map(|r| (r.delta_r2_threshold, r.mmcs_threshold));
    let mut shown = vec![0, shares.len() / 2, shares.len().saturating_sub(1)];
    shown.dedup();
    let mut figure = Figure::new(
        "one-family",
        "The same with one family of features on both sides, by the share of their entries that is positive. Medians over seeds, bands from the \
         smallest to the largest.",
    ).of::<Skew>();
    for share in shown.into_iter().filter_map(|i| shares.get(i)) {
        let rows = || rows.iter().filter(|r| r.positive_share == *share);
        let active = rows().map(|r| (r.k, r.active));
        let available = rows().map(|r| (r.k, r.nearly_orthogonal));
        let title = format!("{} % of entries positive", number(100.0 * share));
        // The left axis is linear, since the number there may be 0.
        figure = figure.panel(both_sides(
            &title,
            Axis::linear,
            thresholds,
            active,
            available,
        ));
    }
    figure
}

fn both_sides(
    title: &str,
    left_axis: fn(String) -> Axis,
    thresholds: Option<(f64, f64)>,
    active: impl Iterator<Item = (usize, f64)> + Clone,
    available: impl Iterator<Item = (usize, f64)> + Clone,
) -> Panel {
    let (delta, mmcs) = thresholds.unwrap_or((f64::NAN, f64::NAN));
    let band = |role, points| Mark::Band { role, points };
    let curve = |role, label: &str, points| Mark::Dotted(Series::new(role, label, points));
    let active_label = format!("largest number of active others, ΔR² > {}", number(delta));
    let available_label = format!("nearly orthogonal, MMCS < {}", number(mmcs));
    let (left, right) = (Role::Other(1), Role::Distributed);
    Panel::new(
        title,
        Axis::log("neurons per feature k"),
        left_axis(active_label),
    )
    .with_right(Axis::log(available_label))
    .mark(band(left, active.clone().ranges()))
    .mark(curve(
        left,
        "largest number of active others (left)",
        active.medians(),
    ))
    .on_right(band(right, available.clone().ranges()))
    .on_right(curve(
        right,
        "nearly orthogonal features (right)",
        available.medians(),
    ))
}

/// Draws both sides over the plane of share and k.
fn draw_planes(rows: &[Skew]) -> Figure {
    let ks = rows.iter().map(|r| r.k).levels();
    let shares = rows.iter().map(|r| r.positive_share).levels();
    let plane = |title: &str, label: &str, value: fn(&Skew) -> f64| {
        let at = |share: f64, k: usize| {
            let rows = rows
                .iter()
                .filter(|r| (r.positive_share, r.k) == (share, k));
            let medians = rows.map(|r| (0usize, value(r))).medians();
            medians.first().map_or(f64::NAN, |m| m.1)
        };
        let row = |&share: &f64| ks.iter().map(|&k| at(share, k)).collect();
        let panel = Panel::new(
            title,
            Axis::log("neurons per feature k"),
            Axis::linear("share of positive entries"),
        );
        panel.mark(Mark::Heat(Heat {
            label: label.into(),
            x: ks.iter().map(|&k| k as f64).collect(),
            y: shares.clone(),
            values: shares.iter().map(row).collect(),
            range: None,
            diverging: false,
            contour: None,
        }))
    };
    let figure = Figure::new(
        "skew",
        "What is traded, over the share of positive entries and the number of neurons that a feature is on: how many \
         features are nearly orthogonal (powers of ten), the non-homogeneity of the response along one that is active \
         alone, and how many others can be active beside it. Medians over seeds.",
    ).of::<Skew>();
    if ks.is_empty() {
        return figure;
    }
    figure
        .panel(plane(
            "nearly orthogonal features",
            "log₁₀ of their number",
            |r| r.nearly_orthogonal.log10(),
        ))
        .panel(plane("a feature alone", "ΔR²", |r| r.delta_r2))
        .panel(plane("largest number of active others", "number", |r| {
            r.active
        }))
}

/// Draws both sides at k = n, with the control.
fn draw_at_n(rows: &[Skew]) -> Figure {
    let n = rows.iter().map(|r| r.k).max();
    let rows = || rows.iter().filter(|r| Some(r.k) == n);
    let panel = |y, role, value: fn(&Skew) -> f64, control: fn(&Skew) -> f64| {
        let points = |of: fn(&Skew) -> f64| rows().map(move |r| (r.positive_share, of(r)));
        let band = |role, of| Mark::Band {
            role,
            points: points(of).ranges(),
        };
        Panel::new("", Axis::linear("share of positive entries"), Axis::log(y))
            .mark(band(role, value))
            .mark(band(Role::Control, control))
            .dotted(role, "by share", points(value).medians())
            .dotted(
                Role::Control,
                "control: 0.5 throughout",
                points(control).medians(),
            )
    };
    Figure::new(
        "skew-at-n",
        "Features on all neurons: how many are nearly orthogonal, and the non-homogeneity of the response along one. \
         Medians over seeds, bands from the smallest to the largest.",
    ).of::<Skew>()
    .panel(panel(
        "nearly orthogonal features",
        Role::Distributed,
        |r| r.nearly_orthogonal,
        |r| r.control_nearly_orthogonal,
    ))
    .panel(panel(
        "ΔR² of a feature alone",
        Role::Distributed,
        |r| r.delta_r2,
        |r| r.control_delta_r2,
    ))
}

pub(super) fn findings(tables: &Tables) -> String {
    let mixed = tables.rows::<Limits>();
    let skew = tables.rows::<Skew>();
    let ends = |curve: Vec<(f64, f64)>| curve.first().copied().zip(curve.last().copied());
    let count = |count: f64| match count {
        few if few > 0.0 && few < 1.0 => "less than one".to_string(),
        // The number is rounded down: where the limit is 18.8, 18 others can be active.
        many => number(many.floor()),
    };
    let of_mixed = ends(mixed.iter().map(|r| (r.k, r.active)).medians()).zip(ends(
        mixed.iter().map(|r| (r.k, r.nearly_orthogonal)).medians(),
    ));
    let of_mixed = match of_mixed {
        None => {
            "The two experiments share no k and seed: give them the same n and dims_points.".into()
        }
        Some((active, available)) => format!(
            "In the post's picture, from k = {} to k = {} the number of nearly orthogonal signed features goes from {} to \
             {}, while the largest number of positive others that can be active goes from {} to {}.",
            active.0.0,
            active.1.0,
            directions(available.0.1),
            directions(available.1.1),
            count(active.0.1),
            count(active.1.1),
        ),
    };
    let shares = skew.iter().map(|r| r.positive_share).levels();
    let (Some(&least), Some(&most)) = (shares.first(), shares.last()) else {
        return of_mixed;
    };
    let sides = |share: f64| {
        let rows = || skew.iter().filter(|r| r.positive_share == share);
        let ends = |of: fn(&Skew) -> f64| ends(rows().map(|r| (r.k, of(r))).medians());
        (
            ends(|r| r.active).unwrap_or_default(),
            ends(|r| r.nearly_orthogonal).unwrap_or_default(),
        )
    };
    let family = |share: f64| {
        let (active, available) = sides(share);
        format!(
            "{} to {} nearly orthogonal ones and {} to {} active others with {} % of the entries positive",
            directions(available.0.1),
            directions(available.1.1),
            count(active.0.1),
            count(active.1.1),
            number(100.0 * share),
        )
    };
    let trades = |share: f64| {
        let (active, available) = sides(share);
        available.1.1 > available.0.1 && active.1.1 < active.0.1 && active.1.1 > 0.0
    };
    let verdict = match (trades(least), trades(most)) {
        (false, false) => {
            "in neither family are there more directions at the largest k than at the smallest while some others can still be active"
        }
        (true, true) => {
            "in both families there are more directions at the largest k than at the smallest while some others can still be active"
        }
        _ => {
            "in one of them there are more directions at the largest k than at the smallest while some others can still be active"
        }
    };
    let number_of = |share: f64| sides(share).1;
    let (of_least, of_most) = (number_of(least), number_of(most));
    let unsettled = match of_least.1.1 > of_least.0.1 && of_most.1.1 <= of_most.0.1 {
        true => format!(
            " In plain words: the more neurons a feature is on, the more features with {} % of the entries positive are nearly \
             orthogonal, but {} of those with {} %. The post's trade-off, more features for fewer that can be active at once, \
             is not settled by the two claims on its two sides, which are about different features.",
            number(100.0 * least),
            if of_most.1.1 < of_most.0.1 {
                "the fewer"
            } else {
                "no more"
            },
            number(100.0 * most),
        ),
        false => String::new(),
    };
    let n = skew.iter().map(|r| r.k).max().unwrap_or(0);
    let at_n = |of: fn(&Skew) -> f64| {
        let rows = skew.iter().filter(|r| r.k == n);
        ends(rows.map(|r| (r.positive_share, of(r))).medians()).unwrap_or_default()
    };
    let (numbers, delta) = (at_n(|r| r.nearly_orthogonal), at_n(|r| r.delta_r2));
    format!(
        "{of_mixed} That mixes two families. The same features on both sides, from the smallest to the largest k, give {}, \
         and {}: {verdict}.{unsettled} What is traded is skew: on all {n} neurons, from the least to the most skewed \
         features, {} nearly orthogonal ones become {}, while the ΔR² of one alone goes from {} to {}.",
        family(least),
        family(most),
        directions(numbers.0.1),
        directions(numbers.1.1),
        number(delta.0.1),
        number(delta.1.1),
    )
}
