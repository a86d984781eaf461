//! The costs of 5·Y₁ and of Y₂ + … + Y₆: what the dense code costs more, by the angle between the atoms.

use rand::RngExt as _;
use std::f64::consts::TAU;

use super::settings::Settings;
use crate::rng::Rng;
use crate::sae::minimum_l1::{Bases, Dictionary};

/// The weight of Y₁ in the target.
const WEIGHT: f64 = 5.0;

/// The rounding error of a cost: 64 ulp. The code solves a system that is off by a few ulp, Y₁ is one of its
/// directions, and along Y₁ that system says what the cost is, but for the gap itself.
const ROUNDING: f64 = 64.0 * f64::EPSILON * WEIGHT;

crate::words! {
    /// The length of the five atoms.
    pub enum Length {
        /// Length 1.
        Unit,
        /// Length 1 over the cosine with Y₁.
        Stretched,
    }
}

crate::rows! {
    /// What the cheapest code of 5·Y₁ on five other atoms costs more than 5.
    pub struct Gap in "ties" {
        /// unit, or stretched to reach as far along Y₁ as Y₁ (the control)
        atoms: Length [""],
        /// seed of the five atoms
        seed: u64 [""],
        /// upper bound of the angles of the five atoms with Y₁, each of which is at least half of it
        angle: f64 ["rad"],
        /// L1 norm of the cheapest code on the five, minus 5
        gap: f64 ["1"],
        /// rounding error of the gap
        rounding: f64 ["1"],
    }
}

impl Gap {
    /// Returns the gap in units of its rounding error.
    pub fn in_roundings(&self) -> f64 {
        self.gap / self.rounding
    }
}

/// Returns the gap at angle 0 and at the angles of the settings. The five atoms stand around Y₁ = (1, 0, 0), each in a
/// fifth of the circle of its own and at an angle of between half and all of the angle at hand, in the same places for
/// every angle.
pub fn gaps(atoms: Length, s: &Settings, seed: u64, rng: &mut Rng) -> Vec<Gap> {
    let places: Vec<(f64, f64)> = (0..5)
        .map(|k| {
            let azimuth = TAU * (f64::from(k) + 0.5 * rng.random::<f64>()) / 5.0;
            (azimuth, 0.5 + 0.5 * rng.random::<f64>())
        })
        .collect();
    let ratio = (s.largest_angle / s.least_angle).powf(1.0 / (s.angles - 1) as f64);
    let angles = (0..s.angles).map(|i| s.least_angle * ratio.powi(i as i32));
    [0.0]
        .into_iter()
        .chain(angles)
        .map(|angle| {
            let gap = if angle == 0.0 {
                // Five equal atoms: any one of them is a basis of their span.
                let line = Dictionary::new(1, vec![1.0; 5]);
                let code = Bases::new(&line).cheapest(&[WEIGHT]);
                code.expect("it is on the atoms").iter().sum::<f64>() - WEIGHT
            } else {
                let values = places.iter().flat_map(|&(azimuth, part)| {
                    let theta = angle * part;
                    let length = match atoms {
                        Length::Unit => 1.0,
                        Length::Stretched => 1.0 / theta.cos(),
                    };
                    let off = length * theta.sin();
                    [
                        length * theta.cos(),
                        off * azimuth.cos(),
                        off * azimuth.sin(),
                    ]
                });
                let five = Dictionary::new(3, values.collect());
                let code = Bases::new(&five).cheapest(&[WEIGHT, 0.0, 0.0]);
                code.expect("they stand around it").iter().sum::<f64>() - WEIGHT
            };
            Gap {
                atoms,
                seed,
                angle,
                gap,
                rounding: ROUNDING,
            }
        })
        .collect()
}
