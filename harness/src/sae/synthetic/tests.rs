//! Tests of synthetic models against their laws, the letter of their specification and plain sums.

mod by_the_letter;
mod laws;
mod samples;
mod specs;
mod spectrum;
mod trees;

use super::*;
use crate::settings::{Preset, Settings as _};
fn law() -> Law {
    Law {
        width: 16,
        features: 32,
        decay: 0.95,
        groups: 4,
        ..Law::preset(Preset::Default)
    }
}

fn rng(index: u64) -> Rng {
    Rng::stream(1, "test", "synthetic", index)
}

/// Returns a model of three trees with two levels below the roots and some features besides, with deviations so large
/// that many magnitudes are cut off.
fn small() -> Spec {
    let spec = Spec {
        features: 80,
        width: 8,
        directions: Directions::Gaussian,
        first: 0.6,
        last: 0.05,
        rank: 4,
        loading: 0.3,
        roots: 3,
        children: 4,
        depth: 2,
        mean: vec![3.0, 2.0],
        deviation: vec![1.0],
        deviation_spread: 0.5,
        bias: 0.7,
        ..Spec::preset(Preset::Default)
    };
    spec.check().unwrap();
    spec
}

fn generator(spec: &Spec) -> Generator {
    let progress =
        crate::session::progress::Progress::new("", crate::session::progress::Show::Nothing);
    let exec = Exec::serial(kernels::Isa::detect());
    Generator::of(spec, exec, &mut rng(0), &progress).unwrap()
}
