//! The vectors of the portable backend, which hide the library that they are made of.

use wide::{f32x4, i32x4};

/// A vector of four lanes of f32.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct F32x4(pub(super) f32x4);

/// A vector of four lanes of i32.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct I32x4(pub(super) i32x4);
