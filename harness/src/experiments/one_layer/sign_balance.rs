//! `sign-balance`: how far the response along a distributed feature is from a straight line, by how many of the
//! feature's entries are negative.

mod directions;

use rayon::prelude::*;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::claim::{Claim, Kind, at_most, below};
use crate::error::Result;
use crate::experiment::{About, Ctx, Experiment, Needs};
use crate::experiments::one_layer::response_curve::{Layer, Split, levels, max_error};
use crate::figure::{Axis, Figure, Mark, Panel, Role};
use crate::phase::Phase;
use crate::settings::range::{Allows, above_0_at_most_1e6, increasing, multiple_of, so_that};
use crate::stats::observations::Observations;
use crate::stats::{all_finite, largest_step, mean, quantile};
use crate::table::record::Word;
use crate::table::{Record, Table, Tables};
use crate::text::number;

pub use directions::Family;
use directions::{Sampler, Scratch};

/// See the [module](self).
pub struct SignBalance;

crate::settings! {
    /// Settings of `sign-balance`.
    pub struct Settings {
        /// Number of neurons n of the layer, even. Single precision resolves the balanced response to 1e-5 up to n of about 1,600.
        n: usize = 100, in multiple_of(2, 2..=1 << 20);
        /// How many of the n entries are negative, one curve each, increasing; 0 and n/2 among them.
        negatives: Vec<usize> = vec![0, 10, 25, 40, 50, 75, 90, 100], where s => {
            let words = format!("increasing, 0 to n = {}, with 0 and n/2 = {} among them", s.n, s.n / 2);
            let ends = |list: &[usize]| list.contains(&0) && list.contains(&(s.n / 2));
            so_that(words, move |list: &Vec<usize>| increasing(1.., 0..=s.n).admits(list) && ends(list))
        };
        /// Input levels run from −reach·√n to reach·√n.
        reach: f64 = 5.0, in above_0_at_most_1e6();
        /// Number of input levels.
        points: usize = 1000, in 20..=1 << 24;
        /// Share of the levels held out to score the two fits on.
        test_fraction: f64 = 0.2, in 0.05..=0.95;
        /// Widths n at which random directions are drawn, increasing.
        widths: Vec<usize> = vec![10, 30, 100, 300, 1000, 3000, 10_000], in increasing(2.., 2..=1 << 30);
        /// Random directions at each width and seed.
        directions: usize = 10_000, quick = 1000, in 1..=1 << 26;
    }
}

crate::rows! {
    /// The response along a feature with m negative entries at one input level.
    pub struct Point in "curves" {
        /// number of negative entries
        m: usize ["neurons"],
        /// input level
        x: f64 ["1"],
        /// output level
        y: f64 ["1"],
    }
}

crate::rows! {
    /// Non-homogeneity of the response along a feature with m negative entries.
    pub struct NonHomogeneity in "non-homogeneity" {
        /// number of negative entries
        m: usize ["neurons"],
        /// seed of the split into fitted and held-out levels
        seed: u64 [""],
        /// R² of a parabola minus R² of a line, on held-out levels
        delta_r2: f64 ["1"],
    }
}

crate::rows! {
    /// Non-homogeneity over random directions of one width.
    pub struct Quantiles in "directions" {
        /// signed: Gaussian, normalised; non-negative: the same without their signs
        family: Family [""],
        /// width of the layer
        n: usize ["neurons"],
        /// seed of the directions
        seed: u64 [""],
        /// 5 % quantile of ΔR²
        q05: f64 ["1"],
        /// 25 % quantile of ΔR²
        q25: f64 ["1"],
        /// median of ΔR²
        median: f64 ["1"],
        /// 75 % quantile of ΔR²
        q75: f64 ["1"],
        /// 95 % quantile of ΔR²
        q95: f64 ["1"],
        /// directions that keep at least half of the ΔR² of the all-positive direction; 0 if some ΔR² is not a number
        kept: usize ["directions"],
        /// number of directions; 0 if some ΔR² is not a number
        of: usize ["directions"],
        /// ΔR² of the all-positive direction
        all_positive: f64 ["1"],
    }
}

