//! Operands that do not fit, and NaN.

use kernels::adam::Adam;
use kernels::sae::{
    self, BatchTopK, Gated, JumpRelu, Matryoshka, Parameters, Prefixes, Shape, TopK, Trainer,
    Variant, Workspace,
};
use kernels::{Exec, Isa, MatMut, MatRef, SparseRef};
use proptests::{each_isa, panic_message};

use super::case::{Case, PATHS};

each_isa!(nan_reaches_the_loss);
/// A NaN in the weights of an element, or in a sample, reaches the loss.
fn nan_reaches_the_loss(isa: Isa) {
    let shape = Shape {
        width: 5,
        dictionary: 40,
    };
    for variant in Variant::examples(shape, 0.1) {
        let case = Case::new(shape, variant, 6, 3);
        let exec = Exec::serial(isa);
        for (_, from) in PATHS {
            for (name, at) in [("w_enc", 33), ("b_enc", 17), ("w_dec", 4)] {
                let mut case = case.clone();
                let tied = matches!(variant, Variant::TiedL1(_));
                if tied && name == "w_enc" {
                    continue;
                }
                let [mut tensor] = case.parameters.tensors_mut([name]);
                let (row, col) = if name == "b_enc" { (0, at) } else { (at, 2) };
                tensor.row_mut(row)[col] = f32::NAN;
                // An element that is not active may have any row.
                let chosen = matches!(
                    variant,
                    Variant::TopK(_)
                        | Variant::BatchTopK(_)
                        | Variant::Matryoshka(_)
                        | Variant::JumpRelu(_)
                );
                let unused = name == "w_dec" && chosen;
                let loss = case.gradient(exec, from).0.total();
                assert!(loss.is_nan() || unused, "{variant:?}: {name}: {loss}");
            }
            let mut case = case.clone();
            case.x[7] = f32::NAN;
            assert!(case.gradient(exec, from).0.total().is_nan());
        }
    }
}

fn top_k(k: usize) -> Variant {
    Variant::TopK(TopK { k, aux: None })
}

each_isa!(what_does_not_fit_is_named);
fn what_does_not_fit_is_named(isa: Isa) {
    let shape = Shape {
        width: 4,
        dictionary: 6,
    };
    let variant = top_k(2);
    let case = Case::new(shape, variant, 5, 1);
    let exec = Exec::serial(isa);
    let says = |part: &str, f: &dyn Fn()| {
        let message = panic_message(f);
        assert!(message.contains(part), "{message}");
    };
    let encode = |shape: Shape, variant: Variant, capacity: usize, x: MatRef| {
        let mut workspace = Workspace::new(shape, variant, capacity);
        sae::encode(exec, &case.parameters, x, &mut workspace);
    };
    says("a batch of 5×4 in a workspace for 4×4", &|| {
        encode(shape, variant, 4, case.batch());
    });
    says("a batch of 4×5 in a workspace for 5×4", &|| {
        let x = MatRef::new(&case.x, 4, 5).unwrap();
        encode(shape, variant, 5, x);
    });
    says("not contiguous", &|| {
        let x = MatRef::first(&case.x, 4, 4);
        encode(shape, variant, 5, x.t());
    });
    says("another model", &|| {
        encode(shape, top_k(3), 5, case.batch());
    });
    says("the 7 largest of 6", &|| {
        Parameters::zeros(shape, top_k(7));
    });
    for (bandwidth, threshold, what) in [
        (0.0, 0.1, "a bandwidth of 0"),
        (f32::NAN, 0.1, "a bandwidth of NaN"),
        (0.1, -0.5, "thresholds that start at -0.5"),
    ] {
        let model = JumpRelu {
            lambda: 1.0,
            bandwidth,
            threshold,
        };
        says(what, &|| {
            Parameters::zeros(shape, Variant::JumpRelu(model));
        });
    }
    says("prefixes of [2, 5] elements of a dictionary of 6", &|| {
        let codes = BatchTopK { k: 2, aux: None };
        let prefixes = Prefixes::new(&[2, 5]).unwrap();
        Parameters::zeros(shape, Variant::Matryoshka(Matryoshka { codes, prefixes }));
    });
    for sizes in [&[][..], &[0, 6], &[3, 3, 6], &[4, 2], &[1; 17]] {
        let error = Prefixes::new(sizes).unwrap_err().to_string();
        assert!(error.contains("1 to 16"), "{error}");
    }
    says("the gradient of another model", &|| {
        let mut workspace = case.workspace(0.1);
        let mut gradient = Parameters::zeros(shape, top_k(1));
        sae::gradient(
            exec,
            &case.parameters,
            case.batch(),
            &mut workspace,
            &mut gradient,
        );
    });
    says("codes of 1×3 into 1×4", &|| {
        let codes = SparseRef::new(&[0, 0], &[], &[], 3).unwrap();
        let mut x_hat = [0.0; 4];
        let out = MatMut::new(&mut x_hat, 1, 4).unwrap();
        sae::decode(exec, &case.parameters, codes, out);
    });
    says("no tensor \"threshold\"", &|| {
        case.parameters.tensor("threshold");
    });
    says("the tensor \"w_enc\" twice", &|| {
        let mut parameters = case.parameters.clone();
        parameters.tensors_mut(["w_enc", "b_enc", "w_enc"]);
    });
    says("has other tensors", &|| {
        let lambda = 0.1;
        let mut parameters = case.parameters.clone();
        parameters.set_variant(Variant::Gated(Gated { lambda }));
    });
    says("the 7 largest of 6", &|| {
        let mut parameters = case.parameters.clone();
        parameters.set_variant(top_k(7));
    });
    says("moments", &|| {
        let moments = [vec![], vec![]];
        Trainer::restore(
            case.parameters.clone(),
            Adam::default(),
            5,
            moments,
            0,
            vec![0; 6],
        );
    });
}
