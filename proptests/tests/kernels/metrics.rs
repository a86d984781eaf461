//! Measures of samples and of dictionaries against their definitions in f64.

mod cosines;
mod matching;
mod stream;

use kernels::MatRef;
use proptest::prelude::*;
use proptests::stream as numbers;

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

fn view(values: &[f32], cols: usize) -> MatRef<'_> {
    MatRef::new(values, values.len() / cols, cols).unwrap()
}

/// Two dictionaries.
#[derive(Clone, Debug)]
struct Pair {
    d: usize,
    a: Vec<f32>,
    b: Vec<f32>,
}

prop_compose! {
    fn pair(most: usize)(n in 1..=most, m in 1..=most, d in 1..70usize, seed: u64) -> Pair {
        let mut next = numbers(seed);
        let mut rows = |n: usize| (0..n).flat_map(|_| {
            let norm = 4f32.powf(next());
            (0..d).map(|_| norm * next()).collect::<Vec<_>>()
        }).collect();
        Pair { d, a: rows(n), b: rows(m) }
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let (a, b) = (wide(a), wide(b));
    dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
}
