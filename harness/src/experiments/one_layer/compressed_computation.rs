//! The experiment `compressed-computation`: do 50 neurons compute 100 sparse ReLUs, or does noise in the targets do it?
//!
//! The model is that of Braun et al. (Interpretability in parameter space, 2025, the toy model of compressed
//! computation), and the question that of Bhagat et al. (Compressed computation is (probably) not computation in
//! superposition, 2025).

mod model;
mod settings;
mod target;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::claim::setting::Setting;
use crate::claim::{Claim, Kind, below};
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs};
use crate::figure::{Axis, Figure, Panel, Role};
use crate::stats::observations::Observations;
use crate::stats::{max, median, min};
use crate::table::record::Word as _;
use crate::table::{Record, Table, Tables};
use crate::text::{number, percent_to_tenths};

use model::Task;

pub use model::Model;
pub use settings::Settings;
pub use target::{Noise, Target};

/// The experiment `compressed-computation`; see the [module](self).
pub struct CompressedComputation;

crate::rows! {
    /// Loss of a trained layer on held-out samples.
    pub struct Loss in "losses" {
        /// what is added to the target: none, symmetric (Mx with a symmetric M) or asymmetric (independent entries)
        noise: Noise [""],
        /// standard deviation of the entries of M off its diagonal, which is 0
        scale: f64 ["1"],
        /// seed of M, of the initial weights and of the samples
        seed: u64 [""],
        /// squared error of the trained layer, mean over samples and features, over the probability of a feature
        loss: f64 ["1"],
        /// the same of the naive solution: one neuron each for as many features as there are neurons, nothing for the
        /// rest
        naive: f64 ["1"],
    }
}

/// The ratio of the losses below which there is a gain: losses are means over many samples, and half a percent is what
/// training leaves undone.
const GAIN: f64 = 0.95;

/// The seconds to train on a sample, per feature and neuron, on one core of Zen 3 with AVX2.
const PER_VALUE: f64 = 2.1e-10;

static NOISE: Claim<1> = Claim {
    id: "noise-makes-the-gain",
    kind: Kind::Finding,
    statement: "A layer with half as many ReLU neurons as sparse features beats the naive solution, which gives half of the \
        features a neuron each, only where the target holds a noisy linear part.",
    criterion: "with a symmetric noise matrix, at the scale where it helps most, the loss is below 0.95 of that of the naive \
        solution on the same target",
    control: "the same without noise in the target",
    conditions: [below(
        GAIN,
        "loss of the trained layer over that of the naive solution",
    )],
};

impl Experiment for CompressedComputation {
    type Settings = Settings;
    type Unit = Task;
    type Piece = Loss;

    const SIDE_BY_SIDE: bool = true;

