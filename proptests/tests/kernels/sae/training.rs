//! Steps of training, where it starts from, and resampling.

use kernels::adam::{self, Adam};
use kernels::sae::{
    self, AuxK, L1, Parameters, Rows, Shape, TopK, Trainer, TwoLayer, Variant, Workspace,
};
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
                        threshold.row_mut(0).iter_mut().for_each(|t| *t += 0.01 * (least - *t));
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
/// Every other tensor is held: it keeps its bits, and the rest come to those that a step without holding gives them.
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
/// The first moments after a first step tell the gradient that it took: (1 − β₁)g.
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

each_isa!(what_is_held_is_not_resampled);
fn what_is_held_is_not_resampled(isa: Isa) {
    let shape = Shape {
        width: 9,
        dictionary: 16,
    };
    for variant in Variant::examples(shape, 0.1) {
        let exec = Exec::serial(isa);
        let parameters = Parameters::initial(shape, variant, stream(7));
        let len = parameters.values().len();
        let moments = [(); 2].map(|()| vec![0.0; len]);
        let adam = Adam::default();
        let mut trainer = Trainer::restore(parameters.clone(), adam, 5, moments, 3, vec![9; 16]);
        trainer.hold(&["w_dec"]);
        let mut next = stream(8);
        let x: Vec<f32> = (0..5 * 9).map(|_| next()).collect();
        let count = trainer.resample(exec, MatRef::new(&x, 5, 9).unwrap(), 5, || 0.5);
        assert_eq!(count, 16);
        let tensor = |name| trainer.parameters().tensor(name).data().to_vec();
        assert_eq!(tensor("w_dec"), parameters.tensor("w_dec").data());
        if !matches!(variant, Variant::TiedL1(_)) {
            assert_ne!(tensor("w_enc"), parameters.tensor("w_enc").data());
        }
    }
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
/// From its saved state, a trainer goes on to the same bits.
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
/// Initial parameters: unit rows, the encoder their transpose (or as good as), no biases.
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

#[test]
fn training_starts_from_unit_rows() {
    let shape = Shape {
        width: 10,
        dictionary: 7,
    };
    for variant in Variant::examples(shape, 0.1) {
        let parameters = Parameters::initial(shape, variant, stream(5));
        let rows = parameters.dictionary();
        for j in 0..7 {
            let norm: f32 = rows.row(j).iter().map(|x| x * x).sum();
            assert!((norm - 1.0).abs() < 1e-6, "{norm}");
        }
        for (name, tensor) in parameters.tensors() {
            match name {
                "w_dec" => {}
                "w_enc" if !matches!(variant, Variant::TwoLayer(_)) => {
                    assert_eq!(tensor.data(), rows.data());
                }
                "w_enc" | "w_hidden" => {}
                "threshold" if matches!(variant, Variant::JumpRelu(_)) => {
                    assert!(tensor.data().iter().all(|&x| x == 0.2));
                }
                _ => assert!(tensor.data().iter().all(|&x| x == 0.0), "{name}"),
            }
        }
    }
}

each_isa!(a_two_layer_encoder_starts_as_the_linear_one);
/// A two-layer encoder whose hidden layer can carry every value with either sign starts as the linear one, and a
/// narrower one as that on the values which it can carry.
fn a_two_layer_encoder_starts_as_the_linear_one(isa: Isa) {
    const BATCH: usize = 5;
    let shape = Shape {
        width: 10,
        dictionary: 7,
    };
    let mut next = stream(6);
    let whole: Vec<f32> = (0..BATCH * shape.width).map(|_| next()).collect();
    let codes = |variant, x: &[f32]| {
        let x = MatRef::new(x, BATCH, shape.width).unwrap();
        let parameters = Parameters::initial(shape, variant, stream(5));
        let mut workspace = Workspace::new(shape, variant, BATCH);
        dense(sae::encode(
            Exec::serial(isa),
            &parameters,
            x,
            &mut workspace,
        ))
    };
    let lambda = 0.1;
    let rows = Rows::Unit;
    // 20 units carry all of the 10 values; of 23, three are not read; 6 carry three values.
    for (hidden, carried) in [(20, 10), (23, 10), (6, 3)] {
        let mut x = whole.clone();
        for row in x.chunks_mut(shape.width) {
            row[carried..].fill(0.0);
        }
        let linear = codes(Variant::L1(L1 { lambda, rows }), &x);
        assert!(linear.iter().any(|&c| c > 0.0));
        let variant = Variant::TwoLayer(TwoLayer { hidden, lambda });
        let two_layer = codes(variant, &whole);
        for (i, (a, b)) in linear.chunks(7).zip(two_layer.chunks(7)).enumerate() {
            // Sums of 10 and of 23 products with a unit row.
            let row = &whole[i * shape.width..][..shape.width];
            let norm: f32 = row.iter().map(|v| v * v).sum::<f32>().sqrt();
            let tolerance = 33.0 * 0.5 * f32::EPSILON * norm;
            for (a, b) in a.iter().zip(b) {
                assert!((a - b).abs() <= tolerance, "{a} and {b}");
            }
        }
        // Units that nothing reads yet have weights, or they could not learn.
        let parameters = Parameters::initial(shape, variant, stream(5));
        let (w_hidden, w_enc) = (parameters.tensor("w_hidden"), parameters.tensor("w_enc"));
        for unit in 20..hidden {
            assert!(w_hidden.row(unit).iter().all(|&w| w != 0.0));
            assert!((0..7).all(|j| w_enc.row(j)[unit] == 0.0));
        }
    }
}

each_isa!(dead_elements_are_resampled);
/// Dead elements take the direction of the one sample that is reconstructed badly; the others, and their
/// moments, stay as they are.
fn dead_elements_are_resampled(isa: Isa) {
    const DEAD_AFTER: u32 = 4;
    let shape = Shape {
        width: 9,
        dictionary: 16,
    };
    for variant in Variant::examples(shape, 0.1) {
        let exec = Exec::serial(isa);
        let mut parameters = Parameters::initial(shape, variant, stream(7));
        for (i, value) in parameters.values_mut().iter_mut().enumerate() {
            // No zeros, so that what is reset shows.
            *value += 1e-3 * (1.0 + i as f32).sin();
        }
        let len = parameters.values().len();
        let mut next = stream(8);
        let moments = [(); 2].map(|()| (0..len).map(|_| next().abs() + 0.1).collect());
        let idle: Vec<u32> = (0..16).map(|j| j * j % 7).collect();
        let is_dead = |j: usize| idle[j] >= DEAD_AFTER;
        let adam = Adam::default();
        let mut trainer = Trainer::restore(parameters.clone(), adam, 5, moments, 3, idle.clone());

        // All samples but one are reconstructed without an error that counts beside that one's.
        let mut x = vec![0.0; 5 * 9];
        let mut codes = Workspace::new(shape, variant, 5);
        x[2 * 9..3 * 9].fill_with(|| 100.0 * next());
        let batch = MatRef::new(&x, 5, 9).unwrap();
        sae::encode(exec, &parameters, batch, &mut codes);
        let before = trainer.clone();
        let count = trainer.resample(exec, batch, DEAD_AFTER, || 0.5);
        assert_eq!(count, (0..16).filter(|&j| is_dead(j)).count());

        let input: Vec<f64> = (0..9)
            .map(|c| f64::from(x[2 * 9 + c]) - f64::from(parameters.b_dec()[c]))
            .collect();
        let norm = |row: &[f64]| row.iter().map(|v| v * v).sum::<f64>().sqrt();
        let wide = |row: &[f32]| row.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
        let mut start = 0;
        for ((name, old), (_, new)) in before
            .parameters()
            .tensors()
            .zip(trainer.parameters().tensors())
        {
            // A threshold for all elements is no element's own.
            let of_elements = match name {
                "b_dec" | "w_hidden" | "b_hidden" => false,
                "threshold" => matches!(variant, Variant::JumpRelu(_)),
                _ => true,
            };
            for j in 0..16 {
                let part = match (of_elements, old.rows()) {
                    (true, 1) => j..j + 1,
                    (true, _) => j * old.cols()..(j + 1) * old.cols(),
                    (false, _) if j == 0 => 0..old.data().len(),
                    (false, _) => continue,
                };
                let changed = of_elements && is_dead(j);
                let (old, new) = (&old.data()[part.clone()], &new.data()[part.clone()]);
                for (was, is) in before.moments().iter().zip(trainer.moments()) {
                    let place = start + part.start..start + part.end;
                    let (was, is) = (&was[place.clone()], &is[place]);
                    assert!(if changed {
                        is.iter().all(|&m| m == 0.0)
                    } else {
                        is == was
                    });
                }
                if !changed {
                    assert_eq!(new, old, "{variant:?}: {name}");
                    continue;
                }
                let new = wide(new);
                let alive = (0..16).filter(|&j| !is_dead(j));
                let parallel = |length: f64| {
                    for (got, want) in new.iter().zip(&input) {
                        let want = want / norm(&input) * length;
                        assert!((got - want).abs() <= 1e-6 * length, "{variant:?}: {name}");
                    }
                };
                match name {
                    "w_dec" => parallel(1.0),
                    "w_enc" => {
                        let rows = before.parameters().tensor("w_enc");
                        let norms: Vec<f64> = alive.map(|j| norm(&wide(rows.row(j)))).collect();
                        let length = 0.2 * norms.iter().sum::<f64>() / norms.len() as f64;
                        if matches!(variant, Variant::TwoLayer(_)) {
                            assert!((norm(&new) - length).abs() <= 1e-6 * length);
                        } else {
                            parallel(length);
                        }
                    }
                    "threshold" => assert_eq!(new, [f64::from(0.2f32)]),
                    _ => assert!(new.iter().all(|&v| v == 0.0), "{variant:?}: {name}"),
                }
            }
            start += old.data().len();
        }
        for (j, &after) in trainer.idle().iter().enumerate() {
            assert_eq!(after, if is_dead(j) { 0 } else { idle[j] });
        }
        assert_eq!(trainer.resample(exec, batch, DEAD_AFTER, || 0.5), 0);
    }
}

each_isa!(a_sample_of_zeros_gives_no_direction);
/// A sample at the origin points nowhere: the rows that would take its direction stay as they are.
fn a_sample_of_zeros_gives_no_direction(isa: Isa) {
    let shape = Shape {
        width: 9,
        dictionary: 16,
    };
    let zeros = [0.0; 3 * 9];
    let batch = MatRef::new(&zeros, 3, 9).unwrap();
    for variant in Variant::examples(shape, 0.1) {
        let parameters = Parameters::initial(shape, variant, stream(7));
        let mut trainer = Trainer::new(parameters.clone(), Adam::default(), 3);
        let exec = Exec::serial(isa);
        // Without a step all elements count as dead after 0.
        assert_eq!(trainer.resample(exec, batch, 0, || 0.5), 16);
        for name in ["w_dec", "w_enc"] {
            if parameters.tensors().any(|(its, _)| its == name) {
                let [before, after] =
                    [&parameters, trainer.parameters()].map(|p| p.tensor(name).data().to_vec());
                assert_eq!(before, after, "{variant:?}: {name}");
            }
        }
    }
}
