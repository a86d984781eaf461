//! The experiment `near-orthogonality`: how many random features are nearly orthogonal, by the number of neurons that
//! each feature is on?

mod claims;
mod figures;
mod mmcs;
mod tables;

use rayon::prelude::*;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::claim::setting::Setting;
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs, OfSeed};
use crate::experiments::one_layer::features::{Entries, Features};
use crate::experiments::one_layer::grid;
use crate::figure::Figure;
use crate::settings::range::{above, different, up_to};
use crate::stats::{exponent, trend};
use crate::table::{Record, Table, Tables};

use claims::{FROM, MORE};
pub use figures::directions;
pub(super) use mmcs::{memory, of_first, pieces};
pub use tables::{Count, Mmcs};

/// The experiment `near-orthogonality`; see the [module](self).
pub struct NearOrthogonality;

crate::settings! {
    /// Settings of `near-orthogonality`.
    pub struct Settings {
        /// Number of neurons n of the layer.
        n: usize = 100, in 2..=1 << 16;
        /// Points of the grid of neurons per feature k, from 2 to n at equal ratios; duplicates are dropped.
        dims_points: usize = 20, in 2..=1000;
        /// Probability that an entry of a feature is positive: 0.5 for entries of both signs, 1 for positive features,
        /// as the control has.
        positive_share: f64 = 0.5, in 0.5..=1.0;
        /// Fewest features N.
        fewest: usize = 2, where s => up_to(2, "`most`", s.most);
        /// Most features N.
        most: usize = 4096, quick = 2048, full = 16384, in 2..=1 << 24;
        /// Points of the grid of features N, from fewest to most at equal ratios; duplicates are dropped.
        count_points: usize = 23, quick = 21, full = 27, in 2..=1000;
        /// Features count as nearly orthogonal while their mean max cosine similarity is below a threshold: that of the
        /// claim, then others to compare.
        thresholds: Vec<f64> = vec![0.3, 0.2, 0.4, 0.5], in different(above(0.0).below(1.0));
    }
}

/// The largest number of features of the control, which the claim states: few of them are nearly orthogonal.
const CONTROL_MOST: usize = 1024;

impl Experiment for NearOrthogonality {
    type Settings = Settings;
    type Unit = OfSeed;
    /// The MMCS of ever more features for each k: of spread ones, then of those of the control.
    type Piece = Vec<[Vec<f64>; 2]>;

    const ABOUT: &'static About = &About {
        id: "near-orthogonality",
        title: "How many features are nearly orthogonal",
        summary: "Random signed features are each spread over k of n neurons. Their \
        mean max cosine similarity (MMCS) is the mean over features of the largest cosine with another \
        one. As features are added it rises; they count as nearly orthogonal while it is below a \
        threshold. How does their number depend on k, and how if they had no negative entries? Features that were \
        arranged rather than drawn could be closer to orthogonal, so the number is a lower bound.",
        claims: &[&MORE],
        tables: &[Mmcs::SPEC, Count::SPEC],
        figures: &["near-orthogonality", "nearly-orthogonal-features"],
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        threads as f64 * memory(s.most, s.n, s.count_points)
    }

    fn units(_: &Settings, seeds: &[u64]) -> Vec<OfSeed> {
        OfSeed::each(seeds)
    }

    fn name(unit: &OfSeed) -> String {
        unit.name()
    }

    fn cost(s: &Settings, _: &OfSeed, _: &Needs) -> Cost {
        let Grid {
            ks,
            levels,
            of_control,
        } = Grid::of(s);
        let of = |levels: &[usize]| levels.last().map_or(0.0, |&most| seconds(most, s.n));
        Cost {
            ticks: (ks.len() * (pieces(&levels).len() + pieces(&of_control).len())) as u64,
            seconds: ks.len() as f64 * (of(&levels) + of(&of_control)),
        }
    }

    fn compute(s: &Settings, &OfSeed(seed): &OfSeed, ctx: &Ctx) -> Result<Vec<[Vec<f64>; 2]>> {
        let Grid {
            ks,
            levels,
            of_control,
        } = Grid::of(s);
        let curve = |entries: Entries, k: usize, levels: &[usize]| {
            let mut rng = ctx.rng(seed, "features", k as u64);
            let most = levels[levels.len() - 1];
            let features = Features::draw(most, k, s.n, entries, &mut rng);
            of_first(&features, levels, &ctx.session)
        };
        let both = |&k: &usize| {
            let spread = curve(Entries::with(s.positive_share), k, &levels)?;
            Ok([spread, curve(Entries::POSITIVE, k, &of_control)?])
        };
        // The largest k first, so that no thread is left with it at the end.
        let mut curves: Vec<_> = ks.par_iter().rev().map(both).collect::<Result<_>>()?;
        curves.reverse();
        Ok(curves)
    }

    fn conclude(s: &Settings, pieces: Vec<Vec<[Vec<f64>; 2]>>, ctx: &Ctx) -> Result<Outcome> {
        let Grid {
            ks,
            levels,
            of_control,
        } = Grid::of(s);
        let most_of_control = of_control[of_control.len() - 1];
        let (mut mmcs, mut counts) = (Vec::new(), Vec::new());
        let mut outcome = Outcome::default();
        for (&seed, curves) in ctx.seeds.iter().zip(&pieces) {
            for (&k, curves) in ks.iter().zip(curves) {
                for (curve, control) in curves.iter().zip([false, true]) {
                    mmcs.extend(levels.iter().zip(curve).map(|(&features, &mmcs)| Mmcs {
                        control,
                        k,
                        features,
                        seed,
                        mmcs,
                    }));
                }
            }
            for &threshold in &s.thresholds {
                let count = |(&k, [spread, control]): (&usize, &[Vec<f64>; 2])| Count {
                    threshold,
                    k,
                    seed,
                    features: nearly_orthogonal(&levels, spread, threshold),
                    control: nearly_orthogonal(&of_control, control, threshold),
                };
                let of_threshold: Vec<Count> = ks.iter().zip(curves).map(count).collect();
                settle(&mut outcome, s, &of_threshold, most_of_control);
                counts.extend(of_threshold);
            }
        }
        outcome.tables = vec![Table::of(&mmcs), Table::of(&counts)];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        figures::draw(tables)
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        figures::findings(tables, ledger)
    }
}

