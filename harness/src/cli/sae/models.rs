//! The commands of `harness sae` that take models of any tool to activations: `eval` and `encode`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use kernels::Exec;
use kernels::sae::Parameters;

use super::super::common::{choose_isa, print, terminal_width, threads};
use super::side_by_side::side_by_side;
use crate::activations::Rows;
use crate::error::Result;
use crate::interchange;
use crate::session::progress::{Progress, Show};
use crate::session::{self, signals};
use crate::store::folder::Folder;
use crate::table::{Record as _, Table, describe};
use crate::text::{counted, number};
use crate::workbench::encode::encode;
use crate::workbench::evaluate::{Sample, check_targets, check_widths, evaluate, json};
use crate::workbench::tables::{EVALUATION, Element, Evaluation};
use crate::workbench::truth::Truth;

/// What these commands read, and on how many threads.
#[derive(Debug, Args)]
pub(super) struct Input {
    /// Files or folders of activations, .npy or .safetensors, up to the next flag, so MODEL goes first; `harness sae
    /// eval` also takes `synth:SPEC`, samples of a synthetic model
    #[arg(long, value_name = "DATA", num_args = 1.., required = true)]
    data: Vec<PathBuf>,

    /// Tensor to read, of .safetensors files that hold several
    #[arg(long, value_name = "NAME")]
    tensor: Option<String>,

    /// Number of threads; results are the same for any [default: all cores]
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<usize>,

    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

impl Input {
    /// Reads the models of these paths, each with its name, and opens the activations.
    ///
    /// # Errors
    /// If a model takes rows of another width than the activations have.
    pub(super) fn read(&self, paths: &[PathBuf]) -> Result<(Vec<(String, Parameters)>, Rows)> {
        self.read_by(Rows::open, paths)
    }

    /// Does the same as [`read`](Self::read), with activations that `open` opens.
    fn read_by(
        &self,
        open: fn(&[PathBuf], Option<&str>) -> Result<Rows>,
        paths: &[PathBuf],
    ) -> Result<(Vec<(String, Parameters)>, Rows)> {
        let mut models = Vec::new();
        for (path, name) in paths.iter().zip(names(paths)) {
            models.push((name, interchange::read(path)?));
        }
        let rows = open(&self.data, self.tensor.as_deref())?;
        check_widths(&models, &rows)?;
        Ok((models, rows))
    }

    /// Runs `work` on the threads that were asked for, with progress whose total is `total`.
    pub(super) fn run<T: Send>(
        &self,
        name: &str,
        total: u64,
        work: impl FnOnce(Exec, &Progress) -> Result<T> + Send,
    ) -> Result<T> {
        let pool = session::pool(threads(self.threads)?)?;
        let exec = Exec::parallel(choose_isa(None)?);
        signals::catch()?;
        let progress = Progress::new(name, Show::suited(self.quiet));
        progress.start(total)?;
        let done = pool.install(|| work(exec, &progress))?;
        progress.finish();
        Ok(done)
    }
}

/// Returns the names of models: those of their folders, or all paths where two folders have the same name.
fn names(paths: &[PathBuf]) -> Vec<String> {
    let short = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned());
    let all: BTreeSet<_> = paths.iter().map(|path| short(path)).collect();
    let distinct = all.len() == paths.len();
    let name = |path: &PathBuf| match short(path) {
        Some(name) if distinct => name,
        _ => path.display().to_string(),
    };
    paths.iter().map(name).collect()
}

/// The arguments of `harness sae eval`.
#[derive(Debug, Args)]
#[command(
    override_usage = "harness sae eval [OPTIONS] <MODEL>... --data <DATA>...",
    after_help = "MODEL is a folder of `harness sae train`, of SAELens (cfg.json and sae_weights.safetensors) or \
    of sparsify (cfg.json and sae.safetensors). All models are measured on the same rows, which should be none that \
    they were trained on.\n\n\
    Examples:\n  harness sae eval out/sae-1/models/* --data held-out.npy\n  \
    harness sae eval my-sae their-sae --data layer6/ --rows 1000000 --out comparison"
)]
pub struct EvalArgs {
    /// Folders of models
    #[arg(value_name = "MODEL", required = true)]
    models: Vec<PathBuf>,

    #[command(flatten)]
    input: Input,

    /// Files or folders of what transcoders reconstruct: row i belongs to row i of DATA
    #[arg(long, value_name = "DATA", num_args = 1..)]
    target: Vec<PathBuf>,

    /// Most rows to measure, drawn at random; of the files of a training with seed 0 and shuffle_block 1, the rows that
    /// it held out are drawn first
    #[arg(long, value_name = "N", default_value_t = 1 << 16, value_parser = clap::value_parser!(u64).range(1..))]
    rows: u64,

