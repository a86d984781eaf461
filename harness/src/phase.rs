//! The phases of a run around its kernels, which a profile tells apart.

use kernels::profile::{self, Span};

/// What a run does beside calling kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Drawing of inputs, features and initial values.
    Data,
    /// Reading of results.
    Metrics,
    /// Writing of files.
    Writing,
}

impl Phase {
    /// All of them, in the order of a profile's tables.
    pub const ALL: [Phase; 3] = [Phase::Data, Phase::Metrics, Phase::Writing];

    /// Its name in a profile.
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Data => "generating data",
            Phase::Metrics => "metrics",
            Phase::Writing => "writing",
        }
    }

    /// Counts the time of this thread for the phase, until the span is dropped.
    #[must_use = "it ends when it is dropped"]
    pub fn begin(self) -> Span {
        profile::phase(self.name())
    }
}
