//! Text and drawings in an HTML page.

use std::fmt::Write as _;

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

/// A drawing above its caption.
pub fn drawing(svg: &str, caption: &str) -> String {
    format!(
        "<figure><div class=\"drawing\" tabindex=\"0\">{}</div>\n<figcaption>{}</figcaption></figure>\n",
        accessible(svg, caption),
        escape(caption),
    )
}

/// The drawing as an image with a text for screen readers.
fn accessible(svg: &str, caption: &str) -> String {
    let label = format!("<svg role=\"img\" aria-label=\"{}\" ", escape(caption));
    svg.trim().replacen("<svg ", &label, 1)
}

/// An SVG inside the page, by percent-encoding.
pub fn data_uri(svg: &str) -> String {
    let mut uri = String::from("data:image/svg+xml,");
    for c in svg.chars() {
        match c {
            'a'..='z'
            | 'A'..='Z'
            | '0'..='9'
            | '-'
            | '_'
            | '.'
            | '~'
            | ' '
            | '='
            | ':'
            | '/'
            | ','
            | ';'
            | '('
            | ')'
            | '!'
            | '*'
            | '@'
            | '$'
            | '+' => uri.push(c),
            c => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(uri, "%{byte:02X}");
                }
            }
        }
    }
    uri
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
}
