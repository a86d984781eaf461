//! ΔR² of a feature A while another one, B, is on at a fixed level, by what B puts on the neurons of A.
//!
//! Whatever else B is on, along A only what it adds to the k neurons of A matters: a vector of some length, which is
//! the same in every case, times a direction among these neurons.

use rand::RngExt as _;

use crate::experiments::one_layer::integrals::Quadrature;
use crate::experiments::one_layer::response_curve::gelu;
use crate::rng::Rng;
use crate::table::record::Word as _;

crate::words! {
    /// The direction of B among the neurons of A.
    pub enum Overlap {
        /// The direction of A itself.
        Same,
        /// A direction on half of the neurons of A, rounded down; one neuron at least.
        Half,
        /// A direction on a quarter of the neurons of A, rounded down; one neuron at least.
        Quarter,
        /// A direction on all neurons of A, with positive entries of its own.
        #[strum(serialize = "positive entries")]
        PositiveEntries,
        /// A direction on all neurons of A, with entries of both signs.
        #[strum(serialize = "both signs")]
        BothSigns,
    }
}

impl Overlap {
    /// Returns the overlaps in part, all but [`Overlap::Same`].
    pub fn partial() -> impl Iterator<Item = Overlap> {
        Overlap::ALL.iter().copied().filter(|&o| o != Overlap::Same)
    }

    /// Returns whether `k` neurons have such a part: fewer than four have no quarter, and fewer than two no half.
    pub fn is_part_of(self, k: usize) -> bool {
        match self {
            Overlap::Quarter => k >= 4,
            Overlap::Half => k >= 2,
            Overlap::Same | Overlap::PositiveEntries | Overlap::BothSigns => true,
        }
    }
}

/// A feature A and the direction of B among its k neurons, both of unit norm.
pub(super) struct Pair {
    a: Vec<f64>,
    b: Vec<f64>,
}

impl Pair {
    /// Draws a random pair: the entries of A are uniform on (0, 1), normalised, and so are those of B where it has its
    /// own. The same random numbers give the same A in every case.
    pub fn draw(k: usize, overlap: Overlap, rng: &mut Rng) -> Self {
        let mut positive = || (0..k).map(|_| rng.random::<f64>()).collect::<Vec<f64>>();
        let (a, own) = (positive(), positive());
        let first_of = |count: usize, rng: &mut Rng| {
            let on = rng.choose(k, count.max(1));
            (0..k)
                .map(|i| if on.contains(&i) { own[i] } else { 0.0 })
                .collect()
        };
        let b = match overlap {
            Overlap::Same => a.clone(),
            Overlap::Half => first_of(k / 2, rng),
            Overlap::Quarter => first_of(k / 4, rng),
            Overlap::PositiveEntries => own.clone(),
            Overlap::BothSigns => {
                let sign = |&v: &f64| if rng.heads(1) == 1 { v } else { -v };
                own.iter().map(sign).collect()
            }
        };
        Pair {
            a: unit(a),
            b: unit(b),
        }
    }

    /// Returns the output along A at level reach·√k·t, with B on at level·√k.
    pub fn response(&self, reach: f64, level: f64, t: f64) -> f64 {
        let root = (self.a.len() as f64).sqrt();
        let neurons = self.a.iter().zip(&self.b);
        let outputs = neurons.map(|(a, b)| a * gelu(root * (reach * t * a + level * b)));
        outputs.sum()
    }

    /// Returns ΔR² of the [`response`](Pair::response) over t.
    pub fn delta_r2(&self, reach: f64, level: f64, quadrature: &Quadrature) -> f64 {
        quadrature.delta_r2(|t| self.response(reach, level, t))
    }
}

fn unit(f: Vec<f64>) -> Vec<f64> {
    let norm = f.iter().map(|v| v * v).sum::<f64>().sqrt();
    f.into_iter().map(|v| v / norm).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn a_part_of_the_neurons_is_as_large_as_its_name_says() {
        for k in 2..40 {
            for (overlap, parts) in [(Overlap::Half, 2), (Overlap::Quarter, 4)] {
                let pair = Pair::draw(k, overlap, &mut Rng::stream(k as u64, "test", "pair", 0));
                let on = pair.b.iter().filter(|v| **v != 0.0).count();
                assert_eq!(on == k / parts, overlap.is_part_of(k), "{overlap} of {k}");
            }
        }
    }
}
