//! Runs the experiments of one post on superposition and sparse autoencoders, rules on its claims, and trains sparse
//! autoencoders on activations of one's own.
//!
//! # The map
//!
//! ```text
//! cli            reads the command line; prints lists of experiments and tables of verdicts
//! report         draws the figures and the page of a finished run, from its files alone
//! run            turns a configuration into tables and verdicts; the manifest; results read back
//! experiments    the registry: every experiment, by the sections of the post
//! ├── one_layer      distributed features in one layer, and what these experiments share
//! ├── many_layers    features computed over many layers
//! └── autoencoders   why sparse autoencoders work
//! experiment     the trait of experiments, what an experiment is given, and the type of the registry
//! claim          claims, with their measures and verdicts; the ledger and the reference run
//! profile        where the time of a run goes, and what the machine can do
//! workbench      `harness sae`: trains sparse autoencoders on activations, measures and draws them
//! interchange    sparse autoencoders in folders: those of this crate, and those of other tools
//! activations    rows of activations, in files or of a synthetic model, their order, and their means and scales
//! sae            sparse autoencoders without experiments: data, training, measures, cheapest codes
//! parts          a computation that many processes share: its plan, their shares and folders, and its status
//! session        what a long computation is given: threads, instruction set, progress, checkpoints
//! store          files that are written whole or not at all, and checked when they are read again
//! figure         descriptions of figures, and their drawing as SVG
//! phase          the phases of work of the threads of a run, for the profile
//! table          tidy tables: columns with units, written to CSV and read back
//! settings       what a setting is: its description, its type, its range, its presets
//! html, stats, rng, exhaustion, input, memory, stderr, text, error    helpers for all modules above
//! ```
//!
//! # The layers
//!
//! A module imports only modules that stand below it on the map. The test `tests/suite/layers.rs` checks this, and that
//! no files import each other in a circle. It follows that:
//!
//! * Nothing but [`experiments`] names an experiment. [`cli`] takes the registry from there and hands it down, so
//!   [`run`] and [`report`] know experiments only as [`Erased`](experiment::erased::Erased) ones.
//! * The modules that train and store ([`sae`], [`session`], [`store`]) know neither experiments nor claims nor runs.
//! * In the folder of an experiment, the experiment imports its submodules. These may import each other, but never the
//!   experiment.
//!
//! # How data flow
//!
//! [`cli`] turns the command line into a [`Config`](run::config::Config): first the preset, then the file, then
//! `--set`, then the flags, and every setting is checked before anything runs. [`run`] takes the experiments one by
//! one, in the order of the post. An [experiment](experiment::Experiment) computes in [units](experiment::units) that
//! do not depend on each other, inside the run's thread pool and with the `kernels` crate. The result of each unit is
//! kept in a file until the experiment is complete, so that a resumed run computes no unit twice, and so that
//! [parts](run::part) of a run can be computed by many processes and [merged](run::merge). From the results of all its
//! units the experiment concludes: it returns [tables](table::Table) and per-seed measures. The tables are written to
//! CSV at once ([`store::folder`] writes files whole or not at all); the measures settle the [claims](claim), each
//! beside its control. Where a verdict differs from that of the committed [reference](claim::reference) run, the ledger
//! says so.
//!
//! Drawing starts from the files: [`report`] reads `claims.csv` and the CSV files of every experiment, asks the
//! experiment for its [figures](figure) and findings, and writes the SVG files and one `report.html`.
//! `harness report DIR` does this alone, so a report never shows anything that its tables do not hold. The
//! [manifest](run::manifest) keeps [checksums](store::checksums) of all results, and every file that is read back is
//! checked against them.
//!
//! Random numbers come from [streams](rng) named by (seed, experiment, purpose, index), and no result depends on the
//! number of threads: the same configuration gives the same bytes.
//!
//! # Where new things go
//!
//! * An **experiment**: a module in its section of [`experiments`] that implements
//!   [`Experiment`](experiment::Experiment), and a line in that section's `SECTION`. Command line, configuration,
//!   listing, output and report follow. [`near_orthogonality`](experiments::one_layer::near_orthogonality) is the one
//!   to read first.
//! * A **unit** of an experiment that takes long: a type of units with their cost, and a type for the result of one, in
//!   its [`Experiment`](experiment::Experiment). Plan, progress, checkpoints, parts and merge follow.
//! * A **scheduler**: a variant of `Scheduler` in `cli/submit.rs`, and its scripts.
//! * A **table**: a struct for its rows, declared by [`rows!`], among the tables of its experiment's
//!   [`About`](experiment::About). A column of words has an enum, declared by [`words!`].
//! * A **claim**: a static [`Claim`](claim::Claim) among the claims of its experiment's `About`, which its `conclude`
//!   [settles](claim::outcome::Outcome::settle) at every seed, with a value of the claim and one of its control for
//!   each condition.
//! * A **figure**: a name among the figures of its experiment's `About` and a [`Figure`](figure::Figure) made from its
//!   tables. A new *kind* of mark: a variant of [`Mark`](figure::Mark) and how it is drawn, in [`figure`].
//! * **Sparse autoencoders on data with known features**: [`sae::synthetic`] declares and draws the data, on which
//!   `harness sae` trains by the name `synth:SPEC`; [`sae::training`] trains models on the same batches with
//!   checkpoints, [`sae::reading`] measures them, and [`sae::minimum_l1`] finds the codes with the smallest L1 norm.
//! * A computation that many processes share in **parts**: an implementation of [`Parted`](parts::whole::Parted).
//! * **Another tool's folders** of sparse autoencoders: a file in [`interchange`].
//! * A **reader of foreign bytes**: a function of bytes among the `READERS` of `fuzz/src/lib.rs`, a target that calls
//!   it and a small corpus. `tests/suite/corpora.rs` replays all corpora, `.ci/long fuzz` adds to them.
//! * Something to **profile**: a [`Phase`](phase::Phase), and a span of that phase where a thread does the work.
//!   [`profile`] shows all phases.

// `print!` and `eprint!` panic where they cannot write: on a full disk, or to a reader that has gone away.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod activations;
pub mod claim;
pub mod cli;
pub mod error;
pub mod exhaustion;
pub mod experiment;
pub mod experiments;
pub mod figure;
pub mod html;
pub mod input;
pub mod interchange;
pub mod memory;
pub mod parts;
pub mod phase;
pub mod profile;
pub mod report;
pub mod rng;
pub mod run;
pub mod sae;
pub mod session;
pub mod settings;
pub mod stats;
pub mod stderr;
pub mod store;
pub mod table;
pub mod text;
pub mod workbench;
