//! The experiments on features that are computed over many layers.

pub mod multilayer;
pub mod read_in_skew;

use crate::experiment::registry::Section;

/// The section with the list of its experiments: a new experiment is a module here and a line in the list.
pub const SECTION: Section = Section {
    title: "Features computed over many layers",
    story: "To look for features at a layer is to take for granted that they are complete there. A model that builds \
         its outputs little by little over many layers holds mostly unfinished ones. Small residual MLPs that have \
         to learn arbitrary pairs by heart show which way they take, beside models that were made to decide on each \
         output in one layer.",
    experiments: &[&multilayer::Multilayer, &read_in_skew::ReadInSkew],
};
