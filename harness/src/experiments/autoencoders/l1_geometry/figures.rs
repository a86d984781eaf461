//! The figures of `l1-geometry` and the text of its findings, from its tables.

use super::claims::{SPARSEST, TRANSITION};
use super::identity::{self, Point};
use super::plane::{Norm, Place, Used, Weighted};
use super::prediction::{Codes, Sparse};
use super::ties::{Gap, Length};
use super::transition::{Atoms, Recovered, shifts};
use crate::claim::ledger::Ledger;
use crate::figure::{Axis, Figure, Heat, Mark, Panel, Role};
use crate::stats::mean;
use crate::stats::observations::Observations;
use crate::table::Tables;
use crate::table::record::Word;
use crate::text::{number, percent};

pub const NAMES: &[&str] = &[
    "phase-transition",
    "recovery-curves",
    "cheapest-codes",
    "active-atoms",
    "l1-gap",
    "inverse-cosine",
];

pub fn draw(tables: &Tables) -> Vec<Figure> {
    vec![
        transition(tables),
        curves(tables),
        examples(tables),
        active(tables),
        ties(tables),
        identity(tables),
    ]
}

/// Returns the rows of one law of dictionaries.
fn of_law(rows: &[Recovered], codes: Codes, atoms: Atoms) -> Vec<&Recovered> {
    let ours = |r: &&Recovered| (r.codes, r.atoms) == (codes, atoms);
    rows.iter().filter(ours).collect()
}

/// Draws the share of codes found again over M/N and K/M, with the predicted transition.
fn transition(tables: &Tables) -> Figure {
    let rows = tables.rows::<Recovered>();
    let mut figure = Figure::new(
        NAMES[0],
        format!(
            "Share of the codes on K of N Gaussian atoms in M = {} dimensions that are the code of least L1 norm, mean over \
             seeds. The line is where half of them are predicted to be. In the control the atoms span \
             half of the dimensions only.",
            rows.first().map_or(0, |r| r.m),
        ),
    ).of::<Recovered>();
    for (atoms, control) in [(Atoms::Gaussian, ""), (Atoms::Crowded, "control: ")] {
        for &codes in Codes::ALL {
            let ours = of_law(&rows, codes, atoms);
            figure = figure.panel(diagram(format!("{control}{codes} codes"), codes, &ours));
        }
    }
    figure
}

fn diagram(title: String, codes: Codes, rows: &[&Recovered]) -> Panel {
    let x = Axis::linear("dimensions over atoms, M / N");
    let y = Axis::linear("active atoms over dimensions, K / M").range(0.0, 1.0);
    let mut panel = Panel::new(title, x, y);
    let Some(m) = rows.first().map(|r| r.m as f64) else {
        return panel;
    };
    let numbers = rows.iter().map(|r| r.n).levels();
    let numbers: Vec<usize> = numbers.into_iter().rev().collect();
    let active = rows.iter().map(|r| r.k).levels();
    let share = |k: usize, n: usize| {
        let cell = rows.iter().filter(|r| (r.k, r.n) == (k, n));
        mean(&cell.map(|r| r.share).collect::<Vec<_>>())
    };
    let of_row = |&k: &usize| numbers.iter().map(|&n| share(k, n)).collect();
    let (least, most) = (m / numbers[0] as f64, m / numbers[numbers.len() - 1] as f64);
    let half = (0..=100).map(|i| least + (most - least) * f64::from(i) / 100.0);
    panel = panel.mark(Mark::Heat(Heat {
        label: "share found again".into(),
        x: numbers.iter().map(|&n| m / n as f64).collect(),
        y: active.iter().map(|&k| k as f64 / m).collect(),
        values: active.iter().map(of_row).collect(),
        range: Some((0.0, 1.0)),
        diverging: false,
        contour: None,
    }));
    let half = half.map(|ratio| (ratio, codes.active_at(0.0, m, m / ratio) / m));
    panel.line(Role::Control, "predicted: one half", half)
}

