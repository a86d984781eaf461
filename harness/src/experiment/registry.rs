//! All experiments, by the sections of the post.

use super::erased::Erased;
use crate::error::{Error, Result};
use crate::text::did_you_mean;

/// A section of the post.
pub struct Section {
    /// The heading of the section.
    pub title: &'static str,
    /// The text that sums up the experiments of the section, for the reader of a report.
    pub story: &'static str,
    /// The experiments of the section, in order. An experiment stands after those it needs.
    pub experiments: &'static [&'static dyn Erased],
}

/// All experiments: the sections of the post, in the order of the post.
pub struct Registry(pub &'static [Section]);

impl Registry {
    /// Returns every experiment, in the order of the post.
    pub fn experiments(
        &self,
    ) -> impl DoubleEndedIterator<Item = &'static dyn Erased> + Clone + use<> {
        self.0
            .iter()
            .flat_map(|section| section.experiments)
            .copied()
    }

    /// Returns the experiment with the name `id`, or `None` if there is none.
    pub fn find(&self, id: &str) -> Option<&'static dyn Erased> {
        self.experiments().find(|e| e.id() == id)
    }

    /// Returns the experiment with the name `id`.
    ///
    /// # Errors
    /// If there is none. The message names the experiment with the nearest name.
    pub fn get(&self, id: &str) -> Result<&'static dyn Erased> {
        self.find(id).ok_or_else(|| {
            let hint = did_you_mean(id, self.experiments().map(|e| e.id()));
            Error::input(format!(
                "there is no experiment `{id}`{hint} (`harness list` shows all of them)"
            ))
        })
    }
}
