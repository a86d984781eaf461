//! The training of one encoder or dictionary, resumed from its last checkpoint.

use std::ops::Range;

use kernels::adam::Adam;
use kernels::sparse_coding::{Certificate, Lasso, Stop};
use kernels::{Exec, MatMut, MatRef, dictionary};

use super::data::Data;
use super::net::{Aim, Net, product};
use super::settings::Settings;
use super::task::{Known, Method, Task};
use crate::error::Result;
use crate::experiment::Ctx;
use crate::sae::optimum::Problem;
use crate::session::training::{self, Course, End, Learner};
use crate::store::snapshot::Snapshot;

/// The result of a training.
pub struct Found {
    /// The codes of the test samples, B×N.
    pub codes: Vec<f32>,
    /// The dictionary, N×M, with rows of norm 1.
    pub dictionary: Vec<f32>,
}

/// The state of a training: the weights of a net, and the codes from which sparse coding goes on, which are empty for
/// encoders.
#[derive(Clone)]
struct Coder {
    weights: Vec<f32>,
    codes: Vec<f32>,
}

impl Learner for Coder {
    fn parameters(&self) -> &[f32] {
        &self.weights
    }

    fn parameters_mut(&mut self) -> &mut [f32] {
        &mut self.weights
    }

    fn put<'a>(&'a self, snapshot: &mut Snapshot<'a>) {
        snapshot.put_slice("codes", &self.codes);
    }

    fn read(&mut self, snapshot: &Snapshot) -> Result<(), String> {
        snapshot.read_into("codes", &mut self.codes)
    }
}

/// Trains what a method has to learn, and returns the codes of the test samples with the dictionary, or how the
/// training diverged.
pub fn run(task: &Task, data: &Data, s: &Settings, ctx: &Ctx) -> Result<Result<Found, String>> {
    let &Task { known, method, .. } = task;
    let exec = ctx.session.serial();
    let given = (known == Known::Dictionary).then_some(&data.dictionary[..]);
    let net = Net {
        size: data.size,
        hidden: match method {
            Method::Encoder(hidden) => hidden,
            Method::SparseCoding => None,
        },
    };
    let test = MatRef::from_rows(&data.test.x, data.size.dimensions);
    let coded = |dictionary: &[f32]| best(exec, dictionary, test, s, data);
    let mut rng = ctx.rng(task.seed, &format!("initial {method}"), task.number as u64);
    let weights = net.start(given, &mut rng);
    if let (Method::SparseCoding, Some(dictionary)) = (method, given) {
        ctx.session.progress.advance(s.steps)?;
        return Ok(coded(dictionary).map(|codes| Found {
            codes,
            dictionary: dictionary.to_vec(),
        }));
    }
    let course = Course {
        slug: &task.name(),
        title: &task.title(),
        settings: s,
        steps: s.steps,
        cost: 1,
    };
    let mut gradient = vec![0f32; weights.len()];
    let learned = learned(&net, known, method, weights.len());
    let adam = Adam {
        learning_rate: s.learning_rate as f32,
        ..Adam::default()
    };
    let start = Coder {
        weights,
        codes: match method {
            Method::SparseCoding => vec![0.0; s.samples * data.size.sources],
            Method::Encoder(_) => Vec::new(),
        },
    };
    let state = training::train(&course, start, &ctx.session, |state| {
        let coder = &mut state.learner;
        let loss = match method {
            Method::Encoder(_) => {
                encoder_gradient(exec, &net, known, data, s, &coder.weights, &mut gradient)
            }
            Method::SparseCoding => dictionary_gradient(exec, &net, data, s, coder, &mut gradient),
        };
        state.update(exec, adam, &gradient, learned.clone());
        if !loss.is_finite() {
            state.end = Some(End::Diverged("the loss".into()));
        }
    })?;
    let weights = match state.learned() {
        Ok(coder) => coder.weights,
        Err(how) => return Ok(Err(how)),
    };
    let mut learned = weights[net.dictionary()..].to_vec();
    dictionary::normalise(exec, MatMut::from_rows(&mut learned, data.size.dimensions));
    let codes = match method {
        Method::Encoder(_) => Ok(net.codes(exec, &weights, test)),
        Method::SparseCoding => coded(&learned),
    };
    Ok(codes.map(|codes| Found {
        codes,
        dictionary: learned,
    }))
}

