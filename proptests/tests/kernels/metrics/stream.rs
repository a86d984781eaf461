//! Measures of samples, added up a batch at a time.

use kernels::metrics::Stream;
use kernels::{Exec, Isa, MatRef, SparseRef};
use proptest::prelude::*;
use proptests::{config, each_isa, panic_message, stream};

use super::{dot, view, wide};

/// Samples, reconstructions that resemble them, and codes.
#[derive(Clone, Debug)]
struct Batch {
    d: usize,
    n: usize,
    x: Vec<f32>,
    x_hat: Vec<f32>,
    codes: Vec<Vec<(u32, f32)>>,
}

impl Batch {
    /// Makes samples whose values are multiples of 2⁻¹⁰, so that adding an integer is exact.
    fn new(d: usize, n: usize, samples: usize, seed: u64) -> Batch {
        let mut next = stream(seed);
        let mut coarse = |size: f32| (size * next() * 1024.0).round() / 1024.0;
        let x: Vec<f32> = (0..samples * d).map(|_| coarse(1.0)).collect();
        let x_hat = x.iter().map(|x| x + coarse(0.3)).collect();
        // Stored zeros now and then, and elements that never fire.
        let codes = (0..samples)
            .map(|_| {
                let code = (0..n as u32).map(|j| (j, coarse(2.0).max(0.0)));
                code.filter(|&(j, f)| j % 3 != 1 && (f != 0.0 || j % 2 == 0))
                    .collect()
            })
            .collect();
        Batch {
            d,
            n,
            x,
            x_hat,
            codes,
        }
    }

    fn samples(&self) -> usize {
        self.codes.len()
    }

    /// Adds the samples `from..to` to the measures.
    fn add(&self, exec: Exec, measures: &mut Stream, from: usize, to: usize) {
        let mut starts = vec![0];
        let codes = &self.codes[from..to];
        starts.extend(codes.iter().scan(0, |sum, code| {
            *sum += code.len();
            Some(*sum)
        }));
        let (columns, values): (Vec<u32>, Vec<f32>) = codes.iter().flatten().copied().unzip();
        let codes = SparseRef::new(&starts, &columns, &values, self.n).unwrap();
        let cut = |values: &[f32]| values[from * self.d..to * self.d].to_vec();
        let (x, x_hat) = (cut(&self.x), cut(&self.x_hat));
        let shape = |values| MatRef::new(values, to - from, self.d).unwrap();
        measures.add(exec, shape(&x), shape(&x_hat), codes);
    }

    fn measure(&self, exec: Exec) -> Stream {
        let mut measures = Stream::new(self.d, self.n);
        self.add(exec, &mut measures, 0, self.samples());
        measures
    }
}

/// Returns every measure of a stream.
fn all(s: &Stream) -> [f64; 8] {
    [
        s.squared_error(),
        s.mse(),
        s.explained_variance(),
        s.l0(),
        s.l1(),
        s.cosine_similarity(),
        s.reconstruction_bias(),
        s.dead_fraction(),
    ]
}

prop_compose! {
    fn batch()(d in 1..40usize, n in 1..20usize, samples in 2..30usize, seed: u64) -> Batch {
        Batch::new(d, n, samples, seed)
    }
}

each_isa!(streams_match_the_definitions);
fn streams_match_the_definitions(isa: Isa) {
    proptest!(config(256), |(batch in batch())| {
        let (d, count) = (batch.d, batch.samples() as f64);
        let rows: Vec<(Vec<f64>, Vec<f64>)> =
            batch.x.chunks(d).zip(batch.x_hat.chunks(d)).map(|(x, y)| (wide(x), wide(y))).collect();
        let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        let error: f64 = rows.iter().map(|(x, y)| distance(x, y)).sum();
        let mean: Vec<f64> = (0..d).map(|k| rows.iter().map(|(x, _)| x[k]).sum::<f64>() / count).collect();
        let variance: f64 = rows.iter().map(|(x, _)| distance(x, &mean)).sum();
        let sum = |f: &dyn Fn(&[f64], &[f64]) -> f64| rows.iter().map(|(x, y)| f(x, y)).sum::<f64>();
        let cosine = |x: &[f64], y: &[f64]| {
            let size = (dot(x, x) * dot(y, y)).sqrt();
            if size == 0.0 { 0.0 } else { dot(x, y) / size }
        };
        let active: Vec<&(u32, f32)> = batch.codes.iter().flatten().filter(|(_, f)| *f != 0.0).collect();
        let dead = (0..batch.n as u32).filter(|j| active.iter().all(|(i, _)| i != j)).count();
        let want = [
            error / count,
            error / count / d as f64,
            1.0 - error / variance,
            active.len() as f64 / count,
            active.iter().map(|(_, f)| f64::from(f.abs())).sum::<f64>() / count,
            sum(&cosine) / count,
            sum(&|_, y| dot(y, y)) / sum(&dot),
            dead as f64 / batch.n as f64,
        ];
        let exec = Exec::serial(isa);
        let measures = batch.measure(exec);
        prop_assert_eq!(measures.samples(), batch.samples() as u64);
        for (got, want) in all(&measures).into_iter().zip(want) {
            // The variance may be small beside the terms whose difference it is.
            let near = (got - want).abs() <= 1e-10 * (1.0 + want.abs()) || got == want;
            prop_assert!(near || variance < 1e-6, "{got}, not {want}");
        }
    });
}

