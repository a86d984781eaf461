//! A profile for readers: text for the terminal, and a section of the report.

use std::fmt::Write as _;

use super::tables::{ALL, Roofs};
use super::{FOLDER, Profile, figures, symbols};
use crate::error::Result;
use crate::html::Drawing;
use crate::table::{Row, Table};
use crate::text::number;

/// A table of text, each row of which has as many cells as the head.
pub struct Grid {
    /// Titles of the columns.
    pub head: Vec<&'static str>,
    /// The cells, row by row.
    pub rows: Vec<Vec<String>>,
}

/// The section of the report, as `templates/profile.html` shows it.
pub struct Section {
    /// The folder of its files in that of the run.
    pub folder: &'static str,
    /// Kernels, and what of the machine's limit each reaches.
    pub kernels: Grid,
    /// Snapshot of the time of each experiment.
    pub experiments: Grid,
    /// What the machine can do.
    pub machine: Grid,
    /// What sampled stacks lack, if anything.
    pub lack: Option<String>,
    /// The kernels under the roofs of the machine.
    pub roofline: Option<Drawing>,
    /// CPU time by function, as SVG.
    pub flame_graph: Option<String>,
    /// Names of the tables.
    pub files: [&'static str; ALL.len()],
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A rate, or a dash for what nothing was counted of.
fn rate(value: f64) -> String {
    match value > 0.0 && value.is_finite() {
        true => number(value),
        false => "–".into(),
    }
}

fn kernels(table: &Table) -> Grid {
    let row = |row: Row| {
        let roof = match row.text("roof") {
            "none" => "–".to_string(),
            roof => format!("{} of {roof}", percent(row.real("roof_share"))),
        };
        vec![
            row.text("kernel").to_string(),
            row.int("calls").to_string(),
            percent(row.real("share")),
            rate(row.real("gflops")),
            rate(row.real("gbytes")),
            rate(row.real("intensity")),
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
        rows: table.rows().map(row).collect(),
    }
}

/// The snapshot of an experiment's time, as columns.
const PARTS: [&str; 5] = ["kernels", "generating data", "metrics", "writing", "rest"];

fn experiments(table: &Table) -> Grid {
    let mut head = vec!["experiment", "seconds"];
    head.extend(PARTS);
    let experiments = table.distinct("experiment").into_iter().map(|id| {
        let rows = table.rows().filter(|row| *row.cell("experiment") == id);
        let first = rows.clone().next().expect("a row of each");
        let mut cells = vec![
            first.text("experiment").to_string(),
            number(first.real("time")),
        ];
        for part in PARTS {
            let share = rows.clone().find(|row| row.text("part") == part);
            cells.push(share.map_or("–".into(), |row| percent(row.real("share"))));
        }
        cells
    });
    Grid {
        head,
        rows: experiments.collect(),
    }
}

fn machine(table: &Table) -> Grid {
    let head = vec!["", "isa", "1 thread", "all threads", "unit"];
    let mut rows: Vec<Vec<String>> = Vec::new();
    for what in ["FMA", "read", "copy"] {
        let of = |row: &Row| row.text("what") == what;
        let mut seen: Vec<(&str, &str)> = Vec::new();
        for row in table.rows().filter(of) {
            let key = (row.text("level"), row.text("isa"));
            if seen.contains(&key) {
                continue;
            }
            seen.push(key);
            let all = table
                .rows()
                .filter(|row| of(row) && (row.text("level"), row.text("isa")) == key);
            let (first, last) = (
                all.clone().min_by_key(|row| row.int("threads")),
                all.max_by_key(|row| row.int("threads")),
            );
            let cell = |row: Option<Row>| row.map_or("–".into(), |row| rate(row.real("rate")));
            let (name, unit) = match what {
                "FMA" => ("multiply-adds".to_string(), "GFLOP/s"),
                _ => (format!("{what} {}", key.0), "GB/s"),
            };
            rows.push(vec![
                name,
                key.1.into(),
                cell(first),
                cell(last),
                unit.into(),
            ]);
        }
    }
    Grid { head, rows }
}

impl Profile {
    /// For the terminal: kernels, then experiments.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Some(roofs) = Roofs::of(&self.machine) {
            let levels = roofs
                .levels
                .iter()
                .map(|(level, _, rate)| format!("{} {} GB/s", level.name(), number(*rate)));
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

    /// The section of the report. Each figure is handed to `write` with the name of its file.
    pub fn section(&self, write: &mut impl FnMut(&str, &str) -> Result<()>) -> Result<Section> {
        let mut roofline = None;
        if let Some(roofs) = Roofs::of(&self.machine) {
            let figure = figures::roofline(&self.kernels, &roofs);
            let svg = figure.to_svg();
            write(&format!("{FOLDER}/{}.svg", figure.name), &svg)?;
            roofline = Some(Drawing::new(&svg, figure.caption));
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

/// The table for the terminal: columns as wide as their widest cell, numbers to the right.
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
