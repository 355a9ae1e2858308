//! Calls and links are the same whatever the processor and the number of threads.

mod common;

use gemmule::engine::{Backend, Engine};
use gemmule::model::Session;
use gemmule::phantom::{self, Phantom, PhantomParams, PhantomSeries, SeriesParams};
use gemmule::pipeline::{self, Params, SeenSession, Tracked};
use gemmule::progress::Silent;

/// Small: software adapters are slow.
fn made(seed: u64) -> PhantomSeries {
    let field = PhantomParams { planes: 16, rows: 256, columns: 256, seed, ..PhantomParams::default() };
    let series = SeriesParams { days: vec![0.0, 2.0, 4.0], ..SeriesParams::default() };
    phantom::series(&field, &series, &mut Silent).expect("valid")
}

fn tracked(engine: &Engine, series: &PhantomSeries) -> Option<Tracked> {
    let params = Params::default();
    let see = |p: &Phantom| pipeline::see(engine, &p.stack, &params, &mut Silent).expect("it can be analysed").1;
    let seen: Vec<SeenSession> = series.sessions.iter().map(see).collect();
    let session = |(k, &day): (usize, &f64)| Session { name: k.to_string(), day: Some(day) };
    let sessions: Vec<Session> = series.days.iter().enumerate().map(session).collect();
    // So small a field may not say how far it has slid; then it does not on any processor.
    pipeline::track(&seen, &sessions, &params, &mut Silent).ok()
}

/// Sites with the spine, the call and its probability in every session, and links with theirs.
fn assert_same(a: &Tracked, b: &Tracked, tolerance: f64, of: &str) {
    assert_eq!(a.tracks.len(), b.tracks.len(), "{of}: sites");
    for (a, b) in a.tracks.iter().zip(&b.tracks) {
        assert_eq!((a.track_id, a.dendrite_id), (b.track_id, b.dendrite_id), "{of}");
        for (x, y) in a.calls.iter().zip(&b.calls) {
            assert_eq!((x.status, x.spine, x.reason), (y.status, y.spine, y.reason), "{of}: track {}", a.track_id);
            let apart = x.p_present.unwrap_or(-1.0) - y.p_present.unwrap_or(-1.0);
            assert!(apart.abs() <= tolerance, "{of}: track {}: {x:?} {y:?}", a.track_id);
        }
    }
    assert_eq!(a.links.len(), b.links.len(), "{of}: links");
    for (a, b) in a.links.iter().zip(&b.links) {
        let ends = |l: &gemmule::model::Link| (l.session_a, l.spine_a, l.session_b, l.spine_b, l.track_id);
        assert_eq!(ends(a), ends(b), "{of}");
        assert!((a.p_same - b.p_same).abs() <= tolerance, "{of}: {a:?} {b:?}");
    }
}

#[test]
fn calls_and_links_are_the_same_on_gpu_and_cpu_and_with_any_number_of_threads() {
    let cpu = Engine::new(Backend::Cpu).expect("the CPU always works");
    let mut sites = 0;
    for seed in 21..=26 {
        let series = made(seed);
        let whole = tracked(&cpu, &series);
        let threads = |n: usize| rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("threads");
        for n in [1, 5] {
            let again = threads(n).install(|| tracked(&cpu, &series));
            assert_eq!(whole.is_some(), again.is_some());
            whole.iter().zip(&again).for_each(|(a, b)| assert_same(a, b, 0.0, &format!("seed {seed}, {n} threads")));
        }
        if let Some(gpu) = common::gpu() {
            let again = tracked(gpu, &series);
            assert_eq!(whole.is_some(), again.is_some());
            whole.iter().zip(&again).for_each(|(a, b)| assert_same(a, b, 0.01, &format!("seed {seed}, GPU")));
        }
        sites += whole.map_or(0, |t| t.tracks.len());
    }
    assert!(sites > 60, "{sites} sites compared");
}
