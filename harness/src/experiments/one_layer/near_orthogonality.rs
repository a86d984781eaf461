//! `near-orthogonality`: how many random features are nearly orthogonal, by the number of neurons that
//! each is on.

mod mmcs;

use rayon::prelude::*;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::claim::{Claim, Kind, at_least};
use crate::error::Result;
use crate::experiment::{About, Ctx, Experiment, Needs};
use crate::experiments::one_layer::features::{Entries, Features};
use crate::experiments::one_layer::grid;
use crate::figure::{Axis, Figure, Panel, Role};
use crate::settings::range::{above, up_to};
use crate::stats::observations::Observations;
use crate::stats::{all_finite, max, median, min, trend};
use crate::table::{Record, Table, Tables};
use crate::text::number;

/// See the [module](self).
pub struct NearOrthogonality;

crate::settings! {
    /// Settings of `near-orthogonality`.
    pub struct Settings {
        /// Number of neurons n of the layer.
        n: usize = 100, in 2..=1 << 16;
        /// Points of the grid of neurons per feature k, from 2 to n at equal ratios; duplicates are dropped.
        dims_points: usize = 20, in 2..=1000;
        /// Fewest features N.
        fewest: usize = 16, where s => up_to(2, "`most`", s.most);
        /// Most features N.
        most: usize = 16384, quick = 4096, in 2..=1 << 24;
        /// Points of the grid of features N, from fewest to most at equal ratios; duplicates are dropped.
        count_points: usize = 20, quick = 16, in 2..=1000;
        /// Features count as nearly orthogonal while their mean max cosine similarity is below this.
        threshold: f64 = 0.3, in above(0.0).below(1.0);
    }
}

crate::rows! {
    /// Mean max cosine similarity of N random features on k neurons each.
    pub struct Mmcs in "mmcs" {
        /// neurons that each feature is on; 1 is the control
        k: usize ["neurons"],
        /// number of features N
        features: usize ["1"],
        /// seed of the features
        seed: u64 [""],
        /// mean over the N features of the largest cosine with another one
        mmcs: f64 ["1"],
    }
}

crate::rows! {
    /// Number of nearly orthogonal features: the largest N whose mean max cosine similarity is below the threshold,
    /// interpolated linearly in log N between points of the grid. The ends of the grid stand for what lies beyond them.
    pub struct Count in "counts" {
        /// neurons that each feature is on
        k: usize ["neurons"],
        /// seed of the features
        seed: u64 [""],
        /// number of nearly orthogonal features
        features: f64 ["1"],
        /// number of nearly orthogonal features among features on one neuron each, drawn anew
        control: f64 ["1"],
        /// the mean max cosine similarity that it must be below
        threshold: f64 ["1"],
    }
}

static MORE: Claim<1> = Claim {
    id: "more-dimensions-more-features",
    kind: Kind::Law,
    statement: "The more neurons a feature is spread over, the more nearly orthogonal features \
        there are.",
    criterion: "Spearman ρ ≥ 0.9 of k and the largest N with MMCS below the threshold, over k ≤ n/2 \
        (how flat it is beyond is reported)",
    control: "features on one neuron each, drawn anew at every k: nothing is spread, so there is \
        nothing to gain",
    conditions: [at_least(
        0.9,
        "Spearman ρ of k and the number of nearly orthogonal features, k ≤ n/2",
    )],
};

impl Experiment for NearOrthogonality {
    type Settings = Settings;

