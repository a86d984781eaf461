//! Random dictionaries with many atoms: is the cheapest code of a target the sparse one that it was built from?

use rand::RngExt as _;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::prediction::{Codes, Sparse};
use super::settings::Settings;
use crate::claim::Setting;
use crate::error::Result;
use crate::experiment::Ctx;
use crate::rng::Rng;
use crate::sae::minimum_l1::{Dictionary, Homotopy, norm};
use crate::stats::{max, mean};
use crate::table::record::Word as _;

crate::words! {
    /// The law of the atoms of a dictionary.
    pub enum Atoms {
        /// Independent standard normal entries: the law of the prediction.
        Gaussian,
        /// Gaussian atoms, each scaled to length 1.
        Unit,
        /// Gaussian atoms in pairs at a high cosine.
        Paired,
        /// Gaussian atoms that span half of the dimensions only: the control.
        Crowded,
    }
}

crate::rows! {
    /// Share of targets, built from K of N atoms in M dimensions, whose code of least L1 norm is the one they are from.
    pub struct Recovered in "transition" {
        /// non-negative or signed: the weights that codes may have
        codes: Codes [""],
        /// gaussian; unit: scaled to length 1; paired: each with another at a high cosine; or crowded: in half of the
        /// dimensions only (the control)
        atoms: Atoms [""],
        /// dimensions M
        m: usize ["dimensions"],
        /// atoms N of the dictionary
        n: usize ["atoms"],
        /// atoms K that the target is built from
        k: usize ["atoms"],
        /// seed of dictionaries and targets
        seed: u64 [""],
        /// number of targets, each with a dictionary of its own
        targets: usize ["1"],
        /// share of the targets whose code of least L1 norm is the one they were built from
        share: f64 ["1"],
        /// the predicted share
        predicted: f64 ["1"],
        /// targets whose cheapest code was found without a proof by duality: counted as not recovered
        unproven: usize ["1"],
    }
}

/// A law of random dictionaries and their codes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Law {
    /// The signs that the weights of codes may have.
    pub codes: Codes,
    /// The law of the atoms.
    pub atoms: Atoms,
}

impl Law {
    /// Returns all laws.
    pub fn all() -> impl Iterator<Item = Law> {
        let of = |&codes| Atoms::ALL.iter().map(move |&atoms| Law { codes, atoms });
        Codes::ALL.iter().flat_map(of)
    }

    /// Returns the cell of the law in the specification curve. That of the point setting has the non-negative codes of
    /// a sparse autoencoder, and the Gaussian atoms of the theorem.
    pub fn setting(self) -> Setting {
        let Law { codes, atoms } = self;
        let setting = Setting::new([("codes", codes.to_string()), ("atoms", atoms.to_string())]);
        setting.point_if((codes, atoms) == (Codes::NonNegative, Atoms::Gaussian))
    }

    /// Returns the number of atoms on which non-negative codes are looked for, where the dictionary has n: twice as
    /// many for signed codes, which use the opposite of each atom as well.
    pub fn atoms_searched(self, n: usize) -> usize {
        match self.codes {
            Codes::NonNegative => n,
            Codes::Signed => 2 * n,
        }
    }

    /// Returns a row for every number of atoms and of active atoms.
    pub fn survey(self, s: &Settings, seed: u64, ctx: &Ctx) -> Result<Vec<Recovered>> {
        let mut rows = Vec::new();
        for n in s.numbers_of_atoms() {
            let counts = s.numbers_active();
            let purpose = format!("{} {} {n}", self.codes, self.atoms);
            let found = |number: usize| -> Result<Vec<Found>> {
                crate::session::progress::check()?;
                let mut rng = ctx.rng(seed, &purpose, number as u64);
                let dictionary = self.draw(s, n, &mut rng);
                let homotopy = Homotopy::new(&dictionary);
                Ok(counts
                    .iter()
                    .map(|&k| search(&homotopy, &dictionary, k, n, &mut rng))
                    .collect())
            };
            let all = (0..s.targets).into_par_iter().with_max_len(1).map(found);
            let all: Vec<Vec<Found>> = all.collect::<Result<_>>()?;
            for (index, &k) in counts.iter().enumerate() {
                let count = |what: Found| all.iter().filter(|found| found[index] == what).count();
                let sparse = Sparse {
                    codes: self.codes,
                    active: k as f64,
                    atoms: n as f64,
                };
                rows.push(Recovered {
                    codes: self.codes,
                    atoms: self.atoms,
                    m: s.dimension,
                    n,
                    k,
                    seed,
                    targets: s.targets,
                    share: count(Found::Again) as f64 / s.targets as f64,
                    predicted: sparse.chance(s.dimension),
                    unproven: count(Found::Unproven),
                });
            }
            ctx.session.progress.tick()?;
        }
        Ok(rows)
    }

