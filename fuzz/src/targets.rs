//! What is fuzzed: every reader of images and every table. Also run on the seeds by `tests/fuzz_seeds.rs`.

use std::fs;
use std::path::{Path, PathBuf};

use gemmule::cohort::{read_lives_csv, read_long_csv};
use gemmule::interventions::Interventions;
use gemmule::io::{self, Manifest, ReadOptions, SeriesFile};
use gemmule::model::Session;
use gemmule::pipeline::{Curation, Params};
use gemmule::score;
use gemmule::units::VoxelSize;

/// Names of all targets.
pub(crate) const TARGETS: [&str; 21] = [
    "tiff",
    "ome-companion",
    "prairie",
    "thor",
    "zarr2",
    "zarr3",
    "zarr-chunk",
    "zip",
    "params",
    "series",
    "manifest",
    "manifest-toml",
    "curation",
    "blind-key",
    "track-places",
    "long",
    "lives",
    "interventions",
    "points",
    "marks",
    "found",
];

/// Voxels of one stack may take no more than this.
const MEMORY_LIMIT: u64 = 32 << 20;

/// A target with a folder of its own in memory, where the input is written as one file of a recording that is whole otherwise.
pub(crate) struct Target {
    name: String,
    folder: PathBuf,
    /// The file that is the input.
    file: PathBuf,
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("a folder in memory");
        for entry in fs::read_dir(from).expect("a fixture") {
            let entry = entry.expect("a fixture");
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).expect("a fixture");
    }
}

/// An empty folder, in memory where there is one.
pub(crate) fn empty_folder(name: &str) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let root = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    let folder = root.join(format!("gemmule-fuzz-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder in memory");
    folder
}

impl Target {
    /// A target by its name; `fixtures` is the folder of the recordings.
    ///
    /// # Panics
    /// If there is no such target, or no folder in memory.
    pub(crate) fn open(name: &str, fixtures: &Path) -> Self {
        assert!(TARGETS.contains(&name), "{name} is none of {TARGETS:?}");
        let folder = empty_folder(name);
        let (recording, file) = match name {
            "ome-companion" => (Some("ome-companion"), "day.companion.ome"),
            "prairie" => (Some("prairie"), "TSeries-001.xml"),
            "thor" => (Some("thor-raw"), "Experiment.xml"),
            "zarr2" => (Some("bioformats2raw.zarr"), "0/.zattrs"),
            "zarr3" => (Some("sharded.zarr"), "0/zarr.json"),
            "zarr-chunk" => (Some("bioformats2raw.zarr"), "0/0/1/0/0"),
            "tiff" => (None, "stack.tif"),
            "zip" => (None, "day.zarr.zip"),
            "params" | "series" | "manifest-toml" | "interventions" => (None, "text.toml"),
            _ => (None, "table.csv"),
        };
        if let Some(recording) = recording {
            copy(&fixtures.join(recording), &folder);
        }
        let file = folder.join(file);
        // Stacks that a manifest may name.
        if name.starts_with("manifest") || name == "series" {
            copy(&fixtures.join("tifffile-imagej.tif"), &folder.join("a.tif"));
        }
        Self { name: name.into(), folder, file }
    }

    /// Reads the input; whatever is wrong with it must be an error.
    pub(crate) fn run(&self, data: &[u8]) {
        fs::write(&self.file, data).expect("a file in memory");
        let file = self.file.as_path();
        let voxel_size = VoxelSize::new(1.0, 0.1, 0.1).ok();
        let options = ReadOptions { voxel_size, channel: Some(0), time: Some(0), memory_limit: Some(MEMORY_LIMIT) };
        match self.name.as_str() {
            "tiff" | "ome-companion" | "prairie" | "thor" | "zip" => stack(file, &options),
            "zarr2" | "zarr3" | "zarr-chunk" => stack(&self.folder, &options),
            "params" => drop(Params::read(file).map(|params| params.validate())),
            "series" => drop(SeriesFile::read(file)),
            "manifest" | "manifest-toml" => drop(Manifest::read(file, &options, data.len().is_multiple_of(2))),
            "curation" => {
                let sessions = ["a", "b"].map(|name| Session { name: name.into(), day: Some(0.0) });
                drop(Curation::read(file, &sessions, None, None));
            }
            "blind-key" => drop(io::read_blind_key(file)),
            "track-places" => drop(io::read_track_places(file)),
            "long" => drop(read_long_csv(file)),
            "lives" => drop(read_lives_csv(file)),
            "interventions" => drop(Interventions::read(file)),
            "points" => drop(io::read_point_sessions(file, file, voxel_size)),
            "marks" => drop(io::read_marks(file, &[voxel_size.expect("valid")])),
            _ => {
                drop(score::read_found(file));
                drop(score::read_found_links(file));
                drop(score::read_found_tracks(file));
            }
        }
    }
}

fn stack(path: &Path, options: &ReadOptions) {
    drop(io::info(path));
    drop(io::read_stack(path, options));
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
