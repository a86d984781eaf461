//! `harness sae`: sparse autoencoders on one's own activations.
//!
//! ```text
//! train              from files of activations to models, measures and a report
//! page figures       what is drawn of a training, from its tables alone
//! measure            a model on rows that it was not trained on
//! evaluate encode    models of any tool on any rows: side by side, and their codes
//! truth              a model against the features that synthetic data are made of
//! synth              samples of a synthetic model in files
//! data               which rows are trained on, in which order, and what is measured
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
pub mod settings;
pub mod synth;
pub mod tables;
pub mod train;
pub mod truth;
