//! Orthonormal directions, made one after another (Gram and Schmidt).

/// Returns the unit vector along the part of `v` that is orthogonal to `others`, which are orthonormal; `None` if `v`
/// lies in their span.
pub fn orthonormal_part(mut v: Vec<f64>, others: &[Vec<f64>]) -> Option<Vec<f64>> {
    // The parts along `others` are subtracted twice, since what is left after the first time is not orthogonal to the
    // last digit.
    for other in others.iter().chain(others) {
        let along: f64 = v.iter().zip(other).map(|(a, b)| a * b).sum();
        v.iter_mut().zip(other).for_each(|(v, o)| *v -= along * o);
    }
    let norm = v.iter().map(|v| v * v).sum::<f64>().sqrt();
    (norm > 1e-6).then(|| {
        v.iter_mut().for_each(|v| *v /= norm);
        v
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_orthonormal_to_the_last_digit_and_the_span_has_none() {
        // The second vector is nearly the first, so that the first difference loses half of its digits.
        let vectors = [[3.0, 4.0, 0.0], [3.0, 4.0, 1e-5], [-1.0, 7.0, 2.0]];
        let mut frame: Vec<Vec<f64>> = Vec::new();
        for v in vectors {
            let part = orthonormal_part(v.to_vec(), &frame).unwrap();
            frame.push(part);
        }
        for (i, v) in frame.iter().enumerate() {
            for (j, w) in frame.iter().enumerate() {
                let product: f64 = v.iter().zip(w).map(|(a, b)| a * b).sum();
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!(
                    (product - expected).abs() < 4.0 * f64::EPSILON,
                    "{i} {j}: {product}"
                );
            }
        }
        assert_eq!(orthonormal_part(vec![6.0, 8.0, 0.0], &frame[..1]), None);
        assert_eq!(orthonormal_part(vec![0.0, 2.0], &[]), Some(vec![0.0, 1.0]));
    }
}
