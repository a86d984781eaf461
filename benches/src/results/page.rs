//! The page `RESULTS.md`, with a section for each kind of machine; a run writes the section of its own machine.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use harness::error::{Error, Result};
use kernels::Isa;

use super::python::Peers;
use super::{Part, ROUNDS, Row};
use crate::machine;
use crate::peers::blas;
use crate::peers::libm::AOCL;

/// The file in a machine's folder with the section that the program `results` has written.
pub const SECTION: &str = "section.md";
/// The file in a machine's folder with the section that `workbench/compare.py` has written, which follows on the page.
const WORKBENCH: &str = "workbench.md";

/// The file in a machine's folder with notes on what limits the rows that are short of their aims, and on what was
/// tried. It is written by hand, and stands on the page between the summary of a section and its details.
const NOTES: &str = "notes.md";
/// The beginning of the details of a section.
const DETAILS: &str = "\n### ";

/// Returns the page with the sections of all machines that have been measured.
///
/// # Errors
/// If the folder `results` cannot be listed, or a section cannot be read.
pub fn page(results: &Path) -> Result<String> {
    let list = || -> std::io::Result<Vec<_>> {
        let entries = fs::read_dir(results)?.map(|entry| Ok(entry?.path()));
        let mut machines = entries.collect::<std::io::Result<Vec<_>>>()?;
        machines.retain(|path| path.is_dir());
        machines.sort();
        Ok(machines)
    };
    let mut text = format!(
        "# Results\n\n\
         Written by `cargo run --release -p benches --bin results`, not by hand: a run renews the section of the machine \
         that it runs on. What is compared runs in turn, in another order each round, {ROUNDS} rounds and one to warm up; \
         ratios are medians of those in single rounds. *Reach* is what a throw-away prototype reached, on a Zen 4 machine \
         with half the peak of Zen 5; *aim* is where we want to be.\n"
    );
    for machine in list().map_err(Error::io("list", results))? {
        for name in [SECTION, WORKBENCH] {
            let path = machine.join(name);
            if !path.exists() {
                continue;
            }
            let section = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
            if name == WORKBENCH && !machine.join(SECTION).exists() {
                let name = machine.file_name().unwrap_or_default();
                write!(text, "\n## {}\n", name.display()).expect("writing to a string");
            }
            let notes = fs::read_to_string(machine.join(NOTES));
            match (section.split_once(DETAILS), notes) {
                (Some((summary, details)), Ok(notes)) if name == SECTION => {
                    let (notes, details) = (notes.trim(), details.trim());
                    write!(text, "\n{summary}\n{notes}\n{DETAILS}{details}\n")
                }
                _ => write!(text, "\n{}\n", section.trim()),
            }
            .expect("writing to a string");
        }
    }
    Ok(text)
}

/// Returns the section of this machine, made of the results of these parts.
pub fn section(isa: Isa, threads: usize, peers: &Peers, parts: &[Part]) -> String {
    let mut text = String::new();
    let held = match std::env::var("OPENBLAS_CORETYPE") {
        Ok(core) => format!("; OpenBLAS is held to `OPENBLAS_CORETYPE={core}`"),
        Err(_) => String::new(),
    };
    let blas = blas::here().map(|blas| blas.name.to_owned());
    let libm = AOCL.as_ref().ok().map(|_| "AOCL-LibM".to_owned());
    let here: Vec<String> = peers.here().chain(blas).chain(libm).collect();
    let mut missing = peers.missing.clone();
    missing.extend(blas::ALL.iter().filter_map(|b| b.as_ref().err().cloned()));
    missing.extend(AOCL.as_ref().err().cloned());
    let missing = match missing.is_empty() {
        true => String::new(),
        false => format!("; {}", missing.join("; ")),
    };
    let folder = machine::slug();
    write!(
        text,
        "## {cpu}\n\n\
         {threads} thread(s), {isa}. Peers beside faer and matrixmultiply: {}{missing}{held}. Every measurement is in \
         [results/{folder}/measurements.csv](results/{folder}/measurements.csv).\n\n\
         | what | measured | reach | aim | |\n| --- | --- | --- | --- | --- |\n",
        match here.is_empty() {
            true => "none".into(),
            false => here.join(", "),
        },
        cpu = machine::cpu(),
    )
    .expect("writing to a string");
    for row in parts.iter().flat_map(|part| &part.rows) {
        let Row {
            what,
            measured,
            reach,
            aim,
            met,
        } = row;
        let verdict = match met {
            Some([_, true]) => "aim",
            Some([true, false]) => "reach",
            Some([false, false]) => "short of reach",
            None => "not measured",
        };
        writeln!(
            text,
            "| {what} | {measured} | {reach} | {aim} | {verdict} |"
        )
        .expect("writing to a string");
    }
    for part in parts {
        let Part {
            title,
            details,
            figures,
            ..
        } = part;
        writeln!(text, "\n### {title}\n{details}").expect("writing to a string");
        for figure in figures {
            let name = &figure.name;
            writeln!(text, "![{}](results/{folder}/{name}.svg)\n", figure.caption)
                .expect("writing to a string");
        }
    }
    text.trim_end().to_string() + "\n"
}
