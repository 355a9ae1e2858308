//! The targets of fuzz/ on their seeds, on what fuzzing has found, and on some thousand damaged seeds: the short form of `fuzz/run.sh`.

#[path = "../fuzz/src/targets.rs"]
mod targets;

use std::fs;
use std::path::{Path, PathBuf};

use targets::{TARGETS, Target};

/// Damaged copies of every seed; fuzz/run.sh makes a thousand times as many.
const DAMAGED: u64 = 60;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("a seed").path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// The seeds of a target, and the files of the fixtures that it would read.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    files(&root().join("fuzz/seeds").join(name), &mut paths);
    let recordings = root().join("fixtures/microscopes");
    paths.extend(
        match name {
            "tiff" => vec!["scanimage.tif", "tifffile.ome.tif", "tifffile-tiled.ome.tif", "tifffile-imagej.tif"],
            "ome-companion" => vec!["ome-companion/day.companion.ome"],
            "prairie" => vec!["prairie/TSeries-001.xml"],
            "thor" => vec!["thor-raw/Experiment.xml", "thor-tiff/Experiment.xml"],
            "zarr2" => vec!["bioformats2raw.zarr/0/.zattrs", "ome-zarr-0.4.zarr/.zattrs"],
            "zarr3" => vec!["sharded.zarr/0/zarr.json", "ome-zarr-0.5.zarr/zarr.json"],
            "zarr-chunk" => vec!["bioformats2raw.zarr/0/0/1/0/0"],
            "zip" => vec!["folder.zarr.zip", "ome-zarr-0.5.ozx"],
            _ => vec![],
        }
        .into_iter()
        .map(|name| recordings.join(name)),
    );
    if name == "interventions" {
        paths.push(root().join("src/interventions/interventions.toml"));
    }
    assert!(!paths.is_empty(), "{name} has no seed");
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a seed")).collect()
}

#[test]
fn no_seed_and_no_damaged_seed_is_more_than_an_error() {
    for name in TARGETS {
        let start = std::time::Instant::now();
        let target = Target::open(name, &root().join("fixtures/microscopes"));
        for (n, seed) in seeds(name).into_iter().enumerate() {
            target.run(&seed);
            let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ n as u64;
            let mut next = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state as usize
            };
            for _ in 0..DAMAGED {
                let mut bytes = seed.clone();
                for _ in 0..1 + next() % 4 {
                    let at = next() % bytes.len();
                    match next() % 4 {
                        0 => bytes[at] = next() as u8,
                        1 => bytes.truncate(at.max(1)),
                        2 => bytes.insert(at, next() as u8),
                        _ => {
                            let part = bytes[at..].iter().take(next() % 20).copied().collect::<Vec<_>>();
                            bytes.splice(at..at, part);
                        }
                    }
                }
                target.run(&bytes);
            }
        }
        println!("{name}: {:.1} s", start.elapsed().as_secs_f64());
    }
}
