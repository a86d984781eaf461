//! What is printed of a training, whoever trained the models.

use crate::text::{number, percent, put};
use crate::workbench::settings::Role;
use crate::workbench::train::Finished;

/// What came out of a training: a line for each model, and notes.
pub fn said(finished: &Finished) -> String {
    let mut text = String::new();
    for m in &finished.models {
        let [explained, dead] = [m.measures.explained_variance, m.measures.dead].map(percent);
        let dead = match m.role {
            Role::Pca => String::new(),
            _ => format!(", {dead} of the elements dead"),
        };
        put(
            &mut text,
            format_args!(
                "{}: explained variance {explained}, L0 {}{dead}\n",
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
