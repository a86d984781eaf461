//! Features in the plane, and samples of them.

use kernels::sae::Parameters;
use rand::RngExt as _;

use crate::rng::Rng;

crate::words! {
    /// The true features in the plane.
    pub enum Case {
        /// Two features at 45°, (1, 0) and (1/√2, 1/√2).
        #[strum(serialize = "two at 45°")]
        Pair,
        /// Two features at 90°, (1, 0) and (0, 1): the control.
        #[strum(serialize = "two at 90°")]
        Orthogonal,
        /// Three features a third of a turn apart, more than there are dimensions. At most two are on, so that a sample
        /// tells which.
        #[strum(serialize = "three at 120°")]
        Three,
    }
}

impl Case {
    /// Returns the features, as unit vectors.
    pub fn features(self) -> Vec<[f64; 2]> {
        let degrees: &[f64] = match self {
            Case::Pair => &[0.0, 45.0],
            Case::Orthogonal => return vec![[1.0, 0.0], [0.0, 1.0]],
            Case::Three => &[0.0, 120.0, 240.0],
        };
        let unit = |d: &f64| [d.to_radians().cos(), d.to_radians().sin()];
        degrees.iter().map(unit).collect()
    }

    /// Returns the sets of features that may be on together: none, each alone, each two.
    pub fn patterns(self) -> Vec<Vec<usize>> {
        let n = self.features().len();
        let single = (0..n).map(|i| vec![i]);
        let pairs = (0..n).flat_map(|j| (0..j).map(move |i| vec![i, j]));
        [vec![]].into_iter().chain(single).chain(pairs).collect()
    }

    /// Writes the features to the dictionary, and to the matrix of the encoder if there is one.
    pub fn set_dictionary(self, parameters: &mut Parameters) {
        let values: Vec<f32> = self
            .features()
            .iter()
            .flatten()
            .map(|&v| v as f32)
            .collect();
        let names: Vec<&str> = parameters.tensors().map(|(name, _)| name).collect();
        for name in names.into_iter().filter(|n| ["w_dec", "w_enc"].contains(n)) {
            let [mut rows] = parameters.tensors_mut([name]);
            for (j, row) in values.chunks_exact(2).enumerate() {
                rows.row_mut(j).copy_from_slice(row);
            }
        }
    }

    /// Draws a sample in which the features of `pattern` are on, with magnitudes uniform on (0, 2).
    pub fn draw(self, pattern: &[usize], rng: &mut Rng) -> [f32; 2] {
        let features = self.features();
        let mut x = [0.0; 2];
        for &i in pattern {
            let magnitude = 2.0 * rng.random::<f64>();
            x.iter_mut()
                .zip(features[i])
                .for_each(|(x, f)| *x += magnitude * f);
        }
        x.map(|v| v as f32)
    }
}
