//! A profile for readers: text for the terminal, and a section of the report.

use std::fmt::Write as _;

use super::tables::{ALL, Roofs};
use super::{FOLDER, Profile, figures, symbols};
use crate::error::Result;
use crate::html::{data_uri, drawing, escape};
use crate::table::{Row, Table};
use crate::text::number;

/// A table as it is shown: its head, then rows of as many cells.
type Shown = (Vec<&'static str>, Vec<Vec<String>>);

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

fn kernels(table: &Table) -> Shown {
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
    (head, table.rows().map(row).collect())
}

/// The parts of an experiment's time, as columns.
const PARTS: [&str; 5] = ["kernels", "generating data", "metrics", "writing", "rest"];

fn experiments(table: &Table) -> Shown {
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
    (head, experiments.collect())
}

fn machine(table: &Table) -> Shown {
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
    (head, rows)
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
        text.push_str(&aligned(&kernels(&self.kernels)));
        text.push('\n');
        text.push_str(&aligned(&experiments(&self.experiments)));
        if let Some(lack) = symbols::lack(&self.stacks) {
            let _ = write!(text, "\n{lack}\n");
        }
        text
    }

    /// Writes the figures, and the section of the report to `body`.
    pub fn draw(
        &self,
        body: &mut String,
        write: &mut impl FnMut(&str, &str) -> Result<()>,
    ) -> Result<()> {
        body.push_str("<section id=\"profile\">\n<h2>Profile</h2>\n");
        body.push_str(
            "<p>Time is that of all threads, as a share of threads × time. Rates are those of one thread at work: \
             operations of the algorithm, and compulsory traffic, each operand read and each result written once. The roof \
             is what binds a kernel on this machine, and the share of it what the kernel reaches.</p>\n",
        );
        body.push_str("<h3>Kernels</h3>\n");
        body.push_str(&html(&kernels(&self.kernels)));
        body.push_str("<h3>Experiments</h3>\n");
        body.push_str(&html(&experiments(&self.experiments)));
        if let Some(lack) = symbols::lack(&self.stacks) {
            let _ = writeln!(body, "<p><strong>{}</strong></p>", escape(&lack));
        }
        body.push_str("<div class=\"figures\">\n");
        if let Some(roofs) = Roofs::of(&self.machine) {
            let figure = figures::roofline(&self.kernels, &roofs);
            let svg = figure.to_svg();
            write(&format!("{FOLDER}/{}.svg", figure.name), &svg)?;
            body.push_str(&drawing(&svg, &figure.caption));
        }
        if let Some(svg) = figures::flame_graph(&self.stacks) {
            write(&format!("{FOLDER}/flamegraph.svg"), &svg)?;
            // As an image, its styles stay inside.
            let _ = write!(
                body,
                "<figure><div class=\"drawing\" tabindex=\"0\"><img alt=\"Flame graph\" src=\"{}\"></div>\n\
                 <figcaption>CPU time by function: a bar is as wide as its share of the samples, and stands on its caller. \
                 <a href=\"{FOLDER}/flamegraph.svg\">flamegraph.svg</a> zooms and searches.</figcaption></figure>\n",
                data_uri(&svg)
            );
        }
        body.push_str("</div>\n<details><summary>What the machine can do</summary>\n");
        body.push_str(&html(&machine(&self.machine)));
        let links = ALL.map(|t| format!("<a href=\"{FOLDER}/{0}.csv\">{0}.csv</a>", t.name));
        let _ = write!(
            body,
            "</details>\n<p class=\"files\">Data: {} (<a href=\"{FOLDER}/README.md\">columns</a>)</p>\n</section>\n",
            links.join(", ")
        );
        Ok(())
    }
}

/// Columns as wide as their widest cell, numbers to the right.
fn aligned((head, rows): &Shown) -> String {
    let head: Vec<String> = head.iter().map(ToString::to_string).collect();
    let all = || [&head].into_iter().chain(rows);
    let width = |column: usize| all().map(|row| row[column].chars().count()).max();
    let mut text = String::new();
    for row in all() {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = width(column).unwrap_or(0);
            match column {
                0 => write!(line, "{cell:<width$}"),
                _ => write!(line, "  {cell:>width$}"),
            }
            .expect("writing to a string");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn html((head, rows): &Shown) -> String {
    let line = |tag: &str, cells: &mut dyn Iterator<Item = &str>| {
        let cells = cells.map(|cell| format!("<{tag}>{}</{tag}>", escape(cell)));
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    };
    let mut text = String::from("<div class=\"wide\"><table>\n");
    text.push_str(&line("th", &mut head.iter().copied()));
    for row in rows {
        text.push_str(&line("td", &mut row.iter().map(String::as_str)));
    }
    text.push_str("</table></div>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let row = |a: &str, b: &str| vec![a.to_string(), b.to_string()];
        let shown = (vec!["name", "n"], vec![row("a", "100"), row("longer", "5")]);
        assert_eq!(aligned(&shown), "name      n\na       100\nlonger    5\n");
    }
}
