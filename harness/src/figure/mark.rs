//! The drawing of each kind of mark on the axes of its panel.

use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::draw::{
    Box, Canvas, FONT, Point, SCALE, anchored, arrow_head, draw, draw_line, draw_marker,
};
use super::ink::Ink;
use super::names::draw_named;
use super::plane::Axes;
use super::style::Style;
use super::{Cross, Heat, Mark};

/// Draws a mark. The names of its points are placed outside the boxes `taken`, and beside the lines and points of `ink`
/// where that is possible.
pub(super) fn draw_mark(root: &Canvas, mark: &Mark, axes: &Axes, taken: &[Box], ink: &Ink) {
    match mark {
        Mark::Line(series) => draw_line(root, series.role.style(), &axes.polylines(&series.points)),
        Mark::Dotted(series) => {
            let style = series.role.style();
            draw_line(root, style, &axes.polylines(&series.points));
            draw_points(root, style, 4 * SCALE, &series.points, axes);
        }
        Mark::Scatter(series) => {
            let size = if series.points.len() > 300 {
                2 * SCALE
            } else {
                3 * SCALE
            };
            draw_points(root, series.role.style(), size, &series.points, axes);
        }
        Mark::Band { role, points } => {
            let place = |x: f64, y: f64| {
                let y = y.is_finite().then(|| axes.y.clamp(y))?;
                axes.fractions((x, y))
            };
            let edges: Vec<_> = points
                .iter()
                .map(|&(x, low, high)| place(x, low).zip(place(x, high)))
                .collect();
            // The band is broken, as a line is, where a point cannot be drawn.
            for run in edges.split(Option::is_none) {
                let high = run.iter().flatten().map(|(_, high)| high);
                let low = run.iter().flatten().rev().map(|(low, _)| low);
                let outline: Vec<Point> = high
                    .chain(low)
                    .map(|&(u, v)| axes.at(u.clamp(0.0, 1.0), v))
                    .collect();
                draw(root, Polygon::new(outline, role.style().colour.mix(0.2)));
            }
        }
        Mark::Intervals { role, points } => {
            let stroke = role.style().colour.stroke_width((SCALE * 9 / 4) as u32);
            for &(x, low, high) in points {
                // An end beyond the frame is cut off there.
                let end = |y: f64| axes.inside((x, axes.y.clamp(y)));
                if let (true, Some((a, b))) =
                    (low.is_finite() && high.is_finite(), end(low).zip(end(high)))
                {
                    draw(root, PathElement::new(vec![a, b], stroke));
                }
            }
        }
        Mark::Crosses { role, crosses } => {
            let stroke = role.style().colour.stroke_width(SCALE as u32);
            let bar = |known: (f64, f64), a: (f64, f64), b: (f64, f64)| {
                let finite = known.0.is_finite() && known.1.is_finite();
                if let (true, Some((a, b))) = (finite, axes.inside(a).zip(axes.inside(b))) {
                    draw(root, PathElement::new(vec![a, b], stroke));
                }
            };
            for &Cross { at, x, y } in crosses {
                let (to_x, to_y) = (|v| axes.x.clamp(v), |v| axes.y.clamp(v));
                bar(x, (to_x(x.0), at.1), (to_x(x.1), at.1));
                bar(y, (at.0, to_y(y.0)), (at.0, to_y(y.1)));
            }
        }
        Mark::Bars { role, bins, .. } => {
            let colour = role.style().colour;
            let floor = if axes.y.shows(0.0) {
                axes.y.clamp(0.0)
            } else {
                axes.y.low()
            };
            for &(from, to, height) in bins {
                let corner = |x: f64, y: f64| axes.fractions((axes.x.clamp(x), axes.y.clamp(y)));
                if let Some((a, b)) = corner(from, floor).zip(corner(to, height)) {
                    let corners = [axes.at(a.0, a.1), axes.at(b.0, b.1)];
                    draw(root, Rectangle::new(corners, colour.mix(0.45).filled()));
                    draw(
                        root,
                        Rectangle::new(corners, colour.stroke_width(SCALE as u32)),
                    );
                }
            }
        }
        Mark::Level { at, .. } => {
            if let Some((_, y)) = axes.inside((axes.x.high(), *at)) {
                let (left, _, right, _) = axes.frame;
                let style = BLACK.stroke_width(SCALE as u32);
                let line = vec![(left, y), (right, y)];
                let line = DashedPathElement::new(line, 2 * SCALE, 3 * SCALE, style);
                draw(root, line);
            }
        }
        Mark::Arrow {
            role,
            label,
            from,
            to,
        } => {
            let Some((a, b)) = axes.inside(*from).zip(axes.inside(*to)) else {
                return;
            };
            let colour = role.style().colour;
            draw_line(root, role.style(), &[vec![a, b]]);
            draw(root, Polygon::new(arrow_head(a, b), colour.filled()));
            let beyond = |from: i32, to: i32| to + (to - from).signum() * 8 * SCALE;
            let side = if b.0 >= a.0 { HPos::Left } else { HPos::Right };
            let place = (beyond(a.0, b.0), beyond(a.1, b.1));
            draw(root, Text::new(label.clone(), place, anchored(FONT, side)));
        }
        Mark::Named { role, points } => {
            draw_named(root, role.style(), points, axes, (taken, ink));
        }
        Mark::Heat(_) => {}
    }
}

