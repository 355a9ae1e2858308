//! The command line: arguments and printing, no logic.

mod args;
mod bench;
mod cohort;
mod cohort_page;
mod commands;
mod extra;
mod follow;
mod learn;
mod pictures;
mod print;
mod progress;
mod read_args;
mod score_args;
mod series;
mod stats;
mod track;

use std::ffi::OsString;

use clap::Parser as _;

use crate::cli::args::Cli;

/// Runs a command line, program name first, and returns the exit code: 0 done, 2 bad input, 1 failed.
///
/// Results go to stdout, everything else to stderr.
///
/// ```
/// use std::ffi::OsString;
/// assert_eq!(gemmule::cli::run(["gemmule", "params"].map(OsString::from)), 0);
/// assert_eq!(gemmule::cli::run(["gemmule", "detekt"].map(OsString::from)), 2); // no such command
/// ```
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    // clap prints its own errors and ends with 2, or with 0 after --help and --version.
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // Nothing is left to do if stderr is closed.
            let _ = error.print();
            return code;
        }
    };
    match commands::run(cli) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("gemmule: {error}");
            if error.is_bad_input() { 2 } else { 1 }
        }
    }
}
