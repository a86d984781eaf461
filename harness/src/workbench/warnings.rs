//! What a reader should know of the data and the models before the figures.

use crate::activations::survey::Survey;
use crate::stats::mean;
use crate::stats::observations::Observations as _;
use crate::table::record::Word as _;
use crate::text::{number, percent};
use crate::workbench::settings::Role;
use crate::workbench::tables::Model;

/// The share by which a number of active elements may miss its target without a warning, and by which that of a baseline
/// may be above a model's to count as no more.
const TOLERANCE: f64 = 0.1;

/// What a reader should know of the data and the models before the figures.
pub fn warnings(survey: &Survey, models: &[Model]) -> Vec<String> {
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
    let asked = || models.iter().filter(|m| m.role == Role::Model);
    let missed = asked().filter(|m| (m.measures.l0 / m.target_l0 - 1.0).abs() > TOLERANCE);
    warnings.extend(missed.map(|m| {
        format!(
            "{} has {} active elements a row, and {} was the target (within {}); try more rows, or another lambda to start \
             from.",
            m.model,
            number(m.measures.l0),
            number(m.target_l0),
            percent(TOLERANCE)
        )
    }));
    warnings.extend(unbeaten(models));
    let dead = asked().filter(|m| m.measures.dead > 0.3);
    warnings.extend(dead.map(|m| {
        format!(
            "{} of the elements of {} are dead; try fewer elements, more rows or a lower learning rate.",
            percent(m.measures.dead),
            m.model
        )
    }));
    warnings
}

/// The cells of models that explain no more than a baseline which has no more active elements, over their seeds.
fn unbeaten(models: &[Model]) -> Vec<String> {
    let mut all = Vec::new();
    let asked = models.iter().filter(|m| m.role == Role::Model);
    for cell in asked.map(|m| &m.cell).distinct() {
        let of = |cell: &str, role: Role| -> Vec<&Model> {
            let ours = models.iter().filter(|m| m.role == role && m.cell == cell);
            ours.collect()
        };
        let ours = of(cell, Role::Model);
        let (explained, l0) = means(&ours);
        for (role, what) in [
            (Role::RandomDecoder, "the same with a random decoder"),
            (Role::RandomEncoder, "the same with a random encoder"),
            (Role::Pca, "as many principal components"),
        ] {
            let baseline = match role {
                Role::Pca => ours.iter().filter_map(|m| components(models, m)).collect(),
                role => of(&format!("{cell}-{}", role.word()), role),
            };
            let (theirs, their_l0) = means(&baseline);
            if theirs >= explained && their_l0 <= (1.0 + TOLERANCE) * l0 {
                all.push(format!(
                    "{cell} does not beat {what}: {} of the variance is explained by {} active elements a row, against {} by \
                     {}.",
                    percent(explained),
                    number(l0),
                    percent(theirs),
                    number(their_l0)
                ));
            }
        }
    }
    all
}

/// Means of explained variance and of active elements; no numbers for no models.
fn means(models: &[&Model]) -> (f64, f64) {
    let of =
        |measure: fn(&Model) -> f64| mean(&models.iter().map(|m| measure(m)).collect::<Vec<f64>>());
    (of(|m| m.measures.explained_variance), of(|m| m.measures.l0))
}

/// The principal components that a model is held against: as many as it has active elements.
fn components<'a>(models: &'a [Model], model: &Model) -> Option<&'a Model> {
    let of_pca = models.iter().filter(|m| m.role == Role::Pca);
    let apart = |m: &&Model| (m.measures.l0 - model.measures.l0).abs();
    of_pca.min_by(|a, b| apart(a).total_cmp(&apart(b)))
}
