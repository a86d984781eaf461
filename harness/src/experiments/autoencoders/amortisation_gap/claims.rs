//! The claim of `amortisation-gap` and what settles it.

use super::data::Size;
use super::scores::Scores;
use super::task::{Known, Method, Task};
use crate::claim::outcome::Outcome;
use crate::claim::{Bound, Claim, ClaimSpec, Kind, Setting, at_least};
use crate::stats::observations::Observations as _;

pub static GAP: Claim<1> = Claim {
    id: "optimised-codes-are-truer",
    kind: Kind::Finding,
    statement: "On a known dictionary of more directions than dimensions, codes by optimisation are nearer to the true ones than \
        those of a linear encoder that was trained for it.",
    criterion: "exactly 3 of 16 sources active in 8 dimensions, dictionary known: on test samples the mean correlation (code \
        MCC) of the best codes (FISTA) with the true ones exceeds that of the linear encoder's by at least 0.05; the opposite \
        holds from 0.05 the other way",
    control: "as many orthogonal sources as dimensions, each of which a linear encoder can read off",
    conditions: [at_least(
        0.05,
        "code MCC of the best codes minus that of the encoder's",
    )
    .opposite(Bound::AtMost(-0.05))],
};

pub const CLAIMS: &[&ClaimSpec] = &[&GAP];

/// Measures the gap at every seed, at the point setting and in every cell of its specification curve.
pub fn settle(scored: &[(Task, Result<Scores, String>)], seeds: &[u64], outcome: &mut Outcome) {
    let (orthogonal, random): (Vec<Size>, Vec<Size>) = scored
        .iter()
        .map(|(task, _)| task.size)
        .distinct()
        .into_iter()
        .partition(|s| s.orthogonal);
    let rivals = scored
        .iter()
        .map(|(task, _)| task.method)
        .distinct()
        .into_iter();
    let rivals: Vec<Method> = rivals.filter(|m| *m != Method::SparseCoding).collect();
    for &seed in seeds {
        let mcc = |size, known, method| {
            let mut found = scored.iter().filter(|(task, _)| {
                (task.size, task.known, task.method, task.seed) == (size, known, method, seed)
            });
            let (_, scores) = found.next().expect("all are trained");
            let named = |why: &String| format!("{method}, {why}");
            scores.as_ref().map(|s| s.code_mcc).map_err(named)
        };
        let gap = |size, known, rival| {
            let best = mcc(size, known, Method::SparseCoding)?;
            Ok::<f64, String>(best - mcc(size, known, rival)?)
        };
        for &size in &random {
            let control = orthogonal.iter().find(|o| o.dimensions == size.dimensions);
            let control = *control.expect("a control for each dimension");
            for known in [Known::Dictionary, Known::Nothing] {
                for &rival in &rivals {
                    let is_point = size == random[0]
                        && (known, rival) == (Known::Dictionary, Method::Encoder(None));
                    let (claim, control) = (gap(size, known, rival), gap(control, known, rival));
                    let setting = Setting::new([
                        ("known", known.to_string()),
                        ("encoder", rival.to_string()),
                        ("sources", size.sources.to_string()),
                        ("dimensions", size.dimensions.to_string()),
                    ]);
                    let setting = setting.point_if(is_point);
                    outcome.settle_in(&setting, &GAP, seed, [claim], [control]);
                }
            }
        }
    }
}
