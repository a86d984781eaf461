//! The folder of a model as `harness sae train` writes it: `model.safetensors`, with the tensors of the kernels and, as
//! metadata, the variant with its settings.

use kernels::sae::{
    AuxK, BatchTopK, Gated, JumpRelu, L1, Lista, Matryoshka, Parameters, Prefixes, Rows, Shape,
    Task, TiedL1, TopK, TwoLayer, Variant,
};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

use super::tensors::{self, Tensor};
use crate::error::Result;
use crate::store::folder::Folder;

/// The name of the file in the folder of a model.
pub const FILE: &str = "model.safetensors";

/// The key of the description in the metadata of the file.
const KEY: &str = "sparse_autoencoder";

/// The description of a model: what its tensors do not say.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Description {
    width: usize,
    elements: usize,
    /// The description of a transcoder, if the model is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transcoder: Option<Transcoder>,
    #[serde(flatten)]
    variant: Kind,
}

/// The description of a transcoder: what its tensors do not say.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Transcoder {
    /// The width of the rows that the transcoder reads.
    input: usize,
    /// Whether the transcoder has a skip connection.
    skip: bool,
}

/// A variant with its settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "variant", rename_all = "kebab-case")]
enum Kind {
    #[serde(rename = "topk")]
    TopK {
        k: usize,
        aux: Option<Aux>,
    },
    #[serde(rename = "batch-topk")]
    BatchTopK {
        k: usize,
        aux: Option<Aux>,
    },
    Matryoshka {
        k: usize,
        aux: Option<Aux>,
        prefixes: Vec<usize>,
    },
    L1 {
        lambda: f32,
        unit_rows: bool,
    },
    L1Tied {
        lambda: f32,
    },
    #[serde(rename = "jumprelu")]
    JumpRelu {
        lambda: f32,
        bandwidth: f32,
        threshold: f32,
    },
    Gated {
        lambda: f32,
    },
    TwoLayer {
        hidden: usize,
        lambda: f32,
    },
    Lista {
        steps: usize,
        lambda: f32,
    },
}

/// The auxiliary loss of dead elements.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Aux {
    k: usize,
    coefficient: f32,
    dead_after: u32,
}

impl From<AuxK> for Aux {
    fn from(aux: AuxK) -> Aux {
        let AuxK {
            k,
            coefficient,
            dead_after,
        } = aux;
        Aux {
            k,
            coefficient,
            dead_after,
        }
    }
}

impl Kind {
    fn of(variant: Variant) -> Kind {
        match variant {
            Variant::TopK(TopK { k, aux }) => Kind::TopK {
                k,
                aux: aux.map(Aux::from),
            },
            Variant::BatchTopK(BatchTopK { k, aux }) => Kind::BatchTopK {
                k,
                aux: aux.map(Aux::from),
            },
            Variant::Matryoshka(Matryoshka { codes, prefixes }) => Kind::Matryoshka {
                k: codes.k,
                aux: codes.aux.map(Aux::from),
                prefixes: prefixes.sizes().to_vec(),
            },
            Variant::L1(L1 { lambda, rows }) => Kind::L1 {
                lambda,
                unit_rows: rows == Rows::Unit,
            },
            Variant::TiedL1(TiedL1 { lambda }) => Kind::L1Tied { lambda },
            Variant::JumpRelu(JumpRelu {
                lambda,
                bandwidth,
                threshold,
            }) => Kind::JumpRelu {
                lambda,
                bandwidth,
                threshold,
            },
            Variant::Gated(Gated { lambda }) => Kind::Gated { lambda },
            Variant::TwoLayer(TwoLayer { hidden, lambda }) => Kind::TwoLayer { hidden, lambda },
            Variant::Lista(Lista { steps, lambda }) => Kind::Lista { steps, lambda },
        }
    }

