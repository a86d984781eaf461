//! `tradeoff`: what spreading features over more neurons gains and what it costs, in one figure; and over features of
//! one family, with a share of positive entries, what it is that is traded.

mod claims;
mod figures;
mod settings;
mod skew;
mod tables;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs, NoUnit};
use crate::experiments::one_layer::homogeneity::Limit;
use crate::experiments::one_layer::near_orthogonality::Count;
use crate::figure::Figure;
use crate::table::{Record, Table, Tables};

use claims::TRADED;
pub use settings::Settings;
pub use tables::{Limits, Skew};

/// See the [module](self).
pub struct Tradeoff;

impl Experiment for Tradeoff {
    type Settings = Settings;
    type Unit = NoUnit;
    type Piece = ();

    const ABOUT: &'static About = &About {
        id: "tradeoff",
        title: "Active features against available directions",
        summary: "Spreading features over more neurons makes room for more nearly orthogonal \
        directions, and lets fewer of them be active before interference swamps the \
        non-linearity. The two preceding experiments, side by side as the post has them: which mixes two families, as \
        positive features are active and signed ones are counted. Then both for the same features, of which a share of \
        the entries is positive.",
        claims: &[&TRADED],
        tables: &[Limits::SPEC, Skew::SPEC],
        figures: &["tradeoff", "one-family", "skew", "skew-at-n"],
        needs: &["homogeneity", "near-orthogonality"],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        skew::memory(s, threads)
    }

    fn units(_: &Settings, _: &[u64]) -> Vec<NoUnit> {
        Vec::new()
    }

    fn name(unit: &NoUnit) -> String {
        match *unit {}
    }

    fn cost(_: &Settings, unit: &NoUnit) -> Cost {
        match *unit {}
    }

    fn compute(_: &Settings, unit: &NoUnit, _: &Ctx) -> Result<()> {
        match *unit {}
    }

    fn conclude(s: &Settings, _: Vec<()>, ctx: &Ctx) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let skew = skew::compute(s, ctx, &mut outcome)?;
        outcome.tables = vec![Table::of(&mixed(ctx)), Table::of(&skew)];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        figures::draw(tables)
    }

    fn findings(tables: &Tables, _: &Ledger) -> String {
        figures::findings(tables)
    }
}

/// The two experiments side by side, at the thresholds of their claims.
fn mixed(ctx: &Ctx) -> Vec<Limits> {
    let counts = ctx.input("near-orthogonality").rows::<Count>();
    let limits = ctx.input("homogeneity").rows::<Limit>();
    let (Some(count), Some(limit)) = (counts.first(), limits.first()) else {
        return Vec::new();
    };
    let (mmcs_threshold, delta_r2_threshold) = (count.threshold, limit.threshold);
    let of_claim = limits.iter().filter(|r| r.threshold == delta_r2_threshold);
    let both = of_claim.filter_map(|&Limit { k, seed, n_on, .. }| {
        let same = |c: &&Count| (c.threshold, c.k, c.seed) == (mmcs_threshold, k, seed);
        Some(Limits {
            k,
            seed,
            active: n_on,
            nearly_orthogonal: counts.iter().find(same)?.features,
            delta_r2_threshold,
            mmcs_threshold,
        })
    });
    both.collect()
}