const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];
/// Directions to a random stream.
const BLOCK: usize = 250;

static BALANCED: Claim<2> = Claim {
    id: "balanced-is-homogeneous",
    kind: Kind::Identity,
    statement: "With as many negative as positive entries the non-linearities cancel and the \
        response is a straight line; the more uneven the signs, the more of it is left.",
    criterion: "at m = n/2, y = x/2 with max |error| ≤ 1e-5, and ΔR² falls with |n − 2m|",
    control: "m = 0",
    conditions: [
        at_most(1e-5, "max |y − x/2|"),
        below(
            1.0,
            "largest ΔR² ratio of an imbalance to the next larger one",
        ),
    ],
};

static WASH_OUT: Claim<2> = Claim {
    id: "random-directions-wash-out",
    kind: Kind::Law,
    statement: "Along random directions the non-linearity washes out as the layer grows wider, \
        because their signs nearly balance; along random non-negative directions it does not.",
    criterion: "the median ΔR² falls from each n to the next, and by more than half in all",
    control: "random non-negative directions",
    conditions: [
        below(0.5, "median ΔR² at the largest n over that at the smallest"),
        below(1.0, "largest median ΔR² ratio of a width to the one before"),
    ],
};

impl Experiment for SignBalance {
    type Settings = Settings;

    const ABOUT: &'static About = &About {
        id: "sign-balance",
        title: "Positive against negative entries of a feature",
        summary: "GELU(z) is z/2 plus an even function. Along a feature whose entries \
        have equal size, the even parts of the neurons with positive entries and of those with negative \
        ones cancel: what is left is in proportion to the imbalance. How does the response change with \
        the number m of negative entries, and what is left of the non-linearity along random directions \
        of wider and wider layers? Input levels run from −5√n to 5√n.",
        claims: &[&BALANCED, &WASH_OUT],
        tables: &[Point::SPEC, NonHomogeneity::SPEC, Quantiles::SPEC],
        figures: &["sign-balance", "random-directions"],
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        // The curves as rows; ΔR² of the directions of one width, and their sorted copy; what a thread needs to draw
        // one.
        let curves = s.points as f64 * s.negatives.len() as f64 * (Point::MEMORY + 16.0);
        curves + s.directions as f64 * 48.0 + threads as f64 * 1e5
    }

    fn run(s: &Settings, ctx: &Ctx) -> Result<Outcome> {
        let blocks = s.widths.len() * s.directions.div_ceil(BLOCK) * ctx.seeds.len();
        ctx.session.progress.start(1 + blocks as u64)?;
        let mut outcome = Outcome::default();
        let [curves, non_homogeneity] = fixed_signs(s, ctx, &mut outcome);
        ctx.session.progress.tick()?;
        let directions = random_signs(s, ctx, &mut outcome)?;
        outcome.tables = vec![curves, non_homogeneity, directions];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        vec![draw_fixed_signs(tables), draw_random_signs(tables)]
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        let value = |id: &str| ledger.get(id).map_or(f64::NAN, |e| e.value);
        let mut rows = tables.rows::<Quantiles>();
        rows.retain(|r| r.family == Family::Signed);
        let Some(last) = rows.last() else {
            return "No directions were drawn.".into();
        };
        let kept = |n: usize| {
            let rows = || rows.iter().filter(|r| r.n == n);
            let kept: f64 = rows().map(|r| r.kept as f64).sum();
            let of: f64 = rows().map(|r| r.of as f64).sum();
            100.0 * kept / of
        };
        let narrowest = rows.iter().map(|r| r.n).min().unwrap_or(0);
        format!(
            "With half of the entries negative the response is x/2 to within {}. Over random signed \
             directions the median ΔR² at n = {} is {} of that at n = {narrowest}, and the share that \
             keeps at least half of the all-positive direction's {} goes from {} % to {} %; \
             non-negative directions keep theirs at every width.",
            number(value(BALANCED.id)),
            last.n,
            number(value(WASH_OUT.id)),
            number(last.all_positive),
            number(kept(narrowest)),
            number(kept(last.n)),
        )
    }
}

