//! The description of an axis: what is measured, where the axis ends, and what stands at its ticks.

use super::coord;

/// A coordinate axis.
#[derive(Debug, Clone)]
pub struct Axis {
    /// The label: what is measured, with its unit if it has one, such as `input level x` or `memory (MB)`.
    pub label: String,
    /// Whether the axis is logarithmic: equal steps are equal ratios.
    pub log: bool,
    /// The ends of the axis, which are found from the marks if not set.
    pub range: Option<(f64, f64)>,
    /// The names that stand at 0, 1, 2, … in place of numbers; empty for an axis with numbers.
    pub names: Vec<String>,
}

impl Axis {
    /// Returns a linear axis.
    pub fn linear(label: impl Into<String>) -> Self {
        Axis {
            label: label.into(),
            log: false,
            range: None,
            names: Vec::new(),
        }
    }

    /// Returns a logarithmic axis, on which values that are not positive are not drawn.
    pub fn log(label: impl Into<String>) -> Self {
        Axis {
            label: label.into(),
            log: true,
            range: None,
            names: Vec::new(),
        }
    }

    /// Returns an axis with names in place of numbers, at 0, 1, 2, …
    pub fn named<S: Into<String>>(
        label: impl Into<String>,
        names: impl IntoIterator<Item = S>,
    ) -> Self {
        Axis {
            names: names.into_iter().map(Into::into).collect(),
            ..Axis::linear(label)
        }
    }

    /// Returns an axis with a place for each of these numbers, at 0, 1, 2, …, however far apart the numbers are.
    pub fn values(label: impl Into<String>, values: &[f64]) -> Self {
        Axis::named(label, coord::labels(values))
    }

    /// Returns a horizontal axis of the whole numbers from `from` to `to`. Every number has a tick if `to` is at most
    /// 12; otherwise some have one.
    pub fn whole(label: impl Into<String>, from: usize, to: usize) -> Self {
        let axis = match to {
            0..=12 => Axis::named(label, (0..=to).map(|i| i.to_string())),
            _ => Axis::linear(label),
        };
        axis.range(from as f64 - 0.5, to as f64 + 0.5)
    }

    /// Returns the ends of an axis with names, half a step beyond the first and the last name; `None` without names.
    pub(super) fn names_range(&self) -> Option<(f64, f64)> {
        let last = self.names.len().checked_sub(1)?;
        Some((-0.5, last as f64 + 0.5))
    }

    /// Returns the text at the tick that `coord` has placed at `value`: a name or a number.
    pub(super) fn tick_label(&self, coord: &coord::Coord, value: f64) -> String {
        if self.names.is_empty() {
            return coord.label(value);
        }
        let index = value.round();
        let name = (index == value && index >= 0.0).then(|| self.names.get(index as usize));
        name.flatten().cloned().unwrap_or_default()
    }

    /// Sets the ends of the axis.
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
