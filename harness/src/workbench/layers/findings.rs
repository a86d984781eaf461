//! The findings of a training on several layers, in sentences.

use super::tables::{LayerModel, Nearest, Persistence, Probe, Score};
use crate::stats::observations::Observations as _;
use crate::stats::{mean_of_finite, median};
use crate::table::Tables;
use crate::table::record::Word as _;
use crate::text::{number, percent};
use crate::workbench::settings::Role;

/// The share of its elements that a second training should find again, for a dictionary to tell anything of its layer.
const SETTLED: f64 = 0.3;

/// Returns all findings, from the tables.
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

/// Returns the layers with the smallest and with the largest finite value; `None` if there is no such value.
fn ends<'a>(values: &[(&'a str, f64)]) -> Option<[(&'a str, f64); 2]> {
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
        let layers = ours.iter().map(|m| m.layer.as_str()).distinct();
        let by_layer = |measure: fn(&LayerModel) -> f64| {
            let of_layer = |&layer: &&'_ str| {
                let here = ours.iter().filter(|m| m.layer == layer);
                median(&here.map(|m| measure(m)).collect::<Vec<f64>>())
            };
            let each = layers.iter().map(|layer| (*layer, of_layer(layer)));
            each.collect::<Vec<_>>()
        };
        let [least, most] = ends(&by_layer(|m| m.model.measures.explained_variance))?;
        let [fewest, dead] = ends(&by_layer(|m| m.model.measures.dead))?;
        let l0 = mean_of_finite(ours.iter().map(|m| m.model.measures.l0))?;
        let range = |low: f64, high: f64| match percent(low) == percent(high) {
            true => percent(low),
            false => format!("{} to {}", percent(low), percent(high)),
        };
        Some(format!(
            "With {elements} elements, {} of them active on a row in the mean, a dictionary explains {} of the variance of held-out \
             rows{}; {} of its elements are dead.",
            number(l0),
            range(least.1, most.1),
            match percent(least.1) == percent(most.1) {
                true => String::new(),
                false => format!(", least at {} and most at {}", least.0, most.0),
            },
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
    // These means are over the same layers, of which the last is none, as it has no next one.
    let compared = || rows.iter().filter(|r| !r.next_direction.is_nan());
    let again = [
        mean_of_finite(compared().map(|r| r.again_direction)),
        mean_of_finite(compared().map(|r| r.again_function)),
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
    if rows.len() < 3 {
        let why = "No layer lies between the first and the last, so none has elements that could be \
                   unfinished, and no figure shows them.";
        return Some(why.into());
    }
    let between = &rows[1..rows.len() - 1];
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
    let read = first_largest(&ours, |p| p.held_out);
    let both = ours
        .iter()
        .flat_map(|p| [(p, p.by_pattern()), (p, p.by_weights())]);
    let both: Vec<(&&Probe, Nearest)> = both.collect();
    let (at, near) = first_largest(&both, |(_, near)| near.excess());
    let chance = match read.score {
        Score::R2 => String::new(),
        Score::Accuracy => format!(" (the most frequent class: {})", number(read.chance)),
    };
    let Nearest { to, element, .. } = near;
    let [cosine, rows, directions] = [near.cosine, near.rows, near.directions].map(number);
    let said = match near.excess() > 0.0 {
        true => format!(
            "The element that is farthest above chance is element {element} of {}, with a |cosine| of {cosine} with the {to} of \
             the probe: 97.5 % of dictionaries of as many random rows of that layer stay below {rows}, and of random directions \
             below {directions}.",
            at.layer,
        ),
        false => format!(
            "No element is nearer to a probe than chance makes one. Element {element} of {} comes closest to it, with a |cosine| of \
             {cosine} with the {to} of the probe, where 97.5 % of dictionaries of as many random rows of that layer stay below \
             {rows}, and of random directions below {directions}.",
            at.layer,
        ),
    };
    let above = |of: fn(&Probe) -> Nearest| ours.iter().filter(|p| of(p).excess() > 0.0).count();
    format!(
        "{target}: a linear probe reads it best from {}, with {} {}{chance}. {said} The nearest element is above the larger of \
         the two by the weights of the probe in {} of {} layers and by its pattern in {}; by chance it would be in one layer of 40.",
        read.layer,
        read.score.word(),
        number(read.held_out),
        above(Probe::by_weights),
        ours.len(),
        above(Probe::by_pattern),
    )
}

/// Returns the first item with the largest value; items whose value is NaN come last.
fn first_largest<T: Copy>(all: &[T], of: impl Fn(&T) -> f64) -> T {
    let better = |a: T, b: T| match of(&b) > of(&a) || of(&a).is_nan() {
        true => b,
        false => a,
    };
    all.iter()
        .copied()
        .reduce(better)
        .expect("a target has probes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Line, Record as _};

    /// Returns a probe whose pattern has an element at a |cosine| of 0.28, where random directions stay below 0.205.
    fn probe(pattern_rows_high: f64) -> Probe {
        let zeros = Probe::SPEC.columns.iter().map(|column| match column.name {
            "score" => "R²".to_string(),
            _ => "0".into(),
        });
        Probe {
            layer: "layer2".into(),
            target: "letters".into(),
            pattern: 0.28,
            pattern_rows_high,
            random_high: 0.205,
            ..Probe::parse(&Line::from(zeros.collect::<Vec<_>>())).unwrap()
        }
    }

    #[test]
    fn an_element_is_held_to_the_stricter_control() {
        let said = probed(&[probe(0.44)], "letters");
        for part in [
            "No element is nearer to a probe than chance",
            "of layer2",
            "a |cosine| of 0.28 with the pattern",
            "below 0.44",
            "in 0 of 1 layers and by its pattern in 0",
        ] {
            assert!(said.contains(part), "{said}");
        }
        let said = probed(&[probe(0.1)], "letters");
        assert!(said.contains("farthest above chance"), "{said}");
        assert!(said.contains("by its pattern in 1"), "{said}");
    }
}
