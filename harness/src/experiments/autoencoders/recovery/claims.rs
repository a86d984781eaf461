//! The claims of `recovery` and what settles them.

use super::model::{Encoder, Model};
use super::settings::{ENOUGH, Settings, TOO_MANY};
use crate::claim::outcome::Outcome;
use crate::claim::{Bound, Claim, ClaimSpec, Kind, Setting, above, at_least, at_most, below};
use crate::sae::optimum::Distance;
use crate::stats::{max, min};
use crate::table::record::Word as _;

/// The MMCS above which features count as recovered.
pub const RECOVERED: f64 = 0.9;
/// The cosine above which an element has another one as its duplicate.
pub const DUPLICATE: f64 = 0.9;
/// A stricter cosine above which elements are duplicates, for the specification curve.
const TWIN: f64 = 0.95;

pub static BAND: Claim<3> = Claim {
    id: "l1-band-recovers-features",
    kind: Kind::Finding,
    statement: "There is a band of L1 coefficients in which a sparse autoencoder recovers the true features, and \
        neither weaker nor stronger penalties do.",
    criterion: "untied SAEs, for every number of elements of the grid that is at least that of the features: MMCS > 0.9 at some \
        λ, and ≤ 0.9 at the smallest and at the largest λ of the grid",
    control: "λ = 0, no penalty at all, in the place of every λ",
    conditions: [
        above(
            RECOVERED,
            "MMCS at the best λ, for the number of elements with the smallest",
        ),
        at_most(
            RECOVERED,
            "MMCS at the smallest λ, for the number of elements with the largest",
        ),
        at_most(
            RECOVERED,
            "MMCS at the largest λ, for the number of elements with the largest",
        ),
    ],
};

pub static DUPLICATES: Claim<1> = Claim {
    id: "no-duplicate-directions",
    kind: Kind::Finding,
    statement: "As long as there is another useful direction to learn, a dictionary does not hold the same one twice.",
    criterion: "untied SAE with as many elements as features, at the λ where its MMCS is largest: less than 5 % of the \
        living elements have a duplicate, another living one at a cosine above 0.9; the opposite holds from 20 % on",
    control: "two elements for each feature, at the λ where its MMCS is largest: no other direction is left to learn",
    conditions: [
        below(0.05, "share of living elements that have a duplicate").opposite(Bound::AtLeast(0.2)),
    ],
};

pub static OPTIMUM: Claim<2> = Claim {
    id: "sae-approximates-optimum",
    kind: Kind::Finding,
    statement: "The linear encoder of a sparse autoencoder finds nearly the codes of least loss on its dictionary.",
    criterion: "untied SAE with as many elements as features, at the λ where its MMCS is largest, on held-out samples: \
        the loss ‖x − x̂‖² + λ Σ f exceeds that of the best codes for the same dictionary, samples and λ (FISTA) by at most \
        0.1 of the latter, and the F1 of its active entries against theirs is at least 0.8",
    control: "the same dictionary read by its transpose with thresholds of λ/2, which give the best code where one \
        element is active",
    conditions: [
        at_most(0.1, "excess of the loss over that of the best codes"),
        at_least(
            0.8,
            "F1 of the active entries against those of the best codes",
        ),
    ],
};

pub const CLAIMS: &[&ClaimSpec] = &[&BAND, &DUPLICATES, &OPTIMUM];

/// Models of one seed that differ by ratio and λ alone.
#[derive(Clone, Copy)]
pub struct Family<'a> {
    models: &'a [Model],
    encoder: Encoder,
    steps: u64,
    seed: u64,
}

/// A choice of λ.
#[derive(Clone, Copy, PartialEq)]
enum Choice {
    /// The λ at which the MMCS is largest.
    Best,
    /// The λ of the grid before the best one.
    Below,
    /// The λ of the grid after the best one.
    Above,
}

impl Choice {
    const ALL: [Choice; 3] = [Choice::Best, Choice::Below, Choice::Above];

