//! `response`: the response of a layer along a feature, aligned with a neuron or spread over all.

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::claim::{Claim, ClaimSpec, at_most, below};
use crate::error::Result;
use crate::experiment::{Ctx, Experiment, Needs};
use crate::experiments::one_layer::response_curve::{
    Activation, Layer, Split, distributed, levels, max_error,
};
use crate::figure::{Axis, Figure, Panel, Role};
use crate::rng::random_direction;
use crate::settings::range::{above, increasing};
use crate::stats::{all_finite, largest_step, peak};
use crate::table::median_by;
use crate::table::{Cell, Column, Table, TableSpec, Tables};
use crate::text::number;

/// See the [module](self).
pub struct Response;

crate::settings! {
    /// Settings of `response`.
    pub struct Settings {
        /// Number of neurons n of the layer.
        n: usize = 100, in 1..=1 << 20;
        /// Widths n over which non-homogeneity is compared, increasing.
        widths: Vec<usize> = vec![1, 4, 16, 64, 100, 256, 1024], in increasing(2.., 1..=1 << 20);
        /// Input levels run from −reach to reach.
        reach: f64 = 5.0, in above(0.0);
        /// Number of input levels.
        points: usize = 1000, in 20..=1 << 31;
        /// Share of the levels held out to score the two fits on.
        test_fraction: f64 = 0.2, in 0.05..=0.95;
    }
}

static CURVES: TableSpec = TableSpec {
    name: "curves",
    about: "The response at one input level.",
    columns: &[
        Column::word("activation", &["gelu", "relu"], "gelu or relu"),
        Column::word(
            "input",
            &FEATURES,
            "feature that is varied: aligned or distributed",
        ),
        Column::word(
            "output",
            &FEATURES,
            "feature that is read: aligned or distributed",
        ),
        Column::real("x", "1", "input level along the input feature"),
        Column::real("y", "1", "output level along the output feature"),
    ],
};

static NON_HOMOGENEITY: TableSpec = TableSpec {
    name: "non-homogeneity",
    about: "Non-homogeneity of the distributed-to-distributed response of a layer.",
    columns: &[
        Column::word("activation", &["gelu", "relu"], "gelu or relu"),
        Column::int("n", "neurons", "width of the layer"),
        Column::int(
            "seed",
            "",
            "seed of the split into fitted and held-out levels",
        ),
        Column::real(
            "delta_r2",
            "1",
            "R² of a parabola minus R² of a line, on held-out levels",
        ),
    ],
};

static SHAPE: Claim<1> = Claim {
    id: "same-shape-smaller",
    statement: "Read along a distributed feature, the response to an aligned one keeps its \
        shape and shrinks by √n.",
    criterion: "aligned → distributed equals aligned → aligned divided by √n, max |error| ≤ 1e-6",
    control: "a random unit direction in place of the distributed feature",
    conditions: [at_most(1e-6, "max |error|")],
};

static LINEAR: Claim<2> = Claim {
    id: "distributed-nearly-linear",
    statement: "From distributed to distributed feature the response is nearly linear, the \
        more so the wider the layer.",
    criterion: "ΔR² of distributed → distributed < 0.35 × that of aligned → aligned at n, \
        and falling from each width to the next",
    control: "ReLU, whose ΔR² does not depend on n",
    conditions: [
        below(0.35, "ΔR² over that of aligned → aligned"),
        below(1.0, "largest ΔR² ratio of a width to the one before"),
    ],
};

impl Experiment for Response {
    type Settings = Settings;

