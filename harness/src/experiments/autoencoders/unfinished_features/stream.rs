//! The activations that dictionaries are trained on, in one basis or another.

use kernels::MatRef;

use crate::experiments::many_layers::multilayer::streams::{Streams, scale};
use crate::stats::affine::Affine;

crate::words! {
    /// What a dictionary is trained on.
    pub enum Basis {
        /// The residual stream of its layer.
        Stream,
        /// The residual streams of all layers that are read, in one.
        AllLayers,
        /// The stream of its layer in the coordinates of the tuned lens: the affine map of it that comes closest to the
        /// output.
        TunedLens,
    }
}

/// Ridge of the tuned lens, in units of the mean variance of an entry of the stream.
const RIDGE: f64 = 1e-3;

/// One layer's activations, N×d, scaled to a mean squared distance of 1 from their mean.
#[derive(Debug)]
pub struct Activations {
    width: usize,
    values: Vec<f32>,
    /// The map from the stream, if it is not the stream itself.
    lens: Option<Affine>,
}

impl Activations {
    /// The stream of a layer.
    pub fn stream(streams: &Streams, layer: usize) -> Self {
        Activations::scaled(streams.layer(layer), None)
    }

    /// The stream of a layer through its tuned lens.
    pub fn tuned(streams: &Streams, layer: usize) -> Result<Self, String> {
        let (x, last) = (
            streams.layer(layer),
            streams.layer(streams.parameters.shape().layers),
        );
        let width = last.cols();
        let outputs: Vec<f64> = (0..last.rows())
            .flat_map(|i| last.row(i))
            .map(|&v| v.into())
            .collect();
        let lens = Affine::fit(x, &outputs, width, RIDGE)?;
        let mapped: Vec<f32> = (0..x.rows())
            .flat_map(|i| lens.at(x.row(i)))
            .map(|v| v as f32)
            .collect();
        Ok(Activations::scaled(
            MatRef::from_rows(&mapped, width),
            Some(lens),
        ))
    }

    fn scaled(x: MatRef, lens: Option<Affine>) -> Self {
        let factor = scale(x);
        let values = (0..x.rows())
            .flat_map(|i| x.row(i))
            .map(|v| factor * v)
            .collect();
        Activations {
            width: x.cols(),
            values,
            lens,
        }
    }

    /// These numbers as they are.
    #[cfg(test)]
    pub fn plain(width: usize, values: Vec<f32>) -> Self {
        Activations {
            width,
            values,
            lens: None,
        }
    }

    /// All of them.
    pub fn matrix(&self) -> MatRef<'_> {
        MatRef::from_rows(&self.values, self.width)
    }

    /// A direction of the stream in these coordinates.
    pub fn direction(&self, v: &[f32]) -> Vec<f32> {
        match &self.lens {
            None => v.to_vec(),
            Some(lens) => {
                let mapped = lens.linear(v.iter().map(|&v| v.into()));
                mapped.into_iter().map(|v| v as f32).collect()
            }
        }
    }
}
