//! Properties of transcoders alone: where they start, the norms of their rows, resampling, and operands that do not
//! fit.

use kernels::adam::Adam;
use kernels::sae::{self, Parameters, Rows, Shape, Task, TiedL1, Trainer, Variant, Workspace};
use kernels::{Exec, Isa, MatMut, MatRef, SparseRef};
use proptests::{each_isa, panic_message, stream};

use super::case::{Case, PATHS, examples, tasks};

const SHAPE: Shape = Shape {
    width: 9,
    dictionary: 16,
};
const INPUT: usize = 5;

/// Returns the transcoders without and with a skip connection, with their variants.
fn transcoders() -> impl Iterator<Item = (Task, Variant)> {
    let [_, plain, skip] = tasks(INPUT, SHAPE);
    let all = [plain, skip].into_iter();
    all.flat_map(|task| examples(task, 0.1).map(move |variant| (task, variant)))
}

fn norm(row: &[f32]) -> f64 {
    let squares = row.iter().map(|&v| f64::from(v) * f64::from(v));
    squares.sum::<f64>().sqrt()
}

#[test]
fn every_variant_but_the_tied_one_can_be_a_transcoder() {
    let all = Variant::examples(SHAPE, 0.1).into_iter();
    for variant in all {
        let tied = matches!(variant, Variant::TiedL1(_));
        assert_eq!(variant.transcodes(), !tied);
    }
    let [_, transcoder, _] = tasks(INPUT, SHAPE);
    let message = panic_message(|| {
        Parameters::zeros(transcoder, Variant::TiedL1(TiedL1 { lambda: 0.1 }));
    });
    assert!(
        message.contains("one matrix for encoder and decoder"),
        "{message}"
    );
}

/// The rows of the encoder start at norm 1, and all tensors that make reconstructions at 0.
#[test]
fn a_transcoder_starts_from_nothing() {
    for (task, variant) in transcoders() {
        let parameters = Parameters::initial(task, variant, stream(5));
        let linear = !matches!(variant, Variant::TwoLayer(_));
        for (name, tensor) in parameters.tensors() {
            match name {
                "w_enc" if linear => {
                    assert_eq!((tensor.rows(), tensor.cols()), (SHAPE.dictionary, INPUT));
                    let mut rows = (0..tensor.rows()).map(|j| norm(tensor.row(j)));
                    assert!(rows.all(|norm| (norm - 1.0).abs() < 1e-6));
                }
                "w_enc" | "w_hidden" => {}
                "threshold" if matches!(variant, Variant::JumpRelu(_)) => {}
                _ => assert!(
                    tensor.data().iter().all(|&v| v == 0.0),
                    "{variant:?}: {name}"
                ),
            }
        }
        let skip = parameters.tensors().find(|(name, _)| *name == "w_skip");
        let size = skip.map(|(_, tensor)| (tensor.rows(), tensor.cols()));
        assert_eq!(size, task.has_skip().then_some((SHAPE.width, INPUT)));
    }
}

each_isa!(rows_grow_from_zero_to_norm_1_and_no_further);
/// A step moves rows of zeros to short rows; rows that would grow longer than 1 stop there.
fn rows_grow_from_zero_to_norm_1_and_no_further(isa: Isa) {
    let exec = Exec::serial(isa);
    for (task, variant) in transcoders() {
        let free = matches!(variant, Variant::L1(l1) if l1.rows == Rows::Penalised);
        let parameters = Parameters::initial(task, variant, stream(6));
        let adam = Adam {
            learning_rate: 0.1,
            ..Adam::default()
        };
        let mut trainer = Trainer::new(parameters, adam, 32);
        let mut next = stream(7);
        let x: Vec<f32> = (0..32 * INPUT).map(|_| next()).collect();
        // These are far larger than the reconstructions that codes of x and rows of norm 1 make.
        let y: Vec<f32> = (0..32 * SHAPE.width).map(|_| 100.0 * next()).collect();
        let (x, y) = (
            MatRef::from_rows(&x, INPUT),
            MatRef::from_rows(&y, SHAPE.width),
        );
        let norms = |trainer: &Trainer| -> Vec<f64> {
            let rows = trainer.parameters().dictionary();
            (0..rows.rows()).map(|j| norm(rows.row(j))).collect()
        };
        trainer.step_to(exec, x, y);
        let first = norms(&trainer);
        assert!(first.iter().any(|&norm| norm > 0.0));
        // A step of Adam moves each of 9 values by the learning rate at most.
        assert!(first.iter().all(|&norm| norm < 0.31), "{first:?}");
        for _ in 0..60 {
            trainer.step_to(exec, x, y);
        }
        let last = norms(&trainer);
        let longest = last.iter().copied().fold(0.0, f64::max);
        match free {
            true => assert!(longest > 2.0, "{longest}"),
            false => assert!((longest - 1.0).abs() < 1e-6, "{variant:?}: {longest}"),
        }
    }
}

