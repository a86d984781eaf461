//! What marks are made of: lines, points and text on a canvas.

use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::style::{Dash, Marker, Style};

/// Canvas units to a pixel of the figure.
pub(super) const SCALE: i32 = 4;
/// Width of a figure, pixels.
pub(super) const WIDTH: i32 = 860;
/// Text height, pixels.
pub(super) const FONT: i32 = 17;

pub(super) type Canvas<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
pub(super) type Point = (i32, i32);

pub(super) fn font(height: i32) -> TextStyle<'static> {
    ("sans-serif", height * SCALE)
        .into_text_style(&(0, 0))
        .color(&BLACK)
}

pub(super) fn anchored(height: i32, horizontal: HPos) -> TextStyle<'static> {
    font(height).pos(Pos::new(horizontal, VPos::Center))
}

/// The width of a text of some height, pixels: an estimate, since whoever opens a figure has fonts of their own.
pub(super) fn text_width(text: &str, height: i32) -> i32 {
    (text.chars().count() as f64 * f64::from(height) * 0.5).ceil() as i32
}

/// The lines of a text of the usual height that is broken between words to fit into some pixels.
pub(super) fn lines_within(text: &str, pixels: i32) -> Vec<String> {
    let characters = (2 * pixels / FONT).max(1) as usize;
    let options = textwrap::Options::new(characters).break_words(false);
    let lines = textwrap::wrap(text, options);
    lines.into_iter().map(String::from).collect()
}

pub(super) fn draw<'a, E>(root: &Canvas<'a>, element: E)
where
    for<'b> &'b E:
        plotters::element::PointCollection<'b, Point, plotters::element::BackendCoordOnly>,
    E: plotters::element::Drawable<SVGBackend<'a>>,
{
    root.draw(&element).expect("drawing to a string");
}

/// A triangle that ends at `to`.
pub(super) fn arrow_head(from: Point, to: Point) -> Vec<Point> {
    let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
    let length = dx.hypot(dy).max(1.0);
    let (ux, uy) = (
        dx / length * f64::from(SCALE),
        dy / length * f64::from(SCALE),
    );
    let corner = |side: f64| {
        let x = f64::from(to.0) - 10.0 * ux - side * 4.0 * uy;
        let y = f64::from(to.1) - 10.0 * uy + side * 4.0 * ux;
        (x.round() as i32, y.round() as i32)
    };
    vec![to, corner(1.0), corner(-1.0)]
}

pub(super) fn draw_line(root: &Canvas, style: Style, lines: &[Vec<Point>]) {
    let stroke = style.colour.stroke_width((SCALE * 9 / 5) as u32);
    for line in lines {
        let (dash, gap) = match style.dash {
            Dash::Solid => {
                draw(root, PathElement::new(line.clone(), stroke));
                continue;
            }
            Dash::Dashed => (8 * SCALE, 4 * SCALE),
            Dash::Dotted => (2 * SCALE, 3 * SCALE),
        };
        draw(
            root,
            DashedPathElement::new(line.clone(), dash, gap, stroke),
        );
    }
}

pub(super) fn draw_marker(root: &Canvas, style: Style, size: i32, (x, y): Point) {
    let (fill, stroke) = (
        style.colour.filled(),
        style.colour.stroke_width((SCALE * 3 / 2) as u32),
    );
    match style.marker {
        Marker::Circle => draw(root, Circle::new((x, y), size, fill)),
        Marker::Ring => draw(root, Circle::new((x, y), size, stroke)),
        Marker::Square => {
            let half = size * 9 / 10;
            draw(
                root,
                Rectangle::new([(x - half, y - half), (x + half, y + half)], fill),
            );
        }
        Marker::Triangle => draw(root, TriangleMarker::new((x, y), size * 5 / 4, fill)),
        Marker::Cross => draw(root, Cross::new((x, y), size, stroke)),
    }
}
