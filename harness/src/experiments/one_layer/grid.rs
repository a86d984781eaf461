//! Grids of whole numbers at equal ratios, and the place where a curve over a grid crosses a threshold.

/// Returns the whole parts of `points` numbers from `from` to `to` at equal ratios, each once.
///
/// # Panics
/// If `points` is below 2, or `from` is not at least 1 or exceeds `to`.
pub fn geometric(from: usize, to: usize, points: usize) -> Vec<usize> {
    assert!(
        1 <= from && from <= to && points >= 2,
        "{from}, {to}, {points}"
    );
    let (low, high) = ((from as f64).log2(), (to as f64).log2());
    let step = (high - low) / (points - 1) as f64;
    // Rounding may leave a whole number just below itself: 99.99999999999997 stands for 100.
    let at = |i: usize| ((low + i as f64 * step).exp2() * (1.0 + 1e-12)).floor() as usize;
    let mut grid: Vec<usize> = (0..points).map(at).collect();
    grid.dedup();
    grid
}

/// Returns every third value of a grid, counted back from its last one: as many curves as it takes to see their order.
pub fn every_third(grid: &[usize]) -> Vec<usize> {
    let mut some: Vec<usize> = grid.iter().copied().rev().step_by(3).collect();
    some.reverse();
    some
}

/// Returns the last place where a curve over increasing `x` goes from values that `keeps` accepts to others: between
/// the last point that is kept and the point after it, where the straight line through the two crosses `threshold`.
/// Returns the last x if its y is kept, `None` if no y is kept, and NaN if some y is not finite, since it might be kept
/// or not.
///
/// # Panics
/// If `x` and `y` differ in length.
pub fn last_kept(x: &[f64], y: &[f64], threshold: f64, keeps: impl Fn(f64) -> bool) -> Option<f64> {
    assert_eq!(x.len(), y.len(), "x and y differ in length");
    if y.iter().any(|y| !y.is_finite()) {
        return Some(f64::NAN);
    }
    let last = y.iter().rposition(|&y| keeps(y))?;
    if last + 1 == x.len() {
        return Some(x[last]);
    }
    let t = (y[last] - threshold) / (y[last] - y[last + 1]);
    Some(x[last] + t * (x[last + 1] - x[last]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_has_its_ends_and_no_duplicates() {
        assert_eq!(
            geometric(2, 100, 20),
            [
                2, 3, 4, 5, 6, 8, 10, 12, 15, 19, 23, 29, 35, 43, 53, 66, 81, 100
            ]
        );
        assert_eq!(geometric(1, 8, 4), [1, 2, 4, 8]);
        assert_eq!(geometric(5, 5, 3), [5]);
        for to in 2..3000 {
            let grid = geometric(1, to, 20);
            assert!(grid[0] == 1 && grid[grid.len() - 1] == to && grid.is_sorted());
        }
    }

    #[test]
    fn every_third_value_ends_with_the_last() {
        assert_eq!(every_third(&[1, 2, 3, 4, 5]), [2, 5]);
        assert!(every_third(&[]).is_empty());
    }

    #[test]
    fn a_crossing_is_interpolated_and_ends_at_the_grid() {
        let x = [0.0, 1.0, 3.0];
        let above = |y| y > 0.1;
        assert_eq!(last_kept(&x, &[0.3, 0.2, 0.0], 0.1, above), Some(2.0));
        assert_eq!(last_kept(&x, &[0.3, 0.05, 0.2], 0.1, above), Some(3.0));
        assert_eq!(last_kept(&x, &[0.1, 0.05, 0.0], 0.1, above), None);
        for broken in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for place in 0..3 {
                let mut y = [0.3, 0.2, 0.0];
                y[place] = broken;
                assert!(last_kept(&x, &y, 0.1, above).unwrap().is_nan());
            }
        }
        let at = last_kept(&x, &[0.2, 0.0, 0.0], 0.1, above).unwrap();
        assert!((at - 0.5).abs() < 1e-15);
    }
}
