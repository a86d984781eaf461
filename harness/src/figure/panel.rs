//! The drawing of a panel: its frame, grid, ticks and labels, and the marks inside.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::coord::Coord;
use super::draw::{
    Box, Canvas, FONT, LINE_OF_FONT, SCALE, anchored, draw, font, lines_within, text_width,
};
use super::heat::Frame;
use super::ink::Ink;
use super::mark::draw_mark;
use super::names::{self, draw_name};
use super::plane::Axes;
use super::{Axis, Heat, Mark, Panel};

/// The room for the ticks and the label of an axis below and beside a panel, in pixels.
const BELOW: i32 = 50;
pub(super) const BESIDE: i32 = 64;
/// The space that is left free above the frame of a panel without a title, and below its horizontal axis, in pixels.
const ABOVE: i32 = 8;
const FREE: i32 = 12;
/// The space that is left free on each side of the longest line of a title, in pixels.
const TITLE_MARGIN: i32 = 8;
/// The distance of the lines of a label in pixels.
const LINE: i32 = FONT + 2;

/// Draws a panel of `width` × `height` pixels, with its title in the `above` pixels over its frame and its vertical
/// ticks and label in the `margin` pixels on the left. `above` is the same for all panels of a figure, `margin` for all
/// panels of a column. A heat map is written as SVG: its cells to `under`, which belongs under the panel, and its
/// contour and scale to `over`.
pub(super) fn draw_panel(
    root: &Canvas,
    panel: &Panel,
    title: &str,
    (width, height): (i32, i32),
    (above, margin): (i32, i32),
    under: &mut String,
    over: &mut String,
) {
    let (left, top, right, bottom) = (0, 0, width * SCALE, height * SCALE);
    let heat = panel.heat();
    let beside = if heat.is_some() || panel.right.is_some() {
        BESIDE + 34
    } else {
        14
    };
    let frame = (
        left + (margin + 6) * SCALE,
        top + above * SCALE,
        right - beside * SCALE,
        bottom - (BELOW + FREE) * SCALE,
    );
    let (width, height) = ((frame.2 - frame.0) / SCALE, (frame.3 - frame.1) / SCALE);
    let (xs, ys) = (panel.x.ticks(width, 55), panel.y.ticks(height, 34));
    let x_range = panel.x.range.or(heat.map(|h| ends_of(&h.x, panel.x.log)));
    let x_range = x_range.or_else(|| panel.x.names_range());
    let x = Coord::new(
        panel.coordinates(Along::Horizontal),
        x_range,
        panel.x.log,
        xs,
    );
    let y = panel.y_coord(height);
    let (x, y) = if panel.to_scale {
        to_scale((x, xs, width), (y, ys, height))
    } else {
        (x, y)
    };
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
        over.push_str(&heat.scale(bar, f64::from(FONT * SCALE) / LINE_OF_FONT));
    }
    draw_frame(root, panel, &axes, margin, heat.is_none());
    draw_title(root, title, (left, right), &axes);
    let right_axes = panel.right.as_ref().map(|axis| {
        let y = Coord::new(panel.coordinates(Along::Right), axis.range, axis.log, ys);
        Axes { x, y, frame }
    });
    if let (Some(axis), Some(axes)) = (&panel.right, &right_axes) {
        draw_right_axis(root, &axis.label, axes);
    }
    let ink = Ink::of(panel, &axes, right_axes.as_ref());
    let note = note(panel, &axes, &ink);
    let mut taken: Vec<Box> = note.iter().map(|(at, _)| *at).collect();
    let levels = panel.marks.iter().filter_map(|p| match &p.mark {
        Mark::Level { at, label } => Some((*at, label.as_str())),
        _ => None,
    });
    let levels = names::levels(levels, &axes, taken.clone(), &ink);
    taken.extend(levels.iter().map(|(at, _)| *at));
    for placed in &panel.marks {
        let axes = match (&right_axes, placed.right) {
            (Some(right), true) => right,
            _ => &axes,
        };
        draw_mark(root, &placed.mark, axes, &taken, &ink);
    }
    for (at, name) in levels {
        draw_name(root, at, name);
    }
    if let Some((at, text)) = note {
        draw_name(root, at, &text);
    }
}

/// An axis of a panel.
#[derive(Clone, Copy)]
enum Along {
    Horizontal,
    Left,
    Right,
}