fn draw_points(root: &Canvas, style: Style, size: i32, points: &[(f64, f64)], axes: &Axes) {
    for place in points.iter().filter_map(|&p| axes.inside(p)) {
        draw_marker(root, style, size, place);
    }
}

impl Mark {
    /// Returns the number of points of the mark that are not finite, and so cannot be drawn on any axes.
    pub(super) fn without_value(&self) -> usize {
        let none = |values: &[f64]| values.iter().any(|v| !v.is_finite());
        match self {
            Mark::Line(s) | Mark::Dotted(s) | Mark::Scatter(s) => {
                s.points.iter().filter(|p| none(&[p.0, p.1])).count()
            }
            Mark::Band { points, .. } => points.iter().filter(|p| none(&[p.0, p.1, p.2])).count(),
            // A missing interval is not counted: its point is drawn all the same.
            Mark::Intervals { .. } | Mark::Crosses { .. } => 0,
            Mark::Bars { bins, .. } => bins.iter().filter(|b| none(&[b.0, b.1, b.2])).count(),
            Mark::Named { points, .. } => {
                points.iter().filter(|((x, y), _)| none(&[*x, *y])).count()
            }
            Mark::Level { at, .. } => usize::from(none(&[*at])),
            Mark::Arrow { from, to, .. } => usize::from(none(&[from.0, from.1, to.0, to.1])),
            // A cell without a value is left white.
            Mark::Heat(_) => 0,
        }
    }

    /// Returns the points that the axes have to hold. A coordinate that does not matter is NaN.
    pub(super) fn corners(&self) -> Vec<(f64, f64)> {
        match self {
            Mark::Line(s) | Mark::Dotted(s) | Mark::Scatter(s) => s.points.clone(),
            Mark::Band { points, .. } | Mark::Intervals { points, .. } => points
                .iter()
                .flat_map(|&(x, low, high)| [(x, low), (x, high)])
                .collect(),
            // The ends of the intervals may be far from all points; `Panel::coordinates` limits how far the axes
            // reach for them.
            Mark::Crosses { crosses, .. } => crosses.iter().map(|cross| cross.at).collect(),
            Mark::Bars { bins, .. } => bins
                .iter()
                .flat_map(|&(from, to, height)| [(from, 0.0), (to, height)])
                .collect(),
            Mark::Level { at, .. } => vec![(f64::NAN, *at)],
            Mark::Arrow { from, to, .. } => vec![*from, *to],
            Mark::Named { points, .. } => points.iter().map(|(point, _)| *point).collect(),
            Mark::Heat(Heat { x, y, .. }) => x
                .iter()
                .map(|&x| (x, f64::NAN))
                .chain(y.iter().map(|&y| (f64::NAN, y)))
                .collect(),
        }
    }
}
