//! ReLU is exact to the bit.

use kernels::{Exec, Isa, relu};
use proptest::prelude::*;
use proptests::compare::Tolerance;
use proptests::{config, each_isa, reference};

use super::apply;

each_isa!(relu_is_exact);
fn relu_is_exact(isa: Isa) {
    proptest!(config(256), |(x in prop::collection::vec(any::<f32>(), 0..70), dy in any::<f32>())| {
        let dy = vec![dy; x.len()];
        let y = apply(relu::forward, isa, &x);
        let mut dx = vec![f32::NAN; x.len()];
        relu::backward(Exec::serial(isa), &x, &dy, &mut dx);
        for i in 0..x.len() {
            prop_assert!(Tolerance::ulps(0.0).accepts(y[i], reference::relu(x[i].into())));
            let want = if x[i] > 0.0 { dy[i] } else { 0.0 };
            prop_assert_eq!(dx[i].to_bits(), want.to_bits(), "at {}", x[i]);
        }
    });
}
