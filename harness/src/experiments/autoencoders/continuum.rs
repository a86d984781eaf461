//! `continuum`: what does a sparse autoencoder make of features that are not discrete?

use kernels::MatRef;
use kernels::sae::{L1, Parameters, Rows, Shape, TiedL1, Variant};

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::claim::{Claim, Kind, Setting, at_least, at_most};
use crate::error::Result;
use crate::experiment::{About, Ctx, Experiment, Needs};
use crate::figure::{Axis, Figure, Panel, Role};
use crate::sae::reading;
use crate::sae::training::{self, Candidate};
use crate::stats::Fit;
use crate::stats::observations::Observations;
use crate::table::record::Word as _;
use crate::table::{Record, Table, Tables};
use crate::text::number;

mod samples;
mod settings;

use samples::{Features, Magnitude, Source, least_loss};
pub use settings::Settings;

static GROWTH: Claim<2> = Claim {
    id: "no-plateau-on-a-continuum",
    kind: Kind::Finding,
    statement: "Where features are a continuum, a larger dictionary has more living elements and a lower loss, and no \
        number of elements is the right one.",
    criterion: "L1 SAEs on points of the unit sphere in four dimensions, from 32 elements to four times as many or more: the number \
        of living elements grows at least as the power 0.5 of the number of elements, and what the loss exceeds that of an \
        element for every point by falls to at most 0.75 of it",
    control: "32 points of the same sphere as features, so that 32 elements are enough",
    conditions: [
        at_least(
            0.5,
            "exponent of the living elements in the number of elements",
        ),
        at_most(
            0.75,
            "excess loss at the most elements over that at as many as the control has features",
        ),
    ],
};

const NAMES: &[&str] = &["living-elements", "loss"];

crate::words! {
    /// Whether encoder and decoder have a matrix each.
    pub enum Encoder {
        /// One for both.
        Tied,
        /// A matrix each.
        Untied,
    }
}

crate::rows! {
    /// One sparse autoencoder on activations with one feature each.
    pub struct Dictionary in "dictionaries" {
        /// continuum: every point of a sphere; discrete: some points of it (the control)
        features: Features [""],
        /// dimensions k of the subspace whose unit sphere it is
        sphere: usize ["dimensions"],
        /// one, or varied: uniform between 0.5 and 1.5
        magnitude: Magnitude [""],
        /// tied or untied
        encoder: Encoder [""],
        /// elements n of the dictionary
        elements: usize ["elements"],
        /// seed
        seed: u64 [""],
        /// trained, or how it diverged
        end: String [""],
        /// elements that fire on at least 0.1 % of the samples, or the share that was set
        living: f64 ["elements"],
        /// active elements a sample
        l0: f64 ["elements"],
        /// squared error and penalty, mean over held-out samples
        loss: f64 ["1"],
        /// the same for a dictionary with an element for every feature
        least_loss: f64 ["1"],
    }
}

/// See the [module](self).
pub struct Continuum;

/// The data and the encoder of some dictionaries.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cell {
    features: Features,
    sphere: usize,
    magnitude: Magnitude,
    encoder: Encoder,
}

impl Experiment for Continuum {
    type Settings = Settings;

