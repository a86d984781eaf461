//! What training needs beside a model: losses, an embedding of categories, the optimiser, and clipping.

pub mod adam;
pub mod clip;
pub mod embedding;
pub mod loss;
