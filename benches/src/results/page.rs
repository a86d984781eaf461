//! `RESULTS.md`.

use std::fmt::Write as _;

use kernels::Isa;

use super::{Part, ROUNDS, Row};

/// What the head of the page says.
pub struct Head {
    /// Instruction set of the kernels.
    pub isa: Isa,
    /// Threads of the machine.
    pub threads: usize,
    /// PyTorch's version, or why it took no part.
    pub torch: Result<String, String>,
}

/// The page of these parts; the whole one has what `workbench/compare.py` has measured as well.
pub fn page(head: &Head, parts: &[Part], whole: bool) -> String {
    let mut text = String::new();
    let torch = match &head.torch {
        Ok(version) => format!("PyTorch {version}"),
        Err(why) => format!("no PyTorch ({why})"),
    };
    let blas = match (
        cfg!(feature = "openblas"),
        std::env::var("OPENBLAS_CORETYPE"),
    ) {
        (true, Err(_)) => "with OpenBLAS".to_owned(),
        (true, Ok(core)) => format!("with OpenBLAS, held to `OPENBLAS_CORETYPE={core}`"),
        (false, _) => "without OpenBLAS (`--features openblas`)".to_owned(),
    };
    write!(
        text,
        "# Results\n\n\
         Written by `cargo run --release -p benches --bin results`, not by hand.\n\n\
         {}, {} thread(s), {}; {torch}; {blas}. Medians over {ROUNDS} interleaved rounds of the ratios in single rounds; \
         every measurement is in [results/measurements.csv](results/measurements.csv). *Reach* is what a throw-away prototype \
         reached, on a Zen 4 machine with half the peak; *aim* is where we want to be.\n\n\
         | what | measured | reach | aim | |\n| --- | --- | --- | --- | --- |\n",
        cpu(),
        head.threads,
        head.isa,
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
    text += &format!("\n{}\n", include_str!("notes.md").trim());
    for part in parts {
        let Part {
            title,
            details,
            figures,
            ..
        } = part;
        writeln!(text, "\n## {title}\n{details}").expect("writing to a string");
        for figure in figures {
            let name = &figure.name;
            writeln!(text, "![{}](results/{name}.svg)\n", figure.caption)
                .expect("writing to a string");
        }
    }
    text = text.trim_end().to_string() + "\n";
    if whole {
        // What another program has measured.
        text += &format!("\n{}", include_str!("../../results/workbench.md"));
    }
    text
}

/// The processor, as Linux names it.
fn cpu() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|l| l.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_string())
    };
    let name = field("model name").unwrap_or("an unknown processor".into());
    match (field("cpu family"), field("model\t")) {
        (Some(family), Some(model)) => format!("{name} (family {family}, model {model})"),
        _ => name,
    }
}
