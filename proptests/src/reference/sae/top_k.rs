//! TopK, BatchTopK and Matryoshka: the k largest entries of a code, or of a batch in the mean; the auxiliary loss of
//! dead elements; and the losses of the first elements alone.

use kernels::sae::{AuxK, BatchTopK, Matryoshka};

use super::passes::*;
use super::{Matrix, Model, Pass};
use crate::bounded::Bounded;

impl Model {
    pub(super) fn top_k(&self, k: usize, aux: Option<AuxK>, x: &Matrix, y: &Matrix) -> Pass {
        self.of_largest(aux, &[], x, y, |pass, pre| {
            pass.activate(pre, |pre| largest(k, pre))
        })
    }

    pub(super) fn batch_top_k(
        &self,
        BatchTopK { k, aux }: BatchTopK,
        x: &Matrix,
        y: &Matrix,
    ) -> Pass {
        self.of_largest(aux, &[], x, y, |pass, pre| pass.activate_together(k, pre))
    }

    pub(super) fn matryoshka(&self, model: Matryoshka, x: &Matrix, y: &Matrix) -> Pass {
        let BatchTopK { k, aux } = model.codes;
        let (_, shorter) = model.prefixes.sizes().split_last().expect("a prefix");
        self.of_largest(aux, shorter, x, y, |pass, pre| {
            pass.activate_together(k, pre)
        })
    }

    /// Returns a pass with the codes that thresholds choose, and their reconstructions, without a gradient.
    pub(super) fn above_thresholds(&self, x: &Matrix, y: &Matrix) -> Pass {
        let [w_enc, w_dec] = ["w_enc", "w_dec"].map(|name| self.matrix(name));
        let [b_enc, theta, b_dec] = ["b_enc", "threshold", "b_dec"].map(|name| self.vector(name));
        let mut pass = Pass::default();
        let pre = layer(&self.input(x, &b_dec), &w_enc, &b_enc);
        pass.codes = pass.activate(&pre, |pre| above(&theta, pre));
        pass.decode(&Decoder::unpenalised(&w_dec, &b_dec), y);
        pass
    }

    fn of_largest(
        &self,
        aux: Option<AuxK>,
        shorter: &[usize],
        x: &Matrix,
        y: &Matrix,
        codes: impl Fn(&mut Pass, &Matrix) -> Matrix,
    ) -> Pass {
        let [w_enc, w_dec] = ["w_enc", "w_dec"].map(|name| self.matrix(name));
        let [b_enc, b_dec] = ["b_enc", "b_dec"].map(|name| self.vector(name));
        let centred = self.input(x, &b_dec);
        let mut pass = Pass::default();
        let pre = layer(&centred, &w_enc, &b_enc);
        pass.codes = codes(&mut pass, &pre);
        let decoder = Decoder::unpenalised(&w_dec, &b_dec);
        let Back { mut r, mut deltas } = pass.decode(&decoder, y);
        let mut d_w_dec = outer(&pass.codes, &r);
        // Each shorter prefix is a model whose other elements are never active.
        let parts: Vec<(Bounded, Matrix)> = shorter
            .iter()
            .map(|&m| {
                let mut part = Pass {
                    codes: pass.codes.clone(),
                    active: pass.active.clone(),
                    ..Pass::default()
                };
                for row in &mut part.codes {
                    row[m..].fill(Bounded::default());
                }
                for row in &mut part.active {
                    row[m..].fill(false);
                }
                let back = part.decode(&decoder, y);
                (part.reconstruction, back.r)
            })
            .collect();
        pass.auxiliary = Bounded::sum(parts.iter().map(|(loss, _)| *loss));
        let mut first = 0;
        for (i, &m) in shorter.iter().enumerate() {
            // The kernel sums errors before it multiplies them.
            let sum = |b: usize, c: usize| Bounded::sum(parts[i..].iter().map(|(_, r)| r[b][c]));
            let sums: Matrix = (0..x.len())
                .map(|b| (0..self.shape.width).map(|c| sum(b, c)).collect())
                .collect();
            let more = outer(&pass.codes, &sums);
            for j in first..m {
                d_w_dec[j] = add(&d_w_dec[j], &more[j]);
                for (b, delta) in deltas.iter_mut().enumerate() {
                    if pass.active[b][j] {
                        delta[j] = Bounded::sum([delta[j], dot(&sums[b], &w_dec[j], [])]);
                    }
                }
            }
            if i == 0 {
                r = r.iter().zip(&sums).map(|(r, sum)| add(r, sum)).collect();
            }
            first = m;
        }
        let mut d_w_enc = outer(&deltas, &centred);
        let mut d_b_enc = column_sums(&deltas, w_enc.len());
        if let Some(aux) = aux.filter(|_| !self.dead.is_empty()) {
            // y − ŷ, which the kernel computes from its gradient.
            pass.left_over = (0..x.len())
                .map(|b| {
                    let e = self.shape.width;
                    let e = (0..e).map(|c| error(&decoder, &pass.codes[b], &y[b], c));
                    e.map(|e| negative(e).round(3)).collect()
                })
                .collect();
            let left_over = self.left_over.as_ref().unwrap_or(&pass.left_over).clone();
            let of_dead =
                |m: &Matrix| -> Matrix { self.dead.iter().map(|&j| m[j].clone()).collect() };
            let mut inner = Pass::default();
            let pre: Matrix = pre
                .iter()
                .map(|pre| self.dead.iter().map(|&j| pre[j]).collect())
                .collect();
            let k = aux.k.min(self.dead.len());
            inner.codes = inner.activate(&pre, |pre| largest(k, pre));
            let w_dead = of_dead(&w_dec);
            let no_bias = vec![Bounded::default(); self.shape.width];
            let back = inner.decode(&Decoder::unpenalised(&w_dead, &no_bias), &left_over);
            let weight = Bounded::exact(aux.coefficient);
            let scale = |m: Matrix| -> Matrix {
                m.into_iter()
                    .map(|row| {
                        row.into_iter()
                            .map(|x| product(x, weight).round(1))
                            .collect()
                    })
                    .collect()
            };
            let (r, deltas) = (scale(back.r), scale(back.deltas));
            let (more_enc, more_dec) = (outer(&deltas, &centred), outer(&inner.codes, &r));
            for (i, &j) in self.dead.iter().enumerate() {
                d_w_enc[j] = add(&d_w_enc[j], &more_enc[i]);
                d_w_dec[j] = add(&d_w_dec[j], &more_dec[i]);
                let sum = Bounded::sum(deltas.iter().map(|delta| delta[i]));
                d_b_enc[j] = Bounded::sum([d_b_enc[j], sum]);
            }
            pass.auxiliary = Bounded::sum([pass.auxiliary, product(weight, inner.reconstruction)]);
            pass.active.extend(inner.active);
            pass.ambiguous |= inner.ambiguous;
        }
        let mut named = vec![
            ("b_dec", vec![self.decoder_bias(&r, &w_enc, &d_b_enc)]),
            ("w_enc", d_w_enc),
            ("b_enc", vec![d_b_enc]),
            ("w_dec", d_w_dec),
        ];
        if self.tensors.iter().any(|tensor| tensor.0 == "threshold") {
            named.push(("threshold", vec![vec![Bounded::default(); w_dec.len()]]));
        }
        pass.gradient = self.gradient((&r, x), named);
        pass
    }
}
