//! The tables of `unfinished-features`.

use super::claims::fits;
use super::cost::Cost;
use super::dictionary::{Dictionary, Job};
use super::elements::Category;
use super::stream::Basis;
use crate::experiments::many_layers::multilayer::task::Kind;
use crate::stats::observations::Observations as _;
use crate::table::Table;

crate::rows! {
    /// One sparse autoencoder, on the stream of one layer.
    pub struct Sae in "dictionaries" {
        /// the model whose residual stream it is: trained, or look-up (the control)
        model: Kind [""],
        /// number N of datapoints of the model
        n: usize ["datapoints"],
        /// seed
        seed: u64 [""],
        /// what it was trained on: the stream of its layer, those of all layers, or the coordinates of the tuned lens
        basis: Basis [""],
        /// layer l after which the residual stream is encoded; 0 is the input layer
        layer: usize [""],
        /// elements, in multiples of the width
        ratio: usize ["1"],
        /// L1 coefficient, for a stream scaled to variance 1
        l1: f64 ["1"],
        /// 0 or 1: which of two that differ by their initial parameters
        copy: usize [""],
        /// trained, or how it diverged
        end: String [""],
        /// active elements a datapoint, mean over all datapoints
        l0: f64 ["elements"],
        /// 1 − Σ‖x̂ − x‖² / Σ‖x − x̄‖²
        explained_variance: f64 ["1"],
        /// share of the elements that fire on no datapoint
        dead: f64 ["1"],
    }
}

crate::rows! {
    /// What the dictionaries of one layer cost, over their L1 coefficients; not a number where they are all on one side
    /// of the level at which the cost is read.
    pub struct LayerCost in "costs" {
        /// the model whose residual stream it is: trained, or look-up (the control)
        model: Kind [""],
        /// number N of datapoints of the model
        n: usize ["datapoints"],
        /// seed
        seed: u64 [""],
        /// what the dictionaries were trained on
        basis: Basis [""],
        /// layer l after which the residual stream is encoded; 0 is the input layer
        layer: usize [""],
        /// elements, in multiples of the width
        ratio: usize ["1"],
        /// active elements a datapoint at an explained variance of 0.95, interpolated between penalties; NaN where all
        /// dictionaries explain more, or all explain less
        l0: f64 ["elements"],
        /// share of the variance that is not explained with 10 active elements a datapoint, interpolated between
        /// penalties; NaN where all dictionaries have fewer, or all have more
        unexplained: f64 ["1"],
    }
}

crate::rows! {
    /// One living element of one of the dictionaries that are read.
    pub struct Element in "elements" {
        /// the model whose residual stream it is: trained, or look-up (the control)
        model: Kind [""],
        /// number N of datapoints of the model
        n: usize ["datapoints"],
        /// seed
        seed: u64 [""],
        /// what its dictionary was trained on
        basis: Basis [""],
        /// layer l after which the residual stream is encoded; 0 is the input layer
        layer: usize [""],
        /// number of the element in its dictionary
        element: usize [""],
        /// share of the datapoints that it fires on
        frequency: f64 ["1"],
        /// largest cosine with an input embedding
        input_cosine: f64 ["1"],
        /// largest cosine with an output direction
        output_cosine: f64 ["1"],
        /// input, output or neither: what it lines up with
        category: Category [""],
        /// largest cosine, over datapoints, of its activations with the indicator of an input
        input_function: f64 ["1"],
        /// largest cosine, over datapoints, of its activations with the indicator of a class
        output_function: f64 ["1"],
        /// input, output (a class) or neither: what it is selective for
        selective: Category [""],
        /// following layers that are read, in a row, in whose dictionary some element lines up with it
        persistence: usize ["layers"],
    }
}

crate::rows! {
    /// The similarity of the dictionaries of two layers of one model.
    pub struct Similarity in "similarity" {
        /// the model whose residual stream it is: trained, or look-up (the control)
        model: Kind [""],
        /// number N of datapoints of the model
        n: usize ["datapoints"],
        /// seed
        seed: u64 [""],
        /// layer l after which the residual stream is encoded; 0 is the input layer
        layer: usize [""],
        /// layer of the other dictionary
        other_layer: usize [""],
        /// mean over the living elements of the first of the largest cosine with one of the other
        mmcs: f64 ["1"],
    }
}