    fn word(self) -> &'static str {
        match self {
            Choice::Best => "largest MMCS",
            Choice::Below => "a step below",
            Choice::Above => "a step above",
        }
    }
}

impl<'a> Family<'a> {
    /// Returns the family of the models with this encoder, number of steps and seed.
    pub fn new(models: &'a [Model], encoder: Encoder, steps: u64, seed: u64) -> Self {
        Family {
            models,
            encoder,
            steps,
            seed,
        }
    }

    /// Returns the models of the family at some ratios and λ, in order, or how one of them diverged.
    fn some(
        &self,
        ratio: impl Fn(f64) -> bool,
        lambda: impl Fn(f64) -> bool,
    ) -> Result<Vec<&'a Model>, String> {
        let ours = self.models.iter().filter(|m| {
            let task = m.task;
            (task.encoder, task.steps, task.seed) == (self.encoder, self.steps, self.seed)
                && ratio(task.ratio)
                && lambda(task.lambda)
        });
        let checked = ours.map(|m| match &m.reading {
            Ok(reading) if reading.mmcs.is_finite() => Ok(m),
            Ok(reading) => Err(format!("the {} has an MMCS of {}", m.task, reading.mmcs)),
            Err(why) => Err(format!("the {} {why}", m.task)),
        });
        checked.collect()
    }

    /// Returns the model of a ratio, with a penalty, whose MMCS is largest.
    pub fn best(&self, ratio: f64) -> Result<&'a Model, String> {
        self.chosen(ratio, Choice::Best)
    }

    fn chosen(&self, ratio: f64, choice: Choice) -> Result<&'a Model, String> {
        let all = self.some(|r| r == ratio, |l| l > 0.0)?;
        let order = |a: &&&Model, b: &&&Model| mmcs(a).total_cmp(&mmcs(b));
        let best = all.iter().max_by(order).map(|m| m.task.lambda);
        let best =
            best.ok_or_else(|| format!("no model of ratio {ratio} at seed {}", self.seed))?;
        let place = all.iter().position(|m| m.task.lambda == best);
        let place = match (choice, place.expect("it is one of them")) {
            (Choice::Best, place) => Some(place),
            (Choice::Below, place) => place.checked_sub(1),
            (Choice::Above, place) => Some(place + 1),
        };
        let found = place.and_then(|place| all.get(place).copied());
        found.ok_or_else(|| format!("the best λ, {best}, is at the end of its grid"))
    }

    /// Returns the share of living elements that have another one at a cosine above `cosine`.
    fn duplicates(&self, ratio: f64, choice: Choice, cosine: f64) -> Result<f64, String> {
        let model = self.chosen(ratio, choice)?;
        let reading = model.reading.as_ref().map_err(String::clone)?;
        match reading.neighbours.len() {
            0 | 1 => Err(format!(
                "fewer than two elements of the {} are alive",
                model.task
            )),
            _ => Ok(reading.share_above(cosine)),
        }
    }

    /// Returns the excess of the loss and the F1, of the model itself and of its transposed dictionary.
    fn distances(&self, ratio: f64, choice: Choice) -> [[Result<f64, String>; 2]; 2] {
        let chosen = self.chosen(ratio, choice);
        let reading = chosen.and_then(|m| m.reading.as_ref().map_err(String::clone));
        let of = |distance: Result<Distance, String>| {
            let Ok(Distance { excess, f1 }) = distance else {
                let why = distance.map(|d| d.f1);
                return [why.clone(), why];
            };
            [Ok(excess), Ok(f1)]
        };
        let [own, transposed] = [
            reading.clone().map(|r| r.own),
            reading.map(|r| r.transposed),
        ];
        [of(own), of(transposed)]
    }

    /// Returns the three measures of the claim on the band over some ratios, and the same measures without a penalty.
    fn band(&self, ratios: &[f64], ends: (f64, f64)) -> [[Result<f64, String>; 3]; 2] {
        // The largest MMCS over some λ, at each ratio.
        let at = |of: &dyn Fn(f64) -> bool| -> Result<Vec<f64>, String> {
            let largest = |&ratio: &f64| {
                let found = self.some(|r| r == ratio, of)?;
                Ok(max(found.iter().map(mmcs)))
            };
            ratios.iter().map(largest).collect()
        };
        let band =
            |best: &dyn Fn(f64) -> bool, low: &dyn Fn(f64) -> bool, high: &dyn Fn(f64) -> bool| {
                [at(best).map(min), at(low).map(max), at(high).map(max)]
            };
        let none: &dyn Fn(f64) -> bool = &|l| l == 0.0;
        [
            band(&|l| l > 0.0, &|l| l == ends.0, &|l| l == ends.1),
            band(none, none, none),
        ]
    }
}

