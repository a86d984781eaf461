//! The parameters that training starts from.

use kernels::sae::{self, L1, Parameters, Rows, Shape, TwoLayer, Variant, Workspace};
use kernels::{Exec, Isa, MatRef};
use proptests::{each_isa, stream};

use super::case::dense;

/// Initial parameters have unit rows, the encoder is their transpose (or as good as), and there are no biases.
#[test]
fn training_starts_from_unit_rows() {
    let shape = Shape {
        width: 10,
        dictionary: 7,
    };
    for variant in Variant::examples(shape, 0.1) {
        let parameters = Parameters::initial(shape, variant, stream(5));
        let rows = parameters.dictionary();
        for j in 0..7 {
            let norm: f32 = rows.row(j).iter().map(|x| x * x).sum();
            assert!((norm - 1.0).abs() < 1e-6, "{norm}");
        }
        for (name, tensor) in parameters.tensors() {
            match name {
                "w_dec" => {}
                "w_enc" if !matches!(variant, Variant::TwoLayer(_)) => {
                    assert_eq!(tensor.data(), rows.data());
                }
                "w_enc" | "w_hidden" => {}
                "threshold" if matches!(variant, Variant::JumpRelu(_)) => {
                    assert!(tensor.data().iter().all(|&x| x == 0.2));
                }
                _ => assert!(tensor.data().iter().all(|&x| x == 0.0), "{name}"),
            }
        }
    }
}

each_isa!(a_two_layer_encoder_starts_as_the_linear_one);
/// A two-layer encoder whose hidden layer can carry every value with either sign starts as the linear one, and a
/// narrower one as that on the values which it can carry.
fn a_two_layer_encoder_starts_as_the_linear_one(isa: Isa) {
    const BATCH: usize = 5;
    let shape = Shape {
        width: 10,
        dictionary: 7,
    };
    let mut next = stream(6);
    let whole: Vec<f32> = (0..BATCH * shape.width).map(|_| next()).collect();
    let codes = |variant, x: &[f32]| {
        let x = MatRef::new(x, BATCH, shape.width).unwrap();
        let parameters = Parameters::initial(shape, variant, stream(5));
        let mut workspace = Workspace::new(shape, variant, BATCH);
        dense(sae::encode(
            Exec::serial(isa),
            &parameters,
            x,
            &mut workspace,
        ))
    };
    let lambda = 0.1;
    let rows = Rows::Unit;
    // 20 units carry all 10 values; of 23 units, three are not read; 6 units carry three values.
    for (hidden, carried) in [(20, 10), (23, 10), (6, 3)] {
        let mut x = whole.clone();
        for row in x.chunks_mut(shape.width) {
            row[carried..].fill(0.0);
        }
        let linear = codes(Variant::L1(L1 { lambda, rows }), &x);
        assert!(linear.iter().any(|&c| c > 0.0));
        let variant = Variant::TwoLayer(TwoLayer { hidden, lambda });
        let two_layer = codes(variant, &whole);
        for (i, (a, b)) in linear.chunks(7).zip(two_layer.chunks(7)).enumerate() {
            // The tolerance is for sums of 10 and of 23 products with a unit row.
            let row = &whole[i * shape.width..][..shape.width];
            let norm: f32 = row.iter().map(|v| v * v).sum::<f32>().sqrt();
            let tolerance = 33.0 * 0.5 * f32::EPSILON * norm;
            for (a, b) in a.iter().zip(b) {
                assert!((a - b).abs() <= tolerance, "{a} and {b}");
            }
        }
        // Units that nothing reads yet have weights that are not 0, or they could not learn.
        let parameters = Parameters::initial(shape, variant, stream(5));
        let (w_hidden, w_enc) = (parameters.tensor("w_hidden"), parameters.tensor("w_enc"));
        for unit in 20..hidden {
            assert!(w_hidden.row(unit).iter().all(|&w| w != 0.0));
            assert!((0..7).all(|j| w_enc.row(j)[unit] == 0.0));
        }
    }
}
