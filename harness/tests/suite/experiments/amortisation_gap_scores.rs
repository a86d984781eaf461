//! `amortisation-gap` against plain loops in f64: the distribution of its data, every score of a small run together
//! with its training, and the claim from the rows of the table.

use super::amortisation_gap_plain::trained;
use crate::common::plain::{
    Rows, Settled, assert_measured, assert_near, assert_settled, column, dot, largest_assignment,
    mean, pearson, residual, rows,
};
use crate::common::testing;
use harness::experiments::autoencoders::amortisation_gap::data::{Data, Size, Split};
use harness::experiments::autoencoders::amortisation_gap::{AmortisationGap, Gap, Settings};
use harness::rng::Rng;
use harness::settings::{Preset, Settings as _};
use harness::table::Tables;

const SIZES: [Size; 2] = [
    Size {
        sources: 16,
        dimensions: 8,
        orthogonal: false,
    },
    Size {
        sources: 8,
        dimensions: 8,
        orthogonal: true,
    },
];

fn small() -> Settings {
    Settings {
        hidden: vec![6],
        samples: 64,
        steps: 25,
        learning_rate: 5e-3,
        ..Settings::preset(Preset::Quick)
    }
}

#[test]
fn data_follow_their_law() {
    let samples = 20_000;
    for (i, size) in SIZES.into_iter().enumerate() {
        let rng = &mut Rng::stream(1, "test", "data", i as u64);
        let data = Data::draw(size, 3, samples, rng);
        let atoms = rows(&data.dictionary, size.dimensions);
        for Split { codes, x } in [&data.training, &data.test] {
            let (codes, x) = (rows(codes, size.sources), rows(x, size.dimensions));
            for (code, x) in codes.iter().zip(&x) {
                assert_eq!(code.iter().filter(|c| **c > 0.0).count(), 3);
                // Sums of three products in f32, of numbers of at most some 5.
                assert!(residual(x, code, &atoms).iter().all(|r| r.abs() < 1e-5));
            }
            let values: Vec<f64> = codes.concat().into_iter().filter(|c| *c > 0.0).collect();
            // The moments of |N(0, 1)| hold within five standard errors, from E|c|ᵖ and E|c|²ᵖ.
            for (power, moment, square) in [
                (1, (2.0 / std::f64::consts::PI).sqrt(), 1.0),
                (2, 1.0, 3.0),
                (4, 3.0, 105.0),
            ] {
                let found = mean(&values.iter().map(|c| c.powi(power)).collect::<Vec<_>>());
                let error = ((square - moment * moment) / values.len() as f64).sqrt();
                assert_near(found, moment, 5.0 * error, &power);
            }
            // Every pair of sources is equally often active: 3·2 of N·(N − 1) ordered pairs.
            let n = size.sources;
            let share = 6.0 / (n * (n - 1)) as f64;
            for a in 0..n {
                for b in 0..a {
                    let both = codes.iter().filter(|c| c[a] > 0.0 && c[b] > 0.0).count();
                    let error = (share * (1.0 - share) / samples as f64).sqrt();
                    assert_near(both as f64 / samples as f64, share, 5.0 * error, &(a, b));
                }
            }
        }
        assert_ne!(data.training.codes, data.test.codes);
    }
    // Directions of normal vectors have E vᵢ² = 1/M, E vᵢ⁴ = 3/M(M + 2), E vᵢ⁸ = 105/M(M + 2)(M + 4)(M + 6).
    let (n, m) = (20_000, 8.0f64);
    let size = Size {
        sources: n,
        dimensions: 8,
        orthogonal: false,
    };
    let data = Data::draw(size, 1, 1, &mut Rng::stream(1, "test", "directions", 0));
    let atoms = rows(&data.dictionary, 8);
    atoms
        .iter()
        .for_each(|a| assert_near(dot(a, a), 1.0, 1e-6, a));
    let fourth = 3.0 / (m * (m + 2.0));
    let eighth = 105.0 / (m * (m + 2.0) * (m + 4.0) * (m + 6.0));
    for i in 0..8 {
        let of = |power| mean(&atoms.iter().map(|a| a[i].powi(power)).collect::<Vec<_>>());
        let error = |variance: f64| 5.0 * (variance / n as f64).sqrt();
        assert_near(of(1), 0.0, error(1.0 / m), &i);
        assert_near(of(2), 1.0 / m, error(fourth - 1.0 / (m * m)), &i);
        assert_near(of(4), fourth, error(eighth - fourth * fourth), &i);
    }
}

