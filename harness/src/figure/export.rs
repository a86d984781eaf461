//! Figures as PNG and PDF, made from the SVG files and written beside them.

use crate::error::Result;

#[cfg(feature = "figures")]
mod convert;
#[cfg(not(feature = "figures"))]
#[path = "export/without.rs"]
mod convert;

use convert::Converter;

crate::words! {
    /// A format of figures.
    pub enum Format {
        /// SVG, for browsers; always written.
        Svg,
        /// PNG with 300 dots per inch; an inch is 96 pixels of the SVG.
        Png,
        /// PDF, for papers, of the size of the SVG.
        Pdf,
    }
}

/// A file that is made from another one: its name, and its contents or `None` if its format was not asked for.
pub type Made = (String, Option<Vec<u8>>);

/// A maker of figures in the formats that were asked for. SVG is always one of them, since reports are made of it.
#[derive(Debug, Clone, Default)]
pub struct Export {
    formats: Vec<Format>,
    converter: Option<Converter>,
}

impl Export {
    /// Returns a maker of figures in these formats and as SVG.
    ///
    /// # Errors
    /// If PNG or PDF is asked for and this machine has no fonts, or the program was built without the feature
    /// `figures`.
    pub fn new(formats: &[Format]) -> Result<Self> {
        let converter = match formats.iter().any(|format| *format != Format::Svg) {
            true => Some(Converter::new()?),
            false => None,
        };
        Ok(Export {
            formats: formats.to_vec(),
            converter,
        })
    }

    /// Returns the files in other formats that belong to the figure in the file `name`, which ends in `.svg`; none for
    /// another file.
    ///
    /// # Errors
    /// If `contents` cannot be read as SVG.
    pub fn made_of(&self, name: &str, contents: &str) -> Result<Vec<Made>> {
        let Some(stem) = name.strip_suffix(".svg") else {
            return Ok(Vec::new());
        };
        let converter = |format| {
            let converter = self.converter.as_ref();
            converter.filter(|_| self.formats.contains(&format))
        };
        let png = converter(Format::Png).map(|converter| converter.png(name, contents));
        let pdf = converter(Format::Pdf).map(|converter| converter.pdf(name, contents));
        Ok(vec![
            (format!("{stem}.png"), png.transpose()?),
            (format!("{stem}.pdf"), pdf.transpose()?),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_made_of_a_page_and_no_format_unasked() {
        let export = Export::new(&[Format::Svg]).unwrap();
        assert!(export.made_of("report.html", "<svg/>").unwrap().is_empty());
        let made = export.made_of("e/a.svg", "<svg/>").unwrap();
        assert_eq!(made, [("e/a.png".into(), None), ("e/a.pdf".into(), None)]);
    }
}

#[cfg(all(test, feature = "figures"))]
mod conversions {
    use super::*;
    use crate::figure::{Axis, Figure, Panel, Role};

    fn made(formats: &[Format], svg: &str) -> Vec<Option<Vec<u8>>> {
        let export = Export::new(formats).unwrap();
        let made = export.made_of("e/a.svg", svg).unwrap().into_iter();
        made.map(|(_, bytes)| bytes).collect()
    }

    fn one(format: Format, svg: &str) -> Vec<u8> {
        let made = made(&[format], svg).into_iter();
        let mut made: Vec<_> = made.flatten().collect();
        assert_eq!(made.len(), 1);
        made.swap_remove(0)
    }

    fn svg() -> String {
        let points = [(1.0, 2.0), (10.0, 1.0)];
        let panel = Panel::new("ΔR² ‖x‖₂ ≤ √n", Axis::log("λ"), Axis::linear("y"));
        let panel = panel.line(Role::Gelu, "a line", points);
        Figure::new("a", "").panel(panel).to_svg()
    }

    /// Returns the width and the height of the SVG in pixels.
    fn size(svg: &str) -> [f64; 2] {
        ["width", "height"].map(|key| {
            let (_, rest) = svg.split_once(&format!(" {key}=\"")).unwrap();
            rest.split_once('"').unwrap().0.parse().unwrap()
        })
    }

    #[test]
    fn a_figure_is_made_in_the_formats_that_were_asked_for() {
        use Format::*;
        let there = |formats: &[Format]| -> Vec<bool> {
            let made = made(formats, &svg()).into_iter();
            made.map(|bytes| bytes.is_some()).collect()
        };
        assert_eq!(there(&[]), [false, false]);
        assert_eq!(there(&[Png, Svg, Png]), [true, false]);
        assert_eq!(there(&[Pdf]), [false, true]);
        assert_eq!(there(&[Pdf, Png]), [true, true]);
    }

    #[test]
    fn the_same_figure_gives_the_same_png_at_the_size_of_the_svg() {
        let svg = svg();
        let png = one(Format::Png, &svg);
        assert!(png == one(Format::Png, &svg));
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
        let dots = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        for (pixels, at) in size(&svg).into_iter().zip([16, 20]) {
            let inches = pixels / 96.0;
            assert_eq!(f64::from(dots(at)), (inches * 300.0).ceil());
        }
    }

    #[test]
    fn the_same_figure_gives_the_same_pdf_at_the_size_of_the_svg() {
        let svg = svg();
        let pdf = one(Format::Pdf, &svg);
        assert!(pdf == one(Format::Pdf, &svg));
        assert!(pdf.starts_with(b"%PDF-"));
        let [width, height] = size(&svg).map(|pixels| pixels / 96.0 * 72.0);
        let page = format!("/MediaBox[0 0 {width} {height}]");
        let text = String::from_utf8_lossy(&pdf);
        assert!(text.contains(&page), "{page}");
    }

    #[test]
    fn labels_are_drawn() {
        let svg = svg();
        let blank = svg.replace("a line", " ");
        assert_ne!(svg, blank);
        for format in [Format::Png, Format::Pdf] {
            assert!(one(format, &svg) != one(format, &blank), "{format}");
        }
    }

    #[test]
    fn what_is_no_svg_is_an_error_with_its_name() {
        for (format, name) in [(Format::Png, "PNG"), (Format::Pdf, "PDF")] {
            let export = Export::new(&[format]).unwrap();
            let error = export.made_of("e/a.svg", "<svg").unwrap_err().to_string();
            let start = format!("e/a.svg cannot be turned into {name}");
            assert!(error.starts_with(&start), "{error}");
        }
    }
}
