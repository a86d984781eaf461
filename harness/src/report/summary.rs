//! The summary of a run: what was asked and what came out, in at most five sentences made from the ledger.

use crate::claim::criteria::count_after_a_look;
use crate::claim::ledger::Ledger;
use crate::claim::words::kinds;
use crate::claim::{Entry, Kind, Verdict};
use crate::table::record::Word as _;
use crate::text::list;

/// A sentence of the summary, and the claims that it introduces, each of which stands below it with its reason.
pub(super) struct Sentence<'a> {
    pub text: String,
    pub claims: Vec<&'a Entry>,
}

/// Returns the sentences of the summary of a run.
pub(super) fn sentences(ledger: &Ledger) -> Vec<Sentence<'_>> {
    let entries = &ledger.entries;
    let plain = |text| Sentence {
        text,
        claims: Vec::new(),
    };
    let ending = |text: &str, verdicts: &[Verdict]| {
        let ours = entries.iter().filter(|e| verdicts.contains(&e.verdict));
        Sentence {
            text: text.into(),
            claims: ours.collect(),
        }
    };
    let failed = [Verdict::NotReproduced, Verdict::Reversed];
    let open = [Verdict::Undecided, Verdict::NoPower];
    let mut sentences = vec![plain(asked(entries))];
    if !entries.is_empty() {
        sentences.push(plain(came_out(entries)));
        sentences.push(plain(by_kind(entries)));
    }
    let endings = [
        ending("These did not come out as claimed:", &failed),
        ending("Left open by this run:", &open),
    ];
    sentences.extend(endings.into_iter().filter(|s| !s.claims.is_empty()));
    sentences
}

fn asked(entries: &[Entry]) -> String {
    let claims = match entries.len() {
        1 => "1 claim".into(),
        n => format!("{n} claims"),
    };
    let looked = match count_after_a_look(entries.iter().map(|e| e.id.as_str())) {
        0 => String::new(),
        n => format!(" ({n} of them after results of their measure had been seen)"),
    };
    format!(
        "Neural networks seem to store more features than they have neurons, and sparse autoencoders seem to find them. \
         This run put {claims} of one post on how that can work, or that follow up on it, to the test: each by a criterion \
         that was written before the results of this run were there{looked}, and beside a control in which it should fail."
    )
}

/// Returns the sentence on the number of claims with each verdict.
fn came_out(entries: &[Entry]) -> String {
    let count = |verdict| entries.iter().filter(|e| e.verdict == verdict).count();
    let all = entries.len();
    if count(Verdict::Reproduced) == all {
        return match all {
            1 => "It came out as claimed.".into(),
            _ => format!("All {all} came out as claimed."),
        };
    }
    let is = |n: usize| if n == 1 { "is" } else { "are" };
    let parts = [
        (Verdict::Reproduced, "came out as claimed".to_string()),
        (Verdict::NotReproduced, "did not".into()),
        (Verdict::Reversed, "came out the other way round".into()),
        (
            Verdict::Undecided,
            format!("{} undecided", is(count(Verdict::Undecided))),
        ),
        (
            Verdict::NoPower,
            "cannot be told, since the control passes too".into(),
        ),
    ];
    let parts = parts
        .into_iter()
        .map(|(verdict, words)| (count(verdict), words));
    // The number of claims that came out as claimed is named even if it is 0.
    let parts = parts.enumerate().filter(|(i, (n, _))| *i == 0 || *n > 0);
    let parts: Vec<_> = parts
        .map(|(_, (n, words))| match n {
            0 => format!("none {words}"),
            n => format!("{n} {words}"),
        })
        .collect();
    format!("Of these, {}.", list(&parts))
}

/// Returns the sentence on the number of claims of each kind that came out as claimed.
fn by_kind(entries: &[Entry]) -> String {
    let parts = Kind::ALL.iter().rev().filter_map(|&kind| {
        let ours = || entries.iter().filter(|e| e.kind == kind);
        let held = ours().filter(|e| e.verdict == Verdict::Reproduced).count();
        let all = ours().count();
        (all > 0).then(|| format!("{held} of {all} {}", kinds(kind)))
    });
    let parts: Vec<_> = parts.collect();
    format!("By kind, these came out as claimed: {}.", list(&parts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::reference;

    fn ledger(verdicts: &[(Kind, Verdict)]) -> Ledger {
        let entry = |&(kind, verdict): &(Kind, Verdict)| {
            let mut entry = reference::LEDGER.entries[0].clone();
            (entry.kind, entry.verdict) = (kind, verdict);
            entry
        };
        Ledger {
            entries: verdicts.iter().map(entry).collect(),
            cells: Vec::new(),
        }
    }

    #[test]
    fn the_sentences_count_what_came_out() {
        let ledger = ledger(&[
            (Kind::Identity, Verdict::Reproduced),
            (Kind::Law, Verdict::Reproduced),
            (Kind::Finding, Verdict::NotReproduced),
            (Kind::Finding, Verdict::Undecided),
            (Kind::Finding, Verdict::Undecided),
        ]);
        let sentences = sentences(&ledger);
        let text = |i: usize| sentences[i].text.as_str();
        assert!(text(0).contains("put 5 claims"));
        assert_eq!(
            text(1),
            "Of these, 2 came out as claimed, 1 did not and 2 are undecided."
        );
        assert!(text(2).contains("0 of 3 findings on trained models, 1 of 1 laws"));
        let claims: Vec<_> = sentences.iter().map(|s| s.claims.len()).collect();
        assert_eq!(claims, [0, 0, 0, 1, 2]);
    }

    #[test]
    fn there_are_sentences_on_none_and_on_one_verdict_alone() {
        assert_eq!(sentences(&ledger(&[])).len(), 1);
        let second = |verdict| {
            sentences(&ledger(&[(Kind::Law, verdict); 2]))[1]
                .text
                .clone()
        };
        assert_eq!(second(Verdict::Reproduced), "All 2 came out as claimed.");
        let none = "Of these, none came out as claimed and 2 cannot be told, since the control passes too.";
        assert_eq!(second(Verdict::NoPower), none);
    }
}
