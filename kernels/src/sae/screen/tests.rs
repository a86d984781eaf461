//! Tests that bounds hold for the very numbers that the product gives, and exclude most of them.

use super::*;
use crate::machine::isa::Isa;
use crate::matrix::matmul::{Accumulate, Bias, matmul_with};
use crate::matrix::view::MatMut;
use crate::sae::{Parameters, Shape, TopK, Variant, Workspace, encode};

/// Samples, an encoder and its biases, all of random numbers. The columns of the samples differ in size.
struct Case {
    shape: (usize, usize, usize),
    x: Vec<f32>,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Case {
    fn new(rows: usize, n: usize, d: usize, spread: f32) -> Case {
        let mut state = 1u64;
        // The sum of four numbers of twelve random bits each is nearly normal.
        let mut normal = || {
            let numbers = (0..4).map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 52) as f32 / 4096.0 - 0.5
            });
            numbers.sum::<f32>()
        };
        let scale = |i: usize| spread.powf((i % d) as f32 / d as f32);
        Case {
            shape: (rows, n, d),
            x: (0..rows * d).map(|i| scale(i) * normal()).collect(),
            weights: (0..n * d).map(|_| normal()).collect(),
            bias: (0..n).map(|_| normal()).collect(),
        }
    }

    fn matrices(&self) -> (MatRef<'_>, MatRef<'_>) {
        let (rows, n, d) = self.shape;
        let weights = MatRef::first(&self.weights, n, d);
        (MatRef::first(&self.x, rows, d), weights)
    }

    /// Returns the bounds of all pre-activations.
    fn bounds(&self, exec: Exec, dot: Dot8) -> Vec<f32> {
        let (rows, n, d) = self.shape;
        let (x, weights) = self.matrices();
        let mut all = Vec::new();
        let massive = massive::columns(x);
        let encoder = Encoder {
            dot,
            weights,
            bias: &self.bias,
            massive: &massive,
        };
        panels::pack(exec, encoder, &mut all);
        let batch = Batch {
            encoder,
            panels: &all,
            most: Most::of(&all),
        };
        let tiles = rows.next_multiple_of(ROWS);
        let stride = all.len() * COLUMNS;
        let mut bounds = vec![0.0; tiles * stride];
        exec.isa().dispatch(Bound {
            batch: &batch,
            x,
            bytes: &mut vec![0; tiles * depth(d)],
            rest: &mut vec![0.0; d],
            bounds: &mut bounds,
            stride,
        });
        let rows = bounds.chunks_exact(stride).take(rows);
        rows.flat_map(|row| row[..n].to_vec()).collect()
    }

    /// Returns all pre-activations.
    fn product(&self, exec: Exec) -> Vec<f32> {
        let (rows, n, _) = self.shape;
        let (x, weights) = self.matrices();
        let mut product = vec![0.0; rows * n];
        let out = MatMut::first(&mut product, rows, n);
        let bias = Bias(&self.bias);
        matmul_with(exec, x, weights.t(), bias, Accumulate::Replace, out);
        product
    }
}

fn ways(isa: Isa) -> impl Iterator<Item = Dot8> {
    [Dot8::Plain].into_iter().chain(Dot8::of(isa))
}

fn no_value_is_above_its_bound(case: &Case) {
    for isa in Isa::available() {
        let exec = Exec::serial(isa);
        let product = case.product(exec);
        for dot in ways(isa) {
            let bounds = case.bounds(exec, dot);
            for (value, bound) in product.iter().zip(bounds) {
                let shape = case.shape;
                // A bound that is NaN excludes nothing.
                assert!(
                    bound.is_nan() || bound >= *value,
                    "{isa}, {dot:?}, {shape:?}: {value} above {bound}"
                );
            }
        }
    }
}

#[test]
fn no_pre_activation_is_above_its_bound() {
    for (rows, n, d) in [(1, 16, 1), (7, 48, 5), (32, 80, 64), (9, 32, 700)] {
        for spread in [1.0, 1e3, 1e-12, 1e25] {
            no_value_is_above_its_bound(&Case::new(rows, n, d, spread));
        }
    }
}

/// Bytes stand for these rows exactly, and the sums of the product round the same way at every step.
#[test]
fn bounds_hold_for_what_the_product_rounds() {
    for i in 0..16 {
        let mut case = Case::new(8, 16, 6000, 1.0);
        case.x.fill(1.0 + i as f32 / 17.0);
        case.weights.fill(1.3);
        case.bias.fill(0.0);
        no_value_is_above_its_bound(&case);
    }
}

