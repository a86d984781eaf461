//! The verdicts of a run for the terminal: one line for each claim, counts, and differences from the reference run.

use textwrap::core::display_width;

use super::common::put_wrapped;
use super::paint::{FAINT, HEADING, paint, painted_sign};
use crate::claim::condition::Condition;
use crate::claim::evidence::Estimate;
use crate::claim::ledger::Ledger;
use crate::claim::measures::Measurement;
use crate::claim::words::{counts, plural, sign};
use crate::claim::{Bound, Entry, Verdict, reference};
use crate::experiment::registry::Registry;
use crate::stats::observations::Observations as _;
use crate::table::record::Word as _;
use crate::text::{number, put};

/// Returns the ledger of a run by the sections of the post, in lines of at most `width` columns. Where the lines do not
/// fit, columns are left out and names are cut short: see [`columns`].
pub fn verdicts(
    registry: &Registry,
    ledger: &Ledger,
    measures: &[Measurement],
    width: usize,
) -> String {
    let mut sections = Vec::new();
    for section in registry.0 {
        let claims = section.experiments.iter().flat_map(|e| e.about().claims);
        let lines = claims.filter_map(|claim| ledger.get(claim.id));
        let lines = lines.map(|entry| Line::of(entry, measures));
        let lines: Vec<Line> = lines.collect();
        if !lines.is_empty() {
            sections.push((section.title, lines));
        }
    }
    let all = || sections.iter().flat_map(|(_, lines)| lines);
    let columns = columns(all(), width);
    let mut text = String::new();
    let head = columns.iter().map(|c| (c.what.head(), c.width));
    put(
        &mut text,
        format_args!("{}\n", paint(FAINT, &row(" ", head))),
    );
    for (title, lines) in &sections {
        for line in textwrap::wrap(title, width.max(1)) {
            put(&mut text, format_args!("\n{}", paint(HEADING, &line)));
        }
        text.push('\n');
        for line in lines {
            let cells = columns.iter().map(|c| (c.what.of(line), c.width));
            let sign = painted_sign(line.verdict);
            put(&mut text, format_args!("{}\n", row(&sign, cells)));
        }
    }
    if all().any(|line| line.criterion.ends_with(ELSEWHERE)) {
        let note = format!(
            "{ELSEWHERE} This is not the first condition of the claim but the one that decided."
        );
        text.push('\n');
        put_wrapped(&mut text, &note, width, "  ");
    }
    text
}

/// The mark after the bound of a condition other than the headline, where the verdict rests on that condition.
const ELSEWHERE: &str = "*";

/// The line of a claim.
struct Line {
    verdict: Verdict,
    name: String,
    word: String,
    effect: String,
    interval: String,
    criterion: String,
    settings: String,
}

impl Line {
    fn of(entry: &Entry, measures: &[Measurement]) -> Self {
        let conditions = Condition::all(entry, measures);
        let shown = Condition::deciding(entry, &conditions);
        let Estimate {
            value, low, high, ..
        } = shown.effect;
        let mark = match shown.measure == entry.measure {
            true => "",
            false => ELSEWHERE,
        };
        let kept = |bound: &Bound| bound.holds(low) && bound.holds(high);
        let broken = shown.bounds.iter().find(|bound| !kept(bound));
        let criterion = broken.or(shown.bounds.first()).copied().map(Bound::text);
        Line {
            verdict: entry.verdict,
            name: entry.id.clone(),
            word: entry.verdict.to_string(),
            effect: match value.is_nan() {
                true => "–".into(),
                false => number(value),
            },
            interval: match low == high || low.is_nan() {
                true => String::new(),
                false => format!("{} to {}", number(low), number(high)),
            },
            criterion: criterion.unwrap_or_default() + mark,
            settings: match entry.settings {
                0 => String::new(),
                settings => format!("{} of {settings}", entry.settings_held),
            },
        }
    }
}

/// The kind of a cell in the line of a claim.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Name,
    Word,
    Effect,
    Interval,
    Criterion,
    Settings,
}

impl What {
    /// All kinds of cells, in their order in a line.
    const IN_LINE: [What; 6] = [
        What::Name,
        What::Word,
        What::Effect,
        What::Interval,
        What::Criterion,
        What::Settings,
    ];

