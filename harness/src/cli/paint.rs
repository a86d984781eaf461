//! Styles of text in the terminal, and the colours of verdicts.

use anstyle::{AnsiColor, Style};

use crate::claim::Verdict;
use crate::claim::words::sign;

/// The style of headings.
pub const HEADING: Style = Style::new().bold();

/// The style of less important text.
pub const FAINT: Style = Style::new().dimmed();

/// Returns a text in a style. [`print`](super::common::print) leaves the style out where the terminal has none.
pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Returns the sign of a verdict in the verdict's colour.
pub fn painted_sign(verdict: Verdict) -> String {
    paint(colour(verdict), sign(verdict).0)
}

/// Returns the sign and the words of a verdict in the verdict's colour.
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
