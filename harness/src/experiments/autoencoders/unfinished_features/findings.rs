//! The text of the findings of `unfinished-features`, from its tables.

use super::claims::{COST, Middle};
use super::dictionary::KINDS;
use super::elements::Category;
use super::figures::{Sorting, elements, point_ratio, share};
use super::stream::Basis;
use super::tables::{Element, LayerCost, Stability};
use crate::claim::ledger::Ledger;
use crate::stats::observations::Observations;
use crate::stats::{mean, median};
use crate::table::Tables;
use crate::text::{number, percent};

/// Returns some sentences on what unfinished features cost, what elements are for, and whether they are found again.
pub fn findings(tables: &Tables, ledger: &Ledger) -> String {
    let rows = tables.rows::<LayerCost>();
    let point = point_ratio(&rows);
    let of_basis = |basis: Basis| {
        let ours = rows.iter();
        ours.filter(move |r| (r.model, r.basis, Some(r.ratio)) == (KINDS[0], basis, point))
    };
    let trained = |basis: Basis, seeds: &[u64]| {
        let ours = of_basis(basis).filter(|r| seeds.contains(&r.seed));
        ours.map(|r| (r.layer, r.l0))
            .filter(|p| p.1.is_finite())
            .medians()
    };
    let whole = |value: f64| format!("{value:.0}");
    let seeds = of_basis(Basis::Stream).map(|r| r.seed).levels();
    let costs = trained(Basis::Stream, &seeds);
    let layers = of_basis(Basis::Stream).map(|r| r.layer as f64).levels();
    let (Some(&first), Some(&last)) = (layers.first(), layers.last()) else {
        return "No model of `multilayer` has learned its data, so there is no residual stream to look into.".into();
    };
    let between = |costs: &[(f64, f64)]| {
        let ours = costs.iter().filter(|p| p.0 > first && p.0 < last);
        ours.map(|p| p.1).collect::<Vec<_>>()
    };
    let at_last = of_basis(Basis::Stream).filter(|r| r.layer as f64 == last);
    let reach = at_last.filter(|r| r.l0.is_finite()).count();
    let at_reach = match reach == seeds.len() || reach == 0 {
        true => String::new(),
        false => format!(
            ", where no dictionary explains so much at the other {} of {} seeds",
            seeds.len() - reach,
            seeds.len()
        ),
    };
    let at = |layer: f64| match costs.iter().find(|p| p.0 == layer) {
        Some(cost) => whole(cost.1),
        None => "a number outside the range of the dictionaries".into(),
    };
    let value = |id| ledger.get(id).map_or(f64::NAN, |e| e.value);
    let sizes = of_basis(Basis::Stream).map(|r| r.n).levels();
    let at_seeds = |&n: &usize| {
        let ours = of_basis(Basis::Stream).filter(|r| r.n == n);
        let ours: Vec<_> = ours
            .map(|r| r.seed)
            .levels()
            .iter()
            .map(u64::to_string)
            .collect();
        format!("N = {n} at seeds {}", ours.join(" "))
    };
    let of_sizes = match sizes.len() {
        1 => String::new(),
        _ => format!(
            "The model of a seed is the one of the most datapoints that it has learned ({}): means and medians are over \
             models of unlike N. ",
            sizes.iter().map(at_seeds).collect::<Vec<_>>().join(", ")
        ),
    };
    let mut said = of_sizes;
    said += &format!(
        "To explain 95 % of the variance takes, in active elements, {} at the input, {} in the layers between and {} at the \
         output{at_reach} (medians over the seeds at which that much is explained){}.",
        at(first),
        whole(median(&between(&costs))),
        at(last),
        match value(COST.id) {
            times if times.is_finite() => format!(
                ", {} times as many in the middle as at the dearer end (at most, where the end is not reached)",
                number(times)
            ),
            _ => String::new(),
        },
    );
    if value(COST.id).is_finite() {
        said += &bounded(of_basis(Basis::Stream), last);
    }
    let all = elements(tables, KINDS[0], Basis::Stream);
    // The means at the input, in the layers between, and at the output.
    let by_place = |points: &[(f64, f64)]| {
        let of_layers = |layers: &dyn Fn(f64) -> bool| {
            let ours = points.iter().filter(|p| layers(p.0));
            mean(&ours.map(|p| p.1).collect::<Vec<_>>())
        };
        [
            of_layers(&|l| l == first),
            of_layers(&|l| l > first && l < last),
            of_layers(&|l| l == last),
        ]
    };
    let neither = |elements: &[Element], of: Sorting| {
        by_place(&share(elements, Category::Neither, of).into_iter().medians()).map(percent)
    };
    let stability = tables.rows::<Stability>();
    let ours = stability.iter().filter(|r| r.model == KINDS[0]);
    let alike = by_place(&ours.map(|r| (r.layer, r.mmcs)).medians()).map(number);
    let [input, between_them, output] = neither(&all, |r| r.category);
    let [of_input, of_between, of_output] = neither(&all, |r| r.selective);
    said += &format!(
        " By direction, {input} of the elements at the input, {between_them} between and {output} at the output line up with \
         neither an input nor an output; by function, {of_input}, {of_between} and {of_output} are selective for neither an \
         input nor a class. Only as far as the output has fewer of them than the layers between does this tell unfinished \
         features from finished ones. The mean largest cosine of the elements of two trainings on the same stream is {} at the \
         input, {} in the layers between and {} at the output: the claim compares the middle with the end where they agree \
         less. That the middle is above that end is not the opposite of the claim, for which it would have to be above both.",
        alike[0], alike[1], alike[2],
    );
    let fixes: Vec<String> = [
        (Basis::AllLayers, "one dictionary for all layers"),
        (
            Basis::TunedLens,
            "a dictionary in the coordinates of a tuned lens",
        ),
    ]
    .into_iter()
    .filter_map(|(basis, name)| {
        let fixed = between(&trained(basis, &seeds));
        let [_, neither, _] = neither(&elements(tables, KINDS[0], basis), |r| r.selective);
        rows.iter().any(|r| r.basis == basis).then(|| {
            let cost = match fixed.is_empty() {
                true => "never explains 95 % of the variance".into(),
                false => format!(
                    "takes {} active elements for the same",
                    whole(median(&fixed))
                ),
            };
            format!("{name} {cost}, and {neither} of its elements are selective for neither")
        })
    })
    .collect();
    if !fixes.is_empty() {
        // The fixes are tried at the first seeds alone, and set beside what the layers' own dictionaries take at these.
        let tried = of_basis(Basis::AllLayers).map(|r| r.seed).levels();
        said += &format!(
            " In the layers between, where at the {} seeds at which the following was tried a dictionary of the layer's own \
             takes {}, {}.",
            tried.len(),
            whole(median(&between(&trained(Basis::Stream, &tried)))),
            fixes.join("; ")
        );
    }
    said
}

