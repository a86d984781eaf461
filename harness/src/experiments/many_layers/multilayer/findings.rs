//! The text on what the tables and the verdicts show.

use super::capacity::Way;
use super::claims::{CAPACITY, CLAIMS, DECISIVE, END, LEARNED, LINEAR, MORE};
use super::decisive::Measure;
use super::settle::JUDGE;
use super::tables::{Decisive, Layer, OfCapacity, Summary};
use super::task::{Kind, Part};
use crate::claim::ledger::Ledger;
use crate::claim::setting::{choices, option_of};
use crate::claim::{Cell, Verdict};
use crate::stats::observations::Observations as _;
use crate::stats::{mean, mean_of_finite};
use crate::table::Tables;
use crate::table::record::Word as _;
use crate::text::{number, percent_to_tenths};

/// Writes what the tables show and, for the claims on layers, on which choice each hangs.
pub fn write(tables: &Tables, ledger: &Ledger) -> String {
    let mut models = tables.rows::<Summary>();
    let (mut layers, mut decisive) = (tables.rows::<Layer>(), tables.rows::<Decisive>());
    // As in the claims, a model that has not learned its data does not count.
    let failed = models.iter().filter(|m| m.learned < LEARNED);
    let failed = failed.map(|m| (m.part, m.model, m.n, m.seed));
    let failed: Vec<_> = failed
        .filter(|m| (m.0, m.1) == (Part::Point, Kind::Trained))
        .collect();
    models.retain(|m| !failed.contains(&(m.part, m.model, m.n, m.seed)));
    layers.retain(|m| !failed.contains(&(m.part, m.model, m.n, m.seed)));
    decisive.retain(|m| !failed.contains(&(m.part, m.model, m.n, m.seed)));
    let mut said = Vec::new();
    said.extend(pictures(&models, &layers));
    said.extend(other_judges(ledger));
    said.extend(other_targets(&models));
    said.extend(straightness(&models));
    said.extend(more_data(&models));
    said.extend(who_decides(&decisive, ledger));
    said.extend(capacity(&tables.rows(), ledger));
    if said.is_empty() {
        return "No model was trained to its end, so there is nothing to read layer by layer."
            .into();
    }
    let findings = [LINEAR.id, END.id, MORE.id, DECISIVE.id];
    said.extend(findings.iter().filter_map(|id| hangs_on(ledger, id)));
    said.extend(otherwise(ledger));
    said.join(" ")
}

/// Returns the mean of a column over the models of a kind in a part in which it is finite, if there are any.
fn column(
    models: &[Summary],
    part: Part,
    kind: Kind,
    column: impl Fn(&Summary) -> f64,
) -> Option<f64> {
    let ours = models.iter().filter(|r| (r.part, r.model) == (part, kind));
    mean_of_finite(ours.map(column))
}

/// Returns the share of the trained models' datapoints whose correct logit is the largest one layer before the end.
fn right_before_last(models: &[Summary], layers: &[Layer], part: Part) -> Option<f64> {
    let last = models.iter().find(|r| r.part == part)?.layers;
    let ours = layers
        .iter()
        .filter(|r| (r.part, r.model, r.layer + 1) == (part, Kind::Trained, last));
    mean_of_finite(ours.map(|r| r.right))
}

/// Writes what the post's pictures show at the settings of the experiment, and with the opposite choices.
fn pictures(models: &[Summary], layers: &[Layer]) -> Option<String> {
    let of = |part, f: &dyn Fn(&Summary) -> f64| column(models, part, Kind::Trained, f);
    let right = |part| right_before_last(models, layers, part).map(percent_to_tenths);
    let depth = of(Part::Point, &|r| r.depth)?;
    let before = of(Part::Point, &|r| r.learned_before_last)?;
    let loss = models.iter().find(|r| r.part == Part::Point)?.loss;
    let mut text = format!(
        "With {}, minibatches and the same number of epochs for every N, in the models that have learned their data, the \
         loss of half of the datapoints falls below the threshold only {} of the way through the layers, and that of {} is \
         below it one layer before the end; by the largest logit, {} are right there.",
        loss.word().replace('-', " "),
        percent_to_tenths(depth),
        percent_to_tenths(before),
        right(Part::Point)?
    );
    if let (Some(there), Some(right)) = (
        of(Part::Opposite, &|r| r.learned_before_last),
        right(Part::Opposite),
    ) {
        text += &format!(
            " With the opposite choices (the other loss, all datapoints in a batch, eight layers, an early stop) the loss of \
             {} is below the threshold one layer before the end, and by the largest logit {right} are right: there it \
             hangs on the way to tell right from wrong whether the post's picture appears. (These trainings end with {}.)",
            percent_to_tenths(there),
            opposite_ends(models)
        );
    }
    Some(text)
}

