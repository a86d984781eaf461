//! The conversion of the description of a figure to SVG: to one document, or for a page to one picture for each panel,
//! so that panels stand beside each other where there is room and below each other on a phone.
//!
//! Plotters draws frames, ticks, lines and text. It counts in whole pixels, so everything is drawn on a canvas
//! [`SCALE`] times too large.

use plotters::prelude::*;

use super::draw::{Canvas, SCALE};
use super::legend::{self, Group, Legend, ROW, SWATCH};
use super::panel::{self, BESIDE, draw_panel};
use super::{Figure, Mark, Panel, seen};
use crate::html::{Drawing, Entry, Picture, escape};

impl Figure {
    /// Returns the figure as a standalone SVG document. The same figure gives the same bytes.
    pub fn to_svg(&self) -> String {
        let layout = Layout::of(self);
        let legend = Legend::new(&layout.legend, layout.width - BESIDE - 16);
        let rows = self.panels.len().div_ceil(layout.columns).max(1) as i32;
        let (width, height) = (layout.width, legend.height() + rows * layout.panel.1);
        let mut body = drawn((width, legend.height().max(1)), |root| {
            legend.draw(root, BESIDE + 6);
        });
        let mut text = String::new();
        for (i, svg) in layout.panels.iter().enumerate() {
            let (row, column) = ((i / layout.columns) as i32, (i % layout.columns) as i32);
            let (x, y) = (
                column * layout.panel.0,
                legend.height() + row * layout.panel.1,
            );
            let (x, y) = (x * SCALE, y * SCALE);
            body += &format!("<g transform=\"translate({x} {y})\">\n{svg}</g>\n");
            text += &seen::of(&self.panels[i], &self.title_of(i));
            text.push('\n');
        }
        let (wide, high) = (width * SCALE, height * SCALE);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {wide} {high}\" role=\"img\">\n\
             <title>{}</title>\n<desc>{}</desc>\n\
             <rect width=\"{wide}\" height=\"{high}\" fill=\"#ffffff\"/>\n{body}</svg>\n",
            escape(&self.caption),
            escape(text.trim_end()),
        )
    }

    /// Returns the figure as a page shows it, with the names of the figure's file and its tables' files. `folder` is
    /// their folder as seen from the page, empty if it is that of the page.
    pub fn drawing(&self, folder: &str) -> Drawing {
        let file = |name: &str, kind: &str| match folder {
            "" => format!("{name}.{kind}"),
            folder => format!("{folder}/{name}.{kind}"),
        };
        let layout = Layout::of(self);
        let picture = |(width, height): (i32, i32), body: &str, seen| Picture {
            svg: format!(
                "viewBox=\"0 0 {} {}\">{body}</svg>",
                width * SCALE,
                height * SCALE
            ),
            seen,
        };
        let swatch = |item: &legend::Item| {
            let size = (SWATCH, ROW);
            let svg = drawn(size, |root| item.draw_swatch(root, (0, ROW / 2 * SCALE)));
            Entry {
                swatch: picture(size, &svg, String::new()),
                label: item.label.clone(),
            }
        };
        let group = |group: &Group| {
            let entries = group.items.iter().map(swatch).collect();
            (group.panels.clone(), entries)
        };
        let panels = layout.panels.iter().enumerate();
        Drawing {
            legend: layout.legend.iter().map(group).collect(),
            panels: panels
                .map(|(i, svg)| {
                    let seen = seen::of(&self.panels[i], &self.title_of(i));
                    picture(layout.panel, svg, seen)
                })
                .collect(),
            columns: layout.columns,
            caption: self.caption.clone(),
            file: file(&self.name, "svg"),
            data: self.tables.iter().map(|name| file(name, "csv")).collect(),
        }
    }

    /// Returns the title above a panel, with the panel's letter before it if the legend names panels.
    fn title_of(&self, panel: usize) -> String {
        let title = &self.panels[panel].title;
        match legend::groups(self).iter().any(|g| !g.panels.is_empty()) {
            true => format!("{} {title}", legend::letter(panel))
                .trim_end()
                .into(),
            false => title.clone(),
        }
    }
}

/// The parts of a figure: its legend, and its panels in a grid.
struct Layout {
    legend: Vec<Group>,
    columns: usize,
    /// The SVG of each panel.
    panels: Vec<String>,
    /// The width and the height of a panel in pixels.
    panel: (i32, i32),
    /// The width of the figure in pixels.
    width: i32,
}

