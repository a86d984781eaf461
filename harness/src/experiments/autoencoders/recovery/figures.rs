//! The figures of `recovery` and the text of its findings, from its tables.

use super::claims::{BAND, DUPLICATE, DUPLICATES, OPTIMUM, RECOVERED};
use super::model::Encoder;
use super::pairs::Pair;
use super::settings::{ENOUGH, TOO_MANY};
use super::tables::{Loss, Neighbours, Sae};
use crate::claim::ledger::Ledger;
use crate::figure::{Axis, Figure, Heat, Mark, Panel, Role};
use crate::stats::observations::Observations;
use crate::stats::{max, median, min, peak};
use crate::table::Tables;
use crate::table::record::Word;
use crate::text::{number, percent};

pub const NAMES: &[&str] = &[
    "recovery-maps",
    "features-found",
    "frontier",
    "duplicates",
    "neighbour-cosines",
    "pairs",
    "excess",
    "training",
];

pub fn draw(tables: &Tables) -> Vec<Figure> {
    vec![
        maps(tables),
        by_lambda(
            tables,
            NAMES[1],
            "Mean max cosine similarity of the true features with the dictionary (MMCS), against the L1 coefficient, by the \
             number of elements for each true feature. A dot a seed; lines through medians.",
            Axis::linear("MMCS").range(0.0, 1.02),
            |r| r.mmcs,
        ),
        frontier(tables),
        by_lambda(
            tables,
            NAMES[3],
            "Share of the living elements that have another one at a cosine above 0.9, against the L1 coefficient, by the \
             number of elements for each true feature. A dot a seed; lines through medians.",
            Axis::linear("elements with a near-duplicate").range(0.0, 1.0),
            |r| r.duplicates,
        ),
        neighbours(tables),
        pairs(tables),
        by_lambda(
            tables,
            NAMES[6],
            "Loss of the encoder's codes on held-out samples above that of the best codes for the same dictionary, samples and \
             λ (FISTA), in units of the latter, by the number of elements for each true feature. A dot a seed; lines through \
             medians.",
            Axis::log("excess of the loss"),
            |r| r.excess,
        ),
        training(tables),
    ]
}

const LAMBDA: &str = "L1 coefficient λ";

/// Returns the rows of `saes` of one kind of encoder, with a penalty, that were trained longest.
fn saes(tables: &Tables, encoder: Encoder) -> Vec<Sae> {
    let mut rows = tables.rows::<Sae>();
    let longest = rows.iter().map(|r| r.steps).max();
    rows.retain(|r| r.encoder == encoder && r.lambda > 0.0 && Some(r.steps) == longest);
    rows
}

/// Draws a measure against λ, a line for each ratio and a panel for each kind of encoder.
fn by_lambda(
    tables: &Tables,
    name: &str,
    caption: &str,
    y: Axis,
    measure: fn(&Sae) -> f64,
) -> Figure {
    let mut figure = Figure::new(name, caption).of::<Sae>();
    for &encoder in Encoder::ALL {
        let rows = saes(tables, encoder);
        let mut panel = Panel::new(encoder.word(), Axis::log(LAMBDA), y.clone());
        let ratios = rows.iter().map(|r| r.ratio).levels();
        for (place, ratio) in ratios.into_iter().enumerate() {
            let role = Role::Other(place as u8 % 6);
            let label = format!("{ratio} per feature");
            let points = || {
                let ours = rows.iter().filter(|r| r.ratio == ratio);
                ours.map(|r| (r.lambda, measure(r)))
            };
            panel =
                panel
                    .line(role, label.clone(), points().medians())
                    .scatter(role, label, points());
        }
        figure = figure.panel(panel);
    }
    figure
}

