//! Properties of codes of least L1 norm, over random dictionaries and targets, against a search by Gaussian elimination
//! over all choices of atoms. Each test names the claims that it bears on.

use harness::sae::minimum_l1::{Bases, Dictionary, Homotopy, dot, norm, support};
use proptest::prelude::*;
use proptests::{config, fit, stream};

/// A dictionary of unit atoms, and a target made from some of them with weights in [0.5, 2).
#[derive(Debug, Clone)]
struct Problem {
    width: usize,
    atoms: Vec<Vec<f64>>,
    x: Vec<f64>,
}

prop_compose! {
    fn problem()(width in 1..5usize, extra in 0..5usize, active in 1..6usize, seed: u64) -> Problem {
        let mut next = stream(seed);
        let mut next = || f64::from(next());
        let n = width + extra;
        let atoms: Vec<Vec<f64>> = (0..n)
            .map(|_| {
                let atom: Vec<f64> = (0..width).map(|_| next()).collect();
                let length = norm(&atom);
                atom.iter().map(|a| if length > 0.0 { a / length } else { 1.0 }).collect()
            })
            .collect();
        let mut x = vec![0.0; width];
        for _ in 0..active {
            let atom = &atoms[((next() + 1.0) / 2.0 * n as f64) as usize % n];
            let weight = 1.25 + 0.75 * next();
            x.iter_mut().zip(atom).for_each(|(x, a)| *x += weight * a);
        }
        Problem { width, atoms, x }
    }
}

impl Problem {
    fn dictionary(&self) -> Dictionary {
        Dictionary::new(self.width, self.atoms.concat())
    }

    /// Returns the cheapest code by enumeration, if the target is far enough from 0 to have a direction.
    fn code(&self) -> Option<Vec<f64>> {
        if norm(&self.x) < 1e-3 {
            return None;
        }
        Some(
            Bases::new(&self.dictionary())
                .cheapest(&self.x)
                .expect("it was built"),
        )
    }

    /// Returns the least cost, by solving for every choice of as many atoms as dimensions.
    fn least_cost(&self) -> f64 {
        let mut least = f64::INFINITY;
        for choice in 0u32..1 << self.atoms.len() {
            if choice.count_ones() as usize != self.width {
                continue;
            }
            let chosen: Vec<_> = (0..self.atoms.len())
                .filter(|j| choice >> j & 1 == 1)
                .collect();
            let row = |i: usize| -> Vec<f64> {
                chosen
                    .iter()
                    .map(|&j| self.atoms[j][i])
                    .chain([self.x[i]])
                    .collect()
            };
            let weights = fit::solve((0..self.width).map(row).collect());
            let size: f64 = weights.iter().map(|w| w.abs()).sum();
            if weights.iter().all(|&w| w >= -1e-9 * size) {
                least = least.min(weights.iter().sum());
            }
        }
        least
    }

    /// Returns the problem with a map applied to every atom and the target.
    fn mapped(&self, map: impl Fn(&[f64]) -> Vec<f64>) -> Problem {
        Problem {
            width: self.width,
            atoms: self.atoms.iter().map(|a| map(a)).collect(),
            x: map(&self.x),
        }
    }
}

fn cost(code: &[f64]) -> f64 {
    code.iter().sum()
}

