//! The experiment `sign-balance`: how far is the response along a distributed feature from a straight line, by how many
//! of the feature's entries are negative?

mod claims;
mod directions;
mod figures;
mod tables;

use rayon::prelude::*;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Ctx, Experiment, Needs};
use crate::experiments::one_layer::integrals::Quadrature;
use crate::experiments::one_layer::response_curve::{Layer, gelu, levels, max_error};
use crate::figure::Figure;
use crate::phase::Phase;
use crate::settings::range::{Allows, increasing, multiple_of, positive, so_that};
use crate::stats::{all_finite, exponent, largest_step, quantile};
use crate::table::record::Word;
use crate::table::{Record, Table, Tables};

use claims::{BALANCED, WASH_OUT};
pub use directions::Family;
use directions::{Sampler, Scratch};
pub use tables::{NonHomogeneity, Point, Quantiles};

/// The experiment `sign-balance`; see the [module](self).
pub struct SignBalance;

crate::settings! {
    /// Settings of `sign-balance`.
    pub struct Settings {
        /// Number of neurons n of the layer, even. Single precision resolves the balanced response to 1e-5 up to n of
        /// about 1,600.
        n: usize = 100, in multiple_of(2, 2..=1 << 20);
        /// Numbers of negative entries out of n, one curve each, increasing; 0 and n/2 among them.
        negatives: Vec<usize> = vec![0, 10, 25, 40, 50, 75, 90, 100], where s => {
            let words = format!("increasing, 0 to n = {}, with 0 and n/2 = {} among them", s.n, s.n / 2);
            let ends = |list: &[usize]| list.contains(&0) && list.contains(&(s.n / 2));
            so_that(words, move |list: &Vec<usize>| increasing(1.., 0..=s.n).admits(list) && ends(list))
        };
        /// Input levels run from −reach·√n to reach·√n.
        reach: f64 = 5.0, in positive();
        /// Number of input levels.
        points: usize = 1000, in 20..=1 << 24;
        /// Widths n at which random directions are drawn, increasing.
        widths: Vec<usize> = vec![10, 30, 100, 300, 1000, 3000, 10_000], in increasing(2.., 2..=1 << 30);
        /// Random directions at each width and seed.
        directions: usize = 10_000, quick = 1000, in 1..=1 << 26;
    }
}

/// The quantiles of ΔR² over random directions that are reported.
const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];
/// The number of directions that share a random stream.
const BLOCK: usize = 250;

impl Experiment for SignBalance {
    type Settings = Settings;

    crate::no_units!();

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

    fn conclude(s: &Settings, _: Vec<()>, ctx: &Ctx) -> Result<Outcome> {
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
        figures::draw(tables)
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        figures::findings(tables, ledger)
    }
}

/// Measures the response and ΔR² of features with m negative entries, all of equal size, and settles the claim about
/// them.
fn fixed_signs(s: &Settings, ctx: &Ctx, outcome: &mut Outcome) -> [Table; 2] {
    let n = s.n as f64;
    let x = levels(s.reach * n.sqrt(), s.points);
    // The pre-activation of every neuron is x/√n or −x/√n.
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
    // ΔR² does not depend on the scale of input and output: y/√n is taken against x/√n.
    let quadrature = Quadrature::default();
    let delta_r2 = |m: usize| {
        let m = m as f64;
        quadrature.delta_r2(|t| {
            let z = s.reach * t;
            (n - m) / n * gelu(z) - m / n * gelu(-z)
        })
    };
    let delta = |&m: &usize| NonHomogeneity {
        m,
        delta_r2: delta_r2(m),
    };
    let non_homogeneity: Vec<_> = s.negatives.iter().map(delta).collect();
    let mut imbalances: Vec<usize> = s.negatives.iter().map(|m| s.n.abs_diff(2 * m)).collect();
    imbalances.sort_unstable_by_key(|&imbalance| std::cmp::Reverse(imbalance));
    imbalances.dedup();
    // The ΔR² of features with so many more positive entries than negative ones.
    let falling: Vec<f64> = imbalances.iter().map(|i| delta_r2((s.n - i) / 2)).collect();
    let uneven = vec![delta_r2(0); falling.len()];
    let step = |delta: &[f64]| all_finite("ΔR² by imbalance", delta).map(largest_step);
    let (of_claim, of_control) = (step(&falling), step(&uneven));
    // Nothing here is drawn at random: every seed measures the same.
    for &seed in ctx.seeds {
        let of_claim = [Ok(balanced), of_claim.clone()];
        outcome.settle(
            &BALANCED,
            seed,
            of_claim,
            [Ok(all_positive), of_control.clone()],
        );
    }
    [Table::of(&curves), Table::of(&non_homogeneity)]
}

/// Draws random directions at every width, returns quantiles of their ΔR², and settles the claim about them.
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
        let [signed, non_negative] = medians.map(|medians| {
            let widths = s.widths.iter().map(|&n| n as f64);
            let law = exponent(&widths.zip(medians).collect::<Vec<_>>());
            [law, law]
        });
        outcome.settle(&WASH_OUT, seed, signed, non_negative);
    }
    Ok(Table::of(&rows))
}
