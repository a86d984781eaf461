//! The tables of `recovery`.

use super::claims;
use super::measures::Reading;
use super::model::{Encoder, Model};
use super::optimum::{Comparison, Kind};
use super::settings::JUDGED_RATIO;
use crate::table::{Cell, Column, Table, TableSpec};

const ENCODER: Column = Column::word(
    "encoder",
    &[Encoder::Untied.name(), Encoder::Tied.name()],
    "untied or tied",
);
const LAMBDA: Column = Column::real(
    "lambda",
    "1",
    "coefficient of the L1 norm; 0 in the control",
);
const RATIO: Column = Column::real(
    "ratio",
    "1",
    "elements of the dictionary for each true feature",
);
const SEED: Column = Column::int("seed", "", "seed of features, data and initial parameters");

pub static SAES: TableSpec = TableSpec {
    name: "saes",
    about: "One row a model, measured on held-out samples.",
    columns: &[
        ENCODER,
        LAMBDA,
        RATIO,
        SEED,
        Column::int("elements", "1", "elements of the dictionary"),
        Column::text("end", "trained, or how it diverged"),
        Column::real(
            "mmcs",
            "1",
            "mean over true features of the largest cosine with an element",
        ),
        Column::real(
            "mmcs_of_alive",
            "1",
            "mean over alive elements of the largest cosine with a true feature",
        ),
        Column::real("dead", "1", "share of the elements that never fire"),
        Column::real("loss", "1", "‖x̂ − x‖² + λ Σ f, mean over samples"),
        Column::real(
            "explained_variance",
            "1",
            "share of the variance of the samples that is explained",
        ),
        Column::real("l0", "elements", "mean number of active elements"),
        Column::real("l1", "1", "mean sum of a code"),
        Column::real(
            "duplicates",
            "1",
            "share of the alive elements with another alive one at a cosine above 0.9",
        ),
    ],
};

pub static NEIGHBOURS: TableSpec = TableSpec {
    name: "neighbours",
    about: "Alive elements by their largest cosine with another one, for untied models with two elements for each feature: \
            the one of each seed whose MMCS is largest, and the one without a penalty.",
    columns: &[
        LAMBDA,
        SEED,
        Column::real("from", "1", "cosine from"),
        Column::real("to", "1", "cosine to"),
        Column::real("share", "1", "share of the alive elements"),
    ],
};

pub static OPTIMUM: TableSpec = TableSpec {
    name: "optimum",
    about: "Codes of held-out samples against the code of least L1 norm for the same dictionary and reconstruction.",
    columns: &[
        Column::word(
            "model",
            &[Kind::Trained.name(), Kind::Untrained.name()],
            "trained, or untrained (the control)",
        ),
        SEED,
        Column::int("sample", "", "number of the sample"),
        Column::real("l1", "1", "L1 norm of the model's code"),
        Column::int("l0", "elements", "its active elements"),
        Column::real("least_l1", "1", "L1 norm of the cheapest code"),
        Column::int("least_l0", "elements", "its active elements"),
        Column::real(
            "overlap",
            "1",
            "active elements in common over those of either",
        ),
        Column::real("gap", "1", "duality gap of the cheapest code over its cost"),
    ],
};

pub static TRAINING: TableSpec = TableSpec {
    name: "training",
    about: "Losses on the training batch before some steps.",
    columns: &[
        ENCODER,
        LAMBDA,
        RATIO,
        SEED,
        Column::int("step", "steps", "the step, from 0"),
        Column::real("reconstruction", "1", "‖x̂ − x‖², mean over the batch"),
        Column::real("sparsity", "1", "λ Σ f, mean over the batch"),
        Column::real(
            "density",
            "1",
            "share of the entries of the codes that are active",
        ),
    ],
};

/// Bins of the histogram of neighbours.
const BINS: usize = 40;

/// All of them, in order.
pub fn tabulate(models: &[Model], comparisons: &[Comparison]) -> Vec<Table> {
    let mut saes = Table::new(&SAES);
    let mut neighbours = Table::new(&NEIGHBOURS);
    let mut optimum = Table::new(&OPTIMUM);
    let mut training = Table::new(&TRAINING);
    for model in models {
        let task = &model.task;
        let key = || -> [Cell; 4] {
            [
                task.encoder.name().into(),
                task.lambda.into(),
                task.ratio.into(),
                task.seed.into(),
            ]
        };
        for look in &model.looks {
            let [encoder, lambda, ratio, seed] = key();
            training.push([
                encoder,
                lambda,
                ratio,
                seed,
                look.step.into(),
                look.reconstruction.into(),
                look.sparsity.into(),
                look.density.into(),
            ]);
        }
        let reading = model.reading.as_ref();
        let value = |of: &dyn Fn(&Reading) -> f64| Cell::from(reading.map_or(f64::NAN, of));
        let [encoder, lambda, ratio, seed] = key();
        saes.push([
            encoder,
            lambda,
            ratio,
            seed,
            model.elements.into(),
            reading.err().map_or("trained", String::as_str).into(),
            value(&|r| r.mmcs),
            value(&|r| r.mmcs_of_alive),
            value(&|r| r.dead),
            value(&|r| r.loss),
            value(&|r| r.explained_variance),
            value(&|r| r.l0),
            value(&|r| r.l1),
            value(&|r| r.share_above(claims::DUPLICATE)),
        ]);
        let judged = (task.encoder, task.ratio) == (Encoder::Untied, JUDGED_RATIO);
        let shown = || {
            let best = claims::best(models, task.seed, JUDGED_RATIO);
            task.lambda == 0.0 || best.is_ok_and(|best| std::ptr::eq(best, model))
        };
        if let (true, Ok(reading)) = (judged && shown(), reading) {
            let mut counts = vec![0usize; BINS];
            for &cosine in &reading.neighbours {
                counts[((cosine.max(0.0) * BINS as f64) as usize).min(BINS - 1)] += 1;
            }
            for (bin, count) in counts.into_iter().enumerate() {
                let edge = |i: usize| i as f64 / BINS as f64;
                let share = count as f64 / reading.neighbours.len().max(1) as f64;
                neighbours.push([
                    task.lambda.into(),
                    task.seed.into(),
                    edge(bin).into(),
                    edge(bin + 1).into(),
                    share.into(),
                ]);
            }
        }
    }
    for c in comparisons {
        optimum.push([
            c.kind.name().into(),
            c.seed.into(),
            c.sample.into(),
            c.l1.into(),
            c.l0.into(),
            c.least.into(),
            c.least_l0.into(),
            c.overlap.into(),
            c.gap.into(),
        ]);
    }
    vec![saes, neighbours, optimum, training]
}
