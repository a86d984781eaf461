//! Colour in the terminal: what a verdict is painted in, and text as wide as it looks.

use anstyle::{AnsiColor, Style};

use crate::claim::Verdict;
use crate::claim::words::sign;

/// What heads a list.
pub const HEADING: Style = Style::new().bold();

/// What stands back.
pub const FAINT: Style = Style::new().dimmed();

/// A text in a style. [`print`](super::common::print) leaves the style out where the terminal has none.
pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The sign of a verdict in its colour.
pub fn painted_sign(verdict: Verdict) -> String {
    paint(colour(verdict), sign(verdict).0)
}

/// The sign of a verdict and its words, in its colour.
pub fn painted_verdict(verdict: Verdict) -> String {
    paint(colour(verdict), &format!("{} {verdict}", sign(verdict).0))
}

fn colour(verdict: Verdict) -> Style {
    let colour = match verdict {
        Verdict::Reproduced => AnsiColor::Green,
        Verdict::NotReproduced => AnsiColor::Red,
        Verdict::Reversed => AnsiColor::Magenta,
        Verdict::Undecided => AnsiColor::Yellow,
        Verdict::NoPower => AnsiColor::Cyan,
    };
    colour.on_default()
}
