//! The look of each role: one colour, dash and marker for one thing in all figures. The colours are Okabe and Ito's,
//! which colour-blind readers can tell apart; dash and marker tell them apart in grey.

use plotters::style::RGBColor;

/// The role of a mark: what it stands for, which has the same look in every figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A feature aligned with one neuron.
    Aligned,
    /// A feature spread over many neurons.
    Distributed,
    /// A GELU layer.
    Gelu,
    /// A ReLU layer.
    Relu,
    /// A control.
    Control,
    /// A claim or a condition that holds.
    Holds,
    /// A claim or a condition that fails.
    Fails,
    /// A claim of which the opposite holds.
    Reversed,
    /// A claim that is undecided.
    Open,
    /// A claim whose measure has no power.
    Powerless,
    /// Anything else. Each number from 0 to 5 has its own look.
    Other(u8),
    /// The value with number `index` of `of` ordered values, such as one line for each width. The colours go from light
    /// to dark.
    Step {
        /// The place in the order, from 0.
        index: usize,
        /// The number of places.
        of: usize,
    },
    /// The counterpart of a [`Step`](Role::Step), in the same colour with another dash and marker.
    Mirrored {
        /// The place in the order, from 0.
        index: usize,
        /// The number of places.
        of: usize,
    },
    /// Another counterpart of a [`Step`](Role::Step), in the same colour with a third dash and marker.
    Echoed {
        /// The place in the order, from 0.
        index: usize,
        /// The number of places.
        of: usize,
    },
}

impl Role {
    /// Returns the ordered values, each with the role [`Step`](Role::Step) of its place: light to dark.
    pub fn steps<T>(values: Vec<T>) -> impl Iterator<Item = (Role, T)> {
        let of = values.len();
        let step = move |(index, value)| (Role::Step { index, of }, value);
        values.into_iter().enumerate().map(step)
    }
}

/// The look of a role.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    pub colour: RGBColor,
    pub dash: Dash,
    pub marker: Marker,
}

/// The pattern of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dash {
    Solid,
    Dashed,
    Dotted,
}

/// The shape of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    Triangle,
    Cross,
    Ring,
}

const BLACK: RGBColor = RGBColor(0, 0, 0);
const ORANGE: RGBColor = RGBColor(230, 159, 0);
const SKY: RGBColor = RGBColor(86, 180, 233);
const GREEN: RGBColor = RGBColor(0, 158, 115);
const BLUE: RGBColor = RGBColor(0, 114, 178);
const VERMILLION: RGBColor = RGBColor(213, 94, 0);
const PURPLE: RGBColor = RGBColor(176, 92, 142);
const GREY: RGBColor = RGBColor(120, 120, 120);
// Two colours from Tol's muted scheme, and a brown.
const OLIVE: RGBColor = RGBColor(153, 153, 51);
const INDIGO: RGBColor = RGBColor(51, 34, 136);
const BROWN: RGBColor = RGBColor(150, 90, 40);

impl Role {
    pub(super) fn style(self) -> Style {
        use Dash::*;
        use Marker::*;
        let step = |index: usize, of: usize| {
            let t = index as f64 / of.saturating_sub(1).max(1) as f64;
            // The lightest colours of viridis would be faint on white.
            super::colours::viridis(0.78 * (1.0 - t))
        };
        let markers = [Circle, Square, Triangle, Cross, Ring];
        let marker = |index: usize| markers[index % markers.len()];
        let (colour, dash, marker) = match self {
            Role::Aligned => (VERMILLION, Dashed, Square),
            Role::Distributed => (BLUE, Solid, Circle),
            Role::Gelu => (GREEN, Solid, Circle),
            Role::Relu => (ORANGE, Dashed, Triangle),
            Role::Control => (GREY, Dotted, Cross),
            Role::Holds => (GREEN, Solid, Circle),
            Role::Fails => (VERMILLION, Solid, Cross),
            Role::Reversed => (VERMILLION, Dashed, Triangle),
            Role::Open => (GREY, Solid, Ring),
            Role::Powerless => (PURPLE, Dotted, Square),
            Role::Other(i) => match i % 6 {
                0 => (BLACK, Solid, Circle),
                1 => (PURPLE, Dashed, Square),
                2 => (SKY, Dotted, Triangle),
                3 => (OLIVE, Solid, Ring),
                4 => (BROWN, Dashed, Cross),
                _ => (INDIGO, Solid, Square),
            },
            Role::Step { index, of } => (step(index, of), Solid, marker(index)),
            // These roles have their own markers, since a line of a single point shows no dashes.
            Role::Mirrored { index, of } => (step(index, of), Dashed, marker(index + 2)),
            Role::Echoed { index, of } => (step(index, of), Dotted, marker(index + 3)),
        };
        Style {
            colour,
            dash,
            marker,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_can_be_told_apart_by_their_colours_alone() {
        let colours: Vec<RGBColor> = (0..6).map(|i| Role::Other(i).style().colour).collect();
        for (i, a) in colours.iter().enumerate() {
            for b in &colours[..i] {
                let apart = |a: u8, b: u8| f64::from(a.abs_diff(b)).powi(2);
                let distance = apart(a.0, b.0) + apart(a.1, b.1) + apart(a.2, b.2);
                assert!(distance.sqrt() > 60.0, "{a:?} {b:?}");
            }
        }
    }
}
