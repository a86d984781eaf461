//! Resampling of dead elements.

use kernels::adam::Adam;
use kernels::sae::{self, Parameters, Shape, Trainer, Variant, Workspace};
use kernels::{Exec, Isa, MatRef};
use proptests::{each_isa, stream};

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
            // No value is 0, so that what is reset shows.
            *value += 1e-3 * (1.0 + i as f32).sin();
        }
        let len = parameters.values().len();
        let mut next = stream(8);
        let moments = [(); 2].map(|()| (0..len).map(|_| next().abs() + 0.1).collect());
        let idle: Vec<u32> = (0..16).map(|j| j * j % 7).collect();
        let is_dead = |j: usize| idle[j] >= DEAD_AFTER;
        let adam = Adam::default();
        let mut trainer = Trainer::restore(parameters.clone(), adam, 5, moments, 3, idle.clone());

        // All samples but one are reconstructed with an error that is negligible beside that one's.
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
            // A threshold for all elements belongs to no element.
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
                // What other elements add to a dead one is reset as well.
                let kept = |values: &[f32]| -> Vec<f32> {
                    let reset = |c: usize| name == "w_lateral" && is_dead(c);
                    let values = values.iter().enumerate();
                    values
                        .map(|(c, &v)| if reset(c) { 0.0 } else { v })
                        .collect()
                };
                let (old, new) = (&old.data()[part.clone()], &new.data()[part.clone()]);
                for (was, is) in before.moments().iter().zip(trainer.moments()) {
                    let place = start + part.start..start + part.end;
                    let (was, is) = (&was[place.clone()], &is[place]);
                    assert!(if changed {
                        is.iter().all(|&m| m == 0.0)
                    } else {
                        is == kept(was)
                    });
                }
                if !changed {
                    assert_eq!(new, kept(old), "{variant:?}: {name}");
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
/// A sample at the origin has no direction: the rows that would take its direction stay as they are.
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
        // Before any step all elements count as dead after 0 samples.
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
