//! The reading of a dictionary: how well it reconstructs, and what its elements line up with.

use kernels::metrics::max_cosines;
use kernels::mlp;
use kernels::sae::Parameters;
use kernels::{Exec, MatRef};
use serde::{Deserialize, Serialize};

use super::function::{Properties, selectivity};
use super::stream::Activations;
use crate::phase::Phase;
use crate::sae::reading;
use crate::stats::max;

/// The fit of a dictionary to a stream.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Fit {
    /// The mean number of active elements a datapoint.
    pub l0: f64,
    /// The explained variance 1 − Σ‖x̂ − x‖² / Σ‖x − x̄‖².
    pub explained_variance: f64,
    /// The share of the elements that fire on no datapoint.
    pub dead: f64,
}

crate::words! {
    /// The kind of thing that an element lines up with, or is selective for.
    pub enum Category {
        /// An input: by direction its embedding, by function its indicator.
        Input,
        /// An output: by direction its axis, by function the indicator of its class.
        Output,
        /// Neither an input nor an output.
        Neither,
    }
}

/// A living element of a dictionary.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Element {
    /// The number of the element in its dictionary.
    pub number: usize,
    /// The share of the datapoints that the element fires on.
    pub frequency: f64,
    /// The largest cosine with an input embedding.
    pub input: f64,
    /// The largest cosine with an output direction.
    pub output: f64,
    /// The kind of direction that the element lines up with.
    pub category: Category,
    /// The largest cosine of the element's activations with the indicator of an input, and with that of a class.
    pub function: [f64; 2],
    /// The kind of property that the element is selective for.
    pub selective: Category,
    /// The number of following layers in a row in whose dictionaries some element lines up with this one.
    pub persistence: usize,
    /// The direction of the element, of `width` values.
    pub direction: Vec<f32>,
}

impl Fit {
    /// Returns the fit of a dictionary to all activations, and the number of datapoints that each element fires on.
    pub fn of(parameters: &Parameters, x: MatRef, exec: Exec) -> (Fit, Vec<u64>) {
        let stream = reading::measure(exec, parameters, x);
        let fit = Fit {
            l0: reading::l0(&stream),
            explained_variance: stream.explained_variance(),
            dead: reading::dead_fraction(&stream),
        };
        (fit, stream.firings().to_vec())
    }
}

/// The directions that a model reads and writes.
#[derive(Debug)]
pub struct Directions {
    /// The input embeddings, 2·vocabulary × d.
    inputs: Vec<f32>,
    /// The number of classes. The output directions are the first coordinate axes, as many; a model built by hand holds
    /// a code beside them.
    classes: usize,
}

impl Directions {
    /// Returns the directions of a model with so many classes, in the coordinates of some activations.
    pub fn of(model: &mlp::Parameters, classes: usize, activations: &Activations) -> Self {
        let rows = |m: MatRef| {
            (0..m.rows())
                .flat_map(|i| activations.direction(m.row(i)))
                .collect::<Vec<f32>>()
        };
        Directions {
            inputs: model.embeddings().into_iter().flat_map(rows).collect(),
            classes,
        }
    }
}

/// Returns for each row of `a` the largest cosine with a row of `b`, both with rows of `width` values.
pub fn largest_cosines(a: &[f32], b: &[f32], width: usize, exec: Exec) -> Vec<f64> {
    let (a, b) = (MatRef::from_rows(a, width), MatRef::from_rows(b, width));
    let mut best = vec![0f32; a.rows()];
    max_cosines(exec, a, b, &mut best);
    best.into_iter().map(f64::from).collect()
}

/// Reads the living elements of a dictionary: what they line up with and are selective for. `fired` is the number of
/// activations `x` that each element fires on.
pub fn read(
    parameters: &Parameters,
    fired: &[u64],
    x: MatRef,
    (directions, properties): (&Directions, &Properties),
    threshold: f64,
    exec: Exec,
) -> Vec<Element> {
    let _span = Phase::Metrics.begin();
    let width = parameters.shape().width;
    let rows = parameters.dictionary();
    let living: Vec<usize> = (0..fired.len()).filter(|&j| fired[j] > 0).collect();
    let all: Vec<f32> = living.iter().flat_map(|&j| rows.row(j).to_vec()).collect();
    let inputs = largest_cosines(&all, &directions.inputs, width, exec);
    let (n, codes) = (x.rows(), reading::dense_codes(exec, parameters, x));
    let category = |[input, output]: [f64; 2]| match max([input, output]) > threshold {
        false => Category::Neither,
        true if input >= output => Category::Input,
        true => Category::Output,
    };
    let element = |(place, &number): (usize, &usize)| {
        let direction = all[place * width..][..width].to_vec();
        let output = max(direction[..directions.classes].iter().map(|&v| v.into()));
        let input = inputs[place];
        let activations = codes.iter().skip(number).step_by(fired.len());
        let function = selectivity(activations.map(|&v| v.into()), properties);
        Element {
            number,
            frequency: fired[number] as f64 / n as f64,
            input,
            output,
            category: category([input, output]),
            function,
            selective: category(function),
            persistence: 0,
            direction,
        }
    };
    living.iter().enumerate().map(element).collect()
}

