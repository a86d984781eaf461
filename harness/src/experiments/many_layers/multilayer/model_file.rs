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

use super::task::Task;
use crate::error::{Error, Result};
use crate::input::read_result;

/// Returns the path of the model of a task from the folder of the run.
pub fn path(task: Task) -> String {
    format!("multilayer/models/{}.safetensors", task.slug())
}

/// Returns the bytes of a model's file. The same parameters give the same bytes.
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
    let activation = parameters.shape().activation.name();
    // There is one entry, since several would be in no fixed order.
    let metadata = HashMap::from([("activation".to_string(), activation.to_string())]);
    safetensors::serialize(tensors, Some(metadata)).expect("few and small names")
}

/// Reads a model back.
///
/// # Errors
/// If the file cannot be read or is no such model; the message names the file.
pub fn read(path: &Path) -> Result<Parameters> {
    let bytes = read_result(path)?;
    decode(&bytes).map_err(|why| Error::input(format!("{}: {why}", path.display())))
}

/// Reads a model from the bytes of its file; the error says what is wrong with them.
pub fn decode(bytes: &[u8]) -> Result<Parameters, String> {
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
    // The tensors are in the order of the parameters' own slice. Each tensor's shape is checked before anything is
    // multiplied or allocated: then the sizes are bounded by the bytes that there are.
    let mut expected = vec![
        ("embedding.first".to_string(), vec![vocabulary, width]),
        ("embedding.second".into(), vec![vocabulary, width]),
    ];
    for l in 0..layers {
        let parts = [
            ("w1", vec![hidden, width]),
            ("b1", vec![hidden]),
            ("w2", vec![width, hidden]),
            ("b2", vec![width]),
        ];
        expected.extend(parts.map(|(part, dims)| (format!("block.{l}.{part}"), dims)));
    }
    let mut values = Vec::new();
    for (name, dims) in &expected {
        let tensor = tensors.tensor(name).map_err(|e| e.to_string())?;
        if tensor.dtype() != Dtype::F32 {
            return Err(format!("{name} is not of f32"));
        }
        if tensor.shape() != dims || dims.contains(&0) {
            let found = tensor.shape();
            return Err(format!("{name} is of shape {found:?}, not {dims:?}"));
        }
        let numbers = tensor.data().as_chunks::<4>().0;
        values.extend(numbers.iter().map(|v| f32::from_le_bytes(*v)));
    }
    if let Some(more) = tensors
        .names()
        .iter()
        .find(|n| !expected.iter().any(|(e, _)| e == *n))
    {
        return Err(format!(
            "it holds a tensor {more} that is none of such a model"
        ));
    }
    let mut parameters = Parameters::zeros(shape);
    parameters.values_mut().copy_from_slice(&values);
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> Parameters {
        let mut parameters = Parameters::zeros(Shape {
            vocabulary: 3,
            width: 2,
            hidden: 5,
            layers: 2,
            activation: Activation::Relu,
        });
        let values = parameters.values_mut().iter_mut();
        values.zip(1u8..).for_each(|(v, i)| *v = f32::from(i));
        parameters
    }

    /// Returns the bytes of a file with these tensors of zeros.
    fn file(tensors: &[(&str, &[usize])]) -> Vec<u8> {
        let sized = tensors.iter().map(|(name, shape)| {
            let zeros = vec![0; 4 * shape.iter().product::<usize>()];
            (*name, shape.to_vec(), zeros)
        });
        let sized: Vec<_> = sized.collect();
        let views = sized.iter().map(|(name, shape, zeros)| {
            (
                *name,
                TensorView::new(Dtype::F32, shape.clone(), zeros).unwrap(),
            )
        });
        let metadata = HashMap::from([("activation".to_string(), "gelu".to_string())]);
        safetensors::serialize(views, Some(metadata)).unwrap()
    }

    #[test]
    fn a_model_is_read_back() {
        assert_eq!(decode(&encode(&model())).unwrap(), model());
    }

    #[test]
    fn every_cut_is_noticed() {
        let bytes = encode(&model());
        for i in 0..bytes.len() {
            assert!(decode(&bytes[..i]).is_err(), "cut at {i}");
        }
    }

    /// The files have as many numbers as a model, but not in its shapes, or empty matrices so wide that their sizes
    /// overflow.
    #[test]
    fn shapes_that_do_not_belong_together_are_named() {
        let good: [(&str, &[usize]); 6] = [
            ("embedding.first", &[4, 2]),
            ("embedding.second", &[4, 2]),
            ("block.0.w1", &[3, 2]),
            ("block.0.b1", &[3]),
            ("block.0.w2", &[2, 3]),
            ("block.0.b2", &[2]),
        ];
        assert!(decode(&file(&good)).is_ok());
        let with = |place: usize, name: &'static str, shape: &'static [usize]| {
            let mut tensors = good;
            tensors[place] = (name, shape);
            decode(&file(&tensors)).unwrap_err()
        };
        assert!(
            with(4, "block.0.w2", &[3, 2]).contains("block.0.w2 is of shape [3, 2], not [2, 3]")
        );
        assert!(with(1, "embedding.second", &[2, 4]).contains("embedding.second"));
        let more = [&good[..], &[("else", &[1])]].concat();
        assert!(decode(&file(&more)).unwrap_err().contains("else"));
        let wide: &[usize] = &[0, 1 << 61];
        let mut overflow = good;
        for place in [0, 1, 2] {
            overflow[place].1 = wide;
        }
        assert!(decode(&file(&overflow)).is_err());
    }
}
