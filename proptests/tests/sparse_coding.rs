//! Sparse coding against pedestrian f64 references, optimality conditions and closed forms, on every
//! instruction set.

use kernels::sparse_coding::{
    Certificate, Lasso, Pursuit, Stop, gradient_pursuit, gradient_step, nnls, omp,
};
use kernels::{Exec, Isa, MatMut, MatRef, dictionary};
use proptest::prelude::*;
use proptests::reference::sparse_coding::{Problem, dot};
use proptests::{config, isas, panic_message, pool, stream};

/// A dictionary of n×d and some samples.
#[derive(Clone, Debug)]
struct Data {
    n: usize,
    d: usize,
    dictionary: Vec<f32>,
    x: Vec<f32>,
}

impl Data {
    /// Atoms with a common part, so that they get in each other's way, of norms between ½ and 2; samples
    /// of a few atoms and noise.
    fn new(n: usize, d: usize, samples: usize, common: f32, seed: u64) -> Data {
        let mut next = stream(seed);
        let shared: Vec<f32> = (0..d).map(|_| next()).collect();
        let mut dictionary: Vec<f32> = (0..n * d)
            .map(|i| next() + common * shared[i % d])
            .collect();
        dictionary::normalise(
            Exec::serial(Isa::detect()),
            MatMut::new(&mut dictionary, n, d).unwrap(),
        );
        for atom in dictionary.chunks_mut(d) {
            let norm = 2f32.powf(next());
            atom.iter_mut().for_each(|a| *a *= norm);
        }
        let mut x = vec![];
        for _ in 0..samples {
            let mut sample: Vec<f32> = (0..d).map(|_| 0.1 * next()).collect();
            for _ in 0..3 {
                let atom = ((next() + 1.0) / 2.0 * n as f32) as usize % n;
                let c = next() + 1.0;
                let atom = &dictionary[atom * d..][..d];
                sample.iter_mut().zip(atom).for_each(|(x, a)| *x += c * a);
            }
            x.extend(sample);
        }
        Data {
            n,
            d,
            dictionary,
            x,
        }
    }

    fn samples(&self) -> usize {
        self.x.len() / self.d
    }

    fn dictionary(&self) -> MatRef<'_> {
        MatRef::new(&self.dictionary, self.n, self.d).unwrap()
    }

    fn x(&self) -> MatRef<'_> {
        MatRef::new(&self.x, self.samples(), self.d).unwrap()
    }

    fn problem(&self, i: usize) -> Problem {
        Problem::new(&self.dictionary, &self.x[i * self.d..][..self.d])
    }

    fn zeros(&self) -> Vec<f32> {
        vec![0.0; self.samples() * self.n]
    }

    /// Codes of which every other value or so is positive.
    fn codes(&self, seed: u64) -> Vec<f32> {
        let mut next = stream(seed);
        self.zeros().iter().map(|_| next().max(0.0)).collect()
    }

    fn run(&self, method: Method, exec: Exec, codes: &[f32]) -> (Vec<f32>, Vec<Certificate>) {
        let mut codes = codes.to_vec();
        let mut certificates = vec![Certificate::default(); self.samples()];
        let out = MatMut::new(&mut codes, self.samples(), self.n).unwrap();
        let (dictionary, x) = (self.dictionary(), self.x());
        let lasso = |lambda| Lasso::new(exec, dictionary, lambda, None);
        match method {
            Method::Ista(lambda, stop) => lasso(lambda).ista(exec, x, stop, out, &mut certificates),
            Method::Fista(lambda, stop) => {
                lasso(lambda).fista(exec, x, stop, out, &mut certificates)
            }
            Method::Omp(pursuit) => omp(exec, dictionary, x, pursuit, out),
            Method::GradientPursuit(pursuit) => gradient_pursuit(exec, dictionary, x, pursuit, out),
            Method::GradientStep => gradient_step(exec, dictionary, x, out),
            Method::Nnls => nnls(exec, dictionary, x, out),
        }
        (codes, certificates)
    }

    fn code(&self, codes: &[f32], i: usize) -> Vec<f64> {
        wide(&codes[i * self.n..][..self.n])
    }
}

#[derive(Clone, Copy, Debug)]
enum Method {
    Ista(f32, Stop),
    Fista(f32, Stop),
    Omp(Pursuit),
    GradientPursuit(Pursuit),
    GradientStep,
    Nnls,
}

const METHODS: [Method; 6] = [
    Method::Ista(0.1, iterations(20)),
    Method::Fista(0.1, SOLVED),
    Method::Omp(FIVE),
    Method::GradientPursuit(FIVE),
    Method::GradientStep,
    Method::Nnls,
];

const SOLVED: Stop = Stop {
    tolerance: 1e-5,
    iterations: 100_000,
};

