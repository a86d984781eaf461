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

/// A drawing and what it shows.
#[derive(Debug, Clone)]
pub struct Drawing {
    svg: String,
    /// What it shows.
    pub caption: String,
}

impl Drawing {
    /// A drawing and what it shows.
    ///
    /// # Panics
    /// If it does not begin as an SVG with attributes does.
    pub fn new(svg: &str, caption: String) -> Self {
        let svg = svg.trim().strip_prefix("<svg ").expect("an SVG");
        Drawing {
            svg: svg.into(),
            caption,
        }
    }

    /// The drawing without its first `<svg `, after which a page adds attributes.
    pub fn rest(&self) -> &str {
        &self.svg
    }
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
