//! The training of every encoder at every learning rate and number of steps, and the choice of the best.

use kernels::MatRef;
use rayon::prelude::*;

use super::model::{Budget, Encoder, Model, start};
use super::reading::Reading;
use super::settings::Settings;
use super::source::Source;
use crate::error::Result;
use crate::experiment::Ctx;
use crate::sae::reading;
use crate::sae::training::{self, Candidate, Plan, Recipe, Trained};

crate::rows! {
    /// Every training of an encoder on synthetic data, and the loss by which learning rate and steps are chosen.
    pub struct Tried in "tuning" {
        /// synthetic data, with the coherence of the features if it is not 0, or compressed (the control)
        source: String [""],
        /// linear, two-layer or lista
        encoder: Encoder [""],
        /// L1 coefficient
        lambda: f64 ["1"],
        /// learning rate in multiples of the plan's
        rate: f64 ["1"],
        /// training steps
        steps: u64 ["steps"],
        /// seed
        seed: u64 [""],
        /// ‖x − x̂‖² + λ Σ f, mean over the samples by which learning rate and steps are chosen; not a number if the
        /// training diverged
        validation_loss: f64 ["1"],
    }
}

/// One training of an encoder.
#[derive(Clone, Copy)]
struct Task {
    encoder: Encoder,
    lambda: f64,
    rate: f64,
    steps: u64,
}

/// Trains the models of `tasks` for `steps` steps each, on the same batches.
fn train(
    tasks: Vec<Task>,
    steps: u64,
    source: &Source,
    s: &Settings,
    ctx: &Ctx,
) -> Result<Vec<(Task, Trained)>> {
    let seed = source.seed;
    let held = match source.is_held() {
        true => vec!["w_dec", "b_dec"],
        false => vec![],
    };
    let candidates = tasks.iter().map(|task| {
        let Task {
            encoder,
            lambda,
            rate,
            ..
        } = task;
        let variant = encoder.variant(*lambda, source, s);
        Candidate {
            slug: format!(
                "{}-{encoder}-lambda{lambda}-rate{rate}-steps{steps}-seed{seed}",
                source.name
            ),
            title: format!(
                "{encoder} encoder, {}, λ = {lambda}, rate {rate}, {steps} steps, seed {seed}",
                source.name
            ),
            source: 0,
            start: start(variant, source, ctx),
            recipe: Recipe {
                rate: *rate,
                held: held.clone(),
                ..Recipe::default()
            },
        }
    });
    let plan = Plan {
        steps,
        ..s.training
    };
    let draw = |_, step| source.batch(step, s.training.batch, ctx);
    let candidates = candidates.collect();
    let trained = training::train(candidates, &plan, s, &ctx.session, draw)?;
    Ok(tasks.into_iter().zip(trained).collect())
}

fn tasks(s: &Settings, rates: &[f64], steps: u64) -> Vec<Task> {
    let mut tasks = Vec::new();
    for encoder in Encoder::TRAINED {
        for &lambda in &s.lambdas {
            tasks.extend(rates.iter().map(|&rate| Task {
                encoder,
                lambda,
                rate,
                steps,
            }));
        }
    }
    tasks
}

/// Trains every encoder with every λ at the learning rate of the plan alone, so that nothing is chosen, and reads all
/// of them.
pub fn plainly(source: &Source, s: &Settings, steps: u64, ctx: &Ctx) -> Result<Vec<Model>> {
    let trained = train(tasks(s, &[1.0], steps), steps, source, s, ctx)?;
    let all = trained
        .iter()
        .map(|(task, trained)| (task, trained, Budget::All));
    read(all.collect(), source, ctx)
}

/// Tries every encoder at every rate and number of steps, and reads the best of each budget.
pub fn tuned(source: &Source, s: &Settings, ctx: &Ctx) -> Result<(Vec<Model>, Vec<Tried>)> {
    let mut trained = Vec::new();
    for steps in s.budgets() {
        trained.extend(train(tasks(s, &s.rates, steps), steps, source, s, ctx)?);
    }
    let validation = source.validation(s.held_out, ctx);
    let validation = MatRef::from_rows(&validation, source.width);
    let loss = |(task, trained): &(Task, Trained)| match trained.divergence {
        Some(_) => f64::NAN,
        None => {
            let exec = ctx.session.serial();
            let stream = reading::measure(exec, &trained.parameters, validation);
            stream.squared_error() + task.lambda * stream.l1()
        }
    };
    let losses: Vec<f64> = trained.par_iter().with_max_len(1).map(loss).collect();
    let tried = trained.iter().zip(&losses).map(|((task, _), &loss)| Tried {
        source: source.name.clone(),
        encoder: task.encoder,
        lambda: task.lambda,
        rate: task.rate,
        steps: task.steps,
        seed: source.seed,
        validation_loss: loss,
    });
    let tried = tried.collect();
    let mut chosen = Vec::new();
    for encoder in Encoder::TRAINED {
        for &lambda in &s.lambdas {
            for (budget, most) in [Budget::Third, Budget::All].into_iter().zip(s.budgets()) {
                let ours = (0..trained.len()).filter(|&i| {
                    let task = trained[i].0;
                    (task.encoder, task.lambda) == (encoder, lambda) && task.steps <= most
                });
                let (task, trained) = &trained[best(ours, &losses)];
                chosen.push((task, trained, budget));
            }
        }
    }
    Ok((read(chosen, source, ctx)?, tried))
}

/// Returns the place of the least loss that is a number, the first of equals; the first place if no loss is a number.
fn best(mut places: impl Iterator<Item = usize>, losses: &[f64]) -> usize {
    let first = places
        .next()
        .expect("a rate and a number of steps at least");
    let better = |best: usize, i: usize| {
        let worse = losses[i] >= losses[best] || losses[i].is_nan();
        if worse && !losses[best].is_nan() {
            best
        } else {
            i
        }
    };
    let found = places.fold(first, better);
    if losses[found].is_nan() { first } else { found }
}

fn read(chosen: Vec<(&Task, &Trained, Budget)>, source: &Source, ctx: &Ctx) -> Result<Vec<Model>> {
    let read = |&(task, trained, budget): &(&Task, &Trained, Budget)| {
        crate::session::progress::check()?;
        let read = || {
            Reading::of_encoder(
                ctx.session.serial(),
                &trained.parameters,
                task.lambda,
                source,
            )
        };
        Ok(Model {
            source: source.name.clone(),
            data: source.data,
            encoder: task.encoder,
            lambda: task.lambda,
            budget,
            seed: source.seed,
            tuned: (task.rate, task.steps),
            reading: trained.divergence.clone().map_or_else(|| Ok(read()), Err),
        })
    };
    chosen.par_iter().with_max_len(1).map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_loss_is_chosen_and_never_one_that_is_not_a_number() {
        let nan = f64::NAN;
        assert_eq!(best(0..4, &[3.0, 1.0, 2.0, 1.0]), 1);
        assert_eq!(best(0..4, &[nan, 4.0, nan, 2.0]), 3);
        assert_eq!(best(1..4, &[0.0, 4.0, nan, 5.0]), 1);
        assert_eq!(best(0..3, &[nan, nan, nan]), 0);
        assert_eq!(best(0..3, &[2.0, -nan, nan]), 0);
    }
}
