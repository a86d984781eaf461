//! The state of the training of a model, as the line of progress shows it.

use kernels::MatRef;

use crate::text::{number, percent};

/// Returns the variance of rows, E‖x − E x‖².
pub fn variance(x: MatRef) -> f64 {
    let rows = x.rows() as f64;
    let of_column = |j: usize| {
        let column = || (0..x.rows()).map(|i| f64::from(x.row(i)[j]));
        let mean = column().sum::<f64>() / rows;
        column().map(|v| (v - mean).powi(2)).sum::<f64>() / rows
    };
    (0..x.cols()).map(of_column).sum()
}

/// The state of a training, measured on the batch of its last step.
#[derive(Debug)]
pub struct Standing<'a> {
    /// The name of the model.
    pub title: &'a str,
    /// The number of steps so far.
    pub step: u64,
    /// The loss that training minimises.
    pub loss: f64,
    /// The mean number of active entries of a code.
    pub l0: f64,
    /// The explained variance; not finite where all rows are equal.
    pub explained: f64,
    /// The share of the elements that count as dead; `None` if dead elements are not counted.
    pub dead: Option<f64>,
    /// The number of rows that this model was trained on in a second, as were all models that are trained beside it.
    pub rows_per_second: f64,
}

/// Writes the state in words, for the line of progress.
impl std::fmt::Display for Standing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let Standing {
            title, step, loss, ..
        } = self;
        write!(
            f,
            "{title}: step {step}, loss {loss:.4}, L0 {}",
            number(self.l0)
        )?;
        if self.explained.is_finite() {
            write!(f, ", explained variance {}", percent(self.explained))?;
        }
        if let Some(dead) = self.dead {
            write!(f, ", {} dead", percent(dead))?;
        }
        write!(f, ", {:.0} rows/s", self.rows_per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_training_tells_where_it_stands() {
        let mut standing = Standing {
            title: "topk",
            step: 7,
            loss: 0.5,
            l0: 31.5,
            explained: 0.81,
            dead: Some(0.25),
            rows_per_second: 12345.4,
        };
        assert_eq!(
            standing.to_string(),
            "topk: step 7, loss 0.5000, L0 31.5, explained variance 81 %, 25 % dead, 12345 rows/s"
        );
        (standing.explained, standing.dead) = (f64::NEG_INFINITY, None);
        assert_eq!(
            standing.to_string(),
            "topk: step 7, loss 0.5000, L0 31.5, 12345 rows/s"
        );
    }

    #[test]
    fn the_variance_of_rows_is_about_their_mean() {
        let x = [1.0, 10.0, 3.0, 10.0, 5.0, 16.0];
        // (4 + 0 + 4) / 3 and (4 + 4 + 16) / 3.
        let variance = variance(MatRef::from_rows(&x, 2));
        assert!((variance - 32.0 / 3.0).abs() < 1e-12, "{variance}");
    }
}