    fn head(self) -> &'static str {
        match self {
            What::Name => "claim",
            What::Word => "verdict",
            What::Effect => "effect",
            What::Interval => "interval",
            What::Criterion => "bound",
            What::Settings => "holds in",
        }
    }

    fn of(self, line: &Line) -> &str {
        match self {
            What::Name => &line.name,
            What::Word => &line.word,
            What::Effect => &line.effect,
            What::Interval => &line.interval,
            What::Criterion => &line.criterion,
            What::Settings => &line.settings,
        }
    }
}

struct Column {
    what: What,
    width: usize,
}

/// The width of the sign and the space after it, in columns of the terminal.
const SIGN: usize = 2;
/// The space between two cells of a line, in columns of the terminal.
const BETWEEN: usize = 2;
/// The least width of a name, in columns of the terminal. Effect and bound are left out before names are cut shorter.
const SHORTEST_NAME: usize = 12;

/// Returns the columns that fit into `width`, each as wide as its widest cell. Interval, verdict and settings are left
/// out where the names would not be whole beside them; effect and bound are left out where fewer than [`SHORTEST_NAME`]
/// columns would be left for the names.
fn columns<'a>(lines: impl Iterator<Item = &'a Line> + Clone, width: usize) -> Vec<Column> {
    let needed = |what: What| {
        let cells = lines.clone().map(|line| display_width(what.of(line)));
        cells.chain([what.head().len()]).max().unwrap_or(0)
    };
    let taken = |fitting: &[What]| {
        let widths = fitting.iter().map(|what| BETWEEN + needed(*what));
        SIGN + widths.sum::<usize>()
    };
    let mut fitting = vec![What::Effect, What::Criterion];
    for more in [What::Interval, What::Word, What::Settings] {
        fitting.push(more);
        if taken(&fitting) + needed(What::Name) > width {
            fitting.pop();
            break;
        }
    }
    while !fitting.is_empty() && taken(&fitting) + SHORTEST_NAME > width {
        fitting.pop();
    }
    let name = width.saturating_sub(taken(&fitting)).max(1);
    let column = |what: What| match what {
        What::Name => Some(Column {
            what,
            width: name.min(needed(what)),
        }),
        _ => fitting.contains(&what).then(|| Column {
            what,
            width: needed(what),
        }),
    };
    What::IN_LINE.into_iter().filter_map(column).collect()
}

/// Returns a line of a sign and cells, each as wide as its column.
fn row<'a>(sign: &str, cells: impl Iterator<Item = (&'a str, usize)>) -> String {
    let mut text = format!("{sign} ");
    for (cell, width) in cells {
        let cell = cut(cell, width);
        let padding = width - display_width(&cell) + BETWEEN;
        put(&mut text, format_args!("{cell}{:padding$}", ""));
    }
    text.truncate(text.trim_end().len());
    text
}

/// Returns a text, whose end is replaced by an ellipsis if it is wider than `width`.
fn cut(text: &str, width: usize) -> String {
    if display_width(text) <= width {
        return text.into();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if display_width(&kept) + 1 > width {
            kept.pop();
            break;
        }
    }
    kept + "…"
}

/// Returns the numbers of claims by verdict, for all claims and for each kind. The line for all claims names the
/// verdicts in words beside their signs.
pub fn summary(ledger: &Ledger, width: usize) -> String {
    let mut text = String::new();
    let count = |&verdict: &Verdict| {
        let ours = ledger.entries.iter().filter(|e| e.verdict == verdict);
        (ours.count(), verdict)
    };
    let all = Verdict::ALL.iter().map(count).filter(|(n, _)| *n > 0);
    let all = all.map(|(n, verdict)| format!("{} {n} {verdict}", sign(verdict).0));
    let all = all.collect::<Vec<_>>().join(", ");
    let claims = match ledger.entries.len() {
        1 => "1 claim".to_string(),
        n => format!("{n} claims"),
    };
    put_wrapped(&mut text, &format!("{claims}: {all}"), width, "  ");
    for (kind, counts) in counts(ledger) {
        let counts = counts
            .iter()
            .map(|&(n, verdict)| format!("{} {n}", sign(verdict).0));
        let counts = counts.collect::<Vec<_>>().join("  ");
        let line = format!("  {:<11} {counts}", plural(kind));
        put_wrapped(&mut text, &line, width, "    ");
    }
    text
}

