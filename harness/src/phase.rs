//! What a run spends its time on, which a profile tells apart.

use kernels::profile::{self, Span};

use crate::table::record::Word as _;

crate::words! {
    /// What the threads of a run are busy with.
    pub enum Phase {
        /// Kernels, wherever they are called; they count their time themselves.
        Kernels,
        /// Drawing of inputs, features and initial values.
        #[strum(serialize = "generating data")]
        Data,
        /// Reading of results.
        Metrics,
        /// Writing of files.
        Writing,
        /// Other code, and threads without work: the time that nothing counts.
        Rest,
    }
}

impl Phase {
    /// Counts the time of this thread for the phase, until the span is dropped.
    #[must_use = "it ends when it is dropped"]
    pub fn begin(self) -> Span {
        profile::phase(self.word())
    }
}
