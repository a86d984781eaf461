//! The layers, the decoder and the gradients that the variants share.

use super::pass::{Matrix, Pass};
use crate::bounded::{Bounded, ONE};

/// A decoder from codes to reconstructions, with a penalty of λ·norm on each code.
pub(super) struct Decoder<'a> {
    pub(super) w_dec: &'a Matrix,
    pub(super) b_dec: &'a [Bounded],
    pub(super) lambda: f32,
    /// The norm for each element; empty where there is no penalty.
    pub(super) norms: &'a [Bounded],
}

impl<'a> Decoder<'a> {
    pub(super) fn unpenalised(w_dec: &'a Matrix, b_dec: &'a [Bounded]) -> Self {
        Decoder {
            w_dec,
            b_dec,
            lambda: 0.0,
            norms: &[],
        }
    }
}

/// The gradients with respect to the reconstructions, and to the codes where they are active.
pub(super) struct Back {
    pub(super) r: Matrix,
    pub(super) deltas: Matrix,
}

impl Pass {
    /// Returns the pre-activations that `select` finds active, with zeros elsewhere, and adds to `active` and
    /// `ambiguous`.
    pub(super) fn activate(
        &mut self,
        pre: &Matrix,
        mut select: impl FnMut(&[Bounded]) -> (Vec<bool>, bool),
    ) -> Matrix {
        let mut values = vec![];
        for pre in pre {
            let (active, ambiguous) = select(pre);
            let off = Bounded::default();
            let on = |(&a, &on): (&Bounded, &bool)| if on { a } else { off };
            values.push(pre.iter().zip(&active).map(on).collect());
            self.active.push(active);
            self.ambiguous |= ambiguous;
        }
        values
    }

    /// Returns the k·B largest pre-activations of a batch of B samples, as far as they are above 0, with zeros
    /// elsewhere.
    pub(super) fn activate_together(&mut self, k: usize, pre: &Matrix) -> Matrix {
        let n = pre[0].len();
        let (active, ambiguous) = largest(k * pre.len(), &pre.concat());
        let mut rows = active.chunks(n);
        self.activate(pre, |_| {
            let row = rows.next().expect("one for each sample");
            (row.to_vec(), ambiguous)
        })
    }

    /// Computes reconstructions and losses, and the gradients with respect to the codes. The last rows of `active` say
    /// which entries of the codes are active.
    pub(super) fn decode(&mut self, decoder: &Decoder, x: &Matrix) -> Back {
        let Decoder {
            w_dec,
            b_dec,
            lambda,
            norms,
        } = decoder;
        let count = x.len();
        let scale = Bounded::rounded(2.0 / count as f64);
        let coefficient = Bounded::rounded(f64::from(*lambda) / count as f64);
        let mut squares = vec![];
        let (mut r, mut deltas) = (vec![], vec![]);
        let active = &self.active[self.active.len() - count..];
        for (b, code) in self.codes.iter().enumerate() {
            let x_hat = (0..b_dec.len()).map(|c| {
                let terms = code.iter().zip(*w_dec).map(|(&f, row)| (f, row[c]));
                Bounded::sum_of_products(terms.chain([(b_dec[c], ONE)]))
            });
            self.x_hat.push(x_hat.collect());
            let e: Vec<Bounded> = (0..b_dec.len())
                .map(|c| error(decoder, code, &x[b], c))
                .collect();
            squares.push(dot(&e, &e, []));
            let r_b: Vec<Bounded> = e.iter().map(|&e| product(e, scale)).collect();
            let delta = |j: usize| {
                if !active[b][j] {
                    return Bounded::default();
                }
                let through = dot(&r_b, &w_dec[j], []);
                match norms.get(j) {
                    Some(&norm) => Bounded::sum([through, product(coefficient, norm)]),
                    None => through,
                }
            };
            deltas.push((0..w_dec.len()).map(delta).collect());
            r.push(r_b);
        }
        self.reconstruction = mean(&squares);
        let penalties = norms.iter().enumerate().map(|(j, &norm)| {
            let sum = Bounded::sum(self.codes.iter().map(|code| code[j]));
            (sum, norm)
        });
        let penalty = Bounded::sum_of_products(penalties);
        let share = f64::from(*lambda) / count as f64;
        self.sparsity = Bounded {
            value: share * penalty.value,
            error: share * penalty.error,
        };
        Back { r, deltas }
    }
}

/// Returns component c of x̂ − x.
pub(super) fn error(decoder: &Decoder, code: &[Bounded], x: &[Bounded], c: usize) -> Bounded {
    let terms = code.iter().zip(decoder.w_dec).map(|(&f, row)| (f, row[c]));
    let rest = [(decoder.b_dec[c], ONE), (negative(x[c]), ONE)];
    Bounded::sum_of_products(terms.chain(rest))
}

/// Returns x − b, row by row.
pub(super) fn centre(x: &Matrix, b: &[Bounded]) -> Matrix {
    let row = |x: &Vec<Bounded>| {
        let pairs = x.iter().zip(b);
        pairs
            .map(|(&x, &b)| Bounded::sum([x, negative(b)]))
            .collect()
    };
    x.iter().map(row).collect()
}

