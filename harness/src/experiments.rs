//! The registry of all experiments, by the sections of the post.

use crate::experiment::registry::Registry;

pub mod autoencoders;
pub mod many_layers;
pub mod one_layer;

/// The experiments, by the sections of the post.
pub static REGISTRY: Registry = Registry(&[
    one_layer::SECTION,
    many_layers::SECTION,
    autoencoders::SECTION,
]);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::experiment::Needs;
    use crate::settings::{Preset, Setting};
    use crate::table::{Table, Tables};

    #[test]
    fn names_are_unique_and_needs_come_first() {
        let mut seen = BTreeSet::new();
        let mut claims = BTreeSet::new();
        for e in REGISTRY.experiments() {
            assert!(
                e.about().needs.iter().all(|n| seen.contains(n)),
                "{} needs later ones",
                e.id()
            );
            assert!(seen.insert(e.id()), "{} twice", e.id());
            for claim in e.about().claims {
                assert!(claims.insert(claim.id), "{} twice", claim.id);
                assert!(!claim.conditions.is_empty());
                let measures: BTreeSet<_> = claim.conditions.iter().map(|c| c.measure).collect();
                assert_eq!(measures.len(), claim.conditions.len(), "{}", claim.id);
            }
            let tables: BTreeSet<_> = e.about().tables.iter().map(|t| t.name).collect();
            assert_eq!(tables.len(), e.about().tables.len(), "{}", e.id());
            assert!(
                !tables.contains("measures"),
                "{}: that name is the harness's",
                e.id()
            );
        }
    }

    /// A bound of 0 or 1 is exempt: a criterion says it in words, such as that something falls, is longer or stays
    /// within its rounding.
    #[test]
    fn the_number_of_every_bound_stands_in_its_criterion() {
        for claim in REGISTRY.experiments().flat_map(|e| e.about().claims) {
            for condition in &claim.conditions {
                let bound = condition.bound.value();
                assert!(
                    bound == 0.0 || bound == 1.0 || stands(bound, claim.criterion),
                    "{}: {} is not in its criterion",
                    claim.id,
                    condition.bound
                );
            }
        }
        assert!(
            !stands(0.9, "at least 0.95")
                && !stands(5.0, "0.5 or 50")
                && !stands(0.9, "≤ −0.9")
                && !stands(-0.1, "at least 0.1")
                && !stands(0.1, "lower by at least 0.2")
        );
    }

    /// Returns whether a number stands in a text: as it is, as a power of ten, in per cent, or as a half or another
    /// fraction; a negative one may also stand without its sign, where the text says that something is lower by it or
    /// that it is meant the other way.
    fn stands(number: f64, text: &str) -> bool {
        let sign = if number < 0.0 { "−" } else { "" };
        let size = number.abs();
        let forms = [
            format!("{sign}{size}"),
            format!("{sign}{size:e}"),
            format!("{sign}{} %", (100.0 * size).round()),
            format!("/{}", 1.0 / size),
        ];
        let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '−');
        let alone = |form: &String| {
            text.match_indices(form.as_str()).any(|(at, _)| {
                let (before, after) = (&text[..at], &text[at + form.len()..]);
                let goes_on = after
                    .strip_prefix('.')
                    .unwrap_or(after)
                    .starts_with(|c: char| c.is_ascii_digit());
                !before.ends_with(is_number) && !goes_on
            })
        };
        let in_words = number < 0.0
            && (text.contains(&format!("lower by at least {size}"))
                || text.contains(&format!("{size} the other way")));
        forms.iter().any(alone) || in_words || (number == 0.5 && text.contains("half"))
    }

    #[test]
    fn every_preset_is_in_range_and_every_setting_is_documented_and_survives_toml() {
        for e in REGISTRY.experiments() {
            for preset in Preset::ALL {
                let mut bound = e.bind(preset);
                bound.settings().check().unwrap();
                let settings = bound.settings().list();
                for Setting { key, about, value } in &settings {
                    assert!(about.len() > 5, "{}.{key}", e.id());
                    let written: toml::Table = format!("v = {value}").parse().unwrap();
                    bound.settings_mut().set(key, written["v"].clone()).unwrap();
                }
                assert_eq!(bound.settings().list(), settings, "{}", e.id());
                let all: Vec<_> = REGISTRY
                    .experiments()
                    .map(|e| (e.id(), e.bind(preset)))
                    .collect();
                let all = all.iter().map(|(id, bound)| (*id, bound.settings()));
                assert!(
                    bound.memory(&Needs(&all.collect()), 2) < 8e9,
                    "{} asks for a lot of memory",
                    e.id()
                );
            }
        }
    }

    #[test]
    fn every_number_and_every_list_has_a_range() {
        for e in REGISTRY.experiments() {
            for preset in Preset::ALL {
                let bound = e.bind(preset);
                let ranges = bound.settings().ranges();
                for Setting { key, value, .. } in bound.settings().list() {
                    let words = ranges.iter().filter(|(k, _)| *k == key);
                    let some = words
                        .map(|(_, words)| words.len() > 3)
                        .reduce(|a, b| a && b);
                    // A choice may have no range, which narrows it; every other setting has one.
                    let choice = value.is_bool() || value.is_str();
                    let range = some == Some(true) || choice && some.is_none();
                    assert!(range, "{}.{key}", e.id());
                }
            }
        }
    }

    #[test]
    fn empty_tables_are_drawn_under_the_names_declared() {
        for e in REGISTRY.experiments() {
            let tables = Tables::new(
                e.about()
                    .tables
                    .iter()
                    .map(|&spec| Table::new(spec))
                    .collect(),
            );
            let figures = e.figures(&tables);
            let names: Vec<_> = figures.iter().map(|f| f.name.clone()).collect();
            assert_eq!(names, e.about().figures, "{}", e.id());
            let declared = tables.iter().map(|table| table.spec().name);
            let declared: BTreeSet<_> = declared.collect();
            for figure in figures {
                let named: BTreeSet<_> = figure.tables.iter().copied().collect();
                assert!(named.is_subset(&declared), "{}", figure.name);
                // If there are several tables, a figure names those that it is drawn from.
                assert!(declared.len() == 1 || !named.is_empty(), "{}", figure.name);
            }
            e.findings(&tables, &Default::default());
        }
    }
}
