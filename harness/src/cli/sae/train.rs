//! `harness sae train`: its flags beside those of every training, and what it prints.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::super::common::{choose_isa, print};
use super::sweep::SweepArgs;
use crate::error::Result;
use crate::text::{number, percent, put};
use crate::workbench::config::{Config, Request};
use crate::workbench::settings::Role;
use crate::workbench::train::{self, Times};

/// The arguments of `harness sae train`.
#[derive(Debug, Args)]
#[command(
    after_help = "DATA are .npy files (float16, float32 or float64, two or more axes, the last of which is the length of \
    a row), .safetensors files, folders of them, or patterns in quotes such as 'layer6/part-*.npy'; or synth:SPEC, new \
    samples of a synthetic model in every batch, whose features are known (see `harness sae synth --help`). Lists make a \
    sweep: every combination is a model, and all of them see the same batches.\n\n\
    Examples:\n  harness sae train activations.npy\n  \
    harness sae train layer6/ --k 16,32,64 --expansion 4,8 --seeds 3 --out layer6-sae\n  \
    harness sae train train/ --eval validation.npy    measured on rows of another file\n  \
    harness sae train layer5.npy --target layer6.npy    a transcoder\n  \
    harness sae train --resume layer6-sae\n  \
    harness sae train --config layer6-sae/config.toml    repeat a training byte for byte"
)]
pub struct TrainArgs {
    #[command(flatten)]
    sweep: SweepArgs,

    /// Files or folders of what is to be reconstructed, which makes transcoders: row i belongs to row i of DATA
    #[arg(long, value_name = "DATA", num_args = 1..)]
    target: Vec<PathBuf>,

    /// Files or folders of rows to measure models on, in place of held-out ones: all of DATA is trained on
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

impl TrainArgs {
    /// Does what the command says.
    pub fn execute(self) -> Result<()> {
        let mut request = Request {
            target: self.target,
            eval: self.eval,
            skip_connection: self.skip_connection,
            tokens: self.tokens,
            ..self.sweep.request()?
        };
        let nothing = Request::default();
        if let Some(done) = self.sweep.resume_as_it_was(&mut request, &nothing) {
            return print(&done);
        }
        let (config, rows) = Config::resolve(&request)?;
        let isa = choose_isa(config.isa.as_deref())?;
        let finished = train::train(&config, rows, isa, &self.sweep.options()?)?;
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
}
