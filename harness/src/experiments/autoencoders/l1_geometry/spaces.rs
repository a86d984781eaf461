//! Random dictionaries in more dimensions: how often is the support of the cheapest code the smallest there is?

use rand::RngExt as _;
use rayon::prelude::*;

use super::settings::Settings;
use crate::experiment::Ctx;
use crate::rng::random_direction;
use crate::sae::minimum_l1::{Bases, Dictionary, support};
use crate::table::Table;

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
    pub fn shares(self, s: &Settings, seed: u64, ctx: &Ctx) -> Vec<f64> {
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
        let all = (s.dictionaries * s.targets) as f64;
        found.into_iter().map(|f| f as f64 / all).collect()
    }

    /// Adds the rows of its shares.
    pub fn tabulate(self, shares: &[f64], s: &Settings, seed: u64, table: &mut Table) {
        for (built_from, &share) in (1usize..).zip(shares) {
            table.push([
                self.m.into(),
                self.n.into(),
                built_from.into(),
                seed.into(),
                (s.dictionaries * s.targets).into(),
                share.into(),
            ]);
        }
    }
}
