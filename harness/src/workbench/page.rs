//! The report of a training; its layout stands in `templates/`.

use askama::Template;

use crate::activations::survey::Survey;
use crate::error::Result;
use crate::figure::Figure;
use crate::figure::export::Export;
use crate::html::Drawing;
use crate::stats::observations::Observations as _;
use crate::store::folder::Folder;
use crate::store::names::REPORT;
use crate::table::{Record as _, Tables};
use crate::text::{counted, number, percent, percents};
use crate::workbench::cards::{Card, Top};
use crate::workbench::config::Config;
use crate::workbench::data::Data;
use crate::workbench::figures;
use crate::workbench::member::plan;
use crate::workbench::settings::Settings;
use crate::workbench::summary;
use crate::workbench::tables::{Element, Model, SPECS, Summary};
use crate::workbench::truth::{Codes, Truth};

#[derive(Template)]
#[template(path = "sae.html")]
pub(super) struct Page {
    /// The heading of the page.
    pub title: &'static str,
    /// The size of the training: names and values.
    pub facts: Vec<(&'static str, String)>,
    /// The findings, in sentences.
    pub findings: Vec<String>,
    /// The warnings: what a reader should know before all else.
    pub warnings: Vec<String>,
    /// The tables of models.
    pub tables: Vec<Grid>,
    /// Whether models are compared with true features.
    pub with_features: bool,
    /// The figures of the page.
    pub drawings: Vec<Drawing>,
    /// The cards of some elements, with their top rows.
    pub cards: Vec<Card>,
    /// The name of the model that the elements of the [`cards`](Self::cards) belong to.
    pub cards_of: String,
    /// The names of the tables.
    pub files: Vec<&'static str>,
}

impl Page {
    /// Writes the page to a folder.
    pub fn write(&self, folder: &Folder) -> Result<()> {
        folder.write(
            REPORT,
            self.render().expect("the page is written to memory"),
        )
    }
}

/// Writes figures, each to its file, and returns them as a page shows them.
pub(super) fn drawings(
    folder: &Folder,
    export: &Export,
    figures: Vec<Figure>,
) -> Result<Vec<Drawing>> {
    let drawing = |figure: Figure| {
        let svg = figure.to_svg();
        let name = format!("{}.svg", figure.name);
        folder.write_with(&name, &svg, export.made_of(&name, &svg)?)?;
        Ok(figure.drawing(""))
    };
    figures.into_iter().map(drawing).collect()
}

/// A table of the page.
pub(super) struct Grid {
    /// The title above the table.
    pub title: &'static str,
    /// The titles of the columns.
    pub head: Vec<&'static str>,
    /// The lines of the table.
    pub rows: Vec<Vec<String>>,
}

/// Draws the figures and writes the page.
pub fn draw(
    (folder, export): (&Folder, &Export),
    config: &Config,
    survey: &Survey,
    data: &Data,
    tables: &Tables,
    warnings: &[String],
) -> Result<()> {
    let drawings = drawings(folder, export, figures::draw(tables))?;
    let models: Vec<Model> = tables.rows();
    let summary: Vec<Summary> = tables.rows();
    let truth: Vec<Truth> = tables.rows();
    let files = SPECS.iter().map(|spec| spec.name);
    let settings = &config.settings;
    let (rows, trained_on) = match data.rows().spec() {
        Some(_) => {
            let name = data.rows().title();
            (
                format!("drawn from {name}"),
                "new ones in every batch".into(),
            )
        }
        None => (survey.rows.to_string(), data.trained_on().to_string()),
    };
    let page = Page {
        title: "Sparse autoencoders on activations",
        findings: Vec::new(),
        facts: vec![
            ("rows", rows),
            ("width", data.width().to_string()),
            ("rows for training", trained_on),
            ("measured on", data.measured_on()),
            ("variant", settings.variant.to_string()),
            ("rows seen in training", rows_seen(data, settings)),
        ],
        warnings: warnings.to_vec(),
        tables: vec![
            over_seeds(&models, &summary),
            one_by_one(&models),
            against_features(&truth),
        ],
        with_features: !truth.is_empty(),
        drawings,
        cards: cards(data, tables),
        cards_of: models.first().map_or(String::new(), |m| m.model.clone()),
        files: files
            .filter(|name| !truth.is_empty() || *name != Truth::SPEC.name)
            .collect(),
    };
    page.write(folder)
}

/// Returns the cards of the elements whose top rows are in the table, in its order.
fn cards(data: &Data, tables: &Tables) -> Vec<Card> {
    let tops: Vec<Top> = tables.rows();
    let elements: Vec<Element> = tables.rows();
    let each = tops.chunk_by(|a, b| a.element == b.element).map(|ours| {
        let number_of = ours[0].element;
        let mut card = Card::new(number_of, ours, data.measured_rows());
        // The first element with this number is that of the first model.
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

/// Returns in words how many rows each model has seen; rows of later passes count again.
pub(super) fn rows_seen(data: &Data, settings: &Settings) -> String {
    let plan = plan(settings);
    let seen = plan.rows();
    let passes = match data.rows().spec() {
        Some(_) => String::new(),
        None => {
            let passes = seen as f64 / data.trained_on() as f64;
            format!(", {} passes", number(passes))
        }
    };
    let steps = counted(plan.steps, "batch", "batches");
    format!("{seen} ({steps} of {}{passes})", plan.batch)
}

/// Returns the table of the means of each cell over its seeds; empty if there is one seed.
fn over_seeds(models: &[Model], summary: &[Summary]) -> Grid {
    /// A measure: its title, its column, and the function that writes a mean and its interval.
    type Shown = (&'static str, &'static str, fn([f64; 3]) -> [String; 3]);
    const MEASURES: [Shown; 6] = [
        ("explained variance", "explained_variance", percents),
        ("L0", "l0", |v| v.map(number)),
        ("error a value (MSE)", "mse", |v| v.map(number)),
        ("cosine", "cosine", |v| v.map(number)),
        ("dead", "dead", percents),
        ("rare", "rare", percents),
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
            let [middle, from, to] = shown([*mean, *low, *high]);
            match (mean.is_nan(), low.is_nan()) {
                (true, _) => "–".into(),
                (_, true) => middle,
                _ => format!("{middle} ({from} to {to})"),
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

/// Returns the table of all models.
pub(super) fn one_by_one(models: &[Model]) -> Grid {
    let known = |value: f64, shown: fn(f64) -> String| match value.is_nan() {
        true => "–".into(),
        false => shown(value),
    };
    let row = |m: &Model| {
        vec![
            m.model.clone(),
            m.role.to_string(),
            m.elements.to_string(),
            known(m.sparsity, number),
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
        title: "Models on rows that they were not trained on",
        head: vec![
            "model",
            "what",
            "elements",
            "k or λ",
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

/// Returns the table of all models against the features that their rows are made of; empty if these are not known.
fn against_features(truth: &[Truth]) -> Grid {
    let row = |t: &Truth| {
        let codes = match t.codes {
            Codes::Alone => "each row alone",
            Codes::Together => "1,024 rows together",
        };
        vec![
            t.model.clone(),
            codes.into(),
            number(t.f1),
            number(t.mcc),
            number(t.precision),
            number(t.recall),
            number(t.uniqueness),
            number(t.l0),
        ]
    };
    Grid {
        title: "Models against the true features",
        head: vec![
            "model",
            "codes found of",
            "F1",
            "MCC",
            "precision",
            "recall",
            "uniqueness",
            "L0",
        ],
        rows: truth.iter().map(row).collect(),
    }
}