/// Returns the estimated seconds to compare `most` features of `n` entries, each with each, on one core of Zen 3 with
/// AVX2.
pub(super) fn seconds(most: usize, n: usize) -> f64 {
    7e-12 * (most as f64).powi(2) * n as f64
}

/// The grids of what is measured at each seed.
struct Grid {
    /// The numbers of neurons that a feature is on.
    ks: Vec<usize>,
    /// The numbers of features.
    levels: Vec<usize>,
    /// The numbers of features at which the control is measured, the smaller ones of `levels`.
    of_control: Vec<usize>,
}

impl Grid {
    fn of(s: &Settings) -> Self {
        let levels = grid::geometric(s.fewest, s.most, s.count_points);
        let few = levels.partition_point(|&count| count <= CONTROL_MOST);
        Grid {
            ks: grid::geometric(2, s.n, s.dims_points),
            of_control: levels[..few.max(1)].to_vec(),
            levels,
        }
    }
}

/// Returns the largest N whose MMCS is below the threshold, interpolated in log N, within the levels; the smallest N of
/// the levels if there is none.
pub(super) fn nearly_orthogonal(levels: &[usize], mmcs: &[f64], threshold: f64) -> f64 {
    let logs: Vec<f64> = levels.iter().map(|&level| (level as f64).ln()).collect();
    let (fewest, most) = (levels[0] as f64, levels[levels.len() - 1] as f64);
    let crossing = grid::last_kept(&logs, mmcs, threshold, |v| v < threshold);
    // The ends are returned to the bit.
    match crossing {
        Some(log) if log == most.ln() => most,
        Some(log) => log.exp(),
        None => fewest,
    }
}

/// Settles the claim at one seed and threshold, from the k of the claim on and from the smallest k on.
fn settle(outcome: &mut Outcome, s: &Settings, counts: &[Count], most_of_control: usize) {
    let &Count {
        seed, threshold, ..
    } = &counts[0];
    for from in [FROM, 2] {
        let claim = growth(counts, |r| r.features, from, s.n, s.most);
        let control = growth(counts, |r| r.control, from, s.n, most_of_control);
        let setting = Setting::new([
            ("MMCS threshold", threshold.to_string()),
            ("smallest k", from.to_string()),
        ]);
        let setting = setting.point_if((threshold, from) == (s.thresholds[0], FROM));
        outcome.settle_in(&setting, &MORE, seed, claim, control);
    }
}

/// Returns the growth of N with k, from k = `from` on: the slope of log N against log k, and Spearman ρ of the two up
/// to k = n/2. An N at the upper end `most` of its grid is not known, and left out.
fn growth(
    counts: &[Count],
    number: fn(&Count) -> f64,
    from: usize,
    n: usize,
    most: usize,
) -> [Result<f64, String>; 2] {
    let known = |count: f64| count != most as f64;
    let points = counts.iter().filter(|r| r.k >= from && known(number(r)));
    let points: Vec<_> = points.map(|r| (r.k as f64, number(r))).collect();
    let up_to_half = points.iter().filter(|(k, _)| 2.0 * k <= n as f64);
    let (k, count): (Vec<_>, Vec<_>) = up_to_half.copied().unzip();
    if k.len() < 3 {
        let why =
            "the number of nearly orthogonal features is within its grid at fewer than three k";
        return [Err(why.into()), Err(why.into())];
    }
    [Ok(exponent(&points)), Ok(trend(&k, &count))]
}
