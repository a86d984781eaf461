//! What the tables and the verdicts show, in words.

use super::capacity::Way;
use super::claims::{CAPACITY, CLAIMS, DECISIVE, END, LEARNED, LINEAR, MORE};
use super::decisive::Measure;
use super::tables::{Decisive, OfCapacity, Summary};
use super::task::{Kind, Part};
use crate::claim::ledger::Ledger;
use crate::claim::setting::choices;
use crate::claim::{Cell, Verdict};
use crate::stats::mean;
use crate::stats::observations::Observations as _;
use crate::table::Tables;
use crate::table::record::Word as _;
use crate::text::{number, percent_to_tenths};

/// What the tables show and, of each claim, on which choice it hangs.
pub fn write(tables: &Tables, ledger: &Ledger) -> String {
    let models = tables.rows::<Summary>();
    let mut said = Vec::new();
    said.extend(pictures(&models));
    said.extend(straightness(&models));
    said.extend(more_data(&models));
    said.extend(who_decides(&tables.rows()));
    said.extend(capacity(&tables.rows()));
    if said.is_empty() {
        return "No model was trained to its end, so there is nothing to read layer by layer."
            .into();
    }
    let findings = [LINEAR.id, END.id, MORE.id, DECISIVE.id];
    said.extend(findings.iter().filter_map(|id| hangs_on(ledger, id)));
    said.extend(otherwise(ledger));
    said.join(" ")
}

/// A column of the models of a kind that have one.
fn column(
    models: &[Summary],
    part: Part,
    kind: Kind,
    column: impl Fn(&Summary) -> f64,
) -> Option<f64> {
    let ours = models.iter().filter(|r| (r.part, r.model) == (part, kind));
    let values: Vec<f64> = ours.map(column).filter(|v| v.is_finite()).collect();
    (!values.is_empty()).then(|| mean(&values))
}

/// What the post's pictures show at the settings of the experiment, and with the opposite choices.
fn pictures(models: &[Summary]) -> Option<String> {
    let of = |part, f: &dyn Fn(&Summary) -> f64| column(models, part, Kind::Trained, f);
    let depth = of(Part::Point, &|r| r.depth)?;
    let before = of(Part::Point, &|r| r.learned_before_last)?;
    let loss = models.iter().find(|r| r.part == Part::Point)?.loss;
    let here = format!(
        "With {}, minibatches and the same number of epochs for every N, half of the datapoints are right only {} of \
         the way through the layers, and {} one layer before the end.",
        loss.word().replace('-', " "),
        percent_to_tenths(depth),
        percent_to_tenths(before)
    );
    let there = of(Part::Opposite, &|r| r.learned_before_last);
    let there = there.map_or(String::new(), |there| {
        format!(
            " With the opposite choices (the other loss, all datapoints in a batch, eight layers, an early stop) {} \
             are right one layer before the end.",
            percent_to_tenths(there)
        )
    });
    Some(here + &there)
}

/// A sentence on how straight the loss falls, beside a model of which it is known that one layer decides.
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

/// A sentence on whether more data are learned earlier.
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
        "Before the last layer, {} of the datapoints are right on average over the layers with N = {smallest}, and {} \
         with N = {largest}.",
        percent_to_tenths(area(smallest)),
        percent_to_tenths(area(largest))
    ))
}

/// A sentence on the share of the layer that decides, by measure and model.
fn who_decides(rows: &[Decisive]) -> Option<String> {
    let of = |kind, measure| {
        let ours = rows
            .iter()
            .filter(|r| (r.part, r.model, r.measure) == (Part::Point, kind, measure));
        let values: Vec<f64> = ours
            .map(|r| r.in_layers)
            .filter(|v| v.is_finite())
            .collect();
        (!values.is_empty()).then(|| number((mean(&values) * 10.0).round() / 10.0))
    };
    let trained = |measure| of(Kind::Trained, measure);
    let mut text = format!(
        "By the gradient of the correct output the largest layer has {} times its even share, by what it adds to the \
         correct logit {} times, by the drop of the loss {} times",
        trained(Measure::Gradient)?,
        trained(Measure::Contribution)?,
        trained(Measure::Loss)?,
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
        text += &format!(
            ", and in a circuit built by hand, whose work is dealt at random to all layers, {gradient}, {contribution} \
             and {loss} by the same three: where that is more than 2, even work without a decisive layer breaks the bound"
        );
    }
    Some(text + ".")
}

/// A sentence on the number of pairs learned in each way.
fn capacity(rows: &[OfCapacity]) -> Option<String> {
    let held = rows.first()?.looked_up;
    let seeds = rows.iter().map(|r| r.seed).levels();
    let most = |way: Way| {
        let of_seed = |&seed: &u64| {
            let ours = rows.iter();
            let ours = ours.filter(|r| (r.way, r.seed) == (way, seed) && r.learned >= LEARNED);
            ours.map(|r| r.n).max().unwrap_or(0) as f64
        };
        mean(&seeds.iter().map(of_seed).collect::<Vec<_>>()).round()
    };
    Some(format!(
        "Blocks with room to look up {held} pairs learn {} when they are trained together and {} when they are trained \
         one by one (means over seeds of the largest number tried that is learned).",
        number(most(Way::EndToEnd)),
        number(most(Way::BlockByBlock))
    ))
}

/// The choice on which a claim hangs most: the one of which two options differ most in how often its bounds are kept,
/// whether or not its control keeps them too.
fn hangs_on(ledger: &Ledger, id: &str) -> Option<String> {
    let cells: Vec<&Cell> = ledger.cells_of(id).collect();
    let keeps = |c: &&&Cell| matches!(c.verdict, Verdict::Reproduced | Verdict::NoPower);
    let (held, all) = (cells.iter().filter(keeps).count(), cells.len());
    if held == 0 || held == all {
        return None;
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
    // The width tells the settings of the experiment from the grid around them.
    let names = names.into_iter().filter(|&name| name != "width");
    let ends = names.filter_map(|name| {
        let ours = options.iter().filter(|o| o.0 == name);
        let best = ours.clone().max_by(|a, b| share(a).total_cmp(&share(b)))?;
        let worst = ours.min_by(|a, b| share(a).total_cmp(&share(b)))?;
        Some((share(best) - share(worst), best, worst))
    });
    let (_, best, worst) = ends.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let ((most, of_most), (least, of_least)) = (of(best), of(worst));
    Some(format!(
        "The bounds of {id} are kept in {held} of {all} settings; this hangs most on “{}”: {most} of \
         {of_most} with {}, {least} of {of_least} with {}.",
        best.0,
        best.1.replace('-', " "),
        worst.1.replace('-', " ")
    ))
}

/// A list of the claims that did not come out as in the post, with the reasons.
fn otherwise(ledger: &Ledger) -> Option<String> {
    let entries = CLAIMS.iter().filter_map(|claim| ledger.get(claim.id));
    let others: Vec<String> = entries
        .filter(|e| e.verdict != Verdict::Reproduced)
        .map(|e| match e.id == CAPACITY.id {
            // The post says it of efficiency, not of a number of pairs.
            true => format!("{} ({}; the post only infers it)", e.id, e.verdict),
            false => format!("{} ({})", e.id, e.verdict),
        })
        .collect();
    (!others.is_empty()).then(|| {
        format!(
            "These claims did not come out as in the post: {}.",
            others.join(", ")
        )
    })
}
