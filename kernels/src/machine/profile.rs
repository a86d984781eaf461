//! A profile of where the time goes: calls, thread time, FLOP and bytes of every kernel.
//!
//! Profiling is off at first, and a [span](span()) then costs one relaxed load and a branch that is never taken; while
//! it is on, it costs two readings of a clock. Results are the same bits either way.
//!
//! *Time* is taken where the work is done: by the thread that does it, around one piece of it. Spans nest, and each
//! counts only the time that the spans inside it leave over; so a thread that waits for others and is handed their work
//! meanwhile counts nothing twice, and the times of all parts together are at most threads × time.
//!
//! *Work* is counted once a call, whatever the number of pieces and threads: the operations of the algorithm (2mnk
//! for a product; a multiply-add counts as two, a comparison, a lookup or a conversion as none), and the compulsory
//! traffic, each operand read and each result written once. What a kernel reads again is not counted, nor is what an
//! [`Epilogue`](crate::Epilogue) does to the rows of a product, though its time is. So FLOP/s are those of the
//! algorithm, and bytes/s are at most those that were read and written. A pass that shares its samples among threads
//! itself, as those of [`mlp`](crate::mlp) and [`sparse_coding`](crate::sparse_coding) do, counts the calls of each
//! share: there, calls and bytes grow with the number of shares.
//!
//! A program gives names of its own to what it does around the kernels: see [`phase`].
//!
//! ```
//! use kernels::profile::{self, Part};
//! use kernels::{Accumulate, Exec, MatMut, MatRef, matmul};
//!
//! let a = [1.0; 12];
//! let mut c = [0.0; 9];
//! profile::set_enabled(true);
//! let before = profile::snapshot();
//! let (c, a) = (MatMut::from_rows(&mut c, 3), MatRef::from_rows(&a, 4));
//! matmul(Exec::default(), a, a.t(), Accumulate::Replace, c);
//! profile::set_enabled(false);
//! let product = profile::snapshot().since(&before).of(Part::Product);
//! assert_eq!((product.calls, product.flops), (1, 2 * 3 * 3 * 4));
//! ```

use std::cell::Cell;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

macro_rules! parts {
    ($($variant:ident $name:literal $about:literal,)+) => {
        /// A group of kernels, of which calls, time and work are counted together.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Part {
            $(#[doc = $about] $variant,)+
        }

        impl Part {
            /// All parts, in the order of their declaration.
            pub const ALL: &'static [Part] = &[$(Part::$variant,)+];

            /// Returns the short name of the part.
            pub fn name(self) -> &'static str {
                match self { $(Part::$variant => $name,)+ }
            }

            /// Returns a description of the part in one sentence.
            pub fn about(self) -> &'static str {
                match self { $(Part::$variant => $about,)+ }
            }
        }
    };
}

parts! {
    Product "product" "Products of dense matrices, what is fused into them included.",
    Screening "screening" "Products of bytes that bound pre-activations from above; operations on bytes are not counted.",
    Packing "packing" "Packing of a product's second operand.",
    Activation "activation" "Activations and other functions of single values, on their own.",
    Embedding "embedding" "Sums of embeddings, and their gradient.",
    Loss "loss" "Losses, and their gradient.",
    GradientNorms "gradient norms" "Norms of each sample's gradient.",
    Sums "column sums" "Sums over the samples of a batch: gradients of biases.",
    Adam "Adam" "Steps of Adam, and the clipping of their gradients.",
    Elements "dictionary rows" "Norms, normalisation and projection of a dictionary's rows.",
    MaxProduct "max product" "The largest product of each sparse row with another.",
    Selection "selection" "From the rows of a product to what is kept of them: sparse codes, or the largest value.",
    Decoding "decoding" "Sparse codes times a dictionary, errors, and their products with its elements.",
    Sorting "sorting of codes" "Sparse codes by columns, or to dense ones and back.",
    OuterProducts "sparse outer products" "Gradients of weights, on the active entries.",
    Elementwise "elementwise" "Sums, differences and masks of whole batches.",
    Lasso "lasso" "Iterations of ISTA and FISTA.",
    Pursuit "pursuit" "Steps and refits of matching pursuits, products aside; their work is not counted.",
}

const PARTS: usize = Part::ALL.len();

