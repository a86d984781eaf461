//! The tokens of rows: a text file with a line for each row, in the order of the rows.
//!
//! A line is the token, or the token, the text before it and the text after it with tabs between them. The file is read
//! line by line: once to compare it with the number of rows, once more for the lines that are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::activations::Rows;
use crate::error::{Error, Result};
use crate::input;

/// The length of the longest line that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// A token and the text around it, which may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Token {
    /// The token itself.
    pub token: String,
    /// The text before it.
    pub before: String,
    /// The text after it.
    pub after: String,
}

/// A file of tokens that has a line for each row.
#[derive(Debug)]
pub struct Tokens {
    path: PathBuf,
}

impl Tokens {
    /// Opens the file of the tokens of some rows.
    ///
    /// # Errors
    /// If the file cannot be read, is no text in UTF-8, or has more or fewer lines than there are rows.
    pub fn open(path: &Path, rows: &Rows) -> Result<Tokens> {
        let tokens = Tokens { path: path.into() };
        let mut lines = 0u64;
        tokens.each_line(|_, _| lines += 1)?;
        match lines == rows.len() {
            true => Ok(tokens),
            false => Err(Error::input(format!(
                "{} has {lines} lines, and there are {} rows in {}{}; it needs one line for each row, in the order of the \
                 rows",
                path.display(),
                rows.len(),
                rows.title(),
                match rows.shards().len() {
                    0 | 1 => String::new(),
                    n => format!(" and the {} files after it", n - 1),
                }
            ))),
        }
    }

    /// Returns the tokens of the rows with these numbers, by their numbers.
    ///
    /// # Errors
    /// If the file cannot be read any more.
    pub fn of(&self, rows: &BTreeSet<u64>) -> Result<BTreeMap<u64, Token>> {
        let mut found = BTreeMap::new();
        self.each_line(|row, line| {
            if rows.contains(&row) {
                found.insert(row, parse(line));
            }
        })?;
        Ok(found)
    }

    /// Calls `each` with every line and its number, from 0.
    fn each_line(&self, mut each: impl FnMut(u64, &str)) -> Result<()> {
        let path = &self.path;
        let wrong = |number: u64, why: &str| {
            Error::input(format!(
                "cannot read {}: line {} {why}; it needs a token in UTF-8 on each line",
                path.display(),
                number + 1
            ))
        };
        let mut file = BufReader::new(input::open(path)?);
        let mut line = Vec::new();
        for number in 0.. {
            if number % (1 << 16) == 0 {
                crate::session::progress::check()?;
            }
            line.clear();
            let mut start = file.by_ref().take(LONGEST);
            let read = start.read_until(b'\n', &mut line);
            match read.map_err(Error::io("read", path))? as u64 {
                0 => break,
                LONGEST if line.last() != Some(&b'\n') => {
                    return Err(wrong(number, "is longer than a MiB"));
                }
                _ => {}
            }
            let text =
                std::str::from_utf8(&line).map_err(|_| wrong(number, "is no text in UTF-8"))?;
            each(number, text.trim_end_matches(['\n', '\r']));
        }
        Ok(())
    }
}

fn parse(line: &str) -> Token {
    let mut fields = line.splitn(3, '\t').map(str::to_string);
    let mut next = || fields.next().unwrap_or_default();
    Token {
        token: next(),
        before: next(),
        after: next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_token_and_may_have_the_text_around_it() {
        let token = |line: &str| {
            let Token {
                token,
                before,
                after,
            } = parse(line);
            [token, before, after]
        };
        assert_eq!(token("the"), ["the", "", ""]);
        assert_eq!(token("the\tin \t end"), ["the", "in ", " end"]);
        assert_eq!(token("the\tin \t a\tb"), ["the", "in ", " a\tb"]);
        assert_eq!(token(""), ["", "", ""]);
    }
}
