//! `unfinished-features` by plain loops in f64: the dictionaries of a run, how well they fit, what their elements align
//! with and are selective for, and how similar the dictionaries are.
#![cfg(unix)]

use super::unfinished_features_streams::{Activations, CLASSES, LAYERS, Model, N, TINY};
use crate::common::Sandbox;
use crate::common::plain::{dot, mean, variance};
use crate::common::sae_plain::{Reading, Row, UNIT, cosine, largest, near, rows, table, within};
use harness::experiments::many_layers::multilayer::task::Kind;
use kernels::MatRef;

const RATIO: usize = 2;
const READ_AT: f64 = 0.1;
const THRESHOLD: f64 = 0.7;

/// A dictionary: its elements, and its reading of the datapoints.
struct Read {
    elements: Vec<Vec<f64>>,
    reading: Reading,
}

impl Read {
    /// Returns the indices of the elements that fire.
    fn living(&self) -> Vec<usize> {
        let fires = |&j: &usize| self.reading.firings[j][0] > 0;
        (0..self.elements.len()).filter(fires).collect()
    }

    /// Returns, for each living element, the largest cosine with a living element of another dictionary.
    fn nearest(&self, other: &Read) -> Vec<f64> {
        let theirs = other.living();
        let nearest = |&j: &usize| {
            let cosines = theirs
                .iter()
                .map(|&k| cosine(&self.elements[j], &other.elements[k]));
            largest(cosines)
        };
        self.living().iter().map(nearest).collect()
    }
}

/// The error of a cosine, a sum of at most 24 products in f32, of rows that have been rounded a few times.
const COSINE: f64 = 32.0 * UNIT;

/// Compares the rows of a basis with the results of plain loops, and returns the dictionaries, by copy and layer.
fn compare(sandbox: &Sandbox, model: &Model, name: &str, basis: &str) -> [Vec<Read>; 2] {
    let of = |file: &str| -> Vec<Row> {
        let rows = table(&sandbox.read(&format!("a/unfinished-features/{file}.csv")));
        let ours = |r: &Row| (r.text("model"), r.text("basis")) == (name, basis);
        rows.into_iter().filter(ours).collect()
    };
    let activations = Activations::of(model, basis);
    let (dictionaries, elements) = (of("dictionaries"), of("elements"));
    let mut read = [vec![], vec![]];
    for row in &dictionaries {
        let layer = row.whole("layer");
        let place = LAYERS.iter().position(|&l| l == layer).unwrap();
        let what = |column: &str| {
            let cell = ["ratio", "l1", "copy"].map(|c| row.text(c));
            format!("{name} {basis} {layer} {cell:?} {column}")
        };
        let p = activations.dictionary(model.width, basis, place, row);
        let x = rows(MatRef::from_rows(&activations.layers[place], model.width));
        let reading = Reading::of(&p, &x);
        within(&what("l0"), row.number("l0"), reading.l0());
        let variance = variance(&x);
        let [error, room] = reading.squared_error.map(|v| v / variance);
        // The experiment computes the variance as a difference of squares, but in f64.
        near(
            &what("variance"),
            row.number("explained_variance"),
            1.0 - error,
            room,
        );
        let dead = reading
            .living(1.0)
            .map(|living| 1.0 - living / p.shape().dictionary as f64);
        within(&what("dead"), row.number("dead"), [dead[1], dead[0]]);
        if (row.whole("ratio"), row.number("l1")) == (RATIO, READ_AT) {
            read[row.whole("copy")].push(Read {
                elements: rows(p.dictionary()),
                reading,
            });
        }
    }
    let mut seen = [0; 3];
    for (place, read) in read[0].iter().enumerate() {
        let ours = elements
            .iter()
            .filter(|r| r.whole("layer") == LAYERS[place]);
        let ours: Vec<&Row> = ours.collect();
        let numbers: Vec<usize> = ours.iter().map(|r| r.whole("element")).collect();
        assert_eq!(numbers, read.living(), "{name} {basis} {place}");
        for row in ours {
            let category = check_element(row, model, &activations.inputs[place], read);
            seen[["input", "output", "neither"]
                .iter()
                .position(|c| *c == category)
                .unwrap()] += 1;
        }
    }
    assert!(
        seen.iter().filter(|&&s| s > 0).count() >= 2,
        "{basis}: {seen:?}"
    );
    read
}

