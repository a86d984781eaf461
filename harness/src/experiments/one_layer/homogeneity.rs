//! The experiment `homogeneity`: how many other features may be active before the response along a feature is
//! homogeneous, by the number of neurons that each feature is on.

mod figures;
mod layer;
mod samples;
mod settings;
mod tables;

use rand::RngExt as _;
use rayon::prelude::*;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::claim::setting::Setting;
use crate::claim::{Claim, Kind, at_least, at_most};
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs, OfSeed};
use crate::experiments::one_layer::features::{Entries, Features};
use crate::experiments::one_layer::grid;
use crate::figure::Figure;
use crate::session::progress;
use crate::stats::{all_finite, mean, trend};
use crate::table::{Record, Table, Tables};

use layer::Direction;
use samples::{Sampler, Sums};
pub use settings::{Magnitude, Settings};
pub use tables::{Cell, Limit};

/// The experiment `homogeneity`; see the [module](self).
pub struct Homogeneity;

static FEWER: Claim<2> = Claim {
    id: "interference-limits-active-features",
    kind: Kind::Law,
    statement: "The more neurons features are spread over, the fewer of them can be active before \
        interference makes the response homogeneous.",
    criterion: "Spearman ρ ≤ −0.9 of k and the largest number of active others with ΔR² above the \
        threshold, which falls at least 5× from k = 2 to k = n",
    control: "the others on neurons of their own, in a layer with room for them: by construction they change nothing along the \
        feature, so that no layer is run",
    conditions: [
        at_most(
            -0.9,
            "Spearman ρ of k and the largest number of active others",
        ),
        at_least(
            5.0,
            "largest number of active others at k = 2 over that at k = n",
        ),
    ],
};

impl Experiment for Homogeneity {
    type Settings = Settings;
    type Unit = OfSeed;
    /// The ΔR² for each k and number of active others.
    type Piece = Vec<Vec<f64>>;

    const ABOUT: &'static About = &About {
        id: "homogeneity",
        title: "How many features can be active at once",
        summary: "Features are spread over k of n neurons and active at magnitudes that grow \
        as √k, which gives each the whole non-linearity of its neurons. One feature is varied while others \
        are active too; their sum goes through GELU and is read along that feature. The more \
        are active, the less of the varied feature's non-homogeneity (ΔR², how much better a parabola predicts \
        held-out outputs than a line) is left. How many can be active before it is gone?",
        claims: &[&FEWER],
        tables: &[Cell::SPEC, Limit::SPEC],
        figures: &["homogeneity", "homogeneity-curves", "homogeneity-limits"],
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        let (n, features) = (s.n as f64, s.features as f64);
        let (ks, levels) = (s.dims_points as f64, s.active_points as f64 + 1.0);
        // The features of all k; the sums of all parts; per thread its draws and its layer.
        let drawn = ks * features * (n + 1.0) * 8.0;
        let sums = (s.features_of_interest * samples::PARTS) as f64 * ks * levels * 256.0;
        let layer = features * (n + 16.0) * 4.0 + 16.0 * levels * (n + 16.0) * 8.0;
        let draws = samples::BATCH as f64 * (n.min(features) * 8.0 + levels * 8.0);
        drawn + sums + threads as f64 * (layer + draws + features * 4.0)
    }

    fn units(_: &Settings, seeds: &[u64]) -> Vec<OfSeed> {
        OfSeed::each(seeds)
    }

    fn name(unit: &OfSeed) -> String {
        unit.name()
    }

    fn cost(s: &Settings, _: &OfSeed, _: &Needs) -> Cost {
        Cost {
            ticks: ticks(s) as u64,
            seconds: seconds(s),
        }
    }

    fn compute(s: &Settings, &OfSeed(seed): &OfSeed, ctx: &Ctx) -> Result<Vec<Vec<f64>>> {
        let ks = grid::geometric(2, s.n, s.dims_points);
        measure(s, &ks, &levels(s), seed, ctx)
    }

    fn conclude(s: &Settings, pieces: Vec<Vec<Vec<f64>>>, ctx: &Ctx) -> Result<Outcome> {
        let ks = grid::geometric(2, s.n, s.dims_points);
        let levels = levels(s);
        let (mut cells, mut limits) = (Vec::new(), Vec::new());
        let mut outcome = Outcome::default();
        for (&seed, per_k) in ctx.seeds.iter().zip(&pieces) {
            for (&k, delta) in ks.iter().zip(per_k) {
                let cell = |(&n_on, &delta_r2)| Cell {
                    k,
                    n_on,
                    seed,
                    delta_r2,
                };
                cells.extend(levels.iter().zip(delta).map(cell));
            }
            for (i, &threshold) in s.thresholds.iter().enumerate() {
                let limit = |(&k, delta): (&usize, &Vec<f64>)| Limit {
                    k,
                    seed,
                    threshold,
                    n_on: most_active(&levels, delta, threshold),
                    // Others on neurons of their own change nothing along the feature.
                    control: most_active(&levels, &vec![delta[0]; levels.len()], threshold),
                };
                let of_threshold: Vec<Limit> = ks.iter().zip(per_k).map(limit).collect();
                let [claim, control] = [|r: &Limit| r.n_on, |r: &Limit| r.control].map(|column| {
                    let (k, most): (Vec<_>, Vec<_>) =
                        of_threshold.iter().map(|r| (r.k as f64, column(r))).unzip();
                    let most = all_finite("largest number of active others by k", &most);
                    // If the number is 0 at every k, it cannot fall.
                    let most = most.and_then(|most| match most.iter().any(|&m| m > 0.0) {
                        true => Ok(most),
                        false => Err(format!(
                            "ΔR² is above {threshold} at no k, even where no other feature is active"
                        )),
                    });
                    [most.clone().map(|most| trend(&k, most)), most.map(fall)]
                });
                let setting = Setting::new([("ΔR² threshold", threshold.to_string())]);
                let setting = setting.point_if(i == 0);
                outcome.settle_in(&setting, &FEWER, seed, claim, control);
                limits.extend(of_threshold);
            }
        }
        outcome.tables = vec![Table::of(&cells), Table::of(&limits)];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        figures::draw(tables)
    }

    fn findings(tables: &Tables, _: &Ledger) -> String {
        figures::findings(tables)
    }
}

