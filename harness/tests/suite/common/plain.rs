//! Plain loops in f64 that compute results once more.

use harness::claim::Verdict;
use harness::claim::ledger::Entry;
use harness::claim::measures::Measurement;
use proptests::fit::solve;
pub use proptests::reference::sparse_coding::dot;

/// Rows of numbers.
pub type Rows = Vec<Vec<f64>>;

pub fn rows(values: &[f32], width: usize) -> Rows {
    let row = |row: &[f32]| row.iter().map(|&v| f64::from(v)).collect();
    values.chunks_exact(width).map(row).collect()
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Returns column `j` of rows.
pub fn column(rows: &[Vec<f64>], j: usize) -> Vec<f64> {
    rows.iter().map(|row| row[j]).collect()
}

/// Returns the mean of each column.
pub fn centre(rows: &[Vec<f64>]) -> Vec<f64> {
    let middle = |j: usize| mean(&column(rows, j));
    (0..rows[0].len()).map(middle).collect()
}

/// Returns the mean squared distance of rows from their mean.
pub fn variance(rows: &[Vec<f64>]) -> f64 {
    let middle = centre(rows);
    let squares = rows.iter().flat_map(|row| row.iter().zip(&middle));
    squares.map(|(x, m)| (x - m).powi(2)).sum::<f64>() / rows.len() as f64
}

/// Returns the weights w of a ridge regression with an offset, which minimise mean (w·x + w₀ − y)² + strength·v·‖w‖²,
/// where v is the mean variance of an entry of x.
pub fn ridge(x: &[Vec<f64>], y: &[f64], strength: f64) -> Vec<f64> {
    let (x_mean, y_mean) = (centre(x), mean(y));
    let moment = |of: &dyn Fn(usize) -> f64| (0..x.len()).map(of).sum::<f64>() / x.len() as f64;
    let apart = |row: usize, i: usize| x[row][i] - x_mean[i];
    let n = x_mean.len();
    let held = strength * variance(x) / n as f64;
    let equation = |i: usize| -> Vec<f64> {
        let term = |j: usize| {
            let covariance = moment(&|r| apart(r, i) * apart(r, j));
            covariance + if i == j { held } else { 0.0 }
        };
        let right = moment(&|r| apart(r, i) * (y[r] - y_mean));
        (0..n).map(term).chain([right]).collect()
    };
    solve((0..n).map(equation).collect())
}

/// Returns Pearson's correlation.
pub fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let less_mean = |v: &[f64]| v.iter().map(|x| x - mean(v)).collect::<Vec<_>>();
    let (a, b) = (less_mean(a), less_mean(b));
    dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
}

/// Returns the largest sum of one value of each row, each from a column of its own, and these columns; no row may be
/// longer than 16. It goes through the sets of columns that the first rows may have.
pub fn largest_assignment(values: &Rows) -> (f64, Vec<usize>) {
    let columns = values[0].len();
    assert!(values.len() <= columns && columns <= 16);
    let mut best = vec![f64::NEG_INFINITY; 1 << columns];
    let mut last = vec![0; 1 << columns];
    best[0] = 0.0;
    for set in 1..1usize << columns {
        let row = set.count_ones() as usize - 1;
        for j in (0..columns).filter(|j| set >> j & 1 == 1 && row < values.len()) {
            let sum = best[set & !(1 << j)] + values[row][j];
            if sum > best[set] {
                (best[set], last[set]) = (sum, j);
            }
        }
    }
    let whole = |set: &usize| set.count_ones() as usize == values.len();
    let sets = (0..1usize << columns).filter(whole);
    let mut set = sets.max_by(|a, b| best[*a].total_cmp(&best[*b])).unwrap();
    let (sum, mut chosen) = (best[set], Vec::new());
    while set > 0 {
        chosen.push(last[set]);
        set &= !(1 << last[set]);
    }
    chosen.reverse();
    (sum, chosen)
}

/// Returns the residual x − Σ cⱼDⱼ.
pub fn residual(x: &[f64], code: &[f64], elements: &Rows) -> Vec<f64> {
    let mut rest = x.to_vec();
    for (c, element) in code.iter().zip(elements).filter(|(c, _)| **c != 0.0) {
        rest.iter_mut().zip(element).for_each(|(r, e)| *r -= c * e);
    }
    rest
}

