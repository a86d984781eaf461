//! The figures of a training, from its tables.

use crate::figure::{Axis, Cross, Figure, Panel, Role};
use crate::stats::observations::Observations as _;
use crate::table::Tables;
use crate::workbench::settings::Role as Of;
use crate::workbench::summary;
use crate::workbench::tables::{Element, Model, Step, Summary};
use crate::workbench::truth::{Codes, Truth};

/// The largest number of models that have a line or a histogram of their own; of more, the first ones have.
const SHOWN: usize = 6;

/// Draws all figures of a training.
pub fn draw(tables: &Tables) -> Vec<Figure> {
    let all: Vec<Model> = tables.rows();
    let asked = all.iter().filter(|m| m.role == Of::Model);
    let models: Vec<Model> = asked.cloned().collect();
    let summary: Vec<Summary> = tables.rows();
    let mut figures = vec![curves(tables, &models)];
    if all.len() > 1 {
        figures.push(frontier(&all, &summary));
    }
    let truth: Vec<Truth> = tables.rows();
    if truth.iter().filter(|t| t.codes == Codes::Alone).count() > 1 {
        figures.push(features(&all, &summary, &truth));
    }
    let elements: Vec<Element> = tables.rows();
    figures.push(density(&elements, &models));
    figures.push(nearest(&elements, &models));
    figures
}

/// Returns the models that are shown one by one, each with its look: all, or of more than [`SHOWN`] the first seed of
/// the first settings.
fn shown(models: &[Model]) -> impl Iterator<Item = (Role, &Model)> {
    let is_first = |m: &&Model| {
        let same = models.iter().find(|first| first.cell == m.cell);
        models.len() <= SHOWN || same.is_some_and(|first| first.model == m.model)
    };
    let shown = models.iter().filter(is_first).take(SHOWN);
    shown
        .enumerate()
        .map(|(i, model)| (Role::Other(i as u8), model))
}

fn of_first(models: &[Model]) -> String {
    let (of, cells) = (
        models.len(),
        models.iter().map(|m| m.cell.as_str()).distinct(),
    );
    match (of, cells.len()) {
        (..=SHOWN, _) => String::new(),
        (_, cells) if cells == of => format!(" The first {SHOWN} of {of} models."),
        (_, cells) => {
            let shown = cells.min(SHOWN);
            format!(" One seed of {shown} of the {cells} settings, of {of} models in all.")
        }
    }
}

fn curves(tables: &Tables, models: &[Model]) -> Figure {
    let steps: Vec<Step> = tables.rows();
    let seen = || Axis::linear("rows seen (million)");
    let mut error = Panel::new("", seen(), Axis::log("squared error of a row, normalised"));
    let mut l0 = Panel::new("", seen(), Axis::log("active elements (L0)"));
    let mut lambda = Panel::new("", seen(), Axis::log("coefficient λ of the penalty"));
    let mut is_steered = false;
    for (role, model) in shown(models) {
        let name = model.model.as_str();
        let ours = || steps.iter().filter(|s| s.model == name);
        let x = |s: &Step| s.samples as f64 / 1e6;
        error = error.line(role, name, ours().map(|s| (x(s), s.reconstruction)));
        l0 = l0.line(role, name, ours().map(|s| (x(s), s.l0)));
        if model.target_l0.is_finite() {
            is_steered = true;
            lambda = lambda.line(role, name, ours().map(|s| (x(s), s.lambda)));
        }
    }
    let (besides, of_lambda) = match is_steered {
        true => (
            " λ is raised while more elements are active than its target_l0 says, and lowered while fewer are.",
            vec![lambda],
        ),
        false => ("", Vec::new()),
    };
    let caption = format!(
        "Training: squared error and active elements of the batch of a step against the rows seen before it.{besides}{}",
        of_first(models)
    );
    let figure = Figure::new("training", caption)
        .of::<Step>()
        .panel(error)
        .panel(l0);
    of_lambda.into_iter().fold(figure, Figure::panel)
}

