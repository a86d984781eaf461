//! The figures of `linear-probes` and the text on its findings, from its tables.

use super::tables::{Accuracy, Example, Identity, Output, Skew, Stage};
use crate::figure::{Axis, Figure, Heat, Mark, Panel, Role};
use crate::stats::observations::Observations;
use crate::stats::{max, mean};
use crate::table::Tables;
use crate::table::record::Word;
use crate::text::number;

pub(super) fn draw(tables: &Tables) -> Vec<Figure> {
    let mut figure = Figure::new(
        "xor-probes",
        "Output of a linear probe for the XOR of two features over their levels, noiseless, on one scale: \
         1 where it should hold and −1 elsewhere; the line is where the probe changes its mind. Dots are \
         held-out examples. These are at the first seed; the last two panels have a dot for every seed: accuracy by what \
         the probe reads, and after layers whose directions have more and more positive entries.",
    ).of::<Output>().of::<Example>().of::<Accuracy>().of::<Skew>();
    let (plane, examples) = (tables.rows::<Output>(), tables.rows::<Example>());
    for &stage in Stage::ALL {
        let rows = || plane.iter().filter(|r| r.stage == stage);
        let levels = rows().map(|r| r.a).levels();
        let output: Vec<f64> = rows().map(|r| r.output).collect();
        let title = match stage {
            Stage::Input => "probe on the input",
            Stage::LinearLayer => "probe on the layer without GELU",
            Stage::AlignedLayer => "probe on GELU, a neuron each",
            Stage::GeluLayer => "probe on the GELU layer",
        };
        let mut panel = Panel::new(
            title,
            Axis::linear("level of feature A"),
            Axis::linear("level of feature B"),
        )
        .mark(Mark::Heat(Heat {
            label: "probe output".into(),
            values: output
                .chunks(levels.len().max(1))
                .map(<[f64]>::to_vec)
                .collect(),
            x: levels.clone(),
            y: levels,
            range: Some((-1.5, 1.5)),
            diverging: true,
            contour: Some(0.0),
        }));
        for (xor, role, label) in [
            (0, Role::Other(0), "none or both on"),
            (1, Role::Other(2), "one on"),
        ] {
            let rows = examples.iter().filter(|r| r.xor == xor);
            panel = panel.scatter(role, label, rows.map(|r| (r.a, r.b)));
        }
        figure = figure.panel(panel);
    }
    let rows = tables.rows::<Accuracy>();
    let names = ["GELU layer", "neuron each", "no GELU", "input"];
    let mut accuracy = Panel::new(
        "what the probe reads",
        Axis::named("", names),
        Axis::linear("held-out examples right (%)").range(0.0, 105.0),
    );
    // The stages run from the last to the first: the names of the levels stand at the right, where no dot is near them.
    for (&stage, place) in Stage::ALL.iter().rev().zip(0u32..) {
        let role = match stage {
            Stage::GeluLayer => Role::Gelu,
            _ => Role::Control,
        };
        let rows = rows.iter().filter(|r| r.stage == stage);
        let points = rows.map(|r| (f64::from(place), 100.0 * r.test));
        accuracy = accuracy.scatter(role, "", points);
    }
    let skews = tables.rows::<Skew>();
    let skew = Panel::new(
        "skewed directions",
        Axis::linear("share of positive entries"),
        Axis::linear("held-out examples right (%)").range(0.0, 105.0),
    );
    let points = skews.iter().map(|r| (r.positive_share, 100.0 * r.test));
    let accuracy = accuracy
        .level(95.0, "≥ 95 after")
        .level(55.0, "≤ 55 before");
    vec![
        figure
            .panel(accuracy)
            .panel(skew.scatter(Role::Gelu, "", points)),
    ]
}

pub(super) fn findings(tables: &Tables) -> String {
    let identity = tables.rows::<Identity>();
    if identity.is_empty() {
        return "Nothing was measured.".into();
    }
    let largest = |column: fn(&Identity) -> f64| number(max(identity.iter().map(column)));
    let accuracy = tables.rows::<Accuracy>();
    let right = |stage: Stage| {
        let rows = accuracy.iter().filter(|r| r.stage == stage);
        let test: Vec<f64> = rows.map(|r| 100.0 * r.test).collect();
        number(mean(&test))
    };
    let skews = tables.rows::<Skew>();
    let most = max(skews.iter().map(|r| r.positive_share));
    let skewed = skews.iter().filter(|r| r.positive_share == most);
    let skewed: Vec<f64> = skewed.map(|r| 100.0 * r.test).collect();
    format!(
        "A probe after the linear layer and its transpose before it differ by at most {} in outputs up to {}, {} % of \
         what rounding allows. For XOR the least-squares probe is right on {} % of the held-out examples after the GELU \
         layer, {} % without its GELU, {} % with a neuron for each feature, where none sees both, and {} % before it. (A \
         line chosen for its accuracy alone would get 75 % anywhere, by giving up one of the four cases.) The directions \
         of that layer have as many positive as negative entries: features must be skewed, as the post has it, for a response \
         along one feature that is not linear, but the XOR of two features is made linearly available without skew. With {} % of the \
         entries positive, {} % are right.",
        largest(|r| r.difference),
        largest(|r| r.largest),
        number(100.0 * max(identity.iter().map(|r| r.of_bound))),
        right(Stage::GeluLayer),
        right(Stage::LinearLayer),
        right(Stage::AlignedLayer),
        right(Stage::Input),
        number(100.0 * most),
        number(mean(&skewed)),
    )
}