impl Along {
    /// Returns the one of a horizontal and a vertical value that lies along the axis.
    fn of<T>(self, x: T, y: T) -> T {
        match self {
            Along::Horizontal => x,
            Along::Left | Along::Right => y,
        }
    }
}

/// Returns a note that some points of a panel have no value, with its place; `None` if all points have one.
fn note(panel: &Panel, axes: &Axes, ink: &Ink) -> Option<(Box, String)> {
    let note = match panel.marks.iter().map(|p| p.mark.without_value()).sum() {
        0 => return None,
        1 => "1 point has no value".to_string(),
        n => format!("{n} points have no value"),
    };
    let size = (text_width(&note, FONT) * SCALE, FONT * SCALE);
    Some((names::aside(size, axes, ink), note))
}

/// Widens two linear axes so that a unit has the same length on both. Each argument is an axis, the number of ticks
/// wanted and the length in pixels.
fn to_scale(x: (Coord, usize, i32), y: (Coord, usize, i32)) -> (Coord, Coord) {
    let per_pixel = |(axis, _, pixels): &(Coord, usize, i32)| {
        (axis.high() - axis.low()) / f64::from((*pixels).max(1))
    };
    // A factor above 1 leaves some room for the labels at the tips.
    let unit = 1.08 * per_pixel(&x).max(per_pixel(&y));
    let widened = |(axis, ticks, pixels): (Coord, usize, i32)| {
        let middle = (axis.low() + axis.high()) / 2.0;
        let half = unit * f64::from(pixels) / 2.0;
        let range = Some((middle - half, middle + half));
        Coord::new(std::iter::empty(), range, false, ticks)
    };
    (widened(x), widened(y))
}

/// Returns the ends of a heat map's axis: half a cell beyond its outer columns or rows.
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
        [only] if log => (only / 2.0, only * 2.0),
        [only] => (only - 0.5, only + 0.5),
        [] => (0.0, 1.0),
    }
}

/// Returns the ends of the left axis of a panel that has nothing but bars, which stand on 0; `None` for other panels.
fn bars_range(panel: &Panel) -> Option<(f64, f64)> {
    let bars = panel
        .marks
        .iter()
        .all(|p| matches!(p.mark, Mark::Bars { .. }));
    // A NaN is not drawn, and takes no room.
    let heights = panel.coordinates(Along::Left);
    let highest = heights.fold(0.0, f64::max);
    (bars && highest > 0.0 && !panel.y.log).then_some((0.0, highest * 1.04))
}

fn to_f64((left, top, right, bottom): (i32, i32, i32, i32)) -> Frame {
    (left.into(), top.into(), right.into(), bottom.into())
}

/// Draws the frame, the grid, the ticks and the labels of the horizontal and the left axis.
fn draw_frame(root: &Canvas, panel: &Panel, axes: &Axes, margin: i32, grid: bool) {
    let (left, top, right, bottom) = axes.frame;
    let area = root.clone().shrink(
        (left - margin * SCALE, top),
        (right - left + margin * SCALE, bottom - top + BELOW * SCALE),
    );
    let mut chart = ChartBuilder::on(&area)
        .x_label_area_size(BELOW * SCALE)
        .y_label_area_size(margin * SCALE)
        .build_cartesian_2d(axes.x.clone(), axes.y.clone())
        .expect("drawing to a string");
    let every = panel.x.every((right - left) / SCALE);
    let faint = BLACK
        .mix(if grid { 0.12 } else { 0.0 })
        .stroke_width(SCALE as u32 / 2);
    chart
        .configure_mesh()
        .x_desc(&panel.x.label)
        .axis_desc_style(font(FONT))
        .label_style(font(FONT - 1))
        .axis_style(BLACK.stroke_width(SCALE as u32 * 3 / 4))
        .bold_line_style(faint)
        .light_line_style(TRANSPARENT)
        .set_all_tick_mark_size(4 * SCALE)
        .x_label_formatter(&|v| match *v as usize % every {
            0 => panel.x.tick_label(&axes.x, *v),
            _ => String::new(),
        })
        .y_label_formatter(&|v| panel.y.tick_label(&axes.y, *v))
        .draw()
        .expect("drawing to a string");
    let beside = left - (margin - LINE / 2) * SCALE;
    draw_label(root, &panel.y.label, FontTransform::Rotate270, beside, axes);
}

