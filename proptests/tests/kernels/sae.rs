//! Sparse autoencoders, against naive ones in f64 and central differences.

mod bad_input;
mod case;
mod passes;
mod range;
mod threads;
mod training;
mod variants;
