//! Text and drawings in an HTML page.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Returns the text with the characters `&`, `<`, `>`, `"` and `'` escaped, for use inside a drawing, which is XML.
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
    /// The entries of the legend in groups. Each group has the letters of the panels that it is for, or an empty string
    /// if it is for all.
    pub legend: Vec<(String, Vec<Entry>)>,
    /// The panels, row by row.
    pub panels: Vec<Picture>,
    /// The number of panels in a row.
    pub columns: usize,
    /// The caption, which says what the figure shows.
    pub caption: String,
    /// The name of the file that holds the figure alone.
    pub file: String,
    /// The names of the files of the tables that the figure is drawn from.
    pub data: Vec<String>,
}

/// An entry of a legend.
#[derive(Debug, Clone)]
pub struct Entry {
    /// A sample of the mark that the entry explains.
    pub swatch: Picture,
    /// The text that says what the mark stands for.
    pub label: String,
}

/// An SVG that stands in a page.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The SVG without the `<svg ` that it begins with, after which a page adds attributes.
    pub svg: String,
    /// The description of what is seen on the picture, in words.
    pub seen: String,
}

/// The bytes that are percent-encoded in a URI inside an attribute: all but letters, digits and the ones removed here.
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

/// Returns an SVG as a data URI, by percent-encoding.
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