/// Writes a sentence on how early half of the datapoints of the very same models are right by each way to tell that.
fn other_judges(ledger: &Ledger) -> Option<String> {
    let point = ledger.cells_of(END.id).find(|c| c.point)?;
    let but_judge = |c: &Cell| -> Vec<(String, String)> {
        let others = choices(&c.setting).filter(|(choice, _)| *choice != JUDGE);
        others.map(|(a, b)| (a.into(), b.into())).collect()
    };
    let models = but_judge(point);
    let others = ledger.cells_of(END.id).filter(|c| !c.point);
    let cells = std::iter::once(point).chain(others.filter(|&c| but_judge(c) == models));
    let of_judge = |c: &Cell| {
        let judge = option_of(&c.setting, JUDGE)?;
        Some(format!("{} by “{judge}”", percent_to_tenths(c.value)))
    };
    let measured = cells.filter(|c| c.value.is_finite());
    let said: Vec<String> = measured.filter_map(of_judge).collect();
    (said.len() > 1).then(|| {
        format!(
            "How late that is hangs on what counts as right. In the very same models half of the datapoints are right after \
             these shares of the layers: {}; 0 % means from the input embedding on, before any layer.",
            said.join(", ")
        )
    })
}

/// Writes the ends of the trainings with the opposite choices: `8.1 % learned after 150 steps at N = 1000`.
fn opposite_ends(models: &[Summary]) -> String {
    let ours = || {
        let ours = models.iter();
        ours.filter(|r| (r.part, r.model) == (Part::Opposite, Kind::Trained))
    };
    let of_size = |&n: &usize| {
        let of_n = || ours().filter(|r| r.n == n);
        let learned = mean(&of_n().map(|r| r.learned).collect::<Vec<_>>());
        let steps = mean(&of_n().map(|r| r.steps as f64).collect::<Vec<_>>());
        format!(
            "{} learned after {} steps at N = {n}",
            percent_to_tenths(learned),
            number(steps.round())
        )
    };
    let sizes = ours().map(|r| r.n).levels();
    sizes.iter().map(of_size).collect::<Vec<_>>().join(", ")
}

/// Writes a sentence on models of the other kind of targets, beside those of the experiment at the same N.
fn other_targets(models: &[Summary]) -> Option<String> {
    let trained = |part| {
        models
            .iter()
            .filter(move |r| (r.part, r.model) == (part, Kind::Trained))
    };
    let n = trained(Part::OtherTargets).map(|r| r.n).next()?;
    let depth = |part| {
        let ours = trained(part).filter(|r| r.n == n);
        mean_of_finite(ours.map(|r| r.depth)).map(percent_to_tenths)
    };
    Some(format!(
        "With the other kind of targets (modular ones, which follow a rule, instead of random ones; or the other way round) \
         and N = {n}, half of the losses fall below the threshold {} of the way through the layers; with those of the \
         experiment, {}.",
        depth(Part::OtherTargets)?,
        depth(Part::Point)?
    ))
}

/// Writes a sentence on how straight the loss falls, beside a model of which it is known that one layer decides.
fn straightness(models: &[Summary]) -> Option<String> {
    let of = |kind| column(models, Part::Point, kind, |r| r.late_r2);
    let (trained, look_up) = (of(Kind::Trained)?, of(Kind::LookUp)?);
    Some(format!(
        "A straight line through the mean loss after each layer of the last half has R² = {} in trained models and {} \
         in a look-up model, in which one layer decides on each datapoint: that the loss falls evenly does not tell \
         which of the two pictures is true.",
        number(trained),
        number(look_up)
    ))
}

/// Writes a sentence on whether more data are learned earlier.
fn more_data(models: &[Summary]) -> Option<String> {
    let ours = |r: &&Summary| (r.part, r.model) == (Part::Point, Kind::Trained);
    let sizes = models.iter().filter(ours).map(|r| r.n).levels();
    let [smallest, .., largest] = sizes[..] else {
        return None;
    };
    let area = |n: usize| {
        let ours = models.iter().filter(ours).filter(|r| r.n == n);
        mean(&ours.map(|r| r.area).collect::<Vec<_>>())
    };
    Some(format!(
        "Before the last layer, the loss of {} of the datapoints is below the threshold on average over the layers with \
         N = {smallest}, and of {} with N = {largest}.",
        percent_to_tenths(area(smallest)),
        percent_to_tenths(area(largest))
    ))
}

