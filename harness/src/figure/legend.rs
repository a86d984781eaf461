//! The legend of a figure, above its panels, where it covers nothing.
//!
//! A line and the points that belong to it share an entry: marks of one role with one label.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::draw::{Canvas, FONT, SCALE, WIDTH, anchored, draw, draw_line, draw_marker};
use super::panel::BESIDE;
use super::{Figure, Mark, Role};

/// What stands above the panels: one entry for each labelled role, wrapped to the width.
pub(super) struct Legend {
    rows: Vec<Vec<Item>>,
}

struct Item {
    role: Role,
    label: String,
    shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Line,
    DottedLine,
    Point,
    Box,
}

impl Shape {
    /// The shape that stands for both.
    fn with(self, other: Shape) -> Shape {
        match (self, other) {
            (Shape::Line, Shape::Point) | (Shape::Point, Shape::Line) => Shape::DottedLine,
            (Shape::DottedLine, Shape::Line | Shape::Point) => Shape::DottedLine,
            (_, other) => other,
        }
    }
}

impl Item {
    /// Estimated width, pixels: swatch, text, gap.
    fn width(&self) -> i32 {
        let text = self.label.chars().count() as f64 * f64::from(FONT) * 0.45;
        36 + 6 + text.ceil() as i32 + 22
    }
}

/// One entry for each labelled role, in the order in which the panels show them.
fn items(figure: &Figure) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for mark in figure.panels.iter().flat_map(|p| &p.marks).map(|p| &p.mark) {
        let (role, label, shape) = match mark {
            Mark::Line(s) => (s.role, &s.label, Shape::Line),
            Mark::Dotted(s) => (s.role, &s.label, Shape::DottedLine),
            Mark::Scatter(s) => (s.role, &s.label, Shape::Point),
            Mark::Bars { role, label, .. } => (*role, label, Shape::Box),
            _ => continue,
        };
        if label.is_empty() {
            continue;
        }
        let same = |i: &&mut Item| i.role == role && i.label == *label;
        match items.iter_mut().find(same) {
            Some(known) => known.shape = known.shape.with(shape),
            None => items.push(Item {
                role,
                label: label.clone(),
                shape,
            }),
        }
    }
    items
}

impl Legend {
    pub fn of(figure: &Figure) -> Self {
        let mut rows: Vec<Vec<Item>> = Vec::new();
        for item in items(figure) {
            let used = |row: &Vec<Item>| row.iter().map(Item::width).sum::<i32>();
            match rows
                .last_mut()
                .filter(|row| used(row) + item.width() <= WIDTH - BESIDE)
            {
                Some(row) => row.push(item),
                None => rows.push(vec![item]),
            }
        }
        Legend { rows }
    }

    /// Pixels.
    pub fn height(&self) -> i32 {
        let rows = self.rows.len() as i32;
        if rows == 0 { 0 } else { rows * 22 + 8 }
    }

    pub fn draw(&self, root: &Canvas) {
        for (i, row) in self.rows.iter().enumerate() {
            let y = (16 + 22 * i as i32) * SCALE;
            let mut x = (BESIDE + 6) * SCALE;
            for item in row {
                let style = item.role.style();
                let (end, middle) = (x + 36 * SCALE, x + 18 * SCALE);
                if matches!(item.shape, Shape::Line | Shape::DottedLine) {
                    draw_line(root, style, &[vec![(x, y), (end, y)]]);
                }
                if matches!(item.shape, Shape::Point | Shape::DottedLine) {
                    draw_marker(root, style, 4 * SCALE, (middle, y));
                }
                if item.shape == Shape::Box {
                    let corners = [
                        (middle - 9 * SCALE, y - 6 * SCALE),
                        (middle + 9 * SCALE, y + 6 * SCALE),
                    ];
                    draw(
                        root,
                        Rectangle::new(corners, style.colour.mix(0.45).filled()),
                    );
                    draw(
                        root,
                        Rectangle::new(corners, style.colour.stroke_width(SCALE as u32)),
                    );
                }
                let place = (end + 6 * SCALE, y);
                draw(
                    root,
                    Text::new(item.label.clone(), place, anchored(FONT, HPos::Left)),
                );
                x += item.width() * SCALE;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Axis, Panel};
    use super::*;

    #[test]
    fn a_line_and_its_points_share_an_entry() {
        let role = Role::Other(1);
        let points = [(0.0, 0.0), (1.0, 1.0)];
        let panel = Panel::new("", Axis::linear("x"), Axis::linear("y"))
            .line(role, "a", points)
            .scatter(role, "a", points)
            .scatter(Role::Control, "a", points)
            .line(role, "b", points)
            .line(role, "", points);
        let items = items(&Figure::new("f", "").panel(panel.clone()).panel(panel));
        let shown: Vec<_> = items.iter().map(|i| (i.label.as_str(), i.shape)).collect();
        let point = ("a", Shape::Point);
        assert_eq!(shown, [("a", Shape::DottedLine), point, ("b", Shape::Line)]);
    }
}
