//! The sparse autoencoders of [`kernels::sae`], one sample and one number at a time.
//!
//! Which entries of a code are active hangs on comparisons. Where one is closer than its rounding
//! error, f32 may rightly decide otherwise: [`Pass::ambiguous`] tells.

mod gated;
mod jumprelu;

use std::ops::Range;

use kernels::sae::{AuxK, Parameters, Rows, Shape, Variant};

use crate::bounded::{Bounded, ONE};

/// A model's parameters.
#[derive(Clone)]
pub struct Model {
    /// Its size.
    pub shape: Shape,
    /// Its variant.
    pub variant: Variant,
    /// Name, rows and columns of each tensor.
    tensors: Vec<(&'static str, usize, usize)>,
    /// All parameters, tensor after tensor.
    pub values: Vec<Bounded>,
    /// Elements that count as dead, for an auxiliary loss.
    pub dead: Vec<usize>,
    /// What the auxiliary loss reconstructs, where that is to be held fixed: it has no gradient.
    pub left_over: Option<Matrix>,
    /// The model whose decoder stands in a loss where it has no gradient, if not this one.
    pub frozen: Option<Box<Model>>,
}

/// What a batch leads to.
#[derive(Clone, Default)]
pub struct Pass {
    /// Codes, a sample a row.
    pub codes: Matrix,
    /// Reconstructions.
    pub x_hat: Matrix,
    /// Mean of ‖x̂ − x‖².
    pub reconstruction: Bounded,
    /// The mean penalty.
    pub sparsity: Bounded,
    /// The mean auxiliary loss.
    pub auxiliary: Bounded,
    /// What it reconstructs.
    pub left_over: Matrix,
    /// The gradient, in the order of the parameters.
    pub gradient: Vec<Bounded>,
    /// Which units are active, those of hidden layers included: while this stays the same, the loss is smooth.
    pub active: Vec<Vec<bool>>,
    /// Whether rounding could change which units are active.
    pub ambiguous: bool,
}

/// Rows of numbers.
pub type Matrix = Vec<Vec<Bounded>>;

impl Pass {
    /// The loss.
    pub fn total(&self) -> f64 {
        self.reconstruction.value + self.sparsity.value + self.auxiliary.value
    }
}

impl Model {
    /// A model with the parameters that a kernel is given.
    pub fn exact(parameters: &Parameters) -> Model {
        let exact = |&x: &f32| Bounded::exact(x);
        Model {
            shape: parameters.shape(),
            variant: parameters.variant(),
            tensors: parameters
                .tensors()
                .map(|(name, m)| (name, m.rows(), m.cols()))
                .collect(),
            values: parameters.values().iter().map(exact).collect(),
            dead: vec![],
            left_over: None,
            frozen: None,
        }
    }

    /// The tensors: name and place among the parameters.
    pub fn places(&self) -> Vec<(&'static str, Range<usize>)> {
        let mut start = 0;
        let place = |&(name, rows, cols): &(&'static str, usize, usize)| {
            let range = start..start + rows * cols;
            start = range.end;
            (name, range)
        };
        self.tensors.iter().map(place).collect()
    }

    fn matrix(&self, name: &str) -> Matrix {
        let at = self.tensors.iter().position(|t| t.0 == name);
        let at = at.unwrap_or_else(|| panic!("no tensor {name}"));
        let (_, range) = self.places()[at].clone();
        let rows = self.values[range].chunks(self.tensors[at].2.max(1));
        rows.map(<[Bounded]>::to_vec).collect()
    }

    fn vector(&self, name: &str) -> Vec<Bounded> {
        self.matrix(name).concat()
    }

    /// The gradient from those with respect to the tensors, by name.
    fn gradient<const N: usize>(&self, named: [(&str, Matrix); N]) -> Vec<Bounded> {
        assert_eq!(named.len(), self.tensors.len());
        let of = |tensor: &(&'static str, usize, usize)| {
            let (_, values) = named
                .iter()
                .find(|it| it.0 == tensor.0)
                .expect("a gradient");
            values.concat()
        };
        self.tensors.iter().flat_map(of).collect()
    }

    /// Losses, codes and the gradient of a batch.
    pub fn pass(&self, batch: &[Vec<f32>]) -> Pass {
        let x: Matrix = batch
            .iter()
            .map(|row| row.iter().map(|&x| Bounded::exact(x)).collect())
            .collect();
        match self.variant {
            Variant::L1(model) => self.l1(model.lambda, model.rows, &x),
            Variant::TiedL1(model) => self.tied(model.lambda, &x),
            Variant::TopK(model) => self.top_k(model.k, model.aux, &x),
            Variant::Gated(model) => self.gated(model.lambda, &x),
            Variant::JumpRelu(model) => self.jump_relu(model, &x),
            Variant::TwoLayer(model) => self.two_layer(model.lambda, &x),
            Variant::Lista(model) => self.lista(model.steps, model.lambda, &x),
        }
    }

