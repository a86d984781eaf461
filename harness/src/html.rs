//! Text and drawings in an HTML page.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Text inside a drawing, which is XML.
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

/// A figure as a page shows it: a legend, and panels that stand beside each other where there is room.
#[derive(Debug, Clone)]
pub struct Drawing {
    /// Entries in groups, each with the letters of the panels that it is for, if not for all.
    pub legend: Vec<(String, Vec<Entry>)>,
    /// The panels, row by row.
    pub panels: Vec<Picture>,
    /// Panels in a row.
    pub columns: usize,
    /// What it shows.
    pub caption: String,
    /// The file that holds it by itself.
    pub file: String,
    /// The tables that it is drawn from, as files.
    pub data: Vec<String>,
}

/// An entry of a legend.
#[derive(Debug, Clone)]
pub struct Entry {
    /// A sample of the look.
    pub swatch: Picture,
    /// What it stands for.
    pub label: String,
}

/// An SVG that stands in a page.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The SVG without its first `<svg `, after which a page adds attributes.
    pub svg: String,
    /// What is seen on it.
    pub seen: String,
}

/// Bytes that may stand in a URI inside an attribute, beside letters and digits.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b' ')
    .remove(b'=')
    .remove(b':')
    .remove(b'/')
    .remove(b',')
    .remove(b';')
    .remove(b'(')
    .remove(b')')
    .remove(b'!')
    .remove(b'*')
    .remove(b'@')
    .remove(b'$')
    .remove(b'+');

/// An SVG inside the page, by percent-encoding.
pub fn data_uri(svg: &str) -> String {
    format!("data:image/svg+xml,{}", utf8_percent_encode(svg, PLAIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_has_nothing_that_ends_an_attribute() {
        assert_eq!(
            data_uri("<a b=\"%#'&é\"/>"),
            "data:image/svg+xml,%3Ca b=%22%25%23%27%26%C3%A9%22/%3E"
        );
    }

    #[test]
    fn text_has_nothing_that_ends_an_attribute_or_begins_a_tag() {
        let escaped = escape("<a b=\"c\" d='e'>&é");
        assert!(!escaped.contains(['<', '>', '"', '\'']), "{escaped}");
        assert!(escaped.ends_with('é'));
    }
}
