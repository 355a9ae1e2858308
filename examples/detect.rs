//! From one stack to its spines, with progress and a way to stop.
//!
//! `cargo run --release --example detect -- day0.tif` (without a file: a synthetic stack)

use gemmule::engine::{Backend, Engine};
use gemmule::error::Result;
use gemmule::io::{ReadOptions, read_stack, spines_table};
use gemmule::phantom::{self, PhantomParams};
use gemmule::pipeline::{self, Params};
use gemmule::progress::Silent;

fn main() -> Result<()> {
    let stack = match std::env::args().nth(1) {
        Some(path) => read_stack(path, &ReadOptions::default())?,
        None => {
            let small = PhantomParams::default().planes(12)?.rows(128)?.columns(192)?.seed(7)?;
            phantom::stack(&small, &mut Silent)?.stack
        }
    };
    let engine = Engine::new(Backend::Auto)?;
    let params = Params::default().with("detect.score_min", 2.2)?;
    let mut progress = |stage: &str, done: u64, total: u64| {
        eprintln!("{stage}: {done} of {total}");
        true // false stops the work; detect then returns Error::Cancelled
    };
    let found = pipeline::detect(&engine, &stack, &params, &mut progress)?;
    print!("{}", spines_table(&found.spines).to_csv());
    Ok(())
}