    fn l1(&self, lambda: f32, rows: Rows, x: &Matrix) -> Pass {
        let [w_enc, w_dec] = ["w_enc", "w_dec"].map(|name| self.matrix(name));
        let [b_enc, b_dec] = ["b_enc", "b_dec"].map(|name| self.vector(name));
        let norms = match rows {
            Rows::Penalised => w_dec.iter().map(|row| norm(row)).collect(),
            Rows::Unit => vec![ONE; w_dec.len()],
        };
        let centred = centre(x, &b_dec);
        let mut pass = Pass::default();
        let pre = layer(&centred, &w_enc, &b_enc);
        pass.codes = pass.activate(&pre, relu);
        let decoder = Decoder {
            w_dec: &w_dec,
            b_dec: &b_dec,
            lambda,
            norms: &norms,
        };
        let Back { r, deltas } = pass.decode(&decoder, x);
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
        pass.gradient = self.gradient([
            ("b_dec", vec![decoder_bias(&r, &w_enc, &d_b_enc)]),
            ("w_enc", outer(&deltas, &centred)),
            ("b_enc", vec![d_b_enc]),
            ("w_dec", d_w_dec),
        ]);
        pass
    }

    /// The rows of the dictionary at norm 1, for encoder and decoder alike.
    fn tied(&self, lambda: f32, x: &Matrix) -> Pass {
        let (rows, b_enc) = (self.matrix("w_dec"), self.vector("b_enc"));
        let unit: Matrix = rows
            .iter()
            .map(|row| {
                let norm = norm(row).round(1);
                // By the reciprocal.
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
        let Back { r, deltas } = pass.decode(&decoder, x);
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
        pass.gradient = self.gradient([
            ("w_dec", d_rows.collect()),
            ("b_enc", vec![column_sums(&deltas, unit.len())]),
        ]);
        pass
    }

    fn top_k(&self, k: usize, aux: Option<AuxK>, x: &Matrix) -> Pass {
        let [w_enc, w_dec] = ["w_enc", "w_dec"].map(|name| self.matrix(name));
        let [b_enc, b_dec] = ["b_enc", "b_dec"].map(|name| self.vector(name));
        let centred = centre(x, &b_dec);
        let mut pass = Pass::default();
        let pre = layer(&centred, &w_enc, &b_enc);
        pass.codes = pass.activate(&pre, |pre| largest(k, pre));
        let decoder = Decoder::unpenalised(&w_dec, &b_dec);
        let Back { r, deltas } = pass.decode(&decoder, x);
        let (mut d_w_enc, mut d_w_dec) = (outer(&deltas, &centred), outer(&pass.codes, &r));
        let mut d_b_enc = column_sums(&deltas, w_enc.len());
        if let Some(aux) = aux.filter(|_| !self.dead.is_empty()) {
            // x − x̂, as the kernel has it: from its gradient.
            pass.left_over = (0..x.len())
                .map(|b| {
                    let e = self.shape.width;
                    let e = (0..e).map(|c| error(&decoder, &pass.codes[b], &x[b], c));
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
            pass.auxiliary = product(weight, inner.reconstruction);
            pass.active.extend(inner.active);
            pass.ambiguous |= inner.ambiguous;
        }
        pass.gradient = self.gradient([
            ("b_dec", vec![decoder_bias(&r, &w_enc, &d_b_enc)]),
            ("w_enc", d_w_enc),
            ("b_enc", vec![d_b_enc]),
            ("w_dec", d_w_dec),
        ]);
        pass
    }

    fn two_layer(&self, lambda: f32, x: &Matrix) -> Pass {
        let [w_hidden, w_enc, w_dec] = ["w_hidden", "w_enc", "w_dec"].map(|name| self.matrix(name));
        let [b_hidden, b_enc, b_dec] = ["b_hidden", "b_enc", "b_dec"].map(|name| self.vector(name));
        let centred = centre(x, &b_dec);
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
        let Back { r, deltas } = pass.decode(&decoder, x);
        let d_hidden = back_through(&deltas, &w_enc, &units);
        let d_b_hidden = column_sums(&d_hidden, w_hidden.len());
        pass.gradient = self.gradient([
            ("b_dec", vec![decoder_bias(&r, &w_hidden, &d_b_hidden)]),
            ("w_hidden", outer(&d_hidden, &centred)),
            ("b_hidden", vec![d_b_hidden]),
            ("w_enc", outer(&deltas, &hidden)),
            ("b_enc", vec![column_sums(&deltas, w_enc.len())]),
            ("w_dec", outer(&pass.codes, &r)),
        ]);
        pass
    }

    fn lista(&self, steps: usize, lambda: f32, x: &Matrix) -> Pass {
        let [w_enc, lateral, w_dec] = ["w_enc", "w_lateral", "w_dec"].map(|name| self.matrix(name));
        let [b_enc, b_dec] = ["b_enc", "b_dec"].map(|name| self.vector(name));
        let centred = centre(x, &b_dec);
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
        let Back { r, deltas } = pass.decode(&decoder, x);
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
        pass.gradient = self.gradient([
            ("b_dec", vec![decoder_bias(&r, &w_enc, &d_b_enc)]),
            ("w_enc", outer(&d_c, &centred)),
            ("b_enc", vec![d_b_enc]),
            ("w_lateral", d_lateral),
            ("w_dec", outer(&pass.codes, &r)),
        ]);
        pass
    }
}

/// From codes to reconstructions, with a penalty of λ·norm on each code.
struct Decoder<'a> {
    w_dec: &'a Matrix,
    b_dec: &'a [Bounded],
    lambda: f32,
    /// Empty where there is no penalty.
    norms: &'a [Bounded],
}

impl<'a> Decoder<'a> {
    fn unpenalised(w_dec: &'a Matrix, b_dec: &'a [Bounded]) -> Self {
        Decoder {
            w_dec,
            b_dec,
            lambda: 0.0,
            norms: &[],
        }
    }
}

/// Gradients with respect to reconstructions, and to codes where they are active.
struct Back {
    r: Matrix,
    deltas: Matrix,
}

impl Pass {
    /// The pre-activations that are active, zeros elsewhere.
    fn activate(
        &mut self,
        pre: &Matrix,
        select: impl Fn(&[Bounded]) -> (Vec<bool>, bool),
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

    /// Losses, and the way back to the codes, of which the last rows of `active` tell.
    fn decode(&mut self, decoder: &Decoder, x: &Matrix) -> Back {
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

/// Component c of x̂ − x.
fn error(decoder: &Decoder, code: &[Bounded], x: &[Bounded], c: usize) -> Bounded {
    let terms = code.iter().zip(decoder.w_dec).map(|(&f, row)| (f, row[c]));
    let rest = [(decoder.b_dec[c], ONE), (negative(x[c]), ONE)];
    Bounded::sum_of_products(terms.chain(rest))
}

/// x − b, row by row.
fn centre(x: &Matrix, b: &[Bounded]) -> Matrix {
    let row = |x: &Vec<Bounded>| {
        let pairs = x.iter().zip(b);
        pairs
            .map(|(&x, &b)| Bounded::sum([x, negative(b)]))
            .collect()
    };
    x.iter().map(row).collect()
}

/// Pre-activations.
fn layer(inputs: &Matrix, weights: &Matrix, bias: &[Bounded]) -> Matrix {
    let row = |x: &Vec<Bounded>| {
        let units = weights.iter().zip(bias);
        units.map(|(w, &b)| dot(w, x, [b])).collect()
    };
    inputs.iter().map(row).collect()
}

/// The gradient with respect to the units that a layer reads, where they are active.
fn back_through(deltas: &Matrix, weights: &Matrix, active: &[Vec<bool>]) -> Matrix {
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

/// Σ over samples of the outer products of their rows.
fn outer(left: &Matrix, right: &Matrix) -> Matrix {
    let (rows, cols) = (left[0].len(), right[0].len());
    let at = |j: usize, c: usize| {
        Bounded::sum_of_products(left.iter().zip(right).map(|(l, r)| (l[j], r[c])))
    };
    (0..rows)
        .map(|j| (0..cols).map(|c| at(j, c)).collect())
        .collect()
}

fn column_sums(m: &Matrix, cols: usize) -> Vec<Bounded> {
    (0..cols)
        .map(|j| Bounded::sum(m.iter().map(|row| row[j])))
        .collect()
}

/// The gradient of `b_dec`, which the first layer's input loses.
fn decoder_bias(r: &Matrix, weights: &Matrix, d_bias: &[Bounded]) -> Vec<Bounded> {
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

/// Which pre-activations are above 0, and whether that is in doubt.
fn relu(pre: &[Bounded]) -> (Vec<bool>, bool) {
    let active = pre.iter().map(|a| a.value > 0.0).collect();
    (active, pre.iter().any(|a| a.value.abs() <= a.error))
}

/// Which pre-activations are the k largest and above 0, and whether that is in doubt.
fn largest(k: usize, pre: &[Bounded]) -> (Vec<bool>, bool) {
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

/// A mean that is taken in f64.
fn mean(all: &[Bounded]) -> Bounded {
    let mean = |f: fn(&Bounded) -> f64| all.iter().map(f).sum::<f64>() / all.len() as f64;
    Bounded {
        value: mean(|x| x.value),
        error: mean(|x| x.error),
    }
}

fn norm(row: &[Bounded]) -> Bounded {
    dot(row, row, []).sqrt()
}

fn negative(x: Bounded) -> Bounded {
    Bounded {
        value: -x.value,
        ..x
    }
}

fn product(a: Bounded, b: Bounded) -> Bounded {
    Bounded::sum_of_products([(a, b)])
}

fn add(a: &[Bounded], b: &[Bounded]) -> Vec<Bounded> {
    a.iter()
        .zip(b)
        .map(|(&a, &b)| Bounded::sum([a, b]))
        .collect()
}

/// Σ aᵢbᵢ and what is added to it.
fn dot<const N: usize>(a: &[Bounded], b: &[Bounded], more: [Bounded; N]) -> Bounded {
    assert_eq!(a.len(), b.len());
    let products = a.iter().copied().zip(b.iter().copied());
    Bounded::sum_of_products(products.chain(more.into_iter().map(|x| (x, ONE))))
}
