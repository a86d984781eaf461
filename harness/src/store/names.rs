//! Names of the files and folders in the folder of a run.

/// The configuration.
pub const CONFIG: &str = "config.toml";

/// The manifest, by which a folder is known to hold a run.
pub const MANIFEST: &str = "manifest.json";

/// What was run, for the head of the report.
pub const RUN: &str = "run.csv";

/// The ledger of claims.
pub const CLAIMS: &str = "claims.csv";

/// The verdicts on the claims in every cell of their specification curves.
pub const SPECIFICATION: &str = "specification.csv";

/// The page with all figures.
pub const REPORT: &str = "report.html";

/// The measures of an experiment, in its folder; written last, so an experiment that has them is complete.
pub const MEASURES: &str = "measures.csv";

/// The folder of an experiment's checkpoints, in its own; gone once its results are there, but for those of a part.
pub const CHECKPOINTS: &str = "checkpoints";

/// The folder of the parts of a run that several processes compute.
pub const PARTS: &str = "parts";

/// The units of work of such a run.
pub const PLAN: &str = "plan.csv";
