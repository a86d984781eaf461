//! `harness sae`: its arguments, and the text that it prints.

mod features;
mod layers;
mod models;
mod outcome;
mod parts;
mod side_by_side;
mod sweep;
mod synth;
mod train;

use std::path::PathBuf;

use clap::Subcommand;
use kernels::Exec;

use super::common::{choose_isa, print};
use super::parts::{MergeArgs, StatusArgs};
use super::submit::Scheduler;
use crate::error::{Error, Result};
use crate::interchange::{self, saelens, sentence_transformers, sparsify};
use crate::store::folder::Folder;

/// The commands of `harness sae`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train sparse autoencoders on activations in files, measure and draw them
    Train(Box<train::TrainArgs>),
    /// Plan a training whose models many processes share: the time and memory that each takes
    Plan(Box<parts::PlanArgs>),
    /// Say how far the parts of a planned training are
    Status(StatusArgs),
    /// Make models, tables, figures and report of what the parts of a planned training have trained
    Merge(MergeArgs),
    /// Write scripts by which a cluster trains the parts of a planned training, and merges them
    #[command(subcommand)]
    Submit(Scheduler),
    /// Measure models on activations, side by side
    Eval(models::EvalArgs),
    /// Write the sparse codes of all activations
    Encode(models::EncodeArgs),
    /// Show every element of a model, and the rows that switch it on most
    Features(features::FeaturesArgs),
    /// Train on several layers of a model, and follow elements from layer to layer
    Layers(Box<layers::LayersArgs>),
    /// Write samples of a synthetic model, with their true codes and features
    Synth(synth::SynthArgs),
    /// Write a model for another tool
    #[command(
        after_help = "MODEL is a folder of `harness sae train`, of SAELens (cfg.json and sae_weights.safetensors) or \
        of sparsify (cfg.json and sae.safetensors).\n\n\
        Examples:\n  harness sae export out/sae-1/models/topk-n3072-k32-seed0 --to saelens my-sae\n  \
        then, in Python: sae_lens.SAE.load_from_disk('my-sae', device='cpu')\n\n  \
        harness sae export my-sae --to sparsify theirs\n  \
        then, in Python: sparsify.SparseCoder.load_from_disk('theirs')\n\n  \
        harness sae export my-sae --to sentence-transformers module\n  \
        then, in Python: sentence_transformers.sparse_encoder.modules.SparseAutoEncoder.load('module'), the last module of a \
        SparseEncoder; its codes are those of the model, and it decodes with the transpose of its encoder, in its training \
        alone"
    )]
    Export {
        /// Folder of the model
        #[arg(value_name = "MODEL")]
        model: PathBuf,
        /// The tool that is to read it; sparsify and sentence-transformers have topk alone
        #[arg(long, value_name = "TOOL")]
        to: Tool,
        /// Folder to write, new or empty
        #[arg(value_name = "DIR")]
        out: PathBuf,
    },
}

/// A tool that reads sparse autoencoders from folders of its own.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Tool {
    /// SAELens 6
    Saelens,
    /// sparsify 1.3
    Sparsify,
    /// The SparseAutoEncoder of sentence-transformers 6
    SentenceTransformers,
}

impl Command {
    /// Runs the command.
    pub fn execute(self) -> Result<()> {
        match self {
            Command::Train(args) => args.execute(),
            Command::Plan(args) => args.execute(),
            Command::Status(args) => parts::status(args),
            Command::Merge(args) => parts::merge(args),
            Command::Submit(Scheduler::Slurm(args)) => parts::submit(&args),
            Command::Eval(args) => args.execute(),
            Command::Encode(args) => args.execute(),
            Command::Features(args) => args.execute(),
            Command::Layers(args) => args.execute(),
            Command::Synth(args) => args.execute(),
            Command::Export { model, to, out } => {
                let parameters = interchange::read(&model)?;
                let (files, contents) = match to {
                    Tool::Saelens => {
                        let exec = Exec::serial(choose_isa(None)?);
                        (saelens::FILES, saelens::encode(exec, &parameters))
                    }
                    Tool::Sparsify => (sparsify::FILES, sparsify::encode(&parameters)),
                    Tool::SentenceTransformers => (
                        sentence_transformers::FILES,
                        sentence_transformers::encode(&parameters),
                    ),
                };
                let cannot =
                    |why| Error::input(format!("cannot export {}: {why}", model.display()));
                let contents = contents.map_err(cannot)?;
                let folder = Folder::create(&out)?;
                folder.all_or_nothing(|| files.write(contents, &folder))?;
                print(&format!("{}\n", out.display()))
            }
        }
    }
}
