//! The commands of `harness sae` that take models of any tool to activations: `eval` and `encode`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, LineStyle, Table as Grid};
use kernels::Exec;
use kernels::sae::Parameters;

use super::super::common::{choose_isa, print, terminal_width, threads};
use crate::activations::Rows;
use crate::error::Result;
use crate::interchange;
use crate::session::progress::{Progress, Show};
use crate::session::{self, signals};
use crate::store::folder::Folder;
use crate::table::{Record as _, Table, describe};
use crate::text::{counted, number, percent};
use crate::workbench::encode::encode;
use crate::workbench::evaluate::{Sample, check_targets, check_widths, evaluate, json};
use crate::workbench::tables::{EVALUATION, Element, Evaluation};
use crate::workbench::truth::Truth;

/// What these commands read, and on how many threads.
#[derive(Debug, Args)]
pub(super) struct Input {
    /// Files or folders of activations, .npy or .safetensors, up to the next flag, so MODEL goes first; `harness sae eval`
    /// also takes `synth:SPEC`, samples of a synthetic model
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
    /// The models of these paths, by name, and the activations, of one width.
    pub(super) fn read(&self, paths: &[PathBuf]) -> Result<(Vec<(String, Parameters)>, Rows)> {
        self.read_by(Rows::open, paths)
    }

    /// The same, with activations that `open` opens.
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

    /// Does some work on the threads that were asked for, with progress that has a total.
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

/// What models are called: as their folders, or by their paths where two have one name.
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

    /// Most rows to measure, drawn at random; of the files of a training with seed 0 and shuffle_block 1, the rows that it
    /// held out are drawn first
    #[arg(long, value_name = "N", default_value_t = 1 << 16, value_parser = clap::value_parser!(u64).range(1..))]
    rows: u64,

    /// Leave out rows that hold a NaN or an infinite value; without it, the first of them is an error
    #[arg(long)]
    skip_nonfinite: bool,

    /// Folder for models.csv, models.json, elements.csv and, of a synthetic model, truth.csv and truth.json, new or empty;
    /// README.md there says what columns mean
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl EvalArgs {
    /// Does what the command says.
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

/// Writes what was measured.
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

/// The measures of all models: a column for each model if all fit side by side into `width`, else a line for each model,
/// whose columns stand in several tables if they have to.
fn side_by_side(models: &[Evaluation], width: usize) -> String {
    let measured = MEASURES.iter();
    let by_measure = Shown {
        head: models.iter().map(|m| m.model.clone()).collect(),
        lines: measured
            .map(|(name, cell)| (name.to_string(), models.iter().map(cell).collect()))
            .collect(),
    };
    let by_model = Shown {
        head: MEASURES
            .iter()
            .map(|(name, _)| wrapped(name.trim_start()))
            .collect(),
        lines: models
            .iter()
            .map(|m| {
                (
                    m.model.clone(),
                    MEASURES.iter().map(|(_, cell)| cell(m)).collect(),
                )
            })
            .collect(),
    };
    let (columns, lines) = (by_measure.tables(width), by_model.tables(width));
    let shown = match columns.len() <= lines.len() {
        true => columns,
        false => lines,
    };
    shown.join("\n")
}

/// A label in lines of two short words, or of one long one.
fn wrapped(label: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in label.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < 10 => {
                *line += " ";
                *line += word;
            }
            _ => lines.push(word.into()),
        }
    }
    lines.join("\n")
}

/// Numbers with a name above each column and one before each line.
struct Shown {
    head: Vec<String>,
    lines: Vec<(String, Vec<String>)>,
}

