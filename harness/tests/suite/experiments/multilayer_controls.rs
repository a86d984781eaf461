//! The models that `multilayer` builds by hand, whose properties are known, and its controls.

use super::multilayer_plain::{all_plain, margin};
use crate::common::testing;
use harness::claim::{Cell, Verdict};
use harness::experiments::many_layers::multilayer::circuit::{self, Dealt};
use harness::experiments::many_layers::multilayer::data::{self, Data};
use harness::experiments::many_layers::multilayer::decisive::Measure;
use harness::experiments::many_layers::multilayer::reading::{Judge, Reading};
use harness::experiments::many_layers::multilayer::{
    Capacity, Curve, Loss, Multilayer, OtherBlocks, Settings, Targets,
};
use harness::settings::{Preset, Settings as _};
use harness::table::record::Word as _;
use kernels::{Exec, Isa};

/// Returns 40 pairs out of 12² with classes out of 12.
fn forty() -> Data {
    Data::draw(12, Targets::Random, 40, 4)
}

/// Claims: late-layers-near-linear, learned-near-the-end, no-decisive-layer
#[test]
fn a_look_up_model_is_right_exactly_from_its_owner_on() {
    let data = forty();
    for &loss in Loss::ALL {
        let p = circuit::look_up(&data, 12, 5, 8, loss).unwrap();
        let width = p.shape().width;
        let height = circuit::height(loss, width);
        for (k, a) in all_plain(&p, &data, loss).iter().enumerate() {
            let (owner, target) = (circuit::owner(k, 40, 8), data.targets[k] as usize);
            for (l, x) in a.streams.iter().enumerate() {
                let done = l >= owner;
                for (c, &logit) in x[..12].iter().enumerate() {
                    let want = if done && c == target {
                        height as f32
                    } else {
                        0.0
                    };
                    assert_eq!(logit, f64::from(want), "{loss} {k} {l} {c}");
                }
                // As a logit, the code is next to nothing.
                assert!(x[12..].iter().all(|&v| v == 0.0 || v == -1.0 / 1024.0));
                assert_eq!(margin(x, target) > 0.0, done);
            }
            let active: Vec<bool> = a.norm.iter().map(|&v| v > 0.0).collect();
            let want: Vec<bool> = (1..=8).map(|l| l == owner).collect();
            assert_eq!(active, want, "only the owner has a gradient");
        }
        // Read by the kernels, five datapoints belong to each layer by every judge, and each measure finds the owner.
        let exec = Exec::serial(Isa::detect());
        let judges = [Judge::Loss(0.05), Judge::Argmax, Judge::AffineLens];
        let reading = Reading::of(exec, &p, &data, loss, &judges, &[]);
        for judge in &judges[..2] {
            let want: Vec<f64> = (0..=8).map(|l| l as f64 / 8.0).collect();
            assert_eq!(reading.right(*judge).0, want, "{judge}");
        }
        let steps: Vec<f64> = reading.loss.windows(2).map(|w| w[1] - w[0]).collect();
        for step in &steps {
            assert!(
                (step - steps[0]).abs() < 1e-3 * steps[0].abs(),
                "a straight line: {steps:?}"
            );
        }
        for &measure in Measure::ALL {
            assert_eq!(reading.decisive[measure as usize], [1.0; 5], "{measure}");
        }
    }
    let why = circuit::look_up(&data, 12, 4, 8, Loss::CrossEntropy).unwrap_err();
    assert!(why.contains("holds 32 pairs, not 40"), "{why}");
}

/// Claims: no-decisive-layer
#[test]
fn an_and_circuit_is_exact_and_its_work_is_dealt_as_told() {
    let data = forty();
    let build = |dealt, seed| {
        let rng = data::dealing(seed);
        circuit::universal_and(&data, 12, 160, 8, dealt, Loss::SquaredError, rng).unwrap()
    };
    let mut done = [0.0; 9];
    let seeds = 30;
    for seed in 0..seeds {
        let p = build(Dealt::ToAllLayers, seed);
        for (k, a) in all_plain(&p, &data, Loss::SquaredError).iter().enumerate() {
            let target = data.targets[k] as usize;
            for (c, &logit) in a.streams[8][..12].iter().enumerate() {
                let want = if c == target { 1.0 } else { 0.0 };
                // The written values are rounded to f32.
                assert!((logit - want).abs() < 1e-4, "{k} {c}: {logit}");
            }
            for (l, done) in done.iter_mut().enumerate() {
                *done += a.streams[l][target] / (40 * seeds) as f64;
            }
        }
    }
    // The share of a datapoint deviates by 0.2 or so in each of thirty circuits.
    for (l, done) in done.iter().enumerate() {
        assert!(
            (done - l as f64 / 8.0).abs() < 0.05,
            "after layer {l}: {done}"
        );
    }

    let p = build(Dealt::ToOneLayer, 0);
    let exec = Exec::serial(Isa::detect());
    let reading = Reading::of(exec, &p, &data, Loss::SquaredError, &[Judge::Argmax], &[]);
    assert_eq!(reading.right(Judge::Argmax).0[4..=5], [0.0, 1.0]);
    for &measure in Measure::ALL {
        assert_eq!(reading.decisive[measure as usize], [1.0; 5], "{measure}");
    }
    let rng = data::dealing(0);
    let few = circuit::universal_and(
        &data,
        12,
        39,
        8,
        Dealt::ToAllLayers,
        Loss::CrossEntropy,
        rng,
    );
    assert!(
        few.unwrap_err()
            .contains("39 hidden units do not tell 40 pairs apart")
    );
}

