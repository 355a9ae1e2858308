//! Cohorts as a user runs them: resumed, killed, in shards, with series that fail. The tables must not tell.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use gemmule::units::VoxelSize;
use gemmule::volume::{Shape, Stack, Volume, Voxels};

const TABLES: [&str; 8] = [
    "cohort_long.csv",
    "cohort_long.parquet",
    "cohort_wide.csv",
    "effects.csv",
    "survival.csv",
    "series.csv",
    "exclusions.csv",
    "report.html",
];

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gemmule"));
    command.args(args).current_dir(dir);
    command
}

fn gemmule(dir: &Path, args: &[&str]) -> Output {
    command(dir, args).output().expect("gemmule starts")
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned() + &String::from_utf8_lossy(&out.stdout)
}

/// Four series of a session on each of the days, one dendrite of 22 µm each.
fn small_cohort(dir: &Path, days: &str) {
    let params = "[phantom]\nplanes = 10\nrows = 160\ncolumns = 224\ndendrites = 1\naxons = 0\ndensity_per_um = 0.6\n";
    fs::write(dir.join("small.toml"), params).expect("written");
    let args = ["phantom", "--scenario", "vehicle", "--animals", "2", "--fovs", "1", days, "--params", "small.toml"];
    let out = gemmule(dir, &[&args[..], &["-o", "c"]].concat());
    assert!(out.status.success(), "{}", said(&out));
}

fn run(dir: &Path, out: &str, more: &[&str]) -> Output {
    gemmule(dir, &[&["cohort", "c/manifest.csv", "-o", out, "--backend", "cpu"], more].concat())
}

fn tables(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    TABLES.iter().map(|name| (name.into(), fs::read(dir.join(name)).expect("the table is there"))).collect()
}

fn assert_same(dir: &Path, a: &str, b: &str) {
    for ((name, a), (_, b)) in tables(&dir.join(a)).into_iter().zip(tables(&dir.join(b))) {
        assert!(a == b, "{} differs", name.display());
    }
}

