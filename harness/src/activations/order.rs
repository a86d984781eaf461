//! A random order of very many rows, without a table of them: a keyed permutation of row numbers.
//!
//! The permutation is a Feistel network over the fewest bits that hold all numbers, walked until it lands on one of
//! them (Black and Rogaway, Ciphers with arbitrary finite domains, 2002): a bijection for any key, each place of which
//! is found by itself. So a batch is named by its number alone, and an interrupted training sees the same batches.

/// A pseudorandom order of the numbers 0, …, n − 1, given by a key.
#[derive(Debug, Clone)]
pub struct Order {
    len: u64,
    /// The number of bits of half of a number.
    half: u32,
    keys: [u64; ROUNDS],
}

/// The number of rounds of the network. Four make it a permutation that no test of few places tells from a random one
/// (Luby and Rackoff); these are some more, since halves may have few bits.
const ROUNDS: usize = 8;

impl Order {
    /// Returns the order of `len` numbers under the key (`seed`, `index`).
    ///
    /// # Panics
    /// If `len` is 0, or more than 2⁶².
    pub fn new(len: u64, seed: u64, index: u64) -> Order {
        assert!((1..=1 << 62).contains(&len), "an order of {len} numbers");
        let bits = (u64::BITS - (len - 1).leading_zeros()).max(2);
        let mut state = mix(seed ^ 0x9e37_79b9_7f4a_7c15).wrapping_add(mix(!index));
        let keys = std::array::from_fn(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            mix(state)
        });
        Order {
            len,
            half: bits.div_ceil(2),
            keys,
        }
    }

    /// Returns the number at a place.
    ///
    /// # Panics
    /// If the place is not below the length.
    pub fn at(&self, place: u64) -> u64 {
        assert!(place < self.len, "place {place} of {}", self.len);
        let mut number = place;
        loop {
            number = self.network(number);
            if number < self.len {
                return number;
            }
        }
    }

    fn network(&self, number: u64) -> u64 {
        let mask = (1 << self.half) - 1;
        let (mut left, mut right) = (number >> self.half, number & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (mix(right ^ key) & mask));
        }
        left << self.half | right
    }
}

/// Returns the hash of a number by the finaliser of SplitMix64 (Steele, Lea and Flood, Fast splittable pseudorandom
/// number generators, 2014).
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_one_place_and_keys_give_other_orders() {
        for len in (1..70).chain([255, 256, 257, 1000, 4096, 5000]) {
            let order = Order::new(len, 3, 0);
            let mut numbers: Vec<u64> = (0..len).map(|place| order.at(place)).collect();
            let shuffled = numbers.clone();
            numbers.sort_unstable();
            assert!(numbers.into_iter().eq(0..len), "{len}");
            if len >= 255 {
                for other in [Order::new(len, 4, 0), Order::new(len, 3, 1)] {
                    let same = (0..len).filter(|&i| other.at(i) == shuffled[i as usize]);
                    // One is expected to stay by chance.
                    assert!(same.count() < 12, "{len}");
                }
            }
        }
    }

    /// Over many keys, every number comes to every place equally often, up to chance.
    #[test]
    fn numbers_are_spread_evenly_over_places() {
        const N: u64 = 12;
        const KEYS: u64 = 24_000;
        let mut counts = vec![0f64; (N * N) as usize];
        for key in 0..KEYS {
            let order = Order::new(N, key, 7);
            for place in 0..N {
                counts[(place * N + order.at(place)) as usize] += 1.0;
            }
        }
        let expected = (KEYS / N) as f64;
        let chi2: f64 = counts
            .iter()
            .map(|c| (c - expected).powi(2) / expected)
            .sum();
        // There are (N − 1)² degrees of freedom: mean 121, deviation 15.6; beyond 200 once in a million keys.
        assert!(chi2 < 200.0, "χ² = {chi2}");
    }

    #[test]
    fn the_largest_order_is_one() {
        let order = Order::new(1 << 62, 1, 1);
        assert!(order.at(0) != order.at(1) && order.at((1 << 62) - 1) < 1 << 62);
    }
}
