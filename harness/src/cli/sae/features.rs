//! `harness sae features`: the elements of a model on activations.

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::common::{print, threads};
use super::super::figures::FigureArgs;
use super::models::Input;
use crate::error::Result;
use crate::memory;
use crate::store::folder::Folder;
use crate::text::counted;
use crate::workbench::features::{Features, PAGE, Sizes};
use crate::workbench::tokens::Tokens;

/// The arguments of `harness sae features`.
#[derive(Debug, Args)]
#[command(
    override_usage = "harness sae features [OPTIONS] <MODEL> --data <DATA>...",
    after_help = "MODEL is a folder of `harness sae train`, of SAELens or of sparsify. The folder of the results gets \
    features.html to read, features.csv with a line for each element, top.csv with a line for each of their top rows, and \
    features.json with both. Rows are read piece by piece, so they need not fit into memory.\n\n\
    The file of --tokens has a line for each row, in the order of the rows: the token, or the token, the text before it \
    and the text after it with tabs between them. harness/examples/dump_layers.py writes such a file.\n\n\
    Examples:\n  harness sae features out/sae-1/models/topk-n3072-k32-seed0 --data layer6.npy --tokens tokens.txt\n  \
    harness sae features my-sae --data layer6/ --out features"
)]
pub struct FeaturesArgs {
    /// Folder of the model
    #[arg(value_name = "MODEL")]
    model: PathBuf,

    #[command(flatten)]
    input: Input,

    /// Text file with the token of each row, and the text around it
    #[arg(long, value_name = "F")]
    tokens: Option<PathBuf>,

    /// Rows that are kept for an element, at most: those that switch it on most
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    top: u32,

    /// Elements that the page shows of each of its groups, at most; the tables hold all
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    shown: u32,

    /// Folder for the results, new or empty [default: out/features-N, the first N that is free]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    #[command(flatten)]
    figures: FigureArgs,
}

impl FeaturesArgs {
    /// Runs the command.
    pub fn execute(self) -> Result<()> {
        let export = self.figures.export()?;
        let (models, rows) = self.input.read(std::slice::from_ref(&self.model))?;
        let (name, parameters) = &models[0];
        let sizes = Sizes {
            top: self.top as usize,
            shown: self.shown as usize,
        };
        let needed = Features::memory(parameters, sizes);
        let threads = threads(self.input.threads)?;
        memory::check(
            "sae features",
            "harness sae features --help",
            needed,
            threads,
        )?;
        let tokens = self.tokens.as_deref();
        let tokens = tokens.map(|path| Tokens::open(path, &rows)).transpose()?;
        let folder = match &self.out {
            Some(path) => Folder::create(path)?,
            None => Folder::create_numbered(Path::new("out"), "features")?,
        };
        let features = self
            .input
            .run("sae features", rows.len(), |exec, progress| {
                Features::of(exec, parameters, &rows, tokens.as_ref(), sizes, progress)
            })?;
        folder.all_or_nothing(|| {
            features.write((&folder, &export), (name, parameters), &rows, sizes)
        })?;
        print(&format!(
            "{}, {} of them dead on {}\n\npage: {}\n",
            counted(features.features.len() as u64, "element", "elements"),
            features.dead(),
            counted(rows.len(), "row", "rows"),
            folder.path().join(PAGE).display()
        ))
    }
}
