//! ISTA and FISTA: the codes that they find, and when they stop.

use kernels::sparse_coding::{Certificate, Lasso, Stop};
use kernels::{Exec, Isa, MatMut, dictionary};
use proptest::prelude::*;
use proptests::reference::sparse_coding::dot;
use proptests::{config, each_isa, stream};

use super::data::{Data, Method, data, gamma, iterations, size, wide};

each_isa!(the_duality_gap_bounds_the_error);
/// Wherever the iteration stops, the gap is not negative. It bounds how far the objective is above its least value, and
/// the distance of the reconstruction from the optimal one.
///
/// Claims: sae-approximates-optimum
fn the_duality_gap_bounds_the_error(isa: Isa) {
    proptest!(config(60), |(
        data in data(20, 2),
        lambda in 0.01f32..2.0,
        weighted: bool,
        steps in prop_oneof![0..5usize, Just(30), Just(100_000)],
        tolerance in prop_oneof![Just(1e-5), 1e-5..0.5f64],
        seed: u64,
    )| {
        let mut next = stream(seed);
        let weights: Vec<f32> = (0..data.n).map(|_| if weighted { next() + 1.5 } else { 1.0 }).collect();
        let costs: Vec<f64> = weights.iter().map(|&w| f64::from(lambda) * f64::from(w)).collect();
        let optima: Vec<Vec<f64>> = (0..data.samples()).map(|i| data.problem(i).lasso(&costs)).collect();
        let start = data.codes(seed);
        let exec = Exec::serial(isa);
        let lasso = Lasso::new(exec, data.dictionary(), lambda, weighted.then_some(&weights[..]));
        for momentum in [false, true] {
            if !momentum && steps > 100 {
                continue;
            }
            let mut codes = start.clone();
            let mut certificates = vec![Certificate::default(); data.samples()];
            let out = MatMut::new(&mut codes, data.samples(), data.n).unwrap();
            let stop = Stop { tolerance, iterations: steps };
            if momentum {
                lasso.fista(exec, data.x(), stop, out, &mut certificates);
            } else {
                lasso.ista(exec, data.x(), stop, out, &mut certificates);
            }
            for (i, best) in optima.iter().enumerate() {
                let problem = data.problem(i);
                let code = data.code(&codes, i);
                prop_assert!(code.iter().all(|&c| c >= 0.0));
                let Certificate { objective, gap } = certificates[i];
                let rounding = 4.0 * gamma(&data) * size(&problem, &code).powi(2);
                let (reached, optimum) = (problem.lasso_objective(&code, &costs), problem.lasso_objective(best, &costs));
                prop_assert!((objective - reached).abs() <= rounding, "objective {objective}, not {reached}");
                prop_assert!(gap >= 0.0 && reached - optimum <= gap + rounding, "gap {gap}, {}", reached - optimum);
                let (mine, theirs) = (problem.residual(&code), problem.residual(best));
                let apart: Vec<f64> = mine.iter().zip(&theirs).map(|(a, b)| a - b).collect();
                prop_assert!(dot(&apart, &apart) <= gap + rounding + 1e-11 * dot(&problem.x, &problem.x));
                // The gap is no larger than that at the residual scaled to be dual feasible.
                prop_assert!(gap <= problem.dual_gap(&code, &costs) + 4.0 * rounding);
                if steps > 100 {
                    let converged = 1.1 * tolerance * dot(&problem.x, &problem.x) + rounding;
                    prop_assert!(gap <= converged, "gap {gap} after {steps}");
                }
            }
        }
    });
}

each_isa!(iterations_end_as_soon_as_the_gap_allows);
/// Iterations stop at the first code whose gap is small enough, unless rounding decides that.
fn iterations_end_as_soon_as_the_gap_allows(isa: Isa) {
    proptest!(config(60), |(
        data in data(20, 1),
        lambda in 0.05f32..1.0,
        tolerance in 1e-3..0.5f64,
        momentum: bool,
        seed: u64,
    )| {
        const MOST: usize = 60;
        let method = |stop| if momentum { Method::Fista(lambda, stop) } else { Method::Ista(lambda, stop) };
        let (problem, start) = (data.problem(0), data.codes(seed));
        let limit = tolerance * dot(&problem.x, &problem.x);
        let exec = Exec::serial(isa);
        let rounding = |codes: &[f32]| 8.0 * gamma(&data) * size(&problem, &wide(codes)).powi(2);
        let first = (0..MOST)
            .map(|k| data.run(method(iterations(k)), exec, &start))
            .find(|(codes, certificates)| certificates[0].gap <= limit + rounding(codes));
        let Some((codes, certificates)) = first else { return Ok(()) };
        if certificates[0].gap <= limit - rounding(&codes) {
            let (ended, _) = data.run(method(Stop { tolerance, iterations: MOST }), exec, &start);
            prop_assert_eq!(ended, codes);
        }
    });
}

each_isa!(one_atom_shrinks_by_half_the_coefficient);
/// The code of one unit atom of strength g is g less λ/2, or 0.
///
/// Claims: l1-shrinks
fn one_atom_shrinks_by_half_the_coefficient(isa: Isa) {
    proptest!(config(60), |(d in 1..40usize, g in -2f32..4.0, lambda in 0f32..3.0, seed: u64)| {
        let mut data = Data::new(1, d, 1, 0.0, seed);
        let exec = Exec::serial(isa);
        dictionary::normalise(exec, MatMut::new(&mut data.dictionary, 1, d).unwrap());
        data.x = data.dictionary.iter().map(|a| g * a).collect();
        let want = (g - lambda / 2.0).max(0.0);
        let (code, _) = data.run(Method::Fista(lambda, iterations(500)), exec, &[0.7]);
        prop_assert!((code[0] - want).abs() <= 3e-6 * (g.abs() + lambda), "{} for {want}", code[0]);
    });
}

each_isa!(ista_never_raises_the_objective);
/// ISTA never raises the objective, and taking one step at a time is the same as all at once, to the bit.
fn ista_never_raises_the_objective(isa: Isa) {
    proptest!(config(60), |(data in data(40, 2), lambda in 0f32..1.0, seed: u64)| {
        let costs = vec![f64::from(lambda); data.n];
        let exec = Exec::serial(isa);
        let start = data.codes(seed);
        let mut codes = start.clone();
        let objective = |codes: &[f32], i| data.problem(i).lasso_objective(&data.code(codes, i), &costs);
        for _ in 0..25 {
            let (next, _) = data.run(Method::Ista(lambda, iterations(1)), exec, &codes);
            for i in 0..data.samples() {
                let (before, after) = (objective(&codes, i), objective(&next, i));
                let rounding = gamma(&data) * size(&data.problem(i), &data.code(&codes, i)).powi(2);
                prop_assert!(after <= before + rounding, "{before} to {after}");
            }
            codes = next;
        }
        prop_assert_eq!(codes, data.run(Method::Ista(lambda, iterations(25)), exec, &start).0);
    });
}