/// Draws MMCS, dead elements and loss over λ and ratio.
fn maps(tables: &Tables) -> Figure {
    let mut figure = Figure::new(
        NAMES[0],
        "Mean max cosine similarity of the true features with the dictionary (contour: 0.9), share of dead elements and \
         loss on held-out samples, over the L1 coefficient and the number of elements for each true feature; median over \
         seeds.",
    ).of::<Sae>();
    /// The content of a map: the value of a cell, its name, the ends of its scale, and the value of a contour.
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
        // One scale for both kinds of encoder.
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
            // Even cells, however far apart the λ and the ratios are.
            let places = |n: usize| (0..n).map(|i| i as f64).collect();
            let heat = Heat {
                label: label.into(),
                values: y
                    .iter()
                    .map(|&r| x.iter().map(|&l| value(l, r)).collect())
                    .collect(),
                x: places(x.len()),
                y: places(y.len()),
                range: range.or(ends),
                diverging: false,
                contour,
            };
            let panel = Panel::new(
                format!("{label}, {encoder}"),
                Axis::values(LAMBDA, &x),
                Axis::values("elements per feature", &y),
            );
            figure = figure.panel(panel.mark(Mark::Heat(heat)));
        }
    }
    figure
}

/// Draws explained variance against L0 along λ.
fn frontier(tables: &Tables) -> Figure {
    let mut figure = Figure::new(
        NAMES[2],
        "Explained variance against the mean number of active elements, by the number of elements for each true feature. A \
         dot a seed and λ; lines through medians over seeds. Models with less than 0.1 active elements are left out.",
    ).of::<Sae>();
    for encoder in [Encoder::Untied, Encoder::Tied] {
        let mut panel = Panel::new(
            encoder.word(),
            Axis::log("active elements (L0)"),
            Axis::linear("explained variance").range(0.0, 1.05),
        );
        let rows = saes(tables, encoder);
        let ratios = rows.iter().map(|r| r.ratio).levels();
        for (role, ratio) in Role::steps(ratios) {
            let ours = || rows.iter().filter(|r| r.ratio == ratio);
            let curve = |measure: fn(&Sae) -> f64| ours().map(|r| (r.lambda, measure(r))).medians();
            let medians = curve(|r| r.l0)
                .into_iter()
                .zip(curve(|r| r.explained_variance));
            let medians = medians.map(|((_, l0), (_, explained))| (l0, explained));
            let seeds = ours().map(|r| (r.l0, r.explained_variance));
            let label = format!("{ratio} per feature");
            panel = panel
                .line(role, label.clone(), medians.filter(|p| p.0 > 0.1))
                .scatter(role, label, seeds.filter(|p| p.0 > 0.1));
        }
        figure = figure.panel(panel);
    }
    figure
}

/// Draws the histogram of the largest cosine with another element.
fn neighbours(tables: &Tables) -> Figure {
    let rows = tables.rows::<Neighbours>();
    let width = rows.first().map_or(0.0, |r| r.to - r.from);
    let mut panel = Panel::new(
        "",
        Axis::linear("largest cosine with another living element").range(0.0, 1.0),
        Axis::linear("share of the living elements"),
    );
    for (ratio, role, label) in [
        (TOO_MANY, Role::Control, "control: 2 elements per feature"),
        (ENOUGH, Role::Distributed, "1 element per feature"),
    ] {
        let shares = || {
            let ours = rows.iter().filter(|r| r.ratio == ratio);
            ours.map(|r| (r.from, r.share))
        };
        let bins = shares().medians().into_iter();
        let bins = bins.map(|(from, share)| (from, from + width, share));
        let spread = shares().ranges().into_iter();
        // A bin that is empty at every seed has no spread to show.
        let spread = spread.filter(|&(_, _, high)| high > 0.0);
        let spread = spread.map(|(from, low, high)| (from + width / 2.0, low, high));
        panel = panel.bars(role, label, bins).intervals(role, spread);
    }
    let caption = "Living elements of untied dictionaries by the largest cosine with another one, at the λ where the MMCS is \
        largest: medians over seeds, with lines from the smallest to the largest.";
    Figure::new(NAMES[4], caption)
        .of::<Neighbours>()
        .columns(1)
        .panel(panel)
}