/// Ends before the residual is so small that its squares underflow.
const FIVE: Pursuit = Pursuit {
    atoms: 5,
    tolerance: 1e-10,
};

const fn iterations(iterations: usize) -> Stop {
    Stop {
        tolerance: 0.0,
        iterations,
    }
}

const fn atoms(atoms: usize) -> Pursuit {
    Pursuit {
        atoms,
        tolerance: 0.0,
    }
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

/// Σ cⱼ‖Dⱼ‖ + ‖x‖: what the rounding of a residual is in proportion to.
fn size(problem: &Problem, code: &[f64]) -> f64 {
    let norms = problem.dictionary.iter().map(|a| dot(a, a).sqrt());
    let sum: f64 = norms.zip(code).map(|(n, c)| n * c.abs()).sum();
    sum + dot(&problem.x, &problem.x).sqrt()
}

/// γ_{n+d+8}
fn gamma(data: &Data) -> f64 {
    proptests::bounded::gamma(data.n + data.d + 8)
}

prop_compose! {
    fn data(most_atoms: usize, samples: usize)(
        n in 1..=most_atoms,
        d in 1..40usize,
        common in prop_oneof![Just(0.0f32), 0f32..2.0],
        seed: u64,
    ) -> Data {
        Data::new(n, d, samples, common, seed)
    }
}

proptest! {
    #![proptest_config(config(60))]

    /// At the least squares the gradient is 0 where a magnitude is positive, and not positive where it is 0;
    /// with atoms that are there twice, too, and with more of them than dimensions.
    #[test]
    fn nnls_satisfies_kkt(
        mut data in data(14, 3),
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

    /// Wherever the iteration stops, the gap is not negative and bounds what is left to gain, and the
    /// distance of the reconstruction from the optimal one.
    ///
    /// Claims: sae-approximates-optimum
    #[test]
    fn the_duality_gap_bounds_the_error(
        data in data(20, 2),
        lambda in 0.01f32..2.0,
        weighted: bool,
        steps in prop_oneof![0..5usize, Just(30), Just(100_000)],
        tolerance in prop_oneof![Just(1e-5), 1e-5..0.5f64],
        seed: u64,
    ) {
        let mut next = stream(seed);
        let weights: Vec<f32> = (0..data.n).map(|_| if weighted { next() + 1.5 } else { 1.0 }).collect();
        let costs: Vec<f64> = weights.iter().map(|&w| f64::from(lambda) * f64::from(w)).collect();
        let optima: Vec<Vec<f64>> = (0..data.samples()).map(|i| data.problem(i).lasso(&costs)).collect();
        let start = data.codes(seed);
        for exec in isas().into_iter().map(Exec::serial) {
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
                    // And it is no wider than by the dual point that everyone takes.
                    prop_assert!(gap <= problem.dual_gap(&code, &costs) + 4.0 * rounding);
                    if steps > 100 {
                        let converged = 1.1 * tolerance * dot(&problem.x, &problem.x) + rounding;
                        prop_assert!(gap <= converged, "gap {gap} after {steps}");
                    }
                }
            }
        }
    }

    /// At the first code whose gap is small enough, where that is not for rounding to decide.
    #[test]
    fn iterations_end_as_soon_as_the_gap_allows(
        data in data(20, 1),
        lambda in 0.05f32..1.0,
        tolerance in 1e-3..0.5f64,
        momentum: bool,
        seed: u64,
    ) {
        const MOST: usize = 60;
        let method = |stop| if momentum { Method::Fista(lambda, stop) } else { Method::Ista(lambda, stop) };
        let (problem, start) = (data.problem(0), data.codes(seed));
        let limit = tolerance * dot(&problem.x, &problem.x);
        for exec in isas().into_iter().map(Exec::serial) {
            let rounding = |codes: &[f32]| 8.0 * gamma(&data) * size(&problem, &wide(codes)).powi(2);
            let first = (0..MOST)
                .map(|k| data.run(method(iterations(k)), exec, &start))
                .find(|(codes, certificates)| certificates[0].gap <= limit + rounding(codes));
            let Some((codes, certificates)) = first else { continue };
            if certificates[0].gap <= limit - rounding(&codes) {
                let (ended, _) = data.run(method(Stop { tolerance, iterations: MOST }), exec, &start);
                prop_assert_eq!(ended, codes);
            }
        }
    }

    /// One unit atom of strength g: λ/2 is taken off.
    ///
    /// Claims: l1-shrinks
    #[test]
    fn one_atom_shrinks_by_half_the_coefficient(d in 1..40usize, g in -2f32..4.0, lambda in 0f32..3.0, seed: u64) {
        let mut data = Data::new(1, d, 1, 0.0, seed);
        for exec in isas().into_iter().map(Exec::serial) {
            dictionary::normalise(exec, MatMut::new(&mut data.dictionary, 1, d).unwrap());
            data.x = data.dictionary.iter().map(|a| g * a).collect();
            let want = (g - lambda / 2.0).max(0.0);
            let (code, _) = data.run(Method::Fista(lambda, iterations(500)), exec, &[0.7]);
            prop_assert!((code[0] - want).abs() <= 3e-6 * (g.abs() + lambda), "{} for {want}", code[0]);
        }
    }

    /// And a step at a time is the same as all at once, to the bit.
    #[test]
    fn ista_never_raises_the_objective(data in data(40, 2), lambda in 0f32..1.0, seed: u64) {
        let costs = vec![f64::from(lambda); data.n];
        for exec in isas().into_iter().map(Exec::serial) {
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

    /// Twice the samples and λ, twice the codes: to the bit, since 2 is a power of 2.
    #[test]
    fn codes_scale_with_samples(data in data(40, 3), seed: u64) {
        let twice = |values: &[f32]| values.iter().map(|v| 2.0 * v).collect::<Vec<f32>>();
        let doubled = Data { x: twice(&data.x), ..data.clone() };
        let start = data.codes(seed);
        for exec in isas().into_iter().map(Exec::serial) {
            for method in METHODS {
                let louder = match method {
                    Method::Ista(lambda, stop) => Method::Ista(2.0 * lambda, stop),
                    Method::Fista(lambda, stop) => Method::Fista(2.0 * lambda, stop),
                    other => other,
                };
                let (codes, _) = data.run(method, exec, &start);
                let (louder, _) = doubled.run(louder, exec, &twice(&start));
                prop_assert_eq!(louder, twice(&codes), "{:?}", method);
            }
        }
    }

    /// The order of atoms and the axes of the space are of no account.
    #[test]
    fn permuted_atoms_and_rotated_spaces(data in data(20, 2), shift in 0..20usize, seed: u64) {
        let (n, d) = (data.n, data.d);
        let start = data.codes(seed);
        // A cyclic shift of the atoms, and a reflection of the space: v ↦ v − 2 (u·v) u, ‖u‖ = 1.
        let mut permuted = data.clone();
        permuted.dictionary.rotate_left(shift % n * d);
        let mut start_permuted = start.clone();
        start_permuted.chunks_mut(n).for_each(|c| c.rotate_left(shift % n));
        let mut next = stream(seed);
        let u: Vec<f64> = (0..d).map(|_| f64::from(next())).collect();
        let square = dot(&u, &u);
        let reflect = |rows: &[f32]| -> Vec<f32> {
            rows.chunks(d).flat_map(|row| {
                let along = 2.0 * dot(&wide(row), &u) / square;
                row.iter().zip(&u).map(|(&v, u)| (f64::from(v) - along * u) as f32).collect::<Vec<_>>()
            }).collect()
        };
        let rotated = Data { dictionary: reflect(&data.dictionary), x: reflect(&data.x), ..data.clone() };
        for exec in isas().into_iter().map(Exec::serial) {
            // Optima of the same problem: their values agree, though codes need not where n > d.
            for method in [Method::Fista(0.1, SOLVED), Method::Nnls] {
                let [codes, of_permuted, of_rotated] = [(&data, &start), (&permuted, &start_permuted), (&rotated, &start)]
                    .map(|(data, start)| data.run(method, exec, start));
                for i in 0..data.samples() {
                    let value = |data: &Data, codes: &[f32]| {
                        let (problem, code) = (data.problem(i), data.code(codes, i));
                        match method {
                            Method::Nnls => problem.error(&code).sqrt(),
                            _ => problem.lasso_objective(&code, &vec![f64::from(0.1f32); n]),
                        }
                    };
                    let (problem, code) = (data.problem(i), data.code(&codes.0, i));
                    let (here, there) = (value(&data, &codes.0), [value(&permuted, &of_permuted.0), value(&rotated, &of_rotated.0)]);
                    let slack = match method {
                        Method::Nnls => gamma(&data) * size(&problem, &code),
                        _ => 2.2e-5 * dot(&problem.x, &problem.x) + 4.0 * gamma(&data) * size(&problem, &code).powi(2),
                    };
                    prop_assert!(there.iter().all(|there| (here - there).abs() <= slack), "{method:?}: {here}, {there:?}");
                }
            }
            // Pursuits choose the same atoms, unless by a hair.
            for i in 0..data.samples() {
                if data.problem(i).omp(4).2 < 1e-4 {
                    continue;
                }
                let pick = |data: &Data| {
                    let sample = Data { x: data.x[i * d..][..d].to_vec(), ..data.clone() };
                    sample.run(Method::Omp(atoms(4)), exec, &sample.zeros()).0
                };
                let (here, mut moved, turned) = (pick(&data), pick(&permuted), pick(&rotated));
                moved.rotate_right(shift % n);
                let problem = data.problem(i);
                let slack = 1e-5 * size(&problem, &wide(&here));
                for j in 0..n {
                    prop_assert!(f64::from((here[j] - moved[j]).abs()) <= slack);
                    prop_assert!(f64::from((here[j] - turned[j]).abs()) <= slack);
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

#[test]
fn results_do_not_depend_on_the_number_of_threads_nor_on_the_batch() {
    let data = Data::new(150, 40, 140, 0.5, 5);
    let start = data.codes(6);
    let pools = [2, 3].map(pool);
    for isa in isas() {
        for method in METHODS {
            let serial = data.run(method, Exec::serial(isa), &start);
            for pool in &pools {
                let shared = pool.install(|| data.run(method, Exec::parallel(isa), &start));
                assert!(shared == serial, "{isa}, {method:?}, {pool:?}");
            }
            for i in [0, 63, 64, 139] {
                let alone = Data {
                    x: data.x[i * data.d..][..data.d].to_vec(),
                    ..data.clone()
                };
                let here = i * data.n..(i + 1) * data.n;
                let (code, _) = alone.run(method, Exec::serial(isa), &start[here.clone()]);
                assert_eq!(code, serial.0[here], "{isa}, {method:?}");
            }
        }
    }
}

/// A NaN stays in its sample.
#[test]
fn a_nan_is_contained() {
    let clean = Data::new(30, 10, 3, 0.0, 8);
    let mut data = clean.clone();
    data.x[13] = f32::NAN;
    let start = data.codes(1);
    for exec in isas().into_iter().map(Exec::serial) {
        for method in METHODS {
            // Without a gap it would iterate to the end.
            let method = match method {
                Method::Fista(lambda, stop) => Method::Fista(
                    lambda,
                    Stop {
                        iterations: 500,
                        ..stop
                    },
                ),
                other => other,
            };
            let (codes, certificates) = data.run(method, exec, &start);
            let (want, expected) = clean.run(method, exec, &start);
            for i in [0, 2] {
                assert_eq!(data.code(&codes, i), data.code(&want, i), "{method:?}");
                assert_eq!(certificates[i], expected[i]);
            }
            if matches!(method, Method::Fista(..)) {
                assert!(certificates[1].gap.is_nan() && certificates[1].objective.is_nan());
            }
        }
    }
}

#[test]
fn nothing_to_code_with() {
    for exec in isas().into_iter().map(Exec::serial) {
        // Atoms of zeros, samples of zeros, and neither atoms nor samples.
        let zeros = Data {
            n: 3,
            d: 4,
            dictionary: vec![0.0; 12],
            x: vec![1.0; 4],
        };
        let silent = Data {
            x: vec![0.0; 8],
            ..Data::new(3, 4, 0, 0.0, 1)
        };
        for method in METHODS {
            let (codes, _) = zeros.run(method, exec, &zeros.zeros());
            assert_eq!(codes, [0.0; 3], "{method:?}");
            let (codes, certificates) = silent.run(method, exec, &silent.zeros());
            assert_eq!(codes, [0.0; 6], "{method:?}");
            assert!(certificates.iter().all(|c| *c == Certificate::default()));
            let nobody = Data {
                x: vec![],
                ..silent.clone()
            };
            assert!(nobody.run(method, exec, &[]).0.is_empty());
        }
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let exec = Exec::serial(isas()[0]);
    let data = Data::new(3, 4, 2, 0.0, 1);
    let codes = panic_message(|| {
        let mut codes = [0.0; 8];
        nnls(
            exec,
            data.dictionary(),
            data.x(),
            MatMut::new(&mut codes, 2, 4).unwrap(),
        );
    });
    assert_eq!(
        codes,
        "samples of 2×4 and codes of 2×4 for a dictionary of 3×4"
    );
    let lasso = |lambda, weights: Option<&[f32]>| {
        panic_message(|| drop(Lasso::new(exec, data.dictionary(), lambda, weights)))
    };
    assert_eq!(lasso(-1.0, None), "an L1 coefficient of -1");
    assert_eq!(lasso(f32::NAN, None), "an L1 coefficient of NaN");
    assert!(lasso(1.0, Some(&[1.0; 2])).contains("2 weights for 3 atoms"));
    assert_eq!(lasso(1.0, Some(&[1.0, -1.0, 1.0])), "weight 1 is -1");
    let places = panic_message(|| {
        let mut codes = data.zeros();
        let out = MatMut::new(&mut codes, 2, 3).unwrap();
        Lasso::new(exec, data.dictionary(), 1.0, None).fista(exec, data.x(), SOLVED, out, &mut []);
    });
    assert!(places.contains("0 certificates for 2 samples"), "{places}");
}
