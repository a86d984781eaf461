//! The experiments on features that are distributed over the neurons of one layer, and the code that they share:
//! [`features`], [`grid`], [`integrals`] and [`response_curve`].

pub mod compressed_computation;
pub mod features;
pub mod grid;
pub mod homogeneity;
pub mod integrals;
pub mod interference;
pub mod linear_probes;
pub mod near_orthogonality;
pub mod rescale;
pub mod response;
pub mod response_curve;
pub mod sign_balance;
pub mod tradeoff;

use crate::experiment::registry::Section;

/// The section with the list of its experiments: a new experiment is a module here and a line in the list.
pub const SECTION: Section = Section {
    title: "Distributed features in one layer",
    story: "Non-linearities act on single neurons. A feature that is a direction spread over many neurons moves each \
         of them only a little, and over a short way every activation function is nearly a straight line: so it \
         seems that a layer can compute with features only if each has a neuron of its own. How far is that \
         true? What a non-linearity makes of a spread feature, what scaling it by √n restores, why its signs \
         must not cancel, and what is paid for it where many features are active at once.",
    experiments: &[
        &response::Response,
        &rescale::Rescale,
        &sign_balance::SignBalance,
        &interference::Interference,
        &homogeneity::Homogeneity,
        &near_orthogonality::NearOrthogonality,
        &tradeoff::Tradeoff,
        &linear_probes::LinearProbes,
        &compressed_computation::CompressedComputation,
    ],
};
