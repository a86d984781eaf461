//! Where the time goes: calls, thread time, FLOP and bytes of every kernel.
//!
//! Off at first. While it is off, a [span](span()) costs one relaxed load and a branch that is never taken; while
//! it is on, two readings of a clock. Results are the same bits either way.
//!
//! *Time* is taken where the work is done: by the thread that does it, around one piece of it. Spans nest, and each has
//! what the spans inside it leave over; so a thread that waits for others and is handed their work meanwhile
//! counts nothing twice, and the times of all parts together are at most threads × time.
//!
//! *Work* is counted once a call, whatever the number of pieces and threads: the operations of the algorithm (2mnk
//! for a product; a multiply-add counts as two, a comparison, a lookup or a conversion as none), and the compulsory traffic,
//! each operand read and each result written once. What a kernel reads again is not counted, nor is what an
//! [`Epilogue`](crate::Epilogue) does to the rows of a product, though its time is. So FLOP/s are those of use,
//! and bytes/s are at most those that went over the wires.
//!
//! ```
//! use kernels::profile::{self, Part};
//! use kernels::{Accumulate, Exec, Isa, MatMut, MatRef, matmul};
//!
//! let a = [1.0; 12];
//! let mut c = [0.0; 9];
//! profile::set_enabled(true);
//! let before = profile::snapshot();
//! let (c, a) = (MatMut::new(&mut c, 3, 3)?, MatRef::new(&a, 3, 4)?);
//! matmul(Exec::serial(Isa::detect()), a, a.t(), Accumulate::Replace, c);
//! profile::set_enabled(false);
//! let product = profile::snapshot().since(&before).of(Part::Product);
//! assert_eq!((product.calls, product.flops), (1, 2 * 3 * 3 * 4));
//! # Ok::<(), kernels::ShapeError>(())
//! ```

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

macro_rules! parts {
    ($($variant:ident $name:literal $about:literal,)+) => {
        /// What time is spent on: kernels, then the phases of a program around them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Part {
            $(#[doc = $about] $variant,)+
        }

        impl Part {
            /// All of them, kernels first.
            pub const ALL: &'static [Part] = &[$(Part::$variant,)+];

            /// A short name.
            pub fn name(self) -> &'static str {
                match self { $(Part::$variant => $name,)+ }
            }

            /// What it is.
            pub fn about(self) -> &'static str {
                match self { $(Part::$variant => $about,)+ }
            }
        }
    };
}

parts! {
    Product "product" "Products of dense matrices, what is fused into them included.",
    Packing "packing" "Packing of a product's second operand.",
    Activation "activation" "Activations and other functions of single values, on their own.",
    Embedding "embedding" "Sums of embeddings, and their gradient.",
    Loss "loss" "Losses, and their gradient.",
    GradientNorms "gradient norms" "Norms of each sample's gradient.",
    Sums "column sums" "Sums over the samples of a batch: gradients of biases.",
    Adam "Adam" "Steps of Adam.",
    Elements "dictionary rows" "Norms, normalisation and projection of a dictionary's rows.",
    MaxProduct "max product" "The largest product of each sparse row with another.",
    Selection "selection" "From the rows of a product to what is kept of them: sparse codes, or the largest value.",
    Decoding "decoding" "Sparse codes times a dictionary, errors, and their products with its elements.",
    Sorting "sorting of codes" "Sparse codes by columns, or to dense ones and back.",
    OuterProducts "sparse outer products" "Gradients of weights, on the active entries.",
    Elementwise "elementwise" "Sums, differences and masks of whole batches.",
    Lasso "lasso" "Iterations of ISTA and FISTA.",
    Pursuit "pursuit" "Steps and refits of matching pursuits, products aside; their work is not counted.",
    Data "generating data" "Drawing of inputs, features and initial values; no kernel.",
    Metrics "metrics" "Reading of results, kernels aside; no kernel.",
    Writing "writing" "Writing of files; no kernel.",
}

const PARTS: usize = Part::ALL.len();

impl Part {
    /// Whether it is a kernel, not a phase around them.
    pub fn is_kernel(self) -> bool {
        !matches!(self, Part::Data | Part::Metrics | Part::Writing)
    }
}

/// What a call has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Operations on floats.
    pub flops: u64,
    /// Compulsory traffic.
    pub bytes: u64,
}

impl Work {
    /// So many operations, and 4 bytes for each value read or written.
    pub fn new(flops: usize, values: usize) -> Work {
        Work {
            flops: flops as u64,
            bytes: 4 * values as u64,
        }
    }

    /// A product of m×k by k×n.
    pub fn product(m: usize, n: usize, k: usize) -> Work {
        Work::new(2 * m * n * k, m * k + k * n + m * n)
    }
}

static ENABLED: AtomicBool = AtomicBool::new(false);

/// Switches profiling on or off, for all threads.
pub fn set_enabled(on: bool) {
    if on {
        origin();
    }
    ENABLED.store(on, Relaxed);
}

/// Counts a call and its work; its time comes from [spans](span()).
#[inline(always)]
pub fn call(part: Part, work: impl FnOnce() -> Work) {
    if ENABLED.load(Relaxed) {
        count(part, work());
    }
}

/// Times the work of this thread on a part, until the span is dropped.
#[inline(always)]
#[must_use = "it ends when it is dropped"]
pub fn span(part: Part) -> Span {
    let open = if ENABLED.load(Relaxed) {
        Open::new(part)
    } else {
        None
    };
    Span {
        open,
        here: PhantomData,
    }
}

