//! The experiment `response`: how does a layer respond along a feature, aligned with a neuron or spread over all?

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::claim::{Claim, Kind, at_least, at_most, below};
use crate::error::Result;
use crate::experiment::{About, Ctx, Experiment, Needs};
use crate::experiments::one_layer::integrals::Quadrature;
use crate::experiments::one_layer::response_curve::{
    Activation, Layer, distributed, levels, max_error,
};
use crate::figure::{Axis, Figure, Panel, Role};
use crate::rng::random_direction;
use crate::settings::range::{above, increasing};
use crate::stats::exponent;
use crate::table::record::Word;
use crate::table::{Record, Table, Tables};
use crate::text::number;

/// The experiment `response`; see the [module](self).
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
    }
}

crate::words! {
    /// A feature, by the neurons that it is on.
    pub enum Feature {
        /// A feature on the first neuron alone.
        Aligned,
        /// A feature on all neurons alike.
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
        /// the input of a neuron runs from −r to r
        r: f64 ["1"],
        /// R² of a parabola minus R² of a line, over all levels
        delta_r2: f64 ["1"],
    }
}

crate::rows! {
    /// Non-homogeneity of an activation against the range of its input.
    pub struct Reach in "reach" {
        /// gelu or relu
        activation: Activation [""],
        /// the input runs from −r to r
        r: f64 ["1"],
        /// R² of a parabola minus R² of a line, over all levels
        delta_r2: f64 ["1"],
    }
}

/// The number of points of the curves of ΔR² against r.
const REACHES: usize = 81;
/// The smallest and the largest r of these curves.
const REACH_ENDS: (f64, f64) = (0.1, 100.0);

static SHAPE: Claim<1> = Claim {
    id: "same-shape-smaller",
    kind: Kind::Identity,
    statement: "Read along a distributed feature, the response to an aligned one keeps its \
        shape and shrinks by √n.",
    criterion: "aligned → distributed equals aligned → aligned divided by √n, max |error| ≤ 1e-6",
    control: "a random unit direction in place of the distributed feature",
    conditions: [at_most(1e-6, "max |error|")],
};

static LINEAR: Claim<1> = Claim {
    id: "distributed-nearly-linear",
    kind: Kind::Law,
    statement: "From distributed to distributed feature the response is nearly linear at n = 100.",
    criterion: "ΔR² of distributed → distributed < 0.35 × that of aligned → aligned, both as integrals over all levels",
    control: "ReLU, whose ΔR² does not depend on n",
    conditions: [below(0.35, "ΔR² over that of aligned → aligned")],
};

static WIDER: Claim<2> = Claim {
    id: "wider-is-more-linear",
    kind: Kind::Law,
    statement: "In wide layers the ΔR² of the response from distributed to distributed feature falls as 1/n.",
    criterion: "the slope of log ΔR² against log n, over the widths n ≥ 64, is −1 to within 0.1: between −1.1 and −0.9",
    control: "ReLU, whose ΔR² does not depend on n",
    conditions: [
        at_most(-0.9, "exponent of ΔR² against n, n ≥ 64"),
        at_least(-1.1, "exponent of ΔR² against n, n ≥ 64 (lower bound)"),
    ],
};

/// The width of the narrowest layer that the law is fitted to.
const WIDE: usize = 64;

impl Experiment for Response {
    type Settings = Settings;

    crate::no_units!();

