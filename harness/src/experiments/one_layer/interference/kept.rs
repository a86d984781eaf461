//! The share of its non-homogeneity that a feature keeps while another one is on.

use rayon::prelude::*;

use super::claims::SPREAD;
use super::overlap::{Overlap, Pair};
use super::settings::Settings;
use crate::claim::outcome::Outcome;
use crate::claim::setting;
use crate::error::Result;
use crate::experiment::Ctx;
use crate::experiments::one_layer::integrals::Quadrature;
use crate::experiments::one_layer::response_curve::{gelu, levels};
use crate::figure::{Axis, Figure, Mark, Panel, Role};
use crate::stats::observations::Observations;
use crate::stats::{all_finite, mean};
use crate::table::Tables;
use crate::table::record::Word;
use crate::text::{number, percent};

crate::rows! {
    /// The response of a feature that is spread evenly, with another one on: input and output over √k, which is the
    /// same at every k.
    pub struct Point in "curves" {
        /// direction of the other among the neurons of the feature: same, or half of them
        overlap: Overlap [""],
        /// level of the other over √k
        other: f64 ["1"],
        /// input level over √k
        x: f64 ["1"],
        /// output level over √k
        y: f64 ["1"],
    }
}

crate::rows! {
    /// Non-homogeneity of a feature with another one on, averaged over pairs of features.
    pub struct Kept in "kept" {
        /// neurons that the feature is on: 1 for an aligned one
        k: usize ["neurons"],
        /// direction of the other among these neurons: same, half or a quarter of them (rounded down, one at least), or
        /// all with entries of its own, that are positive or of both signs
        overlap: Overlap [""],
        /// length of what the other adds to these neurons, over √k, with a minus where its level is negative; 0 for the
        /// other off
        level: f64 ["1"],
        /// seed of the features
        seed: u64 [""],
        /// R² of a parabola minus R² of a line
        delta_r2: f64 ["1"],
        /// ΔR² over that with the other off
        kept: f64 ["1"],
    }
}

/// Returns the number of units of progress of [`compute`].
pub(super) fn units(s: &Settings, ctx: &Ctx) -> u64 {
    (ctx.seeds.len() * s.dims_per_feature.len() * Overlap::ALL.len()) as u64
}

/// Returns the curves of an evenly spread feature: with the other off, in its direction and on half of its neurons, the
/// last two with the other at a positive and at a negative level.
pub(super) fn curves(s: &Settings) -> Vec<Point> {
    let level = s.levels[0];
    // On half of the neurons, √2 times as much on each has the same length.
    let half = level * 2f64.sqrt();
    let cases = [
        (Overlap::Same, 0.0),
        (Overlap::Same, level),
        (Overlap::Same, -level),
        (Overlap::Half, level),
        (Overlap::Half, -level),
    ];
    let mut points = Vec::new();
    for (overlap, other) in cases {
        let respond = |x: f64| match overlap {
            Overlap::Half => (gelu(x) + gelu(x + half * other.signum())) / 2.0,
            _ => gelu(x + other),
        };
        points.extend(levels(s.reach, s.curve_points).into_iter().map(|x| Point {
            overlap,
            other,
            x,
            y: respond(x),
        }));
    }
    points
}

/// Measures ΔR² at every k, overlap, level and seed, and settles the claim about them.
pub(super) fn compute(s: &Settings, ctx: &Ctx, outcome: &mut Outcome) -> Result<Vec<Kept>> {
    let quadrature = Quadrature::default();
    let mut rows = Vec::new();
    for &seed in ctx.seeds {
        let cases = s
            .dims_per_feature
            .iter()
            .flat_map(|&k| Overlap::ALL.iter().map(move |&o| (k, o)));
        let cases: Vec<_> = cases.collect();
        let of_case = |&(k, overlap): &(usize, Overlap)| {
            let stream = |pair| ctx.rng(seed, &format!("pair {pair}"), k as u64);
            let draw = |pair| Pair::draw(k, overlap, &mut stream(pair));
            let pairs: Vec<Pair> = (0..s.pairs).map(draw).collect();
            let of_level = |&level: &f64| {
                let delta = pairs
                    .iter()
                    .map(|pair| pair.delta_r2(s.reach, level, &quadrature));
                mean(&delta.collect::<Vec<_>>())
            };
            let alone = of_level(&0.0);
            let row = |level: &f64| {
                let delta_r2 = of_level(level);
                Kept {
                    k,
                    overlap,
                    level: *level,
                    seed,
                    delta_r2,
                    kept: delta_r2 / alone,
                }
            };
            let opposite = s.levels.iter().map(|level| -level);
            let levels: Vec<f64> = [0.0]
                .into_iter()
                .chain(s.levels.clone())
                .chain(opposite)
                .collect();
            let rows: Vec<Kept> = levels.iter().map(row).collect();
            ctx.session.progress.tick()?;
            Ok(rows)
        };
        let of_seed: Result<Vec<Vec<Kept>>> = cases.par_iter().map(of_case).collect();
        let of_seed = of_seed?.concat();
        for &level in &s.levels {
            let kept = |aligned: bool, overlap: Overlap| {
                let rows = of_seed
                    .iter()
                    .filter(|r| (r.level, r.overlap) == (level, overlap));
                let kept: Vec<f64> = rows
                    .filter(|r| (r.k == 1) == aligned && overlap.is_part_of(r.k))
                    .map(|r| r.kept)
                    .collect();
                if kept.is_empty() {
                    return Err(
                        "no feature is on so many neurons that another can be on a part of them"
                            .into(),
                    );
                }
                all_finite("shares of ΔR² kept, by k", &kept).map(mean)
            };
            let aligned = kept(true, Overlap::Same);
            let same = [kept(false, Overlap::Same), aligned.clone()];
            for overlap in Overlap::partial() {
                let claim = [kept(false, overlap), aligned.clone()];
                let cell = setting::Setting::new([
                    ("overlap", overlap.word().to_string()),
                    ("level of the other over √k", level.to_string()),
                ]);
                let cell = cell.point_if((overlap, level) == (Overlap::Half, s.levels[0]));
                outcome.settle_in(&cell, &SPREAD, seed, claim, same.clone());
            }
        }
        rows.extend(of_seed);
    }
    Ok(rows)
}

