//! From the description of a figure to SVG. Plotters draws frames, ticks, lines and text; it counts
//! in whole pixels, so everything is drawn on a canvas [`SCALE`] times too large.

use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::Coord;
use super::draw::{
    Canvas, FONT, Point, SCALE, anchored, arrow_head, draw, draw_line, draw_marker, font,
};
use super::heat::Frame;
use super::legend::Legend;
use super::style::Style;
use super::{Figure, Heat, Mark, Panel};

/// Room for the ticks and label of an axis below and beside a panel, pixels.
const BELOW: i32 = 50;
pub(super) const BESIDE: i32 = 64;
/// Width of a figure, pixels.
pub(super) const WIDTH: i32 = 860;

/// Draws a figure.
pub(super) fn svg(figure: &Figure) -> String {
    let columns = figure.columns.clamp(1, figure.panels.len().max(1)) as i32;
    let rows = (figure.panels.len() as i32 + columns - 1) / columns;
    let panel_width = WIDTH / columns;
    // A single panel is wider than high, unless it is a map.
    let is_map = |p: &Panel| p.marks.iter().any(|m| matches!(m.mark, Mark::Heat(_)));
    let panel_height = match columns {
        1 if figure.panels.iter().any(is_map) => 620,
        1 => 400,
        _ => (panel_width * 3 / 4).max(270),
    };
    let legend = Legend::of(figure);
    let height = legend.height() + rows.max(1) * panel_height;
    let size = ((WIDTH * SCALE) as u32, (height * SCALE) as u32);

    let (mut under, mut over) = (String::new(), String::new());
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        legend.draw(&root);
        for (i, panel) in figure.panels.iter().enumerate() {
            let (row, column) = (i as i32 / columns, i as i32 % columns);
            let left = column * panel_width * SCALE;
            let top = (legend.height() + row * panel_height) * SCALE;
            let place = (
                left,
                top,
                left + panel_width * SCALE,
                top + panel_height * SCALE,
            );
            draw_panel(&root, panel, place, &mut under, &mut over);
        }
        root.present().expect("drawing to a string");
    }
    finish(&svg, size, &under, &over)
}

/// Puts the raw parts under and over what plotters drew, and gives the document its size in pixels.
fn finish(svg: &str, (width, height): (u32, u32), under: &str, over: &str) -> String {
    let start = svg.find('>').expect("an svg element") + 1;
    let end = svg.rfind("</svg>").expect("an svg element");
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {width} {height}\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{under}{}\n{over}</svg>\n",
        width / SCALE as u32,
        height / SCALE as u32,
        svg[start..end].trim(),
    )
}

/// The axes of a panel and where its frame lies.
struct Axes {
    x: Coord,
    y: Coord,
    frame: (i32, i32, i32, i32),
}

impl Axes {
    fn at(&self, u: f64, v: f64) -> Point {
        let (left, top, right, bottom) = self.frame;
        let x = f64::from(left) + u * f64::from(right - left);
        let y = f64::from(bottom) + v * f64::from(top - bottom);
        (x.round() as i32, y.round() as i32)
    }

    fn fractions(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        (self.x.shows(x) && self.y.shows(y)).then(|| (self.x.fraction(x), self.y.fraction(y)))
    }

    /// Where a point is drawn, if it is inside the frame.
    fn inside(&self, point: (f64, f64)) -> Option<Point> {
        let inside = |t: f64| (-1e-9..=1.0 + 1e-9).contains(&t);
        self.fractions(point)
            .filter(|&(u, v)| inside(u) && inside(v))
            .map(|(u, v)| self.at(u, v))
    }

    /// A line through points, cut at the frame and broken where a point cannot be drawn.
    fn polylines(&self, points: &[(f64, f64)]) -> Vec<Vec<Point>> {
        let mut lines: Vec<Vec<Point>> = Vec::new();
        let mut end = None;
        for pair in points.windows(2) {
            let segment = self.fractions(pair[0]).zip(self.fractions(pair[1]));
            let Some((a, b)) = segment.and_then(|(a, b)| clip(a, b)) else {
                end = None;
                continue;
            };
            let (from, to) = (self.at(a.0, a.1), self.at(b.0, b.1));
            if end != Some(from) {
                lines.push(vec![from]);
            }
            let line = lines.last_mut().expect("a line was begun");
            if line.last() != Some(&to) {
                line.push(to);
            }
            end = Some(to);
        }
        lines
    }
}

