//! Least squares on a support, and pursuits that choose one.

use kernels::Exec;
use kernels::sparse_coding::Pursuit;
use proptest::prelude::*;
use proptests::reference::sparse_coding::{Problem, dot};
use proptests::{config, isas, stream};

use crate::data::{Data, Method, SOLVED, atoms, data, gamma, size, wide};

proptest! {
    #![proptest_config(config(60))]

    /// At the least squares the gradient is 0 where a magnitude is positive, and not positive where it is 0;
    /// with atoms that are there twice, too, and with more of them than dimensions.
    #[test]
    fn nnls_satisfies_kkt(
        mut data in data(40, 3),
        twice: bool,
        scale in prop_oneof![Just(1.0f32), 1e-3f32..1e-2, 1e2f32..1e3],
        seed: u64,
    ) {
        let d = data.d;
        data.x.iter_mut().for_each(|x| *x *= scale);
        if twice && data.n > 2 {
            data.dictionary.copy_within(..d, d);
        }
        let start = data.codes(seed);
        for exec in isas().into_iter().map(Exec::serial) {
            let (codes, _) = data.run(Method::Nnls, exec, &start);
            for i in 0..data.samples() {
                let problem = data.problem(i);
                let code = data.code(&codes, i);
                let gradient = problem.correlations(&code);
                for j in 0..data.n {
                    let norm = dot(&problem.dictionary[j], &problem.dictionary[j]).sqrt();
                    // Each magnitude is rounded once.
                    let rounding = 2.0 * proptests::bounded::U * norm * size(&problem, &code);
                    prop_assert!(code[j] >= 0.0);
                    if start[i * data.n + j] <= 0.0 {
                        prop_assert_eq!(code[j], 0.0);
                    } else {
                        prop_assert!(gradient[j] <= rounding, "{} at {j}", gradient[j]);
                        prop_assert!(code[j] == 0.0 || gradient[j] >= -rounding, "{} at {j}", gradient[j]);
                    }
                }
            }
        }
    }

    /// Claims: support-is-enough
    #[test]
    fn nnls_is_the_best_of_all_subsets(data in data(7, 2), seed: u64) {
        let start = data.codes(seed);
        for exec in isas().into_iter().map(Exec::serial) {
            let (codes, _) = data.run(Method::Nnls, exec, &start);
            for i in 0..data.samples() {
                let problem = data.problem(i);
                let support: Vec<usize> = (0..data.n).filter(|j| start[i * data.n + j] > 0.0).collect();
                let want = problem.error(&problem.nnls(&support));
                let code = data.code(&codes, i);
                let rounding = 1e-6 * size(&problem, &code);
                prop_assert!(problem.error(&code).sqrt() <= want.sqrt() + rounding);
            }
        }
    }

    /// From any code; and where no magnitude reaches 0, it is the step of the paper.
    #[test]
    fn a_gradient_step_never_raises_the_error(data in data(30, 3), offset in 0f32..3.0, seed: u64) {
        let start: Vec<f32> = data.codes(seed).iter().map(|&c| if c > 0.0 { c + offset } else { 0.0 }).collect();
        for exec in isas().into_iter().map(Exec::serial) {
            let (codes, _) = data.run(Method::GradientStep, exec, &start);
            for i in 0..data.samples() {
                let problem = data.problem(i);
                let (before, after) = (data.code(&start, i), data.code(&codes, i));
                let rounding = gamma(&data) * size(&problem, &before);
                prop_assert!(problem.error(&after).sqrt() <= problem.error(&before).sqrt() + rounding);
                let mut direction = problem.correlations(&before);
                direction.iter_mut().zip(&before).filter(|(_, c)| **c == 0.0).for_each(|(g, _)| *g = 0.0);
                let image = Problem { x: vec![0.0; data.d], ..problem.clone() }.residual(&direction);
                let length = dot(&direction, &direction) / dot(&image, &image);
                let want: Vec<f64> = before.iter().zip(&direction).map(|(c, d)| c + length * d).collect();
                if want.iter().zip(&before).all(|(w, b)| *w > 1e-3 || *b == 0.0) && length.is_finite() {
                    for (got, want) in after.iter().zip(&want) {
                        // The gradient is known to γ·size; the step multiplies that.
                        let norm = dot(&direction, &direction).sqrt();
                        let error = rounding * (1.0 + length * 2.0 * (1.0 + size(&problem, &before) / norm.max(1e-9)));
                        prop_assert!((got - want).abs() <= 4.0 * error + 1e-6, "{got}, not {want}");
                    }
                }
                prop_assert!(after.iter().zip(&before).all(|(a, b)| *a >= 0.0 && (*b > 0.0 || *a == 0.0)));
            }
        }
    }

    /// The same atoms and magnitudes, wherever the choice was not by a hair.
    #[test]
    fn omp_equals_a_naive_one(data in data(30, 2), k in 1..6usize) {
        for i in 0..data.samples() {
            let problem = data.problem(i);
            let (want, chosen, lead) = problem.omp(k);
            if lead < 1e-4 {
                continue;
            }
            // How far rounding may move the magnitudes: by the condition of the normal equations.
            let sample = Data { x: data.x[i * data.d..][..data.d].to_vec(), ..data.clone() };
            for exec in isas().into_iter().map(Exec::serial) {
                let (codes, _) = sample.run(Method::Omp(atoms(k)), exec, &sample.zeros());
                let code = wide(&codes);
                for j in 0..data.n {
                    prop_assert!(code[j] == 0.0 || chosen.contains(&j), "chose {j}, not of {chosen:?}");
                    let off = (code[j] - want[j]).abs();
                    prop_assert!(off <= 1e-6 * size(&problem, &want) + 2e-7 * want[j], "{} at {j}, not {}", code[j], want[j]);
                }
            }
        }
    }

    /// Atoms join, errors fall; the first magnitude is that of the projection.
    #[test]
    fn pursuits_descend(data in data(30, 2)) {
        for exec in isas().into_iter().map(Exec::serial) {
            for method in [Method::Omp as fn(Pursuit) -> Method, Method::GradientPursuit] {
                let mut errors: Vec<f64> = (0..data.samples()).map(|i| data.problem(i).error(&vec![0.0; data.n])).collect();
                for k in 1..6 {
                    let (codes, _) = data.run(method(atoms(k)), exec, &data.zeros());
                    for (i, before) in errors.iter_mut().enumerate() {
                        let problem = data.problem(i);
                        let code = data.code(&codes, i);
                        prop_assert!(code.iter().filter(|c| **c != 0.0).count() <= k);
                        let error = problem.error(&code);
                        let rounding = gamma(&data) * size(&problem, &code);
                        prop_assert!(error.sqrt() <= before.sqrt() + rounding, "{before} to {error}");
                        *before = error;
                        if k == 1 && let Some(j) = code.iter().position(|&c| c > 0.0) {
                            let atom = &problem.dictionary[j];
                            let want = dot(atom, &problem.x) / dot(atom, atom);
                            prop_assert!((code[j] - want).abs() <= 1e-5 * size(&problem, &code));
                        }
                    }
                }
            }
        }
    }
}

