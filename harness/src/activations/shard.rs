//! A single file of activations.

use std::fs::File;
use std::io::{BufReader, Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};

use super::header::Kind;
use super::{npy, safetensors};
use crate::error::{Error, Result};
use crate::input;

/// A file of rows of one length, which are read by their numbers.
#[derive(Debug)]
pub struct Shard {
    path: PathBuf,
    file: File,
    offset: u64,
    kind: Kind,
    rows: u64,
    width: usize,
}

impl Shard {
    /// Opens a `.npy` or `.safetensors` file, and checks that it is as its header says.
    pub fn open(path: &Path, tensor: Option<&str>) -> Result<Shard> {
        let wrong = |why: String| Error::input(format!("cannot read {}: {why}", path.display()));
        let file = input::open(path)?;
        let reader = BufReader::new(&file);
        let layout = match path.extension().and_then(|e| e.to_str()) {
            Some("npy") => npy::layout(reader),
            Some("safetensors") => safetensors::layout(reader, tensor),
            _ => Err("rows are read from .npy and .safetensors files".into()),
        };
        let layout = layout.map_err(wrong)?;
        let (rows, width) = layout.rows().map_err(wrong)?;
        let end = layout
            .offset
            .saturating_add(rows * width as u64 * layout.kind.bytes() as u64);
        let bytes = file.metadata().map_err(Error::io("read", path))?.len();
        if bytes < end {
            return Err(wrong(format!(
                "it is cut short: with {rows} rows of {width} {} it would have {end} bytes, and has {bytes}",
                layout.kind.name()
            )));
        }
        if bytes > end && path.extension().is_some_and(|e| e == "npy") {
            return Err(wrong(format!(
                "its header speaks of {rows} rows of {width} {}, which end at byte {end}, and it has {bytes}; save one \
                 array in each file",
                layout.kind.name()
            )));
        }
        Ok(Shard {
            path: path.to_path_buf(),
            file,
            offset: layout.offset,
            kind: layout.kind,
            rows,
            width,
        })
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the type of the values.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns the length of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Reads consecutive rows from number `first` on, as many as `to` has room for.
    ///
    /// # Panics
    /// If there are not that many rows.
    pub fn read(&self, first: u64, to: &mut [f32]) -> Result<()> {
        assert!(
            first * self.width as u64 + to.len() as u64 <= self.rows * self.width as u64,
            "row {first} and what follows is beyond the {} rows",
            self.rows
        );
        let size = self.kind.bytes();
        let at = self.offset + first * (self.width * size) as u64;
        if self.kind == Kind::F32 && cfg!(target_endian = "little") {
            // The bytes of the file are those of the numbers, so they need no conversion.
            return self.read_bytes(at, bytemuck::cast_slice_mut(to));
        }
        let mut bytes = vec![0; to.len() * size];
        self.read_bytes(at, &mut bytes)?;
        self.kind.decode(&bytes, to);
        Ok(())
    }

    /// Tells the system that rows from number `first` on are going to be read, so that it may do so ahead.
    pub fn announce(&self, first: u64, rows: u64) {
        let row = (self.width * self.kind.bytes()) as u64;
        read_ahead(&self.file, self.offset + first * row, rows * row);
    }

    fn read_bytes(&self, at: u64, to: &mut [u8]) -> Result<()> {
        read_exact_at(&self.file, to, at).map_err(|e| match e.kind() {
            ErrorKind::UnexpectedEof => Error::input(format!(
                "cannot read {}: it was cut short while it was read",
                self.path.display()
            )),
            _ => Error::io("read", &self.path)(e),
        })
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], at: u64) -> Result<(), IoError> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut at: u64) -> Result<(), IoError> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, at)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            read => (bytes, at) = (&mut bytes[read..], at + read as u64),
        }
    }
    Ok(())
}

/// The number of bytes that Linux reads ahead for one piece of advice, whatever the disk: it may cut longer pieces.
#[cfg(target_os = "linux")]
const AHEAD: u64 = 1 << 17;

#[cfg(target_os = "linux")]
fn read_ahead(file: &File, mut at: u64, bytes: u64) {
    use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
    let end = at + bytes;
    while at < end {
        let piece = AHEAD.min(end - at);
        // The call gives advice alone: where it is not taken, rows are read when they are needed.
        let _ = posix_fadvise(
            file,
            at as libc::off_t,
            piece as libc::off_t,
            PosixFadviseAdvice::POSIX_FADV_WILLNEED,
        );
        at += piece;
    }
}

#[cfg(not(target_os = "linux"))]
fn read_ahead(_: &File, _: u64, _: u64) {}
