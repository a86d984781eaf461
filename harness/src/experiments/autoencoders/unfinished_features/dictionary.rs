//! The dictionaries of a model: the list of those that are trained, and the readings of each.

use kernels::Exec;
use serde::{Deserialize, Serialize};

use super::elements::{Element, Fit, largest_cosines};
use super::settings::Settings;
use super::stream::Basis;
use crate::experiments::many_layers::multilayer::task::{Kind, Task};

/// The kinds of models, the control last.
pub const KINDS: [Kind; 2] = [Kind::Trained, Kind::LookUp];

/// The description of one dictionary that is to be trained and read.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The model whose residual stream is encoded.
    pub task: Task,
    /// The activations that the dictionary is trained on.
    pub basis: Basis,
    /// The layer whose stream is encoded.
    pub layer: usize,
    /// The number of elements, in multiples of the width.
    pub ratio: usize,
    /// The L1 coefficient.
    pub l1: f64,
    /// The number of the dictionary among those that differ by their initial parameters alone.
    pub copy: usize,
}

/// The readings of a dictionary on the stream of one layer.
#[derive(Debug, Serialize, Deserialize)]
pub struct Dictionary {
    /// The description of the dictionary.
    pub job: Job,
    /// The fit of the dictionary to the stream, or how its training diverged.
    pub fit: Result<Fit, String>,
    /// The living elements, if they are looked at one by one; else empty.
    pub elements: Vec<Element>,
    /// The mean over the living elements of the largest cosine with a living one of each layer's dictionary, by layer.
    pub mmcs: Vec<(usize, f64)>,
    /// The mean over the living elements of the largest cosine with a living one of the copy that has other initial
    /// parameters, mean of both ways.
    pub stability: Option<f64>,
}

impl Job {
    /// Returns whether the dictionary has a training of its own: one dictionary of all layers is trained once, for the
    /// input layer.
    pub fn is_trained(&self) -> bool {
        self.basis != Basis::AllLayers || self.layer == 0
    }

    /// Returns whether the elements of the dictionary are looked at one by one.
    pub fn is_read(&self, s: &Settings) -> bool {
        (self.ratio, self.l1) == (s.ratio, s.read_at)
    }
}

/// The dictionaries that are trained and read together: those of one model, basis and size, on one layer, unless one
/// dictionary is for all layers.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// The seed of the model.
    pub seed: u64,
    /// The kind of the model.
    pub kind: Kind,
    /// The activations that the dictionaries are trained on.
    pub basis: Basis,
    /// The number of elements of a dictionary, in multiples of the width.
    pub ratio: usize,
    /// The number of the layer among those that are read; 0 for all layers in one.
    pub place: usize,
}

impl Group {
    /// Returns the groups of one model, with those of the fixes if it is not the control and `fixes` holds. If the
    /// model has fewer layers than are to be read, the last groups are empty.
    pub fn of_model(seed: u64, kind: Kind, s: &Settings, fixes: bool) -> Vec<Group> {
        let group = |basis, ratio| {
            move |place| Group {
                seed,
                kind,
                basis,
                ratio,
                place,
            }
        };
        let ratios = s.ratios.iter();
        let of_ratio = |&ratio| (0..s.layers).map(group(Basis::Stream, ratio));
        let mut groups: Vec<Group> = ratios.flat_map(of_ratio).collect();
        if fixes && kind == KINDS[0] {
            groups.push(group(Basis::AllLayers, s.ratio)(0));
            groups.extend((0..s.layers).map(group(Basis::TunedLens, s.ratio)));
        }
        groups
    }

    /// Returns the name of the group.
    pub fn name(&self) -> String {
        let Group {
            seed,
            kind,
            basis,
            ratio,
            place,
        } = self;
        format!("{kind}-seed{seed}-{basis}-ratio{ratio}-layer{place}")
    }

    /// Returns the number of trainings of the dictionaries of the group, if `layers` are read.
    pub fn trained(&self, s: &Settings, layers: &[usize]) -> usize {
        if self.place >= layers.len() {
            return 0;
        }
        let is_read = (self.basis, self.ratio) == (Basis::Stream, s.ratio);
        s.l1.len() + usize::from(is_read)
    }

    /// Returns the descriptions of the dictionaries of the group, for a model of which `layers` are read.
    pub fn jobs(&self, task: Task, s: &Settings, layers: &[usize]) -> Vec<Job> {
        let layers = match self.basis {
            Basis::AllLayers => layers,
            _ => layers.get(self.place..=self.place).unwrap_or_default(),
        };
        let of_layer = |&layer| {
            s.l1.iter().flat_map(move |&l1| {
                let job = Job {
                    task,
                    basis: self.basis,
                    layer,
                    ratio: self.ratio,
                    l1,
                    copy: 0,
                };
                let copied = job.is_read(s) && self.basis == Basis::Stream;
                (0..1 + usize::from(copied)).map(move |copy| Job { copy, ..job })
            })
        };
        layers.iter().flat_map(of_layer).collect()
    }
}

/// Compares the dictionaries of one model whose elements were read, and writes to them how similar they are from layer
/// to layer and from copy to copy, and how long each element persists.
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
