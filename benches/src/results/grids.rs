//! The time of the grids of section 1 at the settings of the companion code, as the harness runs them.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use kernels::Isa;

use super::{Measurement, Part, ROUNDS, Rounds, Row};

/// The seconds that the companion code took for both grids, on two cores of another machine, a Zen 4.
const COMPANION: f64 = 361.0;
/// The arguments of the harness that run both grids at one seed, at the settings of the companion code.
const ARGUMENTS: [&str; 15] = [
    "run",
    "homogeneity",
    "near-orthogonality",
    "--preset",
    "full",
    "--seeds",
    "1",
    "--quiet",
    "--set",
    "homogeneity.magnitude=sqrt-n",
    "--set",
    "homogeneity.include_own=true",
    "--set",
    "homogeneity.test_fraction=0.9",
    "--out",
];

/// Times runs of both grids by `harness`, the path of the harness's binary.
///
/// # Panics
/// If the harness cannot be run, or fails.
pub fn measure(isa: Isa, all: usize, harness: &Path, table: &mut Vec<Measurement>) -> Part {
    let mut rounds = Rounds::default();
    for round in 0..=ROUNDS {
        eprintln!("grids of section 1, round {round}");
        let folder = std::env::temp_dir().join(format!("grids-{}", std::process::id()));
        let start = Instant::now();
        let output = Command::new(harness)
            .args(ARGUMENTS)
            .arg(&folder)
            .output()
            .expect("the harness starts");
        let seconds = start.elapsed().as_secs_f64();
        let why = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {why}", harness.display());
        std::fs::remove_dir_all(&folder).expect("a folder of our own");
        if round > 0 {
            rounds.add("ours", all, seconds);
        }
    }
    rounds.tabulate(["grids", "companion settings", isa.name()], "s", table);
    let times = rounds.of("ours", all);
    let seconds = rounds.median(|i| times[i]);
    let bars = [(100.0, "100 ×"), (200.0, "200 ×")];
    let show = |v: f64| {
        format!("{seconds:.2} s, {v:.0} × (their {COMPANION:.0} s are from another machine)")
    };
    let what = "homogeneity and near-orthogonality at the companion settings, one seed, against the companion code";
    Part {
        title: "Grids of section 1",
        rows: vec![Row::at_least(what, COMPANION / seconds, show, bars)],
        details: format!(
            "\n`harness {}`: {seconds:.2} s, report included.\n",
            ARGUMENTS.join(" ")
        ),
        figures: Vec::new(),
    }
}
