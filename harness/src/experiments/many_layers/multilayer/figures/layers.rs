//! The panels on models, layer by layer.

use super::super::claims::LEARNED;
use super::super::tables::{Datapoint, Layer, Summary};
use super::super::task::{Kind, Part};
use super::seeds::{Column, add, over_seeds};
use crate::figure::{Axis, Panel, Role};
use crate::stats::observations::Observations as _;
use crate::table::Tables;
use crate::table::record::Word as _;

/// The rows of the tables on models, without those of trainings that diverged: means and axes would show nothing else.
pub struct Models {
    pub summaries: Vec<Summary>,
    layers: Vec<Layer>,
    datapoints: Vec<Datapoint>,
}

impl Models {
    /// Reads the rows of the tables.
    pub fn of(tables: &Tables) -> Self {
        let mut layers: Vec<Layer> = tables.rows();
        let trained = layers.iter().filter(|r| r.model == Kind::Trained);
        let losses: Vec<_> = trained.map(|r| (model(r), r.mean_loss)).collect();
        let diverged = diverged(&losses);
        let is_drawn = |model| !diverged.contains(&model);
        layers.retain(|r| is_drawn(model(r)));
        let mut summaries: Vec<Summary> = tables.rows();
        summaries.retain(|r| is_drawn((r.part, r.model, r.n, r.seed)));
        let mut datapoints: Vec<Datapoint> = tables.rows();
        datapoints.retain(|r| is_drawn((r.part, r.model, r.n, r.seed)));
        Models {
            summaries,
            layers,
            datapoints,
        }
    }

    /// Returns the models of a kind in a part.
    pub fn of_kind(&self, part: Part, kind: Kind) -> impl Iterator<Item = &Summary> {
        let ours = self.summaries.iter();
        ours.filter(move |r| (r.part, r.model) == (part, kind))
    }

    /// Returns the numbers of datapoints of the trained models of a part.
    fn sizes(&self, part: Part) -> Vec<usize> {
        self.of_kind(part, Kind::Trained).map(|r| r.n).levels()
    }

    /// Returns the largest number of datapoints of a part that every seed has learned, else the smallest one.
    fn largest_learned(&self, part: Part) -> Option<usize> {
        let sizes = self.sizes(part);
        let learned = |n: &&usize| {
            let ours = self.summaries.iter();
            let mut ours = ours.filter(|r| (r.part, r.model, r.n) == (part, Kind::Trained, **n));
            ours.all(|r| r.learned >= LEARNED)
        };
        sizes.iter().rfind(learned).or(sizes.first()).copied()
    }

    /// Returns the title of a panel on a part.
    pub fn title(&self, part: Part) -> String {
        let first = self.summaries.iter().find(|r| r.part == part);
        let Some(row) = first else {
            return String::new();
        };
        let loss = row.loss.word().replace('-', " ");
        match part {
            Part::Opposite => format!("{loss}, full batches, {} layers", row.layers),
            Part::OtherTargets => format!("{loss}, the other kind of targets"),
            _ => format!("{loss}, minibatches, {} layers", row.layers),
        }
    }

    /// Returns a column against the layer, over the seeds: the layer with the mean, the smallest and the largest value.
    fn curve(
        &self,
        part: Part,
        kind: Kind,
        n: usize,
        column: impl Fn(&Layer) -> f64,
    ) -> Vec<(f64, f64, f64, f64)> {
        let rows = self.layers.iter();
        let rows = rows.filter(|r| (r.part, r.model, r.n) == (part, kind, n));
        over_seeds(rows.map(|r| (r.layer as f64, column(r))))
    }

    /// Draws a curve for each N and, at the settings of the experiment, that of the look-up model of the largest N.
    fn panel(&self, part: Part, y: Axis, column: impl Fn(&Layer) -> f64) -> Panel {
        let mut panel = Panel::new(self.title(part), Axis::linear("after layer l"), y);
        let sizes = self.sizes(part);
        for (role, n) in Role::steps(sizes.clone()) {
            let points = self.curve(part, Kind::Trained, n, &column);
            panel = add(panel, role, &format!("N = {n}"), points);
        }
        if let (Part::Point, Some(&n)) = (part, sizes.last()) {
            let points = self.curve(part, Kind::LookUp, n, &column);
            let label = format!("look-up model, N = {n}");
            panel = add(panel, Role::Control, &label, points);
        }
        panel
    }

    /// Draws the mean loss after each layer.
    pub fn loss(&self, part: Part) -> Panel {
        let trained = self.layers.iter();
        let trained = trained.filter(|r| (r.part, r.model) == (part, Kind::Trained));
        let y = from_zero("mean loss", trained.map(|r| r.mean_loss));
        self.panel(part, y, |r| r.mean_loss)
    }

