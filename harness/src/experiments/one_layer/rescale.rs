//! The experiment `rescale`: how much larger has the input along a distributed feature to be for the layer to answer
//! with its non-linearity again?

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::claim::{Claim, Kind, at_most};
use crate::error::Result;
use crate::experiment::{About, Ctx, Experiment, Needs};
use crate::experiments::one_layer::response_curve::{Layer, distributed, gelu, levels, max_error};
use crate::figure::{Axis, Figure, Panel, Role};
use crate::settings::range::{increasing, positive, so_that};
use crate::stats::max;
use crate::stats::observations::Observations;
use crate::table::{Record, Table, Tables};
use crate::text::number;

/// The experiment `rescale`; see the [module](self).
pub struct Rescale;

crate::settings! {
    /// Settings of `rescale`.
    pub struct Settings {
        /// Number of neurons n of the layer whose curves are drawn.
        n: usize = 100, in 1..=1 << 20;
        /// Widths n at which the rescaled response is compared with GELU, increasing.
        widths: Vec<usize> = vec![1, 4, 16, 64, 100, 256, 1024], in increasing(2.., 1..=1 << 20);
        /// Input levels run from −reach·√n to reach·√n.
        reach: f64 = 5.0, in positive();
        /// Number of input levels.
        points: usize = 1000, in 2..=1 << 24;
        /// The control scales the input by n to this power; the claim is about 1/2.
        control_power: f64 = 0.25, in so_that("0 to 1, not 0.5", |p: &f64| (0.0..=1.0).contains(p) && *p != SQRT);
    }
}

crate::rows! {
    /// The response from distributed to distributed feature at one input level.
    pub struct Point in "curves" {
        /// the input is scaled by n to this power
        power: f64 ["1"],
        /// input level divided by n^power
        x: f64 ["1"],
        /// output level divided by n^power
        y: f64 ["1"],
        /// GELU(x), the response of a single neuron
        gelu: f64 ["1"],
        /// input level
        input: f64 ["1"],
        /// output level
        output: f64 ["1"],
    }
}

crate::rows! {
    /// Distance of the rescaled response of a distributed feature from that of a single neuron.
    pub struct Deviation in "errors" {
        /// the input is scaled by n to this power
        power: f64 ["1"],
        /// width of the layer
        n: usize ["neurons"],
        /// largest |y(n^power x)/n^power − GELU(x)| over largest |GELU(x)|
        error: f64 ["1"],
    }
}

/// The power that the claim is about.
const SQRT: f64 = 0.5;
/// The largest relative error that the claim allows.
const TOLERANCE: f64 = 1e-5;

static RECOVERS: Claim<1> = Claim {
    id: "sqrt-n-recovers",
    kind: Kind::Identity,
    statement: "With its input scaled up by √n, a feature spread over n neurons gets the response \
        of a single neuron back, √n times as large.",
    criterion: "y(√n·x)/√n = GELU(x) for every n, max |error| ≤ 1e-5 of the largest |y|",
    control: "scaling by n^(1/4) instead",
    conditions: [at_most(TOLERANCE, "largest relative error over n")],
};

impl Experiment for Rescale {
    type Settings = Settings;

    crate::no_units!();

