//! The identity ‖c‖₁ = ‖x‖ / (mean cosine of the atoms with x, weighted by activity), for codes c that reconstruct x.

use crate::rng::{Rng, random_direction};
use crate::sae::minimum_l1::{Bases, Dictionary, dot, norm};
use rand::RngExt as _;

/// The number of codes of each seed that are written to the table, once with weighted and once with unweighted means.
pub const SHOWN: usize = 200;

/// A dictionary, a target and a code that reconstructs it.
#[derive(Debug)]
pub struct Drawn {
    dictionary: Dictionary,
    x: Vec<f64>,
    code: Vec<f64>,
    /// Whether the code is the cheapest of the target.
    cheapest: bool,
}

/// Draws `count` random dictionaries of 3 to 12 atoms in 2 to 6 dimensions with a random code each; every other code is
/// replaced by the cheapest one of its target.
pub fn codes(count: usize, rng: &mut Rng) -> Vec<Drawn> {
    (0..count)
        .map(|i| {
            let m = 2 + rng.below(5);
            let n = m + 1 + rng.below(12 - m);
            let atoms = (0..n).flat_map(|_| random_direction(m, rng)).collect();
            let dictionary = Dictionary::new(m, atoms);
            let mut code = vec![0.0; n];
            let active = 1 + rng.below(n);
            for j in rng.choose(n, active) {
                code[j] = rng.random::<f64>();
            }
            let mut x = dictionary.decode(&code);
            let cheapest = i % 2 == 0;
            if cheapest {
                code = Bases::new(&dictionary).cheapest(&x).expect("it was built");
                // Weights that were 0 up to rounding are 0 now, which moves what is reconstructed by as much.
                x = dictionary.decode(&code);
            }
            Drawn {
                dictionary,
                x,
                code,
                cheapest,
            }
        })
        .collect()
}

crate::words! {
    /// The origin of a code.
    pub enum Codes {
        /// Random weights on some of the atoms.
        Random,
        /// The code of least L1 norm for its target.
        Cheapest,
        /// A random or a cheapest code, with a mean cosine in which all active atoms count alike: the control.
        Unweighted,
    }
}

crate::rows! {
    /// L1 norm and mean cosine of the first 200 codes of each seed, random and cheapest in turn, and of the same codes
    /// in the control.
    pub struct Point in "identity" {
        /// random, cheapest, or unweighted (the control: either, with a mean in which all active atoms count alike)
        codes: Codes [""],
        /// seed of dictionaries and codes
        seed: u64 [""],
        /// mean cosine between atoms and target, weighted by activity but in the control
        mean_cosine: f64 ["1"],
        /// ‖c‖₁ / ‖x‖
        l1_over_norm: f64 ["1"],
    }
}

/// Both sides of the identity for one code.
#[derive(Debug)]
pub struct Identity {
    codes: Codes,
    /// The norm of the target, ‖x‖.
    size: f64,
    /// The L1 norm of the code, ‖c‖₁.
    l1: f64,
    /// The mean cosine of the atoms with the target.
    mean_cosine: f64,
}

impl Identity {
    /// Returns both sides of the identity for a code. Unless `weighted`, in the control, all active atoms count alike
    /// in the mean.
    pub fn of(drawn: &Drawn, weighted: bool) -> Identity {
        let (size, l1) = (norm(&drawn.x), drawn.code.iter().sum::<f64>());
        let active = |&c: &f64| if weighted { c } else { f64::from(c > 0.0) };
        let weights: Vec<f64> = drawn.code.iter().map(active).collect();
        let atoms = drawn.dictionary.atoms().zip(&weights);
        let along: f64 = atoms.map(|(atom, w)| w * dot(atom, &drawn.x)).sum();
        Identity {
            codes: match (weighted, drawn.cheapest) {
                (false, _) => Codes::Unweighted,
                (true, true) => Codes::Cheapest,
                (true, false) => Codes::Random,
            },
            size,
            l1,
            mean_cosine: along / (size * weights.iter().sum::<f64>()),
        }
    }

    /// Returns the error |‖c‖₁ · mean cosine − ‖x‖| / ‖c‖₁, which is 0 for a code without activity. With weighted means
    /// both sides are sums of at most 12·6 products of numbers that ‖c‖₁ bounds, so that the error is some 80 ulp/2,
    /// 1e-14.
    pub fn error(&self) -> f64 {
        if self.l1 == 0.0 {
            0.0
        } else {
            (self.mean_cosine - self.size / self.l1).abs()
        }
    }

    /// Returns the row of the code in the table; a code without activity has none.
    pub fn point(&self, seed: u64) -> Option<Point> {
        (self.l1 != 0.0).then(|| Point {
            codes: self.codes,
            seed,
            mean_cosine: self.mean_cosine,
            l1_over_norm: self.l1 / self.size,
        })
    }
}
