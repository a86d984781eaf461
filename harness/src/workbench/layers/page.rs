//! The report of all layers.

use super::figures;
use super::tables::{Layer, LayerModel, Probe, SPECS};
use crate::error::Result;
use crate::figure::export::Export;
use crate::store::folder::Folder;
use crate::table::{Record as _, Tables};
use crate::workbench::config::Config;
use crate::workbench::data::Data;
use crate::workbench::page::{Grid, Page, drawings, one_by_one, rows_seen};
use crate::workbench::tables::Model;

/// Draws the figures and writes the page; `compared` is the number of rows on which elements were compared.
pub fn draw(
    (folder, export): (&Folder, &Export),
    config: &Config,
    (data, compared): (&Data, usize),
    tables: &Tables,
    findings: &[String],
    warnings: Vec<String>,
) -> Result<()> {
    let models = tables.rows::<LayerModel>().into_iter();
    let models: Vec<Model> = models.map(|m| m.model).collect();
    let layers: Vec<Layer> = tables.rows();
    let same_from = config
        .across
        .as_ref()
        .map_or(0.0, |across| across.same_from());
    let probes: Vec<Probe> = tables.rows();
    let files = SPECS.iter().map(|spec| spec.name);
    let page = Page {
        title: "Sparse autoencoders from layer to layer",
        facts: vec![
            ("layers", layers.len().to_string()),
            ("rows", data.rows().len().to_string()),
            ("width", data.width().to_string()),
            ("rows for training", data.trained_on().to_string()),
            ("rows seen in training", rows_seen(data, &config.settings)),
            ("measured on", data.measured_on()),
            ("compared on", format!("{compared} of them")),
            ("variant", config.settings.variant.to_string()),
        ],
        findings: findings.to_vec(),
        warnings,
        tables: vec![listed(&layers), one_by_one(&models)],
        with_features: false,
        drawings: drawings(folder, export, figures::draw(tables, same_from))?,
        cards: Vec::new(),
        cards_of: String::new(),
        files: files
            .filter(|name| !probes.is_empty() || *name != Probe::SPEC.name)
            .collect(),
    };
    page.write(folder)
}

/// Returns the table of all layers with their files.
fn listed(layers: &[Layer]) -> Grid {
    let row = |layer: &Layer| vec![layer.layer.clone(), layer.file.clone(), layer.model.clone()];
    Grid {
        title: "Layers, from the first to the last",
        head: vec!["layer", "file", "model that is compared"],
        rows: layers.iter().map(row).collect(),
    }
}
