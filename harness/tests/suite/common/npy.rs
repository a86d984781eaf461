//! `.npy` files, written and read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Returns the header of a file of format 1.0.
pub fn header(kind: &str, fortran: bool, shape: &[usize]) -> Vec<u8> {
    let mut axes = String::new();
    for axis in shape {
        write!(axes, "{axis}, ").unwrap();
    }
    let order = if fortran { "True" } else { "False" };
    let mut text = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': ({axes}), }}");
    while !(10 + text.len() + 1).is_multiple_of(64) {
        text.push(' ');
    }
    text.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((text.len() as u16).to_le_bytes());
    file.extend(text.as_bytes());
    file
}

/// Returns a file of rows of single precision, with the values of (row, column).
pub fn rows(rows: usize, width: usize, value: impl Fn(usize, usize) -> f32) -> Vec<u8> {
    let mut file = header("<f4", false, &[rows, width]);
    file.extend((0..rows * width).flat_map(|i| value(i / width, i % width).to_le_bytes()));
    file
}

/// Returns the values in a file.
pub fn values<T: npyz::Deserialize>(file: &[u8]) -> Vec<T> {
    npyz::NpyFile::new(file).unwrap().into_vec().unwrap()
}

/// Returns the files in an archive, `.npz`, by their names.
pub fn archive(bytes: Vec<u8>) -> BTreeMap<String, Vec<u8>> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let each = (0..zip.len()).map(|i| {
        let mut file = zip.by_index(i).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
        (file.name().unwrap().to_string(), bytes)
    });
    each.collect()
}
