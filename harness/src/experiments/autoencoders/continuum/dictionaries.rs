//! The dictionaries of a seed: their training, and their reading by their own encoder and by the codes of least loss,
//! beside dictionaries that need no training.

use std::collections::BTreeMap;

use kernels::sae::{L1, Parameters, Rows, Shape, TiedL1, Variant};
use kernels::{Exec, MatRef};
use rayon::prelude::*;

use super::samples::{Features, Magnitude, Source, least_loss};
use super::settings::Settings;
use crate::error::Result;
use crate::experiment::{Cost, Ctx};
use crate::sae::optimum::{Problem, active};
use crate::sae::reading;
use crate::sae::training::{self, Candidate, Recipe, Trained};
use crate::stats::max;
use crate::table::record::Word as _;

crate::words! {
    /// The kind of encoder: whether encoder and decoder have a matrix each.
    pub enum Encoder {
        /// One matrix for both.
        Tied,
        /// A matrix each.
        Untied,
    }
}

crate::rows! {
    /// One sparse autoencoder on activations with one feature each.
    pub struct Dictionary in "dictionaries" {
        /// continuum: every point of a sphere; discrete: some points of it (the control)
        features: Features [""],
        /// dimensions k of the subspace whose unit sphere it is
        sphere: usize ["dimensions"],
        /// one, or varied: uniform between 0.5 and 1.5
        magnitude: Magnitude [""],
        /// tied or untied
        encoder: Encoder [""],
        /// elements n of the dictionary
        elements: usize ["elements"],
        /// seed
        seed: u64 [""],
        /// trained, or how it diverged
        end: String [""],
        /// elements that fire on at least 0.1 % of the samples, or the share that was set
        living: f64 ["elements"],
        /// active elements a sample
        l0: f64 ["elements"],
        /// squared error and penalty, mean over held-out samples
        loss: f64 ["1"],
        /// the same for a dictionary with an element for every feature
        least_loss: f64 ["1"],
        /// loss of the encoder's codes over the least loss, minus 1, on the samples that codes are optimised for
        excess: f64 ["1"],
        /// living elements by the codes of least loss on the same dictionary (FISTA)
        optimised_living: f64 ["elements"],
        /// loss of these codes over the least loss, minus 1
        optimised_excess: f64 ["1"],
        /// living elements by the codes of least loss on a dictionary that nobody trained: of as many elements spread
        /// evenly over the sphere, or of the discrete features, as many as it has room for
        spread_living: f64 ["elements"],
        /// loss of these codes over the least loss, minus 1
        spread_excess: f64 ["1"],
    }
}

/// The kind of data and of encoder that some dictionaries have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// The kind of features.
    pub features: Features,
    /// The number of dimensions k of the subspace whose unit sphere it is.
    pub sphere: usize,
    /// The magnitude of a feature.
    pub magnitude: Magnitude,
    /// The kind of encoder.
    pub encoder: Encoder,
}

impl Cell {
    /// Returns all cells; each cell of the claim is followed by that of its control.
    pub fn all(s: &Settings) -> Vec<Cell> {
        let mut cells = Vec::new();
        for &sphere in &s.spheres {
            for &magnitude in Magnitude::ALL {
                for &encoder in Encoder::ALL {
                    cells.extend(Features::ALL.iter().map(|&features| Cell {
                        features,
                        sphere,
                        magnitude,
                        encoder,
                    }));
                }
            }
        }
        cells
    }
}

impl Dictionary {
    /// Returns the cell of the dictionary.
    pub fn cell(&self) -> Cell {
        Cell {
            features: self.features,
            sphere: self.sphere,
            magnitude: self.magnitude,
            encoder: self.encoder,
        }
    }
}

/// The dictionaries for one kind of features on one sphere at a seed: of every magnitude, encoder and size.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// The seed of all that is drawn.
    pub seed: u64,
    /// The number of dimensions k of the subspace whose unit sphere it is.
    pub sphere: usize,
    /// The kind of features.
    pub features: Features,
}

/// One dictionary of a family.
struct Model {
    magnitude: Magnitude,
    encoder: Encoder,
    elements: usize,
}

/// The seconds of a step for each sample, fitted to runs on Zen 3 with AVX2.
const SECONDS_OF_SAMPLE: f64 = 1e-7;
/// The seconds of a step for each sample and weight of the dictionary, fitted to runs on Zen 3 with AVX2.
const SECONDS_OF_WEIGHT: f64 = 1.2e-10;

