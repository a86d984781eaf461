//! `harness sae train`: its flags beside those of every training, and the text that it prints.

use clap::Args;

use super::super::common::{choose_isa, print};
use super::super::parts::PartArgs;
use super::outcome::said;
use super::parts;
use super::sweep::{ModelArgs, SweepArgs};
use crate::error::Result;
use crate::store::resumed::TRAIN;
use crate::text::number;
use crate::workbench::config::{Config, Request, text};
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
    harness sae train --settings > my.toml    all settings, explained, to be changed and read by --config\n  \
    harness sae train --config layer6-sae/config.toml    repeat a training byte for byte\n  \
    harness sae train --part 3/8 --out layer6-sae    a share of the models of a sweep: see `harness sae plan --help`"
)]
pub struct TrainArgs {
    #[command(flatten)]
    sweep: SweepArgs,

    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    part: PartArgs,
}

impl TrainArgs {
    /// Runs the command.
    pub fn execute(self) -> Result<()> {
        if self.sweep.settings {
            return print(&text::explained(false));
        }
        let mut request = self.model.request(self.sweep.request()?)?;
        if self.part.is_given() {
            return parts::train(&request, &self.part, self.sweep.options()?);
        }
        let nothing = Request::default();
        let resumed = self.sweep.resume_as_it_was(TRAIN, &mut request, &nothing)?;
        if let Some(done) = resumed {
            return print(&done);
        }
        let (config, rows) = Config::resolve(&request)?;
        let isa = choose_isa(config.isa.as_deref())?;
        if let Some(done) = self.sweep.is_done(&config.to_toml(isa.name()))? {
            return print(&done);
        }
        let finished = train::train(&config, rows, isa, &self.sweep.options()?)?;
        let Times {
            reading,
            training,
            steps,
            measuring,
        } = finished.times;
        let [reading, training, steps, measuring] =
            [reading, training, steps, measuring].map(|time| number(time.as_secs_f64()));
        print(&format!(
            "{}\ntime: reading {reading} s; training {training} s, of which steps {steps} s; measuring and drawing \
             {measuring} s\nreport: {}\n",
            said(&finished),
            finished.report().display()
        ))
    }
}
