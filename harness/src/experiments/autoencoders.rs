//! The experiments on why sparse autoencoders work: what the L1 penalty does, which features a dictionary finds, and
//! how near a simple encoder comes to the best codes.

pub mod amortisation_gap;
pub mod compositional;
pub mod continuous_latent;
pub mod continuum;
pub mod encoders;
pub mod l1_geometry;
pub mod magnitude;
pub mod recovery;
pub mod unfinished_features;

use crate::experiment::registry::Section;

/// The section of these experiments in the registry. A new experiment is a module here and a line in `experiments`.
pub const SECTION: Section = Section {
    title: "Why sparse autoencoders work",
    story: "A sparse autoencoder writes activations as sums of a few elements of a dictionary that it learns, with a \
         penalty on the sum of the magnitudes and with no more than a linear map to find them. The reasons why this \
         should work, one at a time: that the penalty picks few elements, that it finds the directions that data \
         are made of, what it does to magnitudes and what mends that, whether a simple encoder is a handicap, \
         also in combinations of features that it has not seen, \
         what the unfinished features of the section before cost, what becomes of a latent that is no feature but a number, \
         and what there is to find where features are a continuum.",
    experiments: &[
        &l1_geometry::L1Geometry,
        &recovery::Recovery,
        &magnitude::Magnitude,
        &encoders::Encoders,
        &amortisation_gap::AmortisationGap,
        &compositional::Compositional,
        &unfinished_features::UnfinishedFeatures,
        &continuous_latent::ContinuousLatent,
        &continuum::Continuum,
    ],
};