/// A panel of a measure against L0: means over seeds with their intervals, and every model as a dot.
struct AgainstL0<'a> {
    /// The name of the measure on the axis.
    label: &'a str,
    /// The name of the measure in the summary.
    name: &'a str,
    /// The function that returns the measure of a model.
    of: &'a dyn Fn(&Model) -> f64,
}

impl AgainstL0<'_> {
    fn panel(&self, models: &[Model], summary: &[Summary]) -> Panel {
        let mut panel = Panel::new(
            "",
            Axis::log("active elements (L0)"),
            Axis::linear(self.label),
        );
        let sizes = |role: Of| {
            let of_role = models.iter().filter(move |m| m.role == role);
            of_role.map(|m| m.elements).levels()
        };
        let mut groups: Vec<(Role, String, Of, Option<usize>)> = Vec::new();
        for (look, n) in Role::steps(sizes(Of::Model)) {
            groups.push((look, format!("{n} elements"), Of::Model, Some(n)));
        }
        let of = groups.len();
        for (role, label) in [
            (Of::RandomDecoder, "random decoder"),
            (Of::RandomEncoder, "random encoder"),
        ] {
            let decoder = role == Of::RandomDecoder;
            for (index, n) in sizes(role).into_iter().enumerate() {
                // Where there are several sizes, each baseline has the colour of the models of its size.
                let (look, label) = match (of, decoder) {
                    (..2, true) => (Role::Other(1), label.to_string()),
                    (..2, false) => (Role::Other(2), label.to_string()),
                    (_, true) => (Role::Mirrored { index, of }, format!("{n}, {label}")),
                    (_, false) => (Role::Echoed { index, of }, format!("{n}, {label}")),
                };
                groups.push((look, label, role, Some(n)));
            }
        }
        let components = "principal components".to_string();
        groups.push((Role::Control, components, Of::Pca, None));
        for (look, label, role, elements) in groups {
            let ours = |of: Of, n: usize| of == role && elements.is_none_or(|size| size == n);
            let cells = summary.iter().filter(|row| ours(row.role, row.elements));
            let cells = cells.map(|row| row.cell.as_str()).distinct();
            let crosses = cells.into_iter().map(|cell| self.cross(summary, cell));
            let mut crosses: Vec<Cross> = crosses.collect();
            if crosses.is_empty() {
                continue;
            }
            crosses.sort_by(|a, b| a.at.0.total_cmp(&b.at.0));
            let dots = models.iter().filter(|m| ours(m.role, m.elements));
            let dots = dots.map(|m| (m.measures.l0, (self.of)(m)));
            panel = panel
                .line(look, &label, crosses.iter().map(|cross| cross.at))
                .scatter(look, &label, dots)
                .crosses(look, crosses);
        }
        panel
    }

    /// Returns the means and intervals of a cell.
    fn cross(&self, summary: &[Summary], cell: &str) -> Cross {
        let of = |measure: &str| {
            let row = summary::of(summary, cell, measure);
            row.map_or((f64::NAN, (f64::NAN, f64::NAN)), |row| {
                (row.mean, (row.low, row.high))
            })
        };
        let ((l0, x), (value, y)) = (of("l0"), of(self.name));
        let at = (l0, value);
        Cross { at, x, y }
    }
}

fn frontier(models: &[Model], summary: &[Summary]) -> Figure {
    let explained = AgainstL0 {
        label: "explained variance",
        name: "explained_variance",
        of: &|m| m.measures.explained_variance,
    };
    let caption = "Explained variance of the rows measured against the mean number of active elements: a dot a model, lines \
                   through means over seeds, with 95 % confidence intervals of both where there are several, cut off \
                   where they are far wider than the points are apart.";
    let panel = explained.panel(models, summary);
    Figure::new("frontier", caption)
        .of::<Model>()
        .of::<Summary>()
        .columns(1)
        .panel(panel)
}

