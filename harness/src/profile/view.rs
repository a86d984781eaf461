//! The view of a profile for readers: text for the terminal, and a section of the report.

use std::fmt::Write as _;

use super::machine::{Operation, Rate};
use super::tables::{ALL, Kernel, Roof, Roofs, Spent};
use super::{FOLDER, Profile, figures, symbols};
use crate::error::Result;
use crate::html::Drawing;
use crate::phase::Phase;
use crate::stats::observations::Observations;
use crate::table::record::Word;
use crate::text::number;

/// A table of text, each row of which has as many cells as the head.
pub struct Grid {
    /// The titles of the columns.
    pub head: Vec<&'static str>,
    /// The cells, row by row.
    pub rows: Vec<Vec<String>>,
}

/// The section of the report on the profile, as `templates/profile.html` shows it.
pub struct Section {
    /// The name of the profile's folder in that of the run.
    pub folder: &'static str,
    /// The table of kernels, and of the share of the machine's limit that each reaches.
    pub kernels: Grid,
    /// The table of the shares of time that each experiment spent on each phase.
    pub experiments: Grid,
    /// The table of the rates of the machine.
    pub machine: Grid,
    /// The description of what sampled stacks lack, if anything.
    pub lack: Option<String>,
    /// The roofline figure: the kernels under the roofs of the machine.
    pub roofline: Option<Drawing>,
    /// The flame graph, CPU time by function, as SVG.
    pub flame_graph: Option<String>,
    /// The names of the tables.
    pub files: [&'static str; ALL.len()],
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Returns a rate as text, or a dash if nothing was counted.
fn rate(value: f64) -> String {
    match value > 0.0 && value.is_finite() {
        true => number(value),
        false => "–".into(),
    }
}

fn kernels(rows: &[Kernel]) -> Grid {
    let row = |row: &Kernel| {
        let roof = match row.roof {
            Roof::None => "–".to_string(),
            roof => format!("{} of {roof}", percent(row.roof_share)),
        };
        vec![
            row.kernel.clone(),
            row.calls.to_string(),
            percent(row.share),
            rate(row.gflops),
            rate(row.gbytes),
            rate(row.intensity),
            roof,
        ]
    };
    let head = vec![
        "kernel",
        "calls",
        "time",
        "GFLOP/s",
        "GB/s",
        "FLOP/byte",
        "roof",
    ];
    Grid {
        head,
        rows: rows.iter().map(row).collect(),
    }
}

fn experiments(rows: &[Spent]) -> Grid {
    let mut head = vec!["experiment", "seconds"];
    head.extend(Phase::ALL.iter().map(|phase| phase.word()));
    let experiments = rows.iter().map(|r| (r.experiment.as_str(), r.time));
    let row = |(experiment, time): (&str, f64)| {
        let ours = || rows.iter().filter(|r| r.experiment == experiment);
        let share = |phase: &Phase| {
            let spent = ours().find(|r| r.part == *phase);
            spent.map_or("–".into(), |r| percent(r.share))
        };
        let shares = Phase::ALL.iter().map(share);
        [experiment.to_string(), number(time)]
            .into_iter()
            .chain(shares)
            .collect()
    };
    Grid {
        head,
        rows: experiments.distinct().into_iter().map(row).collect(),
    }
}

fn machine(rates: &[Rate]) -> Grid {
    let head = vec!["", "isa", "1 thread", "all threads", "unit"];
    let mut rows: Vec<Vec<String>> = Vec::new();
    for &what in Operation::ALL {
        let ours = || rates.iter().filter(|r| r.what == what);
        for (level, isa) in ours().map(|r| (r.level, r.isa.as_str())).distinct() {
            let all = || ours().filter(|r| r.level == level && r.isa == isa);
            let cell = |found: Option<&Rate>| found.map_or("–".into(), |r| rate(r.rate));
            let (name, unit) = match what {
                Operation::Fma => ("multiply-adds".to_string(), "GFLOP/s"),
                _ => (format!("{what} {level}"), "GB/s"),
            };
            rows.push(vec![
                name,
                isa.into(),
                cell(all().min_by_key(|r| r.threads)),
                cell(all().max_by_key(|r| r.threads)),
                unit.into(),
            ]);
        }
    }
    Grid { head, rows }
}

impl Profile {
    /// Returns the tables for the terminal: kernels, then experiments.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Some(roofs) = Roofs::of(&self.machine) {
            let levels = roofs
                .levels
                .iter()
                .map(|(level, _, rate)| format!("{level} {} GB/s", number(*rate)));
            let levels: Vec<_> = levels.collect();
            let _ = writeln!(
                text,
                "A thread of {} on {}: FMA {} GFLOP/s; reading {}",
                roofs.threads,
                roofs.isa,
                number(roofs.fma),
                levels.join(", ")
            );
        }
        text.push('\n');
        text.push_str(&aligned(kernels(&self.kernels)));
        text.push('\n');
        text.push_str(&aligned(experiments(&self.experiments)));
        if let Some(lack) = symbols::lack(&self.stacks) {
            let _ = write!(text, "\n{lack}\n");
        }
        text
    }

    /// Returns the section of the report. Each figure is handed to `write` with the name of its file.
    pub fn section(&self, write: &mut impl FnMut(&str, &str) -> Result<()>) -> Result<Section> {
        let mut roofline = None;
        if let Some(roofs) = Roofs::of(&self.machine) {
            let figure = figures::roofline(&self.kernels, &roofs);
            let svg = figure.to_svg();
            write(&format!("{FOLDER}/{}.svg", figure.name), &svg)?;
            roofline = Some(figure.drawing(FOLDER));
        }
        let flame_graph = figures::flame_graph(&self.stacks);
        if let Some(svg) = &flame_graph {
            write(&format!("{FOLDER}/flamegraph.svg"), svg)?;
        }
        Ok(Section {
            folder: FOLDER,
            kernels: kernels(&self.kernels),
            experiments: experiments(&self.experiments),
            machine: machine(&self.machine),
            lack: symbols::lack(&self.stacks),
            roofline,
            flame_graph,
            files: ALL.map(|table| table.name),
        })
    }
}

/// Returns a table as text for the terminal: columns are as wide as their widest cell, with numbers to the right.
fn aligned(grid: Grid) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(grid.head).add_rows(grid.rows);
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if i > 0 {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    table.trim_fmt() + "\n"
}
