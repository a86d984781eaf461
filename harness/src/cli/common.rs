//! Functions that the commands share: on threads, checkpoints and the instruction set, and for printing.

use std::error::Error as _;
use std::io::{IsTerminal as _, Write};
use std::num::{IntErrorKind, ParseFloatError, ParseIntError};
use std::str::FromStr;
use std::time::Duration;

use anstream::AutoStream;
use clap::error::ContextKind;
use kernels::Isa;

use crate::error::{Error, Result};
use crate::stderr::warn;
use crate::text::{counted, did_you_mean, put};

/// Returns the number of threads that was asked for, or one for each core. Warns if there are more threads than cores.
///
/// # Errors
/// If the number is not from 1 to 1024.
pub fn threads(asked: Option<usize>) -> Result<usize> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads_in_range(asked.unwrap_or(cores))?;
    if threads > cores {
        warn(&format!(
            "--threads is {threads}, and this machine has {}: more threads than cores take more memory, and no less \
             time",
            counted(cores as u64, "core", "cores")
        ));
    }
    Ok(threads)
}

/// Returns the number of threads `asked`, for this machine or another.
///
/// # Errors
/// If the number is not from 1 to 1024.
pub fn threads_in_range(asked: usize) -> Result<usize> {
    match asked {
        1..=1024 => Ok(asked),
        other => Err(Error::input(format!(
            "--threads is {other}; it must be 1 to 1024"
        ))),
    }
}

/// Returns the instruction set: that of the variable `KERNELS_ISA`, else that of the configuration file, `configured`,
/// else the best of this machine.
///
/// # Errors
/// If there is no such instruction set, or this machine lacks it.
pub fn choose_isa(configured: Option<&str>) -> Result<Isa> {
    let refused = |name: &str| {
        let available: Vec<_> = Isa::available().into_iter().map(Isa::name).collect();
        let why = match Isa::NAMES.contains(&name) {
            true => format!("this CPU lacks the instruction set `{name}`"),
            false => {
                let hint = did_you_mean(name, Isa::NAMES.iter().copied());
                format!("there is no instruction set `{name}`{hint}")
            }
        };
        format!("{why}; this machine has {}", available.join(", "))
    };
    match (std::env::var("KERNELS_ISA"), configured) {
        (Err(std::env::VarError::NotPresent), Some(name)) => Isa::from_str(name).map_err(|_| {
            Error::input(format!(
                "isa = \"{name}\" in the configuration: {}: change or remove the line (results then differ in their \
                 last digits)",
                refused(name)
            ))
        }),
        (variable, _) => Isa::from_env()
            .map_err(|_| Error::input(format!("KERNELS_ISA: {}", refused(&variable.unwrap_or_default())))),
    }
}

/// Returns the refusal of an argument, in plain words if a number is wrong.
pub fn in_plain_words(refused: clap::Error) -> clap::Error {
    let why = match refused.source() {
        Some(source) if source.is::<ParseFloatError>() => "it must be a number".into(),
        Some(source) => match source.downcast_ref::<ParseIntError>().map(|e| e.kind()) {
            Some(IntErrorKind::PosOverflow) => "it is too large".into(),
            Some(_) => "it must be a whole number, 0 or more".into(),
            None => match source.to_string().split_once(" is not in ") {
                Some((_, range)) => format!("it must be {}", range_in_words(range)),
                None => return refused,
            },
        },
        None => return refused,
    };
    let context = [ContextKind::InvalidValue, ContextKind::InvalidArg];
    match context.map(|kind| refused.get(kind)) {
        [Some(value), Some(argument)] => {
            let message = format!("invalid value '{value}' for '{argument}': {why}\n");
            clap::Error::raw(refused.kind(), message)
        }
        _ => refused,
    }
}

/// Returns a range that clap writes as `1..=10000` in words: `1 to 10000`.
fn range_in_words(range: &str) -> String {
    match range.split_once("..") {
        Some((least, most)) => match most.trim_start_matches('=').parse::<u64>() {
            Ok(most) if most < u64::from(u32::MAX) => format!("{least} to {most}"),
            _ => format!("{least} or more"),
        },
        None => range.into(),
    }
}

/// Writes a text to stdout, without colours if stdout is no terminal with colours or `NO_COLOR` is set.
pub fn print(text: &str) -> Result<()> {
    let mut out = AutoStream::auto(std::io::stdout().lock());
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.or_else(printed)
}

/// Turns the error of a write to stdout into a result. A reader that has gone away (`| head`) is no error.
pub fn printed(error: std::io::Error) -> Result<()> {
    match error.kind() {
        std::io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(Error::input(format!(
            "cannot write to the standard output: {error}"
        ))),
    }
}

/// Returns the number of columns of the terminal that stdout is, or 120, which is enough for a wide table, if it is
/// none.
pub fn terminal_width() -> usize {
    let out = std::io::stdout();
    let size = out
        .is_terminal()
        .then(|| terminal_size::terminal_size_of(out))
        .flatten();
    size.map_or(120, |(width, _)| usize::from(width.0))
}

/// Breaks words into lines of at most `width` columns, where all lines but the first begin with `indent`. Names with
/// hyphens stay whole.
pub fn wrapped(words: &str, width: usize, indent: &str) -> Vec<String> {
    let options = textwrap::Options::new(width.max(1))
        .subsequent_indent(indent)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    let lines = textwrap::wrap(words, options).into_iter();
    lines.map(std::borrow::Cow::into_owned).collect()
}

/// Appends words to `text` in lines as [`wrapped`] returns them.
pub fn put_wrapped(text: &mut String, words: &str, width: usize, indent: &str) {
    for line in wrapped(words, width, indent) {
        put(text, format_args!("{line}\n"));
    }
}

/// Returns the time between two checkpoints.
///
/// # Errors
/// If `seconds` is negative, not a number or too large.
pub fn checkpoint_every(seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        Error::input(format!(
            "--checkpoint-every is {seconds}; it must be 0 to 1e19 seconds"
        ))
    })
}
