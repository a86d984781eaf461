//! `continuum` by plain loops in f64: every number of its table, and the measures of its claim.
//!
//! Samples are the same to the last bit, and with them the dictionaries, which the kernels' steps train. Training steps
//! and FISTA have tests of their own with the kernels; the codes that FISTA finds are held to their duality gap here.

use super::continuum_samples::{Case, FEATURES, SEED, SPHERE, WIDTH, World, rng};
use crate::common::plain::{dot, duality_gap};
use crate::common::sae_plain::{
    Reading, Row, near, rows, squared_error, table, trained, wide, within,
};
use crate::common::testing;
use harness::claim::measures::Measurement;
use harness::experiments::autoencoders::continuum::{Continuum, Settings};
use harness::sae::training::Plan;
use harness::settings::{Preset, Settings as _};
use kernels::sae::{L1, Parameters, Rows, Shape, TiedL1, Variant};
use kernels::sparse_coding::{Certificate, Lasso, Stop};
use kernels::{Exec, Isa, MatMut, MatRef, dictionary};

const SIZES: [usize; 4] = [2, 4, 8, 16];
const LAMBDA: f64 = 0.1;
const CODED: usize = 100;

fn settings() -> Settings {
    Settings {
        width: WIDTH,
        spheres: vec![SPHERE],
        sphere: SPHERE,
        features: FEATURES,
        largest: 4,
        lambda: LAMBDA,
        held_out: 300,
        coded: CODED,
        living: 0.02,
        training: Plan {
            steps: 100,
            batch: 32,
            learning_rate: 0.01,
            cooldown: 0.3,
        },
        ..Settings::preset(Preset::Quick)
    }
}

/// Returns the least loss of a sample of one feature with an element for it, min over c ≥ 0 of (m − c)² + λc, found by
/// ternary search and averaged over magnitudes.
fn least_loss(magnitudes: &[f64]) -> f64 {
    let least = |m: &f64| {
        let loss = |c: f64| (m - c).powi(2) + LAMBDA * c;
        let (mut low, mut high) = (0.0, *m);
        for _ in 0..200 {
            let [a, b] = [1.0, 2.0].map(|part| low + (high - low) * part / 3.0);
            match loss(a) < loss(b) {
                true => high = b,
                false => low = a,
            }
        }
        loss(low)
    };
    magnitudes.iter().map(least).sum::<f64>() / magnitudes.len() as f64
}

/// Returns the number of living elements by the codes of FISTA, and the loss of these codes with how far it may be from
/// that of single precision. Asserts that the duality gap of each code is within FISTA's tolerance.
fn optimised(elements: &[f32], x: &[f32]) -> (f64, [f64; 2]) {
    let exec = Exec::serial(Isa::detect());
    let [of_elements, of_x] = [elements, x].map(|rows| MatRef::from_rows(rows, WIDTH));
    let n = of_elements.rows();
    let mut codes = vec![0f32; CODED * n];
    let stop = Stop {
        tolerance: 1e-5,
        iterations: 3000,
    };
    Lasso::new(exec, of_elements, LAMBDA as f32, None).fista(
        exec,
        of_x,
        stop,
        MatMut::from_rows(&mut codes, n),
        &mut [Certificate::default(); CODED],
    );
    let mut fired = vec![0; n];
    let mut loss = [0.0; 2];
    let elements = rows(of_elements);
    for (x, code) in x.chunks(WIDTH).zip(codes.chunks(n)) {
        let (x, code) = (wide(x), wide(code));
        let gap = duality_gap(&x, &code, &elements, LAMBDA);
        let [error, room] = squared_error(&elements, &[0.0; WIDTH], &x, &code, &vec![0.0; n]);
        // FISTA measures its gap in single precision.
        assert!(gap <= 1e-5 * dot(&x, &x) + room + 1e-6, "a gap of {gap}");
        let l1: f64 = code.iter().sum();
        loss = [loss[0] + error + LAMBDA * l1, loss[1] + room + 1e-6 * l1];
        for (fired, c) in fired.iter_mut().zip(&code) {
            *fired += usize::from(*c > 0.0);
        }
    }
    let living = fired.iter().filter(|&&f| f as f64 >= 0.02 * CODED as f64);
    (living.count() as f64, loss.map(|v| v / CODED as f64))
}

impl Case {
    fn of(row: &Row) -> Case {
        Case {
            discrete: row.text("features") == "discrete",
            varied: row.text("magnitude") == "varied",
            tied: row.text("encoder") == "tied",
        }
    }

    fn model(self, world: &World, n: usize) -> Parameters {
        let lambda = LAMBDA as f32;
        let variant = match self.tied {
            true => Variant::TiedL1(TiedL1 { lambda }),
            false => Variant::L1(L1 {
                lambda,
                rows: Rows::Unit,
            }),
        };
        let shape = Shape {
            width: WIDTH,
            dictionary: n,
        };
        let mut normals = rng("initial", n as u64);
        let start = Parameters::initial(shape, variant, || normals.normal() as f32);
        let batch = |step| world.samples(self, 32, &mut rng("batch", step)).0;
        trained(start, &settings().training, 0, batch)
    }
}