    const ABOUT: &'static About = &About {
        id: "compressed-computation",
        title: "Do 50 neurons compute 100 sparse ReLUs?",
        summary: "If features in superposition can be computed with, a layer might compute more non-linear functions than it \
            has neurons. The simplest case: y = W₂ ReLU(W₁x) is trained to give the ReLU of each entry of x, of which few are \
            active at a time, with half as many neurons as entries. Such layers were reported to beat the naive solution, one \
            neuron each for half of the entries. There, the targets held a small random linear part Mx besides. Here the layer \
            is trained with and without it.",
        claims: &[&NOISE],
        tables: &[Loss::SPEC],
        figures: &["losses"],
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        let (features, neurons) = (s.features as f64, s.neurons as f64);
        let rows = s.batch.max(target::CHUNK) as f64;
        threads as f64
            * 4.0
            * (rows * (4.0 * features + 3.0 * neurons)
                + 8.0 * features * neurons
                + features * features)
    }

    fn most_seeds(s: &Settings) -> usize {
        s.most_seeds
    }

    fn units(s: &Settings, seeds: &[u64]) -> Vec<Task> {
        let mut tasks = Vec::new();
        for &seed in seeds {
            let task = |noise, scale| Task { noise, scale, seed };
            tasks.push(task(Noise::Nothing, 0.0));
            for noise in [Noise::Symmetric, Noise::Asymmetric] {
                tasks.extend(s.scales.iter().map(|&scale| task(noise, scale)));
            }
        }
        tasks
    }

    fn name(Task { noise, scale, seed }: &Task) -> String {
        format!("{noise}-scale{scale}-seed{seed}")
    }

    fn cost(s: &Settings, _: &Task, _: &Needs) -> Cost {
        let values = s.batch as f64 * (s.features * s.neurons) as f64;
        Cost {
            ticks: s.steps,
            seconds: PER_VALUE * s.steps as f64 * values,
        }
    }

    fn compute(s: &Settings, task: &Task, ctx: &Ctx) -> Result<Loss> {
        measure(task, s, ctx)
    }

    fn conclude(s: &Settings, losses: Vec<Loss>, ctx: &Ctx) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let gain_at = |seed: u64, noise: Noise, scale: Option<f64>| {
            let ours = losses.iter().filter(|r| (r.noise, r.seed) == (noise, seed));
            let ours = ours.filter(|r| scale.is_none_or(|scale| r.scale == scale));
            min(ours.map(|r| r.loss / r.naive))
        };
        // A scale that helps most at every seed would be the setting “where it helps most” once more.
        let is_best = |noise: Noise, scale: f64| {
            let mut seeds = ctx.seeds.iter();
            seeds.all(|&seed| gain_at(seed, noise, Some(scale)) == gain_at(seed, noise, None))
        };
        for &seed in ctx.seeds {
            let gain = |noise, scale| gain_at(seed, noise, scale);
            for noise in [Noise::Symmetric, Noise::Asymmetric] {
                let others = s.scales.iter().filter(|&&scale| !is_best(noise, scale));
                let scales = others.map(|&scale| Some(scale));
                for scale in [None].into_iter().chain(scales) {
                    let name = scale.map_or("where it helps most".into(), |s| s.to_string());
                    let cell = Setting::new([
                        ("noise matrix", noise.word().into()),
                        ("standard deviation of its entries", name),
                    ]);
                    let cell = cell.point_if((noise, scale) == (Noise::Symmetric, None));
                    let claim = [gain(noise, scale)];
                    outcome.settle_in(&cell, &NOISE, seed, claim, [gain(Noise::Nothing, None)]);
                }
            }
        }
        outcome.tables = vec![Table::of(&losses)];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        let rows = tables.rows::<Loss>();
        let of = |noise: Noise| rows.iter().filter(move |r| r.noise == noise);
        let highest = max(rows.iter().map(|r| r.loss.max(r.naive)));
        let y = Axis::linear("loss per feature / p");
        let y = if highest > 0.0 {
            y.range(0.0, 1.1 * highest)
        } else {
            y
        };
        let mut panel = Panel::new(
            "",
            Axis::linear("standard deviation of the entries of M"),
            y,
        );
        for (noise, role) in [
            (Noise::Symmetric, Role::Distributed),
            (Noise::Asymmetric, Role::Aligned),
        ] {
            let with_zero = || of(Noise::Nothing).chain(of(noise));
            panel = panel
                .line(
                    role,
                    format!("trained, {} M", noise.word()),
                    with_zero().map(|r| (r.scale, r.loss)).medians(),
                )
                .scatter(role, "", with_zero().map(|r| (r.scale, r.loss)));
        }
        let naive = of(Noise::Nothing).chain(of(Noise::Asymmetric));
        let naive = naive.map(|r| (r.scale, r.naive));
        panel = panel
            .line(Role::Control, "naive solution", naive.clone().medians())
            .scatter(Role::Control, "", naive);
        vec![
            Figure::new(
                "losses",
                "Squared error on held-out samples per feature, over the probability p of a feature, against the scale of the \
                 linear part Mx of the target; 0 is the target without it. Lines are medians over seeds, points single seeds; \
                 the naive solution computes as many features exactly as there are neurons, and nothing else.",
            )
            .columns(1)
            .panel(panel),
        ]
    }

    fn findings(tables: &Tables, _: &Ledger) -> String {
        let rows = tables.rows::<Loss>();
        let gains = |noise: Noise| {
            let ours = rows.iter().filter(|r| r.noise == noise);
            ours.map(|r| (r.scale, r.loss / r.naive)).medians()
        };
        let best = |noise: Noise| {
            let lower = |a: (f64, f64), b: (f64, f64)| if b.1 < a.1 { b } else { a };
            gains(noise).into_iter().reduce(lower)
        };
        let (Some(clean), Some(symmetric), Some(asymmetric)) = (
            best(Noise::Nothing),
            best(Noise::Symmetric),
            best(Noise::Asymmetric),
        ) else {
            return "Nothing was measured.".into();
        };
        let clean_loss = median(
            &rows
                .iter()
                .filter(|r| r.noise == Noise::Nothing)
                .map(|r| r.loss)
                .collect::<Vec<_>>(),
        );
        let scales = rows.iter().map(|r| r.scale);
        let end = match symmetric.0 == max(scales) {
            true => {
                " That is the largest scale that was tried, so a larger one may help more still."
            }
            false => "",
        };
        format!(
            "Without noise in the target, the trained layer ends at {} of the naive solution's loss ({} per feature and p). With \
             a symmetric noise matrix it comes down to {} of it, at a scale of {}; with an asymmetric one, to {} at {}.{end}",
            percent_to_tenths(clean.1),
            number(clean_loss),
            percent_to_tenths(symmetric.1),
            symmetric.0,
            percent_to_tenths(asymmetric.1),
            asymmetric.0,
        )
    }
}

/// Trains one layer and measures its loss on held-out samples.
fn measure(task: &Task, s: &Settings, ctx: &Ctx) -> Result<Loss> {
    let &Task { noise, scale, seed } = task;
    let target = Target::draw(s, noise, scale, &mut ctx.rng(seed, "noise", 0));
    let samples = |step: u64| ctx.rng(seed, "samples", step);
    let model = model::train(task, s, &target, samples, ctx)?;
    let mut rng = ctx.rng(seed, "held out", 0);
    let (mut sum, mut left) = (0.0, s.held_out);
    while left > 0 {
        let rows = left.min(target::CHUNK);
        let (x, y) = target.samples(rows, &mut rng);
        sum += model.squared_error(ctx.session.serial(), &x, &y);
        left -= rows;
    }
    let per_feature = sum / (s.held_out * s.features) as f64;
    Ok(Loss {
        noise,
        scale,
        seed,
        loss: per_feature / s.probability,
        naive: target.naive_loss(s.neurons) / s.probability,
    })
}
