//! The measures that `encoders` takes of an encoder, by plain loops in f64 from the definitions of the columns.

use crate::common::plain::{
    Rows, best_code, column, dot, largest_assignment, loss, mean, non_negative, residual, rows,
};
use kernels::MatRef;
use kernels::sae::{Parameters, Variant};

fn of(m: MatRef) -> Rows {
    (0..m.rows())
        .flat_map(|i| rows(m.row(i), m.cols()))
        .collect()
}

/// Returns W x + b.
fn affine(w: &Rows, b: &[f64], x: &[f64]) -> Vec<f64> {
    w.iter().zip(b).map(|(row, b)| dot(row, x) + b).collect()
}

fn relu(values: Vec<f64>) -> Vec<f64> {
    values.into_iter().map(|v| v.max(0.0)).collect()
}

/// Returns the code of a sample minus b_dec: by a linear map, by one behind a hidden layer, or by unrolled steps z ←
/// ReLU(c + Sᵀz).
pub fn encode(p: &Parameters, x: &[f64]) -> Vec<f64> {
    let w_enc = of(p.tensor("w_enc"));
    let b_enc = &of(p.tensor("b_enc"))[0];
    match p.variant() {
        Variant::TwoLayer(_) => {
            let b_hidden = &of(p.tensor("b_hidden"))[0];
            let hidden = relu(affine(&of(p.tensor("w_hidden")), b_hidden, x));
            relu(affine(&w_enc, b_enc, &hidden))
        }
        Variant::Lista(lista) => {
            let lateral = of(p.tensor("w_lateral"));
            let c = affine(&w_enc, b_enc, x);
            let mut z = relu(c.clone());
            for _ in 1..lista.steps {
                let from_others = |j: usize| dot(&column(&lateral, j), &z);
                z = relu((0..c.len()).map(|j| c[j] + from_others(j)).collect());
            }
            z
        }
        _ => relu(affine(&w_enc, b_enc, x)),
    }
}

/// Returns the code by orthogonal matching pursuit with non-negative magnitudes: the element with the largest product
/// with the residual joins those chosen, then all magnitudes are fitted again.
pub fn omp(x: &[f64], elements: &Rows, most: usize) -> Vec<f64> {
    let (mut chosen, mut code) = (Vec::new(), vec![0.0; elements.len()]);
    while chosen.len() < most {
        let rest = residual(x, &code, elements);
        if dot(&rest, &rest) <= 1e-9 * dot(x, x) {
            break;
        }
        let left = (0..elements.len()).filter(|j| !chosen.contains(j));
        let product = |j: usize| dot(&elements[j], &rest) / dot(&elements[j], &elements[j]).sqrt();
        let best = left.max_by(|a, b| product(*a).total_cmp(&product(*b)));
        match best.filter(|j| product(*j) > 0.0) {
            Some(best) => chosen.push(best),
            None => break,
        }
        code = non_negative(x, elements, &chosen, 0.0);
    }
    code
}

/// Measures of codes, as means over samples: the number of active entries, the explained share of the variance, and ‖x
/// − x̂‖² + λ Σ c.
#[derive(Debug)]
pub struct Codes {
    pub l0: f64,
    pub explained_variance: f64,
    pub loss: f64,
}

impl Codes {
    fn of(x: &Rows, codes: &Rows, elements: &Rows, lambda: f64) -> Codes {
        let centre: Vec<f64> = (0..x[0].len()).map(|i| mean(&column(x, i))).collect();
        let square = |v: &[f64]| dot(v, v);
        let apart = |x: &Vec<f64>| x.iter().zip(&centre).map(|(x, m)| (x - m).powi(2)).sum();
        let variance: f64 = x.iter().map(apart).collect::<Vec<f64>>().iter().sum();
        let pairs = || x.iter().zip(codes);
        let error: f64 = pairs()
            .map(|(x, c)| square(&residual(x, c, elements)))
            .sum();
        let losses = pairs().map(|(x, c)| loss(x, c, elements, lambda));
        Codes {
            l0: codes.iter().map(|c| active(c).len() as f64).sum::<f64>() / x.len() as f64,
            explained_variance: 1.0 - error / variance,
            loss: mean(&losses.collect::<Vec<_>>()),
        }
    }
}

pub fn active(code: &[f64]) -> Vec<usize> {
    (0..code.len()).filter(|&j| code[j] > 0.0).collect()
}

/// Returns the F1 score of the entries found against those wanted, over all samples.
pub fn f1(found: &[Vec<usize>], wanted: &[Vec<usize>]) -> f64 {
    let sizes = |sets: &[Vec<usize>]| sets.iter().map(Vec::len).sum::<usize>();
    let pairs = found.iter().zip(wanted);
    let common = pairs.map(|(a, b)| a.iter().filter(|j| b.contains(j)).count());
    2.0 * common.sum::<usize>() as f64 / (sizes(found) + sizes(wanted)) as f64
}

