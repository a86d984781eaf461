//! The backward passes of both GELUs.

use kernels::{Exec, Isa, gelu, gelu_tanh};
use proptest::prelude::*;
use proptests::compare::Tolerance;
use proptests::{config, each_isa, reference};

use super::{ABSOLUTE, Backward, ULPS};

each_isa!(gradients);
/// Gradients match f64 at any scale of the incoming gradient.
fn gradients(isa: Isa) {
    proptest!(config(256), |(x in -8f32..8.0, dy in -1e6f32..1e6)| {
        for (backward, want) in [
            (gelu::backward as Backward, reference::gelu_derivative(x.into())),
            (gelu_tanh::backward, reference::gelu_tanh_derivative(x.into())),
        ] {
            let mut dx = [f32::NAN];
            backward(Exec::serial(isa), &[x], &[dy], &mut dx);
            let want = f64::from(dy) * want;
            // The error of the derivative, and one rounding more.
            let tolerance = Tolerance {
                absolute: f64::from(dy).abs() * ABSOLUTE,
                ..Tolerance::ulps(ULPS + 0.5)
            };
            prop_assert!(tolerance.accepts(dx[0], want), "{} is not {want} on {isa}", dx[0]);
        }
    });
}
