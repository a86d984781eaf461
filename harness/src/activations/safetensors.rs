//! The header of a `.safetensors` file.

use std::io::Read;

use safetensors::tensor::Metadata;

use super::header::{Kind, Layout};

/// The longest header that is read, in bytes, which is also the longest of the format.
const LONGEST: u64 = 100_000_000;

/// Returns what the header says of the tensor of the name `tensor`, or of the only one if none is named.
pub fn layout(mut file: impl Read, tensor: Option<&str>) -> Result<Layout, String> {
    let broken = |why: &str| format!("it is no .safetensors file: {why}");
    let mut length = [0; 8];
    file.read_exact(&mut length)
        .map_err(|e| broken(&e.to_string()))?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST {
        return Err(broken(&format!("its header would be {length} bytes long")));
    }
    let mut header = Vec::new();
    file.take(length)
        .read_to_end(&mut header)
        .map_err(|e| broken(&e.to_string()))?;
    if header.len() as u64 != length {
        return Err(broken("its header is cut short"));
    }
    let metadata: Metadata = serde_json::from_slice(&header).map_err(|e| broken(&e.to_string()))?;
    let mut names: Vec<_> = metadata.tensors().keys().cloned().collect();
    names.sort_unstable();
    let name = match (tensor, &names[..]) {
        (Some(name), _) => name,
        (None, [only]) => only,
        (None, []) => return Err("it holds no tensor".into()),
        (None, _) => {
            let names = names.join(", ");
            return Err(format!(
                "it holds several tensors ({names}); choose one with --tensor NAME"
            ));
        }
    };
    let Some(info) = metadata.info(name) else {
        return Err(format!(
            "it holds no tensor {name}, but {}",
            names.join(", ")
        ));
    };
    let Some(kind) = Kind::of(info.dtype) else {
        return Err(format!(
            "the values of {name} are of type {:?}; F16, BF16, F32 and F64 are read",
            info.dtype
        ));
    };
    let (from, to) = info.data_offsets;
    let offset = (8 + length).checked_add(from as u64);
    let layout = Layout {
        offset: offset.ok_or_else(|| broken("its offsets are beyond any file"))?,
        kind,
        shape: info.shape.iter().map(|&n| n as u64).collect(),
    };
    let (rows, width) = layout.rows()?;
    let bytes = rows * width as u64 * kind.bytes() as u64;
    match to.checked_sub(from) {
        Some(room) if room as u64 == bytes => Ok(layout),
        _ => Err(broken(&format!(
            "{name} stands at bytes {from} to {to}, and takes {bytes}"
        ))),
    }
}