    const ABOUT: &'static About = &About {
        id: "rescale",
        title: "Scaling the input by √n recovers the non-linearity",
        summary: "Spread over n neurons, a feature moves each of them by 1/√n of its \
        level, too little to reach the bend of the non-linearity. With input levels √n times as large, \
        from −5√n to 5√n, every neuron runs through the range that a single aligned neuron would, and \
        the response of the layer should be GELU again, √n times as large. Less should not be enough; and more, such as \
        the n that one might expect to need, should make a sharper bend of it.",
        claims: &[&RECOVERS],
        tables: &[Point::SPEC, Deviation::SPEC],
        figures: &["rescaled", "rescale-error"],
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, _: usize) -> f64 {
        // Four curves as rows, and the one at hand; a layer and its direction.
        let widest = s.widths.iter().copied().chain([s.n]).max().unwrap_or(0);
        s.points as f64 * (4.0 * Point::MEMORY + 40.0) + widest as f64 * 16.0
    }

    fn conclude(s: &Settings, _: Vec<()>, ctx: &Ctx) -> Result<Outcome> {
        let x = levels(s.reach, s.points);
        let layer = Layer::of_gelu(ctx.session.serial());
        let gelu: Vec<f64> = x.iter().map(|&x| gelu(x)).collect();
        let largest = max(gelu.iter().map(|y| y.abs()));
        let rescaled = |n: usize, power: f64| {
            let scale = (n as f64).powf(power);
            let x: Vec<f64> = x.iter().map(|x| x * scale).collect();
            let f = distributed(n);
            let y = layer.response(&x, &f, &f)?;
            ctx.session.progress.tick()?;
            Ok(y.into_iter().map(|y| y / scale).collect::<Vec<f64>>())
        };
        let powers = powers(s);
        let curves_and_errors = powers.len() * (1 + s.widths.len());
        ctx.session.progress.start(curves_and_errors as u64)?;

        let (mut curves, mut errors) = (Vec::new(), Vec::new());
        let mut worst = Vec::new();
        for &power in &powers {
            let y = rescaled(s.n, power)?;
            let scale = (s.n as f64).powf(power);
            for ((&x, y), &gelu) in x.iter().zip(y).zip(&gelu) {
                curves.push(Point {
                    power,
                    x,
                    y,
                    gelu,
                    input: x * scale,
                    output: y * scale,
                });
            }
            let mut of_power = Vec::new();
            for &n in &s.widths {
                let y = rescaled(n, power)?;
                let error = max_error(&y, gelu.iter().copied()) / largest;
                errors.push(Deviation { power, n, error });
                of_power.push(error);
            }
            worst.push(max(of_power));
        }
        // Nothing here is drawn at random: every seed measures the same.
        let mut outcome = Outcome::default();
        for &seed in ctx.seeds {
            outcome.settle(&RECOVERS, seed, [worst[0]], [worst[1]]);
        }
        outcome.tables = vec![Table::of(&curves), Table::of(&errors)];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        let (curves, errors) = (tables.rows::<Point>(), tables.rows::<Deviation>());
        let powers = curves.iter().map(|r| r.power).distinct();
        let of = |power: f64, point: fn(&Point) -> (f64, f64)| {
            let rows = curves.iter().filter(move |r| r.power == power);
            rows.map(point)
        };
        let mut scaled = Panel::new(
            "",
            Axis::linear("input level / scale"),
            Axis::linear("output level / scale"),
        );
        let mut error = Panel::new(
            "",
            Axis::log("neurons n"),
            Axis::log("largest error / largest output"),
        );
        for &power in &powers {
            let (role, label) = look(power);
            scaled = scaled.line(role, &label, of(power, |r| (r.x, r.y)));
            let rows = errors.iter().filter(|r| r.power == power);
            error = error.dotted(role, label, rows.map(|r| (r.n as f64, r.error)));
        }
        if let Some(&first) = powers.first() {
            scaled = scaled.line(
                Role::Aligned,
                "GELU of a single neuron",
                of(first, |r| (r.x, r.gelu)),
            );
            let relu = of(first, |r| (r.x, r.x.max(0.0)));
            scaled = scaled.line(Role::Relu, "ReLU of a single neuron", relu);
        }
        vec![
            Figure::new(
                "rescaled",
                "Response of a GELU layer from distributed to distributed feature, over a range of input \
                 levels that grows with the scale; input and output are divided by it. Scaled by √n it lies on GELU, scaled \
                 by n on ReLU. There is no randomness in it.",
            ).of::<Point>()
            .columns(1)
            .panel(scaled),
            Figure::new(
                "rescale-error",
                "How far the rescaled response is from GELU, against the width of the layer. Scaled by \
                 √n, what is left is the rounding of single precision.",
            ).of::<Deviation>()
            .columns(1)
            .panel(error.level(TOLERANCE, "criterion: 10⁻⁵")),
        ]
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        let Some(entry) = ledger.get(RECOVERS.id) else {
            return "Nothing was measured.".into();
        };
        let errors = tables.rows::<Deviation>();
        let widest = errors.iter().map(|r| r.n).max().unwrap_or(0);
        let curves = tables.rows::<Point>();
        let scaled_by_n = || curves.iter().filter(|r| r.power == 1.0);
        let from_relu = max(scaled_by_n().map(|r| (r.y - r.x.max(0.0)).abs()));
        let largest = max(scaled_by_n().map(|r| r.y.abs()));
        format!(
            "Scaled by √n, the response of the distributed feature is GELU at every width up to {widest}, but for rounding ({} of \
             its largest value): each neuron sees exactly what a single aligned neuron would, and the n small outputs add up to \
             √n times its output. The exponent matters: scaled by less, the curve is off by up to {} % of its largest value. \
             Scaled by n it is ReLU to within {} %: more than √n does not lose the bend, but √n is what suffices.",
            number(entry.value),
            number(100.0 * entry.control_value),
            number(100.0 * from_relu / largest),
        )
    }
}

/// Returns the role and the label of the curve of a power.
fn look(power: f64) -> (Role, String) {
    match power {
        SQRT => (Role::Distributed, "scaled by √n".into()),
        0.0 => (Role::Other(0), "not scaled".into()),
        1.0 => (Role::Other(1), "scaled by n".into()),
        _ if power == 0.25 => (Role::Control, "scaled by n^(1/4)".into()),
        _ => (Role::Control, format!("scaled by n^{power}")),
    }
}

/// Returns the powers of n that the input is scaled by: the claim's, the control's, and the two extremes, not at all
/// and by n.
fn powers(s: &Settings) -> Vec<f64> {
    let mut powers = vec![SQRT, s.control_power];
    powers.extend([0.0, 1.0].into_iter().filter(|&p| p != s.control_power));
    powers
}
