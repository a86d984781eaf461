//! A product of two matrices on every instruction set of this machine, on one thread, with its rate.

use std::time::Instant;

use kernels::{Accumulate, Exec, Isa, MatMut, MatRef, matmul};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (m, n, k) = (512, 512, 512);
    let a: Vec<f32> = (0..m * k).map(|i| (i % 7) as f32 - 3.0).collect();
    let b: Vec<f32> = (0..k * n).map(|i| (i % 5) as f32 - 2.0).collect();
    let (a, b) = (MatRef::new(&a, m, k)?, MatRef::new(&b, k, n)?);
    let mut c = vec![0.0; m * n];
    for isa in Isa::available() {
        let exec = Exec::serial(isa);
        // The first call packs into fresh memory; the best of several is the rate.
        let best = (0..10)
            .map(|_| {
                let begun = Instant::now();
                let c = MatMut::from_rows(&mut c, n);
                matmul(exec, a, b, Accumulate::Replace, c);
                begun.elapsed().as_secs_f64()
            })
            .fold(f64::INFINITY, f64::min);
        let exact: f32 = (0..k).map(|p| a.at(0, p) * b.at(p, 0)).sum();
        assert_eq!(c[0], exact, "sums of small integers are exact");
        println!("{isa:>8}: {:.1} GFLOP/s", 2e-9 * (m * n * k) as f64 / best);
    }
    Ok(())
}
