//! Models of every variant, each with a batch, which the tests share.

use kernels::sae::{self, Losses, Parameters, Shape, Task, Variant, Workspace};
use kernels::{Exec, MatRef, SparseRef};
use proptest::prelude::*;
use proptests::reference::sae::{Model, Pass, Samples};
use proptests::stream;

/// The two ways to compute the products of a pass: on the entries of the codes, or dense.
pub const PATHS: [(&str, f64); 2] = [("sparse", f64::INFINITY), ("dense", 0.0)];

/// Returns the bits of losses, since those of no samples are NaN, which equals nothing.
pub fn bits(losses: Losses) -> [u64; 4] {
    let Losses {
        reconstruction,
        sparsity,
        auxiliary,
        density,
    } = losses;
    [reconstruction, sparsity, auxiliary, density].map(f64::to_bits)
}

/// A model and a batch for it.
#[derive(Clone, Debug)]
pub struct Case {
    pub parameters: Parameters,
    pub x: Vec<f32>,
    /// The targets of a transcoder.
    pub y: Vec<f32>,
}

impl Case {
    /// Makes a model with parameters of the usual size (rows of the dictionary with norms on both sides of 1, biases of
    /// both signs) and a batch.
    pub fn new(task: impl Into<Task>, variant: Variant, batch: usize, seed: u64) -> Case {
        let task = task.into();
        let mut next = stream(seed);
        let mut parameters = Parameters::zeros(task, variant);
        let width = task.input().max(task.shape().width).max(1);
        let scale = (width as f32).sqrt().recip();
        for value in parameters.values_mut() {
            *value = 1.7 * scale * next();
        }
        match variant {
            Variant::JumpRelu(_) => {
                let [mut threshold] = parameters.tensors_mut(["threshold"]);
                threshold.row_mut(0).fill_with(|| next().abs());
            }
            // One threshold for all elements: above, among or below the kept entries of a batch.
            Variant::BatchTopK(_) | Variant::Matryoshka(_) => {
                let [mut threshold] = parameters.tensors_mut(["threshold"]);
                threshold.row_mut(0).fill(2.0 * next().abs());
            }
            _ => {}
        }
        let x = (0..batch * task.input()).map(|_| next()).collect();
        let y = match task {
            Task::Autoencoder(_) => vec![],
            Task::Transcoder { shape, .. } => (0..batch * shape.width).map(|_| next()).collect(),
        };
        Case { parameters, x, y }
    }

    pub fn task(&self) -> Task {
        self.parameters.task()
    }

    pub fn shape(&self) -> Shape {
        self.parameters.shape()
    }

    pub fn variant(&self) -> Variant {
        self.parameters.variant()
    }

    pub fn batch(&self) -> MatRef<'_> {
        MatRef::from_rows(&self.x, self.task().input())
    }

    /// Returns the targets of the reconstructions.
    pub fn target(&self) -> MatRef<'_> {
        match self.task() {
            Task::Autoencoder(_) => self.batch(),
            Task::Transcoder { shape, .. } => MatRef::from_rows(&self.y, shape.width),
        }
    }

    pub fn samples(&self) -> Samples {
        let rows = |m: MatRef| (0..m.rows()).map(|i| m.row(i).to_vec()).collect();
        Samples {
            x: rows(self.batch()),
            y: rows(self.target()),
        }
    }

    /// Returns the reference's pass over the batch in training.
    pub fn pass(&self) -> Pass {
        self.model().pass(&self.samples())
    }

    /// Returns the reference's codes of samples that are read one by one, and their reconstructions.
    pub fn reading(&self) -> Pass {
        self.model().reading(&self.samples())
    }

    pub fn model(&self) -> Model {
        let mut model = Model::exact(&self.parameters);
        model.dead = (0..self.shape().dictionary).filter(|&j| dead(j)).collect();
        model
    }

    /// Makes a workspace with some room to spare.
    pub fn workspace(&self, dense_from: f64) -> Workspace {
        let capacity = self.batch().rows() + 3;
        let mut workspace = Workspace::new(self.task(), self.variant(), capacity);
        workspace.set_dense_from(dense_from);
        workspace.set_dead(dead);
        workspace
    }

    pub fn gradient(&self, exec: Exec, dense_from: f64) -> (Losses, Parameters) {
        let mut gradient = Parameters::zeros(self.task(), self.variant());
        // The gradient is overwritten, whatever it holds.
        gradient.values_mut().fill(f32::NAN);
        let mut workspace = self.workspace(dense_from);
        let losses = sae::gradient_to(
            exec,
            &self.parameters,
            self.batch(),
            self.target(),
            &mut workspace,
            &mut gradient,
        );
        (losses, gradient)
    }
}

/// Returns an autoencoder's task, and those of transcoders of that input width without and with a skip connection.
pub fn tasks(input: usize, shape: Shape) -> [Task; 3] {
    let transcoder = |skip| Task::Transcoder { input, shape, skip };
    [shape.into(), transcoder(false), transcoder(true)]
}

/// Returns the variants that there are for a task.
pub fn examples(task: Task, lambda: f32) -> impl Iterator<Item = Variant> {
    let all = Variant::examples(task.shape(), lambda).into_iter();
    all.filter(move |variant| variant.transcodes() || !task.is_transcoder())
}

/// Returns whether an auxiliary loss takes element j for dead.
pub fn dead(j: usize) -> bool {
    j % 3 == 1
}

/// Returns all values of some codes, zeros included.
pub fn dense(codes: SparseRef) -> Vec<f32> {
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

prop_compose! {
    /// A strategy for cases of every variant and task, with widths and dictionaries on both sides of a vector's length.
    pub fn case()(
        task in 0..3usize,
        input in 1..40usize,
        width in 1..40usize,
        dictionary in 1..50usize,
        variant: prop::sample::Index,
        batch in 1..9usize,
        lambda in prop_oneof![Just(0.0f32), 0f32..2.0],
        seed: u64,
    ) -> Case {
        let shape = Shape { width, dictionary };
        let task = tasks(input, shape)[task];
        let variants: Vec<Variant> = examples(task, lambda).collect();
        Case::new(task, *variant.get(&variants), batch, seed)
    }
}
