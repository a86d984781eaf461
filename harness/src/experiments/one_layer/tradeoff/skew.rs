//! Features of one family, by the share of their entries that is positive: both sides of the trade.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::claims::TRADED;
use super::settings::Settings;
use super::tables::Skew;
use crate::claim::outcome::Outcome;
use crate::claim::setting::Setting;
use crate::error::Result;
use crate::experiment::{Ctx, Experiment as _, Needs};
use crate::experiments::one_layer::features::{Entries, Features};
use crate::experiments::one_layer::grid;
use crate::experiments::one_layer::homogeneity::{self, Homogeneity};
use crate::experiments::one_layer::integrals::Quadrature;
use crate::experiments::one_layer::near_orthogonality::{self, nearly_orthogonal};
use crate::experiments::one_layer::response_curve::gelu;
use crate::settings::{Preset, Settings as _};
use crate::stats::{all_finite, mean, trend};

/// The settings of `homogeneity` for features of a share.
fn activity(s: &Settings, positive_share: f64) -> homogeneity::Settings {
    homogeneity::Settings {
        n: s.n,
        features: s.features,
        features_of_interest: s.features_of_interest,
        samples: s.samples,
        dims_points: s.dims_points,
        positive_share,
        ..homogeneity::Settings::preset(Preset::Default)
    }
}

/// Estimated peak memory, bytes.
pub(super) fn memory(s: &Settings, threads: usize) -> f64 {
    let activity = Homogeneity::memory(&activity(s, 1.0), &Needs(&BTreeMap::new()), threads);
    let directions = near_orthogonality::memory(s.most, s.n, s.count_points);
    activity + threads as f64 * directions
}

/// Both sides at every share, k and seed, and the claim about them.
pub(super) fn compute(s: &Settings, ctx: &Ctx, outcome: &mut Outcome) -> Result<Vec<Skew>> {
    let ks = grid::geometric(2, s.n, s.dims_points);
    let levels = grid::geometric(2, s.most, s.count_points);
    let active = homogeneity::levels(&activity(s, 1.0));
    let of_share = homogeneity::units(&activity(s, 1.0));
    let of_share = of_share + (1 + CONTROLS) * ks.len() * near_orthogonality::pieces(&levels).len();
    let units = ctx.seeds.len() * s.positive_shares.len() * of_share;
    ctx.session.progress.start(units as u64)?;

    let mut rows = Vec::new();
    for &seed in ctx.seeds {
        // By share and k: the features themselves, then those of the control.
        let mut families = Vec::new();
        for (i, &share) in s.positive_shares.iter().enumerate() {
            let delta = homogeneity::measure(&activity(s, share), &ks, &active, seed, ctx)?;
            let draw = |entries: Entries, purpose: &str, k: usize| {
                let mut rng = ctx.rng(seed, purpose, k as u64);
                let count = s.most.max(s.features);
                Family::of(
                    &Features::draw(count, k, s.n, entries, &mut rng),
                    s,
                    &levels,
                    ctx,
                )
            };
            let all = |&k: &usize| {
                let mut families = vec![draw(Entries::with(share), "features", k)?];
                for again in 0..CONTROLS {
                    let anew = format!("control {i}, {again}");
                    families.push(draw(Entries::SIGNED, &anew, k)?);
                }
                Ok(families)
            };
            let of_share: Vec<Vec<Family>> = ks.par_iter().map(all).collect::<Result<_>>()?;
            for ((&k, families), delta) in ks.iter().zip(&of_share).zip(&delta) {
                let (family, control) = (&families[0], &families[1]);
                rows.push(Skew {
                    positive_share: share,
                    k,
                    seed,
                    delta_r2: family.delta_r2,
                    active: homogeneity::most_active(&active, delta, s.delta_r2_threshold),
                    nearly_orthogonal: family.number(s.mmcs_thresholds[0], &levels),
                    control_delta_r2: control.delta_r2,
                    control_nearly_orthogonal: control.number(s.mmcs_thresholds[0], &levels),
                    delta_r2_threshold: s.delta_r2_threshold,
                    mmcs_threshold: s.mmcs_thresholds[0],
                });
            }
            families.push(of_share);
        }
        for (at, &k) in ks
            .iter()
            .enumerate()
            .filter(|(_, k)| **k >= FROM || **k == s.n)
        {
            for &threshold in &s.mmcs_thresholds {
                let trends = |which: usize| {
                    let of = s.positive_shares.iter().zip(&families);
                    let of = of.map(|(&share, of_share)| (share, &of_share[at][which]));
                    let delta: Vec<f64> = of.clone().map(|(_, f)| f.delta_r2).collect();
                    let delta = all_finite("ΔR² by share", &delta)?;
                    let numbers = of.map(|(share, f)| (share, f.number(threshold, &levels)));
                    // What lies beyond the grid is not known.
                    let known = numbers.filter(|(_, number)| *number != s.most as f64);
                    let (shares, numbers): (Vec<f64>, Vec<f64>) = known.unzip();
                    if numbers.len() < 3 {
                        let what = "the number of nearly orthogonal features";
                        return Err(format!(
                            "{what} is within its grid at fewer than three shares"
                        ));
                    }
                    let numbers = all_finite("nearly orthogonal features by share", &numbers)?;
                    Ok([trend(&shares, numbers), trend(&s.positive_shares, delta)])
                };
                let claim = each(trends(0));
                // The mean over the draws.
                let controls: Result<Vec<[f64; 2]>, String> = (1..=CONTROLS).map(trends).collect();
                let control = each(controls.map(|controls| {
                    [0, 1].map(|i| mean(&controls.iter().map(|c| c[i]).collect::<Vec<_>>()))
                }));
                let setting = Setting::new([
                    ("neurons per feature k", k.to_string()),
                    ("MMCS threshold", threshold.to_string()),
                ]);
                let setting = setting.point_if((k, threshold) == (s.n, s.mmcs_thresholds[0]));
                outcome.settle_in(&setting, &TRADED, seed, claim, control);
            }
        }
    }
    Ok(rows)
}