#[test]
fn what_failed_was_removed_killed_or_run_in_shards_leaves_no_trace() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    small_cohort(dir, "--days=-1,1");
    let whole = run(dir, "whole", &["--workers", "1"]);
    assert!(
        whole.status.success() && said(&whole).contains("4 series run, 0 there already, 0 failed"),
        "{}",
        said(&whole)
    );
    let long = fs::read_to_string(dir.join("whole/cohort_long.csv")).expect("text");
    let header = "study,group,treatment,mouse,sex,fov,dendrite,cell,cell_type,spine,metric,unit,day,value,denominator,session,dose,regimen,notes";
    assert_eq!(long.lines().next(), Some(header));
    assert!(long.contains(",density,per_um,-1,") && long.contains(",formation_rate,fraction_of_previous_session,1,"));
    // A rate times its denominator is a number of spines; what is expected need not be whole.
    let of = |metric: &str| -> Vec<f64> {
        let cells = |row: &str| row.split(',').map(str::to_owned).collect::<Vec<_>>();
        let rows = long.lines().map(cells).filter(|c| c[10] == metric);
        rows.map(|c| c[13].parse::<f64>().expect("a value") * c[14].parse::<f64>().expect("a denominator")).collect()
    };
    let is_count = |n: &f64| (n - n.round()).abs() < 1e-4;
    let (called, expected) = (of("elimination_rate"), of("expected_elimination_rate"));
    assert!(called.iter().all(is_count) && called.len() == expected.len() && !called.is_empty(), "{called:?}");
    assert!(!expected.iter().all(is_count), "{expected:?}");
    assert!(dir.join("whole/series/m01/fov-1/session-0/overlay.png").is_file());
    let parquet = fs::read(dir.join("whole/cohort_long.parquet")).expect("bytes");
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));

    // A session without a dendrite fails its series and no other.
    let stack = dir.join("c/m02/fov-1/s1.tif");
    let kept = fs::read(&stack).expect("a stack");
    let voxels =
        Voxels::U16(Volume::new(Shape::new(10, 160, 224).expect("valid"), vec![20; 10 * 160 * 224]).expect("valid"));
    let blank = Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.1, 0.1).expect("valid") };
    gemmule::io::write_stack(&stack, &blank).expect("written");
    let failed = run(dir, "other", &[]);
    assert_eq!(failed.status.code(), Some(1), "{}", said(&failed));
    assert!(said(&failed).contains("3 series run, 0 there already, 1 failed"), "{}", said(&failed));
    let series = fs::read_to_string(dir.join("other/series.csv")).expect("text");
    assert_eq!((series.matches(",done,").count(), series.matches(",failed,").count()), (3, 1), "{series}");
    let excluded = fs::read_to_string(dir.join("other/exclusions.csv")).expect("text");
    assert!(excluded.contains("m02/fov-1,,\"failed: stack is 10 x 160 x 224"), "{excluded}");
    // It is not tried again from the same stack, and what is made from other stacks is made again.
    assert!(said(&run(dir, "other", &[])).contains("0 series run, 3 there already, 1 failed"));
    fs::write(&stack, kept).expect("restored");
    fs::remove_file(dir.join("other/series/m01/fov-1/session-1/spines.csv")).expect("removed");
    fs::write(dir.join("other/series/m03/fov-1/values.csv"), "changed").expect("written");
    let again = run(dir, "other", &[]);
    assert!(again.status.success() && said(&again).contains("3 series run, 1 there already"), "{}", said(&again));
    assert_same(dir, "whole", "other");

    // Shards: half of them are not enough.
    assert!(run(dir, "shards", &["--shard", "2/2"]).status.success());
    assert!(!dir.join("shards/cohort_long.csv").exists());
    let early = run(dir, "shards", &["--combine"]);
    assert!(early.status.code() == Some(2) && said(&early).contains("m01/fov-1, m03/fov-1"), "{}", said(&early));
    assert!(run(dir, "shards", &["--shard", "1/2", "--no-pictures"]).status.success());
    assert!(run(dir, "shards", &["--combine"]).status.success());
    assert_same(dir, "whole", "shards");

    // Killed while it works: times between what a start and what a whole run takes.
    for after_ms in [120, 350, 700] {
        let args = ["cohort", "c/manifest.csv", "-o", "killed", "--backend", "cpu", "--quiet", "--no-pictures"];
        let mut child = command(dir, &args).spawn().expect("gemmule starts");
        std::thread::sleep(Duration::from_millis(after_ms));
        child.kill().expect("SIGKILL");
        child.wait().expect("ended");
    }
    assert!(run(dir, "killed", &["--no-pictures"]).status.success());
    assert_same(dir, "whole", "killed");
    let rest: Vec<_> = fs::read_dir(dir.join("killed/series/m01/fov-1")).expect("a folder").flatten().collect();
    assert!(rest.iter().all(|e| !e.file_name().to_string_lossy().starts_with(".gemmule")), "{rest:?}");

    // A folder that holds something else is left alone.
    assert_eq!(run(dir, "c", &[]).status.code(), Some(2));
}

/// A stack of another animal under this one's name: its series counts, without it, and the tables say so.
#[test]
fn a_session_of_another_field_is_an_exclusion_and_its_series_counts() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    small_cohort(dir, "--days=-1,1,3");
    fs::copy(dir.join("c/m01/fov-1/s1.tif"), dir.join("c/m02/fov-1/s1.tif")).expect("copied");
    let out = run(dir, "r", &["--no-pictures"]);
    assert!(out.status.success() && said(&out).contains("4 series run, 0 there already, 0 failed"), "{}", said(&out));
    let table = |name: &str| fs::read_to_string(dir.join("r").join(name)).expect("text");
    let (excluded, series) = (table("exclusions.csv"), table("series.csv"));
    assert!(excluded.contains("m02/fov-1,,\"session 1 left out: registration of session 0 to 1"), "{excluded}");
    assert_eq!((series.matches(",done,").count(), series.matches("left out").count()), (4, 1), "{series}");
    // The animal has a density before and after, and no rate over the longer interval.
    let long = table("cohort_long.csv");
    let days = |metric: &str| -> Vec<&str> {
        let of = |row: &&str| row.contains(",m02,") && row.contains(&format!(",{metric},"));
        long.lines().filter(of).filter_map(|row| row.split(',').nth(12)).collect()
    };
    assert_eq!((days("density"), days("formation_rate")), (vec!["-1", "3"], vec![]), "{long}");
    let dynamics = fs::read_to_string(dir.join("r/series/m02/fov-1/dynamics.csv")).expect("text");
    assert!(dynamics.contains(",all,0,2,-1.00000,3.00000,"), "{dynamics}");
}
