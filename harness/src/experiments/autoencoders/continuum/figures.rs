//! The figures of `continuum` and the text of its findings, from its table.

use super::claims::{CERTAIN, GROWTH, LEAST_GROWTH};
use super::dictionaries::{Dictionary, Encoder};
use super::samples::{Features, Magnitude};
use crate::claim::ledger::Ledger;
use crate::figure::{Axis, Figure, Panel, Role};
use crate::stats::median;
use crate::stats::observations::Observations;
use crate::table::Tables;
use crate::table::record::Word as _;
use crate::text::{number, percent};

pub const NAMES: &[&str] = &["living-elements", "loss", "limits"];

type Column = fn(&Dictionary) -> f64;

/// Draws all figures: curves over the number of elements, a panel for each sphere and magnitude, and what limits the
/// loss.
pub fn draw(tables: &Tables) -> Vec<Figure> {
    let rows = tables.rows::<Dictionary>();
    let spheres = rows.iter().map(|r| r.sphere).levels();
    let looks = [
        (
            Features::Continuum,
            Encoder::Tied,
            Role::Distributed,
            "continuum, tied",
        ),
        (
            Features::Continuum,
            Encoder::Untied,
            Role::Other(2),
            "continuum, untied",
        ),
        (
            Features::Discrete,
            Encoder::Tied,
            Role::Control,
            "control: discrete, tied",
        ),
        (
            Features::Discrete,
            Encoder::Untied,
            Role::Other(1),
            "control: discrete, untied",
        ),
    ];
    let figure = |name: &str, caption: &str, label: &str, column: fn(&Dictionary) -> f64| {
        let mut figure = Figure::new(name, caption);
        let panels = spheres
            .iter()
            .flat_map(|&k| Magnitude::ALL.iter().map(move |&m| (k, m)));
        for (sphere, magnitude) in panels {
            let x = Axis::log("elements of the dictionary");
            let mut panel = Panel::new(
                format!("sphere in {sphere} dimensions, magnitude {magnitude}"),
                x,
                Axis::log(label),
            );
            for (features, encoder, role, name) in looks {
                let ours = rows.iter().filter(|r| {
                    (r.features, r.encoder, r.sphere, r.magnitude)
                        == (features, encoder, sphere, magnitude)
                });
                let points: Vec<(usize, f64)> = ours.map(|r| (r.elements, column(r))).collect();
                panel = panel.scatter(role, "", points.iter().map(|&(n, v)| (n as f64, v)));
                panel = panel.line(role, name, points.into_iter().medians());
            }
            figure = figure.panel(panel);
        }
        figure
    };
    vec![
        figure(
            NAMES[0],
            "Living elements against the elements that a dictionary has. Lines are medians over seeds, points are seeds.",
            "living elements",
            |r| r.living,
        ),
        figure(
            NAMES[1],
            "Loss on held-out samples over that of a dictionary with an element for every feature, minus 1. Lines are \
             medians over seeds, points are seeds.",
            "excess loss",
            |r| r.loss / r.least_loss - 1.0,
        ),
        limits(&rows),
    ]
}