/// Returns λ for an error that is summed over dimensions and a code that is summed over sources.
fn lambda(s: &Settings, data: &Data) -> f64 {
    s.penalty * data.size.dimensions as f64 / data.size.sources as f64
}

/// Returns the best codes of samples on a dictionary with rows of norm 1, or why there are none.
fn best(
    exec: Exec,
    dictionary: &[f32],
    x: MatRef,
    s: &Settings,
    data: &Data,
) -> Result<Vec<f32>, String> {
    let dictionary = MatRef::from_rows(dictionary, data.size.dimensions);
    let codes = Problem::new(exec, dictionary, x, lambda(s, data)).best();
    codes.ok_or_else(|| "has a code that is not finite".to_string())
}

fn encoder_gradient(
    exec: Exec,
    net: &Net,
    known: Known,
    data: &Data,
    s: &Settings,
    weights: &[f32],
    gradient: &mut [f32],
) -> f64 {
    let x = MatRef::from_rows(&data.training.x, data.size.dimensions);
    let aim = match known {
        Known::Codes => Aim::Codes,
        Known::Dictionary | Known::Nothing => Aim::Samples { penalty: s.penalty },
    };
    net.gradient(exec, weights, x, &data.training.codes, aim, gradient)
}

/// Brings the codes nearer to the best ones, writes the gradient of the squared error at these codes with respect to
/// the dictionary to `gradient`, and returns the sum of the losses of the codes.
fn dictionary_gradient(
    exec: Exec,
    net: &Net,
    data: &Data,
    s: &Settings,
    coder: &mut Coder,
    gradient: &mut [f32],
) -> f64 {
    let (n, m) = (data.size.sources, data.size.dimensions);
    let x = MatRef::from_rows(&data.training.x, m);
    let place = net.dictionary();
    let rows = MatMut::from_rows(&mut coder.weights[place..], m);
    dictionary::normalise(exec, rows);
    let atoms = MatRef::from_rows(&coder.weights[place..], m);
    let stop = Stop {
        tolerance: 1e-6,
        iterations: s.iterations,
    };
    let mut certificates = vec![Certificate::default(); x.rows()];
    let codes = MatMut::from_rows(&mut coder.codes, n);
    let lasso = Lasso::new(exec, atoms, lambda(s, data) as f32, None);
    lasso.ista(exec, x, stop, codes, &mut certificates);
    let codes = MatRef::from_rows(&coder.codes, n);
    let mut off = product(exec, codes, atoms, m);
    let mean = 1.0 / off.len() as f32;
    off.iter_mut()
        .zip(x.data())
        .for_each(|(o, x)| *o = 2.0 * mean * (*o - x));
    let slope = product(exec, codes.t(), MatRef::from_rows(&off, m), m);
    gradient.fill(0.0);
    gradient[place..].copy_from_slice(&slope);
    let rows = MatMut::from_rows(&mut gradient[place..], m);
    dictionary::project_gradient(exec, atoms, rows);
    certificates.iter().map(|c| c.objective).sum::<f64>()
}

/// Returns the range of the parameters that are learned: those of the encoder, of the dictionary, or of both.
fn learned(net: &Net, known: Known, method: Method, parameters: usize) -> Range<usize> {
    let dictionary = net.dictionary();
    match (method, known) {
        (Method::SparseCoding, _) => dictionary..parameters,
        (_, Known::Nothing) => 0..parameters,
        (_, Known::Codes | Known::Dictionary) => 0..dictionary,
    }
}