/// Draws the title above the frame, in as many lines as it takes: over the middle of the frame, or nearer to the middle
/// of the panel if there is no room.
fn draw_title(root: &Canvas, title: &str, (left, right): (i32, i32), axes: &Axes) {
    let lines = title_lines(title, (right - left) / SCALE);
    for (line, up) in lines.iter().rev().zip(0..) {
        let half = (text_width(line, FONT + 1) + TITLE_MARGIN) * SCALE / 2;
        let half = half.min((right - left) / 2);
        let middle = (axes.frame.0 + axes.frame.2) / 2;
        let place = (
            middle.clamp(left + half, right - half),
            axes.frame.1 - (11 + up * LINE) * SCALE,
        );
        let style = anchored(FONT + 1, HPos::Center);
        draw(root, Text::new(line.clone(), place, style));
    }
}

/// Returns the lines of a title over a panel that is `width` pixels wide.
fn title_lines(title: &str, width: i32) -> Vec<String> {
    lines_within(title, FONT + 1, width - 2 * TITLE_MARGIN)
}

/// Returns the room in pixels above the frame of a panel with that title, which is `width` pixels wide.
pub(super) fn above(title: &str, width: i32) -> i32 {
    ABOVE + title_lines(title, width).len() as i32 * LINE
}

/// Draws the label of a vertical axis, turned, in as many lines as the height of the frame makes necessary. The first
/// line is at `x`, the others follow in the direction of reading.
fn draw_label(root: &Canvas, label: &str, turn: FontTransform, x: i32, axes: &Axes) {
    let (_, top, _, bottom) = axes.frame;
    let step = match turn {
        FontTransform::Rotate90 => -LINE * SCALE,
        _ => LINE * SCALE,
    };
    for (line, x) in lines_within(label, FONT, (bottom - top) / SCALE)
        .into_iter()
        .zip((0..).map(|i| x + i * step))
    {
        let style = font(FONT)
            .transform(turn.clone())
            .pos(Pos::new(HPos::Center, VPos::Center));
        draw(root, Text::new(line, (x, (top + bottom) / 2), style));
    }
}

/// Draws the ticks and the label of the right axis.
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
        let text = axes.y.label(tick);
        draw(
            root,
            Text::new(text, (right + 8 * SCALE, y), anchored(FONT - 1, HPos::Left)),
        );
    }
    let beside = right + (BESIDE + 16) * SCALE;
    draw_label(root, label, FontTransform::Rotate90, beside, axes);
}

impl Axis {
    /// Returns the step k such that every k-th name, drawn at its tick on an axis of `pixels` pixels, does not lie on
    /// the next one.
    fn every(&self, pixels: i32) -> usize {
        /// The gap between one name and the next in pixels.
        const GAP: i32 = 5;
        let widths = self.names.iter().map(|name| text_width(name, FONT - 1));
        let needed = (widths.max().unwrap_or(0) + GAP) * self.names.len() as i32;
        (needed as usize).div_ceil(pixels.max(1) as usize).max(1)
    }

    /// Returns the number of ticks that fit on `pixels` pixels, each with `room` pixels: one for each name, if there
    /// are names.
    fn ticks(&self, pixels: i32, room: i32) -> usize {
        match self.names.len() {
            0 => (pixels / room).max(0) as usize,
            names => names,
        }
    }
}

impl Panel {
    /// Returns the heat map in the panel, if there is one.
    fn heat(&self) -> Option<&Heat> {
        self.marks.iter().find_map(|p| match &p.mark {
            Mark::Heat(heat) => Some(heat),
            _ => None,
        })
    }

    /// Returns the left axis in a frame that is `height` pixels high.
    fn y_coord(&self, height: i32) -> Coord {
        let rows = || self.heat().map(|h| ends_of(&h.y, self.y.log));
        let range = self.y.range.or_else(rows).or_else(|| bars_range(self));
        let range = range.or_else(|| self.y.names_range());
        let values = self.coordinates(Along::Left);
        Coord::new(values, range, self.y.log, self.y.ticks(height, 34))
    }

    /// Returns the room in pixels that the left ticks and label take in a panel that is `height` pixels high, of which
    /// `above` are above its frame. It is [`BESIDE`] unless they are long.
    pub(super) fn margin(&self, height: i32, above: i32) -> i32 {
        let height = height - above - BELOW - FREE;
        let coord = self.y_coord(height);
        let ticks = plotters::coord::ranged1d::Ranged::key_points(&coord, 10).into_iter();
        let ticks = ticks.map(|tick| text_width(&self.y.tick_label(&coord, tick), FONT - 1));
        let lines = lines_within(&self.y.label, FONT, height).len() as i32;
        let label = if self.y.label.is_empty() {
            0
        } else {
            lines * LINE
        };
        BESIDE.max(ticks.max().unwrap_or(0) + 14 + label)
    }