impl Shown {
    /// As many tables as it takes for none to be wider than `width`, each with as many columns as there is room for.
    fn tables(&self, width: usize) -> Vec<String> {
        /// Between two columns.
        const GAP: usize = 2;
        let wide = |text: &str| text.lines().map(|line| line.chars().count()).max();
        let widest = |texts: &mut dyn Iterator<Item = &String>| {
            texts.filter_map(|text| wide(text)).max().unwrap_or(0) + GAP
        };
        let names = widest(&mut self.lines.iter().map(|(name, _)| name));
        let mut columns: Vec<Vec<usize>> = Vec::new();
        let mut room = 0;
        for (i, title) in self.head.iter().enumerate() {
            let cells = self.lines.iter().map(|(_, cells)| &cells[i]);
            let needed = widest(&mut cells.chain([title]));
            match columns.last_mut() {
                Some(columns) if needed <= room => columns.push(i),
                _ => {
                    columns.push(vec![i]);
                    room = (width + GAP).saturating_sub(names);
                }
            }
            room = room.saturating_sub(needed);
        }
        columns.iter().map(|columns| self.table(columns)).collect()
    }

    /// The table of some columns.
    fn table(&self, columns: &[usize]) -> String {
        let mut grid = Grid::new();
        let titles = columns.iter().map(|&i| self.head[i].clone());
        grid.load_style(NOTHING.header_separator(LineStyle::none().fill('─')))
            .set_header(std::iter::once(String::new()).chain(titles));
        for (name, cells) in &self.lines {
            let cells = columns.iter().map(|&i| cells[i].clone());
            grid.add_row(std::iter::once(name.clone()).chain(cells));
        }
        for (i, column) in grid.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            if i > 0 {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        grid.trim_fmt() + "\n"
    }
}

/// The measures that are shown: what each is called, and the cell of a model.
type Measure = (&'static str, fn(&Evaluation) -> String);

const MEASURES: [Measure; 15] = [
    ("variant", |m| m.variant.clone()),
    ("elements", |m| m.elements.to_string()),
    ("k or λ (raw activations)", |m| known(m.sparsity, number)),
    ("rows", |m| m.measures.rows.to_string()),
    ("explained variance", |m| {
        percent(m.measures.explained_variance)
    }),
    ("  explained by row", |m| {
        match m.measures.explained_variance_by_row.is_finite() {
            true => percent(m.measures.explained_variance_by_row),
            false => "not measured".into(),
        }
    }),
    ("squared error", |m| number(m.measures.mse)),
    ("L0", |m| known(m.measures.l0, number)),
    ("L1", |m| number(m.measures.l1)),
    ("cosine with x", |m| number(m.measures.cosine)),
    ("shrinkage ‖x̂‖/‖x‖", |m| {
        number(m.measures.shrinkage)
    }),
    ("dead elements", |m| known(m.measures.dead, percent)),
    ("rare elements", |m| percent(m.measures.rare)),
    ("nearest cosine", |m| number(m.measures.nearest)),
    ("loss above best codes", |m| known(m.excess_loss, percent)),
];

fn known(value: f64, shown: fn(f64) -> String) -> String {
    match value.is_nan() {
        true => "–".into(),
        false => shown(value),
    }
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
    /// Does what the command says.
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

    fn models(count: usize) -> Vec<Evaluation> {
        let zeros = Evaluation::SPEC.columns.iter().map(|_| "0".into());
        let line = crate::table::Line::from(zeros.collect::<Vec<String>>());
        let model = Evaluation::parse(&line).unwrap();
        let named = (0..count).map(|i| Evaluation {
            model: format!("model-with-a-name-{i}"),
            ..model.clone()
        });
        named.collect()
    }

    #[test]
    fn every_model_is_shown_in_any_width() {
        let models = models(5);
        for width in [30, 80, 120, 300] {
            let text = side_by_side(&models, width);
            for model in &models {
                assert!(text.contains(&model.model), "{width}:\n{text}");
            }
            let widest = text.lines().map(|l| l.chars().count()).max().unwrap();
            assert!(widest <= width.max(50), "{widest} in {width}:\n{text}");
        }
    }

    #[test]
    fn many_models_have_a_line_each_and_few_a_column_each() {
        // Lines that name a model: one for each in a single table, and no more than two tables where there is less room.
        let lines = |count: usize, width: usize| {
            let text = side_by_side(&models(count), width);
            let each = text
                .lines()
                .filter(|line| line.starts_with("model-with-a-name"));
            each.count()
        };
        assert_eq!(lines(17, 200), 17);
        assert_eq!(lines(17, 100), 2 * 17);
        assert_eq!(lines(2, 100), 0);
    }
}