/// Draws the share of codes found again over K/M, measured and predicted, a colour for each N.
fn curves(tables: &Tables) -> Figure {
    let mut figure = Figure::new(
        NAMES[1],
        "The same shares for Gaussian atoms by the number of active atoms: points as measured, a point a seed; lines as \
         predicted at this size, without a free parameter.",
    ).of::<Recovered>();
    let rows = tables.rows::<Recovered>();
    for &codes in Codes::ALL {
        let ours = of_law(&rows, codes, Atoms::Gaussian);
        let x = Axis::linear("active atoms over dimensions, K / M").range(0.0, 1.0);
        let y = Axis::linear("share found again").range(-0.02, 1.05);
        let mut panel = Panel::new(format!("{codes} codes"), x, y);
        for (role, n) in Role::steps(ours.iter().map(|r| r.n).levels()) {
            let of_n = ours.iter().filter(|r| r.n == n);
            let m = ours[0].m;
            let shown = of_n.map(|r| (r.k as f64 / m as f64, r.share));
            let at = |i: i32| {
                let active = f64::from(i) / 200.0 * m as f64;
                let sparse = Sparse {
                    codes,
                    active,
                    atoms: n as f64,
                };
                (active / m as f64, sparse.chance(m))
            };
            panel = panel.line(role, "", (1..=200).map(at));
            panel = panel.scatter(role, format!("N = {n}"), shown);
        }
        figure = figure.panel(panel);
    }
    figure
}

/// Draws the two targets in the plane with their codes under either norm.
fn examples(tables: &Tables) -> Figure {
    let mut figure = Figure::new(
        NAMES[2],
        "A target (black) and three atoms (grey, dotted) in the plane, with the non-negative code of least L1 norm or of \
         least L2 norm: weight times atom, tip to tail (blue).",
    ).of::<Weighted>();
    for &target in Place::ALL {
        for &norm in Norm::ALL {
            let mut rows = tables.rows::<Weighted>();
            rows.retain(|r| (r.target, r.norm) == (target, norm));
            figure = figure.panel(example(target, norm, &rows));
        }
    }
    figure
}

fn example(target: Place, norm: Norm, rows: &[Weighted]) -> Panel {
    let cost: f64 = rows.iter().map(|r| r.weight).sum();
    let title = format!("target {target}, least {norm}: Σ c = {cost:.3}");
    let mut panel = Panel::new(title, Axis::linear("x"), Axis::linear("y")).to_scale();
    let mut tip = (0.0, 0.0);
    for (j, row) in rows.iter().enumerate() {
        let atom = (row.atom_x, row.atom_y);
        panel = panel.arrow(
            Role::Control,
            format!("d{}", subscript(j + 1)),
            (0.0, 0.0),
            atom,
        );
        if row.weight > 1e-9 {
            let next = (tip.0 + row.weight * atom.0, tip.1 + row.weight * atom.1);
            panel = panel.arrow(Role::Distributed, "", tip, next);
            tip = next;
        }
    }
    if let Some(row) = rows.first() {
        let target = (row.target_x, row.target_y);
        panel = panel.arrow(Role::Other(0), "x", (0.0, 0.0), target);
    }
    panel
}

fn subscript(digit: usize) -> char {
    char::from_u32('₀' as u32 + digit as u32 % 10).expect("a digit")
}

/// Draws the share of targets by number of active atoms.
fn active(tables: &Tables) -> Figure {
    let mut figure = Figure::new(
        NAMES[3],
        "How many of three random directions in the plane the cheapest code uses, over random dictionaries and targets: \
         medians over seeds, with lines from the smallest to the largest. The code of least L2 norm is the control.",
    ).of::<Used>();
    let rows = tables.rows::<Used>();
    for &target in Place::ALL {
        let y = Axis::linear("share of targets").range(0.0, 1.05);
        let mut panel = Panel::new(
            format!("target {target}"),
            Axis::whole("active atoms", 1, 3),
            y,
        );
        let norms = [
            (Norm::L1, "least L1 norm", Role::Distributed, -0.3),
            (Norm::L2, "control: least L2 norm", Role::Control, 0.02),
        ];
        for (norm, label, role, from) in norms {
            let rows = rows.iter().filter(|r| (r.norm, r.target) == (norm, target));
            let shares = rows.map(|r| (r.active, r.share));
            let bins = shares.clone().medians().into_iter();
            let bins = bins.map(|(active, share)| (active + from, active + from + 0.28, share));
            let spread = shares.ranges().into_iter();
            let spread = spread.map(|(active, low, high)| (active + from + 0.14, low, high));
            panel = panel.bars(role, label, bins).intervals(role, spread);
        }
        figure = figure.panel(panel);
    }
    figure
}

