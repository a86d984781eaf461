//! The rows of a training: some are held out, the others come in random order, pass after pass. The rows of a synthetic
//! model never end, so none of them comes twice.

use kernels::sae::{Shape, Task};
use rayon::prelude::*;

use crate::activations::Rows;
use crate::activations::order::Order;
use crate::activations::shuffle::{Blocks, Shuffle};
use crate::activations::survey::Survey;
use crate::error::{Error, Result};
use crate::text::counted;
use crate::workbench::measure::Pairs;
use crate::workbench::settings::{Normalise, Settings};

/// The activations as a training sees them: normalised, shuffled and in batches.
#[derive(Debug)]
pub struct Data {
    rows: Rows,
    shuffle: Shuffle,
    measured: u64,
    batch: usize,
    /// The mean of all rows.
    pub whole_mean: Vec<f64>,
    /// The vector that is subtracted from each row.
    pub mean: Vec<f32>,
    /// The number that each row is divided by, once the [`mean`](Self::mean) is subtracted.
    pub scale: f32,
    /// The rows that transcoders reconstruct.
    pub target: Option<Target>,
    /// The rows that models are measured on, where none are held out for that.
    eval: Option<Eval>,
}

/// The rows that models are measured on, where none are held out from those that are trained on.
#[derive(Debug)]
struct Eval {
    rows: Rows,
    /// The random order of the rows, of which the first are measured.
    order: Order,
    /// The mean of all these rows.
    mean: Vec<f64>,
}

/// The rows that transcoders reconstruct: row i belongs to row i of the rows that they read.
#[derive(Debug)]
pub struct Target {
    rows: Rows,
    /// The mean of all rows.
    pub whole_mean: Vec<f64>,
    /// The vector that is subtracted from each row.
    pub mean: Vec<f32>,
    /// The number that each row is divided by, once the [`mean`](Self::mean) is subtracted.
    pub scale: f32,
    /// Whether models have a skip connection.
    skip: bool,
}

impl Target {
    /// Returns the rows as they stand in the files.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }
}

impl Data {
    /// Returns the rows of a training, normalised as the settings say.
    pub fn new(rows: Rows, survey: &Survey, settings: &Settings) -> Data {
        let blocks = Blocks {
            rows: settings.shuffle_block,
            window: settings.shuffle_window,
        };
        let shuffle = Shuffle::new(rows.len(), blocks, settings.held_out, settings.seed);
        let (mean, scale) = normalisation(survey, settings);
        Data {
            measured: settings.measured.min(shuffle.held_out()),
            shuffle,
            batch: settings.batch,
            whole_mean: survey.mean.clone(),
            mean,
            scale,
            target: None,
            eval: None,
            rows,
        }
    }

    /// Returns the same data, but with `rows` to measure models on, as many as the settings allow, and no rows held
    /// out.
    pub fn with_eval(self, rows: Rows, survey: &Survey, settings: &Settings) -> Data {
        Data {
            shuffle: self.shuffle.without_held_out(),
            measured: settings.measured.min(rows.len()),
            eval: Some(Eval {
                order: Order::new(rows.len(), settings.seed, 0),
                mean: survey.mean.clone(),
                rows,
            }),
            ..self
        }
    }

    /// Returns the same data with the rows that transcoders reconstruct, normalised as the settings say too.
    pub fn with_target(self, rows: Rows, survey: &Survey, skip: bool, settings: &Settings) -> Data {
        let (mean, scale) = normalisation(survey, settings);
        let target = Target {
            rows,
            whole_mean: survey.mean.clone(),
            mean,
            scale,
            skip,
        };
        Data {
            target: Some(target),
            ..self
        }
    }

    /// Returns the task of a model with `elements` elements: what it reads and reconstructs.
    pub fn task(&self, elements: usize) -> Task {
        let target = self.target.as_ref();
        let skip = target.is_some_and(|target| target.skip);
        task(self.width(), target.map(|t| t.rows.width()), skip, elements)
    }

