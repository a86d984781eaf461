//! The figures of `l1-geometry` and what is said of them, from its tables.

use super::claims::{COSINE, SPARSEST};
use super::identity::{Codes, Point};
use super::plane::{Norm, Place, Used, Weighted};
use super::spaces::Share;
use super::ties::{Atoms, Gap};
use crate::claim::ledger::Ledger;
use crate::figure::{Axis, Figure, Panel, Role};
use crate::stats::max;
use crate::stats::observations::Observations;
use crate::table::Tables;
use crate::table::record::Word;
use crate::text::number;

pub const NAMES: &[&str] = &[
    "cheapest-codes",
    "active-atoms",
    "sparsest-support",
    "l1-gap",
    "inverse-cosine",
];

pub fn draw(tables: &Tables) -> Vec<Figure> {
    vec![
        examples(tables),
        active(tables),
        spaces(tables),
        ties(tables),
        identity(tables),
    ]
}

/// The two targets in the plane, under either norm.
fn examples(tables: &Tables) -> Figure {
    let mut figure = Figure::new(
        NAMES[0],
        "A target (black) and three atoms (grey, dotted) in the plane, with the non-negative code of least L1 norm on \
         the left and of least L2 norm on the right: weight times atom, tip to tail (blue).",
    );
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

/// Share of targets by number of active atoms.
fn active(tables: &Tables) -> Figure {
    let mut figure = Figure::new(
        NAMES[1],
        "How many of three random directions in the plane the cheapest code uses, over random dictionaries and targets \
         and all seeds; the code of least L2 norm is the control.",
    );
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
            let shares = rows.map(|r| (r.active, r.share)).medians().into_iter();
            let bins = shares.map(|(active, share)| (active + from, active + from + 0.28, share));
            panel = panel.bars(role, label, bins);
        }
        figure = figure.panel(panel);
    }
    figure
}

/// How often the cheapest support is the smallest, a panel a dimension.
fn spaces(tables: &Tables) -> Figure {
    let mut figure = Figure::new(
        NAMES[2],
        "Share of targets, built from s of n random atoms in m dimensions, whose code of least L1 norm is on these s \
         atoms, which are the smallest support there is; median over seeds.",
    );
    let rows = tables.rows::<Share>();
    let counts = rows.iter().map(|r| r.n).levels();
    for m in rows.iter().map(|r| r.m).levels() {
        let x = Axis::whole("atoms s of the target", 1, m.saturating_sub(1).max(1));
        let y = Axis::linear("L1 support is L0 support").range(0.0, 1.05);
        let mut panel = Panel::new(format!("m = {m} dimensions"), x, y);
        for (role, n) in Role::steps(counts.clone()) {
            let rows = rows.iter().filter(|r| (r.m, r.n) == (m, n));
            let points = rows.map(|r| (r.s, r.share)).medians();
            if !points.is_empty() {
                panel = panel.dotted(role, format!("n = {n} atoms"), points);
            }
        }
        figure = figure.panel(panel);
    }
    figure
}

/// The L1 gap against the angle.
fn ties(tables: &Tables) -> Figure {
    let rows = tables.rows::<Gap>();
    let curve = |atoms: Atoms| {
        let rows = rows.iter().filter(|r| r.atoms == atoms && r.angle > 0.0);
        // On log axes a gap of 0 or below has no place.
        rows.map(|r| (r.angle, max([r.gap.abs(), 1e-18]))).medians()
    };
    let mut panel = Panel::new(
        "",
        Axis::log("largest angle between Y₁ and the others (rad)"),
        Axis::log("L1 norm on Y₂ … Y₆ minus 5").range(1e-18, 1e-4),
    )
    .dotted(Role::Distributed, "unit atoms", curve(Atoms::Unit))
    .dotted(
        Role::Control,
        "control: stretched atoms",
        curve(Atoms::Stretched),
    );
    if let Some(row) = rows.first() {
        panel = panel.level(row.rounding, "rounding error");
    }
    let caption = "What five atoms around Y₁ cost more than Y₁ itself in a reconstruction of 5·Y₁, against their angle \
        with it; median over seeds. It falls with the square of the angle and is 0 only at 0. The control's atoms are \
        longer than 1 by as much as makes costs equal: what is left is rounding, drawn at 10⁻¹⁸ where it is 0.";
    Figure::new(NAMES[3], caption).columns(1).panel(panel)
}

/// ‖c‖₁ / ‖x‖ against the mean cosine.
fn identity(tables: &Tables) -> Figure {
    let rows = tables.rows::<Point>();
    let points = |codes: Codes| {
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
        "control: shrunk codes",
        points(Codes::Shrunk),
    )
    .scatter(Role::Other(2), "random codes", points(Codes::Random))
    .scatter(Role::Distributed, "cheapest codes", points(Codes::Cheapest));
    let caption = "L1 norm of codes over the norm of their target, against the mean cosine between atoms and target \
        weighted by activity, for random dictionaries in 2 to 6 dimensions. Codes that reconstruct perfectly lie on the \
        curve, the cheapest furthest to the right; shrunk codes, the control, leave it.";
    Figure::new(NAMES[4], caption).columns(1).panel(panel)
}

pub fn findings(tables: &Tables, ledger: &Ledger) -> String {
    let rows = tables.rows::<Share>();
    let share = |m: usize, n: usize, s: usize| {
        let rows = rows.iter().filter(|r| (r.m, r.n, r.s) == (m, n, s));
        let shares = rows.map(|r| (s, r.share)).medians();
        shares.first().map(|p| p.1)
    };
    let largest = rows.iter().map(|r| (r.m, r.n)).max();
    let ends = |(m, n): (usize, usize)| {
        let most = m.checked_sub(1)?;
        Some((m, n, most, share(m, n, 1)?, share(m, n, most)?))
    };
    let spaces = match largest.and_then(ends) {
        Some((m, n, most, of_one, of_most)) => format!(
            "In {m} dimensions with {n} atoms that holds for {} of the targets built from one atom but only {} of those \
             built from {}: L1 is a good stand-in for sparsity while few atoms are active, and not in general",
            number(of_one),
            number(of_most),
            most
        ),
        None => "No larger spaces were looked at".into(),
    };
    let value = |id| ledger.get(id).map_or(f64::NAN, |e| e.value);
    format!(
        "In the plane the code of least L1 norm is the sparsest one for {} of all targets, and a dense code never costs \
         the same unless its directions coincide, since the L1 norm is the inverse of a mean cosine (to {}). {spaces}.",
        number(value(SPARSEST.id)),
        number(value(COSINE.id)),
    )
}