/// Returns the loss ‖x − Σ cⱼDⱼ‖² + λ Σ cⱼ.
pub fn loss(x: &[f64], code: &[f64], elements: &Rows, lambda: f64) -> f64 {
    let rest = residual(x, code, elements);
    dot(&rest, &rest) + lambda * code.iter().sum::<f64>()
}

/// Returns the loss minus the value of the dual problem, max 2νᵀx − ‖ν‖² with Dⱼᵀν ≤ λ/2, at the best multiple of the
/// residual: an upper bound on the difference of the loss from the least one.
pub fn duality_gap(x: &[f64], code: &[f64], elements: &Rows, lambda: f64) -> f64 {
    let rest = residual(x, code, elements);
    let steepest = elements.iter().map(|e| dot(e, &rest) / (lambda / 2.0));
    let steepest = steepest.fold(f64::NEG_INFINITY, f64::max);
    let best = (dot(&rest, x) / dot(&rest, &rest)).max(0.0);
    let s = if steepest > 0.0 {
        best.min(1.0 / steepest)
    } else {
        best
    };
    let dual = 2.0 * s * dot(&rest, x) - s * s * dot(&rest, &rest);
    loss(x, code, elements, lambda) - dual
}

/// Returns the code c ≥ 0 of least loss whose active entries are among those chosen, by active sets (Lawson and Hanson,
/// *Solving least squares problems*, 1974, with a linear term): an entry along which the loss falls joins the active
/// ones; then these take their best values, or go on the way there until one of them is 0 and leaves. Where elements
/// depend on each other, adding 10⁻¹² to the diagonal of their Gram matrix puts the end of the way far off.
pub fn non_negative(x: &[f64], elements: &Rows, chosen: &[usize], lambda: f64) -> Vec<f64> {
    let mut code = vec![0.0; elements.len()];
    let mut on: Vec<usize> = Vec::new();
    for _ in 0..1000 {
        let rest = residual(x, &code, elements);
        let slope = |j: usize| dot(&elements[j], &rest) - lambda / 2.0;
        let off = chosen.iter().copied().filter(|j| !on.contains(j));
        let steepest = off.max_by(|a, b| slope(*a).total_cmp(&slope(*b)));
        match steepest.filter(|j| slope(*j) > 1e-12) {
            Some(next) => on.push(next),
            None => break,
        }
        loop {
            let beside = |i: usize, j: usize| if i == j { 1e-12 } else { 0.0 };
            let product = |i: usize, j: usize| dot(&elements[i], &elements[j]) + beside(i, j);
            let equation = |&i: &usize| {
                let right = dot(&elements[i], x) - lambda / 2.0;
                let products = on.iter().map(|&j| product(i, j));
                products.chain([right]).collect()
            };
            let best = solve(on.iter().map(equation).collect());
            let ways = on.iter().zip(&best).filter(|(_, b)| **b <= 0.0);
            let share = ways
                .map(|(&j, b)| code[j] / (code[j] - b))
                .fold(1.0, f64::min);
            let arrives = best.iter().all(|b| *b > 0.0);
            for (&j, b) in on.iter().zip(&best) {
                code[j] += share * (b - code[j]);
                if *b <= 0.0 && code[j] <= 1e-14 {
                    code[j] = 0.0;
                }
            }
            if arrives {
                break;
            }
            on.retain(|j| code[*j] > 0.0);
        }
    }
    code
}

/// Returns the code of least loss with c ≥ 0, to a gap of 10⁻⁹ of ‖x‖².
pub fn best_code(x: &[f64], elements: &Rows, lambda: f64) -> Vec<f64> {
    let all: Vec<usize> = (0..elements.len()).collect();
    let code = non_negative(x, elements, &all, lambda);
    let gap = duality_gap(x, &code, elements, lambda);
    assert!(gap <= 1e-9 * dot(x, x), "a gap of {gap:e}");
    code
}

