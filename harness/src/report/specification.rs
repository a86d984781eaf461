//! The specification curve of a claim as a figure: the headline measure in every setting, in increasing order, above
//! the options of each setting.

use crate::claim::ClaimSpec;
use crate::claim::setting::choices;
use crate::claim::words::{self, role};
use crate::claim::{Cell, Curve, Entry, Verdict};
use crate::figure::{Axis, Figure, Panel, Role};
use crate::stats::observations::Observations as _;
use crate::table::record::Word as _;

/// Returns the figure of a claim's specification curve, or `None` without cells. The bounds of the headline are drawn
/// if the criterion of `claim` is that of `entry`.
pub(super) fn figure<'a>(
    entry: &Entry,
    claim: Option<&ClaimSpec>,
    cells: impl Iterator<Item = &'a Cell>,
) -> Option<Figure> {
    let mut cells: Vec<&Cell> = cells.collect();
    cells.sort_by(|a, b| a.value.total_cmp(&b.value));
    if cells.is_empty() {
        return None;
    }
    let x = |place: usize| place as f64 + 1.0;
    let settings = || Axis::whole("settings, in the order of the measure", 1, cells.len());

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
    if let Some(claim) = claim.filter(|claim| claim.criterion == entry.criterion) {
        let headline = &claim.conditions[0];
        let bound = format!("criterion: {}", headline.bound.text());
        values = match headline.opposite {
            None => values.level(headline.bound.value(), bound),
            Some(opposite) if opposite.value() == headline.bound.value() => values.level(
                opposite.value(),
                format!("{bound}, reversed: {}", opposite.text()),
            ),
            Some(opposite) => values
                .level(headline.bound.value(), bound)
                .level(opposite.value(), format!("reversed: {}", opposite.text())),
        };
    }

    // The options of one choice stand together.
    let choices_in_order = cells.iter().flat_map(|c| choices(&c.setting)).map(|o| o.0);
    let choices_in_order = choices_in_order.distinct();
    let mut options = cells.iter().flat_map(|c| choices(&c.setting)).distinct();
    options.sort_by_key(|o| choices_in_order.iter().position(|choice| *choice == o.0));
    let varied = |choice: &str| options.iter().filter(|o| o.0 == choice).count() > 1;
    // The first choice stands on top. A choice that has the same option in all settings is left out.
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
            "Specification curve of {}: the claim {}. Above, its measure in every setting with its 95 % interval over seeds; \
             below, the options of that setting.",
            entry.id,
            words::settings(Curve::of(cells.iter().copied()))
        ),
    );
    Some(figure.columns(1).panel(values).panel(grid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::{Bound, Kind, at_least, reference};

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
        assert!(figure(entry, None, [].into_iter()).is_none());
        let claim = ClaimSpec {
            id: "c",
            kind: Kind::Finding,
            statement: "",
            criterion: entry.criterion.clone().leak(),
            control: "",
            conditions: [at_least(0.7, "m").opposite(Bound::Below(0.6))],
        };
        let figure = figure(entry, Some(&claim), cells.iter()).expect("a figure");
        let svg = figure.to_svg();
        for text in [
            "loss: a",
            "loss: b",
            "layers: 16",
            "not reproduced",
            "point setting",
            "criterion: ≥ 0.7",
            "reversed: &lt; 0.6",
        ] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(!svg.contains("act: gelu"));
    }
}
