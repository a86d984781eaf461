//! The picture of a condition, called a strip: the measured value and the control beside the bounds, on a scale of the
//! strip's own.
//!
//! The first bound stands in the middle of every strip, and values that fulfil it lie to the right, so that strips of
//! claims with different units and directions read alike. Horizontal places are percentages, so that a strip is as wide
//! as there is room.

use std::fmt::Write as _;

use crate::claim::Bound;
use crate::claim::condition::Condition;
use crate::claim::evidence::{Basis, Estimate};
use crate::html::escape;
use crate::text::number;

/// The height of the strip, the place of the line that marks stand on, and the places of the texts above and below it,
/// in pixels.
const HEIGHT: f64 = 52.0;
const LINE: f64 = 26.0;
const TEXTS: (f64, f64) = (11.0, 48.0);
/// The distance from the middle at which the mark that is farthest from the bound stands, in per cent of the width.
const REACH: f64 = 42.0;

/// The picture of a condition.
pub(super) struct Strip<'a> {
    condition: &'a Condition,
    scale: Option<Scale>,
}

impl Condition {
    /// Returns the picture of the condition.
    pub(super) fn strip(&self) -> Strip<'_> {
        Strip {
            condition: self,
            scale: Scale::of(self),
        }
    }
}

impl Strip<'_> {
    /// Returns the strip as an SVG for the page.
    pub fn svg(&self) -> String {
        let mut svg = format!(
            "<svg class=\"strip\" role=\"img\" aria-label=\"{}\" height=\"{HEIGHT}\">",
            escape(&self.seen())
        );
        if let Some(scale) = &self.scale {
            self.draw(scale, &mut svg);
        }
        svg + "</svg>"
    }

    fn draw(&self, scale: &Scale, svg: &mut String) {
        let Condition {
            bounds,
            effect,
            control,
            ..
        } = self.condition;
        let mut put = |arguments: std::fmt::Arguments| svg.write_fmt(arguments).expect("a string");
        let (top, bottom) = (LINE - 11.0, LINE + 11.0);
        // The part of the strip that fulfils all bounds.
        let others = bounds.iter().skip(1).map(|b| scale.place(b.value()));
        let end = others.clone().fold(100.0, f64::min);
        put(format_args!(
            "<rect class=\"fulfils\" x=\"50%\" y=\"{top}\" width=\"{:.1}%\" height=\"{}\"/>\
             <line class=\"axis\" x1=\"0\" x2=\"100%\" y1=\"{LINE}\" y2=\"{LINE}\"/>",
            end - 50.0,
            bottom - top
        ));
        for (x, bound) in std::iter::once(50.0).chain(others).zip(bounds) {
            put(format_args!(
                "<line class=\"bound\" x1=\"{x:.1}%\" x2=\"{x:.1}%\" y1=\"{top}\" y2=\"{bottom}\"/>"
            ));
            // The texts of two bounds stand outside of the part between the bounds.
            let anchor = match (bounds.len(), x) {
                (1, _) => "middle",
                (_, 50.0) => "end",
                _ => "start",
            };
            text(&mut put, (x, TEXTS.0), anchor, &bound.text());
        }
        if !control.value.is_nan() {
            let x = scale.place(control.value);
            put(format_args!(
                "<svg class=\"control\" x=\"{x:.1}%\" y=\"{LINE}\"><path d=\"M-5-5 5 5M-5 5 5-5\"/></svg>"
            ));
            let label = format!("control {}", number(control.value));
            let anchor = match x {
                x if x < 20.0 => "start",
                x if x > 80.0 => "end",
                _ => "middle",
            };
            text(&mut put, (x, TEXTS.1), anchor, &label);
        }
        if !effect.low.is_nan() {
            let (low, high) = (scale.place(effect.low), scale.place(effect.high));
            put(format_args!(
                "<line class=\"interval\" x1=\"{low:.1}%\" x2=\"{high:.1}%\" y1=\"{LINE}\" y2=\"{LINE}\"/>"
            ));
        }
        if !effect.value.is_nan() {
            let x = scale.place(effect.value);
            put(format_args!(
                "<circle class=\"effect\" cx=\"{x:.1}%\" cy=\"{LINE}\" r=\"5.5\"/>"
            ));
        }
    }

    /// Returns a description of the strip in words.
    fn seen(&self) -> String {
        let Condition {
            bounds,
            effect,
            control,
            ..
        } = self.condition;
        let interval = match effect.low.is_nan() || effect.low == effect.high {
            true => String::new(),
            false => format!(", {} to {}", number(effect.low), number(effect.high)),
        };
        let stands = match (self.condition.holds(), self.condition.fails()) {
            _ if bounds.is_empty() || effect.value.is_nan() => "",
            (true, _) => ", fulfilled",
            (_, true) => ", not fulfilled",
            _ => ", open",
        };
        let bounds: Vec<_> = bounds.iter().map(|b| b.text()).collect();
        format!(
            "Measured {}{interval}; criterion {}{stands}; control {}",
            number(effect.value),
            bounds.join(" and "),
            number(control.value)
        )
    }
}

/// The key to the strips: a strip with made-up values, to explain the marks.
pub(super) struct Key;

impl Key {
    /// Returns the key as an SVG for the page.
    pub fn svg(&self) -> String {
        let estimate = |value, low, high| Estimate {
            value,
            low,
            high,
            basis: Basis::Student,
        };
        let condition = Condition {
            measure: String::new(),
            bounds: vec![Bound::AtLeast(0.5)],
            effect: estimate(0.7, 0.62, 0.78),
            control: estimate(0.25, f64::NAN, f64::NAN),
            rows: Vec::new(),
        };
        condition.strip().svg()
    }
}

