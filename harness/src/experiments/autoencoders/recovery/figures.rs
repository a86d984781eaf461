//! The figures of `recovery` and what is said of them, from its tables.

use super::claims::{BAND, DUPLICATE, DUPLICATES, OPTIMUM, RECOVERED};
use super::model::Encoder;
use super::optimum::{Cheapest, Kind};
use super::settings::JUDGED_RATIO;
use super::tables::{Loss, Neighbours, Sae};
use crate::claim::ledger::Ledger;
use crate::figure::{Axis, Figure, Heat, Mark, Panel, Role};
use crate::stats::observations::Observations;
use crate::stats::{max, median, min, peak};
use crate::table::Tables;
use crate::table::record::Word;
use crate::text::number;

pub const NAMES: &[&str] = &[
    "recovery-maps",
    "frontier",
    "neighbour-cosines",
    "cheapest-codes",
    "training",
];

pub fn draw(tables: &Tables) -> Vec<Figure> {
    vec![
        maps(tables),
        frontier(tables),
        neighbours(tables),
        optimum(tables),
        training(tables),
    ]
}

const LAMBDA: &str = "L1 coefficient λ";

/// Rows of `saes` of one kind of encoder, with a penalty.
fn saes(tables: &Tables, encoder: Encoder) -> Vec<Sae> {
    let mut rows = tables.rows::<Sae>();
    rows.retain(|r| r.encoder == encoder && r.lambda > 0.0);
    rows
}

/// MMCS, dead elements and loss over λ and ratio.
fn maps(tables: &Tables) -> Figure {
    let mut figure = Figure::new(
        NAMES[0],
        "Mean max cosine similarity of the true features with the dictionary (contour: 0.9), share of dead elements and \
         loss on held-out samples, over the L1 coefficient and the number of elements for each true feature; median over \
         seeds. Left: untied, right: tied.",
    );
    /// What a map shows: the value of a cell, its name, the ends of its scale, and where a contour runs.
    type Map = (
        fn(&Sae) -> f64,
        &'static str,
        Option<(f64, f64)>,
        Option<f64>,
    );
    let measures: [Map; 3] = [
        (|r| r.mmcs, "MMCS", Some((0.0, 1.0)), Some(RECOVERED)),
        (|r| r.dead, "dead elements", Some((0.0, 1.0)), None),
        (|r| r.loss, "loss", None, None),
    ];
    for (measure, label, range, contour) in measures {
        // One scale for both.
        let both = [Encoder::Untied, Encoder::Tied]
            .into_iter()
            .flat_map(|e| saes(tables, e));
        let finite: Vec<f64> = both
            .map(|r| measure(&r))
            .filter(|v| v.is_finite())
            .collect();
        let values = || finite.iter().copied();
        let ends = (!finite.is_empty()).then(|| (min(values()), max(values())));
        for encoder in [Encoder::Untied, Encoder::Tied] {
            let rows = saes(tables, encoder);
            let x = rows.iter().map(|r| r.lambda).levels();
            let y = rows.iter().map(|r| r.ratio).levels();
            let value = |lambda: f64, ratio: f64| {
                let cell = rows
                    .iter()
                    .filter(|r| r.lambda == lambda && r.ratio == ratio)
                    .map(measure);
                median(&cell.collect::<Vec<_>>())
            };
            let heat = Heat {
                label: label.into(),
                values: y
                    .iter()
                    .map(|&r| x.iter().map(|&l| value(l, r)).collect())
                    .collect(),
                x,
                y,
                range: range.or(ends),
                diverging: false,
                contour,
            };
            let panel = Panel::new(
                format!("{label}, {encoder}"),
                Axis::log(LAMBDA),
                Axis::log("elements per feature"),
            );
            figure = figure.panel(panel.mark(Mark::Heat(heat)));
        }
    }
    figure
}

/// L0 against explained variance along λ.
fn frontier(tables: &Tables) -> Figure {
    let mut figure = Figure::new(
        NAMES[1],
        "Explained variance against the mean number of active elements, one point a λ, one line a number of elements for \
         each true feature; medians over seeds. Models with less than 0.1 active elements are left out.",
    );
    for encoder in [Encoder::Untied, Encoder::Tied] {
        let mut panel = Panel::new(
            encoder.word(),
            Axis::log("active elements (L0)"),
            Axis::linear("explained variance").range(0.0, 1.05),
        );
        let rows = saes(tables, encoder);
        let ratios = rows.iter().map(|r| r.ratio).levels();
        for (role, ratio) in Role::steps(ratios) {
            let curve = |measure: fn(&Sae) -> f64| {
                let rows = rows.iter().filter(|r| r.ratio == ratio);
                rows.map(|r| (r.lambda, measure(r))).medians()
            };
            let points = curve(|r| r.l0)
                .into_iter()
                .zip(curve(|r| r.explained_variance));
            let points = points
                .map(|((_, l0), (_, explained))| (l0, explained))
                .filter(|p| p.0 > 0.1);
            panel = panel.dotted(role, format!("ratio {ratio}"), points);
        }
        figure = figure.panel(panel);
    }
    figure
}

