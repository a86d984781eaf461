//! Compares the kernels with their peers and with the machine's own peak, and writes `RESULTS.md`.
//!
//! ```text
//! cargo build --release && cargo run --release -p benches --features openblas --bin results [SUBJECT…]
//! ```
//!
//! Takes some minutes, in which nothing else should run. PyTorch takes part if `$PYTHON` (else `python3`) has it.
//! With subjects named (`products`, `activations`, `steps`, `grids`, `scaling`), only those are measured, and the page
//! goes to the terminal.

use std::path::Path;
use std::process::ExitCode;

use benches::results::page::{Head, page};
use benches::results::pytorch::PyTorch;
use benches::results::{activations, grids, products, scaling, steps};
use harness::error::{Error, Result};
use harness::store::folder::Folder;
use harness::table::Table;
use kernels::Isa;

const SUBJECTS: [&str; 5] = ["products", "activations", "steps", "grids", "scaling"];

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(named: &[String]) -> Result<()> {
    if let Some(strange) = named.iter().find(|name| !SUBJECTS.contains(&name.as_str())) {
        let known = SUBJECTS.join(", ");
        return Err(Error::input(format!(
            "there is no subject `{strange}`; there are {known}"
        )));
    }
    let isa = Isa::from_env().map_err(|e| Error::input(e.to_string()))?;
    let harness = std::env::current_exe()
        .map_err(Error::io("find", Path::new("this binary")))?
        .with_file_name("harness");
    if !harness.exists() {
        return Err(Error::input(format!(
            "{} is missing; `cargo build --release` makes it",
            harness.display()
        )));
    }
    // Before anything is measured: a folder that cannot be written to shows at once.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (folder, results) = (
        Folder::open(here, [])?,
        Folder::open(&here.join("results"), [])?,
    );
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let counts = if threads > 1 {
        vec![1, threads]
    } else {
        vec![1]
    };
    let mut torch = PyTorch::start(&counts);
    if let Err(why) = &torch {
        eprintln!("PyTorch takes no part: {why}");
    }

    let mut table = Vec::new();
    let mut parts = Vec::new();
    for subject in SUBJECTS {
        if !named.is_empty() && !named.iter().any(|name| name == subject) {
            continue;
        }
        parts.push(match subject {
            "products" => products::measure(isa, threads, &mut table),
            "activations" => activations::measure(isa, &mut torch, &mut table),
            "steps" => steps::measure(isa, threads, &mut torch, &mut table),
            "grids" => grids::measure(isa, threads, &harness, &mut table),
            _ => scaling::measure(isa, threads, &harness, &mut table),
        });
    }
    let head = Head {
        isa,
        threads,
        torch: torch.map(|torch| torch.version.clone()),
    };
    let page = page(&head, &parts, named.is_empty());
    if !named.is_empty() {
        print!("{page}");
        return Ok(());
    }
    results.write("measurements.csv", Table::of(&table).csv())?;
    for figure in parts.iter().flat_map(|part| &part.figures) {
        results.write(format!("{}.svg", figure.name), figure.to_svg())?;
    }
    folder.write("RESULTS.md", page)
}
