//! The log of criteria for the terminal.

use textwrap::wrap;

use crate::claim::criteria::{Criterion, history, is_after_a_look};
use crate::error::Result;
use crate::experiment::erased::Erased;
use crate::experiment::registry::Registry;
use crate::text::put;

/// Returns the criteria of the claims of all experiments, or of the named ones, with their changes.
///
/// # Errors
/// If there is no experiment of a name.
pub fn list(registry: &Registry, names: &[String]) -> Result<String> {
    let named = names.iter().map(|name| registry.get(name));
    let mut experiments: Vec<&dyn Erased> = named.collect::<Result<_>>()?;
    if names.is_empty() {
        experiments.extend(registry.experiments());
    }
    let mut text = String::new();
    for claim in experiments.iter().flat_map(|e| e.about().claims) {
        let look = match is_after_a_look(claim.id) {
            true => "; results had been seen before the criterion in force was first written",
            false => "",
        };
        put(
            &mut text,
            format_args!("{} ({}){look}\n", claim.id, claim.kind),
        );
        history(claim.id).for_each(|row| put_row(&mut text, row));
        text.push('\n');
    }
    Ok(text)
}

fn put_row(text: &mut String, row: &Criterion) {
    let look = match row.after_a_look {
        true => ", after a look at results",
        false => "",
    };
    put(text, format_args!("  {}{look}\n", row.date));
    for (name, words) in [
        ("criterion", &row.criterion),
        ("bounds", &row.bounds),
        ("reason", &row.reason),
    ] {
        for (i, line) in wrap(words, 90).iter().enumerate() {
            let name = if i == 0 { name } else { "" };
            put(text, format_args!("    {name:<10} {line}\n"));
        }
    }
}
