//! The flags of every training on activations, which stand for settings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use toml::Value;

use super::super::common::{checkpoint_every, threads};
use super::super::figures::FigureArgs;
use crate::error::{Error, Result};
use crate::input::read_result_text;
use crate::session::CHECKPOINT_EVERY;
use crate::session::progress::Show;
use crate::session::signals;
use crate::store::names::REPORT;
use crate::store::resumed;
use crate::workbench::config::{self, Request};
use crate::workbench::job::{Options, is_complete};

/// The arguments that say what to train, on one layer or several.
#[derive(Debug, Args)]
pub struct WhatArgs {
    /// Files or folders of activations
    #[arg(value_name = "DATA")]
    data: Vec<PathBuf>,

    /// Tensor to read, of .safetensors files that hold several
    #[arg(long, value_name = "NAME")]
    tensor: Option<String>,

    /// Variant: topk, batch-topk, matryoshka, jumprelu, l1, l1-tied, gated, two-layer or lista [default: topk]
    #[arg(long, value_name = "V")]
    variant: Option<String>,

    /// Numbers of elements of the dictionary [default: 8 times the width of the activations]
    #[arg(
        long,
        value_name = "N,…",
        value_delimiter = ',',
        conflicts_with = "expansion"
    )]
    elements: Vec<u64>,

    /// Numbers of elements, in multiples of the width
    #[arg(long, value_name = "R,…", value_delimiter = ',')]
    expansion: Vec<f64>,

    /// Numbers of active elements, for topk, batch-topk and matryoshka [default: 32]
    #[arg(long, value_name = "K,…", value_delimiter = ',')]
    k: Vec<u64>,

    /// Coefficients of the penalty, for the other variants and for activations as they are after --normalise; with
    /// --target-l0, the one to start from [default: one that suits the variant]
    #[arg(long, value_name = "λ,…", value_delimiter = ',')]
    lambda: Vec<f64>,

    /// Numbers of active elements that the penalty is steered to, for all variants but topk, batch-topk and matryoshka
    #[arg(long, value_name = "L0,…", value_delimiter = ',')]
    target_l0: Vec<f64>,

    /// What to train and measure beside every model: random (the same with a frozen random decoder and with a frozen
    /// random encoder, which takes three times as long, and principal components, but not for layers or transcoders) or
    /// none [default: random, for layers none]
    #[arg(long, value_name = "WHAT")]
    baselines: Option<String>,

    /// Number of seeds [default: 1, for layers 2]
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,

    /// Rows that each model is trained on, in as many passes as it takes [default: 4,194,304, or each once if there are
    /// more]
    #[arg(long, value_name = "N")]
    samples: Option<u64>,

    /// Rows in a batch [default: 2048]
    #[arg(long, value_name = "B")]
    batch: Option<u64>,

    /// Learning rate for 16,384 elements; for n elements it is √(16384/n) times that [default: 0.0008]
    #[arg(long, value_name = "R")]
    rate: Option<f64>,

    /// Share of the rows that are held out for the measures [default: 0.05]
    #[arg(long, value_name = "SHARE")]
    held_out: Option<f64>,

    /// Leave out rows that hold a NaN or an infinite value, and count them; without it, the first of them is an error.
    /// Not for several layers, whose rows belong together
    #[arg(long)]
    skip_nonfinite: bool,

    /// What is done to activations first: none, mean or scale [default: scale]
    #[arg(long, value_name = "HOW")]
    normalise: Option<String>,

    /// Read settings from a TOML file; the config.toml of an earlier training repeats it. With another --variant
    /// than that of the file, lambda and dead are not read from it: each variant has defaults of its own
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,

    /// Change one setting; may be given many times (`harness sae train --settings` explains all of them)
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// The arguments of a training on one layer or several.
#[derive(Debug, Args)]
pub struct SweepArgs {
    #[command(flatten)]
    what: WhatArgs,

    /// Show all settings as a file for --config, and train nothing
    #[arg(long, exclusive = true)]
    pub settings: bool,

    /// Folder for the results, new or empty [default: out/sae-N or, for layers, out/layers-N, the first N that is free]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Go on with an interrupted training in its folder; without other flags, its configuration is that of the folder
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    resume: Option<PathBuf>,

    /// Number of threads; results are the same for any [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    /// Seconds between two checkpoints
    #[arg(long, value_name = "SECONDS", default_value_t = CHECKPOINT_EVERY.as_secs_f64())]
    checkpoint_every: f64,

    #[command(flatten)]
    figures: FigureArgs,

    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

impl SweepArgs {
    /// Takes the configuration from the folder that `command` resumes, if the request names no configuration file.
    /// Returns what to tell the user if nothing else is asked for, that is the request equals `nothing`, and the
    /// training in the folder is complete already.
    ///
    /// # Errors
    /// If the folder holds nothing that the command could go on with, or results that were changed.
    pub fn resume_as_it_was(
        &self,
        command: &str,
        request: &mut Request,
        nothing: &Request,
    ) -> Result<Option<String>> {
        let Some(folder) = &self.resume else {
            return Ok(None);
        };
        resumed::refuse_other(folder, command)?;
        let as_it_was = request == nothing;
        request.file.get_or_insert_with(|| config::file(folder));
        let done = as_it_was && is_complete(folder)?;
        Ok(done.then(|| done_already(folder)))
    }

