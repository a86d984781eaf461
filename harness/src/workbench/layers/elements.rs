//! Compares the elements of all layers, to follow them from layer to layer.

use kernels::Exec;

use super::chance::largest_cosine;
use super::compare::{Match, Reading};
use super::tables::{LayerElement, Persistence, Place, Similarity};
use crate::error::Result;
use crate::session::progress::Progress;

/// The tables of the elements of all layers.
#[derive(Debug, Default)]
pub struct Related {
    /// The row of each layer.
    pub persistence: Vec<Persistence>,
    /// The row of each element that is compared.
    pub elements: Vec<LayerElement>,
    /// The row of each pair of layers.
    pub similarity: Vec<Similarity>,
}

/// The matches of the elements of a layer with those of another dictionary.
struct Matches {
    direction: Vec<Match>,
    function: Vec<Match>,
}

impl Matches {
    fn of(exec: Exec, layer: &Reading, other: &Reading) -> Matches {
        Matches {
            direction: layer.by_direction(exec, other),
            function: layer.by_function(other, 0),
        }
    }

    fn cosine(&self, element: usize) -> f64 {
        value(self.direction[element])
    }

    fn correlation(&self, element: usize) -> f64 {
        value(self.function[element])
    }
}

/// Returns the cosine or correlation of a match; 0 if there is none.
fn value(found: Match) -> f64 {
    found.map_or(0.0, |found| found.1)
}

/// Compares the dictionaries of all layers, which have the names `names`, with each other, and with those of a second
/// training, `again`, if there is one. Each pair of layers is a unit of the progress.
///
/// # Errors
/// If the run is interrupted.
pub fn relate(
    exec: Exec,
    names: &[String],
    layers: &[Reading],
    again: &[Reading],
    same_from: f64,
    progress: &Progress,
) -> Result<Related> {
    let mut related = Related::default();
    for (layer, (name, reading)) in names.iter().zip(layers).enumerate() {
        let mut with = Vec::new();
        for other in layers {
            with.push(Matches::of(exec, reading, other));
            progress.tick()?;
        }
        let again = again
            .get(layer)
            .map(|other| Matches::of(exec, reading, other));
        let compared: Vec<usize> = (0..reading.elements())
            .filter(|&j| reading.compares(j))
            .collect();
        let elements = compared
            .iter()
            .map(|&j| element((layer, name), j, reading, &with, again.as_ref(), same_from));
        let elements: Vec<LayerElement> = elements.collect();
        let next = layers.get(layer + 1);
        let chance = next.map_or((f64::NAN, f64::NAN), |next| {
            let rows_apart = reading.by_function(next, reading.rows() / 2);
            let values = compared.iter().map(|&j| value(rows_apart[j]));
            let cosine = largest_cosine(0.5, next.elements(), next.width());
            (cosine, mean(values))
        });
        let persistence = persistence(name, &elements, chance, same_from);
        related.persistence.push(persistence);
        for (other_layer, matches) in with.iter().enumerate() {
            let matches = match other_layer == layer {
                true => again.as_ref(),
                false => Some(matches),
            };
            let mean_of = |of: fn(&Matches, usize) -> f64| {
                matches.map_or(f64::NAN, |m| mean(compared.iter().map(|&j| of(m, j))))
            };
            related.similarity.push(Similarity {
                layer: name.clone(),
                other_layer: names[other_layer].clone(),
                cosine: mean_of(Matches::cosine),
                correlation: mean_of(Matches::correlation),
            });
        }
        related.elements.extend(elements);
    }
    Ok(related)
}

fn element(
    (layer, name): (usize, &str),
    element: usize,
    reading: &Reading,
    with: &[Matches],
    again: Option<&Matches>,
    same_from: f64,
) -> LayerElement {
    let next = with.get(layer + 1);
    let (input, output) = (&with[0], &with[with.len() - 1]);
    let at = |matches: Option<&Matches>, of: fn(&Matches, usize) -> f64| {
        matches.map_or(f64::NAN, |matches| of(matches, element))
    };
    let place = |of: fn(&Matches, usize) -> f64| match (
        of(input, element) >= same_from,
        of(output, element) >= same_from,
    ) {
        (true, true) => Place::Both,
        (true, false) => Place::Input,
        (false, true) => Place::Output,
        (false, false) => Place::Neither,
    };
    let persists = |of: fn(&Matches, usize) -> f64| {
        let following = with[layer + 1..].iter();
        following
            .take_while(|m| of(m, element) >= same_from)
            .count()
    };
    let next_element = next.and_then(|next| next.direction[element]);
    LayerElement {
        layer: name.into(),
        element,
        frequency: reading.frequency(element),
        next_cosine: at(next, Matches::cosine),
        next_correlation: at(next, Matches::correlation),
        next_element: next_element.map_or(String::new(), |(other, _)| other.to_string()),
        input_cosine: input.cosine(element),
        input_correlation: input.correlation(element),
        output_cosine: output.cosine(element),
        output_correlation: output.correlation(element),
        again_cosine: at(again, Matches::cosine),
        again_correlation: at(again, Matches::correlation),
        direction: place(Matches::cosine),
        function: place(Matches::correlation),
        persists_direction: persists(Matches::cosine),
        persists_function: persists(Matches::correlation),
    }
}

fn persistence(
    name: &str,
    elements: &[LayerElement],
    (chance_cosine, chance_correlation): (f64, f64),
    same_from: f64,
) -> Persistence {
    // The share is NaN where the values are NaN, since there is nothing to compare with.
    let share = |of: &dyn Fn(&LayerElement) -> f64| {
        mean(elements.iter().map(|e| match of(e) {
            value if value.is_nan() => f64::NAN,
            value => f64::from(value >= same_from),
        }))
    };
    let unfinished = |of: fn(&LayerElement) -> Place| {
        mean(elements.iter().map(|e| f64::from(of(e) == Place::Neither)))
    };
    let stable = |of: fn(&LayerElement) -> Place, again: fn(&LayerElement) -> f64| {
        mean(elements.iter().map(|e| match again(e) {
            again if again.is_nan() => f64::NAN,
            again => f64::from(of(e) == Place::Neither && again >= same_from),
        }))
    };
    Persistence {
        layer: name.into(),
        compared: elements.len(),
        next_direction: share(&|e| e.next_cosine),
        next_function: share(&|e| e.next_correlation),
        again_direction: share(&|e| e.again_cosine),
        again_function: share(&|e| e.again_correlation),
        unfinished_direction: unfinished(|e| e.direction),
        unfinished_function: unfinished(|e| e.function),
        stable_unfinished_direction: stable(|e| e.direction, |e| e.again_cosine),
        stable_unfinished_function: stable(|e| e.function, |e| e.again_correlation),
        next_cosine: mean(elements.iter().map(|e| e.next_cosine)),
        chance_cosine,
        next_correlation: mean(elements.iter().map(|e| e.next_correlation)),
        chance_correlation,
    }
}

/// Returns the mean; NaN if there are no values.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0u64);
    for value in values {
        sum += value;
        count += 1;
    }
    sum / count as f64
}
