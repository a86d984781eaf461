//! The cost of a layer: the active elements that it takes, from dictionaries trained with several penalties.

use super::elements::Fit;

crate::words! {
    /// A measure of the cost.
    pub enum Cost {
        /// The number of active elements a datapoint at which 0.95 of the variance is explained.
        #[strum(serialize = "L0 at explained variance 0.95")]
        ActiveElements,
        /// The share of the variance that is not explained with 10 active elements a datapoint.
        #[strum(serialize = "unexplained variance at L0 10")]
        Unexplained,
    }
}

/// The explained variance at which active elements are counted.
const EXPLAINED: f64 = 0.95;

/// The number of active elements a datapoint at which the explained variance is read.
const ACTIVE: f64 = 10.0;

impl Cost {
    /// Returns the least and the most that a layer may cost, from the fits of its dictionaries. Where they cross the
    /// level, both are the cost interpolated between the penalties, with L0 on a logarithmic scale. A dictionary of
    /// more active elements explains no less, so where all are on the cheap side of the level the cost is at most that
    /// at the penalty nearest to it, and where none explains enough it is at least the active elements of the one that
    /// explains most.
    ///
    /// # Errors
    /// If there is no dictionary, one has no active elements, or, where the cost is the unexplained variance, all have
    /// more than 10 of them.
    pub fn range(self, fits: &[Fit]) -> Result<[f64; 2], String> {
        if !fits.iter().all(Fit::is_measured) {
            return Err("a dictionary has no active elements".into());
        }
        let points = fits.iter().map(|f| match self {
            Cost::ActiveElements => (f.explained_variance, f.l0.ln()),
            Cost::Unexplained => (-f.l0.ln(), 1.0 - f.explained_variance),
        });
        let level = match self {
            Cost::ActiveElements => EXPLAINED,
            Cost::Unexplained => -ACTIVE.ln(),
        };
        let cost = |y: f64| match self {
            Cost::ActiveElements => y.exp(),
            Cost::Unexplained => y.max(f64::MIN_POSITIVE),
        };
        let by_variance =
            |a: &&Fit, b: &&Fit| a.explained_variance.total_cmp(&b.explained_variance);
        match (crossing(points.collect(), level), self) {
            (Some((y, true)), _) => Ok([cost(y); 2]),
            (Some((y, false)), _) => Ok([0.0, cost(y)]),
            (None, Cost::ActiveElements) => {
                let best = fits.iter().max_by(by_variance);
                let best = best.ok_or("there is no dictionary")?;
                Ok([best.l0, f64::INFINITY])
            }
            (None, Cost::Unexplained) => Err(format!(
                "no dictionary gets by with {ACTIVE} active elements"
            )),
        }
    }

    /// Returns the cost of a layer, if its dictionaries cross the level at which it is read.
    pub fn of(self, fits: &[Fit]) -> Option<f64> {
        let [least, most] = self.range(fits).ok()?;
        (least == most).then_some(least)
    }
}

impl Fit {
    /// Returns whether a cost can be read from the fit.
    fn is_measured(&self) -> bool {
        self.l0 > 0.0 && self.explained_variance.is_finite()
    }
}

/// Returns y at the level of x, on straight lines between the points (x, y), and whether these reach the level: where
/// all are above it, y is that of the least x. Nothing is returned if all are below it.
fn crossing(mut points: Vec<(f64, f64)>, level: f64) -> Option<(f64, bool)> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let above = points.iter().position(|p| p.0 >= level)?;
    let (x, y) = points[above];
    Some(match above.checked_sub(1).map(|i| points[i]) {
        None => (y, x == level),
        Some((before, y_before)) => {
            let share = (level - before) / (x - before);
            (y_before + (y - y_before) * share, true)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::record::Word as _;

    fn fits(points: &[(f64, f64)]) -> Vec<Fit> {
        let fit = |&(l0, explained_variance): &(f64, f64)| Fit {
            l0,
            explained_variance,
            dead: 0.0,
        };
        points.iter().map(fit).collect()
    }

    #[test]
    fn costs_are_read_where_the_curve_crosses_the_level() {
        let curve = fits(&[(16.0, 0.97), (4.0, 0.93), (1.0, 0.5)]);
        // Half way from 0.93 to 0.97, and from 4 to 16 on a logarithmic scale.
        assert!((Cost::ActiveElements.of(&curve).unwrap() - 8.0).abs() < 1e-9);
        // 10 lies log(10/4)/log(4) of the way from 4 to 16.
        let part = 2.5f64.ln() / 4.0f64.ln();
        let expected = 1.0 - (0.93 + part * 0.04);
        assert!((Cost::Unexplained.of(&curve).unwrap() - expected).abs() < 1e-9);
        let at_the_level = fits(&[(7.0, 0.95), (9.0, 0.97)]);
        assert!((Cost::ActiveElements.of(&at_the_level).unwrap() - 7.0).abs() < 1e-9);
    }

    #[test]
    fn a_layer_that_is_cheaper_or_dearer_than_all_its_dictionaries_has_a_bound() {
        let cheap = fits(&[(2.0, 0.99), (1.0, 0.96)]);
        assert_eq!(Cost::ActiveElements.range(&cheap), Ok([0.0, 1.0]));
        let [least, most] = Cost::Unexplained.range(&cheap).unwrap();
        assert!(least == 0.0 && (most - 0.01).abs() < 1e-12);
        let dear = fits(&[(40.0, 0.9), (20.0, 0.8)]);
        assert_eq!(Cost::ActiveElements.range(&dear), Ok([40.0, f64::INFINITY]));
        assert!(Cost::Unexplained.range(&dear).is_err());
        for cost in Cost::ALL {
            assert!(cost.of(&cheap).is_none() && cost.of(&dear).is_none());
            assert!(cost.range(&fits(&[(0.0, 0.0)])).is_err());
            assert!(cost.range(&[]).is_err());
        }
    }
}
