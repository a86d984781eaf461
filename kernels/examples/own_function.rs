//! A function of your own, over a slice and fused into a matrix product: one body for every instruction set.

use kernels::elementwise::{Unary, unary};
use kernels::simd::Simd;
use kernels::{Accumulate, Bias, Exec, Isa, Map, MatMut, MatRef, matmul_with};

/// The squared rectifier, max(0, x)², as in Primer (So et al., arXiv 2109.08668).
#[derive(Clone, Copy)]
struct SquaredRelu;

impl Unary for SquaredRelu {
    const FLOPS: usize = 1;

    #[inline(always)]
    fn eval<S: Simd>(self, s: S, x: S::F32) -> S::F32 {
        let positive = s.max(s.splat(0.0), x);
        s.mul(positive, positive)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for isa in Isa::available() {
        let exec = Exec::serial(isa);

        let x = [-2.0, -1.0, 0.0, 1.0, 2.0, 3.0];
        let mut y = [0.0; 6];
        unary(exec, SquaredRelu, &x, &mut y);
        println!("{isa:>8}: f({x:?}) = {y:?}");

        // hidden = f(x·Wᵀ + b), the function applied while the rows of the product are in cache.
        let (w, b) = ([1.0, 0.0, 1.0, -1.0], [0.5, 0.0]);
        let mut hidden = [0.0; 6];
        matmul_with(
            exec,
            MatRef::new(&x, 3, 2)?,
            MatRef::new(&w, 2, 2)?.t(),
            (Bias(&b), Map(SquaredRelu)),
            Accumulate::Replace,
            MatMut::new(&mut hidden, 3, 2)?,
        );
        println!("{isa:>8}: f(x·Wᵀ + b) = {hidden:?}");
    }
    Ok(())
}