each_isa!(chunks_do_not_show);
/// Measures are the same to the bit however the samples are cut into batches, on every instruction set.
fn chunks_do_not_show(isa: Isa) {
    proptest!(config(256), |(batch in batch(), cuts in prop::collection::vec(0..30usize, 0..5))| {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(batch.samples())).collect();
        cuts.push(batch.samples());
        cuts.sort_unstable();
        let whole = batch.measure(Exec::default());
        let exec = Exec::serial(isa);
        let mut parts = Stream::new(batch.d, batch.n);
        let mut from = 0;
        for &to in &cuts {
            batch.add(exec, &mut parts, from, to);
            from = to;
        }
        prop_assert_eq!(&parts, &whole);
    });
}

each_isa!(explained_variance_is_the_same_after_a_translation);
/// Explained variance is the same for samples and reconstructions that are moved far from 0 together.
fn explained_variance_is_the_same_after_a_translation(isa: Isa) {
    proptest!(config(256), |(batch in batch(), by in -4096..4096i32)| {
        let moved = |values: &[f32]| values.iter().map(|v| v + by as f32).collect::<Vec<f32>>();
        let away = Batch { x: moved(&batch.x), x_hat: moved(&batch.x_hat), ..batch.clone() };
        prop_assume!(away.x.iter().zip(&batch.x).all(|(a, x)| a - by as f32 == *x));
        let exec = Exec::serial(isa);
        let (here, there) = (batch.measure(exec), away.measure(exec));
        prop_assert_eq!(here.explained_variance(), there.explained_variance());
        prop_assert_eq!(here.squared_error(), there.squared_error());
    });
}

each_isa!(reconstructions_known_in_closed_form);
fn reconstructions_known_in_closed_form(isa: Isa) {
    proptest!(config(256), |(batch in batch(), share in 0.1f32..2.0)| {
        let perfect = Batch { x_hat: batch.x.clone(), ..batch.clone() };
        let scaled = Batch { x_hat: batch.x.iter().map(|x| share * x).collect(), ..batch.clone() };
        let silent = batch.x.chunks(batch.d).filter(|x| x.iter().all(|x| *x == 0.0)).count();
        let exec = Exec::serial(isa);
        let measures = perfect.measure(exec);
        prop_assert_eq!((measures.mse(), measures.reconstruction_bias()), (0.0, 1.0));
        prop_assert!(measures.explained_variance() == 1.0 || batch.d == 1);
        let measures = scaled.measure(exec);
        prop_assert!((measures.reconstruction_bias() - f64::from(share)).abs() < 1e-6);
        let want = 1.0 - silent as f64 / batch.samples() as f64;
        prop_assert!((measures.cosine_similarity() - want).abs() < 1e-6);
    });
}

#[test]
fn no_samples_have_no_measures() {
    assert!(all(&Stream::new(3, 4)).iter().all(|m| m.is_nan()));
}

each_isa!(equal_samples_have_no_variance_to_explain);
fn equal_samples_have_no_variance_to_explain(isa: Isa) {
    let (x, x_hat) = ([1.0, 2.0, 2.0, 1.0, 2.0, 2.0], [0.5; 6]);
    for samples in [1, 2] {
        let of = |values| MatRef::new(values, 2, 3).unwrap().row_range(0..samples);
        let mut measures = Stream::new(3, 4);
        let starts = vec![0; samples + 1];
        let codes = SparseRef::new(&starts, &[], &[], 4).unwrap();
        measures.add(Exec::serial(isa), of(&x), of(&x_hat), codes);
        assert!(measures.explained_variance().is_nan());
        assert!(measures.mse() > 0.0);
    }
}

each_isa!(what_does_not_fit_is_named);
fn what_does_not_fit_is_named(isa: Isa) {
    let row = [1.0, 2.0, 2.0];
    let codes = SparseRef::new(&[0, 0], &[], &[], 5).unwrap();
    let message = panic_message(|| {
        Stream::new(3, 4).add(Exec::serial(isa), view(&row, 3), view(&row, 3), codes);
    });
    assert!(
        message.contains("in a stream of 3 and 4 values"),
        "{message}"
    );
}

each_isa!(nan_in_a_code_is_kept);
/// A NaN in a code reaches every measure of codes.
fn nan_in_a_code_is_kept(isa: Isa) {
    let exec = Exec::serial(isa);
    let mut batch = Batch::new(20, 6, 5, 1);
    batch.codes[2].push((5, f32::NAN));
    let m = batch.measure(exec);
    let measures = [m.l0(), m.l1(), m.dead_fraction()];
    assert!(measures.iter().all(|m| m.is_nan()), "{measures:?}");
    assert!(m.mse().is_finite());
}

each_isa!(nan_is_kept);
/// A NaN in a reconstruction reaches every measure of it.
fn nan_is_kept(isa: Isa) {
    let exec = Exec::serial(isa);
    let mut batch = Batch::new(20, 6, 5, 1);
    batch.x_hat[33] = f32::NAN;
    let m = batch.measure(exec);
    let measures = [
        m.mse(),
        m.explained_variance(),
        m.cosine_similarity(),
        m.reconstruction_bias(),
    ];
    assert!(measures.iter().all(|m| m.is_nan()), "{measures:?}");
}
