//! One matrix product, computed by our kernels and by all peers.

use std::hint::black_box;

use kernels::{Accumulate, Exec, MatMut, MatRef, matmul};

use crate::peers::{blas, faer_product, matrixmultiply_product, naive_product};

/// The sizes m×k×n of all products that are compared: cubes, then those of our training steps.
pub const SHAPES: [[usize; 3]; 17] = [
    [64, 64, 64],
    [128, 128, 128],
    [256, 256, 256],
    [512, 512, 512],
    [1024, 1024, 1024],
    [2048, 2048, 2048],
    [256, 100, 100],
    [100, 256, 100],
    [512, 128, 128],
    [128, 512, 128],
    [1024, 500, 500],
    [500, 1024, 500],
    [5000, 100, 100],
    [1024, 512, 2048],
    [2048, 512, 4096],
    [512, 2048, 4096],
    [16_384, 100, 16_384],
];

/// The sizes of gradients of weights, which training computes as Aᵀ·B. All other sizes except the cubes it computes as
/// A·Bᵀ.
pub const GRADIENTS: [[usize; 3]; 4] = [
    [100, 256, 100],
    [128, 512, 128],
    [500, 1024, 500],
    [512, 2048, 4096],
];

/// The largest number of terms m·k·n of a product that is also computed by the naive loop, which takes seconds beyond
/// it.
pub const NAIVE: usize = 1 << 24;

/// The contenders that are our own: the product as written, and with a transposed operand.
pub const OURS: [&str; 3] = ["A·B", "A·Bᵀ", "Aᵀ·B"];

/// The operands of one product, and the way to execute it.
pub struct Case {
    exec: Exec,
    threads: usize,
    shape: [usize; 3],
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
}

impl Case {
    /// Makes operands with values in [−1, 1], and checks each peer's product once against ours.
    ///
    /// # Panics
    /// If two products disagree.
    pub fn new(exec: Exec, threads: usize, shape: [usize; 3]) -> Case {
        let [m, k, n] = shape;
        let values = |len: usize, by: usize| -> Vec<f32> {
            let value = |i| (i * by % 101) as f32 / 50.0 - 1.0;
            (0..len).map(value).collect()
        };
        let mut case = Case {
            exec,
            threads,
            shape,
            a: values(m * k, 7919),
            b: values(k * n, 104_729),
            c: vec![0.0; m * n],
        };
        case.run(OURS[0]);
        let ours = case.c.clone();
        // Two products of values up to 1 in size, each within γ_k·k of the true one.
        let tolerance = k as f32 * f32::EPSILON * k as f32;
        for contender in case.contenders().into_iter().filter(|c| !OURS.contains(c)) {
            if contender == "naive" && m * k * n > NAIVE {
                continue;
            }
            case.run(contender);
            let near = |(a, b): (&f32, &f32)| (a - b).abs() <= tolerance;
            assert!(
                ours.iter().zip(&case.c).all(near),
                "{contender} disagrees at {m}×{k}×{n}"
            );
        }
        case
    }

    /// Returns the names of the contenders. Peers that use one thread are left out where there are several threads, and
    /// peers for small matrices where the matrices are large.
    pub fn contenders(&self) -> Vec<&'static str> {
        let mut names = OURS.to_vec();
        names.push("faer");
        if self.threads == 1 {
            names.extend(["matrixmultiply", "naive"]);
        }
        let takes = |blas: &&blas::Blas| blas.takes(self.shape, self.threads);
        names.extend(blas::here().filter(takes).map(|blas| blas.name));
        names
    }

    /// Computes the product by `contender`. Call it inside the thread pool that the product is to use.
    ///
    /// # Panics
    /// If there is no such contender.
    pub fn run(&mut self, contender: &str) {
        let [m, k, n] = self.shape;
        let (a, b) = (MatRef::first(&self.a, m, k), MatRef::first(&self.b, k, n));
        let c = MatMut::from_rows(&mut self.c, n);
        let ours = |c, a, b| matmul(self.exec, a, b, Accumulate::Replace, c);
        match contender {
            "A·B" => ours(c, a, b),
            "A·Bᵀ" => ours(c, a, MatRef::first(&self.b, n, k).t()),
            "Aᵀ·B" => ours(c, MatRef::first(&self.a, k, m).t(), b),
            "faer" => faer_product(self.threads, c, false, a, b),
            "matrixmultiply" => matrixmultiply_product(c, a, b),
            "naive" => naive_product(c, false, a, b),
            _ => {
                let blas = blas::here().find(|blas| blas.name == contender);
                let blas = blas.unwrap_or_else(|| panic!("there is no contender {contender}"));
                blas.product(self.threads, c, a, b);
            }
        }
        black_box(self.c.as_mut_ptr());
    }
}
