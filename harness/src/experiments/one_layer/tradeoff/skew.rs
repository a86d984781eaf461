//! Features of one family, by the share of their entries that is positive: both sides of the trade.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::claims::TRADED;
use super::settings::Settings;
use super::tables::Skew;
use crate::claim::outcome::Outcome;
use crate::claim::setting::Setting;
use crate::error::Result;
use crate::experiment::{Cost, Ctx, Experiment as _, Needs};
use crate::experiments::one_layer::features::{Entries, Features};
use crate::experiments::one_layer::grid;
use crate::experiments::one_layer::homogeneity::{self, Homogeneity};
use crate::experiments::one_layer::integrals::Quadrature;
use crate::experiments::one_layer::near_orthogonality::{self, nearly_orthogonal};
use crate::experiments::one_layer::response_curve::gelu;
use crate::settings::{Preset, Settings as _};
use crate::stats::{all_finite, mean, trend};

/// Returns the settings of `homogeneity` for features with a share of positive entries.
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

/// Returns the estimated peak memory in bytes.
pub(super) fn memory(s: &Settings, threads: usize) -> f64 {
    let activity = Homogeneity::memory(&activity(s, 1.0), &Needs(&BTreeMap::new()), threads);
    let directions = near_orthogonality::memory(s.most, s.n, s.count_points);
    activity + threads as f64 * directions
}

/// The measurements at one share and seed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OfShare {
    /// The ΔR² for each k and number of active others.
    delta_r2: Vec<Vec<f64>>,
    /// The measurements for each k: of the features themselves, then of those of the control.
    families: Vec<Vec<Family>>,
}

/// Returns the grids of what is measured: the numbers of neurons that a feature is on, of features, and of active
/// others.
fn grids(s: &Settings) -> [Vec<usize>; 3] {
    [
        grid::geometric(2, s.n, s.dims_points),
        grid::geometric(2, s.most, s.count_points),
        homogeneity::levels(&activity(s, 1.0)),
    ]
}

/// Returns the cost of a seed.
pub(super) fn cost(s: &Settings) -> Cost {
    let [ks, levels, _] = grids(s);
    let (shares, families) = (s.positive_shares.len(), 1 + CONTROLS);
    let activity = activity(s, 1.0);
    let of_share = homogeneity::ticks(&activity)
        + families * ks.len() * near_orthogonality::pieces(&levels).len();
    let integrals = families * s.features_of_interest * ks.iter().sum::<usize>();
    let counted = (families * ks.len()) as f64 * near_orthogonality::seconds(s.most, s.n);
    let seconds = homogeneity::seconds(&activity) + counted + PER_INTEGRAL * integrals as f64;
    Cost {
        ticks: (shares * of_share) as u64,
        seconds: shares as f64 * seconds,
    }
}

/// The seconds of an integral over the response of one neuron, on one core of Zen 3 with AVX2.
const PER_INTEGRAL: f64 = 4e-6;

/// Measures both sides at every share and k, at one seed.
pub(super) fn compute(s: &Settings, seed: u64, ctx: &Ctx) -> Result<Vec<OfShare>> {
    let [ks, levels, active] = grids(s);
    let shares = s.positive_shares.iter().enumerate();
    let of_share = |(i, &share): (usize, &f64)| {
        let delta_r2 = homogeneity::measure(&activity(s, share), &ks, &active, seed, ctx)?;
        let draw = |entries: Entries, purpose: &str, k: usize| {
            let mut rng = ctx.rng(seed, purpose, k as u64);
            let count = s.most.max(s.features);
            let features = Features::draw(count, k, s.n, entries, &mut rng);
            Family::of(&features, s, &levels, ctx)
        };
        let all = |&k: &usize| {
            let mut families = vec![draw(Entries::with(share), "features", k)?];
            for again in 0..CONTROLS {
                let anew = format!("control {i}, {again}");
                families.push(draw(Entries::SIGNED, &anew, k)?);
            }
            Ok(families)
        };
        let families = ks.par_iter().map(all).collect::<Result<_>>()?;
        Ok(OfShare { delta_r2, families })
    };
    shares.map(of_share).collect()
}

/// Returns the rows of what was measured at each seed, and settles the claim about them.
pub(super) fn settle(
    s: &Settings,
    pieces: &[Vec<OfShare>],
    ctx: &Ctx,
    outcome: &mut Outcome,
) -> Vec<Skew> {
    let [ks, levels, active] = grids(s);
    let mut rows = Vec::new();
    for (&seed, of_shares) in ctx.seeds.iter().zip(pieces) {
        for (&share, of_share) in s.positive_shares.iter().zip(of_shares) {
            let each = of_share.families.iter().zip(&of_share.delta_r2);
            for (&k, (families, delta)) in ks.iter().zip(each) {
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
        }
        for (at, &k) in ks
            .iter()
            .enumerate()
            .filter(|(_, k)| **k >= FROM || **k == s.n)
        {
            for &threshold in &s.mmcs_thresholds {
                let trends = |which: usize| {
                    let of = s.positive_shares.iter().zip(of_shares);
                    let of = of.map(|(&share, of)| (share, &of.families[at][which]));
                    let delta: Vec<f64> = of.clone().map(|(_, f)| f.delta_r2).collect();
                    let delta = all_finite("ΔR² by share", &delta)?;
                    let numbers = of.map(|(share, f)| (share, f.number(threshold, &levels)));
                    // A number at the end of the grid stands for what lies beyond it, and is not known.
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
                // The control is the mean over its draws.
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
    rows
}

/// The smallest k of the specification curve: on fewer neurons, features are nearly orthogonal since they share no
/// neurons.
const FROM: usize = 8;

/// The number of draws of the control at every seed, of which the mean counts: one draw at eight shares says little.
const CONTROLS: usize = 3;

/// Returns each of two measures, or for each the reason why there are none.
fn each(measured: Result<[f64; 2], String>) -> [Result<f64, String>; 2] {
    match measured {
        Ok([a, b]) => [Ok(a), Ok(b)],
        Err(why) => [Err(why.clone()), Err(why)],
    }
}

/// The measurements of one set of features.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Family {
    /// The ΔR² of the response along a feature with no other active, averaged over the features of interest.
    delta_r2: f64,
    /// The mean max cosine similarity by number of features.
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

/// Returns ΔR² of the response along feature `i`, at levels uniform on (−√k, √k), with no other active.
fn alone(features: &Features, i: usize, quadrature: &Quadrature) -> f64 {
    let reach = (features.k() as f64).sqrt();
    let (_, entries) = features.get(i);
    quadrature.delta_r2(|t| {
        let neurons = entries.iter().map(|&f| f64::from(f));
        neurons.map(|f| f * gelu(reach * t * f)).sum()
    })
}
