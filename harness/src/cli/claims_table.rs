//! The claims as Markdown, in full and in short. The statement and the criterion of a claim come from the code, its
//! verdict from the ledger of a run.

use std::path::Path;

use super::common::put_wrapped;
use crate::claim::criteria::count_after_a_look;
use crate::claim::ledger::Ledger;
use crate::claim::words::{ORDER, kinds, settings, sign, spread};
use crate::claim::{ClaimSpec, Entry, Kind, Verdict};
use crate::error::Result;
use crate::experiment::registry::{Registry, Section};
use crate::run::results;
use crate::stats::observations::Observations as _;
use crate::table::record::Word as _;
use crate::text::{number, put};

/// Returns a paragraph on the run in the folder `run` and on how far its criteria were written in advance, and the
/// ledger of the run. Without a run, the paragraph says so and the ledger is empty.
fn read(registry: &Registry, run: Option<&Path>) -> Result<(String, Ledger)> {
    let Some(folder) = run else {
        let head = "There is no reference run yet.";
        return Ok((head.into(), Ledger::default()));
    };
    let (run, ledger) = results::ledger(folder)?;
    let facts = run.iter().map(|r| format!("{} {}", r.key, r.value));
    let facts = facts.collect::<Vec<_>>().join(", ");
    let what = match folder.ends_with("reference") {
        true => "the reference run".into(),
        false => format!("the run in {}", folder.display()),
    };
    let claims = || registry.0.iter().flat_map(claims_of).map(|claim| claim.id);
    let (looked, all) = (count_after_a_look(claims()), claims().count());
    let head = format!(
        "Verdicts of {what}: {facts}.{} Every criterion was written before the results of this run were there. Of the {all} \
         criteria, {looked} were first written after results of their measure had been seen in earlier runs; \
         `harness list --criteria` says of which claims, with every change and its reason.",
        fewer_seeds(&ledger)
    );
    Ok((head, ledger))
}

/// Returns a sentence on the claims that are settled at fewer seeds than others; empty if there are none.
fn fewer_seeds(ledger: &Ledger) -> String {
    let seeds = || ledger.entries.iter().map(|e| e.seeds);
    let Some(most) = seeds().max() else {
        return String::new();
    };
    let fewer = seeds().filter(|&n| n < most).distinct();
    let counts: Vec<String> = fewer
        .into_iter()
        .map(|n| {
            let claims = seeds().filter(|&m| m == n).count();
            let are = if claims == 1 { "is" } else { "are" };
            format!("{claims} of the claims {are} settled at the first {n}")
        })
        .collect();
    if counts.is_empty() {
        return String::new();
    }
    let of_cells = ledger.cells.iter().map(|cell| cell.seeds).min();
    let of_cells = match (of_cells, seeds().min()) {
        (Some(least), Some(of_claims)) if least < of_claims => {
            format!(", and some cells of the specification curves at the first {least}")
        }
        _ => String::new(),
    };
    format!(
        " Some experiments that train models use fewer of these seeds: {}{of_cells}.",
        counts.join(", ")
    )
}

/// The table of signs and abbreviations on the page of all claims.
const SIGNS: &str = "
| sign | what it stands for |
| --- | --- |
| n, k | neurons of a layer; neurons that a feature is spread over (in `codes-hold-in-new-company`: features in all; \
    active ones) |
| ΔR² | non-homogeneity of a response: R² of a parabola through it minus R² of a straight line |
| MMCS | mean max cosine similarity: the largest cosine of each feature with another one (or of each true feature with an \
    element of a dictionary), averaged over features |
| Spearman ρ | correlation of ranks: 1 for two quantities that grow together, −1 where one falls as the other grows |
| XOR | the statement that one of two features is active and the other is not |
| L, N, d | layers of a model; datapoints that it is trained on; width of its residual stream |
| logit lens | the output that the residual stream after a layer would give if it were the last |
| SAE, element, λ | sparse autoencoder; a direction of its dictionary; its L1 coefficient |
| tied, untied | an encoder that is the transpose of the dictionary; one with weights of its own |
| L0, L1 norm | number of active elements in a code; sum of the magnitudes of its entries |
| FISTA, OMP | algorithms that optimise a code for a given dictionary: for the least loss with an L1 penalty; element by element \
    (orthogonal matching pursuit) |