    /// Returns the variant, if its settings make sense for a dictionary of `elements` elements.
    fn variant(self, elements: usize) -> Result<Variant, String> {
        let one_of = |what: &str, n: usize, most: usize| match (1..=most).contains(&n) {
            true => Ok(n),
            false => Err(format!("{what} is {n}; it must be 1 to {most}")),
        };
        let auxiliary = |aux: Option<Aux>| match aux {
            Some(aux) => Ok::<_, String>(Some(AuxK {
                k: one_of("the k of its auxiliary loss", aux.k, elements)?,
                coefficient: aux.coefficient,
                dead_after: aux.dead_after,
            })),
            None => Ok(None),
        };
        Ok(match self {
            Kind::TopK { k, aux } => Variant::TopK(TopK {
                k: one_of("k", k, elements)?,
                aux: auxiliary(aux)?,
            }),
            Kind::BatchTopK { k, aux } => Variant::BatchTopK(BatchTopK {
                k: one_of("k", k, elements)?,
                aux: auxiliary(aux)?,
            }),
            Kind::Matryoshka { k, aux, prefixes } => {
                let sizes = Prefixes::new(&prefixes).map_err(|e| e.to_string())?;
                if prefixes.last() != Some(&elements) {
                    return Err(format!(
                        "its prefixes have {prefixes:?} elements; the last of them must be all {elements}"
                    ));
                }
                Variant::Matryoshka(Matryoshka {
                    codes: BatchTopK {
                        k: one_of("k", k, elements)?,
                        aux: auxiliary(aux)?,
                    },
                    prefixes: sizes,
                })
            }
            Kind::L1 { lambda, unit_rows } => Variant::L1(L1 {
                lambda,
                rows: if unit_rows {
                    Rows::Unit
                } else {
                    Rows::Penalised
                },
            }),
            Kind::L1Tied { lambda } => Variant::TiedL1(TiedL1 { lambda }),
            Kind::JumpRelu {
                lambda,
                bandwidth,
                threshold,
            } => {
                if !(bandwidth > 0.0
                    && bandwidth.is_finite()
                    && threshold >= 0.0
                    && threshold.is_finite())
                {
                    return Err(format!(
                        "its bandwidth is {bandwidth} and its threshold {threshold}; both must be finite, the former above 0"
                    ));
                }
                Variant::JumpRelu(JumpRelu {
                    lambda,
                    bandwidth,
                    threshold,
                })
            }
            Kind::Gated { lambda } => Variant::Gated(Gated { lambda }),
            Kind::TwoLayer { hidden, lambda } => Variant::TwoLayer(TwoLayer {
                hidden: one_of("the width of its hidden layer", hidden, 1 << 24)?,
                lambda,
            }),
            Kind::Lista { steps, lambda } => Variant::Lista(Lista {
                steps: one_of("its number of steps", steps, 1 << 16)?,
                lambda,
            }),
        })
    }
}

/// Returns the name of a variant on the command line.
pub fn name(variant: Variant) -> &'static str {
    match variant {
        Variant::L1(_) => "l1",
        Variant::TiedL1(_) => "l1-tied",
        Variant::TopK(_) => "topk",
        Variant::BatchTopK(_) => "batch-topk",
        Variant::Matryoshka(_) => "matryoshka",
        Variant::Gated(_) => "gated",
        Variant::JumpRelu(_) => "jumprelu",
        Variant::TwoLayer(_) => "two-layer",
        Variant::Lista(_) => "lista",
    }
}

/// Writes a model into a folder inside of that of a run.
pub fn write(parameters: &Parameters, run: &Folder, folder: &str) -> Result<()> {
    run.write(format!("{folder}/{FILE}"), encode(parameters))
}

fn encode(parameters: &Parameters) -> Vec<u8> {
    let tensors: Vec<Tensor> = parameters
        .tensors()
        .map(|(name, tensor)| Tensor::matrix(name, tensor))
        .collect();
    let Shape { width, dictionary } = parameters.shape();
    let description = Description {
        width,
        elements: dictionary,
        transcoder: match parameters.task() {
            Task::Autoencoder(_) => None,
            Task::Transcoder { input, skip, .. } => Some(Transcoder { input, skip }),
        },
        variant: Kind::of(parameters.variant()),
    };
    let text = serde_json::to_string(&description).expect("numbers and words");
    tensors::encode(&tensors, Some((KEY, text)))
}

