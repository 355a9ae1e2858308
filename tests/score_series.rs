//! Scores of links and tracks: by hand, and against the reference scorer on real marks.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use gemmule::score::{ScoreParams, SeriesTruth, links, read_found_links, read_found_tracks, tracks};
use serde_json::Value;

/// Two sessions of one dendrite along x; marks 2 µm beside it, every 5 µm. 0-0, 1-1 and 2-2 are linked, 2 is bad in session 0;
/// row 3 of session 0 is eliminated, row 4 of session 1 formed.
fn small_truth(folder: &Path) {
    let mut spines = String::from("session,spine_row,z,y,x,is_bad\n");
    let mut lines = String::from("session,dendrite_id,order,z,y,x\n");
    for session in 0..2 {
        for row in [0, 1, 2, if session == 0 { 3 } else { 4 }] {
            let bad = i32::from(session == 0 && row == 2);
            let _ = writeln!(spines, "{session},{row},5,12,{},{bad}", 5 + 5 * row);
        }
        (0..31).for_each(|x| {
            let _ = writeln!(lines, "{session},0,{x},5,10,{x}");
        });
    }
    fs::write(folder.join("meta.json"), r#"{"voxel_um":{"z":1,"y":1,"x":1}}"#).unwrap();
    fs::write(folder.join("spines.csv"), spines).unwrap();
    fs::write(folder.join("dendrites.csv"), lines).unwrap();
    fs::write(folder.join("links.csv"), "session_a,spine_row_a,session_b,spine_row_b\n0,0,1,0\n0,1,1,1\n0,2,1,2\n")
        .unwrap();
}

#[test]
fn links_by_hand() {
    let dir = tempfile::tempdir().unwrap();
    small_truth(dir.path());
    let found = dir.path().join("found.csv");
    // One right, one with a bad end, one wrong (3 is gone, 4 is new), one of another pair.
    fs::write(&found, "session_a,spine_row_a,session_b,spine_row_b\n0,0,1,0\n0,2,1,2\n0,3,1,4\n0,1,5,1\n").unwrap();
    let truth = SeriesTruth::read(dir.path()).unwrap();
    let score = links(&truth, &read_found_links(&found).unwrap()).unwrap();
    let f = score.pairs[0].figures;
    assert_eq!((f.n_correct, f.n_found, f.n_truth), (1, 2, 2));
    assert_eq!((f.false_eliminated, f.false_formed, f.missed_eliminated, f.missed_formed), (1, 1, 1, 1));
    assert_eq!((f.precision, f.f1, score.overall.n_links_of_other_pairs_ignored), (Some(0.5), Some(0.5), 1));
    fs::write(&found, "session_a,spine_row_a,session_b,spine_row_b\n0,9,1,0\n").unwrap();
    let error = links(&truth, &read_found_links(&found).unwrap()).unwrap_err().to_string();
    assert!(error.starts_with("link is (9, 0)"), "{error}");
}

#[test]
fn tracks_by_hand() {
    let dir = tempfile::tempdir().unwrap();
    small_truth(dir.path());
    let found = dir.path().join("found.csv");
    let rows = "a,0,present,5,12,5,1\na,1,present,5,12,5,0.9\n\
                b,0,present,5,12,10,1\nb,1,absent,5,12,10,0.2\n\
                c,0,present,5,12,20,1\nc,1,unscorable,,,,\n\
                d,1,present,5,12,25,1\n\
                e,1,present,5,8,12,1\n";
    fs::write(&found, format!("track_id,session,status,z_um,y_um,x_um,p_present\n{rows}")).unwrap();
    let truth = SeriesTruth::read(dir.path()).unwrap();
    let score = tracks(&truth, &read_found_tracks(&found).unwrap(), None, &ScoreParams::default()).unwrap();
    let pair = &score.pairs[0];
    assert_eq!((score.sessions[&0].tp, score.sessions[&0].missed, score.sessions[&1].fp), (3, 0, 1));
    assert_eq!((pair.n_links_correct, pair.n_links_judged, pair.n_links_found), (1, 1, 1));
    // b is lost though the human linked it; d and the false e are formed; c takes no part.
    assert_eq!((pair.persistent_found, pair.eliminated_found, pair.formed_found), (1, 1, 2));
    assert_eq!((pair.false_eliminated, pair.false_formed, pair.n_unscorable), (1, 0, 1));
    assert_eq!((pair.persistent_human, pair.eliminated_human, pair.formed_human), (2, 1, 1));
    // a: (.9 - 1)^2, b: (.2 - 1)^2.
    assert_eq!(score.overall.brier, Some(0.325));
    let bins: Vec<_> = score.reliability.bins.iter().filter(|b| b.n > 0).map(|b| (b.from, b.n, b.true_share)).collect();
    assert_eq!(
        (bins, score.reliability.calibration_error),
        (vec![(0.2, 1, Some(1.0)), (0.9, 1, Some(1.0))], Some(0.45))
    );
    // Five calls agree with identities (a twice, b, c, d); 6 count (and e), of 3 + 4 good marks.
    assert_eq!(score.overall.idf1, Some((2.0 * 5.0 / 13.0 * 1e5_f64).round() / 1e5));
    let again = format!("track_id,session,status,z_um,y_um,x_um\n{}", "a,0,present,1,1,1\n".repeat(2));
    fs::write(&found, again).unwrap();
    assert!(read_found_tracks(&found).unwrap_err().to_string().contains("line 3, column track_id"));
}

/// Figures of the reference scorer.
fn reference(script: &std::ffi::OsStr, what: &str, found: &Path, truth: &Path) -> Value {
    let json = found.with_extension("json");
    let done = Command::new("python3")
        .args(["-B".as_ref(), script, what.as_ref(), "--found".as_ref(), found.as_os_str(), "--truth".as_ref()])
        .args([truth, Path::new("--json"), &json])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap()
}

#[test]
fn figures_equal_the_reference_scorers_on_real_marks() {
    let (Some(data), Some(script)) = (std::env::var_os("GEMMULE_DATA"), std::env::var_os("GEMMULE_SCORE_PY")) else {
        eprintln!("NOT RUN: set GEMMULE_DATA to the folder of rr30a and GEMMULE_SCORE_PY to the reference scorer");
        return;
    };
    let out = tempfile::tempdir().unwrap();
    for name in ["rr30a", "a5n"] {
        let folder = Path::new(&data).join(name);
        let (found_links, found_tracks) = disturbed(&folder);
        let truth = SeriesTruth::read(&folder).unwrap();
        let path = out.path().join("links.csv");
        fs::write(&path, found_links).unwrap();
        let score = links(&truth, &read_found_links(&path).unwrap()).unwrap();
        assert_eq!(serde_json::to_value(score).unwrap(), reference(&script, "links", &path, &folder), "{name}");
        let path = out.path().join("tracks.csv");
        fs::write(&path, found_tracks).unwrap();
        let score = tracks(&truth, &read_found_tracks(&path).unwrap(), None, &ScoreParams::default()).unwrap();
        assert!(score.pairs[0].n_links_correct > 30);
        let (mut mine, theirs) = (serde_json::to_value(score).unwrap(), reference(&script, "tracks", &path, &folder));
        // The reference draws no such curve.
        assert!(mine.as_object_mut().unwrap().remove("reliability").is_some());
        assert_eq!(mine, theirs, "{name}");
    }
}

/// The human's links and marks, thinned, mixed up and moved by fixed arithmetic: links.csv and tracks.csv.
fn disturbed(folder: &Path) -> (String, String) {
    let wave = |n: usize, k: f64| (n as f64 * k).sin();
    let meta: Value = serde_json::from_str(&fs::read_to_string(folder.join("meta.json")).unwrap()).unwrap();
    let voxel = |axis: &str| meta["voxel_um"][axis].as_f64().unwrap();
    let mut links = String::from("session_a,spine_row_a,session_b,spine_row_b\n");
    let mut tracks = String::from("track_id,session,status,z_um,y_um,x_um,p_present\n");
    let mut reader = csv::Reader::from_path(folder.join("links.csv")).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    for n in 0..rows.len() {
        let other = if n % 11 == 0 && n + 1 < rows.len() && rows[n + 1][2] == rows[n][2] { n + 1 } else { n };
        if n % 7 != 0 {
            let _ = writeln!(links, "{},{},{},{}", &rows[n][0], &rows[n][1], &rows[other][2], &rows[other][3]);
        }
    }
    let mut reader = csv::Reader::from_path(folder.join("spines.csv")).unwrap();
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|h| h == name).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for (n, row) in reader.records().map(Result::unwrap).enumerate() {
        let session: usize = row[column("session")].parse().unwrap();
        let human = &row[column("track_id")];
        let id = if human.is_empty() || n % 13 == 0 { format!("x{n}") } else { human.to_owned() };
        if n % 9 == 0 || !seen.insert((id.clone(), session)) {
            continue;
        }
        let at = |axis: &str, k: f64| row[column(axis)].parse::<f64>().unwrap() * voxel(axis) + 0.5 * wave(n, k);
        let status = ["unscorable", "absent", "present"][[0, 1, 2, 2, 2, 2, 2, 2][n % 8]];
        let p = format!("{:?}", 0.5 + 0.5 * wave(n, 2.9));
        let (z, y, x) = (at("z", 1.7), at("y", 2.3), at("x", 3.1));
        let _ = writeln!(tracks, "{id},{session},{status},{z:?},{y:?},{x:?},{}", if n % 5 == 0 { "" } else { &p });
    }
    (links, tracks)
}
