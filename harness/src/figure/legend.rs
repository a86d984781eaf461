//! The legend of a figure: an entry for each labelled look, in groups by the panels that show it.
//!
//! A line and the points that belong to it share an entry: marks of one role with one label. Where the panels show
//! different things, each has a letter, and the groups name theirs.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::draw::{Canvas, FONT, Point, SCALE, anchored, draw, draw_line, draw_marker, text_width};
use super::{Figure, Mark, Role};

/// Height of a row, pixels.
pub(super) const ROW: i32 = 22;
/// Width of the sample of a look, pixels.
pub(super) const SWATCH: i32 = 36;
/// Between a sample and its label, and between one entry and the next, pixels.
const GAPS: (i32, i32) = (6, 22);

/// The entries that the same panels show.
pub(super) struct Group {
    /// The panels as the group names them, `(a), (c)`; nothing if all panels show the same.
    pub panels: String,
    /// An entry for each labelled look.
    pub items: Vec<Item>,
}

/// An entry.
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
    /// The shape that stands for both.
    fn with(self, other: Shape) -> Shape {
        match (self, other) {
            (Shape::Line, Shape::Point) | (Shape::Point, Shape::Line) => Shape::DottedLine,
            (Shape::DottedLine, Shape::Line | Shape::Point) => Shape::DottedLine,
            (_, other) => other,
        }
    }
}

impl Mark {
    /// Its role, label and shape, if it is of a kind that the legend names.
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

/// The letter of a panel: `(a)` for the first.
pub(super) fn letter(panel: usize) -> String {
    let letter = u32::try_from(panel % 26).expect("a small number") + u32::from('a');
    format!("({})", char::from_u32(letter).expect("a letter"))
}

/// The groups, in the order in which the panels show them.
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

/// Whether a panel shows what an entry stands for: under its label, or under none where another panel has it.
fn shows(figure: &Figure, panel: usize, item: &Item) -> bool {
    let marks = figure.panels[panel].marks.iter();
    let mut entries = marks.filter_map(|placed| placed.mark.entry());
    entries.any(|(role, label, _)| role == item.role && (label.is_empty() || label == item.label))
}

/// One entry for each labelled role, in the order in which the panels show them.
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
    /// Draws the sample of its look, from a point in the middle of its left side.
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

    /// Width with the room before the next, pixels.
    fn width(&self) -> i32 {
        SWATCH + GAPS.0 + text_width(&self.label, FONT) + GAPS.1
    }
}

/// A legend wrapped to some width. A row has its group's name, entries and where each begins.
pub(super) struct Legend<'a> {
    rows: Vec<(String, Vec<(i32, &'a Item)>)>,
}

impl<'a> Legend<'a> {
    /// Wraps the groups to so many pixels.
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
                // The room after the last of a row may stand out.
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

    /// Pixels.
    pub fn height(&self) -> i32 {
        let rows = self.rows.len() as i32;
        if rows == 0 { 0 } else { rows * ROW + 8 }
    }

    /// Draws it from the top, so many pixels from the left.
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
        // Wrapped or not, each group begins a row.
        assert_eq!(Legend::new(&groups, 1000).rows.len(), 3);
    }
}