    const ABOUT: &'static About = &About {
        id: "near-orthogonality",
        title: "How many features are nearly orthogonal",
        summary: "Random signed features are each spread over k of n neurons. Their \
        mean max cosine similarity (MMCS) is the mean over features of the largest cosine with another \
        one. As features are added it rises; they count as nearly orthogonal while it is below a \
        threshold. How does their number depend on k? Features that were arranged rather than \
        drawn could be closer to orthogonal, so the number is a lower bound.",
        claims: &[&MORE],
        tables: &[Mmcs::SPEC, Count::SPEC],
        figures: &["near-orthogonality"],
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        threads as f64 * mmcs::memory(s.most, s.n, s.count_points)
    }

    fn run(s: &Settings, ctx: &Ctx) -> Result<Outcome> {
        let ks = grid::geometric(2, s.n, s.dims_points);
        let levels = grid::geometric(s.fewest, s.most, s.count_points);
        let units = 2 * ctx.seeds.len() * ks.len() * mmcs::pieces(&levels).len();
        ctx.session.progress.start(units as u64)?;

        let (mut mmcs, mut counts) = (Vec::new(), Vec::new());
        let mut outcome = Outcome::default();
        for &seed in ctx.seeds {
            let curve = |on: usize, purpose: &str, k: usize| {
                let mut rng = ctx.rng(seed, purpose, k as u64);
                let features = Features::draw(s.most, on, s.n, Entries::Signed, &mut rng);
                mmcs::of_first(&features, &levels, &ctx.session)
            };
            let both = |&k: &usize| Ok([curve(k, "features", k)?, curve(1, "control", k)?]);
            // The largest k first, so that no thread is left with it at the end.
            let mut curves: Vec<_> = ks.par_iter().rev().map(both).collect::<Result<_>>()?;
            curves.reverse();

            let row = |k, (&features, &mmcs)| Mmcs {
                k,
                features,
                seed,
                mmcs,
            };
            mmcs.extend(levels.iter().zip(&curves[0][1]).map(|point| row(1, point)));
            for (&k, [spread, _]) in ks.iter().zip(&curves) {
                mmcs.extend(levels.iter().zip(spread).map(|point| row(k, point)));
            }
            let number = |curve: &[f64]| nearly_orthogonal(&levels, curve, s.threshold);
            let count = |(&k, [spread, single]): (&usize, &[Vec<f64>; 2])| Count {
                k,
                seed,
                features: number(spread),
                control: number(single),
                threshold: s.threshold,
            };
            let of_seed: Vec<Count> = ks.iter().zip(&curves).map(count).collect();
            let rho = |number: fn(&Count) -> f64| {
                let up_to_half = of_seed.iter().filter(|r| 2 * r.k <= s.n);
                let (k, numbers): (Vec<_>, Vec<_>) =
                    up_to_half.map(|r| (r.k as f64, number(r))).unzip();
                all_finite("nearly orthogonal features by k", &numbers).map(|n| trend(&k, n))
            };
            outcome.settle(&MORE, seed, [rho(|r| r.features)], [rho(|r| r.control)]);
            counts.extend(of_seed);
        }
        outcome.tables = vec![Table::of(&mmcs), Table::of(&counts)];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        let mut rising = Panel::new(
            "",
            Axis::log("features N"),
            Axis::linear("mean max cosine similarity").range(0.0, 1.0),
        );
        let mmcs = tables.rows::<Mmcs>();
        let curve = |k: usize| {
            let rows = mmcs.iter().filter(|r| r.k == k);
            rows.map(|r| (r.features, r.mmcs)).medians()
        };
        let spread = mmcs.iter().map(|r| r.k).filter(|&k| k != 1).levels();
        for (role, k) in Role::steps(grid::every_third(&spread)) {
            rising = rising.line(role, format!("k = {k}"), curve(k));
        }
        rising = rising.dotted(Role::Control, "control: on one neuron", curve(1));
        let counts = tables.rows::<Count>();
        if let Some(row) = counts.first() {
            rising = rising.level(row.threshold, "");
        }

        let number = |of: fn(&Count) -> f64| counts.iter().map(|r| (r.k, of(r))).medians();
        let available = Panel::new(
            "",
            Axis::log("neurons per feature k"),
            Axis::log("nearly orthogonal features"),
        )
        .dotted(Role::Distributed, "on k neurons", number(|r| r.features))
        .dotted(
            Role::Control,
            "control: on one neuron",
            number(|r| r.control),
        );
        vec![
            Figure::new(
                "near-orthogonality",
                "Left: mean max cosine similarity of N random signed features, each on k neurons; \
                 dotted across: the threshold. Right: the largest N at which it is below the threshold, against k; the ends of the \
                 grid of N stand for what lies beyond them. Medians over seeds.",
            )
            .panel(rising)
            .panel(available),
        ]
    }

    fn findings(tables: &Tables, _: &Ledger) -> String {
        let rows = tables.rows::<Count>();
        let counts = rows.iter().map(|r| (r.k, r.features)).medians();
        let (Some(first), Some(last)) = (counts.first(), counts.last()) else {
            return "Nothing was measured.".into();
        };
        let control: Vec<f64> = rows.iter().map(|r| r.control).collect();
        let lower = |low: (f64, f64), c: &(f64, f64)| if c.1 < low.1 { *c } else { low };
        let lowest = counts.iter().fold(*first, lower);
        let count = |count: f64| number(count.round());
        let dip = match lowest.0 > first.0 {
            true => format!(", by way of {} at k = {}", count(lowest.1), lowest.0),
            false => String::new(),
        };
        let beyond = counts.iter().filter(|(k, _)| 2.0 * k >= last.0);
        let beyond = beyond.map(|(_, count)| *count);
        format!(
            "The number of nearly orthogonal features goes from {} at k = {}{dip}, to {} at k = {}; from half of the \
             neurons on it stays between {} and {}. Features on one neuron each, whose cosines are 0 or ±1, \
             keep below the threshold up to {} of them: only by sharing a neuron do they collide.",
            count(first.1),
            first.0,
            count(last.1),
            last.0,
            count(min(beyond.clone())),
            count(max(beyond)),
            count(median(&control)),
        )
    }
}

/// The largest N whose MMCS is below the threshold, interpolated in log N, within the levels.
fn nearly_orthogonal(levels: &[usize], mmcs: &[f64], threshold: f64) -> f64 {
    let logs: Vec<f64> = levels.iter().map(|&level| (level as f64).ln()).collect();
    grid::last_kept(&logs, mmcs, threshold, |v| v < threshold).map_or(levels[0] as f64, f64::exp)
}
