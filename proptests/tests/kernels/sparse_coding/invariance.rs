//! How codes follow a change of their problem: scale, order, rotation, threads, batches.

use kernels::{Exec, Isa};
use proptest::prelude::*;
use proptests::reference::sparse_coding::dot;
use proptests::{config, each_isa, pool, stream};

use super::data::{Data, METHODS, Method, SOLVED, atoms, data, gamma, size, wide};

each_isa!(codes_scale_with_samples);
/// Twice the samples and λ give twice the codes, to the bit, since 2 is a power of 2.
fn codes_scale_with_samples(isa: Isa) {
    proptest!(config(60), |(data in data(40, 3), seed: u64)| {
        let twice = |values: &[f32]| values.iter().map(|v| 2.0 * v).collect::<Vec<f32>>();
        let doubled = Data { x: twice(&data.x), ..data.clone() };
        let start = data.codes(seed);
        let exec = Exec::serial(isa);
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
    });
}

each_isa!(permuted_atoms_and_rotated_spaces);
/// Codes do not depend on the order of the atoms or on a rotation of the space.
fn permuted_atoms_and_rotated_spaces(isa: Isa) {
    proptest!(config(60), |(data in data(20, 2), shift in 0..20usize, seed: u64)| {
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
        let exec = Exec::serial(isa);
        // These find optima of the same problem: their objectives agree, though codes need not where n > d.
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
        // Pursuits choose the same atoms, unless two are equally good up to rounding.
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
    });
}

each_isa!(results_do_not_depend_on_the_number_of_threads_nor_on_the_batch);
fn results_do_not_depend_on_the_number_of_threads_nor_on_the_batch(isa: Isa) {
    let data = Data::new(150, 40, 140, 0.5, 5);
    let start = data.codes(6);
    let pools = [2, 3].map(pool);
    for method in METHODS {
        let serial = data.run(method, Exec::serial(isa), &start);
        for pool in &pools {
            let shared = pool.install(|| data.run(method, Exec::parallel(isa), &start));
            assert!(shared == serial, "{method:?}, {pool:?}");
        }
        for i in [0, 63, 64, 139] {
            let alone = Data {
                x: data.x[i * data.d..][..data.d].to_vec(),
                ..data.clone()
            };
            let here = i * data.n..(i + 1) * data.n;
            let (code, _) = alone.run(method, Exec::serial(isa), &start[here.clone()]);
            assert_eq!(code, serial.0[here], "{method:?}");
        }
    }
}
