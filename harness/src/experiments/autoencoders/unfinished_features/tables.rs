//! The tables of `unfinished-features`.

use super::dictionary::{Dictionary, Job};
use super::elements::Category;
use crate::experiments::many_layers::multilayer::task::Kind;
use crate::table::Table;

crate::rows! {
    /// One sparse autoencoder.
    pub struct Sae in "dictionaries" {
        /// the model whose residual stream it is: trained, or look-up (the control, built by hand)
        model: Kind [""],
        /// number N of datapoints of the model
        n: usize ["datapoints"],
        /// seed
        seed: u64 [""],
        /// layer l whose output x_l is encoded; 0 is the input layer
        layer: usize [""],
        /// L1 coefficient, for a stream scaled to variance 1
        l1: f64 ["1"],
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
    /// One living element of one of the dictionaries that are read.
    pub struct Element in "elements" {
        /// the model whose residual stream it is: trained, or look-up (the control, built by hand)
        model: Kind [""],
        /// number N of datapoints of the model
        n: usize ["datapoints"],
        /// seed
        seed: u64 [""],
        /// layer l whose output x_l is encoded; 0 is the input layer
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
        /// following layers in a row in whose dictionary some element lines up with it
        persistence: usize ["layers"],
    }
}

crate::rows! {
    /// The dictionaries of two layers of one model.
    pub struct Similarity in "similarity" {
        /// the model whose residual stream it is: trained, or look-up (the control, built by hand)
        model: Kind [""],
        /// number N of datapoints of the model
        n: usize ["datapoints"],
        /// seed
        seed: u64 [""],
        /// layer l whose output x_l is encoded; 0 is the input layer
        layer: usize [""],
        /// layer of the other dictionary
        other_layer: usize [""],
        /// mean over the living elements of the first of the largest cosine with one of the other
        mmcs: f64 ["1"],
    }
}

/// All of them, in order.
pub fn tabulate(dictionaries: &[Dictionary]) -> Vec<Table> {
    let saes: Vec<_> = dictionaries.iter().map(sae).collect();
    let elements: Vec<_> = dictionaries.iter().flat_map(elements).collect();
    let similarity: Vec<_> = dictionaries.iter().flat_map(similarity).collect();
    vec![
        Table::of(&saes),
        Table::of(&elements),
        Table::of(&similarity),
    ]
}

fn sae(dictionary: &Dictionary) -> Sae {
    let Job { task, layer, l1 } = dictionary.job;
    let fit = dictionary.fit.as_ref();
    Sae {
        model: task.kind,
        n: task.n,
        seed: task.seed,
        layer,
        l1,
        end: fit.map_or_else(String::clone, |_| "trained".into()),
        l0: fit.map_or(f64::NAN, |f| f.l0),
        explained_variance: fit.map_or(f64::NAN, |f| f.explained_variance),
        dead: fit.map_or(f64::NAN, |f| f.dead),
    }
}

fn elements(dictionary: &Dictionary) -> impl Iterator<Item = Element> {
    let Job { task, layer, .. } = dictionary.job;
    dictionary.elements.iter().map(move |e| Element {
        model: task.kind,
        n: task.n,
        seed: task.seed,
        layer,
        element: e.number,
        frequency: e.frequency,
        input_cosine: e.input,
        output_cosine: e.output,
        category: e.category,
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
