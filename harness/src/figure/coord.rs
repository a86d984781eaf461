//! A linear or logarithmic axis with plain ticks, as a plotters coordinate.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// An axis with fixed ends and ticks.
#[derive(Debug, Clone)]
pub(super) struct Coord {
    low: f64,
    high: f64,
    log: bool,
    ticks: Vec<f64>,
    notation: Notation,
}

/// The way in which all ticks of an axis are written.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Notation {
    /// Plain numbers: 0.01, 1, 100.
    Plain,
    /// Multiples of powers of ten: 10⁻², 10⁰, 10².
    Powers,
}

impl Notation {
    /// Returns the notation in which all of these numbers are short.
    fn of(numbers: &[f64]) -> Self {
        let plain = |number: &f64| *number == 0.0 || (1e-4..1e6).contains(&number.abs());
        match numbers.iter().all(plain) {
            true => Notation::Plain,
            false => Notation::Powers,
        }
    }

    fn write(self, value: f64) -> String {
        let size = value.abs();
        let text = match self {
            Notation::Powers if size != 0.0 => powers(size),
            _ => format!("{size}"),
        };
        if value < 0.0 {
            format!("−{text}")
        } else {
            text
        }
    }
}

/// Writes numbers in one notation, to three digits.
pub(super) fn labels(values: &[f64]) -> Vec<String> {
    let rounded = |value: &f64| format!("{value:.2e}").parse().expect("a number");
    let rounded: Vec<f64> = values.iter().map(rounded).collect();
    let notation = Notation::of(&rounded);
    rounded.into_iter().map(|v| notation.write(v)).collect()
}

impl Coord {
    /// Returns an axis over `values`, or over `range` if that is set, with about `wanted` ticks.
    pub fn new(
        values: impl Iterator<Item = f64>,
        range: Option<(f64, f64)>,
        log: bool,
        wanted: usize,
    ) -> Self {
        // Beyond these limits, differences and ratios would overflow.
        let usable = |v: &f64| v.abs() <= 1e150 && (!log || *v >= 1e-150);
        let (low, high) = range
            .filter(|(low, high)| low < high && usable(low) && usable(high))
            .filter(|&(low, high)| !is_flat(low, high, log))
            .unwrap_or_else(|| {
                let (low, high) = values
                    .filter(usable)
                    .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
                        (l.min(v), h.max(v))
                    });
                padded(low, high, log)
            });
        let ticks = if log {
            log_ticks(low, high, wanted)
        } else {
            linear_ticks(low, high, wanted)
        };
        let notation = Notation::of(&ticks);
        Coord {
            low,
            high,
            log,
            ticks,
            notation,
        }
    }

    /// Writes a number in the notation of the ticks of the axis.
    pub fn label(&self, value: f64) -> String {
        self.notation.write(value)
    }

    pub fn low(&self) -> f64 {
        self.low
    }

    pub fn high(&self) -> f64 {
        self.high
    }

    /// Returns whether a value has a place on the axis or beyond its ends: it is finite, and positive if the axis is
    /// logarithmic.
    pub fn shows(&self, value: f64) -> bool {
        value.is_finite() && (!self.log || value > 0.0)
    }

    /// Returns the position of a value, 0 at the low end and 1 at the high end.
    pub fn fraction(&self, value: f64) -> f64 {
        if self.log {
            (value.ln() - self.low.ln()) / (self.high.ln() - self.low.ln())
        } else {
            (value - self.low) / (self.high - self.low)
        }
    }

    /// Returns the value, limited to the ends of the axis.
    pub fn clamp(&self, value: f64) -> f64 {
        value.clamp(self.low, self.high)
    }
}

/// Returns whether the ends are too near to one another for ticks between them.
fn is_flat(low: f64, high: f64, log: bool) -> bool {
    match log {
        true => high / low < 1.0 + 1e-9,
        false => high - low <= (1e-12 * high.abs().max(low.abs())).max(1e-150),
    }
}

