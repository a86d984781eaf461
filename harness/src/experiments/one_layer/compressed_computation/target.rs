//! The data that the layer is trained on: sparse inputs, and targets that are their ReLU plus a linear part.

use rand::RngExt as _;

use super::settings::Settings;
use crate::rng::Rng;

crate::words! {
    /// The linear part that is added to the ReLU of the input in the target.
    pub enum Noise {
        /// No linear part.
        #[strum(serialize = "none")]
        Nothing,
        /// The linear part Mx with a symmetric M.
        Symmetric,
        /// The linear part Mx with an M of independent entries.
        Asymmetric,
    }
}

/// The number of samples in one pass over held-out data.
pub const CHUNK: usize = 4096;

/// The target ReLU(x) + Mx and the law of x: each entry is uniform on [−1, 1] with a probability, else 0.
#[derive(Debug, Clone)]
pub struct Target {
    features: usize,
    probability: f64,
    /// The columns of M one after the other, so that the part of one active feature is contiguous; empty if there is no
    /// M.
    columns: Vec<f32>,
}

impl Target {
    /// Draws a target: the entries of M are normal with standard deviation `scale`, symmetric or independent, with
    /// zeros on the diagonal.
    pub fn draw(s: &Settings, noise: Noise, scale: f64, rng: &mut Rng) -> Self {
        let n = s.features;
        let mut columns = vec![0.0; if noise == Noise::Nothing { 0 } else { n * n }];
        if noise != Noise::Nothing {
            for j in 0..n {
                for i in (0..n).filter(|&i| i != j) {
                    columns[j * n + i] = match noise {
                        Noise::Symmetric if i < j => columns[i * n + j],
                        _ => (scale * rng.normal()) as f32,
                    };
                }
            }
        }
        Target {
            features: n,
            probability: s.probability,
            columns,
        }
    }

    /// Draws samples, and returns the inputs and the targets of those in which a feature is active, a row each. The
    /// other samples, a third of all at 100 features and a probability of 0.01, would cost time and teach nothing: a
    /// layer without biases gives them their target, 0, whatever its weights.
    pub fn samples(&self, samples: usize, rng: &mut Rng) -> (Vec<f32>, Vec<f32>) {
        let n = self.features;
        let (mut x, mut y) = (Vec::new(), Vec::new());
        // The number of inactive entries from one active entry to the next is geometric.
        let log_inactive = (1.0 - self.probability).ln();
        let gap = |rng: &mut Rng| match log_inactive {
            log if log < 0.0 && log.is_finite() => {
                ((1.0 - rng.random::<f64>()).ln() / log) as usize
            }
            _ => 0,
        };
        let mut at = gap(rng);
        let mut last = None;
        while at < samples * n {
            let (sample, feature) = (at / n, at % n);
            if last.replace(sample) != Some(sample) {
                x.resize(x.len() + n, 0f32);
                y.resize(y.len() + n, 0f32);
            }
            let row = x.len() - n;
            let value = (2.0 * rng.random::<f64>() - 1.0) as f32;
            x[row + feature] = value;
            let out = &mut y[row..];
            out[feature] += value.max(0.0);
            if let Some(column) = self.columns.chunks_exact(n).nth(feature) {
                out.iter_mut()
                    .zip(column)
                    .for_each(|(y, m)| *y += m * value);
            }
            at = (at + 1).saturating_add(gap(rng));
        }
        (x, y)
    }

    /// Returns the expected squared error per feature of the naive solution, which computes the ReLU of `neurons`
    /// features exactly and nothing else: `p/6 = p·E[ReLU(x)²]` for every other feature, and `p/3 = p·E[x²]` times the
    /// mean squared norm of the rows of M.
    pub fn naive_loss(&self, neurons: usize) -> f64 {
        let n = self.features as f64;
        let noise: f64 = self.columns.iter().map(|&m| f64::from(m).powi(2)).sum();
        self.probability * ((n - neurons as f64) / n / 6.0 + noise / n / 3.0)
    }
}
