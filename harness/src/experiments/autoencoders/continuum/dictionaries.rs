//! The dictionaries of a seed: trained, then read by their own encoder, by the best codes, and beside those that need
//! no training.

use std::collections::BTreeMap;

use kernels::sae::{L1, Parameters, Rows, Shape, TiedL1, Variant};
use kernels::{Exec, MatRef};
use rayon::prelude::*;

use super::samples::{Features, Magnitude, Source, least_loss};
use super::settings::Settings;
use crate::error::Result;
use crate::experiment::Ctx;
use crate::sae::optimum::{Problem, active};
use crate::sae::reading;
use crate::sae::training::{self, Candidate, Recipe};

crate::words! {
    /// Whether encoder and decoder have a matrix each.
    pub enum Encoder {
        /// One for both.
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

/// The data and the encoder of some dictionaries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    pub features: Features,
    pub sphere: usize,
    pub magnitude: Magnitude,
    pub encoder: Encoder,
}

/// Trains and reads the dictionaries of a seed.
pub fn dictionaries(
    cells: &[Cell],
    sizes: &[usize],
    seed: u64,
    s: &Settings,
    ctx: &Ctx,
) -> Result<Vec<Dictionary>> {
    let source = |cell: &Cell| {
        // The same sphere and the same points for all cells of its dimension.
        let mut rng = ctx.rng(seed, "sphere", cell.sphere as u64);
        Source::new(s.width, cell.sphere, s.features, cell.features, &mut rng)
    };
    let sources: Vec<Source> = cells.iter().map(source).collect();
    let models: Vec<(usize, usize)> = (0..cells.len())
        .flat_map(|cell| sizes.iter().map(move |&n| (cell, n)))
        .collect();
    let candidate = |&(cell, elements): &(usize, usize)| {
        let Cell {
            features,
            sphere,
            magnitude,
            encoder,
        } = cells[cell];
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
            slug: format!("{features}-{sphere}-{magnitude}-{encoder}-{elements}-seed{seed}"),
            title: format!(
                "{encoder} dictionary of {elements} elements, {features} in {sphere} dimensions, \
                 magnitude {magnitude}, seed {seed}"
            ),
            source: cell,
            start: training::initial(shape, variant, &mut rng),
            recipe: Recipe::default(),
        }
    };
    let draw = |source: usize, step: u64| {
        let mut rng = ctx.rng(seed, "batch", step);
        sources[source]
            .draw(s.training.batch, cells[source].magnitude, &mut rng)
            .0
    };
    let candidates = models.iter().map(candidate).collect();
    let trained = training::train(candidates, &s.training, s, &ctx.session, draw)?;
    let held_out = sources.iter().zip(cells).map(|(source, cell)| {
        let mut rng = ctx.rng(seed, "held-out", 0);
        source.draw(s.held_out, cell.magnitude, &mut rng)
    });
    let held_out: Vec<(Vec<f32>, Vec<f64>)> = held_out.collect();
    // The same elements for all cells of a kind of features and a sphere.
    let alike = |cell: usize| {
        let of = |cell: &Cell| (cell.features, cell.sphere);
        let same = cells.iter().position(|other| of(other) == of(&cells[cell]));
        same.unwrap_or(cell)
    };
    let first = models.iter().filter(|(cell, _)| alike(*cell) == *cell);
    let first: Vec<(usize, usize)> = first.copied().collect();
    let spread = |&(cell, elements): &(usize, usize)| {
        let Cell {
            features, sphere, ..
        } = cells[cell];
        let name = format!("spread {features} {sphere}");
        let mut rng = ctx.rng(seed, &name, elements as u64);
        let rows = sources[cell].spread(elements, &mut rng);
        ((cell, elements), rows)
    };
    let spread: BTreeMap<(usize, usize), Vec<f32>> =
        first.par_iter().with_max_len(1).map(spread).collect();
    let read = |(&(cell, elements), trained): (&(usize, usize), &training::Trained)| {
        crate::session::progress::check()?;
        let Cell {
            features,
            sphere,
            magnitude,
            encoder,
        } = cells[cell];
        let exec = ctx.session.serial();
        let (x, magnitudes) = &held_out[cell];
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
        let [spread_living, spread_excess] = best(&spread[&(alike(cell), elements)], few.data());
        Ok(Dictionary {
            features,
            sphere,
            magnitude,
            encoder,
            elements,
            seed,
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
        })
    };
    let pairs = models.par_iter().with_max_len(1).zip(&trained);
    pairs.map(read).collect()
}

/// Living elements, active elements and loss of the encoder's own codes.
fn measure(exec: Exec, parameters: &Parameters, x: MatRef, s: &Settings) -> [f64; 3] {
    let stream = reading::measure(exec, parameters, x);
    let living = living(stream.firings(), x.rows(), s);
    let loss = stream.squared_error() + s.lambda * stream.l1();
    [living, reading::l0(&stream), loss]
}

/// Living elements and loss of the codes of least loss on some elements; not numbers if there are none.
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

/// The number of elements that fire often enough.
fn living(firings: &[u64], samples: usize, s: &Settings) -> f64 {
    let least = s.living * samples as f64;
    firings.iter().filter(|&&f| f as f64 >= least).count() as f64
}
