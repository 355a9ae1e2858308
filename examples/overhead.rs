//! Time and memory of one detection, for dev/overhead.py, which compares the ways to call gemmule.
//!
//! `overhead STACK.tif` prints wall seconds, CPU seconds and the process's peak memory in KiB (Linux).

use std::time::Instant;

use gemmule::engine::{Backend, Engine};
use gemmule::error::Result;
use gemmule::io::{ReadOptions, read_stack};
use gemmule::pipeline::{self, Params};
use gemmule::progress::Silent;

fn main() -> Result<()> {
    let path = std::env::args().nth(1).unwrap_or_default();
    let stack = read_stack(path, &ReadOptions::default())?;
    let engine = Engine::new(Backend::Cpu)?;
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let found = pipeline::detect(&engine, &stack, &Params::default(), &mut Silent)?;
    println!("{} {} {} {}", start.elapsed().as_secs_f64(), cpu_seconds() - cpu, peak_kib(), found.spines.len());
    Ok(())
}

/// User and system time of the process: fields 14 and 15 of its stat, in hundredths of a second.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let fields: Vec<f64> = after_name.split_whitespace().map(|f| f.parse().unwrap_or(0.0)).collect();
    fields.get(11..13).map_or(0.0, |f| (f[0] + f[1]) / 100.0)
}

fn peak_kib() -> String {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()).unwrap_or("0").to_owned()
}