/// Returns the pre-activations of a layer.
pub(super) fn layer(inputs: &Matrix, weights: &Matrix, bias: &[Bounded]) -> Matrix {
    let row = |x: &Vec<Bounded>| {
        let units = weights.iter().zip(bias);
        units.map(|(w, &b)| dot(w, x, [b])).collect()
    };
    inputs.iter().map(row).collect()
}

/// Returns the gradient with respect to the inputs of a layer where these are active, with zeros elsewhere.
pub(super) fn back_through(deltas: &Matrix, weights: &Matrix, active: &[Vec<bool>]) -> Matrix {
    let row = |(delta, active): (&Vec<Bounded>, &Vec<bool>)| {
        let unit = |(k, &on): (usize, &bool)| {
            if !on {
                return Bounded::default();
            }
            Bounded::sum_of_products(delta.iter().zip(weights).map(|(&d, w)| (d, w[k])))
        };
        active.iter().enumerate().map(unit).collect()
    };
    deltas.iter().zip(active).map(row).collect()
}

/// Returns the sum over the samples of the outer products of their rows.
pub(super) fn outer(left: &Matrix, right: &Matrix) -> Matrix {
    let (rows, cols) = (left[0].len(), right[0].len());
    let at = |j: usize, c: usize| {
        Bounded::sum_of_products(left.iter().zip(right).map(|(l, r)| (l[j], r[c])))
    };
    (0..rows)
        .map(|j| (0..cols).map(|c| at(j, c)).collect())
        .collect()
}

pub(super) fn column_sums(m: &Matrix, cols: usize) -> Vec<Bounded> {
    (0..cols)
        .map(|j| Bounded::sum(m.iter().map(|row| row[j])))
        .collect()
}

/// Returns the gradient of `b_dec`, which the decoder adds and the input of the first layer subtracts.
pub(super) fn decoder_bias(r: &Matrix, weights: &Matrix, d_bias: &[Bounded]) -> Vec<Bounded> {
    let at = |c: usize| {
        let out = r.iter().map(|r| (r[c], ONE));
        let back = d_bias
            .iter()
            .zip(weights)
            .map(|(&d, w)| (negative(d), w[c]));
        Bounded::sum_of_products(out.chain(back))
    };
    (0..r[0].len()).map(at).collect()
}

/// Tells which pre-activations are above 0, and whether rounding could change that.
pub(super) fn relu(pre: &[Bounded]) -> (Vec<bool>, bool) {
    let active = pre.iter().map(|a| a.value > 0.0).collect();
    (active, pre.iter().any(|a| a.value.abs() <= a.error))
}

/// Tells which pre-activations are above their thresholds, and whether rounding could change that.
pub(super) fn above(thresholds: &[Bounded], pre: &[Bounded]) -> (Vec<bool>, bool) {
    let pairs = || pre.iter().zip(thresholds);
    let active = pairs().map(|(a, theta)| a.value > theta.value).collect();
    let near = |(a, theta): (&Bounded, &Bounded)| (a.value - theta.value).abs() <= a.error;
    (active, pairs().any(near))
}

/// Tells which pre-activations are the k largest and above 0, and whether rounding could change that.
pub(super) fn largest(k: usize, pre: &[Bounded]) -> (Vec<bool>, bool) {
    let mut order: Vec<usize> = (0..pre.len()).collect();
    order.sort_by(|&i, &j| pre[j].value.total_cmp(&pre[i].value));
    let (mut active, mut ambiguous) = relu(pre);
    for &out in &order[k..] {
        active[out] = false;
    }
    let in_doubt = |&i: &usize, &j: &usize| {
        pre[i].value - pre[i].error <= pre[j].value + pre[j].error && pre[j].value > 0.0
    };
    let (inside, outside) = order.split_at(k);
    for i in inside {
        ambiguous |= outside.iter().any(|j| in_doubt(i, j));
    }
    (active, ambiguous)
}

/// Returns a mean that the kernel takes in f64.
pub(super) fn mean(all: &[Bounded]) -> Bounded {
    let mean = |f: fn(&Bounded) -> f64| all.iter().map(f).sum::<f64>() / all.len() as f64;
    Bounded {
        value: mean(|x| x.value),
        error: mean(|x| x.error),
    }
}

pub(super) fn norm(row: &[Bounded]) -> Bounded {
    dot(row, row, []).sqrt()
}

pub(super) fn negative(x: Bounded) -> Bounded {
    Bounded {
        value: -x.value,
        ..x
    }
}

pub(super) fn product(a: Bounded, b: Bounded) -> Bounded {
    Bounded::sum_of_products([(a, b)])
}

pub(super) fn add(a: &[Bounded], b: &[Bounded]) -> Vec<Bounded> {
    a.iter()
        .zip(b)
        .map(|(&a, &b)| Bounded::sum([a, b]))
        .collect()
}

/// Returns Σ aᵢbᵢ plus the terms of `more`.
pub(super) fn dot<const N: usize>(a: &[Bounded], b: &[Bounded], more: [Bounded; N]) -> Bounded {
    assert_eq!(a.len(), b.len());
    let products = a.iter().copied().zip(b.iter().copied());
    Bounded::sum_of_products(products.chain(more.into_iter().map(|x| (x, ONE))))
}
