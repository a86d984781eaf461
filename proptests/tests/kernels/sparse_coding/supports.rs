//! Least squares on a support, and pursuits that choose one.

use kernels::sparse_coding::Pursuit;
use kernels::{Exec, Isa};
use proptest::prelude::*;
use proptests::reference::sparse_coding::{Problem, dot};
use proptests::{config, each_isa, stream};

use super::data::{Data, Method, SOLVED, atoms, data, gamma, size, wide};

each_isa!(nnls_satisfies_kkt);
/// At the least squares the gradient is 0 where a magnitude is positive, and not positive where it is 0. This holds
/// also with atoms that occur twice, and with more atoms than dimensions.
fn nnls_satisfies_kkt(isa: Isa) {
    proptest!(config(60), |(
        mut data in data(40, 3),
        twice: bool,
        scale in prop_oneof![Just(1.0f32), 1e-3f32..1e-2, 1e2f32..1e3],
        seed: u64,
    )| {
        let d = data.d;
        data.x.iter_mut().for_each(|x| *x *= scale);
        if twice && data.n > 2 {
            data.dictionary.copy_within(..d, d);
        }
        let start = data.codes(seed);
        let exec = Exec::serial(isa);
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
    });
}

each_isa!(nnls_is_the_best_of_all_subsets);
/// Claims: support-is-enough
fn nnls_is_the_best_of_all_subsets(isa: Isa) {
    proptest!(config(60), |(data in data(7, 2), seed: u64)| {
        let start = data.codes(seed);
        let exec = Exec::serial(isa);
        let (codes, _) = data.run(Method::Nnls, exec, &start);
        for i in 0..data.samples() {
            let problem = data.problem(i);
            let support: Vec<usize> = (0..data.n).filter(|j| start[i * data.n + j] > 0.0).collect();
            let want = problem.error(&problem.nnls(&support));
            let code = data.code(&codes, i);
            let rounding = 1e-6 * size(&problem, &code);
            prop_assert!(problem.error(&code).sqrt() <= want.sqrt() + rounding);
        }
    });
}

each_isa!(a_gradient_step_never_raises_the_error);
/// A gradient step never raises the error, from any code; where no magnitude reaches 0, it is the step of the paper.
fn a_gradient_step_never_raises_the_error(isa: Isa) {
    proptest!(config(60), |(data in data(30, 3), offset in 0f32..3.0, seed: u64)| {
        let start: Vec<f32> = data.codes(seed).iter().map(|&c| if c > 0.0 { c + offset } else { 0.0 }).collect();
        let exec = Exec::serial(isa);
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
                    // The gradient is known to γ·size; the step multiplies its error.
                    let norm = dot(&direction, &direction).sqrt();
                    let error = rounding * (1.0 + length * 2.0 * (1.0 + size(&problem, &before) / norm.max(1e-9)));
                    prop_assert!((got - want).abs() <= 4.0 * error + 1e-6, "{got}, not {want}");
                }
            }
            prop_assert!(after.iter().zip(&before).all(|(a, b)| *a >= 0.0 && (*b > 0.0 || *a == 0.0)));
        }
    });
}

each_isa!(omp_equals_a_naive_one);
/// OMP chooses the same atoms and magnitudes as a naive one, wherever the choice was not left to rounding.
fn omp_equals_a_naive_one(isa: Isa) {
    proptest!(config(60), |(data in data(30, 2), k in 1..6usize)| {
        for i in 0..data.samples() {
            let problem = data.problem(i);
            let (want, chosen, lead) = problem.omp(k);
            if lead < 1e-4 {
                continue;
            }
            // Rounding may move the magnitudes in proportion to the condition of the normal equations.
            let sample = Data { x: data.x[i * data.d..][..data.d].to_vec(), ..data.clone() };
            let exec = Exec::serial(isa);
            let (codes, _) = sample.run(Method::Omp(atoms(k)), exec, &sample.zeros());
            let code = wide(&codes);
            for j in 0..data.n {
                prop_assert!(code[j] == 0.0 || chosen.contains(&j), "chose {j}, not of {chosen:?}");
                let off = (code[j] - want[j]).abs();
                prop_assert!(off <= 1e-6 * size(&problem, &want) + 2e-7 * want[j], "{} at {j}, not {}", code[j], want[j]);
            }
        }
    });
}

each_isa!(pursuits_descend);
/// With each atom that joins, the error of a pursuit falls; the first magnitude is that of the projection.
fn pursuits_descend(isa: Isa) {
    proptest!(config(60), |(data in data(30, 2))| {
        let exec = Exec::serial(isa);
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
    });
}

each_isa!(supports_are_recovered);
/// Pursuits find the support of samples that are sums of few atoms of a nearly orthogonal dictionary.
fn supports_are_recovered(isa: Isa) {
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
    let exec = Exec::serial(isa);
    let (codes, _) = data.run(Method::Omp(atoms(4)), exec, &data.zeros());
    for (got, want) in codes.iter().zip(&want) {
        assert!((got - want).abs() < 1e-5, "{got}, not {want}");
    }
    let (mut codes, _) = data.run(Method::Fista(0.02, SOLVED), exec, &data.zeros());
    // The lasso's magnitudes are shrunk; a refit on the support mends them.
    codes = data.run(Method::Nnls, exec, &codes).0;
    for (got, want) in codes.iter().zip(&want) {
        assert!((got - want).abs() < 1e-5, "{got}, not {want}");
    }
}
