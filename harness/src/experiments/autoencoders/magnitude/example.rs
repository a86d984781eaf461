//! The example of the experiment: the target (2, 1) = 1·f₁ + √2·f₂ under one encoder or another.

use kernels::sae::{self, Parameters, Shape, TiedL1, Variant, Workspace};
use kernels::{Exec, MatMut, MatRef};

use super::case::Case;
use crate::sae::minimum_l1::norm;

/// The target of the example.
pub const TARGET: [f64; 2] = [2.0, 1.0];

crate::words! {
    /// The encoders of the example.
    pub enum Encoder {
        /// A tied encoder with the true features and without bias, not trained.
        #[strum(serialize = "tied, no bias")]
        WithoutBias,
        /// The true features with the magnitudes that reconstruct the target.
        Refitted,
        /// A tied encoder that was trained.
        #[strum(serialize = "tied, trained")]
        Tied,
        /// An untied encoder that was trained.
        #[strum(serialize = "untied, trained")]
        Untied,
    }
}

crate::rows! {
    /// What becomes of the target (2, 1), at the first seed: one row an element of the dictionary.
    pub struct Element in "example" {
        /// the true features: two at 45°, or at 90° (the control)
        features: Case [""],
        /// tied without bias, trained, or magnitudes refitted
        encoder: Encoder [""],
        /// first coordinate of the element, which has unit length
        element_x: f64 ["1"],
        /// second coordinate of the element
        element_y: f64 ["1"],
        /// weight of the element in the code
        weight: f64 ["1"],
        /// first coordinate of the reconstruction, the same for all elements
        reconstruction_x: f64 ["1"],
        /// second coordinate of the reconstruction, the same for all elements
        reconstruction_y: f64 ["1"],
    }
}

/// A code of the target with its dictionary.
#[derive(Debug)]
pub struct Drawn {
    /// The elements of the dictionary, with their weights in the code.
    pub weighted: Vec<([f64; 2], f64)>,
    /// The bias of the decoder.
    pub bias: [f64; 2],
}

impl Drawn {
    fn reconstruction(&self) -> [f64; 2] {
        let add = |x: [f64; 2], (e, w): &([f64; 2], f64)| [x[0] + w * e[0], x[1] + w * e[1]];
        self.weighted.iter().fold(self.bias, add)
    }

    /// Returns the norm of the code and that of the reconstruction, each over that of the target.
    pub fn lengths(&self) -> (f64, f64) {
        let code: Vec<f64> = self.weighted.iter().map(|(_, w)| *w).collect();
        (
            norm(&code) / norm(&TARGET),
            norm(&self.reconstruction()) / norm(&TARGET),
        )
    }

    /// Returns a row for each element.
    pub fn rows(&self, features: Case, encoder: Encoder) -> impl Iterator<Item = Element> {
        let [reconstruction_x, reconstruction_y] = self.reconstruction();
        self.weighted
            .iter()
            .map(move |&([element_x, element_y], weight)| Element {
                features,
                encoder,
                element_x,
                element_y,
                weight,
                reconstruction_x,
                reconstruction_y,
            })
    }
}

/// Returns the code of the target by a model, with its dictionary.
pub fn by_model(parameters: &Parameters, exec: Exec) -> Drawn {
    let x = TARGET.map(|v| v as f32);
    let x = MatRef::from_rows(&x, 2);
    let mut workspace = Workspace::new(parameters.shape(), parameters.variant(), 1);
    let codes = sae::encode(exec, parameters, x, &mut workspace);
    let (columns, values) = codes.row(0);
    let mut rows: Vec<f32> = parameters.dictionary().data().to_vec();
    kernels::dictionary::normalise(exec, MatMut::from_rows(&mut rows, 2));
    let weight = |j: usize| {
        let place = columns.iter().position(|&c| c as usize == j);
        place.map_or(0.0, |k| f64::from(values[k]))
    };
    let elements = rows
        .chunks_exact(2)
        .map(|r| [f64::from(r[0]), f64::from(r[1])]);
    let b = parameters.b_dec();
    Drawn {
        weighted: elements.enumerate().map(|(j, e)| (e, weight(j))).collect(),
        bias: [f64::from(b[0]), f64::from(b[1])],
    }
}

/// Returns the code of the target by a tied encoder with the true features and no bias.
pub fn by_tied_encoder(case: Case, exec: Exec) -> Drawn {
    let shape = Shape {
        width: 2,
        dictionary: case.features().len(),
    };
    let mut parameters = Parameters::zeros(shape, Variant::TiedL1(TiedL1 { lambda: 0.0 }));
    case.set_dictionary(&mut parameters);
    by_model(&parameters, exec)
}

/// Returns the true features with the magnitudes that reconstruct the target: the solution of two equations.
pub fn refitted(case: Case) -> Drawn {
    let [a, b] = [case.features()[0], case.features()[1]];
    let determinant = a[0] * b[1] - a[1] * b[0];
    let first = (TARGET[0] * b[1] - TARGET[1] * b[0]) / determinant;
    let second = (a[0] * TARGET[1] - a[1] * TARGET[0]) / determinant;
    Drawn {
        weighted: vec![(a, first), (b, second)],
        bias: [0.0; 2],
    }
}
