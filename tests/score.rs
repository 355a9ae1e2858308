//! The scorer against figures of the project's reference scorer.

use std::fs;
use std::path::Path;
use std::process::Command;

use gemmule::score::{FoundPoint, ScoreParams, Target, Truth, TruthSpine, detect, read_found};
use gemmule::units::PointUm;
use serde_json::Value;

/// Made by fixtures/score_cases.py.
const CASES: &str = include_str!("../fixtures/score_cases.json");

fn write_case(folder: &Path, case: &Value) {
    fs::write(folder.join("meta.json"), case["meta"].to_string()).unwrap();
    for name in ["spines", "dendrites", "found"] {
        fs::write(folder.join(name).with_extension("csv"), case[name].as_str().unwrap()).unwrap();
    }
}

#[test]
fn figures_equal_the_reference_scorers() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    assert!(cases.len() > 10);
    for case in &cases {
        let folder = tempfile::tempdir().unwrap();
        write_case(folder.path(), case);
        let params: ScoreParams = serde_json::from_value(case["options"].clone()).unwrap();
        let truth = Truth::read(folder.path(), 0).unwrap();
        let found = read_found(folder.path().join("found.csv")).unwrap();
        let score = serde_json::to_value(detect(&truth, &found, &params).unwrap()).unwrap();
        assert_eq!(score, case["expected"], "{}", case["name"]);
    }
}

/// The truth's own marks, moved, thinned and with others added, by fixed arithmetic.
fn disturbed(truth: &Truth) -> Vec<FoundPoint> {
    let wave = |n: usize, k: f64| (n as f64 * k).sin();
    let marks = truth.spines.iter().enumerate().filter(|(n, _)| n % 6 != 0).map(|(n, s)| {
        let from = if n % 2 == 0 { s.head.unwrap_or(s.tip) } else { s.tip };
        let place = PointUm::new(from.z + 1.5 * wave(n, 1.7), from.y + 0.6 * wave(n, 2.3), from.x + 0.6 * wave(n, 3.1));
        FoundPoint { place, score: Some(1.0 + wave(n, 5.3)) }
    });
    let lines = truth.centrelines.iter().flatten().step_by(23).enumerate().map(|(n, p)| {
        let place = PointUm::new(p.z + 3.0 * wave(n, 0.9), p.y + 5.0 * wave(n, 1.3), p.x + 5.0 * wave(n, 0.7));
        FoundPoint { place, score: Some(0.7 + wave(n, 4.1)) }
    });
    marks.chain(lines).collect()
}

#[test]
fn figures_equal_the_reference_scorers_on_real_marks() {
    let (Some(data), Some(script)) = (std::env::var_os("GEMMULE_DATA"), std::env::var_os("GEMMULE_SCORE_PY")) else {
        eprintln!("NOT RUN: set GEMMULE_DATA to the folder of rr30a and GEMMULE_SCORE_PY to the reference scorer");
        return;
    };
    let folder = Path::new(&data).join("rr30a");
    let out = tempfile::tempdir().unwrap();
    for (session, target) in [(0, Target::Either), (1, Target::Head), (2, Target::Tip)] {
        let truth = Truth::read(&folder, session).unwrap();
        let found = disturbed(&truth);
        let rows = found.iter().map(|f| {
            // {:?} of an f64 reads back as the same number.
            format!("{:?},{:?},{:?},{:?}\n", f.place.z, f.place.y, f.place.x, f.score.unwrap())
        });
        let table = format!("z_um,y_um,x_um,score\n{}", rows.collect::<String>());
        fs::write(out.path().join("found.csv"), table).unwrap();
        let json = out.path().join("score.json");
        let name = serde_json::to_value(target).unwrap();
        let done = Command::new("python3")
            .args(["-B".as_ref(), script.as_os_str(), "detect".as_ref(), "--found".as_ref()])
            .arg(out.path().join("found.csv"))
            .args(["--session", &session.to_string(), "--target", name.as_str().unwrap(), "--truth"])
            .args([folder.as_path(), Path::new("--json"), &json])
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let expected: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
        let params = ScoreParams { target, ..ScoreParams::default() };
        let score = serde_json::to_value(detect(&truth, &found, &params).unwrap()).unwrap();
        assert!(score["tp"].as_u64().unwrap() > 20, "{score}");
        assert_eq!(score, expected, "session {session}");
    }
}

fn one_spine() -> Truth {
    let line = vec![PointUm::new(5.0, 10.0, 0.0), PointUm::new(5.0, 10.0, 30.0)];
    let spine = TruthSpine { tip: PointUm::new(5.0, 11.5, 12.0), head: None, head_kind: None, is_bad: false };
    Truth { session: 3, spines: vec![spine], centrelines: vec![line] }
}

#[test]
fn impossible_input_is_refused() {
    let at = |x, score| FoundPoint { place: PointUm::new(5.0, 11.5, x), score };
    let message =
        |found: &[FoundPoint], params: &ScoreParams| detect(&one_spine(), found, params).unwrap_err().to_string();
    let usual = ScoreParams::default();
    assert!(message(&[at(f64::NAN, None)], &usual).starts_with("found spine 0 is"));
    assert!(message(&[at(12.0, Some(f64::INFINITY))], &usual).contains("finite"));
    assert!(message(&[at(12.0, Some(1.0)), at(13.0, None)], &usual).contains("all 2 or for none"));
    assert!(message(&[], &ScoreParams { target: Target::Head, ..usual.clone() }).contains("tip or either"));
    assert!(message(&[], &ScoreParams { xy_um: 0.0, ..usual.clone() }).starts_with("score.xy_um is 0.0"));
    let mut truth = one_spine();
    truth.centrelines[0][1].y = f64::NAN;
    assert!(detect(&truth, &[], &usual).unwrap_err().to_string().starts_with("truth is"));
}

#[test]
fn faults_in_truth_folders_are_named() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    let message = |change: &dyn Fn(&Path), session: i64| {
        let folder = tempfile::tempdir().unwrap();
        write_case(folder.path(), &cases[0]);
        change(folder.path());
        Truth::read(folder.path(), session).unwrap_err().to_string()
    };
    let rewrite = |file: &'static str, from: &'static str, to: &'static str| {
        move |folder: &Path| {
            let text = fs::read_to_string(folder.join(file)).unwrap();
            assert!(text.contains(from), "{file} has no {from}");
            fs::write(folder.join(file), text.replacen(from, to, 1)).unwrap();
        }
    };
    assert!(message(&|_| {}, 7).contains("has no session 7, only {0}"));
    assert!(message(&rewrite("spines.csv", "is_bad", "bad"), 0).contains("lacks the columns is_bad"));
    assert!(message(&rewrite("spines.csv", "\n0,1,", "\n0,0,"), 0).contains("line 3, column spine_row is \"0\""));
    assert!(message(&rewrite("spines.csv", "shoulder", "bulge"), 0).contains("peak, shoulder or nothing"));
    assert!(message(&rewrite("dendrites.csv", "\n0,0,1,", "\n0,0,0,"), 0).contains("column order is \"0\""));
    assert!(message(&rewrite("dendrites.csv", "6.0", "six"), 0).contains("expected a finite number"));
    assert!(message(&rewrite("meta.json", "voxel_um", "voxel"), 0).contains("voxel_um"));
    assert!(message(&rewrite("meta.json", "\"y\":0.1", "\"y\":-0.1"), 0).contains("voxel_um.y is -0.1"));
    assert!(message(&|folder| fs::remove_file(folder.join("spines.csv")).unwrap(), 0).contains("spines.csv"));
}
