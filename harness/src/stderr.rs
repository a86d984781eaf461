//! Messages on stderr. A message that cannot be written is dropped: there is nobody to tell, and the work goes on.

use std::io::Write;

/// Writes a line to stderr.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Writes a warning to stderr.
pub fn warn(what: &str) {
    say(&format!("warning: {what}"));
}
