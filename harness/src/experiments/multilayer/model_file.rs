//! Trained models on disk, for experiments that read them and for anyone else.
//!
//! `multilayer/models/<model>.safetensors` holds f32 matrices, row-major: `embedding.first` and
//! `embedding.second` (vocabulary×d), and for each block l = 0 … L−1 `block.<l>.w1` (h×d), `block.<l>.b1` (h),
//! `block.<l>.w2` (d×h), `block.<l>.b2` (d): x₀ = E₁\[i\] + E₂\[j\], x_{l+1} = x_l + W₂ act(W₁ x_l + b₁) + b₂. The
//! metadata name the `activation`.

use std::collections::HashMap;
use std::path::Path;

use kernels::mlp::{Parameters, Shape};
use kernels::{Activation, MatRef};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::train::Task;
use crate::error::{Error, Result};

/// Where the model of a task is saved, from the folder of the run.
pub fn path(task: Task) -> String {
    format!("multilayer/models/{}.safetensors", task.slug())
}

/// The bytes of a model's file. The same parameters give the same bytes.
pub fn encode(parameters: &Parameters) -> Vec<u8> {
    let mut parts: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    let mut matrix = |name: String, m: MatRef| {
        let values = (0..m.rows()).flat_map(|i| m.row(i));
        let bytes = values.flat_map(|v| v.to_le_bytes()).collect();
        parts.push((name, vec![m.rows(), m.cols()], bytes));
    };
    let [first, second] = parameters.embeddings();
    matrix("embedding.first".into(), first);
    matrix("embedding.second".into(), second);
    for l in 0..parameters.shape().layers {
        let block = parameters.block(l);
        matrix(format!("block.{l}.w1"), block.w1);
        matrix(format!("block.{l}.w2"), block.w2);
    }
    for l in 0..parameters.shape().layers {
        let block = parameters.block(l);
        for (name, bias) in [("b1", block.b1), ("b2", block.b2)] {
            let bytes = bias.iter().flat_map(|v| v.to_le_bytes()).collect();
            parts.push((format!("block.{l}.{name}"), vec![bias.len()], bytes));
        }
    }
    let tensors = parts.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).expect("of that shape");
        (name.as_str(), view)
    });
    let activation = match parameters.shape().activation {
        Activation::Gelu => "gelu",
        Activation::GeluTanh => "gelu-tanh",
        Activation::Relu => "relu",
    };
    // One entry: several would be in no fixed order.
    let metadata = HashMap::from([("activation".to_string(), activation.to_string())]);
    safetensors::serialize(tensors, Some(metadata)).expect("few and small names")
}

/// Reads a model back.
///
/// # Errors
/// If the file cannot be read or is no such model; the message names it.
pub fn read(path: &Path) -> Result<Parameters> {
    let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    decode(&bytes).map_err(|why| Error::input(format!("{}: {why}", path.display())))
}

fn decode(bytes: &[u8]) -> Result<Parameters, String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let dimensions = |name: &str| -> Result<[usize; 2], String> {
        let tensor = tensors.tensor(name).map_err(|e| e.to_string())?;
        <[usize; 2]>::try_from(tensor.shape()).map_err(|_| format!("{name} is no matrix"))
    };
    let [vocabulary, width] = dimensions("embedding.first")?;
    let [hidden, _] = dimensions("block.0.w1")?;
    let layers = (0..)
        .take_while(|l| tensors.tensor(&format!("block.{l}.w1")).is_ok())
        .count();
    let activation = header.metadata().as_ref().and_then(|m| m.get("activation"));
    let shape = Shape {
        vocabulary,
        width,
        hidden,
        layers,
        activation: match activation.map(String::as_str) {
            Some("gelu") => Activation::Gelu,
            Some("gelu-tanh") => Activation::GeluTanh,
            Some("relu") => Activation::Relu,
            other => {
                return Err(format!(
                    "its activation is {other:?}, not gelu, gelu-tanh or relu"
                ));
            }
        },
    };
    let expected = 4 * shape.parameters();
    let held: usize = tensors.iter().map(|(_, t)| t.data().len()).sum();
    if held != expected {
        return Err(format!(
            "it holds {held} bytes of parameters; its shapes ask for {expected}"
        ));
    }
    let mut parameters = Parameters::zeros(shape);
    // In the order of the parameters' own slice.
    let mut names = vec!["embedding.first".to_string(), "embedding.second".into()];
    for l in 0..layers {
        names.extend(["w1", "b1", "w2", "b2"].map(|part| format!("block.{l}.{part}")));
    }
    let mut values = parameters.values_mut().iter_mut();
    for name in names {
        let tensor = tensors.tensor(&name).map_err(|e| e.to_string())?;
        if tensor.dtype() != Dtype::F32 {
            return Err(format!("{name} is not of f32"));
        }
        // The iterator that goes on comes second: `zip` takes one more from the first.
        for (v, to) in tensor.data().as_chunks::<4>().0.iter().zip(&mut values) {
            *to = f32::from_le_bytes(*v);
        }
    }
    Ok(parameters)
}
