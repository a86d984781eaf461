//! The page: the ledger of claims on top, then each experiment with its figures and what it found.

use super::contents::{Chapter, Report};
use crate::claim::ledger::Ledger;
use crate::claim::measures::Measurement;
use crate::claim::words::{sign, spread};
use crate::claim::{Entry, Verdict};
use crate::error::Result;
use crate::html::{drawing, escape};
use crate::table::record::Word;
use crate::text::{number, put};

/// Appends an experiment to the body, and hands its figures to `write`.
pub(super) fn write_chapter(
    body: &mut String,
    write: &mut impl FnMut(&str, &str) -> Result<()>,
    chapter: &Chapter,
    ledger: &Ledger,
) -> Result<()> {
    let Chapter {
        experiment, tables, ..
    } = chapter;
    let id = experiment.id();
    put(
        body,
        format_args!(
            "<section id=\"{id}\">\n<h3>{} <code>{id}</code></h3>\n<p>{}</p>\n<div class=\"figures\">\n",
            escape(experiment.title()),
            escape(experiment.summary()),
        ),
    );
    for figure in experiment.figures(tables) {
        let svg = figure.to_svg();
        write(&format!("{id}/{}.svg", figure.name), &svg)?;
        body.push_str(&drawing(&svg, &figure.caption));
    }
    put(
        body,
        format_args!(
            "</div>\n<p>{}</p>\n",
            escape(&experiment.findings(tables, ledger))
        ),
    );
    write_measures(body, chapter, ledger);
    let files = experiment
        .tables()
        .iter()
        .map(|t| t.name)
        .chain(["measures"]);
    let links: Vec<_> = files
        .map(|t| format!("<a href=\"{id}/{t}.csv\">{t}.csv</a>"))
        .collect();
    put(
        body,
        format_args!(
            "<p class=\"files\">Data: {} (<a href=\"{id}/README.md\">columns</a>)</p>\n</section>\n",
            links.join(", ")
        ),
    );
    Ok(())
}

/// Every condition of the experiment's claims at every seed.
fn write_measures(body: &mut String, chapter: &Chapter, ledger: &Ledger) {
    for entry in ledger.of(chapter.experiment.id()) {
        let mut rows = chapter.measures.rows::<Measurement>();
        rows.retain(|r| r.claim == entry.id);
        put(
            body,
            format_args!(
                "<details><summary>{} <code>{}</code></summary>\n<div class=\"wide\"><table>\n\
                 <tr><th>measure</th><th>bound</th><th>seed</th><th>value</th><th>control</th></tr>\n",
                badge(entry.verdict),
                escape(&entry.id),
            ),
        );
        for row in rows {
            let mark = |holds: bool| if holds { "✓" } else { "✗" };
            put(
                body,
                format_args!(
                    "<tr><td>{}</td><td>{}</td><td>{}</td><td>{} {}</td><td>{} {}</td></tr>\n",
                    escape(&row.measure),
                    escape(&row.bound),
                    row.seed,
                    number(row.value),
                    mark(row.holds),
                    number(row.control_value),
                    mark(row.control_holds),
                ),
            );
        }
        body.push_str("</table></div>\n</details>\n");
    }
}

/// The whole page around a body.
pub(super) fn page(report: &Report, body: &str) -> String {
    let Report {
        run,
        ledger,
        sections,
        profile,
    } = report;
    let mut page = String::from(HEAD);
    let facts: Vec<_> = run
        .iter()
        .map(|r| format!("{} {}", escape(&r.key), escape(&r.value)))
        .collect();
    put(
        &mut page,
        format_args!("<p class=\"run\">{}</p>\n", facts.join(" · ")),
    );
    let count = |verdict: Verdict| ledger.0.iter().filter(|e| e.verdict == verdict).count();
    let counts: Vec<_> = Verdict::ALL
        .iter()
        .filter(|&&v| count(v) > 0)
        .map(|&v| format!("{} {}", count(v), badge(v)))
        .collect();
    put(
        &mut page,
        format_args!(
            "<h2 id=\"claims\">Claims</h2>\n<p class=\"counts\">{}</p>\n\
             <p>Value: median over seeds, with the smallest and the largest. A criterion is fixed \
             before the run. A control is a setting in which the claim should fail; where it does \
             not, the measure has no power.</p>\n",
            counts.join(" ")
        ),
    );
    page.push_str(
        "<table class=\"ledger\">\n<thead><tr><th>claim</th><th>value</th><th>criterion</th>\
         <th>control</th><th>verdict</th></tr></thead>\n<tbody>\n",
    );
    for entry in &ledger.0 {
        write_entry(&mut page, entry);
    }
    page.push_str("</tbody>\n</table>\n");
    page.push_str("<nav><h2>Experiments</h2>\n<ol>\n");
    for chapter in sections.iter().flat_map(|(_, chapters)| chapters) {
        let (id, title) = (chapter.experiment.id(), escape(chapter.experiment.title()));
        put(
            &mut page,
            format_args!("<li><a href=\"#{id}\">{title}</a></li>\n"),
        );
    }
    if profile.is_some() {
        page.push_str("<li><a href=\"#profile\">Profile</a></li>\n");
    }
    page.push_str("</ol></nav>\n");
    page.push_str(body);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn write_entry(page: &mut String, e: &Entry) {
    let reason = match e.reason.as_str() {
        "" => String::new(),
        reason => format!("<p class=\"reason\">{}</p>", escape(reason)),
    };
    put(
        page,
        format_args!(
            "<tr><td data-label=\"claim\"><a href=\"#{}\"><code>{}</code></a><p>{}</p></td>\
             <td data-label=\"value\"><b>{}</b><p>{}</p><p class=\"measure\">{}</p></td>\
             <td data-label=\"criterion\">{}</td>\
             <td data-label=\"control\"><b>{}</b><p>{}</p></td>\
             <td data-label=\"verdict\">{}{reason}</td></tr>\n",
            escape(&e.experiment),
            escape(&e.id),
            escape(&e.statement),
            number(e.value),
            spread(e),
            escape(&e.measure),
            escape(&e.criterion),
            number(e.control_value),
            escape(&e.control),
            badge(e.verdict),
        ),
    );
}

/// A verdict, told apart by sign and words as well as by colour.
fn badge(verdict: Verdict) -> String {
    let (sign, class) = sign(verdict);
    format!("<span class=\"badge {class}\">{sign} {verdict}</span>")
}

/// Everything above the ledger, styles included: the page needs nothing else to open.
const HEAD: &str = include_str!("head.html");
