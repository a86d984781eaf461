//! Training steps, their state, and changes in the middle of training.

use kernels::adam::{self, Adam};
use kernels::sae::{self, AuxK, L1, Parameters, Rows, Shape, TopK, Trainer, Variant};
use kernels::{Exec, Isa, MatRef, dictionary};
use proptest::prelude::*;
use proptests::{config, each_isa, stream};

use super::case::{PATHS, case, dense};

each_isa!(a_step_is_its_parts);
/// A step is its parts: gradient, projection, Adam, renormalisation, counts.
fn a_step_is_its_parts(isa: Isa) {
    proptest!(config(200), |(case in case())| {
        let exec = Exec::serial(isa);
        let mut trainer = Trainer::new(case.parameters.clone(), Adam::default(), 10);
        let mut parameters = case.parameters.clone();
        let mut moments = [(); 2].map(|()| vec![0.0; parameters.values().len()]);
        let mut idle = vec![0; case.shape().dictionary];
        let unit = match case.variant() {
            Variant::L1(l1) => l1.rows == Rows::Unit,
            Variant::TiedL1(_) => false,
            _ => true,
        };
        for t in 1..=3 {
            let losses = trainer.step_to(exec, case.batch(), case.target());
            let mut workspace = case.workspace(sae::DENSE);
            workspace.set_dead(|j| idle[j] >= 2);
            let mut gradient = Parameters::zeros(case.task(), case.variant());
            let (x, y) = (case.batch(), case.target());
            let want = sae::gradient_to(exec, &parameters, x, y, &mut workspace, &mut gradient);
            prop_assert_eq!(losses, want);
            if unit {
                let [rows] = gradient.tensors_mut(["w_dec"]);
                match case.task().is_transcoder() {
                    false => dictionary::project_gradient(exec, parameters.dictionary(), rows),
                    true => dictionary::project_inward(exec, parameters.dictionary(), rows),
                }
            }
            let [first, second] = &mut moments;
            let values = parameters.values_mut();
                adam::step(exec, Adam::default(), t, gradient.values(), values, first, second);
            if unit {
                let [rows] = parameters.tensors_mut(["w_dec"]);
                match case.task().is_transcoder() {
                    false => dictionary::normalise(exec, rows),
                    true => dictionary::shorten(exec, rows),
                }
            }
            let codes = dense(workspace.codes());
            match case.variant() {
                Variant::JumpRelu(_) => {
                    let [mut threshold] = parameters.tensors_mut(["threshold"]);
                    threshold.row_mut(0).iter_mut().for_each(|t| *t = t.max(0.0));
                }
                Variant::BatchTopK(_) | Variant::Matryoshka(_) => {
                    let [mut threshold] = parameters.tensors_mut(["threshold"]);
                    let kept = codes.iter().copied().filter(|&f| f > 0.0);
                    if let Some(least) = kept.min_by(f32::total_cmp) {
                        let weight = f32::max(0.01, 10.0 / (t as f32 + 9.0));
                        threshold.row_mut(0).iter_mut().for_each(|t| *t += weight * (least - *t));
                    }
                }
                _ => {}
            }
            for (j, idle) in idle.iter_mut().enumerate() {
                let column = codes.iter().skip(j).step_by(case.shape().dictionary);
                *idle = if column.into_iter().any(|&f| f != 0.0) { 0 } else { *idle + 1 };
            }
            prop_assert_eq!(trainer.parameters(), &parameters);
            prop_assert_eq!(trainer.moments(), [&moments[0][..], &moments[1]]);
            prop_assert_eq!(trainer.idle(), &idle);
        }
    });
}

each_isa!(tensors_that_are_held_stay_and_the_others_step_as_ever);
/// Every other tensor is held. It keeps its bits, and the rest are those that a step without holding gives.
fn tensors_that_are_held_stay_and_the_others_step_as_ever(isa: Isa) {
    proptest!(config(200), |(case in case(), first in 0..2usize)| {
        let exec = Exec::serial(isa);
        let names: Vec<&str> = case.parameters.tensors().map(|(name, _)| name).collect();
        let held: Vec<&str> = names.iter().skip(first).step_by(2).copied().collect();
        let mut free = Trainer::new(case.parameters.clone(), Adam::default(), 10);
        let mut holding = free.clone();
        holding.hold(&held);
        prop_assert_eq!(free.step_to(exec, case.batch(), case.target()), holding.step_to(exec, case.batch(), case.target()));
        let bits = |p: &Parameters, name: &str| -> Vec<u32> {
            p.tensor(name).data().iter().map(|v| v.to_bits()).collect()
        };
        for name in &names {
            let stepped = if held.contains(name) { &case.parameters } else { free.parameters() };
            prop_assert_eq!(bits(holding.parameters(), name), bits(stepped, name), "{}", name);
        }
        holding.step_to(exec, case.batch(), case.target());
        for name in held {
            prop_assert_eq!(bits(holding.parameters(), name), bits(&case.parameters, name));
        }
    });
}

