//! The errors of the harness, and the exit code that each of them ends a process with.

use std::path::{Path, PathBuf};

/// An error of the harness.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The user asked for something that cannot be done, by a flag, a setting or a file.
    #[error("{0}")]
    Input(String),
    /// A file or folder could not be read or written.
    #[error("cannot {action} {}: {source}{}", path.display(), way_out(action, source))]
    Io {
        /// The action that failed, as a verb: `read`, `write`, `create`, `lock`, `flush`.
        action: &'static str,
        /// The path of the file or folder.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The user pressed Ctrl-C; the value is the command that goes on from there, if there is one.
    #[error("interrupted{}", .0.as_ref().map_or(String::new(), |again| format!("; go on with {again}")))]
    Interrupted(Option<String>),
}

/// The text that tells a user how to go on after a run or a training has ended early, whatever the cause.
pub const GOES_ON: &str = "a run or a training goes on from here with `--resume DIR`, its output folder, and a part or a merge with its command again";

/// The result of a function of the harness that may fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The exit code of a process that was asked for something that cannot be done.
pub const CANNOT: u8 = 2;

impl Error {
    /// Returns an [`Error::Input`] with a message.
    pub fn input(message: impl Into<String>) -> Self {
        Error::Input(message.into())
    }

    /// Returns a function that turns a system error into an [`Error::Io`] which names the action and the path.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Error::Io {
            action,
            path: path.to_path_buf(),
            source,
        }
    }

    /// Returns the exit code of a process that ends in this error: [`CANNOT`], or 130 for an interrupt.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Input(_) | Error::Io { .. } => CANNOT,
            Error::Interrupted(_) => 130,
        }
    }
}

fn way_out(action: &str, source: &std::io::Error) -> &'static str {
    use std::io::ErrorKind::*;
    match source.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => {
            "; free some space or choose a folder on another disk"
        }
        StaleNetworkFileHandle => "; mount its file system again, then go on with `--resume`",
        _ => match action {
            "create" | "write" => "; choose a folder that exists and that you may write to",
            "read" | "remove" => "",
            _ => "; choose a folder on another file system",
        },
    }
}