impl Layout {
    fn of(figure: &Figure) -> Self {
        /// The width of a figure with one panel in a row, for a column of a paper, and that of one with several, for
        /// its page, in pixels.
        const WIDTHS: (i32, i32) = (520, 860);
        let columns = figure.columns.clamp(1, figure.panels.len().max(1));
        let width = match columns {
            1 => WIDTHS.0,
            _ => WIDTHS.1,
        };
        let panel_width = width / columns as i32;
        // A single panel is wider than high, unless it is a map.
        let is_map = |p: &Panel| p.marks.iter().any(|m| matches!(m.mark, Mark::Heat(_)));
        let panel_height = match columns {
            1 if figure.panels.iter().any(is_map) => 420,
            1 => 340,
            _ => (panel_width * 3 / 4).max(270),
        };
        let titles: Vec<String> = (0..figure.panels.len())
            .map(|i| figure.title_of(i))
            .collect();
        let above = titles.iter().map(|title| panel::above(title, panel_width));
        let above = above.max().unwrap_or(0);
        // A title of several lines makes the panel higher, and does not take room from its frame.
        let panel_height = panel_height + above - panel::above("a", panel_width);
        let margin = |column: usize| {
            let panels = figure.panels.iter().skip(column).step_by(columns);
            let margins = panels.map(|p| p.margin(panel_height, above));
            margins.max().unwrap_or(BESIDE)
        };
        let size = (panel_width, panel_height);
        let draw_one = |(i, panel): (usize, &Panel)| {
            let room = (above, margin(i % columns));
            let (mut under, mut over) = (String::new(), String::new());
            let middle = drawn(size, |root| {
                draw_panel(root, panel, &titles[i], size, room, &mut under, &mut over);
            });
            format!("{under}{middle}{over}")
        };
        Layout {
            legend: legend::groups(figure),
            columns,
            panels: figure.panels.iter().enumerate().map(draw_one).collect(),
            panel: size,
            width,
        }
    }
}