/// Writes a text at the place (x, y), with x in per cent and y in pixels.
fn text(put: &mut impl FnMut(std::fmt::Arguments), (x, y): (f64, f64), anchor: &str, text: &str) {
    let text = escape(text);
    put(format_args!(
        "<text x=\"{x:.1}%\" y=\"{y}\" text-anchor=\"{anchor}\">{text}</text>"
    ));
}

/// The scale of a strip, which maps values to places.
#[derive(Debug, Clone, Copy)]
struct Scale {
    bound: f64,
    /// 1 if larger values lie to the right, −1 if smaller ones do.
    direction: f64,
    /// The distance from the bound to the mark that is farthest from it, in natural logarithms if `log`.
    reach: f64,
    log: bool,
}

impl Scale {
    /// Returns the scale of a condition, which is logarithmic if its bound is above 0 and its values, none below 0,
    /// span at least a decade; `None` without a bound.
    fn of(condition: &Condition) -> Option<Self> {
        let &bound = condition.bounds.first()?;
        let effect = condition.effect;
        let marks = condition.bounds.iter().map(|b| b.value());
        let marks = marks.chain([
            effect.value,
            effect.low,
            effect.high,
            condition.control.value,
        ]);
        let marks: Vec<f64> = marks.filter(|v| v.is_finite()).collect();
        let positive = || marks.iter().copied().filter(|v| *v > 0.0);
        let (low, high) = (
            positive().fold(f64::INFINITY, f64::min),
            positive().fold(0.0, f64::max),
        );
        let log = bound.value() > 0.0 && marks.iter().all(|v| *v >= 0.0) && high / low >= 10.0;
        let direction = match bound {
            Bound::Above(_) | Bound::AtLeast(_) => 1.0,
            Bound::Below(_) | Bound::AtMost(_) => -1.0,
        };
        let mut scale = Scale {
            bound: bound.value(),
            direction,
            reach: 1.0,
            log,
        };
        let distances = marks.iter().map(|v| scale.distance(*v).abs());
        let reach = distances.filter(|d| d.is_finite()).fold(0.0, f64::max);
        if reach > 0.0 {
            scale.reach = reach;
        }
        Some(scale)
    }

    /// Returns the distance by which a value lies to the right of the bound, negative to the left.
    fn distance(&self, value: f64) -> f64 {
        self.direction
            * match self.log {
                true => value.ln() - self.bound.ln(),
                false => value - self.bound,
            }
    }

    /// Returns the place of a value in per cent of the width, near an end if the value lies beyond.
    fn place(&self, value: f64) -> f64 {
        (50.0 + REACH * self.distance(value) / self.reach).clamp(2.0, 98.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(bounds: Vec<Bound>, [value, low, high]: [f64; 3], control: f64) -> Condition {
        let estimate = |value, low, high| Estimate {
            value,
            low,
            high,
            basis: Basis::Student,
        };
        Condition {
            measure: "a < b".into(),
            bounds,
            effect: estimate(value, low, high),
            control: estimate(control, control, control),
            rows: Vec::new(),
        }
    }

    #[test]
    fn what_fulfils_a_bound_lies_to_its_right_and_the_farthest_mark_near_an_end() {
        for (bound, value, control) in [
            (Bound::Above(1.0), 1.5, -3.0),
            (Bound::AtLeast(-2.0), -1.0, -2.5),
            (Bound::Below(1.0), 0.2, 4.0),
            (Bound::AtMost(1e-6), 1e-17, 0.5),
        ] {
            let condition = condition(vec![bound], [value; 3], control);
            let scale = Scale::of(&condition).unwrap();
            let (effect, control) = (scale.place(value), scale.place(control));
            assert_eq!(scale.place(bound.value()), 50.0);
            assert!(
                effect > 50.0 && control < 50.0,
                "{bound}: {effect}, {control}"
            );
            let reach = (effect - 50.0).max(50.0 - control);
            assert!((reach - REACH).abs() < 1e-9, "{bound}: {reach}");
        }
    }

    #[test]
    fn a_scale_is_logarithmic_where_its_values_span_decades_above_zero() {
        let log = |bound, value, control| {
            let condition = condition(vec![Bound::AtMost(bound)], [value; 3], control);
            Scale::of(&condition).unwrap().log
        };
        assert!(log(0.1, 0.05, 2.0) && log(1e-6, 0.0, 0.5));
        assert!(!log(0.1, 0.05, 0.2) && !log(0.1, -0.05, 2.0) && !log(0.0, 0.1, 5.0));
        // A value that has no place on the scale stands at its end.
        let condition = condition(vec![Bound::AtMost(1e-6)], [0.0; 3], 0.5);
        assert_eq!(Scale::of(&condition).unwrap().place(0.0), 98.0);
    }

    #[test]
    fn a_strip_says_what_is_seen_and_has_no_broken_number() {
        let both = vec![Bound::AtMost(-0.9), Bound::AtLeast(-1.1)];
        let svg = condition(both, [-1.0, -1.02, -0.98], 0.0).strip().svg();
        let seen = "Measured −1, −1.02 to −0.98; criterion ≤ −0.9 and ≥ −1.1, fulfilled; control 0";
        assert!(svg.contains(seen), "{svg}");
        assert_eq!(svg.matches("class=\"bound\"").count(), 2);
        let nothing = [f64::NAN; 3];
        for bounds in [vec![], vec![Bound::Below(1.0)]] {
            let svg = condition(bounds, nothing, f64::NAN).strip().svg();
            assert!(
                !svg.contains("NaN") && !svg.contains("class=\"effect\""),
                "{svg}"
            );
        }
    }
}