/// Returns the numbers of active others on the grid: 0, and whole numbers at equal ratios from 1 to n, none above the
/// number of others that there are.
pub(super) fn levels(s: &Settings) -> Vec<usize> {
    let others = if s.include_own {
        s.features
    } else {
        s.features - 1
    };
    let mut levels = vec![0];
    let grid = grid::geometric(1, s.n, s.active_points);
    levels.extend(grid.into_iter().map(|level| level.min(others)));
    levels.dedup();
    levels
}

/// Returns the estimated seconds of a seed on one core of Zen 3 with AVX2.
pub(super) fn seconds(s: &Settings) -> f64 {
    let responses = s.features_of_interest * s.samples * s.dims_points * levels(s).len();
    4.5e-10 * (responses * s.n) as f64
}

/// Returns the largest number of active others at which ΔR² is above a threshold, interpolated; 0 if there is none.
pub(super) fn most_active(levels: &[usize], delta: &[f64], threshold: f64) -> f64 {
    let on: Vec<f64> = levels.iter().map(|&level| level as f64).collect();
    grid::last_kept(&on, delta, threshold, |v| v > threshold).unwrap_or(0.0)
}

/// Returns the first number over the last one.
fn fall(most: &[f64]) -> f64 {
    match (most.first(), most.last()) {
        (Some(first), Some(last)) => first / last,
        _ => f64::NAN,
    }
}

/// Returns the number of units of progress of a call of [`measure`].
pub(super) fn ticks(s: &Settings) -> usize {
    s.features_of_interest * samples::PARTS
}

/// Returns ΔR² for each of `ks` and each number of active others of `levels`, averaged over the features of interest.
pub(super) fn measure(
    s: &Settings,
    ks: &[usize],
    levels: &[usize],
    seed: u64,
    ctx: &Ctx,
) -> Result<Vec<Vec<f64>>> {
    let law = Entries::with(s.positive_share);
    let draw = |&k: &usize| {
        let mut rng = ctx.rng(seed, "features", k as u64);
        Features::draw(s.features, k, s.n, law, &mut rng)
    };
    let features: Vec<Features> = ks.par_iter().map(draw).collect();
    let mut rng = ctx.rng(seed, "bias", 0);
    let bias: Vec<f64> = (0..s.n).map(|_| s.bias * rng.random::<f64>()).collect();
    progress::check()?;

    // For every part of the samples of every feature of interest, the sums by k.
    let parts: Vec<Vec<Sums>> = (0..ticks(s))
        .into_par_iter()
        .map(|task| {
            let (of_interest, part) = (task / samples::PARTS, task % samples::PARTS);
            let mut sums: Vec<Sums> = ks.iter().map(|_| Sums::new(levels.len())).collect();
            let rng = ctx.rng(seed, "samples", task as u64);
            let mut sampler = Sampler::new(s, of_interest, levels, part, rng);
            while let Some(batch) = sampler.next_batch() {
                for (features, sums) in features.iter().zip(&mut sums) {
                    let reach = match s.magnitude {
                        Magnitude::SqrtK => features.k() as f64,
                        Magnitude::SqrtN => s.n as f64,
                    };
                    let direction =
                        Direction::new(features, of_interest, reach.sqrt(), &bias, ctx.session.isa);
                    direction.respond(batch, levels, sums);
                }
                progress::check()?;
            }
            ctx.session.progress.tick()?;
            Ok(sums)
        })
        .collect::<Result<_>>()?;

    // The sums are added up in the order of the parts, whatever order they were computed in.
    let per_k = (0..ks.len()).map(|k| {
        let totals: Vec<Sums> = parts
            .chunks_exact(samples::PARTS)
            .map(|parts| {
                let mut total = Sums::new(levels.len());
                parts.iter().for_each(|part| total.add(&part[k]));
                total
            })
            .collect();
        let delta = |level| {
            let each: Vec<f64> = totals.iter().map(|t| t.delta_r2(level)).collect();
            mean(&each)
        };
        (0..levels.len()).map(delta).collect()
    });
    Ok(per_k.collect())
}
