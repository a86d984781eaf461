//! Vectors of f32, the one abstraction under every kernel.
//!
//! A [`Simd`] value is a zero-size *proof token*: to hold one is to know that the CPU has the instructions, because the
//! only ways to get one check first (see [`crate::Isa`]). Its methods are therefore safe, and a kernel written over
//! `S: Simd` needs no `unsafe` of its own; only the tiles of the product, its copies of A and its transposition read
//! and write through pointers.
//!
//! A kernel is a struct that holds its operands and implements [`Op`]. [`Simd::run`] enters the function that carries
//! the instruction set's `#[target_feature]`s and calls [`Op::run`] there. Whatever is hot must be inlined into that
//! function, or it silently loses the features: mark it `#[inline(always)]`.
//!
//! ```
//! use kernels::Isa;
//! use kernels::simd::{Op, Simd};
//!
//! /// The largest absolute value of a slice, 0 for an empty one.
//! struct LargestAbs<'a>(&'a [f32]);
//!
//! impl Op for LargestAbs<'_> {
//!     type Output = f32;
//!
//!     #[inline(always)]
//!     fn run<S: Simd>(self, s: S) -> f32 {
//!         let mut largest = s.splat(0.0);
//!         for part in self.0.chunks(S::LANES) {
//!             // Zeros stand behind the end of the last part.
//!             largest = s.max(s.abs(s.load_partial(part)), largest);
//!         }
//!         s.reduce_max(largest)
//!     }
//! }
//!
//! assert_eq!(Isa::detect().dispatch(LargestAbs(&[1.0, -3.0, 2.0])), 3.0);
//! ```

#[cfg(target_arch = "x86_64")]
pub use crate::machine::avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use crate::machine::avx512::Avx512;
pub use crate::machine::portable::Portable;
pub use crate::machine::simd::{Op, Simd};
