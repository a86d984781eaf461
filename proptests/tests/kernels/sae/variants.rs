//! Properties of single variants.

use kernels::adam::Adam;
use kernels::sae::{self, Gated, JumpRelu, Parameters, Shape, TopK, Trainer, Variant, Workspace};
use kernels::{Exec, Isa, MatRef};
use proptest::prelude::*;
use proptests::{config, each_isa, stream};

use super::case::{Case, PATHS};

each_isa!(top_k_takes_the_largest_and_of_equals_the_first);
/// Top-k takes the largest entries, and of equal ones the first. The encoder is the identity, and small integers make
/// many ties.
fn top_k_takes_the_largest_and_of_equals_the_first(isa: Isa) {
    proptest!(config(200), |(
        n in 1..300usize,
        share in 0f64..1.0,
        spread in 1..9i32,
        nan in prop_oneof![Just(None), (0..300usize).prop_map(Some)],
        seed: u64,
    )| {
        let k = ((n as f64 * share * share) as usize).max(1);
        let shape = Shape { width: n, dictionary: n };
        let mut parameters = Parameters::zeros(shape, Variant::TopK(TopK { k, aux: None }));
        let [mut identity] = parameters.tensors_mut(["w_enc"]);
        for j in 0..n {
            identity.row_mut(j)[j] = 1.0;
        }
        let mut next = stream(seed);
        let mut x: Vec<f32> = (0..n).map(|_| (next() * spread as f32).round()).collect();
        if let Some(j) = nan.filter(|&j| j < n) {
            let [mut bias] = parameters.tensors_mut(["b_enc"]);
            bias.row_mut(0)[j] = f32::NAN;
            // This entry is larger than all others.
            x[j] = 1e9;
        }
        let mut order: Vec<usize> = (0..n).filter(|&j| x[j] > 0.0).collect();
        order.sort_by(|&i, &j| x[j].total_cmp(&x[i]).then(i.cmp(&j)));
        order.truncate(k);
        order.sort_unstable();
        let exec = Exec::serial(isa);
        let mut workspace = Workspace::new(shape, parameters.variant(), 1);
        let batch = MatRef::new(&x, 1, n).unwrap();
        let codes = sae::encode(exec, &parameters, batch, &mut workspace);
        let (columns, values) = codes.row(0);
        let columns: Vec<usize> = columns.iter().map(|&j| j as usize).collect();
        prop_assert_eq!(&columns, &order);
        for (&j, &value) in order.iter().zip(values) {
            prop_assert!(value == x[j] || (nan == Some(j) && value.is_nan()));
        }
    });
}

each_isa!(the_gradient_of_a_threshold_by_hand);
/// The gradient of a threshold matches the one computed by hand: with one weight, θ = 1 and bandwidth ε = 1/2, ∂θ =
/// −1/ε Σ (θ·2e/B + λ/B) over the samples within ε/2 of θ, one below it and one above.
fn the_gradient_of_a_threshold_by_hand(isa: Isa) {
    let shape = Shape {
        width: 1,
        dictionary: 1,
    };
    let variant = Variant::JumpRelu(JumpRelu {
        lambda: 0.3,
        bandwidth: 0.5,
        threshold: 1.0,
    });
    let mut parameters = Parameters::zeros(shape, variant);
    for name in ["w_enc", "w_dec", "threshold"] {
        let [mut tensor] = parameters.tensors_mut([name]);
        tensor.row_mut(0)[0] = 1.0;
    }
    let x = [0.875, 1.125, 2.0, 0.5];
    let case = Case {
        parameters,
        x: x.to_vec(),
        y: vec![],
    };
    let exec = Exec::serial(isa);
    for (_, from) in PATHS {
        let (losses, gradient) = case.gradient(exec, from);
        // The errors are e = −0.875, 0, 0, −0.5.
        assert_eq!(losses.reconstruction, (0.875 * 0.875 + 0.25) / 4.0);
        assert_eq!(losses.density, 0.5);
        assert!((losses.sparsity - 0.15).abs() < 1e-7);
        let want = -2.0 * (-2.0 * 0.875 / 4.0 + 0.3 / 4.0) - 2.0 * (0.3 / 4.0);
        let got = gradient.tensor("threshold").at(0, 0);
        assert!((got - want).abs() < 1e-6, "{got}, not {want}");
    }
}

each_isa!(magnitudes_are_not_penalised);
/// The penalty of a gated code falls on its gate: where only the magnitude grows, the penalty does not.
fn magnitudes_are_not_penalised(isa: Isa) {
    let shape = Shape {
        width: 3,
        dictionary: 5,
    };
    let mut case = Case::new(shape, Variant::Gated(Gated { lambda: 1.0 }), 6, 2);
    let exec = Exec::serial(isa);
    let (before, _) = case.gradient(exec, 0.0);
    let mut louder = case.clone();
    let [mut r_mag] = louder.parameters.tensors_mut(["r_mag"]);
    r_mag.row_mut(0).iter_mut().for_each(|r| *r += 1.0);
    let (after, _) = louder.gradient(exec, 0.0);
    assert!(before.sparsity > 0.0 && before.reconstruction != after.reconstruction);
    assert_eq!(
        (before.sparsity, before.auxiliary),
        (after.sparsity, after.auxiliary)
    );
    // With r = 0 and equal biases, the two paths are one.
    let [mut r_mag] = case.parameters.tensors_mut(["r_mag"]);
    r_mag.row_mut(0).fill(0.0);
    let b_gate = case.parameters.tensor("b_enc").row(0).to_vec();
    let [mut b_mag] = case.parameters.tensors_mut(["b_mag"]);
    b_mag.row_mut(0).copy_from_slice(&b_gate);
    let (alike, _) = case.gradient(exec, 0.0);
    assert!((alike.auxiliary - alike.reconstruction).abs() < 1e-5 * alike.auxiliary);
}

each_isa!(thresholds_are_clamped_at_zero);
/// A step that would take a threshold below 0 takes it to 0.
fn thresholds_are_clamped_at_zero(isa: Isa) {
    let shape = Shape {
        width: 1,
        dictionary: 1,
    };
    let variant = Variant::JumpRelu(JumpRelu {
        lambda: 0.0,
        bandwidth: 0.5,
        threshold: 1.0,
    });
    let exec = Exec::serial(isa);
    for (learning_rate, want) in [(0.25, 0.75), (2.0, 0.0)] {
        let parameters = Parameters::initial(shape, variant, || 1.0);
        let adam = Adam {
            learning_rate,
            ..Adam::default()
        };
        let mut trainer = Trainer::new(parameters, adam, 1);
        // A sample just below the threshold lowers it.
        trainer.step(exec, MatRef::new(&[0.875], 1, 1).unwrap());
        let got = trainer.parameters().tensor("threshold").at(0, 0);
        assert!((got - want).abs() < 1e-6, "{got}, not {want}");
    }
}
