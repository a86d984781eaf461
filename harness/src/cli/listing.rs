//! The list of experiments for the terminal.

use textwrap::wrap;

use crate::error::Result;
use crate::experiment::erased::Erased;
use crate::experiment::registry::Registry;
use crate::settings::{Preset, Setting};
use crate::store::names;
use crate::text::put;

/// Returns the list of all experiments in short, or of the named ones in full.
///
/// # Errors
/// If there is no experiment of a name.
pub fn list(registry: &Registry, names: &[String]) -> Result<String> {
    let mut text = String::new();
    if names.is_empty() {
        for experiment in registry.experiments() {
            describe(&mut text, experiment);
            text.push('\n');
        }
        text.push_str(
            "`harness list EXPERIMENT` shows the settings and the criteria, `harness profile EXPERIMENT` \
             where its time goes.\n",
        );
    }
    for name in names {
        let experiment = registry.get(name)?;
        describe(&mut text, experiment);
        describe_settings(&mut text, experiment);
        text.push('\n');
    }
    Ok(text)
}

fn describe(text: &mut String, e: &dyn Erased) {
    put(text, format_args!("{}: {}\n", e.id(), e.about().title));
    if !e.about().needs.is_empty() {
        put(
            text,
            format_args!("  needs   {}\n", e.about().needs.join(", ")),
        );
    }
    for claim in e.about().claims {
        put(text, format_args!("  claim   {}\n", claim.id));
        for line in wrap(claim.statement, 80) {
            put(text, format_args!("            {line}\n"));
        }
    }
    let tables = e
        .about()
        .tables
        .iter()
        .map(|t| format!("{}/{}.csv", e.id(), t.name));
    let figures = e
        .about()
        .figures
        .iter()
        .map(|f| format!("{}/{f}.svg", e.id()));
    for file in tables
        .chain([format!("{}/{}", e.id(), names::MEASURES)])
        .chain(figures)
    {
        put(text, format_args!("  writes  {file}\n"));
    }
}

fn describe_settings(text: &mut String, e: &dyn Erased) {
    text.push('\n');
    for line in wrap(e.about().summary, 90) {
        put(text, format_args!("  {line}\n"));
    }
    for claim in e.about().claims {
        put(text, format_args!("\n  {}\n", claim.id));
        for (name, words) in [("criterion", claim.criterion), ("control", claim.control)] {
            for (i, line) in wrap(words, 76).iter().enumerate() {
                let name = if i == 0 { name } else { "" };
                put(text, format_args!("    {name:<10} {line}\n"));
            }
        }
    }
    put(
        text,
        format_args!("\n  settings (--set {}.KEY=VALUE)\n", e.id()),
    );
    let presets = Preset::ALL.map(|preset| {
        let bound = e.bind(preset);
        (bound.settings().list(), bound.settings().ranges())
    });
    for (i, Setting { key, about, .. }) in presets[0].0.iter().enumerate() {
        for (i, line) in wrap(about, 70).iter().enumerate() {
            let key = if i == 0 { key } else { "" };
            put(text, format_args!("    {key:<23} {line}\n"));
        }
        let values = presets
            .each_ref()
            .map(|(settings, _)| format!("= {}", settings[i].value));
        put_by_preset(text, values);
        let ranges = presets.each_ref().map(|(_, ranges)| {
            let ours = ranges.iter().filter(|(k, _)| k == key);
            let words: Vec<_> = ours.map(|(_, words)| words.as_str()).collect();
            words.join("; ")
        });
        if !ranges[0].is_empty() {
            put_by_preset(text, ranges.map(|words| format!("must be {words}")));
        }
    }
}

/// Appends the texts for the presets, or a single one if they are all the same.
fn put_by_preset(text: &mut String, by_preset: [String; Preset::ALL.len()]) {
    let mut put_text = |words: &str| {
        for line in wrap(words, 70) {
            put(text, format_args!("    {:<23} {line}\n", ""));
        }
    };
    if by_preset.iter().all(|words| *words == by_preset[0]) {
        put_text(&by_preset[0]);
        return;
    }
    for (preset, words) in Preset::ALL.iter().zip(by_preset) {
        put_text(&format!("{words}  ({})", preset.name()));
    }
}
