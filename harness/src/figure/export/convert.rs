//! The conversion of SVG to PNG with resvg, and to PDF with krilla.

use std::sync::Arc;

use krilla::Document;
use krilla::geom::Size;
use krilla::page::PageSettings;
use krilla_svg::{SurfaceExt as _, SvgSettings};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::{Database, FaceInfo, Family, Query, Stretch, Style, Weight};
use resvg::usvg::{Options, Tree};

use crate::error::{Error, Result};

/// The number of dots of a PNG per inch.
const DOTS: f32 = 300.0;

/// The number of points of a PDF per inch.
const POINTS: f32 = 72.0;

/// The number of pixels of an SVG per inch, as in CSS.
const PIXELS: f32 = 96.0;

/// The font families to use in place of a family that this machine lacks, or for a character that a font lacks, the
/// best first. All of them are without serifs.
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

/// A converter of SVG to PNG and PDF, with the fonts of this machine.
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

    fn with(fonts: Database) -> Result<Self> {
        let mut fonts = in_order(&fonts);
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
                "--figures: this machine has no fonts, which the labels of PNG and PDF figures need; install one, such \
                 as Liberation Sans (the package fonts-liberation) or DejaVu Sans, or leave --figures out for SVG",
            ));
        };
        // A text whose family is missing is drawn in the serif family, and left out if that is missing too.
        fonts.set_sans_serif_family(family.clone());
        fonts.set_serif_family(family);
        Ok(Converter {
            fonts: Arc::new(fonts),
        })
    }

    /// Returns the PNG of a figure from its SVG. The file name `name` is for errors.
    pub fn png(&self, name: &str, svg: &str) -> Result<Vec<u8>> {
        let failed = |why: &dyn std::fmt::Display| failed(name, "PNG", why);
        let tree = self.tree(svg).map_err(|why| failed(&why))?;
        let scale = DOTS / PIXELS;
        let dots = |pixels: f32| (pixels * scale).ceil() as u32;
        let image = Pixmap::new(dots(tree.size().width()), dots(tree.size().height()));
        let mut image = image.ok_or_else(|| failed(&"it is too large"))?;
        let transform = Transform::from_scale(scale, scale);
        resvg::render(&tree, transform, &mut image.as_mut());
        image.encode_png().map_err(|why| failed(&why))
    }

    /// Returns the PDF of a figure, a page of the size of the figure, from its SVG. The file name `name` is for errors.
    pub fn pdf(&self, name: &str, svg: &str) -> Result<Vec<u8>> {
        let failed = |why: &dyn std::fmt::Display| failed(name, "PDF", why);
        let tree = self.tree(svg).map_err(|why| failed(&why))?;
        let points = |pixels: f32| pixels * POINTS / PIXELS;
        let (width, height) = (points(tree.size().width()), points(tree.size().height()));
        let sizes = Size::from_wh(width, height).zip(PageSettings::from_wh(width, height));
        let (size, settings) = sizes.ok_or_else(|| failed(&"it has no size"))?;
        let mut document = Document::new();
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        surface.draw_svg(&tree, size, SvgSettings::default());
        surface.finish();
        page.finish();
        document.finish().map_err(|why| failed(&why))
    }

    fn tree(&self, svg: &str) -> std::result::Result<Tree, resvg::usvg::Error> {
        let options = Options {
            fontdb: Arc::clone(&self.fonts),
            ..Options::default()
        };
        Tree::from_str(svg, &options)
    }
}

/// Sorts the fonts in the order in which they are searched for a character that another font lacks: the substitutes
/// first, and in each family first the faces that are upright and neither bold nor narrow.
fn in_order(fonts: &Database) -> Database {
    let place = |face: &FaceInfo| {
        let named = |name: &&str| face.families.iter().any(|family| family.0 == *name);
        let family = SUBSTITUTES.iter().position(named);
        let regular = (face.style, face.weight, face.stretch)
            == (Style::Normal, Weight::NORMAL, Stretch::Normal);
        (family.unwrap_or(SUBSTITUTES.len()), !regular)
    };
    let mut faces: Vec<&FaceInfo> = fonts.faces().collect();
    faces.sort_by_cached_key(|face| (place(face), face.post_script_name.clone()));
    let mut ordered = Database::new();
    for face in faces {
        ordered.push_face_info(face.clone());
    }
    ordered
}

fn failed(name: &str, format: &str, why: &dyn std::fmt::Display) -> Error {
    Error::input(format!(
        "{name} cannot be turned into {format}: {why}; leave --figures out for SVG"
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
