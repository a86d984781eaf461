//! Figures and one self-contained HTML page, from the CSV files of a run alone: the same code after
//! a run and for `harness report`.

use std::fmt::Write as _;
use std::path::Path;

use kernels::Isa;

use crate::claim::{CLAIMS, Entry, Ledger, MEASURES, Verdict};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::experiment::Erased;
use crate::experiments;
use crate::manifest;
use crate::output::Folder;
use crate::profile::{self, Profile};
use crate::table::{Column, Table, TableSpec, Tables};

/// All that a report is drawn from.
pub struct Report {
    /// `run.csv`.
    pub run: Table,
    /// `claims.csv`.
    pub ledger: Ledger,
    /// In the order of the post.
    pub chapters: Vec<Chapter>,
    /// Where the time went, of a run that was profiled.
    pub profile: Option<Profile>,
}

/// An experiment with what its files say.
pub struct Chapter {
    /// The experiment.
    pub experiment: &'static dyn Erased,
    /// Its tables.
    pub tables: Tables,
    /// Its `measures.csv`.
    pub measures: Table,
}

/// Columns of `run.csv`: what the head of the report says of the run.
pub static RUN: TableSpec = TableSpec {
    name: "run",
    about: "What was run.",
    columns: &[
        Column::text("key", "what"),
        Column::text("value", "its value"),
    ],
};

/// The table of `run.csv`: everything about a run that decides its bytes, settings aside.
pub fn run_table(config: &Config, isa: Isa) -> Table {
    let mut table = Table::new(&RUN);
    let seeds = config.seed_list();
    let list: Vec<_> = seeds.iter().map(u64::to_string).collect();
    for (key, value) in [
        ("preset", config.preset.name().to_string()),
        ("seeds", list.join(" ")),
        ("instruction set", isa.name().to_string()),
        ("harness", env!("CARGO_PKG_VERSION").to_string()),
    ] {
        table.push([key.into(), value.into()]);
    }
    table
}

/// Draws all figures and writes `report.html`.
pub fn write(folder: &Folder) -> Result<()> {
    let report = Report::read(folder.path())?;
    report.draw(|name, contents| folder.write(name, contents))
}

/// Reads `run.csv` and the ledger of a finished run.
pub fn ledger(path: &Path) -> Result<(Table, Ledger)> {
    let claims = path.join("claims.csv");
    if !claims.exists() {
        return Err(Error::input(format!(
            "{} holds no finished run: there is no claims.csv in it",
            path.display()
        )));
    }
    verify(path, ["claims.csv".into(), "run.csv".into()])?;
    let ledger = Ledger::from_table(&Table::read(&CLAIMS, &claims)?);
    Ok((Table::read(&RUN, &path.join("run.csv"))?, ledger))
}

/// The CSV files of an experiment, by their names in the folder of a run.
pub fn csv_files(experiment: &dyn Erased) -> impl Iterator<Item = String> {
    let tables = experiment.tables().iter().map(|t| t.name);
    let id = experiment.id();
    tables
        .chain([MEASURES.name])
        .map(move |name| format!("{id}/{name}.csv"))
}

/// Checks that files are as the run in a folder left them, where its manifest is there to tell.
fn verify(run: &Path, names: impl IntoIterator<Item = String>) -> Result<()> {
    let Some(checksums) = manifest::read_checksums(run)? else {
        return Ok(());
    };
    let mut names = names.into_iter();
    names.try_for_each(|name| checksums.verify(run, &name))
}

impl Report {
    /// Reads the ledger and the tables of all experiments that a folder holds.
    pub fn read(path: &Path) -> Result<Self> {
        let (run, ledger) = ledger(path)?;
        let mut chapters = Vec::new();
        for &experiment in experiments::ALL {
            let folder = path.join(experiment.id());
            if folder.is_dir() {
                verify(path, csv_files(experiment))?;
                chapters.push(Chapter {
                    experiment,
                    tables: Tables::read(experiment.tables(), &folder)?,
                    measures: Table::read(&MEASURES, &folder.join("measures.csv"))?,
                });
            }
        }
        if path.join(profile::FOLDER).is_dir() {
            verify(path, profile::csv_files())?;
        }
        let profile = Profile::read(path)?;
        Ok(Report {
            run,
            ledger,
            chapters,
            profile,
        })
    }

    /// Draws all figures and the page, and hands each to `write` with the name of its file.
    pub fn draw(&self, mut write: impl FnMut(&str, &str) -> Result<()>) -> Result<()> {
        let mut body = String::new();
        let mut section = None;
        for chapter in &self.chapters {
            let its = chapter.experiment.section();
            if section.replace(its) != Some(its) {
                let (title, story) = (escape(its.title()), escape(its.story()));
                put(
                    &mut body,
                    format_args!("<h2>{title}</h2>\n<p>{story}</p>\n"),
                );
            }
            write_chapter(&mut body, &mut write, chapter, &self.ledger)?;
        }
        if let Some(profile) = &self.profile {
            profile.draw(&mut body, &mut write)?;
        }
        let page = page(self, &body);
        write("report.html", &page)
    }
}

/// `README.md` beside an experiment's tables: what every column means.
pub fn columns(experiment: &dyn Erased) -> String {
    let tables = experiment.tables().iter().copied().chain([&MEASURES]);
    columns_of(experiment.title(), experiment.summary(), tables)
}

