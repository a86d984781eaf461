//! The way from the description of a figure to SVG. Plotters draws frames, ticks, lines and text; it counts
//! in whole pixels, so everything is drawn on a canvas [`SCALE`] times too large.

use plotters::prelude::*;

use super::draw::{SCALE, WIDTH};
use super::legend::Legend;
use super::panel::{BESIDE, draw_panel};
use super::{Figure, Mark, Panel};

impl Figure {
    /// The figure as a standalone SVG document. The same figure gives the same bytes.
    pub fn to_svg(&self) -> String {
        svg(self)
    }
}

/// Draws a figure.
fn svg(figure: &Figure) -> String {
    let columns = figure.columns.clamp(1, figure.panels.len().max(1)) as i32;
    let rows = (figure.panels.len() as i32 + columns - 1) / columns;
    let panel_width = WIDTH / columns;
    // A single panel is wider than high, unless it is a map.
    let is_map = |p: &Panel| p.marks.iter().any(|m| matches!(m.mark, Mark::Heat(_)));
    let panel_height = match columns {
        1 if figure.panels.iter().any(is_map) => 620,
        1 => 400,
        _ => (panel_width * 3 / 4).max(270),
    };
    let legend = Legend::of(figure);
    let height = legend.height() + rows.max(1) * panel_height;
    let size = ((WIDTH * SCALE) as u32, (height * SCALE) as u32);

    let (mut under, mut over) = (String::new(), String::new());
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        legend.draw(&root);
        let margin = |column: usize| {
            let panels = figure.panels.iter().skip(column).step_by(columns as usize);
            panels
                .map(|p| p.margin(panel_height))
                .max()
                .unwrap_or(BESIDE)
        };
        for (i, panel) in figure.panels.iter().enumerate() {
            let (row, column) = (i as i32 / columns, i as i32 % columns);
            let left = column * panel_width * SCALE;
            let top = (legend.height() + row * panel_height) * SCALE;
            let place = (
                left,
                top,
                left + panel_width * SCALE,
                top + panel_height * SCALE,
            );
            let margin = margin(column as usize);
            draw_panel(&root, panel, place, margin, &mut under, &mut over);
        }
        root.present().expect("drawing to a string");
    }
    finish(&svg, size, &under, &over)
}

/// Puts the raw parts under and over what plotters drew, and gives the document its size in pixels.
fn finish(svg: &str, (width, height): (u32, u32), under: &str, over: &str) -> String {
    let start = svg.find('>').expect("an svg element") + 1;
    let end = svg.rfind("</svg>").expect("an svg element");
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {width} {height}\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{under}{}\n{over}</svg>\n",
        width / SCALE as u32,
        height / SCALE as u32,
        svg[start..end].trim(),
    )
}

#[cfg(test)]
mod tests {
    use super::super::{Axis, Cross, Heat, Role, Series};
    use super::*;

    /// Every kind of mark, with points that cannot be drawn among those that can.
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
    fn crosses_end_at_the_frame_and_do_not_widen_it() {
        let figure = |crosses: Vec<Cross>| {
            let panel = Panel::new("", Axis::log("x"), Axis::linear("y"));
            let points = [(1.0, 0.0), (10.0, 1.0)];
            let panel = panel.scatter(Role::Control, "", points);
            let panel = panel.crosses(Role::Control, crosses);
            Figure::new("crosses", "").panel(panel).to_svg()
        };
        let cross = |x, y| {
            let at = (3.0, 0.5);
            figure(vec![Cross { at, x, y }])
        };
        let none = (f64::NAN, f64::NAN);
        let (bare, narrow) = (figure(vec![]), cross((2.0, 4.0), (0.4, 0.6)));
        let lines = |svg: &str| svg.matches("<polyline").count();
        assert_eq!(lines(&narrow), lines(&bare) + 2);
        assert_eq!(lines(&cross((2.0, 4.0), none)), lines(&bare) + 1);
        assert_eq!(lines(&cross(none, none)), lines(&bare));
        // From below what a logarithm has, to far beyond the frame.
        let wide = cross((-5.0, 1e9), (-1e9, 1e9));
        assert_eq!(lines(&wide), lines(&bare) + 2);
        assert!(wide != narrow && !wide.contains("NaN") && !wide.contains("inf"));
        let texts = |svg: &str| svg.matches("<text").count();
        assert_eq!(texts(&wide), texts(&bare));
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
