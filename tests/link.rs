//! Linking of marked points over sessions: on made-up fields of known identity, and on human marks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use gemmule::geometry::Rigid;
use gemmule::io::{Mark, PointSession, read_point_sessions};
use gemmule::model::{Status, UnscorableReason};
use gemmule::pipeline::{Linked, Params, link};
use gemmule::progress::Silent;
use gemmule::units::PointUm;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Dendrites, and for each spine its dendrite, arc length, distance from the centreline (left above 0) and depth.
#[derive(Clone)]
struct Field {
    lines: Vec<Vec<PointUm>>,
    spines: Vec<(usize, f64, f64, f64)>,
}

/// Wavy dendrites of 60 µm in a field, a spine per side every 2.5 to 4 µm.
fn field(seed: u64, dendrites: usize) -> Field {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut lines, mut spines) = (Vec::new(), Vec::new());
    for d in 0..dendrites {
        let (mut angle, mut bend) = (rng.random_range(0.0..std::f64::consts::TAU), 0.0);
        let row = (d as f64).sqrt().floor();
        let mut p = PointUm::new(rng.random_range(5.0..25.0), 50.0 * row, 50.0 * (d as f64 - row * row));
        let mut line = vec![p];
        for _ in 0..120 {
            bend = 0.97 * bend + rng.random_range(-0.012..0.012);
            angle += bend;
            p = PointUm::new(p.z + rng.random_range(-0.05..0.05), p.y + 0.5 * angle.sin(), p.x + 0.5 * angle.cos());
            line.push(p);
        }
        lines.push(line);
        for side in [-1.0, 1.0] {
            let mut s = rng.random_range(0.5..3.0);
            while s < 59.0 {
                spines.push((d, s, side * rng.random_range(0.9..3.0), rng.random_range(-1.0..1.0)));
                s += rng.random_range(2.5..4.0);
            }
        }
    }
    Field { lines, spines }
}

/// The field as a session marks it: moved, tips scattered by `scatter_um`, without the dendrites and spines that `lost` says.
fn session(
    field: &Field,
    number: i64,
    rigid: &Rigid,
    scatter_um: f64,
    lost: impl Fn(usize) -> bool,
    spine_lost: impl Fn(usize) -> bool,
) -> PointSession {
    let mut rng = ChaCha8Rng::seed_from_u64(number as u64 + 77);
    let mut traces = BTreeMap::new();
    for (d, line) in field.lines.iter().enumerate().filter(|(d, _)| !lost(*d)) {
        traces.insert(d as i64 * 3 + number, line.iter().map(|&p| rigid.apply(p)).collect());
    }
    let mut marks = Vec::new();
    for (n, &(d, s, u, w)) in field.spines.iter().enumerate() {
        let mut noise = |sigma: f64| sigma * (0..3).map(|_| rng.random_range(-1.0..1.0)).sum::<f64>();
        let (s, u, w) = (s + noise(scatter_um), u + noise(scatter_um * 0.7), w + noise(scatter_um * 2.0));
        if lost(d) || spine_lost(n) {
            continue;
        }
        let at = ((s / 0.5).clamp(0.0, 119.0)) as usize;
        let (a, b) = (field.lines[d][at], field.lines[d][at + 1]);
        let (ty, tx) = ((b.y - a.y) / 0.5, (b.x - a.x) / 0.5);
        let along = s - 0.5 * at as f64;
        let tip = PointUm::new(a.z + w, a.y + along * ty - u * tx, a.x + along * tx + u * ty);
        // Rows differ between sessions, as they do in tables.
        marks.push(Mark { spine: n as i64 * 7 % 5003 + number, place: rigid.apply(tip) });
    }
    marks.sort_by_key(|m| m.spine);
    PointSession { session: number, marks, traces }
}

fn run(sessions: &[PointSession]) -> Linked {
    link(sessions, false, &Params::default(), &mut Silent).unwrap()
}

type Key = (String, i64, String, i64);

fn keys(linked: &Linked) -> BTreeSet<Key> {
    let name = |k: usize| linked.sessions[k].name.clone();
    linked.links.iter().map(|l| (name(l.session_a), l.spine_a, name(l.session_b), l.spine_b)).collect()
}

/// Share of right links among those found, and of those there are between sessions `a` and `b`.
fn right(linked: &Linked, sessions: &[PointSession], a: usize, b: usize) -> (f64, f64) {
    let id = |k: usize, spine: i64| spine - sessions[k].session;
    let of = |k: usize| -> BTreeSet<i64> { sessions[k].marks.iter().map(|m| id(k, m.spine)).collect() };
    let truth = of(a).intersection(&of(b)).count() as f64;
    let found: Vec<_> = linked.links.iter().filter(|l| (l.session_a, l.session_b) == (a, b)).collect();
    let correct = found.iter().filter(|l| id(a, l.spine_a) == id(b, l.spine_b)).count() as f64;
    (correct / found.len().max(1) as f64, correct / truth)
}

