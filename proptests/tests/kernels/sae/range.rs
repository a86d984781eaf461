//! Samples of any size that f32 holds, and NaN among them: losses, and resampling by the errors.

use kernels::adam::Adam;
use kernels::sae::{L1, Parameters, Rows, Shape, Trainer, Variant};
use kernels::{Exec, Isa, MatRef};
use proptests::each_isa;

use super::case::Case;

const SHAPE: Shape = Shape {
    width: 2,
    dictionary: 3,
};

/// Returns a trainer that reconstructs every sample by zeros, and all of whose elements count as dead.
fn silent() -> Trainer {
    let model = L1 {
        lambda: 0.0,
        rows: Rows::Penalised,
    };
    Trainer::new(
        Parameters::zeros(SHAPE, Variant::L1(model)),
        Adam::default(),
        4,
    )
}

/// Returns the number of elements that are resampled on some samples for one draw, and the rows of the dictionary after
/// that.
fn resampled(exec: Exec, x: &[f32], draw: f64) -> (usize, Vec<[f32; 2]>) {
    let mut trainer = silent();
    let x = MatRef::new(x, x.len() / 2, 2).unwrap();
    let count = trainer.resample(exec, x, 0, || draw);
    let rows = trainer.parameters().dictionary().data();
    (count, rows.as_chunks().0.to_vec())
}

each_isa!(the_loss_is_the_error_whatever_its_size);
fn the_loss_is_the_error_whatever_its_size(isa: Isa) {
    let exec = Exec::serial(isa);
    for size in [1e-44f32, 1e-30, 2e-23, 1.0, 1.85e19, 1e30, 3e38] {
        let x = [size, 0.0, 0.0, size / 2.0];
        let loss = silent().step(exec, MatRef::new(&x, 2, 2).unwrap());
        let squares = x.iter().map(|&v| f64::from(v).powi(2));
        let want = squares.sum::<f64>() / 2.0;
        let near = (loss.reconstruction / want - 1.0).abs() < 1e-6;
        assert!(near, "{size:e}: {} for {want}", loss.reconstruction);
    }
}

each_isa!(samples_are_drawn_by_their_errors_whatever_their_size);
/// A sample is drawn by the square of its squared error, here in the ratio of 16 to 1, at any scale.
fn samples_are_drawn_by_their_errors_whatever_their_size(isa: Isa) {
    let exec = Exec::serial(isa);
    for size in [1e-36f32, 1e-24, 1.0, 1e20, 1e38] {
        let x = [2.0 * size, 0.0, 0.0, size];
        for (draw, want) in [(0.0, [1.0, 0.0]), (0.94, [1.0, 0.0]), (0.95, [0.0, 1.0])] {
            assert_eq!(resampled(exec, &x, draw), (3, vec![want; 3]), "{size:e}");
        }
    }
    let x = [1e20, 0.0, 0.0, 1e19];
    assert_eq!(resampled(exec, &x, 0.5), (3, vec![[1.0, 0.0]; 3]));
}

each_isa!(a_sample_that_is_not_finite_is_never_drawn);
/// A sample that is not finite is never drawn, and does not keep the others from being drawn.
fn a_sample_that_is_not_finite_is_never_drawn(isa: Isa) {
    let exec = Exec::serial(isa);
    for bad in [f32::NAN, f32::INFINITY] {
        for (at, good) in [(0, 1), (1, 0)] {
            let mut x = [0.0; 4];
            x[2 * at] = bad;
            x[2 * good + 1] = 5.0;
            for draw in [0.0, 0.5, 1.0 - f64::EPSILON / 2.0] {
                let want = (3, vec![[0.0, 1.0]; 3]);
                assert_eq!(resampled(exec, &x, draw), want, "{bad} at {at}");
            }
        }
        let mut trainer = silent();
        let x = [bad, 0.0];
        let x = MatRef::new(&x, 1, 2).unwrap();
        assert_eq!(trainer.resample(exec, x, 0, || 0.5), 0);
        assert_eq!(trainer.parameters(), silent().parameters());
    }
}

each_isa!(nan_stays_in_its_sample);
/// A NaN in a sample reaches the code and the error of that sample alone.
fn nan_stays_in_its_sample(isa: Isa) {
    let shape = Shape {
        width: 5,
        dictionary: 20,
    };
    for variant in Variant::examples(shape, 0.1) {
        let clean = Case::new(shape, variant, 3, 4);
        let mut spoilt = clean.clone();
        spoilt.x[7] = f32::NAN;
        let exec = Exec::serial(isa);
        let codes = |case: &Case| {
            let mut workspace = case.workspace(0.2);
            let codes = kernels::sae::encode(exec, &case.parameters, case.batch(), &mut workspace);
            (0..3)
                .map(|b| (codes.row(b).0.to_vec(), codes.row(b).1.to_vec()))
                .collect::<Vec<_>>()
        };
        let (got, want) = (codes(&spoilt), codes(&clean));
        assert!(got[0] == want[0] && got[2] == want[2], "{variant:?}");
        let (_, values) = &got[1];
        assert!(
            !values.is_empty() && values.iter().all(|v| v.is_nan()),
            "{variant:?}: {values:?}"
        );
    }
}
