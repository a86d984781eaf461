//! The reference run: a run of the preset `full` whose ledger is committed, so that other runs can be compared with it.

use std::sync::LazyLock;

use crate::claim::ledger::Ledger;
use crate::claim::{Cell, Entry, Verdict};
use crate::table::{Record, Table};

/// The ledger of the reference run.
pub static LEDGER: LazyLock<Ledger> = LazyLock::new(|| {
    let claims = Table::from_csv(Entry::SPEC, include_str!("../../reference/claims.csv"));
    let cells = include_str!("../../reference/specification.csv");
    let specification = Table::from_csv(Cell::SPEC, cells);
    Ledger::from_tables(
        &claims.expect("the committed ledger is one"),
        &specification.expect("the committed specification curves are some"),
    )
});

/// Returns the entry of `reference` for the same claim with the same statement and criterion.
pub fn counterpart<'a>(entry: &Entry, reference: &'a Ledger) -> Option<&'a Entry> {
    let same = |e: &&Entry| (&e.statement, &e.criterion) == (&entry.statement, &entry.criterion);
    reference.get(&entry.id).filter(same)
}

/// Returns the verdict of `reference` on the same claim by the same criterion, if it differs from that of `entry`.
pub fn other(entry: &Entry, reference: &Ledger) -> Option<Verdict> {
    let theirs = counterpart(entry, reference)?.verdict;
    (theirs != entry.verdict).then_some(theirs)
}

/// The words that introduce the verdict of the reference run in the reason of an entry.
const SAYS: &str = "the reference run says";

/// Appends the verdict of `reference` to the reason of an entry, if it is another verdict by the same criterion.
pub fn compare(entry: &mut Entry, reference: &Ledger) {
    if let Some(theirs) = other(entry, reference) {
        if !entry.reason.is_empty() {
            entry.reason += "; ";
        }
        entry.reason += &format!("{SAYS}: {theirs}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_not_held_to_one_before_it() {
        for entry in &LEDGER.entries {
            assert!(
                !entry.reason.contains(SAYS),
                "{}: {}",
                entry.id,
                entry.reason
            );
        }
    }

    #[test]
    fn another_verdict_of_the_reference_is_told_unless_it_is_on_another_criterion() {
        let ours = LEDGER.entries.first().expect("a claim").clone();
        let told = |change: &dyn Fn(&mut Entry)| {
            let mut theirs = ours.clone();
            change(&mut theirs);
            let mut entry = ours.clone();
            let reference = Ledger {
                entries: vec![theirs],
                cells: Vec::new(),
            };
            compare(&mut entry, &reference);
            entry.reason.strip_prefix(&ours.reason).unwrap().to_string()
        };
        assert_eq!(told(&|_| ()), "");
        let other = told(&|e| e.verdict = Verdict::NoPower);
        assert!(other.ends_with("the reference run says: no power"));
        let changed = |e: &mut Entry| {
            e.verdict = Verdict::NoPower;
            e.criterion += " or so";
        };
        assert_eq!(told(&changed), "");
        assert_eq!(told(&|e| e.id += "-2"), "");
    }
}
