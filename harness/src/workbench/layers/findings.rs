//! What came out, in sentences.

use super::tables::{LayerModel, Persistence, Probe, Score};
use crate::stats::mean_of_finite;
use crate::stats::observations::Observations as _;
use crate::table::Tables;
use crate::table::record::Word as _;
use crate::text::{number, percent};
use crate::workbench::settings::Role;

/// The share of its elements that a second training should find again, for a dictionary to tell anything of its layer.
const SETTLED: f64 = 0.3;

/// All of it, from the tables.
pub fn findings(tables: &Tables, same_from: f64) -> Vec<String> {
    let models: Vec<LayerModel> = tables.rows();
    let persistence: Vec<Persistence> = tables.rows();
    let probes: Vec<Probe> = tables.rows();
    let mut said = reconstruction(&models);
    said.extend(kept(&persistence, same_from));
    said.extend(unfinished(&persistence));
    let targets: Vec<&str> = probes.iter().map(|p| p.target.as_str()).distinct();
    said.extend(targets.into_iter().map(|target| probed(&probes, target)));
    said
}

/// The layers with the smallest and with the largest value.
fn ends(values: &[(usize, f64)]) -> Option<[(usize, f64); 2]> {
    let finite = || values.iter().copied().filter(|v| v.1.is_finite());
    let least = finite().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let most = finite().max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some([least, most])
}

fn reconstruction(models: &[LayerModel]) -> Vec<String> {
    let models = models.iter().filter(|m| m.model.role == Role::Model);
    let models: Vec<&LayerModel> = models.collect();
    let cells = models.iter().map(|m| m.model.cell.as_str()).distinct();
    let each = cells.into_iter().filter_map(|cell| {
        let of = |m: &&&LayerModel| m.model.cell == cell;
        let ours: Vec<&LayerModel> = models.iter().filter(of).copied().collect();
        let elements = ours[0].model.elements;
        let by_layer = |measure: fn(&LayerModel) -> f64| {
            ours.iter().map(|m| (m.layer, measure(m))).medians()
        };
        let whole = |values: Vec<(f64, f64)>| -> Vec<(usize, f64)> {
            values.into_iter().map(|(layer, value)| (layer as usize, value)).collect()
        };
        let [least, most] = ends(&whole(by_layer(|m| m.model.measures.explained_variance)))?;
        let [fewest, _] = ends(&whole(by_layer(|m| m.model.measures.dead)))?;
        let [_, dead] = ends(&whole(by_layer(|m| m.model.measures.dead)))?;
        let l0 = mean_of_finite(ours.iter().map(|m| m.model.measures.l0))?;
        let range = |low: f64, high: f64| match percent(low) == percent(high) {
            true => percent(low),
            false => format!("{} to {}", percent(low), percent(high)),
        };
        Some(format!(
            "With {elements} elements, {} of them active on a row in the mean, a dictionary explains {} of the variance of held-out \
             rows, least at layer {} and most at layer {}; {} of its elements are dead.",
            number(l0),
            range(least.1, most.1),
            least.0,
            most.0,
            range(fewest.1, dead.1),
        ))
    });
    each.collect()
}

fn kept(rows: &[Persistence], same_from: f64) -> Option<String> {
    let next = [
        mean_of_finite(rows.iter().map(|r| r.next_direction))?,
        mean_of_finite(rows.iter().map(|r| r.next_function))?,
    ];
    let mut said = format!(
        "Of the elements that at least 10 of the compared rows switch on, the next layer has {} by direction (a cosine of at \
         least {same_from}) and {} by function (a correlation of activations of at least {same_from}), in the mean over layers.",
        percent(next[0]),
        percent(next[1]),
    );
    let again = [
        mean_of_finite(rows.iter().map(|r| r.again_direction)),
        mean_of_finite(rows.iter().map(|r| r.again_function)),
    ];
    if let [Some(direction), Some(function)] = again {
        said += &format!(
            " A second training on the same layer finds {} of them by direction and {} by function: elements that it does not \
             find are no property of the layer, and most that a next layer could have is about as much.",
            percent(direction),
            percent(function),
        );
        if direction < SETTLED && function < SETTLED {
            said += " That is so few that these dictionaries tell little of the layers: train on more rows, or with fewer elements.";
        }
    }
    let of = |column: fn(&Persistence) -> f64| mean_of_finite(rows.iter().map(column));
    if let [Some(cosine), Some(chance), Some(correlation), Some(apart)] = [
        of(|r| r.next_cosine),
        of(|r| r.chance_cosine),
        of(|r| r.next_correlation),
        of(|r| r.chance_correlation),
    ] {
        said += &format!(
            " The mean largest cosine with an element of the next layer is {} (a random dictionary: {}), the mean largest \
             correlation {} (rows that do not belong together: {}).",
            number(cosine),
            number(chance),
            number(correlation),
            number(apart),
        );
    }
    Some(said)
}

fn unfinished(rows: &[Persistence]) -> Option<String> {
    let between = &rows[1..rows.len().max(2) - 1];
    let of = |column: fn(&Persistence) -> f64| mean_of_finite(between.iter().map(column));
    let direction = of(|r| r.unfinished_direction)?;
    let function = of(|r| r.unfinished_function)?;
    let mut said = format!(
        "In the layers between the first and the last, {} of the elements are unfinished by direction and {} by function: \
         neither the first nor the last layer has them.",
        percent(direction),
        percent(function),
    );
    if let [Some(direction), Some(function)] = [
        of(|r| r.stable_unfinished_direction),
        of(|r| r.stable_unfinished_function),
    ] {
        said += &format!(
            " Of all elements, {} by direction and {} by function are unfinished although a second training on their layer finds \
             them again, so that they are no accident of a training.",
            percent(direction),
            percent(function),
        );
    }
    Some(said)
}

fn probed(probes: &[Probe], target: &str) -> String {
    let ours: Vec<&Probe> = probes.iter().filter(|p| p.target == target).collect();
    // The first of equals; what could not be measured comes last.
    let best = |of: fn(&Probe) -> f64| {
        let better = |a, b| {
            if of(b) > of(a) || of(a).is_nan() {
                b
            } else {
                a
            }
        };
        let all = ours.iter().copied();
        all.reduce(better).expect("a target has probes")
    };
    let read = best(|p| p.held_out);
    let near = best(|p| p.pattern.max(p.direction));
    let above = |of: fn(&Probe) -> bool| ours.iter().filter(|p| of(p)).count();
    let chance = match read.score {
        Score::R2 => String::new(),
        Score::Accuracy => format!(" (the most frequent class: {})", number(read.chance)),
    };
    format!(
        "{target}: a linear probe reads it best from layer {}, with {} {}{chance}. The element nearest to a probe is element {} of \
         layer {}, with a |cosine| of {}; dictionaries of random directions stay below {}. The nearest element is nearer to the \
         weights of the probe than 97.5 % of dictionaries of random rows are in {} of {} layers, and to its pattern in {}.",
        read.layer,
        read.score.word(),
        number(read.held_out),
        if near.pattern >= near.direction {
            format!("{} (by pattern)", near.pattern_element)
        } else {
            format!("{} (by weights)", near.direction_element)
        },
        near.layer,
        number(near.pattern.max(near.direction)),
        number(near.random_high),
        above(|p| p.direction > p.direction_rows_high),
        ours.len(),
        above(|p| p.pattern > p.pattern_rows_high),
    )
}