    /// Draws a dictionary of n atoms. For signed codes each is followed, n places later, by its opposite, so that a
    /// non-negative code on both is a signed one.
    fn draw(self, s: &Settings, n: usize, rng: &mut Rng) -> Dictionary {
        let mut atoms: Vec<Vec<f64>> = Vec::with_capacity(2 * n);
        for j in 0..n {
            let mut atom: Vec<f64> = (0..s.dimension).map(|_| rng.normal()).collect();
            match self.atoms {
                Atoms::Gaussian => {}
                Atoms::Unit => {
                    let length = norm(&atom);
                    atom.iter_mut().for_each(|v| *v /= length);
                }
                Atoms::Paired if j % 2 == 0 => {}
                Atoms::Paired => {
                    let (along, across) = (s.pair_cosine, (1.0 - s.pair_cosine.powi(2)).sqrt());
                    let other = atoms[j - 1].iter();
                    atom.iter_mut()
                        .zip(other)
                        .for_each(|(a, o)| *a = along * o + across * *a);
                }
                Atoms::Crowded => atom[s.dimension / 2..].fill(0.0),
            }
            atoms.push(atom);
        }
        if self.codes == Codes::Signed {
            let opposite = |atom: &Vec<f64>| atom.iter().map(|v| -v).collect();
            let opposites: Vec<Vec<f64>> = atoms.iter().map(opposite).collect();
            atoms.extend(opposites);
        }
        Dictionary::new(s.dimension, atoms.concat())
    }
}

/// The outcome of the search for a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// The code is the cheapest of its target.
    Again,
    /// Another code is cheaper.
    Not,
    /// The cheapest code could not be proven to be so.
    Unproven,
}

/// The largest difference of a weight between codes that count as the same, and the largest residual and gap of a
/// proof.
const TOLERANCE: f64 = 1e-6;

/// Builds a target from k of the n atoms, weights between 0.1 and 1.1, and looks for its cheapest code.
fn search(
    homotopy: &Homotopy,
    dictionary: &Dictionary,
    k: usize,
    n: usize,
    rng: &mut Rng,
) -> Found {
    let mut code = vec![0.0; dictionary.len()];
    let opposites = dictionary.len() / n;
    for j in rng.choose(n, k) {
        code[j + n * rng.below(opposites)] = 0.1 + rng.random::<f64>();
    }
    let Some(proven) = homotopy.cheapest(&dictionary.decode(&code)) else {
        return Found::Unproven;
    };
    let off = max(proven.code.iter().zip(&code).map(|(a, b)| (a - b).abs()));
    match (
        off <= TOLERANCE,
        proven.residual.max(proven.gap.abs()) <= TOLERANCE,
    ) {
        (_, false) => Found::Unproven,
        (true, true) => Found::Again,
        (false, true) => Found::Not,
    }
}

/// Returns, by number of atoms, the distance from the predicted transition in K to the measured one, in units of its
/// width in K: the signed area between the two curves of the share over K (the Spearman–Kärber estimate of both medians
/// on one grid).
pub fn shifts(rows: &[Recovered]) -> Vec<(usize, f64)> {
    let of = |rows: &[Recovered]| {
        let Recovered { codes, m, n, .. } = rows[0];
        let at = |widths| codes.active_at(widths, m as f64, n as f64);
        let width = (at(-1.0) - at(1.0)) / 2.0;
        let before = [0].into_iter().chain(rows.iter().map(|r| r.k));
        let steps = rows
            .iter()
            .zip(before)
            .map(|(r, before)| (r.k - before) as f64);
        let area: f64 = rows
            .iter()
            .zip(steps)
            .map(|(r, step)| (r.share - r.predicted) * step)
            .sum();
        (n, area / width)
    };
    rows.chunk_by(|a, b| a.n == b.n).map(of).collect()
}

/// Returns the measures of the claim: the mean and the largest distance of the transition from the predicted one.
///
/// Neither is measured if more than one in a hundred codes could not be proven to be the cheapest.
pub fn distances(rows: &[Recovered]) -> [Result<f64, String>; 2] {
    let unproven: usize = rows.iter().map(|r| r.unproven).sum();
    let all: usize = rows.iter().map(|r| r.targets).sum();
    let sizes: Vec<f64> = shifts(rows).iter().map(|s| s.1.abs()).collect();
    [mean(&sizes), max(sizes)].map(|distance| match 100 * unproven > all {
        false => Ok(distance),
        true => Err(format!(
            "{unproven} of {all} cheapest codes could not be proven"
        )),
    })
}
