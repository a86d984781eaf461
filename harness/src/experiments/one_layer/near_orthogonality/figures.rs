//! The figures of `near-orthogonality` and the text on its findings, from its tables.

use super::claims::{FROM, MORE};
use super::tables::{Count, Mmcs};
use crate::claim::ledger::Ledger;
use crate::experiments::one_layer::grid;
use crate::figure::{Axis, Figure, Mark, Panel, Role};
use crate::stats::observations::Observations;
use crate::stats::{max, min};
use crate::table::Tables;
use crate::text::number;

pub(super) fn draw(tables: &Tables) -> Vec<Figure> {
    let mmcs = tables.rows::<Mmcs>();
    let counts = tables.rows::<Count>();
    let rising = Figure::new(
        "near-orthogonality",
        "Mean max cosine similarity of N random features, each on k neurons: signed ones, and the same without their \
         signs. Dotted across: the thresholds. Medians over seeds, bands from the smallest to the largest.",
    ).of::<Mmcs>();
    let available = Figure::new(
        "nearly-orthogonal-features",
        "The largest N at which the mean max cosine similarity is below a threshold, against k; the ends of the grid of N \
         stand for what lies beyond them. Medians over seeds; bands from the smallest to the largest seed.",
    ).of::<Count>();
    let similarities = |control: bool, title| {
        let rows = || mmcs.iter().filter(|r| r.control == control);
        let mut panel = Panel::new(
            title,
            Axis::log("features N"),
            Axis::linear("mean max cosine similarity").range(0.0, 1.0),
        );
        for (role, k) in Role::steps(grid::every_third(&rows().map(|r| r.k).levels())) {
            let points = || rows().filter(|r| r.k == k).map(|r| (r.features, r.mmcs));
            let band = Mark::Band {
                role,
                points: points().ranges(),
            };
            let label = format!("k = {k}");
            panel = panel.mark(band).line(role, label, points().medians());
        }
        let thresholds = counts.iter().map(|r| r.threshold).distinct();
        thresholds
            .into_iter()
            .fold(panel, |panel, at| panel.level(at, ""))
    };
    let numbers = |title, column: fn(&Count) -> f64| {
        let mut panel = Panel::new(
            title,
            Axis::log("neurons per feature k"),
            Axis::log("nearly orthogonal features"),
        );
        for (role, threshold) in Role::steps(counts.iter().map(|r| r.threshold).levels()) {
            let rows = || counts.iter().filter(|r| r.threshold == threshold);
            let points = || rows().map(|r| (r.k, column(r)));
            let band = Mark::Band {
                role,
                points: points().ranges(),
            };
            let label = format!("MMCS < {}", number(threshold));
            panel = panel.mark(band).dotted(role, label, points().medians());
        }
        panel
    };
    vec![
        rising
            .panel(similarities(false, "signed features"))
            .panel(similarities(true, "control: without their signs")),
        available
            .panel(numbers("signed features", |r| r.features))
            .panel(numbers("control: without their signs", |r| r.control)),
    ]
}

/// Returns a number of nearly orthogonal features in words. The smallest number that is tried is 2: it stands for what
/// lies below, too.
pub fn directions(count: f64) -> String {
    match count.round() {
        ..=2.0 => "fewer than 2".into(),
        count => number(count),
    }
}

pub(super) fn findings(tables: &Tables, ledger: &Ledger) -> String {
    let rows = tables.rows::<Count>();
    let Some(threshold) = rows.first().map(|r| r.threshold) else {
        return "Nothing was measured.".into();
    };
    let rows = || rows.iter().filter(|r| r.threshold == threshold);
    let counts = rows().map(|r| (r.k, r.features)).medians();
    let control = rows().map(|r| (r.k, r.control)).medians();
    let tried = tables.rows::<Mmcs>();
    let tried = tried.iter().filter(|r| r.control).map(|r| r.features).max();
    let (first, last) = (counts[0], counts[counts.len() - 1]);
    let lower = |low: (f64, f64), c: &(f64, f64)| if c.1 < low.1 { *c } else { low };
    let lowest = counts.iter().fold(first, lower);
    let dip = match lowest.0 > first.0 {
        true => format!(", by way of {} at k = {}", directions(lowest.1), lowest.0),
        false => String::new(),
    };
    let beyond = counts.iter().filter(|(k, _)| 2.0 * k >= last.0);
    let beyond = beyond.map(|(_, count)| *count);
    let grows = ledger.get(MORE.id).map_or(String::new(), |e| {
        let [value, low, high] = [e.value, e.low, e.high].map(number);
        format!("{value} ({low} to {high})")
    });
    format!(
        "At an MMCS of {}, the number of nearly orthogonal features goes from {} at k = {}{dip}, to {} at k = {}: from \
         k = {FROM} on as k to the power of {grows}, while from half of the neurons on it stays between {} and {}. Without \
         their signs the features, of which no more than {} are tried, share more and more of a direction: their number goes \
         from {} to {}.",
        number(threshold),
        directions(first.1),
        first.0,
        directions(last.1),
        last.0,
        directions(min(beyond.clone())),
        directions(max(beyond)),
        tried.unwrap_or(0),
        directions(control[0].1),
        directions(control[control.len() - 1].1),
    )
}