/// A `README.md` on some tables.
pub fn columns_of(
    title: &str,
    summary: &str,
    tables: impl IntoIterator<Item = &'static TableSpec>,
) -> String {
    let mut text = format!("# {title}\n\n{summary}\n");
    for table in tables {
        put(
            &mut text,
            format_args!("\n## {}.csv\n\n{}\n\n", table.name, table.about),
        );
        text.push_str("| column | unit | meaning |\n| --- | --- | --- |\n");
        for c in table.columns {
            let about = c.about.replace('|', "\\|");
            put(
                &mut text,
                format_args!("| {} | {} | {about} |\n", c.name, c.unit),
            );
        }
    }
    text
}

fn write_chapter(
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

/// A drawing above its caption.
pub fn drawing(svg: &str, caption: &str) -> String {
    format!(
        "<figure><div class=\"drawing\" tabindex=\"0\">{}</div>\n<figcaption>{}</figcaption></figure>\n",
        accessible(svg, caption),
        escape(caption),
    )
}

/// The drawing as an image with a text for screen readers.
fn accessible(svg: &str, caption: &str) -> String {
    let label = format!("<svg role=\"img\" aria-label=\"{}\" ", escape(caption));
    svg.trim().replacen("<svg ", &label, 1)
}

/// Every condition of the experiment's claims at every seed.
fn write_measures(body: &mut String, chapter: &Chapter, ledger: &Ledger) {
    for entry in ledger.of(chapter.experiment.id()) {
        let rows: Vec<_> = chapter
            .measures
            .rows()
            .filter(|r| r.text("claim") == entry.id)
            .collect();
        let mut measures: Vec<&str> = Vec::new();
        for row in &rows {
            if !measures.contains(&row.text("measure")) {
                measures.push(row.text("measure"));
            }
        }
        put(
            body,
            format_args!(
                "<details><summary>{} <code>{}</code></summary>\n<div class=\"wide\"><table>\n\
                 <tr><th>measure</th><th>bound</th><th>seed</th><th>value</th><th>control</th></tr>\n",
                badge(&entry.verdict),
                escape(&entry.id),
            ),
        );
        for row in rows {
            let mark = |holds: &str| if holds == "yes" { "✓" } else { "✗" };
            put(
                body,
                format_args!(
                    "<tr><td>{}</td><td>{}</td><td>{}</td><td>{} {}</td><td>{} {}</td></tr>\n",
                    escape(row.text("measure")),
                    escape(row.text("bound")),
                    row.int("seed"),
                    number(row.real("value")),
                    mark(row.text("holds")),
                    number(row.real("control_value")),
                    mark(row.text("control_holds")),
                ),
            );
        }
        body.push_str("</table></div>\n</details>\n");
    }
}

fn page(report: &Report, body: &str) -> String {
    let Report {
        run,
        ledger,
        chapters,
        profile,
    } = report;
    let mut page = String::from(HEAD);
    let facts: Vec<_> = run
        .rows()
        .map(|r| format!("{} {}", escape(r.text("key")), escape(r.text("value"))))
        .collect();
    put(
        &mut page,
        format_args!("<p class=\"run\">{}</p>\n", facts.join(" · ")),
    );
    let count = |verdict: Verdict| {
        ledger
            .0
            .iter()
            .filter(|e| e.verdict == verdict.name())
            .count()
    };
    let counts: Vec<_> = Verdict::ALL
        .into_iter()
        .filter(|&v| count(v) > 0)
        .map(|v| format!("{} {}", count(v), badge(v.name())))
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
    for chapter in chapters {
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
            badge(&e.verdict),
        ),
    );
}

/// `0.21 to 0.24, 3 seeds`: all that a seed may change.
pub fn spread(e: &Entry) -> String {
    match (e.low == e.high, e.seeds) {
        (_, 1) => "1 seed".into(),
        (true, n) => format!("the same at {n} seeds"),
        (false, n) => format!("{} to {}, {n} seeds", number(e.low), number(e.high)),
    }
}

/// A number with three significant digits, as people write it.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value.is_nan() {
        return "not measured".into();
    }
    if size == f64::INFINITY {
        return if value > 0.0 {
            "∞".into()
        } else {
            "−∞".into()
        };
    }
    let text = if size == 0.0 {
        "0".into()
    } else if (1e-3..1e5).contains(&size) {
        let digits = (2 - size.log10().floor() as i32).max(0) as usize;
        let text = format!("{size:.digits$}");
        match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
            false => text,
        }
    } else {
        let text = format!("{size:.1e}");
        text.replace(".0e", "e").replace('-', "−")
    };
    if value < 0.0 {
        format!("−{text}")
    } else {
        text
    }
}

/// A verdict, told apart by sign and words as well as by colour.
fn badge(verdict: &str) -> String {
    let (sign, class) = sign(verdict);
    format!(
        "<span class=\"badge {class}\">{sign} {}</span>",
        escape(verdict)
    )
}

/// The sign and the style of a verdict.
pub fn sign(verdict: &str) -> (&'static str, &'static str) {
    match Verdict::ALL.into_iter().find(|v| v.name() == verdict) {
        Some(Verdict::Reproduced) => ("✓", "yes"),
        Some(Verdict::NotReproduced) => ("✗", "no"),
        Some(Verdict::Inconclusive) => ("?", "open"),
        Some(Verdict::NoPower) | None => ("○", "powerless"),
    }
}

/// Text as HTML or XML.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn put(text: &mut String, arguments: std::fmt::Arguments) {
    text.write_fmt(arguments).expect("writing to a string");
}

/// Everything above the ledger, styles included: the page needs nothing else to open.
const HEAD: &str = include_str!("report/head.html");
