//! What a layer costs: the active elements that it takes, from dictionaries trained with several penalties.

use super::elements::Fit;

crate::words! {
    /// A measure of the cost.
    pub enum Cost {
        /// Active elements a datapoint at which 0.95 of the variance is explained.
        #[strum(serialize = "L0 at explained variance 0.95")]
        ActiveElements,
        /// Share of the variance that is not explained with 10 active elements a datapoint.
        #[strum(serialize = "unexplained variance at L0 10")]
        Unexplained,
    }
}

/// The explained variance at which active elements are counted.
const EXPLAINED: f64 = 0.95;

/// The active elements with which explained variance is looked at.
const ACTIVE: f64 = 10.0;

impl Cost {
    /// The least and the most that a layer may cost: the same where [`of`](Self::of) tells; where no dictionary reaches
    /// the explained variance, from the active elements of the one that explains most upwards, since to explain more
    /// takes no fewer.
    ///
    /// # Errors
    /// Those of `of`, but for that case.
    pub fn range(self, fits: &[Fit]) -> Result<[f64; 2], String> {
        let cost = self.of(fits);
        let by_variance =
            |a: &&Fit, b: &&Fit| a.explained_variance.total_cmp(&b.explained_variance);
        match (self, fits.iter().max_by(by_variance)) {
            (Cost::ActiveElements, Some(best))
                if best.explained_variance < EXPLAINED && fits.iter().all(Fit::is_measured) =>
            {
                Ok([best.l0, f64::INFINITY])
            }
            _ => cost.map(|cost| [cost; 2]),
        }
    }

    /// The cost of a layer from the fits of its dictionaries: interpolated between the penalties where the level is
    /// crossed, L0 on a logarithmic scale; that at the penalty nearest to the level where all are on the cheap side of
    /// it.
    ///
    /// # Errors
    /// If none is.
    pub fn of(self, fits: &[Fit]) -> Result<f64, String> {
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
        let found = crossing(points.collect(), level).ok_or(match self {
            Cost::ActiveElements => format!("no dictionary explains {EXPLAINED} of the variance"),
            Cost::Unexplained => format!("no dictionary gets by with {ACTIVE} active elements"),
        })?;
        Ok(match self {
            Cost::ActiveElements => found.exp(),
            Cost::Unexplained => found.max(f64::MIN_POSITIVE),
        })
    }
}

impl Fit {
    /// Whether there is anything to read a cost from.
    fn is_measured(&self) -> bool {
        self.l0 > 0.0 && self.explained_variance.is_finite()
    }
}

/// y at the level of x, on straight lines between the points; that of the least x where all are above the level.
fn crossing(mut points: Vec<(f64, f64)>, level: f64) -> Option<f64> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let above = points.iter().position(|p| p.0 >= level)?;
    let (x, y) = points[above];
    Some(match above.checked_sub(1).map(|i| points[i]) {
        None => y,
        Some((before, y_before)) => y_before + (y - y_before) * (level - before) / (x - before),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let cheap = fits(&[(2.0, 0.99), (1.0, 0.96)]);
        assert_eq!(Cost::ActiveElements.of(&cheap).unwrap(), 1.0);
        assert!((Cost::Unexplained.of(&cheap).unwrap() - 0.01).abs() < 1e-12);
        let dear = fits(&[(40.0, 0.9), (20.0, 0.8)]);
        assert!(Cost::ActiveElements.of(&dear).is_err() && Cost::Unexplained.of(&dear).is_err());
        assert!(Cost::ActiveElements.of(&fits(&[(0.0, 0.0)])).is_err());
        // What is not reached has a least cost, and nobody knows the most.
        assert_eq!(Cost::ActiveElements.range(&dear), Ok([40.0, f64::INFINITY]));
        let cost = Cost::ActiveElements.of(&curve).unwrap();
        assert_eq!(Cost::ActiveElements.range(&curve), Ok([cost; 2]));
        for none in [&fits(&[(0.0, 0.0)])[..], &[]] {
            assert!(Cost::ActiveElements.range(none).is_err());
        }
        assert!(Cost::Unexplained.range(&dear).is_err());
    }
}