    const ID: &'static str = "response";
    const TITLE: &'static str = "Response along aligned and distributed features";
    const SUMMARY: &'static str = "A feature is a direction of unit norm among the neurons of a layer: \
        aligned with one neuron, or spread evenly over all of them. How does the output along one \
        feature respond to the input along another? All four pairs are drawn for a GELU layer and for \
        a ReLU layer. Non-homogeneity is measured as ΔR²: how much better a parabola predicts held-out \
        points of a curve than a straight line does.";
    const CLAIMS: &'static [&'static ClaimSpec] = &[&SHAPE, &LINEAR];
    const TABLES: &'static [&'static TableSpec] = &[&CURVES, &NON_HOMOGENEITY];
    const FIGURES: &'static [&'static str] = &["response-gelu", "response-relu", "non-homogeneity"];

    fn memory(s: &Settings, _: &Needs, _: usize) -> f64 {
        // The eight curves as table cells, twice over while they are written; the responses at all
        // widths; a layer of neurons and its two directions.
        let curves = 8.0 * CURVES.columns.len() as f64 * 2.0 * size_of::<Cell>() as f64;
        let widths = 2.0 * s.widths.len() as f64 * 8.0;
        let widest = s.widths.iter().copied().chain([s.n]).max().unwrap_or(0);
        s.points as f64 * (curves + widths) + widest as f64 * 24.0
    }

    fn run(s: &Settings, ctx: &Ctx) -> Result<Outcome> {
        let x = levels(s.reach, s.points);
        let units = 2 * (4 + s.widths.len()) + 2 * ctx.seeds.len();
        ctx.session.progress.start(units as u64)?;
        let gelu = Responses::compute(Activation::Gelu, s, &x, ctx)?;
        let relu = Responses::compute(Activation::Relu, s, &x, ctx)?;

        let mut outcome = Outcome::default();
        let mut non_homogeneity = Table::new(&NON_HOMOGENEITY);
        for &seed in ctx.seeds {
            let shape_error = |along: &[f64]| {
                let scaled = gelu.aligned().iter().map(|y| y / (s.n as f64).sqrt());
                max_error(along, scaled)
            };
            let random = random_direction(s.n, &mut ctx.rng(seed, "direction", 0));
            let random = gelu
                .layer
                .response(&x, &direction("aligned", s.n), &random)?;
            let [claim, control] = [&gelu.pairs[0][1], &random].map(|y| [shape_error(y)]);
            outcome.settle(&SHAPE, seed, claim, control);
            ctx.session.progress.tick()?;

            let split = Split::new(&x, s.test_fraction, &mut ctx.rng(seed, "split", 0));
            let [claim, control] = [&gelu, &relu].map(|responses| {
                let delta: Vec<f64> = responses.widths.iter().map(|y| split.delta_r2(y)).collect();
                let activation = responses.layer.activation;
                for (&n, &delta) in s.widths.iter().zip(&delta) {
                    let name = activation.name().into();
                    non_homogeneity.push([name, n.into(), seed.into(), delta.into()]);
                }
                let aligned = split.delta_r2(responses.aligned());
                let ratio = split.delta_r2(&responses.pairs[1][1]) / aligned;
                let step = all_finite("ΔR² by width", &delta).map(largest_step);
                [Ok(ratio), step]
            });
            outcome.settle(&LINEAR, seed, claim, control);
            ctx.session.progress.tick()?;
        }
        let mut curves = Table::new(&CURVES);
        gelu.tabulate(&x, &mut curves);
        relu.tabulate(&x, &mut curves);
        outcome.tables = vec![curves, non_homogeneity];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        let curves = |activation: &str, role| {
            let (name, title) = match activation {
                "gelu" => ("response-gelu", "GELU"),
                _ => ("response-relu", "ReLU"),
            };
            let mut figure = Figure::new(
                name,
                format!(
                    "Response of a {title} layer along an output feature to the level of an input \
                     feature. Each panel has its own vertical scale."
                ),
            );
            for input in FEATURES {
                for output in FEATURES {
                    let points = tables.get("curves").rows().filter(|r| {
                        r.text("activation") == activation
                            && r.text("input") == input
                            && r.text("output") == output
                    });
                    let points = points.map(|r| (r.real("x"), r.real("y")));
                    figure = figure.panel(
                        Panel::new(
                            format!("{input} → {output}"),
                            Axis::linear("input level x"),
                            Axis::linear("output level y"),
                        )
                        .line(role, title, points),
                    );
                }
            }
            figure
        };
        let mut widths = Panel::new(
            "",
            Axis::log("neurons n"),
            Axis::linear("non-homogeneity ΔR²"),
        );
        for (activation, label, role) in
            [("gelu", "GELU", Role::Gelu), ("relu", "ReLU", Role::Relu)]
        {
            let rows = tables.get("non-homogeneity").rows();
            let rows = rows.filter(|r| r.text("activation") == activation);
            let points = median_by(rows.map(|r| (r.real("n"), r.real("delta_r2"))));
            widths = widths.dotted(role, label, points);
        }
        vec![
            curves("gelu", Role::Gelu),
            curves("relu", Role::Relu),
            Figure::new(
                "non-homogeneity",
                "Non-homogeneity of the response from distributed to distributed feature against the \
                 width of the layer, at the same range of input levels; median over seeds.",
            )
            .panel(widths),
        ]
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        let rows = tables.get("non-homogeneity").rows();
        let rows = rows.filter(|r| r.text("activation") == "gelu");
        let delta = median_by(rows.map(|r| (r.real("n"), r.real("delta_r2"))));
        let error = ledger.get(SHAPE.id).map_or(f64::NAN, |e| e.value);
        let peak = peak(&delta);
        let (Some(peak), Some(first), Some(last)) = (peak, delta.first(), delta.last()) else {
            return "No widths were measured.".into();
        };
        let from = if peak.0 > first.0 {
            let (n, first) = (first.0, number(first.1));
            format!(
                "first rises a little, from {first} at n = {n} to {} at n = {}, then",
                number(peak.1),
                peak.0
            )
        } else {
            format!("starts from {} at n = {} and", number(peak.1), peak.0)
        };
        format!(
            "Read along the distributed feature, the response to the aligned one is the same curve \
             divided by √n, to within {}. From distributed to distributed feature the median ΔR² {from} \
             falls to {} at n = {}, while under ReLU, which has no scale, the width makes no difference.",
            number(error),
            number(last.1),
            last.0,
        )
    }
}

