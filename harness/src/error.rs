//! What can go wrong, and the exit code that each case ends in.

use std::path::{Path, PathBuf};

/// Every failure of the harness.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The user asked for something that cannot be done: a flag, a setting, a file.
    #[error("{0}")]
    Input(String),
    /// A file or folder could not be read or written.
    #[error("cannot {action} {}: {source}{}", path.display(), way_out(action, source))]
    Io {
        /// What was tried, as a verb: `read`, `write`, `create`.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The user pressed Ctrl-C.
    #[error("interrupted; `harness run --resume DIR` on the output folder goes on from here")]
    Interrupted,
}

/// Shorthand for results of the harness.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The exit code of a process that was asked for what cannot be done.
pub const CANNOT: u8 = 2;

impl Error {
    /// An [`Error::Input`] from anything that can be shown.
    pub fn input(message: impl Into<String>) -> Self {
        Error::Input(message.into())
    }

    /// Turns a system error into an [`Error::Io`] that names the path.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Error::Io {
            action,
            path: path.to_path_buf(),
            source,
        }
    }

    /// The exit code of a process that ends in this error: [`CANNOT`], or 130 for an interrupt.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Input(_) | Error::Io { .. } => CANNOT,
            Error::Interrupted => 130,
        }
    }
}

fn way_out(action: &str, source: &std::io::Error) -> &'static str {
    use std::io::ErrorKind::*;
    match source.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => {
            "; free some space or choose another folder with --out"
        }
        _ if matches!(action, "create" | "write") => {
            "; choose a folder you may write to with --out"
        }
        _ => "",
    }
}

/// `" (did you mean `x`?)"` for the nearest of `known`, or nothing if none is near.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(word, k), k))
        .min()
        .filter(|&(distance, k)| {
            distance <= k.chars().count().max(word.chars().count()).div_ceil(2)
        })
        .map(|(_, k)| format!("; did you mean `{k}`?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_far_ones_are_not() {
        let known = ["response", "rescale", "tradeoff"];
        assert_eq!(did_you_mean("respons", known), "; did you mean `response`?");
        assert_eq!(did_you_mean("xyz", known), "");
    }
}
