//! The page of a report: what was asked and what came out, every claim in a line that unfolds, then each section of the
//! post with its experiments and their figures. The templates in `templates/` decide what it looks like.

use askama::Template;

use super::contents::{Chapter, Report};
use super::specification;
use super::strip::Key;
use super::summary::{self, Sentence};
use crate::claim::condition::Condition;
use crate::claim::ledger::Ledger;
use crate::claim::measures::Measurement;
use crate::claim::{Entry, Kind, Verdict, reference, words};
use crate::error::Result;
use crate::experiment::About;
use crate::figure::Figure;
use crate::html::Drawing;
use crate::profile::view::Section as ProfileSection;
use crate::store::names;
use crate::table::record::Word as _;

/// The contents of the page.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    facts: Vec<(&'a str, &'a str)>,
    summary: Vec<Sentence<'a>>,
    /// The number of verdicts that differ from those of the reference run.
    differing: usize,
    key: Key,
    sections: Vec<Section<'a>>,
    profile: Option<ProfileSection>,
}

/// A section of the post.
struct Section<'a> {
    id: String,
    title: &'static str,
    story: &'static str,
    /// The claims of the section by kind, those that failed or are open first.
    groups: Vec<(Kind, Vec<Claim<'a>>)>,
    /// The number of claims that came out as claimed, and the number of all claims.
    held: usize,
    all: usize,
    chapters: Vec<Experiment<'a>>,
}

/// An experiment of a section.
struct Experiment<'a> {
    about: &'static About,
    drawings: Vec<Drawing>,
    findings: String,
    claims: Vec<&'a Entry>,
    files: Vec<&'static str>,
}

/// A claim with its conditions at every seed.
struct Claim<'a> {
    entry: &'a Entry,
    /// The condition that the line of the claim shows.
    shown: Condition,
    conditions: Vec<Condition>,
    /// What became of the claim in its specification curve, in words; empty without one.
    settings: String,
    curve: Option<Drawing>,
}

/// Returns the page of a report, and calls `write` for each figure with the name of its file and its contents.
pub(super) fn page(
    report: &Report,
    write: &mut impl FnMut(&str, &str) -> Result<()>,
) -> Result<String> {
    let ledger = &report.ledger;
    let mut sections = Vec::new();
    for (section, chapters) in &report.sections {
        let (mut claims, mut told) = (Vec::new(), Vec::new());
        for chapter in chapters {
            told.push(experiment(chapter, ledger, write)?);
            claims.extend(claims_of(chapter, ledger, write)?);
        }
        sections.push(Section {
            id: section
                .title
                .to_lowercase()
                .replace(|c: char| !c.is_alphanumeric(), "-"),
            title: section.title,
            story: section.story,
            held: claims
                .iter()
                .filter(|c| c.entry.verdict == Verdict::Reproduced)
                .count(),
            all: claims.len(),
            groups: groups(claims),
            chapters: told,
        });
    }
    let facts = report.run.iter();
    let differs = |e: &&Entry| reference::other(e, &reference::LEDGER).is_some();
    let page = Page {
        facts: facts.map(|r| (r.key.as_str(), r.value.as_str())).collect(),
        summary: summary::sentences(ledger),
        differing: ledger.entries.iter().filter(differs).count(),
        key: Key,
        sections,
        profile: match &report.profile {
            Some(profile) => Some(profile.section(write)?),
            None => None,
        },
    };
    Ok(page.render().expect("the page is written to memory"))
}

/// Groups claims by kind, the findings first. In each group those that failed or are open come first.
fn groups(mut claims: Vec<Claim>) -> Vec<(Kind, Vec<Claim>)> {
    let place = |claim: &Claim| words::ORDER.iter().position(|v| *v == claim.entry.verdict);
    claims.sort_by_key(place);
    let mut groups = Vec::new();
    for &kind in Kind::ALL.iter().rev() {
        let (ours, others): (Vec<_>, Vec<_>) = claims
            .into_iter()
            .partition(|claim| claim.entry.kind == kind);
        claims = others;
        if !ours.is_empty() {
            groups.push((kind, ours));
        }
    }
    groups
}

fn experiment<'a>(
    chapter: &Chapter,
    ledger: &'a Ledger,
    write: &mut impl FnMut(&str, &str) -> Result<()>,
) -> Result<Experiment<'a>> {
    let Chapter {
        experiment, tables, ..
    } = chapter;
    let id = experiment.id();
    let figures = experiment.figures(tables).into_iter().map(|mut figure| {
        // A figure that names no table is drawn from the only table of its experiment.
        if let ([], [only]) = (&*figure.tables, experiment.about().tables) {
            figure.tables.push(only.name);
        }
        figure
    });
    let files = experiment.about().tables.iter().map(|table| table.name);
    let measures_file = names::MEASURES.trim_end_matches(".csv");
    Ok(Experiment {
        about: experiment.about(),
        drawings: figures
            .map(|figure| drawing(&figure, id, write))
            .collect::<Result<_>>()?,
        findings: experiment.findings(tables, ledger),
        claims: ledger.of(id).collect(),
        files: files.chain([measures_file]).collect(),
    })
}

