//! Sparse autoencoders, against naive ones in f64 and central differences.

use kernels::adam::{self, Adam};
use kernels::sae::{
    self, AuxK, Gated, JumpRelu, L1, Lista, Losses, Parameters, Rows, Shape, TiedL1, TopK, Trainer,
    TwoLayer, Variant, Workspace,
};
use kernels::{Exec, MatMut, MatRef, SparseRef, dictionary};
use proptest::prelude::*;
use proptests::bounded::{Bounded, assert_within, blur};
use proptests::reference::sae::{Model, Pass};
use proptests::{isas, panic_message, pool, stream};

/// Which products a pass takes: on the entries, or dense.
const PATHS: [(&str, f64); 2] = [("sparse", f64::INFINITY), ("dense", 0.0)];

/// A model and a batch for it.
#[derive(Clone, Debug)]
struct Case {
    parameters: Parameters,
    x: Vec<f32>,
}

impl Case {
    /// Parameters of the usual size; rows of the dictionary with norms on both sides of 1, biases of
    /// both signs.
    fn new(shape: Shape, variant: Variant, batch: usize, seed: u64) -> Case {
        let mut next = stream(seed);
        let mut parameters = Parameters::zeros(shape, variant);
        let scale = (shape.width.max(1) as f32).sqrt().recip();
        for value in parameters.values_mut() {
            *value = 1.7 * scale * next();
        }
        if let Variant::JumpRelu(_) = variant {
            let [mut threshold] = parameters.tensors_mut(["threshold"]);
            threshold.row(0).fill_with(|| next().abs());
        }
        let x = (0..batch * shape.width).map(|_| next()).collect();
        Case { parameters, x }
    }

    fn shape(&self) -> Shape {
        self.parameters.shape()
    }

    fn variant(&self) -> Variant {
        self.parameters.variant()
    }

    fn batch(&self) -> MatRef<'_> {
        let width = self.shape().width;
        MatRef::new(&self.x, self.x.len() / width, width).unwrap()
    }

    fn pass(&self) -> Pass {
        let rows: Vec<Vec<f32>> = self
            .x
            .chunks(self.shape().width)
            .map(<[f32]>::to_vec)
            .collect();
        self.model().pass(&rows)
    }

    fn model(&self) -> Model {
        let mut model = Model::exact(&self.parameters);
        model.dead = (0..self.shape().dictionary).filter(|&j| dead(j)).collect();
        model
    }

    /// A workspace with some room to spare.
    fn workspace(&self, dense_from: f64) -> Workspace {
        let capacity = self.batch().rows() + 3;
        let mut workspace = Workspace::new(self.shape(), self.variant(), capacity);
        workspace.set_dense_from(dense_from);
        workspace.set_dead(dead);
        workspace
    }

    fn gradient(&self, exec: Exec, dense_from: f64) -> (Losses, Parameters) {
        let mut gradient = Parameters::zeros(self.shape(), self.variant());
        // It is overwritten, whatever it holds.
        gradient.values_mut().fill(f32::NAN);
        let mut workspace = self.workspace(dense_from);
        let losses = sae::gradient(
            exec,
            &self.parameters,
            self.batch(),
            &mut workspace,
            &mut gradient,
        );
        (losses, gradient)
    }
}

/// The elements that an auxiliary loss takes for dead.
fn dead(j: usize) -> bool {
    j % 3 == 1
}

fn dense(codes: SparseRef) -> Vec<f32> {
    let mut all = vec![0.0; codes.rows() * codes.cols()];
    for b in 0..codes.rows() {
        let (columns, values) = codes.row(b);
        assert!(columns.is_sorted_by(|a, b| a < b), "columns that rise");
        for (&j, &value) in columns.iter().zip(values) {
            all[b * codes.cols() + j as usize] = value;
        }
    }
    all
}

