//! NaNs, empty inputs, and shapes that do not fit.

use kernels::sparse_coding::{Certificate, Lasso, nnls};
use kernels::{Exec, Isa, MatMut, MatRef};
use proptests::{each_isa, panic_message};

use super::data::{Data, METHODS, Method, SOLVED};

each_isa!(a_nan_is_contained);
/// The code of a sample that holds a NaN or an infinity is NaN, all of it or what is on its support, and no other
/// sample is changed.
fn a_nan_is_contained(isa: Isa) {
    let clean = Data::new(30, 10, 3, 0.0, 8);
    let start = clean.codes(1);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut data = clean.clone();
        data.x[13] = bad;
        let exec = Exec::serial(isa);
        for method in METHODS {
            let (codes, certificates) = data.run(method, exec, &start);
            let (want, expected) = clean.run(method, exec, &start);
            for i in [0, 2] {
                assert_eq!(data.code(&codes, i), data.code(&want, i), "{method:?}");
                assert_eq!(certificates[i], expected[i]);
            }
            let of_support = matches!(method, Method::Nnls | Method::GradientStep);
            for (c, &start) in codes[30..60].iter().zip(&start[30..60]) {
                let free = start > 0.0 || !of_support;
                assert!(c.is_nan() && free || *c == 0.0 && !free, "{method:?}: {c}");
            }
            if matches!(method, Method::Ista(..) | Method::Fista(..)) {
                assert!(certificates[1].gap.is_nan() && certificates[1].objective.is_nan());
            }
        }
    }
}

each_isa!(a_nan_in_an_atom_reaches_the_codes_that_may_have_it);
/// A NaN in an atom reaches every code that the atom may be part of: all codes, unless the support excludes it.
fn a_nan_in_an_atom_reaches_the_codes_that_may_have_it(isa: Isa) {
    let clean = Data::new(30, 10, 3, 0.0, 8);
    let mut data = clean.clone();
    data.dictionary[4 * 10 + 3] = f32::NAN;
    let mut start = clean.codes(1);
    for (i, c) in [1.0, 0.0, f32::NAN].into_iter().enumerate() {
        start[i * 30 + 4] = c;
    }
    let exec = Exec::serial(isa);
    for method in METHODS {
        let (codes, certificates) = data.run(method, exec, &start);
        if !matches!(method, Method::Nnls | Method::GradientStep) {
            assert!(codes.iter().all(|c| c.is_nan()), "{method:?}");
            continue;
        }
        assert_eq!(certificates[0], Certificate::default());
        let (want, _) = clean.run(method, exec, &start);
        assert_eq!(codes[30..60], want[30..60], "{method:?}");
        for i in [0, 2] {
            for (c, &start) in codes[i * 30..].iter().zip(&start[i * 30..(i + 1) * 30]) {
                let free = start > 0.0 || start.is_nan();
                assert!(c.is_nan() && free || *c == 0.0 && !free, "{method:?}: {c}");
            }
        }
    }
}

each_isa!(what_is_not_finite_is_not_certified);
/// Neither a code of NaN nor any code of a sample that holds an infinity has a certificate.
fn what_is_not_finite_is_not_certified(isa: Isa) {
    let mut data = Data::new(30, 10, 3, 0.0, 8);
    data.x[25] = f32::INFINITY;
    let mut codes = data.codes(1);
    codes[7] = f32::NAN;
    let exec = Exec::serial(isa);
    let lasso = Lasso::new(exec, data.dictionary(), 0.1, None);
    let mut certificates = [Certificate::default(); 3];
    let view = MatRef::new(&codes, 3, 30).unwrap();
    lasso.certify(exec, data.x(), view, &mut certificates);
    for i in [0, 2] {
        assert!(certificates[i].gap.is_nan() && certificates[i].objective.is_nan());
    }
    assert!(certificates[1].gap.is_finite());
}

each_isa!(nothing_to_code_with);
fn nothing_to_code_with(isa: Isa) {
    let exec = Exec::serial(isa);
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

each_isa!(what_does_not_fit_is_named);
fn what_does_not_fit_is_named(isa: Isa) {
    let exec = Exec::serial(isa);
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