/// Checks the row of an element, and returns the category that it names.
fn check_element<'a>(row: &'a Row, model: &Model, inputs: &[Vec<f64>], read: &Read) -> &'a str {
    let j = row.whole("element");
    let element = &read.elements[j];
    let activations: Vec<f64> = read.reading.codes.iter().map(|code| code[j]).collect();
    let fires = read.reading.firings[j].map(|f| f as f64 / N as f64);
    within("frequency", row.number("frequency"), fires);

    let input = largest(inputs.iter().map(|e| cosine(element, e)));
    // The output directions are the axes of the classes, beside which the stream of the look-up model has a code.
    let norm = dot(element, element).sqrt();
    let output = largest(element[..CLASSES].iter().map(|v| v / norm));
    near("input_cosine", row.number("input_cosine"), input, COSINE);
    near("output_cosine", row.number("output_cosine"), output, COSINE);

    // The indicators of the tokens of both inputs, and of the class with the largest logit at the output.
    let holds = |k: usize, place: usize, token: usize| model.pairs[k][place] as usize == token;
    let class = |k: usize| {
        let logits = &model.streams[LAYERS.len() - 1][k];
        (0..CLASSES)
            .max_by(|&a, &b| logits[a].total_cmp(&logits[b]))
            .unwrap()
    };
    let indicator = |is: &dyn Fn(usize) -> bool| -> f64 {
        let ones: Vec<f64> = (0..N).map(|k| f64::from(u8::from(is(k)))).collect();
        cosine(&activations, &ones)
    };
    let tokens = (0..CLASSES).flat_map(|t| [0, 1].map(|p| indicator(&|k| holds(k, p, t))));
    let by_input = largest(tokens);
    let by_class = largest((0..CLASSES).map(|c| indicator(&|k| class(k) == c)));
    let slack: Vec<f64> = read.reading.slack.iter().map(|s| s[j]).collect();
    let room = 2.0 * (dot(&slack, &slack) / dot(&activations, &activations)).sqrt();
    near(
        "input_function",
        row.number("input_function"),
        by_input,
        room,
    );
    near(
        "output_function",
        row.number("output_function"),
        by_class,
        room,
    );

    for (column, [a, b], room) in [
        ("category", [input, output], COSINE),
        ("selective", [by_input, by_class], room),
    ] {
        let expected = match a.max(b) {
            best if best <= THRESHOLD => "neither",
            _ if a >= b => "input",
            _ => "output",
        };
        // A category that roundings may change is not checked.
        let is_sure = (a.max(b) - THRESHOLD).abs() > room && (a - b).abs() > room;
        if is_sure {
            assert_eq!(row.text(column), expected, "{column}: {a} {b}");
        }
    }
    row.text("category")
}

/// Claims: unfinished-features-cost-dictionary, middle-layers-have-no-natural-basis
#[test]
fn every_number_of_the_tables_is_that_of_plain_loops() {
    let sandbox = Sandbox::new();
    let run = format!("run {TINY} --out a");
    sandbox.harness(&run).assert().success();
    let trained = Model::read(&sandbox, Kind::Trained);
    for basis in ["all-layers", "tuned-lens"] {
        compare(&sandbox, &trained, "trained", basis);
    }
    let of = |file: &str, name: &str| -> Vec<Row> {
        let rows = table(&sandbox.read(&format!("a/unfinished-features/{file}.csv")));
        let ours = |r: &Row| r.text("model") == name;
        rows.into_iter().filter(ours).collect()
    };
    let look_up = Model::read(&sandbox, Kind::LookUp);
    for (name, model) in [("trained", &trained), ("look-up", &look_up)] {
        let [first, second] = compare(&sandbox, model, name, "stream");
        let place = |row: &Row, column: &str| {
            let layer = row.whole(column);
            LAYERS.iter().position(|&l| l == layer).unwrap()
        };
        let similarity = of("similarity", name);
        assert_eq!(similarity.len(), LAYERS.len().pow(2));
        for row in similarity {
            let (from, to) = (place(&row, "layer"), place(&row, "other_layer"));
            let expected = mean(&first[from].nearest(&first[to]));
            near("similarity", row.number("mmcs"), expected, COSINE);
        }
        let stability = of("stability", name);
        assert_eq!(stability.len(), LAYERS.len());
        for row in stability {
            let l = place(&row, "layer");
            let [there, back] = [(&first[l], &second[l]), (&second[l], &first[l])]
                .map(|(a, b)| mean(&a.nearest(b)));
            near(
                "stability",
                row.number("mmcs"),
                (there + back) / 2.0,
                COSINE,
            );
        }
        let mut longest = 0;
        for row in of("elements", name) {
            if row.text("basis") != "stream" {
                assert_eq!(row.whole("persistence"), 0);
                continue;
            }
            let l = place(&row, "layer");
            let living = first[l].living();
            let at = living
                .iter()
                .position(|&j| j == row.whole("element"))
                .unwrap();
            let following = (l + 1..LAYERS.len()).map(|to| first[l].nearest(&first[to])[at]);
            let following: Vec<f64> = following.collect();
            if following.iter().all(|c| (c - THRESHOLD).abs() > COSINE) {
                let persists = following.iter().take_while(|c| **c > THRESHOLD).count();
                assert_eq!(row.whole("persistence"), persists, "{name} {l}");
                longest = longest.max(persists);
            }
        }
        assert!(longest > 0, "nothing persists");
    }
}