proptest! {
    #![proptest_config(config(128))]

    /// A code has at most m atoms, reconstructs exactly, and no basis is cheaper; the path comes to the same cost.
    ///
    /// Claims: l1-picks-the-sparsest
    #[test]
    fn codes_are_the_enumerated_optimum_on_at_most_m_atoms(problem in problem()) {
        let Some(code) = problem.code() else { return Ok(()) };
        let dictionary = problem.dictionary();
        prop_assert!(support(&code).len() <= problem.width && code.iter().all(|&c| c >= 0.0));
        let back = dictionary.decode(&code);
        let left: Vec<f64> = back.iter().zip(&problem.x).map(|(a, b)| a - b).collect();
        prop_assert!(norm(&left) <= 1e-8 * cost(&code), "{left:?}");
        let least = problem.least_cost();
        prop_assert!((cost(&code) - least).abs() <= 1e-7 * least, "{} {}", cost(&code), least);
        if let Some(path) = Homotopy::new(&dictionary).cheapest(&problem.x)
            && path.gap.abs() < 1e-9
            && path.residual < 1e-9
        {
            prop_assert!((cost(&path.code) - least).abs() <= 1e-7 * least);
        }
    }

    /// The norm is ‖c‖₁ = ‖x‖ / (mean cosine of the atoms with x, weighted by activity).
    ///
    /// Claims: l1-is-inverse-cosine
    #[test]
    fn the_norm_is_the_inverse_mean_cosine(problem in problem()) {
        let Some(code) = problem.code() else { return Ok(()) };
        let length = norm(&problem.x);
        let cosines = problem.atoms.iter().zip(&code).map(|(a, c)| c * dot(a, &problem.x) / length);
        let mean = cosines.sum::<f64>() / cost(&code);
        prop_assert!((cost(&code) - length / mean).abs() <= 1e-7 * cost(&code) / mean);
    }

    /// The code of s times the target is s times the code; it is a code of the rotated target in rotated atoms, and in
    /// another order of the atoms its magnitudes go with them.
    ///
    /// Claims: l1-picks-the-sparsest
    #[test]
    fn codes_scale_and_follow_rotations_and_permutations(
        problem in problem(),
        scale in 0.01f64..100.0,
        angle in 0f64..6.3,
        shift in 0..10usize,
    ) {
        let Some(code) = problem.code() else { return Ok(()) };
        // The other problem's code, scaled and ordered back, is a code of this problem and costs as much.
        let same = |other: Problem, factor: f64, shift: usize| {
            let mut other: Vec<f64> =
                other.code().expect("far from 0").iter().map(|c| c / factor).collect();
            other.rotate_right(shift);
            let back = problem.dictionary().decode(&other);
            let left: Vec<f64> = back.iter().zip(&problem.x).map(|(a, b)| a - b).collect();
            (cost(&other) - cost(&code)).abs() <= 1e-7 * cost(&code) && norm(&left) <= 1e-7 * cost(&code)
        };
        let scaled = Problem { x: problem.x.iter().map(|x| scale * x).collect(), ..problem.clone() };
        prop_assert!(scale * norm(&problem.x) < 1e-3 || same(scaled, scale, 0));
        let turned = problem.mapped(|v| {
            let mut v = v.to_vec();
            for i in 1..v.len() {
                let (a, b) = (v[i - 1], v[i]);
                v[i - 1] = angle.cos() * a - angle.sin() * b;
                v[i] = angle.sin() * a + angle.cos() * b;
            }
            v
        });
        prop_assert!(same(turned, 1.0, 0));
        let mut permuted = problem.clone();
        let n = permuted.atoms.len();
        permuted.atoms.rotate_left(shift % n);
        prop_assert!(same(permuted, 1.0, shift % n));
    }

    /// Of three directions in the plane, the code of a target between two neighbours uses these two, with the larger
    /// weight on the closer one, and only one where the target lies on it. Angles keep a distance of 0.01 rad, so that
    /// the cases are distinct.
    ///
    /// Claims: l1-picks-the-sparsest
    #[test]
    fn in_the_plane_the_neighbours_carry_the_target(
        gaps in (0.05f64..1.4, 0.05f64..1.4),
        share in 0.0f64..1.0,
        turn in 0f64..6.3,
        order in 0..3usize,
        far_side: bool,
        length in 0.1f64..10.0,
    ) {
        let angles = [0.0, gaps.0, gaps.0 + gaps.1];
        let (from, to) = if far_side { (1, 2) } else { (0, 1) };
        let gap = angles[to] - angles[from];
        // One end of the range of targets is on an atom.
        let within = if share < 0.2 { 0.0 } else { 0.01 + (gap - 0.02) * (share - 0.2) / 0.8 };
        let towards = |angle: f64| vec![(turn + angle).cos(), (turn + angle).sin()];
        let mut places = [0, 1, 2];
        places.rotate_left(order);
        let problem = Problem {
            width: 2,
            atoms: places.map(|p| towards(angles[p])).to_vec(),
            x: towards(angles[from] + within).iter().map(|v| length * v).collect(),
        };
        let code = problem.code().expect("far from 0");
        let at = |p: usize| code[places.iter().position(|&q| q == p).expect("each once")];
        let third = 3 - from - to;
        prop_assert!(at(third) <= 1e-9 * length, "{code:?}");
        if within == 0.0 {
            prop_assert!((at(from) - length).abs() <= 1e-9 * length && at(to) <= 1e-9 * length, "{code:?}");
        } else {
            prop_assert!(at(from) > 0.0 && at(to) > 0.0, "{code:?}");
            let middle = gap / 2.0 - within;
            prop_assert!(middle.abs() < 1e-6 || (middle > 0.0) == (at(from) > at(to)), "{code:?}");
        }
    }

    /// Five unit atoms in the plane make a target that the one atom along it makes more cheaply, at its own length,
    /// unless all are parallel; then both cost five.
    ///
    /// Claims: ties-only-when-parallel
    #[test]
    fn one_atom_is_cheaper_than_five_that_are_not_parallel(
        angles in prop::array::uniform5(-0.5f64..0.5),
        spread in prop_oneof![Just(0.0), 1e-3f64..1.0],
        turn in 0f64..6.3,
    ) {
        let towards = |angle: f64| vec![(turn + angle).cos(), (turn + angle).sin()];
        let mut atoms: Vec<_> = angles.iter().map(|a| towards(spread * a)).collect();
        let x: Vec<f64> = (0..2).map(|i| atoms.iter().map(|a| a[i]).sum()).collect();
        let length = norm(&x);
        atoms.push(x.iter().map(|v| v / length).collect());
        let problem = Problem { width: 2, atoms, x };
        // 5 − ‖x‖ is about half the sum of the squared angles to x.
        let mean = angles.iter().sum::<f64>() / 5.0;
        let squares: f64 = angles.iter().map(|a| (spread * (a - mean)).powi(2)).sum();
        prop_assert!((5.0 - length - squares / 2.0).abs() <= 0.2 * squares + 1e-12, "{length}");
        if spread > 0.0 {
            let code = problem.code().expect("far from 0");
            prop_assert!((cost(&code) - length).abs() <= 1e-9);
        } else {
            prop_assert!((length - 5.0).abs() <= 1e-12);
        }
    }
}