/// One of each kind, for a dictionary of n.
fn variants(n: usize, lambda: f32) -> Vec<Variant> {
    let l1 = |rows| Variant::L1(L1 { lambda, rows });
    vec![
        l1(Rows::Penalised),
        l1(Rows::Unit),
        Variant::TiedL1(TiedL1 { lambda }),
        Variant::TopK(TopK {
            k: n.div_ceil(4),
            aux: None,
        }),
        Variant::TopK(TopK {
            k: 1,
            aux: Some(AuxK {
                k: n.div_ceil(8),
                coefficient: 0.3,
                dead_after: 2,
            }),
        }),
        Variant::TwoLayer(TwoLayer {
            hidden: n / 2 + 1,
            lambda,
        }),
        Variant::Lista(Lista { steps: 1, lambda }),
        Variant::Lista(Lista { steps: 3, lambda }),
        Variant::Gated(Gated { lambda }),
        // Windows that many pre-activations fall into.
        Variant::JumpRelu(JumpRelu {
            lambda,
            bandwidth: 0.3,
            threshold: 0.2,
        }),
    ]
}

prop_compose! {
    /// Widths and dictionaries on both sides of a vector's length.
    fn case()(
        width in 1..40usize,
        dictionary in 1..50usize,
        variant in 0..10usize,
        batch in 1..9usize,
        lambda in prop_oneof![Just(0.0f32), 0f32..2.0],
        seed: u64,
    ) -> Case {
        let variant = variants(dictionary, lambda)[variant];
        Case::new(Shape { width, dictionary }, variant, batch, seed)
    }
}

