//! The claims as Markdown, whole and in short: what each says and what settles it comes from the code, its verdict from
//! the ledger of a run.

use std::path::Path;

use super::common::put_wrapped;
use crate::claim::ledger::Ledger;
use crate::claim::words::{ORDER, kinds, settings, sign, spread};
use crate::claim::{ClaimSpec, Entry, Kind, Verdict};
use crate::error::Result;
use crate::experiment::registry::{Registry, Section};
use crate::run::results;
use crate::table::record::Word as _;
use crate::text::{number, put};

/// What the verdicts are of, and the ledger, of the run in a folder, if there is one.
fn read(run: Option<&Path>) -> Result<(String, Ledger)> {
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
    Ok((format!("Verdicts of {what}: {facts}."), ledger))
}

/// The verdict on a claim is that of its criterion: where a claim or its criterion reads otherwise in the code than in
/// the run, it counts as not run yet.
fn settled<'a>(ledger: &'a Ledger, claim: &ClaimSpec) -> Option<&'a Entry> {
    ledger.get(claim.id).filter(|entry| is_of(entry, claim))
}

/// All claims, one table for each section of the post, with the verdicts of the run in a folder, if there is one.
pub fn claims(registry: &Registry, run: Option<&Path>) -> Result<String> {
    let (head, ledger) = read(run)?;
    let mut text = format!("{head}\n");
    for section in registry.0 {
        let title = section.title;
        put(
            &mut text,
            format_args!(
                "\n### {title}\n\n| claim | kind | criterion | verdict |\n| --- | --- | --- | --- |\n"
            ),
        );
        for claim in claims_of(section) {
            let verdict = settled(&ledger, claim).map_or("not run yet".into(), verdict);
            let claim_cell = format!("`{}`: {}", claim.id, claim.statement);
            let cells = [&claim_cell, claim.kind.word(), claim.criterion, &verdict];
            let cells = cells.map(|c| c.replace('|', "\\|"));
            put(&mut text, format_args!("| {} |\n", cells.join(" | ")));
        }
    }
    Ok(text)
}

/// The number of each verdict by section of the post and by kind of claim, and a line for each claim that is not reproduced.
pub fn in_short(registry: &Registry, run: Option<&Path>) -> Result<String> {
    let (head, ledger) = read(run)?;
    let mut text = format!("{head}\n\n| section of the post |");
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
            let line = format!("* `{}`: {}", claim.id, claim.statement);
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

fn verdict(e: &Entry) -> String {
    let reason = match e.reason.as_str() {
        "" => String::new(),
        reason => format!("; {reason}"),
    };
    let sign = sign(e.verdict).0;
    let settings = match settings(e).as_str() {
        "" => String::new(),
        held => format!("; {held}"),
    };
    format!(
        "{sign} {}: {} is {} ({}){settings}{reason}",
        e.verdict,
        e.measure,
        number(e.value),
        spread(e)
    )
}
