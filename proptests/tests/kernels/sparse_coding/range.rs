//! Samples and atoms of any size: the codes of a method scale with them, to the ends of the range that it states.

use kernels::sparse_coding::Stop;
use kernels::{Exec, Isa, MatMut, dictionary};
use proptests::each_isa;

use super::data::{Data, FIVE, METHODS, Method, SOLVED, atoms};

/// Exponents of two for the scale of atoms, and of samples: about 10⁻³⁰ and 10³⁰ for atoms, and the ends of f32 less
/// the digits that a small value needs for samples.
const ATOMS: [i32; 3] = [-97, 0, 97];
const SAMPLES: [i32; 3] = [-100, 0, 120];
/// Exponents of two for the scale of a lasso problem: about 10⁻¹⁵ to 10¹⁵.
const LASSO: [i32; 3] = [-47, 0, 47];

fn scaled(values: &[f32], exponent: i32) -> Vec<f32> {
    let power = 2f64.powi(exponent);
    values
        .iter()
        .map(|&v| (f64::from(v) * power) as f32)
        .collect()
}

/// Returns data whose samples have norm 1, so that an exponent is the size of a sample.
fn data() -> Data {
    let mut data = Data::new(30, 12, 4, 0.5, 3);
    let x = MatMut::new(&mut data.x, 4, 12).unwrap();
    dictionary::normalise(Exec::default(), x);
    data
}

each_isa!(pursuits_and_refits_have_no_scale);
/// Codes of scaled problems are the same to the bit, since scaling by powers of two is exact.
fn pursuits_and_refits_have_no_scale(isa: Isa) {
    let data = data();
    let start = data.codes(4);
    let exec = Exec::serial(isa);
    for method in METHODS {
        if matches!(method, Method::Ista(..) | Method::Fista(..)) {
            continue;
        }
        let (want, _) = data.run(method, exec, &start);
        for (a, x) in ATOMS.into_iter().flat_map(|a| SAMPLES.map(|x| (a, x))) {
            // The code is compared where f32 holds it with all its digits.
            if (x - a).abs() > 110 {
                continue;
            }
            let far = Data {
                dictionary: scaled(&data.dictionary, a),
                x: scaled(&data.x, x),
                ..data.clone()
            };
            let (codes, _) = far.run(method, exec, &scaled(&start, x - a));
            assert_eq!(codes, scaled(&want, x - a), "{method:?}: 2^{a}, 2^{x}");
        }
    }
}

each_isa!(optima_of_a_lasso_scale_with_samples_and_atoms);
fn optima_of_a_lasso_scale_with_samples_and_atoms(isa: Isa) {
    const LAMBDA: f32 = 0.25;
    let data = data();
    let start = data.codes(4);
    let methods: [fn(f32, Stop) -> Method; 2] = [Method::Ista, Method::Fista];
    let exec = Exec::serial(isa);
    for method in methods {
        let (_, want) = data.run(method(LAMBDA, SOLVED), exec, &start);
        for (a, x) in LASSO.into_iter().flat_map(|a| LASSO.map(|x| (a, x))) {
            let far = Data {
                dictionary: scaled(&data.dictionary, a),
                x: scaled(&data.x, x),
                ..data.clone()
            };
            let lambda = scaled(&[LAMBDA], a + x)[0];
            let (_, got) = far.run(method(lambda, SOLVED), exec, &scaled(&start, x - a));
            for (got, want) in got.iter().zip(&want) {
                let square = 4f64.powi(x);
                // Samples have norm 1; twice the tolerance is allowed, and rounding.
                assert!(got.gap <= 2e-5 * square, "2^{a}, 2^{x}: {got:?}");
                let apart = got.objective / square - want.objective;
                assert!(apart.abs() <= 4e-5, "2^{a}, 2^{x}: {got:?}, {want:?}");
            }
        }
    }
}

each_isa!(one_atom_of_any_size);
/// For one atom and one value the magnitude is their ratio.
fn one_atom_of_any_size(isa: Isa) {
    let cases = [
        (1e10f32, 1.0f32),
        (1e-11, 1.0),
        (1e-12, 1.0),
        (1.0, 2e-23),
        (1.0, 1.85e19),
        (1.0, 1e-36),
        (1.0, 3e38),
        (1e-25, 1e-25),
        (1e-30, 1e-30),
        (1e30, 1e-5),
        (1e30, 1e30),
    ];
    for (atom, x) in cases {
        let data = Data {
            n: 1,
            d: 1,
            dictionary: vec![atom],
            x: vec![x],
        };
        let want = x / atom;
        let exec = Exec::serial(isa);
        let start = [0.5 * want];
        for method in [
            Method::Omp(FIVE),
            Method::GradientPursuit(FIVE),
            Method::GradientPursuit(atoms(1)),
            Method::GradientStep,
            Method::Nnls,
        ] {
            let (codes, _) = data.run(method, exec, &start);
            let near = (codes[0] / want - 1.0).abs() < 1e-6;
            assert!(near, "{method:?}, {atom:e}, {x:e}: {:e}", codes[0]);
        }
        if (1e-15..=1e15).contains(&atom) && (1e-15..=1e15).contains(&x) {
            // λ shrinks the magnitude by a tenth; the error of the objective is that of the code squared.
            let lambda = 0.2 * atom * x;
            let (codes, _) = data.run(Method::Fista(lambda, SOLVED), exec, &start);
            let near = (codes[0] / want - 0.9).abs() < 4e-3;
            assert!(near, "{atom:e}, {x:e}: {:e}", codes[0]);
        }
    }
}
