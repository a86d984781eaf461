//! The claims as Markdown, as `README.md` shows them: what each says and what settles it comes from the code, its
//! verdict from the ledger of a run.

use std::path::Path;

use crate::claim::ledger::Ledger;
use crate::claim::words::{settings, sign, spread};
use crate::claim::{ClaimSpec, Entry};
use crate::error::Result;
use crate::experiment::registry::Registry;
use crate::run::results;
use crate::table::record::Word as _;
use crate::text::{number, put};

/// All claims, one table for each section of the post, with the verdicts of the run in a folder, if there is one.
///
/// A verdict is that of its criterion: where a claim or its criterion reads otherwise in the code than in the
/// run, it counts as not run yet.
pub fn claims(registry: &Registry, run: Option<&Path>) -> Result<String> {
    let (head, ledger) = match run {
        None => (
            "There is no reference run yet.".to_string(),
            Ledger::default(),
        ),
        Some(folder) => {
            let (run, ledger) = results::ledger(folder)?;
            let facts = run.iter().map(|r| format!("{} {}", r.key, r.value));
            let facts = facts.collect::<Vec<_>>().join(", ");
            (format!("Verdicts of the reference run: {facts}."), ledger)
        }
    };
    let mut text = format!("{head}\n");
    for section in registry.0 {
        let title = section.title;
        put(
            &mut text,
            format_args!(
                "\n### {title}\n\n| claim | kind | criterion | verdict |\n| --- | --- | --- | --- |\n"
            ),
        );
        for claim in section.experiments.iter().flat_map(|e| e.about().claims) {
            let verdict = ledger
                .get(claim.id)
                .filter(|entry| is_of(entry, claim))
                .map_or("not run yet".into(), verdict);
            let claim_cell = format!("`{}`: {}", claim.id, claim.statement);
            let cells = [&claim_cell, claim.kind.word(), claim.criterion, &verdict];
            let cells = cells.map(|c| c.replace('|', "\\|"));
            put(&mut text, format_args!("| {} |\n", cells.join(" | ")));
        }
    }
    Ok(text)
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
        "{sign} {}: {} ({}){settings}{reason}",
        e.verdict,
        number(e.value),
        spread(e)
    )
}
