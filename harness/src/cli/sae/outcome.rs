//! The text that is printed of a training, whether one process or many trained the models.

use crate::text::{counted, number, percent, put};
use crate::workbench::settings::Role;
use crate::workbench::train::Finished;

/// Returns the results of a training in words: a line for each model, and notes.
pub fn said(finished: &Finished) -> String {
    let mut text = String::new();
    for m in &finished.models {
        let [explained, dead] = [m.measures.explained_variance, m.measures.dead].map(percent);
        let dead = match m.role {
            Role::Pca => String::new(),
            _ => format!(
                ", {dead} of the elements dead on {}",
                counted(m.measures.rows, "row", "rows")
            ),
        };
        let lambda = match m.target_l0.is_nan() {
            true => String::new(),
            false => format!(", λ {} for normalised activations", number(m.sparsity)),
        };
        put(
            &mut text,
            format_args!(
                "{}: explained variance {explained}, L0 {}{dead}{lambda}\n",
                m.model,
                number(m.measures.l0)
            ),
        );
    }
    for truth in &finished.truth {
        put(&mut text, format_args!("{truth}"));
    }
    for warning in &finished.warnings {
        put(&mut text, format_args!("note: {warning}\n"));
    }
    text
}
