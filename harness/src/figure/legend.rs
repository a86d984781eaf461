//! The legend of a figure: an entry for each role with a label, in groups by the panels that show it.
//!
//! Marks with the same role and label share an entry, such as a line and its points. Where the panels show different
//! things, each panel has a letter, and each group names the letters of its panels.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::draw::{Canvas, FONT, Point, SCALE, anchored, draw, draw_line, draw_marker, text_width};
use super::{Figure, Mark, Role};

/// The height of a row in pixels.
pub(super) const ROW: i32 = 22;
/// The width of the sample of a mark in pixels.
pub(super) const SWATCH: i32 = 36;
/// The gap between a sample and its label, and that between one entry and the next, in pixels.
const GAPS: (i32, i32) = (6, 22);

/// A group of entries that the same panels show.
pub(super) struct Group {
    /// The letters of the panels, such as `(a), (c)`; empty if all panels show the same.
    pub panels: String,
    /// The entries, one for each role with a label.
    pub items: Vec<Item>,
}

/// An entry of the legend.
pub(super) struct Item {
    pub role: Role,
    pub label: String,
    pub shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Shape {
    Line,
    DottedLine,
    Point,
    Box,
}

impl Shape {
    /// Returns the shape that stands for both shapes: a line with points for a line and points, else `other`.
    fn with(self, other: Shape) -> Shape {
        match (self, other) {
            (Shape::Line, Shape::Point) | (Shape::Point, Shape::Line) => Shape::DottedLine,
            (Shape::DottedLine, Shape::Line | Shape::Point) => Shape::DottedLine,
            (_, other) => other,
        }
    }
}

impl Mark {
    /// Returns the role, the label and the shape of the mark, if the legend names marks of its kind.
    fn entry(&self) -> Option<(Role, &str, Shape)> {
        match self {
            Mark::Line(s) => Some((s.role, &s.label, Shape::Line)),
            Mark::Dotted(s) => Some((s.role, &s.label, Shape::DottedLine)),
            Mark::Scatter(s) => Some((s.role, &s.label, Shape::Point)),
            Mark::Bars { role, label, .. } => Some((*role, label, Shape::Box)),
            _ => None,
        }
    }
}

/// Returns the letter of a panel, `(a)` for the first.
pub(super) fn letter(panel: usize) -> String {
    let letter = u32::try_from(panel % 26).expect("a small number") + u32::from('a');
    format!("({})", char::from_u32(letter).expect("a letter"))
}

/// Returns the groups of a figure's legend, in the order in which the panels show them.
pub(super) fn groups(figure: &Figure) -> Vec<Group> {
    let mut groups: Vec<(Vec<usize>, Vec<Item>)> = Vec::new();
    for item in items(figure) {
        let panels = (0..figure.panels.len()).filter(|&i| shows(figure, i, &item));
        let panels: Vec<usize> = panels.collect();
        match groups.iter_mut().find(|(known, _)| *known == panels) {
            Some((_, items)) => items.push(item),
            None => groups.push((panels, vec![item])),
        }
    }
    let all = figure.panels.len();
    let named = groups.iter().any(|(panels, _)| panels.len() < all);
    let name = |panels: Vec<usize>| match named {
        true => panels
            .into_iter()
            .map(letter)
            .collect::<Vec<_>>()
            .join(", "),
        false => String::new(),
    };
    let group = |(panels, items)| Group {
        panels: name(panels),
        items,
    };
    groups.into_iter().map(group).collect()
}

/// Returns whether a panel has a mark of the entry's role with the entry's label or without a label. Bars match only
/// entries of bars, so that bars without a label are not taken for points of the same colour.
fn shows(figure: &Figure, panel: usize, item: &Item) -> bool {
    let marks = figure.panels[panel].marks.iter();
    let mut entries = marks.filter_map(|placed| placed.mark.entry());
    entries.any(|(role, label, shape)| {
        let alike = (shape == Shape::Box) == (item.shape == Shape::Box);
        role == item.role && alike && (label.is_empty() || label == item.label)
    })
}

/// Returns one entry for each role with a label, in the order in which the panels show them.
fn items(figure: &Figure) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let marks = figure.panels.iter().flat_map(|p| &p.marks);
    for (role, label, shape) in marks.filter_map(|placed| placed.mark.entry()) {
        if label.is_empty() {
            continue;
        }
        let same = |i: &&mut Item| i.role == role && i.label == label;
        match items.iter_mut().find(same) {
            Some(known) => known.shape = known.shape.with(shape),
            None => items.push(Item {
                role,
                label: label.into(),
                shape,
            }),
        }
    }
    items
}

