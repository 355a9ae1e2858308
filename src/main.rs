//! Command line of gemmule; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    gemmule::cli::run(std::env::args_os()).into()
}