/// The subject that calls and spans are counted for: a part, or a phase by its name.
#[derive(Clone, Copy, Debug)]
enum Subject {
    Kernels(Part),
    Phase(&'static str),
}

/// The work of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Work {
    /// The number of operations on floats.
    pub flops: u64,
    /// The compulsory traffic in bytes.
    pub bytes: u64,
}

impl Work {
    /// Returns the work of `flops` operations, with 4 bytes of traffic for each of the `values` read or written.
    pub(crate) fn new(flops: usize, values: usize) -> Work {
        Work {
            flops: flops as u64,
            bytes: 4 * values as u64,
        }
    }

    /// Returns the work of a product of m×k by k×n.
    pub(crate) fn product(m: usize, n: usize, k: usize) -> Work {
        let values = m * k + k * n + m * n;
        Work {
            flops: 2 * m as u64 * n as u64 * k as u64,
            ..Work::new(0, values)
        }
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

/// Counts a call for a part, and its work; the time of the call comes from [spans](span()).
#[inline(always)]
pub(crate) fn call(part: Part, work: impl FnOnce() -> Work) {
    if ENABLED.load(Relaxed) {
        count(Subject::Kernels(part), work());
    }
}

/// Begins a span that times the work of this thread on a part until it is dropped.
#[inline(always)]
#[must_use = "it ends when it is dropped"]
pub fn span(part: Part) -> Span {
    Span::new(Subject::Kernels(part))
}

/// Counts a [`call`] for a part, and begins a [span](span()) of all its work.
#[inline(always)]
#[must_use = "it ends when it is dropped"]
pub(crate) fn timed(part: Part, work: impl FnOnce() -> Work) -> Span {
    call(part, work);
    span(part)
}

/// Begins a phase of a program, for what it does around its kernels: counts a call of the phase `name`, without work,
/// and begins a span. The kernels inside the phase are counted for their own parts.
///
/// ```
/// use kernels::profile;
///
/// profile::set_enabled(true);
/// let drawing = profile::phase("drawing samples");
/// let x: Vec<f32> = (0..1000).map(|i| (i as f32).sin()).collect();
/// drop(drawing);
/// profile::set_enabled(false);
/// assert_eq!(profile::snapshot().of_phase("drawing samples").calls, 1);
/// ```
#[must_use = "it ends when it is dropped"]
pub fn phase(name: &'static str) -> Span {
    if ENABLED.load(Relaxed) {
        count(Subject::Phase(name), Work::default());
    }
    Span::new(Subject::Phase(name))
}

/// A span of time on one thread, from [`span()`] or [`phase`] until it is dropped.
#[derive(Debug)]
pub struct Span {
    open: Option<Open>,
    here: PhantomData<*const ()>,
}

impl Span {
    #[inline(always)]
    fn new(subject: Subject) -> Span {
        let open = if ENABLED.load(Relaxed) {
            Open::new(subject)
        } else {
            None
        };
        Span {
            open,
            here: PhantomData,
        }
    }
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
    subject: Subject,
    /// The time at which the span began, in ticks.
    start: u64,
    /// The ticks of the spans that had ended inside the enclosing span when this one began.
    outer: u64,
}

impl Open {
    #[cold]
    fn new(subject: Subject) -> Option<Open> {
        // A thread that ends no longer has counters.
        let outer = LOCAL.try_with(|local| local.inner.replace(0)).ok()?;
        Some(Open {
            subject,
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
            local.counters.add(self.subject, 0, own, Work::default());
        });
    }
}

/// Reads the processor's counter, which runs at a fixed rate. Unlike the clock of the system it waits for no earlier
/// instruction, which costs a product of 64×64 matrices 1.5 % in place of 4 %.
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

/// Returns the moment at which profiling was first switched on, by the clock and in ticks.
fn origin() -> (Instant, u64) {
    static ORIGIN: OnceLock<(Instant, u64)> = OnceLock::new();
    *ORIGIN.get_or_init(|| (Instant::now(), ticks()))
}

/// Converts ticks to nanoseconds, at the mean rate of ticks since the [`origin`].
fn nanoseconds(count: u64) -> u64 {
    let (begun, start) = origin();
    let passed = ticks().saturating_sub(start).max(1);
    let rate = begun.elapsed().as_nanos() as f64 / passed as f64;
    (count as f64 * rate) as u64
}

#[cold]
fn count(subject: Subject, work: Work) {
    let _ = LOCAL.try_with(|local| local.counters.add(subject, 1, 0, work));
}

/// The counters of one thread, which alone writes to them.
#[derive(Default)]
struct Counters {
    parts: [Counter; PARTS],
    phases: Mutex<BTreeMap<&'static str, Raw>>,
}

impl Counters {
    #[inline(always)]
    fn add(&self, subject: Subject, calls: u64, ticks: u64, work: Work) {
        match subject {
            Subject::Kernels(part) => self.parts[part as usize].add(calls, ticks, work),
            Subject::Phase(name) => {
                let mut phases = locked(&self.phases);
                let phase = phases.entry(name).or_default();
                phase.calls += calls;
                phase.ticks += ticks;
            }
        }
    }
}

/// Locks a mutex, also after a panic of a thread that held it: counters are valid at any time.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

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

    fn read(&self) -> Raw {
        Raw {
            calls: self.calls.load(Relaxed),
            ticks: self.ticks.load(Relaxed),
            work: Work {
                flops: self.flops.load(Relaxed),
                bytes: self.bytes.load(Relaxed),
            },
        }
    }
}

struct Local {
    counters: Arc<Counters>,
    /// The ticks of the spans that have ended inside the innermost open span.
    inner: Cell<u64>,
}

/// The counters of all threads that have counted anything.
static THREADS: Mutex<Vec<Arc<Counters>>> = Mutex::new(Vec::new());

thread_local! {
    static LOCAL: Local = {
        let counters = Arc::<Counters>::default();
        locked(&THREADS).push(counters.clone());
        Local { counters, inner: Cell::new(0) }
    };
}

/// The counts of a part or a phase, over all threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// The number of calls.
    pub calls: u64,
    /// The thread time in nanoseconds.
    pub nanoseconds: u64,
    /// The number of operations on floats.
    pub flops: u64,
    /// The compulsory traffic in bytes.
    pub bytes: u64,
}

