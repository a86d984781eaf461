//! The training of one encoder or dictionary, from where its last checkpoint left it.

use kernels::adam::{self, Adam};
use kernels::sparse_coding::{Certificate, Lasso, Stop};
use kernels::{Exec, MatMut, MatRef, dictionary};

use super::data::Data;
use super::net::{Aim, Net, product};
use super::settings::Settings;
use crate::error::Result;
use crate::experiment::Ctx;
use crate::rng::Rng;
use crate::sae::optimum::Problem;
use crate::store::checkpoint::Snapshot;

crate::words! {
    /// What is known while an encoder is trained.
    pub enum Known {
        /// The true codes of the samples.
        Codes,
        /// The dictionary.
        Dictionary,
        /// Neither.
        Nothing,
    }
}

/// How codes are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// By an encoder, with a hidden layer of that width or without.
    Encoder(Option<usize>),
    /// By optimisation, sample by sample.
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

/// Codes of the test samples, and the dictionary that they are for.
pub struct Found {
    pub codes: Vec<f32>,
    pub dictionary: Vec<f32>,
}

/// What a training has come to.
struct State {
    weights: Vec<f32>,
    moments: [Vec<f32>; 2],
    /// The codes that sparse coding goes on from; none for encoders.
    codes: Vec<f32>,
    step: u64,
}

/// Trains what a method has to learn and codes the test samples; or says how it diverged.
pub fn run(
    data: &Data,
    method: Method,
    known: Known,
    (slug, title): (&str, &str),
    s: &Settings,
    rng: &mut Rng,
    ctx: &Ctx,
) -> Result<Result<Found, String>> {
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
    let start = net.start(given, rng);
    if let (Method::SparseCoding, Some(dictionary)) = (method, given) {
        ctx.session.progress.advance(s.steps)?;
        return Ok(coded(dictionary).map(|codes| Found {
            codes,
            dictionary: dictionary.to_vec(),
        }));
    }
    let mut store = ctx.session.checkpoints(slug, title, s);
    let len = start.len();
    let room = match method {
        Method::SparseCoding => s.samples * data.size.sources,
        Method::Encoder(_) => 0,
    };
    let read = |snapshot: &Snapshot| {
        let mut state = State {
            weights: vec![0.0; len],
            moments: [vec![0.0; len], vec![0.0; len]],
            codes: vec![0.0; room],
            step: snapshot.read_u64("step", s.steps)?,
        };
        snapshot.read_into("weights", &mut state.weights)?;
        snapshot.read_into("first_moment", &mut state.moments[0])?;
        snapshot.read_into("second_moment", &mut state.moments[1])?;
        snapshot.read_into("codes", &mut state.codes)?;
        Ok(state)
    };
    let mut state = store.latest(read)?.unwrap_or_else(|| State {
        weights: start,
        moments: [vec![0.0; len], vec![0.0; len]],
        codes: vec![0.0; room],
        step: 0,
    });
    ctx.session.progress.advance(state.step)?;
    let mut gradient = vec![0f32; len];
    while state.step < s.steps {
        let loss = match method {
            Method::Encoder(_) => {
                encoder_gradient(exec, &net, known, data, s, &state, &mut gradient)
            }
            Method::SparseCoding => {
                dictionary_gradient(exec, &net, data, s, &mut state, &mut gradient)
            }
        };
        state.step += 1;
        step(exec, &net, known, method, s, &mut state, &gradient);
        if !loss.is_finite() {
            let why = format!("diverged at step {}: the loss is not finite", state.step);
            ctx.session
                .progress
                .say(&format!("{title} {why}; its claims will be undecided"));
            ctx.session.progress.advance(s.steps - state.step + 1)?;
            return Ok(Err(why));
        }
        let interrupted = ctx.session.progress.advance(1);
        if state.step == s.steps || interrupted.is_err() || store.is_due() {
            let mut snapshot = Snapshot::default();
            snapshot.put_vector("weights", &state.weights);
            snapshot.put_vector("first_moment", &state.moments[0]);
            snapshot.put_vector("second_moment", &state.moments[1]);
            snapshot.put_vector("codes", &state.codes);
            snapshot.put_metadata("step", state.step);
            store.write(state.step, snapshot)?;
        }
        interrupted?;
    }
    let mut learned = state.weights[net.dictionary()..].to_vec();
    dictionary::normalise(exec, MatMut::from_rows(&mut learned, data.size.dimensions));
    let codes = match method {
        Method::Encoder(_) => Ok(net.codes(exec, &state.weights, test)),
        Method::SparseCoding => coded(&learned),
    };
    Ok(codes.map(|codes| Found {
        codes,
        dictionary: learned,
    }))
}

/// λ for an error that is summed over dimensions and a code that is summed over sources.
fn lambda(s: &Settings, data: &Data) -> f64 {
    s.penalty * data.size.dimensions as f64 / data.size.sources as f64
}

/// The best codes of samples on a dictionary of rows of norm 1.
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
    state: &State,
    gradient: &mut [f32],
) -> f64 {
    let x = MatRef::from_rows(&data.training.x, data.size.dimensions);
    let aim = match known {
        Known::Codes => Aim::Codes,
        Known::Dictionary | Known::Nothing => Aim::Samples { penalty: s.penalty },
    };
    net.gradient(exec, &state.weights, x, &data.training.codes, aim, gradient)
}

/// The gradient of the squared error with respect to the dictionary, at codes that have come nearer to the best ones.
fn dictionary_gradient(
    exec: Exec,
    net: &Net,
    data: &Data,
    s: &Settings,
    state: &mut State,
    gradient: &mut [f32],
) -> f64 {
    let (n, m) = (data.size.sources, data.size.dimensions);
    let x = MatRef::from_rows(&data.training.x, m);
    let place = net.dictionary();
    let rows = MatMut::from_rows(&mut state.weights[place..], m);
    dictionary::normalise(exec, rows);
    let atoms = MatRef::from_rows(&state.weights[place..], m);
    let stop = Stop {
        tolerance: 1e-6,
        iterations: s.iterations,
    };
    let mut certificates = vec![Certificate::default(); x.rows()];
    let codes = MatMut::from_rows(&mut state.codes, n);
    let lasso = Lasso::new(exec, atoms, lambda(s, data) as f32, None);
    lasso.ista(exec, x, stop, codes, &mut certificates);
    let codes = MatRef::from_rows(&state.codes, n);
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

/// A step of Adam on what there is to learn: the encoder, the dictionary, or both.
fn step(
    exec: Exec,
    net: &Net,
    known: Known,
    method: Method,
    s: &Settings,
    state: &mut State,
    gradient: &[f32],
) {
    let (dictionary, end) = (net.dictionary(), gradient.len());
    let learned = match (method, known) {
        (Method::SparseCoding, _) => dictionary..end,
        (_, Known::Nothing) => 0..end,
        (_, Known::Codes | Known::Dictionary) => 0..dictionary,
    };
    let adam = Adam {
        learning_rate: s.learning_rate as f32,
        ..Adam::default()
    };
    let [first, second] = &mut state.moments;
    adam::step(
        exec,
        adam,
        state.step,
        &gradient[learned.clone()],
        &mut state.weights[learned.clone()],
        &mut first[learned.clone()],
        &mut second[learned],
    );
}
