//! The directions of features, and how they are spread apart.

use kernels::adam::{self, Adam};
use kernels::{Accumulate, Exec, MatMut, MatRef, dictionary, matmul};
use rayon::prelude::*;

use super::spec::{Directions, Spec};
use crate::error::Result;
use crate::rng::{Rng, random_direction};
use crate::session::progress::Progress;
use crate::stats::orthonormal::orthonormal_part;

/// The learning rate of the steps of Adam that spread directions apart.
const RATE: f32 = 3e-4;

/// Draws random unit directions of features, as rows, before they are spread.
pub fn draw(spec: &Spec, rng: &mut Rng) -> Vec<f32> {
    let mut features: Vec<Vec<f64>> = Vec::with_capacity(spec.features);
    // The directions that the features of a group have in common.
    let groups = if spec.coherence > 0.0 { spec.groups } else { 0 };
    let common: Vec<_> = (0..groups)
        .map(|_| random_direction(spec.width, rng))
        .collect();
    while features.len() < spec.features {
        let mut f = random_direction(spec.width, rng);
        if let Some(common) = common.get(features.len() % spec.groups) {
            let (own, shared) = ((1.0 - spec.coherence).sqrt(), spec.coherence.sqrt());
            f.iter_mut()
                .zip(common)
                .for_each(|(f, c)| *f = own * *f + shared * c);
        }
        let orthogonal_to = match spec.directions {
            Directions::Orthogonal => &features[..],
            Directions::Gaussian | Directions::Spread => &[],
        };
        // A direction that lies in the span of those before is drawn anew.
        features.extend(orthonormal_part(f, orthogonal_to));
    }
    features.iter().flatten().map(|&v| v as f32).collect()
}

/// Spreads directions, the rows of n×d, by steps of Adam on
/// L = Σ_{i≠j} (v_i·v_j)² + n Σ_i (‖v_i‖² − 1)², and makes them unit vectors in the end. A step is a unit of the
/// progress.
///
/// The gradient is 4 (V VᵀV)_i + 4 (n (‖v_i‖² − 1) − ‖v_i‖²) v_i. It takes 4 n d² operations with VᵀV computed first,
/// where a matrix of all n² products would take n²d.
///
/// # Errors
/// If it is interrupted.
pub fn spread(
    exec: Exec,
    directions: &mut [f32],
    width: usize,
    steps: u64,
    progress: &Progress,
) -> Result<()> {
    let n = directions.len() / width;
    let mut gradient = vec![0f32; directions.len()];
    let mut gram = vec![0f32; width * width];
    let (mut first, mut second) = (gradient.clone(), gradient.clone());
    let adam = Adam {
        learning_rate: RATE,
        ..Adam::default()
    };
    for step in 1..=steps {
        let v = MatRef::from_rows(directions, width);
        matmul(
            exec,
            v.t(),
            v,
            Accumulate::Replace,
            MatMut::from_rows(&mut gram, width),
        );
        let gram = MatRef::from_rows(&gram, width);
        matmul(
            exec,
            v,
            gram,
            Accumulate::Replace,
            MatMut::from_rows(&mut gradient, width),
        );
        let rows = gradient
            .par_chunks_exact_mut(width)
            .zip(directions.par_chunks_exact(width));
        rows.for_each(|(gradient, v)| {
            let square: f64 = v.iter().map(|&v| f64::from(v).powi(2)).sum();
            let along = (n as f64 * (square - 1.0) - square) as f32;
            for (gradient, v) in gradient.iter_mut().zip(v) {
                *gradient = 4.0 * (*gradient + along * v);
            }
        });
        adam::step(
            exec,
            adam,
            step,
            &gradient,
            directions,
            &mut first,
            &mut second,
        );
        progress.tick()?;
    }
    dictionary::normalise(exec, MatMut::from_rows(directions, width));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::spec::BUILT_IN;
    use super::*;
    use crate::session::progress::Show;
    use kernels::Isa;

    /// Returns L, straight from its sum over pairs.
    fn loss(rows: &[f32], width: usize) -> f64 {
        let n = rows.len() / width;
        let product = |i: usize, j: usize| -> f64 {
            let pairs = rows[i * width..][..width]
                .iter()
                .zip(&rows[j * width..][..width]);
            pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let mut loss = 0.0;
        for i in 0..n {
            for j in 0..n {
                loss += match i == j {
                    true => n as f64 * (product(i, i) - 1.0).powi(2),
                    false => product(i, j).powi(2),
                };
            }
        }
        loss
    }

    #[test]
    fn spread_directions_are_unit_vectors_and_farther_apart_than_random_ones() {
        let spec = Spec {
            features: 300,
            width: 20,
            ..BUILT_IN[1].1()
        };
        let random = draw(&spec, &mut Rng::stream(1, "test", "directions", 0));
        let exec = Exec::serial(Isa::detect());
        let progress = Progress::new("", Show::Nothing);
        let mut losses = vec![loss(&random, 20)];
        for steps in [1, 10, 100] {
            let mut rows = random.clone();
            spread(exec, &mut rows, 20, steps, &progress).unwrap();
            for row in rows.chunks_exact(20) {
                let square: f64 = row.iter().map(|&v| f64::from(v).powi(2)).sum();
                assert!((square - 1.0).abs() < 1e-5);
            }
            losses.push(loss(&rows, 20));
        }
        assert!(losses.is_sorted_by(|a, b| a > b), "{losses:?}");
        // Random cosines have a mean square of 1/d, and that of n vectors is at least (n/d − 1)/(n − 1) (Welch).
        let pairs = 300.0 * 299.0;
        assert!((losses[0] / pairs - 0.05).abs() < 0.002);
        assert!(losses[3] / pairs >= (300.0 / 20.0 - 1.0) / 299.0);
    }

    /// The closed gradient is that of L: one step of Adam goes by the sign of the gradient.
    #[test]
    fn a_step_goes_down_every_coordinate_of_the_loss() {
        let spec = Spec {
            features: 12,
            width: 5,
            ..BUILT_IN[1].1()
        };
        let mut start = draw(&spec, &mut Rng::stream(2, "test", "directions", 0));
        // Off the sphere, so that both terms count.
        start.iter_mut().for_each(|v| *v *= 1.1);
        let exec = Exec::serial(Isa::detect());
        let progress = Progress::new("", Show::Nothing);
        let mut stepped = start.clone();
        spread(exec, &mut stepped, 5, 1, &progress).unwrap();
        for (i, (row, after)) in start
            .chunks_exact(5)
            .zip(stepped.chunks_exact(5))
            .enumerate()
        {
            let gradient: Vec<f64> = (0..5)
                .map(|j| {
                    let at = |by: f32| {
                        let mut moved = start.clone();
                        moved[i * 5 + j] += by;
                        loss(&moved, 5)
                    };
                    (at(1e-3) - at(-1e-3)) / 2e-3
                })
                .collect();
            // The row after the step, which is normalised then.
            let moved: Vec<f64> = row
                .iter()
                .zip(&gradient)
                .map(|(v, g)| f64::from(*v) - f64::from(RATE) * g.signum())
                .collect();
            let norm = moved.iter().map(|v| v * v).sum::<f64>().sqrt();
            for ((after, moved), g) in after.iter().zip(moved).zip(gradient) {
                assert!(
                    g.abs() < 0.1 || (f64::from(*after) - moved / norm).abs() < 2e-6,
                    "{i}: {after} {}",
                    moved / norm
                );
            }
        }
    }
}