fn mmcs(model: &&Model) -> f64 {
    model.reading.as_ref().map_or(f64::NAN, |r| r.mmcs)
}

/// Measures every condition at every seed, at the point setting and in every cell of the specification curves.
pub fn settle(s: &Settings, models: &[Model], seeds: &[u64], outcome: &mut Outcome) {
    for &seed in seeds {
        let family = |encoder, steps| Family::new(models, encoder, steps, seed);
        let untied = family(Encoder::Untied, s.training.steps);
        band(s, untied, &family, seed, outcome);

        let judged = untied.duplicates(ENOUGH, Choice::Best, DUPLICATE);
        let control = untied.duplicates(TOO_MANY, Choice::Best, DUPLICATE);
        outcome.settle(&DUPLICATES, seed, [judged], [control]);
        duplicates(s, &family, seed, outcome);

        let [own, transposed] = untied.distances(ENOUGH, Choice::Best);
        outcome.settle(&OPTIMUM, seed, own, transposed);
        for (&encoder, &ratio, choice) in grid(Encoder::ALL, &s.ratios) {
            let setting = Setting::new([
                ("weights", encoder.to_string()),
                ("elements per feature", ratio.to_string()),
                ("λ", choice.word().to_string()),
            ]);
            let point = (Encoder::Untied, ENOUGH, Choice::Best);
            let setting = setting.point_if((encoder, ratio, choice) == point);
            let [own, transposed] = family(encoder, s.training.steps).distances(ratio, choice);
            outcome.settle_in(&setting, &OPTIMUM, seed, own, transposed);
        }
    }
}

/// Returns every combination of two lists and the choices of λ.
fn grid<'a, A, B>(a: &'a [A], b: &'a [B]) -> impl Iterator<Item = (&'a A, &'a B, Choice)> {
    a.iter().flat_map(move |a| {
        b.iter()
            .flat_map(move |b| Choice::ALL.map(move |choice| (a, b, choice)))
    })
}

fn band<'a>(
    s: &Settings,
    untied: Family<'a>,
    family: &impl Fn(Encoder, u64) -> Family<'a>,
    seed: u64,
    outcome: &mut Outcome,
) {
    let ends = (s.lambdas[0], s.lambdas[s.lambdas.len() - 1]);
    let large: Vec<f64> = s.ratios.iter().copied().filter(|&r| r >= ENOUGH).collect();
    let [claim, control] = untied.band(&large, ends);
    outcome.settle(&BAND, seed, claim, control);
    for &encoder in Encoder::ALL {
        let each = large.iter().map(|&ratio| (ratio.to_string(), vec![ratio]));
        for (name, ratios) in [("all".to_string(), large.clone())].into_iter().chain(each) {
            let is_point = encoder == Encoder::Untied && name == "all";
            let setting = Setting::new([
                ("weights", encoder.to_string()),
                ("elements per feature", name),
            ]);
            let setting = setting.point_if(is_point);
            let [claim, control] = family(encoder, s.training.steps).band(&ratios, ends);
            outcome.settle_in(&setting, &BAND, seed, claim, control);
        }
    }
}

