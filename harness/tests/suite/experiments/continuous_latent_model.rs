//! The model of `continuous-latent` by plain loops in f64, with the gradient written out.
//!
//! Random numbers come from the streams that the experiment draws from.

use crate::common::plain::dot;
use crate::common::sae_plain::{UNIT, rows};
use harness::experiments::many_layers::multilayer::data;
use harness::rng::Rng;
use kernels::{Activation, MatRef, mlp};
use proptests::reference::{gelu, gelu_derivative};
use rand::RngExt as _;

pub const SEED: u64 = 5;
pub const WIDTH: usize = 8;
pub const HIDDEN: usize = 10;
pub const LAYERS: usize = 4;
pub const PAIRS: usize = 40;
pub const STEPS: u64 = 60;
pub const BATCH: usize = 16;
pub const RATE: f64 = 3e-3;

/// Returns a random stream of the experiment.
pub fn rng(purpose: &str, index: u64) -> Rng {
    Rng::stream(SEED, "continuous-latent", purpose, index)
}

/// Pairs of tokens, each with a latent between 0 and 1 and a class that is neither of the first two.
pub struct Facts {
    pub pairs: Vec<[u32; 2]>,
    pub latents: Vec<f64>,
    classes: Vec<usize>,
}

impl Facts {
    pub fn draw() -> Facts {
        let mut rng = rng("facts", 0);
        Facts {
            pairs: data::pairs(WIDTH, PAIRS, SEED),
            latents: (0..PAIRS).map(|_| rng.random()).collect(),
            classes: (0..PAIRS).map(|_| 2 + rng.below(WIDTH - 2)).collect(),
        }
    }

    /// Returns the target of pair k, p = ½(t e₀ + (1 − t) e₁ + e_class).
    pub fn target(&self, k: usize) -> Vec<f64> {
        let mut p = vec![0.0; WIDTH];
        p[0] = self.latents[k] / 2.0;
        p[1] = (1.0 - self.latents[k]) / 2.0;
        p[self.classes[k]] = 0.5;
        p
    }
}

/// The tensors of a residual MLP: two embeddings, then W₁, b₁, W₂, b₂ of each block, each as rows.
pub type Tensors = Vec<Vec<Vec<f64>>>;

fn times(matrix: &[Vec<f64>], x: &[f64]) -> Vec<f64> {
    matrix.iter().map(|row| dot(row, x)).collect()
}

fn transposed_times(matrix: &[Vec<f64>], y: &[f64]) -> Vec<f64> {
    let column = |j: usize| matrix.iter().zip(y).map(|(row, y)| row[j] * y).sum();
    (0..matrix[0].len()).map(column).collect()
}

/// Returns the tensors that a model starts from.
fn start() -> Tensors {
    let p = data::initial(
        mlp::Shape {
            vocabulary: WIDTH,
            width: WIDTH,
            hidden: HIDDEN,
            layers: LAYERS,
            activation: Activation::Gelu,
        },
        SEED,
    );
    let mut tensors: Tensors = p.embeddings().map(rows).into();
    for l in 0..LAYERS {
        let block = p.block(l);
        tensors.push(rows(block.w1));
        tensors.push(rows(MatRef::from_rows(block.b1, HIDDEN)));
        tensors.push(rows(block.w2));
        tensors.push(rows(MatRef::from_rows(block.b2, WIDTH)));
    }
    tensors
}

/// Returns the residual stream x₀ … x_L at a pair, and W₁x + b₁ of every block.
pub fn forward(w: &Tensors, [i, j]: [u32; 2]) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let add = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a + b).collect() };
    let mut x = vec![add(&w[0][i as usize], &w[1][j as usize])];
    let mut pre = Vec::new();
    for l in 0..LAYERS {
        let [w1, b1, w2, b2] = [0, 1, 2, 3].map(|k| &w[2 + 4 * l + k]);
        let z = add(&times(w1, &x[l]), &b1[0]);
        let hidden: Vec<f64> = z.iter().map(|&z| gelu(z)).collect();
        let update = add(&times(w2, &hidden), &b2[0]);
        x.push(add(&x[l], &update));
        pre.push(z);
    }
    (x, pre)
}