/// Claims: no-plateau-on-a-continuum
#[test]
fn every_number_of_the_table_is_that_of_plain_loops() {
    let world = World::draw();
    let outcome = testing::run::<Continuum>(&settings(), &[SEED]);
    let found = table(outcome.tables[0].csv());
    assert_eq!(found.len(), 2 * 2 * 2 * SIZES.len());
    for row in &found {
        let (case, n) = (Case::of(row), row.whole("elements"));
        let what = |column: &str| {
            let names = ["features", "magnitude", "encoder", "elements"].map(|c| row.text(c));
            format!("{names:?} {column}")
        };
        let p = case.model(&world, n);
        let (x, magnitudes) = world.samples(case, 300, &mut rng("held-out", 0));
        let wide_x = rows(MatRef::from_rows(&x, WIDTH));
        let loss = |reading: &Reading| {
            let part = |i: usize| reading.squared_error[i] + LAMBDA * reading.l1[i];
            [part(0), part(1)]
        };
        let check = |column: &str, [expected, room]: [f64; 2]| {
            near(&what(column), row.number(column), expected, room);
        };
        let all = Reading::of(&p, &wide_x);
        within(&what("l0"), row.number("l0"), all.l0());
        within(
            &what("living"),
            row.number("living"),
            all.living(0.02 * 300.0),
        );
        check("loss", loss(&all));
        check("least_loss", [least_loss(&magnitudes), 0.0]);

        let least = least_loss(&magnitudes[..CODED]);
        let check_excess = |column: &str, [loss, room]: [f64; 2]| {
            check(column, [loss / least - 1.0, room / least]);
        };
        check_excess("excess", loss(&Reading::of(&p, &wide_x[..CODED])));
        let few = &x[..CODED * WIDTH];
        let b_dec = match case.tied {
            true => vec![0.0; WIDTH],
            false => p.b_dec().to_vec(),
        };
        let centred: Vec<f32> = few
            .iter()
            .zip(b_dec.iter().cycle())
            .map(|(x, b)| x - b)
            .collect();
        let mut unit = p.dictionary().data().to_vec();
        dictionary::normalise(
            Exec::serial(Isa::detect()),
            MatMut::from_rows(&mut unit, WIDTH),
        );
        let (living, best) = optimised(&unit, &centred);
        check("optimised_living", [living, 0.0]);
        check_excess("optimised_excess", best);
        let (living, best) = optimised(&world.spread(case.discrete, n), few);
        // Points that have been spread stop moving up to the last step, 1/300 of n^(−1/2): at rest only roundings push
        // them, each in some direction. To first order the loss moves by 2‖x − Dᵀc‖ Σc times that, and Σc is at most
        // the loss over λ; an element that hardly fires may be living or not.
        let off = match case.discrete {
            true => 0.0,
            false => (n as f64).powf(-0.5) / 300.0,
        };
        let [loss, room] = best;
        let moved = 2.0 * loss.sqrt() * (loss / LAMBDA) * off;
        check("spread_living", [living, f64::from(u8::from(off > 0.0))]);
        check_excess("spread_excess", [loss, room + moved]);
    }
    settled_by(&found, &outcome.measures);
}

/// Returns the exponent of the living elements in the number of elements, as the slope of the regression of logarithms,
/// and the excess at the most elements divided by that at as many as there are discrete features, which is NaN where
/// the latter is about 0.
fn conditions(found: &[Row], is_ours: impl Fn(&Row) -> bool, codes: &str) -> [f64; 2] {
    let read = |row: &Row| match codes {
        "encoder" => {
            let excess = row.number("loss") / row.number("least_loss") - 1.0;
            [row.number("living"), excess]
        }
        "best" => ["optimised_living", "optimised_excess"].map(|c| row.number(c)),
        _ => ["spread_living", "spread_excess"].map(|c| row.number(c)),
    };
    let at = |n: usize| {
        let ours = |row: &&Row| is_ours(row) && row.whole("elements") == n;
        read(found.iter().find(ours).unwrap())
    };
    let points = [4, 8, 16].map(|n| ((n as f64).ln(), at(n)[0].max(1.0).ln()));
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / 3.0;
    let (x, y) = (mean(&|p| p.0), mean(&|p| p.1));
    let slope = mean(&|p| (p.0 - x) * (p.1 - y)) / mean(&|p| (p.0 - x).powi(2));
    let [first, last] = [4, 16].map(|n| at(n)[1]);
    [slope, if first > 1e-3 { last / first } else { f64::NAN }]
}

/// Asserts that the measures of the claim are those of the rows, in every cell and at the point setting.
fn settled_by(found: &[Row], measures: &[Measurement]) {
    let mut seen = 0;
    for magnitude in ["one", "varied"] {
        for (encoder, codes) in [
            ("tied", "encoder"),
            ("untied", "encoder"),
            ("tied", "best"),
            ("untied", "best"),
            ("none", "best on spread elements"),
        ] {
            let of = |features: &str| {
                let is_ours = |row: &Row| {
                    row.text("features") == features
                        && row.text("magnitude") == magnitude
                        && (row.text("encoder") == encoder || encoder == "none")
                };
                conditions(found, is_ours, codes)
            };
            let (claim, control) = (of("continuum"), of("discrete"));
            let name = format!(
                "sphere=in 3 dimensions; magnitude={magnitude}; encoder={encoder}; codes={codes}"
            );
            let is_point = (magnitude, encoder, codes) == ("one", "untied", "encoder");
            let of_cell = measures.iter().filter(|m| m.setting == name);
            let of_point = measures.iter().filter(|m| is_point && m.setting.is_empty());
            for m in of_cell.chain(of_point) {
                let place = usize::from(m.measure.starts_with("excess"));
                near(&name, m.value, claim[place], 0.0);
                near(&name, m.control_value, control[place], 0.0);
                let holds = |v: f64| if place == 0 { v >= 0.5 } else { v <= 0.75 };
                assert_eq!(m.holds, holds(claim[place]), "{m:?}");
                assert_eq!(m.control_holds, holds(control[place]), "{m:?}");
                assert_eq!(m.point, is_point);
                seen += 1;
            }
        }
    }
    assert_eq!((seen, measures.len()), (22, 22));
}
