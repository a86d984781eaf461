//! The values that are read from one model: means, fractions and quantiles over its datapoints.

use kernels::Exec;
use kernels::mlp::Parameters;
use serde::{Deserialize, Serialize};

use super::curves::Fractions;
use super::data::Data;
use super::decisive::{Measure, decisive_share, shares};
use super::settings::Loss;
use super::traces::Traces;
use crate::phase::Phase;
use crate::stats::{median, quantile, share};
use crate::table::record::Word;

/// A way to tell whether a datapoint is right after a layer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Judge {
    /// The loss is below a threshold.
    Loss(f64),
    /// The correct logit is larger than every other one.
    Argmax,
    /// The same as `Argmax` through an affine lens, fitted on the half of the datapoints that this one is not in.
    AffineLens,
}

/// The quantiles over the datapoints that are reported.
pub const QUANTILES: [f64; 5] = [0.1, 0.25, 0.5, 0.75, 0.9];

/// The place of the median among the quantiles.
const MEDIAN: usize = 2;

/// The values that are read from one model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reading {
    /// The mean loss after layers 0 … L.
    pub loss: Vec<f64>,
    /// The quantiles over the datapoints of the loss after layers 0 … L.
    pub loss_quantiles: Vec<[f64; 5]>,
    /// The fractions of the datapoints that are right after layers 0 … L, by each judge.
    pub right: Vec<(Judge, Fractions)>,
    /// The median over the datapoints of the norm of the gradient of the correct output with respect to the weight
    /// matrices of blocks 1 … L.
    pub norm: Vec<f64>,
    /// The median over the datapoints of the shares of blocks 1 … L, for each measure.
    pub shares: [Vec<f64>; 4],
    /// The quantiles over the datapoints of the share of the layer that decides, for each measure.
    pub decisive: [[f64; 5]; 4],
    /// The values of some datapoints one by one.
    pub samples: Vec<Sample>,
}

/// The values that are read from one datapoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sample {
    /// The number of the datapoint.
    pub datapoint: usize,
    /// The loss after layers 0 … L.
    pub loss: Vec<f64>,
    /// The correct logit after layers 0 … L.
    pub logit: Vec<f64>,
    /// The gradient norms in blocks 1 … L.
    pub norm: Vec<f64>,
}

impl Reading {
    /// Reads a model. Sums run in f64, in the order of the data.
    pub fn of(
        exec: Exec,
        parameters: &Parameters,
        data: &Data,
        loss: Loss,
        judges: &[Judge],
        samples: &[usize],
    ) -> Reading {
        let _span = Phase::Metrics.begin();
        let traces = Traces::of(exec, parameters, data, loss);
        Reading::from_traces(&traces, judges, samples)
    }

    /// Reads the traces of a model.
    fn from_traces(traces: &Traces, judges: &[Judge], samples: &[usize]) -> Reading {
        let n = traces.loss[0].len();
        let wide = |v: &Vec<f32>| -> Vec<f64> { v.iter().map(|&v| f64::from(v)).collect() };
        let over = |values: &[Vec<f32>], of: &dyn Fn(&[f64]) -> f64| -> Vec<f64> {
            values.iter().map(|v| of(&wide(v))).collect()
        };
        let fractions = |judge: &Judge| {
            let above_0 = |v: &[f64]| share(v.iter().copied(), |margin| margin > 0.0);
            let fractions = match *judge {
                Judge::Loss(threshold) => over(&traces.loss, &|v| {
                    share(v.iter().copied(), |loss| loss < threshold)
                }),
                Judge::Argmax => over(&traces.margin, &above_0),
                Judge::AffineLens => over(&traces.affine_margin, &above_0),
            };
            (*judge, Fractions(fractions))
        };
        let of_measure = |index: usize| {
            let measure = Measure::ALL[index];
            let all: Vec<Vec<f64>> = (0..n).filter_map(|k| shares(traces, measure, k)).collect();
            (0..traces.norm.len())
                .map(|l| median(&all.iter().map(|s| s[l]).collect::<Vec<_>>()))
                .collect()
        };
        let decisive = |index: usize| {
            let values = (0..n).filter_map(|k| decisive_share(traces, Measure::ALL[index], k));
            quantiles(&values.collect::<Vec<_>>())
        };
        let at = |values: &[Vec<f32>], k: usize| -> Vec<f64> {
            values.iter().map(|v| f64::from(v[k])).collect()
        };
        Reading {
            loss: over(&traces.loss, &|v| v.iter().sum::<f64>() / n as f64),
            loss_quantiles: traces.loss.iter().map(|v| quantiles(&wide(v))).collect(),
            right: judges.iter().map(fractions).collect(),
            norm: over(&traces.norm, &median),
            shares: std::array::from_fn(of_measure),
            decisive: std::array::from_fn(decisive),
            samples: samples
                .iter()
                .map(|&datapoint| Sample {
                    datapoint,
                    loss: at(&traces.loss, datapoint),
                    logit: at(&traces.logit, datapoint),
                    norm: at(&traces.norm, datapoint),
                })
                .collect(),
        }
    }

    /// Returns the fractions by a judge.
    ///
    /// # Panics
    /// If the model was not read by that judge.
    pub fn right(&self, judge: Judge) -> &Fractions {
        let found = self.right.iter().find(|(j, _)| *j == judge);
        &found.expect("a judge that it was read by").1
    }

    /// Returns the median over the datapoints of the share of the layer that decides, by a measure.
    pub fn decisive_median(&self, measure: Measure) -> f64 {
        self.decisive[measure as usize][MEDIAN]
    }
}

fn quantiles(values: &[f64]) -> [f64; 5] {
    QUANTILES.map(|q| quantile(values, q))
}

impl std::fmt::Display for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Judge::Loss(threshold) => write!(f, "loss < {threshold}"),
            Judge::Argmax => write!(f, "largest logit"),
            Judge::AffineLens => write!(f, "largest logit of the affine lens"),
        }
    }
}
