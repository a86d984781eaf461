//! The claim of `continuum` and what settles it.

use super::dictionaries::{Cell, Dictionary, Encoder};
use super::samples::Magnitude;
use super::settings::Settings;
use crate::claim::outcome::Outcome;
use crate::claim::{Claim, Kind, Setting, at_least, at_most};
use crate::stats::Fit;
use crate::table::record::Word as _;

/// The excess of a loss up to which the loss counts as the least. FISTA stops at a duality gap of 1e-5 of ‖x‖², which
/// is a ten thousandth of a loss of 0.1; this is ten times as much.
pub const CERTAIN: f64 = 1e-3;

/// The least exponent of the number of living elements in the number of elements for which the claim holds.
pub const LEAST_GROWTH: f64 = 0.5;

pub static GROWTH: Claim<2> = Claim {
    id: "no-plateau-on-a-continuum",
    kind: Kind::Finding,
    statement: "Where features are a continuum, a larger dictionary has more living elements and a lower loss, and no \
        number of elements is the right one.",
    criterion: "L1 SAEs on points of the unit sphere in four dimensions, from 32 elements to four times as many or \
        more: the number of living elements grows at least as the power 0.5 of the number of elements, and the excess \
        of the loss, over that of a dictionary with an element for every point, falls to at most 0.75 of what it is with 32 \
        elements",
    control: "32 points of the same sphere as features, so that 32 elements are enough",
    conditions: [
        at_least(
            LEAST_GROWTH,
            "exponent of the living elements in the number of elements",
        ),
        at_most(
            0.75,
            "excess of the loss with the most elements over that with the fewest",
        ),
    ],
};

/// The codes that a dictionary is judged by.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Codes {
    /// The codes of the trained encoder.
    Encoder,
    /// The codes of least loss on the trained dictionary.
    Optimised,
    /// The codes of least loss on a dictionary that was not trained.
    Spread,
}

impl Codes {
    const ALL: [(Codes, &str); 3] = [
        (Codes::Encoder, "encoder"),
        (Codes::Optimised, "best"),
        (Codes::Spread, "best on spread elements"),
    ];

    /// Returns the number of living elements and the excess of the loss.
    fn of(self, r: &Dictionary) -> [f64; 2] {
        match self {
            Codes::Encoder => [r.living, r.loss / r.least_loss - 1.0],
            Codes::Optimised => [r.optimised_living, r.optimised_excess],
            Codes::Spread => [r.spread_living, r.spread_excess],
        }
    }
}

/// Measures the claim at a seed, at the point setting and in every cell of its specification curve; a cell of the
/// control follows that of the claim.
pub fn settle(rows: &[Dictionary], cells: &[Cell], seed: u64, s: &Settings, outcome: &mut Outcome) {
    for pair in cells.chunks_exact(2) {
        for (codes, name) in Codes::ALL {
            let [claim, control] = [pair[0], pair[1]].map(|cell| conditions(rows, cell, codes, s));
            let Cell {
                sphere,
                magnitude,
                encoder,
                ..
            } = pair[0];
            // No encoder has a part in codes on elements that nobody trained: there they are one setting.
            let encoder = match (codes, encoder) {
                (Codes::Spread, Encoder::Tied) => "none",
                (Codes::Spread, Encoder::Untied) => continue,
                (_, encoder) => encoder.word(),
            };
            let setting = Setting::new([
                ("sphere", format!("in {sphere} dimensions")),
                ("magnitude", magnitude.to_string()),
                ("encoder", encoder.into()),
                ("codes", name.to_string()),
            ]);
            let untied = Encoder::Untied.word();
            let point = (s.sphere, Magnitude::One, untied, Codes::Encoder);
            let setting = if (sphere, magnitude, encoder, codes) == point {
                outcome.settle(&GROWTH, seed, claim.clone(), control.clone());
                setting.point()
            } else {
                setting
            };
            outcome.settle_in(&setting, &GROWTH, seed, claim, control);
        }
    }
}

/// Returns the exponent of the living elements in the number of elements, and the excess of the loss with the most
/// elements over that with the fewest, of a cell; dictionaries with fewer elements than the control has features do not
/// count.
fn conditions(
    rows: &[Dictionary],
    cell: Cell,
    codes: Codes,
    s: &Settings,
) -> [Result<f64, String>; 2] {
    let ours = rows
        .iter()
        .filter(|r| r.cell() == cell && r.elements >= s.features);
    let ours: Vec<&Dictionary> = ours.collect();
    let diverged = ours.iter().find(|r| !r.loss.is_finite());
    if let Some(diverged) = diverged.filter(|_| codes != Codes::Spread) {
        let why = format!(
            "the dictionary of {} elements {}",
            diverged.elements, diverged.end
        );
        return [Err(why.clone()), Err(why)];
    }
    let x: Vec<f64> = ours.iter().map(|r| (r.elements as f64).ln()).collect();
    let y: Vec<f64> = ours.iter().map(|r| codes.of(r)[0].max(1.0).ln()).collect();
    let line = Fit::linear(&x, &y);
    let [first, last] = [ours[0], ours[ours.len() - 1]].map(|r| codes.of(r)[1]);
    let fall = match first > CERTAIN {
        true => Ok(last / first),
        false => Err("the loss is the least already at the fewest elements".into()),
    };
    [Ok(line.at(1.0) - line.at(0.0)), fall]
}

#[cfg(test)]
mod tests {
    use super::super::samples::Features;
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
                // A dictionary with fewer elements than the control has features does not count.
                living: if elements < 32 {
                    1.0
                } else {
                    2.0 * n.powf(0.75)
                },
                l0: 1.0,
                loss: 0.1 + 1.0 / n,
                least_loss: 0.1,
                excess: f64::NAN,
                optimised_living: n,
                optimised_excess: 1.0 / n,
                spread_living: 32.0,
                spread_excess: 0.0,
            }
        };
        let mut rows: Vec<Dictionary> = s.sizes().iter().map(row).collect();
        let [exponent, fall] = conditions(&rows, cell, Codes::Encoder, &s).map(Result::unwrap);
        assert!((exponent - 0.75).abs() < 1e-9 && (fall - 0.25).abs() < 1e-9);
        let [exponent, fall] = conditions(&rows, cell, Codes::Optimised, &s).map(Result::unwrap);
        assert!((exponent - 1.0).abs() < 1e-9 && (fall - 0.25).abs() < 1e-9);
        // Nothing is left to fall where the loss is the least already.
        let [exponent, fall] = conditions(&rows, cell, Codes::Spread, &s);
        assert!(exponent.unwrap().abs() < 1e-9 && fall.is_err());
        rows[2].loss = f64::NAN;
        assert!(conditions(&rows, cell, Codes::Encoder, &s)[0].is_err());
        assert!(conditions(&rows, cell, Codes::Spread, &s)[0].is_ok());
    }
}
