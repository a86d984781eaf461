//! The operations and bytes that the counters report for a call, against those counted by hand.

use kernels::adam::{self, Adam};
use kernels::loss::Loss;
use kernels::profile::{Part, Snapshot, Totals};
use kernels::sae::{self, L1, Parameters, Rows, Shape, TwoLayer, Variant, Workspace};
use kernels::{Exec, Isa, MatMut, MatRef, dictionary, embedding, gelu, reduce, relu};
use proptests::{each_isa, stream};

use crate::{alone, counted};

/// Returns the calls and operations of a part, and the number of values of 4 bytes that it reads or writes.
fn totals(counts: &Snapshot, part: Part) -> [u64; 3] {
    let Totals {
        calls,
        flops,
        bytes,
        ..
    } = counts.of(part);
    [calls, flops, bytes / 4]
}

/// Returns the [`totals`] of a part while `f` runs.
fn work(part: Part, f: impl FnOnce()) -> [u64; 3] {
    totals(&counted(f), part)
}

fn numbers(len: usize) -> Vec<f32> {
    let mut next = stream(2);
    (0..len).map(|_| next()).collect()
}

each_isa!(work_on_single_values);
fn work_on_single_values(isa: Isa) {
    let _alone = alone();
    const N: u64 = 37;
    let exec = Exec::serial(isa);
    let (x, dy) = (numbers(37), numbers(37));
    let mut out = [0.0; 37];
    // A maximum, or a choice, does not count as an operation.
    let forward = work(Part::Activation, || relu::forward(exec, &x, &mut out));
    assert_eq!(forward, [1, 0, 2 * N]);
    let backward = work(Part::Activation, || relu::backward(exec, &x, &dy, &mut out));
    assert_eq!(backward, [1, 0, 3 * N]);
    let [_, flops, values] = work(Part::Activation, || gelu::forward(exec, &x, &mut out));
    assert!(flops > 0 && flops.is_multiple_of(N) && values == 2 * N);
    let [_, again, values] = work(Part::Activation, || gelu::derivative(exec, &x, &mut out));
    // The derivative has a maximum with x where GELU has a product with it.
    assert!(again + N == flops && values == 2 * N, "{again} and {flops}");
    let backward = work(Part::Activation, || gelu::backward(exec, &x, &dy, &mut out));
    assert_eq!(backward, [1, again + N, 3 * N]);

    let mut moments = [[0.0; 37]; 2];
    let [first, second] = &mut moments;
    let step = work(Part::Adam, || {
        adam::step(exec, Adam::default(), 1, &x, &mut out, first, second);
    });
    // First moment 3 (β₁m + (1 − β₁)g), second 4, denominator 3 with a root, step 3.
    assert_eq!(step, [1, 13 * N, 7 * N]);
}

each_isa!(work_on_rows);
fn work_on_rows(isa: Isa) {
    let _alone = alone();
    let (rows, cols) = (5, 7);
    let n = 35;
    let exec = Exec::serial(isa);
    let m = numbers(rows * cols);
    let m = MatRef::new(&m, rows, cols).unwrap();
    let mut out = numbers(rows * cols);
    let mut sums = [0.0; 7];
    let column_sums = work(Part::Sums, || reduce::column_sums(exec, m, &mut sums));
    assert_eq!(column_sums, [1, n, n + 7]);
    let norms = work(Part::Elements, || {
        dictionary::norms(exec, m, &mut sums[..5])
    });
    assert_eq!(norms, [1, 2 * n, n]);
    let mut out = MatMut::new(&mut out, rows, cols).unwrap();
    let normalise = work(Part::Elements, || {
        dictionary::normalise(exec, out.reborrow())
    });
    assert_eq!(normalise, [1, 3 * n, 2 * n]);
    // ‖w‖², g·w, and g minus a multiple of w.
    let project = work(Part::Elements, || {
        dictionary::project_gradient(exec, m, out.reborrow());
    });
    assert_eq!(project, [1, 6 * n, 3 * n]);

    let pairs = [[0, 1], [2, 2], [4, 0], [1, 3], [3, 3]];
    let gather = work(Part::Embedding, || {
        embedding::forward(exec, m, m, &pairs, out.reborrow());
    });
    assert_eq!(gather, [1, n, 3 * n]);
    let mut other = vec![0.0; rows * cols];
    let other = MatMut::new(&mut other, rows, cols).unwrap();
    let scatter = work(Part::Embedding, || {
        embedding::backward_add(exec, m, &pairs, out.reborrow(), other);
    });
    assert_eq!(scatter, [1, 2 * n, 5 * n]);
}

