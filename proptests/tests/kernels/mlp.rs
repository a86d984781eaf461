//! The residual MLP, forward and back, against a naive one in f64 and central differences.

mod case;
mod passes;
mod workspace;
