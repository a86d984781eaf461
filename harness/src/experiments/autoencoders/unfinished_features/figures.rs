//! The figures of `unfinished-features` and what is said of them, from its tables.

use super::elements::Category;
use super::tables::{Element, Sae, Similarity};
use crate::claim::ledger::Ledger;
use crate::experiments::many_layers::multilayer::task::Kind;
use crate::figure::{Axis, Figure, Heat, Mark, Panel, Role};
use crate::stats::observations::Observations;
use crate::stats::{mean, median, peak};
use crate::table::Tables;
use crate::table::record::Word;
use crate::text::number;

pub const NAMES: &[&str] = &["unfinished-by-layer", "reconstruction", "persistence"];

/// The models, the control last.
const KINDS: [Kind; 2] = [Kind::Trained, Kind::LookUp];

/// The three figures; a panel a model in each.
pub fn draw(tables: &Tables) -> Vec<Figure> {
    let mut shares = Figure::new(
        NAMES[0],
        "Share of the living dictionary elements of each layer that line up with an input embedding, an output \
         direction, or neither; medians over seeds. Right: the look-up model (the control).",
    );
    let mut fits = Figure::new(
        NAMES[1],
        "Explained variance against the mean number of active elements, one line a layer (light to dark from the \
         input to the output), median over seeds.",
    );
    let mut lives = Figure::new(
        NAMES[2],
        "Top: mean number of following layers in a row in which an element's direction is still there, by what it \
         lines up with. Bottom: mean max cosine similarity of the dictionary of one layer with that of another, one \
         seed.",
    );
    for kind in KINDS {
        let elements = elements(tables, kind);
        let share = Axis::linear("share of living elements").range(0.0, 1.0);
        shares = shares.panel(of_categories(kind, share, |category| {
            share_by_layer(&elements, category)
        }));
        fits = fits.panel(reconstruction(tables, kind));
        let persistence = Axis::linear("layers that it persists");
        lives = lives.panel(of_categories(kind, persistence, |category| {
            persistence_by_layer(&elements, category)
        }));
    }
    for kind in KINDS {
        lives = lives.panel(similarity(tables, kind));
    }
    vec![shares, fits, lives]
}

/// The elements of the dictionaries of one model.
fn elements(tables: &Tables, kind: Kind) -> Vec<Element> {
    let mut elements = tables.rows::<Element>();
    elements.retain(|r| r.model == kind);
    elements
}

fn of_categories(kind: Kind, y: Axis, curve: impl Fn(Category) -> Vec<(f64, f64)>) -> Panel {
    let mut panel = Panel::new(kind.word(), Axis::linear("layer l"), y);
    let looks = [Role::Other(0), Role::Other(1), Role::Other(2)];
    for (&category, look) in Category::ALL.iter().zip(looks) {
        panel = panel.dotted(look, category.word(), curve(category));
    }
    panel
}

/// For each layer the median over seeds of what `of` makes of the elements of a seed.
fn by_layer(elements: &[Element], of: impl Fn(&[&Element]) -> Option<f64>) -> Vec<(f64, f64)> {
    let mut points = Vec::new();
    for layer in elements.iter().map(|r| r.layer).levels() {
        for seed in elements.iter().map(|r| r.seed).levels() {
            let ours = elements
                .iter()
                .filter(|r| (r.layer, r.seed) == (layer, seed));
            let value = of(&ours.collect::<Vec<_>>());
            points.extend(value.map(|v| (layer, v)));
        }
    }
    points.into_iter().medians()
}

fn share_by_layer(elements: &[Element], category: Category) -> Vec<(f64, f64)> {
    by_layer(elements, |elements| {
        let ours = elements.iter().filter(|r| r.category == category);
        (!elements.is_empty()).then(|| ours.count() as f64 / elements.len() as f64)
    })
}

fn persistence_by_layer(elements: &[Element], category: Category) -> Vec<(f64, f64)> {
    by_layer(elements, |elements| {
        let ours = elements.iter().filter(|r| r.category == category);
        let lengths: Vec<f64> = ours.map(|r| r.persistence as f64).collect();
        (!lengths.is_empty()).then(|| mean(&lengths))
    })
}

fn reconstruction(tables: &Tables, kind: Kind) -> Panel {
    let mut rows = tables.rows::<Sae>();
    rows.retain(|r| r.model == kind);
    let layers = rows.iter().map(|r| r.layer).levels();
    let x = Axis::log("active elements a datapoint (L0)");
    let mut panel = Panel::new(kind.word(), x, Axis::linear("explained variance"));
    for (index, &layer) in layers.iter().enumerate() {
        let along = |column: fn(&Sae) -> f64| {
            let ours = rows.iter().filter(|r| r.layer == layer);
            ours.map(|r| (r.l1, column(r))).medians()
        };
        let (l0, variance) = (along(|r| r.l0), along(|r| r.explained_variance));
        let curve = l0.iter().zip(&variance).map(|(a, b)| (a.1, b.1));
        let of = layers.len();
        let named = index == 0 || index + 1 == of || 2 * index + 1 == of;
        let label = match named {
            true => format!("x_{layer}"),
            false => String::new(),
        };
        panel = panel.dotted(Role::Step { index, of }, label, curve);
    }
    panel
}

fn similarity(tables: &Tables, kind: Kind) -> Panel {
    let mut rows = tables.rows::<Similarity>();
    rows.retain(|r| r.model == kind);
    let layers = rows.iter().map(|r| r.layer).levels();
    let seed = rows.iter().map(|r| r.seed).min();
    let value = |layer: usize, other: usize| {
        let cell = rows
            .iter()
            .find(|r| (Some(r.seed), r.layer, r.other_layer) == (seed, layer, other));
        cell.map_or(f64::NAN, |r| r.mmcs)
    };
    let axis: Vec<f64> = layers.iter().map(|&l| l as f64).collect();
    let panel = Panel::new(
        kind.word(),
        Axis::linear("other layer"),
        Axis::linear("layer l"),
    );
    if layers.is_empty() {
        return panel;
    }
    panel.mark(Mark::Heat(Heat {
        label: "MMCS".into(),
        x: axis.clone(),
        y: axis,
        values: layers
            .iter()
            .map(|&row| layers.iter().map(|&column| value(row, column)).collect())
            .collect(),
        range: Some((0.0, 1.0)),
        diverging: false,
        contour: None,
    }))
}

/// Two sentences on where the unfinished elements are and how long directions persist.
pub fn findings(tables: &Tables, _: &Ledger) -> String {
    let said: Vec<String> = KINDS
        .into_iter()
        .filter_map(|kind| {
            let elements = elements(tables, kind);
            let shares = share_by_layer(&elements, Category::Neither);
            let (first, last) = (shares.first()?, shares.last()?);
            let peak = peak(&shares)?;
            let persistence: Vec<f64> = elements.iter().map(|r| r.persistence as f64).collect();
            Some(format!(
                "In the {kind} model the share of elements that are neither input nor output is largest after layer {}, {}, \
                 against {} at the input and {} at the output; the median element persists for {} further layers.",
                peak.0,
                number(peak.1),
                number(first.1),
                number(last.1),
                number(median(&persistence)),
            ))
        })
        .collect();
    if said.is_empty() {
        return "No model of `multilayer` has learned its data, so there is no residual stream to look into.".into();
    }
    said.join(" ")
}
