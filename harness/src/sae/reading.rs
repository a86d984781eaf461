//! Measurements of a trained sparse autoencoder on more samples than fit its workspace at once: metrics of its
//! reconstructions, its codes, and its elements.

use kernels::metrics::Stream;
use kernels::sae::{self, Parameters, Workspace};
use kernels::{Exec, MatMut, MatRef, SparseRef, dictionary};
use rayon::prelude::*;

use crate::phase::Phase;

/// The number of samples encoded at once.
pub const CHUNK: usize = 512;

/// Returns all metrics of a model's reconstructions of `x`, B×d with contiguous rows.
pub fn measure(exec: Exec, parameters: &Parameters, x: MatRef) -> Stream {
    let _span = Phase::Metrics.begin();
    let shape = parameters.shape();
    let mut stream = Stream::new(shape.width, shape.dictionary);
    let mut room = vec![0f32; CHUNK.min(x.rows()) * shape.width];
    encode(exec, parameters, x, |_, chunk, codes| {
        let mut x_hat = MatMut::first(&mut room, chunk.rows(), shape.width);
        sae::decode(exec, parameters, codes, x_hat.reborrow());
        stream.add(exec, chunk, x_hat.as_ref(), codes);
    });
    stream
}

/// Returns `of_row(i)` for i = 0, …, `rows` − 1, in this order; all threads compute where the kernels run on all. Sums
/// over the result do not depend on the number of threads.
pub fn by_row<T: Send>(
    exec: Exec,
    rows: usize,
    of_row: impl Fn(usize) -> T + Send + Sync,
) -> Vec<T> {
    match exec.is_parallel() {
        true => (0..rows).into_par_iter().map(of_row).collect(),
        false => (0..rows).map(of_row).collect(),
    }
}

/// Returns the mean number of active entries of a code; NaN if an entry is not finite, which is neither active nor not.
pub fn l0(stream: &Stream) -> f64 {
    known(stream, stream.l0())
}

/// Returns the share of the elements that were active on no sample; NaN if an entry of a code is not finite.
pub fn dead_fraction(stream: &Stream) -> f64 {
    known(stream, stream.dead_fraction())
}

/// Returns `counted` if the sum over all entries shows that they are finite, else NaN.
fn known(stream: &Stream, counted: f64) -> f64 {
    match stream.l1().is_finite() {
        true => counted,
        false => f64::NAN,
    }
}

/// Returns a model's codes of `x`, B×d with contiguous rows, as a dense matrix, B×n.
pub fn dense_codes(exec: Exec, parameters: &Parameters, x: MatRef) -> Vec<f32> {
    let _span = Phase::Metrics.begin();
    let n = parameters.shape().dictionary;
    let mut dense = vec![0f32; x.rows() * n];
    encode(exec, parameters, x, |from, _, codes| {
        for (i, code) in dense[from * n..]
            .chunks_exact_mut(n)
            .take(codes.rows())
            .enumerate()
        {
            let (columns, values) = codes.row(i);
            for (&j, &value) in columns.iter().zip(values) {
                code[j as usize] = value;
            }
        }
    });
    dense
}

/// Returns x − b_dec for each row x of `x`.
pub fn centred(parameters: &Parameters, x: MatRef) -> Vec<f32> {
    let bias = parameters.b_dec();
    let less = |b: usize| x.row(b).iter().zip(bias).map(|(x, b)| x - b);
    (0..x.rows()).flat_map(less).collect()
}

/// Returns the elements of a model's dictionary at norm 1, n×d, in the order of the entries of codes.
pub fn elements(exec: Exec, parameters: &Parameters) -> Vec<f32> {
    let rows = parameters.dictionary();
    let mut unit: Vec<f32> = (0..rows.rows())
        .flat_map(|j| rows.row(j))
        .copied()
        .collect();
    dictionary::normalise(exec, MatMut::from_rows(&mut unit, rows.cols()));
    unit
}

/// Encodes `x`, [`CHUNK`] rows at a time: calls `each` with the index of the first of the rows, the rows, and their
/// codes.
fn encode(
    exec: Exec,
    parameters: &Parameters,
    x: MatRef,
    mut each: impl FnMut(usize, MatRef, SparseRef),
) {
    let room = CHUNK.min(x.rows());
    let mut workspace = Workspace::new(parameters.task(), parameters.variant(), room);
    for from in (0..x.rows()).step_by(CHUNK) {
        let chunk = x.row_range(from..x.rows().min(from + CHUNK));
        let codes = sae::encode(exec, parameters, chunk, &mut workspace);
        each(from, chunk, codes);
    }
}

#[cfg(test)]
mod tests {
    use kernels::Isa;
    use kernels::sae::{Shape, TopK, Variant};

    use super::*;

    #[test]
    fn a_code_that_is_not_finite_shows_in_counts() {
        let exec = Exec::serial(Isa::detect());
        let x = [1.0; 4];
        let x = MatRef::new(&x, 2, 2).unwrap();
        for broken in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for place in 0..3 {
                let mut values = [1.0, 2.0, 3.0];
                let codes = |values: &[f32]| {
                    let mut stream = Stream::new(2, 4);
                    let sparse = SparseRef::new(&[0, 1, 3], &[0, 0, 2], values, 4).unwrap();
                    stream.add(exec, x, x, sparse);
                    stream
                };
                let stream = codes(&values);
                assert_eq!((l0(&stream), dead_fraction(&stream)), (1.5, 0.5));
                values[place] = broken;
                let stream = codes(&values);
                assert!(l0(&stream).is_nan() && dead_fraction(&stream).is_nan());
            }
        }
    }

    #[test]
    fn samples_beyond_one_chunk_are_measured_too() {
        let exec = Exec::serial(Isa::detect());
        let shape = Shape {
            width: 2,
            dictionary: 2,
        };
        let mut parameters = Parameters::zeros(shape, Variant::TopK(TopK { k: 1, aux: None }));
        for mut matrix in parameters.tensors_mut(["w_dec", "w_enc"]) {
            matrix.row_mut(0)[0] = 1.0;
            matrix.row_mut(1)[1] = 1.0;
        }
        // Each sample has a large entry, which the code keeps, and a small one, which is lost.
        let samples = 2 * CHUNK + 1;
        let x: Vec<f32> = (0..samples)
            .flat_map(|i| if i % 3 == 0 { [2.0, 1.0] } else { [1.0, 4.0] })
            .collect();
        let x = MatRef::new(&x, samples, 2).unwrap();
        let stream = measure(exec, &parameters, x);
        let of_first = samples.div_ceil(3) as u64;
        assert_eq!(stream.samples(), samples as u64);
        assert_eq!(stream.firings(), [of_first, samples as u64 - of_first]);
        assert_eq!((stream.l0(), stream.squared_error()), (1.0, 1.0));
        let codes = dense_codes(exec, &parameters, x);
        for (i, code) in codes.chunks_exact(2).enumerate() {
            assert_eq!(code, if i % 3 == 0 { [2.0, 0.0] } else { [0.0, 4.0] });
        }
    }
}
