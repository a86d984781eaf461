//! Numbers, verdicts and text as the report, the ledger in the terminal and the README write them.

use std::fmt::Write as _;

use crate::claim::{Entry, Verdict};

/// `0.21 to 0.24, 3 seeds`: all that a seed may change.
pub fn spread(e: &Entry) -> String {
    match (e.low == e.high, e.seeds) {
        (_, 1) => "1 seed".into(),
        (true, n) => format!("the same at {n} seeds"),
        (false, n) => format!("{} to {}, {n} seeds", number(e.low), number(e.high)),
    }
}

/// A number with three significant digits, as people write it.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value.is_nan() {
        return "not measured".into();
    }
    if size == f64::INFINITY {
        return if value > 0.0 {
            "∞".into()
        } else {
            "−∞".into()
        };
    }
    let text = if size == 0.0 {
        "0".into()
    } else if (1e-3..1e5).contains(&size) {
        let digits = (2 - size.log10().floor() as i32).max(0) as usize;
        let text = format!("{size:.digits$}");
        match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
            false => text,
        }
    } else {
        let text = format!("{size:.1e}");
        text.replace(".0e", "e").replace('-', "−")
    };
    if value < 0.0 {
        format!("−{text}")
    } else {
        text
    }
}

/// The sign and the style of a verdict.
pub fn sign(verdict: &str) -> (&'static str, &'static str) {
    match Verdict::ALL.into_iter().find(|v| v.name() == verdict) {
        Some(Verdict::Reproduced) => ("✓", "yes"),
        Some(Verdict::NotReproduced) => ("✗", "no"),
        Some(Verdict::Inconclusive) => ("?", "open"),
        Some(Verdict::NoPower) | None => ("○", "powerless"),
    }
}

/// Text as HTML or XML.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Appends what is formatted.
pub(super) fn put(text: &mut String, arguments: std::fmt::Arguments) {
    text.write_fmt(arguments).expect("writing to a string");
}
