//! The machine: its instruction sets, its threads, its scratch memory and the clock that profiles them.
//!
//! [`simd`] is the vector that every kernel is written over, with one backend a file; [`isa`] chooses a backend at run
//! time; [`exec`] says with which instructions and on how many threads to work; [`par`] shares rows among threads. This
//! folder imports nothing from the others.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(feature = "rayon")]
mod awake;
pub(crate) mod dot8;
pub(crate) mod exec;
pub(crate) mod f32x4;
pub(crate) mod isa;
pub(crate) mod par;
pub(crate) mod portable;
pub mod profile;
pub(crate) mod scratch;
pub mod simd;
#[cfg(target_arch = "x86_64")]
mod x86;