/// The seconds, for each pair of elements, of the best codes of a sample on a trained dictionary and on a spread one,
/// fitted to runs on Zen 3 with AVX2.
const SECONDS_OF_OPTIMA: f64 = 3.4e-8;
/// The seconds, for each pair of elements, of spreading elements over a sphere, fitted to runs on Zen 3 with AVX2.
const SECONDS_OF_SPREADING: f64 = 2.4e-5;

impl Family {
    /// Returns all families at `seeds`.
    pub fn all(s: &Settings, seeds: &[u64]) -> Vec<Family> {
        let mut families = Vec::new();
        for &seed in seeds {
            for &sphere in &s.spheres {
                families.extend(Features::ALL.iter().map(|&features| Family {
                    seed,
                    sphere,
                    features,
                }));
            }
        }
        families
    }

    /// Returns a name that no other family has.
    pub fn name(&self) -> String {
        format!("{}-sphere{}-seed{}", self.features, self.sphere, self.seed)
    }

    fn models(s: &Settings) -> Vec<Model> {
        let mut models = Vec::new();
        for &magnitude in Magnitude::ALL {
            for &encoder in Encoder::ALL {
                models.extend(s.sizes().into_iter().map(|elements| Model {
                    magnitude,
                    encoder,
                    elements,
                }));
            }
        }
        models
    }

    /// Returns the estimated memory of a family in bytes: the models with the samples that they see, and a dictionary
    /// with codes on it.
    pub fn memory(s: &Settings) -> f64 {
        let models = Family::models(s);
        let largest = max(models.iter().map(|m| m.elements as f64));
        let samples = s.held_out as f64 * (4.0 * s.width as f64 + 8.0);
        let of_magnitudes = Magnitude::ALL.len() as f64 * (samples + s.training.room(s.width));
        let codes =
            s.coded as f64 * (8.0 * largest + 12.0 * s.width as f64) + 4.0 * largest * largest;
        let sizes = models.into_iter().map(|m| m.elements);
        s.training.memory(s.width, sizes) + of_magnitudes + codes + 1e6
    }

    /// Returns the cost of the family.
    pub fn cost(&self, s: &Settings) -> Cost {
        let samples = s.training.steps as f64 * s.training.batch as f64;
        let (mut ticks, mut seconds) = (0, 0.0);
        for model in Family::models(s) {
            let elements = model.elements as f64;
            let of_sample = SECONDS_OF_SAMPLE + SECONDS_OF_WEIGHT * s.width as f64 * elements;
            ticks += s.training.steps;
            seconds += samples * of_sample;
            seconds += SECONDS_OF_OPTIMA * s.coded as f64 * elements.powi(2);
        }
        if self.features == Features::Continuum {
            let pairs: usize = s.sizes().iter().map(|n| n * n).sum();
            seconds += SECONDS_OF_SPREADING * pairs as f64;
        }
        Cost { ticks, seconds }
    }

    /// Trains and reads the dictionaries of the family.
    pub fn dictionaries(&self, s: &Settings, ctx: &Ctx) -> Result<Vec<Dictionary>> {
        let &Family {
            seed,
            sphere,
            features,
        } = self;
        // All families of one dimension have the same sphere and the same points at a seed.
        let mut rng = ctx.rng(seed, "sphere", sphere as u64);
        let source = Source::new(s.width, sphere, s.features, features, &mut rng);
        let models = Family::models(s);
        let candidate = |model: &Model| {
            let &Model {
                magnitude,
                encoder,
                elements,
            } = model;
            let lambda = s.lambda as f32;
            let variant = match encoder {
                Encoder::Tied => Variant::TiedL1(TiedL1 { lambda }),
                Encoder::Untied => Variant::L1(L1 {
                    lambda,
                    rows: Rows::Unit,
                }),
            };
            let shape = Shape {
                width: s.width,
                dictionary: elements,
            };
            let mut rng = ctx.rng(seed, "initial", elements as u64);
            Candidate {
                slug: format!("{}-{magnitude}-{encoder}-{elements}", self.name()),
                title: format!(
                    "{encoder} dictionary of {elements} elements, {features} in {sphere} \
                     dimensions, magnitude {magnitude}, seed {seed}"
                ),
                source: magnitude as usize,
                start: training::initial(shape, variant, &mut rng),
                recipe: Recipe::default(),
            }
        };
        let draw = |magnitude: usize, step: u64| {
            let mut rng = ctx.rng(seed, "batch", step);
            source
                .draw(s.training.batch, Magnitude::ALL[magnitude], &mut rng)
                .0
        };
        let candidates = models.iter().map(candidate).collect();
        let trained = training::train(candidates, &s.training, s, &ctx.session, draw)?;
        let held_out: Vec<(Vec<f32>, Vec<f64>)> = Magnitude::ALL
            .iter()
            .map(|&magnitude| {
                let mut rng = ctx.rng(seed, "held-out", 0);
                source.draw(s.held_out, magnitude, &mut rng)
            })
            .collect();
        let name = format!("spread {features} {sphere}");
        let spread = |elements: usize| {
            let mut rng = ctx.rng(seed, &name, elements as u64);
            (elements, source.spread(elements, &mut rng))
        };
        let sizes = s.sizes().into_par_iter().with_max_len(1);
        let spread: BTreeMap<usize, Vec<f32>> = sizes.map(spread).collect();
        let read = |(model, trained): (&Model, &Trained)| {
            crate::session::progress::check()?;
            let samples = &held_out[model.magnitude as usize];
            let spread = &spread[&model.elements];
            let exec = ctx.session.serial();
            Ok(self.dictionary(s, model, trained, samples, spread, exec))
        };
        let pairs = models.par_iter().with_max_len(1).zip(&trained);
        pairs.map(read).collect()
    }