    /// Returns what to tell the user if the training in the folder that is resumed is complete, and has the
    /// configuration with the text `config`.
    ///
    /// # Errors
    /// If the folder holds results that were changed.
    pub fn is_done(&self, config: &str) -> Result<Option<String>> {
        let Some(folder) = &self.resume else {
            return Ok(None);
        };
        let same = read_result_text(&config::file(folder))? == config;
        let done = same && is_complete(folder)?;
        Ok(done.then(|| done_already(folder)))
    }

    /// Returns the options: everything beside the configuration. From now on signals end the work in order.
    pub fn options(self) -> Result<Options> {
        let options = Options {
            threads: threads(self.threads)?,
            resume: self.resume.is_some(),
            out: self.resume.or(self.out),
            checkpoint_every: checkpoint_every(self.checkpoint_every)?,
            show: Show::suited(self.quiet),
            export: self.figures.export()?,
            parts: BTreeMap::new(),
        };
        signals::catch()?;
        Ok(options)
    }

    /// Returns the request that these arguments make.
    pub fn request(&self) -> Result<Request> {
        self.what.request()
    }
}

fn done_already(folder: &Path) -> String {
    format!(
        "the training in {} is complete: nothing is left to do\nreport: {}\n",
        folder.display(),
        folder.join(REPORT).display()
    )
}

impl WhatArgs {
    /// Returns the request that these arguments make, in which flags stand for settings.
    ///
    /// # Errors
    /// If a setting is given twice, by a flag and by `--set` or by two of either.
    pub fn request(&self) -> Result<Request> {
        let mut set = Vec::new();
        for text in &self.set {
            let said = config::parse_set(text)?;
            refuse_twice(&set, &said.0, &said.2)?;
            set.push(said);
        }
        let list = |values: &[u64]| (!values.is_empty()).then(|| Value::try_from(values));
        let flags = [
            (
                "variant",
                "--variant",
                self.variant.as_ref().map(Value::try_from),
            ),
            ("elements", "--elements", list(&self.elements)),
            ("k", "--k", list(&self.k)),
            (
                "lambda",
                "--lambda",
                (!self.lambda.is_empty()).then(|| Value::try_from(&self.lambda)),
            ),
            (
                "target_l0",
                "--target-l0",
                (!self.target_l0.is_empty()).then(|| Value::try_from(&self.target_l0)),
            ),
            (
                "baselines",
                "--baselines",
                self.baselines.as_ref().map(Value::try_from),
            ),
            ("seeds", "--seeds", self.seeds.map(Value::try_from)),
            ("samples", "--samples", self.samples.map(Value::try_from)),
            ("batch", "--batch", self.batch.map(Value::try_from)),
            ("learning_rate", "--rate", self.rate.map(Value::try_from)),
            ("held_out", "--held-out", self.held_out.map(Value::try_from)),
            (
                "nonfinite",
                "--skip-nonfinite",
                self.skip_nonfinite.then(|| Value::try_from("skip")),
            ),
            (
                "normalise",
                "--normalise",
                self.normalise.as_ref().map(Value::try_from),
            ),
        ];
        for (key, flag, value) in flags {
            if let Some(value) = value {
                let value = value.map_err(|e| Error::input(format!("{flag}: {e}")))?;
                refuse_twice(&set, key, flag)?;
                set.push((key.into(), value, flag.into()));
            }
        }
        if !self.expansion.is_empty() {
            refuse_twice(&set, "elements", "--expansion")?;
        }
        Ok(Request {
            data: self.data.clone(),
            tensor: self.tensor.clone(),
            file: self.config.clone(),
            set,
            expansion: self.expansion.clone(),
            ..Request::default()
        })
    }
}

/// Refuses a setting that was given before, since only one of its values would count.
fn refuse_twice(said: &[(String, Value, String)], key: &str, origin: &str) -> Result<()> {
    match said.iter().find(|(known, ..)| known == key) {
        None => Ok(()),
        Some((.., before)) => Err(Error::input(format!(
            "{before} and {origin} both set {key}; leave one of them out"
        ))),
    }
}

/// The arguments of a training on one layer beside those of every training.
#[derive(Debug, Args)]
pub struct ModelArgs {
    /// Files or folders of what is to be reconstructed, which makes transcoders: row i belongs to row i of DATA
    #[arg(long, value_name = "DATA", num_args = 1..)]
    target: Vec<PathBuf>,

    /// Files or folders of rows to measure models on, none of them among DATA: no rows of DATA are held out then
    #[arg(long, value_name = "DATA", num_args = 1.., conflicts_with = "held_out")]
    eval: Vec<PathBuf>,

    /// Give transcoders a linear skip connection around their codes
    #[arg(long)]
    skip_connection: bool,

    /// Text file with the token of each row that could be measured, those of DATA or of --eval, for the report: see
    /// `harness sae features --help`
    #[arg(long, value_name = "F")]
    tokens: Option<PathBuf>,
}

impl ModelArgs {
    /// Returns the request `what` of the arguments of every training, with what these arguments add.
    ///
    /// # Errors
    /// If rows are named to measure models on, and others are to be held out for that.
    pub fn request(self, what: Request) -> Result<Request> {
        let held_out = what.set.iter().find(|(key, ..)| key == "held_out");
        if let (false, Some((.., origin))) = (self.eval.is_empty(), held_out) {
            return Err(Error::input(format!(
                "--eval and {origin} exclude each other: with --eval, no rows are held out; leave one of them out"
            )));
        }
        Ok(Request {
            target: self.target,
            eval: self.eval,
            skip_connection: self.skip_connection,
            tokens: self.tokens,
            ..what
        })
    }
}