/// A value that was summed in f64 within its bound.
#[track_caller]
fn assert_loss(what: &str, got: f64, want: Bounded) {
    let Bounded { value, error } = want;
    assert!(
        (got - value).abs() <= error,
        "{what}: {got}, not {value} ± {error:e}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn codes_and_reconstructions_match_the_naive_model(case in case()) {
        let want = case.pass();
        prop_assume!(!want.ambiguous);
        for exec in isas().into_iter().map(Exec::serial) {
            let mut workspace = case.workspace(0.5);
            let codes = sae::encode(exec, &case.parameters, case.batch(), &mut workspace);
            prop_assert_eq!((codes.rows(), codes.cols()), (want.codes.len(), case.shape().dictionary));
            assert_within(&format!("{exec:?}: codes"), &dense(codes), &want.codes.concat());
            let mut x_hat = vec![f32::NAN; case.x.len()];
            let out = MatMut::new(&mut x_hat, codes.rows(), case.shape().width).unwrap();
            sae::decode(exec, &case.parameters, codes, out);
            assert_within(&format!("{exec:?}: x̂"), &x_hat, &want.x_hat.concat());
        }
    }

    /// On both paths, which therefore agree to rounding.
    #[test]
    fn losses_and_gradients_match_the_naive_model(case in case()) {
        let want = case.pass();
        prop_assume!(!want.ambiguous);
        let entries = want.codes.concat().iter().filter(|f| f.value > 0.0).count();
        for exec in isas().into_iter().map(Exec::serial) {
            for (path, from) in PATHS {
                let (losses, gradient) = case.gradient(exec, from);
                let what = format!("{exec:?}, {path}");
                assert_loss(&what, losses.reconstruction, want.reconstruction);
                assert_loss(&what, losses.sparsity, want.sparsity);
                assert_loss(&what, losses.auxiliary, want.auxiliary);
                let density = entries as f64 / (want.codes.len() * case.shape().dictionary) as f64;
                prop_assert_eq!(losses.density, density);
                assert_within(&format!("{what}: gradient"), gradient.values(), &want.gradient);
            }
        }
    }

    /// A step is its parts: gradient, projection, Adam, renormalisation, counts.
    #[test]
    fn a_step_is_its_parts(case in case()) {
        for exec in isas().into_iter().map(Exec::serial) {
            let mut trainer = Trainer::new(case.parameters.clone(), Adam::default(), 10);
            let mut parameters = case.parameters.clone();
            let mut moments = [(); 2].map(|()| vec![0.0; parameters.values().len()]);
            let mut idle = vec![0; case.shape().dictionary];
            let unit = match case.variant() {
                Variant::L1(l1) => l1.rows == Rows::Unit,
                Variant::TiedL1(_) => false,
                _ => true,
            };
            for t in 1..=3 {
                let losses = trainer.step(exec, case.batch());
                let mut workspace = case.workspace(sae::DENSE);
                workspace.set_dead(|j| idle[j] >= 2);
                let mut gradient = Parameters::zeros(case.shape(), case.variant());
                let want = sae::gradient(exec, &parameters, case.batch(), &mut workspace, &mut gradient);
                prop_assert_eq!(losses, want);
                if unit {
                    let [rows] = gradient.tensors_mut(["w_dec"]);
                    dictionary::project_gradient(exec, parameters.dictionary(), rows);
                }
                let [first, second] = &mut moments;
                let values = parameters.values_mut();
                adam::step(exec, Adam::default(), t, values, gradient.values(), first, second);
                if unit {
                    let [rows] = parameters.tensors_mut(["w_dec"]);
                    dictionary::normalise(exec, rows);
                }
                if let Variant::JumpRelu(_) = case.variant() {
                    let [mut threshold] = parameters.tensors_mut(["threshold"]);
                    threshold.row(0).iter_mut().for_each(|t| *t = t.max(0.0));
                }
                let codes = dense(workspace.codes());
                for (j, idle) in idle.iter_mut().enumerate() {
                    let column = codes.iter().skip(j).step_by(case.shape().dictionary);
                    *idle = if column.into_iter().any(|&f| f != 0.0) { 0 } else { *idle + 1 };
                }
                prop_assert_eq!(trainer.parameters(), &parameters);
                prop_assert_eq!(trainer.moments(), [&moments[0][..], &moments[1]]);
                prop_assert_eq!(trainer.idle(), &idle);
            }
        }
    }

    /// From its saved state, a trainer goes on to the same bits.
    #[test]
    fn training_can_be_resumed(case in case()) {
        for exec in isas().into_iter().map(Exec::serial) {
            let mut whole = Trainer::new(case.parameters.clone(), Adam::default(), 10);
            whole.step(exec, case.batch());
            let mut resumed = Trainer::restore(
                whole.parameters().clone(),
                whole.adam(),
                10,
                whole.moments().map(<[f32]>::to_vec),
                whole.steps(),
                whole.idle().to_vec(),
            );
            for _ in 0..2 {
                prop_assert_eq!(whole.step(exec, case.batch()), resumed.step(exec, case.batch()));
            }
            prop_assert_eq!(whole.parameters(), resumed.parameters());
            prop_assert_eq!(whole.idle(), resumed.idle());
        }
    }

    /// The encoder is the identity, and small integers make many ties.
    #[test]
    fn top_k_takes_the_largest_and_of_equals_the_first(
        n in 1..300usize,
        share in 0f64..1.0,
        spread in 1..9i32,
        nan in prop_oneof![Just(None), (0..300usize).prop_map(Some)],
        seed: u64,
    ) {
        let k = ((n as f64 * share * share) as usize).max(1);
        let shape = Shape { width: n, dictionary: n };
        let mut parameters = Parameters::zeros(shape, Variant::TopK(TopK { k, aux: None }));
        let [mut identity] = parameters.tensors_mut(["w_enc"]);
        for j in 0..n {
            identity.row(j)[j] = 1.0;
        }
        let mut next = stream(seed);
        let mut x: Vec<f32> = (0..n).map(|_| (next() * spread as f32).round()).collect();
        if let Some(j) = nan.filter(|&j| j < n) {
            let [mut bias] = parameters.tensors_mut(["b_enc"]);
            bias.row(0)[j] = f32::NAN;
            // Larger than all others.
            x[j] = 1e9;
        }
        let mut order: Vec<usize> = (0..n).filter(|&j| x[j] > 0.0).collect();
        order.sort_by(|&i, &j| x[j].total_cmp(&x[i]).then(i.cmp(&j)));
        order.truncate(k);
        order.sort_unstable();
        for exec in isas().into_iter().map(Exec::serial) {
            let mut workspace = Workspace::new(shape, parameters.variant(), 1);
            let batch = MatRef::new(&x, 1, n).unwrap();
            let codes = sae::encode(exec, &parameters, batch, &mut workspace);
            let (columns, values) = codes.row(0);
            let columns: Vec<usize> = columns.iter().map(|&j| j as usize).collect();
            prop_assert_eq!(&columns, &order);
            for (&j, &value) in order.iter().zip(values) {
                prop_assert!(value == x[j] || (nan == Some(j) && value.is_nan()));
            }
        }
    }
}

