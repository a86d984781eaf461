//! Random streams that can be drawn in any order, on any thread.
//!
//! A stream is ChaCha8 under the 256-bit key (seed, experiment, purpose, index): four 64-bit words,
//! the two names hashed by FNV-1a. Distinct keys give independent streams, so a cell of a grid draws
//! the same numbers whether it is computed first, last or alone.
//!
//! A stream is a generator of [`rand`], whose `random()` gives uniform numbers. The other distributions are defined
//! here: those of the library would give other bytes, and may give yet others in another version.

use std::convert::Infallible;

use rand::rngs::ChaCha8Rng;
use rand::{Rng as _, RngExt, SeedableRng, TryRng};

/// A random stream, keyed by seed, experiment, purpose and index.
#[derive(Debug)]
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// Returns the stream number `index` of `experiment` for `purpose` under `seed`.
    pub fn stream(seed: u64, experiment: &str, purpose: &str, index: u64) -> Self {
        let mut key = [0; 32];
        let words = [seed, fnv1a(experiment), fnv1a(purpose), index];
        for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Rng(ChaCha8Rng::from_seed(key))
    }

    /// Returns the number of heads among `tosses` fair coins: an exactly binomial number, drawn 64 coins at a time.
    pub fn heads(&mut self, tosses: u32) -> u32 {
        let words = (0..tosses / 64).map(|_| self.next_u64().count_ones());
        let heads = words.sum::<u32>();
        match tosses % 64 {
            0 => heads,
            rest => heads + (self.next_u64() >> (64 - rest)).count_ones(),
        }
    }

    /// Returns an integer drawn uniformly from {0, …, n − 1}, without bias (Lemire's method).
    ///
    /// # Panics
    /// If `n` is 0 or does not fit 32 bits.
    pub fn below(&mut self, n: usize) -> usize {
        let n = u32::try_from(n).expect("range of a random integer fits 32 bits");
        assert!(n > 0, "no integer is below 0");
        let threshold = n.wrapping_neg() % n;
        loop {
            let product = u64::from(self.next_u32()) * u64::from(n);
            if product as u32 >= threshold {
                return (product >> 32) as usize;
            }
        }
    }

    /// Returns a standard normal number, by Box and Muller's transform (one of the pair; the other is dropped so that a
    /// stream has no hidden state).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.random::<f64>()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.random::<f64>()).cos()
    }

    /// Returns `k` distinct integers out of {0, …, n − 1}, in random order.
    ///
    /// # Panics
    /// If `k > n`.
    pub fn choose(&mut self, n: usize, k: usize) -> Vec<usize> {
        assert!(k <= n, "cannot choose {k} out of {n}");
        let mut all: Vec<usize> = (0..n).collect();
        for i in 0..k {
            let j = i + self.below(n - i);
            all.swap(i, j);
        }
        all.truncate(k);
        all
    }

    /// Shuffles a slice, with every order equally likely.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

impl TryRng for Rng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.try_fill_bytes(bytes)
    }
}

/// Returns a uniformly distributed unit vector of `n` dimensions.
pub fn random_direction(n: usize, rng: &mut Rng) -> Vec<f64> {
    let mut f: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
    let norm = f.iter().map(|v| v * v).sum::<f64>().sqrt();
    f.iter_mut().for_each(|v| *v /= norm);
    f
}

