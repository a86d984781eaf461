//! `response`: the response of a layer along a feature, aligned with a neuron or spread over all.

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::claim::{Claim, Kind, at_most, below};
use crate::error::Result;
use crate::experiment::{About, Ctx, Experiment, Needs};
use crate::experiments::one_layer::response_curve::{
    Activation, Layer, Split, distributed, levels, max_error,
};
use crate::figure::{Axis, Figure, Panel, Role};
use crate::rng::random_direction;
use crate::settings::range::{above, increasing};
use crate::stats::observations::Observations;
use crate::stats::{all_finite, largest_step, peak};
use crate::table::record::Word;
use crate::table::{Record, Table, Tables};
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

crate::words! {
    /// A feature, by the neurons that it is on.
    pub enum Feature {
        /// The first neuron alone.
        Aligned,
        /// All neurons alike.
        Distributed,
    }
}

crate::rows! {
    /// The response at one input level.
    pub struct Point in "curves" {
        /// gelu or relu
        activation: Activation [""],
        /// feature that is varied: aligned or distributed
        input: Feature [""],
        /// feature that is read: aligned or distributed
        output: Feature [""],
        /// input level along the input feature
        x: f64 ["1"],
        /// output level along the output feature
        y: f64 ["1"],
    }
}

crate::rows! {
    /// Non-homogeneity of the distributed-to-distributed response of a layer.
    pub struct NonHomogeneity in "non-homogeneity" {
        /// gelu or relu
        activation: Activation [""],
        /// width of the layer
        n: usize ["neurons"],
        /// seed of the split into fitted and held-out levels
        seed: u64 [""],
        /// R² of a parabola minus R² of a line, on held-out levels
        delta_r2: f64 ["1"],
    }
}

static SHAPE: Claim<1> = Claim {
    id: "same-shape-smaller",
    kind: Kind::Identity,
    statement: "Read along a distributed feature, the response to an aligned one keeps its \
        shape and shrinks by √n.",
    criterion: "aligned → distributed equals aligned → aligned divided by √n, max |error| ≤ 1e-6",
    control: "a random unit direction in place of the distributed feature",
    conditions: [at_most(1e-6, "max |error|")],
};

