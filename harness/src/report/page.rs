//! The page: the ledger of claims on top, then each experiment with its figures and what it found. What it looks like
//! stands in `templates/`.

use askama::Template;

use super::contents::{Chapter, Report};
use super::specification;
use crate::claim::ledger::Ledger;
use crate::claim::measures::Measurement;
use crate::claim::{Entry, Kind, Verdict, words};
use crate::error::Result;
use crate::experiment::About;
use crate::html::Drawing;
use crate::profile::view::Section as ProfileSection;
use crate::store::names;

/// Everything on the page.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    facts: Vec<(&'a str, &'a str)>,
    counts: Vec<(Kind, Vec<(usize, Verdict)>)>,
    sections: Vec<Section<'a>>,
    profile: Option<ProfileSection>,
}

/// A section of the post.
struct Section<'a> {
    title: &'static str,
    story: &'static str,
    ledger: Vec<&'a Entry>,
    chapters: Vec<Experiment<'a>>,
}

/// An experiment of it.
struct Experiment<'a> {
    about: &'static About,
    drawings: Vec<Drawing>,
    findings: String,
    claims: Vec<Claim<'a>>,
    files: Vec<&'static str>,
}

/// A claim with every condition at every seed.
struct Claim<'a> {
    entry: &'a Entry,
    measures: Vec<Measurement>,
}

/// The page of a report. Each figure is handed to `write` with the name of its file.
pub(super) fn page(
    report: &Report,
    write: &mut impl FnMut(&str, &str) -> Result<()>,
) -> Result<String> {
    let mut sections = Vec::new();
    for (section, chapters) in &report.sections {
        let entries = |chapter: &Chapter| report.ledger.of(chapter.experiment.id());
        sections.push(Section {
            title: section.title,
            story: section.story,
            ledger: chapters.iter().flat_map(entries).collect(),
            chapters: chapters
                .iter()
                .map(|chapter| experiment(chapter, &report.ledger, write))
                .collect::<Result<_>>()?,
        });
    }
    let facts = report.run.iter();
    let page = Page {
        facts: facts.map(|r| (r.key.as_str(), r.value.as_str())).collect(),
        counts: words::counts(&report.ledger),
        sections,
        profile: match &report.profile {
            Some(profile) => Some(profile.section(write)?),
            None => None,
        },
    };
    Ok(page.render().expect("the page is written to memory"))
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
    let mut drawings = Vec::new();
    let curves = ledger.of(id).filter_map(|entry| {
        let claim = experiment.about().claims.iter().find(|c| c.id == entry.id);
        specification::figure(entry, claim.copied(), ledger.cells_of(&entry.id))
    });
    for figure in experiment.figures(tables).into_iter().chain(curves) {
        let svg = figure.to_svg();
        write(&format!("{id}/{}.svg", figure.name), &svg)?;
        drawings.push(Drawing::new(&svg, figure.caption));
    }
    let measures = chapter.measures.rows::<Measurement>();
    let claim = |entry: &'a Entry| {
        let ours = measures.iter();
        let ours = ours.filter(|m| m.claim == entry.id && m.setting.is_empty());
        Claim {
            entry,
            measures: ours.cloned().collect(),
        }
    };
    let files = experiment.about().tables.iter().map(|table| table.name);
    let measures_file = names::MEASURES.trim_end_matches(".csv");
    Ok(Experiment {
        about: experiment.about(),
        drawings,
        findings: experiment.findings(tables, ledger),
        claims: ledger.of(id).map(claim).collect(),
        files: files.chain([measures_file]).collect(),
    })
}

/// What the templates call by name.
mod filters {
    use askama::{Result, Values, filter_fn};

    use crate::claim::{Entry, Kind, Verdict, words};
    use crate::{html, text};

    #[filter_fn]
    pub fn number(value: &f64, _: &dyn Values) -> Result<String> {
        Ok(text::number(*value))
    }

    #[filter_fn]
    pub fn spread(entry: &Entry, _: &dyn Values) -> Result<String> {
        Ok(words::spread(entry))
    }

    #[filter_fn]
    pub fn difference(entry: &Entry, _: &dyn Values) -> Result<String> {
        Ok(words::difference(entry))
    }

    #[filter_fn]
    pub fn settings(entry: &Entry, _: &dyn Values) -> Result<String> {
        Ok(words::settings(entry))
    }

    #[filter_fn]
    pub fn plural(kind: &Kind, _: &dyn Values) -> Result<&'static str> {
        Ok(words::plural(*kind))
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