/// The counts of all parts and phases from the start of the program up to a moment, or [between](Snapshot::since) two
/// moments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    parts: [Raw; PARTS],
    /// The phases for which something was counted.
    phases: BTreeMap<&'static str, Raw>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Raw {
    calls: u64,
    ticks: u64,
    work: Work,
}

impl Raw {
    fn add(&mut self, other: Raw) {
        self.calls += other.calls;
        self.ticks += other.ticks;
        self.work.flops += other.work.flops;
        self.work.bytes += other.work.bytes;
    }

    fn less(self, earlier: Raw) -> Raw {
        Raw {
            calls: self.calls.saturating_sub(earlier.calls),
            ticks: self.ticks.saturating_sub(earlier.ticks),
            work: Work {
                flops: self.work.flops.saturating_sub(earlier.work.flops),
                bytes: self.work.bytes.saturating_sub(earlier.work.bytes),
            },
        }
    }

    fn totals(self) -> Totals {
        Totals {
            calls: self.calls,
            nanoseconds: nanoseconds(self.ticks),
            flops: self.work.flops,
            bytes: self.work.bytes,
        }
    }
}

/// Returns what all threads have counted so far, with the calls that are under way but without the time of open spans.
pub fn snapshot() -> Snapshot {
    let mut sum = Snapshot::default();
    for counters in locked(&THREADS).iter() {
        for (sum, counter) in sum.parts.iter_mut().zip(&counters.parts) {
            sum.add(counter.read());
        }
        for (&name, &phase) in locked(&counters.phases).iter() {
            sum.phases.entry(name).or_default().add(phase);
        }
    }
    sum
}

impl Snapshot {
    /// Returns what was counted for a part.
    pub fn of(&self, part: Part) -> Totals {
        self.parts[part as usize].totals()
    }

    /// Returns what was counted for the [`phase`] called `name`, which has no work; zeros if there was no such phase.
    pub fn of_phase(&self, name: &str) -> Totals {
        self.phases.get(name).copied().unwrap_or_default().totals()
    }

    /// Returns what was counted between `earlier` and this snapshot; zeros where `earlier` was taken after this one.
    pub fn since(&self, earlier: &Snapshot) -> Snapshot {
        let mut between = self.clone();
        for (now, &then) in between.parts.iter_mut().zip(&earlier.parts) {
            *now = now.less(then);
        }
        for (name, &then) in &earlier.phases {
            if let Some(now) = between.phases.get_mut(name) {
                *now = now.less(then);
            }
        }
        between.phases.retain(|_, phase| *phase != Raw::default());
        between
    }
}