/// Returns the ends of an axis, a little outside the values, so that nothing is drawn on the frame.
fn padded(low: f64, high: f64, log: bool) -> (f64, f64) {
    match (low <= high, log) {
        (false, false) => (0.0, 1.0),
        (false, true) => (1.0, 10.0),
        (true, true) if is_flat(low, high, log) => (low / 2.0, high * 2.0),
        (true, true) => {
            let pad = (high / low).powf(0.04);
            (low / pad, high * pad)
        }
        (true, false) if is_flat(low, high, log) => {
            let size = high.abs().max(low.abs());
            let pad = if size <= 1e-150 { 1.0 } else { size / 2.0 };
            (low - pad, high + pad)
        }
        (true, false) => {
            let pad = (high - low) * 0.04;
            (low - pad, high + pad)
        }
    }
}

/// Returns the ticks of a linear axis: the multiples of 1, 2 or 5 times a power of ten.
fn linear_ticks(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let rough = (high - low) / wanted.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|&step| step >= rough * 0.999)
        .unwrap_or(10.0 * power);
    let (first, last) = (
        (low / step - 1e-9).ceil() as i64,
        (high / step + 1e-9).floor() as i64,
    );
    // Each tick is rounded to the digits that the step has: 0.3, not 0.30000000000000004.
    let digits = (-step.log10().floor()).max(0.0) as usize;
    (first..=last)
        .map(|i| {
            format!("{:.digits$}", i as f64 * step)
                .parse()
                .expect("a formatted number")
        })
        .map(|tick: f64| tick + 0.0)
        .collect()
}

/// The number of ticks from which on a reader recognizes the scale of a logarithmic axis.
const FEW: usize = 4;

/// Returns the ticks of a logarithmic axis: 1, 2, 5, 10, 20, … while there is room for them, else 1, 3, 10, 30, …, else
/// powers of ten, else every k-th power of ten. Where fewer than [`FEW`] of 1, 2 and 5 times a power of ten are on the
/// axis, 1.5, 3 and 7 stand between them if there is room.
fn log_ticks(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let (from, to) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let inside = |v: &f64| *v >= low * (1.0 - 1e-9) && *v <= high * (1.0 + 1e-9);
    let of = |multiples: &'static [f64], every: i32| -> Vec<f64> {
        (from..=to)
            .filter(|p| p.rem_euclid(every) == 0)
            .flat_map(|p| {
                multiples
                    .iter()
                    .map(move |m| format!("{m}e{p}").parse().expect("a number"))
            })
            .filter(inside)
            .collect()
    };
    let sparser = (1..=to - from + 1).map(|every| of(&[1.0], every));
    let mut candidates = vec![of(&[1.0, 2.0, 5.0], 1), of(&[1.0, 3.0], 1)];
    candidates.extend(sparser);
    if candidates[0].len() < FEW {
        let more = of(&[1.0, 1.5, 2.0, 3.0, 5.0, 7.0], 1);
        // The nearest of these ticks have the ratio 4/3.
        let room = (4.0 / 3.0f64).ln() / (high / low).ln();
        if more.len() > candidates[0].len() && room * wanted as f64 > 0.6 {
            candidates.insert(0, more);
        }
    }
    // The densest ticks that have room are taken. A single tick says nothing about the scale.
    candidates.retain(|ticks| ticks.len() >= 2);
    let fits = candidates
        .iter()
        .position(|ticks| ticks.len() <= wanted + 2);
    match fits.or(candidates.len().checked_sub(1)) {
        Some(i) => candidates.swap_remove(i),
        None => linear_ticks(low, high, wanted)
            .into_iter()
            .filter(|v| *v > 0.0)
            .collect(),
    }
}

/// Writes a number above 0 as a multiple of a power of ten.
fn powers(size: f64) -> String {
    let power = size.log10().floor() as i32;
    let mantissa = (size / 10f64.powi(power) * 100.0).round() / 100.0;
    let power: String = power.to_string().chars().map(superscript).collect();
    if mantissa == 1.0 {
        format!("10{power}")
    } else {
        format!("{mantissa}·10{power}")
    }
}

fn superscript(c: char) -> char {
    match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        d => char::from_u32('⁰' as u32 + (d as u32 - '0' as u32)).expect("a digit"),
    }
}

