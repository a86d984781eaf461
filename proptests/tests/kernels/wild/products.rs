//! Matrix products, gathers, scatters and column sums.

use kernels::{Accumulate, Bias, Isa, MatRef, embedding, matmul_with, reduce};
use proptest::prelude::*;
use proptests::bounded::gamma;
use proptests::wild::{Placed, any_kind, assert_same};
use proptests::{config, each_isa};

use super::{on_threads, place};

/// The values that a sum of terms may have in f32, in any order, with or without fused products.
#[derive(Default)]
struct Sum {
    value: f64,
    size: f64,
    terms: usize,
    nan: bool,
    infinite: [bool; 2],
}

impl Sum {
    fn add(&mut self, term: f64) {
        self.nan |= term.is_nan();
        if term.is_infinite() {
            self.infinite[usize::from(term < 0.0)] = true;
        } else if term.is_finite() {
            self.value += term;
            self.size += term.abs();
        }
        self.terms += 1;
    }

    /// Returns the bound γ_n times the sizes, and half the least subnormal for each rounding.
    fn error(&self) -> f64 {
        gamma(self.terms) * self.size + self.terms as f64 * 2f64.powi(-150)
    }

    fn accepts(&self, got: f32) -> bool {
        let overflows = self.size + self.error() >= f64::from(f32::MAX);
        match (self.nan, self.infinite) {
            (true, _) | (_, [true, true]) => got.is_nan(),
            // Finite terms may overflow with the other sign.
            (_, [true, false]) => got == f32::INFINITY || overflows && got.is_nan(),
            (_, [false, true]) => got == f32::NEG_INFINITY || overflows && got.is_nan(),
            _ if !got.is_finite() => overflows,
            _ => (f64::from(got) - self.value).abs() <= self.error(),
        }
    }
}

fn turn(m: MatRef<'_>, yes: bool) -> MatRef<'_> {
    if yes { m.t() } else { m }
}

each_isa!(products);
fn products(isa: Isa) {
    proptest!(config(200), |(
        (m, k, n) in prop_oneof![
            (0..40usize, 0..40usize, 0..70usize),
            // Rows for several threads, or depth and columns for several blocks.
            (100..300usize, 1..30usize, 100..200usize),
            (1..9usize, 500..600usize, 1..40usize),
        ],
        kinds in (any_kind(), any_kind(), any_kind()),
        places in (place(), place(), place(), place()),
        transposed in any::<[bool; 2]>(),
        add: bool,
        threads in 1..5usize,
        seed: u64,
    )| {
        let swap = |(r, c): (usize, usize), yes: bool| if yes { (c, r) } else { (r, c) };
        let a = Placed::new(swap((m, k), transposed[0]), places.0, kinds.0.stream(seed));
        let b = Placed::new(swap((k, n), transposed[1]), places.1, kinds.1.stream(seed ^ 1));
        let c = Placed::new((m, n), places.2, kinds.2.stream(seed ^ 2));
        let bias = Placed::new((1, n), places.3, kinds.2.stream(seed ^ 3));
        let (va, vb) = (turn(a.view(), transposed[0]), turn(b.view(), transposed[1]));
        let before = c.values();
        let accumulate = if add { Accumulate::Add } else { Accumulate::Replace };
        let got = on_threads(isa, threads, |exec| {
            let mut c = c.clone();
            let (a, b) = (turn(a.view(), transposed[0]), turn(b.view(), transposed[1]));
                matmul_with(exec, a, b, Bias(bias.slice()), accumulate, c.view_mut());
            c.values()
        });
        for i in 0..m {
            for j in 0..n {
                let mut sum = Sum::default();
                (0..k).for_each(|p| sum.add(f64::from(va.at(i, p)) * f64::from(vb.at(p, j))));
                if add {
                    sum.add(f64::from(before[i * n + j]));
                }
                sum.add(f64::from(bias.slice()[j]));
                let got = got[i * n + j];
                prop_assert!(sum.accepts(got), "({i}, {j}): {got:e} for {} ± {:e}", sum.value, sum.error());
            }
        }
    });
}

each_isa!(gathers_scatters_and_column_sums);
/// There is one sum a value, or sums in one order, so there is one right answer.
fn gathers_scatters_and_column_sums(isa: Isa) {
    proptest!(config(200), |(
        (first, second, cols, batch) in (1..6usize, 1..6usize, 0..40usize, 0..20usize),
        kind in any_kind(),
        places in (place(), place(), place()),
        threads in 1..4usize,
        seed: u64,
    )| {
        let one = Placed::new((first, cols), places.0, kind.stream(seed));
        let two = Placed::new((second, cols), places.1, kind.stream(seed ^ 1));
        let out = Placed::new((batch, cols), places.2, kind.stream(seed ^ 2));
        let pairs: Vec<[u32; 2]> = (0..batch as u32)
            .map(|b| [b * b % first as u32, (b + seed as u32 % 7) % second as u32])
            .collect();
        let mut sums = vec![0.0f32; cols];
        let (mut gathered, [mut d_one, mut d_two]) = (vec![], [one.values(), two.values()]);
        for (b, &[i, j]) in pairs.iter().enumerate() {
            let (i, j) = (i as usize, j as usize);
            for c in 0..cols {
                let d = out.view().at(b, c);
                gathered.push(one.view().at(i, c) + two.view().at(j, c));
                d_one[i * cols + c] += d;
                d_two[j * cols + c] += d;
                sums[c] += d;
            }
        }
        let got = on_threads(isa, threads, |exec| {
            let mut to = out.clone();
            embedding::forward(exec, one.view(), two.view(), &pairs, to.view_mut());
            to.values()
        });
        assert_same("gathered", &got, &gathered);
        let got = on_threads(isa, threads, |exec| {
            let (mut one, mut two) = (one.clone(), two.clone());
                embedding::backward_add(exec, out.view(), &pairs, one.view_mut(), two.view_mut());
            [one.values(), two.values()].concat()
        });
        assert_same("scattered", &got, &[&d_one[..], &d_two].concat());
        let got = on_threads(isa, threads, |exec| {
            let mut to = Placed::new((1, cols), places.0, || 7.0);
            reduce::column_sums(exec, out.view(), to.slice_mut());
            to.values()
        });
        assert_same("summed", &got, &sums);
    });
}
