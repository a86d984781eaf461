//! What the tests share: models of every variant, each with a batch.

use kernels::sae::{self, Losses, Parameters, Shape, Task, Variant, Workspace};
use kernels::{Exec, MatRef, SparseRef};
use proptest::prelude::*;
use proptests::reference::sae::{Model, Pass, Samples};
use proptests::stream;

/// The products that a pass takes: on the entries, or dense.
pub const PATHS: [(&str, f64); 2] = [("sparse", f64::INFINITY), ("dense", 0.0)];

/// Losses to the bit: those of no samples are NaN, which equals nothing.
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
    /// What a transcoder is to make of it.
    pub y: Vec<f32>,
}

impl Case {
    /// Parameters of the usual size; rows of the dictionary with norms on both sides of 1, biases of
    /// both signs.
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
            // One for all elements: above, among or below what is kept of a batch.
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

    /// What is to be reconstructed of the batch.
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

    /// What the batch leads to in training.
    pub fn pass(&self) -> Pass {
        self.model().pass(&self.samples())
    }

    /// The codes that are read of the batch, and their reconstructions.
    pub fn reading(&self) -> Pass {
        self.model().reading(&self.samples())
    }

    pub fn model(&self) -> Model {
        let mut model = Model::exact(&self.parameters);
        model.dead = (0..self.shape().dictionary).filter(|&j| dead(j)).collect();
        model
    }

    /// A workspace with some room to spare.
    pub fn workspace(&self, dense_from: f64) -> Workspace {
        let capacity = self.batch().rows() + 3;
        let mut workspace = Workspace::new(self.task(), self.variant(), capacity);
        workspace.set_dense_from(dense_from);
        workspace.set_dead(dead);
        workspace
    }

    pub fn gradient(&self, exec: Exec, dense_from: f64) -> (Losses, Parameters) {
        let mut gradient = Parameters::zeros(self.task(), self.variant());
        // It is overwritten, whatever it holds.
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

/// An autoencoder, and transcoders from that width without and with a skip connection.
pub fn tasks(input: usize, shape: Shape) -> [Task; 3] {
    let transcoder = |skip| Task::Transcoder { input, shape, skip };
    [shape.into(), transcoder(false), transcoder(true)]
}

/// The variants that there are for a task.
pub fn examples(task: Task, lambda: f32) -> impl Iterator<Item = Variant> {
    let all = Variant::examples(task.shape(), lambda).into_iter();
    all.filter(move |variant| variant.transcodes() || !task.is_transcoder())
}

/// The elements that an auxiliary loss takes for dead.
pub fn dead(j: usize) -> bool {
    j % 3 == 1
}

/// All values of some codes, zeros included.
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
    /// Every variant as every task, with widths and dictionaries on both sides of a vector's length.
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