impl Item {
    /// Draws the sample of the entry's mark, to the right of the point (x, y), the middle of the sample's left side.
    pub(super) fn draw_swatch(&self, root: &Canvas, (x, y): Point) {
        let style = self.role.style();
        let (end, middle) = (x + SWATCH * SCALE, x + SWATCH / 2 * SCALE);
        if matches!(self.shape, Shape::Line | Shape::DottedLine) {
            draw_line(root, style, &[vec![(x, y), (end, y)]]);
        }
        if matches!(self.shape, Shape::Point | Shape::DottedLine) {
            draw_marker(root, style, 4 * SCALE, (middle, y));
        }
        if self.shape == Shape::Box {
            let corners = [
                (middle - 9 * SCALE, y - 6 * SCALE),
                (middle + 9 * SCALE, y + 6 * SCALE),
            ];
            let (fill, edge) = (style.colour.mix(0.45), style.colour);
            draw(root, Rectangle::new(corners, fill.filled()));
            draw(
                root,
                Rectangle::new(corners, edge.stroke_width(SCALE as u32)),
            );
        }
    }

    /// Returns the width of the entry in pixels, with the room before the next one.
    fn width(&self) -> i32 {
        SWATCH + GAPS.0 + text_width(&self.label, FONT) + GAPS.1
    }
}

/// A legend wrapped to some width. A row has the name of its group, and its entries with the pixel at which each
/// begins.
pub(super) struct Legend<'a> {
    rows: Vec<(String, Vec<(i32, &'a Item)>)>,
}

impl<'a> Legend<'a> {
    /// Returns the legend of these groups, wrapped to `width` pixels.
    pub fn new(groups: &'a [Group], width: i32) -> Self {
        let mut rows = Vec::new();
        for group in groups {
            let start = match group.panels.as_str() {
                "" => 0,
                name => text_width(name, FONT) + GAPS.0 * 2,
            };
            let (mut row, mut x) = (Vec::new(), start);
            let mut name = group.panels.clone();
            for item in &group.items {
                // The room after the last entry of a row may reach beyond the width.
                if !row.is_empty() && x + item.width() - GAPS.1 > width {
                    rows.push((std::mem::take(&mut name), std::mem::take(&mut row)));
                    x = start;
                }
                row.push((x, item));
                x += item.width();
            }
            rows.push((name, row));
        }
        Legend { rows }
    }

    /// Returns the height of the legend in pixels.
    pub fn height(&self) -> i32 {
        let rows = self.rows.len() as i32;
        if rows == 0 { 0 } else { rows * ROW + 8 }
    }

    /// Draws the legend at the top of the canvas, `left` pixels from the left.
    pub fn draw(&self, root: &Canvas, left: i32) {
        for ((name, row), line) in self.rows.iter().zip(0..) {
            let y = (16 + ROW * line) * SCALE;
            let text = |x: i32, text: &str| {
                let style = anchored(FONT, HPos::Left);
                draw(
                    root,
                    Text::new(text.to_string(), ((left + x) * SCALE, y), style),
                );
            };
            if !name.is_empty() {
                text(0, name);
            }
            for (x, item) in row {
                item.draw_swatch(root, ((left + x) * SCALE, y));
                text(x + SWATCH + GAPS.0, &item.label);
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
        let figure = Figure::new("f", "").panel(panel.clone()).panel(panel);
        let groups = groups(&figure);
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].panels, "");
        let items = groups[0].items.iter();
        let shown: Vec<_> = items.map(|i| (i.label.as_str(), i.shape)).collect();
        let point = ("a", Shape::Point);
        assert_eq!(shown, [("a", Shape::DottedLine), point, ("b", Shape::Line)]);
    }

    #[test]
    fn panels_that_show_different_things_are_named() {
        let panel = || Panel::new("", Axis::linear("x"), Axis::linear("y"));
        let line = |panel: Panel, i, label| panel.line(Role::Other(i), label, [(0.0, 0.0)]);
        let figure = Figure::new("f", "")
            .panel(line(line(panel(), 0, "both"), 1, "left"))
            .panel(line(line(panel(), 0, ""), 2, "right"));
        let groups = groups(&figure);
        let named = groups
            .iter()
            .map(|g| (g.panels.as_str(), g.items[0].label.as_str()));
        let named: Vec<_> = named.collect();
        assert_eq!(
            named,
            [("(a), (b)", "both"), ("(a)", "left"), ("(b)", "right")]
        );
        // Bars without a label are not taken for the points.
        let bars = panel().bars(Role::Other(0), "", [(0.0, 1.0, 1.0)]);
        let points = panel().scatter(Role::Other(0), "mean", [(0.0, 0.0)]);
        let of_points = super::groups(&Figure::new("f", "").panel(bars).panel(points));
        assert_eq!(of_points[0].panels, "(b)");
        // Each group begins a row, even if nothing is wrapped.
        assert_eq!(Legend::new(&groups, 1000).rows.len(), 3);
    }
}
