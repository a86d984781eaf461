//! Named tensors of single precision in a `.safetensors` file.

use std::collections::HashMap;

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

/// A tensor to write: its name, the lengths of its axes, and its values, the last axis contiguous.
pub struct Tensor<'a> {
    pub name: &'a str,
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// The bytes of a file of these tensors; the text stands under `key` in its metadata, if there is one. There is no other
/// key, since several would come in any order.
pub fn encode(tensors: &[Tensor], metadata: Option<(&str, String)>) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|t| t.values.iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let views = tensors.iter().zip(&bytes).map(|(t, bytes)| {
        let view = TensorView::new(Dtype::F32, t.shape.clone(), bytes);
        (t.name, view.expect("as many values as the shape says"))
    });
    let metadata = metadata.map(|(key, text)| HashMap::from([(key.to_string(), text)]));
    safetensors::serialize(views, metadata).expect("names are text")
}

/// The values of a tensor of single precision.
///
/// # Errors
/// If there is none of that name, type and shape.
pub fn values(file: &SafeTensors, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
    let tensor = file
        .tensor(name)
        .map_err(|_| format!("it holds no tensor {name}"))?;
    if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
        return Err(format!(
            "its tensor {name} has the shape {:?} in {:?}, not {shape:?} in F32",
            tensor.shape(),
            tensor.dtype()
        ));
    }
    Ok(tensor
        .data()
        .as_chunks()
        .0
        .iter()
        .map(|b| f32::from_le_bytes(*b))
        .collect())
}
