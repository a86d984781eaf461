//! Codes on three directions in the plane: which of them does the cheapest code use?

use rand::RngExt as _;
use std::f64::consts::{PI, TAU};

use crate::rng::Rng;
use crate::sae::minimum_l1::{Bases, Dictionary, for_each_choice, norm, support};
use crate::table::record::Word;

crate::words! {
    /// The norm that a code minimises.
    pub enum Norm {
        /// The L1 norm, the sum of the weights.
        #[strum(serialize = "L1")]
        L1,
        /// The L2 norm, the root of the sum of the squared weights.
        #[strum(serialize = "L2")]
        L2,
    }
}

crate::words! {
    /// The place of a target.
    pub enum Place {
        /// On one of the atoms.
        #[strum(serialize = "on an atom")]
        OnAtom,
        /// Between two neighbouring atoms.
        #[strum(serialize = "between atoms")]
        BetweenAtoms,
    }
}

crate::rows! {
    /// Two targets in the plane with the cheapest non-negative codes on three atoms: one row an atom.
    pub struct Weighted in "examples" {
        /// on an atom, or between atoms
        target: Place [""],
        /// what the code minimises: L1 or L2
        norm: Norm [""],
        /// first coordinate of the atom, which has unit length
        atom_x: f64 ["1"],
        /// second coordinate of the atom
        atom_y: f64 ["1"],
        /// weight of the atom in the code
        weight: f64 ["1"],
        /// first coordinate of the target
        target_x: f64 ["1"],
        /// second coordinate of the target
        target_y: f64 ["1"],
    }
}

crate::rows! {
    /// Targets in the plane by the number of atoms that their cheapest code on three random directions uses.
    pub struct Used in "plane" {
        /// what the code minimises: L1 or L2
        norm: Norm [""],
        /// on an atom, or between atoms
        target: Place [""],
        /// atoms with a weight above 0
        active: usize ["atoms"],
        /// seed of dictionaries and targets
        seed: u64 [""],
        /// share of the targets of this kind
        share: f64 ["1"],
    }
}

impl Norm {
    /// Returns the non-negative code of least norm that reconstructs `x`; `None` if there is no code.
    pub fn least(self, dictionary: &Dictionary, x: &[f64]) -> Option<Vec<f64>> {
        match self {
            Norm::L1 => Bases::new(dictionary).cheapest(x),
            Norm::L2 => least_squares(dictionary, x),
        }
    }
}

/// Returns the non-negative code of least L2 norm in the plane. On its own support it is the least of all codes of
/// either sign, so it is the best among the least codes of all supports that come out non-negative.
fn least_squares(dictionary: &Dictionary, x: &[f64]) -> Option<Vec<f64>> {
    let n = dictionary.len();
    let mut best: Option<Vec<f64>> = None;
    for size in 2..=n {
        for_each_choice(n, size, |atoms| {
            // c = D (DᵀD)⁻¹ x with the 2×2 matrix DᵀD of the atoms chosen.
            let sum = |f: &dyn Fn(&[f64]) -> f64| -> f64 {
                atoms.iter().map(|&j| f(dictionary.atom(j))).sum()
            };
            let (a, b, d) = (
                sum(&|v| v[0] * v[0]),
                sum(&|v| v[0] * v[1]),
                sum(&|v| v[1] * v[1]),
            );
            let determinant = a * d - b * b;
            // The products and their difference round by half an ulp each.
            if determinant <= 2.0 * f64::EPSILON * a * d {
                return;
            }
            let y = [
                (d * x[0] - b * x[1]) / determinant,
                (a * x[1] - b * x[0]) / determinant,
            ];
            let mut code = vec![0.0; n];
            for &j in atoms {
                let atom = dictionary.atom(j);
                code[j] = atom[0] * y[0] + atom[1] * y[1];
            }
            let rounding = 1e-12 * norm(&code);
            let feasible = code.iter().all(|&c| c >= -rounding);
            if feasible && best.as_ref().is_none_or(|b| norm(&code) < norm(b)) {
                code.iter_mut().for_each(|c| *c = c.max(0.0));
                best = Some(code);
            }
        });
    }
    best
}

/// The numbers of targets by place and number of active atoms.
#[derive(Debug, Default)]
pub struct Tally {
    /// The number of targets at a place whose codes have so many active atoms, `counts[place][active − 1]`.
    counts: [[usize; 3]; 2],
    /// The number of targets whose code is what the claim says.
    as_claimed: usize,
}

impl Tally {
    /// Returns the share of the targets whose code is what the claim says.
    pub fn as_claimed(&self) -> f64 {
        self.as_claimed as f64 / self.counts.iter().flatten().sum::<usize>() as f64
    }

    /// Returns the shares of the targets of a place by the number of active atoms, for each place.
    pub fn rows(&self, norm: Norm, seed: u64) -> Vec<Used> {
        let mut rows = Vec::new();
        for &target in Place::ALL {
            let counts = self.counts[target as usize];
            let all = counts.iter().sum::<usize>().max(1) as f64;
            rows.extend((1..).zip(counts).map(|(active, count)| Used {
                norm,
                target,
                active,
                seed,
                share: count as f64 / all,
            }));
        }
        rows
    }
}

