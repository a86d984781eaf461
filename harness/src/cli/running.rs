//! The course of a run from its configuration to the printed results, for every command that runs experiments.

use super::common::{choose_isa, print, put_wrapped, terminal_width};
use super::verdicts;
use crate::error::Result;
use crate::experiments::REGISTRY;
use crate::figure::export::Export;
use crate::report;
use crate::run::config::Config;
use crate::run::{self, RunOptions, results};
use crate::session::signals;
use crate::store::names;
use crate::text::{put, quoted_path};

/// Runs experiments, draws the report, and prints the verdicts.
pub fn run_and_report(config: &Config, options: &RunOptions, export: &Export) -> Result<()> {
    let isa = choose_isa(config.isa.as_deref())?;
    run::check_memory(config, options.threads, |_| true)?;
    signals::catch()?;
    let finished = run::run(config, isa, options)?;
    report::draw(&REGISTRY, &finished.folder, export)?;
    let (width, path) = (terminal_width(), finished.folder.path().display());
    let ledger = &finished.ledger;
    let facts = results::facts(config, isa);
    let run = finished.folder.path();
    let measures = config.ids().map(|id| results::measures(run, id));
    let measures = measures.collect::<Result<Vec<_>>>()?.concat();
    let mut text = verdicts::verdicts(&REGISTRY, ledger, &measures, width);
    text.push('\n');
    text.push_str(&verdicts::summary(ledger, width));
    let [ours, theirs] = [&facts, &*results::REFERENCE].map(|facts| results::in_short(facts));
    text.push('\n');
    text.push_str(&verdicts::beside_reference(ledger, &ours, &theirs, width));
    if let Some(profile) = &finished.profile {
        text.push('\n');
        text.push_str(&profile.text());
    }
    text.push('\n');
    let quoted = quoted_path(finished.folder.path());
    let show = format!("one claim in full: harness show CLAIM {quoted}");
    put_wrapped(&mut text, &show, width, "  ");
    put(
        &mut text,
        format_args!("report: {path}/{}\n", names::REPORT),
    );
    print(&text)
}
