//! A profile for readers: text for the terminal, and a section of the report.

use std::fmt::Write as _;

use super::machine::{Operation, Rate};
use super::tables::{ALL, Kernel, Roof, Roofs, Spent, Task};
use super::{FOLDER, Profile, figures, symbols};
use crate::error::Result;
use crate::html::{data_uri, drawing, escape};
use crate::stats::observations::Observations;
use crate::table::record::Word;
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

fn kernels(rows: &[Kernel]) -> Shown {
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
    (head, rows.iter().map(row).collect())
}

fn experiments(rows: &[Spent]) -> Shown {
    let mut head = vec!["experiment", "seconds"];
    head.extend(Task::ALL.iter().map(|task| task.word()));
    let experiments = rows.iter().map(|r| (r.experiment.as_str(), r.time));
    let mut shown: Vec<Vec<String>> = Vec::new();
    for (experiment, time) in experiments {
        if shown.iter().any(|cells| cells[0] == experiment) {
            continue;
        }
        let mut cells = vec![experiment.to_string(), number(time)];
        for &task in Task::ALL {
            let mut ours = rows.iter().filter(|r| r.experiment == experiment);
            let share = ours.find(|r| r.part == task);
            cells.push(share.map_or("–".into(), |r| percent(r.share)));
        }
        shown.push(cells);
    }
    (head, shown)
}

fn machine(rates: &[Rate]) -> Shown {
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
