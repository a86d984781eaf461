//! `tradeoff`: what spreading features over more neurons gains and what it costs, in one figure.

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Ctx, Experiment, Needs};
use crate::experiments::one_layer::homogeneity::{Layer, Limit};
use crate::experiments::one_layer::near_orthogonality::Count;
use crate::figure::{Axis, Figure, Mark, Panel, Role, Series};
use crate::stats::observations::Observations;
use crate::table::{Record, Table, Tables};
use crate::text::number;

/// See the [module](self).
pub struct Tradeoff;

crate::settings! {
    /// Settings of `tradeoff`: none, all are those of the experiments that it reads.
    pub struct Settings {}
}

crate::rows! {
    /// Both limits on the number of features, at the k that the two experiments share.
    pub struct Limits in "tradeoff" {
        /// neurons that each feature is on
        k: usize ["neurons"],
        /// seed
        seed: u64 [""],
        /// most active others before the response is homogeneous
        active: f64 ["1"],
        /// number of nearly orthogonal features
        nearly_orthogonal: f64 ["1"],
        /// ΔR² above which a response is not homogeneous
        delta_r2_threshold: f64 ["1"],
        /// mean max cosine similarity below which features are nearly orthogonal
        mmcs_threshold: f64 ["1"],
    }
}

impl Experiment for Tradeoff {
    type Settings = Settings;

    const ABOUT: &'static About = &About {
        id: "tradeoff",
        title: "Active features against available directions",
        summary: "Spreading features over more neurons makes room for more nearly orthogonal \
        directions, and lets fewer of them be active before interference swamps the \
        non-linearity. The two preceding experiments, side by side.",
        claims: &[],
        tables: &[Limits::SPEC],
        figures: &["tradeoff"],
        needs: &["homogeneity", "near-orthogonality"],
    };

    fn memory(_: &Settings, _: &Needs, _: usize) -> f64 {
        1e6
    }

    fn run(_: &Settings, ctx: &Ctx) -> Result<Outcome> {
        ctx.session.progress.start(1)?;
        let mut rows = Vec::new();
        let counts = ctx.input("near-orthogonality").rows::<Count>();
        let limits = ctx.input("homogeneity").rows::<Limit>();
        for limit in limits.iter().filter(|r| r.layer == Layer::Gelu) {
            let &Limit { k, seed, .. } = limit;
            let same = counts.iter().find(|c| (c.k, c.seed) == (k, seed));
            rows.extend(same.map(|count| Limits {
                k,
                seed,
                active: limit.n_on,
                nearly_orthogonal: count.features,
                delta_r2_threshold: limit.threshold,
                mmcs_threshold: count.threshold,
            }));
        }
        ctx.session.progress.tick()?;
        Ok(Outcome {
            tables: vec![Table::of(&rows)],
            measures: Vec::new(),
        })
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        let rows = tables.rows::<Limits>();
        let threshold = |of: fn(&Limits) -> f64| rows.first().map(of).map_or(String::new(), number);
        let active = Series::new(
            Role::Other(1),
            "most active others (left)",
            curve(&rows, |r| r.active),
        );
        let available = Series::new(
            Role::Distributed,
            "nearly orthogonal features (right)",
            curve(&rows, |r| r.nearly_orthogonal),
        );
        let delta = threshold(|r| r.delta_r2_threshold);
        let mmcs = threshold(|r| r.mmcs_threshold);
        let panel = Panel::new(
            "",
            Axis::log("neurons per feature k"),
            Axis::log(format!("most active others, ΔR² > {delta}")),
        )
        .with_right(Axis::log(format!(
            "nearly orthogonal features, MMCS < {mmcs}"
        )))
        .mark(Mark::Dotted(active))
        .on_right(Mark::Dotted(available));
        vec![
            Figure::new(
                "tradeoff",
                "Left axis: how many other features can be active before the response along a feature is \
                 homogeneous. Right axis: how many random features are nearly orthogonal. Both against the \
                 number of neurons that a feature is on; medians over seeds.",
            )
            .columns(1)
            .panel(panel),
        ]
    }

    fn findings(tables: &Tables, _: &Ledger) -> String {
        let rows = tables.rows::<Limits>();
        let active = curve(&rows, |r| r.active);
        let available = curve(&rows, |r| r.nearly_orthogonal);
        let ends = |curve: &[(f64, f64)]| curve.first().copied().zip(curve.last().copied());
        let (Some(((k_first, a_first), (k_last, a_last))), Some(((_, o_first), (_, o_last)))) =
            (ends(&active), ends(&available))
        else {
            return "The two experiments share no k and seed: give them the same n and dims_points.".into();
        };
        format!(
            "From k = {k_first} to k = {k_last} the number of nearly orthogonal features goes from {} to {}, while the \
             most others that can be active go from {} to {}: directions are bought with activity.",
            number(o_first.round()),
            number(o_last.round()),
            number(a_first),
            number(a_last),
        )
    }
}

/// The median over seeds of a column, by k.
fn curve(rows: &[Limits], column: fn(&Limits) -> f64) -> Vec<(f64, f64)> {
    rows.iter().map(|r| (r.k, column(r))).medians()
}
