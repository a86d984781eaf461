//! The costs of the dictionaries of `unfinished-features`, and the measures of its claims, from the rows of its other
//! tables by plain loops.
#![cfg(unix)]

use super::unfinished_features_streams::{LAYERS, TINY};
use crate::common::Sandbox;
use crate::common::plain::mean;
use crate::common::sae_plain::{Row, largest, near, table};

/// Returns the least and the most that a layer may cost by a measure, from the (L0, explained variance) of its
/// dictionaries, or `None` where these say nothing of it.
fn range(measure: &str, fits: &[[f64; 2]]) -> Option<[f64; 2]> {
    let mut fits = fits.to_vec();
    if fits.iter().any(|fit| fit[0] == 0.0) {
        return None;
    }
    let is_l0 = measure.starts_with("L0");
    // The points lie along the curve from few active elements to many.
    fits.sort_by(|a, b| a[usize::from(is_l0)].total_cmp(&b[usize::from(is_l0)]));
    let (first, last) = (fits[0], fits[fits.len() - 1]);
    let between =
        |x: f64, [a, b]: [f64; 2], [y_a, y_b]: [f64; 2]| y_a + (y_b - y_a) * (x - a) / (b - a);
    for pair in fits.windows(2) {
        let [l0, explained] = [0, 1].map(|i| [pair[0][i], pair[1][i]]);
        let logarithms = l0.map(f64::ln);
        if is_l0 && explained[0] < 0.95 && explained[1] >= 0.95 {
            return Some([between(0.95, explained, logarithms).exp(); 2]);
        }
        if !is_l0 && l0[0] <= 10.0 && l0[1] > 10.0 {
            let explained = between(10f64.ln(), logarithms, explained);
            return Some([1.0 - explained; 2]);
        }
    }
    match is_l0 {
        // All explain more: the cost is at most that of the one that explains least.
        true if first[1] == 0.95 => Some([first[0]; 2]),
        true if first[1] > 0.95 => Some([0.0, first[0]]),
        // None explains enough: the cost is at least that of the one that explains most.
        true => Some([last[0], f64::INFINITY]),
        false if last[0] == 10.0 => Some([1.0 - last[1]; 2]),
        // All have fewer active elements: with more, no more is left unexplained.
        false if last[0] < 10.0 => Some([0.0, 1.0 - last[1]]),
        // None has so few active elements.
        false => None,
    }
}

/// Returns the layers between the input and the output that count as the middle ones.
fn middle(choice: &str) -> &'static [usize] {
    match choice {
        "half-of-the-depth" => &[2, 4, 6],
        "one-layer" => &[4],
        other => panic!("{other}"),
    }
}

/// Returns the option that a setting has for a choice.
fn option<'a>(setting: &'a str, choice: &str) -> &'a str {
    let options = setting.split("; ").filter_map(|part| part.split_once('='));
    let mut ours = options.filter(|(name, _)| *name == choice);
    ours.next().unwrap().1
}

/// Returns the geometric mean of the middle layers' costs divided by the larger one of the ends' costs: the possible
/// value nearest to 1, if all possible values are on one side of it, and otherwise NaN.
fn ratio(costs: &[Option<[f64; 2]>], middle: &[usize]) -> f64 {
    let of = |l: usize| costs[LAYERS.iter().position(|&other| other == l).unwrap()];
    let Some([input, output]) = of(0).zip(of(8)).map(|(a, b)| [a, b]) else {
        return f64::NAN;
    };
    let Some(middle) = middle.iter().map(|&l| of(l)).collect::<Option<Vec<_>>>() else {
        return f64::NAN;
    };
    let geometric = |i: usize| {
        let product: f64 = middle.iter().map(|range| range[i]).product();
        product.powf(1.0 / middle.len() as f64)
    };
    let least = geometric(0) / input[1].max(output[1]);
    let most = geometric(1) / input[0].max(output[0]);
    match (least > 1.0, most > 1.0) {
        (true, true) => least,
        (false, false) => most,
        _ => f64::NAN,
    }
}

