//! The tables of `unfinished-features`.

use super::dictionary::Dictionary;
use super::elements::Category;
use crate::experiments::many_layers::multilayer::train::Kind;
use crate::table::{Cell, Column, Table, TableSpec};

const MODEL: Column = Column::word(
    "model",
    &[Kind::Trained.name(), Kind::Decisive.name()],
    "the model whose residual stream it is: trained, or decisive-layer (the control)",
);
const N: Column = Column::int("n", "datapoints", "number N of datapoints of the model");
const SEED: Column = Column::int("seed", "", "seed");
const LAYER: Column = Column::int(
    "layer",
    "",
    "layer l whose output x_l is encoded; 0 is the input layer",
);

pub static DICTIONARIES: TableSpec = TableSpec {
    name: "dictionaries",
    about: "One sparse autoencoder.",
    columns: &[
        MODEL,
        N,
        SEED,
        LAYER,
        Column::real(
            "l1",
            "1",
            "L1 coefficient, for a stream scaled to variance 1",
        ),
        Column::text("end", "trained, or how it diverged"),
        Column::real(
            "l0",
            "elements",
            "active elements a datapoint, mean over all datapoints",
        ),
        Column::real("explained_variance", "1", "1 − Σ‖x̂ − x‖² / Σ‖x − x̄‖²"),
        Column::real(
            "dead",
            "1",
            "share of the elements that fire on no datapoint",
        ),
    ],
};

pub static ELEMENTS: TableSpec = TableSpec {
    name: "elements",
    about: "One living element of one of the dictionaries that are read.",
    columns: &[
        MODEL,
        N,
        SEED,
        LAYER,
        Column::int("element", "", "number of the element in its dictionary"),
        Column::real("frequency", "1", "share of the datapoints that it fires on"),
        Column::real(
            "input_cosine",
            "1",
            "largest cosine with an input embedding",
        ),
        Column::real(
            "output_cosine",
            "1",
            "largest cosine with an output direction",
        ),
        Column::word(
            "category",
            &[
                Category::Input.name(),
                Category::Output.name(),
                Category::Neither.name(),
            ],
            "input, output or neither: what it lines up with",
        ),
        Column::int(
            "persistence",
            "layers",
            "following layers in a row in whose dictionary some element lines up with it",
        ),
    ],
};

pub static SIMILARITY: TableSpec = TableSpec {
    name: "similarity",
    about: "The dictionaries of two layers of one model.",
    columns: &[
        MODEL,
        N,
        SEED,
        LAYER,
        Column::int("other_layer", "", "layer of the other dictionary"),
        Column::real(
            "mmcs",
            "1",
            "mean over the living elements of the first of the largest cosine with one of the other",
        ),
    ],
};

/// All of them, in order.
pub fn tabulate(dictionaries: &[Dictionary]) -> Vec<Table> {
    let mut fits = Table::new(&DICTIONARIES);
    let mut elements = Table::new(&ELEMENTS);
    let mut similarity = Table::new(&SIMILARITY);
    for dictionary in dictionaries {
        let job = &dictionary.job;
        let key = || -> [Cell; 4] {
            let task = job.task;
            [
                task.kind.name().into(),
                task.n.into(),
                task.seed.into(),
                job.layer.into(),
            ]
        };
        let fit = dictionary.fit.as_ref();
        let end = fit.map_or_else(String::as_str, |_| "trained");
        let [model, n, seed, layer] = key();
        fits.push([
            model,
            n,
            seed,
            layer,
            job.l1.into(),
            end.into(),
            fit.map_or(f64::NAN, |f| f.l0).into(),
            fit.map_or(f64::NAN, |f| f.explained_variance).into(),
            fit.map_or(f64::NAN, |f| f.dead).into(),
        ]);
        for e in &dictionary.elements {
            let [model, n, seed, layer] = key();
            elements.push([
                model,
                n,
                seed,
                layer,
                e.number.into(),
                e.frequency.into(),
                e.input.into(),
                e.output.into(),
                e.category.name().into(),
                e.persistence.into(),
            ]);
        }
        for &(other, mmcs) in &dictionary.mmcs {
            let [model, n, seed, layer] = key();
            similarity.push([model, n, seed, layer, other.into(), mmcs.into()]);
        }
    }
    vec![fits, elements, similarity]
}
