//! The placing of texts among the marks of a panel: the names of points and of levels. Each stands as near as there is
//! room, where it covers no other name and no point.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::draw::{Box, Canvas, FONT, Point, SCALE, anchored, draw, draw_marker, text_width};
use super::ink::Ink;
use super::plane::Axes;
use super::style::Style;

/// The height of a name in pixels.
const HEIGHT: i32 = FONT - 1;
/// The radius of a point with room around it, in pixels.
const POINT: i32 = 6;
/// The number of steps away from its point at which a place for a name is tried.
const STEPS: i32 = 12;
/// The number of places for a name, the nearest first, that count as near its point.
const NEAR: usize = 16;

pub(super) fn draw_named(
    root: &Canvas,
    style: Style,
    points: &[((f64, f64), String)],
    axes: &Axes,
    (taken, ink): (&[Box], &Ink),
) {
    let places: Vec<(Point, &str)> = points
        .iter()
        .filter_map(|(point, name)| Some((axes.inside(*point)?, name.as_str())))
        .collect();
    for ((point, name), at) in places.iter().zip(arrange(&places, axes.frame, taken, ink)) {
        let near = (at.0.max(point.0.min(at.2)), at.1.max(point.1.min(at.3)));
        let far = (near.0 - point.0).abs().max((near.1 - point.1).abs()) > 2 * POINT * SCALE;
        if far {
            let thin = style.colour.stroke_width(SCALE as u32 / 2);
            draw(root, PathElement::new(vec![*point, near], thin));
        }
        draw_name(root, at, name);
    }
    for (point, _) in places {
        draw_marker(root, style, 4 * SCALE, point);
    }
}

/// Returns the names of horizontal lines, each with its place: above or below its line, at the right or the left end,
/// where the fewest other marks are.
pub(super) fn levels<'a>(
    levels: impl Iterator<Item = (f64, &'a str)>,
    axes: &Axes,
    mut taken: Vec<Box>,
    ink: &Ink,
) -> Vec<(Box, &'a str)> {
    let (left, top, right, bottom) = axes.frame;
    let mut placed = Vec::new();
    for (at, name) in levels {
        let Some((_, y)) = axes.inside((axes.x.high(), at)) else {
            continue;
        };
        let (width, half) = (text_width(name, HEIGHT) * SCALE, HEIGHT * SCALE / 2);
        let (aside, away) = (6 * SCALE, 9 * SCALE);
        let candidate = |from_left: bool, middle: i32| {
            let start = if from_left {
                left + aside
            } else {
                right - aside - width
            };
            (start, middle - half, start + width, middle + half)
        };
        let candidates = [
            candidate(false, y - away),
            candidate(false, y + away),
            candidate(true, y - away),
            candidate(true, y + away),
        ];
        let free = candidates.iter().filter(|at| {
            let inside = at.1 >= top && at.3 <= bottom;
            inside && !taken.iter().any(|other| overlap(**at, *other))
        });
        let at = *free
            .min_by_key(|at| ink.under(**at))
            .unwrap_or(&candidates[0]);
        taken.push(at);
        placed.push((at, name));
    }
    placed
}

/// Returns a place of `width` × `height` units of the canvas at a side of the frame, where the fewest marks are. Of
/// places that are equally empty, the lower left corner comes first.
pub(super) fn aside((width, height): (i32, i32), axes: &Axes, ink: &Ink) -> Box {
    let (left, top, right, bottom) = axes.frame;
    let (aside, away) = (8 * SCALE, 4 * SCALE);
    let (low, high) = (bottom - away - height, top + away);
    let places = [low, high, (low + high) / 2]
        .map(|y| [(left + aside, y), (right - aside - width, y)])
        .concat();
    let boxes = places.iter().map(|&(x, y)| (x, y, x + width, y + height));
    let emptiest = boxes.min_by_key(|at| ink.under(*at));
    emptiest.expect("six places")
}

