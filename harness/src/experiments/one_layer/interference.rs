//! The experiment `interference`: with two features on at once, what is left of the response to one of them?

mod claims;
mod kept;
mod maps;
mod overlap;
mod settings;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Ctx, Experiment, Needs};
use crate::figure::Figure;
use crate::table::{Record, Table, Tables};

use claims::SPREAD;
pub use kept::{Kept, Point};
pub use maps::{Direction, Output, Setting};
pub use overlap::Overlap;
pub use settings::Settings;

/// The experiment `interference`; see the [module](self).
pub struct Interference;

impl Experiment for Interference {
    type Settings = Settings;

    crate::no_units!();

    const ABOUT: &'static About = &About {
        id: "interference",
        title: "Two features at once",
        summary: "When another feature is on, it moves the neurons along their \
        non-linearity. The output along a feature A is mapped over the levels of A and of another \
        feature B that shares some of its neurons. Then the non-homogeneity ΔR² of A is compared with B off and on: for A \
        aligned with one neuron or spread over k of them, and for B in the very direction of A or overlapping it in part. \
        What B adds to the neurons of A has the same length in all of these cases.",
        claims: &[&SPREAD],
        tables: &[Output::SPEC, Point::SPEC, Kept::SPEC],
        figures: &["two-features", "kept", "kept-by-k"],
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        // The four maps and the curves as rows; a pair of features a thread.
        let maps = 4.0 * (s.points as f64).powi(2) * (Output::MEMORY + 8.0);
        let curves = 5.0 * s.curve_points as f64 * (Point::MEMORY + 40.0);
        maps + curves + threads as f64 * s.n as f64 * 64.0
    }

    fn conclude(s: &Settings, _: Vec<()>, ctx: &Ctx) -> Result<Outcome> {
        ctx.session.progress.start(4 + kept::units(s, ctx))?;
        let mut outcome = Outcome::default();
        let maps = maps::compute(s, ctx)?;
        let curves = kept::curves(s);
        let kept = kept::compute(s, ctx, &mut outcome)?;
        outcome.tables = vec![Table::of(&maps), Table::of(&curves), Table::of(&kept)];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        vec![
            maps::draw(tables),
            kept::draw_curves(tables),
            kept::draw_by_k(tables),
        ]
    }

    fn findings(tables: &Tables, _: &Ledger) -> String {
        kept::findings(tables)
    }
}