    /// Leave out rows that hold a NaN or an infinite value; without it, the first of them is an error
    #[arg(long)]
    skip_nonfinite: bool,

    /// Folder for models.csv, models.json, elements.csv and, of a synthetic model, truth.csv and truth.json, new or
    /// empty; README.md there says what columns mean
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl EvalArgs {
    /// Runs the command.
    pub fn execute(self) -> Result<()> {
        let (models, mut rows) = self.input.read_by(Rows::named, &self.models)?;
        let target = match self.target.is_empty() {
            true => None,
            false => Some(rows.open_target(&self.target, self.input.tensor.as_deref())?),
        };
        check_targets(&models, target.as_ref())?;
        let folder = self.out.as_deref().map(Folder::create).transpose()?;
        let total = models.len() as u64 * self.rows.min(rows.len());
        let run = self.input.run("sae eval", total, |exec, progress| {
            rows.prepare(exec, Show::suited(self.input.quiet))?;
            let sample = Sample::new(&rows, target.as_ref(), self.rows, self.skip_nonfinite)?;
            let evaluated = evaluate(exec, &models, &sample, progress)?;
            Ok((sample.left_out, evaluated))
        });
        let (left_out, (evaluations, elements, truth)) = run?;
        if let Some(folder) = folder {
            folder.all_or_nothing(|| write(&folder, &evaluations, &elements, &truth))?;
        }
        let mut text = side_by_side(&evaluations, terminal_width());
        truth.iter().for_each(|truth| text += &format!("\n{truth}"));
        if left_out > 0 {
            text += &format!(
                "\nnote: {left_out} of {} rows hold a NaN or an infinite value and are left out.\n",
                self.rows.min(rows.len())
            );
        }
        print(&text)
    }
}

/// Writes the tables and JSON files of an evaluation to a folder.
fn write(
    folder: &Folder,
    evaluations: &[Evaluation],
    elements: &[Element],
    truth: &[Truth],
) -> Result<()> {
    let mut tables = EVALUATION.to_vec();
    if !truth.is_empty() {
        folder.write("truth.csv", Table::of(truth).csv())?;
        folder.write("truth.json", json(truth))?;
        tables.push(Truth::SPEC);
    }
    let about = describe::columns("Models side by side", "By `harness sae eval`.", tables);
    folder.write("README.md", about)?;
    folder.write("elements.csv", Table::of(elements).csv())?;
    folder.write("models.json", json(evaluations))?;
    folder.write("models.csv", Table::of(evaluations).csv())
}

/// The arguments of `harness sae encode`.
#[derive(Debug, Args)]
#[command(
    override_usage = "harness sae encode [OPTIONS] <MODEL> --data <DATA>... --out <F>",
    after_help = "MODEL is a folder of `harness sae train`, of SAELens or of sparsify. Rows are read and codes \
    written piece by piece, so neither has to fit into memory.\n\n\
    Examples:\n  harness sae encode my-sae --data layer6/ --out codes.npz\n  \
    then, in Python: scipy.sparse.load_npz('codes.npz') is a matrix of rows × elements\n\n  \
    harness sae encode my-sae --data layer6/ --out codes.safetensors\n  \
    holds values, indices and offsets: row i has values[offsets[i]:offsets[i + 1]], at the elements that indices has \
    at the same places"
)]
pub struct EncodeArgs {
    /// Folder of the model
    #[arg(value_name = "MODEL")]
    model: PathBuf,

    #[command(flatten)]
    input: Input,

    /// File to write: .npz, as scipy.sparse.load_npz reads it, or .safetensors
    #[arg(long, value_name = "F")]
    out: PathBuf,
}

impl EncodeArgs {
    /// Runs the command.
    pub fn execute(self) -> Result<()> {
        let (models, rows) = self.input.read(std::slice::from_ref(&self.model))?;
        let (_, parameters) = &models[0];
        let entries = self.input.run("sae encode", rows.len(), |exec, progress| {
            encode(exec, parameters, &rows, &self.out, progress)
        })?;
        print(&format!(
            "{}: {} of {}, {} of them active in a row\n",
            self.out.display(),
            counted(rows.len(), "row", "rows"),
            counted(parameters.shape().dictionary as u64, "element", "elements"),
            number(entries as f64 / rows.len() as f64)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_share_a_name_only_with_their_paths() {
        let names = |paths: &[&str]| names(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(names(&["a/x", "a/y"]), ["x", "y"]);
        assert_eq!(names(&["a/x", "b/x", "c"]), ["a/x", "b/x", "c"]);
        assert_eq!(names(&["."]), ["."]);
    }
}
