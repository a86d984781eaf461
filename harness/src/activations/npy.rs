//! The header of a `.npy` file, format 1 to 3.

use std::io::{BufRead, Read as _, Seek, SeekFrom};

use npyz::{DType, NpyHeader, Order, TypeChar};

use super::header::{Kind, Layout};

/// The longest header that is read. That of an array of numbers has some hundred bytes.
const LONGEST: u32 = 1 << 20;

/// What the header says, which is at the start of the file.
pub fn layout(mut file: impl BufRead + Seek) -> Result<Layout, String> {
    let broken = |e: std::io::Error| format!("it is no .npy file: {e}");
    let mut start = Vec::new();
    file.by_ref()
        .take(12)
        .read_to_end(&mut start)
        .map_err(broken)?;
    // From format 2 on, the length has four bytes, and as much memory is taken for the header.
    if let [_, _, _, _, _, _, version, _, length @ ..] = &start[..]
        && *version >= 2
        && let Ok(length) = length.try_into()
        && u32::from_le_bytes(length) > LONGEST
    {
        return Err("it is no .npy file: its header would be longer than a MiB".into());
    }
    file.seek(SeekFrom::Start(0)).map_err(broken)?;
    let header = NpyHeader::from_reader(&mut file).map_err(broken)?;
    let offset = file.stream_position().map_err(|e| e.to_string())?;
    let DType::Plain(kind) = header.dtype() else {
        return Err("its values are records; rows of activations are numbers of one type".into());
    };
    let written = kind.to_string();
    let kind = match (kind.type_char(), kind.size_field()) {
        _ if written.starts_with('>') => {
            return Err(format!(
                "its values are big-endian ({written}); save it with .astype('<f4')"
            ));
        }
        (TypeChar::Float, 2) => Kind::F16,
        (TypeChar::Float, 4) => Kind::F32,
        (TypeChar::Float, 8) => Kind::F64,
        _ => {
            return Err(format!(
                "its values are of type {written}; save it with .astype('float32') (float16 and float64 are read as well)"
            ));
        }
    };
    if header.order() == Order::Fortran && header.shape().len() > 1 {
        return Err(
            "its values stand in Fortran order; save it with numpy.ascontiguousarray".into(),
        );
    }
    Ok(Layout {
        offset,
        kind,
        shape: header.shape().to_vec(),
    })
}
