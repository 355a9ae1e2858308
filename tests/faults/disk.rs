//! Faults of the file system, injected below gemmule by a preloaded library (`inject.c`): as root no permission is ever missing, and no disk is full when it should be.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::{SMALL, make_cohort};

const ENOSPC: i32 = 28;
const EIO: i32 = 5;
const EACCES: i32 = 13;
const KILL: i32 = 0;

/// The library, built once; it lives as long as the tests.
fn library() -> &'static Path {
    static BUILT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let build = || {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("inject.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/inject.c");
        let done = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&to).args([source, "-ldl"]).status();
        assert!(done.expect("a C compiler: zstd and Blosc need one as well").success());
        (dir, to)
    };
    &BUILT.get_or_init(build).1
}

fn gemmule(dir: &Path, args: &[&str], fault: Option<(&str, &str, u32, i32)>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gemmule"));
    command.args(args).current_dir(dir);
    if let Some((call, part, number, errno)) = fault {
        command.env("LD_PRELOAD", library()).env("GEMMULE_FAULT", format!("{call}:{part}:{number}:{errno}"));
    }
    command.output().unwrap()
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// A small stack with one dendrite.
fn stack(dir: &Path) {
    fs::write(dir.join("small.toml"), SMALL).unwrap();
    let made = gemmule(dir, &["phantom", "--params", "small.toml", "-o", "p"], None);
    assert!(made.status.success(), "{}", said(&made));
}

const DETECT: [&str; 7] = ["detect", "p/stack.tif", "-o", "out", "--backend", "cpu", "--quiet"];

/// What lies in a folder, hidden or not.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).map(|e| e.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect());
    let mut names: Vec<String> = entries.unwrap_or_default();
    names.sort();
    names
}

#[test]
fn a_disk_that_fills_up_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    stack(dir.path());
    let before = names(dir.path());
    // Every file of the results, at its first write and at a later one.
    for (file, number) in [
        ("spines.csv", 1),
        ("dendrites.csv", 1),
        ("dendrites.csv", 2),
        ("dendrites.swc", 1),
        ("labels.tif", 1),
        ("labels.tif", 7),
        ("overlay.png", 1),
        ("overlay.png", 2),
        ("run.json", 1),
    ] {
        let out = gemmule(dir.path(), &DETECT, Some(("write", file, number, ENOSPC)));
        let message = said(&out);
        assert!(!out.status.success(), "{file} {number}");
        assert!(message.contains("No space left") && message.contains(file), "{file} {number}: {message}");
        assert_eq!(names(dir.path()), before, "{file} {number}");
    }
    assert!(gemmule(dir.path(), &DETECT, None).status.success());
}

#[test]
fn permissions_that_are_missing_are_named() {
    let dir = tempfile::tempdir().unwrap();
    stack(dir.path());
    let before = names(dir.path());
    for (part, expected) in
        [("stack.tif", "p/stack.tif: cannot be read"), (".tmp/labels.tif", "labels.tif: cannot be written")]
    {
        let out = gemmule(dir.path(), &DETECT, Some(("open", part, 1, EACCES)));
        let message = said(&out);
        assert!(!out.status.success() && message.contains("Permission denied"), "{part}: {message}");
        assert!(message.contains(expected), "{part}: {message}");
        assert_eq!(names(dir.path()), before, "{part}");
    }
}

#[test]
fn a_disk_that_fails_while_a_stack_is_read() {
    let dir = tempfile::tempdir().unwrap();
    stack(dir.path());
    // In the header, in a directory, in the planes, in the checksum.
    for number in [1, 3, 6, 12] {
        let out = gemmule(dir.path(), &DETECT, Some(("read", "stack.tif", number, EIO)));
        let message = said(&out);
        assert!(!out.status.success(), "{number}");
        assert!(message.contains("stack.tif") && message.contains("Input/output error"), "{number}: {message}");
        assert!(!dir.path().join("out").exists(), "{number}");
    }
}

#[test]
fn killed_in_the_middle_of_a_write_is_not_whole() {
    let dir = tempfile::tempdir().unwrap();
    stack(dir.path());
    for (file, number) in [("spines.csv", 1), ("labels.tif", 3), ("overlay.png", 1), ("run.json", 1)] {
        let out = gemmule(dir.path(), &DETECT, Some(("write", file, number, KILL)));
        assert_eq!(out.status.code(), None, "{file}: {}", said(&out));
        assert!(!dir.path().join("out").exists(), "{file}");
    }
    assert!(gemmule(dir.path(), &DETECT, None).status.success());
}

#[test]
fn a_cohort_goes_on_after_every_fault() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    make_cohort(dir);
    let run = |out: &'static str, fault| {
        gemmule(dir, &["cohort", "c/manifest.csv", "-o", out, "--backend", "cpu", "--quiet", "--no-pictures"], fault)
    };
    assert!(run("whole", None).status.success());
    for fault in [
        ("write", "spines.csv", 1, ENOSPC),
        ("write", "tracks.csv", 1, KILL),
        ("write", "values.csv", 1, ENOSPC),
        ("write", "/series/", 9, KILL),
        // The record of a series has a name of its own until it is complete.
        ("write", "fov-1/.tmp", 1, KILL),
        ("write", "cohort_long.csv", 1, KILL),
        ("write", "report.html", 1, ENOSPC),
        ("write", "effects.csv", 1, KILL),
    ] {
        let out = run("faulty", Some(fault));
        assert!(!out.status.success(), "{fault:?}: {}", said(&out));
    }
    // A stack that cannot be read fails its series; the same command reads it once it can.
    let unread = run("unread", Some(("read", "m01/fov-1/s1.tif", 4, EIO)));
    assert!(!unread.status.success());
    for out in ["faulty", "unread"] {
        let done = run(out, None);
        assert!(done.status.success(), "{out}: {}", said(&done));
        for table in
            ["cohort_long.csv", "cohort_long.parquet", "effects.csv", "survival.csv", "series.csv", "report.html"]
        {
            let read = |from: &str| fs::read(dir.join(from).join(table)).unwrap();
            assert!(read("whole") == read(out), "{table} of {out} differs");
        }
    }
}
