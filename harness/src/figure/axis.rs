//! An axis as a figure describes it: what is measured, where it ends, and what stands at its ticks.

use super::coord;

/// A coordinate axis.
#[derive(Debug, Clone)]
pub struct Axis {
    /// What is measured, with its unit if it has one: `input level x`, `memory (MB)`.
    pub label: String,
    /// Whether equal steps are equal ratios.
    pub log: bool,
    /// The ends of the axis; found from the marks if not set.
    pub range: Option<(f64, f64)>,
    /// Names that stand at 0, 1, 2, … in place of numbers, if there are any.
    pub names: Vec<String>,
}

impl Axis {
    /// A linear axis.
    pub fn linear(label: impl Into<String>) -> Self {
        Axis {
            label: label.into(),
            log: false,
            range: None,
            names: Vec::new(),
        }
    }

    /// A logarithmic axis. What is not positive is not drawn on it.
    pub fn log(label: impl Into<String>) -> Self {
        Axis {
            label: label.into(),
            log: true,
            range: None,
            names: Vec::new(),
        }
    }

    /// An axis with names in place of numbers, at 0, 1, 2, …
    pub fn named<S: Into<String>>(
        label: impl Into<String>,
        names: impl IntoIterator<Item = S>,
    ) -> Self {
        Axis {
            names: names.into_iter().map(Into::into).collect(),
            ..Axis::linear(label)
        }
    }

    /// An axis with a place for each of these numbers, at 0, 1, 2, …, however far apart they are.
    pub fn values(label: impl Into<String>, values: &[f64]) -> Self {
        Axis::named(label, coord::labels(values))
    }

    /// A horizontal axis of the whole numbers from `from` to `to`: a tick at each of up to a dozen, else at some.
    pub fn whole(label: impl Into<String>, from: usize, to: usize) -> Self {
        let axis = match to {
            0..=12 => Axis::named(label, (0..=to).map(|i| i.to_string())),
            _ => Axis::linear(label),
        };
        axis.range(from as f64 - 0.5, to as f64 + 0.5)
    }

    /// Half a step beyond the first and the last name.
    pub(super) fn names_range(&self) -> Option<(f64, f64)> {
        let last = self.names.len().checked_sub(1)?;
        Some((-0.5, last as f64 + 0.5))
    }

    /// What stands at a tick of this axis, where `coord` has placed it.
    pub(super) fn tick_label(&self, coord: &coord::Coord, value: f64) -> String {
        if self.names.is_empty() {
            return coord.label(value);
        }
        let index = value.round();
        let name = (index == value && index >= 0.0).then(|| self.names.get(index as usize));
        name.flatten().cloned().unwrap_or_default()
    }

    /// Fixes the ends.
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_axis_names_its_numbers_while_there_is_room() {
        assert_eq!(Axis::whole("", 1, 3).names, ["0", "1", "2", "3"]);
        let axis = Axis::whole("", 1, usize::MAX);
        assert!(axis.names.is_empty());
        assert_eq!(axis.range, Some((0.5, usize::MAX as f64)));
    }
}