pub(super) fn draw_curves(tables: &Tables) -> Figure {
    let points = tables.rows::<Point>();
    let panel = |title, overlap: Overlap| {
        let mut panel = Panel::new(
            title,
            Axis::linear("input level / √k"),
            Axis::linear("output level / √k"),
        );
        let looks = [
            (0.0, Role::Aligned, "other off"),
            (1.0, Role::Other(0), "other strongly on"),
            (-1.0, Role::Other(2), "other strongly negative"),
        ];
        for (sign, role, label) in looks {
            let rows = points.iter().filter(|r| match sign {
                0.0 => r.other == 0.0,
                _ => r.overlap == overlap && r.other * sign > 0.0,
            });
            panel = panel.line(role, label, rows.map(|r| (r.x, r.y)));
        }
        panel
    };
    Figure::new(
        "kept",
        "Response along a feature while another one is on that adds the same length to its neurons: in the feature's \
         direction, whether it is aligned or spread evenly, or on half of the neurons of one that is spread evenly. \
         Levels over √k. There is no randomness in it.",
    ).of::<Point>()
    .panel(panel("another in its very direction", Overlap::Same))
    .panel(panel("another on half of its neurons", Overlap::Half))
}

pub(super) fn draw_by_k(tables: &Tables) -> Figure {
    let rows = tables.rows::<Kept>();
    let mut figure = Figure::new(
        "kept-by-k",
        "Share of its ΔR² that a feature on k neurons keeps (k = 1: aligned) while another one is on that adds a vector of \
         the same length to its neurons, in its direction or overlapping it in part; the level is the length over √k. \
         Means over pairs of features, medians over seeds, bands from the smallest to the largest.",
    ).of::<Kept>();
    let levels = rows.iter().map(|r| r.level).filter(|l| *l > 0.0).levels();
    for level in levels {
        let mut panel = Panel::new(
            format!("other at level {}", number(level)),
            Axis::log("neurons per feature k"),
            Axis::linear("share of ΔR² kept").range(0.0, 1.1),
        );
        for &overlap in Overlap::ALL {
            let role = match overlap {
                Overlap::Same => Role::Control,
                Overlap::Half => Role::Distributed,
                Overlap::Quarter => Role::Other(5),
                Overlap::PositiveEntries => Role::Other(1),
                Overlap::BothSigns => Role::Other(4),
            };
            let label = match overlap {
                Overlap::Same => "in its direction (control)",
                Overlap::Half => "on half of its neurons",
                Overlap::Quarter => "on a quarter of them",
                Overlap::PositiveEntries => "positive entries",
                Overlap::BothSigns => "entries of both signs",
            };
            let points = rows
                .iter()
                .filter(|r| (r.overlap, r.level) == (overlap, level) && overlap.is_part_of(r.k));
            let points = || points.clone().map(|r| (r.k, r.kept));
            let band = Mark::Band {
                role,
                points: points().ranges(),
            };
            panel = panel.mark(band).dotted(role, label, points().medians());
        }
        figure = figure.panel(panel.level(0.5, "criterion"));
    }
    figure
}

pub(super) fn findings(tables: &Tables) -> String {
    let rows = tables.rows::<Kept>();
    let levels = rows.iter().map(|r| r.level).levels();
    let Some(&strong) = levels.last() else {
        return "Nothing was measured.".into();
    };
    let kept = |aligned: bool, overlap: Overlap, level: f64| {
        let rows = rows
            .iter()
            .filter(|r| (r.overlap, r.level) == (overlap, level));
        let kept: Vec<f64> = rows
            .filter(|r| (r.k == 1) == aligned)
            .map(|r| r.kept)
            .collect();
        match mean(&kept) {
            kept if kept < 0.001 => "less than 0.1 %".into(),
            kept => percent(kept),
        }
    };
    format!(
        "With another feature on at {}√k in its very direction, an aligned feature keeps {} of its ΔR², and a spread one {}: \
         spreading alone protects nothing. Where what the other adds is as long but on half of its neurons, a spread \
         feature keeps {}, and with the other as strongly negative {}; on all of its neurons with entries of both signs, {}, and with \
         positive entries, which push every neuron to the same side, {}. \
         An aligned feature is on one neuron, so all others that add the same amount to it act alike. The map of half of a \
         wide layer has the same shape as that of a layer of two neurons; with as many negative as positive signs both maps \
         are planes, tilted by the overlap of A and B.",
        number(strong),
        kept(true, Overlap::Same, strong),
        kept(false, Overlap::Same, strong),
        kept(false, Overlap::Half, strong),
        kept(false, Overlap::Half, -strong),
        kept(false, Overlap::BothSigns, strong),
        kept(false, Overlap::PositiveEntries, strong),
    )
}
