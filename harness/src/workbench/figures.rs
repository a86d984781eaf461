//! The figures of a training, from its tables.

use crate::figure::{Axis, Figure, Panel, Role};
use crate::stats::median;
use crate::stats::observations::Observations as _;
use crate::table::Tables;
use crate::workbench::tables::{Element, Model, Step};

/// Most models that have a line or a histogram of their own; of more, these are the first.
const SHOWN: usize = 6;

/// All of them.
pub fn draw(tables: &Tables) -> Vec<Figure> {
    let models: Vec<Model> = tables.rows();
    let mut all = vec![curves(tables, &models)];
    if models.len() > 1 {
        all.push(frontier(&models));
    }
    let elements: Vec<Element> = tables.rows();
    all.push(density(&elements, &models));
    all.push(nearest(&elements, &models));
    all
}

/// The models that are shown one by one, each with its look.
fn shown(models: &[Model]) -> impl Iterator<Item = (Role, &str)> {
    let names = models.iter().take(SHOWN).map(|m| m.model.as_str());
    names
        .enumerate()
        .map(|(i, name)| (Role::Other(i as u8), name))
}

fn of_first(models: &[Model]) -> String {
    match models.len() {
        0..=SHOWN => String::new(),
        n => format!(" The first {SHOWN} of {n} models."),
    }
}

fn curves(tables: &Tables, models: &[Model]) -> Figure {
    let steps: Vec<Step> = tables.rows();
    let seen = || Axis::linear("rows seen (million)");
    let mut error = Panel::new("", seen(), Axis::log("squared error of a row, normalised"));
    let mut l0 = Panel::new("", seen(), Axis::log("active elements (L0)"));
    for (role, name) in shown(models) {
        let ours = || steps.iter().filter(|s| s.model == name);
        let x = |s: &Step| s.samples as f64 / 1e6;
        error = error.line(role, name, ours().map(|s| (x(s), s.reconstruction)));
        l0 = l0.line(role, name, ours().map(|s| (x(s), s.l0)));
    }
    let caption = format!(
        "Training: squared error and active elements of the batch of a step against the rows seen before it.{}",
        of_first(models)
    );
    Figure::new("training", caption).panel(error).panel(l0)
}

fn frontier(models: &[Model]) -> Figure {
    let mut panel = Panel::new(
        "",
        Axis::log("active elements (L0)"),
        Axis::linear("explained variance"),
    );
    for (role, n) in Role::steps(models.iter().map(|m| m.elements).distinct()) {
        let of_size = || models.iter().filter(|m| m.elements == n);
        let mut medians: Vec<(f64, f64)> = of_size()
            .map(|m| m.sparsity)
            .levels()
            .into_iter()
            .map(|sparsity| {
                let ours = || of_size().filter(|m| m.sparsity == sparsity);
                let of = |values: Vec<f64>| median(&values);
                let l0 = of(ours().map(|m| m.measures.l0).collect());
                (
                    l0,
                    of(ours().map(|m| m.measures.explained_variance).collect()),
                )
            })
            .collect();
        medians.sort_by(|a, b| a.0.total_cmp(&b.0));
        let label = format!("{n} elements");
        panel = panel.line(role, &label, medians).scatter(
            role,
            &label,
            of_size().map(|m| (m.measures.l0, m.measures.explained_variance)),
        );
    }
    let caption = "Explained variance of held-out rows against the mean number of active elements: a dot a model, lines through \
                   medians over seeds.";
    Figure::new("frontier", caption).columns(1).panel(panel)
}

/// The share of the values in each of some bins of equal width.
fn histogram(values: &[f64], from: f64, to: f64, bins: usize) -> Vec<(f64, f64, f64)> {
    let width = (to - from) / bins as f64;
    let mut counts = vec![0usize; bins];
    for &value in values.iter().filter(|v| v.is_finite()) {
        let bin = ((value - from) / width)
            .floor()
            .clamp(0.0, bins as f64 - 1.0);
        counts[bin as usize] += 1;
    }
    let place = |i: usize| from + i as f64 * width;
    let share = |n: usize| n as f64 / values.len().max(1) as f64;
    counts
        .into_iter()
        .enumerate()
        .map(|(i, n)| (place(i), place(i + 1), share(n)))
        .collect()
}

/// The share of the elements by the power of ten of their frequency, from −6 to 0, dead ones in the first bin.
pub fn log_histogram(frequencies: impl Iterator<Item = f64>) -> Vec<(f64, f64, f64)> {
    let log = |frequency: f64| match frequency > 0.0 {
        true => frequency.log10().max(-5.75),
        false => -6.0,
    };
    histogram(&frequencies.map(log).collect::<Vec<_>>(), -6.0, 0.0, 24)
}

fn density(elements: &[Element], models: &[Model]) -> Figure {
    let mut figure = Figure::new(
        "density",
        format!(
            "Share of the elements by the share of held-out rows that switch them on, as a power of ten; those that no row \
             switches on stand left of the dead line, in the first bin.{}",
            of_first(models)
        ),
    );
    for (role, name) in shown(models) {
        let ours = elements.iter().filter(|e| e.model == name);
        let bins = log_histogram(ours.map(|e| e.frequency));
        let panel = Panel::new(
            name,
            Axis::linear("log₁₀ of the share of rows").range(-6.0, 0.0),
            Axis::linear("share of the elements"),
        );
        figure = figure.panel(panel.bars(role, "", bins));
    }
    figure
}

fn nearest(elements: &[Element], models: &[Model]) -> Figure {
    let mut figure = Figure::new(
        "nearest",
        format!(
            "Share of the elements by their largest cosine with another element of the same dictionary.{}",
            of_first(models)
        ),
    );
    for (role, name) in shown(models) {
        let cosines: Vec<f64> = elements
            .iter()
            .filter(|e| e.model == name)
            .map(|e| e.nearest)
            .collect();
        let panel = Panel::new(
            name,
            Axis::linear("largest cosine with another").range(0.0, 1.0),
            Axis::linear("share of the elements"),
        );
        figure = figure.panel(panel.bars(role, "", histogram(&cosines, 0.0, 1.0, 40)));
    }
    figure
}
