//! Matryoshka autoencoders, whose first elements reconstruct by themselves.

use kernels::sae::{self, BatchTopK, Matryoshka, Parameters, Prefixes, Shape, Variant, Workspace};
use kernels::{Exec, Isa, MatRef};
use proptests::each_isa;

use super::case::{Case, PATHS, dense};

const CODES: BatchTopK = BatchTopK { k: 2, aux: None };

fn matryoshka(sizes: &[usize]) -> Variant {
    Variant::Matryoshka(Matryoshka {
        codes: CODES,
        prefixes: Prefixes::new(sizes).unwrap(),
    })
}

each_isa!(the_loss_of_prefixes_by_hand);
/// The losses and gradients of prefixes match those computed by hand. Encoder and decoder are the identity on three
/// values, so that a prefix leaves over the values of the other elements, and every prefix the first value, whose
/// element is not active.
fn the_loss_of_prefixes_by_hand(isa: Isa) {
    let shape = Shape {
        width: 3,
        dictionary: 3,
    };
    let mut parameters = Parameters::zeros(shape, matryoshka(&[1, 2, 3]));
    for name in ["w_enc", "w_dec"] {
        let [mut identity] = parameters.tensors_mut([name]);
        for j in 0..3 {
            identity.row_mut(j)[j] = 1.0;
        }
    }
    // Two of three entries are kept: 2 and 3. The whole dictionary leaves over the value 1, the prefix of two elements
    // also 3, that of one element also 2 and 3.
    let x = [1.0, 2.0, 3.0];
    let mut workspace = Workspace::new(shape, parameters.variant(), 1);
    let mut gradient = parameters.clone();
    let losses = sae::gradient(
        Exec::serial(isa),
        &parameters,
        MatRef::from_rows(&x, 3),
        &mut workspace,
        &mut gradient,
    );
    assert_eq!(dense(workspace.codes()), [0.0, 2.0, 3.0]);
    // e = (−1, 0, 0), (−1, 0, −3) and (−1, −2, −3).
    assert_eq!(
        (losses.reconstruction, losses.auxiliary),
        (1.0, 10.0 + 14.0)
    );
    // Element 1 is in the last two prefixes, element 2 in the last; the gradient is 2 f e, summed over them.
    let want = [0.0, 0.0, 0.0, -8.0, 0.0, -12.0, -6.0, 0.0, 0.0];
    assert_eq!(gradient.tensor("w_dec").data(), want);
    // The gradient is 2 Σ e from the reconstructions, and 0 from the codes, whose own errors are 0 in every prefix that
    // they are in.
    assert_eq!(gradient.b_dec(), [-6.0, -4.0, -12.0]);
    assert_eq!(gradient.tensor("b_enc").data(), [0.0; 3]);
}

each_isa!(the_whole_dictionary_alone_is_a_batch_top_k);
/// With the whole dictionary as the only prefix, results are those of batch top-k to the bit.
fn the_whole_dictionary_alone_is_a_batch_top_k(isa: Isa) {
    let shape = Shape {
        width: 7,
        dictionary: 20,
    };
    let nested = Case::new(shape, matryoshka(&[20]), 6, 9);
    let mut plain = nested.clone();
    plain.parameters.set_variant(Variant::BatchTopK(CODES));
    for (_, from) in PATHS {
        let exec = Exec::serial(isa);
        let (losses, gradient) = nested.gradient(exec, from);
        let (want_losses, want) = plain.gradient(exec, from);
        assert_eq!(losses, want_losses);
        assert_eq!(gradient.values(), want.values());
    }
}