/// Returns the 64-bit FNV-1a hash of a name.
fn fnv1a(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv1a_matches_its_published_vectors() {
        assert_eq!(fnv1a(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_stream_is_chacha8_and_uniform_numbers_are_its_upper_bits() {
        // These are the first words of the key stream of ChaCha8 under the zero key
        // (draft-strombergson-chacha-test-vectors-01).
        let zero = || Rng(ChaCha8Rng::from_seed([0; 32]));
        let published: [u8; 8] = [0x3e, 0x00, 0xef, 0x2f, 0x89, 0x5f, 0x40, 0xd6];
        assert_eq!(zero().next_u64().to_le_bytes(), published);
        let (mut zero, mut words) = (zero(), zero());
        assert_eq!(
            zero.random::<f64>(),
            (words.next_u64() >> 11) as f64 * 2f64.powi(-53)
        );
        assert_eq!(
            zero.random::<f32>(),
            (words.next_u32() >> 8) as f32 * 2f32.powi(-24)
        );
    }

    #[test]
    fn distributions_of_the_library_would_give_other_bytes() {
        // The smaller a range, the rarer a number that the two methods reject differently.
        const MOST: usize = 3_000_000_000;
        let rng = || Rng::stream(7, "test", "library", 0);
        let (mut ours, mut theirs) = (rng(), rng());
        let below: Vec<usize> = (0..100).map(|_| ours.below(MOST)).collect();
        let range: Vec<usize> = (0..100).map(|_| theirs.random_range(0..MOST)).collect();
        assert_ne!(below, range);
        let mut a: [usize; 50] = std::array::from_fn(|i| i);
        let mut b = a;
        rng().shuffle(&mut a);
        rand::seq::SliceRandom::shuffle(&mut b[..], &mut rng());
        assert_ne!(a, b);
        let sampled = rand::seq::index::sample(&mut rng(), 1000, 3).into_vec();
        assert_ne!(rng().choose(1000, 3), sampled);
    }

    #[test]
    fn every_part_of_the_key_changes_the_stream() {
        let first = |seed, experiment, purpose, index| {
            Rng::stream(seed, experiment, purpose, index).next_u64()
        };
        let base = first(1, "a", "b", 2);
        assert_eq!(base, first(1, "a", "b", 2));
        for other in [
            first(2, "a", "b", 2),
            first(1, "c", "b", 2),
            first(1, "a", "c", 2),
            first(1, "a", "b", 3),
            first(1, "b", "a", 2),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut rng = Rng::stream(7, "test", "moments", 0);
        let n = 200_000;
        let mean_and_variance = |values: Vec<f64>| {
            let mean = values.iter().sum::<f64>() / n as f64;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64;
            (mean, variance)
        };
        let near = |(mean, variance): (f64, f64), (m, v): (f64, f64)| {
            // The tolerance is five standard errors; the fourth moment of both laws is at most 3 variances squared.
            assert!(
                (mean - m).abs() < 5.0 * (v / n as f64).sqrt(),
                "mean {mean}"
            );
            assert!(
                (variance - v).abs() < 5.0 * v * (2.0 / n as f64).sqrt(),
                "var {variance}"
            );
        };
        near(
            mean_and_variance((0..n).map(|_| rng.random::<f64>()).collect()),
            (0.5, 1.0 / 12.0),
        );
        near(
            mean_and_variance((0..n).map(|_| rng.normal()).collect()),
            (0.0, 1.0),
        );
        near(
            mean_and_variance((0..n).map(|_| f64::from(rng.random::<f32>())).collect()),
            (0.5, 1.0 / 12.0),
        );
    }

    #[test]
    fn heads_are_binomial() {
        let mut rng = Rng::stream(7, "test", "heads", 0);
        assert_eq!(rng.heads(0), 0);
        for tosses in [1, 63, 64, 65, 200] {
            let draws: Vec<f64> = (0..20_000).map(|_| f64::from(rng.heads(tosses))).collect();
            let (mean, n) = (draws.iter().sum::<f64>() / 20_000.0, f64::from(tosses));
            let variance = draws.iter().map(|h| (h - mean).powi(2)).sum::<f64>() / 20_000.0;
            assert!(
                (mean - n / 2.0).abs() < 5.0 * (n / 4.0 / 20_000.0).sqrt(),
                "{mean} of {n}"
            );
            // The variance of a variance is at most 2σ⁴/draws: a binomial's tails are light.
            assert!((variance - n / 4.0).abs() < 5.0 * n / 4.0 * (2.0f64 / 20_000.0).sqrt());
        }
    }

    #[test]
    fn a_choice_is_distinct_and_in_range_and_every_item_is_as_likely() {
        let mut rng = Rng::stream(7, "test", "choose", 0);
        let mut counts = [0u32; 10];
        for _ in 0..10_000 {
            let mut chosen = rng.choose(10, 3);
            chosen.iter().for_each(|&i| counts[i] += 1);
            chosen.sort_unstable();
            chosen.dedup();
            assert_eq!(chosen.len(), 3);
        }
        // The counts are Binomial(10,000, 0.3), with a standard deviation of 46.
        assert!(
            counts.iter().all(|&c| c.abs_diff(3000) < 5 * 46),
            "{counts:?}"
        );
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..100).collect();
        Rng::stream(7, "test", "shuffle", 0).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