/// Products are about as large as the last digit of the biases.
#[test]
fn bounds_hold_for_what_the_bias_rounds() {
    let mut case = Case::new(32, 80, 64, 1.0);
    case.x.iter_mut().for_each(|x| *x *= 1e-5);
    case.bias.iter_mut().for_each(|bias| *bias *= 1e3);
    no_value_is_above_its_bound(&case);
}

/// Every term of a bound is a little less than half of the bias's last digit, and is lost when it is added: the terms
/// of eight massive columns, and of what the bytes leave out of the sample and of the weights.
#[test]
fn bounds_hold_where_every_term_is_lost_beside_the_bias() {
    const D: usize = 24;
    let mut x = [51.0 / 127.0; D];
    let mut weights = [0.0; D];
    x[..8].fill(4.0);
    weights[..8].fill(0.499 / 4.0);
    // A weight that is rounded to 0, and a value that is, beside the largest weight.
    (x[8], weights[8]) = (1.0, 0.25);
    (x[9], weights[9]) = (0.495 / 127.0, 0.45 / (0.495 / 127.0));
    no_value_is_above_its_bound(&Case {
        shape: (8, 16, D),
        x: x.repeat(8),
        weights: weights.map(|w| w * f32::EPSILON).repeat(16),
        bias: vec![1.0; 16],
    });
}

/// Samples and weights are NaNs of different bits, and the product has the bits of the one or the other, as the
/// compiler chose.
#[test]
fn codes_that_are_nan_are_the_same_either_way() {
    let shape = Shape {
        width: 1,
        dictionary: 16,
    };
    let variant = Variant::TopK(TopK { k: 3, aux: None });
    for isa in Isa::available() {
        let mut parameters = Parameters::initial(shape, variant, || 1.0);
        let [mut weights] = parameters.tensors_mut(["w_enc"]);
        for j in 0..16 {
            weights.row_mut(j as usize)[0] = f32::from_bits(0x7fc0_0064 + j);
        }
        // Nine rows take tiles of several heights.
        const ROWS: usize = 9;
        let x = [f32::from_bits(0xffc0_0001); ROWS];
        for rows in [1, 2, ROWS] {
            for screening in [Screening::Never, Screening::Always] {
                let mut workspace = Workspace::new(shape, variant, rows);
                workspace.set_screening(screening);
                let x = MatRef::first(&x, rows, 1);
                let codes = encode(Exec::serial(isa), &parameters, x, &mut workspace);
                for row in 0..rows {
                    let (columns, values) = codes.row(row);
                    assert_eq!(columns, [0, 1, 2], "{isa}, {screening:?}");
                    let bits: Vec<u32> = values.iter().map(|value| value.to_bits()).collect();
                    assert_eq!(bits, [f32::NAN.to_bits(); 3]);
                }
            }
        }
    }
}

/// Few of 512 normal pre-activations have a bound that reaches the eighth largest of them. Codes would be right with
/// bounds that exclude nothing, too, so other tests do not show this.
#[test]
fn bounds_exclude_most_pre_activations() {
    let mut case = Case::new(16, 512, 256, 1.0);
    few_bounds_reach_the_eighth_largest(&case);
    // Two massive columns, whose weights are as much smaller; without offsets, which would dwarf all else.
    for (column, size) in [(3, 300.0), (77, 1e4)] {
        case.x
            .iter_mut()
            .skip(column)
            .step_by(256)
            .for_each(|x| *x *= size);
        let weights = case.weights.iter_mut().skip(column).step_by(256);
        weights.for_each(|w| *w /= size);
    }
    few_bounds_reach_the_eighth_largest(&case);
}

fn few_bounds_reach_the_eighth_largest(case: &Case) {
    for isa in Isa::available() {
        let exec = Exec::serial(isa);
        let product = case.product(exec);
        for dot in ways(isa) {
            let bounds = case.bounds(exec, dot);
            for (values, bounds) in product.chunks_exact(512).zip(bounds.chunks_exact(512)) {
                let mut values = values.to_vec();
                values.sort_by(|a, b| b.total_cmp(a));
                let candidates = bounds.iter().filter(|&&bound| bound >= values[7]).count();
                assert!(
                    (8..100).contains(&candidates),
                    "{isa}, {dot:?}: {candidates}"
                );
            }
        }
    }
}
