//! `harness sae`: sparse autoencoders on one's own activations.
//!
//! ```text
//! train              from files of activations to models, measures and a report
//! parts origin       a training whose models many processes share, and what it was planned with
//! page figures       what is drawn of a training, from its tables alone
//! summary warnings   intervals over seeds, and what a reader should know of the models
//! measure pca        a model on rows that it was not trained on, and principal components on the same
//! evaluate encode    models of any tool on any rows: side by side, and their codes
//! features           every element of a model: how often it is active, and on which rows most
//! layers             several layers on the same rows: their models, what becomes of elements, probes
//! activity nearest   what rows tell of elements; which elements are nearest to each other
//! tokens cards       the tokens of rows; the top rows of elements as a reader looks at them
//! truth              a model against the features that synthetic data are made of
//! synth              samples of a synthetic model in files
//! opened             the rows of a training, and the pass over all of them
//! data               which rows are trained on, in which order, and what is measured
//! job                what every training has: options, folder, manifest; from a sweep to models that are measured
//! member             one model of a sweep: what it starts from, what becomes of it, its rows in the tables
//! sweep              the models of a training, and what each variant makes of the settings
//! config settings    what a training is made of
//! tables             the rows of its CSV files
//! ```

mod activity;
mod cards;
pub mod config;
mod data;
pub mod encode;
pub mod evaluate;
pub mod features;
mod figures;
pub mod job;
pub mod layers;
mod measure;
mod member;
mod nearest;
mod opened;
pub mod origin;
mod page;
pub mod parts;
mod pca;
pub mod settings;
mod summary;
mod sweep;
pub mod synth;
pub mod tables;
pub mod tokens;
pub mod train;
pub mod truth;
mod warnings;
