//! What training needs besides a model: losses, an embedding of categories, the optimiser, and the clipping of
//! gradients.

pub mod adam;
pub mod clip;
pub mod embedding;
pub mod loss;
