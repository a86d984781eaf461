//! The report of a training. What it looks like stands in `templates/`.

use askama::Template;

use crate::activations::survey::Survey;
use crate::error::Result;
use crate::html::Drawing;
use crate::stats::observations::Observations as _;
use crate::store::folder::Folder;
use crate::store::names::REPORT;
use crate::table::Tables;
use crate::text::{number, percent};
use crate::workbench::config::Config;
use crate::workbench::data::Data;
use crate::workbench::figures;
use crate::workbench::summary;
use crate::workbench::tables::{Model, SPECS, Summary};

#[derive(Template)]
#[template(path = "sae.html")]
struct Page {
    facts: Vec<(&'static str, String)>,
    warnings: Vec<String>,
    tables: Vec<Grid>,
    drawings: Vec<Drawing>,
    files: Vec<&'static str>,
}

/// A table of the page.
struct Grid {
    title: &'static str,
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// Draws the figures and writes the page.
pub fn draw(
    folder: &Folder,
    config: &Config,
    survey: &Survey,
    data: &Data,
    tables: &Tables,
    warnings: &[String],
) -> Result<()> {
    let mut drawings = Vec::new();
    for figure in figures::draw(tables) {
        let svg = figure.to_svg();
        folder.write(format!("{}.svg", figure.name), &svg)?;
        drawings.push(Drawing::new(&svg, figure.caption));
    }
    let models: Vec<Model> = tables.rows();
    let summary: Vec<Summary> = tables.rows();
    let settings = &config.settings;
    let page = Page {
        facts: vec![
            ("rows", survey.rows.to_string()),
            ("width", data.width().to_string()),
            ("trained on", format!("{} rows", data.trained_on())),
            ("measured on", format!("{} held-out rows", data.measured())),
            ("variant", settings.variant.to_string()),
            ("rows seen in training", settings.samples.to_string()),
        ],
        warnings: warnings.to_vec(),
        tables: vec![over_seeds(&models, &summary), one_by_one(&models)],
        drawings,
        files: SPECS.iter().map(|spec| spec.name).collect(),
    };
    folder.write(
        REPORT,
        page.render().expect("the page is written to memory"),
    )
}

/// Means of each cell over its seeds; empty if there is one seed.
fn over_seeds(models: &[Model], summary: &[Summary]) -> Grid {
    /// What it is called, its column, and how it is shown.
    type Shown = (&'static str, &'static str, fn(f64) -> String);
    const MEASURES: [Shown; 6] = [
        ("explained variance", "explained_variance", percent),
        ("L0", "l0", number),
        ("error a value (MSE)", "mse", number),
        ("cosine", "cosine", number),
        ("dead", "dead", percent),
        ("rare", "rare", percent),
    ];
    let mut head = vec!["models", "what", "seeds"];
    head.extend(MEASURES.map(|(title, _, _)| title));
    let several = summary.iter().any(|row| row.seeds > 1);
    let cells = models.iter().filter(|_| several).map(|m| &m.cell);
    let rows = cells.distinct().into_iter().map(|cell| {
        let of = |measure| summary::of(summary, cell, measure).expect("every measure");
        let first = of(MEASURES[0].1);
        let mut row = vec![
            cell.clone(),
            first.role.to_string(),
            first.seeds.to_string(),
        ];
        row.extend(MEASURES.map(|(_, measure, shown)| {
            let Summary {
                mean, low, high, ..
            } = of(measure);
            match (mean.is_nan(), low.is_nan()) {
                (true, _) => "–".into(),
                (_, true) => shown(*mean),
                _ => format!("{} ({} to {})", shown(*mean), shown(*low), shown(*high)),
            }
        }));
        row
    });
    Grid {
        title: "Means over seeds, with 95 % confidence intervals",
        head,
        rows: rows.collect(),
    }
}

/// Every model.
fn one_by_one(models: &[Model]) -> Grid {
    let known = |value: f64, shown: fn(f64) -> String| match value.is_nan() {
        true => "–".into(),
        false => shown(value),
    };
    let row = |m: &Model| {
        vec![
            m.model.clone(),
            m.role.to_string(),
            m.elements.to_string(),
            known(m.target_l0, number),
            percent(m.measures.explained_variance),
            number(m.measures.l0),
            number(m.measures.mse),
            known(m.measures.cosine, number),
            known(m.measures.dead, percent),
            known(m.measures.rare, percent),
        ]
    };
    Grid {
        title: "Models on held-out rows",
        head: vec![
            "model",
            "what",
            "elements",
            "target L0",
            "explained variance",
            "L0",
            "error a value (MSE)",
            "cosine",
            "dead",
            "rare",
        ],
        rows: models.iter().map(row).collect(),
    }
}
