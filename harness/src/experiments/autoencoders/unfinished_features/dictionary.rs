//! The dictionaries of a model: which are trained, and what is read of each.

use kernels::Exec;

use super::elements::{Element, Fit, largest_cosines};
use super::settings::Settings;
use super::stream::Basis;
use crate::experiments::many_layers::multilayer::task::{Kind, Task};

/// The models, the control last.
pub const KINDS: [Kind; 2] = [Kind::Trained, Kind::LookUp];

/// One dictionary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Job {
    pub task: Task,
    pub basis: Basis,
    /// The layer whose stream is encoded.
    pub layer: usize,
    /// Its elements, in multiples of the width.
    pub ratio: usize,
    pub l1: f64,
    /// The number of this one among those that differ by their initial parameters alone.
    pub copy: usize,
}

/// A dictionary that was trained, read on the stream of one layer.
#[derive(Debug)]
pub struct Dictionary {
    pub job: Job,
    /// Its fit to the stream, or how its training diverged.
    pub fit: Result<Fit, String>,
    /// Its living elements, if it is read.
    pub elements: Vec<Element>,
    /// Mean over its living elements of the largest cosine with a living one of each layer's dictionary, by layer.
    pub mmcs: Vec<(usize, f64)>,
    /// The same with the copy that has other initial parameters, mean of both ways.
    pub stability: Option<f64>,
}

impl Job {
    /// Whether the elements of its dictionary are looked at one by one.
    pub fn is_read(&self, s: &Settings) -> bool {
        (self.ratio, self.l1) == (s.ratio, s.read_at)
    }
}

/// Those of one model and its layers.
pub fn of_model(task: Task, s: &Settings, layers: &[usize], fixes: bool) -> Vec<Job> {
    let mut jobs = Vec::new();
    let mut add = |basis, ratio, copies: usize| {
        for &layer in layers {
            for &l1 in &s.l1 {
                let job = Job {
                    task,
                    basis,
                    layer,
                    ratio,
                    l1,
                    copy: 0,
                };
                let copies = if job.is_read(s) { copies } else { 1 };
                jobs.extend((0..copies).map(|copy| Job { copy, ..job }));
            }
        }
    };
    s.ratios
        .iter()
        .for_each(|&ratio| add(Basis::Stream, ratio, 2));
    if fixes {
        add(Basis::AllLayers, s.ratio, 1);
        add(Basis::TunedLens, s.ratio, 1);
    }
    jobs
}

/// Sets the dictionaries of one model that were read beside each other: how similar they are from layer to layer and
/// from copy to copy, and how long each element persists.
pub fn compare(dictionaries: &mut [Dictionary], threshold: f64, width: usize, exec: Exec) {
    let directions = |d: &Dictionary| -> Vec<f32> {
        d.elements
            .iter()
            .flat_map(|e| e.direction.clone())
            .collect()
    };
    let of_copy = |all: &[Dictionary], copy: usize| -> Vec<usize> {
        let is = |&i: &usize| {
            let Dictionary { job, elements, .. } = &all[i];
            (job.basis, job.copy) == (Basis::Stream, copy) && !elements.is_empty()
        };
        (0..all.len()).filter(is).collect()
    };
    let mean = |c: &[f64]| c.iter().sum::<f64>() / c.len() as f64;
    let read = of_copy(dictionaries, 0);
    let layers: Vec<usize> = read.iter().map(|&i| dictionaries[i].job.layer).collect();
    let of_layers: Vec<Vec<f32>> = read.iter().map(|&i| directions(&dictionaries[i])).collect();
    let copies: Vec<(usize, Vec<f32>)> = of_copy(dictionaries, 1)
        .into_iter()
        .map(|i| (dictionaries[i].job.layer, directions(&dictionaries[i])))
        .collect();
    for (from, &i) in read.iter().enumerate() {
        let ours = &of_layers[from];
        let cosines: Vec<Vec<f64>> = of_layers
            .iter()
            .map(|to| largest_cosines(ours, to, width, exec))
            .collect();
        let dictionary = &mut dictionaries[i];
        dictionary.mmcs = layers
            .iter()
            .copied()
            .zip(cosines.iter().map(|c| mean(c)))
            .collect();
        let copy = copies.iter().find(|(layer, _)| *layer == layers[from]);
        dictionary.stability = copy.map(|(_, other)| {
            let [there, back] = [(ours, other), (other, ours)]
                .map(|(a, b)| mean(&largest_cosines(a, b, width, exec)));
            (there + back) / 2.0
        });
        for (place, element) in dictionary.elements.iter_mut().enumerate() {
            let following = cosines[from + 1..].iter();
            element.persistence = following.take_while(|c| c[place] > threshold).count();
        }
    }
}
