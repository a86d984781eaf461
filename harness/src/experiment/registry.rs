//! All experiments, by the sections of the post.

use super::erased::Erased;
use crate::error::{Error, Result};
use crate::text::did_you_mean;

/// A part of the post.
pub struct Section {
    /// Its heading.
    pub title: &'static str,
    /// What its experiments tell together, for the reader of a report.
    pub story: &'static str,
    /// Its experiments, in order. An experiment stands after those it needs.
    pub experiments: &'static [&'static dyn Erased],
}

/// The experiments that there are: the sections of the post, in its order.
pub struct Registry(pub &'static [Section]);

impl Registry {
    /// Every experiment, in the order of the post.
    pub fn experiments(
        &self,
    ) -> impl DoubleEndedIterator<Item = &'static dyn Erased> + Clone + use<> {
        self.0
            .iter()
            .flat_map(|section| section.experiments)
            .copied()
    }

    /// The experiment of that name.
    pub fn find(&self, id: &str) -> Option<&'static dyn Erased> {
        self.experiments().find(|e| e.id() == id)
    }

    /// The experiment of that name, or an error with the nearest one.
    pub fn get(&self, id: &str) -> Result<&'static dyn Erased> {
        self.find(id).ok_or_else(|| {
            let hint = did_you_mean(id, self.experiments().map(|e| e.id()));
            Error::input(format!(
                "there is no experiment `{id}`{hint} (`harness list` shows all of them)"
            ))
        })
    }
}
