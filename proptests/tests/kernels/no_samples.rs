//! A batch of no samples does nothing, wherever there are batches: the rule of the crate's documentation.

use kernels::adam::Adam;
use kernels::loss::Loss;
use kernels::metrics::Stream;
use kernels::mlp::{self, Supervision};
use kernels::sae::{self, Parameters, Shape, Trainer, Variant, Workspace};
use kernels::{Exec, Isa, MatMut, MatRef, SparseRef, embedding, reduce};
use proptests::{each_isa, stream};

use crate::mlp::small;

const SHAPE: Shape = Shape {
    width: 4,
    dictionary: 6,
};

fn nothing() -> MatRef<'static> {
    MatRef::new(&[], 0, 4).unwrap()
}

each_isa!(a_training_step_on_no_samples_is_none);
/// A training step on no samples, after a step on some, leaves no codes and changes nothing in the trainer.
fn a_training_step_on_no_samples_is_none(isa: Isa) {
    let mut next = stream(1);
    let x: Vec<f32> = (0..12).map(|_| next()).collect();
    let x = MatRef::new(&x, 3, 4).unwrap();
    for variant in Variant::examples(SHAPE, 0.1) {
        let exec = Exec::serial(isa);
        let parameters = Parameters::initial(SHAPE, variant, stream(2));
        let mut trainer = Trainer::new(parameters, Adam::default(), 3);
        trainer.step(exec, x);
        let before = trainer.clone();
        let losses = trainer.step(exec, nothing());
        assert_eq!(trainer.parameters(), before.parameters(), "{variant:?}");
        assert_eq!(trainer.moments(), before.moments());
        assert_eq!(trainer.idle(), before.idle());
        assert_eq!(trainer.steps(), 1);
        assert_eq!(trainer.workspace().codes().rows(), 0);
        assert!(losses.total().is_nan() && losses.density.is_nan());
        assert_eq!(trainer.resample(exec, nothing(), 0, || 0.5), 0);
        assert_eq!(trainer.parameters(), before.parameters());
        // The trainer goes on as if the step had not been taken.
        let mut other = before.clone();
        assert_eq!(trainer.step(exec, x), other.step(exec, x));
        assert_eq!(trainer.parameters(), other.parameters());
    }
}

each_isa!(means_of_no_samples_are_nan_and_sums_are_zero);
/// Over no samples means are NaN, sums and gradients are 0, and there are no codes.
fn means_of_no_samples_are_nan_and_sums_are_zero(isa: Isa) {
    let mut next = stream(3);
    let x: Vec<f32> = (0..12).map(|_| next()).collect();
    let x = MatRef::new(&x, 3, 4).unwrap();
    let exec = Exec::serial(isa);
    for variant in Variant::examples(SHAPE, 0.1) {
        let parameters = Parameters::initial(SHAPE, variant, stream(2));
        let mut workspace = Workspace::new(SHAPE, variant, 3);
        let mut gradient = Parameters::zeros(SHAPE, variant);
        sae::gradient(exec, &parameters, x, &mut workspace, &mut gradient);
        let losses = sae::gradient(exec, &parameters, nothing(), &mut workspace, &mut gradient);
        assert!(gradient.values().iter().all(|&g| g == 0.0));
        let terms = [losses.reconstruction, losses.sparsity, losses.auxiliary];
        assert!(terms.iter().all(|l| l.is_nan()), "{losses:?}");
        let codes = workspace.codes();
        assert_eq!((codes.rows(), codes.entries()), (0, 0));
        let x_hat = MatMut::new(&mut [], 0, 4).unwrap();
        sae::decode(exec, &parameters, codes, x_hat);
        // The same holds in a workspace that has seen no samples yet.
        for encode in [sae::encode, sae::encode_batch] {
            let mut workspace = Workspace::new(SHAPE, variant, 3);
            encode(exec, &parameters, nothing(), &mut workspace);
            assert_eq!(workspace.codes().rows(), 0, "{variant:?}");
        }
    }

    let (parameters, mut workspace) = small(exec, &mut next);
    let mut gradient = parameters.clone();
    mlp::forward(exec, &parameters, &[], &mut workspace);
    assert_eq!(workspace.residual(2).rows(), 0);
    let losses = MatMut::new(&mut [], 3, 0).unwrap();
    mlp::losses(exec, &workspace, Loss::CrossEntropy, &[], losses);
    let norms = MatMut::new(&mut [], 2, 0).unwrap();
    mlp::output_gradient_norms(exec, &parameters, &[], &mut workspace, norms);
    let weights = MatRef::new(&[], 3, 0).unwrap();
    for supervision in [Supervision::Output, Supervision::Weights(weights)] {
        gradient.values_mut().fill(1.0);
        let loss = Loss::SquaredError;
        mlp::backward(
            exec,
            &parameters,
            &[],
            &[],
            loss,
            supervision,
            &mut workspace,
            &mut gradient,
        );
        assert!(gradient.values().iter().all(|&g| g == 0.0));
    }

    let mut sums = [1.0; 4];
    reduce::column_sums(exec, nothing(), &mut sums);
    assert_eq!(sums, [0.0; 4]);
    let mut d_first = [1.0; 8];
    let mut d_second = [2.0; 8];
    let [one, two] = [&mut d_first, &mut d_second].map(|d| MatMut::new(d, 2, 4).unwrap());
    embedding::backward_add(exec, nothing(), &[], one, two);
    assert_eq!((d_first, d_second), ([1.0; 8], [2.0; 8]));
    let mut stream = Stream::new(4, 6);
    let none = SparseRef::new(&[0], &[], &[], 6).unwrap();
    stream.add(exec, nothing(), nothing(), none);
    assert_eq!((&stream, stream.samples()), (&Stream::new(4, 6), 0));
    assert!(stream.mse().is_nan() && stream.l0().is_nan());
}
