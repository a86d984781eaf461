//! The rows of a training: some are held out, the others come in random order, pass after pass. Of a synthetic model,
//! whose rows never end, no row comes twice.

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

/// Activations as a training sees them.
#[derive(Debug)]
pub struct Data {
    rows: Rows,
    shuffle: Shuffle,
    measured: u64,
    batch: usize,
    /// The mean of all rows.
    pub whole_mean: Vec<f64>,
    /// What is subtracted from each row, and what it is divided by then.
    pub mean: Vec<f32>,
    /// See [`mean`](Self::mean).
    pub scale: f32,
    /// What transcoders reconstruct.
    pub target: Option<Target>,
    /// The rows that models are measured on, where none are held out for that.
    eval: Option<Eval>,
}

/// Rows beside those that are trained on.
#[derive(Debug)]
struct Eval {
    rows: Rows,
    /// The order of which the first are measured.
    order: Order,
    /// The mean of all of them.
    mean: Vec<f64>,
}

/// What transcoders reconstruct: row i belongs to row i of what they read.
#[derive(Debug)]
pub struct Target {
    rows: Rows,
    /// The mean of all rows.
    pub whole_mean: Vec<f64>,
    /// What is subtracted from each row, and what it is divided by then.
    pub mean: Vec<f32>,
    /// See [`mean`](Self::mean).
    pub scale: f32,
    /// Whether models have a skip connection.
    skip: bool,
}

impl Target {
    /// The rows as they stand in the files.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }
}

impl Data {
    /// The rows, normalised as the settings say.
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

    /// The same, but that models are measured on these rows, as many as the settings allow, and all others are trained
    /// on.
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

    /// The same, with what transcoders reconstruct, normalised as the settings say too.
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

    /// What a model with so many elements reads and reconstructs.
    pub fn task(&self, elements: usize) -> Task {
        let target = self.target.as_ref();
        let skip = target.is_some_and(|target| target.skip);
        task(self.width(), target.map(|t| t.rows.width()), skip, elements)
    }

    /// What models are measured on.
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

    /// Length of a row.
    pub fn width(&self) -> usize {
        self.rows.width()
    }

    /// Number of rows that are trained on.
    pub fn trained_on(&self) -> u64 {
        self.shuffle.trained_on()
    }

    /// Which rows models are measured on, in words.
    pub fn measured_on(&self) -> String {
        match &self.eval {
            Some(eval) => format!("{} rows of {}", self.measured, eval.rows.title()),
            None => format!("{} held-out rows", self.measured),
        }
    }

    /// The rows among which are those that models are measured on.
    pub fn measured_rows(&self) -> &Rows {
        self.eval.as_ref().map_or(&self.rows, |eval| &eval.rows)
    }

    /// Rows in a batch.
    pub fn batch_rows(&self) -> u64 {
        self.batch as u64
    }

    /// Writes the batch of a number, B×d, normalised, and behind it what is to be reconstructed of it, where that is
    /// something else. Every pass goes through all rows in an order of its own, see [`Shuffle`].
    ///
    /// # Panics
    /// If there is no room for exactly that.
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

    /// The numbers of the rows that models are measured on, in the order of the files.
    pub fn measured(&self) -> Vec<u64> {
        let row = |place| match &self.eval {
            Some(eval) => eval.order.at(place),
            None => self.shuffle.held_out_row(place),
        };
        let mut rows: Vec<u64> = (0..self.measured).into_par_iter().map(row).collect();
        rows.par_sort_unstable();
        rows
    }

    /// At most so many of the rows that are trained on, in the order of the files.
    pub fn some_trained_on(&self, most: u64) -> Vec<u64> {
        let mut rows: Vec<u64> = self.shuffle.some_trained_on(most).collect();
        rows.sort_unstable();
        rows
    }

    /// The rows as they stand in the files.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }
}

/// Checks that some of the rows can be held out, and others be trained on.
///
/// # Errors
/// If there are fewer than two of them, or than two blocks.
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

/// What a model with so many elements does with rows of `input` values: reconstruct them, or targets of `output` values,
/// with or without a skip connection.
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

/// What is subtracted from each row, and what it is divided by then.
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
