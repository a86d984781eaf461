//! One look for one thing: colour, dash and marker by role. The colours are Okabe and Ito's, which
//! colour-blind readers can tell apart; dash and marker tell them apart in grey.

use plotters::style::RGBColor;

/// What a mark stands for, the same in every figure.
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
    /// What holds.
    Holds,
    /// What fails.
    Fails,
    /// What holds the other way round.
    Reversed,
    /// What is not decided.
    Open,
    /// What tells nothing.
    Powerless,
    /// Something else: each number from 0 to 5 has a look of its own.
    Other(u8),
    /// Number `index` of `of` ordered values, such as one line a width: light to dark.
    Step {
        /// The place in the order, from 0.
        index: usize,
        /// The number of places.
        of: usize,
    },
    /// The counterpart of such a step, in its colour.
    Mirrored {
        /// The place in the order, from 0.
        index: usize,
        /// The number of places.
        of: usize,
    },
    /// Another counterpart of it.
    Echoed {
        /// The place in the order, from 0.
        index: usize,
        /// The number of places.
        of: usize,
    },
}

impl Role {
    /// Ordered values, each with the role of its place: light to dark.
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

/// Pattern of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dash {
    Solid,
    Dashed,
    Dotted,
}

/// Shape of a point.
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
// Beside those, from Tol's muted scheme and a brown.
const OLIVE: RGBColor = RGBColor(153, 153, 51);
const INDIGO: RGBColor = RGBColor(51, 34, 136);
const BROWN: RGBColor = RGBColor(150, 90, 40);

impl Role {
    pub(super) fn style(self) -> Style {
        use Dash::*;
        use Marker::*;
        let step = |index: usize, of: usize| {
            let t = index as f64 / of.saturating_sub(1).max(1) as f64;
            // The lightest of all would be faint on white.
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
            // Markers of their own, since a line of a single dot shows no dashes.
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