    const ABOUT: &'static About = &About {
        id: "continuum",
        title: "A continuum in place of features",
        summary: "The post closes with a doubt: that networks have no fixed number of discrete features, which are an \
        approximation to something continuous. Here every activation is one point of a sphere in a random subspace, \
        times a magnitude. Sparse autoencoders with more and more elements are trained on the whole sphere and, as the \
        control, on a few points of it.",
        claims: &[&GROWTH],
        tables: &[Dictionary::SPEC],
        figures: NAMES,
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        let sizes = s.sizes();
        let cells = 8 * s.spheres.len();
        let all = sizes.iter().flat_map(|&n| std::iter::repeat_n(n, cells));
        let samples = cells as f64 * s.held_out as f64 * (4.0 * s.width as f64 + 8.0);
        s.training.memory(s.width, all) + samples + threads as f64 * 1e6
    }

    fn most_seeds(s: &Settings) -> usize {
        s.most_seeds
    }

    fn run(s: &Settings, ctx: &Ctx) -> Result<Outcome> {
        let sizes = s.sizes();
        let mut cells = Vec::new();
        for &sphere in &s.spheres {
            for &magnitude in Magnitude::ALL {
                for &encoder in Encoder::ALL {
                    cells.extend(Features::ALL.iter().map(|&features| Cell {
                        features,
                        sphere,
                        magnitude,
                        encoder,
                    }));
                }
            }
        }
        let models = (ctx.seeds.len() * cells.len() * sizes.len()) as u64;
        ctx.session.progress.start(models * s.training.steps)?;
        let mut rows = Vec::new();
        let mut outcome = Outcome::default();
        for &seed in ctx.seeds {
            let of_seed = dictionaries(&cells, &sizes, seed, s, ctx)?;
            for pair in cells.chunks_exact(2) {
                let [claim, control] = [pair[0], pair[1]].map(|cell| conditions(&of_seed, cell, s));
                let Cell {
                    sphere,
                    magnitude,
                    encoder,
                    ..
                } = pair[0];
                let setting = Setting::new([
                    ("sphere", format!("in {sphere} dimensions")),
                    ("magnitude", magnitude.to_string()),
                    ("encoder", encoder.to_string()),
                ]);
                let point = (s.sphere, Magnitude::One, Encoder::Untied);
                let setting = if (sphere, magnitude, encoder) == point {
                    outcome.settle(&GROWTH, seed, claim.clone(), control.clone());
                    setting.point()
                } else {
                    setting
                };
                outcome.settle_in(&setting, &GROWTH, seed, claim, control);
            }
            rows.extend(of_seed);
        }
        outcome.tables = vec![Table::of(&rows)];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        draw(tables)
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        findings(tables, ledger)
    }
}

/// Trains and reads the dictionaries of a seed.
fn dictionaries(
    cells: &[Cell],
    sizes: &[usize],
    seed: u64,
    s: &Settings,
    ctx: &Ctx,
) -> Result<Vec<Dictionary>> {
    let source = |cell: &Cell| {
        // The same sphere and the same points for all cells of its dimension.
        let mut rng = ctx.rng(seed, "sphere", cell.sphere as u64);
        Source::new(s.width, cell.sphere, s.features, cell.features, &mut rng)
    };
    let sources: Vec<Source> = cells.iter().map(source).collect();
    let models: Vec<(usize, usize)> = (0..cells.len())
        .flat_map(|cell| sizes.iter().map(move |&n| (cell, n)))
        .collect();
    let candidate = |&(cell, elements): &(usize, usize)| {
        let Cell {
            features,
            sphere,
            magnitude,
            encoder,
        } = cells[cell];
        let lambda = s.lambda as f32;
        let variant = match encoder {
            Encoder::Tied => Variant::TiedL1(TiedL1 { lambda }),
            Encoder::Untied => Variant::L1(L1 {
                lambda,
                rows: Rows::Unit,
            }),
        };
        let shape = Shape {
            width: s.width,
            dictionary: elements,
        };
        let mut rng = ctx.rng(seed, "initial", elements as u64);
        Candidate {
            slug: format!("{features}-{sphere}-{magnitude}-{encoder}-{elements}-seed{seed}"),
            title: format!(
                "{encoder} dictionary of {elements} elements, {features} in {sphere} dimensions, \
                 magnitude {magnitude}, seed {seed}"
            ),
            source: cell,
            start: training::initial(shape, variant, &mut rng),
            rate: 1.0,
        }
    };
    let draw = |source: usize, step: u64| {
        let mut rng = ctx.rng(seed, "batch", step);
        sources[source]
            .draw(s.training.batch, cells[source].magnitude, &mut rng)
            .0
    };
    let candidates = models.iter().map(candidate).collect();
    let trained = training::train(candidates, &s.training, s, &ctx.session, draw)?;
    let held_out = sources.iter().zip(cells).map(|(source, cell)| {
        let mut rng = ctx.rng(seed, "held-out", 0);
        source.draw(s.held_out, cell.magnitude, &mut rng)
    });
    let held_out: Vec<(Vec<f32>, Vec<f64>)> = held_out.collect();
    let read = |(&(cell, elements), trained): (&(usize, usize), &training::Trained)| {
        let Cell {
            features,
            sphere,
            magnitude,
            encoder,
        } = cells[cell];
        let (x, magnitudes) = &held_out[cell];
        let measured = match &trained.divergence {
            None => measure(&trained.parameters, x, s, ctx),
            Some(_) => [f64::NAN; 3],
        };
        let [living, l0, loss] = measured;
        Dictionary {
            features,
            sphere,
            magnitude,
            encoder,
            elements,
            seed,
            end: trained.divergence.clone().unwrap_or("trained".into()),
            living,
            l0,
            loss,
            least_loss: least_loss(magnitudes, s.lambda),
        }
    };
    Ok(models.iter().zip(&trained).map(read).collect())
}

