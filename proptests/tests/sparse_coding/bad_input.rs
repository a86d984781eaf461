//! NaNs, nothing at all, and shapes that do not fit.

use kernels::sparse_coding::{Certificate, Lasso, Stop, nnls};
use kernels::{Exec, MatMut};
use proptests::{isas, panic_message};

use crate::data::{Data, METHODS, Method, SOLVED};

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
