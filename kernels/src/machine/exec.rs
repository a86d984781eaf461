//! The way an operation is executed: with which instructions, on how many threads.

use crate::machine::isa::Isa;

/// The way an operation is executed. Results depend on the instruction set, never on the threads.
///
/// ```
/// use kernels::{Exec, Isa};
///
/// assert_eq!(Exec::default(), Exec::serial(Isa::detect()));
/// let portable = Exec::serial("portable".parse()?);
/// assert!(portable.isa().lanes() == 4 && !portable.is_parallel());
/// # Ok::<(), kernels::IsaError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exec {
    isa: Isa,
    parallel: bool,
}

impl Default for Exec {
    /// Returns execution with the fastest instruction set of this CPU, on the calling thread alone.
    fn default() -> Exec {
        Exec::serial(Isa::detect())
    }
}

impl Exec {
    /// Returns execution with `isa` on the calling thread alone.
    pub fn serial(isa: Isa) -> Exec {
        Exec {
            isa,
            parallel: false,
        }
    }

    /// Returns execution with `isa` on the threads of the current rayon pool, where the work is large enough to share;
    /// without the feature `rayon`, on the calling thread.
    ///
    /// A call from outside a pool costs some 10 µs more than one from inside: run a whole training
    /// loop inside one `ThreadPool::install`. After work was shared, a second thread of the pool keeps looking for work
    /// for 0.2 ms, since to wake a sleeping thread takes longer than a small operation; meanwhile it runs other jobs of
    /// the pool as well.
    pub fn parallel(isa: Isa) -> Exec {
        Exec {
            isa,
            parallel: true,
        }
    }

    /// Returns the instruction set.
    pub fn isa(self) -> Isa {
        self.isa
    }

    /// Returns whether work may be shared among threads.
    pub fn is_parallel(self) -> bool {
        self.parallel
    }
}