/// Draws a name at its place, on a background that makes the lines behind it faint.
pub(super) fn draw_name(root: &Canvas, at: Box, name: &str) {
    let back = Rectangle::new([(at.0, at.1), (at.2, at.3)], WHITE.mix(0.8).filled());
    draw(root, back);
    let place = (at.0, (at.1 + at.3) / 2);
    let text = anchored(HEIGHT, HPos::Left);
    draw(root, Text::new(name.to_string(), place, text));
}

/// Returns a place for each name, in order.
fn arrange(points: &[(Point, &str)], frame: Box, known: &[Box], ink: &Ink) -> Vec<Box> {
    let around = |(x, y): Point| {
        let r = POINT * SCALE;
        (x - r, y - r, x + r, y + r)
    };
    let points_of = points.iter().map(|&(point, _)| around(point));
    let mut taken: Vec<Box> = points_of.chain(known.iter().copied()).collect();
    let mut boxes = Vec::new();
    for &(point, name) in points {
        let free = |at: &Box| {
            let inside = at.0 >= frame.0 && at.1 >= frame.1 && at.2 <= frame.2 && at.3 <= frame.3;
            inside && !taken.iter().any(|other| overlap(*at, *other))
        };
        // A place near the point on as few lines as possible comes first, else the nearest free place.
        let near = candidates(point, name).take(NEAR).filter(free);
        let near = near.min_by_key(|at| ink.under(*at));
        let free = near.or_else(|| candidates(point, name).find(free));
        // Where there is no room, a name stands beside its point all the same.
        let at = free.or_else(|| candidates(point, name).next());
        let at = at.expect("a first candidate");
        taken.push(at);
        boxes.push(at);
    }
    boxes
}

/// Returns places for a name, the nearest first: right, left, above and below, then the corners.
fn candidates((x, y): Point, name: &str) -> impl Iterator<Item = Box> {
    let width = text_width(name, HEIGHT) * SCALE;
    let half = HEIGHT * SCALE / 2;
    const SIDES: [(i32, i32); 8] = [
        (1, 0),
        (-1, 0),
        (0, -1),
        (0, 1),
        (1, -1),
        (1, 1),
        (-1, -1),
        (-1, 1),
    ];
    (0..STEPS).flat_map(move |step| {
        SIDES.into_iter().map(move |(across, down)| {
            let away = (POINT + 2 + step * HEIGHT / 2) * SCALE;
            let left = match across {
                1 => x + away,
                -1 => x - away - width,
                _ => x - width / 2,
            };
            let middle = y + down * (away + half);
            (left, middle - half, left + width, middle + half)
        })
    })
}

fn overlap(a: Box, b: Box) -> bool {
    a.0 < b.2 && b.0 < a.2 && a.1 < b.3 && b.1 < a.3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cover_neither_each_other_nor_points_and_stay_inside() {
        let frame = (0, 0, 700 * SCALE, 300 * SCALE);
        let place = |x: i32, y: i32| (x * SCALE, y * SCALE);
        let points: Vec<(Point, &str)> = (0..9)
            .map(|i| (place(350 + 3 * i, 150 + 2 * i), "a kernel's name"))
            .chain([(place(699, 1), "a corner"), (place(1, 299), "another")])
            .collect();
        let known = (360 * SCALE, 120 * SCALE, 460 * SCALE, 180 * SCALE);
        let boxes = arrange(&points, frame, &[known], &Ink::default());
        assert_eq!(boxes.len(), points.len());
        for (i, a) in boxes.iter().enumerate() {
            assert!(a.0 >= 0 && a.1 >= 0 && a.2 <= frame.2 && a.3 <= frame.3);
            assert!(boxes[..i].iter().all(|b| !overlap(*a, *b)), "{i}");
            assert!(!overlap(*a, known), "{i}");
            for &((x, y), _) in &points {
                assert!(!overlap(*a, (x - 1, y - 1, x + 1, y + 1)), "{i}");
            }
        }
    }
}
