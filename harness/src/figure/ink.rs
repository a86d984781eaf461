//! The lines and points that are drawn in a panel, so that texts can be placed beside them.

use super::draw::{Box, Point, SCALE};
use super::plane::Axes;
use super::{Mark, Panel};

/// The radius of a point with room around it, in pixels.
const POINT: i32 = 4;

/// The lines and points of a panel, on the canvas.
#[derive(Debug, Default)]
pub(super) struct Ink {
    /// The pieces of lines, each as its two ends. A point is a piece whose ends are the same.
    pieces: Vec<(Point, Point)>,
}

impl Ink {
    /// Returns the lines and points that the marks of a panel draw: on `axes`, or on `right` for marks on the right
    /// axis.
    pub fn of(panel: &Panel, axes: &Axes, right: Option<&Axes>) -> Self {
        let mut ink = Ink::default();
        for placed in &panel.marks {
            match right {
                Some(right) if placed.right => ink.add(&placed.mark, right),
                _ => ink.add(&placed.mark, axes),
            }
        }
        ink
    }

    fn add(&mut self, mark: &Mark, axes: &Axes) {
        let (left, _, right, _) = axes.frame;
        match mark {
            Mark::Line(s) => self.line(&s.points, axes),
            Mark::Dotted(s) => {
                self.line(&s.points, axes);
                self.points(s.points.iter().copied(), axes);
            }
            Mark::Scatter(s) => self.points(s.points.iter().copied(), axes),
            Mark::Intervals { points, .. } => {
                for &(x, low, high) in points {
                    self.line(&[(x, axes.y.clamp(low)), (x, axes.y.clamp(high))], axes);
                }
            }
            Mark::Crosses { crosses, .. } => {
                for cross in crosses {
                    let (x, y) = cross.at;
                    self.line(&[(cross.x.0, y), (cross.x.1, y)], axes);
                    self.line(&[(x, cross.y.0), (x, cross.y.1)], axes);
                }
            }
            Mark::Bars { bins, .. } => {
                for &(from, to, height) in bins {
                    let middle = (from + to) / 2.0;
                    self.line(&[(middle, axes.y.clamp(0.0)), (middle, height)], axes);
                }
            }
            Mark::Level { at, .. } => {
                let y = axes.inside((axes.x.high(), *at)).map(|(_, y)| y);
                self.pieces.extend(y.map(|y| ((left, y), (right, y))));
            }
            Mark::Arrow { from, to, .. } => self.line(&[*from, *to], axes),
            Mark::Named { points, .. } => self.points(points.iter().map(|(at, _)| *at), axes),
            // A text can be read on a band or a map.
            Mark::Band { .. } | Mark::Heat(_) => {}
        }
    }

    fn line(&mut self, points: &[(f64, f64)], axes: &Axes) {
        for line in axes.polylines(points) {
            self.pieces.extend(line.windows(2).map(|p| (p[0], p[1])));
        }
    }

    fn points(&mut self, points: impl Iterator<Item = (f64, f64)>, axes: &Axes) {
        let places = points.filter_map(|point| axes.inside(point));
        self.pieces.extend(places.map(|place| (place, place)));
    }

    /// Returns the number of pieces of lines and points that a text in the box `at` would cover.
    pub fn under(&self, at: Box) -> usize {
        let room = POINT * SCALE;
        let wide = (at.0 - room, at.1 - room, at.2 + room, at.3 + room);
        let hit = |&&(a, b): &&(Point, Point)| match a == b {
            true => touches(a, b, wide),
            false => touches(a, b, at),
        };
        self.pieces.iter().filter(hit).count()
    }
}

/// Returns whether the piece of a line from `a` to `b` enters the box `at`.
fn touches(a: Point, b: Point, at: Box) -> bool {
    let (mut from, mut to) = (0.0f64, 1.0f64);
    let sides = [(a.0, b.0, at.0, at.2), (a.1, b.1, at.1, at.3)];
    for (a, b, low, high) in sides {
        let way = f64::from(b - a);
        if way == 0.0 {
            if a <= low || a >= high {
                return false;
            }
            continue;
        }
        let (enter, leave) = (f64::from(low - a) / way, f64::from(high - a) / way);
        from = from.max(enter.min(leave));
        to = to.min(enter.max(leave));
    }
    from < to || (a == b && from <= to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_under_the_boxes_that_it_crosses() {
        let ink = Ink {
            pieces: vec![((0, 0), (100, 100)), ((50, 0), (50, 0))],
        };
        // The boxes lie across the diagonal, beside it, beyond its end, and around the point.
        assert_eq!(ink.under((20, 40, 60, 80)), 1);
        assert_eq!(ink.under((0, 40, 20, 80)), 0);
        assert_eq!(ink.under((120, 120, 160, 160)), 0);
        assert_eq!(ink.under((45, -5, 55, 5)), 1);
    }
}