each_isa!(work_of_losses);
fn work_of_losses(isa: Isa) {
    let _alone = alone();
    let (rows, cols) = (5, 7);
    let n = 35;
    let exec = Exec::serial(isa);
    let (outputs, mut gradient) = (numbers(rows * cols), vec![0.0; rows * cols]);
    let outputs = MatRef::new(&outputs, rows, cols).unwrap();
    let (targets, mut losses) = ([0, 3, 6, 1, 1], [0.0; 5]);
    let mut both = |loss: Loss| {
        let forward = work(Part::Loss, || {
            loss.forward(exec, outputs, &targets, &mut losses)
        });
        let gradient = MatMut::new(&mut gradient, rows, cols).unwrap();
        let backward = work(Part::Loss, || {
            loss.backward_add(exec, outputs, &targets, &[1.0; 5], gradient);
        });
        assert_eq!([forward[0], backward[0]], [1, 1]);
        assert_eq!([forward[2], backward[2]], [n, 3 * n]);
        [forward[1], backward[1]]
    };
    assert_eq!(both(Loss::SquaredError), [2 * n, 4 * n]);
    // The cross entropy computes an exponential as well, forward once and backward twice.
    let [forward, backward] = both(Loss::CrossEntropy);
    assert!(forward > 12 * n && forward.is_multiple_of(n), "{forward}");
    assert_eq!(backward, 2 * forward);
}

/// Returns what is counted while the gradient of an autoencoder is taken on its entries, and their number.
fn gradient(exec: Exec, shape: Shape, variant: Variant, samples: usize) -> (Snapshot, usize) {
    let parameters = Parameters::initial(shape, variant, stream(5));
    let x = numbers(samples * shape.width);
    let x = MatRef::new(&x, samples, shape.width).unwrap();
    let mut workspace = Workspace::new(shape, variant, samples);
    workspace.set_dense_from(f64::INFINITY);
    let mut gradient = Parameters::zeros(shape, variant);
    let counts = counted(|| {
        sae::gradient(exec, &parameters, x, &mut workspace, &mut gradient);
    });
    (counts, workspace.codes().entries())
}

each_isa!(work_of_an_autoencoder);
/// The work of a pass of an n×d model with e active entries on B samples is that counted by hand.
fn work_of_an_autoencoder(isa: Isa) {
    let _alone = alone();
    let (samples, width, dictionary) = (9, 6, 11);
    let variant = Variant::L1(L1 {
        lambda: 0.1,
        rows: Rows::Unit,
    });
    let (counts, entries) = gradient(
        Exec::serial(isa),
        Shape { width, dictionary },
        variant,
        samples,
    );
    let [b, d, n, e] = [samples, width, dictionary, entries].map(|n| n as u64);
    // There are so many entries that every element may be read.
    assert!(e > n, "{e} entries for {n} elements");
    let of = |part| {
        let [_, flops, values] = totals(&counts, part);
        [flops, values]
    };
    // Pre-activations, of which the positive ones are kept.
    assert_eq!(of(Part::Product), [2 * b * n * d, b * d + n * d + b * n]);
    assert_eq!(of(Part::Selection), [0, b * n]);
    // x minus a bias.
    assert_eq!(of(Part::Elementwise), [b * d, 2 * b * d]);
    // Codes times dictionary, dictionary times error; offset, squared error, scaling. The samples are read and written.
    let decoding = [4 * e * d + 5 * b * d, 2 * e + (n + b) * d + b * d];
    assert_eq!(of(Part::Decoding), decoding);
    assert_eq!(of(Part::Sorting), [0, 3 * e]);
    // The gradients of dictionary and encoder.
    let outer = [2 * e * d, 3 * e + (b + n) * d];
    assert_eq!(of(Part::OuterProducts), outer.map(|one| 2 * one));
    // The L1 norms and the gradients of the biases: sums over the entries, and over the errors minus the encoder's
    // part.
    let sums = [2 * e + (b + 2 * n) * d, 2 * (2 * e + n) + (b + n + 1) * d];
    assert_eq!(of(Part::Sums), sums);
}

each_isa!(work_of_a_hidden_layer);
/// ReLU counts no operations; forward it reads and writes every hidden value, backward it reads two and writes one.
fn work_of_a_hidden_layer(isa: Isa) {
    let _alone = alone();
    let (samples, width, hidden) = (9, 6, 13);
    let shape = Shape {
        width,
        dictionary: 11,
    };
    let variant = Variant::TwoLayer(TwoLayer {
        hidden,
        lambda: 0.1,
    });
    let (counts, _) = gradient(Exec::serial(isa), shape, variant, samples);
    let [_, flops, values] = totals(&counts, Part::Elementwise);
    let [bd, bh] = [width, hidden].map(|n| (samples * n) as u64);
    assert_eq!([flops, values], [bd, 2 * bd + 5 * bh]);
}