/// Draws the L1 gap against the angle.
fn ties(tables: &Tables) -> Figure {
    let rows = tables.rows::<Gap>();
    let mut panel = Panel::new(
        "",
        Axis::log("largest angle between Y₁ and the others (rad)"),
        Axis::log("L1 norm on Y₂ … Y₆ minus 5").range(1e-16, 1e-4),
    );
    for (length, role, label) in [
        (Length::Unit, Role::Distributed, "unit atoms"),
        (Length::Stretched, Role::Control, "control: stretched atoms"),
    ] {
        let gaps = || {
            let ours = rows.iter().filter(|r| r.atoms == length && r.angle > 0.0);
            ours.map(|r| (r.angle, r.gap.abs()))
        };
        panel = panel
            .line(role, label, gaps().medians())
            .scatter(role, label, gaps());
    }
    if let Some(row) = rows.first() {
        panel = panel.level(row.rounding, "rounding error");
    }
    let caption = "What five atoms around Y₁ cost more than Y₁ itself in a reconstruction of 5·Y₁, against their angle \
        with it: a dot a seed, lines through medians. It falls with the square of the angle and is 0 only at 0. The control's atoms are \
        longer than 1 by as much as makes costs equal: what is left is rounding, and has no point where it is 0.";
    Figure::new(NAMES[4], caption)
        .of::<Gap>()
        .columns(1)
        .panel(panel)
}

/// Draws ‖c‖₁ / ‖x‖ against the mean cosine.
fn identity(tables: &Tables) -> Figure {
    let rows = tables.rows::<Point>();
    let points = |codes: identity::Codes| {
        let rows = rows.iter().filter(move |r| r.codes == codes);
        rows.map(|r| (r.mean_cosine, r.l1_over_norm))
    };
    let curve = (2..=100)
        .map(|i| f64::from(i) / 100.0)
        .map(|t| (t, 1.0 / t));
    let panel = Panel::new(
        "",
        Axis::linear("mean cosine of atoms and target").range(0.0, 1.02),
        Axis::log("‖c‖₁ / ‖x‖").range(0.3, 50.0),
    )
    .line(Role::Other(0), "1 / mean cosine", curve)
    .scatter(
        Role::Control,
        "control: not weighted",
        points(identity::Codes::Unweighted),
    )
    .scatter(
        Role::Other(2),
        "random codes",
        points(identity::Codes::Random),
    )
    .scatter(
        Role::Distributed,
        "cheapest codes",
        points(identity::Codes::Cheapest),
    );
    let caption = "L1 norm of codes over the norm of their target, against the mean cosine between atoms and target \
        weighted by activity, for random dictionaries in 2 to 6 dimensions. Codes that reconstruct perfectly lie on the \
        curve, the cheapest furthest to the right. In the control all active atoms of the same codes count alike.";
    Figure::new(NAMES[5], caption)
        .of::<Point>()
        .columns(1)
        .panel(panel)
}

pub fn findings(tables: &Tables, ledger: &Ledger) -> String {
    let mut rows = tables.rows::<Recovered>();
    rows.retain(|r| r.atoms == Atoms::Gaussian);
    let of = |codes: Codes| -> Option<String> {
        let ours: Vec<&Recovered> = rows.iter().filter(|r| r.codes == codes).collect();
        let middle = ours.iter().map(|r| r.n).levels();
        let n = *middle.get(middle.len() / 2)?;
        let m = ours[0].m;
        let predicted = codes.active_at(0.0, m as f64, n as f64);
        // The measured transition is the predicted one, shifted by so many widths.
        let width = (codes.active_at(-1.0, m as f64, n as f64)
            - codes.active_at(1.0, m as f64, n as f64))
            / 2.0;
        let shift = |seed: u64| {
            let of_seed = ours.iter().filter(|r| (r.seed, r.n) == (seed, n));
            shifts(&of_seed.map(|&r| r.clone()).collect::<Vec<_>>())[0].1
        };
        let seeds = ours.iter().map(|r| r.seed).levels();
        let shift = mean(&seeds.into_iter().map(shift).collect::<Vec<_>>());
        Some(format!(
            "half of the {codes} codes on {n} atoms in {m} dimensions are found again up to {:.1} active atoms ({predicted:.1} \
             predicted)",
            predicted + shift * width
        ))
    };
    let both: Vec<String> = Codes::ALL.iter().filter_map(|&codes| of(codes)).collect();
    let spaces = match both.as_slice() {
        [] => "no random dictionaries were looked at".into(),
        both => both.join(", and "),
    };
    let value = |id| ledger.get(id).map_or(f64::NAN, |e| e.value);
    format!(
        "An L1 norm finds sparse codes again while few atoms are active, and not beyond: {spaces}; over all numbers of atoms \
         the transition lies {} widths from the prediction. In the plane the code of least L1 norm is the sparsest one for {} \
         of all targets.",
        number(value(TRANSITION.id)),
        percent(value(SPARSEST.id)),
    )
}