/// Reads a model from the bytes of its file.
///
/// # Errors
/// The description of what is wrong with the bytes.
pub fn decode(bytes: &[u8]) -> Result<Parameters, String> {
    let broken = |e: safetensors::SafeTensorError| format!("it is no .safetensors file: {e}");
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(broken)?;
    let text = metadata.metadata().as_ref().and_then(|m| m.get(KEY));
    let text = text
        .ok_or("it was not written by `harness sae train`: it does not say which variant it is")?;
    let description: Description =
        serde_json::from_str(text).map_err(|e| format!("its description is damaged: {e}"))?;
    let Description {
        width,
        elements,
        transcoder,
        variant,
    } = description;
    let file = tensors::decode(bytes)?;
    // The tensor w_dec is read first: since it is in the file, no shape is larger than the file.
    let dictionary = tensors::read(&file, "w_dec", &[elements, width]);
    if width == 0 || elements == 0 {
        return Err(format!("it has {elements} elements of {width} values"));
    }
    dictionary?;
    let shape = Shape {
        width,
        dictionary: elements,
    };
    let variant = variant.variant(elements)?;
    let task = match transcoder {
        None => Task::Autoencoder(shape),
        Some(Transcoder { input: 0, .. }) => {
            return Err("it is a transcoder of rows of 0 values".into());
        }
        Some(_) if !variant.transcodes() => {
            return Err(format!("{} cannot be a transcoder", name(variant)));
        }
        Some(Transcoder { input, skip }) => Task::Transcoder { input, shape, skip },
    };
    // Nothing is allocated that the file does not hold.
    let values = bytes.len() / 4;
    let largest = match variant {
        Variant::TwoLayer(TwoLayer { hidden, .. }) => {
            elements.max(task.input()).checked_mul(hidden)
        }
        Variant::Lista(_) => elements.max(task.input()).checked_mul(elements),
        _ => elements.checked_mul(task.input()),
    };
    let skip = match task.has_skip() {
        true => width.checked_mul(task.input()),
        false => Some(0),
    };
    let largest = largest.zip(skip).map(|(a, b)| a.max(b));
    if largest.is_none_or(|largest| largest > values) {
        return Err("its settings ask for larger tensors than it holds".into());
    }
    let mut parameters = Parameters::zeros(task, variant);
    let shapes: Vec<(&str, [usize; 2])> = parameters
        .tensors()
        .map(|(name, t)| (name, [t.rows(), t.cols()]))
        .collect();
    for (name, shape) in shapes {
        let values = tensors::read(&file, name, &shape)?;
        tensors::fill(&mut parameters, name, &values);
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::super::examples::example;
    use super::*;

    #[test]
    fn every_variant_comes_back_as_it_was() {
        let shape = Shape {
            width: 3,
            dictionary: 5,
        };
        let transcoder = |skip| Task::Transcoder {
            input: 7,
            shape,
            skip,
        };
        let tasks = [shape.into(), transcoder(false), transcoder(true)];
        let all = Variant::examples(shape, 0.25).into_iter();
        let all = all.flat_map(|variant| tasks.map(|task| (task, variant)));
        for (task, variant) in all {
            if task.is_transcoder() && !variant.transcodes() {
                continue;
            }
            let parameters = example(task, variant);
            let bytes = encode(&parameters);
            assert_eq!(decode(&bytes).unwrap(), parameters, "{variant:?}");
            for cut in [0, 7, 20, bytes.len() - 1] {
                assert!(decode(&bytes[..cut]).is_err());
            }
        }
    }

    /// Returns the place of a text in bytes.
    fn find(bytes: &[u8], text: &str) -> usize {
        let mut places = bytes.windows(text.len());
        places
            .position(|b| b == text.as_bytes())
            .expect("it is there")
    }

    #[test]
    fn settings_that_do_not_suit_the_tensors_are_refused() {
        let shape = Shape {
            width: 3,
            dictionary: 5,
        };
        let variant = Variant::TopK(TopK { k: 2, aux: None });
        let bytes = encode(&Parameters::zeros(shape, variant));
        for (from, to, why) in [
            (r#"\"k\":2"#, r#"\"k\":6"#, "k is 6; it must be 1 to 5"),
            (r#"\"width\":3"#, r#"\"width\":4"#, "not [5, 4]"),
            (r#"topk"#, r#"tupk"#, "unknown variant"),
        ] {
            let place = find(&bytes, from);
            let mut changed = bytes.clone();
            changed[place..place + from.len()].copy_from_slice(to.as_bytes());
            let error = decode(&changed).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn prefixes_of_other_dictionaries_are_refused() {
        let shape = Shape {
            width: 3,
            dictionary: 5,
        };
        let codes = BatchTopK { k: 2, aux: None };
        let prefixes = Prefixes::new(&[2, 5]).unwrap();
        let variant = Variant::Matryoshka(Matryoshka { codes, prefixes });
        let bytes = encode(&Parameters::zeros(shape, variant));
        for (to, why) in [
            ("[2,4]", "the last of them must be all 5"),
            ("[7,5]", "each larger than the one before"),
        ] {
            let place = find(&bytes, "[2,5]");
            let mut changed = bytes.clone();
            changed[place..place + to.len()].copy_from_slice(to.as_bytes());
            let error = decode(&changed).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
