//! The page: the ledger of claims on top, then each experiment with its figures and what it found. What it looks like
//! stands in `templates/`.

use askama::Template;

use super::contents::{Chapter, Report};
use crate::claim::ledger::Ledger;
use crate::claim::measures::Measurement;
use crate::claim::{Entry, Verdict};
use crate::error::Result;
use crate::experiment::About;
use crate::html::Drawing;
use crate::profile::view::Section as ProfileSection;
use crate::store::names;
use crate::table::record::Word as _;

/// Everything on the page.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    facts: Vec<(&'a str, &'a str)>,
    counts: Vec<(usize, Verdict)>,
    ledger: &'a [Entry],
    sections: Vec<Section<'a>>,
    profile: Option<ProfileSection>,
}

/// A section of the post.
struct Section<'a> {
    title: &'static str,
    story: &'static str,
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
        let chapters = chapters.iter();
        sections.push(Section {
            title: section.title,
            story: section.story,
            chapters: chapters
                .map(|chapter| experiment(chapter, &report.ledger, write))
                .collect::<Result<_>>()?,
        });
    }
    let ledger = &report.ledger.0;
    let count = |verdict: Verdict| {
        (
            ledger.iter().filter(|e| e.verdict == verdict).count(),
            verdict,
        )
    };
    let facts = report.run.iter();
    let page = Page {
        facts: facts.map(|r| (r.key.as_str(), r.value.as_str())).collect(),
        counts: Verdict::ALL
            .iter()
            .copied()
            .map(count)
            .filter(|(n, _)| *n > 0)
            .collect(),
        ledger,
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
    for figure in experiment.figures(tables) {
        let svg = figure.to_svg();
        write(&format!("{id}/{}.svg", figure.name), &svg)?;
        drawings.push(Drawing::new(&svg, figure.caption));
    }
    let measures = chapter.measures.rows::<Measurement>();
    let claim = |entry: &'a Entry| {
        let ours = measures.iter().filter(|m| m.claim == entry.id);
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

    use crate::claim::{Entry, Verdict, words};
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
