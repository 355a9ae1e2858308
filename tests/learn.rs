//! A user's own scorer: fitted to marks, tested on left-out dendrites, used only where it is asked for.

use std::path::Path;
use std::process::{Command, Output};

use gemmule::phantom::{self, PhantomParams};
use gemmule::progress::Silent;

fn gemmule(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gemmule")).args(args).current_dir(dir).output().expect("gemmule starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Seeds of the stacks: together they have enough spines to learn from.
const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];

/// The stacks, and the marks of someone who marks only what is as bright as `least_photons`.
fn marked_stacks(dir: &Path, least_photons: f64) {
    let mut marks = String::from("session,z,y,x\n");
    for (session, seed) in SEEDS.into_iter().enumerate() {
        let made = phantom::stack(&PhantomParams { seed, ..PhantomParams::default() }, &mut Silent).expect("valid");
        gemmule::io::write_stack(dir.join(format!("{session}.tif")), &made.stack)
            .expect("the folder can be written to");
        let files = phantom::truth_files(&made, 0).expect("the truth can be written");
        let (_, table) = files.iter().find(|(name, _)| *name == "spines.csv").expect("there are spines");
        let mut rows = table.lines();
        let header: Vec<&str> = rows.next().expect("a header").split(',').collect();
        let column = |name: &str| header.iter().position(|h| *h == name).expect("the column is there");
        for row in rows {
            let cells: Vec<&str> = row.split(',').collect();
            let photons: f64 = cells[column("photons")].parse().expect("a number");
            if cells[column("is_bad")] == "0" && photons >= least_photons {
                let [z, y, x] = ["z", "y", "x"].map(|axis| cells[column(axis)]);
                marks += &format!("{session},{z},{y},{x}\n");
            }
        }
    }
    std::fs::write(dir.join("marks.csv"), marks).expect("written");
}

/// Someone who marks bright spines only: the fitted score learns to leave dim ones out, on dendrites it has not seen.
#[test]
fn a_score_fitted_to_marks_finds_what_their_maker_marks() {
    let dir = tempfile::tempdir().expect("a folder");
    marked_stacks(dir.path(), 50.0);
    let args = [
        "learn",
        "--marks",
        "marks.csv",
        "0.tif",
        "1.tif",
        "2.tif",
        "3.tif",
        "4.tif",
        "-o",
        "out",
        "--backend",
        "cpu",
        "--json",
    ];
    let out = gemmule(dir.path(), &args);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let printed: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON on stdout");
    let f1 = |figures: &serde_json::Value| {
        let count = |name: &str| figures[name].as_f64().expect("a count");
        2.0 * count("tp") / (2.0 * count("tp") + count("fp") + count("fn"))
    };
    let (before, after) = (f1(&printed["result"]["before"]), f1(&printed["result"]["after"]));
    assert!(after > before + 0.05, "F1 {before:.3} -> {after:.3}");

    let given = gemmule(
        dir.path(),
        &["detect", "0.tif", "-o", "learned", "--backend", "cpu", "--params", "out/params.toml", "--json"],
    );
    assert!(given.status.success(), "{}", text(&given.stderr));
    let default = gemmule(dir.path(), &["detect", "0.tif", "-o", "default", "--backend", "cpu", "--json"]);
    let spines = |out: &Output| {
        let value: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON on stdout");
        value["result"]["spines"].as_u64().expect("a count")
    };
    assert!(spines(&given) < spines(&default), "{} of {}", spines(&given), spines(&default));
}

#[test]
fn too_few_marks_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    marked_stacks(dir.path(), 300.0);
    let args =
        ["learn", "--marks", "marks.csv", "0.tif", "1.tif", "2.tif", "3.tif", "4.tif", "-o", "out", "--backend", "cpu"];
    let out = gemmule(dir.path(), &args);
    assert_eq!(out.status.code(), Some(2), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("learned.marks_min"), "{}", text(&out.stderr));
    assert!(!dir.path().join("out").exists());
}
