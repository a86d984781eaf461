//! Runs the experiments of one post on superposition and sparse autoencoders, rules on its claims, and trains sparse
//! autoencoders on activations of one's own.
//!
//! # The map
//!
//! ```text
//! cli            flags become a request; lists of experiments and tables of verdicts for the terminal
//! report         draws a finished run from its files alone: figures and one page
//! run            a configuration becomes tables and verdicts; the manifest; results read back
//! experiments    the registry: every experiment, by the sections of the post
//! ├── one_layer      distributed features in one layer, and what these experiments share
//! ├── many_layers    features computed over many layers
//! └── autoencoders   why sparse autoencoders work
//! experiment     what an experiment is, what it is given, and the type of the registry
//! claim          what a claim is; measures, verdicts, the ledger and the reference run
//! profile        where the time of a run goes, and what the machine can do
//! workbench      `harness sae`: trains sparse autoencoders on activations, measures and draws them
//! interchange    sparse autoencoders in folders: ours, and those of other tools
//! activations    rows of activations, in files or of a synthetic model, their order, and what they have in common
//! sae            sparse autoencoders without experiments: data, training, measures, cheapest codes
//! parts          a computation that many processes share: its plan, their shares and folders, whether all is there
//! session        what a long computation is given: threads, instruction set, progress, checkpoints
//! store          files that survive: written whole, checked when they are read again
//! figure         figures as descriptions, and how they become SVG
//! phase          what the threads of a run are busy with, for the profile
//! table          tidy tables: columns with units, written to CSV and read back
//! settings       what a setting is: its words, its type, its range, its presets
//! html, stats, rng, exhaustion, input, memory, stderr, text, error    the ground: for all rooms, naming none
//! ```
//!
//! # The layers
//!
//! A room imports only rooms that stand below it on the map; `tests/suite/layers.rs` holds that, and that no files import
//! each other in a circle. What follows from it:
//!
//! * Nothing but [`experiments`] names an experiment. [`cli`] takes the registry from there and hands it down, so
//!   [`run`] and [`report`] know experiments only as [`Erased`](experiment::erased::Erased) ones.
//! * What trains and stores ([`sae`], [`session`], [`store`]) knows neither experiments nor claims nor runs.
//! * In the folder of an experiment the experiment imports its parts, and these import each other, never the
//!   experiment.
//!
//! # How data flow
//!
//! [`cli`] turns the command line into a [`Config`](run::config::Config): preset, then file, then `--set`, then flags,
//! every setting checked before anything runs. [`run`] takes the experiments one by one, in the order of the post. An
//! [experiment](experiment::Experiment) computes in [units](experiment::units) that need no other, inside the run's thread
//! pool with the `kernels` crate. What comes out of each is kept in a file until the experiment is complete, so that a
//! run that goes on computes no unit twice, and so that [parts](run::part) of a run can be computed by many processes
//! and [merged](run::merge). From all pieces the experiment concludes: it returns [tables](table::Table) and per-seed
//! measures. The tables go to CSV at once ([`store::folder`] writes files whole or not at all); the measures settle the
//! [claims](claim), each beside its control. Where a verdict is not that of the committed
//! [reference](claim::reference) run, the ledger says so.
//!
//! Drawing starts from the files: [`report`] reads `claims.csv` and every experiment's CSVs back, asks the experiment
//! for its [figures](figure) and findings, and writes the SVGs and one `report.html`. `harness report DIR` is that half
//! alone, so a report never shows anything that its tables do not hold. The [manifest](run::manifest) keeps
//! [checksums](store::checksums) of all results, and what is read back is held to them.
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
//! * A **unit** of an experiment that takes long: a type of units with their cost, and what comes out of one, in its
//!   [`Experiment`](experiment::Experiment). Plan, progress, checkpoints, parts and merge follow.
//! * A **scheduler**: a variant of `Scheduler` in `cli/submit.rs`, and its scripts.
//! * A **table**: a struct for its rows, declared by [`rows!`], among the tables of its experiment's
//!   [`About`](experiment::About). A column of words has an enum, declared by [`words!`].
//! * A **claim**: a static [`Claim`](claim::Claim) among the claims of its experiment's `About`, which its
//!   `conclude` [settles](claim::outcome::Outcome::settle) at every seed, with a value of the claim and one of its control for
//!   each condition.
//! * A **figure**: a name among the figures of its experiment's `About` and a [`Figure`](figure::Figure) made of its
//!   tables. A new *kind* of figure: a [`Mark`](figure::Mark) and how it is drawn, in [`figure`].
//! * **Sparse autoencoders on data with known features**: [`sae::synthetic`] declares and draws the data, of which
//!   `harness sae` trains on any by the name `synth:SPEC`,
//!   [`sae::training`] trains models on the same batches with checkpoints, [`sae::reading`] measures them,
//!   [`sae::minimum_l1`] finds the cheapest codes there are.
//! * A computation that can be shared by **parts**: a [`Parted`](parts::whole::Parted), such as runs and trainings have.
//! * **Another tool's folders** of sparse autoencoders: a file in [`interchange`].
//! * A **reader of foreign bytes**: a function of bytes among the `READERS` of `fuzz/src/lib.rs`, a target that calls
//!   it and a small corpus. `tests/suite/corpora.rs` replays all corpora, `.ci/long fuzz` adds to them.
//! * Something to **profile**: a [`Phase`](phase::Phase), and a span of it where a thread does it. [`profile`] shows
//!   all of them.

// They panic where they cannot write: a full disk, a reader that has gone away.
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