/// Draws what limits the loss, encoder, dictionary or number of elements, for the untied dictionaries at magnitude 1: a
/// panel for each sphere and kind of features.
fn limits(rows: &[Dictionary]) -> Figure {
    let mut figure = Figure::new(
        NAMES[2],
        "What limits the loss, at magnitude 1: the loss of an untied autoencoder, that of the best codes (FISTA) on \
         its dictionary, and that of the best codes on a dictionary that nobody trained, with its elements spread \
         evenly over the sphere or at the discrete features, each over that of an element for every feature, minus 1. \
         From the first curve to the second the encoder limits it, from there to the third the trained dictionary, \
         below that the number of elements. What is below 0.001 is not drawn. Lines are medians over seeds, points are \
         seeds.",
    );
    let looks: [(Role, &str, Column); 3] = [
        (Role::Other(2), "the encoder's codes", |r| r.excess),
        (Role::Other(3), "best codes", |r| r.optimised_excess),
        (Role::Other(4), "best codes, spread elements", |r| {
            r.spread_excess
        }),
    ];
    for sphere in rows.iter().map(|r| r.sphere).levels() {
        for &features in Features::ALL {
            let mut panel = Panel::new(
                format!("{features}, {sphere} dimensions"),
                Axis::log("elements of the dictionary"),
                Axis::log("excess loss"),
            );
            for (role, name, column) in looks {
                let ours = rows.iter().filter(|r| {
                    (r.features, r.sphere, r.magnitude, r.encoder)
                        == (features, sphere, Magnitude::One, Encoder::Untied)
                });
                let points: Vec<(usize, f64)> = ours.map(|r| (r.elements, column(r))).collect();
                let drawn = points.iter().filter(|p| p.1 > CERTAIN);
                panel = panel.scatter(role, "", drawn.map(|&(n, v)| (n as f64, v)));
                let medians = points.into_iter().medians().into_iter();
                panel = panel.line(role, name, medians.filter(|p| p.1 > CERTAIN));
            }
            figure = figure.panel(panel);
        }
    }
    figure
}

/// Returns some sentences on how many elements are living, and what limits the loss of the largest dictionary.
pub fn findings(tables: &Tables, ledger: &Ledger) -> String {
    let rows = tables.rows::<Dictionary>();
    let Some(largest) = rows.iter().map(|r| r.elements).max() else {
        return "No dictionary was trained.".into();
    };
    let spheres = rows.iter().map(|r| r.sphere).levels();
    let sphere = spheres[spheres.len() / 2];
    let middle = |features: Features, column: Column| {
        let ours = rows.iter().filter(|r| {
            (r.features, r.sphere, r.magnitude, r.encoder, r.elements)
                == (features, sphere, Magnitude::One, Encoder::Untied, largest)
        });
        median(&ours.map(column).collect::<Vec<_>>())
    };
    let living = |features| middle(features, |r| r.living);
    let value = |of: fn(&crate::claim::Entry) -> f64| ledger.get(GROWTH.id).map_or(f64::NAN, of);
    let excess = |column| middle(Features::Continuum, column);
    let [own, best, spread] = [
        excess(|r| r.excess),
        excess(|r| r.optimised_excess),
        excess(|r| r.spread_excess),
    ];
    let parts = [
        (own - best, "the encoder"),
        (best - spread, "the trained dictionary"),
        (spread, "the number of elements"),
    ];
    let largest_part = parts.iter().max_by(|a, b| a.0.total_cmp(&b.0));
    let limit = largest_part.map_or("", |part| part.1);
    let entry = ledger.get(GROWTH.id);
    let control = match entry {
        Some(e) if e.control_high >= LEAST_GROWTH => format!(
            " The control's interval ({} to {}) reaches the claim's bound of {}, so the number of living elements does not \
             tell a continuum from discrete features; the excess loss does.",
            number(e.control_low),
            number(e.control_high),
            number(LEAST_GROWTH)
        ),
        _ => String::new(),
    };
    format!(
        "Of {largest} elements, {:.0} are living where features are all points of a sphere in {sphere} dimensions, and {:.0} \
         where they are a few points of it. The \
         number of living elements grows as the power {} of the number of elements on the continuum and as the power \
         {} on discrete features.{control} On the continuum the loss of the {largest} elements is {} above that of an element \
         for every point; with the best codes on the same dictionary it is {} above, and with the best codes on as \
         many elements spread evenly over the sphere {}. The largest part of it is due to {limit}.",
        living(Features::Continuum),
        living(Features::Discrete),
        number(value(|e| e.value)),
        number(value(|e| e.control_value)),
        percent(own),
        percent(best),
        percent(spread),
    )
}
