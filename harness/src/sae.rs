//! Sparse autoencoders without experiments: data with known features, training, measures and the cheapest codes.

pub mod affine;
pub mod minimum_l1;
pub mod reading;
pub mod synthetic;
pub mod training;
