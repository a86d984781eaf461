//! The experiment `tradeoff`: what spreading features over more neurons gains and what it costs, in one figure; and,
//! for features of one family with a share of positive entries, what it is that is traded.

mod claims;
mod figures;
mod settings;
mod skew;
mod tables;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs, OfSeed};
use crate::experiments::one_layer::homogeneity::Limit;
use crate::experiments::one_layer::near_orthogonality::Count;
use crate::figure::Figure;
use crate::table::{Record, Table, Tables};

use claims::TRADED;
pub use settings::Settings;
use skew::OfShare;
pub use tables::{Limits, Skew};

/// The experiment `tradeoff`; see the [module](self).
pub struct Tradeoff;

impl Experiment for Tradeoff {
    type Settings = Settings;
    type Unit = OfSeed;
    type Piece = Vec<OfShare>;

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

    fn units(_: &Settings, seeds: &[u64]) -> Vec<OfSeed> {
        OfSeed::each(seeds)
    }

    fn name(unit: &OfSeed) -> String {
        unit.name()
    }

    fn cost(s: &Settings, _: &OfSeed, _: &Needs) -> Cost {
        skew::cost(s)
    }

    fn compute(s: &Settings, &OfSeed(seed): &OfSeed, ctx: &Ctx) -> Result<Vec<OfShare>> {
        skew::compute(s, seed, ctx)
    }

    fn conclude(s: &Settings, pieces: Vec<Vec<OfShare>>, ctx: &Ctx) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let skew = skew::settle(s, &pieces, ctx, &mut outcome);
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

/// Returns the limits of the two experiments side by side, at the thresholds of their claims.
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
