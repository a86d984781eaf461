//! `l1-geometry`: its codes against a plain search over supports, its claims and their controls.

use crate::common::testing;
use harness::claim::Verdict;
use harness::experiment::Experiment;
use harness::experiments::autoencoders::l1_geometry::{Atoms, Gap, L1Geometry, Settings, Share};
use harness::rng::Rng;
use harness::sae::minimum_l1::{Bases, Dictionary, for_each_choice, support};
use harness::settings::{Preset, Settings as _};
use harness::table::Tables;
use rand::RngExt as _;

fn small() -> Settings {
    Settings {
        planar: 1000,
        dimensions: vec![3, 4],
        atoms: vec![4, 6, 8],
        dictionaries: 10,
        targets: 5,
        codes: 200,
        ..Settings::preset(Preset::Quick)
    }
}

/// The weights on these atoms that come closest to x, by Gauss–Newton's normal equations and elimination, and the
/// distance that is left.
fn fit(dictionary: &Dictionary, atoms: &[usize], x: &[f64]) -> (Vec<f64>, f64) {
    let k = atoms.len();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut rows: Vec<Vec<f64>> = atoms
        .iter()
        .map(|&i| {
            let products = atoms
                .iter()
                .map(|&j| dot(dictionary.atom(i), dictionary.atom(j)));
            products.chain([dot(dictionary.atom(i), x)]).collect()
        })
        .collect();
    for c in 0..k {
        let pivot = (c..k)
            .max_by(|&a, &b| rows[a][c].abs().total_cmp(&rows[b][c].abs()))
            .unwrap();
        rows.swap(c, pivot);
        let pivot = rows[c].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(r, _)| *r != c) {
            let factor = row[c] / pivot[c];
            row.iter_mut()
                .zip(&pivot)
                .for_each(|(v, p)| *v -= factor * p);
        }
    }
    let weights: Vec<f64> = (0..k).map(|i| rows[i][k] / rows[i][i]).collect();
    let mut rest = x.to_vec();
    for (&j, w) in atoms.iter().zip(&weights) {
        rest.iter_mut()
            .zip(dictionary.atom(j))
            .for_each(|(r, a)| *r -= w * a);
    }
    (weights, dot(&rest, &rest).sqrt())
}

/// The smallest supports of non-negative codes of x, by trying all.
fn smallest_supports(dictionary: &Dictionary, x: &[f64]) -> Vec<Vec<usize>> {
    for size in 1..=dictionary.width() {
        let mut found = Vec::new();
        for_each_choice(dictionary.len(), size, |atoms| {
            let (weights, rest) = fit(dictionary, atoms, x);
            if rest < 1e-9 && weights.iter().all(|&w| w > 1e-9) {
                found.push(atoms.to_vec());
            }
        });
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// Claims: l1-picks-the-sparsest
#[test]
fn the_atoms_of_a_target_are_its_only_smallest_support_and_no_code_is_cheaper_than_the_cheapest() {
    let mut rng = Rng::stream(5, "test", "supports", 0);
    for round in 0..60 {
        let m = 3 + round % 3;
        let n = m + 1 + rng.below(3);
        let atoms: Vec<f64> = (0..n)
            .flat_map(|_| harness::rng::random_direction(m, &mut rng))
            .collect();
        let dictionary = Dictionary::new(m, atoms);
        for built_from in 1..m {
            let mut chosen = rng.choose(n, built_from);
            chosen.sort_unstable();
            let mut code = vec![0.0; n];
            chosen
                .iter()
                .for_each(|&j| code[j] = 0.1 + rng.random::<f64>());
            let x = dictionary.decode(&code);
            assert_eq!(smallest_supports(&dictionary, &x), [chosen]);

            let cheapest = Bases::new(&dictionary).cheapest(&x).unwrap();
            let (_, rest) = fit(&dictionary, &support(&cheapest), &x);
            assert!(rest < 1e-9);
            let cost = cheapest.iter().sum::<f64>();
            assert!(cost <= code.iter().sum::<f64>() * (1.0 + 1e-12));
            for_each_choice(n, m, |atoms| {
                let (weights, rest) = fit(&dictionary, atoms, &x);
                if rest < 1e-9 && weights.iter().all(|&w| w >= 0.0) {
                    assert!(cost <= weights.iter().sum::<f64>() * (1.0 + 1e-6));
                }
            });
        }
    }
}

#[test]
fn the_claims_hold_and_their_controls_fail() {
    let seeds = [0, 1];
    let outcome = testing::run::<L1Geometry>(&small(), &seeds);
    let claims = testing::settle::<L1Geometry>(&outcome, &seeds);
    let controls = testing::settle_controls::<L1Geometry>(&outcome, &seeds);
    for claim in L1Geometry::ABOUT.claims {
        let entry = claims.get(claim.id).unwrap();
        assert_eq!(entry.verdict, Verdict::Reproduced, "{entry:?}");
        let control = controls.get(claim.id).unwrap();
        assert_ne!(control.verdict, Verdict::Reproduced, "{control:?}");
    }
}

/// Claims: ties-only-when-parallel
#[test]
fn the_gap_grows_with_the_square_of_the_angle() {
    let outcome = testing::run::<L1Geometry>(&small(), &[3]);
    let gaps = Tables::new(outcome.tables).rows::<Gap>();
    for row in gaps.iter().filter(|r| r.atoms == Atoms::Unit) {
        // Σ c (1 − cos θ) with weights that add up to 5 and θ between half and all of the angle.
        let &Gap {
            angle,
            gap,
            rounding,
            ..
        } = row;
        let (least, most) = (0.12 * 5.0 * angle * angle, 0.51 * 5.0 * angle * angle);
        assert!(
            (least - rounding..=most + rounding).contains(&gap),
            "{angle}: {gap}"
        );
    }
}

#[test]
fn sparser_targets_are_found_more_often() {
    let outcome = testing::run::<L1Geometry>(&small(), &[3]);
    let shares = Tables::new(outcome.tables).rows::<Share>();
    let share = |s: usize| {
        let row = shares.iter().find(|r| (r.m, r.n, r.s) == (4, 8, s));
        row.unwrap().share
    };
    // One atom is always cheapest by itself: the triangle inequality.
    assert_eq!(share(1), 1.0);
    assert!(share(3) < share(1));
}

#[test]
fn the_same_bytes_on_any_number_of_threads() {
    let csv = |threads| testing::csv_on::<L1Geometry>(threads, &small(), &[3, 4]);
    assert_eq!(csv(1), csv(3));
}
