//! Batch top-k: codes of which a whole batch is chosen at once, and the threshold by which single samples are read.

use kernels::adam::Adam;
use kernels::sae::{self, BatchTopK, JumpRelu, Parameters, Shape, Trainer, Variant, Workspace};
use kernels::{Exec, Isa, MatRef};
use proptest::prelude::*;
use proptests::{config, each_isa, stream};

use super::case::dense;

fn batch_top_k(k: usize) -> Variant {
    Variant::BatchTopK(BatchTopK { k, aux: None })
}

/// Returns a model of n elements whose pre-activations are its n inputs.
fn identity(n: usize, variant: Variant) -> Parameters {
    let shape = Shape {
        width: n,
        dictionary: n,
    };
    let mut parameters = Parameters::zeros(shape, variant);
    for name in ["w_enc", "w_dec"] {
        let [mut identity] = parameters.tensors_mut([name]);
        for j in 0..n {
            identity.row_mut(j)[j] = 1.0;
        }
    }
    parameters
}

fn set_threshold(parameters: &mut Parameters, to: f32) {
    let [mut threshold] = parameters.tensors_mut(["threshold"]);
    threshold.row_mut(0).fill(to);
}

/// Returns a trainer that learns nothing but the threshold.
fn watcher(parameters: Parameters, batch: usize) -> Trainer {
    let adam = Adam {
        learning_rate: 0.0,
        ..Adam::default()
    };
    Trainer::new(parameters, adam, batch)
}

fn threshold(trainer: &Trainer) -> f32 {
    let threshold = trainer.parameters().tensor("threshold").row(0);
    assert!(threshold.iter().all(|&t| t == threshold[0]));
    threshold[0]
}

each_isa!(a_batch_takes_its_largest_and_of_equals_the_first);
/// A batch keeps its largest positive entries, k a sample at most, whatever the threshold is, and of equal entries the
/// first. Small integers make many ties, and some rows have larger entries than others, or zeros alone.
fn a_batch_takes_its_largest_and_of_equals_the_first(isa: Isa) {
    proptest!(config(300), |(
        n in 1..70usize,
        batch in 1..40usize,
        share in 0f64..1.0,
        spread in 1..9i32,
        nan in prop_oneof![Just(None), (0..40usize, 0..70usize).prop_map(Some)],
        threshold in prop_oneof![Just(0.0f32), Just(f32::NAN), Just(f32::INFINITY), 0f32..20.0],
        seed: u64,
    )| {
        let k = ((n as f64 * share * share) as usize).max(1);
        let mut parameters = identity(n, batch_top_k(k));
        set_threshold(&mut parameters, threshold);
        let mut next = stream(seed);
        let mut x = vec![];
        for _ in 0..batch {
            let scale = [0, 1, 1, 4][(next().abs() * 3.99) as usize] * spread;
            x.extend((0..n).map(|_| (next() * scale as f32).round()));
        }
        // One NaN spoils a row: each of its entries is NaN, and larger than all others.
        if let Some((b, j)) = nan.filter(|&(b, j)| b < batch && j < n) {
            x[b * n + j] = f32::NAN;
        }
        let size = |i: usize| {
            let row = &x[i / n * n..][..n];
            if row.iter().any(|v| v.is_nan()) { f32::INFINITY } else { x[i] }
        };
        let mut order: Vec<usize> = (0..x.len()).filter(|&i| size(i) > 0.0).collect();
        order.sort_by(|&i, &j| size(j).total_cmp(&size(i)).then(i.cmp(&j)));
        order.truncate(k * batch);
        let mut want = vec![0.0; x.len()];
        for i in order {
            want[i] = size(i);
        }
        let exec = Exec::serial(isa);
        let mut workspace = Workspace::new(parameters.shape(), parameters.variant(), batch);
        let mut gradient = parameters.clone();
        let matrix = MatRef::new(&x, batch, n).unwrap();
        let losses = sae::gradient(exec, &parameters, matrix, &mut workspace, &mut gradient);
        let codes = dense(workspace.codes());
        // The codes are the same without a gradient.
        let alone = dense(sae::encode_batch(exec, &parameters, MatRef::new(&x, batch, n).unwrap(), &mut workspace));
        let bits = |codes: &[f32]| codes.iter().map(|c| c.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&alone), bits(&codes));
        let got: Vec<f32> = codes.iter().map(|f| if f.is_nan() { f32::INFINITY } else { *f }).collect();
        prop_assert_eq!(&got, &want);
        let kept = want.iter().filter(|&&f| f > 0.0).count();
        prop_assert_eq!(losses.density, kept as f64 / x.len() as f64);
        prop_assert!(gradient.tensor("threshold").data().iter().all(|&d| d == 0.0));
    });
}

