//! The activations that dictionaries are trained on, in one basis or another.

use kernels::MatRef;

use crate::experiments::many_layers::multilayer::streams::{Streams, scale};
use crate::stats::affine::Affine;

crate::words! {
    /// The activations that a dictionary is trained on.
    pub enum Basis {
        /// The residual stream of the dictionary's layer.
        Stream,
        /// The residual streams of all layers that are read, together.
        AllLayers,
        /// The residual stream of the dictionary's layer in the coordinates of the tuned lens: the affine map of it
        /// that comes closest to the output.
        TunedLens,
    }
}

/// The ridge of the tuned lens, in units of the mean variance of an entry of the stream.
const RIDGE: f64 = 1e-3;

/// The activations of one layer, N×d, scaled to a mean squared distance of 1 from their mean.
#[derive(Debug)]
pub struct Activations {
    width: usize,
    values: Vec<f32>,
    /// The tuned lens, if the activations are not the stream itself.
    lens: Option<Affine>,
}

impl Activations {
    /// Returns the stream of a layer, scaled.
    pub fn stream(streams: &Streams, layer: usize) -> Self {
        Activations::scaled(streams.layer(layer), None)
    }

    /// Returns the stream of a layer through its tuned lens, scaled; or why there is no lens.
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

    /// Returns activations with these values as they are.
    #[cfg(test)]
    pub fn plain(width: usize, values: Vec<f32>) -> Self {
        Activations {
            width,
            values,
            lens: None,
        }
    }

    /// Returns all activations, N×d.
    pub fn matrix(&self) -> MatRef<'_> {
        MatRef::from_rows(&self.values, self.width)
    }

    /// Returns a direction of the stream in the coordinates of the activations.
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