static LINEAR: Claim<2> = Claim {
    id: "distributed-nearly-linear",
    kind: Kind::Law,
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

    const ABOUT: &'static About = &About {
        id: "response",
        title: "Response along aligned and distributed features",
        summary: "A feature is a direction of unit norm among the neurons of a layer: \
        aligned with one neuron, or spread evenly over all of them. How does the output along one \
        feature respond to the input along another? All four pairs are drawn for a GELU layer and for \
        a ReLU layer. Non-homogeneity is measured as ΔR²: how much better a parabola predicts held-out \
        points of a curve than a straight line does.",
        claims: &[&SHAPE, &LINEAR],
        tables: &[Point::SPEC, NonHomogeneity::SPEC],
        figures: &["response-gelu", "response-relu", "non-homogeneity"],
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, _: usize) -> f64 {
        // The eight curves as rows; the responses at all widths; a layer of neurons and its two directions.
        let curves = 8.0 * (Point::MEMORY + 8.0);
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
        let mut non_homogeneity = Vec::new();
        for &seed in ctx.seeds {
            let shape_error = |along: &[f64]| {
                let scaled = gelu.aligned().iter().map(|y| y / (s.n as f64).sqrt());
                max_error(along, scaled)
            };
            let random = random_direction(s.n, &mut ctx.rng(seed, "direction", 0));
            let aligned = Feature::Aligned.direction(s.n);
            let random = gelu.layer.response(&x, &aligned, &random)?;
            let distributed = gelu.pair(Feature::Aligned, Feature::Distributed);
            let [claim, control] = [distributed, &random].map(|y| [shape_error(y)]);
            outcome.settle(&SHAPE, seed, claim, control);
            ctx.session.progress.tick()?;

            let split = Split::new(&x, s.test_fraction, &mut ctx.rng(seed, "split", 0));
            let [claim, control] = [&gelu, &relu].map(|responses| {
                let delta: Vec<f64> = responses.widths.iter().map(|y| split.delta_r2(y)).collect();
                let row = |(&n, &delta_r2)| NonHomogeneity {
                    activation: responses.layer.activation,
                    n,
                    seed,
                    delta_r2,
                };
                non_homogeneity.extend(s.widths.iter().zip(&delta).map(row));
                let aligned = split.delta_r2(responses.aligned());
                let distributed = responses.pair(Feature::Distributed, Feature::Distributed);
                let ratio = split.delta_r2(distributed) / aligned;
                let step = all_finite("ΔR² by width", &delta).map(largest_step);
                [Ok(ratio), step]
            });
            outcome.settle(&LINEAR, seed, claim, control);
            ctx.session.progress.tick()?;
        }
        let curves = [gelu.points(&x), relu.points(&x)].concat();
        outcome.tables = vec![Table::of(&curves), Table::of(&non_homogeneity)];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        let points = tables.rows::<Point>();
        let curves = |name, activation| {
            let (title, role) = look(activation);
            let mut figure = Figure::new(
                name,
                format!(
                    "Response of a {title} layer along an output feature to the level of an input \
                     feature. Each panel has its own vertical scale."
                ),
            );
            for &input in Feature::ALL {
                for &output in Feature::ALL {
                    let pair = (activation, input, output);
                    let rows = points
                        .iter()
                        .filter(|r| (r.activation, r.input, r.output) == pair);
                    figure = figure.panel(
                        Panel::new(
                            format!("{input} → {output}"),
                            Axis::linear("input level x"),
                            Axis::linear("output level y"),
                        )
                        .line(role, title, rows.map(|r| (r.x, r.y))),
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
        for &activation in Activation::ALL {
            let (title, role) = look(activation);
            widths = widths.dotted(role, title, by_width(tables, activation));
        }
        vec![
            curves("response-gelu", Activation::Gelu),
            curves("response-relu", Activation::Relu),
            Figure::new(
                "non-homogeneity",
                "Non-homogeneity of the response from distributed to distributed feature against the \
                 width of the layer, at the same range of input levels; median over seeds.",
            )
            .panel(widths),
        ]
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        let delta = by_width(tables, Activation::Gelu);
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

/// Name and role of the layer of an activation in figures.
fn look(activation: Activation) -> (&'static str, Role) {
    match activation {
        Activation::Gelu => ("GELU", Role::Gelu),
        Activation::Relu => ("ReLU", Role::Relu),
    }
}

/// The median over seeds of ΔR², by the width of the layer.
fn by_width(tables: &Tables, activation: Activation) -> Vec<(f64, f64)> {
    let rows = tables.rows::<NonHomogeneity>();
    let rows = rows.iter().filter(|r| r.activation == activation);
    rows.map(|r| (r.n, r.delta_r2)).medians()
}

impl Feature {
    /// Its unit direction among `n` neurons.
    fn direction(self, n: usize) -> Vec<f64> {
        match self {
            Feature::Aligned => (0..n).map(|i| if i == 0 { 1.0 } else { 0.0 }).collect(),
            Feature::Distributed => distributed(n),
        }
    }
}

/// The responses of one layer.
struct Responses {
    layer: Layer,
    /// The response from each feature to each, at n neurons.
    pairs: Vec<(Feature, Feature, Vec<f64>)>,
    /// The response from distributed to distributed feature, at each width.
    widths: Vec<Vec<f64>>,
}

impl Responses {
    fn compute(activation: Activation, s: &Settings, x: &[f64], ctx: &Ctx) -> Result<Self> {
        let layer = Layer {
            activation,
            exec: ctx.session.serial(),
        };
        let respond = |input: Feature, output: Feature, n: usize| {
            let y = layer.response(x, &input.direction(n), &output.direction(n))?;
            ctx.session.progress.tick()?;
            Ok(y)
        };
        let mut pairs = Vec::new();
        for &input in Feature::ALL {
            for &output in Feature::ALL {
                pairs.push((input, output, respond(input, output, s.n)?));
            }
        }
        let at_width = |&n| respond(Feature::Distributed, Feature::Distributed, n);
        let widths = s.widths.iter().map(at_width).collect::<Result<_>>()?;
        Ok(Responses {
            layer,
            pairs,
            widths,
        })
    }

    /// The response from one feature to another.
    fn pair(&self, input: Feature, output: Feature) -> &[f64] {
        let found = self.pairs.iter().find(|p| (p.0, p.1) == (input, output));
        &found.expect("every pair is computed").2
    }

    /// The response from aligned to aligned feature: the activation itself.
    fn aligned(&self) -> &[f64] {
        self.pair(Feature::Aligned, Feature::Aligned)
    }

    /// The responses as rows.
    fn points(&self, x: &[f64]) -> Vec<Point> {
        let mut points = Vec::new();
        for (input, output, y) in &self.pairs {
            points.extend(x.iter().zip(y).map(|(&x, &y)| Point {
                activation: self.layer.activation,
                input: *input,
                output: *output,
                x,
                y,
            }));
        }
        points
    }
}
