//! A TopK sparse autoencoder finds the features that its data were made of.
//!
//! Each sample is a sum of three of 64 random unit features in 32 dimensions. The mean max cosine similarity (MMCS) of
//! the true features to the dictionary's elements shows how many features were found: at 1, all of them were.

use kernels::adam::Adam;
use kernels::sae::{Parameters, Shape, TopK, Trainer, Variant};
use kernels::{Exec, Isa, MatMut, MatRef, dictionary, metrics};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

const WIDTH: usize = 32;
const FEATURES: usize = 64;
const ACTIVE: usize = 3;
const BATCH: usize = 256;
const STEPS: usize = 4000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let exec = Exec::serial(Isa::from_env()?);
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut features: Vec<f32> = (0..FEATURES * WIDTH)
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    dictionary::normalise(exec, MatMut::new(&mut features, FEATURES, WIDTH)?);
    let features = MatRef::new(&features, FEATURES, WIDTH)?;

    let shape = Shape {
        width: WIDTH,
        dictionary: 2 * FEATURES,
    };
    let variant = Variant::TopK(TopK {
        k: ACTIVE,
        aux: None,
    });
    let parameters = Parameters::initial(shape, variant, || rng.random_range(-1.0..1.0));
    let adam = Adam {
        learning_rate: 1e-3,
        ..Adam::default()
    };
    let mut trainer = Trainer::new(parameters, adam, BATCH);

    let mut x = vec![0.0; BATCH * WIDTH];
    for step in 1..=STEPS {
        for sample in x.chunks_exact_mut(WIDTH) {
            sample.fill(0.0);
            for _ in 0..ACTIVE {
                let feature = features.row(rng.random_range(0..FEATURES));
                let strength = rng.random_range(0.5..1.5);
                for (x, f) in sample.iter_mut().zip(feature) {
                    *x += strength * f;
                }
            }
        }
        let losses = trainer.step(exec, MatRef::new(&x, BATCH, WIDTH)?);
        if step % 500 == 0 {
            let elements = trainer.parameters().dictionary();
            let mmcs = metrics::mmcs(exec, features, elements);
            println!(
                "step {step:5}: loss {:.4}, MMCS {mmcs:.3}",
                losses.reconstruction
            );
        }
    }
    Ok(())
}