fn shifted() -> Rigid {
    Rigid::new([3f64.to_radians(), 0.01, -0.01], PointUm::new(10.0, 50.0, 50.0), PointUm::new(5.0, 2.0, -2.2))
}

#[test]
fn withstands_shift_turn_and_thirty_percent_lost() {
    let truth = field(1, 10);
    let sessions = [
        session(&truth, 0, &Rigid::identity(), 0.15, |_| false, |n| n % 10 == 3),
        session(&truth, 1, &shifted(), 0.15, |d| d % 10 < 3, |n| n % 10 == 7),
    ];
    let linked = run(&sessions);
    let (precision, recall) = right(&linked, &sessions, 0, 1);
    assert!(precision > 0.98 && recall > 0.98, "precision {precision}, recall {recall}");
    let fit = &linked.sites.pairs[0].fit;
    for line in &truth.lines[3..] {
        for &p in line {
            let off = fit.rigid.apply(p).distance_um(shifted().apply(p));
            assert!(off < 0.3, "{off} µm at {p:?}");
        }
    }
    assert!((fit.turn_deg - 3.0).abs() < 0.2 && fit.inlier_share > 0.99, "{fit:?}");
    // A site of a dendrite that the second session has not traced cannot be judged there; another without a mark is absent.
    for track in &linked.tracks {
        let (first, second) = (&track.calls[0], &track.calls[1]);
        if let (Some(spine), None) = (first.spine, second.spine) {
            // n * 7 is below 5003 for fields of this size.
            let lost = truth.spines[(spine / 7) as usize].0 % 10 < 3;
            assert_eq!(second.status == Status::Unscorable, lost, "{track:?}");
            let place = second.place.expect("both sessions are registered");
            assert!(place.distance_um(shifted().apply(first.place.unwrap())) < 1.5, "{track:?}");
        }
    }
}

#[test]
fn another_field_is_refused() {
    for seed in 2..8 {
        let sessions = [
            session(&field(seed, 6), 0, &Rigid::identity(), 0.1, |_| false, |_| false),
            session(&field(seed + 20, 6), 4, &Rigid::identity(), 0.1, |_| false, |_| false),
        ];
        let message = link(&sessions, false, &Params::default(), &mut Silent).unwrap_err().to_string();
        assert!(message.starts_with("registration of session 0 to 4 is"), "{seed}: {message}");
    }
}

/// Between two sessions of a field one of another: it is left out, and the two are linked as if it were not there.
#[test]
fn a_session_of_another_field_is_left_out_and_the_others_are_linked() {
    let truth = field(1, 10);
    let of_field =
        |number, rigid: &Rigid| session(&truth, number, rigid, 0.15, |_| false, |n| n % 10 == number as usize);
    let foreign = session(&field(3, 10), 1, &Rigid::identity(), 0.15, |_| false, |_| false);
    let (first, last) = (of_field(0, &Rigid::identity()), of_field(2, &shifted()));
    let without = run(&[first.clone(), last.clone()]);
    for at in 0..3 {
        let mut sessions = vec![first.clone(), last.clone()];
        sessions.insert(at, foreign.clone());
        let linked = run(&sessions);
        assert_eq!(linked.sites.left_out.iter().map(|out| out.session).collect::<Vec<_>>(), [at]);
        assert!(linked.sites.left_out[0].why.contains("registration of session"), "{:?}", linked.sites.left_out);
        assert!(without.links.len() > 100 && keys(&linked) == keys(&without));
        assert_eq!(linked.tracks.len(), without.tracks.len());
        for (track, alone) in linked.tracks.iter().zip(&without.tracks) {
            let mut calls = track.calls.clone();
            let out = calls.remove(at);
            assert_eq!((out.status, out.place, out.spine), (Status::Unscorable, None, None));
            assert_eq!(out.reason, Some(UnscorableReason::NotRegistered));
            assert_eq!(calls, alone.calls);
        }
    }
}

#[test]
fn neither_order_nor_direction_nor_threads_matter() {
    let truth = field(3, 6);
    let series = |change: bool| -> Vec<PointSession> {
        (0..4)
            .map(|k| {
                let rigid =
                    Rigid::new([0.01 * k as f64, 0.0, 0.0], PointUm::default(), PointUm::new(k as f64, 1.0, 0.5));
                let mut s = session(&truth, k, &rigid, 0.25, |_| false, |n| (n as i64 + 3 * k) % 9 == 0);
                if change {
                    // Other ids, and every second dendrite traced from its other end.
                    let lines = std::mem::take(&mut s.traces);
                    for (n, (_, mut line)) in lines.into_iter().enumerate() {
                        if n % 2 == 0 {
                            line.reverse();
                        }
                        s.traces.insert(100 - n as i64, line);
                    }
                }
                s
            })
            .collect()
    };
    let threads = |n: usize| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
    let one = threads(1).install(|| run(&series(false)));
    let many = threads(4).install(|| run(&series(false)));
    assert_eq!((&one.tracks, &one.links), (&many.tracks, &many.links));
    let other = run(&series(true));
    let (a, b) = (keys(&one), keys(&other));
    // A line traced from its other end is sampled at other points, .25 µm apart: a link in a hundred may be on edge.
    assert!(a.symmetric_difference(&b).count() * 100 <= a.len(), "{:?}", a.symmetric_difference(&b));
}

