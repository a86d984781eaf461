//! A call that is refused names what is wrong and has written nothing. That is the rule of the crate's documentation,
//! tested here where the wrong operand is not the first that is read.

use std::cell::RefCell;

use kernels::adam::Adam;
use kernels::loss::Loss;
use kernels::metrics::{self, Matching, Stream};
use kernels::mlp::{self, Supervision};
use kernels::sae::{Parameters, Shape, TopK, Trainer, Variant};
use kernels::sparse_coding::{
    Certificate, Lasso, Pursuit, Stop, gradient_pursuit, gradient_step, nnls, omp,
};
use kernels::{Exec, MatMut, MatRef, SparseRef, reduce};
use proptests::{panic_message, stream};

use crate::mlp::small;

#[test]
fn sums_of_columns_ask_for_contiguous_rows() {
    let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let mut sums = [7.0; 3];
    let transposed = MatRef::new(&values, 3, 2).unwrap().t();
    let message = panic_message(|| reduce::column_sums(Exec::default(), transposed, &mut sums));
    assert_eq!(message, "a row at a column stride of 2");
    assert_eq!(sums, [7.0; 3]);
}

#[test]
fn a_stream_of_measures_asks_for_contiguous_rows() {
    let values = [1.0, 2.0, 3.0, 4.0];
    let contiguous = MatRef::new(&values, 2, 2).unwrap();
    let starts = [0, 1, 2];
    let codes = SparseRef::new(&starts, &[0, 2], &[1.0, 2.0], 3).unwrap();
    for (x, x_hat) in [(contiguous.t(), contiguous), (contiguous, contiguous.t())] {
        let mut measures = Stream::new(2, 3);
        let message = panic_message(|| measures.add(Exec::default(), x, x_hat, codes));
        assert_eq!(message, "a row at a column stride of 2");
        assert_eq!(measures.samples(), 0);
        // The measures go on as if the call had not been made.
        measures.add(Exec::default(), contiguous, contiguous, codes);
        assert_eq!(measures.l0(), 1.0);
    }
}

#[test]
fn sparse_coding_asks_for_contiguous_rows() {
    let values = [1.0, 2.0, 3.0, 4.0];
    let contiguous = MatRef::new(&values, 2, 2).unwrap();
    let lasso = Lasso::new(Exec::default(), contiguous, 0.1, None);
    let pursuit = Pursuit {
        atoms: 1,
        tolerance: 0.0,
    };
    let refused = |code: &dyn Fn(MatMut)| {
        let mut codes = [1.0, 0.0, 0.0, 1.0];
        let message = panic_message(|| code(MatMut::from_rows(&mut codes, 2)));
        assert_eq!(message, "a row at a column stride of 2");
        assert_eq!(codes, [1.0, 0.0, 0.0, 1.0]);
    };
    let exec = Exec::default();
    for (dictionary, x) in [(contiguous.t(), contiguous), (contiguous, contiguous.t())] {
        refused(&|codes| nnls(exec, dictionary, x, codes));
        refused(&|codes| gradient_step(exec, dictionary, x, codes));
        refused(&|codes| omp(exec, dictionary, x, pursuit, codes));
        refused(&|codes| gradient_pursuit(exec, dictionary, x, pursuit, codes));
    }
    let stop = Stop {
        tolerance: 0.0,
        iterations: 1,
    };
    for iterate in [Lasso::ista, Lasso::fista] {
        let mut certificates = [Certificate::default(); 2];
        let certificates = RefCell::new(&mut certificates);
        refused(&|codes| {
            let certificates = &mut certificates.borrow_mut()[..];
            iterate(&lasso, exec, contiguous.t(), stop, codes, certificates)
        });
    }
}

#[test]
fn an_assignment_names_a_value_that_is_not_finite() {
    for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let message = panic_message(|| drop(metrics::assign(&[1.0, 2.0, 3.0, 4.0, wrong, 6.0], 3)));
        let expected = format!("a value of {wrong} in row 1, column 1 of an assignment");
        assert_eq!(message, expected);
    }
}

#[test]
fn a_matching_names_the_rows_as_they_were_given() {
    let (more, fewer) = ([1.0, 0.0, 0.0, 1.0, f32::NAN, 1.0], [1.0, 0.0]);
    let (more, fewer) = (MatRef::from_rows(&more, 2), MatRef::from_rows(&fewer, 2));
    let message = panic_message(|| drop(Matching::of(Exec::default(), more, fewer)));
    assert!(
        message.contains("row 2 of the first dictionary and row 0 of the second"),
        "{message}"
    );
    let message = panic_message(|| drop(Matching::of(Exec::default(), fewer, more)));
    assert!(
        message.contains("row 0 of the first dictionary and row 2 of the second"),
        "{message}"
    );
}

#[test]
fn a_trainer_refuses_a_norm_that_nothing_can_be_clipped_to() {
    let shape = Shape {
        width: 2,
        dictionary: 3,
    };
    let variant = Variant::TopK(TopK { k: 1, aux: None });
    let parameters = Parameters::initial(shape, variant, stream(1));
    let mut trainer = Trainer::new(parameters, Adam::default(), 1);
    for most in [0.0, -1.0, f32::NAN] {
        let message = panic_message(|| trainer.set_clip(Some(most)));
        assert!(
            message.contains(&format!("a norm of Some({most:?})")),
            "{message}"
        );
    }
}

#[test]
fn a_model_on_pairs_refuses_them_before_it_writes() {
    let exec = Exec::default();
    let (parameters, mut workspace) = small(exec, stream(2));
    let wrong = [[0, 1], [2, 3]];
    let message = panic_message(|| mlp::forward(exec, &parameters, &wrong[1..], &mut workspace));
    assert_eq!(
        message,
        "pair 0, (2, 3), reaches beyond embeddings of 3 and 3 rows"
    );
    // The batch of the last pass is still there.
    assert_eq!(workspace.residual(2).rows(), 2);
    let mut gradient = parameters.clone();
    let message = panic_message(|| {
        let (loss, supervision) = (Loss::CrossEntropy, Supervision::Output);
        mlp::backward(
            exec,
            &parameters,
            &wrong,
            &[0, 1],
            loss,
            supervision,
            &mut workspace,
            &mut gradient,
        );
    });
    assert!(message.starts_with("pair 1, (2, 3)"), "{message}");
    assert_eq!(gradient, parameters);
}
