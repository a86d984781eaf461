//! Heat maps of the output over the levels of two features.
//!
//! The entries of both features have few values, so the neurons fall into at most four groups of neurons that hold the
//! same: one GELU for each group and cell is enough, whatever the number of neurons.

use rayon::prelude::*;

use super::settings::Settings;
use crate::error::Result;
use crate::experiment::Ctx;
use crate::experiments::one_layer::response_curve::{Layer, levels};
use crate::figure::{Axis, Figure, Heat, Mark, Panel};
use crate::rng::Rng;
use crate::stats::max;
use crate::stats::observations::Observations;
use crate::table::Tables;

crate::words! {
    /// The layer of a map, and its two features.
    pub enum Setting {
        /// Feature A on half of the neurons, feature B on all of them.
        Halves,
        /// Feature A on half of the neurons, feature B on all of them, in a layer of few neurons.
        Small,
        /// Features A and B on all neurons with random signs, as many positive as negative.
        Random,
    }
}

crate::words! {
    /// The direction along which the output is read.
    pub enum Direction {
        /// The direction of A.
        #[strum(serialize = "A")]
        A,
        /// The direction of A + B, normalised.
        #[strum(serialize = "A+B")]
        Sum,
    }
}

crate::rows! {
    /// The output of a layer with two features on, at the first seed.
    pub struct Output in "maps" {
        /// halves: A on half of the neurons, B on all; small: the same with few neurons; random: A and B on all neurons
        /// with random signs, as many positive as negative
        setting: Setting [""],
        /// direction that is read: A, or A+B normalised
        read: Direction [""],
        /// level of A
        a: f64 ["1"],
        /// level of B
        b: f64 ["1"],
        /// output level
        y: f64 ["1"],
    }
}

/// A group of neurons with the same entry of A, of B and of the direction that is read.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Group {
    neurons: usize,
    a: f64,
    b: f64,
    read: f64,
}

/// One heat map.
struct Map {
    setting: Setting,
    read: Direction,
    /// The number of neurons that A is on, and that of B.
    on: (usize, usize),
    groups: Vec<Group>,
}

/// The titles of the maps by setting and direction that is read, in the order of the figure.
const TITLES: [(Setting, Direction, &str); 4] = [
    (
        Setting::Halves,
        Direction::A,
        "A on half of the neurons, B on all",
    ),
    (Setting::Small, Direction::A, "the same in a narrow layer"),
    (Setting::Random, Direction::A, "random signs, read along A"),
    (
        Setting::Random,
        Direction::Sum,
        "random signs, read along A + B",
    ),
];

/// Computes the four maps; those with random signs at the first seed.
pub(super) fn compute(s: &Settings, ctx: &Ctx) -> Result<Vec<Output>> {
    let mut outputs = Vec::new();
    let mut maps = vec![
        halves(Setting::Halves, s.n),
        halves(Setting::Small, s.n_small),
    ];
    maps.extend(random(s.n, &mut ctx.rng(ctx.seeds[0], "signs", 0)));
    let layer = Layer::of_gelu(ctx.session.serial());
    for map in maps {
        let a = levels(s.reach * (map.on.0 as f64).sqrt(), s.points);
        let b = levels(s.reach * (map.on.1 as f64).sqrt(), s.points);
        let rows: Vec<Vec<f64>> = b.par_iter().map(|&b| map.row(layer, &a, b)).collect();
        for (&b, row) in b.iter().zip(rows) {
            outputs.extend(a.iter().zip(row).map(|(&a, y)| Output {
                setting: map.setting,
                read: map.read,
                a,
                b,
                y,
            }));
        }
        ctx.session.progress.tick()?;
    }
    Ok(outputs)
}

impl Map {
    /// Returns the output at one level of B and every level of A.
    fn row(&self, layer: Layer, a: &[f64], b: f64) -> Vec<f64> {
        let (mut before, mut after) = (vec![0f32; a.len()], vec![0f32; a.len()]);
        let mut y = vec![0.0; a.len()];
        for group in &self.groups {
            for (z, a) in before.iter_mut().zip(a) {
                *z = (a * group.a + b * group.b) as f32;
            }
            layer.apply(&before, &mut after);
            let weight = group.neurons as f64 * group.read;
            y.iter_mut()
                .zip(&after)
                .for_each(|(y, &after)| *y += weight * f64::from(after));
        }
        y
    }
}

/// Returns the map with A on the first half of `n` neurons and B on all of them.
fn halves(setting: Setting, n: usize) -> Map {
    let a = 1.0 / ((n / 2) as f64).sqrt();
    Map {
        setting,
        read: Direction::A,
        on: (n / 2, n),
        groups: vec![Group {
            neurons: n / 2,
            a,
            b: 1.0 / (n as f64).sqrt(),
            read: a,
        }],
    }
}

/// Draws two features on all `n` neurons with random signs, as many positive as negative ones, that neither cancel nor
/// are the same, and returns the maps read along A and along A + B.
fn random(n: usize, rng: &mut Rng) -> [Map; 2] {
    // The number of positive entries of A that are positive in B; as many of the negative ones are negative in B.
    let agree = loop {
        let agree = rng
            .choose(n, n / 2)
            .into_iter()
            .filter(|&i| i < n / 2)
            .count();
        if (1..n / 2).contains(&agree) {
            break agree;
        }
    };
    let size = 1.0 / (n as f64).sqrt();
    let group = |neurons, a: f64, b: f64, read| Group {
        neurons,
        a: a * size,
        b: b * size,
        read,
    };
    let differ = n / 2 - agree;
    let along_a = vec![
        group(agree, 1.0, 1.0, size),
        group(differ, 1.0, -1.0, size),
        group(differ, -1.0, 1.0, -size),
        group(agree, -1.0, -1.0, -size),
    ];
    // A + B is ±2/√n on the neurons that agree: normalised, ±1/√(their number).
    let sum = 1.0 / ((2 * agree) as f64).sqrt();
    let along_sum = vec![group(agree, 1.0, 1.0, sum), group(agree, -1.0, -1.0, -sum)];
    [(Direction::A, along_a), (Direction::Sum, along_sum)].map(|(read, groups)| Map {
        setting: Setting::Random,
        read,
        on: (n, n),
        groups,
    })
}

/// Draws the four maps side by side, each with its own scale.
pub(super) fn draw(tables: &Tables) -> Figure {
    let maps = tables.rows::<Output>();
    let mut figure = Figure::new(
        "two-features",
        "Output of a GELU layer with two features on, over their levels. First read along A, which is on \
         half of the neurons while B is on all of them, in a wide layer and in a narrow one. Then two \
         features on all neurons with random signs, as many positive as negative ones (at the first seed). The line is where \
         the output reaches a tenth of its largest value; each map has its own scale.",
    ).of::<Output>();
    for (setting, read, title) in TITLES {
        let rows = || {
            maps.iter()
                .filter(|r| r.setting == setting && r.read == read)
        };
        let (x, y) = (rows().map(|r| r.a).levels(), rows().map(|r| r.b).levels());
        let output: Vec<f64> = rows().map(|r| r.y).collect();
        let largest = max(output.iter().copied());
        let values = output.chunks(x.len().max(1)).map(<[f64]>::to_vec).collect();
        let panel = Panel::new(
            title,
            Axis::linear("level of A"),
            Axis::linear("level of B"),
        );
        figure = figure.panel(panel.mark(Mark::Heat(Heat {
            label: "output level".into(),
            x,
            y,
            values,
            range: None,
            diverging: true,
            contour: Some(largest / 10.0),
        })));
    }
    figure
}
