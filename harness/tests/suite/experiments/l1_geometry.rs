//! `l1-geometry`: its codes against a plain search over supports and a plain linear program, its claims and their
//! controls.

use crate::common::testing;
use harness::claim::Verdict;
use harness::experiment::Experiment;
use harness::experiments::autoencoders::l1_geometry::{
    Gap, L1Geometry, Length, Recovered, Settings,
};
use harness::rng::Rng;
use harness::sae::minimum_l1::{Bases, Dictionary, Homotopy, for_each_choice, support};
use harness::settings::{Preset, Settings as _};
use harness::table::Tables;
use rand::RngExt as _;

fn small() -> Settings {
    Settings {
        planar: 1000,
        dimension: 12,
        undersampling: vec![0.4, 0.7],
        active_levels: 12,
        targets: 25,
        codes: 200,
        ..Settings::preset(Preset::Quick)
    }
}

/// Returns the weights on these atoms that come closest to x, by the normal equations and Gaussian elimination, and the
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

/// Returns the smallest supports of non-negative codes of x, by trying all.
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
    let seeds = [0, 1, 2];
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
    for row in gaps.iter().filter(|r| r.atoms == Length::Unit) {
        // The gap is Σ c (1 − cos θ) with weights that add up to 5 and θ between half and all of the angle.
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

/// Returns the least cost of a code of x by a plain linear program: the simplex method on the tableau of Dᵀc + s = x
/// (rows are negated where x is negative), in which s ≥ 0 costs a thousand times as much as c, with Bland's rule
/// against cycles.
fn least_cost(dictionary: &Dictionary, x: &[f64]) -> f64 {
    let (m, n) = (dictionary.width(), dictionary.len());
    let mut rows: Vec<Vec<f64>> = (0..m)
        .map(|i| {
            let sign = if x[i] < 0.0 { -1.0 } else { 1.0 };
            let of_atoms = (0..n).map(|j| sign * dictionary.atom(j)[i]);
            let slack = (0..m).map(|k| f64::from(k == i));
            of_atoms.chain(slack).chain([sign * x[i]]).collect()
        })
        .collect();
    let mut basis: Vec<usize> = (n..n + m).collect();
    let price = |j: usize| if j < n { 1.0 } else { 1000.0 };
    loop {
        let cost = |j: usize| -> f64 {
            let of_basis = rows.iter().zip(&basis);
            of_basis.map(|(row, &b)| price(b) * row[j]).sum()
        };
        let Some(enters) = (0..n + m).find(|&j| price(j) - cost(j) < -1e-8) else {
            return cost(n + m);
        };
        let ratio = |i: usize| rows[i][n + m] / rows[i][enters];
        let leaves = (0..m).filter(|&i| rows[i][enters] > 1e-9).min_by(|&a, &b| {
            let by_ratio = ratio(a).total_cmp(&ratio(b));
            by_ratio.then(basis[a].cmp(&basis[b]))
        });
        let leaves = leaves.expect("costs are bounded from below");
        let pivot: Vec<f64> = rows[leaves]
            .iter()
            .map(|v| v / rows[leaves][enters])
            .collect();
        for row in &mut rows {
            let factor = row[enters];
            row.iter_mut()
                .zip(&pivot)
                .for_each(|(v, p)| *v -= factor * p);
        }
        rows[leaves] = pivot;
        basis[leaves] = enters;
    }
}

/// Claims: l1-recovers-up-to-the-phase-transition
#[test]
fn codes_are_found_again_as_often_as_a_plain_linear_program_finds_them() {
    let mut rng = Rng::stream(6, "test", "linear-program", 0);
    let (mut again, mut not) = (0, 0);
    for round in 0..120 {
        let (m, n) = (8, 20);
        let values = (0..n * m).map(|_| rng.normal()).collect();
        let dictionary = Dictionary::new(m, values);
        let mut code = vec![0.0; n];
        for j in rng.choose(n, 1 + round % m) {
            code[j] = 0.1 + rng.random::<f64>();
        }
        let x = dictionary.decode(&code);
        let proven = Homotopy::new(&dictionary).cheapest(&x).unwrap();
        let (cost, least) = (proven.code.iter().sum::<f64>(), least_cost(&dictionary, &x));
        assert!((cost - least).abs() < 1e-7 * least, "{cost} {least}");
        let built: f64 = code.iter().sum();
        let same = proven
            .code
            .iter()
            .zip(&code)
            .all(|(a, b)| (a - b).abs() < 1e-6);
        assert_eq!(same, built <= least * (1.0 + 1e-9));
        *if same { &mut again } else { &mut not } += 1;
    }
    assert!(again > 20 && not > 20, "{again} {not}");
}

#[test]
fn sparser_targets_are_found_more_often_and_every_code_is_proven() {
    let outcome = testing::run::<L1Geometry>(&small(), &[3]);
    let rows = Tables::new(outcome.tables).rows::<Recovered>();
    assert!(rows.iter().all(|r| r.unproven == 0));
    for of_law in rows.chunk_by(|a, b| (a.codes, a.atoms, a.n) == (b.codes, b.atoms, b.n)) {
        let (first, last) = (&of_law[0], &of_law[of_law.len() - 1]);
        assert!(first.share >= last.share, "{first:?} {last:?}");
        // Atoms that are crowded into half of the dimensions pass the transition early.
        let crowded = first.atoms.to_string() == "crowded";
        assert!(
            crowded || (first.share > 0.9 && last.share < 0.5),
            "{first:?} {last:?}"
        );
    }
}

#[test]
fn the_same_bytes_on_any_number_of_threads() {
    let csv = |threads| testing::csv_on::<L1Geometry>(threads, &small(), &[3, 4]);
    assert_eq!(csv(1), csv(3));
}