/// Adds the gradient of 2‖x_L − p‖²/B at a pair to `g`, and the absolute values of its terms to `sizes`.
fn add_gradient(w: &Tensors, facts: &Facts, k: usize, g: &mut Tensors, sizes: &mut Tensors) {
    let [i, j] = facts.pairs[k];
    let (x, pre) = forward(w, [i, j]);
    let wanted = facts.target(k);
    let off = x[LAYERS].iter().zip(&wanted);
    let mut dy: Vec<f64> = off.map(|(x, p)| 4.0 * (x - p) / BATCH as f64).collect();
    let mut add = |tensor: usize, row: usize, scale: f64, values: &[f64]| {
        for (c, v) in values.iter().enumerate() {
            g[tensor][row][c] += scale * v;
            sizes[tensor][row][c] += (scale * v).abs();
        }
    };
    for l in (0..LAYERS).rev() {
        let at = 2 + 4 * l;
        let hidden: Vec<f64> = pre[l].iter().map(|&z| gelu(z)).collect();
        let through = transposed_times(&w[at + 2], &dy);
        let dz: Vec<f64> = through
            .iter()
            .zip(&pre[l])
            .map(|(d, &z)| d * gelu_derivative(z))
            .collect();
        (0..HIDDEN).for_each(|row| add(at, row, dz[row], &x[l]));
        add(at + 1, 0, 1.0, &dz);
        (0..WIDTH).for_each(|row| add(at + 2, row, dy[row], &hidden));
        add(at + 3, 0, 1.0, &dy);
        let back = transposed_times(&w[at], &dz);
        dy.iter_mut().zip(back).for_each(|(d, b)| *d += b);
    }
    add(0, i as usize, 1.0, &dy);
    add(1, j as usize, 1.0, &dy);
}

/// Returns all numbers of a model.
fn flat(tensors: &mut Tensors) -> impl Iterator<Item = &mut f64> {
    tensors.iter_mut().flatten().flatten()
}

/// Returns a model after its training by Adam. `sway` gives, as a share between −1 and 1 of what rounding may change,
/// by how much each weight and gradient is moved.
pub fn train(facts: &Facts, sway: &mut impl FnMut() -> f64) -> Tensors {
    let mut w = start();
    let zeros = |w: &Tensors| -> Tensors {
        let row = |row: &Vec<f64>| vec![0.0; row.len()];
        w.iter().map(|m| m.iter().map(row).collect()).collect()
    };
    let (mut first, mut second) = (zeros(&w), zeros(&w));
    let mut order = rng("order", 0);
    for step in 0..STEPS {
        let (mut g, mut sizes) = (zeros(&w), zeros(&w));
        for k in order.choose(PAIRS, BATCH) {
            add_gradient(&w, facts, k, &mut g, &mut sizes);
        }
        // Over the last third of the steps the learning rate falls to 0.
        let rate = RATE * (3.0 * (STEPS - step) as f64 / STEPS as f64).min(1.0);
        let t = (step + 1) as i32;
        let terms = flat(&mut w)
            .zip(flat(&mut g))
            .zip(flat(&mut sizes))
            .zip(flat(&mut first))
            .zip(flat(&mut second));
        for ((((weight, g), size), m), v) in terms {
            // Sums over 3·16 rows, of products that went through four blocks forth and back, of some 2·(8 + 10) terms
            // each.
            *g += 200.0 * UNIT * *size * sway();
            *m = 0.9 * *m + 0.1 * *g;
            *v = 0.999 * *v + 0.001 * *g * *g;
            let [mean, square] = [*m / (1.0 - 0.9f64.powi(t)), *v / (1.0 - 0.999f64.powi(t))];
            *weight -= rate * mean / (square.sqrt() + 1e-8);
            *weight += 2.0 * UNIT * weight.abs() * sway();
        }
    }
    w
}