each_isa!(dead_elements_of_a_transcoder_are_resampled);
/// The encoder rows of dead elements take the direction of the input, their dictionary rows that of the error.
fn dead_elements_of_a_transcoder_are_resampled(isa: Isa) {
    const DEAD_AFTER: u32 = 4;
    let exec = Exec::serial(isa);
    for (task, variant) in transcoders() {
        let case = Case::new(task, variant, 1, 3);
        let len = case.parameters.values().len();
        let idle: Vec<u32> = (0..16).map(|j| j * j % 7).collect();
        let moments = [(); 2].map(|()| vec![1.0; len]);
        let start = case.parameters.clone();
        let adam = Adam::default();
        let mut trainer = Trainer::restore(start, adam, 1, moments, 3, idle.clone());
        let count = trainer.resample_to(exec, case.batch(), case.target(), DEAD_AFTER, || 0.5);
        let dead: Vec<usize> = (0..16).filter(|&j| idle[j] >= DEAD_AFTER).collect();
        assert_eq!(count, dead.len());
        // The codes are those of samples read one by one, also for a variant that trains on a batch at once.
        let pass = case.reading();
        let error: Vec<f64> = pass.x_hat[0]
            .iter()
            .zip(&case.y)
            .map(|(y_hat, &y)| f64::from(y) - y_hat.value)
            .collect();
        let wide = |row: &[f32]| row.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
        let length = |row: &[f64]| row.iter().map(|v| v * v).sum::<f64>().sqrt();
        let along = |row: &[f32], direction: &[f64]| {
            let row = wide(row);
            let products = row.iter().zip(direction);
            products.map(|(a, b)| a * b).sum::<f64>() / (length(&row) * length(direction))
        };
        for &j in &dead {
            let row = trainer.parameters().dictionary().row(j).to_vec();
            assert!((norm(&row) - 1.0).abs() < 1e-6);
            assert!(along(&row, &error) > 1.0 - 1e-6, "{variant:?}");
            if !matches!(variant, Variant::TwoLayer(_)) {
                let row = trainer.parameters().tensor("w_enc").row(j).to_vec();
                assert!(along(&row, &wide(&case.x)) > 1.0 - 1e-6, "{variant:?}");
            }
        }
    }
}

