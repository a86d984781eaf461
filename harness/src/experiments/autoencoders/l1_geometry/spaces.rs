//! Random dictionaries in more dimensions: how often is the support of the cheapest code the smallest there is?

use rand::RngExt as _;
use rayon::prelude::*;

use super::settings::Settings;
use crate::experiment::Ctx;
use crate::rng::random_direction;
use crate::sae::minimum_l1::{Bases, Dictionary, support};

crate::rows! {
    /// How often the support of the minimum-L1 code is the smallest one (minimum L0) for targets built from s of n
    /// random atoms in m dimensions.
    pub struct Share in "spaces" {
        /// dimension of the space
        m: usize ["dimensions"],
        /// atoms in the dictionary
        n: usize ["atoms"],
        /// atoms that the target is built from
        s: usize ["atoms"],
        /// seed of dictionaries and targets
        seed: u64 [""],
        /// number of targets
        targets: usize ["1"],
        /// share of the targets whose minimum-L1 support is the minimum-L0 support
        share: f64 ["1"],
    }
}

/// Random dictionaries of n atoms in m dimensions.
#[derive(Debug, Clone, Copy)]
pub struct Space {
    m: usize,
    n: usize,
}

impl Space {
    /// All of a run, the most expensive first.
    pub fn all(s: &Settings) -> Vec<Space> {
        let mut all: Vec<Space> = s
            .dimensions
            .iter()
            .flat_map(|&m| {
                s.atoms
                    .iter()
                    .filter(move |&&n| n > m)
                    .map(move |&n| Space { m, n })
            })
            .collect();
        all.reverse();
        all
    }

    /// For s = 1 … m − 1, the share of targets built from s atoms whose cheapest code is on these.
    ///
    /// They are the smallest support: the span of fewer than m random atoms meets that of others in a space of
    /// smaller dimension, so with probability 1 no other atoms than these reconstruct the target, but m or more.
    pub fn shares(self, s: &Settings, seed: u64, ctx: &Ctx) -> Vec<Share> {
        let Space { m, n } = self;
        let found = |number: usize| -> Vec<usize> {
            let mut rng = ctx.rng(seed, &format!("dictionary {n}x{m}"), number as u64);
            let atoms = (0..n).flat_map(|_| random_direction(m, &mut rng)).collect();
            let dictionary = Dictionary::new(m, atoms);
            let bases = Bases::new(&dictionary);
            let mut is_smallest = |built_from: usize| {
                let mut atoms = rng.choose(n, built_from);
                atoms.sort_unstable();
                let mut code = vec![0.0; n];
                atoms
                    .iter()
                    .for_each(|&j| code[j] = 0.1 + rng.random::<f64>());
                let cheapest = bases.cheapest(&dictionary.decode(&code));
                cheapest.is_some_and(|c| support(&c) == atoms)
            };
            (1..m)
                .map(|built_from| (0..s.targets).filter(|_| is_smallest(built_from)).count())
                .collect()
        };
        let sum = |a: Vec<usize>, b: Vec<usize>| a.iter().zip(b).map(|(a, b)| a + b).collect();
        let dictionaries = (0..s.dictionaries).into_par_iter().map(found);
        let found: Vec<usize> = dictionaries.reduce(|| vec![0; m - 1], sum);
        let targets = s.dictionaries * s.targets;
        let share = |(built_from, found)| Share {
            m,
            n,
            s: built_from,
            seed,
            targets,
            share: found as f64 / targets as f64,
        };
        (1..).zip(found).map(share).collect()
    }
}
