//! Compares the kernels with their peers and with the machine's own peak, and renews the section of this machine in
//! `RESULTS.md`.
//!
//! ```text
//! cargo build --release && cargo run --release -p benches --bin results [SUBJECT…]
//! ```
//!
//! The program takes some minutes, in which nothing else should run. It compares the peers that are installed, which
//! can be done so:
//!
//! ```text
//! python3 -m venv target/peers    # then PYTHON=target/peers/bin/python for the command above
//! target/peers/bin/pip install torch jax eai-sparsify==1.3.3 sae-lens==6.54.12 scipy-openblas32 aoclda
//! apt-get install libxsmm-dev
//! ```
//!
//! With subjects named (`products`, `activations`, `steps`, `grids`, `scaling`), only those are measured, and the
//! results go to the terminal. `page` measures nothing and puts `RESULTS.md` together again.

use std::path::Path;
use std::process::ExitCode;

use benches::machine;
use benches::results::page::{SECTION, page, section};
use benches::results::python::Peers;
use benches::results::{activations, grids, products, scaling, steps};
use harness::error::{Error, Result};
use harness::store::folder::Folder;
use harness::table::Table;
use kernels::Isa;

const SUBJECTS: [&str; 5] = ["products", "activations", "steps", "grids", "scaling"];
const PAGE: &str = "page";

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
    // The folder is opened before anything is measured, so that one that cannot be written to shows at once.
    let folder = Folder::open(Path::new(env!("CARGO_MANIFEST_DIR")), [])?;
    let write_page = || folder.write("RESULTS.md", page(&machine::results())?);
    if named == [PAGE] {
        return write_page();
    }
    if let Some(strange) = named.iter().find(|name| !SUBJECTS.contains(&name.as_str())) {
        let known = SUBJECTS.join(", ");
        return Err(Error::input(format!(
            "there is no subject `{strange}`; there are {known}, or {PAGE} alone"
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
    let results = machine::folder()?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let counts = if threads > 1 {
        vec![1, threads]
    } else {
        vec![1]
    };
    let mut peers = Peers::start(&counts);
    for why in &peers.missing {
        eprintln!("{why}");
    }

    let mut table = Vec::new();
    let mut parts = Vec::new();
    for subject in SUBJECTS {
        if !named.is_empty() && !named.iter().any(|name| name == subject) {
            continue;
        }
        parts.push(match subject {
            "products" => products::measure(isa, threads, &mut table),
            "activations" => activations::measure(isa, &mut peers, &mut table),
            "steps" => steps::measure(isa, threads, &mut peers, &mut table),
            "grids" => grids::measure(isa, threads, &harness, &mut table),
            _ => scaling::measure(isa, threads, &harness, &mut table),
        });
    }
    let section = section(isa, threads, &peers, &parts);
    if !named.is_empty() {
        print!("{section}");
        return Ok(());
    }
    results.write("measurements.csv", Table::of(&table).csv())?;
    for figure in parts.iter().flat_map(|part| &part.figures) {
        results.write(format!("{}.svg", figure.name), figure.to_svg())?;
    }
    results.write(SECTION, section)?;
    write_page()
}
