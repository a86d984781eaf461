//! Gated autoencoders: the gates and the magnitudes each by a pass of their own.

use super::passes::*;
use super::{Matrix, Model, Pass};
use crate::bounded::{Bounded, ONE, U};
use crate::reference::exp;

/// The relative error of a kernel's exp, 2 ulp.
const ULPS: f64 = 4.0 * U;

impl Model {
    pub(super) fn gated(&self, lambda: f32, x: &Matrix, y: &Matrix, frozen_y: &Matrix) -> Pass {
        let [w_gate, w_dec] = ["w_enc", "w_dec"].map(|name| self.matrix(name));
        let [b_gate, r, b_mag, b_dec] =
            ["b_enc", "r_mag", "b_mag", "b_dec"].map(|name| self.vector(name));
        let centred = self.input(x, &b_dec);
        let gates = layer(&centred, &w_gate, &b_gate);

        // The pass of the gates alone, through a decoder that has no gradient.
        let frozen = self.frozen.as_deref().unwrap_or(self);
        let mut via_gates = Pass::default();
        via_gates.codes = via_gates.activate(&gates, relu);
        let decoder = Decoder {
            w_dec: &frozen.matrix("w_dec"),
            b_dec: &frozen.vector("b_dec"),
            lambda,
            norms: &vec![ONE; w_dec.len()],
        };
        let d_gates = via_gates.decode(&decoder, frozen_y).deltas;

        let scales: Vec<Bounded> = r
            .iter()
            .map(|r| {
                let value = exp(r.value);
                let error = ULPS * value;
                Bounded { value, error }
            })
            .collect();
        // The kernel computes p = W_gate(x − b_dec) as the gate's pre-activation minus its bias.
        let inner: Matrix = gates
            .iter()
            .map(|gates| {
                let pairs = gates.iter().zip(&b_gate);
                pairs
                    .map(|(&g, &b)| Bounded::sum([g, negative(b)]))
                    .collect()
            })
            .collect();
        let magnitudes: Matrix = (0..x.len())
            .map(|b| {
                let of = |j: usize| {
                    let terms = [(scales[j], inner[b][j]), (b_mag[j], ONE)];
                    let magnitude = Bounded::sum_of_products(terms);
                    let open = gates[b][j].value > 0.0;
                    if open {
                        magnitude
                    } else {
                        Bounded::exact(-1.0)
                    }
                };
                (0..w_dec.len()).map(of).collect()
            })
            .collect();
        let mut pass = Pass::default();
        pass.codes = pass.activate(&magnitudes, relu);
        let Back { r, deltas } = pass.decode(&Decoder::unpenalised(&w_dec, &b_dec), y);
        pass.sparsity = via_gates.sparsity;
        pass.auxiliary = via_gates.reconstruction;
        pass.ambiguous |= via_gates.ambiguous;
        pass.active.extend(via_gates.active);

        let scaled: Matrix = deltas
            .iter()
            .map(|row| {
                row.iter()
                    .zip(&scales)
                    .map(|(&d, &s)| product(d, s))
                    .collect()
            })
            .collect();
        let d_inner: Matrix = scaled
            .iter()
            .zip(&d_gates)
            .map(|(a, b)| add(a, b))
            .collect();
        let n = w_dec.len();
        let d_r = (0..n).map(|j| {
            let samples = scaled.iter().zip(&inner);
            Bounded::sum_of_products(samples.map(|(d, p)| (d[j], p[j])))
        });
        pass.gradient = self.gradient(
            (&r, x),
            [
                ("w_enc", outer(&d_inner, &centred)),
                ("b_enc", vec![column_sums(&d_gates, n)]),
                ("r_mag", vec![d_r.collect()]),
                ("b_mag", vec![column_sums(&deltas, n)]),
                ("w_dec", outer(&pass.codes, &r)),
                (
                    "b_dec",
                    vec![self.decoder_bias(&r, &w_gate, &column_sums(&d_inner, n))],
                ),
            ],
        );
        pass
    }
}