/// Draws against L0 how well elements tell whether their features are on, and how near they come to them.
fn features(models: &[Model], summary: &[Summary], truth: &[Truth]) -> Figure {
    let held: Vec<Model> = models
        .iter()
        .filter(|m| m.role != Of::Pca)
        .cloned()
        .collect();
    let cells: Vec<Summary> = summary
        .iter()
        .filter(|row| row.role != Of::Pca)
        .cloned()
        .collect();
    let of = |model: &Model, measure: fn(&Truth) -> f64| {
        let mut alone = truth.iter().filter(|t| t.codes == Codes::Alone);
        let ours = alone.find(|t| t.model == model.model);
        ours.map_or(f64::NAN, measure)
    };
    let f1 = AgainstL0 {
        label: "F1",
        name: "f1",
        of: &|m| of(m, |t| t.f1),
    };
    let mcc = AgainstL0 {
        label: "MCC",
        name: "mcc",
        of: &|m| of(m, |t| t.mcc),
    };
    let caption = "Models against the features that the rows measured are made of, for codes that are found of each row alone. \
                   F1: whether an element is on where the feature of largest |cosine| is. MCC: mean |cosine| of elements and \
                   features, matched one to one. A dot a model, lines through means over seeds, with 95 % confidence \
                   intervals where there are several.";
    Figure::new("truth", caption)
        .of::<Truth>()
        .of::<Summary>()
        .panel(f1.panel(&held, &cells))
        .panel(mcc.panel(&held, &cells))
}

/// Returns `bins` bins of equal width between `from` and `to`, each with its ends and the share of the values in it.
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

/// Returns a histogram of the shares of elements by the power of ten of their frequency, from −6 to 0, dead elements in
/// the first bin.
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
            "Share of the elements by the share of the rows measured that switch them on, as a power of ten; those that no row \
             switches on stand in the first bin, at the left end.{}",
            of_first(models)
        ),
    )
    .of::<Element>();
    for (role, model) in shown(models) {
        let name = model.model.as_str();
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
    )
    .of::<Element>();
    for (role, model) in shown(models) {
        let name = model.model.as_str();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Line, Record as _};

    /// Returns a model in a cell of its own, with its measures at 0.
    fn model(role: Of, elements: usize) -> Model {
        let zeros = Model::SPEC.columns.iter().map(|column| match column.name {
            "role" => "model".to_string(),
            "variant" => "topk".into(),
            _ => "0".into(),
        });
        let name = format!("{role}-{elements}");
        Model {
            model: name.clone(),
            cell: name,
            role,
            elements,
            ..Model::parse(&Line::from(zeros.collect::<Vec<_>>())).unwrap()
        }
    }

    #[test]
    fn baselines_of_two_sizes_are_told_apart() {
        let shown = |sizes: &[usize]| {
            let roles = [Of::Model, Of::RandomDecoder, Of::RandomEncoder];
            let all = roles
                .iter()
                .flat_map(|&role| sizes.iter().map(move |&n| model(role, n)));
            let models: Vec<Model> = all.collect();
            let drawing = frontier(&models, &summary::summary(&models, &[])).drawing("");
            let entries = drawing.legend.into_iter().flat_map(|(_, entries)| entries);
            let entries = entries.map(|entry| (entry.label, entry.swatch.svg));
            entries.collect::<Vec<_>>()
        };
        assert_eq!(shown(&[8])[1].0, "random decoder");
        let both = shown(&[8, 12]);
        assert_eq!(both.len(), 6);
        for (i, a) in both.iter().enumerate() {
            assert!(
                both[..i].iter().all(|b| a.0 != b.0 && a.1 != b.1),
                "{}",
                a.0
            );
        }
    }

    #[test]
    fn elements_that_no_row_switches_on_stand_in_the_first_bin_alone() {
        let bins = log_histogram([0.0, 1e-9, 0.5, 0.5].into_iter());
        let shares: Vec<f64> = bins
            .iter()
            .map(|bin| bin.2)
            .filter(|&share| share > 0.0)
            .collect();
        assert_eq!((bins[0].2, bins[1].2), (0.25, 0.25));
        assert_eq!(shares, [0.25, 0.25, 0.5]);
    }
}
