//! Heat maps as raw SVG: one path for each colour, a contour line and a colour scale. Plotters would write one element
//! for each cell, which at 100 × 100 cells takes a megabyte for each panel.

use std::fmt::Write as _;

use plotters::style::RGBColor;

use super::Heat;
use super::colours::{blue_white_red, viridis};
use super::coord::Coord;
use super::draw::FONTS;
use crate::html::escape;

/// The number of colours of a map. It is odd, so that 0 has the middle one where colours diverge.
const SHADES: usize = 49;

/// The overlap of neighbouring shades, in units of the canvas.
const OVERLAP: f64 = 4.0;

/// A rectangle in units of the canvas: left, top, right, bottom.
pub(super) type Frame = (f64, f64, f64, f64);

impl Heat {
    /// Returns the ends of the colour scale, which are symmetric about 0 where colours diverge.
    fn ends(&self) -> (f64, f64) {
        let (low, high) = self.range.unwrap_or_else(|| {
            let finite = self.values.iter().flatten().filter(|v| v.is_finite());
            finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| {
                (l.min(v), h.max(v))
            })
        });
        match (self.diverging, low < high) {
            (true, _) if low.is_finite() && high.is_finite() && (low != 0.0 || high != 0.0) => {
                let most = low.abs().max(high.abs());
                (-most, most)
            }
            (_, true) => (low, high),
            (_, false) if low == high => (low - 0.5, high + 0.5),
            (_, false) => (0.0, 1.0),
        }
    }

    fn colour(&self, t: f64) -> RGBColor {
        if self.diverging {
            blue_white_red(t)
        } else {
            viridis(t)
        }
    }

    /// Returns the SVG of the cells, with one path for each colour.
    pub(super) fn cells(&self, x: &Coord, y: &Coord, frame: Frame) -> String {
        let (low, high) = self.ends();
        let columns = edges(&self.x, x).map_to(frame.0, frame.2);
        let rows = edges(&self.y, y).map_to(frame.3, frame.1);
        let mut paths = vec![String::new(); SHADES];
        for (edges, values) in rows.windows(2).zip(&self.values) {
            let values = &values[..values.len().min(self.x.len())];
            let shade = |v: f64| {
                let t = (v - low) / (high - low);
                v.is_finite()
                    .then(|| ((t * SHADES as f64) as usize).min(SHADES - 1))
            };
            let (top, bottom) = (edges[1], edges[0]);
            let mut start = 0;
            for run in values.chunk_by(|&a, &b| shade(a) == shade(b)) {
                let (left, right) = (columns[start], columns[start + run.len()]);
                start += run.len();
                if let Some(shade) = shade(run[0]) {
                    let path = &mut paths[shade];
                    write!(
                        path,
                        "M{left:.1} {top:.1}H{right:.1}V{bottom:.1}H{left:.1}z"
                    )
                    .expect("writing to a string");
                }
            }
        }
        let mut svg = String::new();
        for (shade, path) in paths.iter().enumerate().filter(|(_, p)| !p.is_empty()) {
            let colour = hex(self.colour((shade as f64 + 0.5) / SHADES as f64));
            // Cells overlap a little, since viewers of PDF show the paper between edges that only touch.
            writeln!(
                svg,
                "<path d=\"{path}\" fill=\"{colour}\" stroke=\"{colour}\" stroke-width=\"{OVERLAP}\" \
                 shape-rendering=\"crispEdges\"/>"
            )
            .expect("writing to a string");
        }
        svg
    }

    /// Returns the SVG of the contour line, black with a white edge so that it shows on every colour; empty without a
    /// contour.
    pub(super) fn contour_line(&self, x: &Coord, y: &Coord, frame: Frame, width: f64) -> String {
        let Some(level) = self.contour else {
            return String::new();
        };
        let at = |px: f64, py: f64| {
            let u = frame.0 + x.fraction(px) * (frame.2 - frame.0);
            let v = frame.3 + y.fraction(py) * (frame.1 - frame.3);
            (u, v)
        };
        let mut path = String::new();
        for ((x0, y0), (x1, y1)) in contour(&self.x, &self.y, &self.values, level) {
            let ((a, b), (c, d)) = (at(x0, y0), at(x1, y1));
            write!(path, "M{a:.1} {b:.1}L{c:.1} {d:.1}").expect("writing to a string");
        }
        if path.is_empty() {
            return String::new();
        }
        let stroke = |colour: &str, width: f64| {
            format!(
                "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-linecap=\"round\"/>\n"
            )
        };
        stroke("#ffffff", 2.2 * width) + &stroke("#000000", width)
    }

    /// Returns the SVG of the colour scale in `bar`, with its ticks, its label and a mark at the contour.
    pub(super) fn scale(&self, bar: Frame, font: f64) -> String {
        let (low, high) = self.ends();
        let coord = Coord::new(std::iter::empty(), Some((low, high)), false, 5);
        let (left, top, right, bottom) = bar;
        let height = (bottom - top) / SHADES as f64;
        let mut svg = String::new();
        for shade in 0..SHADES {
            let colour = hex(self.colour((shade as f64 + 0.5) / SHADES as f64));
            let y = bottom - (shade + 1) as f64 * height;
            writeln!(
                svg,
                "<rect x=\"{left:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\" shape-rendering=\"crispEdges\"/>",
                right - left,
                // Each shade covers the end of the one below it.
                height + if shade == 0 { 0.0 } else { OVERLAP },
            )
            .expect("writing to a string");
        }
        let place = |v: f64| bottom - coord.fraction(v) * (bottom - top);
        let dash = font * 0.3;
        for tick in plotters::coord::ranged1d::Ranged::key_points(&coord, 10) {
            let y = place(tick);
            let label = coord.label(tick);
            write!(
                svg,
                "<path d=\"M{right:.1} {y:.1}h{dash:.1}\" stroke=\"#000000\" stroke-width=\"{:.1}\"/>\n\
                 <text x=\"{:.1}\" y=\"{:.1}\" font-family=\"{FONTS}\" font-size=\"{font:.1}\">{label}</text>\n",
                font * 0.08,
                right + 1.6 * dash,
                y + 0.35 * font,
            )
            .expect("writing to a string");
        }
        if let Some(level) = self.contour.filter(|l| (low..=high).contains(l)) {
            let y = place(level);
            write!(
                svg,
                "<path d=\"M{left:.1} {y:.1}H{right:.1}\" stroke=\"#ffffff\" stroke-width=\"{:.1}\"/>\n\
                 <path d=\"M{left:.1} {y:.1}H{right:.1}\" stroke=\"#000000\" stroke-width=\"{:.1}\"/>\n",
                font * 0.3,
                font * 0.13,
            )
            .expect("writing to a string");
        }
        let (x, y) = (right + 4.4 * font, (top + bottom) / 2.0);
        writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-family=\"{FONTS}\" font-size=\"{font:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 {x:.1} {y:.1})\">{}</text>",
            escape(&self.label),
        )
        .expect("writing to a string");
        svg
    }
}

