//! The same spines over the sessions of a field: one stack in memory at a time.
//!
//! `cargo run --release --example track -- day0.tif day2.tif day4.tif` (without files: two synthetic sessions)

use gemmule::dynamics;
use gemmule::engine::{Backend, Engine};
use gemmule::error::Result;
use gemmule::io::{ReadOptions, read_stack, tracks_table};
use gemmule::model::Session;
use gemmule::phantom::{self, PhantomParams, SeriesParams};
use gemmule::pipeline::{self, Params};
use gemmule::progress::Silent;
use gemmule::volume::Stack;

fn main() -> Result<()> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let params = Params::default();
    let engine = Engine::new(Backend::Auto)?;
    let mut seen = Vec::new();
    for stack in stacks(&files)? {
        // What tracking needs of a session is kept; the stack can go.
        let (_, session) = pipeline::see(&engine, &stack?, &params, &mut Silent)?;
        seen.push(session);
    }
    let sessions: Vec<Session> =
        (0..seen.len()).map(|k| Session { name: k.to_string(), day: Some(2.0 * k as f64) }).collect();
    let tracked = pipeline::track(&seen, &sessions, &params, &mut Silent)?;
    print!("{}", tracks_table(&tracked.sessions, &tracked.tracks).to_csv());
    let lengths = pipeline::lengths(&tracked, &seen);
    for interval in dynamics::intervals(&sessions, &tracked.tracks, &lengths, &params.dynamics)? {
        if interval.dendrite_id.is_none() {
            println!("turnover ratio {:?}", interval.called.rates(params.dynamics.turnover).turnover);
        }
    }
    Ok(())
}

fn stacks(files: &[String]) -> Result<Box<dyn Iterator<Item = Result<Stack>> + '_>> {
    if files.is_empty() {
        let small = PhantomParams::default().planes(14)?.rows(200)?.columns(260)?.seed(3)?;
        let series = SeriesParams::default().days(vec![0.0, 2.0])?;
        let made = phantom::series(&small, &series, &mut Silent)?;
        return Ok(Box::new(made.sessions.into_iter().map(|phantom| Ok(phantom.stack))));
    }
    Ok(Box::new(files.iter().map(|path| read_stack(path, &ReadOptions::default()))))
}
