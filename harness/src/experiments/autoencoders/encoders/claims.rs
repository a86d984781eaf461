//! The claim on encoders and what settles it.

use super::model::{Encoder, Model, start};
use super::settings::Settings;
use super::source::Source;
use crate::claim::outcome::Outcome;
use crate::claim::{Claim, ClaimSpec, Kind, at_most};
use crate::experiment::Ctx;

pub static LINEAR: Claim<1> = Claim {
    id: "linear-encoder-holds-its-own",
    kind: Kind::Finding,
    statement: "A two-layer encoder does not find better features than a linear one.",
    criterion: "on synthetic data, the MMCS of the true features to the dictionary of the two-layer encoder exceeds \
        that of the linear one by at most 0.02 at matched L0: the mean number of features in a sample, or the L0 \
        nearest to it that both reach; MMCS interpolated over log L0",
    control: "in place of the linear encoder's dictionary, the one that its training started from",
    conditions: [at_most(
        0.02,
        "MMCS of the two-layer encoder's dictionary minus that of the linear one's, at the same L0",
    )],
};

pub const CLAIMS: &[&ClaimSpec] = &[&LINEAR];

/// Measures the condition at every seed.
pub fn settle(s: &Settings, models: &[Model], ctx: &Ctx, outcome: &mut Outcome) {
    for &seed in ctx.seeds {
        let matched = || {
            let [linear, two_layer] =
                [Encoder::Linear, Encoder::TwoLayer].map(|encoder| curve(models, encoder, seed));
            match_l0(&linear?, &two_layer?, s.data.active)
        };
        let matched = matched();
        let gain = matched
            .clone()
            .map(|[linear, two_layer]| two_layer - linear);
        let control = matched.map(|[_, two_layer]| two_layer - untrained(s, seed, ctx));
        outcome.settle(&LINEAR, seed, [gain], [control]);
    }
}

/// (L0, MMCS) of an encoder on synthetic data for every λ, L0 rising.
fn curve(models: &[Model], encoder: Encoder, seed: u64) -> Result<Vec<(f64, f64)>, String> {
    let ours = models
        .iter()
        .filter(|m| m.source == "synthetic" && m.encoder == encoder && m.seed == seed);
    let mut points = Vec::new();
    for model in ours {
        match &model.reading {
            Ok(reading) if !(reading.own.l0.is_finite() && reading.mmcs.is_finite()) => {
                let lambda = model.lambda;
                let (l0, mmcs) = (reading.own.l0, reading.mmcs);
                return Err(format!(
                    "the {encoder} encoder with λ = {lambda}, seed {seed}, has an L0 of {l0} and an MMCS of {mmcs}"
                ));
            }
            Ok(reading) if reading.own.l0 > 0.0 => points.push((reading.own.l0, reading.mmcs)),
            Ok(_) => {}
            Err(why) => {
                let lambda = model.lambda;
                return Err(format!(
                    "the {encoder} encoder with λ = {lambda}, seed {seed}, {why}"
                ));
            }
        }
    }
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(points)
}

/// The MMCS of both at the L0 nearest to `target` that both reach.
fn match_l0(a: &[(f64, f64)], b: &[(f64, f64)], target: f64) -> Result<[f64; 2], String> {
    let ends = |curve: &[(f64, f64)]| Some((curve.first()?.0, curve.last()?.0));
    let (Some(a_ends), Some(b_ends)) = (ends(a), ends(b)) else {
        return Err("an encoder has no active element at any λ".into());
    };
    let (low, high) = (a_ends.0.max(b_ends.0), a_ends.1.min(b_ends.1));
    if low > high {
        return Err(format!(
            "no L0 is reached by both: {a_ends:?} and {b_ends:?}"
        ));
    }
    let l0 = target.clamp(low, high);
    Ok([a, b].map(|curve| at(curve, l0)))
}

/// The value of a curve at x, a straight line over log x between its points.
fn at(curve: &[(f64, f64)], x: f64) -> f64 {
    let above = curve.partition_point(|p| p.0 < x).min(curve.len() - 1);
    let (right, left) = (curve[above], curve[above.saturating_sub(1)]);
    if right.0 <= left.0 {
        return right.1;
    }
    let t = ((x / left.0).ln() / (right.0 / left.0).ln()).clamp(0.0, 1.0);
    left.1 + t * (right.1 - left.1)
}

/// MMCS of the true features to the dictionary that training starts from.
fn untrained(s: &Settings, seed: u64, ctx: &Ctx) -> f64 {
    let source = Source::synthetic(s, seed, ctx);
    let variant = Encoder::Linear.variant(s.lambdas[0], source.width, s);
    let initial = start(variant, source.shape(), seed, ctx);
    kernels::metrics::mmcs(ctx.session.serial(), source.known(), initial.dictionary())
}

#[cfg(test)]
mod tests {
    use super::super::reading::{Codes, Reading};
    use super::*;

    #[test]
    fn an_encoder_that_was_not_measured_is_not_left_out_of_its_curve() {
        let curve_of = |l0: f64, mmcs: f64| {
            let codes = |l0| Codes {
                l0,
                explained_variance: 0.5,
                loss: 1.0,
            };
            let model = |lambda, l0, mmcs| Model {
                source: "synthetic".into(),
                encoder: Encoder::Linear,
                lambda,
                seed: 3,
                reading: Ok(Reading {
                    mmcs,
                    own: codes(l0),
                    fista: codes(2.0),
                    omp: codes(2.0),
                    on_known: None,
                }),
            };
            curve(
                &[model(0.1, 4.0, 0.9), model(0.2, l0, mmcs)],
                Encoder::Linear,
                3,
            )
        };
        assert_eq!(curve_of(2.0, 0.8), Ok(vec![(2.0, 0.8), (4.0, 0.9)]));
        assert_eq!(curve_of(0.0, 0.8), Ok(vec![(4.0, 0.9)]));
        for (l0, mmcs) in [(f64::NAN, 0.8), (2.0, f64::NAN), (f64::INFINITY, 0.8)] {
            assert!(curve_of(l0, mmcs).unwrap_err().contains("λ = 0.2"));
        }
    }

    #[test]
    fn curves_are_compared_where_both_are() {
        let a = [(1.0, 0.0), (10.0, 1.0), (100.0, 0.5)];
        let b = [(2.0, 0.2), (20.0, 0.4)];
        let near = |found: [f64; 2], expected: [f64; 2]| {
            let same = found
                .iter()
                .zip(expected)
                .all(|(f, e)| (f - e).abs() < 1e-12);
            assert!(same, "{found:?} is not {expected:?}");
        };
        near(
            match_l0(&a, &b, 10.0).unwrap(),
            [1.0, 0.2 + 0.2 * 5f64.log10()],
        );
        near(match_l0(&a, &b, 0.5).unwrap(), [2f64.log10(), 0.2]);
        near(
            match_l0(&a, &b, 1e9).unwrap(),
            [1.0 - 0.5 * 2f64.log10(), 0.4],
        );
        assert!(
            match_l0(&a, &[(1e3, 1.0)], 1.0)
                .unwrap_err()
                .contains("both")
        );
        assert!(match_l0(&a, &[], 1.0).unwrap_err().contains("no active"));
    }
}