/// Histogram of the largest cosine with another element.
fn neighbours(tables: &Tables) -> Figure {
    let rows = tables.rows::<Neighbours>();
    let width = rows.first().map_or(0.0, |r| r.to - r.from);
    let bins = |penalised: bool| {
        let rows = rows.iter().filter(|r| (r.lambda > 0.0) == penalised);
        let shares = rows.map(|r| (r.from, r.share)).medians();
        shares
            .into_iter()
            .map(move |(from, share)| (from, from + width, share))
    };
    let panel = Panel::new(
        "",
        Axis::linear("largest cosine with another alive element").range(0.0, 1.0),
        Axis::linear("share of alive elements"),
    )
    .bars(Role::Control, "control: λ = 0", bins(false))
    .bars(Role::Distributed, "λ of the largest MMCS", bins(true));
    let caption = "Alive elements of untied dictionaries with two elements for each true feature, by the largest cosine \
        with another one: at the λ where the MMCS is largest, and without a penalty; median over seeds.";
    Figure::new(NAMES[2], caption).columns(1).panel(panel)
}

/// L1 norms against the least ones, and supports in common.
fn optimum(tables: &Tables) -> Figure {
    let all = tables.rows::<Cheapest>();
    let rows = |model: Kind| all.iter().filter(move |r| r.model == model);
    let kinds = [
        (Kind::Untrained, "control: before training", Role::Control),
        (Kind::Trained, "trained", Role::Distributed),
    ];
    let found = || all.iter().map(|r| r.least_l1).filter(|v| *v > 0.0);
    let (low, high) = (min(found()), max(found()));
    let mut costs = Panel::new(
        "",
        Axis::log("least L1 norm"),
        Axis::log("L1 norm of the SAE's code"),
    )
    .line(
        Role::Other(0),
        "equal",
        [(low, low), (high, high)]
            .into_iter()
            .filter(|p| p.0.is_finite()),
    );
    let mut overlaps = Panel::new(
        "",
        Axis::linear("active entries in common").range(0.0, 1.0),
        Axis::linear("share of samples").range(0.0, 1.05),
    );
    for (model, label, role) in kinds {
        let points = rows(model).map(|r| (r.least_l1, r.l1));
        costs = costs.scatter(role, label, points);
        let mut overlap: Vec<f64> = rows(model)
            .map(|r| r.overlap)
            .filter(|v| v.is_finite())
            .collect();
        overlap.sort_by(f64::total_cmp);
        // What was not proven is in no share, but among the samples.
        let n = rows(model).count() as f64;
        let below = overlap
            .iter()
            .enumerate()
            .map(|(i, &v)| (v, (i + 1) as f64 / n));
        let curve: Vec<(f64, f64)> = [(0.0, 0.0)].into_iter().chain(below).collect();
        overlaps = overlaps.line(role, label, curve);
    }
    Figure::new(
        NAMES[3],
        "Codes of held-out samples under an untied SAE with two elements for each true feature, against the non-negative \
         codes of least L1 norm for the same dictionary and the same reconstruction. Left: their L1 norms; right: the \
         share of samples with at most so large a part of the active entries of either code in common.",
    )
    .panel(costs)
    .panel(overlaps)
}

/// Losses on the way.
fn training(tables: &Tables) -> Figure {
    let mut figure = Figure::new(
        NAMES[4],
        "Loss of the training batches, reconstruction and penalty, of the models with two elements for each true feature; \
         median over seeds.",
    );
    for encoder in [Encoder::Untied, Encoder::Tied] {
        let mut rows = tables.rows::<Loss>();
        rows.retain(|r| r.encoder == encoder && r.ratio == JUDGED_RATIO && r.lambda > 0.0);
        let mut panel = Panel::new(encoder.word(), Axis::linear("step"), Axis::log("loss"));
        let lambdas = rows.iter().map(|r| r.lambda).levels();
        for (role, lambda) in Role::steps(lambdas) {
            let ours = rows.iter().filter(|r| r.lambda == lambda);
            let loss = ours
                .map(|r| (r.step, r.reconstruction + r.sparsity))
                .medians();
            panel = panel.line(role, format!("λ = {lambda}"), loss);
        }
        figure = figure.panel(panel);
    }
    figure
}

pub fn findings(tables: &Tables, ledger: &Ledger) -> String {
    let rows = saes(tables, Encoder::Untied);
    let rows = rows.iter().filter(|r| r.ratio == JUDGED_RATIO);
    let curve = rows.map(|r| (r.lambda, r.mmcs)).medians();
    let band: Vec<f64> = curve
        .iter()
        .filter(|p| p.1 > RECOVERED)
        .map(|p| p.0)
        .collect();
    let best = peak(&curve);
    let band = match (band.first(), band.last(), best) {
        (Some(&from), Some(&to), _) if from < to => {
            format!(
                "recover the features (MMCS > {RECOVERED}) for λ from {} to {}",
                number(from),
                number(to)
            )
        }
        (Some(&at), ..) => format!(
            "recover the features (MMCS > {RECOVERED}) at λ = {}",
            number(at)
        ),
        (None, _, Some((lambda, mmcs))) => {
            format!(
                "come closest to the features at λ = {}, with an MMCS of {}",
                number(lambda),
                number(mmcs)
            )
        }
        _ => "were not trained".into(),
    };
    let entry = |id, f: fn(&crate::claim::Entry) -> f64| number(ledger.get(id).map_or(f64::NAN, f));
    format!(
        "Untied SAEs with two elements for each feature {band}, against an MMCS of {} without a penalty. {} of their alive \
         elements have another one at a cosine above {DUPLICATE} ({} without a penalty), and their codes cost {} times as \
         much as the cheapest ones for the same reconstruction ({} times before training).",
        entry(BAND.id, |e| e.control_value),
        entry(DUPLICATES.id, |e| e.value),
        entry(DUPLICATES.id, |e| e.control_value),
        entry(OPTIMUM.id, |e| e.value),
        entry(OPTIMUM.id, |e| e.control_value),
    )
}