/// Bounds are worth something where they are small beside the values: here 1e-4 of the largest one.
#[test]
fn bounds_are_narrow() {
    let shape = Shape {
        width: 20,
        dictionary: 30,
    };
    for variant in variants(30, 0.3) {
        let case = Case::new(shape, variant, 8, 31);
        let pass = case.pass();
        assert!(!pass.ambiguous);
        for (what, values) in [
            ("codes", pass.codes.concat()),
            ("reconstructions", pass.x_hat.concat()),
            ("gradient", pass.gradient),
        ] {
            let blur = blur(&values);
            println!("{variant:?}: {what} {blur:.1e}");
            assert!(blur < 1e-4, "{variant:?}: {what} {blur:e}");
        }
    }
}

/// Where thresholds are among the parameters.
fn thresholds(case: &Case) -> std::ops::Range<usize> {
    let places = case.model().places();
    let threshold = places.into_iter().find(|place| place.0 == "threshold");
    threshold.map_or(0..0, |(_, range)| range)
}

/// Every component of the gradient against (f(θ + h) − f(θ − h)) / 2h of the f64 forward pass.
#[test]
fn gradients_match_central_differences() {
    const H: f64 = 1e-4;
    let shape = Shape {
        width: 6,
        dictionary: 11,
    };
    for variant in variants(11, 0.4) {
        let case = Case::new(shape, variant, 5, 12);
        let rows: Vec<Vec<f32>> = case.x.chunks(6).map(<[f32]>::to_vec).collect();
        let bound = case.pass();
        assert!(!bound.ambiguous);
        let mut model = case.model();
        model.left_over = Some(bound.left_over.clone());
        model.frozen = Some(Box::new(model.clone()));
        // The loss, and on which side of its kinks it was taken.
        let mut at = |i: usize, theta: f64| {
            let before = std::mem::replace(&mut model.values[i].value, theta);
            let pass = model.pass(&rows);
            model.values[i].value = before;
            (pass.total(), pass.active)
        };
        // With respect to a threshold there are jumps alone: its gradient is an estimate by a formula.
        let jumps = thresholds(&case);
        // A slope and its error: that of a step of h is a third of its distance to that of a step of 2h.
        let slopes: Vec<Option<(f64, f64)>> = (0..case.parameters.values().len())
            .map(|i| {
                let theta = f64::from(case.parameters.values()[i]);
                let ((far, a), (right, _)) = (at(i, theta + 2.0 * H), at(i, theta + H));
                let ((near, b), (left, _)) = (at(i, theta - 2.0 * H), at(i, theta - H));
                let slope = (right - left) / (2.0 * H);
                let truncation = ((far - near) / (4.0 * H) - slope).abs();
                let rounding = 100.0 * f64::EPSILON * right.abs() / H;
                (a == b && !jumps.contains(&i)).then_some((slope, truncation + rounding))
            })
            .collect();
        let kinks = slopes.iter().filter(|slope| slope.is_none()).count() - jumps.len();
        assert!(kinks <= slopes.len() / 50, "{kinks} steps across a kink");
        for exec in isas().into_iter().map(Exec::serial) {
            for (path, from) in PATHS {
                let (_, gradient) = case.gradient(exec, from);
                for (i, (got, slope)) in gradient.values().iter().zip(&slopes).enumerate() {
                    let Some((slope, error)) = slope else {
                        continue;
                    };
                    assert!(*error < 1e-6, "a step that sees nothing: {error:e}");
                    assert!(
                        (f64::from(*got) - slope).abs() <= bound.gradient[i].error + error,
                        "{exec:?}, {variant:?}, {path}: parameter {i}: {got} for {slope}"
                    );
                }
            }
        }
    }
}

