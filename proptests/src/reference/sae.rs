//! The sparse autoencoders of [`kernels::sae`], one sample and one number at a time.
//!
//! Which entries of a code are active hangs on comparisons. Where one is closer than its rounding
//! error, f32 may rightly decide otherwise: [`Pass::ambiguous`] tells.

use kernels::sae::{Parameters, Rows, Shape, Variant};

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
}

/// What a batch leads to.
#[derive(Default)]
pub struct Pass {
    /// Codes, a sample a row.
    pub codes: Vec<Vec<Bounded>>,
    /// Reconstructions.
    pub x_hat: Vec<Vec<Bounded>>,
    /// Mean of ‖x̂ − x‖².
    pub reconstruction: Bounded,
    /// The mean penalty.
    pub sparsity: Bounded,
    /// The gradient, in the order of the parameters.
    pub gradient: Vec<Bounded>,
    /// Which entries are active: while this stays the same, the loss is smooth.
    pub active: Vec<Vec<bool>>,
    /// Whether rounding could change which entries are active.
    pub ambiguous: bool,
}

impl Pass {
    /// The loss.
    pub fn total(&self) -> f64 {
        self.reconstruction.value + self.sparsity.value
    }
}

type Matrix = Vec<Vec<Bounded>>;

impl Model {
    /// A model with the parameters that a kernel is given.
    pub fn exact(parameters: &Parameters) -> Model {
        Model {
            shape: parameters.shape(),
            variant: parameters.variant(),
            tensors: parameters
                .tensors()
                .map(|(name, m)| (name, m.rows(), m.cols()))
                .collect(),
            values: parameters
                .values()
                .iter()
                .map(|&x| Bounded::exact(x))
                .collect(),
        }
    }

    /// The tensors: name and place among the parameters.
    pub fn places(&self) -> Vec<(&'static str, std::ops::Range<usize>)> {
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
        let cols = self.tensors[at].2;
        let rows = self.values[range].chunks(cols.max(1));
        rows.map(<[Bounded]>::to_vec).collect()
    }

    fn vector(&self, name: &str) -> Vec<Bounded> {
        self.matrix(name).concat()
    }

    /// Losses, codes and the gradient of a batch.
    pub fn pass(&self, batch: &[Vec<f32>]) -> Pass {
        match self.variant {
            Variant::TiedL1(model) => self.tied(f64::from(model.lambda), batch),
            Variant::L1(model) => {
                let w_dec = self.matrix("w_dec");
                let norms: Vec<Bounded> = match model.rows {
                    Rows::Penalised => w_dec.iter().map(|row| norm(row)).collect(),
                    Rows::Unit => vec![ONE; w_dec.len()],
                };
                let mut pass = self.untied(f64::from(model.lambda), &norms, batch, relu);
                if model.rows == Rows::Penalised {
                    self.add_norm_gradient(f64::from(model.lambda), &norms, &mut pass);
                }
                pass
            }
            Variant::TopK(model) => {
                let none = vec![Bounded::default(); self.shape.dictionary];
                self.untied(0.0, &none, batch, |pre| largest(model.k, pre))
            }
        }
    }

    /// `w_enc`, `b_enc`, `w_dec`, `b_dec` and a penalty of λ·norm on each code.
    fn untied(
        &self,
        lambda: f64,
        norms: &[Bounded],
        batch: &[Vec<f32>],
        select: impl Fn(&[Bounded]) -> (Vec<bool>, bool),
    ) -> Pass {
        let [w_enc, w_dec] = ["w_enc", "w_dec"].map(|name| self.matrix(name));
        let [b_enc, b_dec] = ["b_enc", "b_dec"].map(|name| self.vector(name));
        let mut linear = Linear {
            w_enc: &w_enc,
            b_enc: &b_enc,
            w_dec: &w_dec,
            b_dec: &b_dec,
            lambda,
            norms,
        };
        let (mut pass, [d_w_enc, d_w_dec], [d_b_enc, d_b_dec]) = linear.pass(batch, select);
        pass.gradient = [d_w_enc.concat(), d_b_enc, d_w_dec.concat(), d_b_dec].concat();
        pass
    }

    /// λ/B·(Σ f_j) W_dec,j/‖W_dec,j‖ more for `w_dec`.
    fn add_norm_gradient(&self, lambda: f64, norms: &[Bounded], pass: &mut Pass) {
        let (_, range) = self.places()[2].clone();
        let Shape { width, dictionary } = self.shape;
        let coefficient = Bounded::rounded(lambda / pass.codes.len() as f64);
        for j in 0..dictionary {
            let sum = Bounded::sum(pass.codes.iter().map(|code| code[j]));
            let factor = Bounded::sum_of_products([(coefficient, sum)]).over(norms[j]);
            for c in 0..width {
                let at = range.start + j * width + c;
                let terms = [(pass.gradient[at], ONE), (factor, self.values[at])];
                pass.gradient[at] = Bounded::sum_of_products(terms);
            }
        }
    }

