//! The settings of the experiments whose results another experiment needs.

use std::any::Any;
use std::collections::BTreeMap;

use crate::settings::Settings;

/// The settings of the experiments that another experiment [needs](super::About::needs), by their names.
#[derive(Debug, Clone, Copy)]
pub struct Needs<'a>(pub &'a BTreeMap<&'static str, &'a dyn Settings>);

impl Needs<'_> {
    /// Returns the settings of an experiment.
    ///
    /// # Panics
    /// If the experiment is not among them, or its settings are of another type.
    #[track_caller]
    pub fn settings<S: Settings>(&self, experiment: &str) -> &S {
        let found = self.0.get(experiment);
        let settings: &dyn Any =
            *found.unwrap_or_else(|| panic!("the settings of `{experiment}` are not here"));
        settings
            .downcast_ref()
            .unwrap_or_else(|| panic!("the settings of `{experiment}` are of another type"))
    }
}