/// Everything that a step computes, by number of threads, on both paths.
#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let pools: Vec<_> = (1..=4).map(pool).collect();
    for (width, dictionary) in [(24, 100), (33, 130), (5, 2100)] {
        let shape = Shape { width, dictionary };
        for batch in [0, 1, 16, 17, 65, 150] {
            for variant in variants(dictionary, 0.2) {
                // Its lateral weights grow with the square.
                if matches!(variant, Variant::Lista(_)) && dictionary > 1000 {
                    continue;
                }
                let case = Case::new(shape, variant, batch, 23);
                for (path, from) in PATHS {
                    for isa in isas() {
                        let everything = |exec| {
                            let mut trainer =
                                Trainer::new(case.parameters.clone(), Adam::default(), batch);
                            trainer.workspace_mut().set_dense_from(from);
                            let losses = [(); 2].map(|()| trainer.step(exec, case.batch()));
                            let codes = dense(trainer.workspace().codes());
                            let parameters = trainer.into_parameters();
                            let values = parameters.values().iter().chain(&codes);
                            let bits: Vec<u32> = values.map(|x| x.to_bits()).collect();
                            (losses, bits)
                        };
                        let serial = everything(Exec::serial(isa));
                        for pool in &pools {
                            let shared = pool.install(|| everything(Exec::parallel(isa)));
                            let threads = pool.current_num_threads();
                            assert!(
                                serial == shared,
                                "{isa}, {threads} threads, {variant:?}, {path}, batch {batch}"
                            );
                        }
                    }
                }
            }
        }
    }
}

/// A workspace can be used again for smaller batches, and a batch may lie in a larger matrix.
#[test]
fn a_workspace_serves_any_batch_up_to_its_capacity() {
    let shape = Shape {
        width: 7,
        dictionary: 20,
    };
    for variant in variants(20, 0.1) {
        for exec in isas().into_iter().map(Exec::serial) {
            let mut used = Workspace::new(shape, variant, 9);
            used.set_dead(dead);
            for batch in [9, 4, 0, 1, 7] {
                let case = Case::new(shape, variant, batch, batch as u64);
                let wide: Vec<f32> = case
                    .x
                    .chunks(7)
                    .flat_map(|row| row.iter().copied().chain([f32::NAN; 2]))
                    .collect();
                let x = MatRef::with_strides(&wide, batch, 7, 9, 1).unwrap();
                let mut gradient = Parameters::zeros(shape, variant);
                let losses = sae::gradient(exec, &case.parameters, x, &mut used, &mut gradient);
                assert_eq!((losses, gradient), case.gradient(exec, sae::DENSE));
            }
        }
    }
}

/// A NaN in the weights of an element, or in a sample, reaches the loss.
#[test]
fn nan_reaches_the_loss() {
    let shape = Shape {
        width: 5,
        dictionary: 40,
    };
    for variant in variants(40, 0.1) {
        let case = Case::new(shape, variant, 6, 3);
        for exec in isas().into_iter().map(Exec::serial) {
            for (_, from) in PATHS {
                for (name, at) in [("w_enc", 33), ("b_enc", 17), ("w_dec", 4)] {
                    let mut case = case.clone();
                    let tied = matches!(variant, Variant::TiedL1(_));
                    if tied && name == "w_enc" {
                        continue;
                    }
                    let [mut tensor] = case.parameters.tensors_mut([name]);
                    let (row, col) = if name == "b_enc" { (0, at) } else { (at, 2) };
                    tensor.row(row)[col] = f32::NAN;
                    // An element that is not active may have any row.
                    let unused = name == "w_dec"
                        && matches!(variant, Variant::TopK(_) | Variant::JumpRelu(_));
                    let loss = case.gradient(exec, from).0.total();
                    assert!(loss.is_nan() || unused, "{variant:?}: {name}: {loss}");
                }
                let mut case = case.clone();
                case.x[7] = f32::NAN;
                assert!(case.gradient(exec, from).0.total().is_nan());
            }
        }
    }
}

fn top_k(k: usize) -> Variant {
    Variant::TopK(TopK { k, aux: None })
}

