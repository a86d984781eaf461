//! Ten steps of training sparse autoencoders against PyTorch, tensor by tensor; `fixtures/sae.py` computed PyTorch's
//! results, in f64.
//!
//! As in `mlp/pytorch.rs`: our reference in f64 must agree with PyTorch to f64 accuracy; losses, gradients and every
//! step of the kernels are held to bounds that follow from an error analysis; and after ten steps the tolerance
//! is how far the f64 run strays when every gradient, weight and moment is moved by the bound of one step.

use kernels::adam::Adam;
use kernels::sae::{
    self, AuxK, BatchTopK, Gated, JumpRelu, L1, Lista, Matryoshka, Parameters, Prefixes, Rows,
    Shape, TiedL1, TopK, Trainer, TwoLayer, Variant, Workspace,
};
use kernels::{Exec, Isa, MatRef};
use proptests::bounded::{Bounded, ONE, assert_within, blur};
use proptests::each_isa;
use proptests::fixture::Fixture;
use proptests::reference::adam::{Moments, step};
use proptests::reference::sae::{Model, Pass, Samples};
use proptests::training::{Run, assert_near, median, values, wide};

const STEPS: usize = 10;
const ADAM: Adam = Adam {
    learning_rate: 1e-2,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
};
const LAMBDA: f32 = 0.25;
const AUX: Option<AuxK> = Some(AuxK {
    k: 2,
    coefficient: 0.5,
    dead_after: 2,
});
const BATCH_TOP_K: BatchTopK = BatchTopK { k: 2, aux: AUX };

