//! The names of the files and folders in the folder of a run.

/// The file of the configuration.
pub const CONFIG: &str = "config.toml";

/// The file of the manifest, by which a folder is known to hold a run.
pub const MANIFEST: &str = "manifest.json";

/// The table of what was run, for the head of the report.
pub const RUN: &str = "run.csv";

/// The table of the ledger of claims.
pub const CLAIMS: &str = "claims.csv";

/// The table of the verdicts on the claims in every cell of their specification curves.
pub const SPECIFICATION: &str = "specification.csv";

/// The page with all figures.
pub const REPORT: &str = "report.html";

/// The table of the measures of an experiment, in its folder; written last, so an experiment that has it is complete.
pub const MEASURES: &str = "measures.csv";

/// The folder of the checkpoints of an experiment, in the experiment's folder; removed once the results are there,
/// except in the folder of a part.
pub const CHECKPOINTS: &str = "checkpoints";

/// The folder of the parts of a run that several processes compute.
pub const PARTS: &str = "parts";

/// The table of the units of work of a run that several processes compute.
pub const PLAN: &str = "plan.csv";