#[test]
fn a_later_session_changes_no_earlier_link() {
    let truth = field(4, 6);
    let sessions: Vec<PointSession> = (0..6)
        .map(|k| {
            let rigid = Rigid::new([0.0; 3], PointUm::default(), PointUm::new(0.5 * k as f64, 0.3, -0.4 * k as f64));
            session(&truth, k, &rigid, 0.3, |_| false, |n| (n as i64 * 5 + k) % 8 == 0)
        })
        .collect();
    for n in 2..sessions.len() {
        let (before, after) = (keys(&run(&sessions[..n])), keys(&run(&sessions[..=n])));
        let name = sessions[n].session.to_string();
        let kept: BTreeSet<Key> = after.into_iter().filter(|l| l.0 != name && l.2 != name).collect();
        assert_eq!(before, kept, "session {n} added");
    }
    // A spine missed once is the same when it is back.
    let linked = run(&sessions);
    let over = linked.links.iter().filter(|l| l.session_b == l.session_a + 2).count();
    assert!(over > 20, "{over} links over a missed session");
    let (precision, _) = right(&linked, &sessions, 1, 3);
    assert!(precision > 0.95, "{precision}");
}

#[test]
fn a_single_straight_dendrite_is_placed_by_its_marks_or_not_at_all() {
    let straight = |seed: u64| {
        let line = (0..=120).map(|i| PointUm::new(10.0, 20.0, 0.5 * f64::from(i))).collect();
        Field { lines: vec![line], ..field(seed, 1) }
    };
    let slid = Rigid::new([0.0; 3], PointUm::default(), PointUm::new(1.0, 0.5, 4.0));
    for seed in 5..11 {
        let sessions = [
            session(&straight(seed), 0, &Rigid::identity(), 0.1, |_| false, |n| n % 8 == 1),
            session(&straight(seed), 1, &slid, 0.1, |_| false, |n| n % 8 == 5),
        ];
        let linked = run(&sessions);
        assert!(linked.sites.pairs[0].fit.slides);
        let (precision, recall) = right(&linked, &sessions, 0, 1);
        assert!(precision > 0.95 && recall > 0.95, "seed {seed}: precision {precision}, recall {recall}");
        let other = session(&straight(seed + 50), 1, &slid, 0.1, |_| false, |_| false);
        let refused = link(&[sessions[0].clone(), other], false, &Params::default(), &mut Silent);
        let message = refused.map(|l| l.links.len()).unwrap_err().to_string();
        assert!(message.contains("as good as others"), "seed {seed}: {message}");
    }
}

#[test]
fn work_grows_linearly_with_sessions_and_with_spines() {
    let series = |n: i64, dendrites: usize| -> Vec<PointSession> {
        let truth = field(6, dendrites);
        (0..n).map(|k| session(&truth, k, &Rigid::identity(), 0.2, |_| false, |i| (i as i64 + k) % 7 == 0)).collect()
    };
    let seconds = |sessions: &[PointSession]| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        // The least of three: other work on the machine only adds.
        (0..3)
            .map(|_| {
                pool.install(|| {
                    let start = Instant::now();
                    run(sessions);
                    start.elapsed().as_secs_f64()
                })
            })
            .fold(f64::INFINITY, f64::min)
    };
    let (few, many) = (seconds(&series(4, 4)), seconds(&series(13, 4)));
    // 12 pairs against 3; work that grew with the square would take 16 times as long.
    assert!(many < 9.0 * few, "3 pairs {few} s, 12 pairs {many} s");
    let wide = seconds(&series(4, 16));
    assert!(wide < 12.0 * few, "4 dendrites {few} s, 16 dendrites {wide} s");
}

#[test]
fn human_links_are_found_from_marks_and_centrelines() {
    use gemmule::pipeline::score_links;
    let Some(data) = std::env::var_os("GEMMULE_DATA") else {
        eprintln!("NOT RUN: set GEMMULE_DATA to the folder of rr30a and a5n");
        return;
    };
    for (name, xy, least) in [("rr30a", 0.12, 0.92), ("a5n", 0.18, 0.99)] {
        let folder = std::path::Path::new(&data).join(name);
        let voxel = gemmule::units::VoxelSize::new(1.0, xy, xy).unwrap();
        let sessions =
            read_point_sessions(folder.join("spines.csv"), folder.join("dendrites.csv"), Some(voxel)).unwrap();
        let linked = run(&sessions);
        let out = tempfile::tempdir().unwrap();
        let path = out.path().join("links.csv");
        gemmule::io::write_links_csv(&path, &linked.sessions, &linked.links).unwrap();
        for pair in score_links(&path, &folder).unwrap().pairs {
            println!("{name} {} to {}: {:?}", pair.a, pair.b, pair.figures);
            assert!(pair.figures.f1.unwrap() >= least, "{name} {pair:?}");
        }
    }
}
