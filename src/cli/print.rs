//! Results on stdout.

use std::io::Write as _;

use crate::error::{Error, Result};

/// Prints a line of results.
pub(crate) fn line(text: &str) -> Result<()> {
    // `println!` panics when the reader of a pipe went away, as in `gemmule params | head`.
    match writeln!(std::io::stdout(), "{text}") {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::file("stdout", format!("cannot be written to ({e})"), "check where the output goes"))
        }
        _ => Ok(()),
    }
}

/// Prints a value as JSON.
pub(crate) fn json(value: &serde_json::Value) -> Result<()> {
    line(&format!("{value:#}"))
}
