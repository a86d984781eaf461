//! The table of verdicts for the terminal.

use comfy_table::ColumnConstraint::{Absolute, UpperBoundary};
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, LineStyle, Table, Width};

use crate::claim::ledger::Ledger;
use crate::claim::words::{counts, plural, settings, sign, spread};
use crate::text::{number, put};

/// The ledger as a table no wider than `width` columns; as a list where that is too narrow.
pub fn verdicts(ledger: &Ledger, width: usize) -> String {
    let rows: Vec<[String; 5]> = ledger
        .entries
        .iter()
        .map(|e| {
            let verdict = format!("{} {}", sign(e.verdict).0, e.verdict);
            let verdict = match settings(e).as_str() {
                "" => verdict,
                held => format!("{verdict}, {held}"),
            };
            let verdict = match e.reason.as_str() {
                "" => verdict,
                reason => format!("{verdict}: {reason}"),
            };
            [
                e.id.clone(),
                format!("{} ({})", number(e.value), spread(e)),
                e.criterion.clone(),
                format!("{}: {}", number(e.control_value), e.control),
                verdict,
            ]
        })
        .collect();
    const HEAD: [&str; 5] = ["claim", "value (spread)", "criterion", "control", "verdict"];
    if width < NARROW {
        return as_list(&rows, &HEAD, width.max(30));
    }
    let mut table = Table::new();
    table
        .load_style(NOTHING.header_separator(LineStyle::none().fill('─')))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width.try_into().unwrap_or(u16::MAX))
        .set_header(HEAD)
        .add_rows(rows);
    // Names stay whole. The value and the verdict are short but for a reason; what is left goes to the words.
    let names = ledger.entries.iter().map(|e| e.id.chars().count()).max();
    let names = names.unwrap_or(0).min(width / 3) + 2;
    let constraints = [
        (0, Absolute(Width::Fixed(names as u16))),
        (1, UpperBoundary(Width::Percentage(20))),
        (4, UpperBoundary(Width::Percentage(22))),
    ];
    for (column, constraint) in constraints {
        let column = table.column_mut(column).expect("one of five columns");
        column.set_constraint(constraint);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt() + "\n"
}

/// The numbers of claims of each kind by verdict, in words.
pub fn summary(ledger: &Ledger) -> String {
    let mut text = String::new();
    for (kind, counts) in counts(ledger) {
        let counts = counts.iter().map(|(n, verdict)| format!("{n} {verdict}"));
        let counts = counts.collect::<Vec<_>>().join(", ");
        put(&mut text, format_args!("{}: {counts}\n", plural(kind)));
    }
    text
}

/// The width of a terminal that is too narrow for a table.
const NARROW: usize = 90;

fn as_list(rows: &[[String; 5]], head: &[&str; 5], width: usize) -> String {
    let mut text = String::new();
    for row in rows {
        put(&mut text, format_args!("{}\n", row[0]));
        for (name, cell) in head.iter().zip(row).skip(1) {
            let name = name.split(' ').next().unwrap_or(name);
            for (i, line) in textwrap::wrap(cell, width - 13).iter().enumerate() {
                let name = if i == 0 { name } else { "" };
                put(&mut text, format_args!("  {name:<10} {line}\n"));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::{Entry, Verdict, reference};

    #[test]
    fn the_table_fits_any_terminal() {
        let long = "a rather long text that has to be broken up into several lines ".repeat(3);
        let entry = Entry {
            id: "a-claim-with-quite-a-long-name".into(),
            value: 1.234e-7,
            low: -1e-5,
            high: 123456.0,
            criterion: long.clone(),
            control: long.clone(),
            control_value: f64::NAN,
            verdict: Verdict::NotReproduced,
            seeds: 3,
            reason: long,
            ..reference::LEDGER.entries[0].clone()
        };
        let ledger = Ledger {
            entries: vec![entry.clone(), entry],
            cells: Vec::new(),
        };
        for width in [30, 60, 89, 90, 100, 120, 200] {
            let text = verdicts(&ledger, width);
            let widest = text.lines().map(|l| l.chars().count()).max().unwrap();
            assert!(widest <= width, "{widest} columns in {width}:\n{text}");
            assert!(text.contains("not") && text.contains("criterion"));
            let name = "\na-claim-with-quite-a-long-name";
            assert!(
                width < 100 || text.matches(name).count() == 2,
                "{width}:\n{text}"
            );
        }
    }
}