/// Returns the differences between the verdicts of a run and those of the reference run. `ours` and `theirs` describe
/// the two runs in short.
pub fn beside_reference(ledger: &Ledger, ours: &str, theirs: &str, width: usize) -> String {
    let pairs = ledger.entries.iter().filter_map(|entry| {
        let other = reference::counterpart(entry, &reference::LEDGER)?;
        Some((entry, other))
    });
    let pairs: Vec<(&Entry, &Entry)> = pairs.collect();
    let other: Vec<_> = pairs
        .iter()
        .filter(|(a, b)| a.verdict != b.verdict)
        .collect();
    let mut text = String::new();
    let beside = match ours == theirs {
        true => format!("the reference run ({theirs})"),
        false => format!("the reference run ({theirs}; this one: {ours})"),
    };
    let head = match (pairs.len(), other.len()) {
        (0, _) => format!("None of these claims stands in {beside}."),
        (n, 0) => format!("The verdicts on all {n} claims are those of {beside}."),
        (n, 1) => format!("1 of {n} verdicts is not that of {beside}:"),
        (n, differ) => format!("{differ} of {n} verdicts are not those of {beside}:"),
    };
    put_wrapped(&mut text, &head, width, "  ");
    let changes = other.iter().map(|(a, b)| (b.verdict, a.verdict));
    for change in changes.distinct() {
        let alike = other
            .iter()
            .filter(|(a, b)| (b.verdict, a.verdict) == change);
        let alike: Vec<_> = alike.collect();
        let (there, here) = change;
        let names: Vec<_> = alike.iter().map(|(a, _)| a.id.as_str()).collect();
        let line = format!("  {there} there, {here} here: {}", names.join(", "));
        put_wrapped(&mut text, &line, width, "    ");
    }
    let unknown = ledger.entries.len() - pairs.len();
    if unknown > 0 && !pairs.is_empty() {
        let have = if unknown == 1 { "has" } else { "have" };
        let line = format!("{unknown} more {have} another statement or criterion there.");
        put_wrapped(&mut text, &line, width, "  ");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::REGISTRY;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    /// Returns a run of all experiments at three seeds, in which `value` of the place of a condition in its claim and
    /// of the seed is measured, in the control too.
    fn run_of(value: impl Fn(usize, u64) -> f64) -> (Ledger, Vec<Measurement>) {
        let (mut ledger, mut measures) = (Ledger::default(), Vec::new());
        for experiment in REGISTRY.experiments() {
            let claims = experiment.about().claims;
            for (claim, seed) in claims.iter().flat_map(|c| [0, 1, 2].map(|seed| (c, seed))) {
                for (place, condition) in claim.conditions.iter().enumerate() {
                    let value = value(place, seed);
                    measures.push(Measurement {
                        claim: claim.id.into(),
                        setting: String::new(),
                        point: false,
                        measure: condition.measure.into(),
                        bound: condition.bound.to_string(),
                        seed,
                        value,
                        control_value: value,
                        holds: condition.bound.holds(value),
                        control_holds: condition.bound.holds(value),
                        missing: String::new(),
                        control_missing: String::new(),
                    });
                }
            }
            ledger.settle(experiment.id(), claims, &measures);
        }
        for entry in &mut ledger.entries {
            (entry.settings_held, entry.settings) = (115, 205);
        }
        (ledger, measures)
    }

    #[test]
    fn every_claim_has_one_line_that_fits_any_terminal() {
        let wide = |_: usize, seed: u64| -1.234e-7 * (seed as f64 + 1.0);
        let unmeasured = |_: usize, _: u64| f64::NAN;
        for (ledger, measures) in [
            run_of(|_, seed| seed as f64),
            run_of(wide),
            run_of(unmeasured),
        ] {
            for width in [20, 40, 60, 79, 80, 81, 100, 120, 200] {
                let text = plain(&verdicts(&REGISTRY, &ledger, &measures, width));
                let others = [
                    summary(&ledger, width),
                    beside_reference(&ledger, "preset quick", "preset default", width),
                ];
                for line in text
                    .lines()
                    .chain(others.iter().flat_map(|text| text.lines()))
                {
                    assert!(display_width(line) <= width, "{width}: {line}");
                }
                let lines = || {
                    text.lines()
                        .filter(|l| l.starts_with(['✓', '✗', '⇄', '?', '○']))
                };
                assert_eq!(lines().count(), ledger.entries.len());
                for e in &ledger.entries {
                    // At 60 columns or more, names are whole.
                    let shown = if width < 60 { &e.id[..8] } else { &e.id };
                    let begin = format!("{} {shown}", sign(e.verdict).0);
                    assert!(
                        lines().any(|line| line.starts_with(&begin)),
                        "{width}: {begin}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_wider_terminal_shows_more() {
        let (ledger, measures) = run_of(|_, seed| 0.5 + 0.01 * seed as f64);
        let shown = |width| {
            let text = plain(&verdicts(&REGISTRY, &ledger, &measures, width));
            let head = text.lines().next().expect("a head").to_string();
            head.split_whitespace()
                .map(String::from)
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(20), ["claim"]);
        assert_eq!(shown(30), ["claim", "effect"]);
        assert_eq!(shown(40), ["claim", "effect", "bound"]);
        assert_eq!(shown(80), ["claim", "effect", "interval", "bound"]);
        let all = [
            "claim", "verdict", "effect", "interval", "bound", "holds", "in",
        ];
        assert_eq!(shown(120), all);
        assert_eq!(shown(200), all);
    }

    #[test]
    fn a_line_shows_the_condition_that_decided() {
        let id = "no-decisive-layer";
        let line = |second: f64| {
            let value = |place, seed| match place {
                1 => second + seed as f64,
                _ => 1.25,
            };
            let (ledger, measures) = run_of(value);
            let text = plain(&verdicts(&REGISTRY, &ledger, &measures, 80));
            let line = text.lines().find(|line| line.contains(id)).expect("a line");
            (
                line.split_whitespace()
                    .map(String::from)
                    .collect::<Vec<_>>(),
                text,
            )
        };
        // The control fulfils the headline.
        assert_eq!(line(-50.0).0, ["○", id, "1.25", "≤", "2"]);
        let (failed, text) = line(50.0);
        assert_eq!(failed, ["✗", id, "51", "48.5", "to", "53.5", "≤", "2*"]);
        assert!(text.contains("* This is not the first condition of the claim but the one that"));
        assert_eq!(line(1.5).0[..3], ["?", id, "2.5"]);
    }

    #[test]
    fn what_differs_from_the_reference_run_is_named_and_what_cannot_be_compared_is_counted() {
        let told = |change: &dyn Fn(&mut Ledger)| {
            let mut ledger = reference::LEDGER.clone();
            change(&mut ledger);
            beside_reference(&ledger, "preset quick", "preset default", 200)
        };
        let n = reference::LEDGER.entries.len();
        assert_eq!(
            told(&|_| ()),
            format!(
                "The verdicts on all {n} claims are those of the reference run (preset default; this one: preset quick).\n"
            )
        );
        let differs = told(&|ledger| {
            ledger.entries[0].verdict = Verdict::Undecided;
            ledger.entries[1].criterion += " or so";
        });
        let id = &reference::LEDGER.entries[0].id;
        assert!(differs.starts_with(&format!("1 of {} verdicts is not that of", n - 1)));
        assert!(differs.contains(&format!("\n  reproduced there, undecided here: {id}\n")));
        assert!(differs.ends_with("1 more has another statement or criterion there.\n"));
        let same = beside_reference(&reference::LEDGER, "preset default", "preset default", 200);
        assert!(same.ends_with("those of the reference run (preset default).\n"));
        let none = told(&|ledger| ledger.entries.iter_mut().for_each(|e| e.id += "-2"));
        assert!(none.starts_with("None of these claims stands in the reference run"));
    }
}
