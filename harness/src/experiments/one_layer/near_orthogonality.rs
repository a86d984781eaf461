//! `near-orthogonality`: how many random features are nearly orthogonal, by the number of neurons that
//! each is on.

use std::ops::Range;

use kernels::{SparseRef, max_product};
use rayon::prelude::*;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::claim::{Claim, ClaimSpec, at_least};
use crate::error::Result;
use crate::experiment::{Ctx, Experiment, Needs};
use crate::experiments::one_layer::features::{Entries, Features};
use crate::experiments::one_layer::grid;
use crate::figure::{Axis, Figure, Panel, Role};
use crate::settings::range::{above, up_to};
use crate::stats::observations::Observations;
use crate::stats::{all_finite, max, min, trend};
use crate::table::{Record, Table, TableSpec, Tables};
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

    const ID: &'static str = "near-orthogonality";
    const TITLE: &'static str = "How many features are nearly orthogonal";
    const SUMMARY: &'static str = "Random signed features are each spread over k of n neurons. Their \
        mean max cosine similarity (MMCS) is the mean over features of the largest cosine with another \
        one. As features are added it rises; they count as nearly orthogonal while it is below a \
        threshold. How does their number depend on k? Features that were arranged rather than \
        drawn could be closer to orthogonal, so the number is a lower bound.";
    const CLAIMS: &'static [&'static ClaimSpec] = &[&MORE];
    const TABLES: &'static [&'static TableSpec] = &[Mmcs::SPEC, Count::SPEC];
    const FIGURES: &'static [&'static str] = &["near-orthogonality"];

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        // Per thread the entries of one k, and what its pieces return; a thread that waits for its
        // pieces may begin another k.
        let pieces = (s.most / PIECE + s.count_points) as f64;
        let most = s.most as f64;
        let features = most * (s.n as f64 * 8.0 + 8.0) + pieces * most * 4.0 / 2.0;
        let panels = (PIECE + 64) as f64 * s.n as f64 * 4.0;
        threads as f64 * (2.0 * features + panels)
    }

    fn run(s: &Settings, ctx: &Ctx) -> Result<Outcome> {
        let ks = grid::geometric(2, s.n, s.dims_points);
        let levels = grid::geometric(s.fewest, s.most, s.count_points);
        let pieces = pieces(&levels).len();
        ctx.session
            .progress
            .start((2 * ctx.seeds.len() * ks.len() * pieces) as u64)?;

        let (mut mmcs, mut counts) = (Vec::new(), Vec::new());
        let mut outcome = Outcome::default();
        for &seed in ctx.seeds {
            // The largest first, so that no thread is left with it at the end.
            let draws = ks.iter().rev().map(|&k| (k, "features"));
            let draws: Vec<_> = draws.chain(ks.iter().map(|&k| (k, "control"))).collect();
            let curves: Vec<Vec<f64>> = draws
                .par_iter()
                .map(|&(k, purpose)| {
                    let on = if purpose == "control" { 1 } else { k };
                    let mut rng = ctx.rng(seed, purpose, k as u64);
                    let features = Features::draw(s.most, on, s.n, Entries::Signed, &mut rng);
                    mmcs_at(&features, &levels, ctx)
                })
                .collect::<Result<_>>()?;
            let (spread, single) = curves.split_at(ks.len());
            let spread: Vec<_> = spread.iter().rev().collect();

            let on_grid = |k: usize, curve: &[f64]| {
                let row = |(&features, &mmcs)| Mmcs {
                    k,
                    features,
                    seed,
                    mmcs,
                };
                levels.iter().zip(curve).map(row).collect::<Vec<_>>()
            };
            let number = |curve: &[f64]| nearly_orthogonal(&levels, curve, s.threshold);
            let (mut features, mut control) = (Vec::new(), Vec::new());
            mmcs.extend(on_grid(1, &single[0]));
            for ((&k, spread), single) in ks.iter().zip(spread).zip(single) {
                mmcs.extend(on_grid(k, spread));
                features.push(number(spread));
                control.push(number(single));
                counts.push(Count {
                    k,
                    seed,
                    features: number(spread),
                    control: number(single),
                    threshold: s.threshold,
                });
            }
            let rising = ks.iter().take_while(|&&k| 2 * k <= s.n).count();
            let k: Vec<f64> = ks[..rising].iter().map(|&k| k as f64).collect();
            let [rho, of_control] = [features, control].map(|counts| {
                let counts = all_finite("nearly orthogonal features by k", &counts[..rising]);
                counts.map(|counts| trend(&k, counts))
            });
            outcome.settle(&MORE, seed, [rho], [of_control]);
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
        // Every third k is enough to see the order.
        let spread = mmcs.iter().map(|r| r.k).filter(|&k| k != 1).distinct();
        let shown: Vec<_> = spread.into_iter().rev().step_by(3).collect();
        let of = shown.len();
        for (index, &k) in shown.iter().rev().enumerate() {
            rising = rising.line(Role::Step { index, of }, format!("k = {k}"), curve(k));
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
        let control = rows.iter().map(|r| (0.0, r.control)).medians();
        let (Some(first), Some(last), Some(control)) =
            (counts.first(), counts.last(), control.first())
        else {
            return "Nothing was measured.".into();
        };
        let beyond = counts.iter().filter(|(k, _)| 2.0 * k >= last.0);
        let beyond = beyond.map(|(_, count)| *count);
        let (low, high) = (min(beyond.clone()), max(beyond));
        let lowest = counts
            .iter()
            .copied()
            .fold(*first, |low, c| if c.1 < low.1 { c } else { low });
        let dip = if lowest.0 > first.0 {
            format!(
                ", by way of {} at k = {}",
                number(lowest.1.round()),
                lowest.0
            )
        } else {
            String::new()
        };
        format!(
            "The number of nearly orthogonal features goes from {} at k = {}{dip}, to {} at k = {}; from half of the \
             neurons on it stays between {} and {}. Features on one neuron each, whose cosines are 0 or ±1, \
             keep below the threshold up to {} of them: only by sharing a neuron do they collide.",
            number(first.1.round()),
            first.0,
            number(last.1.round()),
            last.0,
            number(low.round()),
            number(high.round()),
            number(control.1.round()),
        )
    }
}

/// Features to a piece of work, at most.
const PIECE: usize = 1024;

/// Ranges of features, none across a level.
fn pieces(levels: &[usize]) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for &level in levels {
        while from < level {
            let to = level.min(from + PIECE);
            pieces.push(from..to);
            from = to;
        }
    }
    pieces
}

