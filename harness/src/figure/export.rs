//! Figures as PNG, beside the SVGs that they are made of.

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
        /// Drawings for browsers, which are always written.
        Svg,
        /// Images of 300 dots to an inch, which is 96 pixels of the SVG.
        Png,
    }
}

/// Writes figures in the formats that were asked for. SVG is always one of them: reports are made of it.
#[derive(Debug, Clone, Default)]
pub struct Export {
    converter: Option<Converter>,
}

impl Export {
    /// Figures in these formats and as SVG.
    ///
    /// # Errors
    /// If something is lacking to write them: a font on this machine, or this part of the program.
    pub fn new(formats: &[Format]) -> Result<Self> {
        let converter = match formats.contains(&Format::Png) {
            true => Some(Converter::new()?),
            false => None,
        };
        Ok(Export { converter })
    }

    /// Hands a file to `write`, and after a figure, whose name ends in `.svg`, the same figure as PNG if that was asked for.
    pub fn write(
        &self,
        name: &str,
        contents: &str,
        mut write: impl FnMut(&str, &[u8]) -> Result<()>,
    ) -> Result<()> {
        write(name, contents.as_bytes())?;
        let (Some(stem), Some(converter)) = (name.strip_suffix(".svg"), &self.converter) else {
            return Ok(());
        };
        write(&format!("{stem}.png"), &converter.png(name, contents)?)
    }
}

#[cfg(all(test, feature = "figures"))]
mod tests {
    use super::*;
    use crate::figure::{Axis, Figure, Panel, Role};

    fn written(formats: &[Format], name: &str, contents: &str) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        let export = Export::new(formats).unwrap();
        let write = |name: &str, bytes: &[u8]| {
            files.push((name.to_string(), bytes.to_vec()));
            Ok(())
        };
        export.write(name, contents, write).unwrap();
        files
    }

    fn svg() -> String {
        let points = [(1.0, 2.0), (10.0, 1.0)];
        let panel = Panel::new("ΔR² ‖x‖₂ ≤ √n", Axis::log("λ"), Axis::linear("y"));
        let panel = panel.line(Role::Gelu, "a line", points);
        Figure::new("a", "").panel(panel).to_svg()
    }

    #[test]
    fn a_figure_is_written_in_the_formats_that_were_asked_for() {
        use Format::*;
        let names = |formats: &[Format]| {
            let files = written(formats, "e/a.svg", &svg()).into_iter();
            files.map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(names(&[]), ["e/a.svg"]);
        assert_eq!(names(&[Svg]), ["e/a.svg"]);
        assert_eq!(names(&[Png, Svg, Png]), ["e/a.svg", "e/a.png"]);
        assert_eq!(written(&[Png], "report.html", "<svg/>").len(), 1);
    }

    #[test]
    fn the_same_figure_gives_the_same_bytes_at_the_size_of_the_svg() {
        let files = || written(&[Format::Png], "a.svg", &svg());
        assert_eq!(files(), files());
        let size = |key: &str| {
            let svg = svg();
            let (_, rest) = svg.split_once(&format!(" {key}=\"")).unwrap();
            rest.split_once('"').unwrap().0.parse::<f64>().unwrap()
        };
        let png = &files()[1].1;
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
        let dots = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        for (key, at) in [("width", 16), ("height", 20)] {
            let inches = size(key) / 96.0;
            assert_eq!(f64::from(dots(at)), (inches * 300.0).ceil(), "{key}");
        }
    }

    #[test]
    fn labels_are_drawn() {
        let png = |svg: &str| written(&[Format::Png], "a.svg", svg)[1].1.clone();
        let svg = svg();
        let blank = svg.replace("a line", " ");
        assert_ne!(svg, blank);
        assert_ne!(png(&svg), png(&blank));
    }

    #[test]
    fn what_is_no_svg_is_an_error_with_its_name() {
        let export = Export::new(&[Format::Png]).unwrap();
        let error = export.write("e/a.svg", "<svg", |_, _| Ok(())).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("e/a.svg cannot be turned into"),
            "{error}"
        );
    }
}
