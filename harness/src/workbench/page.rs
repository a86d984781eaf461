//! The report of a training. What it looks like stands in `templates/`.

use askama::Template;

use crate::activations::survey::Survey;
use crate::error::Result;
use crate::figure::Figure;
use crate::html::Drawing;
use crate::store::folder::Folder;
use crate::store::names::REPORT;
use crate::table::Tables;
use crate::text::{number, percent};
use crate::workbench::cards::{Card, Top};
use crate::workbench::config::Config;
use crate::workbench::data::Data;
use crate::workbench::figures;
use crate::workbench::tables::{Element, Model, SPECS};

#[derive(Template)]
#[template(path = "sae.html")]
pub(super) struct Page {
    /// The heading.
    pub title: &'static str,
    /// The size of what was done.
    pub facts: Vec<(&'static str, String)>,
    /// What was found, in sentences.
    pub findings: Vec<String>,
    /// What a reader should know before all else.
    pub warnings: Vec<String>,
    /// The head of the table of models.
    pub head: Vec<&'static str>,
    /// Its lines.
    pub models: Vec<Vec<String>>,
    /// The figures.
    pub drawings: Vec<Drawing>,
    /// Elements with their top rows.
    pub cards: Vec<Card>,
    /// The tables by name.
    pub files: Vec<&'static str>,
}

impl Page {
    /// Writes the page.
    pub fn write(&self, folder: &Folder) -> Result<()> {
        folder.write(
            REPORT,
            self.render().expect("the page is written to memory"),
        )
    }
}

/// Writes figures, each to its file, and returns them as a page shows them.
pub(super) fn drawings(folder: &Folder, figures: Vec<Figure>) -> Result<Vec<Drawing>> {
    let drawing = |figure: Figure| {
        let svg = figure.to_svg();
        folder.write(format!("{}.svg", figure.name), &svg)?;
        Ok(Drawing::new(&svg, figure.caption))
    };
    figures.into_iter().map(drawing).collect()
}

/// The head of a table of models, and the line of one.
pub(super) const HEAD: [&str; 9] = [
    "model",
    "elements",
    "seed",
    "explained variance",
    "L0",
    "error a value (MSE)",
    "cosine",
    "dead",
    "rare",
];

/// See [`HEAD`].
pub(super) fn line(m: &Model) -> Vec<String> {
    vec![
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
}

/// Draws the figures and writes the page.
pub fn draw(
    folder: &Folder,
    config: &Config,
    survey: &Survey,
    data: &Data,
    tables: &Tables,
) -> Result<()> {
    let drawings = drawings(folder, figures::draw(tables))?;
    let models: Vec<Model> = tables.rows();
    let settings = &config.settings;
    let page = Page {
        title: "Sparse autoencoders on activations",
        findings: Vec::new(),
        facts: vec![
            ("rows", survey.rows.to_string()),
            ("width", data.width().to_string()),
            ("trained on", format!("{} rows", data.trained_on())),
            ("measured on", format!("{} held-out rows", data.measured())),
            ("variant", settings.variant.to_string()),
            ("rows seen in training", settings.samples.to_string()),
        ],
        warnings: warnings(survey, &models),
        head: HEAD.to_vec(),
        models: models.iter().map(line).collect(),
        drawings,
        cards: cards(data, tables),
        files: SPECS.iter().map(|spec| spec.name).collect(),
    };
    page.write(folder)
}

/// The elements whose top rows are in the table, in the order in which they stand there.
fn cards(data: &Data, tables: &Tables) -> Vec<Card> {
    let tops: Vec<Top> = tables.rows();
    let elements: Vec<Element> = tables.rows();
    let each = tops.chunk_by(|a, b| a.element == b.element).map(|ours| {
        let number_of = ours[0].element;
        let mut card = Card::new(number_of, ours, data.rows());
        // The first of this number is that of the first model.
        let element = elements.iter().find(|e| e.element == number_of);
        if let Some(element) = element {
            card.facts = vec![
                format!("{} of the rows", percent(element.frequency)),
                format!("largest {}", number(ours[0].activation)),
            ];
        }
        card
    });
    each.collect()
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