each_isa!(a_linear_map_is_what_a_skip_connection_learns);
/// For targets y = M x, the error vanishes with a skip connection, which takes all of M; without one it does not, since
/// only a code of one active element is left.
fn a_linear_map_is_what_a_skip_connection_learns(isa: Isa) {
    const SAMPLES: usize = 64;
    let exec = Exec::serial(isa);
    let mut next = stream(8);
    let x: Vec<f32> = (0..SAMPLES * INPUT).map(|_| next()).collect();
    let map: Vec<f32> = (0..SHAPE.width * INPUT).map(|_| next()).collect();
    let (x, map) = (MatRef::from_rows(&x, INPUT), MatRef::from_rows(&map, INPUT));
    let mut y = vec![0.0; SAMPLES * SHAPE.width];
    let out = MatMut::from_rows(&mut y, SHAPE.width);
    kernels::matmul(exec, x, map.t(), kernels::Accumulate::Replace, out);
    let y = MatRef::from_rows(&y, SHAPE.width);
    let variant = Variant::TopK(sae::TopK { k: 1, aux: None });
    let [_, plain, skip] = tasks(INPUT, SHAPE);
    let [plain, skip] = [plain, skip].map(|task| {
        let adam = Adam {
            learning_rate: 0.01,
            ..Adam::default()
        };
        let parameters = Parameters::initial(task, variant, stream(9));
        let mut trainer = Trainer::new(parameters, adam, SAMPLES);
        let first = trainer.step_to(exec, x, y).reconstruction;
        let last = (0..1500).map(|_| trainer.step_to(exec, x, y).reconstruction);
        last.last().unwrap() / first
    });
    assert!(
        skip < 1e-2 && plain > 10.0 * skip,
        "{plain} and {skip} of the first error"
    );
}

each_isa!(what_does_not_fit_a_transcoder_is_named);
fn what_does_not_fit_a_transcoder_is_named(isa: Isa) {
    let exec = Exec::serial(isa);
    let variant = Variant::TopK(sae::TopK { k: 2, aux: None });
    let [plain, transcoder, skip] = tasks(INPUT, SHAPE);
    let case = Case::new(skip, variant, 4, 1);
    let says = |part: &str, f: &dyn Fn()| {
        let message = panic_message(f);
        assert!(message.contains(part), "{message}");
    };
    let gradient = |x: MatRef, y: MatRef| {
        let mut out = case.parameters.clone();
        let mut workspace = case.workspace(PATHS[0].1);
        sae::gradient_to(exec, &case.parameters, x, y, &mut workspace, &mut out);
    };
    let rows = |cols: usize| MatRef::first(&case.y, 3, cols);
    says("a batch of 3×9 in a workspace for 7×5", &|| {
        gradient(rows(9), rows(9))
    });
    says(
        "targets of 3×5 for 3 samples, of which a model reconstructs 9",
        &|| {
            gradient(rows(5), rows(5));
        },
    );
    says("targets of 3×9 for 4 samples", &|| {
        gradient(case.batch(), rows(9))
    });
    says("not contiguous", &|| {
        let y = MatRef::first(&case.y, 9, 4);
        gradient(case.batch(), y.t());
    });
    for other in [plain, transcoder] {
        says("a workspace for another model", &|| {
            let mut workspace = Workspace::new(other, variant, 4);
            sae::encode(exec, &case.parameters, case.batch(), &mut workspace);
        });
        says("the gradient of another model", &|| {
            let mut workspace = case.workspace(0.1);
            let mut out = Parameters::zeros(other, variant);
            let (x, y) = (case.batch(), case.target());
            sae::gradient_to(exec, &case.parameters, x, y, &mut workspace, &mut out);
        });
    }
    let none = SparseRef::new(&[0, 0], &[], &[], 16).unwrap();
    says(
        "codes without the activations that a skip connection reads",
        &|| {
            let mut y_hat = [0.0; 9];
            sae::decode(
                exec,
                &case.parameters,
                none,
                MatMut::from_rows(&mut y_hat, 9),
            );
        },
    );
    says(
        "codes of 1×16 for a batch of 1×4 of a model that reads 5 values",
        &|| {
            let mut y_hat = [0.0; 9];
            let (x, out) = (
                MatRef::first(&case.x, 1, 4),
                MatMut::from_rows(&mut y_hat, 9),
            );
            sae::reconstruct(exec, &case.parameters, x, none, out);
        },
    );
    says("codes of 1×16 into 1×8", &|| {
        let mut y_hat = [0.0; 8];
        let (x, out) = (
            MatRef::first(&case.x, 1, 5),
            MatMut::from_rows(&mut y_hat, 8),
        );
        sae::reconstruct(exec, &case.parameters, x, none, out);
    });
}
