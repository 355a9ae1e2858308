//! The command line as a user meets it: exit codes, files, messages.

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

fn small_stack(dir: &Path) {
    let params = PhantomParams { planes: 10, rows: 192, columns: 192, ..PhantomParams::default() };
    let made = phantom::stack(&params, &mut Silent).expect("valid");
    gemmule::io::write_stack(dir.join("day0.tif"), &made.stack).expect("the folder can be written to");
}

#[test]
fn detect_writes_every_file_and_says_where_its_numbers_come_from() {
    let dir = tempfile::tempdir().expect("a folder");
    small_stack(dir.path());
    let out = gemmule(dir.path(), &["detect", "day0.tif", "-o", "out", "--backend", "cpu", "--json"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let printed: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON on stdout");
    for file in ["spines.csv", "dendrites.csv", "dendrites.swc", "labels.tif", "overlay.png", "run.json"] {
        assert!(dir.path().join("out").join(file).is_file(), "{file}");
    }
    let run = std::fs::read_to_string(dir.path().join("out/run.json")).expect("run.json");
    let run: serde_json::Value = serde_json::from_str(&run).expect("JSON");
    assert_eq!(run["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(run["input"]["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(run["result"]["spines"], printed["result"]["spines"]);
    assert_eq!(run["parameters"]["detect"]["score_min"], gemmule::detect::DetectParams::default().score_min);
    let table = std::fs::read_to_string(dir.path().join("out/spines.csv")).expect("spines.csv");
    let header = "spine_id,dendrite_id,z_um,y_um,x_um,tip_z_um,tip_y_um,tip_x_um,base_z_um,base_y_um,base_x_um,s_um,side,\
                  length_um,head_width_um,brightness,snr,score,class,flags,volume_um3,head_width_fit";
    assert_eq!(table.lines().next(), Some(header));

    let again = gemmule(dir.path(), &["detect", "day0.tif", "-o", "out", "--backend", "cpu"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("--force"), "{}", text(&again.stderr));
}

#[test]
fn bad_input_ends_with_2_names_the_remedy_and_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("text.tif"), "this is no image").expect("written");
    std::fs::write(dir.path().join("bad.toml"), "[detect]\nscore_mim = 3\n").expect("written");
    small_stack(dir.path());
    let cases: [(&[&str], &str); 6] = [
        (&["detect", "nothing.tif", "-o", "out"], "nothing.tif"),
        (&["detect", "text.tif", "-o", "out"], "TIFF"),
        (&["detect", "day0.tif", "-o", "out", "--params", "bad.toml"], "score_mim"),
        (&["detect", "day0.tif", "-o", "out", "--channel", "3"], "--channel"),
        (&["detect", "day0.tif", "-o", "out", "--voxel-um", "0,1,1"], "voxel"),
        (&["detect", "day0.tif", "-o", "day0.tif"], "folder"),
    ];
    for (args, word) in cases {
        let out = gemmule(dir.path(), args);
        assert_eq!(out.status.code(), Some(2), "{args:?}: {}", text(&out.stderr));
        assert!(text(&out.stderr).contains(word), "{args:?}: {}", text(&out.stderr));
        assert!(!dir.path().join("out").exists(), "{args:?} left a folder");
    }
    let failed =
        gemmule(dir.path(), &["detect", "day0.tif", "-o", "out", "--backend", "gpu", "--adapter", "no such GPU"]);
    assert_eq!(failed.status.code(), Some(1), "{}", text(&failed.stderr));
    let left: Vec<_> = std::fs::read_dir(dir.path()).expect("listed").map(|e| e.expect("entry").file_name()).collect();
    assert_eq!(left.len(), 3, "only the inputs are left: {left:?}");
}

#[test]
fn demo_phantom_score_info_and_params_work_together() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("small.toml"), "[phantom]\nplanes = 12\nrows = 256\ncolumns = 256\n")
        .expect("written");
    let demo = gemmule(dir.path(), &["demo", "--params", "small.toml", "--backend", "cpu"]);
    assert!(demo.status.success(), "{}", text(&demo.stderr));
    assert!(text(&demo.stdout).contains("recall") && dir.path().join("gemmule-demo/results/overlay.png").is_file());
    let made = gemmule(dir.path(), &["phantom", "--params", "small.toml", "-o", "again", "--quiet"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let read = |path: &str| std::fs::read(dir.path().join(path)).expect("a file");
    assert_eq!(read("again/stack.tif"), read("gemmule-demo/phantom/stack.tif"), "the same seed, the same stack");
    let args = ["score", "detect", "--found", "gemmule-demo/results/spines.csv", "--truth", "again", "--json"];
    let score: serde_json::Value = serde_json::from_slice(&gemmule(dir.path(), &args).stdout).expect("JSON");
    assert!(score["n_truth"].as_u64().is_some_and(|n| n > 0), "{score}");
    let info = gemmule(dir.path(), &["info", "again/stack.tif", "--json"]);
    let info: serde_json::Value = serde_json::from_slice(&info.stdout).expect("JSON");
    assert_eq!(info["shape"], serde_json::json!([12, 256, 256]));
    assert_eq!(info["voxel_size"]["x_um"], 0.1);
    let params = text(&gemmule(dir.path(), &["params"]).stdout);
    std::fs::write(dir.path().join("all.toml"), &params).expect("written");
    let read_back = gemmule(dir.path(), &["params", "--params", "all.toml"]);
    assert_eq!(text(&read_back.stdout), params, "what is printed can be read");
}

#[test]
fn link_writes_its_tables_and_refuses_bad_ones() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut points = String::from("spine_row,session,z,y,x,note\n");
    let mut lines = String::from("session,dendrite_id,order,z,y,x\n");
    for session in 0..2 {
        for n in 0..60 {
            let (x, y) = (5 * n, 100.0 + 60.0 * (f64::from(n) / 8.0).sin() + 20.0 * f64::from(session));
            lines += &format!("{session},{session},{n},{session},{y},{x}\n");
            if n % 5 == 2 && n + session != 2 {
                points += &format!("{n},{session},{session},{},{x},thin\n", y + 15.0);
            }
        }
    }
    std::fs::write(dir.path().join("points.csv"), &points).expect("written");
    std::fs::write(dir.path().join("lines.csv"), lines).expect("written");
    let arguments = ["link", "points.csv", "lines.csv", "--voxel-um", "1,0.1,0.1", "-o", "out", "--json"];
    let out = gemmule(dir.path(), &arguments);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let printed: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON on stdout");
    assert_eq!((&printed["result"]["links"], &printed["result"]["sites"]), (&11.into(), &12.into()));
    let table = std::fs::read_to_string(dir.path().join("out/links.csv")).expect("links.csv");
    assert!(table.starts_with("session_a,spine_row_a,session_b,spine_row_b,track_id,p_same\n0,"), "{table}");
    let table = std::fs::read_to_string(dir.path().join("out/tracks.csv")).expect("tracks.csv");
    let header = "track_id,session,day,dendrite_id,s_um,status,p_present,z_um,y_um,x_um,spine_id,head_width_um,brightness,\
                  contrast,reason,curated,p_so_far";
    assert_eq!((table.lines().next(), table.lines().count()), (Some(header), 25));
    assert!(table.contains(",absent,0.0000,"), "{table}");

    let again = gemmule(dir.path(), &arguments);
    assert!(again.status.code() == Some(2) && text(&again.stderr).contains("--force"));
    std::fs::write(dir.path().join("bad.csv"), points.replace("7,0,0,", "7,0,deep,")).expect("written");
    let cases: [(&[&str], &str); 3] = [
        (&["bad.csv", "lines.csv", "--voxel-um", "1,0.1,0.1"], "bad.csv: line 2, column z is \"deep\""),
        (&["points.csv", "lines.csv"], "--voxel-um"),
        (&["points.csv", "points.csv", "--voxel-um", "1,0.1,0.1"], "lacks the columns dendrite_id, order"),
    ];
    for (tables, expected) in cases {
        let out = gemmule(dir.path(), &[&["link", "-o", "none"], tables].concat());
        assert_eq!(out.status.code(), Some(2), "{tables:?}");
        assert!(text(&out.stderr).contains(expected), "{tables:?}: {}", text(&out.stderr));
        assert!(!dir.path().join("none").exists());
    }
}

/// What does not fit the memory is read in parts: every file is the same; what does not fit at all is refused.
#[test]
fn a_memory_limit_changes_how_a_stack_is_read_and_nothing_that_is_found() {
    let dir = tempfile::tempdir().expect("a folder");
    small_stack(dir.path());
    let detect = |out: &str, limit: &[&str]| {
        gemmule(dir.path(), &[&["detect", "day0.tif", "-o", out, "--backend", "cpu"], limit].concat())
    };
    let whole = detect("whole", &[]);
    assert!(whole.status.success() && !text(&whole.stderr).contains("in parts"), "{}", text(&whole.stderr));
    let parts = detect("parts", &["--memory-limit", "8MiB"]);
    assert!(parts.status.success() && text(&parts.stderr).contains("read in parts"), "{}", text(&parts.stderr));
    for file in ["spines.csv", "dendrites.csv", "dendrites.swc", "labels.tif", "overlay.png"] {
        let read = |folder: &str| std::fs::read(dir.path().join(folder).join(file)).expect("a result");
        assert!(read("whole") == read("parts"), "{file} differs");
    }
    let refused = detect("refused", &["--memory-limit", "100KiB"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("--memory-limit"), "{}", text(&refused.stderr));
    assert!(!dir.path().join("refused").exists());
}

/// Reading in parts must not let a small file claim any amount of memory or time.
#[test]
fn a_small_zarr_that_claims_a_huge_volume_is_refused_at_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let zarr = dir.path().join("huge.zarr");
    std::fs::create_dir_all(zarr.join("0")).expect("a folder");
    let axes: Vec<_> =
        ["z", "y", "x"].iter().map(|a| serde_json::json!({"name": a, "type": "space", "unit": "micrometer"})).collect();
    let scale = serde_json::json!([{"type": "scale", "scale": [1.0, 0.1, 0.1]}]);
    let dataset = serde_json::json!({"path": "0", "coordinateTransformations": scale});
    let image = serde_json::json!({"multiscales": [{"version": "0.4", "axes": axes, "datasets": [dataset]}]});
    let array = serde_json::json!({
        "zarr_format": 2, "shape": [1 << 20, 1024, 1024], "chunks": [64, 1024, 1024], "dtype": "<u2", "fill_value": 0, "order": "C",
        "filters": null, "compressor": null, "dimension_separator": "/",
    });
    std::fs::write(zarr.join(".zgroup"), r#"{"zarr_format": 2}"#).expect("room");
    std::fs::write(zarr.join(".zattrs"), image.to_string()).expect("room");
    std::fs::write(zarr.join("0/.zarray"), array.to_string()).expect("room");
    let args = ["detect", "huge.zarr", "-o", "out", "--backend", "cpu", "--memory-limit", "2GiB"];
    let out = gemmule(dir.path(), &args);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("1048576 x 1024 x 1024 voxels"), "{}", text(&out.stderr));
}
