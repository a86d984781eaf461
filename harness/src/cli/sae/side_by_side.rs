//! The measures of several models for a terminal: in one table, or in as few as fit its width.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, LineStyle, Table};

use crate::text::{number, percent};
use crate::workbench::tables::Evaluation;

/// Returns the measures of all models as text: a column for each model if all fit side by side into `width`, else a
/// line for each model, whose columns stand in several tables if they have to.
pub fn side_by_side(models: &[Evaluation], width: usize) -> String {
    let measured = MEASURES.iter();
    let by_measure = Shown {
        head: models.iter().map(|m| m.model.clone()).collect(),
        lines: measured
            .map(|(name, cell)| (name.to_string(), models.iter().map(cell).collect()))
            .collect(),
    };
    let by_model = Shown {
        head: MEASURES
            .iter()
            .map(|(name, _)| wrapped(name.trim_start()))
            .collect(),
        lines: models
            .iter()
            .map(|m| {
                (
                    m.model.clone(),
                    MEASURES.iter().map(|(_, cell)| cell(m)).collect(),
                )
            })
            .collect(),
    };
    let (columns, lines) = (by_measure.tables(width), by_model.tables(width));
    let shown = match columns.len() <= lines.len() {
        true => columns,
        false => lines,
    };
    shown.join("\n")
}

/// Returns a label broken into lines of two short words, or of one long one.
fn wrapped(label: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in label.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < 10 => {
                *line += " ";
                *line += word;
            }
            _ => lines.push(word.into()),
        }
    }
    lines.join("\n")
}

/// A table of numbers, with a name above each column and one before each line.
struct Shown {
    head: Vec<String>,
    lines: Vec<(String, Vec<String>)>,
}

impl Shown {
    /// Returns as many tables as it takes for none to be wider than `width`, each with as many columns as there is room
    /// for.
    fn tables(&self, width: usize) -> Vec<String> {
        /// The number of spaces between two columns.
        const GAP: usize = 2;
        let wide = |text: &str| text.lines().map(|line| line.chars().count()).max();
        let widest = |texts: &mut dyn Iterator<Item = &String>| {
            texts.filter_map(|text| wide(text)).max().unwrap_or(0) + GAP
        };
        let names = widest(&mut self.lines.iter().map(|(name, _)| name));
        let mut columns: Vec<Vec<usize>> = Vec::new();
        let mut room = 0;
        for (i, title) in self.head.iter().enumerate() {
            let cells = self.lines.iter().map(|(_, cells)| &cells[i]);
            let needed = widest(&mut cells.chain([title]));
            match columns.last_mut() {
                Some(columns) if needed <= room => columns.push(i),
                _ => {
                    columns.push(vec![i]);
                    room = (width + GAP).saturating_sub(names);
                }
            }
            room = room.saturating_sub(needed);
        }
        columns.iter().map(|columns| self.table(columns)).collect()
    }

    /// Returns the table of some columns.
    fn table(&self, columns: &[usize]) -> String {
        let mut grid = Table::new();
        let titles = columns.iter().map(|&i| self.head[i].clone());
        grid.load_style(NOTHING.header_separator(LineStyle::none().fill('─')))
            .set_header(std::iter::once(String::new()).chain(titles));
        for (name, cells) in &self.lines {
            let cells = columns.iter().map(|&i| cells[i].clone());
            grid.add_row(std::iter::once(name.clone()).chain(cells));
        }
        for (i, column) in grid.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            if i > 0 {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        grid.trim_fmt() + "\n"
    }
}

/// A measure that is shown: its name, and the function that returns the cell of a model.
type Measure = (&'static str, fn(&Evaluation) -> String);

/// The measures that are shown, in their order.
const MEASURES: [Measure; 15] = [
    ("variant", |m| m.variant.clone()),
    ("elements", |m| m.elements.to_string()),
    ("k or λ (raw activations)", |m| known(m.sparsity, number)),
    ("rows", |m| m.measures.rows.to_string()),
    ("explained variance", |m| {
        percent(m.measures.explained_variance)
    }),
    ("  explained by row", |m| {
        match m.measures.explained_variance_by_row.is_finite() {
            true => percent(m.measures.explained_variance_by_row),
            false => "not measured".into(),
        }
    }),
    ("squared error", |m| number(m.measures.mse)),
    ("L0", |m| known(m.measures.l0, number)),
    ("L1", |m| number(m.measures.l1)),
    ("cosine with x", |m| number(m.measures.cosine)),
    ("shrinkage ‖x̂‖/‖x‖", |m| {
        number(m.measures.shrinkage)
    }),
    ("dead elements", |m| known(m.measures.dead, percent)),
    ("rare elements", |m| percent(m.measures.rare)),
    ("nearest cosine", |m| number(m.measures.nearest)),
    ("loss above best codes", |m| known(m.excess_loss, percent)),
];

fn known(value: f64, shown: fn(f64) -> String) -> String {
    match value.is_nan() {
        true => "–".into(),
        false => shown(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Line, Record as _};

    fn models(count: usize) -> Vec<Evaluation> {
        let zeros = Evaluation::SPEC.columns.iter().map(|_| "0".into());
        let line = Line::from(zeros.collect::<Vec<String>>());
        let model = Evaluation::parse(&line).unwrap();
        let named = (0..count).map(|i| Evaluation {
            model: format!("model-with-a-name-{i}"),
            ..model.clone()
        });
        named.collect()
    }

    #[test]
    fn every_model_is_shown_in_any_width() {
        let models = models(5);
        for width in [30, 80, 120, 300] {
            let text = side_by_side(&models, width);
            for model in &models {
                assert!(text.contains(&model.model), "{width}:\n{text}");
            }
            let widest = text.lines().map(|l| l.chars().count()).max().unwrap();
            assert!(widest <= width.max(50), "{widest} in {width}:\n{text}");
        }
    }

    #[test]
    fn many_models_have_a_line_each_and_few_a_column_each() {
        // Lines that name a model: one for each in a single table, and no more than two tables where there is less
        // room.
        let lines = |count: usize, width: usize| {
            let text = side_by_side(&models(count), width);
            let each = text
                .lines()
                .filter(|line| line.starts_with("model-with-a-name"));
            each.count()
        };
        assert_eq!(lines(17, 200), 17);
        assert_eq!(lines(17, 100), 2 * 17);
        assert_eq!(lines(2, 100), 0);
    }
}
