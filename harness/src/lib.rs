//! Runs the experiments of one post on superposition and sparse autoencoders, and rules on its
//! claims.
//!
//! # How data flows
//!
//! [`cli`] turns the command line into a [`config::Config`]: preset, then file, then `--set`, then
//! flags, every setting checked before anything runs. [`run`] takes the experiments one by one, in
//! the order of the post. An [experiment](experiment::Experiment) computes inside the run's thread
//! pool with the `kernels` crate and returns [tables](table::Table) and per-seed measures. The tables
//! go to CSV at once ([`output`] writes files whole or not at all); the measures settle the
//! [claims](claim), each beside its control.
//!
//! Where a verdict is not that of the committed [reference](mod@reference) run, the ledger says so.
//!
//! Drawing starts from the files: [`report`] reads `claims.csv` and every experiment's CSVs back,
//! asks the experiment for its [figures](figure) and findings, and writes the SVGs and one
//! `report.html`. `harness report DIR` is that half alone, so a report never shows anything that its
//! tables do not hold. The [`manifest`] keeps [`checksums`] of all results, and what is read back is held to them.
//!
//! Random numbers come from [streams](rng) named by (seed, experiment, purpose, index), and no result
//! depends on the number of threads: the same configuration gives the same bytes.
//!
//! # Where new things go
//!
//! * An **experiment**: a module in [`experiments`] that implements
//!   [`Experiment`](experiment::Experiment), and a line in the registry [`experiments::ALL`]. Command
//!   line, configuration, listing, output and report follow. [`experiments::response`] is the one to
//!   read first.
//! * A **claim**: a [`ClaimSpec`](claim::ClaimSpec) in its experiment's `CLAIMS`, and one
//!   [`measure`](experiment::Outcome::measure) and one [`control`](experiment::Outcome::control) per
//!   condition and seed in its `run`.
//! * **Sparse autoencoders on data with known features**: [`synthetic`] declares and draws the data,
//!   [`side_by_side`] trains models on the same batches with checkpoints, [`autoencoder`] measures
//!   them, [`minimum_l1`] finds the cheapest codes there are.
//! * A **reader of foreign bytes**: a function of bytes among the `READERS` of `fuzz/src/lib.rs`, a target that calls it
//!   and a small corpus. `tests/corpora.rs` replays all corpora, `.ci/long fuzz` adds to them.
//! * Something to **profile**: a [`Part`](kernels::profile::Part), and a span around it where a thread does it. [`profile`]
//!   shows all of them.
//! * A **kind of figure**: a [`Mark`](figure::Mark) and how it is drawn, in [`figure`].

// They panic where they cannot write: a full disk, a reader that has gone away.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod autoencoder;
pub mod checkpoint;
pub mod checksums;
pub mod claim;
pub mod cli;
pub mod config;
pub mod curve;
pub mod error;
pub mod experiment;
pub mod experiments;
pub mod features;
pub mod figure;
pub mod grid;
pub mod listing;
pub mod manifest;
pub mod minimum_l1;
pub mod output;
pub mod profile;
pub mod progress;
pub mod readme;
pub mod reference;
pub mod report;
pub mod rng;
pub mod run;
pub mod side_by_side;
pub mod signals;
pub mod stats;
pub mod synthetic;
pub mod table;
pub mod testing;
