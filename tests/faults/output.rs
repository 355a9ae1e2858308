//! Where results go: never outside their folder, never over others unasked, and never taken for whole when they are not.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn gemmule(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gemmule")).args(args).current_dir(dir).output().unwrap()
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

const SMALL: &str =
    "[phantom]\nplanes = 10\nrows = 160\ncolumns = 224\ndendrites = 1\naxons = 0\ndensity_per_um = 0.6\n";

fn made(dir: &Path, out: &str) {
    fs::write(dir.join("small.toml"), SMALL).unwrap();
    let done = gemmule(dir, &["phantom", "--params", "small.toml", "-o", out]);
    assert!(done.status.success(), "{}", said(&done));
}

#[test]
fn results_are_not_replaced_unasked_and_odd_names_work() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let odd = "a b'\"<é>&;$(x)";
    made(dir, odd);
    let stack = format!("{odd}/stack.tif");
    // A name that begins with a dash is a folder like any other when it is given as --out=.
    let out = gemmule(dir, &["detect", &stack, "--out=-out é", "--backend", "cpu", "--quiet"]);
    assert!(out.status.success(), "{}", said(&out));
    let kept = fs::read(dir.join("-out é/spines.csv")).unwrap();
    fs::write(dir.join("-out é/spines.csv"), "mine").unwrap();
    let again = gemmule(dir, &["detect", &stack, "--out=-out é", "--backend", "cpu", "--quiet"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(said(&again).contains("--force"), "{}", said(&again));
    assert_eq!(fs::read(dir.join("-out é/spines.csv")).unwrap(), b"mine");
    let forced = gemmule(dir, &["detect", &stack, "--out=-out é", "--backend", "cpu", "--quiet", "--force"]);
    assert!(forced.status.success(), "{}", said(&forced));
    assert_eq!(fs::read(dir.join("-out é/spines.csv")).unwrap(), kept);
}

#[cfg(unix)]
#[test]
fn links_in_the_results_folder_are_replaced_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    made(dir, "p");
    fs::create_dir(dir.join("out")).unwrap();
    fs::write(dir.join("precious"), "mine").unwrap();
    std::os::unix::fs::symlink(dir.join("precious"), dir.join("out/spines.csv")).unwrap();
    std::os::unix::fs::symlink(dir.join("nowhere"), dir.join("out/run.json")).unwrap();
    let args = ["detect", "p/stack.tif", "-o", "out", "--backend", "cpu", "--quiet"];
    assert_eq!(gemmule(dir, &args).status.code(), Some(2));
    let forced = gemmule(dir, &[&args[..], &["--force"]].concat());
    assert!(forced.status.success(), "{}", said(&forced));
    assert_eq!(fs::read_to_string(dir.join("precious")).unwrap(), "mine");
    assert!(!dir.join("nowhere").exists());
    assert!(fs::symlink_metadata(dir.join("out/spines.csv")).unwrap().is_file());
    // A dangling link is there as well: without --force it stays.
    let other = dir.join("other");
    fs::create_dir(&other).unwrap();
    std::os::unix::fs::symlink(dir.join("nowhere"), other.join("run.json")).unwrap();
    let refused = gemmule(dir, &["detect", "p/stack.tif", "-o", "other", "--backend", "cpu", "--quiet"]);
    assert!(said(&refused).contains("is there already"), "{}", said(&refused));
}

#[test]
fn names_of_sessions_and_animals_cannot_lead_out_of_the_results() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    made(dir, "p");
    for name in ["../../evil", "/tmp/evil", "..", "a/b", "a\\b", "."] {
        let series = format!(
            "fov = \"f\"\n[[session]]\npath = \"p/stack.tif\"\nday = 0\nname = '{name}'\n[[session]]\npath = \"p/stack.tif\"\nday = 1\n"
        );
        fs::write(dir.join("series.toml"), series).unwrap();
        let out = gemmule(dir, &["track", "series.toml", "-o", "deep/out", "--backend", "cpu", "--quiet"]);
        assert_eq!(out.status.code(), Some(2), "{name}: {}", said(&out));
        let manifest = format!(
            "animal,treatment,fov,day,path\n{name},vehicle,f,-1,p/stack.tif\n{name},vehicle,f,1,p/stack2.tif\n"
        );
        fs::copy(dir.join("p/stack.tif"), dir.join("p/stack2.tif")).unwrap();
        fs::write(dir.join("manifest.csv"), manifest).unwrap();
        let out = gemmule(dir, &["cohort", "manifest.csv", "-o", "deep/out", "--backend", "cpu", "--quiet"]);
        assert_eq!(out.status.code(), Some(2), "{name}: {}", said(&out));
        assert!(!dir.join("deep").exists() && !Path::new("/tmp/evil").exists(), "{name}");
    }
}

#[test]
fn pages_escape_every_text_of_the_user() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    made(dir, "p");
    let evil = "<script>alert('x')</script>\"&";
    let series = format!(
        "fov = '''{evil}'''\n[[session]]\npath = \"p/stack.tif\"\nday = 0\nname = \"first\"\n[[session]]\npath = \"p/stack.tif\"\nday = 1\nname = \"second\"\n"
    );
    fs::write(dir.join("series.toml"), series).unwrap();
    let out = gemmule(dir, &["track", "series.toml", "-o", "out", "--backend", "cpu", "--quiet"]);
    assert!(out.status.success(), "{}", said(&out));
    let page = fs::read_to_string(dir.join("out/report.html")).unwrap();
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "the name of the field is not escaped");
    let long = format!(
        "study,group,treatment,mouse,fov,dendrite,metric,unit,day,value\n{}",
        ["vehicle", "x"]
            .iter()
            .flat_map(|t| (0..3).flat_map(move |m| [-1, 1].map(|d| format!(
                "s,g,{t}{},m{t}{m},f,d1,density,per_um,{d},{}\n",
                if *t == "x" { "<img src=x>" } else { "" },
                m + d + 3
            ))))
            .collect::<String>()
    );
    fs::write(dir.join("long.csv"), long).unwrap();
    let out = gemmule(dir, &["stats", "long.csv", "-o", "stats", "--quiet"]);
    assert!(out.status.success(), "{}", said(&out));
    let page = fs::read_to_string(dir.join("stats/report.html")).unwrap();
    assert!(!page.contains("<img src=x>") && page.contains("&lt;img src=x&gt;"), "the name of the arm is not escaped");
}
