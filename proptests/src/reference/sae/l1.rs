//! ReLU codes under an L1 penalty, untied and tied.

use kernels::sae::Rows;

use super::passes::*;
use super::{Matrix, Model, Pass};
use crate::bounded::{Bounded, ONE};

impl Model {
    pub(super) fn l1(&self, lambda: f32, rows: Rows, x: &Matrix, y: &Matrix) -> Pass {
        let [w_enc, w_dec] = ["w_enc", "w_dec"].map(|name| self.matrix(name));
        let [b_enc, b_dec] = ["b_enc", "b_dec"].map(|name| self.vector(name));
        let norms = match rows {
            Rows::Penalised => w_dec.iter().map(|row| norm(row)).collect(),
            Rows::Unit => vec![ONE; w_dec.len()],
        };
        let centred = self.input(x, &b_dec);
        let mut pass = Pass::default();
        let pre = layer(&centred, &w_enc, &b_enc);
        pass.codes = pass.activate(&pre, relu);
        let decoder = Decoder {
            w_dec: &w_dec,
            b_dec: &b_dec,
            lambda,
            norms: &norms,
        };
        let Back { r, deltas } = pass.decode(&decoder, y);
        let mut d_w_dec = outer(&pass.codes, &r);
        if rows == Rows::Penalised {
            // λ/B·(Σ fⱼ) W_dec,j/‖W_dec,j‖
            let coefficient = Bounded::rounded(f64::from(lambda) / x.len() as f64);
            for (j, d_row) in d_w_dec.iter_mut().enumerate() {
                let sum = Bounded::sum(pass.codes.iter().map(|code| code[j]));
                let factor = product(coefficient, sum).over(norms[j]);
                for (d, &w) in d_row.iter_mut().zip(&w_dec[j]) {
                    *d = Bounded::sum_of_products([(*d, ONE), (factor, w)]);
                }
            }
        }
        let d_b_enc = column_sums(&deltas, w_enc.len());
        pass.gradient = self.gradient(
            (&r, x),
            [
                ("b_dec", vec![self.decoder_bias(&r, &w_enc, &d_b_enc)]),
                ("w_enc", outer(&deltas, &centred)),
                ("b_enc", vec![d_b_enc]),
                ("w_dec", d_w_dec),
            ],
        );
        pass
    }

    /// The tied variant: encoder and decoder are the rows of the dictionary, scaled to norm 1.
    pub(super) fn tied(&self, lambda: f32, x: &Matrix, y: &Matrix) -> Pass {
        let (rows, b_enc) = (self.matrix("w_dec"), self.vector("b_enc"));
        let unit: Matrix = rows
            .iter()
            .map(|row| {
                let norm = norm(row).round(1);
                // The kernel multiplies by the reciprocal of the norm.
                row.iter().map(|x| x.over(norm).round(1)).collect()
            })
            .collect();
        let mut pass = Pass::default();
        pass.codes = pass.activate(&layer(x, &unit, &b_enc), relu);
        let decoder = Decoder {
            w_dec: &unit,
            b_dec: &vec![Bounded::default(); self.shape.width],
            lambda,
            norms: &vec![ONE; unit.len()],
        };
        let Back { r, deltas } = pass.decode(&decoder, y);
        let (through_enc, through_dec) = (outer(&deltas, x), outer(&pass.codes, &r));
        let d_rows = (0..unit.len()).map(|j| {
            let d_unit = add(&through_enc[j], &through_dec[j]);
            // The kernel divides by the square of the row's norm, which is 1 up to rounding.
            let along = dot(&unit[j], &d_unit, []).over(dot(&unit[j], &unit[j], []));
            let norm = norm(&rows[j]).round(1);
            let d_row = d_unit.iter().zip(&unit[j]).map(|(d, &u)| {
                let rest = Bounded::sum_of_products([(*d, ONE), (negative(along), u)]);
                rest.over(norm).round(1)
            });
            d_row.collect()
        });
        pass.gradient = self.gradient(
            (&r, x),
            [
                ("w_dec", d_rows.collect()),
                ("b_enc", vec![column_sums(&deltas, unit.len())]),
            ],
        );
        pass
    }
}