/// Returns a sentence on the seeds at which the cost of a layer that the claim reads has only a bound; nothing if there
/// are none.
fn bounded<'a>(rows: impl Iterator<Item = &'a LayerCost>, last: f64) -> String {
    let blocks = last as usize;
    let is_read = |layer: usize| {
        layer == 0 || layer == blocks || Middle::HalfOfTheDepth.holds(layer, blocks, &[])
    };
    let open = rows.filter(|r| is_read(r.layer) && !r.l0.is_finite());
    let seeds = open.map(|r| r.seed).levels();
    let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
    match seeds.len() {
        0 => String::new(),
        n => format!(
            " At {} {} the dictionaries of some of these layers all explain less than that, or all more: there the ratio is a \
             bound and no value, and the interval of the claim is one of bounds and values together.",
            if n == 1 { "seed" } else { "seeds" },
            seeds.join(", "),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tables::Sae;
    use super::*;
    use crate::table::Table;

    #[test]
    fn an_output_that_no_dictionary_reaches_is_not_taken_for_an_inner_layer() {
        let cost = |(layer, l0)| LayerCost {
            model: KINDS[0],
            n: 500,
            seed: 0,
            basis: Basis::Stream,
            layer,
            ratio: 3,
            l0,
            unexplained: f64::NAN,
        };
        let costs = [(0, 3.0), (1, 40.0), (2, 50.0), (3, f64::NAN)].map(cost);
        let tables = Tables::new(vec![
            Table::of(&costs),
            Table::of::<Sae>(&[]),
            Table::of::<Element>(&[]),
            Table::of::<Stability>(&[]),
        ]);
        let said = findings(&tables, &Ledger::default());
        let costs = "3 at the input, 45 in the layers between and a number outside the range of the dictionaries";
        assert!(said.contains(costs), "{said}");
    }
}
