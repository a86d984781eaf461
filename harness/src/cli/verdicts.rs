//! The table of verdicts for the terminal.

use crate::claim::ledger::Ledger;
use crate::claim::words::{sign, spread};
use crate::text::{number, put, wrap};

/// The ledger as a table no wider than `width` columns; as a list where that is too narrow.
pub fn verdicts(ledger: &Ledger, width: usize) -> String {
    let rows: Vec<[String; 5]> = ledger
        .0
        .iter()
        .map(|e| {
            let verdict = format!("{} {}", sign(e.verdict).0, e.verdict);
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
    if width < 90 {
        return as_list(&rows, &HEAD, width.max(30));
    }
    let longest = |column: usize| {
        rows.iter()
            .map(|r| r[column].chars().count())
            .max()
            .unwrap_or(0)
            .max(HEAD[column].len())
    };
    // The names stay whole; the rest shares what is left.
    let first = longest(0).min(width / 3);
    let rest = width - first - 8;
    let shares = [
        longest(1).min(rest * 22 / 100),
        0,
        0,
        longest(4).min(rest * 24 / 100),
    ];
    let middle = rest - shares[0] - shares[3];
    let criterion = longest(2).min(middle * 55 / 100);
    let control = longest(3).min(middle - criterion);
    let widths = [first, shares[0], criterion, control, shares[3]];

    let mut text = String::new();
    let head = HEAD.map(String::from);
    put_row(&mut text, &head, &widths);
    let total = widths.iter().sum::<usize>() + 8;
    put(&mut text, format_args!("{}\n", "─".repeat(total)));
    for row in &rows {
        put_row(&mut text, row, &widths);
    }
    text
}

fn put_row(text: &mut String, row: &[String; 5], widths: &[usize; 5]) {
    let cells: Vec<Vec<String>> = row.iter().zip(widths).map(|(c, &w)| wrap(c, w)).collect();
    for line in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
        let mut joined = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            let part = cell.get(line).map_or("", String::as_str);
            put(&mut joined, format_args!("{part:<width$}  "));
        }
        put(text, format_args!("{}\n", joined.trim_end()));
    }
}

fn as_list(rows: &[[String; 5]], head: &[&str; 5], width: usize) -> String {
    let mut text = String::new();
    for row in rows {
        put(&mut text, format_args!("{}\n", row[0]));
        for (name, cell) in head.iter().zip(row).skip(1) {
            let name = name.split(' ').next().unwrap_or(name);
            for (i, line) in wrap(cell, width - 13).iter().enumerate() {
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
    use crate::claim::{Entry, Verdict};

    #[test]
    fn the_table_fits_any_terminal() {
        let long = "a rather long text that has to be broken up into several lines ".repeat(3);
        let entry = Entry {
            id: "a-claim-with-quite-a-long-name".into(),
            experiment: "e".into(),
            statement: long.clone(),
            measure: "m".into(),
            value: 1.234e-7,
            low: -1e-5,
            high: 123456.0,
            criterion: long.clone(),
            control: long.clone(),
            control_value: f64::NAN,
            verdict: Verdict::NotReproduced,
            seeds: 3,
            reason: long,
        };
        let ledger = Ledger(vec![entry.clone(), entry]);
        for width in [30, 60, 89, 90, 100, 120, 200] {
            let text = verdicts(&ledger, width);
            let widest = text.lines().map(|l| l.chars().count()).max().unwrap();
            assert!(widest <= width, "{widest} columns in {width}:\n{text}");
            assert!(text.contains("not") && text.contains("criterion"));
        }
    }
}
