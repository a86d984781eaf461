//! The matrix product beside `faer` and `matrixmultiply`, as written and with a transposed operand.
//!
//! ```text
//! cargo bench -p benches --bench matmul
//! ```
//!
//! Per shape, `rounds` rounds of all contenders in turn, each beside the machine's FMA peak measured in
//! the same round, so that a noisy neighbour hits all alike: what counts is the table of ratios.

use std::hint::black_box;
use std::time::Instant;

use benches::{executions, fma_peak, median};
use kernels::{Accumulate, Exec, MatMut, MatRef, matmul};

/// m×k×n: cubes, then the products of our training steps.
const SHAPES: [[usize; 3]; 16] = [
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
];

/// Seconds that one measurement of one contender should take.
const SECONDS: f64 = 0.01;

fn main() {
    let rounds = 9;
    for (exec, pool) in executions() {
        pool.install(|| table(exec, pool.current_num_threads(), rounds));
    }
}

fn table(exec: Exec, threads: usize, rounds: usize) {
    let isa = exec.isa();
    println!("\n{isa}, {threads} thread(s), medians of {rounds} rounds, GFLOP/s");
    println!(
        "{:>16} {:>6} {:>6} {:>6} {:>6} {:>8} {:>7} {:>6} {:>6}",
        "m×k×n", "peak", "A·B", "faer", "mm", "of best", "of peak", "A·Bᵀ", "Aᵀ·B"
    );
    let (mut log_ratio, mut count) = (0.0, 0);
    for [m, k, n] in SHAPES {
        let row = Row::measure(exec, threads, rounds, [m, k, n]);
        println!(
            "{:>16} {:>6.1} {:>6.1} {:>6.1} {} {:>8.2} {:>7.2} {:>6.2} {:>6.2}",
            format!("{m}×{k}×{n}"),
            row.peak,
            row.ours,
            row.faer,
            row.matrixmultiply
                .map_or(format!("{:>6}", "–"), |v| format!("{v:>6.1}")),
            row.ratio,
            row.share,
            row.b_transposed,
            row.a_transposed,
        );
        log_ratio += row.ratio.ln();
        count += 1;
    }
    println!(
        "A·B against the faster peer, geometric mean: {:.3}; the last two columns are ratios to A·B",
        (log_ratio / f64::from(count)).exp()
    );
}

struct Row {
    peak: f64,
    ours: f64,
    faer: f64,
    matrixmultiply: Option<f64>,
    ratio: f64,
    share: f64,
    b_transposed: f64,
    a_transposed: f64,
}

impl Row {
    fn measure(exec: Exec, threads: usize, rounds: usize, [m, k, n]: [usize; 3]) -> Row {
        let values = |len: usize, by: usize| -> Vec<f32> {
            (0..len)
                .map(|i| (i * by % 101) as f32 / 50.0 - 1.0)
                .collect()
        };
        let (a, b) = (values(m * k, 7919), values(k * n, 104_729));
        let (mut c, mut peer) = (vec![0.0; m * n], vec![0.0; m * n]);
        let gflop = 2e-9 * (m * k * n) as f64;
        let repeats = (SECONDS / (gflop / (100.0 * threads as f64))).ceil() as usize;
        let time = |f: &mut dyn FnMut()| {
            let start = Instant::now();
            for _ in 0..repeats {
                f();
            }
            gflop * repeats as f64 / start.elapsed().as_secs_f64()
        };
        let view = |data, rows, cols| MatRef::new(data, rows, cols).unwrap();
        let ours = |c: &mut Vec<f32>, a: MatRef, b: MatRef| {
            matmul(
                exec,
                MatMut::new(c, m, n).unwrap(),
                Accumulate::Overwrite,
                a,
                b,
            );
            black_box(c.as_mut_ptr());
        };
        let parallelism = if threads == 1 {
            faer::Par::Seq
        } else {
            faer::Par::rayon(threads)
        };
        let faer = |c: &mut Vec<f32>| {
            faer::linalg::matmul::matmul(
                faer::MatMut::from_row_major_slice_mut(c, m, n),
                faer::Accum::Replace,
                faer::MatRef::from_row_major_slice(&a, m, k),
                faer::MatRef::from_row_major_slice(&b, k, n),
                1.0,
                parallelism,
            );
            black_box(c.as_mut_ptr());
        };
        // Built without threads: it takes part where one is used.
        let sgemm = |c: &mut Vec<f32>| {
            let (k, n) = (k as isize, n as isize);
            // SAFETY: row-major m×k, k×n and m×n matrices, as allocated above.
            unsafe {
                matrixmultiply::sgemm(
                    m,
                    k as usize,
                    n as usize,
                    1.0,
                    a.as_ptr(),
                    k,
                    1,
                    b.as_ptr(),
                    n,
                    1,
                    0.0,
                    c.as_mut_ptr(),
                    n,
                    1,
                );
            }
            black_box(c.as_mut_ptr());
        };

        ours(&mut c, view(&a, m, k), view(&b, k, n));
        for peer_product in [&faer as &dyn Fn(&mut Vec<f32>), &sgemm] {
            peer_product(&mut peer);
            // Two products of values below 1, each within γ_k of the true one.
            let tolerance = k as f32 * f32::EPSILON;
            assert!(
                c.iter()
                    .zip(&peer)
                    .all(|(c, peer)| (c - peer).abs() <= tolerance * k as f32),
                "the peers disagree at {m}×{k}×{n}"
            );
        }

        let mut rows: [Vec<f64>; 8] = Default::default();
        for _ in 0..rounds {
            let peak = fma_peak(exec.isa(), threads);
            let plain = time(&mut || ours(&mut c, view(&a, m, k), view(&b, k, n)));
            let faer = time(&mut || faer(&mut peer));
            let sgemm = if threads == 1 {
                time(&mut || sgemm(&mut peer))
            } else {
                0.0
            };
            let b_transposed = time(&mut || ours(&mut c, view(&a, m, k), view(&b, n, k).t()));
            let a_transposed = time(&mut || ours(&mut c, view(&a, k, m).t(), view(&b, k, n)));
            let round = [
                peak,
                plain,
                faer,
                sgemm,
                plain / faer.max(sgemm),
                plain / peak,
                b_transposed / plain,
                a_transposed / plain,
            ];
            for (row, value) in rows.iter_mut().zip(round) {
                row.push(value);
            }
        }
        let [
            peak,
            ours,
            faer,
            sgemm,
            ratio,
            share,
            b_transposed,
            a_transposed,
        ] = rows.map(median);
        Row {
            peak,
            ours,
            faer,
            matrixmultiply: (threads == 1).then_some(sgemm),
            ratio,
            share,
            b_transposed,
            a_transposed,
        }
    }
}
