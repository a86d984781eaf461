//! Batches, threads and operands that do not fit.

use kernels::loss::Loss;
use kernels::mlp::{self, Parameters, Shape, Supervision, Workspace};
use kernels::{Activation, Exec, Isa, MatRef};
use proptests::{each_isa, panic_message, pool};

use super::SMALL;
use super::case::Case;

each_isa!(results_do_not_depend_on_the_number_of_threads);
/// Everything that a pass computes is the same on every number of threads.
fn results_do_not_depend_on_the_number_of_threads(isa: Isa) {
    let pools = [2, 3].map(pool);
    for (width, hidden, layers) in [(24, 40, 2), (100, 70, 3), (9, 5, 0), (33, 50, 1)] {
        let shape = Shape {
            vocabulary: 11,
            width,
            hidden,
            layers,
            activation: Activation::Gelu,
        };
        for batch in [
            0, 1, 2, 31, 32, 33, 63, 64, 65, 71, 72, 73, 127, 128, 129, 300,
        ] {
            let case = Case::new(shape, batch, Loss::CrossEntropy, 23);
            let everything = |exec| {
                let workspace = case.forward(exec);
                let mut all: Vec<f32> = (0..=layers)
                    .flat_map(|l| (0..batch).map(move |b| (l, b)))
                    .flat_map(|(l, b)| workspace.residual(l).row(b).to_vec())
                    .collect();
                all.extend(case.losses(exec));
                all.extend(case.gradient(exec, case.supervision()).values());
                all.extend(case.gradient(exec, Supervision::Output).values());
                all.extend(case.norms(exec));
                all.into_iter().map(f32::to_bits).collect::<Vec<u32>>()
            };
            let serial = everything(Exec::serial(isa));
            for pool in &pools {
                let shared = pool.install(|| everything(Exec::parallel(isa)));
                let threads = pool.current_num_threads();
                assert!(serial == shared, "{threads} threads, batch {batch}");
            }
        }
    }
}

each_isa!(samples_are_independent);
/// A sample's activations do not depend on the batch around it, to the bit.
fn samples_are_independent(isa: Isa) {
    let shape = Shape {
        vocabulary: 5,
        width: 19,
        hidden: 27,
        layers: 2,
        activation: Activation::GeluTanh,
    };
    let case = Case::new(shape, 70, Loss::SquaredError, 5);
    let exec = Exec::serial(isa);
    let whole = case.forward(exec);
    for b in [0, 1, 35, 69] {
        let mut alone = Workspace::new(shape, 1);
        mlp::forward(exec, &case.parameters, &case.pairs[b..=b], &mut alone);
        for l in 0..=2 {
            assert_eq!(alone.residual(l).row(0), whole.residual(l).row(b));
        }
    }
}

each_isa!(a_workspace_serves_any_batch_up_to_its_capacity);
/// A workspace says how large it is, and can be used again for smaller batches.
fn a_workspace_serves_any_batch_up_to_its_capacity(isa: Isa) {
    let shape = Shape {
        vocabulary: 4,
        width: 6,
        hidden: 10,
        layers: 2,
        activation: Activation::Relu,
    };
    let exec = Exec::serial(isa);
    let mut used = Workspace::new(shape, 9);
    for batch in [9, 4, 0, 1, 7] {
        let case = Case::new(shape, batch, Loss::SquaredError, batch as u64);
        mlp::forward(exec, &case.parameters, &case.pairs, &mut used);
        let fresh = case.forward(exec);
        for b in 0..batch {
            assert_eq!(used.residual(2).row(b), fresh.residual(2).row(b));
        }
        let mut gradient = Parameters::zeros(shape);
        mlp::backward(
            exec,
            &case.parameters,
            &case.pairs,
            &case.targets,
            case.loss,
            Supervision::Output,
            &mut used,
            &mut gradient,
        );
        assert_eq!(gradient, case.gradient(exec, Supervision::Output));
    }
}

each_isa!(what_does_not_fit_is_named);
fn what_does_not_fit_is_named(isa: Isa) {
    let shape = SMALL;
    let case = Case::new(shape, 6, Loss::SquaredError, 1);
    let exec = Exec::serial(isa);
    let says = |part: &str, f: &dyn Fn()| {
        let message = panic_message(f);
        assert!(message.contains(part), "{message}");
    };
    says("6 pairs in a workspace for 5", &|| {
        let mut small = Workspace::new(shape, 5);
        mlp::forward(exec, &case.parameters, &case.pairs, &mut small);
    });
    says("another shape", &|| {
        let mut other = Workspace::new(Shape { layers: 1, ..shape }, 6);
        mlp::forward(exec, &case.parameters, &case.pairs, &mut other);
    });
    says("pair 0, (0, 3)", &|| {
        let mut workspace = Workspace::new(shape, 6);
        mlp::forward(exec, &case.parameters, &[[0, 3]], &mut workspace);
    });
    says("loss weights of 2×6 for 3 layers", &|| {
        let weights = MatRef::first(&case.weights, 2, 6);
        case.gradient(exec, Supervision::Weights(weights));
    });
    says("class 4 of 4", &|| {
        let mut case = case.clone();
        case.targets[2] = 4;
        case.gradient(exec, Supervision::Output);
    });
    says("number 4 of 4", &|| {
        let mut case = case.clone();
        case.targets[2] = 4;
        case.norms(exec);
    });
    says("layer 3 of 2", &|| {
        case.forward(exec).residual(3);
    });
}