    /// Returns the rows that models are measured on, and those that they reconstruct.
    pub fn pairs(&self) -> Pairs<'_> {
        let mean = match (&self.target, &self.eval) {
            (Some(target), _) => &target.whole_mean,
            (None, Some(eval)) => &eval.mean,
            (None, None) => &self.whole_mean,
        };
        Pairs {
            rows: self.measured_rows(),
            target: self.target.as_ref().map(|target| &target.rows),
            mean,
        }
    }

    /// Returns the length of a row.
    pub fn width(&self) -> usize {
        self.rows.width()
    }

    /// Returns the number of rows that are trained on.
    pub fn trained_on(&self) -> u64 {
        self.shuffle.trained_on()
    }

    /// Returns in words which rows models are measured on.
    pub fn measured_on(&self) -> String {
        match &self.eval {
            Some(eval) => format!("{} rows of {}", self.measured, eval.rows.title()),
            None => format!("{} held-out rows", self.measured),
        }
    }

    /// Returns the rows among which are those that models are measured on.
    pub fn measured_rows(&self) -> &Rows {
        self.eval.as_ref().map_or(&self.rows, |eval| &eval.rows)
    }

    /// Returns the number of rows in a batch.
    pub fn batch_rows(&self) -> u64 {
        self.batch as u64
    }

    /// Writes the batch with the number `number` to `to`: B×d, normalised, and behind it the rows that transcoders
    /// reconstruct, where there are such. Every pass goes through all rows in an order of its own, see [`Shuffle`].
    ///
    /// # Panics
    /// If `to` is not as long as that.
    pub fn batch(&self, number: u64, to: &mut [f32]) -> Result<()> {
        let first = number * self.batch as u64;
        let places = first..first + self.batch as u64;
        let target = self.target.as_ref().map(|target| &target.rows);
        for rows in self.shuffle.ahead(places.clone()) {
            for all in [Some(&self.rows), target].into_iter().flatten() {
                all.announce(rows.clone());
            }
        }
        let rows: Vec<u64> = self.shuffle.rows(places).collect();
        let targets = self.target.as_ref().map_or(0, |t| t.rows.width());
        let (x, y) = to.split_at_mut(self.batch * self.width());
        assert_eq!(y.len(), self.batch * targets, "values of the targets");
        if let Some(target) = &self.target {
            target.rows.gather(rows.iter().copied(), y)?;
            normalise(y, &target.mean, target.scale);
        }
        self.rows.gather(rows, x)?;
        normalise(x, &self.mean, self.scale);
        Ok(())
    }

    /// Returns the numbers of the rows that models are measured on, in the order of the files.
    pub fn measured(&self) -> Vec<u64> {
        let row = |place| match &self.eval {
            Some(eval) => eval.order.at(place),
            None => self.shuffle.held_out_row(place),
        };
        let mut rows: Vec<u64> = (0..self.measured).into_par_iter().map(row).collect();
        rows.par_sort_unstable();
        rows
    }

    /// Returns the numbers of at most `most` of the rows that are trained on, in the order of the files.
    pub fn some_trained_on(&self, most: u64) -> Vec<u64> {
        let mut rows: Vec<u64> = self.shuffle.some_trained_on(most).collect();
        rows.sort_unstable();
        rows
    }

    /// Returns the rows as they stand in the files.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }
}

/// Checks that some of the rows can be held out, and others be trained on.
///
/// # Errors
/// If there are fewer than two rows, or fewer than two blocks of them.
pub fn refuse_too_few(rows: &Rows, settings: &Settings) -> Result<()> {
    let (block, len) = (settings.shuffle_block, rows.len());
    if len / block >= 2 {
        return Ok(());
    }
    let beside = match rows.left_out() {
        0 => String::new(),
        n => format!(" beside {n} left out"),
    };
    let (what, in_blocks, way_out) = match block {
        1 => ("rows", String::new(), "name more rows"),
        _ => (
            "blocks",
            format!(", and shuffle_block is {block}"),
            "choose a smaller shuffle_block",
        ),
    };
    Err(Error::input(format!(
        "{} has {}{beside}{in_blocks}; some {what} are held out and others trained on, so there have to be two at \
         least: {way_out}, or give `harness sae train` other rows to measure models on, with --eval",
        rows.title(),
        counted(len, "row", "rows")
    )))
}

/// Returns the task of a model with `elements` elements on rows of `input` values: to reconstruct them, or targets of
/// `output` values, with or without a skip connection.
pub fn task(input: usize, output: Option<usize>, skip: bool, elements: usize) -> Task {
    let shape = |width| Shape {
        width,
        dictionary: elements,
    };
    match output {
        None => shape(input).into(),
        Some(output) => Task::Transcoder {
            input,
            shape: shape(output),
            skip,
        },
    }
}

/// Returns the vector that is subtracted from each row, and the number that it is divided by then.
fn normalisation(survey: &Survey, settings: &Settings) -> (Vec<f32>, f32) {
    let mean = match settings.normalise {
        Normalise::None => vec![0.0; survey.mean.len()],
        Normalise::Mean | Normalise::Scale => survey.mean.iter().map(|&m| m as f32).collect(),
    };
    let scale = match settings.normalise {
        Normalise::Scale if survey.scale() > 0.0 => survey.scale() as f32,
        _ => 1.0,
    };
    (mean, scale)
}

fn normalise(rows: &mut [f32], mean: &[f32], scale: f32) {
    for row in rows.chunks_exact_mut(mean.len()) {
        for (value, mean) in row.iter_mut().zip(mean) {
            *value = (*value - mean) / scale;
        }
    }
}
