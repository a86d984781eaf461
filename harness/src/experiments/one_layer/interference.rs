//! `interference`: two features on at once, and what is left of the response to one of them.

mod maps;
mod overlap;
mod settings;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::claim::{Claim, Kind, above, below};
use crate::error::Result;
use crate::experiment::{About, Ctx, Experiment, Needs};
use crate::experiments::one_layer::response_curve::{Layer, Split, levels};
use crate::figure::{Axis, Figure, Panel, Role};
use crate::stats::observations::Observations;
use crate::stats::{all_finite, max, min};
use crate::table::{Record, Table, Tables};
use crate::text::number;

pub use maps::{Direction, Output, Setting};
pub use settings::Settings;

/// See the [module](self).
pub struct Interference;

crate::rows! {
    /// The response of an aligned feature with another one on in the same direction.
    pub struct Point in "aligned" {
        /// level of the other feature
        other: f64 ["1"],
        /// input level
        x: f64 ["1"],
        /// output level
        y: f64 ["1"],
    }
}

crate::words! {
    /// The place of the other features with respect to the one that is read.
    pub enum Case {
        /// The other is in its very direction.
        Aligned,
        /// The others overlap it in part.
        Distributed,
    }
}

crate::rows! {
    /// Non-homogeneity of a feature with others on, and how much of it is kept.
    pub struct Kept in "kept" {
        /// aligned: the other is in its very direction; distributed: the others overlap in part
        case: Case [""],
        /// neurons that the feature is on
        k: usize ["neurons"],
        /// others that are on
        n_on: usize ["features"],
        /// level of the other feature; NaN where it is random
        other: f64 ["1"],
        /// seed of features, samples and split
        seed: u64 [""],
        /// R² of a parabola minus R² of a line, on held-out points
        delta_r2: f64 ["1"],
        /// ΔR² over that with the others off
        kept: f64 ["1"],
        /// largest minus smallest output of the fitted points; NaN where it is random
        range: f64 ["1"],
    }
}

static SPREAD: Claim<2> = Claim {
    id: "spread-keeps-non-linearity",
    kind: Kind::Law,
    statement: "Another feature strongly on in the same direction leaves an aligned feature no \
        non-linearity, while a feature spread over some neurons keeps most of its own when others \
        overlap it.",
    criterion: "with the other at level 5√k an aligned feature keeps < 0.1 of its ΔR²; with 1 to 4 \
        others on, a distributed one keeps > 0.5 of it at every k ≤ 10",
    control: "the other features off",
    conditions: [
        below(0.1, "ΔR² that an aligned feature keeps"),
        above(0.5, "smallest ΔR² that a distributed feature keeps"),
    ],
};

impl Experiment for Interference {
    type Settings = Settings;

    const ABOUT: &'static About = &About {
        id: "interference",
        title: "Two features at once",
        summary: "When another feature is on, it moves the neurons along their \
        non-linearity. The output along a feature A is mapped over the levels of A and of another \
        feature B that shares some of its neurons. Then the non-homogeneity ΔR² of A is compared with \
        the other features off and on: a strong one in the very direction of an aligned A, and up to \
        four random ones that share only some of the neurons of a distributed A.",
        claims: &[&SPREAD],
        tables: &[Output::SPEC, Point::SPEC, Kept::SPEC],
        figures: &["two-features", "kept"],
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        // The four maps and three curves as rows; the features; the samples of a thread.
        let maps = 4.0 * (s.points as f64).powi(2) * (Output::MEMORY + 8.0);
        let curves = 3.0 * s.curve_points as f64 * (Point::MEMORY + 40.0);
        let k = s.dims_per_feature.last().copied().unwrap_or(0) as f64;
        maps + curves
            + s.features as f64 * k * 8.0
            + threads as f64 * s.samples as f64 * (8.0 * k + 64.0)
    }

    fn run(s: &Settings, ctx: &Ctx) -> Result<Outcome> {
        let cells = ctx.seeds.len() * s.dims_per_feature.len() * s.of_interest;
        ctx.session.progress.start(4 + cells as u64)?;
        let mut outcome = Outcome::default();
        let mut kept = Vec::new();
        let maps = maps::compute(s, ctx)?;
        let (aligned, aligned_kept) = aligned(s, ctx, &mut kept);
        let distributed_kept = distributed(s, ctx, &mut kept)?;
        for (i, &seed) in ctx.seeds.iter().enumerate() {
            let [with_others, alone] = distributed_kept[i].clone();
            let [beside_another, by_itself] = aligned_kept[i].map(Ok);
            outcome.settle(
                &SPREAD,
                seed,
                [beside_another, with_others],
                [by_itself, alone],
            );
        }
        outcome.tables = vec![Table::of(&maps), Table::of(&aligned), Table::of(&kept)];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        vec![maps::draw(tables), draw_kept(tables)]
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        let Some(entry) = ledger.get(SPREAD.id) else {
            return "Nothing was measured.".into();
        };
        let rows = tables.rows::<Kept>();
        let of = |case: Case| rows.iter().filter(move |r| r.case == case);
        let smallest = of(Case::Distributed).filter(|r| r.n_on > 0).map(|r| r.kept);
        let negative = of(Case::Aligned).filter(|r| r.other < 0.0);
        let range = negative.map(|r| r.range);
        format!(
            "With another feature strongly on in its very direction an aligned feature keeps {} of its \
             ΔR², and with the other strongly negative its whole response shrinks to a range of {}. A \
             feature spread over 10 neurons or fewer keeps at least {} with others on that share some of \
             its neurons: it is the partial overlap that protects it, for another in its very direction would \
             do the same to it as to the aligned one. The maps for halves and for the narrow layer have the \
             same shape; with as many negative as positive signs both maps are planes, tilted by the \
             overlap of A and B.",
            number(entry.value),
            number(max(range)),
            number(min(smallest)),
        )
    }
}