/// The part of a segment inside the unit square (Liang and Barsky).
fn clip(a: (f64, f64), b: (f64, f64)) -> Option<((f64, f64), (f64, f64))> {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let (mut from, mut to) = (0.0f64, 1.0f64);
    for (slope, room) in [(-dx, a.0), (dx, 1.0 - a.0), (-dy, a.1), (dy, 1.0 - a.1)] {
        if slope == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if slope < 0.0 {
            from = from.max(room / slope);
        } else {
            to = to.min(room / slope);
        }
    }
    let on = |t: f64| (a.0 + t * dx, a.1 + t * dy);
    (from <= to).then(|| (on(from), on(to)))
}

fn draw_panel(
    root: &Canvas,
    panel: &Panel,
    (left, top, right, bottom): (i32, i32, i32, i32),
    under: &mut String,
    over: &mut String,
) {
    let heat = panel.marks.iter().find_map(|p| match &p.mark {
        Mark::Heat(heat) => Some(heat),
        _ => None,
    });
    let beside = if heat.is_some() || panel.right.is_some() {
        BESIDE + 34
    } else {
        14
    };
    let frame = (
        left + (BESIDE + 6) * SCALE,
        top + 26 * SCALE,
        right - beside * SCALE,
        bottom - (BELOW + 12) * SCALE,
    );
    let (width, height) = ((frame.2 - frame.0) / SCALE, (frame.3 - frame.1) / SCALE);
    let (xs, ys) = (width as usize / 55, height as usize / 34);
    let x_range = panel.x.range.or(heat.map(|h| ends_of(&h.x, panel.x.log)));
    let y_range = panel.y.range.or(heat.map(|h| ends_of(&h.y, panel.y.log)));
    let y_range = y_range.or_else(|| bars_range(panel));
    let x = Coord::new(panel.coordinates(|_| true, 0), x_range, panel.x.log, xs);
    let y = Coord::new(
        panel.coordinates(|right| !right, 1),
        y_range,
        panel.y.log,
        ys,
    );
    let axes = Axes {
        x: x.clone(),
        y: y.clone(),
        frame,
    };

    if let Some(heat) = heat {
        let frame = to_f64(frame);
        under.push_str(&heat.cells(&x, &y, frame));
        over.push_str(&heat.contour_line(&x, &y, frame, f64::from(SCALE) * 1.4));
        let bar = frame.2 + f64::from(12 * SCALE);
        let bar = (bar, frame.1, bar + f64::from(12 * SCALE), frame.3);
        over.push_str(&heat.scale(bar, f64::from(FONT * SCALE) / 1.24));
    }
    draw_frame(root, panel, &axes, heat.is_none());
    let right_axes = panel.right.as_ref().map(|axis| {
        let y = Coord::new(
            panel.coordinates(|right| right, 1),
            axis.range,
            axis.log,
            ys,
        );
        Axes { x, y, frame }
    });
    if let (Some(axis), Some(axes)) = (&panel.right, &right_axes) {
        draw_right_axis(root, &axis.label, axes);
    }
    for placed in &panel.marks {
        let axes = if placed.right {
            right_axes.as_ref().unwrap_or(&axes)
        } else {
            &axes
        };
        draw_mark(root, &placed.mark, axes);
    }
}

/// The ends of a heat map's axis: half a cell beyond its outer columns or rows.
fn ends_of(centres: &[f64], log: bool) -> (f64, f64) {
    let beyond = |last: f64, inner: f64| {
        if log {
            last * (last / inner).sqrt()
        } else {
            last + (last - inner) / 2.0
        }
    };
    match centres {
        [first, second, ..] => {
            let n = centres.len();
            (
                beyond(*first, *second),
                beyond(centres[n - 1], centres[n - 2]),
            )
        }
        [only] => (only - 0.5, only + 0.5),
        [] => (0.0, 1.0),
    }
}

/// Bars stand on 0, if nothing else is in the panel.
fn bars_range(panel: &Panel) -> Option<(f64, f64)> {
    let bars = panel
        .marks
        .iter()
        .all(|p| matches!(p.mark, Mark::Bars { .. }));
    let heights = panel.coordinates(|right| !right, 1);
    let highest = heights.fold(0.0, f64::max);
    (bars && highest > 0.0 && !panel.y.log).then_some((0.0, highest * 1.04))
}

fn to_f64((left, top, right, bottom): (i32, i32, i32, i32)) -> Frame {
    (left.into(), top.into(), right.into(), bottom.into())
}

