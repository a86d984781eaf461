//! Matrices and what is computed on their rows: views, products, column sums, sparse rows, dictionaries.

pub mod dictionary;
pub(crate) mod matmul;
pub(crate) mod max_product;
pub mod reduce;
pub(crate) mod sparse;
pub(crate) mod view;