/// Returns the mean and the ends of its 95 % interval by Student's t, for 2 or 3 values: t is 12.7062 and 4.30265.
fn interval(values: &[f64]) -> [f64; 3] {
    let n = values.len() as f64;
    let t = [12.706_204_736, 4.302_652_730][values.len() - 2];
    let mean = mean(values);
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    let half = t * (squares / (n - 1.0) / n).sqrt();
    [mean, mean - half, mean + half]
}

/// A condition of a claim: its values at the seeds, those of the control, and its bound.
pub struct Settled<'a> {
    pub claim: Vec<f64>,
    pub control: Vec<f64>,
    pub holds: &'a dyn Fn(f64) -> bool,
}

/// Asserts that an entry of the ledger follows from its conditions, the headline first, and from the bound that is the
/// opposite of the headline's. A condition is fulfilled if its whole interval keeps the bound, and violated if no part
/// of it does; bounds are half-lines, so the two ends decide.
#[track_caller]
pub fn assert_settled(entry: &Entry, conditions: &[Settled], opposite: &dyn Fn(f64) -> bool) {
    let stands = |values: &[f64], holds: &dyn Fn(f64) -> bool| {
        let [_, low, high] = interval(values);
        [holds(low), holds(high)]
    };
    let (fulfilled, violated) = ([true; 2], [false; 2]);
    let headline = &conditions[0];
    let claims = conditions.iter().map(|c| stands(&c.claim, c.holds));
    let claims: Vec<[bool; 2]> = claims.collect();
    let control = stands(&headline.control, headline.holds);
    let expected = if claims.contains(&violated) {
        let turned = stands(&headline.claim, opposite) == fulfilled || control == fulfilled;
        match claims[0] == violated && turned {
            true => Verdict::Reversed,
            false => Verdict::NotReproduced,
        }
    } else if claims.iter().any(|c| *c != fulfilled) {
        Verdict::Undecided
    } else if control == fulfilled {
        Verdict::NoPower
    } else if control == violated {
        Verdict::Reproduced
    } else {
        Verdict::Undecided
    };
    assert_eq!(entry.verdict, expected, "{entry:?}");
    let pairs = headline.claim.iter().zip(&headline.control);
    let difference: Vec<f64> = pairs.map(|(a, b)| a - b).collect();
    let differs = [
        entry.difference,
        entry.difference_low,
        entry.difference_high,
    ];
    for (found, values) in [
        ([entry.value, entry.low, entry.high], &headline.claim),
        (
            [entry.control_value, entry.control_low, entry.control_high],
            &headline.control,
        ),
        (differs, &difference),
    ] {
        // The values are sums of a few terms in another order.
        let expected = interval(values);
        (0..3).for_each(|i| assert_near(found[i], expected[i], 1e-9, &entry));
    }
}

/// Asserts that a condition was measured with these values at these seeds in a cell of the specification curve. The
/// condition is given by its index among those of the claim.
#[track_caller]
pub fn assert_measured(
    measures: &[Measurement],
    cell: &str,
    condition: usize,
    seeds: &[u64],
    settled: &Settled,
) {
    for (i, &seed) in seeds.iter().enumerate() {
        let ours = measures
            .iter()
            .filter(|m| m.setting == cell && m.seed == seed);
        let mut ours = ours.skip(condition);
        let m = ours
            .next()
            .unwrap_or_else(|| panic!("{cell} was not measured at seed {seed}"));
        let (claim, control) = (settled.claim[i], settled.control[i]);
        // The values have one difference of two numbers more or less.
        assert_near(m.value, claim, 1e-12, m);
        assert_near(m.control_value, control, 1e-12, m);
        assert_eq!(m.holds, (settled.holds)(m.value), "{m:?}");
        assert_eq!(m.control_holds, (settled.holds)(m.control_value), "{m:?}");
    }
}

/// Asserts that two numbers differ by no more than a tolerance; two NaNs agree.
#[track_caller]
pub fn assert_near(found: f64, expected: f64, tolerance: f64, what: &dyn std::fmt::Debug) {
    let same = found.is_nan() && expected.is_nan();
    let near = (found - expected).abs() <= tolerance;
    assert!(
        same || near,
        "{found} and not {expected}, within {tolerance:e}: {what:?}"
    );
}