    const ABOUT: &'static About = &About {
        id: "response",
        title: "Response along aligned and distributed features",
        summary: "A feature is a direction of unit norm among the neurons of a layer: \
        aligned with one neuron, or spread evenly over all of them. How does the output along one \
        feature respond to the input along another? All four pairs are drawn, for a GELU layer and for \
        a ReLU layer. Non-homogeneity is measured as ΔR²: how much more of the variance of a curve a parabola explains than \
        a straight line does.",
        claims: &[&SHAPE, &LINEAR, &WIDER],
        tables: &[Point::SPEC, NonHomogeneity::SPEC, Reach::SPEC],
        figures: &["response-gelu", "non-homogeneity"],
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, _: usize) -> f64 {
        // The eight curves as rows; a layer of neurons and its two directions.
        s.points as f64 * 8.0 * (Point::MEMORY + 8.0) + s.n as f64 * 24.0 + 1e6
    }

    fn conclude(s: &Settings, _: Vec<()>, ctx: &Ctx) -> Result<Outcome> {
        let x = levels(s.reach, s.points);
        let units = 2 * 4 + ctx.seeds.len();
        ctx.session.progress.start(units as u64)?;
        let gelu = Responses::compute(Activation::Gelu, s, &x, ctx)?;
        let relu = Responses::compute(Activation::Relu, s, &x, ctx)?;

        let mut outcome = Outcome::default();
        let (mut non_homogeneity, mut reaches) = (Vec::new(), Vec::new());
        let quadrature = Quadrature::default();
        let measured = [Activation::Gelu, Activation::Relu].map(|activation| {
            let at_reach = |r: f64| quadrature.delta_r2(|t| activation.at(r * t));
            reaches.extend(reach_grid().map(|r| Reach {
                activation,
                r,
                delta_r2: at_reach(r),
            }));
            // Every neuron of n does the same: the output is √n times that of one, a factor that ΔR² does not depend
            // on.
            let of_width = |n: usize| at_reach(s.reach / (n as f64).sqrt());
            non_homogeneity.extend(s.widths.iter().map(|&n| NonHomogeneity {
                activation,
                n,
                r: s.reach / (n as f64).sqrt(),
                delta_r2: of_width(n),
            }));
            let wide = s.widths.iter().filter(|n| **n >= WIDE);
            let wide: Vec<_> = wide.map(|&n| (n as f64, of_width(n))).collect();
            let slope = match wide.len() {
                0 | 1 => Err(format!("fewer than two `widths` are {WIDE} or more")),
                _ => Ok(exponent(&wide)),
            };
            (of_width(s.n) / at_reach(s.reach), slope)
        });
        let [(ratio, slope), (control_ratio, control_slope)] = measured;
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
            // Nothing of these two is drawn at random: every seed measures the same.
            outcome.settle(&LINEAR, seed, [ratio], [control_ratio]);
            let [claim, control] = [&slope, &control_slope].map(|s| [s.clone(), s.clone()]);
            outcome.settle(&WIDER, seed, claim, control);
            ctx.session.progress.tick()?;
        }
        let curves = [gelu.points(&x), relu.points(&x)].concat();
        outcome.tables = vec![
            Table::of(&curves),
            Table::of(&non_homogeneity),
            Table::of(&reaches),
        ];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        let points = tables.rows::<Point>();
        let mut curves = Figure::new(
            "response-gelu",
            "Response of a GELU layer, and of a ReLU layer beside it, along an output feature to the level of an input \
             feature. Each panel has its own vertical scale. There is no randomness in it.",
        )
        .of::<Point>();
        for &input in Feature::ALL {
            for &output in Feature::ALL {
                let mut panel = Panel::new(
                    format!("{input} → {output}"),
                    Axis::linear("input level x"),
                    Axis::linear("output level y"),
                );
                for &activation in Activation::ALL {
                    let (title, role) = look(activation);
                    let pair = (activation, input, output);
                    let rows = points
                        .iter()
                        .filter(|r| (r.activation, r.input, r.output) == pair);
                    panel = panel.line(role, title, rows.map(|r| (r.x, r.y)));
                }
                curves = curves.panel(panel);
            }
        }
        let mut reach = Panel::new(
            "",
            Axis::log("input of a neuron from −r to r"),
            Axis::linear("non-homogeneity ΔR²"),
        );
        let reaches = tables.rows::<Reach>();
        let widths = tables.rows::<NonHomogeneity>();
        for &activation in Activation::ALL {
            let (title, role) = look(activation);
            let rows = reaches.iter().filter(|r| r.activation == activation);
            reach = reach.line(role, title, rows.map(|r| (r.r, r.delta_r2)));
        }
        let of_gelu = widths.iter().filter(|r| r.activation == Activation::Gelu);
        let named = of_gelu.map(|r| ((r.r, r.delta_r2), format!("n = {}", r.n)));
        reach = reach.named(Role::Gelu, named);
        vec![
            curves,
            Figure::new(
                "non-homogeneity",
                "Non-homogeneity of an activation against the range of its input, which for a neuron of n with a \
                 distributed feature is 1/√n of that of an aligned one: points, at the width of the layer. GELU tends to \
                 ReLU as the range grows, whose 3/16 do not depend on it, by way of a peak. There is no randomness in it.",
            ).of::<Reach>().of::<NonHomogeneity>()
            .columns(1)
            .panel(reach),
        ]
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        let value = |id: &str| ledger.get(id).map_or(f64::NAN, |e| e.value);
        let rows = tables.rows::<NonHomogeneity>();
        let mut gelu = rows.iter().filter(|r| r.activation == Activation::Gelu);
        let (Some(first), Some(last)) = (gelu.next(), gelu.next_back()) else {
            return "Fewer than two widths were measured.".into();
        };
        format!(
            "Read along the distributed feature, the response to the aligned one is the same curve divided by √n, to within \
             {}. From distributed to distributed feature {} % of the ΔR² of an aligned one is left, and in wide layers it \
             falls as n to the power of {}, from {} at n = {} to {} at n = {}. It does not do so from the narrowest layer \
             on: ΔR² has a peak where the input of a neuron just covers the bend. Under ReLU, for which f(ax) = a·f(x) at every \
             positive a, the width makes no difference.",
            number(value(SHAPE.id)),
            number(100.0 * value(LINEAR.id)),
            number(value(WIDER.id)),
            number(first.delta_r2),
            first.n,
            number(last.delta_r2),
            last.n,
        )
    }
}

/// Returns the ranges r of the input, at equal ratios.
fn reach_grid() -> impl Iterator<Item = f64> {
    let (low, high) = REACH_ENDS;
    let step = (high / low).powf(1.0 / (REACHES - 1) as f64);
    (0..REACHES).map(move |i| low * step.powi(i as i32))
}

/// Returns the name and the role of the layer of an activation in figures.
fn look(activation: Activation) -> (&'static str, Role) {
    match activation {
        Activation::Gelu => ("GELU", Role::Gelu),
        Activation::Relu => ("ReLU", Role::Relu),
    }
}

impl Feature {
    /// Returns the unit direction of the feature among `n` neurons.
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
}

impl Responses {
    fn compute(activation: Activation, s: &Settings, x: &[f64], ctx: &Ctx) -> Result<Self> {
        let layer = Layer {
            activation,
            exec: ctx.session.serial(),
        };
        let mut pairs = Vec::new();
        for &input in Feature::ALL {
            for &output in Feature::ALL {
                let y = layer.response(x, &input.direction(s.n), &output.direction(s.n))?;
                pairs.push((input, output, y));
                ctx.session.progress.tick()?;
            }
        }
        Ok(Responses { layer, pairs })
    }

    /// Returns the response from one feature to another.
    fn pair(&self, input: Feature, output: Feature) -> &[f64] {
        let found = self.pairs.iter().find(|p| (p.0, p.1) == (input, output));
        &found.expect("every pair is computed").2
    }

    /// Returns the response from the aligned feature to itself, which is the activation.
    fn aligned(&self) -> &[f64] {
        self.pair(Feature::Aligned, Feature::Aligned)
    }

    /// Returns the responses as rows.
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