/// Returns the variants of the fixture with their names, and whether rows of the dictionary are held at norm 1.
fn variants() -> [(&'static str, Variant, bool); 10] {
    let prefixes = Prefixes::new(&[3, 6, 12]).expect("sizes that rise");
    [
        (
            "l1_penalised",
            Variant::L1(L1 {
                lambda: LAMBDA,
                rows: Rows::Penalised,
            }),
            false,
        ),
        (
            "l1_unit",
            Variant::L1(L1 {
                lambda: LAMBDA,
                rows: Rows::Unit,
            }),
            true,
        ),
        ("tied_l1", Variant::TiedL1(TiedL1 { lambda: LAMBDA }), false),
        ("topk", Variant::TopK(TopK { k: 2, aux: AUX }), true),
        ("batch_topk", Variant::BatchTopK(BATCH_TOP_K), true),
        (
            "matryoshka",
            Variant::Matryoshka(Matryoshka {
                codes: BATCH_TOP_K,
                prefixes,
            }),
            true,
        ),
        ("gated", Variant::Gated(Gated { lambda: LAMBDA }), true),
        (
            "jump_relu",
            Variant::JumpRelu(JumpRelu {
                lambda: LAMBDA,
                bandwidth: 0.25,
                threshold: 0.1,
            }),
            true,
        ),
        (
            "two_layer",
            Variant::TwoLayer(TwoLayer {
                hidden: 9,
                lambda: LAMBDA,
            }),
            true,
        ),
        (
            "lista",
            Variant::Lista(Lista {
                steps: 3,
                lambda: LAMBDA,
            }),
            true,
        ),
    ]
}

/// A task that the fixture sets.
struct Task {
    initial: Parameters,
    unit_rows: bool,
    x: Vec<Vec<f32>>,
}

impl Task {
    fn new(fixture: &Fixture, name: &str, variant: Variant, unit_rows: bool) -> Task {
        let [dictionary, width] = fixture.sizes(&format!("{name}.initial.w_dec"))[..] else {
            panic!("a dictionary is a matrix");
        };
        let mut initial = Parameters::zeros(Shape { width, dictionary }, variant);
        let names: Vec<_> = initial.tensors().map(|(tensor, _)| tensor).collect();
        let values = names
            .iter()
            .flat_map(|tensor| fixture.singles(&format!("{name}.initial.{tensor}")));
        let values: Vec<f32> = values.collect();
        initial.values_mut().copy_from_slice(&values);
        Task {
            initial,
            unit_rows,
            x: fixture
                .singles("x")
                .chunks(width)
                .map(<[f32]>::to_vec)
                .collect(),
        }
    }

    /// Reads a model's tensors in the order of its parameters.
    fn read(&self, fixture: &Fixture, of: &str) -> Vec<f64> {
        let tensors = self.initial.tensors();
        tensors
            .flat_map(|(tensor, _)| fixture.numbers(&format!("{of}.{tensor}")))
            .collect()
    }

    /// Returns the range of each row of the dictionary among the parameters.
    fn rows(&self, model: &Model) -> Vec<std::ops::Range<usize>> {
        let places = model.places();
        let (_, range) = places.iter().find(|it| it.0 == "w_dec").expect("w_dec");
        let width = self.initial.shape().width;
        let row = |j| range.start + j * width..range.start + (j + 1) * width;
        (0..self.initial.shape().dictionary).map(row).collect()
    }

    /// Updates weights and moments by a step with a gradient, on a batch whose codes are these.
    fn step(
        &self,
        t: u64,
        model: &mut Model,
        gradient: &[Bounded],
        moments: &mut [Moments],
        codes: &[Vec<Bounded>],
    ) {
        let mut gradient = gradient.to_vec();
        let rows = if self.unit_rows {
            self.rows(model)
        } else {
            vec![]
        };
        for row in &rows {
            let (w, g) = (&model.values[row.clone()], &gradient[row.clone()]);
            let dot = |a: &[Bounded], b: &[Bounded]| {
                Bounded::sum_of_products(a.iter().copied().zip(b.iter().copied()))
            };
            let along = dot(g, w).over(dot(w, w));
            let minus = Bounded {
                value: -along.value,
                ..along
            };
            let rest = w.iter().zip(g);
            let rest: Vec<Bounded> = rest
                .map(|(&w, &g)| Bounded::sum_of_products([(g, ONE), (minus, w)]))
                .collect();
            gradient[row.clone()].copy_from_slice(&rest);
        }
        for (i, &gradient) in gradient.iter().enumerate() {
            step(ADAM, t, &mut model.values[i], gradient, &mut moments[i]);
        }
        for row in rows {
            let w = &mut model.values[row];
            let square = Bounded::sum_of_products(w.iter().map(|&w| (w, w)));
            // The kernel multiplies by the reciprocal.
            let norm = square.sqrt().round(1);
            for w in w {
                *w = w.over(norm).round(1);
            }
        }
        let places = model.places();
        if let Some((_, range)) = places.into_iter().find(|place| place.0 == "threshold") {
            let kept = codes.iter().flatten().filter(|f| f.value > 0.0);
            let smallest = kept.min_by(|a, b| a.value.total_cmp(&b.value)).copied();
            for threshold in &mut model.values[range] {
                match self.initial.variant() {
                    Variant::JumpRelu(_) => threshold.value = threshold.value.max(0.0),
                    _ => {
                        let smallest = smallest.expect("an entry that is kept");
                        let weight = f32::max(0.01, 10.0 / (t as f32 + 9.0));
                        let (weight, less) = (Bounded::exact(weight), Bounded::exact(-weight));
                        let terms = [(*threshold, ONE), (weight, smallest), (less, *threshold)];
                        *threshold = Bounded::sum_of_products(terms).round(2);
                    }
                }
            }
        }
    }

    /// Trains the reference in f64, where `sway` moves every result within its bound: by −1 to 1 of it.
    fn train_in_f64(&self, sway: &mut dyn FnMut() -> f64) -> Run {
        let mut sway = |x: Bounded| Bounded {
            value: x.value + sway() * x.error,
            error: 0.0,
        };
        let mut model = Model::exact(&self.initial);
        let mut moments = vec![Moments::default(); model.values.len()];
        let mut idle = vec![0; self.initial.shape().dictionary];
        let (mut losses, mut first) = (vec![], None);
        for t in 1..=STEPS as u64 {
            model.dead = dead(self.initial.variant(), &idle);
            let pass = model.pass(&Samples::of(&self.x));
            losses.extend(terms(&pass).map(|loss| sway(loss).value));
            let gradient: Vec<Bounded> = pass.gradient.iter().map(|&g| sway(g)).collect();
            self.step(t, &mut model, &gradient, &mut moments, &pass.codes);
            for (value, moments) in model.values.iter_mut().zip(&mut moments) {
                *value = sway(*value);
                moments.first = sway(moments.first);
                moments.second = sway(moments.second);
                // Underflow alone could bring the moment below 0.
                moments.second.value = moments.second.value.max(0.0);
            }
            count(&pass, &mut idle);
            first.get_or_insert(gradient);
        }
        Run {
            losses,
            gradient: values(&first.expect("a step")),
            last: values(&model.values),
        }
    }

    /// Trains with the kernels, and asserts that each step is that of the reference from the same state.
    fn train(&self, exec: Exec, dense_from: f64) -> Run {
        let (shape, variant) = (self.initial.shape(), self.initial.variant());
        let batch = self.x.concat();
        let x = MatRef::from_rows(&batch, shape.width);
        let mut trainer = Trainer::new(self.initial.clone(), ADAM, self.x.len());
        trainer.workspace_mut().set_dense_from(dense_from);
        let (mut losses, mut first) = (vec![], None);
        for t in 1..=STEPS as u64 {
            let what = format!("{}, step {t}", exec.isa());
            let mut model = Model::exact(trainer.parameters());
            model.dead = dead(variant, trainer.idle());
            let want = model.pass(&Samples::of(&self.x));
            assert!(!want.ambiguous, "{what}");
            let mut moments: Vec<Moments> = moments(&trainer);

            let mut workspace = Workspace::new(shape, variant, self.x.len());
            workspace.set_dense_from(dense_from);
            workspace.set_dead(|j| model.dead.contains(&j));
            let mut gradient = Parameters::zeros(shape, variant);
            let parameters = trainer.parameters();
            let got = sae::gradient(exec, parameters, x, &mut workspace, &mut gradient);
            assert_eq!(got, trainer.step(exec, x), "{what}");

            for (got, want) in [got.reconstruction, got.sparsity, got.auxiliary]
                .into_iter()
                .zip(terms(&want))
            {
                assert!(
                    (got - want.value).abs() <= want.error,
                    "{what}: a loss of {got}"
                );
                losses.push(got);
            }
            assert_within(
                &format!("{what}: gradient"),
                gradient.values(),
                &want.gradient,
            );
            let exact: Vec<Bounded> = gradient
                .values()
                .iter()
                .map(|&g| Bounded::exact(g))
                .collect();
            self.step(t, &mut model, &exact, &mut moments, &want.codes);
            let weights = trainer.parameters().values();
            assert_within(&format!("{what}: weights"), weights, &model.values);
            first.get_or_insert_with(|| wide(gradient.values()));
        }
        Run {
            losses,
            gradient: first.expect("a step"),
            last: wide(trainer.parameters().values()),
        }
    }
}

fn moments(trainer: &Trainer) -> Vec<Moments> {
    let [first, second] = trainer.moments();
    let pairs = first.iter().zip(second);
    pairs
        .map(|(&first, &second)| Moments {
            first: Bounded::exact(first),
            second: Bounded::exact(second),
        })
        .collect()
}

fn terms(pass: &Pass) -> [Bounded; 3] {
    [pass.reconstruction, pass.sparsity, pass.auxiliary]
}

/// Returns the elements that have not fired for so long that they count as dead.
fn dead(variant: Variant, idle: &[u32]) -> Vec<usize> {
    let (Variant::TopK(TopK { aux, .. })
    | Variant::BatchTopK(BatchTopK { aux, .. })
    | Variant::Matryoshka(Matryoshka {
        codes: BatchTopK { aux, .. },
        ..
    })) = variant
    else {
        return vec![];
    };
    let after = aux.expect("an auxiliary loss").dead_after;
    (0..idle.len()).filter(|&j| idle[j] >= after).collect()
}

fn count(pass: &Pass, idle: &mut [u32]) {
    for (j, idle) in idle.iter_mut().enumerate() {
        let fired = pass.codes.iter().any(|code| code[j].value > 0.0);
        *idle = if fired { 0 } else { *idle + 1 };
    }
}

each_isa!(training_follows_pytorch);
fn training_follows_pytorch(isa: Isa) {
    let fixture = Fixture::read("sae.safetensors");
    for (name, variant, unit_rows) in variants() {
        let task = Task::new(&fixture, name, variant, unit_rows);
        let torch = Run {
            losses: fixture.numbers(&format!("{name}.losses")),
            gradient: task.read(&fixture, &format!("{name}.gradient")),
            last: task.read(&fixture, &format!("{name}.final")),
        };
        assert_eq!(torch.losses.len(), 3 * STEPS);
        let auxiliary = matches!(
            variant,
            Variant::TopK(_) | Variant::BatchTopK(_) | Variant::Matryoshka(_) | Variant::Gated(_)
        );
        assert_eq!(torch.losses.last() > Some(&0.0), auxiliary, "{name}");

        let still = task.train_in_f64(&mut || 0.0);
        still.assert_same(&format!("reference: {name}"), &torch);

        let first = Model::exact(&task.initial).pass(&Samples::of(&task.x));
        // A step is 1e-2 long: the bounds can see far less than one.
        assert!(
            blur(&first.gradient) < 1e-4,
            "{name}: {:e}",
            blur(&first.gradient)
        );
        let stray = still.stray(|sway| task.train_in_f64(sway));
        let typical = median(&stray.last);
        assert!(typical < 1e-4, "{name}: {typical:e}");
        let exec = Exec::serial(isa);
        for (path, from) in [("sparse", f64::INFINITY), ("dense", 0.0)] {
            let got = task.train(exec, from);
            let what = format!("{}, {path}: {name}", exec.isa());
            let first_losses = terms(&first);
            let losses = assert_near(&format!("{what}.losses"), &got.losses, &torch.losses, |i| {
                first_losses
                    .get(i)
                    .map_or(stray.losses[i], |loss| loss.error)
            });
            let (mut gradient, mut last): (f64, f64) = (0.0, 0.0);
            for (tensor, range) in Model::exact(&task.initial).places() {
                let at = |values: &[f64]| values[range.clone()].to_vec();
                gradient = gradient.max(assert_near(
                    &format!("{what}.gradient.{tensor}"),
                    &at(&got.gradient),
                    &at(&torch.gradient),
                    |i| first.gradient[range.start + i].error,
                ));
                last = last.max(assert_near(
                    &format!("{what}.final.{tensor}"),
                    &at(&got.last),
                    &at(&torch.last),
                    |i| stray.last[range.start + i],
                ));
            }
            println!(
                "{what}: of its tolerance uses {losses:.2} (losses), {gradient:.2} (gradient), {last:.2} (final; median ± {typical:.0e})"
            );
        }
    }
}
