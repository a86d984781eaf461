//! Resampling of dead elements (Bricken et al., *Towards Monosemanticity*, 2023, "Neuron resampling").

use super::tensors::{W_DEC, W_ENC};
use super::trainer::{Trainer, put_back};
use super::workspace::Workspace;
use crate::function::vector::square_f64;
use crate::machine::exec::Exec;
use crate::matrix::view::MatRef;

/// The norm of a new encoder row, as a share of the mean norm of the encoder rows of alive elements.
const SHARE: f32 = 0.2;

impl Trainer {
    /// Resamples every element that has not fired for `dead_after` steps, and returns the number of these elements.
    /// `uniforms` draws from [0, 1).
    ///
    /// Each element takes the direction of a sample of `x`, drawn with a probability in proportion to the square of its
    /// reconstruction error ‖e‖², that is, to ‖e‖⁴. Its dictionary row becomes the sample as the encoder reads it,
    /// x − b_dec, at norm 1, its encoder row the same at a fifth of the mean norm of the encoder rows of alive
    /// elements, and its bias 0. Adam's moments of these weights are reset to 0, and the element counts as having just
    /// fired. In an encoder of several layers, the row of the last layer takes the direction of what that layer read;
    /// weights between elements become 0, both those to the element and those from it.
    /// In a transcoder, the dictionary row becomes the sample's error y − ŷ at norm 1, since elements of the dictionary
    /// stand for directions of y, not of x. Tensors that are [held](Trainer::hold) keep their values.
    ///
    /// Errors may be of any size that f32 holds. Where the errors of all samples are 0, each is drawn with the same
    /// probability. A sample whose error is NaN or infinite is not drawn; where there are no other samples, nothing is
    /// resampled and 0 is returned.
    ///
    /// # Panics
    /// If [`step`](Trainer::step) would panic.
    #[track_caller]
    pub fn resample(
        &mut self,
        exec: Exec,
        x: MatRef,
        dead_after: u32,
        uniforms: impl FnMut() -> f64,
    ) -> usize {
        self.resample_to(exec, x, x, dead_after, uniforms)
    }

    /// Resamples as [`resample`](Trainer::resample) does, where `target` is to be reconstructed.
    ///
    /// # Panics
    /// If [`step_to`](Trainer::step_to) would panic.
    #[track_caller]
    pub fn resample_to(
        &mut self,
        exec: Exec,
        x: MatRef,
        target: MatRef,
        dead_after: u32,
        mut uniforms: impl FnMut() -> f64,
    ) -> usize {
        let Trainer {
            parameters,
            moments,
            idle,
            workspace,
            held,
            ..
        } = self;
        let variant = parameters.variant();
        let model = variant.model();
        let (mut pass, own) = workspace.pass(exec, parameters, x, Some(target));
        let dead: Vec<usize> = (0..idle.len()).filter(|&j| idle[j] >= dead_after).collect();
        if dead.is_empty() || x.rows() == 0 {
            return 0;
        }
        model.encode(&mut pass, own);
        model.reconstruct(&mut pass, own);
        let Workspace { batch, own, .. } = &*workspace;
        let input = workspace.input(x);
        let weights = weights(batch.errors());
        let Some(last) = weights.iter().rposition(|&weight| weight > 0.0) else {
            return 0;
        };
        let mut sum = 0.0;
        let cumulative: Vec<f64> = weights
            .iter()
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        let samples: Vec<usize> = dead
            .iter()
            .map(|_| {
                let draw = uniforms() * sum;
                let at = cumulative.partition_point(|&upto| upto <= draw);
                at.min(last)
            })
            .collect();

        let norm = |row: &[f32]| square_f64(row).sqrt();
        let transcoder = parameters.task().is_transcoder();
        let tensors = &mut parameters.tensors;
        let alive_norm = if tensors.has(W_ENC) {
            let w_enc = tensors.get(W_ENC);
            let alive = (0..idle.len()).filter(|&j| idle[j] < dead_after);
            let norms: Vec<f64> = alive.map(|j| norm(w_enc.row(j))).collect();
            // Where no element is alive, rows have norm 1, as in new parameters.
            match norms.len() {
                0 => 1.0 / f64::from(SHARE),
                n => norms.iter().sum::<f64>() / n as f64,
            }
        } else {
            0.0
        };
        let places: Vec<_> = tensors.places().filter(|(it, _)| it.by_element).collect();
        for (tensor, place) in places {
            let row_len = place.len() / idle.len();
            let to_norm = if tensor.is(W_DEC) {
                match transcoder {
                    // The gradient with respect to ŷ has the direction of ŷ − y.
                    true => Some((batch.d_output(), -1.0)),
                    false => Some((input, 1.0)),
                }
            } else if tensor.is(W_ENC) {
                let inputs = model.encoder_input(input, own);
                Some((inputs, f64::from(SHARE) * alive_norm))
            } else {
                None
            };
            for (&j, &sample) in dead.iter().zip(&samples) {
                let row = place.start + j * row_len..place.start + (j + 1) * row_len;
                for moments in moments.iter_mut() {
                    moments[row.clone()].fill(0.0);
                }
                let values = &mut tensors.values_mut()[row];
                match to_norm {
                    Some((inputs, length)) if norm(inputs.row(sample)) > 0.0 => {
                        let input = inputs.row(sample);
                        let factor = length / norm(input);
                        for (value, &x) in values.iter_mut().zip(input) {
                            *value = (f64::from(x) * factor) as f32;
                        }
                    }
                    // A vector of zeros has no direction: the row stays as it is.
                    Some(_) => {}
                    None => values.fill(tensor.start),
                }
                if tensor.between_elements {
                    // What the others add to the element was learned for its former direction.
                    for at in place.clone().skip(j).step_by(row_len) {
                        tensors.values_mut()[at] = tensor.start;
                        moments.iter_mut().for_each(|moments| moments[at] = 0.0);
                    }
                }
            }
        }
        put_back(held, parameters);
        for &j in &dead {
            idle[j] = 0;
        }
        dead.len()
    }
}

/// Returns the weights that the probabilities of samples are in proportion to, given the squared error ‖e‖² of each:
/// ‖e‖⁴, or 1 for all where no error is above 0. A NaN or infinite error has weight 0.
fn weights(errors: &[f64]) -> Vec<f64> {
    let finite = |weight: fn(f64) -> f64| {
        let weights = errors
            .iter()
            .map(|&e| if e.is_finite() { weight(e) } else { 0.0 });
        weights.collect::<Vec<f64>>()
    };
    let weights = finite(|e| e.powi(2));
    if weights.iter().any(|&weight| weight > 0.0) {
        weights
    } else {
        finite(|_| 1.0)
    }
}
