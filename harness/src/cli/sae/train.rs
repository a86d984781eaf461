//! `harness sae train`: its flags, which stand for settings, and what it prints.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use toml::Value;

use super::super::common::{CHECKPOINT_EVERY, checkpoint_every, choose_isa, print, threads};
use crate::error::{Error, Result};
use crate::session::progress::Show;
use crate::session::signals;
use crate::text::{number, percent, put};
use crate::workbench::config::{self, Config, Request};
use crate::workbench::job::Options;
use crate::workbench::settings::Role;
use crate::workbench::train::{self, Times};

/// The arguments of `harness sae train`.
#[derive(Debug, Args)]
#[command(
    after_help = "DATA are .npy files (float16, float32 or float64, two or more axes, the last of which is the length of \
    a row), .safetensors files, folders of them, or patterns in quotes such as 'layer6/part-*.npy'; or synth:SPEC, new \
    samples of a synthetic model in every batch, whose features are known (see `harness sae synth --help`). Lists make a sweep: every combination is a model, and all of them see the \
    same batches.\n\nExamples:\n  harness sae train activations.npy\n  harness sae train layer6/ --k 16,32,64 --expansion 4,8 \
    --seeds 3 --out layer6-sae\n  harness sae train train/ --eval validation.npy    measured on rows of another file\n  harness sae train --resume layer6-sae\n  harness sae train --config layer6-sae/config.toml    \
    repeat a training byte for byte"
)]
pub struct TrainArgs {
    /// Files or folders of activations
    #[arg(value_name = "DATA")]
    data: Vec<PathBuf>,

    /// Files or folders of what is to be reconstructed, which makes transcoders: row i belongs to row i of DATA
    #[arg(long, value_name = "DATA", num_args = 1..)]
    target: Vec<PathBuf>,

    /// Files or folders of rows to measure models on, in place of held-out ones: all of DATA is trained on
    #[arg(long, value_name = "DATA", num_args = 1.., conflicts_with = "held_out")]
    eval: Vec<PathBuf>,

    /// Give transcoders a linear skip connection around their codes
    #[arg(long)]
    skip_connection: bool,

    /// Tensor to read, of .safetensors files that hold several
    #[arg(long, value_name = "NAME")]
    tensor: Option<String>,

    /// Text file with the token of each row that could be measured, those of DATA or of --eval, for the report: see `harness sae features --help`
    #[arg(long, value_name = "F")]
    tokens: Option<PathBuf>,

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

    /// Coefficients of the penalty, for the other variants [default: one that suits the variant]
    #[arg(long, value_name = "λ,…", value_delimiter = ',')]
    lambda: Vec<f64>,

    /// Numbers of active elements that the penalty is steered to, for all variants but topk, batch-topk and matryoshka
    #[arg(long, value_name = "L0,…", value_delimiter = ',')]
    target_l0: Vec<f64>,

    /// What to train and measure beside every model: random (the same with a frozen random decoder and with a frozen random
    /// encoder, which takes three times as long, and principal components) or none [default: random]
    #[arg(long, value_name = "WHAT")]
    baselines: Option<String>,

    /// Number of seeds [default: 1]
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,

    /// Rows that each model is trained on, in as many passes as it takes [default: 4,194,304, or each once if there are more]
    #[arg(long, value_name = "N")]
    samples: Option<u64>,

    /// Rows in a batch [default: 2048]
    #[arg(long, value_name = "B")]
    batch: Option<u64>,

    /// Learning rate for 16,384 elements; for n elements it is √(16384/n) times that [default: 0.0002]
    #[arg(long, value_name = "R")]
    rate: Option<f64>,

    /// Share of the rows that are held out for the measures [default: 0.05]
    #[arg(long, value_name = "SHARE")]
    held_out: Option<f64>,

    /// Leave out rows that hold a NaN or an infinite value, and count them; without it, the first of them is an error
    #[arg(long)]
    skip_nonfinite: bool,

    /// What is done to activations first: none, mean or scale [default: scale]
    #[arg(long, value_name = "HOW")]
    normalise: Option<String>,

    /// Read settings from a TOML file; the config.toml of an earlier training repeats it
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,

    /// Change one setting; may be given many times (the config.toml of a training explains all of them)
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,

    /// Folder for the results, new or empty [default: out/sae-N, the first N that is free]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Go on with an interrupted training in its folder; without other flags, its configuration is that of the folder
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    resume: Option<PathBuf>,

    /// Number of threads; results are the same for any [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    /// Seconds between two checkpoints
    #[arg(long, value_name = "SECONDS", default_value_t = CHECKPOINT_EVERY)]
    checkpoint_every: f64,

    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

impl TrainArgs {
    /// Does what the command says.
    pub fn execute(self) -> Result<()> {
        let mut request = self.request()?;
        self.resume_as_it_was(&mut request, &Request::default());
        let (config, rows) = Config::resolve(&request)?;
        let isa = choose_isa(config.isa.as_deref())?;
        let finished = train::train(&config, rows, isa, &self.options()?)?;
        let mut text = String::new();
        for m in &finished.models {
            let [explained, dead] = [m.measures.explained_variance, m.measures.dead].map(percent);
            let dead = match m.role {
                Role::Pca => String::new(),
                _ => format!(", {dead} of the elements dead"),
            };
            put(
                &mut text,
                format_args!(
                    "{}: explained variance {explained}, L0 {}{dead}\n",
                    m.model,
                    number(m.measures.l0)
                ),
            );
        }
        for truth in &finished.truth {
            put(&mut text, format_args!("{truth}"));
        }
        for warning in &finished.warnings {
            put(&mut text, format_args!("note: {warning}\n"));
        }
        let Times {
            reading,
            training,
            steps,
            measuring,
        } = finished.times;
        let seconds = |time: Duration| number(time.as_secs_f64());
        print(&format!(
            "{text}\ntime: reading {} s; training {} s, of which steps {} s; measuring and drawing {} s\n\
             report: {}\n",
            seconds(reading),
            seconds(training),
            seconds(steps),
            seconds(measuring),
            finished.report().display()
        ))
    }

    /// Takes the configuration from the folder that is resumed, if `nothing` else is asked for.
    pub fn resume_as_it_was(&self, request: &mut Request, nothing: &Request) {
        if let Some(folder) = &self.resume
            && request == nothing
        {
            request.file = Some(config::file(folder));
        }
    }

    /// Everything beside the configuration. From now on signals end the work in order.
    pub fn options(self) -> Result<Options> {
        let options = Options {
            threads: threads(self.threads)?,
            resume: self.resume.is_some(),
            out: self.resume.or(self.out),
            checkpoint_every: checkpoint_every(self.checkpoint_every)?,
            show: Show::suited(self.quiet),
        };
        signals::catch()?;
        Ok(options)
    }

    /// What is asked for: flags stand for settings, and win over `--set`.
    pub fn request(&self) -> Result<Request> {
        let mut set = Vec::new();
        for text in &self.set {
            set.push(config::parse_set(text)?);
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
                set.push((key.into(), value, flag.into()));
            }
        }
        Ok(Request {
            data: self.data.clone(),
            target: self.target.clone(),
            eval: self.eval.clone(),
            skip_connection: self.skip_connection,
            tensor: self.tensor.clone(),
            tokens: self.tokens.clone(),
            file: self.config.clone(),
            set,
            expansion: self.expansion.clone(),
            across: None,
        })
    }
}
