//! Encoders of more than one layer: two-layer and LISTA.

use super::passes::*;
use super::{Matrix, Model, Pass};
use crate::bounded::{Bounded, ONE};

impl Model {
    pub(super) fn two_layer(&self, lambda: f32, x: &Matrix, y: &Matrix) -> Pass {
        let [w_hidden, w_enc, w_dec] = ["w_hidden", "w_enc", "w_dec"].map(|name| self.matrix(name));
        let [b_hidden, b_enc, b_dec] = ["b_hidden", "b_enc", "b_dec"].map(|name| self.vector(name));
        let centred = self.input(x, &b_dec);
        let mut pass = Pass::default();
        let hidden = pass.activate(&layer(&centred, &w_hidden, &b_hidden), relu);
        let units = pass.active.clone();
        pass.codes = pass.activate(&layer(&hidden, &w_enc, &b_enc), relu);
        let norms = vec![ONE; w_dec.len()];
        let decoder = Decoder {
            w_dec: &w_dec,
            b_dec: &b_dec,
            lambda,
            norms: &norms,
        };
        let Back { r, deltas } = pass.decode(&decoder, y);
        let d_hidden = back_through(&deltas, &w_enc, &units);
        let d_b_hidden = column_sums(&d_hidden, w_hidden.len());
        pass.gradient = self.gradient(
            (&r, x),
            [
                ("b_dec", vec![self.decoder_bias(&r, &w_hidden, &d_b_hidden)]),
                ("w_hidden", outer(&d_hidden, &centred)),
                ("b_hidden", vec![d_b_hidden]),
                ("w_enc", outer(&deltas, &hidden)),
                ("b_enc", vec![column_sums(&deltas, w_enc.len())]),
                ("w_dec", outer(&pass.codes, &r)),
            ],
        );
        pass
    }

    pub(super) fn lista(&self, steps: usize, lambda: f32, x: &Matrix, y: &Matrix) -> Pass {
        let [w_enc, lateral, w_dec] = ["w_enc", "w_lateral", "w_dec"].map(|name| self.matrix(name));
        let [b_enc, b_dec] = ["b_enc", "b_dec"].map(|name| self.vector(name));
        let centred = self.input(x, &b_dec);
        let n = w_enc.len();
        let mut pass = Pass::default();
        let mut z: Vec<Matrix> = vec![];
        let mut units: Vec<Vec<Vec<bool>>> = vec![];
        for t in 0..steps {
            let pre = (0..x.len()).map(|b| {
                let at = |j: usize| {
                    let mut terms = vec![(b_enc[j], ONE)];
                    terms.extend(w_enc[j].iter().copied().zip(centred[b].iter().copied()));
                    if let Some(before) = t.checked_sub(1) {
                        terms.extend((0..n).map(|i| (z[before][b][i], lateral[i][j])));
                    }
                    Bounded::sum_of_products(terms)
                };
                (0..n).map(at).collect()
            });
            let before = pass.active.len();
            let active = pass.activate(&pre.collect(), relu);
            z.push(active);
            units.push(pass.active[before..].to_vec());
        }
        pass.codes = z[steps - 1].clone();
        let norms = vec![ONE; n];
        let decoder = Decoder {
            w_dec: &w_dec,
            b_dec: &b_dec,
            lambda,
            norms: &norms,
        };
        let Back { r, deltas } = pass.decode(&decoder, y);
        let mut d_c = deltas.clone();
        let mut d_lateral = vec![vec![Bounded::default(); n]; n];
        let mut later = deltas;
        for t in (0..steps - 1).rev() {
            let step = outer(&z[t], &later);
            d_lateral = d_lateral
                .iter()
                .zip(&step)
                .map(|(a, b)| add(a, b))
                .collect();
            let transposed: Matrix = (0..n)
                .map(|j| (0..n).map(|i| lateral[i][j]).collect())
                .collect();
            later = back_through(&later, &transposed, &units[t]);
            d_c = d_c.iter().zip(&later).map(|(a, b)| add(a, b)).collect();
        }
        let d_b_enc = column_sums(&d_c, n);
        pass.gradient = self.gradient(
            (&r, x),
            [
                ("b_dec", vec![self.decoder_bias(&r, &w_enc, &d_b_enc)]),
                ("w_enc", outer(&d_c, &centred)),
                ("b_enc", vec![d_b_enc]),
                ("w_lateral", d_lateral),
                ("w_dec", outer(&pass.codes, &r)),
            ],
        );
        pass
    }
}