/// The smallest k of the specification curve: on fewer neurons, features are nearly orthogonal for sharing none.
const FROM: usize = 8;

/// Draws of the control at every seed, of which the mean counts: one at eight shares says little.
const CONTROLS: usize = 3;

/// Each of two measures, or why there are none.
fn each(measured: Result<[f64; 2], String>) -> [Result<f64, String>; 2] {
    match measured {
        Ok([a, b]) => [Ok(a), Ok(b)],
        Err(why) => [Err(why.clone()), Err(why)],
    }
}

/// What is measured of some features.
#[derive(Debug, Clone)]
struct Family {
    /// ΔR² of the response along a feature with no other active, averaged over the features of interest.
    delta_r2: f64,
    /// Mean max cosine similarity by number of features.
    mmcs: Vec<f64>,
}

impl Family {
    fn of(features: &Features, s: &Settings, levels: &[usize], ctx: &Ctx) -> Result<Self> {
        let quadrature = Quadrature::default();
        let alone = |i: usize| alone(features, i, &quadrature);
        let delta: Vec<f64> = (0..s.features_of_interest).map(alone).collect();
        Ok(Family {
            delta_r2: mean(&delta),
            mmcs: near_orthogonality::of_first(features, levels, &ctx.session)?,
        })
    }

    fn number(&self, threshold: f64, levels: &[usize]) -> f64 {
        nearly_orthogonal(levels, &self.mmcs, threshold)
    }
}

/// ΔR² of the response along feature `i`, at levels uniform on (−√k, √k), with no other active.
fn alone(features: &Features, i: usize, quadrature: &Quadrature) -> f64 {
    let reach = (features.k() as f64).sqrt();
    let (_, entries) = features.get(i);
    quadrature.delta_r2(|t| {
        let neurons = entries.iter().map(|&f| f64::from(f));
        neurons.map(|f| f * gelu(reach * t * f)).sum()
    })
}
