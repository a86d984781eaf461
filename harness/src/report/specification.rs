//! The specification curve of a claim as a figure: its headline measure in every setting, in order, above the options
//! of each.

use crate::claim::setting::choices;
use crate::claim::words::role;
use crate::claim::{Cell, Entry, Verdict};
use crate::figure::{Axis, Figure, Panel, Role};
use crate::stats::observations::Observations as _;
use crate::table::record::Word as _;

/// The figure of a claim with such a curve.
pub(super) fn figure<'a>(entry: &Entry, cells: impl Iterator<Item = &'a Cell>) -> Option<Figure> {
    let mut cells: Vec<&Cell> = cells.collect();
    cells.sort_by(|a, b| a.value.total_cmp(&b.value));
    if cells.is_empty() {
        return None;
    }
    let x = |place: usize| place as f64 + 1.0;
    let settings = || Axis::linear("settings, by the measure").range(0.0, x(cells.len()));

    let mut values = Panel::new(entry.measure.clone(), settings(), Axis::linear(""));
    for &verdict in Verdict::ALL {
        let ours = cells
            .iter()
            .enumerate()
            .filter(|(_, c)| c.verdict == verdict);
        let points: Vec<_> = ours.clone().map(|(i, c)| (x(i), c.value)).collect();
        if !points.is_empty() {
            values = values
                .intervals(role(verdict), ours.map(|(i, c)| (x(i), c.low, c.high)))
                .scatter(role(verdict), verdict.word(), points);
        }
    }
    let points = cells.iter().enumerate().filter(|(_, c)| c.point);
    let points: Vec<_> = points
        .map(|(i, c)| ((x(i), c.value), "point setting".into()))
        .collect();
    values = values.named(Role::Other(0), points);

    let options = cells.iter().flat_map(|c| choices(&c.setting)).distinct();
    let varied = |choice: &str| options.iter().filter(|o| o.0 == choice).count() > 1;
    // The first choice stands on top; an option that all settings share tells nothing.
    let shown: Vec<_> = options.iter().rev().filter(|o| varied(o.0)).collect();
    let names = shown
        .iter()
        .map(|(choice, option)| format!("{choice}: {option}"));
    let mut grid = Panel::new("", settings(), Axis::named("", names));
    for (row, option) in shown.iter().enumerate() {
        let chosen = |c: &&Cell| choices(&c.setting).any(|o| o == **option);
        for &verdict in Verdict::ALL {
            let ours = cells.iter().enumerate();
            let ours = ours.filter(|(_, c)| c.verdict == verdict && chosen(c));
            grid = grid.scatter(role(verdict), "", ours.map(|(i, _)| (x(i), row as f64)));
        }
    }
    let figure = Figure::new(
        format!("specification-{}", entry.id),
        format!(
            "Specification curve of {}: the claim is reproduced in {} of {} settings. Above, its measure in every setting with \
             its 95 % interval over seeds; below, the options of that setting.",
            entry.id, entry.settings_held, entry.settings
        ),
    );
    Some(figure.columns(1).panel(values).panel(grid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::reference;

    #[test]
    fn a_curve_shows_every_verdict_and_the_options_that_vary() {
        let cell = |setting: &str, value: f64, verdict| Cell {
            claim: "c".into(),
            setting: setting.into(),
            point: value == 1.0,
            verdict,
            value,
            low: value - 0.1,
            high: value + 0.1,
            control_value: 0.0,
            seeds: 5,
            reason: String::new(),
        };
        let cells = [
            cell("loss=a; layers=8; act=gelu", 1.0, Verdict::Reproduced),
            cell("loss=b; layers=8; act=gelu", 0.5, Verdict::NotReproduced),
            cell("loss=b; layers=16; act=gelu", f64::NAN, Verdict::Undecided),
        ];
        let entry = reference::LEDGER.entries.first().expect("a claim");
        assert!(figure(entry, [].into_iter()).is_none());
        let figure = figure(entry, cells.iter()).expect("a figure");
        let svg = figure.to_svg();
        for text in [
            "loss: a",
            "loss: b",
            "layers: 16",
            "not reproduced",
            "point setting",
        ] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(!svg.contains("act: gelu"));
    }
}
