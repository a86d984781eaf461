//! The claim of `compositional` and what settles it.

use super::readers::{Reader, Reading};
use super::settings::Settings;
use crate::claim::outcome::Outcome;
use crate::claim::{Bound, Claim, Kind, Setting, at_least};

/// The name of the choice of the specification curve that is the number of features.
pub const FEATURES: &str = "features";

pub static COMPANY: Claim<2> = Claim {
    id: "codes-hold-in-new-company",
    kind: Kind::Finding,
    statement: "A linear probe reads a feature worse beside others that it never stood beside in training; codes by \
        optimisation on the true directions do not.",
    criterion: "exactly k of n features active in ⌈2k ln(n/k)⌉ dimensions, the first of them read on samples that \
        contain it, through a line fitted in training: R² in known combinations minus R² in new ones is larger by at \
        least 0.1 for a linear probe than for the codes of least loss (FISTA) on the true directions, whose R² in new \
        ones is at least 0.9; the opposite holds where the probe's fall is not the larger one",
    control: "as many dimensions as features, all orthogonal: a linear map reads every feature exactly, whatever its company",
    conditions: [
        at_least(
            0.1,
            "fall of R² from known to new combinations, of the rival minus of the codes",
        )
        .opposite(Bound::AtMost(0.0)),
        at_least(0.9, "R² of the codes in new combinations"),
    ],
};

/// Measures the claim at every seed, at the point setting and in every cell of its specification curve.
pub fn settle(rows: &[Reading], s: &Settings, seeds: &[u64], outcome: &mut Outcome) {
    for &seed in seeds {
        for &features in &s.features {
            for rival in [Reader::Probe, Reader::Encoder] {
                for codes in [Reader::Learned, Reader::Known] {
                    let of = |orthogonal| {
                        let at = (features, orthogonal, seed);
                        conditions(rows, at, rival, codes)
                    };
                    let (claim, control) = (of(false), of(true));
                    let is_point =
                        (features, rival, codes) == (s.point, Reader::Probe, Reader::Known);
                    if is_point {
                        outcome.settle(&COMPANY, seed, claim.clone(), control.clone());
                    }
                    let setting = Setting::new([
                        (FEATURES, features.to_string()),
                        ("against", rival.to_string()),
                        ("codes", codes.to_string()),
                    ]);
                    let setting = if is_point { setting.point() } else { setting };
                    outcome.settle_in(&setting, &COMPANY, seed, claim, control);
                }
            }
        }
    }
}

/// Returns by how much more the R² of `rival` falls from known to new combinations than that of `codes`, and the R² of
/// `codes` in new ones.
fn conditions(
    rows: &[Reading],
    at: (usize, bool, u64),
    rival: Reader,
    codes: Reader,
) -> [Result<f64, String>; 2] {
    let of = |reader: Reader| {
        let found = rows
            .iter()
            .find(|r| ((r.features, r.orthogonal, r.seed), r.reader) == (at, reader));
        let row = found.expect("all are read");
        match row.r2_new.is_finite() {
            true => Ok(row),
            false => Err(format!("{reader}: {}", row.end)),
        }
    };
    let fall = |row: &Reading| row.r2_known - row.r2_new;
    let both = of(rival).and_then(|rival| Ok((rival, of(codes)?)));
    [
        both.clone().map(|(rival, codes)| fall(rival) - fall(codes)),
        of(codes).map(|codes| codes.r2_new),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fall_of_a_rival_is_held_against_that_of_the_codes() {
        let row = |reader, r2_known, r2_new| Reading {
            features: 50,
            dimensions: 33,
            orthogonal: false,
            reader,
            seed: 3,
            end: "diverged".into(),
            r2_known,
            r2_new,
            accuracy_known: 1.0,
            accuracy_new: 1.0,
            cosine: 1.0,
        };
        let rows = [
            row(Reader::Probe, 0.75, 0.25),
            row(Reader::Known, 1.0, 0.875),
            row(Reader::Learned, f64::NAN, f64::NAN),
        ];
        let at = (50, false, 3);
        let found = conditions(&rows, at, Reader::Probe, Reader::Known);
        assert_eq!(found, [Ok(0.375), Ok(0.875)]);
        let found = conditions(&rows, at, Reader::Probe, Reader::Learned);
        assert!(found.iter().all(Result::is_err));
    }
}
