//! One panel: its frame, grid, ticks and labels, and the marks inside.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::Coord;
use super::draw::{Canvas, FONT, SCALE, anchored, draw, font};
use super::heat::Frame;
use super::mark::draw_mark;
use super::plane::Axes;
use super::{Mark, Panel};

/// Room for the ticks and label of an axis below and beside a panel, pixels.
const BELOW: i32 = 50;
pub(super) const BESIDE: i32 = 64;

/// Draws a panel with room for its vertical ticks and label on the left: `margin` pixels, the same for all panels of a
/// column.
pub(super) fn draw_panel(
    root: &Canvas,
    panel: &Panel,
    (left, top, right, bottom): (i32, i32, i32, i32),
    margin: i32,
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
        left + (margin + 6) * SCALE,
        top + 26 * SCALE,
        right - beside * SCALE,
        bottom - (BELOW + 12) * SCALE,
    );
    let (width, height) = ((frame.2 - frame.0) / SCALE, (frame.3 - frame.1) / SCALE);
    let (xs, ys) = (width as usize / 55, height as usize / 34);
    let x_range = panel.x.range.or(heat.map(|h| ends_of(&h.x, panel.x.log)));
    let y_range = panel.y.range.or(heat.map(|h| ends_of(&h.y, panel.y.log)));
    let y_range = y_range.or_else(|| bars_range(panel));
    let x_range = x_range.or_else(|| panel.x.names_range());
    let y_range = y_range.or_else(|| panel.y.names_range());
    let ticks = |names: &[String], ticks| match names.len() {
        0 => ticks,
        names => names,
    };
    let (xs, ys) = (ticks(&panel.x.names, xs), ticks(&panel.y.names, ys));
    let x = Coord::new(panel.coordinates(|_| true, 0), x_range, panel.x.log, xs);
    let y = Coord::new(
        panel.coordinates(|right| !right, 1),
        y_range,
        panel.y.log,
        ys,
    );
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
        over.push_str(&heat.scale(bar, f64::from(FONT * SCALE) / 1.24));
    }
    draw_frame(root, panel, &axes, margin, heat.is_none());
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
    let without_value = panel.marks.iter().map(|p| p.mark.without_value()).sum();
    if without_value > 0 {
        draw_note(root, without_value, &axes);
    }
}

/// Says in a corner that something was not drawn.
fn draw_note(root: &Canvas, without_value: usize, axes: &Axes) {
    let (left, _, _, bottom) = axes.frame;
    let note = match without_value {
        1 => "1 point has no value".to_string(),
        n => format!("{n} points have no value"),
    };
    let place = (left + 8 * SCALE, bottom - 12 * SCALE);
    draw(root, Text::new(note, place, anchored(FONT - 3, HPos::Left)));
}

/// Two linear axes, one of them made longer so that a unit has the same length on both. Each comes with
/// the ticks wanted and its length in pixels.
fn to_scale(x: (Coord, usize, i32), y: (Coord, usize, i32)) -> (Coord, Coord) {
    let per_pixel = |(axis, _, pixels): &(Coord, usize, i32)| {
        (axis.high() - axis.low()) / f64::from((*pixels).max(1))
    };
    // Some room for the labels at the tips.
    let unit = 1.08 * per_pixel(&x).max(per_pixel(&y));
    let widened = |(axis, ticks, pixels): (Coord, usize, i32)| {
        let middle = (axis.low() + axis.high()) / 2.0;
        let half = unit * f64::from(pixels) / 2.0;
        let range = Some((middle - half, middle + half));
        Coord::new(std::iter::empty(), range, false, ticks)
    };
    (widened(x), widened(y))
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
        [only] if log => (only / 2.0, only * 2.0),
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
    // What is not a number is not drawn, and takes no room.
    let heights = panel.coordinates(|right| !right, 1);
    let highest = heights.fold(0.0, f64::max);
    (bars && highest > 0.0 && !panel.y.log).then_some((0.0, highest * 1.04))
}

fn to_f64((left, top, right, bottom): (i32, i32, i32, i32)) -> Frame {
    (left.into(), top.into(), right.into(), bottom.into())
}

/// Frame, grid, ticks, axis labels and title.
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
        .x_label_formatter(&|v| panel.x.tick_label(*v))
        .y_label_formatter(&|v| panel.y.tick_label(*v))
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

impl Panel {
    /// The room that its vertical ticks and label take, pixels: more where names stand in place of numbers.
    pub(super) fn margin(&self) -> i32 {
        let longest = self.y.names.iter().map(|name| name.chars().count()).max();
        let names = longest.unwrap_or(0) as f64 * f64::from(FONT) * 0.5;
        BESIDE.max(names.ceil() as i32 + 24)
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_ends_half_a_cell_beyond_its_outer_cells() {
        assert_eq!(ends_of(&[1.0, 2.0, 4.0], false), (0.5, 5.0));
        assert_eq!(ends_of(&[1.0, 4.0, 16.0, 64.0], true), (0.5, 128.0));
        assert_eq!(ends_of(&[1.0, 3.0], false), (0.0, 4.0));
        assert_eq!(ends_of(&[2.0], false), (1.5, 2.5));
        assert_eq!(ends_of(&[0.5], true), (0.25, 1.0));
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
