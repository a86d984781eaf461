//! The reading of the latent from a layer by a probe, and the closeness of a dictionary to the direction of the probe.

use kernels::MatRef;

use crate::rng::{Rng, random_direction};
use crate::stats::affine::Affine;
use crate::stats::mean;

/// The closeness of a dictionary to the direction of a probe.
#[derive(Debug, Clone, Copy)]
pub struct Closeness {
    /// R² of the probe on pairs that it was not fitted to.
    pub r2: f64,
    /// The largest |cosine| of an element with the direction of the probe.
    pub cosine: f64,
    /// The largest |cosine| of an element with the direction of a probe for latents that were dealt anew to the pairs,
    /// mean over several probes.
    pub shuffled: f64,
    /// The largest |cosine| of one of as many random directions as there are elements with the direction of the probe.
    pub random: f64,
}

impl Closeness {
    /// Compares a dictionary of living elements, n×d, with the probe for the latents on a stream, N×d, that is fitted
    /// on the first `fitted` rows.
    ///
    /// # Errors
    /// If no probe can be fitted or there is no element.
    pub fn of(
        dictionary: &[f64],
        x: MatRef,
        latents: &[f64],
        (fitted, ridge, shuffles): (usize, f64, usize),
        rng: &mut Rng,
    ) -> Result<Closeness, String> {
        let width = x.cols();
        if dictionary.is_empty() {
            return Err("no element is living".into());
        }
        let fit =
            |latents: &[f64]| Affine::fit(x.row_range(0..fitted), &latents[..fitted], 1, ridge);
        let probe = fit(latents)?;
        let rest = fitted..x.rows();
        let r2 = probe.r2(x.row_range(rest.clone()), &latents[rest], 0);
        let direction = probe.direction(0);
        let shuffled: Vec<f64> = (0..shuffles)
            .map(|_| {
                let mut dealt = latents.to_vec();
                rng.shuffle(&mut dealt);
                Ok(largest_cosine(dictionary, &fit(&dealt)?.direction(0)))
            })
            .collect::<Result<_, String>>()?;
        let elements = dictionary.len() / width;
        let random: Vec<f64> = (0..elements)
            .flat_map(|_| random_direction(width, rng))
            .collect();
        Ok(Closeness {
            r2,
            cosine: largest_cosine(dictionary, &direction),
            shuffled: mean(&shuffled),
            random: largest_cosine(&random, &direction),
        })
    }
}

/// Returns the largest |cosine| of a direction with a row of a dictionary.
fn largest_cosine(dictionary: &[f64], direction: &[f64]) -> f64 {
    let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    let cosine = |row: &[f64]| {
        let product: f64 = row.iter().zip(direction).map(|(a, b)| a * b).sum();
        product.abs() / (norm(row) * norm(direction))
    };
    dictionary
        .chunks_exact(direction.len())
        .map(cosine)
        .fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dictionary_with_the_direction_is_close_and_a_shuffled_latent_is_not() {
        let mut rng = Rng::stream(1, "test", "closeness", 0);
        let (n, d) = (400, 12);
        let along = random_direction(d, &mut rng);
        let mut x = Vec::new();
        let mut latents = Vec::new();
        for _ in 0..n {
            let t = rng.normal();
            latents.push(t);
            x.extend(along.iter().map(|a| (3.0 * t * a + rng.normal()) as f32));
        }
        let x = MatRef::from_rows(&x, d);
        let mut dictionary: Vec<f64> = random_direction(d, &mut rng);
        // The opposite direction counts as well, whatever its length.
        dictionary.extend(along.iter().map(|v| -2.0 * v));
        let read = |dictionary: &[f64]| {
            let mut rng = Rng::stream(2, "test", "closeness", 0);
            Closeness::of(dictionary, x, &latents, (300, 1e-3, 20), &mut rng)
        };
        let close = read(&dictionary).unwrap();
        assert!(close.cosine > 0.97 && close.r2 > 0.8, "{close:?}");
        assert!(close.shuffled < 0.7 && close.random < 0.8, "{close:?}");
        let far = read(&dictionary[..d]).unwrap();
        assert!(far.cosine < 0.8 && far.r2 == close.r2);
        assert!(read(&[]).is_err());
    }
}
