//! The loading of shared libraries while the program runs.

use std::path::{Path, PathBuf};
use std::process::Command;

use libloading::{Library, Symbol};

/// Opens a library, and before it the OpenMP library that a Python wheel may keep in the same folder, where the system
/// does not look for it.
pub fn open(path: &Path) -> Result<Library, String> {
    let beside = path.parent().and_then(|folder| folder.read_dir().ok());
    for entry in beside.into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("libomp") {
            // OpenMP is needed for as long as the program runs.
            std::mem::forget(open_alone(&entry.path())?);
        }
    }
    open_alone(path)
}

fn open_alone(path: &Path) -> Result<Library, String> {
    // SAFETY: these are published libraries, whose initialisation sets up their threads.
    let opened = unsafe { Library::new(path) };
    opened.map_err(|e| match std::error::Error::source(&e) {
        Some(why) => format!("{e}: {why}"),
        None => e.to_string(),
    })
}

/// Returns the function `name` of a library.
///
/// # Safety
/// `T` is the type of the function.
pub unsafe fn symbol<'a, T>(library: &'a Library, name: &str) -> Result<Symbol<'a, T>, String> {
    // SAFETY: as the caller promised.
    unsafe { library.get(name) }.map_err(|e| e.to_string())
}

/// Returns the path of the file of a Python package whose name begins with `stem`.
pub fn in_python(package: &str, stem: &str) -> Result<PathBuf, String> {
    let script = format!(
        "from importlib.metadata import files\n\
         print(next(f.locate() for f in files('{package}') if f.name.startswith('{stem}')))"
    );
    let python = super::python();
    let output = Command::new(&python).args(["-c", &script]).output();
    let output = output.map_err(|e| format!("{python} does not start: {e}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim().into()),
        false => Err(format!("{python} has no {package}")),
    }
}