| LISTA | an encoder of a few learned steps of such an algorithm |
| F1 | agreement of two sets of active elements: twice the number in common over the sum of their sizes; 1 for the same sets |
| code MCC | correlation of each true code with the one matched to it, averaged over features |
| K, M, N (`l1-recovers-up-to-the-phase-transition`) | active atoms; dimensions; atoms (the directions of a dictionary) |
";

/// Returns the entry of a claim. A claim whose statement or criterion differs between the code and the run has none: it
/// counts as not run yet.
fn settled<'a>(ledger: &'a Ledger, claim: &ClaimSpec) -> Option<&'a Entry> {
    ledger.get(claim.id).filter(|entry| is_of(entry, claim))
}

/// Returns all claims, in one table for each section of the post, with the verdicts of the run in the folder `run`, if
/// there is one.
pub fn claims(registry: &Registry, run: Option<&Path>) -> Result<String> {
    let (head, ledger) = read(registry, run)?;
    let mut text = String::new();
    put_wrapped(&mut text, &head, 120, "");
    text.push_str(SIGNS);
    for section in registry.0 {
        let title = section.title;
        put(
            &mut text,
            format_args!(
                "\n### {title}\n\n| claim | kind | criterion | verdict |\n| --- | --- | --- | --- |\n"
            ),
        );
        for claim in claims_of(section) {
            let verdict =
                settled(&ledger, claim).map_or("not run yet".into(), |e| verdict(e, &ledger));
            let claim_cell = format!("`{}`: {}", claim.id, claim.statement);
            let cells = [&claim_cell, claim.kind.word(), claim.criterion, &verdict];
            let cells = cells.map(|c| c.replace('|', "\\|"));
            put(&mut text, format_args!("| {} |\n", cells.join(" | ")));
        }
    }
    Ok(text)
}

/// Returns the number of each verdict by section of the post and by kind of claim, and an item for each claim that is
/// not reproduced, with the verdicts of the run in the folder `run`, if there is one.
pub fn in_short(registry: &Registry, run: Option<&Path>) -> Result<String> {
    let (head, ledger) = read(registry, run)?;
    let mut text = String::new();
    put_wrapped(&mut text, &head, 120, "");
    text.push_str("\n| section of the post |");
    let columns = || Verdict::ALL.iter().copied();
    for verdict in columns() {
        put(&mut text, format_args!(" {} {verdict} |", sign(verdict).0));
    }
    put(
        &mut text,
        format_args!("\n| --- |{}\n", " --- |".repeat(Verdict::ALL.len())),
    );
    let of = |section: &Section, verdict: Verdict| {
        let entries = claims_of(section).filter_map(|claim| settled(&ledger, claim));
        entries.filter(|entry| entry.verdict == verdict).count()
    };
    let mut put_row = |name: &str, counts: &dyn Fn(Verdict) -> usize| {
        put(&mut text, format_args!("| {name} |"));
        for verdict in columns() {
            put(&mut text, format_args!(" {} |", counts(verdict)));
        }
        text.push('\n');
    };
    for section in registry.0 {
        put_row(section.title, &|verdict| of(section, verdict));
    }
    put_row("all", &|verdict| {
        registry.0.iter().map(|section| of(section, verdict)).sum()
    });
    for &kind in Kind::ALL.iter().rev() {
        put_row(&format!("of all: {}", kinds(kind)), &|verdict| {
            let entries = registry.0.iter().flat_map(claims_of);
            let entries = entries.filter_map(|claim| settled(&ledger, claim));
            let ours = entries.filter(|e| (e.kind, e.verdict) == (kind, verdict));
            ours.count()
        });
    }
    for &verdict in ORDER
        .iter()
        .filter(|verdict| **verdict != Verdict::Reproduced)
    {
        let all = registry.0.iter().flat_map(claims_of);
        let ours =
            all.filter(|claim| settled(&ledger, claim).is_some_and(|e| e.verdict == verdict));
        for (i, claim) in ours.enumerate() {
            if i == 0 {
                put(
                    &mut text,
                    format_args!("\n{} {verdict}:\n\n", sign(verdict).0),
                );
            }
            let settings = match settings(ledger.curve(claim.id)).as_str() {
                "" => String::new(),
                held => format!(" It {held}."),
            };
            let line = format!("* `{}`: {}{settings}", claim.id, claim.statement);
            put_wrapped(&mut text, &line, 120, "  ");
        }
    }
    Ok(text)
}

