//! The trainings of the experiment: every method at every size of the data, with true codes, dictionary or nothing
//! known.

use super::data::Size;
use super::settings::Settings;
use crate::experiment::Cost;
use crate::table::record::Word as _;

crate::words! {
    /// The things that are known in training.
    pub enum Known {
        /// The true codes of the samples.
        Codes,
        /// The true dictionary.
        Dictionary,
        /// Neither the codes nor the dictionary.
        Nothing,
    }
}

/// The way in which codes are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// An encoder, with a hidden layer of the given width or without one.
    Encoder(Option<usize>),
    /// Sparse coding: optimisation of the code of each sample.
    SparseCoding,
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Method::Encoder(None) => f.write_str("linear"),
            Method::Encoder(Some(hidden)) => write!(f, "two-layer of {hidden}"),
            Method::SparseCoding => f.write_str("sparse coding"),
        }
    }
}

/// One training of the experiment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Task {
    /// The seed of the data and of the first weights.
    pub seed: u64,
    /// The numbers of sources and of dimensions.
    pub size: Size,
    /// The number of the size in the list of all sizes.
    pub number: usize,
    /// The things that are known in training.
    pub known: Known,
    /// The way in which codes are found.
    pub method: Method,
}

impl Settings {
    fn sizes(&self) -> Vec<Size> {
        let random = self.dimensions.iter().flat_map(|&dimensions| {
            self.sources.iter().map(move |&sources| Size {
                sources,
                dimensions,
                orthogonal: false,
            })
        });
        let orthogonal = self.dimensions.iter().map(|&dimensions| Size {
            sources: dimensions,
            dimensions,
            orthogonal: true,
        });
        random.chain(orthogonal).collect()
    }

    /// Returns what is trained for each size: things known and methods.
    fn trainings(&self) -> Vec<(Known, Method)> {
        let widths = [None]
            .into_iter()
            .chain(self.hidden.iter().copied().map(Some));
        let mut trainings = Vec::new();
        for method in widths.map(Method::Encoder) {
            trainings.extend(Known::ALL.iter().map(|&known| (known, method)));
        }
        trainings.extend([Known::Dictionary, Known::Nothing].map(|k| (k, Method::SparseCoding)));
        trainings
    }

    /// Returns all trainings at `seeds`.
    pub fn tasks(&self, seeds: &[u64]) -> Vec<Task> {
        let trainings = self.trainings();
        let mut tasks = Vec::new();
        for &seed in seeds {
            for (number, size) in self.sizes().into_iter().enumerate() {
                tasks.extend(trainings.iter().map(|&(known, method)| Task {
                    seed,
                    size,
                    number,
                    known,
                    method,
                }));
            }
        }
        tasks
    }
}

/// The seconds of a step of an encoder for each sample, fitted to runs on Zen 3 with AVX2.
const SECONDS_OF_STEP: f64 = 2.5e-8;
/// The seconds of an iteration of sparse coding for each sample, fitted to runs on Zen 3 with AVX2.
const SECONDS_OF_ITERATION: f64 = 2.5e-7;
/// The seconds of a multiplication in a step or an iteration, fitted to runs on Zen 3 with AVX2.
const SECONDS_OF_PRODUCT: f64 = 8e-11;

/// The approximate number of iterations that the best codes take.
const ITERATIONS_OF_BEST: u64 = 40;

impl Task {
    /// Returns a name that no other training has: that of its unit, and of the folder of its checkpoints.
    pub fn name(&self) -> String {
        let Task {
            seed,
            known,
            method,
            ..
        } = self;
        let sources = match self.size.orthogonal {
            true => format!("{}-orthogonal", self.size.sources),
            false => format!("{}-in-{}", self.size.sources, self.size.dimensions),
        };
        format!("{sources}-{known}-{method}-seed{seed}").replace(' ', "-")
    }

    /// Returns the name of the training in messages.
    pub fn title(&self) -> String {
        let Task {
            seed,
            known,
            method,
            ..
        } = self;
        let Size {
            sources,
            dimensions,
            orthogonal,
        } = self.size;
        let what = match orthogonal {
            true => format!("{sources} orthogonal sources"),
            false => format!("{sources} sources in {dimensions} dimensions"),
        };
        format!("{method}, {what}, known: {known}, seed {seed}")
    }

    /// Returns the cost of the training.
    pub fn cost(&self, s: &Settings) -> Cost {
        let (n, m) = (self.size.sources as f64, self.size.dimensions as f64);
        let steps = s.steps as f64;
        let of_encoder = |products: f64| steps * (SECONDS_OF_STEP + SECONDS_OF_PRODUCT * products);
        let of_sample = match self.method {
            // The products forwards, and as many each backwards to the weights and to the inputs.
            Method::Encoder(None) => of_encoder(3.0 * 2.0 * n * m),
            Method::Encoder(Some(hidden)) => of_encoder(3.0 * (hidden as f64 * (n + m) + n * m)),
            Method::SparseCoding => {
                let iterations = match self.known {
                    Known::Dictionary => ITERATIONS_OF_BEST,
                    Known::Codes | Known::Nothing => s.steps * s.iterations as u64,
                };
                let of_iteration = SECONDS_OF_ITERATION + SECONDS_OF_PRODUCT * n * (n + m);
                iterations as f64 * of_iteration
            }
        };
        Cost {
            ticks: s.steps,
            seconds: s.samples as f64 * of_sample,
        }
    }
}
