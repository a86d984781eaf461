//! The report of a training. What it looks like stands in `templates/`.

use askama::Template;

use crate::activations::survey::Survey;
use crate::error::Result;
use crate::html::Drawing;
use crate::store::folder::Folder;
use crate::store::names::REPORT;
use crate::table::Tables;
use crate::text::{number, percent};
use crate::workbench::config::Config;
use crate::workbench::data::Data;
use crate::workbench::figures;
use crate::workbench::tables::{Model, SPECS};

#[derive(Template)]
#[template(path = "sae.html")]
struct Page {
    facts: Vec<(&'static str, String)>,
    warnings: Vec<String>,
    head: [&'static str; 9],
    models: Vec<[String; 9]>,
    drawings: Vec<Drawing>,
    files: Vec<&'static str>,
}

/// Draws the figures and writes the page.
pub fn draw(
    folder: &Folder,
    config: &Config,
    survey: &Survey,
    data: &Data,
    tables: &Tables,
) -> Result<()> {
    let mut drawings = Vec::new();
    for figure in figures::draw(tables) {
        let svg = figure.to_svg();
        folder.write(format!("{}.svg", figure.name), &svg)?;
        drawings.push(Drawing::new(&svg, figure.caption));
    }
    let models: Vec<Model> = tables.rows();
    let settings = &config.settings;
    let (rows, trained_on) = match data.rows().spec() {
        Some(_) => {
            let name = data.rows().title();
            (
                format!("drawn from {name}"),
                "new rows in every batch".into(),
            )
        }
        None => (
            survey.rows.to_string(),
            format!("{} rows", data.trained_on()),
        ),
    };
    let page = Page {
        facts: vec![
            ("rows", rows),
            ("width", data.width().to_string()),
            ("trained on", trained_on),
            ("measured on", format!("{} held-out rows", data.measured())),
            ("variant", settings.variant.to_string()),
            ("rows seen in training", settings.samples.to_string()),
        ],
        warnings: warnings(survey, &models),
        head: [
            "model",
            "elements",
            "seed",
            "explained variance",
            "L0",
            "error a value (MSE)",
            "cosine",
            "dead",
            "rare",
        ],
        models: models
            .iter()
            .map(|m| {
                [
                    m.model.clone(),
                    m.elements.to_string(),
                    m.seed.to_string(),
                    percent(m.measures.explained_variance),
                    number(m.measures.l0),
                    number(m.measures.mse),
                    number(m.measures.cosine),
                    percent(m.measures.dead),
                    percent(m.measures.rare),
                ]
            })
            .collect(),
        drawings,
        files: SPECS.iter().map(|spec| spec.name).collect(),
    };
    folder.write(
        REPORT,
        page.render().expect("the page is written to memory"),
    )
}

/// What a reader should know of the data and the models before the figures.
fn warnings(survey: &Survey, models: &[Model]) -> Vec<String> {
    let mut warnings = Vec::new();
    let columns = |chosen: Vec<usize>, what: &str| {
        let first: Vec<String> = chosen.iter().take(8).map(ToString::to_string).collect();
        let more = if chosen.len() > 8 { ", …" } else { "" };
        format!(
            "{} of {} columns {what}: {}{more}.",
            chosen.len(),
            survey.mean.len(),
            first.join(", ")
        )
    };
    let chosen = |keep: &dyn Fn(usize) -> bool| -> Vec<usize> {
        (0..survey.mean.len()).filter(|&j| keep(j)).collect()
    };
    if !survey.broken.is_empty() {
        warnings.push(format!(
            "{} of {} rows hold a NaN or an infinite value and are left out.",
            survey.broken.len(),
            survey.rows + survey.broken.len() as u64
        ));
    }
    let constant = chosen(&|j| survey.variance[j] == 0.0);
    if !constant.is_empty() {
        warnings.push(columns(constant, "have one value in all rows"));
    }
    let rms = |j: usize| (survey.variance[j] + survey.mean[j].powi(2)).sqrt();
    let all: Vec<f64> = (0..survey.mean.len()).map(rms).collect();
    let median = crate::stats::median(&all);
    let massive = chosen(&|j| rms(j) > 50.0 * median);
    if !massive.is_empty() {
        warnings.push(columns(
            massive,
            "are massive, with a root mean square above 50 times that of the median column",
        ));
    }
    let diverged = models.iter().filter(|m| m.end != "trained");
    warnings.extend(diverged.map(|m| format!("{} {}; try a lower learning rate.", m.model, m.end)));
    let dead = models.iter().filter(|m| m.measures.dead > 0.3);
    warnings.extend(dead.map(|m| {
        format!(
            "{} of the elements of {} are dead; try fewer elements, more rows or a lower learning rate.",
            percent(m.measures.dead),
            m.model
        )
    }));
    warnings
}