    /// The rows of the dictionary at norm 1, for encoder and decoder alike.
    fn tied(&self, lambda: f64, batch: &[Vec<f32>]) -> Pass {
        let (rows, b_enc) = (self.matrix("w_dec"), self.vector("b_enc"));
        let unit: Matrix = rows
            .iter()
            .map(|row| {
                let norm = norm(row).round(1);
                // By the reciprocal.
                row.iter().map(|x| x.over(norm).round(1)).collect()
            })
            .collect();
        let mut linear = Linear {
            w_enc: &unit,
            b_enc: &b_enc,
            w_dec: &unit,
            b_dec: &vec![Bounded::default(); self.shape.width],
            lambda,
            norms: &vec![ONE; unit.len()],
        };
        let (mut pass, [through_enc, through_dec], [d_b_enc, _]) = linear.pass(batch, relu);
        for j in 0..unit.len() {
            let d_unit: Vec<Bounded> = through_enc[j]
                .iter()
                .zip(&through_dec[j])
                .map(|(&a, &b)| Bounded::sum([a, b]))
                .collect();
            // The kernel divides by the square of the rows' norm, which is 1 up to rounding.
            let square = dot(&unit[j], &unit[j], []);
            let along = dot(&unit[j], &d_unit, []).over(square);
            let norm = norm(&rows[j]).round(1);
            for (d, &u) in d_unit.iter().zip(&unit[j]) {
                let rest = Bounded::sum_of_products([(*d, ONE), (negative(along), u)]);
                pass.gradient.push(rest.over(norm).round(1));
            }
        }
        pass.gradient.extend(d_b_enc);
        pass
    }
}

/// A linear encoder and a dictionary.
struct Linear<'a> {
    w_enc: &'a Matrix,
    b_enc: &'a [Bounded],
    w_dec: &'a Matrix,
    b_dec: &'a [Bounded],
    lambda: f64,
    norms: &'a [Bounded],
}

impl Linear<'_> {
    /// The pass but for its gradient; those of `w_enc` and `w_dec`; those of `b_enc` and `b_dec`.
    fn pass(
        &mut self,
        batch: &[Vec<f32>],
        select: impl Fn(&[Bounded]) -> (Vec<bool>, bool),
    ) -> (Pass, [Matrix; 2], [Vec<Bounded>; 2]) {
        let (n, d, count) = (self.w_dec.len(), self.b_dec.len(), batch.len());
        let mut pass = Pass::default();
        let mut squares = vec![];
        let (mut centred, mut errors, mut deltas) = (vec![], vec![], vec![]);
        let coefficient = Bounded::rounded(self.lambda / count as f64);
        for x in batch {
            let x: Vec<Bounded> = x.iter().map(|&x| Bounded::exact(x)).collect();
            let inner: Vec<Bounded> = (0..d)
                .map(|c| Bounded::sum([x[c], negative(self.b_dec[c])]))
                .collect();
            let pre: Vec<Bounded> = (0..n)
                .map(|j| dot(&self.w_enc[j], &inner, [self.b_enc[j]]))
                .collect();
            let (active, ambiguous) = select(&pre);
            let off = Bounded::default();
            let code: Vec<Bounded> = (0..n)
                .map(|j| if active[j] { pre[j] } else { off })
                .collect();
            let x_hat = |more: &dyn Fn(usize) -> Vec<Bounded>, c: usize| {
                let on = (0..n).filter(|&j| active[j]);
                let terms = on.map(|j| (code[j], self.w_dec[j][c]));
                Bounded::sum_of_products(terms.chain(more(c).into_iter().map(|x| (x, ONE))))
            };
            let bias = |c: usize| vec![self.b_dec[c]];
            let error = |c: usize| vec![self.b_dec[c], negative(x[c])];
            pass.x_hat.push((0..d).map(|c| x_hat(&bias, c)).collect());
            let e: Vec<Bounded> = (0..d).map(|c| x_hat(&error, c)).collect();
            squares.push(dot(&e, &e, []));
            let scale = Bounded::rounded(2.0 / count as f64);
            let r: Vec<Bounded> = e
                .iter()
                .map(|&e| Bounded::sum_of_products([(e, scale)]))
                .collect();
            let delta: Vec<Bounded> = (0..n)
                .map(|j| {
                    if !active[j] {
                        return off;
                    }
                    let penalty = Bounded::sum_of_products([(coefficient, self.norms[j])]);
                    Bounded::sum([dot(&r, &self.w_dec[j], []), penalty])
                })
                .collect();
            pass.ambiguous |= ambiguous;
            pass.active.push(active);
            pass.codes.push(code);
            centred.push(inner);
            errors.push(r);
            deltas.push(delta);
        }
        pass.reconstruction = mean(&squares);
        let penalties = (0..n).map(|j| {
            let sum = Bounded::sum(pass.codes.iter().map(|code| code[j]));
            (sum, self.norms[j])
        });
        let penalty = Bounded::sum_of_products(penalties);
        pass.sparsity = Bounded::sum_of_products([(
            Bounded {
                value: self.lambda / count as f64,
                error: 0.0,
            },
            penalty,
        )]);
        let outer = |left: &Matrix, right: &Matrix| -> Matrix {
            let at = |j: usize, c: usize| {
                let on = (0..count).filter(|&b| pass.active[b][j]);
                Bounded::sum_of_products(on.map(|b| (left[b][j], right[b][c])))
            };
            (0..n).map(|j| (0..d).map(|c| at(j, c)).collect()).collect()
        };
        let d_w_enc = outer(&deltas, &centred);
        let d_w_dec = outer(&pass.codes, &errors);
        let d_b_enc: Vec<Bounded> = (0..n)
            .map(|j| Bounded::sum(deltas.iter().map(|delta| delta[j])))
            .collect();
        let d_b_dec = (0..d)
            .map(|c| {
                let out = errors.iter().map(|r| (r[c], ONE));
                let back = (0..n).map(|j| (negative(d_b_enc[j]), self.w_enc[j][c]));
                Bounded::sum_of_products(out.chain(back))
            })
            .collect();
        (pass, [d_w_enc, d_w_dec], [d_b_enc, d_b_dec])
    }
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

/// Σ aᵢbᵢ and what is added to it.
fn dot<const N: usize>(a: &[Bounded], b: &[Bounded], more: [Bounded; N]) -> Bounded {
    assert_eq!(a.len(), b.len());
    let products = a.iter().copied().zip(b.iter().copied());
    Bounded::sum_of_products(products.chain(more.into_iter().map(|x| (x, ONE))))
}
