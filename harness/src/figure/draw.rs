//! The drawing of the parts of marks: lines, points and text on a canvas.

use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::style::{Dash, Marker, Style};

/// The number of canvas units in a pixel of the figure.
pub(super) const SCALE: i32 = 4;
/// The height of text in pixels, which in plotters is the height of a line.
pub(super) const FONT: i32 = 17;
/// The ratio of the height of a line to the size of its font in plotters.
pub(super) const LINE_OF_FONT: f64 = 1.24;
/// Fonts of the same character widths on the common systems, so that labels take the room that was measured for them.
pub(super) const FONTS: &str = "Arial, Liberation Sans, Arimo, Helvetica, Nimbus Sans, sans-serif";

pub(super) type Canvas<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
pub(super) type Point = (i32, i32);
/// A rectangle on the canvas: left, top, right, bottom.
pub(super) type Box = (i32, i32, i32, i32);

pub(super) fn font(height: i32) -> TextStyle<'static> {
    (FONTS, height * SCALE)
        .into_text_style(&(0, 0))
        .color(&BLACK)
}

pub(super) fn anchored(height: i32, horizontal: HPos) -> TextStyle<'static> {
    font(height).pos(Pos::new(horizontal, VPos::Center))
}

/// Returns the width in pixels of a text in the [fonts](FONTS) with a height of `height` pixels.
pub(super) fn text_width(text: &str, height: i32) -> i32 {
    /// The widths of the characters from the space to the tilde, in thousandths of the font's size.
    const WIDTHS: [u16; 95] = [
        278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556,
        556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722,
        722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722,
        667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556,
        556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500,
        500, 334, 260, 334, 584,
    ];
    // The width of any other character, which may come from another font.
    const OTHER: u16 = 650;
    let width = |c: char| {
        let known = (c as usize).checked_sub(' ' as usize);
        f64::from(known.and_then(|i| WIDTHS.get(i)).copied().unwrap_or(OTHER))
    };
    let size = f64::from(height) / LINE_OF_FONT;
    (text.chars().map(width).sum::<f64>() / 1000.0 * size).ceil() as i32
}

/// Breaks a text with a height of `height` pixels between words into lines that are at most `pixels` wide, as far as
/// single words are not wider.
pub(super) fn lines_within(text: &str, height: i32, pixels: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(&format!("{line} {word}"), height) <= pixels => {
                *line += " ";
                *line += word;
            }
            _ => lines.push(word.into()),
        }
    }
    lines
}

pub(super) fn draw<'a, E>(root: &Canvas<'a>, element: E)
where
    for<'b> &'b E:
        plotters::element::PointCollection<'b, Point, plotters::element::BackendCoordOnly>,
    E: plotters::element::Drawable<SVGBackend<'a>>,
{
    root.draw(&element).expect("drawing to a string");
}

/// Returns the triangle at the tip of an arrow from `from` to `to`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_wide_as_its_letters_and_is_broken_where_it_is_too_wide() {
        // Widths of Helvetica: i 222, W 944 thousandths of the font's size.
        assert_eq!(
            (text_width("WWWW", FONT), text_width("iiii", FONT)),
            (52, 13)
        );
        let text = "share of the layer that decides";
        let lines = lines_within(text, FONT, 100);
        assert!(lines.len() > 1 && lines.iter().all(|line| text_width(line, FONT) <= 100));
        assert_eq!(lines.join(" "), text);
        // A word is not broken.
        assert_eq!(lines_within("unbroken", FONT, 1), ["unbroken"]);
        assert!(lines_within("", FONT, 100).is_empty());
    }
}
