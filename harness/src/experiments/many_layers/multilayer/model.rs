//! The models of the sweep.

use super::measures::Reading;
use super::train::{Check, End, Task};

/// One model of the sweep, trained and read.
#[derive(Debug)]
pub struct Model {
    pub task: Task,
    pub steps: u64,
    pub end: Option<End>,
    pub checks: Vec<Check>,
    /// What was read from it, or how it diverged.
    pub reading: Result<Reading, String>,
}
