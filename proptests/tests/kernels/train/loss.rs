//! Losses and their gradients against f64, at every size that logits can have.

use kernels::loss::Loss;
use kernels::{Exec, Isa, MatMut, MatRef};
use proptest::prelude::*;
use proptests::bounded::{Bounded, assert_within, gamma};
use proptests::reference::loss;
use proptests::{config, each_isa, panic_message, stream};

/// Returns the losses of a batch, `losses[b]` for sample b.
fn forward(exec: Exec, loss: Loss, outputs: &[f32], cols: usize, targets: &[u32]) -> Vec<f32> {
    let mut losses = vec![f32::NAN; targets.len()];
    let outputs = MatRef::new(outputs, targets.len(), cols).unwrap();
    loss.forward(exec, outputs, targets, &mut losses);
    losses
}

/// Returns the gradient of a batch, added to `gradient`.
fn backward(
    exec: Exec,
    loss: Loss,
    outputs: &[f32],
    targets: &[u32],
    weights: &[f32],
    gradient: &mut [f32],
) {
    let (rows, cols) = (targets.len(), outputs.len() / targets.len());
    let outputs = MatRef::new(outputs, rows, cols).unwrap();
    let gradient = MatMut::new(gradient, rows, cols).unwrap();
    loss.backward_add(exec, outputs, targets, weights, gradient);
}

/// Checks that losses and gradients of one batch are within their bounds.
fn check(exec: Exec, outputs: &[f32], targets: &[u32], weights: &[f32], before: &[f32]) {
    let cols = outputs.len() / targets.len();
    for &l in Loss::ALL {
        let (mut losses, mut gradient) = (vec![], vec![]);
        for (b, (x, &y)) in outputs.chunks(cols).zip(targets).enumerate() {
            let x: Vec<Bounded> = x.iter().map(|&x| Bounded::exact(x)).collect();
            let mut row: Vec<Bounded> = before[b * cols..][..cols]
                .iter()
                .map(|&g| Bounded::exact(g))
                .collect();
            let want = loss::forward(l, &x, y);
            assert!(want.error <= documented(l, &x, y, want.value));
            losses.push(want);
            if weights[b] != 0.0 {
                loss::add_gradient(l, &x, y, Bounded::exact(weights[b]), &mut row);
            }
            gradient.extend(row);
        }
        let got = forward(exec, l, outputs, cols, targets);
        assert_within(&format!("{l:?}"), &got, &losses);
        let mut got = before.to_vec();
        backward(exec, l, outputs, targets, weights, &mut got);
        assert_within(&format!("{l:?}: gradient"), &got, &gradient);
    }
}

/// Returns the error that the kernel's documentation allows.
fn documented(loss: Loss, x: &[Bounded], y: u32, value: f64) -> f64 {
    match loss {
        Loss::SquaredError => gamma(x.len() + 4) * value + f64::from(f32::MIN_POSITIVE),
        Loss::CrossEntropy => {
            let top = x.iter().map(|x| x.value).fold(f64::MIN, f64::max);
            let behind = top - x[y as usize].value;
            gamma(x.len() + 8) * (1.0 + (x.len() as f64).ln() + behind)
        }
    }
}

each_isa!(match_the_textbook);
fn match_the_textbook(isa: Isa) {
    proptest!(config(400), |(
        rows in 1..5usize,
        cols in 1..70usize,
        scale in prop_oneof![Just(1.0f32), 1e-6f32..1e-3, 1.0f32..30.0, 30.0f32..1e4],
        seed: u64,
    )| {
        let mut next = stream(seed);
        let outputs: Vec<f32> = (0..rows * cols).map(|_| scale * next()).collect();
        let before: Vec<f32> = outputs.iter().map(|_| next()).collect();
        let targets: Vec<u32> = (0..rows).map(|b| ((seed as usize / 7 + 3 * b) % cols) as u32).collect();
        let weights: Vec<f32> = (0..rows).map(|b| if b == 2 { 0.0 } else { next() }).collect();
        check(Exec::serial(isa), &outputs, &targets, &weights, &before);
    });
}

each_isa!(large_logits);
/// Logits of ±1e4, ±3e38 and −∞ are handled, among each other and among ordinary ones, at and beside the target, in the
/// first lanes and in a tail.
fn large_logits(isa: Isa) {
    let lists: [&[f32]; 8] = [
        &[1e4, -1e4],
        &[1e4, 1e4, 9999.0],
        &[-1e4, -1e4, -10003.0],
        &[3e38, -3e38],
        &[3e38, 3e38, 2.999_999_8e38],
        &[f32::MAX, f32::MIN, 0.0],
        &[f32::NEG_INFINITY, 0.0, 1.0],
        &[f32::NEG_INFINITY, -3e38, f32::NEG_INFINITY],
    ];
    for logits in lists {
        for cols in [logits.len(), 17, 40] {
            for padding in [f32::NEG_INFINITY, -1e4] {
                for at in [0, cols - logits.len()] {
                    let mut outputs = vec![padding; cols];
                    outputs[at..][..logits.len()].copy_from_slice(logits);
                    for y in 0..cols as u32 {
                        cross_entropy_alone(Exec::serial(isa), &outputs, y);
                    }
                }
            }
        }
    }
}

