//! The header of a `.npy` file, format 1 to 3.

use std::io::{BufRead, Read as _, Seek, SeekFrom};

use npyz::{DType, NpyHeader, Order, TypeChar};

use super::header::{Kind, Layout};

/// The longest header that is read, in bytes. That of an array of numbers has some hundred bytes.
const LONGEST: u32 = 1 << 20;

/// Reads the header, which is at the start of the file, and returns it with its number of bytes.
fn header(mut file: impl BufRead + Seek) -> Result<(NpyHeader, u64), String> {
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
    if !start.starts_with(b"\x93NUMPY") {
        return Err(match start.is_empty() {
            true => "it is no .npy file: it is empty".into(),
            false => "it is no .npy file: it does not begin with \\x93NUMPY".into(),
        });
    }
    let header = NpyHeader::from_reader(&mut file).map_err(|e| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => "it is cut off within its header".into(),
        _ => broken(e),
    })?;
    let offset = file.stream_position().map_err(|e| e.to_string())?;
    Ok((header, offset))
}

/// Reads the numbers of classes in a file: whole numbers, on one axis or on two of which the second has length 1.
/// Returns `None` if the values are others.
pub fn classes(mut file: impl BufRead + Seek) -> Result<Option<Vec<i64>>, String> {
    let (header, offset) = header(&mut file)?;
    let kind = match header.dtype() {
        DType::Plain(kind) if !kind.to_string().starts_with('>') => kind,
        _ => return Ok(None),
    };
    let signed = match kind.type_char() {
        TypeChar::Int => true,
        TypeChar::Uint | TypeChar::Bool => false,
        _ => return Ok(None),
    };
    let (count, shape) = match header.shape() {
        &[count] | &[count, 1] => (count, header.shape()),
        shape => {
            return Err(format!(
                "its whole numbers have the shape {shape:?}; classes need one for each row, and targets that are numbers \
                 are saved with .astype('float32')"
            ));
        }
    };
    let size = kind.size_field();
    if !matches!(size, 1 | 2 | 4 | 8) {
        return Err(format!("its values have {size} bytes"));
    }
    let end = file.seek(SeekFrom::End(0)).map_err(|e| e.to_string())?;
    if count.checked_mul(size).and_then(|n| n.checked_add(offset)) != Some(end) {
        return Err(format!(
            "its header speaks of the shape {shape:?} with {size} bytes a value after byte {offset}, and it has {end} bytes"
        ));
    }
    file.seek(SeekFrom::Start(offset))
        .map_err(|e| e.to_string())?;
    let mut classes = Vec::with_capacity(count as usize);
    let mut bytes = [0u8; 8];
    for _ in 0..count {
        let value = &mut bytes[..size as usize];
        file.read_exact(value).map_err(|e| e.to_string())?;
        let negative = signed && value[size as usize - 1] >= 0x80;
        bytes[size as usize..].fill(if negative { 0xff } else { 0 });
        classes.push(i64::from_le_bytes(bytes));
    }
    Ok(Some(classes))
}

/// Returns what the header says of rows of activations.
pub fn layout(file: impl BufRead + Seek) -> Result<Layout, String> {
    let (header, offset) = header(file)?;
    let DType::Plain(kind) = header.dtype() else {
        return Err("its values are records; rows are numbers of one type".into());
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
