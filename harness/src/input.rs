//! Reading of whole files. Each kind of file has a largest size, so that no file can take all the memory, and what is
//! no file, such as a device that never ends, is refused.

use std::fs::{File, FileType, Metadata};
use std::io::Read as _;
use std::path::Path;

use crate::error::{Error, Result};
use crate::memory;

/// The largest size of a configuration file in bytes. That of a run, with every setting explained, has some ten
/// thousand.
const SETTINGS: u64 = 1 << 20;

/// Reads a text that a user wrote, from a file or from a pipe such as `<(command)` makes in a shell.
///
/// # Errors
/// If it cannot be read, is something else, has more than a MiB, or is not in UTF-8.
pub fn read_settings(path: &Path) -> Result<String> {
    let is_readable = |kind: FileType| kind.is_file() || is_pipe(kind);
    text(read_most(path, SETTINGS, is_readable)?, path)
}

/// Reads a file that a run wrote.
///
/// # Errors
/// If it cannot be read, is no file, or would take more than half of the memory that this process may have: a run has
/// its tables and models in memory along with the bytes of their files.
pub fn read_result(path: &Path) -> Result<Vec<u8>> {
    let most = memory::most() / 2.0;
    read_most(path, most as u64, |kind| kind.is_file())
}

/// Reads a file that a run wrote, as text.
///
/// # Errors
/// The errors of [`read_result`], and an error if the file is not in UTF-8.
pub fn read_result_text(path: &Path) -> Result<String> {
    text(read_result(path)?, path)
}

/// Opens a file for reading.
///
/// # Errors
/// If it cannot be opened, or is no file.
pub fn open(path: &Path) -> Result<File> {
    open_if(path, |found| must_be(path, &found, |kind| kind.is_file()))
}

/// Opens a file whose metadata `check` accepts.
fn open_if(path: &Path, check: impl Fn(Metadata) -> Result<()>) -> Result<File> {
    // The metadata is checked before opening as well: opening a pipe waits for its writer.
    check(std::fs::metadata(path).map_err(Error::io("read", path))?)?;
    let file = File::open(path).map_err(Error::io("read", path))?;
    check(file.metadata().map_err(Error::io("read", path))?)?;
    Ok(file)
}

fn must_be(path: &Path, found: &Metadata, admits: impl Fn(FileType) -> bool) -> Result<()> {
    match found.file_type() {
        kind if admits(kind) => Ok(()),
        kind => Err(refused(path, &format!("it is {}", name(kind)))),
    }
}

fn read_most(path: &Path, most: u64, is_readable: impl Fn(FileType) -> bool) -> Result<Vec<u8>> {
    let file = open_if(path, |found| {
        must_be(path, &found, &is_readable)?;
        match found.len() > most {
            true => Err(too_large(path, most)),
            false => Ok(()),
        }
    })?;
    let mut bytes = Vec::new();
    let read = file.take(most.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(Error::io("read", path))?;
    if bytes.len() as u64 > most {
        return Err(too_large(path, most));
    }
    Ok(bytes)
}

fn text(bytes: Vec<u8>, path: &Path) -> Result<String> {
    String::from_utf8(bytes).map_err(|e| {
        let sound = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = sound.iter().filter(|&&b| b == b'\n').count() + 1;
        let what = format!("line {line} is not in UTF-8; save it as UTF-8 text");
        refused(path, &what)
    })
}

fn too_large(path: &Path, most: u64) -> Error {
    let most = memory::size(most as f64);
    refused(
        path,
        &format!("it is larger than {most}, the most that is read of such a file"),
    )
}

fn refused(path: &Path, why: &str) -> Error {
    Error::input(format!("cannot read {}: {why}", path.display()))
}

#[cfg(unix)]
fn is_pipe(kind: FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&kind)
}

#[cfg(not(unix))]
fn is_pipe(_: FileType) -> bool {
    false
}

/// Returns a description of something that is no file, for an error.
fn name(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_char_device() || kind.is_block_device() {
            return "a device, not a file";
        }
        if kind.is_socket() {
            return "a socket, not a file";
        }
    }
    match kind {
        _ if kind.is_dir() => "a folder, not a file",
        _ if is_pipe(kind) => "a pipe, not a file",
        _ => "not a file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn the_largest_file_is_read_and_one_byte_more_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        let largest = "#".repeat(1 << 20);
        std::fs::write(&path, &largest).unwrap();
        assert_eq!(read_settings(&path).unwrap(), largest);
        std::fs::write(&path, largest + "#").unwrap();
        let error = message(read_settings(&path));
        assert!(error.contains("c.toml: it is larger than 1 MiB"), "{error}");
        // Results may be larger.
        assert_eq!(read_result(&path).unwrap().len(), (1 << 20) + 1);
    }

    #[test]
    fn a_result_that_does_not_fit_into_memory_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        // The file holds nothing, so it takes no room on the disk.
        std::fs::File::create(&path)
            .unwrap()
            .set_len(1 << 42)
            .unwrap();
        let error = message(read_result_text(&path));
        assert!(error.contains("a.csv: it is larger than"), "{error}");
    }

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        for error in [
            message(read_settings(folder.path())),
            message(read_result(folder.path())),
        ] {
            assert!(error.ends_with("it is a folder, not a file"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn devices_and_sockets_are_refused_and_pipes_are_no_results() {
        let folder = tempfile::tempdir().unwrap();
        for device in ["/dev/zero", "/dev/null"].map(Path::new) {
            let device_refused = format!("cannot read {}: it is a device", device.display());
            for error in [message(read_settings(device)), message(read_result(device))] {
                assert!(error.starts_with(&device_refused), "{error}");
            }
        }
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let error = message(read_settings(&socket));
        assert!(error.ends_with("it is a socket, not a file"), "{error}");

        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        // Nobody writes to the pipe, so opening it would never end.
        let error = message(read_result(&pipe));
        assert!(error.ends_with("it is a pipe, not a file"), "{error}");
        let writer = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::write(pipe, "seed = 1\n").unwrap()
        });
        assert_eq!(read_settings(&pipe).unwrap(), "seed = 1\n");
        writer.join().unwrap();
    }

    #[test]
    fn text_that_is_not_utf8_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        std::fs::write(&path, b"# \xc3\xbc\nseed = \xff\n").unwrap();
        let error = message(read_settings(&path));
        assert!(error.contains("c.toml: line 2 is not in UTF-8"), "{error}");
    }
}
