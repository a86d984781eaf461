//! The claims on encoders and what settles them.

use super::model::{Budget, Encoder, Model};
use super::reading::Reading;
use super::settings::{POINT, Settings};
use super::source::Data;
use crate::claim::outcome::Outcome;
use crate::claim::{Bound, Claim, ClaimSpec, Kind, Setting, above, at_least, at_most};
use crate::sae::optimum::Overlap;

/// The difference of the excess of the loss up to which two encoders count as equally good.
pub const EQUAL: f64 = 0.05;

/// The name of the choice of the specification curves that is the penalty.
pub const LAMBDA: &str = "λ";

pub static LINEAR: Claim<3> = Claim {
    id: "linear-encoder-holds-its-own",
    kind: Kind::Finding,
    statement: "On sparse sums of random features, a two-layer encoder comes no closer to the best codes than a linear \
        one, and finds no better features.",
    criterion: "synthetic data, features at random, λ = 0.1. Each encoder is taken at the best of the same learning rates and \
        numbers of steps, chosen by its loss on one split and judged on another. Its excess is what its loss is above that \
        of the best codes (FISTA) for its own dictionary, in units of the latter. The linear encoder's excess minus the \
        two-layer one's is between −0.05 and 0.05; the opposite holds from 0.1 on. The MMCS of the two-layer encoder's \
        dictionary is at most 0.02 larger than that of the linear one's",
    control: "four times as many random features as dimensions and more of them active, too many to be read linearly \
        and few enough for the codes of least L1 norm to be the true ones; the dictionary is held at the features, and \
        the hidden layer has room for a step of LISTA: here a stronger encoder must win",
    conditions: [
        at_most(
            EQUAL,
            "excess of the linear encoder minus that of its rival",
        )
        .opposite(Bound::AtLeast(0.1)),
        at_least(
            -EQUAL,
            "excess of the linear encoder minus that of its rival (lower bound)",
        ),
        at_most(
            0.02,
            "MMCS of the rival's dictionary minus that of the linear encoder's",
        ),
    ],
};

pub static SUPPORT: Claim<2> = Claim {
    id: "linear-support-is-truer",
    kind: Kind::Finding,
    statement: "The active elements of a trained linear encoder are more often the true ones than those that \
        optimisation finds on the same dictionary.",
    criterion: "synthetic data, features at random, λ = 0.1, linear encoder at its best learning rate and number of \
        steps, its elements matched to the features: the F1 of its active elements against the active features is \
        larger than that of FISTA's on the same dictionary, at the λ where these are as many in the mean, and than \
        that of OMP's, as many in each sample",
    control: "the same dictionary read by its transpose, which nobody has trained, as many elements in all",
    conditions: [
        above(
            0.0,
            "F1 of the encoder's active elements minus that of FISTA's",
        )
        .opposite(Bound::Below(0.0)),
        above(
            0.0,
            "F1 of the encoder's active elements minus that of OMP's",
        ),
    ],
};

pub const CLAIMS: &[&ClaimSpec] = &[&LINEAR, &SUPPORT];

/// All models, to be looked up at one seed.
struct Models<'a> {
    all: &'a [Model],
    seed: u64,
}

impl<'a> Models<'a> {
    fn reading(
        &self,
        data: Data,
        encoder: Encoder,
        lambda: f64,
        budget: Budget,
    ) -> Result<&'a Reading, String> {
        let of = |m: &&Model| {
            (m.seed, m.data, m.encoder) == (self.seed, data, encoder)
                && (m.lambda, m.budget) == (lambda, budget)
        };
        let found = self.all.iter().find(of);
        let reading = &found.expect("all are trained").reading;
        reading
            .as_ref()
            .map_err(|why| format!("the {encoder} encoder with λ = {lambda} {why}"))
    }

    /// Returns the measures of the conditions of `LINEAR`: the excess of the linear encoder minus that of `rival`,
    /// twice, and the MMCS of the dictionary of `rival` minus that of the linear encoder's.
    fn rivals(
        &self,
        data: Data,
        rival: Encoder,
        lambda: f64,
        budget: Budget,
    ) -> [Result<f64, String>; 3] {
        let reading = |encoder| self.reading(data, encoder, lambda, budget);
        let both = reading(Encoder::Linear).and_then(|linear| Ok((linear, reading(rival)?)));
        let of = |measure: fn(&Reading, &Reading) -> f64| {
            let both = both.as_ref().map_err(String::clone);
            both.map(|(linear, rival)| measure(linear, rival))
        };
        let excess =
            |linear: &Reading, rival: &Reading| linear.distance.excess - rival.distance.excess;
        [
            of(excess),
            of(excess),
            of(|linear, rival| rival.mmcs - linear.mmcs),
        ]
    }

    /// Returns the F1 of an active set of the linear encoder or of its transposed dictionary, less those of FISTA and
    /// OMP.
    fn supports(
        &self,
        data: Data,
        lambda: f64,
        whose: fn(&Reading) -> Overlap,
    ) -> [Result<f64, String>; 2] {
        let reading = self.reading(data, Encoder::Linear, lambda, Budget::All);
        let less = |other: fn(&Reading) -> Overlap| {
            let reading = reading.as_ref().map_err(String::clone);
            reading.map(|r| whose(r).f1() - other(r).f1())
        };
        [less(|r| r.supports.fista), less(|r| r.supports.omp)]
    }
}

/// Measures every condition at every seed, at the point setting and in every cell of the specification curves.
pub fn settle(s: &Settings, all: &[Model], seeds: &[u64], outcome: &mut Outcome) {
    for &seed in seeds {
        let models = Models { all, seed };
        let linear = |coherence, rival, lambda, budget| {
            let of = |data| models.rivals(data, rival, lambda, budget);
            (of(Data::Coherent(coherence)), of(Data::Compressed))
        };
        let support = |coherence, lambda| {
            let data = Data::Coherent(coherence);
            let claim = models.supports(data, lambda, |r| r.supports.own);
            let control = models.supports(data, lambda, |r| r.supports.transposed);
            (claim, control)
        };
        let (claim, control) = linear(0.0, Encoder::TwoLayer, POINT, Budget::All);
        outcome.settle(&LINEAR, seed, claim, control);
        let (claim, control) = support(0.0, POINT);
        outcome.settle(&SUPPORT, seed, claim, control);

        for &coherence in &s.coherences {
            for &lambda in &s.lambdas {
                let choices = || {
                    [
                        ("coherence", coherence.to_string()),
                        (LAMBDA, lambda.to_string()),
                    ]
                };
                let is_point = (coherence, lambda) == (0.0, POINT);
                let marked = |setting: Setting, point| match point {
                    true => setting.point(),
                    false => setting,
                };
                let (claim, control) = support(coherence, lambda);
                let setting = marked(Setting::new(choices()), is_point);
                outcome.settle_in(&setting, &SUPPORT, seed, claim, control);
                for rival in [Encoder::TwoLayer, Encoder::Lista] {
                    for budget in [Budget::Third, Budget::All] {
                        let more = [("rival", rival.to_string()), ("steps", budget.to_string())];
                        let setting = Setting::new(choices().into_iter().chain(more));
                        let as_usual = (rival, budget) == (Encoder::TwoLayer, Budget::All);
                        let setting = marked(setting, is_point && as_usual);
                        let (claim, control) = linear(coherence, rival, lambda, budget);
                        outcome.settle_in(&setting, &LINEAR, seed, claim, control);
                    }
                }
            }
        }
    }
}