    /// Reads a dictionary on samples, beside `spread`, elements that were not trained.
    fn dictionary(
        &self,
        s: &Settings,
        model: &Model,
        trained: &Trained,
        (x, magnitudes): &(Vec<f32>, Vec<f64>),
        spread: &[f32],
        exec: Exec,
    ) -> Dictionary {
        let coded = s.coded.min(s.held_out);
        let few = MatRef::from_rows(&x[..coded * s.width], s.width);
        let least = least_loss(&magnitudes[..coded], s.lambda);
        let best = |elements: &[f32], x: &[f32]| {
            let [living, loss] = optimised(exec, elements, x, s);
            [living, loss / least - 1.0]
        };
        let ([living, l0, loss], excess, [optimised_living, optimised_excess]) =
            match &trained.divergence {
                None => {
                    let parameters = &trained.parameters;
                    let own = measure(exec, parameters, few, s)[2] / least - 1.0;
                    let centred = reading::centred(parameters, few);
                    let optimised = best(&reading::elements(exec, parameters), &centred);
                    let all = measure(exec, parameters, MatRef::from_rows(x, s.width), s);
                    (all, own, optimised)
                }
                Some(_) => ([f64::NAN; 3], f64::NAN, [f64::NAN; 2]),
            };
        let [spread_living, spread_excess] = best(spread, few.data());
        Dictionary {
            features: self.features,
            sphere: self.sphere,
            magnitude: model.magnitude,
            encoder: model.encoder,
            elements: model.elements,
            seed: self.seed,
            end: trained.divergence.clone().unwrap_or("trained".into()),
            living,
            l0,
            loss,
            least_loss: least_loss(magnitudes, s.lambda),
            excess,
            optimised_living,
            optimised_excess,
            spread_living,
            spread_excess,
        }
    }
}

/// Returns the living elements, active elements and loss of the encoder's own codes.
fn measure(exec: Exec, parameters: &Parameters, x: MatRef, s: &Settings) -> [f64; 3] {
    let stream = reading::measure(exec, parameters, x);
    let living = living(stream.firings(), x.rows(), s);
    let loss = stream.squared_error() + s.lambda * stream.l1();
    [living, reading::l0(&stream), loss]
}

/// Returns the living elements and the loss of the codes of least loss on some elements; not numbers if there are no
/// such codes.
fn optimised(exec: Exec, elements: &[f32], x: &[f32], s: &Settings) -> [f64; 2] {
    let [elements, x] = [elements, x].map(|rows| MatRef::from_rows(rows, s.width));
    let problem = Problem::new(exec, elements, x, s.lambda);
    let Some(codes) = problem.best() else {
        return [f64::NAN; 2];
    };
    let mut firings = vec![0; elements.rows()];
    for code in codes.chunks_exact(firings.len()) {
        active(code).into_iter().for_each(|j| firings[j] += 1);
    }
    [living(&firings, x.rows(), s), problem.loss(&codes)]
}

/// Returns the number of elements that fire often enough to count as living.
fn living(firings: &[u64], samples: usize, s: &Settings) -> f64 {
    let least = s.living * samples as f64;
    firings.iter().filter(|&&f| f as f64 >= least).count() as f64
}
