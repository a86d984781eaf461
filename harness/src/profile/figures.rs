//! The figures of a profile: the roofline and the flame graph.

use inferno::flamegraph::{self, Options};

use super::machine::Rate;
use super::symbols;
use super::tables::{Kernel, Roofs, Stack};
use crate::figure::{Axis, Figure, Panel, Role};
use crate::text::number;

/// Returns the roofline figure: the GFLOP/s of each kernel over its arithmetic intensity, under the roofs of the
/// machine (Williams, Waterman & Patterson, *Roofline*, 2009).
pub fn roofline(kernels: &[Kernel], roofs: &Roofs) -> Figure {
    let points: Vec<_> = kernels
        .iter()
        .map(|row| ((row.intensity, row.gflops), row.kernel.clone()))
        .filter(|((x, y), _)| x.is_finite() && *x > 0.0 && y.is_finite() && *y > 0.0)
        .collect();
    // The axis reaches from left of all ridges and kernels to right of all of them.
    let ridge = |rate: f64| roofs.fma / rate;
    let ridges = roofs.levels.iter().map(|&(.., rate)| ridge(rate));
    let xs = points.iter().map(|((x, _), _)| *x).chain(ridges);
    let (low, high) = xs.fold((f64::INFINITY, 0f64), |(l, h), x| (l.min(x), h.max(x)));
    let (low, high) = (low / 3.0, high * 3.0);
    let mut panel = Panel::new(
        "",
        Axis::log("arithmetic intensity (FLOP/byte)").range(low, high),
        Axis::log("GFLOP/s of a thread"),
    );
    panel = panel.line(
        Role::Other(0),
        format!("FMA, {} GFLOP/s", number(roofs.fma)),
        [(ridges_left(roofs), roofs.fma), (high, roofs.fma)],
    );
    for (role, &(level, _, rate)) in Role::steps(roofs.levels.iter().collect()) {
        panel = panel.line(
            role,
            format!("{level}, {} GB/s", number(rate)),
            [(low, low * rate), (ridge(rate), roofs.fma)],
        );
    }
    let threads = match roofs.threads {
        1 => "one thread".into(),
        n => format!("one of {n} threads, all of them at work"),
    };
    Figure::new(
        "roofline",
        format!(
            "What each kernel reaches, and what the machine can do on {}: the rates are those of {threads}. A kernel \
             can lie above the roof of a level whose data it finds in a nearer one. Kernels that only move data have \
             no place here.",
            roofs.isa,
        ),
    )
    .of::<Kernel>()
    .of::<Rate>()
    .columns(1)
    .panel(panel.named(Role::Aligned, points))
}

/// Returns the arithmetic intensity at which the roof of the fastest level meets that of the multiply-adds.
fn ridges_left(roofs: &Roofs) -> f64 {
    let ridges = roofs.levels.iter().map(|&(.., rate)| roofs.fma / rate);
    ridges.fold(f64::INFINITY, f64::min)
}

/// Returns the flame graph of sampled stacks as SVG, with scripts to zoom and search where a browser opens it by
/// itself; `None` if there are no samples.
pub fn flame_graph(stacks: &[Stack]) -> Option<String> {
    let lines: Vec<String> = stacks
        .iter()
        .filter(|row| row.samples > 0)
        .map(|row| format!("{} {}", row.stack, row.samples))
        .collect();
    // A sum of samples that overflows is no count of a machine, and is not drawn.
    let mut counts = stacks.iter().map(|row| row.samples as i64);
    counts.try_fold(0, i64::checked_add)?;
    let mut options = Options::default();
    options.title = "CPU time by function".into();
    options.subtitle = symbols::lack(stacks);
    options.count_name = "samples".into();
    options.image_width = Some(860);
    options.min_width = 0.1;
    // Functions of the same name have the same colour.
    options.hash = true;
    let mut svg = Vec::new();
    let lines = lines.iter().map(String::as_str);
    flamegraph::from_lines(&mut options, lines, &mut svg).ok()?;
    String::from_utf8(svg).ok()
}
