//! The phases of a run, which a profile tells apart by the time that they take.

use kernels::profile::{self, Span};

use crate::table::record::Word as _;

crate::words! {
    /// A phase of a run: the kind of work that a thread is busy with.
    pub enum Phase {
        /// Computation in kernels, wherever they are called; kernels count their time themselves.
        Kernels,
        /// Drawing of inputs, features and initial values.
        #[strum(serialize = "generating data")]
        Data,
        /// Computation of metrics from results.
        Metrics,
        /// Writing of files.
        Writing,
        /// Other code, and threads without work: the time that no other phase counts.
        Rest,
    }
}

impl Phase {
    /// Counts the time of this thread for the phase, until the returned span is dropped.
    #[must_use = "it ends when it is dropped"]
    pub fn begin(self) -> Span {
        profile::phase(self.word())
    }
}