fn duplicates<'a>(
    s: &Settings,
    family: &impl Fn(Encoder, u64) -> Family<'a>,
    seed: u64,
    outcome: &mut Outcome,
) {
    let few: Vec<f64> = s.ratios.iter().copied().filter(|&r| r <= ENOUGH).collect();
    for (&encoder, &ratio, choice) in grid(Encoder::ALL, &few) {
        for steps in s.budgets() {
            for cosine in [DUPLICATE, TWIN] {
                let setting = Setting::new([
                    ("weights", encoder.to_string()),
                    ("elements per feature", ratio.to_string()),
                    ("λ", choice.word().to_string()),
                    ("steps", steps.to_string()),
                    ("cosine", cosine.to_string()),
                ]);
                let point = (
                    Encoder::Untied,
                    ENOUGH,
                    Choice::Best,
                    s.training.steps,
                    DUPLICATE,
                );
                let setting = setting.point_if((encoder, ratio, choice, steps, cosine) == point);
                let family = family(encoder, steps);
                let claim = family.duplicates(ratio, choice, cosine);
                let control = family.duplicates(TOO_MANY, choice, cosine);
                outcome.settle_in(&setting, &DUPLICATES, seed, [claim], [control]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Reading, Task};
    use super::*;

    fn model(lambda: f64, mmcs: f64) -> Model {
        let reading = Reading {
            mmcs,
            mmcs_of_alive: mmcs,
            dead: 0.0,
            loss: 1.0,
            explained_variance: 0.5,
            l0: 2.0,
            l1: 3.0,
            neighbours: vec![0.1, mmcs],
            own: Distance::UNKNOWN,
            transposed: Distance::UNKNOWN,
        };
        Model {
            task: Task {
                encoder: Encoder::Untied,
                lambda,
                ratio: ENOUGH,
                steps: 10,
                seed: 3,
            },
            elements: 2,
            records: Vec::new(),
            reading: Ok(reading),
        }
    }

    fn chosen(mmcs: [f64; 3], choice: Choice) -> Result<f64, String> {
        let models = [0.1, 0.2, 0.3].into_iter().zip(mmcs);
        let models: Vec<Model> = models.map(|(l, mmcs)| model(l, mmcs)).collect();
        let family = Family::new(&models, Encoder::Untied, 10, 3);
        family.chosen(ENOUGH, choice).map(|m| m.task.lambda)
    }

    #[test]
    fn a_model_that_was_not_measured_is_neither_the_best_nor_passed_over() {
        assert_eq!(chosen([0.5, 0.9, 0.7], Choice::Best), Ok(0.2));
        for place in 0..3 {
            for broken in [f64::NAN, -f64::NAN, f64::INFINITY] {
                let mut mmcs = [0.5, 0.9, 0.7];
                mmcs[place] = broken;
                let why = chosen(mmcs, Choice::Best).unwrap_err();
                assert!(why.contains("has an MMCS of"), "{why}");
            }
        }
    }

    #[test]
    fn the_neighbours_of_the_best_are_a_step_away_in_the_grid() {
        assert_eq!(chosen([0.5, 0.9, 0.7], Choice::Below), Ok(0.1));
        assert_eq!(chosen([0.5, 0.9, 0.7], Choice::Above), Ok(0.3));
        assert!(chosen([0.5, 0.6, 0.7], Choice::Above).is_err());
        assert!(chosen([0.9, 0.6, 0.7], Choice::Below).is_err());
    }

    #[test]
    fn a_cosine_that_is_not_a_number_is_in_no_share() {
        let share = |mmcs| model(0.1, mmcs).reading.unwrap().share_above(DUPLICATE);
        assert_eq!((share(0.95), share(0.5)), (0.5, 0.0));
        assert!(share(f64::NAN).is_nan());
    }
}