/// Returns the SVG of what `draw` draws on a canvas of `width` × `height` pixels, without the `svg` element around it.
fn drawn((width, height): (i32, i32), draw: impl FnOnce(&Canvas)) -> String {
    let size = ((width * SCALE) as u32, (height * SCALE) as u32);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        draw(&root);
        root.present().expect("drawing to a string");
    }
    let start = svg.find('>').expect("an svg element") + 1;
    let end = svg.rfind("</svg>").expect("an svg element");
    format!("{}\n", svg[start..end].trim())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{Axis, Cross, Heat, Role, Series};
    use super::*;

    /// Returns a figure with every kind of mark, in which some points cannot be drawn.
    fn everything() -> Figure {
        let points = [
            (1.0, 2.0),
            (f64::NAN, 1.0),
            (10.0, f64::INFINITY),
            (100.0, -3.0),
            (5.0, 1e300),
        ];
        let role = Role::Distributed;
        let heat = Heat {
            label: "a < b".into(),
            x: vec![1.0, 2.0],
            y: vec![1.0, 2.0],
            values: vec![vec![1.0, f64::NAN], vec![-1.0, 0.0]],
            range: None,
            diverging: true,
            contour: Some(0.5),
        };
        let lines = Panel::new(
            "p < q & r",
            Axis::log("x"),
            Axis::linear("y").range(-1.0, 3.0),
        )
        .with_right(Axis::log("z"))
        .line(role, "line", points)
        .dotted(Role::Control, "dotted", points)
        .scatter(Role::Step { index: 1, of: 3 }, "scatter", points)
        .level(0.1, "threshold 0.1")
        .on_right(Mark::Line(Series::new(Role::Other(2), "right", points)))
        .mark(Mark::Band {
            role,
            points: vec![(1.0, 0.0, 1.0), (2.0, f64::NAN, 9.0)],
        })
        .intervals(role, [(1.0, -9.0, 1.0), (2.0, f64::NAN, 9.0)])
        .crosses(
            role,
            [Cross {
                at: (10.0, 1.0),
                x: (f64::NAN, 1e9),
                y: (-1e300, f64::INFINITY),
            }],
        );
        let others = Panel::new("", Axis::linear("x"), Axis::linear("y"))
            .mark(Mark::Bars {
                role,
                label: "bars".into(),
                bins: vec![(0.0, 1.0, 2.0)],
            })
            .named(
                role,
                [
                    ((1.0, 1.0), "r < s".into()),
                    ((f64::NAN, 1.0), "nowhere".into()),
                ],
            )
            .mark(Mark::Arrow {
                role,
                label: "v".into(),
                from: (0.0, 0.0),
                to: (1.0, 1.0),
            });
        Figure::new("everything", "")
            .panel(lines)
            .panel(others)
            .panel(Panel::new("", Axis::linear("x"), Axis::linear("y")).mark(Mark::Heat(heat)))
            .panel(Panel::new("empty", Axis::log("x"), Axis::log("y")))
    }

    #[test]
    fn everything_is_drawn_the_same_twice_without_a_broken_number() {
        let svg = everything().to_svg();
        assert_eq!(svg, everything().to_svg());
        for broken in ["NaN", "inf", "a < b", "p < q", "r < s", "nowhere"] {
            assert!(!svg.contains(broken), "{broken}");
        }
        for text in [
            "p &lt; q &amp; r",
            "a &lt; b",
            "threshold 0.1",
            "scatter",
            "right",
            "bars",
            "r &lt; s",
            "9 points have no value",
            "1 point has no value",
        ] {
            assert!(svg.contains(text), "{text}");
        }
    }

    #[test]
    fn the_axes_hold_intervals_unless_they_are_far_wider_than_the_points_are_apart() {
        let figure = |x, y| {
            let panel = Panel::new("", Axis::log("x"), Axis::linear("y"));
            let panel = panel.scatter(Role::Control, "", [(1.0, 0.0), (10.0, 1.0)]);
            let at = (3.0, 0.5);
            let panel = panel.crosses(Role::Control, [Cross { at, x, y }]);
            Figure::new("crosses", "").panel(panel).to_svg()
        };
        let none = (f64::NAN, f64::NAN);
        // The elements of the SVG that are pieces of lines.
        let lines = |svg: &str| -> BTreeSet<String> {
            let lines = svg.lines().filter(|line| line.contains("<polyline"));
            lines.map(str::to_string).collect()
        };
        let bare = lines(&figure(none, none));
        let drawn = |x, y| lines(&figure(x, y)).difference(&bare).count();
        assert_eq!(drawn((2.0, 4.0), none), 1);
        assert_eq!(drawn((2.0, 4.0), (0.4, 0.6)), 2);
        // The texts at the ticks, and their places.
        let texts = |svg: &str| -> Vec<String> {
            let texts = svg.split("<text").skip(1);
            texts
                .map(|text| text.split("</text>").next().unwrap().to_string())
                .collect()
        };
        // Where intervals reach beyond the points on both sides, the axis reaches farther, up to a limit.
        let within = figure(none, (-0.5, 1.5));
        assert_ne!(texts(&within), texts(&figure(none, (0.0, 1.0))));
        assert_ne!(texts(&within), texts(&figure(none, (-0.9, 1.9))));
        let (whole, cut) = (figure(none, (-1.0, 2.0)), figure(none, (-9.0, 9.0)));
        assert_eq!(texts(&whole), texts(&cut));
        // The interval reaches from below 0 on a logarithmic axis to far beyond the frame.
        let wide = figure((-5.0, 1e9), (-1e9, 1e9));
        assert!(!wide.contains("NaN") && !wide.contains("inf") && texts(&wide).len() > 4);
    }

    #[test]
    fn a_band_is_broken_where_it_has_no_value() {
        let polygons = |broken: f64| {
            let high = [1.0, 2.0, broken, 2.0, 1.0];
            let points = (1..6).zip(high).map(|(x, high)| (x.into(), 0.0, high));
            let points = points.collect();
            let role = Role::Distributed;
            let panel = Panel::new("", Axis::linear("x"), Axis::linear("y"))
                .mark(Mark::Band { role, points });
            let svg = Figure::new("band", "").panel(panel).to_svg();
            (svg.matches("<polygon").count(), svg.contains("no value"))
        };
        assert_eq!(polygons(3.0), (1, false));
        for broken in [f64::NAN, f64::INFINITY] {
            assert_eq!(polygons(broken), (2, true));
        }
    }
}
