//! The colour scales of heat maps.

use plotters::style::RGBColor;

/// Returns the colour at `t` of viridis (van der Walt and Smith), interpolated linearly between nine of its colours.
/// For `t` from 0 to 1 the colours go from dark to light, evenly in grey.
pub(super) fn viridis(t: f64) -> RGBColor {
    const STOPS: [(u8, u8, u8); 9] = [
        (68, 1, 84),
        (71, 44, 122),
        (59, 81, 139),
        (44, 113, 142),
        (33, 144, 141),
        (39, 173, 129),
        (92, 200, 99),
        (170, 220, 50),
        (253, 231, 37),
    ];
    between(&STOPS, t)
}

/// Returns the colour at `t` of a scale from blue through white to red, for `t` from 0 to 1.
pub(super) fn blue_white_red(t: f64) -> RGBColor {
    const STOPS: [(u8, u8, u8); 5] = [
        (5, 48, 97),
        (103, 169, 207),
        (247, 247, 247),
        (239, 138, 98),
        (103, 0, 31),
    ];
    between(&STOPS, t)
}

fn between(stops: &[(u8, u8, u8)], t: f64) -> RGBColor {
    let position = t.clamp(0.0, 1.0) * (stops.len() - 1) as f64;
    let i = (position as usize).min(stops.len() - 2);
    let part = position - i as f64;
    let mix = |a: u8, b: u8| (f64::from(a) + part * (f64::from(b) - f64::from(a))).round() as u8;
    let (a, b) = (stops[i], stops[i + 1]);
    RGBColor(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viridis_gets_lighter() {
        let grey = |t| {
            let RGBColor(r, g, b) = viridis(t);
            0.2126 * f64::from(r) + 0.7152 * f64::from(g) + 0.0722 * f64::from(b)
        };
        assert!((1..=100).all(|i| grey(f64::from(i) / 100.0) > grey(f64::from(i - 1) / 100.0)));
    }
}
