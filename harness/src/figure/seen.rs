//! Descriptions of panels in words, for readers who cannot see them.

use super::{Axis, Heat, Mark, Panel, Series};
use crate::text::number;

/// Returns a description of a panel in some sentences: the title, the axes, and where each mark begins, ends and has
/// its extremes.
pub(super) fn of(panel: &Panel, title: &str) -> String {
    let mut parts = Vec::new();
    if !title.is_empty() {
        parts.push(title.to_string());
    }
    parts.push(axes(panel));
    let marks = panel.marks.iter().map(|placed| &placed.mark);
    parts.extend(marks.filter_map(|mark| sentence(mark, panel)));
    parts.join(". ") + "."
}

fn axes(panel: &Panel) -> String {
    let name = |axis: &Axis| match (axis.label.as_str(), axis.log) {
        ("", _) => String::new(),
        (label, true) => format!("{label} (logarithmic)"),
        (label, false) => label.into(),
    };
    let named = [
        ("Horizontal axis", name(&panel.x)),
        ("vertical axis", name(&panel.y)),
        (
            "right axis",
            panel.right.as_ref().map_or(String::new(), name),
        ),
    ];
    let named = named.iter().filter(|(_, label)| !label.is_empty());
    let named: Vec<_> = named
        .map(|(which, label)| format!("{which}: {label}"))
        .collect();
    named.join("; ")
}

fn sentence(mark: &Mark, panel: &Panel) -> Option<String> {
    let text = match mark {
        Mark::Line(s) | Mark::Dotted(s) => line(s, panel)?,
        Mark::Scatter(s) => points(s)?,
        Mark::Bars { label, bins, .. } => {
            let high = bins.iter().filter(|b| b.2.is_finite());
            let high = high.max_by(|a, b| a.2.total_cmp(&b.2))?;
            let [from, to, height] = [high.0, high.1, high.2].map(number);
            let name = named(label, "bars");
            format!(
                "{name}: {} bars, the highest {height}, from {from} to {to}",
                bins.len()
            )
        }
        Mark::Level { at, label } => format!("level at {}: {label}", number(*at)),
        Mark::Arrow { label, to, .. } => {
            let name = named(label, "an arrow");
            format!("{name} to ({}, {})", number(to.0), number(to.1))
        }
        Mark::Named { points, .. } => {
            let drawn = points
                .iter()
                .filter(|((x, y), _)| x.is_finite() && y.is_finite());
            let told =
                drawn.map(|((x, y), name)| format!("{name} at ({}, {})", number(*x), number(*y)));
            told.collect::<Vec<_>>().join(", ")
        }
        Mark::Heat(heat) => map(heat)?,
        // These marks go with a line or points, which are described.
        Mark::Band { .. } | Mark::Intervals { .. } | Mark::Crosses { .. } => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn named(label: &str, otherwise: &str) -> String {
    match label {
        "" => otherwise.into(),
        label => label.into(),
    }
}

/// Returns the points of a series that are finite, and so are drawn.
fn drawn(series: &Series) -> Vec<(f64, f64)> {
    let points = series.points.iter().copied();
    points
        .filter(|p| p.0.is_finite() && p.1.is_finite())
        .collect()
}

/// Returns where a line begins and ends, and the extremes in between.
fn line(series: &Series, panel: &Panel) -> Option<String> {
    let points = drawn(series);
    let (first, last) = (points.first()?, points.last()?);
    let at = |x: f64| match panel.x.names.get(x as usize) {
        Some(name) if x >= 0.0 && x.fract() == 0.0 => name.clone(),
        _ => number(x),
    };
    let name = named(&series.label, "a line");
    let mut text = format!(
        "{name}: from {} at {} to {} at {}",
        number(first.1),
        at(first.0),
        number(last.1),
        at(last.0)
    );
    let ends = (first.1.min(last.1), first.1.max(last.1));
    let by_height = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
    let low = points.iter().min_by(by_height)?;
    let high = points.iter().max_by(by_height)?;
    if low.1 < ends.0 {
        text += &format!(", lowest {} at {}", number(low.1), at(low.0));
    }
    if high.1 > ends.1 {
        text += &format!(", highest {} at {}", number(high.1), at(high.0));
    }
    Some(text)
}

/// Returns the number of points, and the smallest and the largest of their y.
fn points(series: &Series) -> Option<String> {
    let points = drawn(series);
    let of = |f: fn(f64, f64) -> f64| points.iter().map(|p| p.1).reduce(f);
    let (low, high) = (of(f64::min)?, of(f64::max)?);
    let name = named(&series.label, "points");
    let count = match points.len() {
        1 => "1 point".into(),
        n => format!("{n} points"),
    };
    Some(match low == high {
        true => format!("{name}: {count} at {}", number(low)),
        false => format!("{name}: {count} from {} to {}", number(low), number(high)),
    })
}

fn map(heat: &Heat) -> Option<String> {
    let values = || {
        heat.values
            .iter()
            .flatten()
            .copied()
            .filter(|v| v.is_finite())
    };
    let (low, high) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
    let contour = heat.contour.map_or(String::new(), |at| {
        format!(", with a contour at {}", number(at))
    });
    Some(format!(
        "colours: {}, from {} to {}{contour}",
        heat.label,
        number(low),
        number(high)
    ))
}

#[cfg(test)]
mod tests {
    use super::super::{Panel, Role};
    use super::*;

    #[test]
    fn a_line_is_told_by_its_ends_and_extremes() {
        let panel = Panel::new("a title", Axis::log("neurons n"), Axis::linear("ΔR²"))
            .line(
                Role::Gelu,
                "GELU",
                [(1.0, 2.0), (2.0, 5.0), (3.0, f64::NAN), (4.0, 1.0)],
            )
            .scatter(Role::Relu, "", [(1.0, 2.0), (2.0, 3.0)]);
        assert_eq!(
            of(&panel, &panel.title),
            "a title. Horizontal axis: neurons n (logarithmic); vertical axis: ΔR². \
             GELU: from 2 at 1 to 1 at 4, highest 5 at 2. points: 2 points from 2 to 3."
        );
    }
}