each_isa!(a_clipped_step_is_its_parts_and_what_is_held_has_no_part_in_the_norm);
/// The gradient that a first step took is read from its first moments, (1 − β₁)g.
fn a_clipped_step_is_its_parts_and_what_is_held_has_no_part_in_the_norm(isa: Isa) {
    proptest!(config(100), |(case in case(), share in 0.05f64..0.9)| {
        let exec = Exec::serial(isa);
        let taken = |most: Option<f32>| {
            let mut trainer = Trainer::new(case.parameters.clone(), Adam::default(), 10);
            trainer.hold(&["w_dec"]);
            trainer.set_clip(most);
            trainer.step_to(exec, case.batch(), case.target());
            trainer
        };
        let free = taken(None);
        let place = {
            let mut start = 0;
            let mut tensors = case.parameters.tensors().map(|(name, tensor)| {
                let place = start..start + tensor.data().len();
                start = place.end;
                (name, place)
            });
            tensors.find(|(name, _)| *name == "w_dec").unwrap().1
        };
        let moved = |trainer: &Trainer| -> Vec<f64> {
            let [first, _] = trainer.moments();
            let all = first.iter().enumerate().filter(|(i, _)| !place.contains(i));
            all.map(|(_, &m)| f64::from(m) / f64::from(1.0 - Adam::default().beta1)).collect()
        };
        let norm = |g: &[f64]| g.iter().map(|g| g * g).sum::<f64>().sqrt();
        let whole = moved(&free);
        prop_assume!(norm(&whole) > 1e-6 && norm(&whole) < 1e6);
        let most = share * norm(&whole);
        let clipped = moved(&taken(Some(most as f32)));
        prop_assert!((norm(&clipped) / most - 1.0).abs() < 1e-4, "{} for {}", norm(&clipped), most);
        for (is, was) in clipped.iter().zip(&whole) {
            prop_assert!((is - share * was).abs() <= 1e-4 * most, "{} from {}", is, was);
        }
        let unclipped = taken(Some((2.0 * norm(&whole)) as f32));
        prop_assert_eq!(unclipped.parameters(), free.parameters());
    });
}

#[test]
fn the_penalty_of_a_variant_can_be_read_and_set() {
    let shape = Shape {
        width: 9,
        dictionary: 16,
    };
    let of = |lambda| Variant::examples(shape, lambda).into_iter();
    for (mut variant, other) in of(0.25).zip(of(0.5)) {
        let has = !matches!(
            variant,
            Variant::TopK(_) | Variant::BatchTopK(_) | Variant::Matryoshka(_)
        );
        assert_eq!(variant.lambda(), has.then_some(0.25), "{variant:?}");
        if let Some(lambda) = variant.lambda_mut() {
            *lambda = 0.5;
        }
        assert_eq!(variant, other);
    }
}

each_isa!(training_can_be_resumed);
/// A trainer that is restored from its saved state goes on to the same bits.
fn training_can_be_resumed(isa: Isa) {
    proptest!(config(200), |(case in case())| {
        let exec = Exec::serial(isa);
        let mut whole = Trainer::new(case.parameters.clone(), Adam::default(), 10);
        whole.step_to(exec, case.batch(), case.target());
        let mut resumed = Trainer::restore(
            whole.parameters().clone(),
            whole.adam(),
            10,
            whole.moments().map(<[f32]>::to_vec),
            whole.steps(),
            whole.idle().to_vec(),
        );
        for _ in 0..2 {
            prop_assert_eq!(whole.step_to(exec, case.batch(), case.target()), resumed.step_to(exec, case.batch(), case.target()));
        }
        prop_assert_eq!(whole.parameters(), resumed.parameters());
        prop_assert_eq!(whole.idle(), resumed.idle());
    });
}

each_isa!(a_variant_can_be_set_in_the_middle_of_training);

/// Training goes on with another penalty, or another variant of the same tensors, as if it had been restored with that
/// one.
fn a_variant_can_be_set_in_the_middle_of_training(isa: Isa) {
    const BATCH: usize = 6;
    let shape = Shape {
        width: 9,
        dictionary: 16,
    };
    let mut next = stream(3);
    let x: Vec<f32> = (0..BATCH * 9).map(|_| next()).collect();
    let x = MatRef::new(&x, BATCH, 9).unwrap();
    let aux = AuxK {
        k: 2,
        coefficient: 0.3,
        dead_after: 1,
    };
    let same_tensors = [
        Variant::TopK(TopK {
            k: 3,
            aux: Some(aux),
        }),
        Variant::TopK(TopK { k: 3, aux: None }),
        Variant::L1(L1 {
            lambda: 0.3,
            rows: Rows::Penalised,
        }),
    ];
    let stronger = Variant::examples(shape, 0.2).into_iter();
    let pairs = Variant::examples(shape, 0.1).into_iter().zip(stronger);
    let others = same_tensors.iter().zip(same_tensors.iter().cycle().skip(1));
    for (from, to) in pairs.chain(others.map(|(&from, &to)| (from, to))) {
        let exec = Exec::serial(isa);
        for (_, dense_from) in PATHS {
            let parameters = Parameters::initial(shape, from, stream(5));
            let mut trainer = Trainer::new(parameters, Adam::default(), BATCH);
            trainer.workspace_mut().set_dense_from(dense_from);
            for _ in 0..3 {
                trainer.step(exec, x);
            }
            let mut parameters = Parameters::zeros(shape, to);
            let values = trainer.parameters().values();
            parameters.values_mut().copy_from_slice(values);
            let mut restored = Trainer::restore(
                parameters,
                trainer.adam(),
                BATCH,
                trainer.moments().map(<[f32]>::to_vec),
                trainer.steps(),
                trainer.idle().to_vec(),
            );
            restored.workspace_mut().set_dense_from(dense_from);
            trainer.set_variant(to);
            for _ in 0..2 {
                let losses = [&mut trainer, &mut restored].map(|it| it.step(exec, x));
                assert_eq!(losses[0], losses[1], "{from:?}, then {to:?}");
            }
            assert_eq!(trainer.parameters(), restored.parameters());
        }
    }
}
