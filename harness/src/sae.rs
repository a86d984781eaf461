//! Sparse autoencoders without experiments: data with known features, training, measures and the best codes.

mod controller;
pub mod minimum_l1;
pub mod optimum;
pub mod reading;
mod recipe;
mod saved;
mod standing;
pub mod synthetic;
mod trainee;
pub mod training;