/// Aligned features: three curves, and the share of its ΔR² that one keeps with another on and off, at every seed.
fn aligned(s: &Settings, ctx: &Ctx, kept: &mut Vec<Kept>) -> (Vec<Point>, Vec<[f64; 2]>) {
    let x = levels(s.reach, s.curve_points);
    let layer = Layer::of_gelu(ctx.session.serial());
    let response = |other: f64| {
        let before: Vec<f32> = x.iter().map(|x| (x + other) as f32).collect();
        let mut after = vec![0.0; before.len()];
        layer.apply(&before, &mut after);
        after.into_iter().map(f64::from).collect::<Vec<_>>()
    };
    let others = [0.0, s.reach, -s.reach];
    let responses = others.map(response);
    let (mut curves, mut shares) = (Vec::new(), Vec::new());
    for (other, y) in others.into_iter().zip(&responses) {
        curves.extend(x.iter().zip(y).map(|(&x, &y)| Point { other, x, y }));
    }
    for &seed in ctx.seeds {
        let split = Split::new(&x, s.test_fraction, &mut ctx.rng(seed, "split", 0));
        let delta = responses.each_ref().map(|y| split.delta_r2(y));
        let share = delta.map(|d| d / delta[0]);
        for (i, other) in others.into_iter().enumerate() {
            let y = || responses[i].iter().copied();
            kept.push(Kept {
                case: Case::Aligned,
                k: 1,
                n_on: usize::from(other != 0.0),
                other,
                seed,
                delta_r2: delta[i],
                kept: share[i],
                range: max(y()) - min(y()),
            });
        }
        shares.push([share[1], share[0]]);
    }
    (curves, shares)
}

/// Distributed features: ΔR² with 0, 1, 2, … others on; at every seed the smallest share of its ΔR² that one keeps with
/// others on, and with none.
fn distributed(
    s: &Settings,
    ctx: &Ctx,
    kept: &mut Vec<Kept>,
) -> Result<Vec<[Result<f64, String>; 2]>> {
    let mut smallest = Vec::new();
    for &seed in ctx.seeds {
        let (mut with_others, mut alone) = (Vec::new(), Vec::new());
        for &k in &s.dims_per_feature {
            let delta = overlap::delta_r2(s, k, seed, ctx)?;
            for (&n_on, &delta_r2) in [0].iter().chain(&s.n_on).zip(&delta) {
                let share = delta_r2 / delta[0];
                kept.push(Kept {
                    case: Case::Distributed,
                    k,
                    n_on,
                    other: f64::NAN,
                    seed,
                    delta_r2,
                    kept: share,
                    range: f64::NAN,
                });
                match n_on {
                    0 => alone.push(share),
                    _ => with_others.push(share),
                }
            }
        }
        smallest.push([with_others, alone].map(|shares| {
            let shares = all_finite("shares of ΔR² kept, by k and others on", &shares);
            shares.map(|shares| min(shares.iter().copied()))
        }));
    }
    Ok(smallest)
}

fn draw_kept(tables: &Tables) -> Figure {
    let (aligned, kept) = (tables.rows::<Point>(), tables.rows::<Kept>());
    let mut curves = Panel::new(
        "aligned, another in its direction",
        Axis::linear("input level x"),
        Axis::linear("output level y"),
    );
    let looks = [
        (0.0, Role::Aligned, "other off"),
        (1.0, Role::Other(0), "other strongly on"),
        (-1.0, Role::Control, "other strongly negative"),
    ];
    for (sign, role, label) in looks {
        let rows = aligned.iter().filter(|r| match sign {
            0.0 => r.other == 0.0,
            _ => r.other * sign > 0.0,
        });
        curves = curves.line(role, label, rows.map(|r| (r.x, r.y)));
    }
    let mut share = Panel::new(
        "distributed over k neurons",
        Axis::linear("other features on"),
        Axis::linear("share of ΔR² kept").range(0.0, 1.1),
    );
    let rows = || kept.iter().filter(|r| r.case == Case::Distributed);
    for (role, k) in Role::steps(rows().map(|r| r.k).levels()) {
        let points = rows().filter(|r| r.k == k).map(|r| (r.n_on, r.kept));
        share = share.dotted(role, format!("k = {k}"), points.medians());
    }
    Figure::new(
        "kept",
        "What other features leave of the non-linearity. Left: response of an aligned feature, with \
         another in the same direction off, strongly on and strongly negative. Right: share of its ΔR² \
         that a feature on k neurons keeps when random others are on; median over seeds.",
    )
    .panel(curves)
    .panel(share.level(0.5, "criterion"))
}
