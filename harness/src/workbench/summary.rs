//! Every measure of every cell of a sweep, over its seeds.

use crate::stats::observations::Observations as _;
use crate::stats::{interval, mean};
use crate::table::Record;
use crate::workbench::tables::{Measures, Model, Summary};
use crate::workbench::truth::{Codes, Truth};

/// The name of a measure of a model against known features, and the function that reads it.
type OfTruth = (&'static str, fn(&Truth) -> f64);

/// The measures that known features alone give.
const OF_TRUTH: [OfTruth; 5] = [
    ("mcc", |t| t.mcc),
    ("precision", |t| t.precision),
    ("recall", |t| t.recall),
    ("f1", |t| t.f1),
    ("uniqueness", |t| t.uniqueness),
];

/// The measures of codes that are chosen together, which stand in the place of those that [`Measures`] has of the model
/// as it is used.
const OF_TOGETHER: [OfTruth; 4] = [
    ("explained_variance", |t| t.explained_variance),
    ("l0", |t| t.l0),
    ("dead", |t| t.dead),
    ("shrinkage", |t| t.shrinkage),
];

/// Returns the rows of the table, in the order in which the cells first come; `truth` holds the measures of the models
/// against known features, if there are any.
pub fn summary(models: &[Model], truth: &[Truth]) -> Vec<Summary> {
    let mut all = Vec::new();
    for cell in models.iter().map(|m| &m.cell).distinct() {
        let ours: Vec<&Model> = models.iter().filter(|m| m.cell == *cell).collect();
        let row = |measure: String, values: Vec<f64>| {
            let (low, high) = interval::of_mean(&values).unwrap_or((f64::NAN, f64::NAN));
            Summary {
                cell: cell.clone(),
                role: ours[0].role,
                elements: ours[0].elements,
                measure,
                seeds: values.len(),
                mean: mean(&values),
                low,
                high,
            }
        };
        let fields: Vec<Vec<String>> = ours.iter().map(|m| m.measures.fields()).collect();
        for (place, column) in Measures::SPEC.columns.iter().enumerate() {
            let number = |fields: &Vec<String>| fields[place].parse().expect("a measure");
            if column.name != "rows" {
                all.push(row(column.name.into(), fields.iter().map(number).collect()));
            }
        }
        let known = truth.iter();
        let known = known.filter(|t| ours.iter().any(|m| m.model == t.model));
        let known: Vec<&Truth> = known.collect();
        for codes in known.iter().map(|t| t.codes).distinct() {
            let (suffix, of_codes) = match codes {
                Codes::Alone => ("", &[][..]),
                Codes::Together => ("_together", &OF_TOGETHER[..]),
            };
            for (name, measure) in OF_TRUTH.iter().chain(of_codes) {
                let values = known.iter().filter(|t| t.codes == codes);
                let values = values.map(|t| measure(t)).collect();
                all.push(row(format!("{name}{suffix}"), values));
            }
        }
    }
    all
}

/// Returns the row of a measure of a cell, if there is one.
pub fn of<'a>(summary: &'a [Summary], cell: &str, measure: &str) -> Option<&'a Summary> {
    summary
        .iter()
        .find(|row| row.cell == cell && row.measure == measure)
}