/// Frame, grid, ticks, axis labels and title.
fn draw_frame(root: &Canvas, panel: &Panel, axes: &Axes, grid: bool) {
    let (left, top, right, bottom) = axes.frame;
    let area = root.clone().shrink(
        (left - BESIDE * SCALE, top),
        (right - left + BESIDE * SCALE, bottom - top + BELOW * SCALE),
    );
    let mut chart = ChartBuilder::on(&area)
        .x_label_area_size(BELOW * SCALE)
        .y_label_area_size(BESIDE * SCALE)
        .build_cartesian_2d(axes.x.clone(), axes.y.clone())
        .expect("drawing to a string");
    let faint = BLACK
        .mix(if grid { 0.12 } else { 0.0 })
        .stroke_width(SCALE as u32 / 2);
    chart
        .configure_mesh()
        .x_desc(&panel.x.label)
        .y_desc(&panel.y.label)
        .axis_desc_style(font(FONT))
        .label_style(font(FONT - 1))
        .axis_style(BLACK.stroke_width(SCALE as u32 * 3 / 4))
        .bold_line_style(faint)
        .light_line_style(TRANSPARENT)
        .set_all_tick_mark_size(4 * SCALE)
        .x_label_formatter(&|v| super::axis::tick_label(*v))
        .y_label_formatter(&|v| super::axis::tick_label(*v))
        .draw()
        .expect("drawing to a string");
    draw(
        root,
        Text::new(
            panel.title.clone(),
            ((left + right) / 2, top - 11 * SCALE),
            anchored(FONT + 1, HPos::Center),
        ),
    );
}

/// Ticks and label of the right axis.
fn draw_right_axis(root: &Canvas, label: &str, axes: &Axes) {
    let (_, top, right, bottom) = axes.frame;
    let thin = BLACK.stroke_width(SCALE as u32 * 3 / 4);
    draw(
        root,
        PathElement::new(vec![(right, top), (right, bottom)], thin),
    );
    for tick in plotters::coord::ranged1d::Ranged::key_points(&axes.y, 10) {
        let (_, y) = axes.at(1.0, axes.y.fraction(tick));
        draw(
            root,
            PathElement::new(vec![(right, y), (right + 4 * SCALE, y)], thin),
        );
        let text = super::axis::tick_label(tick);
        draw(
            root,
            Text::new(text, (right + 8 * SCALE, y), anchored(FONT - 1, HPos::Left)),
        );
    }
    let style = font(FONT)
        .transform(FontTransform::Rotate90)
        .pos(Pos::new(HPos::Center, VPos::Center));
    let place = (right + (BESIDE + 8) * SCALE, (top + bottom) / 2);
    draw(root, Text::new(label.to_string(), place, style));
}

