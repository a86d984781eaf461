//! The warnings of a training: what a reader should know of the data and the models before the figures.

use crate::activations::survey::Survey;
use crate::sae::training::MOST;
use crate::stats::mean;
use crate::stats::observations::Observations as _;
use crate::table::record::Word as _;
use crate::text::{counted, number, percent, percents};
use crate::workbench::member::plan;
use crate::workbench::settings::{Role, Settings};
use crate::workbench::tables::Model;

/// The share by which a number of active elements may miss its target without a warning, and by which that of a
/// baseline may exceed a model's and still count as no more.
const TOLERANCE: f64 = 0.1;

/// The explained variance from which a model counts as better than the mean of the rows.
const SOMETHING: f64 = 0.01;

/// The number of steps below which a training counts as too short.
const FEW: u64 = 100;

/// Returns the warnings: what a reader should know of the data and the models before the figures.
pub fn warnings(survey: &Survey, settings: &Settings, models: &[Model]) -> Vec<String> {
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
    let useless = asked().filter(|m| m.end == "trained" && !explains(m));
    warnings.extend(useless.map(|m| {
        format!(
            "{} explains {} of the variance: it reconstructs rows no better than their mean does; try more rows, {}or \
             another learning rate.",
            m.model,
            percent(m.measures.explained_variance),
            if m.variant.has_k() { "" } else { "a smaller lambda " },
        )
    }));
    let start = settings.lambda[0];
    let bounds = [start / MOST, start * MOST];
    let at_bound = |m: &&Model| {
        bounds
            .iter()
            .any(|bound| (m.sparsity / bound - 1.0).abs() < 1e-3)
    };
    let bounded = asked().filter(|m| m.target_l0.is_finite()).filter(at_bound);
    warnings.extend(bounded.map(|m| {
        format!(
            "The λ of {} ended at its bound, {}: it is steered to at most {MOST} times and at least a {MOST}th of the \
             {} that it starts from; try more rows, or start from another lambda.",
            m.model,
            number(m.sparsity),
            number(start),
        )
    }));
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
            "{} of the elements of {} are dead; try a lower learning rate, more rows or fewer elements.",
            percent(m.measures.dead),
            m.model
        )
    }));
    warnings
}

/// Returns whether a model explains some of the variance, or there is none since all rows are equal.
fn explains(model: &Model) -> bool {
    let explained = model.measures.explained_variance;
    explained >= SOMETHING || explained.is_nan()
}

/// Returns a warning for a training of few steps.
pub fn few_steps(settings: &Settings) -> Option<String> {
    let plan = plan(settings);
    let less_than_one = match settings.samples < plan.batch as u64 {
        true => format!(", since samples is {}", settings.samples),
        false => String::new(),
    };
    (plan.steps < FEW).then(|| {
        format!(
            "Each model was trained for {} only, of {}{less_than_one}: too few to judge anything by; try more rows \
             (samples) or a smaller batch.",
            counted(plan.steps, "step", "steps"),
            counted(plan.batch as u64, "row", "rows"),
        )
    })
}

/// Returns warnings for the cells of models that explain no more than a baseline which has no more active elements, in
/// the mean over their seeds.
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
                let [explained, theirs] = percents([explained, theirs]);
                all.push(format!(
                    "{cell} does not beat {what}: {explained} of the variance is explained by {} active elements a \
                     row, against {theirs} by {}.",
                    number(l0),
                    number(their_l0)
                ));
            }
        }
    }
    all
}

/// Returns the means of explained variance and of active elements; NaN for no models.
fn means(models: &[&Model]) -> (f64, f64) {
    let of =
        |measure: fn(&Model) -> f64| mean(&models.iter().map(|m| measure(m)).collect::<Vec<f64>>());
    (of(|m| m.measures.explained_variance), of(|m| m.measures.l0))
}

/// Returns the principal components that a model is compared with: as many as it has active elements.
fn components<'a>(models: &'a [Model], model: &Model) -> Option<&'a Model> {
    let of_pca = models.iter().filter(|m| m.role == Role::Pca);
    let apart = |m: &&Model| (m.measures.l0 - model.measures.l0).abs();
    of_pca.min_by(|a, b| apart(a).total_cmp(&apart(b)))
}