/// Draws dictionaries of three directions with a target each, in turn on one of the atoms and in a random direction
/// that has a non-negative code, and counts the targets by the atoms that their codes use.
pub fn survey(norm: Norm, dictionaries: usize, rng: &mut Rng) -> Tally {
    let mut tally = Tally::default();
    for i in 0..dictionaries {
        let angles: [f64; 3] = std::array::from_fn(|_| TAU * rng.random::<f64>());
        let dictionary = directions(&angles);
        let size = 0.5 + rng.random::<f64>();
        let (place, on, angle) = if i % 2 == 0 {
            let atom = rng.below(3);
            (Place::OnAtom, Some(atom), angles[atom])
        } else {
            // A direction has a code if it lies between two neighbours less than π apart.
            let angle = loop {
                let angle = TAU * rng.random::<f64>();
                if neighbours(&angles, angle).is_some() {
                    break angle;
                }
            };
            (Place::BetweenAtoms, None, angle)
        };
        let x = [size * angle.cos(), size * angle.sin()];
        let code = norm
            .least(&dictionary, &x)
            .expect("the target is in the cone");
        let active = support(&code);
        tally.counts[place as usize][active.len() - 1] += 1;
        let as_claimed = match on {
            Some(atom) => active == [atom],
            None => {
                let (closer, other) = neighbours(&angles, angle).expect("it is between two");
                let mut both = [closer, other];
                both.sort_unstable();
                active == both && code[closer] > code[other]
            }
        };
        tally.as_claimed += usize::from(as_claimed);
    }
    tally
}

/// Returns the dictionary of unit vectors at these angles.
fn directions(angles: &[f64]) -> Dictionary {
    let values = angles.iter().flat_map(|a| [a.cos(), a.sin()]).collect();
    Dictionary::new(2, values)
}

/// Returns the nearest atom on either side of a direction, the closer one first; `None` if they do not enclose it,
/// being π apart or more.
fn neighbours(angles: &[f64], direction: f64) -> Option<(usize, usize)> {
    let turn = |angle: f64| (angle - direction).rem_euclid(TAU);
    let nearest = |distance: &dyn Fn(f64) -> f64| {
        let all = (0..angles.len()).map(|j| (distance(turn(angles[j])), j));
        all.min_by(|a, b| a.0.total_cmp(&b.0))
    };
    let (ahead, a) = nearest(&|t| t)?;
    let (behind, b) = nearest(&|t| TAU - t)?;
    (ahead + behind < PI).then_some(if ahead < behind { (a, b) } else { (b, a) })
}

/// Returns the rows of the two targets of the figure with the codes of either norm: three atoms at 10°, 50° and 100°, a
/// target on the second of them and one between the second and the third.
pub fn examples() -> Vec<Weighted> {
    let degrees = [10.0, 50.0, 100.0f64];
    let angles = degrees.map(f64::to_radians);
    let dictionary = directions(&angles);
    let mut rows = Vec::new();
    for (&target, degrees) in Place::ALL.iter().zip([50.0, 65.0f64]) {
        let angle = degrees.to_radians();
        let x = [angle.cos(), angle.sin()].map(|v| 1.5 * v);
        for &norm in Norm::ALL {
            let code = norm
                .least(&dictionary, &x)
                .expect("the target is in the cone");
            rows.extend(dictionary.atoms().zip(code).map(|(atom, weight)| Weighted {
                target,
                norm,
                atom_x: atom[0],
                atom_y: atom[1],
                weight,
                target_x: x[0],
                target_y: x[1],
            }));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_on_either_side_and_less_than_a_half_turn_apart() {
        let angles = [10.0, 50.0, 100.0f64].map(f64::to_radians);
        let at = |degrees: f64| neighbours(&angles, degrees.to_radians());
        assert_eq!(at(65.0), Some((1, 2)));
        assert_eq!(at(80.0), Some((2, 1)));
        assert_eq!(at(20.0), Some((0, 1)));
        assert_eq!(at(200.0), None);
        assert_eq!(at(5.0), None);
        let round = [0.0, 120.0, 240.0f64].map(f64::to_radians);
        assert_eq!(neighbours(&round, 300.5f64.to_radians()), Some((0, 2)));
    }

    #[test]
    fn the_least_l2_code_is_no_longer_than_any_code_on_a_grid() {
        let mut rng = Rng::stream(1, "test", "least-squares", 0);
        for _ in 0..200 {
            let angles: [f64; 3] = std::array::from_fn(|_| 2.0 * rng.random::<f64>());
            let dictionary = directions(&angles);
            let built = [
                rng.random::<f64>(),
                rng.random::<f64>(),
                rng.random::<f64>(),
            ];
            let x = dictionary.decode(&built);
            let code = Norm::L2.least(&dictionary, &x).unwrap();
            let back = dictionary.decode(&code);
            assert!(norm(&[back[0] - x[0], back[1] - x[1]]) < 1e-9);
            assert!(code.iter().all(|&c| c >= 0.0));
            // Any other code is one with the third weight fixed.
            for third in 0..=200 {
                let third = f64::from(third) * 0.01;
                let rest: Vec<f64> = (0..2)
                    .map(|i| x[i] - third * dictionary.atom(2)[i])
                    .collect();
                let pair = Dictionary::new(2, [dictionary.atom(0), dictionary.atom(1)].concat());
                if let Some(two) = Bases::new(&pair).cheapest(&rest) {
                    let other = norm(&[two[0], two[1], third]);
                    assert!(norm(&code) <= other + 1e-9);
                }
            }
        }
    }
}
