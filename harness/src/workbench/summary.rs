//! Every measure of every cell of a sweep, over its seeds.

use crate::stats::observations::Observations as _;
use crate::stats::{interval, mean};
use crate::table::Record;
use crate::workbench::tables::{Measures, Model, Summary};

/// The rows of the table, in the order in which the cells first come.
pub fn summary(models: &[Model]) -> Vec<Summary> {
    let mut all = Vec::new();
    for cell in models.iter().map(|m| &m.cell).distinct() {
        let ours: Vec<&Model> = models.iter().filter(|m| m.cell == *cell).collect();
        let fields: Vec<Vec<String>> = ours.iter().map(|m| m.measures.fields()).collect();
        for (place, column) in Measures::SPEC.columns.iter().enumerate() {
            if column.name == "rows" {
                continue;
            }
            let number = |fields: &Vec<String>| fields[place].parse().expect("a measure");
            let values: Vec<f64> = fields.iter().map(number).collect();
            let (low, high) = interval::of_mean(&values).unwrap_or((f64::NAN, f64::NAN));
            all.push(Summary {
                cell: cell.clone(),
                role: ours[0].role,
                elements: ours[0].elements,
                measure: column.name.into(),
                seeds: values.len(),
                mean: mean(&values),
                low,
                high,
            });
        }
    }
    all
}

/// The row of a measure of a cell.
pub fn of<'a>(summary: &'a [Summary], cell: &str, measure: &str) -> Option<&'a Summary> {
    summary
        .iter()
        .find(|row| row.cell == cell && row.measure == measure)
}