    /// Draws the fraction learned after each layer.
    pub fn learned(&self, part: Part) -> Panel {
        let y = Axis::linear("fraction below the threshold").range(0.0, 1.0);
        self.panel(part, y, |r| r.learned)
    }

    /// Draws a column of `datapoints` against the layer for one model, a line for each datapoint.
    pub fn single(&self, part: Part, label: &str, column: impl Fn(&Datapoint) -> f64) -> Panel {
        let n = self.largest_learned(part);
        let title = n.map_or(String::new(), |n| format!("{}, N = {n}", self.title(part)));
        let trained = || {
            let rows = self.datapoints.iter();
            rows.filter(|r| (r.part, r.model) == (part, Kind::Trained))
        };
        let seed = trained().map(|r| r.seed).min();
        let ours = trained().filter(|r| (Some(r.n), Some(r.seed)) == (n, seed));
        let rows: Vec<&Datapoint> = ours.collect();
        let y = from_zero(label, rows.iter().map(|r| column(r)));
        let mut panel = Panel::new(title, Axis::linear("after layer l"), y);
        let datapoints = rows.chunk_by(|a, b| a.datapoint == b.datapoint);
        for (i, rows) in datapoints.enumerate() {
            // The input has no block, and so no gradient norm.
            let points = rows.iter().map(|r| (r.layer as f64, column(r)));
            let points = points.filter(|p| p.0 > 0.0 || !p.1.is_nan());
            panel = panel.dotted(Role::Other(i as u8), "", points.collect::<Vec<_>>());
        }
        panel
    }

    /// Draws the fraction right after each layer, told in three ways.
    pub fn ways(&self, part: Part) -> Panel {
        let mut panel = Panel::new(
            self.title(part),
            Axis::linear("after layer l"),
            Axis::linear("fraction that is right").range(0.0, 1.0),
        );
        let Some(n) = self.sizes(part).last().copied() else {
            return panel;
        };
        let ways: [(&str, Column<Layer>); 3] = [
            ("loss below the threshold", |r| r.learned),
            ("correct logit the largest", |r| r.right),
            ("the same through an affine lens", |r| r.right_affine),
        ];
        for (i, (label, column)) in ways.into_iter().enumerate() {
            let points = self.curve(part, Kind::Trained, n, column);
            panel = add(panel, Role::Other(i as u8), label, points);
        }
        panel
    }

    /// Draws the share of each layer in the norm of the gradient.
    pub fn gradient_share(&self) -> Panel {
        let column = |r: &Layer| r.gradient_share;
        let shown = self.layers.iter().filter(|r| {
            r.part == Part::Point && matches!(r.model, Kind::Trained | Kind::Untrained)
        });
        let mut panel = Panel::new(
            self.title(Part::Point),
            Axis::linear("layer l"),
            from_zero("share of the gradient norm", shown.map(column)),
        );
        let sizes = self.sizes(Part::Point);
        for (role, n) in Role::steps(sizes.clone()) {
            let points = self.curve(Part::Point, Kind::Trained, n, column);
            panel = add(panel, role, &format!("N = {n}"), points);
        }
        if let Some(&n) = sizes.last() {
            let points = self.curve(Part::Point, Kind::Untrained, n, column);
            panel = add(panel, Role::Control, "untrained model", points);
        }
        panel
    }
}

/// Returns the columns that tell a model from all others.
fn model(row: &Layer) -> (Part, Kind, usize, u64) {
    (row.part, row.model, row.n, row.seed)
}

/// Returns the models whose loss is larger at the output than at the input, where nothing is known of a datapoint, from
/// the loss of each model after each layer, in order.
fn diverged<M: Copy + PartialEq>(losses: &[(M, f64)]) -> Vec<M> {
    let of_models = losses.chunk_by(|a, b| a.0 == b.0);
    let ends = of_models.filter_map(|losses| Some((losses.first()?, losses.last()?)));
    let worse = ends.filter(|(input, output)| output.1 > input.1);
    worse.map(|(_, output)| output.0).collect()
}

/// Returns an axis from 0 to the largest of the values.
pub fn from_zero(label: &str, values: impl Iterator<Item = f64>) -> Axis {
    let highest = values.filter(|v| v.is_finite()).fold(0.0, f64::max);
    match highest > 0.0 {
        true => Axis::linear(label).range(0.0, 1.05 * highest),
        false => Axis::linear(label),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_is_worse_at_the_output_than_at_the_input_has_diverged() {
        let losses = [("a", 6.0), ("a", 9.0), ("a", 0.1), ("b", 6.0), ("b", 6.5)];
        assert_eq!(diverged(&losses), ["b"]);
    }
}
