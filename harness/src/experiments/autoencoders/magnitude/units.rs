//! The units of `magnitude`: the computation at a seed, in parts that are independent of each other.

use serde::{Deserialize, Serialize};

use super::case::Case;
use super::methods::{self, Compared, Method};
use super::overlap::{self, Features};
use super::plane::{self, Encoder, Plane};
use super::settings::Settings;
use super::shrinkage::{self, Shrunk};
use crate::error::Result;
use crate::experiment::{Cost, Ctx};
use crate::table::record::Word as _;

/// A part of the computation at a seed.
#[derive(Debug, Clone, Copy)]
pub struct Unit {
    /// The seed.
    pub seed: u64,
    part: Part,
}

/// The part that a unit computes.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// The models in the plane of a case.
    Plane(Case),
    /// The encoders of given features, with the number of these among all.
    Overlap(Features, usize),
    /// The models of one feature.
    Shrinkage,
    /// The models of a method.
    Methods(Method),
}

/// The result of a unit.
#[derive(Debug, Serialize, Deserialize)]
pub enum Piece {
    Plane(Plane),
    Overlap(Vec<overlap::Model>),
    Shrinkage(Vec<Shrunk>),
    Methods(Compared),
}

/// The results of all units of a seed.
#[derive(Debug, Default)]
pub struct Gathered {
    pub planes: Vec<Plane>,
    pub overlapping: Vec<overlap::Model>,
    pub shrunk: Vec<Shrunk>,
    pub compared: Compared,
}

impl Gathered {
    /// Gathers the pieces of one seed.
    pub fn of(pieces: impl Iterator<Item = Piece>) -> Self {
        let mut all = Gathered::default();
        for piece in pieces {
            match piece {
                Piece::Plane(plane) => all.planes.push(plane),
                Piece::Overlap(models) => all.overlapping.extend(models),
                Piece::Shrinkage(shrunk) => all.shrunk.extend(shrunk),
                Piece::Methods(compared) => {
                    all.compared.rows.extend(compared.rows);
                    all.compared.refits.extend(compared.refits);
                }
            }
        }
        all
    }
}

/// The seconds of a step for each sample, fitted to runs on Zen 3 with AVX2.
const SECONDS_OF_SAMPLE: f64 = 2e-7;
/// The seconds of a step for each sample and weight of the dictionary, fitted to runs on Zen 3 with AVX2.
const SECONDS_OF_WEIGHT: f64 = 2.4e-10;

impl Unit {
    /// Returns the units of a seed.
    pub fn of_seed(s: &Settings, seed: u64) -> Vec<Unit> {
        let features = Features::all(s).into_iter().enumerate();
        let mut parts: Vec<Part> = Case::ALL.iter().copied().map(Part::Plane).collect();
        parts.extend(features.map(|(number, features)| Part::Overlap(features, number)));
        parts.push(Part::Shrinkage);
        parts.extend(methods::TRAINED.map(Part::Methods));
        parts.into_iter().map(|part| Unit { seed, part }).collect()
    }

    /// Returns a name that no other unit has.
    pub fn name(&self) -> String {
        let part = match self.part {
            Part::Plane(Case::Pair) => "plane-pair".into(),
            Part::Plane(Case::Orthogonal) => "plane-orthogonal".into(),
            Part::Plane(Case::Three) => "plane-three".into(),
            Part::Overlap(features, _) if features.orthogonal => "overlap-orthogonal".into(),
            Part::Overlap(features, _) => {
                format!(
                    "overlap-ratio{}-coherence{}",
                    features.ratio, features.coherence
                )
            }
            Part::Shrinkage => "shrinkage".into(),
            Part::Methods(method) => format!("methods-{method}"),
        };
        format!("{part}-seed{}", self.seed)
    }

    /// Returns the cost of the unit.
    pub fn cost(&self, s: &Settings) -> Cost {
        let trained = |models: usize, steps: u64, weights: usize| {
            let ticks = models as u64 * steps;
            let of_sample = SECONDS_OF_SAMPLE + SECONDS_OF_WEIGHT * weights as f64;
            Cost {
                ticks,
                seconds: ticks as f64 * s.training.batch as f64 * of_sample,
            }
        };
        match self.part {
            Part::Plane(case) => {
                trained(Encoder::ALL.len(), s.plane_steps, 2 * case.features().len())
            }
            Part::Overlap(features, _) => trained(
                overlap::encoders(s),
                s.overlap_steps,
                s.overlap_width * features.number(s),
            ),
            Part::Shrinkage => shrinkage::cost(s),
            Part::Methods(_) => trained(
                s.penalties.len(),
                s.training.steps,
                s.data.width * s.elements(),
            ),
        }
    }

    /// Computes the unit.
    pub fn compute(&self, s: &Settings, ctx: &Ctx) -> Result<Piece> {
        let seed = self.seed;
        Ok(match self.part {
            Part::Plane(case) => Piece::Plane(plane::train(s, case, seed, ctx)?),
            Part::Overlap(_, number) => Piece::Overlap(overlap::train(s, number, seed, ctx)?),
            Part::Shrinkage => Piece::Shrinkage(shrinkage::measure(s, seed, ctx)?),
            Part::Methods(method) => Piece::Methods(methods::compare(s, method, seed, ctx)?),
        })
    }
}