#[test]
fn what_does_not_fit_is_named() {
    let shape = Shape {
        width: 4,
        dictionary: 6,
    };
    let variant = top_k(2);
    let case = Case::new(shape, variant, 5, 1);
    for exec in isas().into_iter().map(Exec::serial) {
        let says = |part: &str, f: &dyn Fn()| {
            let message = panic_message(f);
            assert!(message.contains(part), "{message}");
        };
        let encode = |shape: Shape, variant: Variant, capacity: usize, x: MatRef| {
            let mut workspace = Workspace::new(shape, variant, capacity);
            sae::encode(exec, &case.parameters, x, &mut workspace);
        };
        says("a batch of 5×4 in a workspace for 4×4", &|| {
            encode(shape, variant, 4, case.batch());
        });
        says("a batch of 4×5 in a workspace for 5×4", &|| {
            let x = MatRef::new(&case.x, 4, 5).unwrap();
            encode(shape, variant, 5, x);
        });
        says("not contiguous", &|| {
            let x = MatRef::new(&case.x[..16], 4, 4).unwrap();
            encode(shape, variant, 5, x.t());
        });
        says("another model", &|| {
            encode(shape, top_k(3), 5, case.batch());
        });
        says("the 7 largest of 6", &|| {
            Parameters::zeros(shape, top_k(7));
        });
        for (bandwidth, threshold, what) in [
            (0.0, 0.1, "a bandwidth of 0"),
            (f32::NAN, 0.1, "a bandwidth of NaN"),
            (0.1, -0.5, "thresholds that start at -0.5"),
        ] {
            let model = JumpRelu {
                lambda: 1.0,
                bandwidth,
                threshold,
            };
            says(what, &|| {
                Parameters::zeros(shape, Variant::JumpRelu(model));
            });
        }
        says("the gradient of another model", &|| {
            let mut workspace = case.workspace(0.1);
            let mut gradient = Parameters::zeros(shape, top_k(1));
            sae::gradient(
                exec,
                &case.parameters,
                case.batch(),
                &mut workspace,
                &mut gradient,
            );
        });
        says("codes of 1×3 into 1×4", &|| {
            let codes = SparseRef::new(&[0, 0], &[], &[], 3).unwrap();
            let mut x_hat = [0.0; 4];
            let out = MatMut::new(&mut x_hat, 1, 4).unwrap();
            sae::decode(exec, &case.parameters, codes, out);
        });
        says("no tensor \"threshold\"", &|| {
            case.parameters.tensor("threshold");
        });
        says("moments", &|| {
            let moments = [vec![], vec![]];
            Trainer::restore(
                case.parameters.clone(),
                Adam::default(),
                5,
                moments,
                0,
                vec![0; 6],
            );
        });
    }
}

/// Initial parameters: unit rows, the encoder their transpose, no biases.
#[test]
fn training_starts_from_unit_rows() {
    let shape = Shape {
        width: 10,
        dictionary: 7,
    };
    for variant in variants(7, 0.1) {
        let parameters = Parameters::initial(shape, variant, stream(5));
        let rows = parameters.dictionary();
        for j in 0..7 {
            let norm: f32 = rows.row(j).iter().map(|x| x * x).sum();
            assert!((norm - 1.0).abs() < 1e-6, "{norm}");
        }
        for (name, tensor) in parameters.tensors() {
            match name {
                "w_dec" => {}
                "w_enc" if !matches!(variant, Variant::TwoLayer(_)) => {
                    assert_eq!(tensor.data(), rows.data());
                }
                "w_enc" | "w_hidden" => assert!(tensor.data().iter().all(|&x| x != 0.0)),
                "threshold" => assert!(tensor.data().iter().all(|&x| x == 0.2)),
                _ => assert!(tensor.data().iter().all(|&x| x == 0.0), "{name}"),
            }
        }
    }
}

