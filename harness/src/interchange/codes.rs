//! Files of sparse codes, written row by row, so that one more row costs no memory.
//!
//! The arrays of codes stand one after another in a file, and how long they are is known only at the end: until then
//! each has a file of its own without a name, in the same folder.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use kernels::SparseRef;
use serde_json::json;
use tempfile::TempPath;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::error::{Error, Result};
use crate::store::{system, temporary};

/// A format of a file of sparse codes, which the name of the file tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// The format that `scipy.sparse.load_npz` reads: compressed sparse rows.
    Npz,
    /// Three tensors: the entries of row i are `values[offsets[i]..offsets[i + 1]]`, at the same places of `indices`.
    Safetensors,
}

/// A file of codes that is being written.
#[derive(Debug)]
pub struct Codes {
    path: PathBuf,
    format: Format,
    elements: usize,
    rows: u64,
    entries: u64,
    values: BufWriter<File>,
    indices: BufWriter<File>,
    offsets: BufWriter<File>,
}

impl Codes {
    /// Begins a file of codes of `elements` elements, whose name ends in `.npz` or `.safetensors`.
    ///
    /// # Errors
    /// If the name ends in something else, the file is already there, or nothing can be written in its folder.
    pub fn create(path: &Path, elements: usize) -> Result<Codes> {
        let format = match path.extension().and_then(|e| e.to_str()) {
            Some("npz") => Format::Npz,
            Some("safetensors") => Format::Safetensors,
            _ => {
                return Err(Error::input(format!(
                    "codes are written as .npz or .safetensors, and {} ends in neither",
                    path.display()
                )));
            }
        };
        check_new(path)?;
        let nameless = || {
            let file = tempfile::tempfile_in(folder(path)).map_err(Error::io("write", path));
            file.map(BufWriter::new)
        };
        let mut codes = Codes {
            path: path.to_path_buf(),
            format,
            elements,
            rows: 0,
            entries: 0,
            values: nameless()?,
            indices: nameless()?,
            offsets: nameless()?,
        };
        codes.written(|codes| codes.offsets.write_all(&0u64.to_le_bytes()))?;
        Ok(codes)
    }

    /// Adds the codes of some rows to the file.
    pub fn add(&mut self, codes: SparseRef) -> Result<()> {
        self.written(|all| {
            for i in 0..codes.rows() {
                let (indices, values) = codes.row(i);
                for index in indices {
                    all.indices.write_all(&index.to_le_bytes())?;
                }
                for value in values {
                    all.values.write_all(&value.to_le_bytes())?;
                }
                all.entries += values.len() as u64;
                all.offsets.write_all(&all.entries.to_le_bytes())?;
            }
            all.rows += codes.rows() as u64;
            Ok(())
        })
    }

    /// Writes the file, under a temporary name first, and returns the number of entries.
    pub fn finish(mut self) -> Result<u64> {
        let mut file = New::create(&self.path)?;
        file.write(|to| match self.format {
            Format::Npz => self.npz(to),
            Format::Safetensors => self.safetensors(to),
        })?;
        file.finish()?;
        Ok(self.entries)
    }

    fn written(&mut self, write: impl FnOnce(&mut Self) -> io::Result<()>) -> Result<()> {
        write(self).map_err(|e| Error::io("write", &self.path)(e))
    }

    fn npz(&mut self, to: &mut BufWriter<File>) -> io::Result<()> {
        let mut zip = ZipWriter::new(to);
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(true);
        let (rows, columns) = (self.rows, self.elements as u64);
        let shape: Vec<u8> = [rows, columns]
            .into_iter()
            .flat_map(u64::to_le_bytes)
            .collect();
        for (name, bytes) in [
            ("format.npy", npy("|S3", &[], b"csr")),
            ("shape.npy", npy("<i8", &[2], &shape)),
        ] {
            zip.start_file(name, options)?;
            zip.write_all(&bytes)?;
        }
        for (name, kind, len, from) in [
            ("data.npy", "<f4", self.entries, &mut self.values),
            ("indices.npy", "<i4", self.entries, &mut self.indices),
            ("indptr.npy", "<i8", rows + 1, &mut self.offsets),
        ] {
            zip.start_file(name, options)?;
            zip.write_all(&npy(kind, &[len], b""))?;
            copy(from, &mut zip)?;
        }
        zip.finish()?;
        Ok(())
    }

