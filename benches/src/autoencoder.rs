//! Sparse autoencoders for benchmarks, with a given number of active codes a sample.

use kernels::adam::Adam;
use kernels::sae::{self, L1, Parameters, Rows, Shape, Trainer, Variant, Workspace};
use kernels::{Exec, MatRef};
use rayon::ThreadPool;

/// The shape and the batch size of the training step that peers are timed on.
pub const STEP: (Shape, usize) = (shape(512, 4096), 2048);

/// The number of active codes a sample.
pub const ACTIVE: usize = 32;
/// The L1 autoencoder with decoder rows of unit norm.
pub const L1_UNIT: Variant = Variant::L1(L1 {
    lambda: 0.1,
    rows: Rows::Unit,
});

/// Returns the shape of these sizes.
pub const fn shape(width: usize, dictionary: usize) -> Shape {
    Shape { width, dictionary }
}

/// Returns a generator of roughly normal numbers: sums of four uniform ones, from a linear congruential generator.
pub fn normals(seed: u64) -> impl FnMut() -> f32 {
    let mut uniform = proptests::stream(seed);
    move || (0..4).map(|_| uniform()).sum::<f32>() * 0.75f32.sqrt()
}

/// Returns roughly normal activations, B×d.
pub fn activations(width: usize, batch: usize) -> Vec<f32> {
    let mut next = normals(2);
    (0..batch * width).map(|_| next()).collect()
}

/// Returns the initial parameters of an autoencoder.
pub fn parameters(shape: Shape, variant: Variant) -> Parameters {
    Parameters::initial(shape, variant, normals(1))
}

/// Returns, for each of `densities`, the encoder's bias with which that share of the codes of a batch is active. The
/// codes that a [`TopK`](Variant::TopK) selects do not depend on it.
pub fn biases<const N: usize>(
    exec: Exec,
    parameters: &Parameters,
    x: MatRef,
    densities: [f64; N],
) -> [f32; N] {
    // Every code is active at this bias; a quantile of the codes tells by how much to lower it for a given density.
    const HIGH: f32 = 100.0;
    let mut parameters = parameters.clone();
    set_bias(&mut parameters, HIGH);
    let sample = x.row_range(0..x.rows().min(64));
    let mut workspace = Workspace::new(parameters.shape(), parameters.variant(), sample.rows());
    let codes = sae::encode(exec, &parameters, sample, &mut workspace);
    let rows = (0..codes.rows()).map(|b| codes.row(b).1);
    let mut values: Vec<f32> = rows.flatten().copied().collect();
    values.sort_by(f32::total_cmp);
    densities.map(|density| HIGH - values[((1.0 - density) * values.len() as f64) as usize])
}

/// Gives all pre-activations the bias `bias`; in a gated autoencoder also those of the magnitudes, so that an open gate
/// has a magnitude above 0.
pub fn set_bias(parameters: &mut Parameters, bias: f32) {
    parameters.tensors_mut(["b_enc"])[0].row_mut(0).fill(bias);
    if let Variant::Gated(_) = parameters.variant() {
        parameters.tensors_mut(["b_mag"])[0].row_mut(0).fill(bias);
    }
}

/// Returns a trainer whose step has about [`ACTIVE`] active codes a sample, and a batch for it. Its learning rate is 0,
/// at which a step costs the same and the density stays.
pub fn trainer(
    exec: Exec,
    pool: &ThreadPool,
    (shape, batch): (Shape, usize),
    variant: Variant,
) -> (Trainer, Vec<f32>) {
    let mut parameters = parameters(shape, variant);
    let values = activations(shape.width, batch);
    let x = MatRef::new(&values, batch, shape.width).unwrap();
    let share = ACTIVE as f64 / shape.dictionary as f64;
    if !matches!(variant, Variant::TopK(_)) {
        let [bias] = biases(exec, &parameters, x, [share]);
        set_bias(&mut parameters, bias);
    }
    let adam = Adam {
        learning_rate: 0.0,
        ..Adam::default()
    };
    let mut trainer = Trainer::new(parameters, adam, batch);
    let density = pool.install(|| trainer.step(exec, x)).density;
    assert!(
        (0.5..2.0).contains(&(density / share)),
        "{variant:?}: a density of {density}"
    );
    (trainer, values)
}
