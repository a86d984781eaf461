//! Random features: unit directions among the neurons of a layer, each on a few of them.

use rand::RngExt as _;

use crate::phase::Phase;
use crate::rng::Rng;

/// The law of the entries of a feature before it is normalised: magnitudes uniform on (0, 1), and a share of positive
/// signs. The same random numbers give the same magnitudes at every share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entries {
    /// The probability that an entry is positive.
    pub positive_share: f64,
}

impl Entries {
    /// The law without negative entries.
    pub const POSITIVE: Entries = Entries::with(1.0);
    /// The law under which both signs are equally likely.
    pub const SIGNED: Entries = Entries::with(0.5);

    /// Returns the law under which an entry is positive with probability `positive_share`.
    pub const fn with(positive_share: f64) -> Self {
        Entries { positive_share }
    }

    fn draw(self, rng: &mut Rng) -> f64 {
        let magnitude: f64 = rng.random();
        match rng.random::<f64>() < self.positive_share {
            true => magnitude,
            false => -magnitude,
        }
    }
}

/// Features of unit norm, each non-zero on `k` of `n` neurons, in compressed rows.
#[derive(Debug, Clone)]
pub struct Features {
    n: usize,
    k: usize,
    neurons: Vec<u32>,
    entries: Vec<f32>,
}

impl Features {
    /// Draws `count` features, each on `k` random neurons of `n`. The first features are the same whatever `count` is.
    ///
    /// # Panics
    /// If `k` is 0 or exceeds `n`, or `n` does not fit 32 bits.
    pub fn draw(count: usize, k: usize, n: usize, law: Entries, rng: &mut Rng) -> Self {
        let _span = Phase::Data.begin();
        assert!((1..=n).contains(&k), "a feature on {k} of {n} neurons");
        let mut neurons = Vec::with_capacity(count * k);
        let mut entries = Vec::with_capacity(count * k);
        // Any order of the neurons is a fair start for the next choice.
        let mut all: Vec<u32> = (0..u32::try_from(n).expect("neurons fit 32 bits")).collect();
        let mut drawn = vec![0.0; k];
        for _ in 0..count {
            for i in 0..k {
                all.swap(i, i + rng.below(n - i));
            }
            // If all entries are zero, which has probability zero, they are drawn again.
            let norm = loop {
                drawn.iter_mut().for_each(|v| *v = law.draw(rng));
                let norm = drawn.iter().map(|v| v * v).sum::<f64>().sqrt();
                if norm > 0.0 {
                    break norm;
                }
            };
            neurons.extend(&all[..k]);
            neurons[entries.len()..].sort_unstable();
            entries.extend(drawn.iter().map(|v| (v / norm) as f32));
        }
        Features {
            n,
            k,
            neurons,
            entries,
        }
    }

    /// Returns the number of features.
    pub fn count(&self) -> usize {
        self.entries.len() / self.k
    }

    /// Returns the number of neurons of the layer.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Returns the number of neurons that each feature is on.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Returns the neurons of feature `i`, increasing, and its entries there.
    pub fn get(&self, i: usize) -> (&[u32], &[f32]) {
        let at = i * self.k..(i + 1) * self.k;
        (&self.neurons[at.clone()], &self.entries[at])
    }

    /// Returns feature `i` as a vector over all neurons.
    pub fn dense(&self, i: usize) -> Vec<f64> {
        let mut f = vec![0.0; self.n];
        let (neurons, entries) = self.get(i);
        for (&neuron, &entry) in neurons.iter().zip(entries) {
            f[neuron as usize] = f64::from(entry);
        }
        f
    }

    /// Returns the neurons of all features, `k` of each, one feature after the other.
    pub fn neurons(&self) -> &[u32] {
        &self.neurons
    }

    /// Returns the entries that go with [`neurons`](Features::neurons).
    pub fn entries(&self) -> &[f32] {
        &self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(count: usize, k: usize, n: usize, law: Entries) -> Features {
        Features::draw(
            count,
            k,
            n,
            law,
            &mut Rng::stream(1, "test", "features", k as u64),
        )
    }

    #[test]
    fn features_have_unit_norm_on_k_distinct_neurons_and_their_law_of_signs() {
        for law in [Entries::POSITIVE, Entries::SIGNED] {
            for k in [1, 2, 7, 20] {
                let features = draw(50, k, 20, law);
                assert_eq!(features.count(), 50);
                for i in 0..50 {
                    let (neurons, entries) = features.get(i);
                    assert!(neurons.is_sorted_by(|a, b| a < b) && neurons[k - 1] < 20);
                    let norm: f64 = features.dense(i).iter().map(|v| v * v).sum();
                    assert!((norm - 1.0).abs() < 1e-6, "{norm}");
                    assert!(law == Entries::SIGNED || entries.iter().all(|&v| v >= 0.0));
                }
                let negative = features.entries().iter().filter(|v| **v < 0.0).count();
                assert_eq!(negative > 0, law == Entries::SIGNED);
            }
        }
    }

    #[test]
    fn every_neuron_is_as_likely_and_the_first_features_do_not_depend_on_the_count() {
        let features = draw(10_000, 3, 10, Entries::SIGNED);
        let mut counts = [0u32; 10];
        features
            .neurons()
            .iter()
            .for_each(|&i| counts[i as usize] += 1);
        // Binomial(10,000, 0.3): standard deviation 46.
        assert!(
            counts.iter().all(|&c| c.abs_diff(3000) < 5 * 46),
            "{counts:?}"
        );
        assert_eq!(
            draw(5, 3, 10, Entries::SIGNED).entries(),
            &features.entries()[..15]
        );
    }

    #[test]
    fn families_differ_in_signs_alone_in_their_shares() {
        let all = draw(2000, 5, 20, Entries::POSITIVE);
        for share in [0.5, 0.7, 1.0] {
            let some = draw(2000, 5, 20, Entries::with(share));
            assert_eq!(some.neurons(), all.neurons());
            let pairs = || some.entries().iter().zip(all.entries());
            assert!(pairs().all(|(a, b)| a.abs() == *b));
            let positive = pairs().filter(|(a, _)| **a > 0.0).count() as f64;
            // Binomial(10,000, share): standard deviation 50 at most.
            assert!((positive - 10_000.0 * share).abs() <= 250.0, "{positive}");
        }
    }
}
