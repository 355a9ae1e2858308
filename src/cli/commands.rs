//! Each command: arguments -> one call of the library -> print.

use crate::cli::args::{Cli, Command, ParamsArgs};
use crate::cli::print;
use crate::error::{Error, Result};
use crate::pipeline::Params;

pub(crate) fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Command::Params { params } => print_params(&params, cli.json),
        _ => Err(Error::Cancelled),
    }
}

fn read_params(args: &ParamsArgs) -> Result<Params> {
    args.params.as_ref().map_or_else(|| Ok(Params::default()), Params::read)
}

fn print_params(args: &ParamsArgs, json: bool) -> Result<()> {
    let params = read_params(args)?;
    if json { print::json(&serde_json::json!(params)) } else { print::line(params.to_toml().trim_end()) }
}