/// Dead elements take the direction of the one sample that is reconstructed badly; the others, and their
/// moments, stay as they are.
#[test]
fn dead_elements_are_resampled() {
    const DEAD_AFTER: u32 = 4;
    let shape = Shape {
        width: 9,
        dictionary: 16,
    };
    for variant in variants(16, 0.1) {
        for exec in isas().into_iter().map(Exec::serial) {
            let mut parameters = Parameters::initial(shape, variant, stream(7));
            for (i, value) in parameters.values_mut().iter_mut().enumerate() {
                // No zeros, so that what is reset shows.
                *value += 1e-3 * (1.0 + i as f32).sin();
            }
            let len = parameters.values().len();
            let mut next = stream(8);
            let moments = [(); 2].map(|()| (0..len).map(|_| next().abs() + 0.1).collect());
            let idle: Vec<u32> = (0..16).map(|j| j * j % 7).collect();
            let is_dead = |j: usize| idle[j] >= DEAD_AFTER;
            let adam = Adam::default();
            let mut trainer =
                Trainer::restore(parameters.clone(), adam, 5, moments, 3, idle.clone());

            // All samples but one are reconstructed without an error that counts beside that one's.
            let mut x = vec![0.0; 5 * 9];
            let mut codes = Workspace::new(shape, variant, 5);
            x[2 * 9..3 * 9].fill_with(|| 100.0 * next());
            let batch = MatRef::new(&x, 5, 9).unwrap();
            sae::encode(exec, &parameters, batch, &mut codes);
            let before = trainer.clone();
            let count = trainer.resample(exec, batch, DEAD_AFTER, || 0.5);
            assert_eq!(count, (0..16).filter(|&j| is_dead(j)).count());

            let input: Vec<f64> = (0..9)
                .map(|c| f64::from(x[2 * 9 + c]) - f64::from(parameters.b_dec()[c]))
                .collect();
            let norm = |row: &[f64]| row.iter().map(|v| v * v).sum::<f64>().sqrt();
            let wide = |row: &[f32]| row.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
            let mut start = 0;
            for ((name, old), (_, new)) in before
                .parameters()
                .tensors()
                .zip(trainer.parameters().tensors())
            {
                let of_elements = !matches!(name, "b_dec" | "w_hidden" | "b_hidden");
                for j in 0..16 {
                    let part = match (of_elements, old.rows()) {
                        (true, 1) => j..j + 1,
                        (true, _) => j * old.cols()..(j + 1) * old.cols(),
                        (false, _) if j == 0 => 0..old.data().len(),
                        (false, _) => continue,
                    };
                    let changed = of_elements && is_dead(j);
                    let (old, new) = (&old.data()[part.clone()], &new.data()[part.clone()]);
                    for (was, is) in before.moments().iter().zip(trainer.moments()) {
                        let place = start + part.start..start + part.end;
                        let (was, is) = (&was[place.clone()], &is[place]);
                        assert!(if changed {
                            is.iter().all(|&m| m == 0.0)
                        } else {
                            is == was
                        });
                    }
                    if !changed {
                        assert_eq!(new, old, "{variant:?}: {name}");
                        continue;
                    }
                    let new = wide(new);
                    let alive = (0..16).filter(|&j| !is_dead(j));
                    let parallel = |length: f64| {
                        for (got, want) in new.iter().zip(&input) {
                            let want = want / norm(&input) * length;
                            assert!((got - want).abs() <= 1e-6 * length, "{variant:?}: {name}");
                        }
                    };
                    match name {
                        "w_dec" => parallel(1.0),
                        "w_enc" => {
                            let rows = before.parameters().tensor("w_enc");
                            let norms: Vec<f64> = alive.map(|j| norm(&wide(rows.row(j)))).collect();
                            let length = 0.2 * norms.iter().sum::<f64>() / norms.len() as f64;
                            if matches!(variant, Variant::TwoLayer(_)) {
                                assert!((norm(&new) - length).abs() <= 1e-6 * length);
                            } else {
                                parallel(length);
                            }
                        }
                        "threshold" => assert_eq!(new, [f64::from(0.2f32)]),
                        _ => assert!(new.iter().all(|&v| v == 0.0), "{variant:?}: {name}"),
                    }
                }
                start += old.data().len();
            }
            for (j, &after) in trainer.idle().iter().enumerate() {
                assert_eq!(after, if is_dead(j) { 0 } else { idle[j] });
            }
            assert_eq!(trainer.resample(exec, batch, DEAD_AFTER, || 0.5), 0);
        }
    }
}

