//! The comparison of GELU and its gradient, in cache on one thread, with PyTorch's, and of exp, tanh and erf with
//! AOCL-LibM's.

use std::fmt::Write as _;
use std::hint::black_box;

use kernels::{Exec, Isa, gelu, math};

use super::python::Peers;
use super::{Measurement, Part, ROUNDS, Rounds, Row, seconds};
use crate::peers::libm::{AOCL, NAMES};

/// The number of values: three arrays of them fit a second-level cache, and a call of PyTorch takes much longer than
/// its overhead.
const LEN: usize = 1 << 16;

/// Measures the exact GELU, forward and backward, then exp, tanh and erf.
pub fn measure(isa: Isa, peers: &mut Peers, table: &mut Vec<Measurement>) -> Part {
    let exec = Exec::serial(isa);
    let x: Vec<f32> = (0..LEN)
        .map(|i| (i * 7919 % LEN) as f32 / LEN as f32 * 8.0 - 4.0)
        .collect();
    let (d_y, mut y) = (vec![1.0; LEN], vec![0.0; LEN]);
    let mut part = Part {
        title: "Activations",
        rows: Vec::new(),
        details: format!(
            "\nExact GELU on {LEN} values, one thread, billion values a second:\n\n| | ours | PyTorch | ratio |\n| --- | ---: | ---: | ---: |\n"
        ),
        figures: Vec::new(),
    };
    let bars = [
        ("forward", [(2.0, "2 ×"), (2.4, "2.4 ×")]),
        ("backward", [(3.0, "3 ×"), (4.0, "4 ×")]),
    ];
    for (direction, bars) in bars {
        eprintln!("GELU, {direction}");
        let mut rounds = Rounds::default();
        for round in 0..=ROUNDS {
            rounds.take_turns(round, 1, &["ours", "PyTorch"], |turn| {
                let taken = match turn {
                    0 => seconds(0.05, || {
                        match direction {
                            "forward" => gelu::forward(exec, &x, &mut y),
                            _ => gelu::backward(exec, &x, &d_y, &mut y),
                        }
                        black_box(y.as_mut_ptr());
                    }),
                    _ => peers.seconds("PyTorch", 1, &format!("gelu {LEN} {direction}"))?,
                };
                Some(LEN as f64 / taken * 1e-9)
            });
        }
        rounds.tabulate(["gelu", direction, isa.name()], "Gelem/s", table);
        let [ours, theirs] = ["ours", "PyTorch"].map(|c| rounds.of(c, 1));
        let rate = rounds.median(|i| ours[i]);
        let [ratio, their_rate] = match theirs.is_empty() {
            true => [f64::NAN; 2],
            false => [
                rounds.median(|i| ours[i] / theirs[i]),
                rounds.median(|i| theirs[i]),
            ],
        };
        let what = format!("exact GELU {direction}, in cache, one thread, against PyTorch");
        let show = |v: f64| match v.is_nan() {
            true => format!("{rate:.1} Gelem/s; no PyTorch here"),
            false => format!("{v:.1} × ({rate:.1} Gelem/s)"),
        };
        part.rows.push(Row::at_least(what, ratio, show, bars));
        writeln!(
            part.details,
            "| {direction} | {rate:.2} | {their_rate:.2} | {ratio:.2} |"
        )
        .expect("writing to a string");
    }
    part.details += &functions(isa, &x, table);
    part
}

/// Measures exp, tanh and erf, and returns the rates as a table in Markdown.
fn functions(isa: Isa, x: &[f32], table: &mut Vec<Measurement>) -> String {
    let exec = Exec::serial(isa);
    let ours = [math::exp, math::tanh, math::erf];
    let mut y = vec![0.0; x.len()];
    let mut text = format!(
        "\nFunctions of {LEN} values between −4 and 4, one thread, billion values a second:\n\n\
         | | ours | AOCL-LibM | ratio |\n| --- | ---: | ---: | ---: |\n"
    );
    for (number, name) in NAMES.into_iter().enumerate() {
        eprintln!("{name}");
        let mut rounds = Rounds::default();
        for round in 0..=ROUNDS {
            rounds.take_turns(round, 1, &["ours", "AOCL-LibM"], |turn| {
                let libm = AOCL.as_ref();
                if turn > 0 && libm.is_err() {
                    return None;
                }
                let taken = seconds(0.05, || {
                    match (turn, libm) {
                        (1, Ok(libm)) => libm.map(number, x, &mut y),
                        _ => ours[number](exec, x, &mut y),
                    }
                    black_box(y.as_mut_ptr());
                });
                Some(LEN as f64 / taken * 1e-9)
            });
        }
        rounds.tabulate(["function", name, isa.name()], "Gelem/s", table);
        let [ours, theirs] = ["ours", "AOCL-LibM"].map(|c| rounds.of(c, 1));
        let rate = rounds.median(|i| ours[i]);
        let row = match theirs.is_empty() {
            true => format!("| {name} | {rate:.2} | – | – |\n"),
            false => format!(
                "| {name} | {rate:.2} | {:.2} | {:.2} |\n",
                rounds.median(|i| theirs[i]),
                rounds.median(|i| ours[i] / theirs[i])
            ),
        };
        text += &row;
    }
    text
}