/// Living elements, active elements and loss on held-out samples.
fn measure(parameters: &Parameters, x: &[f32], s: &Settings, ctx: &Ctx) -> [f64; 3] {
    let x = MatRef::from_rows(x, s.width);
    let stream = reading::measure(ctx.session.parallel(), parameters, x);
    let least = s.living * x.rows() as f64;
    let living = stream.firings().iter().filter(|&&f| f as f64 >= least);
    let loss = stream.squared_error() + s.lambda * stream.l1();
    [living.count() as f64, reading::l0(&stream), loss]
}

/// The exponent and the fall of the excess loss of a cell.
fn conditions(rows: &[Dictionary], cell: Cell, s: &Settings) -> [Result<f64, String>; 2] {
    let ours = rows.iter().filter(|r| {
        let of = Cell {
            features: r.features,
            sphere: r.sphere,
            magnitude: r.magnitude,
            encoder: r.encoder,
        };
        of == cell && r.elements >= s.features
    });
    let ours: Vec<&Dictionary> = ours.collect();
    if let Some(diverged) = ours.iter().find(|r| !r.loss.is_finite()) {
        let why = format!(
            "the dictionary of {} elements {}",
            diverged.elements, diverged.end
        );
        return [Err(why.clone()), Err(why)];
    }
    let x: Vec<f64> = ours.iter().map(|r| (r.elements as f64).ln()).collect();
    let y: Vec<f64> = ours.iter().map(|r| r.living.max(1.0).ln()).collect();
    let line = Fit::linear(&x, &y);
    let excess = |r: &Dictionary| r.loss - r.least_loss;
    let fall = excess(ours[ours.len() - 1]) / excess(ours[0]);
    [Ok(line.at(1.0) - line.at(0.0)), Ok(fall)]
}

/// Curves over the number of elements, a panel a sphere.
fn draw(tables: &Tables) -> Vec<Figure> {
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
    ]
}

fn findings(tables: &Tables, ledger: &Ledger) -> String {
    let rows = tables.rows::<Dictionary>();
    let Some(largest) = rows.iter().map(|r| r.elements).max() else {
        return "No dictionary was trained.".into();
    };
    let spheres = rows.iter().map(|r| r.sphere).levels();
    let sphere = spheres[spheres.len() / 2];
    let living = |features: Features| {
        let ours = rows.iter().filter(|r| {
            (r.features, r.sphere, r.magnitude, r.encoder, r.elements)
                == (features, sphere, Magnitude::One, Encoder::Untied, largest)
        });
        ours.map(|r| (0usize, r.living))
            .medians()
            .first()
            .map_or(f64::NAN, |p| p.1)
    };
    let value = |of: fn(&crate::claim::Entry) -> f64| ledger.get(GROWTH.id).map_or(f64::NAN, of);
    format!(
        "Of {largest} elements {:.0} live on a sphere in {sphere} dimensions, and {:.0} on a few points of it. The number of \
         living elements grows as the power {} of the number of elements on the continuum and as the power {} on discrete \
         features.",
        living(Features::Continuum),
        living(Features::Discrete),
        number(value(|e| e.value)),
        number(value(|e| e.control_value)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Preset, Settings as _};

    #[test]
    fn exponent_and_fall_are_those_of_power_laws() {
        let s = Settings::preset(Preset::Default);
        assert_eq!(s.sizes(), [16, 32, 64, 128]);
        let cell = Cell {
            features: Features::Continuum,
            sphere: 4,
            magnitude: Magnitude::One,
            encoder: Encoder::Untied,
        };
        let row = |&elements: &usize| {
            let n = elements as f64;
            Dictionary {
                features: cell.features,
                sphere: cell.sphere,
                magnitude: cell.magnitude,
                encoder: cell.encoder,
                elements,
                seed: 0,
                end: "trained".into(),
                // What is below as many elements as the control has features does not count.
                living: if elements < 32 {
                    1.0
                } else {
                    2.0 * n.powf(0.75)
                },
                l0: 1.0,
                loss: 0.1 + 1.0 / n,
                least_loss: 0.1,
            }
        };
        let mut rows: Vec<Dictionary> = s.sizes().iter().map(row).collect();
        let [exponent, fall] = conditions(&rows, cell, &s).map(Result::unwrap);
        assert!((exponent - 0.75).abs() < 1e-9 && (fall - 0.25).abs() < 1e-9);
        rows[2].loss = f64::NAN;
        assert!(conditions(&rows, cell, &s)[0].is_err());
    }
}