/// Samples that are sums of few atoms of a dictionary that is nearly orthogonal are found out.
#[test]
fn supports_are_recovered() {
    let (n, d) = (200, 100);
    let mut data = Data::new(n, d, 0, 0.0, 3);
    let mut next = stream(9);
    let mut want = vec![];
    for i in 0..30usize {
        let mut code = vec![0.0f32; n];
        for e in 0..4 {
            code[(i * 37 + e * 51) % n] = next() + 1.5;
        }
        let sample = (0..d).map(|k| {
            (0..n)
                .map(|j| code[j] * data.dictionary[j * d + k])
                .sum::<f32>()
        });
        data.x.extend(sample.collect::<Vec<f32>>());
        want.extend(code);
    }
    for exec in isas().into_iter().map(Exec::serial) {
        let (codes, _) = data.run(Method::Omp(atoms(4)), exec, &data.zeros());
        for (got, want) in codes.iter().zip(&want) {
            assert!((got - want).abs() < 1e-5, "{got}, not {want}");
        }
        let (mut codes, _) = data.run(Method::Fista(0.02, SOLVED), exec, &data.zeros());
        // Shrunk, until refitted on the support.
        codes = data.run(Method::Nnls, exec, &codes).0;
        for (got, want) in codes.iter().zip(&want) {
            assert!((got - want).abs() < 1e-5, "{got}, not {want}");
        }
    }
}
