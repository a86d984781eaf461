//! The folder of a model as SAELens 6 reads it (`SAE.load_from_disk`): `cfg.json` and `sae_weights.safetensors`.

mod fold;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::{FILES, decode};
pub use write::encode;