/// One weight, one threshold θ = 1, bandwidth ε = 1/2: ∂θ = −1/ε Σ (θ·2e/B + λ/B) over the samples within ε/2 of θ,
/// one below it and one above.
#[test]
fn the_gradient_of_a_threshold_by_hand() {
    let shape = Shape {
        width: 1,
        dictionary: 1,
    };
    let variant = Variant::JumpRelu(JumpRelu {
        lambda: 0.3,
        bandwidth: 0.5,
        threshold: 1.0,
    });
    let mut parameters = Parameters::zeros(shape, variant);
    for name in ["w_enc", "w_dec", "threshold"] {
        let [mut tensor] = parameters.tensors_mut([name]);
        tensor.row(0)[0] = 1.0;
    }
    let x = [0.875, 1.125, 2.0, 0.5];
    let case = Case {
        parameters,
        x: x.to_vec(),
    };
    for exec in isas().into_iter().map(Exec::serial) {
        for (_, from) in PATHS {
            let (losses, gradient) = case.gradient(exec, from);
            // e = −0.875, 0, 0, −0.5
            assert_eq!(losses.reconstruction, (0.875 * 0.875 + 0.25) / 4.0);
            assert_eq!(losses.density, 0.5);
            assert!((losses.sparsity - 0.15).abs() < 1e-7);
            let want = -2.0 * (-2.0 * 0.875 / 4.0 + 0.3 / 4.0) - 2.0 * (0.3 / 4.0);
            let got = gradient.tensor("threshold").at(0, 0);
            assert!((got - want).abs() < 1e-6, "{got}, not {want}");
        }
    }
}

/// The penalty of a gated code falls on its gate: where only the magnitude grows, it does not.
#[test]
fn magnitudes_are_not_penalised() {
    let shape = Shape {
        width: 3,
        dictionary: 5,
    };
    let mut case = Case::new(shape, Variant::Gated(Gated { lambda: 1.0 }), 6, 2);
    for exec in isas().into_iter().map(Exec::serial) {
        let (before, _) = case.gradient(exec, 0.0);
        let mut louder = case.clone();
        let [mut r_mag] = louder.parameters.tensors_mut(["r_mag"]);
        r_mag.row(0).iter_mut().for_each(|r| *r += 1.0);
        let (after, _) = louder.gradient(exec, 0.0);
        assert!(before.sparsity > 0.0 && before.reconstruction != after.reconstruction);
        assert_eq!(
            (before.sparsity, before.auxiliary),
            (after.sparsity, after.auxiliary)
        );
        // With r = 0 and both biases alike, the two paths are one.
        let [mut r_mag] = case.parameters.tensors_mut(["r_mag"]);
        r_mag.row(0).fill(0.0);
        let b_gate = case.parameters.tensor("b_enc").row(0).to_vec();
        let [mut b_mag] = case.parameters.tensors_mut(["b_mag"]);
        b_mag.row(0).copy_from_slice(&b_gate);
        let (alike, _) = case.gradient(exec, 0.0);
        assert!((alike.auxiliary - alike.reconstruction).abs() < 1e-5 * alike.auxiliary);
    }
}

/// A step that would take a threshold below 0 takes it to 0.
#[test]
fn thresholds_are_clamped_at_zero() {
    let shape = Shape {
        width: 1,
        dictionary: 1,
    };
    let variant = Variant::JumpRelu(JumpRelu {
        lambda: 0.0,
        bandwidth: 0.5,
        threshold: 1.0,
    });
    for exec in isas().into_iter().map(Exec::serial) {
        for (learning_rate, want) in [(0.25, 0.75), (2.0, 0.0)] {
            let parameters = Parameters::initial(shape, variant, || 1.0);
            let adam = Adam {
                learning_rate,
                ..Adam::default()
            };
            let mut trainer = Trainer::new(parameters, adam, 1);
            // Just below the threshold: it pays to be lower.
            trainer.step(exec, MatRef::new(&[0.875], 1, 1).unwrap());
            let got = trainer.parameters().tensor("threshold").at(0, 0);
            assert!((got - want).abs() < 1e-6, "{got}, not {want}");
        }
    }
}