crate::rows! {
    /// The similarity of two dictionaries of one layer that differ by their initial parameters alone.
    pub struct Stability in "stability" {
        /// the model whose residual stream it is: trained, or look-up (the control)
        model: Kind [""],
        /// number N of datapoints of the model
        n: usize ["datapoints"],
        /// seed
        seed: u64 [""],
        /// layer l after which the residual stream is encoded; 0 is the input layer
        layer: usize [""],
        /// mean over living elements of the largest cosine with one of the other dictionary, mean of both ways
        mmcs: f64 ["1"],
    }
}

/// Returns all tables, in the order in which the experiment lists them.
pub fn tabulate(dictionaries: &[Dictionary]) -> Vec<Table> {
    let saes: Vec<_> = dictionaries.iter().map(sae).collect();
    let elements: Vec<_> = dictionaries.iter().flat_map(elements).collect();
    let similarity: Vec<_> = dictionaries.iter().flat_map(similarity).collect();
    let stability: Vec<_> = dictionaries.iter().filter_map(stability).collect();
    vec![
        Table::of(&saes),
        Table::of(&costs(dictionaries)),
        Table::of(&elements),
        Table::of(&similarity),
        Table::of(&stability),
    ]
}

fn sae(dictionary: &Dictionary) -> Sae {
    let Job {
        task,
        basis,
        layer,
        ratio,
        l1,
        copy,
    } = dictionary.job;
    let fit = dictionary.fit.as_ref();
    Sae {
        model: task.kind,
        n: task.n,
        seed: task.seed,
        basis,
        layer,
        ratio,
        l1,
        copy,
        end: fit.map_or_else(String::clone, |_| "trained".into()),
        l0: fit.map_or(f64::NAN, |f| f.l0),
        explained_variance: fit.map_or(f64::NAN, |f| f.explained_variance),
        dead: fit.map_or(f64::NAN, |f| f.dead),
    }
}

/// Returns a row for each model, layer, basis and size.
fn costs(dictionaries: &[Dictionary]) -> Vec<LayerCost> {
    let of = |job: &Job| Job {
        l1: 0.0,
        copy: 0,
        ..*job
    };
    let jobs = dictionaries.iter().map(|d| of(&d.job)).distinct();
    let cost = |job: Job| {
        let ours = dictionaries.iter().filter(|d| of(&d.job) == job);
        let fits = fits(ours, job.layer);
        let measured = |cost: Cost| {
            let cost = fits.as_ref().ok().and_then(|fits| cost.of(fits));
            cost.unwrap_or(f64::NAN)
        };
        LayerCost {
            model: job.task.kind,
            n: job.task.n,
            seed: job.task.seed,
            basis: job.basis,
            layer: job.layer,
            ratio: job.ratio,
            l0: measured(Cost::ActiveElements),
            unexplained: measured(Cost::Unexplained),
        }
    };
    jobs.into_iter().map(cost).collect()
}

fn elements(dictionary: &Dictionary) -> impl Iterator<Item = Element> {
    let Job {
        task,
        basis,
        layer,
        copy,
        ..
    } = dictionary.job;
    let elements = dictionary.elements.iter().filter(move |_| copy == 0);
    elements.map(move |e| Element {
        model: task.kind,
        n: task.n,
        seed: task.seed,
        basis,
        layer,
        element: e.number,
        frequency: e.frequency,
        input_cosine: e.input,
        output_cosine: e.output,
        category: e.category,
        input_function: e.function[0],
        output_function: e.function[1],
        selective: e.selective,
        persistence: e.persistence,
    })
}

fn similarity(dictionary: &Dictionary) -> impl Iterator<Item = Similarity> {
    let Job { task, layer, .. } = dictionary.job;
    let others = dictionary.mmcs.iter();
    others.map(move |&(other_layer, mmcs)| Similarity {
        model: task.kind,
        n: task.n,
        seed: task.seed,
        layer,
        other_layer,
        mmcs,
    })
}

fn stability(dictionary: &Dictionary) -> Option<Stability> {
    let Job { task, layer, .. } = dictionary.job;
    dictionary.stability.map(|mmcs| Stability {
        model: task.kind,
        n: task.n,
        seed: task.seed,
        layer,
        mmcs,
    })
}