impl Ranged for Coord {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        // A limit keeps the position of a value far outside within the range of an integer.
        let fraction = self.fraction(*value).clamp(-10.0, 11.0);
        limit.0 + (fraction * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Coord {
    fn format_ext(&self, value: &f64) -> String {
        self.label(*value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_plain() {
        assert_eq!(linear_ticks(-5.2, 5.2, 6), [-4.0, -2.0, 0.0, 2.0, 4.0]);
        assert_eq!(linear_ticks(0.0, 0.41, 5), [0.0, 0.1, 0.2, 0.3, 0.4]);
        assert_eq!(
            log_ticks(1.0, 100.0, 8),
            [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]
        );
        assert_eq!(
            log_ticks(1.0, 1e6, 8),
            [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6]
        );
        assert_eq!(
            log_ticks(1e-6, 1e6, 7),
            [1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e4, 1e6]
        );
        assert_eq!(log_ticks(0.9, 90.0, 3), [1.0, 3.0, 10.0, 30.0]);
        assert_eq!(log_ticks(21.0, 24.0, 4), [21.0, 22.0, 23.0, 24.0]);
        // With 1, 2 and 5 alone, two or three ticks would be left.
        assert_eq!(log_ticks(6.8, 33.0, 6), [7.0, 10.0, 15.0, 20.0, 30.0]);
        assert_eq!(log_ticks(7.4, 69.0, 7), [10.0, 15.0, 20.0, 30.0, 50.0]);
    }

    #[test]
    fn labels_are_what_a_reader_writes_in_one_notation() {
        let ticks = |low, high, log| -> Vec<String> {
            let axis = Coord::new(std::iter::empty(), Some((low, high)), log, 4);
            axis.ticks.iter().map(|&tick| axis.label(tick)).collect()
        };
        assert_eq!(ticks(-0.5, 0.5, false), ["−0.5", "0", "0.5"]);
        assert_eq!(
            ticks(0.0, 2e6, false),
            ["0", "5·10⁵", "10⁶", "1.5·10⁶", "2·10⁶"]
        );
        assert_eq!(ticks(1e-3, 10.0, true), ["0.001", "0.01", "0.1", "1", "10"]);
        assert_eq!(ticks(1e-6, 1.0, true), ["10⁻⁶", "10⁻⁴", "10⁻²", "10⁰"]);
    }

    #[test]
    fn values_stand_in_one_notation() {
        assert_eq!(
            labels(&[1e-4, 0.03, 1.0 / 3.0, 3.0]),
            ["0.0001", "0.03", "0.333", "3"]
        );
        assert_eq!(labels(&[2e-5, -0.03, 1.0]), ["2·10⁻⁵", "−3·10⁻²", "10⁰"]);
        assert!(labels(&[]).is_empty());
    }

    #[test]
    fn numbers_too_large_for_an_axis_are_left_off_it() {
        let values = [2.0, 1e300, 4.0, -1e308, 5e-324];
        let coord = Coord::new(values.into_iter(), None, true, 6);
        assert!(coord.low > 1.0 && coord.high < 5.0);
    }

    #[test]
    fn every_kind_of_data_has_an_axis() {
        for values in [
            vec![],
            vec![f64::NAN],
            vec![0.0],
            vec![3.0, 3.0],
            vec![-1.0, 1e140],
            vec![1e-150, 1e150],
            vec![5e-324],
            vec![0.0, 5e-324],
            vec![-1e-200, 1e-150],
        ] {
            for log in [false, true] {
                let coord = Coord::new(values.iter().copied(), None, log, 6);
                assert!(coord.low < coord.high, "{values:?}");
                assert!((1..20).contains(&coord.ticks.len()), "{values:?}");
                let near_zero = |v: f64| log && v < 1e-150;
                for &v in values.iter().filter(|&&v| coord.shows(v) && !near_zero(v)) {
                    assert!(
                        (0.0..=1.0).contains(&coord.fraction(v)),
                        "{v} of {values:?}"
                    );
                }
            }
        }
    }
}