fn draw_mark(root: &Canvas, mark: &Mark, axes: &Axes) {
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
            let place = |x: f64, y: f64| axes.fractions((x, axes.y.clamp(y)));
            let edge = |high: bool| {
                points
                    .iter()
                    .filter_map(move |&(x, l, h)| place(x, if high { h } else { l }))
            };
            let low: Vec<_> = edge(false).collect();
            let outline = edge(true).chain(low.into_iter().rev());
            let outline: Vec<Point> = outline
                .map(|(u, v)| axes.at(u.clamp(0.0, 1.0), v))
                .collect();
            draw(root, Polygon::new(outline, role.style().colour.mix(0.2)));
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
        Mark::Level { at, label } => {
            if let Some(y) = axes.inside((axes.x.high(), *at)).map(|p| p.1) {
                let (left, _, right, _) = axes.frame;
                let style = BLACK.stroke_width(SCALE as u32);
                let line = vec![(left, y), (right, y)];
                draw(
                    root,
                    DashedPathElement::new(line, 2 * SCALE, 3 * SCALE, style),
                );
                let place = (right - 6 * SCALE, y - 9 * SCALE);
                draw(
                    root,
                    Text::new(label.clone(), place, anchored(FONT - 1, HPos::Right)),
                );
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
        Mark::Heat(_) => {}
    }
}

fn draw_points(root: &Canvas, style: Style, size: i32, points: &[(f64, f64)], axes: &Axes) {
    for place in points.iter().filter_map(|&p| axes.inside(p)) {
        draw_marker(root, style, size, place);
    }
}

impl Panel {
    /// Every x (`axis` 0) or y (1) of the marks on the chosen vertical axis.
    fn coordinates(&self, chosen: impl Fn(bool) -> bool, axis: usize) -> impl Iterator<Item = f64> {
        let points = self
            .marks
            .iter()
            .filter(move |p| chosen(p.right))
            .flat_map(|p| p.mark.corners());
        points.map(move |(x, y)| if axis == 0 { x } else { y })
    }
}

impl Mark {
    /// Points that the axes have to hold. A coordinate that does not matter is not a number.
    fn corners(&self) -> Vec<(f64, f64)> {
        match self {
            Mark::Line(s) | Mark::Dotted(s) | Mark::Scatter(s) => s.points.clone(),
            Mark::Band { points, .. } => points
                .iter()
                .flat_map(|&(x, low, high)| [(x, low), (x, high)])
                .collect(),
            Mark::Bars { bins, .. } => bins
                .iter()
                .flat_map(|&(from, to, height)| [(from, 0.0), (to, height)])
                .collect(),
            Mark::Level { at, .. } => vec![(f64::NAN, *at)],
            Mark::Arrow { from, to, .. } => vec![*from, *to],
            Mark::Heat(Heat { x, y, .. }) => x
                .iter()
                .map(|&x| (x, f64::NAN))
                .chain(y.iter().map(|&y| (f64::NAN, y)))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Axis, Role, Series};
    use super::*;

    /// Every kind of mark, with points that cannot be drawn among those that can.
    fn everything() -> Figure {
        let points = [
            (1.0, 2.0),
            (f64::NAN, 1.0),
            (10.0, f64::INFINITY),
            (100.0, -3.0),
            (5.0, 1e300),
        ];
        let role = Role::Distributed;
        let heat = Heat {
            label: "a < b".into(),
            x: vec![1.0, 2.0],
            y: vec![1.0, 2.0],
            values: vec![vec![1.0, f64::NAN], vec![-1.0, 0.0]],
            range: None,
            diverging: true,
            contour: Some(0.5),
        };
        let lines = Panel::new(
            "p < q & r",
            Axis::log("x"),
            Axis::linear("y").range(-1.0, 3.0),
        )
        .with_right(Axis::log("z"))
        .line(role, "line", points)
        .dotted(Role::Control, "dotted", points)
        .scatter(Role::Step { index: 1, of: 3 }, "scatter", points)
        .level(0.1, "threshold 0.1")
        .on_right(Mark::Line(Series::new(Role::Other(2), "right", points)))
        .mark(Mark::Band {
            role,
            points: vec![(1.0, 0.0, 1.0), (2.0, f64::NAN, 9.0)],
        });
        let others = Panel::new("", Axis::linear("x"), Axis::linear("y"))
            .mark(Mark::Bars {
                role,
                label: "bars".into(),
                bins: vec![(0.0, 1.0, 2.0)],
            })
            .mark(Mark::Arrow {
                role,
                label: "v".into(),
                from: (0.0, 0.0),
                to: (1.0, 1.0),
            });
        Figure::new("everything", "")
            .panel(lines)
            .panel(others)
            .panel(Panel::new("", Axis::linear("x"), Axis::linear("y")).mark(Mark::Heat(heat)))
            .panel(Panel::new("empty", Axis::log("x"), Axis::log("y")))
    }

    #[test]
    fn everything_is_drawn_the_same_twice_without_a_broken_number() {
        let svg = everything().to_svg();
        assert_eq!(svg, everything().to_svg());
        for broken in ["NaN", "inf", "a < b", "p < q"] {
            assert!(!svg.contains(broken), "{broken}");
        }
        for text in [
            "p &lt; q &amp; r",
            "a &lt; b",
            "threshold 0.1",
            "scatter",
            "right",
            "bars",
        ] {
            assert!(svg.contains(text), "{text}");
        }
    }

    #[test]
    fn a_map_ends_half_a_cell_beyond_its_outer_cells() {
        assert_eq!(ends_of(&[1.0, 2.0, 4.0], false), (0.5, 5.0));
        assert_eq!(ends_of(&[1.0, 4.0, 16.0, 64.0], true), (0.5, 128.0));
        assert_eq!(ends_of(&[1.0, 3.0], false), (0.0, 4.0));
        assert_eq!(ends_of(&[2.0], false), (1.5, 2.5));
    }

    #[test]
    fn segments_are_cut_at_the_frame() {
        assert_eq!(
            clip((-1.0, 0.5), (2.0, 0.5)),
            Some(((0.0, 0.5), (1.0, 0.5)))
        );
        assert_eq!(clip((0.2, 0.2), (0.4, 0.4)), Some(((0.2, 0.2), (0.4, 0.4))));
        assert_eq!(clip((-1.0, 2.0), (2.0, 2.0)), None);
        assert_eq!(clip((-1.0, 0.5), (0.5, 2.0)), None);
    }
}
