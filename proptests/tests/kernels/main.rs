//! The kernels against references in f64, closed forms and their own docs: a folder here for each folder of
//! `kernels/src`. Beside these are properties that the claims of the harness stand on, the rules for batches of no
//! samples and for calls that are refused, and every operation on values of every kind.

mod claims;
mod function;
mod matrix {
    mod dictionary;
    mod matmul;
    mod max_product;
    mod reduce;
    mod sparse;
}
mod metrics;
mod mlp;
mod no_samples;
mod refusals;
mod sae;
mod sparse_coding;
mod train {
    mod adam;
    mod clip;
    mod embedding;
    mod loss;
}
mod wild;