/// The features with m negative entries of equal size: curves, ΔR² and the claim about them.
fn fixed_signs(s: &Settings, ctx: &Ctx, outcome: &mut Outcome) -> [Table; 2] {
    let n = s.n as f64;
    let x = levels(s.reach * n.sqrt(), s.points);
    // Every neuron holds x/√n or −x/√n.
    let before: Vec<f32> = x
        .iter()
        .flat_map(|x| [x / n.sqrt(), -x / n.sqrt()])
        .map(|z| z as f32)
        .collect();
    let mut after = vec![0.0; before.len()];
    Layer::of_gelu(ctx.session.serial()).apply(&before, &mut after);
    let response = |m: usize| -> Vec<f64> {
        let m = m as f64;
        let output = |y: &[f32]| ((n - m) * f64::from(y[0]) - m * f64::from(y[1])) / n.sqrt();
        after.chunks_exact(2).map(output).collect()
    };
    let responses: Vec<(usize, Vec<f64>)> = s.negatives.iter().map(|&m| (m, response(m))).collect();

    let mut curves = Vec::new();
    for (m, y) in &responses {
        curves.extend(x.iter().zip(y).map(|(&x, &y)| Point { m: *m, x, y }));
    }
    let error = |m: usize| max_error(&response(m), x.iter().map(|x| x / 2.0));
    let (balanced, all_positive) = (error(s.n / 2), error(0));
    let mut non_homogeneity = Vec::new();
    for &seed in ctx.seeds {
        let split = Split::new(&x, s.test_fraction, &mut ctx.rng(seed, "split", 0));
        let mut by_imbalance = Vec::new();
        for &(m, ref y) in &responses {
            let delta_r2 = split.delta_r2(y);
            non_homogeneity.push(NonHomogeneity { m, seed, delta_r2 });
            by_imbalance.push((s.n.abs_diff(2 * m), delta_r2));
        }
        by_imbalance.sort_by_key(|&(imbalance, _)| std::cmp::Reverse(imbalance));
        let falling: Vec<f64> = by_imbalance
            .chunk_by(|a, b| a.0 == b.0)
            .map(|same| mean(&same.iter().map(|&(_, delta)| delta).collect::<Vec<_>>()))
            .collect();
        let uneven = vec![split.delta_r2(&responses[0].1); falling.len()];
        let step = |delta: &[f64]| all_finite("ΔR² by imbalance", delta).map(largest_step);
        let of_claim = [Ok(balanced), step(&falling)];
        outcome.settle(&BALANCED, seed, of_claim, [Ok(all_positive), step(&uneven)]);
    }
    [Table::of(&curves), Table::of(&non_homogeneity)]
}