/// Writes a figure to the folder of its experiment, and returns it as the page shows it.
fn drawing(
    figure: &Figure,
    experiment: &str,
    write: &mut impl FnMut(&str, &str) -> Result<()>,
) -> Result<Drawing> {
    write(
        &format!("{experiment}/{}.svg", figure.name),
        &figure.to_svg(),
    )?;
    Ok(figure.drawing(experiment))
}

fn claims_of<'a>(
    chapter: &Chapter,
    ledger: &'a Ledger,
    write: &mut impl FnMut(&str, &str) -> Result<()>,
) -> Result<Vec<Claim<'a>>> {
    let id = chapter.experiment.id();
    let measures = chapter.measures.rows::<Measurement>();
    let claim = |entry: &'a Entry| {
        let specs = chapter.experiment.about().claims;
        let spec = specs.iter().find(|c| c.id == entry.id).copied();
        let curve = specification::figure(entry, spec, ledger.cells_of(&entry.id));
        let conditions = Condition::all(entry, &measures);
        Ok(Claim {
            entry,
            shown: Condition::deciding(entry, &conditions),
            conditions,
            settings: words::settings(ledger.curve(&entry.id)),
            curve: match curve {
                Some(figure) => {
                    let mut drawing = drawing(&figure, id, write)?;
                    drawing.data.push(names::SPECIFICATION.into());
                    Some(drawing)
                }
                None => None,
            },
        })
    };
    ledger
        .of(chapter.experiment.about().id)
        .map(claim)
        .collect()
}

/// The filters that the templates call by name.
mod filters {
    use askama::{Result, Values, filter_fn};

    use crate::claim::{Bound, Entry, Kind, Verdict, words};
    use crate::{html, text};

    #[filter_fn]
    pub fn number(value: &f64, _: &dyn Values) -> Result<String> {
        Ok(text::number(*value))
    }

    #[filter_fn]
    pub fn difference(entry: &Entry, _: &dyn Values) -> Result<String> {
        Ok(words::difference(entry))
    }

    #[filter_fn]
    pub fn bound(bound: &Bound, _: &dyn Values) -> Result<String> {
        Ok(bound.text())
    }

    #[filter_fn]
    pub fn kinds(kind: &Kind, _: &dyn Values) -> Result<String> {
        Ok(words::kinds(*kind))
    }

    #[filter_fn]
    pub fn sign(verdict: &Verdict, _: &dyn Values) -> Result<&'static str> {
        Ok(words::sign(*verdict).0)
    }

    #[filter_fn]
    pub fn class(verdict: &Verdict, _: &dyn Values) -> Result<&'static str> {
        Ok(words::sign(*verdict).1)
    }

    #[filter_fn]
    pub fn mark(holds: &bool, _: &dyn Values) -> Result<&'static str> {
        Ok(if *holds { "✓" } else { "✗" })
    }

    #[filter_fn]
    pub fn data_uri(svg: &str, _: &dyn Values) -> Result<String> {
        Ok(html::data_uri(svg))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_kind_what_failed_or_is_open_comes_first() {
        let ours: Vec<Entry> = [
            (Kind::Law, Verdict::Reproduced),
            (Kind::Finding, Verdict::Reproduced),
            (Kind::Finding, Verdict::Undecided),
            (Kind::Finding, Verdict::NotReproduced),
        ]
        .map(|(kind, verdict)| {
            let mut entry = reference::LEDGER.entries[0].clone();
            (entry.kind, entry.verdict) = (kind, verdict);
            entry
        })
        .into();
        let claim = |entry| Claim {
            entry,
            shown: Condition::deciding(entry, &[]),
            conditions: Vec::new(),
            settings: String::new(),
            curve: None,
        };
        let groups = groups(ours.iter().map(claim).collect());
        let verdicts = |group: &(Kind, Vec<Claim>)| {
            let verdicts = group.1.iter().map(|claim| claim.entry.verdict);
            (group.0, verdicts.collect::<Vec<_>>())
        };
        let order: Vec<_> = groups.iter().map(verdicts).collect();
        let findings = vec![
            Verdict::NotReproduced,
            Verdict::Undecided,
            Verdict::Reproduced,
        ];
        let laws = vec![Verdict::Reproduced];
        assert_eq!(order, [(Kind::Finding, findings), (Kind::Law, laws)]);
    }
}
