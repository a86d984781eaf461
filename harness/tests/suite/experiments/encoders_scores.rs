//! `encoders` against plain loops in f64: the measures of encoders, and the claims from the rows of the table.
//!
//! Encoders are trained by steps of the kernels, which have tests of their own.

use std::collections::BTreeMap;

use super::encoders_data::{LAMBDA, exec, small, with_source};
use super::encoders_plain::{Plain, active, f1, omp};
use crate::common::plain::{Rows, Settled, assert_measured, assert_near, assert_settled, dot};
use crate::common::testing;
use harness::experiments::autoencoders::encoders::Encoders;
use harness::experiments::autoencoders::encoders::reading::{self, Reading};
use harness::experiments::autoencoders::encoders::source::Source;
use harness::rng::Rng;
use kernels::sae::{L1, Lista, Parameters, Rows as Norms, TwoLayer, Variant};

/// Returns a model near the features, with all of its parameters moved.
fn model(variant: Variant, source: &Source) -> Parameters {
    let rng = &mut Rng::stream(0, "test", "encoders", 0);
    let mut known = source.known.iter().copied();
    let start = || known.next().unwrap_or_else(|| rng.normal() as f32);
    let mut p = Parameters::initial(source.shape(), variant, start);
    let mut names = vec!["w_enc", "b_enc", "w_dec", "b_dec"];
    match variant {
        Variant::TwoLayer(_) => names.extend(["w_hidden", "b_hidden"]),
        Variant::Lista(_) => names.push("w_lateral"),
        _ => {}
    }
    for name in names {
        let [mut tensor] = p.tensors_mut([name]);
        for i in 0..tensor.rows() {
            let row = tensor.row_mut(i);
            row.iter_mut()
                .for_each(|v| *v += 0.04 * rng.normal() as f32);
            match name {
                "b_enc" => row.iter_mut().for_each(|v| *v -= 0.2),
                "w_dec" => {
                    let norm = row.iter().map(|v| v * v).sum::<f32>().sqrt();
                    row.iter_mut().for_each(|v| *v /= norm);
                }
                _ => {}
            }
        }
    }
    p
}

/// Claims: linear-encoder-holds-its-own, linear-support-is-truer
#[test]
fn what_is_read_from_an_encoder_is_that_of_plain_loops() {
    let s = small();
    let lambda = LAMBDA as f32;
    let linear = Variant::L1(L1 {
        lambda,
        rows: Norms::Unit,
    });
    let two_layer = Variant::TwoLayer(TwoLayer { hidden: 16, lambda });
    let lista = Variant::Lista(Lista { steps: 3, lambda });
    for (variant, coherence) in [
        (linear, Some(0.0)),
        (two_layer, Some(0.8)),
        (lista, Some(0.0)),
        (two_layer, None),
    ] {
        with_source(&s, |source, _| compare(variant, source), coherence);
    }
}

fn compare(variant: Variant, source: &Source) {
    let p = model(variant, source);
    let found = Reading::of_encoder(exec(), &p, LAMBDA, source);
    let plain = Plain::of(&p, source.samples_to_compare(), source.known(), LAMBDA);
    let samples = plain.x.len() as f64;
    let own = plain.scores(&plain.codes);
    // These are products of at most 22 terms in f32, right to some 10⁻⁶ of their size; an entry within that of 0 may
    // fall on either side, and of some 1,500 none or one does.
    let near = |found: reading::Codes, expected: &super::encoders_plain::Codes, entries: f64| {
        assert_near(found.l0, expected.l0, entries / samples, expected);
        let tolerance = 1e-5;
        assert_near(
            found.explained_variance,
            expected.explained_variance,
            tolerance,
            expected,
        );
        assert_near(found.loss, expected.loss, tolerance, expected);
    };
    near(found.own, &own, 1.0);
    near(found.on_known.unwrap(), &plain.on_known(), 1.0);
    assert_near(found.mmcs, plain.mmcs(), 1e-5, &"mmcs");
    // FISTA stops at a gap of 10⁻⁵ of ‖x‖² in each sample: its loss is at most that much above the least, and not below
    // it.
    let least = plain.scores(&plain.best);
    let energy = plain.x.iter().map(|x| dot(x, x)).sum::<f64>() / samples;
    let above = found.fista.loss - least.loss;
    assert!((-1e-6..=1e-5 * energy + 1e-6).contains(&above), "{above:e}");
    let excess = (own.loss - least.loss) / least.loss;
    let tolerance = (1.0 + excess) * 1.2e-5 * energy / least.loss;
    assert_near(found.distance.excess, excess, tolerance, &"excess");
    // Entries of FISTA's codes near 0 may be active or not: its reconstruction is up to √10⁻⁵ of ‖x‖ away.
    let sets = |codes: &Rows| codes.iter().map(|c| active(c)).collect::<Vec<_>>();
    let to_best = f1(&sets(&plain.codes), &sets(&plain.best));
    assert_near(found.distance.f1, to_best, 0.03, &"F1 to the best");
    let atoms = (own.l0.round() as usize).max(1);
    let pursued: Rows = plain
        .x
        .iter()
        .map(|x| omp(x, &plain.elements, atoms))
        .collect();
    near(found.omp, &plain.scores(&pursued), 2.0);

    let truth = source.active.as_ref().unwrap();
    let against = |codes: &Rows| f1(&plain.features(codes), truth);
    // One entry of a hundred or more in all may differ.
    let one = 0.01;
    assert_near(found.supports.own.f1(), against(&plain.codes), one, &"own");
    let by_pursuit = against(&plain.as_many_by_pursuit());
    assert_near(found.supports.omp.f1(), by_pursuit, one, &"OMP");
    let by_transpose = against(&plain.as_many_by_transpose());
    assert_near(
        found.supports.transposed.f1(),
        by_transpose,
        one,
        &"transposed",
    );
    // The score is that at one of the λ with as many active entries, each of which has codes of its own.
    let by_optimum = plain.as_many_by_optimum();
    let by_optimum: Vec<f64> = by_optimum.iter().map(against).collect();
    let found = found.supports.fista.f1();
    let low = by_optimum.iter().copied().fold(f64::INFINITY, f64::min);
    let high = by_optimum.iter().copied().fold(0.0, f64::max);
    assert!(
        (low - one..=high + one).contains(&found),
        "{found} and none of {by_optimum:?}"
    );
}

