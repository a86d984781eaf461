//! ΔR² of a distributed feature while others, on random neurons, are on.

use rand::RngExt as _;
use rayon::prelude::*;

use super::settings::Settings;
use crate::error::Result;
use crate::experiment::Ctx;
use crate::experiments::one_layer::features::{Entries, Features};
use crate::experiments::one_layer::response_curve::{Layer, Split};
use crate::phase::Phase;
use crate::rng::Rng;
use crate::stats::mean;

/// ΔR² of features on `k` neurons with no other on and with each of `n_on` others, averaged over
/// features of interest.
pub(super) fn delta_r2(s: &Settings, k: usize, seed: u64, ctx: &Ctx) -> Result<Vec<f64>> {
    let mut rng = ctx.rng(seed, "features", k as u64);
    let features = Features::draw(s.features, k, s.n, Entries::Positive, &mut rng);
    let layer = Layer::of_gelu(ctx.session.serial());
    let cells: Result<Vec<Vec<f64>>> = (0..s.of_interest)
        .into_par_iter()
        .map(|of_interest| {
            let overlap = Overlap::new(&features, of_interest);
            let delta = [0].iter().chain(&s.n_on).map(|&n_on| {
                let mut rng = ctx.rng(seed, &format!("{k} neurons, {n_on} on"), of_interest as u64);
                let (x, y) = overlap.samples(s.samples, n_on, layer, &mut rng);
                // Samples are in no order: the first are as good as any.
                Split::last(&x, s.test_fraction).delta_r2(&y)
            });
            let delta = delta.collect();
            ctx.session.progress.tick()?;
            Ok(delta)
        })
        .collect();
    let cells = cells?;
    let column = |i: usize| mean(&cells.iter().map(|cell| cell[i]).collect::<Vec<_>>());
    Ok((0..=s.n_on.len()).map(column).collect())
}

/// A feature of interest, and what the others put on its neurons.
struct Overlap {
    k: usize,
    entries: Vec<f64>,
    /// For each other feature, its entries on the k neurons, by position among them; mostly none.
    others: Vec<Vec<(usize, f64)>>,
}

impl Overlap {
    fn new(features: &Features, of_interest: usize) -> Self {
        let (neurons, entries) = features.get(of_interest);
        let on_its_neurons = |i: usize| {
            let (others, entries) = features.get(i);
            let shared = others.iter().zip(entries);
            shared
                .filter_map(|(neuron, &v)| Some((neurons.binary_search(neuron).ok()?, v.into())))
                .collect()
        };
        Overlap {
            k: features.k(),
            entries: entries.iter().map(|&v| v.into()).collect(),
            others: (0..features.count())
                .filter(|&i| i != of_interest)
                .map(on_its_neurons)
                .collect(),
        }
    }

    /// Levels of the feature of interest and outputs along it, with `n_on` random others on.
    fn samples(
        &self,
        count: usize,
        n_on: usize,
        layer: Layer,
        rng: &mut Rng,
    ) -> (Vec<f64>, Vec<f64>) {
        let _span = Phase::Data.begin();
        let most = (self.k as f64).sqrt();
        let magnitude = |rng: &mut Rng| most * (2.0 * rng.random::<f64>() - 1.0);
        let (mut before, mut after) = (vec![0f32; self.k * count], vec![0f32; self.k * count]);
        let mut x = Vec::with_capacity(count);
        let mut z = vec![0.0; self.k];
        let mut order: Vec<usize> = (0..self.others.len()).collect();
        for before in before.chunks_exact_mut(self.k) {
            let level = magnitude(rng);
            x.push(level);
            z.iter_mut()
                .zip(&self.entries)
                .for_each(|(z, f)| *z = level * f);
            for i in 0..n_on {
                let chosen = i + rng.below(order.len() - i);
                order.swap(i, chosen);
                let level = magnitude(rng);
                self.others[order[i]]
                    .iter()
                    .for_each(|&(at, v)| z[at] += level * v);
            }
            before.iter_mut().zip(&z).for_each(|(b, &z)| *b = z as f32);
        }
        layer.apply(&before, &mut after);
        let output = |after: &[f32]| {
            let terms = after.iter().zip(&self.entries);
            terms.map(|(&y, f)| f64::from(y) * f).sum()
        };
        (x, after.chunks_exact(self.k).map(output).collect())
    }
}
