//! Sparse autoencoders without experiments: data with known features, training, measures and the best codes.

pub mod minimum_l1;
pub mod optimum;
pub mod reading;
pub mod synthetic;
pub mod training;