fn claims_of(section: &Section) -> impl Iterator<Item = &'static ClaimSpec> + use<> {
    let experiments = section.experiments.iter();
    experiments.flat_map(|e| e.about().claims).copied()
}

fn is_of(entry: &Entry, claim: &ClaimSpec) -> bool {
    (entry.statement.as_str(), entry.criterion.as_str()) == (claim.statement, claim.criterion)
}

fn verdict(e: &Entry, ledger: &Ledger) -> String {
    let reason = match e.reason.as_str() {
        "" => String::new(),
        reason => format!("; {reason}"),
    };
    let sign = sign(e.verdict).0;
    let settings = match settings(ledger.curve(&e.id)).as_str() {
        "" => String::new(),
        held => format!("; {held}"),
    };
    let headline = format!("{} is {} ({})", e.measure, number(e.value), spread(e));
    // Where another condition than the headline fails, the verdict rests on that condition.
    let of_headline = e.reason.strip_prefix(&e.measure);
    let headline_fails = of_headline.is_some_and(|rest| rest.starts_with(" is "));
    let elsewhere = e.verdict == Verdict::NotReproduced && !headline_fails;
    match elsewhere {
        true => format!(
            "{sign} {}: {}; the headline does not fail: {headline}{settings}",
            e.verdict, e.reason
        ),
        false => format!("{sign} {}: {headline}{settings}{reason}", e.verdict),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::reference;

    #[test]
    fn the_condition_that_fails_stands_first() {
        let mut entry = reference::LEDGER.entries[0].clone();
        entry.verdict = Verdict::NotReproduced;
        entry.reason = "another measure is 3, not ≤ 2".into();
        let text = verdict(&entry, &Ledger::default());
        let first = "✗ not reproduced: another measure is 3, not ≤ 2; the headline does not fail: ";
        assert!(text.starts_with(first), "{text}");
        entry.reason = format!("{} is 3, not ≤ 2", entry.measure);
        let text = verdict(&entry, &Ledger::default());
        let first = format!("✗ not reproduced: {} is ", entry.measure);
        assert!(
            text.starts_with(&first) && text.ends_with(&entry.reason),
            "{text}"
        );
    }

    #[test]
    fn fewer_seeds_than_those_of_the_run_are_named() {
        let entry = |seeds| {
            let mut entry = reference::LEDGER.entries[0].clone();
            entry.seeds = seeds;
            entry
        };
        let mut ledger = Ledger {
            entries: [10, 5, 10, 5].map(entry).into(),
            cells: Vec::new(),
        };
        let said = " Some experiments that train models use fewer of these seeds: 2 of the claims are settled at the first 5";
        assert_eq!(fewer_seeds(&ledger), format!("{said}."));
        let mut cell = reference::LEDGER.cells[0].clone();
        cell.seeds = 3;
        ledger.cells.push(cell);
        let of_cells = ", and some cells of the specification curves at the first 3.";
        assert_eq!(fewer_seeds(&ledger), format!("{said}{of_cells}"));
        ledger.entries.truncate(1);
        assert_eq!(fewer_seeds(&ledger), "");
    }
}
