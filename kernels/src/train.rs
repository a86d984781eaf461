//! What training needs beside a model: losses, an embedding of categories, and the optimiser.

pub mod adam;
pub mod clip;
pub mod embedding;
pub mod loss;
