//! Training steps allocate nothing. This is a binary of its own, since an allocator belongs to a whole program.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::LocalKey;

use kernels::adam::{self, Adam};
use kernels::loss::Loss;
use kernels::mlp::{self, Parameters, Shape, Supervision, Workspace};
use kernels::sae::{self, Trainer, Variant};
use kernels::{Activation, Exec, Isa, MatMut, MatRef};
use proptests::{each_isa, stream};

/// The system's allocator, counting the allocations of each thread, and all allocations of a pool's threads that are
/// larger than [`JOB`].
struct Counting;

/// The most bytes of a job in the queue of a pool: a thread that hands over work allocates one whenever it finds that
/// no other worker is awake, which depends on the system.
const JOB: usize = 64;

static OF_POOL: AtomicUsize = AtomicUsize::new(0);

/// The lock that is held while there is a pool whose allocations count.
static ONE_POOL: Mutex<()> = Mutex::new(());

thread_local! {
    static HERE: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
    static IN_POOL: Cell<bool> = const { Cell::new(false) };
}

fn count(bytes: usize) {
    HERE.set(HERE.get() + 1);
    BYTES.set(BYTES.get() + bytes);
    if IN_POOL.get() && bytes > JOB {
        OF_POOL.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call is handed on to the system's allocator unchanged; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promises are those that the system's allocator wants.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: as above.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A model in training with its gradient, moments, workspace and data.
struct Training {
    parameters: Parameters,
    gradient: Parameters,
    moments: [Vec<f32>; 2],
    workspace: Workspace,
    pairs: Vec<[u32; 2]>,
    targets: Vec<u32>,
    losses: Vec<f32>,
    norms: Vec<f32>,
    loss: Loss,
    steps: u64,
}

impl Training {
    fn new(shape: Shape, batch: usize, loss: Loss) -> Training {
        let mut next = stream(3);
        let mut parameters = Parameters::zeros(shape);
        parameters.values_mut().fill_with(|| 0.1 * next());
        let moment = vec![0.0; shape.parameters()];
        Training {
            parameters,
            gradient: Parameters::zeros(shape),
            moments: [moment.clone(), moment],
            workspace: Workspace::new(shape, batch),
            pairs: (0..batch as u32)
                .map(|b| [b, 3 * b].map(|i| i % shape.vocabulary as u32))
                .collect(),
            targets: (0..batch as u32).map(|b| b % shape.width as u32).collect(),
            losses: vec![0.0; (shape.layers + 1) * batch],
            norms: vec![0.0; shape.layers * batch],
            loss,
            steps: 0,
        }
    }

    /// Takes a training step: forward pass, losses, backward pass and Adam, and the gradient norms, which a run reads
    /// between steps.
    fn step(&mut self, exec: Exec) {
        let Training {
            parameters,
            gradient,
            moments: [first, second],
            workspace,
            pairs,
            targets,
            losses,
            norms,
            loss,
            steps,
        } = self;
        let batch = pairs.len();
        mlp::forward(exec, parameters, pairs, workspace);
        let losses = MatMut::from_rows(losses, batch);
        mlp::losses(exec, workspace, *loss, targets, losses);
        let norms = MatMut::from_rows(norms, batch);
        mlp::output_gradient_norms(exec, parameters, targets, workspace, norms);
        let supervision = Supervision::Output;
        mlp::backward(
            exec,
            parameters,
            pairs,
            targets,
            *loss,
            supervision,
            workspace,
            gradient,
        );
        *steps += 1;
        let (weights, gradient) = (parameters.values_mut(), gradient.values());
        adam::step(
            exec,
            Adam::default(),
            *steps,
            gradient,
            weights,
            first,
            second,
        );
    }
}

each_isa!(a_step_of_an_autoencoder_allocates_nothing);
/// Steps of a sparse autoencoder allocate nothing after the first ones, on batches of different density.
fn a_step_of_an_autoencoder_allocates_nothing(isa: Isa) {
    let shape = sae::Shape {
        width: 40,
        dictionary: 150,
    };
    let mut next = stream(4);
    let x: Vec<f32> = (0..90 * 40).map(|_| next()).collect();
    let x = MatRef::from_rows(&x, 40);
    let transcoder = sae::Task::Transcoder {
        input: 40,
        shape,
        skip: true,
    };
    let all = [shape.into(), transcoder].map(|task| {
        let all = Variant::examples(shape, 0.1).into_iter();
        let all = all.filter(|variant| variant.transcodes() || task == shape.into());
        all.map(|variant| (task, variant)).collect::<Vec<_>>()
    });
    for (task, variant) in all.concat() {
        let exec = Exec::serial(isa);
        let parameters = sae::Parameters::initial(task, variant, stream(5));
        let mut trainer = Trainer::new(parameters, Adam::default(), 90);
        let mut steps = || {
            for (rows, dense_from) in [(90, f64::INFINITY), (90, 0.0), (31, 0.1)] {
                trainer.workspace_mut().set_dense_from(dense_from);
                trainer.step(exec, x.row_range(0..rows));
            }
        };
        // Elements are dead from the third step on.
        steps();
        let seen = allocations(steps);
        assert_eq!(seen, 0, "{exec:?}, {task:?}, {variant:?}");
    }
}

/// Shapes and batch sizes on both sides of the sizes at which operands are packed and work is shared.
const SHAPES: [(Shape, usize); 3] = [
    (shape(7, 12, 20, 2), 5),
    (shape(100, 100, 100, 4), 256),
    (shape(20, 300, 400, 2), 200),
];

const fn shape(vocabulary: usize, width: usize, hidden: usize, layers: usize) -> Shape {
    Shape {
        vocabulary,
        width,
        hidden,
        layers,
        activation: Activation::Gelu,
    }
}

/// Returns the number of allocations of this thread while `f` runs.
fn allocations(f: impl FnOnce()) -> usize {
    counted(&HERE, f)
}

/// Returns the number by which a counter of this thread rises while `f` runs.
fn counted(counter: &'static LocalKey<Cell<usize>>, f: impl FnOnce()) -> usize {
    let before = counter.get();
    f();
    counter.get() - before
}

each_isa!(a_training_step_allocates_nothing);
fn a_training_step_allocates_nothing(isa: Isa) {
    let seen = allocations(|| drop(std::hint::black_box(Vec::<u8>::with_capacity(100))));
    assert_eq!(seen, 1, "a counter that does not count");
    for &loss in Loss::ALL {
        for (shape, batch) in SHAPES {
            let mut training = Training::new(shape, batch, loss);
            // The first step makes room for packed operands, which later ones use again.
            training.step(Exec::serial(isa));
            let seen = allocations(|| {
                for _ in 0..3 {
                    training.step(Exec::serial(isa));
                }
            });
            assert_eq!(seen, 0, "{loss:?}, {shape:?}, batch {batch}");
        }
    }
    for (shape, batch) in SHAPES {
        in_parallel(Exec::parallel(isa), shape, batch);
    }
}

/// The buffer for packed operands belongs to a thread, and which thread packs is left to chance: a thread allocates a
/// buffer when it first meets a product larger than those before, or two of them, one inside the other. So the number
/// of allocations is bounded by threads and sizes, not by steps.
fn in_parallel(exec: Exec, shape: Shape, batch: usize) {
    const THREADS: usize = 2;
    const STEPS: usize = 20;
    let _alone = ONE_POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(THREADS)
        .start_handler(|_| IN_POOL.set(true))
        .build()
        .expect("a pool");
    let mut training = Training::new(shape, batch, Loss::CrossEntropy);
    let seen = pool.install(|| {
        training.step(exec);
        let before = OF_POOL.load(Ordering::Relaxed);
        for _ in 0..STEPS {
            training.step(exec);
        }
        OF_POOL.load(Ordering::Relaxed) - before
    });
    println!("{:?}, {shape:?}: {seen} in {STEPS} steps", exec.isa());
    assert!(seen < STEPS, "{seen} allocations in {STEPS} steps");
}

/// A workspace takes as many bytes as it says.
#[test]
fn workspaces_are_as_large_as_they_say() {
    const BATCH: usize = 7;
    let of_mlp = shape(20, 6, 5, 3);
    let taken = counted(&BYTES, || drop(Workspace::new(of_mlp, BATCH)));
    assert_eq!(taken, Workspace::bytes(of_mlp, BATCH));

    let of_sae = sae::Shape {
        width: 6,
        dictionary: 11,
    };
    let transcoder = |skip| sae::Task::Transcoder {
        input: 9,
        shape: of_sae,
        skip,
    };
    for task in [of_sae.into(), transcoder(false), transcoder(true)] {
        for variant in Variant::examples(of_sae, 0.1) {
            let taken = counted(&BYTES, || drop(sae::Workspace::new(task, variant, BATCH)));
            let said = sae::Workspace::bytes(task, variant, BATCH);
            assert_eq!(taken, said, "{task:?}, {variant:?}");
        }
    }
}
