//! `harness sae`: sparse autoencoders on one's own activations.
//!
//! ```text
//! train              from files of activations to models, measures and a report
//! page figures       what is drawn of a training, from its tables alone
//! summary warnings   intervals over seeds, and what a reader should know of the models
//! measure pca        a model on rows that it was not trained on, and principal components on the same
//! evaluate encode    models of any tool on any rows: side by side, and their codes
//! data               which rows are trained on, in which order, and what is measured
//! sweep              the models of a training, and what each variant makes of the settings
//! config settings    what a training is made of
//! tables             the rows of its CSV files
//! ```

pub mod config;
mod data;
pub mod encode;
pub mod evaluate;
mod figures;
mod measure;
mod page;
mod pca;
pub mod settings;
mod summary;
mod sweep;
pub mod tables;
pub mod train;
mod warnings;
