//! Plain loops in f64 that read sparse autoencoders, with bounds on what single precision may change, and tables read
//! by the names of their columns.

use std::collections::BTreeMap;

use super::plain::dot;
use harness::rng::Rng;
use harness::sae::training::Plan;
use kernels::adam::Adam;
use kernels::sae::{Parameters, Trainer, Variant};
use kernels::{Exec, Isa, MatRef};

/// Half of the distance from 1 to the next number of single precision.
pub const UNIT: f64 = 1.0 / (1u64 << 24) as f64;

pub fn wide(row: &[f32]) -> Vec<f64> {
    row.iter().map(|&v| v.into()).collect()
}

pub fn rows(m: MatRef) -> Vec<Vec<f64>> {
    (0..m.rows()).map(|i| wide(m.row(i))).collect()
}

/// Returns the cosine of two directions, or 0 where one of them is 0.
pub fn cosine(a: &[f64], b: &[f64]) -> f64 {
    match dot(a, a) * dot(b, b) {
        0.0 => 0.0,
        squares => dot(a, b) / squares.sqrt(),
    }
}

pub fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(f64::NEG_INFINITY, f64::max)
}

/// Returns a uniformly random direction: a normal vector scaled to norm 1.
pub fn direction(dimensions: usize, rng: &mut Rng) -> Vec<f64> {
    let normal: Vec<f64> = (0..dimensions).map(|_| rng.normal()).collect();
    let norm = dot(&normal, &normal).sqrt();
    normal.into_iter().map(|v| v / norm).collect()
}

/// A row of a table, by the names of its columns.
pub struct Row(BTreeMap<String, String>);

impl Row {
    #[track_caller]
    pub fn text(&self, column: &str) -> &str {
        self.0.get(column).unwrap_or_else(|| panic!("no {column}"))
    }

    #[track_caller]
    pub fn number(&self, column: &str) -> f64 {
        let text = self.text(column);
        text.parse().unwrap_or_else(|_| panic!("{column}: {text}"))
    }

    pub fn whole(&self, column: &str) -> usize {
        self.number(column) as usize
    }
}

/// Returns the rows of a table.
pub fn table(text: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.deserialize();
    rows.map(|row| Row(row.unwrap())).collect()
}

/// Returns a sparse autoencoder after a training by the kernels' steps, which have tests of their own. What a step is
/// given is written here from the documentation of the settings. The penalty rises along a line over the first
/// `warm_up` steps, the learning rate falls to 0 along a line over the last ones.
pub fn trained(
    start: Parameters,
    plan: &Plan,
    warm_up: u64,
    batch: impl Fn(u64) -> Vec<f32>,
) -> Parameters {
    let exec = Exec::serial(Isa::detect());
    let lambda = f64::from(start.variant().lambda().unwrap());
    let width = start.shape().width;
    let mut trainer = Trainer::new(start, Adam::default(), plan.batch);
    for step in 0..plan.steps {
        let left = (plan.steps - step) as f64;
        let falling = left / (plan.cooldown * plan.steps as f64);
        trainer.adam_mut().learning_rate = (plan.learning_rate * falling.min(1.0)) as f32;
        let rising = (step + 1) as f64 / (warm_up.max(1)) as f64;
        let mut variant = trainer.parameters().variant();
        *variant.lambda_mut().unwrap() = (lambda * rising.min(1.0)) as f32;
        trainer.set_variant(variant);
        trainer.step(exec, MatRef::from_rows(&batch(step), width));
    }
    trainer.into_parameters()
}

/// The codes of a sparse autoencoder under an L1 penalty, tied or untied, and measures of them and of its
/// reconstructions.
pub struct Reading {
    /// The codes, a row for each sample.
    pub codes: Vec<Vec<f64>>,
    /// The distance by which each entry may differ from that of single precision.
    pub slack: Vec<Vec<f64>>,
    /// The number of samples on which each element fires, as the least and the most that roundings leave open.
    pub firings: Vec<[usize; 2]>,
    /// The mean of ‖x̂ − x‖² over samples, and how far it may be from that of single precision.
    pub squared_error: [f64; 2],
    /// The mean sum of a code over samples, and how far it may be from that of single precision.
    pub l1: [f64; 2],
}