/// The mean max cosine similarity of the first N features, for each N of `levels`, which increase and
/// start from 2 at least: one pass over the pairs of the largest.
fn mmcs_at(features: &Features, levels: &[usize], ctx: &Ctx) -> Result<Vec<f64>> {
    let starts: Vec<usize> = (0..=features.count()).map(|i| i * features.k()).collect();
    let rows = SparseRef::new(
        &starts,
        features.neurons(),
        features.entries(),
        features.n(),
    )
    .expect("features lie within the layer");
    let pieces = pieces(levels);
    // Of each piece of columns, the largest cosine of every row up to its end; the largest first.
    let best: Vec<Vec<f32>> = pieces
        .par_iter()
        .rev()
        .map(|piece| {
            let mut best = vec![f32::NEG_INFINITY; piece.end];
            max_product(ctx.session.serial(), rows, piece.clone(), &mut best);
            ctx.session.progress.tick()?;
            Ok(best)
        })
        .collect::<Result<_>>()?;

    let mut running = vec![f64::NEG_INFINITY; features.count()];
    let mut means = Vec::with_capacity(levels.len());
    for (piece, best) in pieces.iter().zip(best.iter().rev()) {
        for (running, &best) in running.iter_mut().zip(best) {
            *running = max([*running, best.into()]);
        }
        if levels.contains(&piece.end) {
            let sum: f64 = running[..piece.end].iter().sum();
            means.push(sum / piece.end as f64);
        }
    }
    Ok(means)
}

/// The largest N whose MMCS is below the threshold, interpolated in log N, within the levels.
fn nearly_orthogonal(levels: &[usize], mmcs: &[f64], threshold: f64) -> f64 {
    let logs: Vec<f64> = levels.iter().map(|&level| (level as f64).ln()).collect();
    grid::last_kept(&logs, mmcs, threshold, |v| v < threshold).map_or(levels[0] as f64, f64::exp)
}
