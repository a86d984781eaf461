//! Sparse coding against pedestrian f64 references, optimality conditions and closed forms, on every
//! instruction set.

mod bad_input;
mod data;
mod invariance;
mod lasso;
mod range;
mod supports;