fn hex(RGBColor(r, g, b): RGBColor) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// The places at which neighbouring cells meet, as fractions of the axis: half way between their centres.
struct Edges(Vec<f64>);

fn edges(centres: &[f64], axis: &Coord) -> Edges {
    let at: Vec<f64> = centres.iter().map(|&c| axis.fraction(c)).collect();
    let n = at.len();
    let edge = |i: usize| match i {
        _ if n < 2 => i as f64,
        0 => at[0] - (at[1] - at[0]) / 2.0,
        _ if i == n => at[n - 1] + (at[n - 1] - at[n - 2]) / 2.0,
        _ => (at[i - 1] + at[i]) / 2.0,
    };
    Edges((0..=n).map(edge).collect())
}

impl Edges {
    fn map_to(self, from: f64, to: f64) -> Vec<f64> {
        self.0
            .into_iter()
            .map(|t| from + t.clamp(0.0, 1.0) * (to - from))
            .collect()
    }
}

type Segment = ((f64, f64), (f64, f64));

/// Returns the segments along which the values equal `level`, by marching squares: values are interpolated along the
/// edges of the cells.
fn contour(x: &[f64], y: &[f64], values: &[Vec<f64>], level: f64) -> Vec<Segment> {
    let mut segments = Vec::new();
    for j in 1..values.len().min(y.len()) {
        for i in 1..x.len() {
            // Corners in order round the cell, so that neighbours share an edge.
            let corners = [(i - 1, j - 1), (i, j - 1), (i, j), (i - 1, j)];
            let v = corners.map(|(i, j)| values[j].get(i).map_or(f64::NAN, |v| v - level));
            if v.iter().any(|v| !v.is_finite()) {
                continue;
            }
            let crossing = |a: usize| {
                let b = (a + 1) % 4;
                let crosses = (v[a] < 0.0) != (v[b] < 0.0);
                crosses.then(|| {
                    let t = v[a] / (v[a] - v[b]);
                    let ((ia, ja), (ib, jb)) = (corners[a], corners[b]);
                    (x[ia] + t * (x[ib] - x[ia]), y[ja] + t * (y[jb] - y[ja]))
                })
            };
            let points: Vec<_> = (0..4).filter_map(crossing).collect();
            match points[..] {
                [a, b] => segments.push((a, b)),
                // A saddle: the sign of the middle decides which corners are cut off.
                [a, b, c, d] if (v.iter().sum::<f64>() < 0.0) == (v[0] < 0.0) => {
                    segments.extend([(a, b), (c, d)]);
                }
                [a, b, c, d] => segments.extend([(d, a), (b, c)]),
                _ => {}
            }
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contour_of_a_plane_is_its_level_line() {
        let x = [0.0, 1.0, 2.0, 3.0];
        let values: Vec<Vec<f64>> = x
            .iter()
            .map(|y| x.iter().map(|x| x + y).collect())
            .collect();
        let segments = contour(&x, &x, &values, 2.5);
        assert!(!segments.is_empty());
        for (a, b) in segments {
            assert!((a.0 + a.1 - 2.5).abs() < 1e-12 && (b.0 + b.1 - 2.5).abs() < 1e-12);
        }
    }

    #[test]
    fn rows_of_another_length_than_the_grid_are_drawn_as_far_as_it_goes() {
        let heat = Heat {
            label: String::new(),
            x: vec![0.0, 1.0],
            y: vec![0.0, 1.0],
            values: vec![vec![1.0], vec![1.0, 2.0, 3.0], vec![4.0]],
            range: None,
            diverging: false,
            contour: Some(1.5),
        };
        let axis = Coord::new(std::iter::empty(), Some((-0.5, 1.5)), false, 5);
        let cells = heat.cells(&axis, &axis, (0.0, 0.0, 100.0, 100.0));
        assert_eq!(cells.matches('M').count(), 3);
        assert_eq!(contour(&heat.x, &heat.y, &heat.values, 1.5), []);
    }

    #[test]
    fn a_saddle_is_cut_on_the_side_of_its_middle() {
        // The middle is above the level, so the two low corners are cut off, one segment round each.
        let values = [vec![-1.0, 3.0], vec![3.0, -1.0]];
        let segments = contour(&[0.0, 1.0], &[0.0, 1.0], &values, 0.0);
        assert_eq!(segments.len(), 2);
        for (a, b) in segments {
            let middle = ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
            let near = |c: f64| (middle.0 - c).hypot(middle.1 - c) < 0.3;
            assert!(near(0.0) || near(1.0), "{middle:?}");
        }
    }
}
