//! `harness sae synth`: samples of a synthetic model, in files.

use std::path::PathBuf;

use clap::Args;
use kernels::Exec;

use super::super::common::{choose_isa, print, threads};
use crate::error::Result;
use crate::memory;
use crate::sae::synthetic::samples::Samples;
use crate::sae::synthetic::spec::Spec;
use crate::session::progress::{Progress, Show};
use crate::session::{self, signals};
use crate::text::{counted, number};
use crate::workbench::synth::Files;

/// The arguments of `harness sae synth`.
#[derive(Debug, Args)]
#[command(
    after_help = "SPEC is synthsaebench-16k (16,384 features in 768 dimensions, in trees and correlated: \
    SynthSAEBench-16k version 2), synthsaebench-1k (the same law with 1,024 features in 128 dimensions) or a .toml file \
    of settings, of which those that are left out have defaults; --settings shows and explains all of them. Features are \
    spread apart first, which takes a minute or two for synthsaebench-16k.\n\n\
    Beside F.npy stand F-codes.npz, the magnitudes of all features in each sample, which scipy.sparse.load_npz reads, \
    F-features.npy, a row for each feature, and F-bias.npy, the one row that is added to all samples: without noise, \
    samples are codes @ features + bias. Beside F.safetensors stand files of the same names that end in .safetensors. \
    `harness sae train` and `harness sae eval` draw samples by themselves: their data are then called synth:SPEC.\n\n\
    Examples:\n  harness sae synth synthsaebench-1k --samples 100000 --out samples.npy\n  \
    harness sae synth synthsaebench-1k --settings > my.toml\n  \
    harness sae synth my.toml --samples 100000 --out mine.safetensors\n  \
    harness sae train synth:synthsaebench-1k --variant batch-topk --k 10 --elements 512"
)]
pub struct SynthArgs {
    /// Name of a synthetic model, or file of its settings
    #[arg(value_name = "SPEC")]
    spec: String,

    /// Number of samples
    #[arg(
        long,
        value_name = "N",
        required_unless_present = "settings",
        value_parser = clap::value_parser!(u64).range(1..=1 << 40)
    )]
    samples: Option<u64>,

    /// File to write, new: .npy or .safetensors
    #[arg(long, value_name = "F", required_unless_present = "settings")]
    out: Option<PathBuf>,

    /// Show all settings of SPEC as a file of settings, and draw nothing
    #[arg(long, conflicts_with_all = ["samples", "out"])]
    settings: bool,

    /// Number of threads; samples are the same for any [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

impl SynthArgs {
    /// Runs the command.
    pub fn execute(self) -> Result<()> {
        let spec = Spec::read(&self.spec)?;
        let (Some(out), Some(count)) = (self.out, self.samples) else {
            return print(&spec.to_toml());
        };
        let threads = threads(self.threads)?;
        memory::check(
            "sae synth",
            "harness sae synth --help",
            spec.memory(),
            threads,
        )?;
        let isa = choose_isa(None)?;
        let files = Files::create(&out, count, spec.width, spec.features)?;
        let names = files.names.clone();
        let show = Show::suited(self.quiet);
        signals::catch()?;
        let entries = session::pool(threads)?.install(|| {
            let progress = Progress::new("features", show);
            progress.start(spec.steps())?;
            let samples = Samples::new(spec, Exec::parallel(isa), &progress)?;
            progress.finish();
            let progress = Progress::new("samples", show);
            progress.start(count)?;
            let entries = files.write(&samples, count, &progress)?;
            progress.finish();
            Ok(entries)
        })?;
        let [samples, codes, features, bias] = names.map(|name| name.display().to_string());
        print(&format!(
            "{samples}: {}\n{codes}: {} active features in each\n{features}: the features\n{bias}: what is \
             added to all samples\n",
            counted(count, "sample", "samples"),
            number(entries as f64 / count as f64)
        ))
    }
}
