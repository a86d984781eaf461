//! The plane inside a panel's frame, which maps the coordinates of the data to the canvas.

use super::coord::Coord;
use super::draw::Point;

/// The axes of a panel, and its frame on the canvas.
pub(super) struct Axes {
    pub x: Coord,
    pub y: Coord,
    /// The frame on the canvas: left, top, right, bottom.
    pub frame: (i32, i32, i32, i32),
}

impl Axes {
    pub fn at(&self, u: f64, v: f64) -> Point {
        let (left, top, right, bottom) = self.frame;
        let x = f64::from(left) + u * f64::from(right - left);
        let y = f64::from(bottom) + v * f64::from(top - bottom);
        (x.round() as i32, y.round() as i32)
    }

    pub fn fractions(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        (self.x.shows(x) && self.y.shows(y)).then(|| (self.x.fraction(x), self.y.fraction(y)))
    }

    /// Returns the place on the canvas where a point is drawn, if it is inside the frame.
    pub fn inside(&self, point: (f64, f64)) -> Option<Point> {
        let inside = |t: f64| (-1e-9..=1.0 + 1e-9).contains(&t);
        self.fractions(point)
            .filter(|&(u, v)| inside(u) && inside(v))
            .map(|(u, v)| self.at(u, v))
    }

    /// Returns the pieces of a line through points, cut at the frame and broken where a point cannot be drawn.
    pub fn polylines(&self, points: &[(f64, f64)]) -> Vec<Vec<Point>> {
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

/// Returns the part of the segment from `a` to `b` that is inside the unit square (Liang and Barsky).
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

#[cfg(test)]
mod tests {
    use super::*;

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