/// Random directions at every width: quantiles of ΔR² and the claim about them.
fn random_signs(s: &Settings, ctx: &Ctx, outcome: &mut Outcome) -> Result<Table> {
    let sampler = Sampler::new(s.reach, ctx.session.serial());
    let all_positive = sampler.all_positive();
    let mut rows = Vec::new();
    for &seed in ctx.seeds {
        let mut medians = [Vec::new(), Vec::new()];
        for &n in &s.widths {
            let blocks: Result<Vec<Vec<_>>> = (0..s.directions.div_ceil(BLOCK))
                .into_par_iter()
                .map(|block| {
                    let _span = Phase::Data.begin();
                    let mut rng = ctx.rng(seed, &format!("directions of {n}"), block as u64);
                    let mut scratch = Scratch::default();
                    let size = BLOCK.min(s.directions - block * BLOCK);
                    let drawn = (0..size)
                        .map(|_| sampler.draw(n, &mut rng, &mut scratch))
                        .collect();
                    ctx.session.progress.tick()?;
                    Ok(drawn)
                })
                .collect();
            let drawn = blocks?.concat();
            for (&family, medians) in Family::ALL.iter().zip(&mut medians) {
                let delta: Vec<f64> = drawn.iter().map(|d| d.of(family)).collect();
                let measured = delta.iter().all(|d| d.is_finite()) && all_positive.is_finite();
                let kept = delta.iter().filter(|&&d| d >= all_positive / 2.0).count();
                let [q05, q25, median, q75, q95] = QUANTILES.map(|q| quantile(&delta, q));
                medians.push(median);
                rows.push(Quantiles {
                    family,
                    n,
                    seed,
                    q05,
                    q25,
                    median,
                    q75,
                    q95,
                    kept: if measured { kept } else { 0 },
                    of: if measured { s.directions } else { 0 },
                    all_positive,
                });
            }
        }
        let fall = |medians: &[f64]| medians[medians.len() - 1] / medians[0];
        let [signed, non_negative] = medians.map(|medians| {
            let medians = all_finite("median ΔR² by width", &medians);
            [medians.clone().map(fall), medians.map(largest_step)]
        });
        outcome.settle(&WASH_OUT, seed, signed, non_negative);
    }
    Ok(Table::of(&rows))
}

fn draw_fixed_signs(tables: &Tables) -> Figure {
    let mut response = Panel::new(
        "response",
        Axis::linear("input level x"),
        Axis::linear("output level y"),
    );
    let curves = tables.rows::<Point>();
    for (role, m) in Role::steps(curves.iter().map(|r| r.m).levels()) {
        let rows = curves.iter().filter(|r| r.m == m);
        let points = rows.map(|r| (r.x, r.y));
        response = response.line(role, format!("m = {m}"), points);
    }
    let delta = tables.rows::<NonHomogeneity>();
    let delta = delta.iter().map(|r| (r.m, r.delta_r2)).medians();
    let delta = Panel::new(
        "non-homogeneity",
        Axis::linear("negative entries m"),
        Axis::linear("ΔR²"),
    )
    .dotted(Role::Gelu, "", delta);
    Figure::new(
        "sign-balance",
        "A GELU layer along a feature with m negative entries of equal size: its response, and how far \
         from homogeneous it is (median over seeds).",
    )
    .panel(response)
    .panel(delta)
}

fn draw_random_signs(tables: &Tables) -> Figure {
    let directions = tables.rows::<Quantiles>();
    let mut delta = Panel::new("non-homogeneity", Axis::log("neurons n"), Axis::log("ΔR²"));
    let mut kept = Panel::new(
        "at least half of the all-positive ΔR²",
        Axis::log("neurons n"),
        Axis::linear("share of directions (%)").range(0.0, 105.0),
    );
    let roles = [Role::Distributed, Role::Control];
    for (&family, role) in Family::ALL.iter().zip(roles) {
        let curve = |value: fn(&Quantiles) -> f64| {
            let rows = directions.iter().filter(|r| r.family == family);
            rows.map(|r| (r.n, value(r))).medians()
        };
        let quantiles = [
            (curve(|r| r.q05), curve(|r| r.q95)),
            (curve(|r| r.q25), curve(|r| r.q75)),
        ];
        for (low, high) in quantiles {
            let points = low.into_iter().zip(high);
            let points = points.map(|((n, low), (_, high))| (n, low, high)).collect();
            delta = delta.mark(Mark::Band { role, points });
        }
        delta = delta.dotted(role, family.word(), curve(|r| r.median));
        let share = curve(|r| 100.0 * r.kept as f64 / r.of as f64);
        kept = kept.dotted(role, family.word(), share);
    }
    Figure::new(
        "random-directions",
        "Random directions of wider and wider layers, Gaussian and normalised, with their signs and \
         without: median ΔR², with the middle half and the middle 90 % of the directions shaded, and the \
         share of them that keep at least half of the ΔR² of the all-positive direction. Median over seeds.",
    )
    .panel(delta)
    .panel(kept)
}
