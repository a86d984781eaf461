//! Named tensors in a `.safetensors` file, and their conversion to parameters and back.

use std::collections::HashMap;

use kernels::MatRef;
use kernels::sae::Parameters;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::activations::Kind;

/// A tensor to write: its name, the type of its values, the lengths of its axes, and its bytes, the last axis
/// contiguous.
pub struct Tensor<'a> {
    name: &'a str,
    kind: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl<'a> Tensor<'a> {
    /// Returns a tensor of single precision.
    pub fn new(name: &'a str, shape: &[usize], values: &[f32]) -> Tensor<'a> {
        Tensor {
            name,
            kind: Dtype::F32,
            shape: shape.to_vec(),
            bytes: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }

    /// Returns a vector of whole numbers.
    pub fn whole(name: &'a str, values: &[i64]) -> Tensor<'a> {
        Tensor {
            name,
            kind: Dtype::I64,
            shape: vec![values.len()],
            bytes: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }

    /// Returns a matrix of the parameters under the name `name`, row by row.
    pub fn matrix(name: &'a str, matrix: MatRef) -> Tensor<'a> {
        Tensor::new(name, &[matrix.rows(), matrix.cols()], &values(matrix))
    }

    /// Returns a vector of the parameters, which is a matrix of one row there, under the name `name`.
    pub fn vector(name: &'a str, vector: MatRef) -> Tensor<'a> {
        Tensor::new(name, &[vector.cols()], &values(vector))
    }
}

/// Returns the values of a matrix, row by row.
pub fn values(matrix: MatRef) -> Vec<f32> {
    (0..matrix.rows())
        .flat_map(|i| matrix.row(i))
        .copied()
        .collect()
}

/// Sets a tensor of the parameters to `values`.
///
/// # Panics
/// If the tensor has another number of values.
pub fn fill(parameters: &mut Parameters, name: &str, values: &[f32]) {
    let [mut tensor] = parameters.tensors_mut([name]);
    let width = tensor.cols();
    assert_eq!(values.len(), tensor.rows() * width, "values of {name}");
    for (i, row) in values.chunks_exact(width).enumerate() {
        tensor.row_mut(i).copy_from_slice(row);
    }
}

/// Returns the transpose of a matrix with rows of `width` values.
pub fn transposed(rows: &[f32], width: usize) -> Vec<f32> {
    let columns = (0..width).flat_map(|j| rows.iter().skip(j).step_by(width));
    columns.copied().collect()
}

/// Returns the bytes of a file of these tensors. `metadata` is a key and the text under it; there is at most one key,
/// since several would be written in any order.
pub fn encode(tensors: &[Tensor], metadata: Option<(&str, String)>) -> Vec<u8> {
    let views = tensors.iter().map(|t| {
        let view = TensorView::new(t.kind, t.shape.clone(), &t.bytes);
        (t.name, view.expect("as many values as the shape says"))
    });
    let metadata = metadata.map(|(key, text)| HashMap::from([(key.to_string(), text)]));
    safetensors::serialize(views, metadata).expect("names are text")
}

/// Reads the tensors from the bytes of a file.
///
/// # Errors
/// If it is no `.safetensors` file.
pub fn decode(bytes: &[u8]) -> Result<SafeTensors<'_>, String> {
    SafeTensors::deserialize(bytes)
        .map_err(|e| format!("it is no .safetensors file, or was cut short: {e}"))
}

/// Returns the values of a tensor in single precision. Half precision is widened, and double precision rounded.
///
/// # Errors
/// If there is no tensor of that name and shape, its values are no real numbers, or one of them is not finite in single
/// precision.
pub fn read(file: &SafeTensors, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
    let tensor = file
        .tensor(name)
        .map_err(|_| format!("it holds no tensor {name}"))?;
    if tensor.shape() != shape {
        return Err(format!(
            "its tensor {name} has the shape {:?}, not {shape:?}",
            tensor.shape()
        ));
    }
    let Some(kind) = Kind::of(tensor.dtype()) else {
        return Err(format!(
            "its tensor {name} is of type {:?}; F16, BF16, F32 and F64 are read",
            tensor.dtype()
        ));
    };
    let mut values = vec![0f32; tensor.data().len() / kind.bytes()];
    kind.decode(tensor.data(), &mut values);
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(values),
        Some(i) => Err(format!(
            "its tensor {name} holds {} at place {i}; all values must be finite in single precision",
            values[i]
        )),
    }
}