impl Reading {
    pub fn of(p: &Parameters, x: &[Vec<f64>]) -> Reading {
        let mut decoder = rows(p.dictionary());
        let width = decoder[0].len();
        let (encoder, b_dec) = match p.variant() {
            // The tied variant has one matrix, whose rows count at norm 1, and no bias of the decoder.
            Variant::TiedL1(_) => {
                for row in &mut decoder {
                    let norm = dot(row, row).sqrt();
                    row.iter_mut().for_each(|v| *v /= norm);
                }
                (decoder.clone(), vec![0.0; width])
            }
            _ => (rows(p.tensor("w_enc")), wide(p.b_dec())),
        };
        let b_enc = wide(p.tensor("b_enc").row(0));
        let n = decoder.len();
        let (mut codes, mut slack) = (Vec::new(), Vec::new());
        let mut firings = vec![[0; 2]; n];
        let (mut squared_error, mut l1) = ([0.0; 2], [0.0; 2]);
        for x in x {
            let centred: Vec<f64> = x.iter().zip(&b_dec).map(|(x, b)| x - b).collect();
            let (mut code, mut bounds) = (vec![0.0; n], vec![0.0; n]);
            for (j, row) in encoder.iter().enumerate() {
                let terms = row.iter().zip(&centred).map(|(w, x)| w * x);
                let pre = terms.clone().sum::<f64>() + b_enc[j];
                // The sum of d products and a bias, of rows and samples that have been rounded a few times.
                let size = terms.map(f64::abs).sum::<f64>() + b_enc[j].abs();
                let bound = (width + 8) as f64 * UNIT * size;
                code[j] = pre.max(0.0);
                bounds[j] = if pre > -bound { bound } else { 0.0 };
                firings[j][0] += usize::from(pre > bound);
                firings[j][1] += usize::from(pre > -bound);
            }
            let [error, room] = self::squared_error(&decoder, &b_dec, x, &code, &bounds);
            squared_error = [squared_error[0] + error, squared_error[1] + room];
            l1 = [
                l1[0] + code.iter().sum::<f64>(),
                l1[1] + bounds.iter().sum::<f64>(),
            ];
            codes.push(code);
            slack.push(bounds);
        }
        let samples = x.len() as f64;
        Reading {
            codes,
            slack,
            firings,
            squared_error: squared_error.map(|v| v / samples),
            l1: l1.map(|v| v / samples),
        }
    }

    /// Returns the mean number of active entries, as the least and the most that roundings leave open.
    pub fn l0(&self) -> [f64; 2] {
        let count = |i: usize| self.firings.iter().map(|f| f[i]).sum::<usize>() as f64;
        [0, 1].map(|i| count(i) / self.codes.len() as f64)
    }

    /// Returns the number of elements that fire on at least `least` samples, as the least and the most that roundings
    /// leave open.
    pub fn living(&self, least: f64) -> [f64; 2] {
        let often = |i: usize| self.firings.iter().filter(|f| f[i] as f64 >= least).count() as f64;
        [0, 1].map(often)
    }
}

/// Returns ‖x − b − Dᵀc‖², and how far it may be from that of single precision, where each entry of the code may be off
/// by its bound.
pub fn squared_error(
    decoder: &[Vec<f64>],
    b_dec: &[f64],
    x: &[f64],
    code: &[f64],
    bounds: &[f64],
) -> [f64; 2] {
    let (mut sum, mut room) = (0.0, 0.0);
    for (i, (x, b)) in x.iter().zip(b_dec).enumerate() {
        let (mut e, mut size, mut off) = (x - b, x.abs() + b.abs(), 0.0);
        for ((row, c), bound) in decoder.iter().zip(code).zip(bounds) {
            e -= c * row[i];
            size += (c * row[i]).abs();
            off += bound * row[i].abs();
        }
        // The sum of n products, with rows that have been rounded a few times.
        let off = off + (decoder.len() + 8) as f64 * UNIT * size;
        sum += e * e;
        room += off * (2.0 * e.abs() + off);
    }
    [sum, room]
}

/// Asserts that a number is within some bounds, up to 10⁻⁹ of their size for roundings in f64 and in tables.
#[track_caller]
pub fn within(what: &str, found: f64, [least, most]: [f64; 2]) {
    let room = 1e-9 * least.abs().max(most.abs()).max(1e-3);
    assert!(
        found >= least - room && found <= most + room,
        "{what}: {found}, not {least} to {most}"
    );
}

/// Asserts that two numbers agree up to `room` and roundings in f64 and in tables; two NaNs agree.
#[track_caller]
pub fn near(what: &str, found: f64, expected: f64, room: f64) {
    if found.is_nan() || expected.is_nan() {
        assert!(
            found.is_nan() && expected.is_nan(),
            "{what}: {found}, not {expected}"
        );
        return;
    }
    within(what, found, [expected - room, expected + room]);
}
