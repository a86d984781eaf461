//! Sparse coding against plain f64 references, optimality conditions and closed forms.

mod bad_input;
mod data;
mod invariance;
mod lasso;
mod range;
mod supports;
