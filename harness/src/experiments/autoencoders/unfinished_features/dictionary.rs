//! The dictionaries of a model, one or more for each of its layers.

use kernels::Exec;

use super::elements::{Element, Fit, largest_cosines};
use crate::experiments::many_layers::multilayer::task::Task;

/// One dictionary to train.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    pub task: Task,
    pub layer: usize,
    pub l1: f64,
}

/// A dictionary that was trained.
#[derive(Debug)]
pub struct Dictionary {
    pub job: Job,
    /// Its fit to the stream, or how its training diverged.
    pub fit: Result<Fit, String>,
    /// Its elements, if it is read.
    pub elements: Vec<Element>,
    /// Mean over its living elements of the largest cosine with a living one of each layer's dictionary, by layer.
    pub mmcs: Vec<(usize, f64)>,
}

/// Sets the dictionaries of one model that were read beside each other: how similar they are from layer to layer,
/// and how long each element persists.
pub fn compare_layers(dictionaries: &mut [Dictionary], threshold: f64, width: usize, exec: Exec) {
    let read: Vec<usize> = (0..dictionaries.len())
        .filter(|&i| !dictionaries[i].elements.is_empty())
        .collect();
    let layers: Vec<usize> = read.iter().map(|&i| dictionaries[i].job.layer).collect();
    let directions: Vec<Vec<f32>> = read
        .iter()
        .map(|&i| {
            dictionaries[i]
                .elements
                .iter()
                .flat_map(|e| e.direction.clone())
                .collect()
        })
        .collect();
    for (from, &i) in read.iter().enumerate() {
        let cosines: Vec<Vec<f64>> = directions
            .iter()
            .map(|to| largest_cosines(&directions[from], to, width, exec))
            .collect();
        let dictionary = &mut dictionaries[i];
        let count = dictionary.elements.len() as f64;
        let mean = |c: &Vec<f64>| c.iter().sum::<f64>() / count;
        dictionary.mmcs = layers
            .iter()
            .copied()
            .zip(cosines.iter().map(mean))
            .collect();
        for (place, element) in dictionary.elements.iter_mut().enumerate() {
            let following = cosines[from + 1..].iter();
            element.persistence = following.take_while(|c| c[place] > threshold).count();
        }
    }
}