/// Claims: linear-encoder-holds-its-own, linear-support-is-truer
#[test]
fn verdicts_are_those_of_the_rows() {
    let (s, seeds) = (small(), [0, 1]);
    let outcome = testing::run::<Encoders>(&s, &seeds);
    let ledger = testing::settle::<Encoders>(&outcome, &seeds);
    let text = outcome.tables[0].csv().to_string();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let table: Vec<BTreeMap<String, String>> = reader.deserialize().map(|r| r.unwrap()).collect();
    let value = |source: &str, encoder: &str, budget: &str, seed: u64, column: &str| -> f64 {
        let same = |r: &&BTreeMap<String, String>| {
            let key = ["source", "encoder", "budget", "seed"].map(|c| r[c].as_str());
            key == [source, encoder, budget, &seed.to_string()]
        };
        table.iter().find(same).unwrap()[column].parse().unwrap()
    };
    let of_seeds = |of: &dyn Fn(u64) -> f64| seeds.iter().map(|&s| of(s)).collect::<Vec<_>>();
    let measures = |claim: &str| {
        let ours = outcome.measures.iter().filter(|m| m.claim == claim);
        ours.cloned().collect::<Vec<_>>()
    };
    let (linear, support) = (
        measures("linear-encoder-holds-its-own"),
        measures("linear-support-is-truer"),
    );
    for (source, coherence) in [("synthetic", "0"), ("synthetic, coherence 0.8", "0.8")] {
        for rival in ["two-layer", "lista"] {
            for budget in ["third", "all"] {
                let less = |source: &str, column: &str, sign: f64| {
                    of_seeds(&|seed| {
                        let of = |encoder| value(source, encoder, budget, seed, column);
                        sign * (of("linear") - of(rival))
                    })
                };
                let settled =
                    |column: &str, sign: f64, holds: &'static dyn Fn(f64) -> bool| Settled {
                        claim: less(source, column, sign),
                        control: less("compressed", column, sign),
                        holds,
                    };
                let conditions = [
                    settled("excess", 1.0, &|v| v <= 0.05),
                    settled("excess", 1.0, &|v| v >= -0.05),
                    settled("mmcs", -1.0, &|v| v <= 0.02),
                ];
                let cell = format!("coherence={coherence}; λ=0.1; rival={rival}; steps={budget}");
                for (i, settled) in conditions.iter().enumerate() {
                    assert_measured(&linear, &cell, i, &seeds, settled);
                }
                if (coherence, rival, budget) == ("0", "two-layer", "all") {
                    let entry = ledger.get("linear-encoder-holds-its-own").unwrap();
                    assert_settled(entry, &conditions, &|v| v >= 0.1);
                }
            }
        }
        let above = |of: &str, other: &str| {
            let f1 = |seed, column: &str| value(source, "linear", "all", seed, column);
            of_seeds(&|seed| f1(seed, of) - f1(seed, other))
        };
        let conditions = ["fista_f1", "omp_f1"].map(|other| Settled {
            claim: above("f1", other),
            control: above("transposed_f1", other),
            holds: &|v| v > 0.0,
        });
        let cell = format!("coherence={coherence}; λ=0.1");
        for (i, settled) in conditions.iter().enumerate() {
            assert_measured(&support, &cell, i, &seeds, settled);
        }
        if coherence == "0" {
            let entry = ledger.get("linear-support-is-truer").unwrap();
            assert_settled(entry, &conditions, &|v| v < 0.0);
        }
    }
    // There are eight cells of three conditions, two of two, and the point settings.
    assert_eq!(linear.len(), 9 * 3 * seeds.len());
    assert_eq!(support.len(), 3 * 2 * seeds.len());
}