/// The two features, by the names that the tables use.
const FEATURES: [&str; 2] = ["aligned", "distributed"];

/// A unit direction: the first neuron, or 1/√n on all of them.
fn direction(feature: &str, n: usize) -> Vec<f64> {
    match feature {
        "aligned" => (0..n).map(|i| if i == 0 { 1.0 } else { 0.0 }).collect(),
        _ => distributed(n),
    }
}

/// The responses of one layer.
struct Responses {
    layer: Layer,
    /// `pairs[input][output]`, features in the order of [`FEATURES`], at n neurons.
    pairs: [[Vec<f64>; 2]; 2],
    /// Distributed to distributed, at each width.
    widths: Vec<Vec<f64>>,
}

impl Responses {
    fn compute(activation: Activation, s: &Settings, x: &[f64], ctx: &Ctx) -> Result<Self> {
        let layer = Layer {
            activation,
            exec: ctx.session.serial(),
        };
        let respond = |input: &str, output: &str, n: usize| {
            let y = layer.response(x, &direction(input, n), &direction(output, n))?;
            ctx.session.progress.tick()?;
            Ok(y)
        };
        let [a, d] = FEATURES;
        let pairs = [
            [respond(a, a, s.n)?, respond(a, d, s.n)?],
            [respond(d, a, s.n)?, respond(d, d, s.n)?],
        ];
        let widths = s
            .widths
            .iter()
            .map(|&n| respond(d, d, n))
            .collect::<Result<_>>()?;
        Ok(Responses {
            layer,
            pairs,
            widths,
        })
    }

    /// Aligned to aligned: the activation itself.
    fn aligned(&self) -> &[f64] {
        &self.pairs[0][0]
    }

    fn tabulate(&self, x: &[f64], table: &mut Table) {
        for (input, pairs) in FEATURES.into_iter().zip(&self.pairs) {
            for (output, y) in FEATURES.into_iter().zip(pairs) {
                for (&x, &y) in x.iter().zip(y) {
                    let name = self.layer.activation.name().into();
                    table.push([name, input.into(), output.into(), x.into(), y.into()]);
                }
            }
        }
    }
}