    fn safetensors(&mut self, to: &mut BufWriter<File>) -> io::Result<()> {
        let offsets = 8 * (self.rows + 1);
        let values = offsets + 4 * self.entries;
        let tensor = |dtype, len: u64, from: u64, to: u64| json!({"dtype": dtype, "shape": [len], "data_offsets": [from, to]});
        let header = json!({
            "__metadata__": {"elements": self.elements.to_string()},
            "offsets": tensor("I64", self.rows + 1, 0, offsets),
            "values": tensor("F32", self.entries, offsets, values),
            "indices": tensor("I32", self.entries, values, values + 4 * self.entries),
        });
        to.write_all(&safetensors_header(header))?;
        for from in [&mut self.offsets, &mut self.values, &mut self.indices] {
            copy(from, to)?;
        }
        Ok(())
    }
}

/// A new file that has a temporary name until it is whole.
#[derive(Debug)]
pub(super) struct New {
    path: PathBuf,
    file: BufWriter<File>,
    temporary_path: TempPath,
}

impl New {
    /// Creates a file that is not there yet.
    pub(super) fn create(path: &Path) -> Result<New> {
        check_new(path)?;
        let created = temporary::create_in(folder(path));
        let (file, temporary_path) = created.map_err(Error::io("write", path))?;
        Ok(New {
            path: path.to_path_buf(),
            file: BufWriter::new(file),
            temporary_path,
        })
    }

    /// Writes to the end of the file.
    pub(super) fn write(
        &mut self,
        write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> Result<()> {
        write(&mut self.file).map_err(|e| Error::io("write", &self.path)(e))
    }

    /// Gives the file its name.
    pub(super) fn finish(self) -> Result<()> {
        let failed = |action| Error::io(action, &self.path);
        let file = self
            .file
            .into_inner()
            .map_err(|e| failed("write")(e.into_error()))?;
        match file.sync_all() {
            Err(e) if !system::is_unsupported(&e) => return Err(failed("flush")(e)),
            _ => {}
        }
        system::close(file).map_err(failed("write"))?;
        let renamed = self.temporary_path.persist_noclobber(&self.path);
        renamed.map_err(|e| failed("rename the finished file to")(e.error))
    }
}

/// Refuses the path of a file that is already there.
fn check_new(path: &Path) -> Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Err(Error::input(format!(
            "{} is already there; remove it, or choose another file with --out",
            path.display()
        ))),
        Err(_) => Ok(()),
    }
}

/// Returns the folder that a file lies in.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Copies a temporary file, from its beginning, to the end of another.
fn copy(from: &mut BufWriter<File>, to: &mut impl Write) -> io::Result<()> {
    from.flush()?;
    let file = from.get_mut();
    file.seek(SeekFrom::Start(0))?;
    io::copy(file, to).map(drop)
}

/// Returns the beginning of a `.safetensors` file of the tensors that `tensors` describes.
pub(super) fn safetensors_header(tensors: serde_json::Value) -> Vec<u8> {
    let mut text = tensors.to_string();
    while !text.len().is_multiple_of(8) {
        text.push(' ');
    }
    let mut header = (text.len() as u64).to_le_bytes().to_vec();
    header.extend(text.into_bytes());
    header
}

/// Returns the beginning of a `.npy` file, format 1.0, with `bytes` after it.
pub(super) fn npy(kind: &str, shape: &[u64], bytes: &[u8]) -> Vec<u8> {
    let axes: String = shape.iter().map(|n| format!("{n},")).collect();
    let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({axes}), }}");
    let len = (10 + text.len() + 1).next_multiple_of(64) - 10;
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((len as u16).to_le_bytes());
    file.extend(format!("{text:<0$}\n", len - 1).into_bytes());
    file.extend(bytes);
    file
}