/// A dictionary of at least as many elements as known directions, with the codes of samples minus the decoder's bias.
pub struct Plain {
    pub x: Rows,
    pub elements: Rows,
    pub known: Rows,
    pub codes: Rows,
    pub best: Rows,
    pub lambda: f64,
    /// The element that each known direction is matched with.
    matched: Vec<usize>,
    cosines: Rows,
}

impl Plain {
    pub fn of(p: &Parameters, x: MatRef, known: MatRef, lambda: f64) -> Plain {
        let bias = &of(p.tensor("b_dec"))[0];
        let centred = |x: Vec<f64>| x.iter().zip(bias).map(|(x, b)| x - b).collect();
        let x: Rows = of(x).into_iter().map(centred).collect();
        let (elements, known) = (of(p.dictionary()), of(known));
        let cosine = |a: &[f64], b: &[f64]| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
        let row = |d: &Vec<f64>| elements.iter().map(|e| cosine(d, e)).collect();
        let cosines: Rows = known.iter().map(row).collect();
        Plain {
            codes: x.iter().map(|x| encode(p, x)).collect(),
            best: x.iter().map(|x| best_code(x, &elements, lambda)).collect(),
            matched: largest_assignment(&cosines).1,
            cosines,
            x,
            elements,
            known,
            lambda,
        }
    }

    pub fn mmcs(&self) -> f64 {
        let largest = |row: &Vec<f64>| row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        mean(&self.cosines.iter().map(largest).collect::<Vec<_>>())
    }

    pub fn scores(&self, codes: &Rows) -> Codes {
        Codes::of(&self.x, codes, &self.elements, self.lambda)
    }

    /// Returns the scores of the encoder's codes with each element replaced by the known direction that it is matched
    /// with.
    pub fn on_known(&self) -> Codes {
        let mut elements = vec![vec![0.0; self.x[0].len()]; self.elements.len()];
        for (direction, &element) in self.known.iter().zip(&self.matched) {
            let norm = dot(direction, direction).sqrt();
            elements[element] = direction.iter().map(|v| v / norm).collect();
        }
        Codes::of(&self.x, &self.codes, &elements, self.lambda)
    }

    /// Returns the features that the active elements of codes stand for; an element that is matched with no feature
    /// gives the number of one that does not exist.
    pub fn features(&self, codes: &Rows) -> Vec<Vec<usize>> {
        let feature = |j: usize| self.matched.iter().position(|m| *m == j);
        let of_code = |code: &Vec<f64>| {
            let active = active(code).into_iter();
            active.map(|j| feature(j).unwrap_or(usize::MAX)).collect()
        };
        codes.iter().map(of_code).collect()
    }

    /// Returns the number of active entries in all codes.
    fn entries(codes: &Rows) -> usize {
        codes.iter().map(|c| active(c).len()).sum()
    }

    /// Returns the best codes for every λ on a grid, in steps of 6 %, at which they have as many active entries in all
    /// as the encoder's, up to 3 % more off than the nearest: the number need not fall with λ, so there may be several
    /// such codes.
    pub fn as_many_by_optimum(&self) -> Vec<Rows> {
        let wanted = Self::entries(&self.codes);
        let best = |lambda: f64| -> Rows {
            let of = |x: &Vec<f64>| best_code(x, &self.elements, lambda);
            self.x.iter().map(of).collect()
        };
        let grid = (0..=198).map(|i| best(1e-4 * 1.06f64.powi(i)));
        let grid: Vec<Rows> = grid.collect();
        let off = |codes: &Rows| Self::entries(codes).abs_diff(wanted);
        let least = grid.iter().map(off).min().unwrap();
        let near = |codes: &Rows| off(codes) <= least + (3 * wanted).div_ceil(100);
        grid.into_iter().filter(near).collect()
    }

    /// Returns the codes by pursuit, with as many active entries as the encoder's in each sample.
    pub fn as_many_by_pursuit(&self) -> Rows {
        let pairs = self.x.iter().zip(&self.codes);
        pairs
            .map(|(x, code)| omp(x, &self.elements, active(code).len()))
            .collect()
    }

    /// Returns the largest products with the elements, with as many active entries in all as the encoder's codes.
    pub fn as_many_by_transpose(&self) -> Rows {
        let products = |x: &Vec<f64>| self.elements.iter().map(|e| dot(e, x)).collect();
        let products: Rows = self.x.iter().map(products).collect();
        let mut sorted = products.concat();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let least = sorted[Self::entries(&self.codes) - 1];
        let kept = |p: &f64| if *p >= least { *p } else { 0.0 };
        let rows = products.iter();
        rows.map(|row| row.iter().map(kept).collect()).collect()
    }
}
