//! The way from SVG to PNG, by resvg.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::{Database, Family, Query};
use resvg::usvg::{Options, Tree};

use crate::error::{Error, Result};

/// Dots of a PNG to an inch.
const DOTS: f32 = 300.0;

/// Pixels of an SVG to an inch, as CSS has it.
const PIXELS: f32 = 96.0;

/// Families to take for one that this machine lacks, the best first: all of them without serifs.
const SUBSTITUTES: [&str; 8] = [
    "Arial",
    "Liberation Sans",
    "Arimo",
    "Helvetica",
    "Nimbus Sans",
    "DejaVu Sans",
    "Noto Sans",
    "Segoe UI",
];

/// Turns SVGs into images, with the fonts of this machine.
#[derive(Debug, Clone)]
pub struct Converter {
    fonts: Arc<Database>,
}

impl Converter {
    pub fn new() -> Result<Self> {
        let mut fonts = Database::new();
        fonts.load_system_fonts();
        Self::with(fonts)
    }

    fn with(mut fonts: Database) -> Result<Self> {
        let is_there = |name: &&&str| {
            let families = [Family::Name(name)];
            let query = Query {
                families: &families,
                ..Query::default()
            };
            fonts.query(&query).is_some()
        };
        let known = SUBSTITUTES
            .iter()
            .find(is_there)
            .map(|name| name.to_string());
        let first = || Some(fonts.faces().next()?.families.first()?.0.clone());
        let Some(family) = known.or_else(first) else {
            return Err(Error::input(
                "--figures: this machine has no fonts, which the labels of PNG figures need; install one, such as \
                 Liberation Sans (the package fonts-liberation) or DejaVu Sans, or leave --figures out for SVG",
            ));
        };
        // A text whose family is not there is drawn in the one with serifs, and left out if that is not there either.
        fonts.set_sans_serif_family(family.clone());
        fonts.set_serif_family(family);
        Ok(Converter {
            fonts: Arc::new(fonts),
        })
    }

    /// The image of a figure, from the SVG in the file of that name.
    pub fn png(&self, name: &str, svg: &str) -> Result<Vec<u8>> {
        let options = Options {
            fontdb: Arc::clone(&self.fonts),
            ..Options::default()
        };
        let tree = Tree::from_str(svg, &options).map_err(|why| failed(name, &why))?;
        let scale = DOTS / PIXELS;
        let dots = |pixels: f32| (pixels * scale).ceil() as u32;
        let image = Pixmap::new(dots(tree.size().width()), dots(tree.size().height()));
        let mut image = image.ok_or_else(|| failed(name, &"it is too large"))?;
        let transform = Transform::from_scale(scale, scale);
        resvg::render(&tree, transform, &mut image.as_mut());
        image.encode_png().map_err(|why| failed(name, &why))
    }
}

fn failed(name: &str, why: &dyn std::fmt::Display) -> Error {
    Error::input(format!(
        "{name} cannot be turned into PNG: {why}; leave --figures out for SVG"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_fonts_is_an_error_that_names_some() {
        let error = Converter::with(Database::new()).unwrap_err().to_string();
        assert!(
            error.contains("no fonts") && error.contains("Liberation Sans"),
            "{error}"
        );
    }
}
