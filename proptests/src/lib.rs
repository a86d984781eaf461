//! What the property tests in `tests/` share: [references](reference) and [fits](fit) in f64, a
//! [comparison](compare) that can fail, and the [instruction sets](isas) to test.

pub mod compare;
pub mod fit;
pub mod reference;

use kernels::Isa;

/// The instruction sets to test: all that this CPU has, or the one that `KERNELS_ISA` names.
///
/// # Panics
/// If `KERNELS_ISA` names none, or one that this CPU lacks: a test that cannot run must not pass.
pub fn isas() -> Vec<Isa> {
    match std::env::var_os("KERNELS_ISA") {
        None => Isa::available(),
        Some(_) => vec![Isa::from_env().unwrap_or_else(|error| panic!("{error}"))],
    }
}