each_isa!(the_threshold_is_a_running_mean_of_the_smallest_kept);
/// The threshold starts at the smallest kept entry of the first batch; a batch of zeros leaves it, and a new smallest
/// entry weighs 10/(t + 9) in step t.
fn the_threshold_is_a_running_mean_of_the_smallest_kept(isa: Isa) {
    let exec = Exec::serial(isa);
    let mut trainer = watcher(identity(3, batch_top_k(1)), 2);
    let mut step = |x: [f32; 6]| {
        let losses = trainer.step(exec, MatRef::new(&x, 2, 3).unwrap());
        (threshold(&trainer), losses.density)
    };
    assert_eq!(step([0.0; 6]), (0.0, 0.0));
    assert_eq!(step([5.0, 4.0, 3.0, 1.0, 2.0, 0.0]), (4.0, 1.0 / 3.0));
    assert_eq!(step([-1.0; 6]), (4.0, 0.0));
    // Fewer than two entries are positive.
    let (after, density) = step([0.0, 0.0, 0.0, -2.0, 14.0, 0.0]);
    let fourth = 4.0 + 10.0 / 13.0 * (14.0 - 4.0);
    assert!(
        (after - fourth).abs() < 1e-5 && density == 1.0 / 6.0,
        "{after}"
    );
    // The entry that is not kept does not count.
    let (after, _) = step([0.0, 0.5, 0.0, 3.1, 2.1, 0.0]);
    let fifth = fourth + 10.0 / 14.0 * (2.1 - fourth);
    assert!((after - fifth).abs() < 1e-5, "{after}");
}

each_isa!(the_threshold_is_that_of_the_last_tenth_of_the_steps_and_of_the_last_hundred_at_most);
/// The smallest entry of step t is t, so the difference of t and the mean tells how many steps the mean lags behind.
fn the_threshold_is_that_of_the_last_tenth_of_the_steps_and_of_the_last_hundred_at_most(isa: Isa) {
    let exec = Exec::serial(isa);
    let mut trainer = watcher(identity(1, batch_top_k(1)), 1);
    for t in 1..=3000 {
        trainer.step(exec, MatRef::from_rows(&[t as f32], 1));
        let lag = (t as f32 - threshold(&trainer)) / t as f32;
        match t {
            // Weights that rise as the ninth power of the step lag by this share of the steps.
            100 => assert!((lag - 1.0 / 11.0).abs() < 0.01, "{lag}"),
            3000 => assert!((lag - 99.0 / 3000.0).abs() < 0.001, "{lag}"),
            _ => {}
        }
    }
}

each_isa!(codes_that_are_read_have_k_elements_in_the_mean);
/// Samples like those of training, each read by itself, have k active elements in the mean. So few steps are taken that
/// a mean from 0 on would be far too low.
fn codes_that_are_read_have_k_elements_in_the_mean(isa: Isa) {
    const BATCH: usize = 512;
    const STEPS: usize = 40;
    const FRESH: usize = 4096;
    const K: usize = 5;
    let exec = Exec::serial(isa);
    let shape = Shape {
        width: 12,
        dictionary: 60,
    };
    let mut next = stream(11);
    let mut samples = |count: usize| -> Vec<f32> {
        let values = (0..count * 12).map(|_| next() + next() + next());
        values.collect()
    };
    let parameters = Parameters::initial(shape, batch_top_k(K), stream(5));
    let mut trainer = watcher(parameters, BATCH);
    for _ in 0..STEPS {
        let x = samples(BATCH);
        let losses = trainer.step(exec, MatRef::from_rows(&x, 12));
        assert_eq!(losses.density, K as f64 / 60.0);
    }
    let fresh = samples(FRESH);
    let mut workspace = Workspace::new(shape, batch_top_k(K), FRESH);
    let x = MatRef::from_rows(&fresh, 12);
    let codes = sae::encode(exec, trainer.parameters(), x, &mut workspace);
    let active: Vec<f64> = (0..FRESH).map(|b| codes.row(b).0.len() as f64).collect();
    let mean = active.iter().sum::<f64>() / FRESH as f64;
    let squares = active.iter().map(|l0| (l0 - mean).powi(2));
    let variance = squares.sum::<f64>() / FRESH as f64;
    // Thresholds of single batches vary as the numbers of active elements above a fixed one do. The mean is about that
    // of the last tenth of the batches, and so at least as good as that of two batches.
    let deviation = (variance * (1.0 / FRESH as f64 + 0.5 / BATCH as f64)).sqrt();
    let off = (mean - K as f64).abs();
    assert!(off < 5.0 * deviation, "{mean} ± {deviation}");
    assert!(
        5.0 * deviation < 1.0,
        "a test that sees little: {deviation}"
    );
}

each_isa!(codes_are_read_as_those_of_a_jump_relu);
/// A JumpReLU model with the same tensors gives the same codes; before training, these are all positive
/// pre-activations.
fn codes_are_read_as_those_of_a_jump_relu(isa: Isa) {
    let exec = Exec::serial(isa);
    let x = [5.0, 4.0, -3.0, 1.0, 2.0, 0.0];
    let x = MatRef::from_rows(&x, 3);
    let read = |parameters: &Parameters| {
        let mut workspace = Workspace::new(parameters.shape(), parameters.variant(), 2);
        dense(sae::encode(exec, parameters, x, &mut workspace))
    };
    let mut parameters = identity(3, batch_top_k(1));
    assert_eq!(read(&parameters), [5.0, 4.0, 0.0, 1.0, 2.0, 0.0]);
    set_threshold(&mut parameters, 1.5);
    let want = [5.0, 4.0, 0.0, 0.0, 2.0, 0.0];
    assert_eq!(read(&parameters), want);
    parameters.set_variant(Variant::JumpRelu(JumpRelu {
        lambda: 0.0,
        bandwidth: 0.1,
        threshold: 0.0,
    }));
    assert_eq!(read(&parameters), want);
}