/// Does what [`check`] does, for the cross entropy alone, of logits whose squares overflow.
fn cross_entropy_alone(exec: Exec, x: &[f32], y: u32) {
    let loss = Loss::CrossEntropy;
    let bounded: Vec<Bounded> = x.iter().map(|&x| Bounded::exact(x)).collect();
    let mut gradient = vec![Bounded::default(); x.len()];
    loss::add_gradient(loss, &bounded, y, Bounded::exact(1.0), &mut gradient);
    let want = loss::forward(loss, &bounded, y);
    let what = format!("class {y} of {x:?}");
    assert_within(&what, &forward(exec, loss, x, x.len(), &[y]), &[want]);
    let mut got = vec![0.0; x.len()];
    backward(exec, loss, x, &[y], &[1.0], &mut got);
    assert_within(&format!("{what}: gradient"), &got, &gradient);
}

each_isa!(known_values);
/// The losses have known values: log d for equal logits, 0 for a certain and right answer, the gap of the logits for a
/// certain and wrong one.
fn known_values(isa: Isa) {
    let exec = Exec::serial(isa);
    let loss = |loss, x: &[f32], y| forward(exec, loss, x, x.len(), &[y])[0];
    for d in [1, 2, 5, 16, 33, 100] {
        let equal = loss(Loss::CrossEntropy, &vec![7.0; d], 0);
        let want = f64::from(d as u32).ln();
        assert!((f64::from(equal) - want).abs() <= 1e-6, "{equal} for {d}");
        let mut one_hot = vec![0.0; d];
        one_hot[d - 1] = 1.0;
        assert_eq!(loss(Loss::SquaredError, &one_hot, d as u32 - 1), 0.0);
        assert_eq!(loss(Loss::SquaredError, &vec![0.0; d], 0), 1.0);
        if d > 1 {
            assert_eq!(loss(Loss::SquaredError, &one_hot, 0), 2.0);
        }
    }
    assert_eq!(loss(Loss::CrossEntropy, &[1e4, -1e4], 0), 0.0);
    assert_eq!(loss(Loss::CrossEntropy, &[1e4, -1e4], 1), 2e4);
    assert_eq!(
        loss(Loss::CrossEntropy, &[f32::NEG_INFINITY, 0.0], 0),
        f32::INFINITY
    );
}

each_isa!(nan_is_not_hidden);
/// NaN and undecidable infinities give NaN, and never a number that could be taken for a loss.
fn nan_is_not_hidden(isa: Isa) {
    let exec = Exec::serial(isa);
    for d in [1, 3, 16, 21] {
        for at in [0, d - 1] {
            for bad in [f32::NAN, f32::INFINITY] {
                let mut x = vec![0.5; d];
                x[at] = bad;
                let got = forward(exec, Loss::CrossEntropy, &x, d, &[0])[0];
                assert!(got.is_nan(), "{got} for {bad} at {at} of {d}");
                let got = forward(exec, Loss::SquaredError, &x, d, &[0])[0];
                assert!(!got.is_finite(), "{got} for {bad} at {at} of {d}");
                let mut gradient = vec![0.0; d];
                backward(exec, Loss::CrossEntropy, &x, &[0], &[1.0], &mut gradient);
                assert!(gradient[at].is_nan(), "{gradient:?}");
            }
        }
        let nowhere = vec![f32::NEG_INFINITY; d];
        assert!(forward(exec, Loss::CrossEntropy, &nowhere, d, &[0])[0].is_nan());
    }
}

each_isa!(weight_zero_leaves_a_sample_alone);
/// The gradient of a sample of weight 0 stays as it is, whatever the outputs.
fn weight_zero_leaves_a_sample_alone(isa: Isa) {
    let exec = Exec::serial(isa);
    for &loss in Loss::ALL {
        let mut gradient = vec![3.0; 10];
        let outputs = [f32::NAN; 10];
        backward(exec, loss, &outputs, &[1, 2], &[0.0, -0.0], &mut gradient);
        assert_eq!(gradient, [3.0; 10]);
    }
}

each_isa!(an_empty_batch_is_nothing);
fn an_empty_batch_is_nothing(isa: Isa) {
    let exec = Exec::serial(isa);
    for &loss in Loss::ALL {
        loss.forward(exec, MatRef::new(&[], 0, 5).unwrap(), &[], &mut []);
    }
}

each_isa!(what_does_not_fit_is_named);
fn what_does_not_fit_is_named(isa: Isa) {
    let exec = Exec::serial(isa);
    for &loss in Loss::ALL {
        let says = |part: &str, f: &dyn Fn()| {
            let message = panic_message(f);
            assert!(message.contains(part), "{message}");
        };
        let x = [0.0; 6];
        let outputs = MatRef::new(&x, 2, 3).unwrap();
        says("target 1 is class 3 of 3", &|| {
            loss.forward(exec, outputs, &[0, 3], &mut [0.0; 2]);
        });
        says("1 targets for 2 outputs", &|| {
            loss.forward(exec, outputs, &[0], &mut [0.0; 2]);
        });
        says("3 places for 2 losses", &|| {
            loss.forward(exec, outputs, &[0, 1], &mut [0.0; 3]);
        });
        says("1 weights and a gradient of 2×3", &|| {
            backward(exec, loss, &x, &[0, 1], &[1.0], &mut [0.0; 6]);
        });
        says("target 0 is class 3 of 3", &|| {
            backward(exec, loss, &x, &[3, 1], &[1.0; 2], &mut [0.0; 6]);
        });
    }
}
