//! `harness sae layers`: several layers of a model on the same rows.

use std::path::PathBuf;

use clap::Args;

use super::super::common::{choose_isa, print};
use super::sweep::SweepArgs;
use crate::error::Result;
use crate::store::resumed::LAYERS;
use crate::workbench::config::{Across, Config, Request, text};
use crate::workbench::layers;

/// The arguments of `harness sae layers`.
#[derive(Debug, Args)]
#[command(
    after_help = "Each DATA is a layer, called as its file: a file, or a folder of files. Row i of every layer is the same token, and all layers \
    are as wide. Every layer gets the models that the flags of a training ask for, trained side by side on the same rows, \
    two seeds of each and no baselines unless told otherwise. Of the lists, the largest dictionaries with the middle k or \
    λ are compared from layer to layer.\n\n\
    The file of --probe-targets has a row for each row of the layers: columns of float16, float32 or float64, each of which is \
    a target, or whole numbers, which are classes.\n\n\
    Examples:\n  harness sae layers activations/layer?.npy --probe-targets activations/targets.npy --out layers\n  \
    harness sae layers layer0/ layer6/ layer12/ --k 16,32,64 --expansion 4 --samples 1000000\n  \
    harness sae layers --resume layers"
)]
pub struct LayersArgs {
    #[command(flatten)]
    sweep: SweepArgs,

    /// Targets of linear probes, a row for each row of the layers: columns of numbers, or a whole number that is a
    /// class
    #[arg(long, value_name = "F.npy")]
    probe_targets: Option<PathBuf>,

    /// Names of the columns of targets, or of the classes in the order of their numbers
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    target_names: Vec<String>,

    /// Cosine or correlation from which two elements count as the same [default: 0.7]
    #[arg(long, value_name = "C")]
    same_from: Option<f64>,
}

impl LayersArgs {
    /// Runs the command.
    pub fn execute(self) -> Result<()> {
        if self.sweep.settings {
            return print(&text::explained(true));
        }
        let across = Across {
            probe_targets: self.probe_targets,
            target_names: self.target_names,
            same_from: self.same_from,
        };
        let mut request = Request {
            across: Some(across),
            ..self.sweep.request()?
        };
        let nothing = Request {
            across: Some(Across::default()),
            ..Request::default()
        };
        let resumed = self
            .sweep
            .resume_as_it_was(LAYERS, &mut request, &nothing)?;
        if let Some(done) = resumed {
            return print(&done);
        }
        let (config, first) = Config::resolve(&request)?;
        let isa = choose_isa(config.isa.as_deref())?;
        if let Some(done) = self.sweep.is_done(&config.to_toml(isa.name()))? {
            return print(&done);
        }
        let options = self.sweep.options()?;
        let finished = layers::layers(&config, first, isa, &options)?;
        let layers = finished.layers.iter();
        let layers: Vec<String> = layers
            .map(|(name, file)| format!("{name}: {file}"))
            .collect();
        let (layers, findings) = (layers.join("\n"), finished.findings.join("\n\n"));
        let notes = finished.warnings.iter();
        let notes: String = notes.map(|note| format!("note: {note}\n")).collect();
        print(&format!(
            "{layers}\n\n{findings}\n\n{notes}report: {}\n",
            finished.report().display()
        ))
    }
}
