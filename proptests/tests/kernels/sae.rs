//! Sparse autoencoders, against naive ones in f64 and central differences.

mod bad_input;
mod batch_topk;
mod case;
mod matryoshka;
mod passes;
mod pytorch;
mod range;
mod resampling;
mod screening;
mod start;
mod threads;
mod training;
mod transcoders;
mod variants;