/// Writes a sentence on the share of the layer that decides, by measure and model.
fn who_decides(rows: &[Decisive], ledger: &Ledger) -> Option<String> {
    let value = |kind, measure| {
        let ours = rows
            .iter()
            .filter(|r| (r.part, r.model, r.measure) == (Part::Point, kind, measure));
        mean_of_finite(ours.map(|r| r.in_layers))
    };
    let of = |kind, measure| value(kind, measure).map(number);
    let trained = |measure| of(Kind::Trained, measure);
    let mut text = format!(
        "By the gradient of the correct output the largest layer has {} times its even share, by what it adds to the \
         correct logit {} times, by the drop of the loss {} times, and by the rise of the margin {} times",
        trained(Measure::Gradient)?,
        trained(Measure::Contribution)?,
        trained(Measure::Loss)?,
        trained(Measure::Margin)?,
    );
    if let (Some(gradient), Some(loss)) = (
        of(Kind::Untrained, Measure::Gradient),
        of(Kind::Untrained, Measure::Loss),
    ) {
        text += &format!(
            "; in an untrained model it is {gradient} by the gradient and {loss} by the loss"
        );
    }
    if let (Some(gradient), Some(contribution), Some(loss)) = (
        of(Kind::AndSpread, Measure::Gradient),
        of(Kind::AndSpread, Measure::Contribution),
        of(Kind::AndSpread, Measure::Loss),
    ) {
        let margin = match of(Kind::AndSpread, Measure::Margin) {
            Some(margin) => format!(", and {margin} by the rise of the margin"),
            None => String::new(),
        };
        let circuits = rows.iter().filter(|r| {
            (r.part, r.model, r.measure) == (Part::Point, Kind::AndSpread, Measure::Loss)
        });
        let models: Vec<String> = circuits
            .map(|r| format!("N = {} at seed {}", r.n, r.seed))
            .collect();
        text += &format!(
            ". In a circuit built by hand, whose work is dealt at random to all layers, it is {gradient}, {contribution} and \
             {loss} by the first three{margin} ({})",
            models.join(", ")
        );
        text += &broken(&value, ledger);
    }
    Some(text + ".")
}

/// Writes what follows where the circuit in which no layer decides breaks the claim's bound by the drop of the loss.
fn broken(value: &dyn Fn(Kind, Measure) -> Option<f64>, ledger: &Ledger) -> String {
    let condition = &DECISIVE.conditions[Measure::Loss as usize];
    let breaks = |loss: f64| !condition.bound.holds(loss);
    if !value(Kind::AndSpread, Measure::Loss).is_some_and(breaks) {
        return String::new();
    }
    let cells = || ledger.cells_of(DECISIVE.id);
    let rest = cells()
        .filter(|c| c.reason.starts_with(condition.measure))
        .count();
    let rest = match rest {
        0 => String::new(),
        rest => format!(
            " ({rest} of the {} settings of the grid are not reproduced for this bound before any other)",
            cells().count()
        ),
    };
    format!(
        ". This positive control has no decisive layer, yet it breaks the bound ({}) for the drop of the loss: a model that \
         breaks that bound alone is no evidence against the claim{rest}. What the other measures say stands",
        condition.bound.text()
    )
}

/// Writes a sentence on the number of pairs learned in each way.
fn capacity(rows: &[OfCapacity], ledger: &Ledger) -> Option<String> {
    let point = rows.first()?;
    let held = point.looked_up;
    let rows: Vec<_> = rows.iter().filter(|r| r.is_like(point)).collect();
    let seeds = rows.iter().map(|r| r.seed).levels();
    let most = |way: Way| {
        let of_seed = |&seed: &u64| {
            let ours = rows.iter();
            let ours = ours.filter(|r| (r.way, r.seed) == (way, seed) && r.learned >= LEARNED);
            ours.map(|r| r.n).max().unwrap_or(0) as f64
        };
        match mean(&seeds.iter().map(of_seed).collect::<Vec<_>>()) {
            0.0 => "none of the numbers tried".into(),
            most => number(most.round()),
        }
    };
    let mut text = format!(
        "Blocks with room to look up {held} pairs learn {} when they are trained together and {} when they are trained \
         one by one (means over seeds of the largest number tried that is learned).",
        most(Way::EndToEnd),
        most(Way::BlockByBlock)
    );
    let cells = ledger.cells_of(CAPACITY.id);
    let others: Vec<&Cell> = cells.filter(|c| !c.point).collect();
    let holds = |c: &&&Cell| c.verdict == Verdict::Reproduced;
    let (held, all) = (others.iter().filter(holds).count(), others.len());
    let more = others.iter().filter(|c| c.value > 1.0).count();
    if all > 0 {
        text += &format!(
            " With other numbers of blocks and hidden units, or another learning rate, more is learned together on average in \
             {more} of {all} combinations; the claim is reproduced in {held}."
        );
    }
    Some(text)
}