/// Draws how often near-duplicates fire together against the cosine of their encoders.
fn pairs(tables: &Tables) -> Figure {
    let rows = tables.rows::<Pair>();
    let mut panel = Panel::new(
        "",
        Axis::linear("cosine of the two encoders"),
        Axis::linear("firing together").range(0.0, 1.0),
    );
    let ratios = rows.iter().map(|r| r.ratio).levels();
    for (place, ratio) in ratios.into_iter().enumerate() {
        let ours = rows.iter().filter(|r| r.ratio == ratio);
        let points = ours.map(|r| (r.encoder_cosine, r.together));
        let label = format!("{ratio} per feature");
        panel = panel.scatter(Role::Other(place as u8 % 6), label, points);
    }
    Figure::new(
        NAMES[5],
        "Near-duplicates: living elements of untied dictionaries with their nearest other one, where the cosine of the two is \
         above 0.9. Across: the cosine of their rows of the encoder. Up: the samples on which both fire over those on which \
         either does. At the λ where the MMCS is largest, all seeds.",
    ).of::<Pair>()
    .columns(1)
    .panel(panel)
}

/// Draws the losses of the training batches by step.
fn training(tables: &Tables) -> Figure {
    let mut figure = Figure::new(
        NAMES[7],
        "Loss of the training batches, reconstruction and penalty, of the models with as many elements as true features; \
         median over seeds, bands from the smallest to the largest.",
    ).of::<Loss>();
    for encoder in [Encoder::Untied, Encoder::Tied] {
        let mut rows = tables.rows::<Loss>();
        rows.retain(|r| r.encoder == encoder && r.ratio == ENOUGH && r.lambda > 0.0);
        let mut panel = Panel::new(encoder.word(), Axis::linear("step"), Axis::log("loss"));
        let lambdas = rows.iter().map(|r| r.lambda).levels();
        for (role, lambda) in Role::steps(lambdas) {
            let loss = || {
                let ours = rows.iter().filter(|r| r.lambda == lambda);
                ours.map(|r| (r.step, r.reconstruction + r.sparsity))
            };
            let points = loss().ranges();
            panel = panel.mark(Mark::Band { role, points });
            panel = panel.line(role, format!("λ = {lambda}"), loss().medians());
        }
        figure = figure.panel(panel);
    }
    figure
}

pub fn findings(tables: &Tables, ledger: &Ledger) -> String {
    let rows = saes(tables, Encoder::Untied);
    let of = |ratio: f64| rows.iter().filter(move |r| r.ratio == ratio);
    let curve = of(ENOUGH).map(|r| (r.lambda, r.mmcs)).medians();
    let band: Vec<f64> = curve
        .iter()
        .filter(|p| p.1 > RECOVERED)
        .map(|p| p.0)
        .collect();
    let band = match (band.first(), band.last(), peak(&curve)) {
        (Some(&from), Some(&to), _) if from < to => {
            format!(
                "recover the features (MMCS > {RECOVERED}) for λ from {} to {} ({} decades) of the values tried",
                number(from),
                number(to),
                number((to / from).log10())
            )
        }
        (Some(&at), ..) => format!(
            "recover the features (MMCS > {RECOVERED}) at λ = {} alone, of the values tried",
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
    let entry = |id, f: fn(&crate::claim::Entry) -> f64| ledger.get(id).map_or(f64::NAN, f);
    let pairs = tables.rows::<Pair>();
    let of_pairs = |column: fn(&Pair) -> f64| {
        let ours = pairs.iter().filter(|p| p.ratio == TOO_MANY);
        median(&ours.map(column).collect::<Vec<_>>())
    };
    let paired = match pairs.iter().any(|p| p.ratio == TOO_MANY) {
        true => format!(
            " The two elements of such a pair read along encoders at a median cosine of {} and fire together on {} of the \
             samples on which either fires.",
            number(of_pairs(|p| p.encoder_cosine)),
            percent(of_pairs(|p| p.together))
        ),
        false => String::new(),
    };
    format!(
        "Untied SAEs with as many elements as features {band}; without a penalty their MMCS is {}. Of their living elements, \
         {} have a near-duplicate (cosine above {DUPLICATE}); where there are two elements for each feature, and nothing else \
         is left to learn, {} do.{paired} The loss of the encoder's codes is {} above the best for the same dictionary; read \
         by its transpose, it would be {} above.",
        number(entry(BAND.id, |e| e.control_value)),
        percent(entry(DUPLICATES.id, |e| e.value)),
        percent(entry(DUPLICATES.id, |e| e.control_value)),
        percent(entry(OPTIMUM.id, |e| e.value)),
        percent(entry(OPTIMUM.id, |e| e.control_value)),
    )
}