/// Claims: unfinished-features-cost-dictionary, middle-layers-have-no-natural-basis
#[test]
fn costs_and_claims_are_those_of_the_rows() {
    let sandbox = Sandbox::new();
    sandbox
        .harness(&format!("run {TINY} --out a"))
        .assert()
        .success();
    let read = |name: &str| table(&sandbox.read(&format!("a/unfinished-features/{name}.csv")));
    let dictionaries = read("dictionaries");
    let fits = |model: &str, basis: &str, layer: usize, ratio: usize| -> Vec<[f64; 2]> {
        let ours = |r: &&Row| {
            (r.text("model"), r.text("basis"), r.text("copy")) == (model, basis, "0")
                && (r.whole("layer"), r.whole("ratio")) == (layer, ratio)
        };
        let ours = dictionaries.iter().filter(ours);
        ours.map(|r| ["l0", "explained_variance"].map(|c| r.number(c)))
            .collect()
    };
    let mut seen = [0, 0];
    for row in read("costs") {
        let fits = fits(
            row.text("model"),
            row.text("basis"),
            row.whole("layer"),
            row.whole("ratio"),
        );
        assert_eq!(fits.len(), 3);
        for (i, (column, measure)) in [("l0", "L0 at"), ("unexplained", "unexplained")]
            .into_iter()
            .enumerate()
        {
            let known = range(measure, &fits).filter(|[least, most]| least == most);
            let expected = known.map_or(f64::NAN, |[cost, _]| cost);
            near(column, row.number(column), expected, 0.0);
            seen[i] += usize::from(!expected.is_nan());
        }
    }
    assert!(
        seen.iter().all(|&s| s > 0),
        "no curve crosses its level: {seen:?}"
    );

    let stability = read("stability");
    let (mut settled, mut cells) = (0, 0);
    for row in read("measures") {
        let setting = match row.text("setting") {
            "" => {
                "elements to a dimension=2; middle=half-of-the-depth; cost=L0 at explained variance 0.95"
            }
            other => other,
        };
        let middle = middle(option(setting, "middle"));
        let of_model = |model: &str| match row.text("claim") {
            "unfinished-features-cost-dictionary" => {
                let elements = option(setting, "elements to a dimension").parse().unwrap();
                let cost = option(setting, "cost");
                let costs = LAYERS.map(|l| range(cost, &fits(model, "stream", l, elements)));
                ratio(&costs, middle)
            }
            _ => {
                let at = |l: usize| {
                    let ours = |r: &&Row| r.text("model") == model && r.whole("layer") == l;
                    stability.iter().find(ours).unwrap().number("mmcs")
                };
                let between: Vec<f64> = middle.iter().map(|&l| at(l)).collect();
                // The claim compares with the end that is less similar.
                mean(&between) + largest([-at(0), -at(8)])
            }
        };
        let what = format!("{} {setting}", row.text("claim"));
        for (column, model, holds) in [
            ("value", "trained", "holds"),
            ("control_value", "look-up", "control_holds"),
        ] {
            let expected = of_model(model);
            near(
                &format!("{what} {column}"),
                row.number(column),
                expected,
                0.0,
            );
            let keeps = match row.text("claim") {
                "unfinished-features-cost-dictionary" => expected > 1.0,
                _ => expected <= -0.05,
            };
            assert_eq!(row.text(holds), if keeps { "yes" } else { "no" }, "{what}");
            settled += usize::from(!expected.is_nan());
        }
        cells += 1;
    }
    // There are two sizes, two choices of middle layers, two costs, and the point setting; then two choices, and the
    // point setting.
    assert_eq!(cells, 2 * 2 * 2 + 1 + 2 + 1);
    assert!(settled > 4, "hardly anything was settled: {settled}");
}
