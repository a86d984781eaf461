//! `interference`: two features on at once, and what is left of the response to one of them.

mod maps;
mod overlap;
mod settings;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::claim::{Claim, ClaimSpec, above, below};
use crate::error::Result;
use crate::experiment::{Ctx, Experiment, Needs};
use crate::experiments::one_layer::response_curve::{Layer, Split, levels};
use crate::figure::{Axis, Figure, Panel, Role};
use crate::stats::{all_finite, max, min};
use crate::table::{Cell, Column, Table, TableSpec, Tables, median_by};
use crate::text::number;

pub use settings::Settings;

/// See the [module](self).
pub struct Interference;

static MAPS: TableSpec = TableSpec {
    name: "maps",
    about: "The output of a layer with two features on, at the first seed.",
    columns: &[
        Column::word(
            "setting",
            &["halves", "small", "random"],
            "halves: A on half of the neurons, B on all; small: the same with few neurons; random: both with random signs, as many of each",
        ),
        Column::word(
            "read",
            &["A", "A+B"],
            "direction that is read: A, or A+B normalised",
        ),
        Column::real("a", "1", "level of A"),
        Column::real("b", "1", "level of B"),
        Column::real("y", "1", "output level"),
    ],
};

static ALIGNED: TableSpec = TableSpec {
    name: "aligned",
    about: "The response of an aligned feature with another one on in the same direction.",
    columns: &[
        Column::real("other", "1", "level of the other feature"),
        Column::real("x", "1", "input level"),
        Column::real("y", "1", "output level"),
    ],
};

static KEPT: TableSpec = TableSpec {
    name: "kept",
    about: "Non-homogeneity of a feature with others on, and how much of it is kept.",
    columns: &[
        Column::word(
            "case",
            &["aligned", "distributed"],
            "aligned: the other is in its very direction; distributed: the others overlap in part",
        ),
        Column::int("k", "neurons", "neurons that the feature is on"),
        Column::int("n_on", "features", "others that are on"),
        Column::real(
            "other",
            "1",
            "level of the other feature; NaN where it is random",
        ),
        Column::int("seed", "", "seed of features, samples and split"),
        Column::real(
            "delta_r2",
            "1",
            "R² of a parabola minus R² of a line, on held-out points",
        ),
        Column::real("kept", "1", "ΔR² over that with the others off"),
        Column::real(
            "range",
            "1",
            "largest minus smallest output of the fitted points; NaN where it is random",
        ),
    ],
};