    /// Returns the coordinates of all marks along an axis: those of points, and the ends of intervals around points. An
    /// end is moved nearer if it is farther beyond all points than the outermost points are apart.
    fn coordinates(&self, along: Along) -> impl Iterator<Item = f64> {
        let (log, is_read) = match along {
            Along::Horizontal => (self.x.log, None),
            Along::Left => (self.y.log, Some(false)),
            Along::Right => (self.right.as_ref().is_some_and(|axis| axis.log), Some(true)),
        };
        let marks = self.marks.iter();
        let marks = marks.filter(|p| is_read.is_none_or(|right| right == p.right));
        let marks: Vec<&Mark> = marks.map(|p| &p.mark).collect();
        let points = marks.iter().flat_map(|mark| mark.corners());
        let mut all: Vec<f64> = points.map(|(x, y)| along.of(x, y)).collect();
        let shown = all
            .iter()
            .copied()
            .filter(|v| v.is_finite() && (!log || *v > 0.0));
        let (low, high) = shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
        let (low, high) = match log {
            true => (low * (low / high), high * (high / low)),
            false => (low - (high - low), high + (high - low)),
        };
        for mark in marks {
            if let Mark::Crosses { crosses, .. } = mark {
                let ends = crosses.iter().map(|c| along.of(c.x, c.y));
                let ends = ends.filter(|(from, to)| from.is_finite() && to.is_finite());
                all.extend(ends.flat_map(|(from, to)| [from.max(low), to.min(high)]));
            }
        }
        all.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Cross, Role};

    #[test]
    fn intervals_on_a_logarithmic_right_axis_reach_as_many_times_beyond_the_points() {
        let cross = |y| Cross {
            at: (0.0, y),
            x: (0.0, 0.0),
            y: (y / 100.0, y * 100.0),
        };
        let crosses = Mark::Crosses {
            role: Role::Gelu,
            crosses: vec![cross(1.0), cross(10.0)],
        };
        let panel = Panel::new("", Axis::linear(""), Axis::linear(""))
            .with_right(Axis::log(""))
            .on_right(crosses);
        let all: Vec<f64> = panel.coordinates(Along::Right).collect();
        let low = all.iter().copied().fold(f64::INFINITY, f64::min);
        let high = all.iter().copied().fold(0.0, f64::max);
        assert_eq!((low, high), (0.1, 100.0));
    }

    #[test]
    fn a_map_ends_half_a_cell_beyond_its_outer_cells() {
        assert_eq!(ends_of(&[1.0, 2.0, 4.0], false), (0.5, 5.0));
        assert_eq!(ends_of(&[1.0, 4.0, 16.0, 64.0], true), (0.5, 128.0));
        assert_eq!(ends_of(&[1.0, 3.0], false), (0.0, 4.0));
        assert_eq!(ends_of(&[2.0], false), (1.5, 2.5));
        assert_eq!(ends_of(&[0.5], true), (0.25, 1.0));
    }

    #[test]
    fn names_that_would_lie_on_each_other_stand_at_every_second_tick() {
        let axis = |count: usize| Axis::named("", (0..count).map(|i| format!("layer {i}")));
        assert_eq!(axis(3).every(300), 1);
        assert_eq!(axis(8).every(300), 2);
        assert_eq!(Axis::linear("").every(300), 1);
    }

    #[test]
    fn a_plane_to_scale_has_one_unit_on_both_axes_and_loses_nothing() {
        let axis = |low, high| Coord::new(std::iter::empty(), Some((low, high)), false, 5);
        let (x, y) = to_scale((axis(0.0, 1.0), 5, 300), (axis(-1.0, 2.0), 5, 200));
        let unit = |c: &Coord, pixels: f64| (c.high() - c.low()) / pixels;
        assert!((unit(&x, 300.0) - unit(&y, 200.0)).abs() < 1e-12);
        assert!(x.low() <= 0.0 && x.high() >= 1.0 && y.low() <= -1.0 && y.high() >= 2.0);
    }
}