/// Returns the mean |r| of codes and true codes over the samples, for the matching in which it is largest.
fn code_mcc(codes: &Rows, truth: &Rows) -> f64 {
    let n = truth[0].len();
    let r = |i: usize, j: usize| {
        let r = pearson(&column(truth, i), &column(codes, j));
        // An entry that never varies correlates with nothing.
        if r.is_nan() { 0.0 } else { r.abs() }
    };
    let all: Rows = (0..n).map(|i| (0..n).map(|j| r(i, j)).collect()).collect();
    let (_, matched) = largest_assignment(&all);
    mean(&(0..n).map(|i| all[i][matched[i]]).collect::<Vec<_>>())
}

/// Returns the mean |r| of atoms and true atoms over the coordinates, for a greedy matching: the largest of all, then
/// the largest among the atoms that are left.
fn dictionary_mcc(atoms: &Rows, truth: &Rows) -> f64 {
    let (mut ours, mut theirs): (Vec<_>, Vec<_>) = (0..truth.len()).map(|i| (i, i)).unzip();
    let mut found = Vec::new();
    while !ours.is_empty() {
        let pairs = ours
            .iter()
            .flat_map(|&i| theirs.iter().map(move |&j| (i, j)));
        let r = |(i, j): (usize, usize)| pearson(&truth[i], &atoms[j]).abs();
        let (i, j) = pairs.max_by(|a, b| r(*a).total_cmp(&r(*b))).unwrap();
        found.push(r((i, j)));
        ours.retain(|o| *o != i);
        theirs.retain(|t| *t != j);
    }
    mean(&found)
}

/// Claims: optimised-codes-are-truer
#[test]
fn scores_are_those_of_trainings_by_plain_loops() {
    let (s, seeds) = (small(), [0, 1]);
    let outcome = testing::run::<AmortisationGap>(&s, &seeds);
    let table = Tables::new(outcome.tables).rows::<Gap>();
    assert_eq!(table.len(), 2 * 2 * 8);
    for row in table {
        let number = u64::from(row.orthogonal);
        let rng = &mut Rng::stream(row.seed, "amortisation-gap", "data", number);
        let data = Data::draw(SIZES[number as usize], s.active, s.samples, rng);
        let truth = rows(&data.test.codes, row.sources);
        let (codes, atoms) = trained(&data, &row, number, &s);
        let of_codes = code_mcc(&codes, &truth);
        // Sums over 64 samples in f32 leave a gradient right to some 64·2⁻²⁴, 4·10⁻⁶, of its typical entry, and Adam
        // divides by the entry's own size: an entry of a hundredth of that moves wrongly by 4·10⁻⁴ of a step, 25 of
        // which are at most 0.125 long. FISTA's codes are within a duality gap of 10⁻⁵·‖x‖², and so within 3·10⁻³·‖x‖
        // as reconstructions.
        let coded = row.method == "sparse coding";
        let tolerance = if coded { 2e-3 } else { 1e-4 };
        assert_near(row.code_mcc, of_codes, tolerance, &row);
        let of_atoms = match &*row.known.to_string() {
            "nothing" => dictionary_mcc(&atoms, &rows(&data.dictionary, row.dimensions)),
            _ => f64::NAN,
        };
        assert_near(row.dictionary_mcc, of_atoms, 1e-4, &row);
    }
}

/// Claims: optimised-codes-are-truer
#[test]
fn the_verdict_is_that_of_the_rows() {
    let (s, seeds) = (small(), [0, 1, 2]);
    let outcome = testing::run::<AmortisationGap>(&s, &seeds);
    let ledger = testing::settle::<AmortisationGap>(&outcome, &seeds);
    let table = Tables::new(outcome.tables).rows::<Gap>();
    let gap = |orthogonal: bool, known: &str, rival: &str| {
        let mcc = |method: &str, seed: u64| {
            let same = |r: &&Gap| {
                (r.orthogonal, r.seed) == (orthogonal, seed)
                    && (&*r.known.to_string(), &*r.method) == (known, method)
            };
            table.iter().find(same).unwrap().code_mcc
        };
        let gap = seeds
            .iter()
            .map(|&seed| mcc("sparse coding", seed) - mcc(rival, seed));
        gap.collect::<Vec<f64>>()
    };
    for known in ["dictionary", "nothing"] {
        for rival in ["linear", "two-layer of 6"] {
            let settled = Settled {
                claim: gap(false, known, rival),
                control: gap(true, known, rival),
                holds: &|gap| gap >= 0.05,
            };
            let cell = format!("known={known}; encoder={rival}; sources=16; dimensions=8");
            assert_measured(&outcome.measures, &cell, 0, &seeds, &settled);
            if (known, rival) == ("dictionary", "linear") {
                assert_measured(&outcome.measures, "", 0, &seeds, &settled);
                let entry = ledger.get("optimised-codes-are-truer").unwrap();
                assert_settled(entry, &[settled], &|gap| gap <= -0.05);
            }
        }
    }
    // There are four cells and the point setting.
    assert_eq!(outcome.measures.len(), 5 * seeds.len());
}
