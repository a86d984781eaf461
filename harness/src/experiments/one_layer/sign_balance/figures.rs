//! The figures of `sign-balance` and the text on its findings, from its tables.

use std::cmp::Ordering;

use super::claims::{BALANCED, WASH_OUT};
use super::directions::Family;
use super::tables::{NonHomogeneity, Point, Quantiles};
use crate::claim::ledger::Ledger;
use crate::figure::{Axis, Figure, Mark, Panel, Role};
use crate::stats::observations::Observations;
use crate::table::Tables;
use crate::table::record::Word;
use crate::text::number;

pub(super) fn draw(tables: &Tables) -> Vec<Figure> {
    vec![draw_fixed_signs(tables), draw_random_signs(tables)]
}

fn draw_fixed_signs(tables: &Tables) -> Figure {
    let mut response = Panel::new(
        "response",
        Axis::linear("input level x"),
        Axis::linear("output level y"),
    );
    let curves = tables.rows::<Point>();
    let n = curves.iter().map(|r| r.m).max().unwrap_or(0);
    let ms = curves.iter().map(|r| r.m).levels();
    // The same imbalance has the same colour: below half of the entries solid, above it dashed.
    let imbalances = ms.iter().map(|m| n.abs_diff(2 * m)).levels();
    let role = |m: usize| {
        let place = imbalances.iter().position(|&i| i == n.abs_diff(2 * m));
        let (index, of) = (place.unwrap_or(0), imbalances.len());
        match m.cmp(&(n - m)) {
            Ordering::Less => Role::Step { index, of },
            Ordering::Equal => Role::Other(0),
            Ordering::Greater => Role::Mirrored { index, of },
        }
    };
    for m in ms {
        let rows = curves.iter().filter(|r| r.m == m);
        let points = rows.map(|r| (r.x, r.y));
        response = response.line(role(m), format!("m = {m}"), points);
    }
    let delta = tables.rows::<NonHomogeneity>();
    let delta = delta.iter().map(|r| (r.m as f64, r.delta_r2));
    let delta = Panel::new(
        "non-homogeneity",
        Axis::linear("negative entries m"),
        Axis::linear("ΔR²"),
    )
    .dotted(Role::Gelu, "", delta);
    Figure::new(
        "sign-balance",
        "A GELU layer along a feature with m negative entries of equal size: its response (black: as many negative as \
         positive; dashed: more negative ones, in the colour of as many positive), and how far from homogeneous it is. \
         There is no randomness in it.",
    ).of::<Point>().of::<NonHomogeneity>()
    .panel(response)
    .panel(delta)
}

fn draw_random_signs(tables: &Tables) -> Figure {
    let directions = tables.rows::<Quantiles>();
    let mut delta = Panel::new("non-homogeneity", Axis::log("neurons n"), Axis::log("ΔR²"));
    let mut kept = Panel::new(
        "at least half of the all-positive ΔR²",
        Axis::log("neurons n"),
        Axis::linear("share of directions (%)").range(0.0, 105.0),
    );
    let roles = [Role::Distributed, Role::Control];
    for (&family, role) in Family::ALL.iter().zip(roles) {
        let curve = |value: fn(&Quantiles) -> f64| {
            let rows = directions.iter().filter(|r| r.family == family);
            rows.map(|r| (r.n, value(r))).medians()
        };
        let quantiles = [
            (curve(|r| r.q05), curve(|r| r.q95)),
            (curve(|r| r.q25), curve(|r| r.q75)),
        ];
        for (low, high) in quantiles {
            let points = low.into_iter().zip(high);
            let points = points.map(|((n, low), (_, high))| (n, low, high)).collect();
            delta = delta.mark(Mark::Band { role, points });
        }
        delta = delta.dotted(role, family.word(), curve(|r| r.median));
        let shares = directions.iter().filter(|r| r.family == family);
        let shares = shares.map(|r| (r.n, 100.0 * r.kept as f64 / r.of as f64));
        let points = shares.clone().ranges();
        kept = kept
            .mark(Mark::Band { role, points })
            .dotted(role, family.word(), shares.medians());
    }
    Figure::new(
        "random-directions",
        "Random directions of wider and wider layers, Gaussian and normalised, with their signs and \
         without: median ΔR², with the middle half and the middle 90 % of the directions shaded, all of these medians over \
         seeds, and the share of the directions that keep at least half of the ΔR² of the all-positive one: median over \
         seeds, band from the smallest to the largest.",
    ).of::<Quantiles>()
    .panel(delta)
    .panel(kept)
}

pub(super) fn findings(tables: &Tables, ledger: &Ledger) -> String {
    let value = |id: &str| ledger.get(id).map_or(f64::NAN, |e| e.value);
    let mut rows = tables.rows::<Quantiles>();
    rows.retain(|r| r.family == Family::Signed);
    let Some(last) = rows.last() else {
        return "No directions were drawn.".into();
    };
    let kept = |n: usize| {
        let rows = || rows.iter().filter(|r| r.n == n);
        let kept: f64 = rows().map(|r| r.kept as f64).sum();
        let of: f64 = rows().map(|r| r.of as f64).sum();
        100.0 * kept / of
    };
    let law = ledger.get(WASH_OUT.id).map_or(String::new(), |e| {
        // Three decimals tell the ends of so narrow an interval apart.
        format!("{:.3} ({:.3} to {:.3})", e.value, e.low, e.high).replace('-', "−")
    });
    let narrowest = rows.iter().map(|r| r.n).min().unwrap_or(0);
    format!(
        "With half of the entries negative the response is x/2 to within {}: the even parts of the two halves cancel. \
         Over random signed directions the median ΔR² goes as n to the power of {law}, where 1/n would be −1; of the \
         directions, {} % keep at least half of the all-positive one's {} at n = {narrowest}, and {} % at n = {}. \
         Non-negative directions keep theirs at every width.",
        number(value(BALANCED.id)),
        number(kept(narrowest)),
        number(last.all_positive),
        number(kept(last.n)),
        last.n,
    )
}