/// Writes a sentence on the choice on which a claim hangs most: the one of which two options differ most in how often
/// the claim's bounds are kept, whether or not its control keeps them too. The choice is sought in the grid of settings
/// alone: the models of the experiment's own settings are of another width.
fn hangs_on(ledger: &Ledger, id: &str) -> Option<String> {
    let cells: Vec<&Cell> = ledger.cells_of(id).filter(|c| !c.point).collect();
    let point = ledger.cells_of(id).find(|c| c.point);
    let keeps = |c: &&&Cell| c.keeps_its_bounds();
    let (held, all) = (cells.iter().filter(keeps).count(), cells.len());
    if all == 0 || held == all {
        return None;
    }
    if held == 0 {
        let alone = point.filter(|c| keeps(&c))?;
        return Some(format!(
            "The bounds of {id} are kept at the settings of the experiment ({}) and in none of the {all} settings of the grid, \
             whatever the loss, depth, batch, budget and rate: its models are of another width, with other numbers of \
             datapoints and of seeds, so the verdict hangs on these.",
            of_width(alone)
        ));
    }
    let options = cells.iter().flat_map(|c| choices(&c.setting)).distinct();
    let of = |option: &(&str, &str)| {
        let ours = cells
            .iter()
            .filter(|c| choices(&c.setting).any(|o| o == *option));
        (ours.clone().filter(keeps).count(), ours.count())
    };
    let share = |option: &(&str, &str)| {
        let (held, all) = of(option);
        held as f64 / all as f64
    };
    let names = options.iter().map(|o| o.0).distinct();
    let ends = names.into_iter().filter_map(|name| {
        let ours = options.iter().filter(|o| o.0 == name);
        let best = ours.clone().max_by(|a, b| share(a).total_cmp(&share(b)))?;
        let worst = ours.min_by(|a, b| share(a).total_cmp(&share(b)))?;
        Some((share(best) - share(worst), best, worst))
    });
    let (_, best, worst) = ends.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let ((most, of_most), (least, of_least)) = (of(best), of(worst));
    Some(format!(
        "Whatever becomes of the control, the bounds of {id} are kept in {held} of the {all} settings of the grid \
         around those of the experiment, at another width; this hangs most on “{}”: {most} of {of_most} with {}, {least} of \
         {of_least} with {}.",
        best.0,
        best.1.replace('-', " "),
        worst.1.replace('-', " ")
    ))
}

/// Returns the width of the models of a cell: `width 100`.
fn of_width(cell: &Cell) -> String {
    let width = option_of(&cell.setting, "width");
    width.map_or(String::new(), |width| format!("width {width}"))
}

/// Writes which claims came out otherwise than in the post, each with the reason.
fn otherwise(ledger: &Ledger) -> Option<String> {
    let entries = CLAIMS.iter().filter_map(|claim| ledger.get(claim.id));
    let others: Vec<String> = entries
        .filter(|e| matches!(e.verdict, Verdict::NotReproduced | Verdict::Reversed))
        .map(|e| match e.id == CAPACITY.id {
            // The post says this of efficiency, not of a number of pairs.
            true => format!("{} ({}; the post only infers it)", e.id, e.reason),
            false => format!("{} ({})", e.id, e.reason),
        })
        .collect();
    (!others.is_empty()).then(|| {
        format!(
            "These claims did not come out as in the post: {}.",
            others.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::reference;

    #[test]
    fn a_setting_whose_control_is_open_counts_by_the_bounds_of_the_claim() {
        for (id, parts) in [
            (LINEAR.id, &["kept in 16 of the 69 settings"][..]),
            (END.id, &["kept in 180 of the 349 settings", "2 of 70"]),
            (MORE.id, &["kept in 13 of the 349 settings"]),
        ] {
            let said = hangs_on(&reference::LEDGER, id).expect("a sentence");
            assert!(parts.iter().all(|part| said.contains(part)), "{said}");
        }
    }

    #[test]
    fn what_counts_as_right_is_compared_on_the_very_same_models() {
        let said = other_judges(&reference::LEDGER).expect("a sentence");
        // The sentence names all judges of the models of the point setting, and none of other models.
        assert_eq!(said.matches(" % by “").count(), 5, "{said}");
        for judge in [
            "loss < 0.1",
            "largest logit",
            "largest logit of the affine lens",
        ] {
            assert!(said.contains(&format!("by “{judge}”")), "{said}");
        }
    }
}