/// [`call`], and a [span](span()) of all its work.
#[inline(always)]
#[must_use = "it ends when it is dropped"]
pub fn timed(part: Part, work: impl FnOnce() -> Work) -> Span {
    call(part, work);
    span(part)
}

/// A phase of a program around its kernels: a call and a span without work to count.
#[inline(always)]
#[must_use = "it ends when it is dropped"]
pub fn phase(part: Part) -> Span {
    timed(part, Work::default)
}

/// The time from [`span()`] on; on the thread that it began on.
#[derive(Debug)]
pub struct Span {
    open: Option<Open>,
    here: PhantomData<*const ()>,
}

impl Drop for Span {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(open) = &self.open {
            open.close();
        }
    }
}

#[derive(Debug)]
struct Open {
    part: Part,
    /// In ticks.
    start: u64,
    /// What the spans so far have taken inside the one around.
    outer: u64,
}

impl Open {
    #[cold]
    fn new(part: Part) -> Option<Open> {
        // A thread that ends has nothing to count in any more.
        let outer = LOCAL.try_with(|local| local.inner.replace(0)).ok()?;
        Some(Open {
            part,
            start: ticks(),
            outer,
        })
    }

    #[cold]
    fn close(&self) {
        let elapsed = ticks().saturating_sub(self.start);
        let _ = LOCAL.try_with(|local| {
            let inner = local.inner.replace(self.outer + elapsed);
            let own = elapsed.saturating_sub(inner);
            local.counters.0[self.part as usize].add(0, own, Work::default());
        });
    }
}

/// The processor's counter of cycles at a fixed rate. Unlike the clock of the system it waits for no instruction before it,
/// which costs a product of 64×64 matrices 1.5 % in place of 4 %.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn ticks() -> u64 {
    // SAFETY: the instruction is part of x86-64, and reads no memory.
    unsafe { std::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn ticks() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// When profiling was first switched on, by the clock and in ticks.
fn origin() -> (Instant, u64) {
    static ORIGIN: OnceLock<(Instant, u64)> = OnceLock::new();
    *ORIGIN.get_or_init(|| (Instant::now(), ticks()))
}

/// Ticks as nanoseconds, at the rate since then.
fn nanoseconds(count: u64) -> u64 {
    let (begun, start) = origin();
    let passed = ticks().saturating_sub(start).max(1);
    let rate = begun.elapsed().as_nanos() as f64 / passed as f64;
    (count as f64 * rate) as u64
}

#[cold]
fn count(part: Part, work: Work) {
    let _ = LOCAL.try_with(|local| local.counters.0[part as usize].add(1, 0, work));
}

/// What one thread has counted. It alone writes.
#[derive(Default)]
struct Counters([Counter; PARTS]);

#[derive(Default)]
struct Counter {
    calls: AtomicU64,
    ticks: AtomicU64,
    flops: AtomicU64,
    bytes: AtomicU64,
}

impl Counter {
    #[inline(always)]
    fn add(&self, calls: u64, ticks: u64, work: Work) {
        for (counter, more) in [
            (&self.calls, calls),
            (&self.ticks, ticks),
            (&self.flops, work.flops),
            (&self.bytes, work.bytes),
        ] {
            counter.store(counter.load(Relaxed) + more, Relaxed);
        }
    }
}

struct Local {
    counters: Arc<Counters>,
    /// Ticks of the spans that have ended inside the innermost one.
    inner: Cell<u64>,
}

/// The counters of all threads that have counted anything.
static THREADS: Mutex<Vec<Arc<Counters>>> = Mutex::new(Vec::new());

thread_local! {
    static LOCAL: Local = {
        let counters = Arc::<Counters>::default();
        let mut threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
        threads.push(counters.clone());
        Local { counters, inner: Cell::new(0) }
    };
}

/// What was counted for a part, by all threads together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Calls.
    pub calls: u64,
    /// Thread time.
    pub nanoseconds: u64,
    /// Operations on floats.
    pub flops: u64,
    /// Compulsory traffic.
    pub bytes: u64,
}

/// What was counted up to a moment, since the program began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot([Raw; PARTS]);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Raw {
    calls: u64,
    ticks: u64,
    work: Work,
}

/// What all threads have counted so far; what is under way is not in it.
pub fn snapshot() -> Snapshot {
    let threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut sum = Snapshot::default();
    for counters in threads.iter() {
        for (sum, counter) in sum.0.iter_mut().zip(&counters.0) {
            sum.calls += counter.calls.load(Relaxed);
            sum.ticks += counter.ticks.load(Relaxed);
            sum.work.flops += counter.flops.load(Relaxed);
            sum.work.bytes += counter.bytes.load(Relaxed);
        }
    }
    sum
}

impl Snapshot {
    /// What was counted for a part.
    pub fn of(&self, part: Part) -> Totals {
        let Raw { calls, ticks, work } = self.0[part as usize];
        Totals {
            calls,
            nanoseconds: nanoseconds(ticks),
            flops: work.flops,
            bytes: work.bytes,
        }
    }

    /// What came between an earlier snapshot and this one.
    pub fn since(&self, earlier: &Snapshot) -> Snapshot {
        let mut between = *self;
        for (now, then) in between.0.iter_mut().zip(&earlier.0) {
            now.calls -= then.calls;
            now.ticks -= then.ticks;
            now.work.flops -= then.work.flops;
            now.work.bytes -= then.work.bytes;
        }
        between
    }
}