#[cfg(test)]
mod tests {
    use kernels::mlp::Shape;
    use kernels::sae::{self, TopK, Variant};
    use kernels::{Activation, Isa};

    use super::*;

    fn exec() -> Exec {
        Exec::serial(Isa::detect())
    }

    /// Returns a dictionary in 4 dimensions with these rows.
    fn dictionary(rows: &[[f32; 4]]) -> Parameters {
        let shape = sae::Shape {
            width: 4,
            dictionary: rows.len(),
        };
        let mut parameters = Parameters::zeros(shape, Variant::TopK(TopK { k: 1, aux: None }));
        let [mut w_dec, mut w_enc] = parameters.tensors_mut(["w_dec", "w_enc"]);
        for (i, row) in rows.iter().enumerate() {
            w_dec.row_mut(i).copy_from_slice(row);
            w_enc.row_mut(i).copy_from_slice(row);
        }
        parameters
    }

    fn model(embeddings: [[f32; 4]; 2]) -> mlp::Parameters {
        let mut model = mlp::Parameters::zeros(Shape {
            vocabulary: 1,
            width: 4,
            hidden: 1,
            layers: 1,
            activation: Activation::Relu,
        });
        for (mut e, row) in model.embeddings_mut().into_iter().zip(embeddings) {
            e.row_mut(0).copy_from_slice(&row);
        }
        model
    }

    #[test]
    fn elements_are_told_apart_and_dead_ones_left_out() {
        let x = [0.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 2.0];
        let activations = Activations::plain(4, x.to_vec());
        let directions = Directions::of(
            &model([[0.0, 3.0, 4.0, 0.0], [2.0, 2.0, 2.0, 2.0]]),
            4,
            &activations,
        );
        let properties = Properties {
            inputs: vec![[0, 2], [1, 2]],
            classes: vec![0, 0],
            most_inputs: 3,
            most_classes: 1,
        };
        let parameters = dictionary(&[
            [0.0, 0.6, 0.8, 0.0],   // the first embedding
            [0.0, 0.0, 0.0, 1.0],   // an output
            [0.0, -0.6, -0.8, 0.0], // against an embedding: neither
            [1.0, 0.0, 0.0, 0.0],   // dead
            [0.5, 0.5, 0.5, 0.5],   // the second embedding
        ]);
        let (fired, with) = ([1, 2, 1, 0, 2], (&directions, &properties));
        let elements = read(&parameters, &fired, activations.matrix(), with, 0.8, exec());
        let seen: Vec<_> = elements
            .iter()
            .map(|e| (e.number, e.category, e.frequency))
            .collect();
        use Category::{Input, Neither, Output};
        assert_eq!(
            seen,
            [
                (0, Input, 0.5),
                (1, Output, 1.0),
                (2, Neither, 0.5),
                (4, Input, 1.0)
            ]
        );
        // With one entry a code, the first datapoint is that of the first element, the second that of the second.
        assert!((elements[0].function[0] - 1.0).abs() < 1e-6);
        assert_eq!(
            (elements[0].selective, elements[1].selective),
            (Input, Input)
        );
        assert!((elements[0].function[1] - 0.5f64.sqrt()).abs() < 1e-6);
        assert!((elements[1].output - 1.0).abs() < 1e-6 && (elements[1].input - 0.5).abs() < 1e-6);
        // Beside three classes, the fourth axis is no output.
        let directions = Directions {
            classes: 3,
            ..directions
        };
        let with = (&directions, &properties);
        let elements = read(&parameters, &fired, activations.matrix(), with, 0.8, exec());
        assert_eq!(elements[1].category, Neither);
        assert!(elements[1].output < 1e-6);
    }

    #[test]
    fn a_fit_is_that_of_plain_arithmetic() {
        let parameters = dictionary(&[[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]);
        // Two samples along the elements, one that no element reads: x̄ = (1, 1, 0, −1).
        let x = [3.0, 0.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, -3.0];
        let x = MatRef::new(&x, 3, 4).unwrap();
        let (fit, fired) = Fit::of(&parameters, x, exec());
        assert_eq!(fired, [1, 1]);
        assert!((fit.l0 - 2.0 / 3.0).abs() < 1e-12 && fit.dead == 0.0);
        // Σ‖x − x̄‖² = 27 − 3·3 = 18; what is left is the third sample, 9.
        assert!((fit.explained_variance - 0.5).abs() < 1e-6);
    }
}