static SPREAD: Claim<2> = Claim {
    id: "spread-keeps-a-knee",
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

    const ID: &'static str = "interference";
    const TITLE: &'static str = "Two features at once";
    const SUMMARY: &'static str = "When another feature is on, it moves the neurons along their \
        non-linearity. The output along a feature A is mapped over the levels of A and of another \
        feature B that shares some of its neurons. Then the non-homogeneity ΔR² of A is compared with \
        the other features off and on: a strong one in the very direction of an aligned A, and up to \
        four random ones that share only some of the neurons of a distributed A.";
    const CLAIMS: &'static [&'static ClaimSpec] = &[&SPREAD];
    const TABLES: &'static [&'static TableSpec] = &[&MAPS, &ALIGNED, &KEPT];
    const FIGURES: &'static [&'static str] = &["two-features", "kept"];

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        // The four maps and three curves as table cells, twice over while they are written; the
        // features; the samples of a thread.
        let cell = 2.0 * size_of::<Cell>() as f64;
        let maps = 4.0 * (s.points as f64).powi(2) * (MAPS.columns.len() as f64 * cell + 8.0);
        let curves = 3.0 * s.curve_points as f64 * (ALIGNED.columns.len() as f64 * cell + 40.0);
        let k = s.dims_per_feature.last().copied().unwrap_or(0) as f64;
        maps + curves
            + s.features as f64 * k * 8.0
            + threads as f64 * s.samples as f64 * (8.0 * k + 64.0)
    }

    fn run(s: &Settings, ctx: &Ctx) -> Result<Outcome> {
        let cells = ctx.seeds.len() * s.dims_per_feature.len() * s.of_interest;
        ctx.session.progress.start(4 + cells as u64)?;
        let mut outcome = Outcome::default();
        let mut kept = Table::new(&KEPT);
        let mut maps = Table::new(&MAPS);
        maps::tabulate(s, ctx, &mut maps)?;
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
        outcome.tables = vec![maps, aligned, kept];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        vec![
            maps::draw(tables.get("maps")),
            draw_kept(tables.get("aligned"), tables.get("kept")),
        ]
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        let Some(entry) = ledger.get(SPREAD.id) else {
            return "Nothing was measured.".into();
        };
        let kept = tables.get("kept").rows();
        let smallest = kept
            .filter(|r| r.text("case") == "distributed" && r.int("n_on") > 0)
            .map(|r| r.real("kept"));
        let off = tables.get("kept").rows();
        let range = off
            .filter(|r| r.text("case") == "aligned" && r.real("other") < 0.0)
            .map(|r| r.real("range"));
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
fn aligned(s: &Settings, ctx: &Ctx, kept: &mut Table) -> (Table, Vec<[f64; 2]>) {
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
    let (mut curves, mut shares) = (Table::new(&ALIGNED), Vec::new());
    for (other, y) in others.into_iter().zip(&responses) {
        for (&x, &y) in x.iter().zip(y) {
            curves.push([other.into(), x.into(), y.into()]);
        }
    }
    for &seed in ctx.seeds {
        let split = Split::new(&x, s.test_fraction, &mut ctx.rng(seed, "split", 0));
        let delta = responses.each_ref().map(|y| split.delta_r2(y));
        let share = delta.map(|d| d / delta[0]);
        for (i, other) in others.into_iter().enumerate() {
            let y = || responses[i].iter().copied();
            let range = max(y()) - min(y());
            kept.push([
                "aligned".into(),
                1usize.into(),
                usize::from(other != 0.0).into(),
                other.into(),
                seed.into(),
                delta[i].into(),
                share[i].into(),
                range.into(),
            ]);
        }
        shares.push([share[1], share[0]]);
    }
    (curves, shares)
}

/// Distributed features: ΔR² with 0, 1, 2, … others on; at every seed the smallest share of its ΔR² that one keeps with
/// others on, and with none.
fn distributed(s: &Settings, ctx: &Ctx, kept: &mut Table) -> Result<Vec<[Result<f64, String>; 2]>> {
    let mut smallest = Vec::new();
    for &seed in ctx.seeds {
        let (mut with_others, mut alone) = (Vec::new(), Vec::new());
        for &k in &s.dims_per_feature {
            let delta = overlap::delta_r2(s, k, seed, ctx)?;
            for (&n_on, &with) in [0].iter().chain(&s.n_on).zip(&delta) {
                let share = with / delta[0];
                kept.push([
                    "distributed".into(),
                    k.into(),
                    n_on.into(),
                    f64::NAN.into(),
                    seed.into(),
                    with.into(),
                    share.into(),
                    f64::NAN.into(),
                ]);
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

fn draw_kept(aligned: &Table, kept: &Table) -> Figure {
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
        let rows = aligned.rows().filter(|r| {
            let other = r.real("other");
            if sign == 0.0 {
                other == 0.0
            } else {
                other * sign > 0.0
            }
        });
        curves = curves.line(role, label, rows.map(|r| (r.real("x"), r.real("y"))));
    }
    let mut share = Panel::new(
        "distributed over k neurons",
        Axis::linear("other features on"),
        Axis::linear("share of ΔR² kept").range(0.0, 1.1),
    );
    let rows = || kept.rows().filter(|r| r.text("case") == "distributed");
    let mut dims: Vec<i64> = rows().map(|r| r.int("k")).collect();
    dims.sort_unstable();
    dims.dedup();
    for (index, &k) in dims.iter().enumerate() {
        let role = Role::Step {
            index,
            of: dims.len(),
        };
        let points = rows()
            .filter(|r| r.int("k") == k)
            .map(|r| (r.real("n_on"), r.real("kept")));
        share = share.dotted(role, format!("k = {k}"), median_by(points));
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
