//! The registry. A new experiment is a module here and an entry in its section.

use crate::experiment::registry::Registry;

pub mod autoencoders;
pub mod many_layers;
pub mod one_layer;

/// Every experiment, by the sections of the post.
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
    use crate::settings::Preset;
    use crate::table::{Table, Tables};

    #[test]
    fn names_are_unique_and_needs_come_first() {
        let mut seen = BTreeSet::new();
        let mut claims = BTreeSet::new();
        for e in REGISTRY.experiments() {
            assert!(
                e.needs().iter().all(|n| seen.contains(n)),
                "{} needs later ones",
                e.id()
            );
            assert!(seen.insert(e.id()), "{} twice", e.id());
            for claim in e.claims() {
                assert!(claims.insert(claim.id), "{} twice", claim.id);
                assert!(!claim.conditions.is_empty());
                let measures: BTreeSet<_> = claim.conditions.iter().map(|c| c.measure).collect();
                assert_eq!(measures.len(), claim.conditions.len(), "{}", claim.id);
            }
            let tables: BTreeSet<_> = e.tables().iter().map(|t| t.name).collect();
            assert_eq!(tables.len(), e.tables().len(), "{}", e.id());
            assert!(
                !tables.contains("measures"),
                "{}: that name is the harness's",
                e.id()
            );
        }
    }

    #[test]
    fn every_preset_is_in_range_and_every_setting_is_documented_and_survives_toml() {
        for e in REGISTRY.experiments() {
            for preset in Preset::ALL {
                let settings = e.preset(preset);
                assert_eq!(e.canonical(&settings).unwrap(), settings, "{}", e.id());
                e.check(&settings).unwrap();
                let all = REGISTRY.experiments().map(|e| (e.id(), e.preset(preset)));
                assert!(
                    e.memory(&settings, &Needs(&all.collect()), 2) < 8e9,
                    "{} asks for a lot of memory",
                    e.id()
                );
                for key in settings.keys() {
                    let doc = e.setting_docs().iter().find(|(k, _)| k == key);
                    assert!(doc.is_some_and(|(_, d)| d.len() > 5), "{}.{key}", e.id());
                }
            }
        }
    }

    #[test]
    fn every_number_and_every_list_has_a_range() {
        for e in REGISTRY.experiments() {
            for preset in Preset::ALL {
                let ranges = e.ranges(preset);
                for (key, value) in e.preset(preset) {
                    let words = ranges.iter().filter(|(k, _)| *k == key);
                    let some = words
                        .map(|(_, words)| words.len() > 3)
                        .reduce(|a, b| a && b);
                    let choice = value.is_bool() || value.is_str();
                    assert_eq!(some, (!choice).then_some(true), "{}.{key}", e.id());
                }
            }
        }
    }

    #[test]
    fn empty_tables_are_drawn_under_the_names_declared() {
        for e in REGISTRY.experiments() {
            let tables = Tables::new(e.tables().iter().map(|&spec| Table::new(spec)).collect());
            let names: Vec<_> = e.figures(&tables).iter().map(|f| f.name).collect();
            assert_eq!(names, e.figure_names(), "{}", e.id());
            e.findings(&tables, &Default::default());
        }
    }
}
