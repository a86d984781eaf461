//! `harness sae` end to end: activations in files become models, measures and a report.

mod data;
mod encode;
mod eval;
mod eval_rows;
mod export;
mod features;
#[cfg(unix)]
mod interrupted;
mod layers;
mod parts;
mod refused;
mod resumed;
mod short;
mod steered;
mod sweeps;
mod synthetic;
mod training;
mod transcoders;

use std::collections::BTreeMap;

use harness::workbench::tables::Model;

use crate::common::{Sandbox, npy};

const WIDTH: usize = 5;

/// Returns a value of activations with features that can be learned.
fn sparse(row: usize, column: usize) -> f32 {
    let on = (row * 7919 + 13) % WIDTH;
    let other = (row * 104_729 + 5) % 11;
    let strength = 1.0 + ((row * 31) % 17) as f32 / 17.0;
    match column {
        c if c == on => strength,
        c if c == other => 0.5 * strength,
        _ => 0.01 * (((row * 131 + column * 17) % 23) as f32 / 23.0 - 0.5),
    }
}

/// Makes a sandbox with 600 rows of [`sparse`] in x.npy.
fn with_data() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("x.npy", npy::rows(600, WIDTH, sparse));
    sandbox
}

/// The arguments of a sweep that takes a second or less.
const SWEEP: &str = "x.npy --elements 8,12 --k 1,2 --seeds 2 --samples 20000 --batch 64 --rate 0.001 --baselines none \
    --quiet";

/// Returns the models that a training has left in a folder.
fn models(sandbox: &Sandbox, folder: &str) -> Vec<Model> {
    sandbox.table(&format!("{folder}/models.csv"))
}

/// Returns a cell of a CSV, by the name of a model and that of a column.
fn cell(csv: &str, model: &str, column: &str) -> String {
    let header = csv.lines().next().unwrap();
    let place = header.split(',').position(|name| name == column).unwrap();
    let line = csv
        .lines()
        .find(|line| line.split(',').next() == Some(model));
    line.unwrap().split(',').nth(place).unwrap().to_string()
}
/// Returns the shapes and values of the tensors in a safetensors file of single precision.
fn tensors(bytes: &[u8]) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let each = header
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| *name != "__metadata__");
    each.map(|(name, tensor)| {
        let shape = tensor["shape"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_u64().unwrap() as usize);
        let place = |i: usize| 8 + length + tensor["data_offsets"][i].as_u64().unwrap() as usize;
        let data = bytes[place(0)..place(1)].chunks(4);
        let values = data
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect();
        (name.clone(), (shape.collect(), values))
    })
    .collect()
}
