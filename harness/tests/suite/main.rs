//! The harness as its users meet it, and every experiment against plain loops.
//!
//! One binary, so that the library is linked once. Whatever belongs to a whole process (variables, signals, limits, the
//! current folder) is that of a command which a test starts.

mod common;

mod bad_input;
mod command_line;
mod configuration;
mod corpora;
mod damage;
mod figures;
mod file_systems;
mod interrupt;
mod kills;
mod layers;
mod ledger;
mod links;
mod memory;
mod parts;
mod profile;
mod readme;
mod reproducible;
mod sae;
mod show;
mod slurm;
mod streams;

mod experiments {
    mod amortisation_gap;
    mod amortisation_gap_plain;
    mod amortisation_gap_scores;
    mod compositional;
    mod compositional_data;
    mod compositional_plain;
    mod compressed_computation;
    mod continuous_latent;
    mod continuous_latent_model;
    mod continuous_latent_plain;
    mod continuum;
    mod continuum_plain;
    mod continuum_samples;
    mod encoders;
    mod encoders_data;
    mod encoders_free_codes;
    mod encoders_plain;
    mod encoders_scores;
    mod homogeneity;
    mod interference;
    mod l1_geometry;
    mod linear_probes;
    mod magnitude;
    mod minimum_l1;
    mod multilayer;
    mod multilayer_controls;
    mod multilayer_plain;
    mod multilayer_readings;
    mod near_orthogonality;
    mod read_in_skew;
    mod recovery;
    mod rescale;
    mod response;
    mod sign_balance;
    mod tradeoff;
    mod unfinished_features;
    mod unfinished_features_costs;
    mod unfinished_features_plain;
    mod unfinished_features_streams;
}
