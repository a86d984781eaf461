//! JumpReLU codes, which have thresholds, and the straight-through estimators of arXiv 2407.14435, equations 11 and 12.

use kernels::sae::JumpRelu;

use super::passes::*;
use super::{Matrix, Model, Pass};
use crate::bounded::{Bounded, ONE, U};

impl Model {
    pub(super) fn jump_relu(&self, model: JumpRelu, x: &Matrix, y: &Matrix) -> Pass {
        let [w_enc, w_dec] = ["w_enc", "w_dec"].map(|name| self.matrix(name));
        let [b_enc, theta, b_dec] = ["b_enc", "threshold", "b_dec"].map(|name| self.vector(name));
        let centred = self.input(x, &b_dec);
        let pre = layer(&centred, &w_enc, &b_enc);
        let (n, count) = (w_dec.len(), x.len() as f64);
        let mut pass = Pass::default();
        pass.codes = pass.activate(&pre, |pre| above(&theta, pre));
        let Back { r, deltas } = pass.decode(&Decoder::unpenalised(&w_dec, &b_dec), y);
        let active = pass.active.iter().flatten().filter(|on| **on).count();
        let sparsity = f64::from(model.lambda) * active as f64 / count;
        pass.sparsity = Bounded {
            value: sparsity,
            error: 1e-12 * sparsity,
        };

        let bandwidth = Bounded::exact(model.bandwidth);
        let penalty = Bounded::rounded(f64::from(model.lambda) / count);
        let d_theta = (0..n).map(|j| {
            let mut terms = vec![];
            for (pre, r) in pre.iter().zip(&r) {
                let off = (pre[j].value - theta[j].value).abs();
                let half = bandwidth.value / 2.0;
                let rounding =
                    pre[j].error + 4.0 * U * (pre[j].value.abs() + theta[j].value + half);
                pass.ambiguous |= (off - half).abs() <= rounding;
                if off < half {
                    // Here K((π − θ)/ε) = 1.
                    let through = dot(r, &w_dec[j], []);
                    let both = Bounded::sum_of_products([(theta[j], through), (penalty, ONE)]);
                    terms.push(negative(both.over(bandwidth)));
                }
            }
            Bounded::sum(terms)
        });
        let d_theta = d_theta.collect();
        let d_b_enc = column_sums(&deltas, n);
        pass.gradient = self.gradient(
            (&r, x),
            [
                ("b_dec", vec![self.decoder_bias(&r, &w_enc, &d_b_enc)]),
                ("w_enc", outer(&deltas, &centred)),
                ("b_enc", vec![d_b_enc]),
                ("threshold", vec![d_theta]),
                ("w_dec", outer(&pass.codes, &r)),
            ],
        );
        pass
    }
}