/// Claims: end-to-end-learns-more
#[test]
fn the_controls_fail_where_they_should_and_every_cell_is_settled() {
    let s = Settings {
        width: 20,
        hidden: 20,
        layers: 6,
        datapoints: vec![12, 24],
        epochs: 150,
        long_epochs: 150,
        other_seeds: 1,
        opposite_steps: 50,
        curve: Curve {
            width: 12,
            loads: vec![0.5, 1.0, 2.0],
            layers: vec![6],
            rates: vec![3e-3],
            epochs: 100,
            steps: 100,
            full_batch_steps: 50,
            seeds: 3,
            ..Curve::preset(Preset::Quick)
        },
        capacity: Capacity {
            width: 8,
            hidden: 4,
            layers: 2,
            // These are at last all 64 pairs that exist, which neither way learns with so few units.
            loads: vec![1.0, 2.0, 16.0],
            steps: 1000,
            curve: OtherBlocks {
                layers: vec![1, 2],
                hidden: vec![4],
                rates: vec![3e-3, 1e-2],
                seeds: 2,
            },
            ..Capacity::preset(Preset::Quick)
        },
        ..Settings::preset(Preset::Quick)
    };
    let seeds = [0, 1, 2];
    let outcome = testing::run::<Multilayer>(&s, &seeds);
    let controls = testing::settle_controls::<Multilayer>(&outcome, &seeds);
    let verdict = |id: &str| controls.get(id).unwrap().verdict;
    assert_eq!(verdict("late-layers-near-linear"), Verdict::NoPower);
    assert_eq!(verdict("learned-near-the-end"), Verdict::NotReproduced);
    assert_ne!(verdict("more-data-learned-earlier"), Verdict::NoPower);
    assert_ne!(verdict("more-data-learned-earlier"), Verdict::Reproduced);
    let entry = controls.get("no-decisive-layer").unwrap();
    assert_eq!((entry.verdict, entry.value), (Verdict::NotReproduced, 6.0));

    let ledger = testing::settle::<Multilayer>(&outcome, &seeds);
    // There are two losses; minibatches with two budgets and all datapoints with one; two pairs of loads; and the
    // point. Early stopping is a third budget for minibatches and a second one for all datapoints, where a training
    // stops early.
    let (cells, stopped) = (2 * (2 + 1) * 2 + 1, 2 * 2 * 2);
    for (id, judges) in [
        ("late-layers-near-linear", 1),
        ("no-decisive-layer", 1),
        ("learned-near-the-end", 5),
        ("more-data-learned-earlier", 5),
    ] {
        let entry = ledger.get(id).unwrap();
        let early = |c: &&Cell| c.setting.contains("budget=early-stop");
        let early = ledger.cells_of(id).filter(early).count() as u64;
        assert_eq!(entry.settings - early, cells * judges, "{id}");
        assert!(early <= stopped * judges, "{id}");
        let points: Vec<_> = ledger.cells_of(id).filter(|c| c.point).collect();
        assert_eq!(points.len(), 1, "{id}");
        assert_eq!(points[0].value.to_bits(), entry.value.to_bits(), "{id}");
    }
    let id = "end-to-end-learns-more";
    let entry = ledger.get(id).unwrap();
    assert!(entry.value > 0.0, "{entry:?}");
    // There are two numbers of blocks and two rates, the point among them.
    assert_eq!(entry.settings, 4);
    let point = ledger.cells_of(id).filter(|c| c.point).collect::<Vec<_>>();
    let same = [(point[0].setting.as_str(), point[0].value.to_bits())];
    let expected = "layers=2; hidden units=4; rate=0.003";
    assert_eq!(
        (point.len(), same),
        (1, [(expected, entry.value.to_bits())])
    );
    // One block is trained in the same way by both methods. Where it learns all 64 pairs, it is not known which would
    // learn more.
    let alone = ledger
        .cells_of(id)
        .filter(|c| c.setting.starts_with("layers=1;"));
    let alone: Vec<_> = alone.collect();
    assert_eq!(alone.len(), 2);
    for cell in alone {
        let all = "both ways learned 64 pairs, the most that were tried";
        assert!(cell.value == 1.0 || cell.reason.contains(all), "{cell:?}");
    }
}
