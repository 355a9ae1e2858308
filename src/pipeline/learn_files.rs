//! The files of `gemmule learn`.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::engine::Engine;
use crate::error::Result;
use crate::io::{self, ReadOptions};
use crate::pipeline::{self, FileSet, Learned, Params, Seen, run_file};
use crate::progress::Progress;

/// Every file of what was learned.
pub const LEARN_FILES: [&str; 3] = ["params.toml", "learn.json", "run.json"];

/// Learns from marks on stacks (session k is the k-th) and writes [`LEARN_FILES`] to a folder, replacing what is there if the flag of `target` says so.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::io::ReadOptions;
/// use gemmule::phantom::PhantomParams;
/// use gemmule::pipeline::{Params, write_learn, write_phantom};
/// use gemmule::progress::Silent;
/// let dir = tempfile::tempdir().unwrap();
/// let small = PhantomParams::default().planes(8)?.rows(64)?.columns(96)?.seed(7)?;
/// write_phantom(dir.path(), &small, false, &mut Silent)?;
/// // The marks of the truth are too few to learn from: an error, and nothing is written.
/// let (marks, stacks, to) = (dir.path().join("spines.csv"), [dir.path().join("stack.tif")], dir.path().join("learned"));
/// let engine = Engine::new(Backend::Cpu)?;
/// let made = write_learn(&engine, &marks, &stacks, &ReadOptions::default(), &Params::default(), (&to, false), &mut Silent);
/// assert!(made.is_err_and(|e| e.to_string().contains("learned.marks_min")) && !to.exists());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`pipeline::learn`], [`pipeline::candidates`], [`io::read_marks`] and [`io::read_stack_summed`]; files that are there already or cannot be written.
pub fn write_learn(
    engine: &Engine,
    marks: &Path,
    stacks: &[PathBuf],
    options: &ReadOptions,
    params: &Params,
    target: (&Path, bool),
    progress: &mut dyn Progress,
) -> Result<(Learned, Vec<PathBuf>)> {
    let (dir, force) = target;
    FileSet::check(dir, &LEARN_FILES, force)?;
    let (mut seen, mut sizes, mut inputs) = (Vec::new(), Vec::new(), Vec::new());
    for path in stacks {
        let (stack, sha256) = io::read_stack_summed(path, options)?;
        let (dendrites, proposals) = pipeline::candidates(engine, &stack, params, progress)?;
        seen.push(Seen { dendrites, proposals });
        sizes.push(stack.voxel_size);
        inputs.push(json!({ "path": path.display().to_string(), "sha256": sha256, "voxel_um": stack.voxel_size }));
    }
    let learned = pipeline::learn(&seen, &io::read_marks(marks, &sizes)?, params)?;
    let fitted = Params { learned: learned.model.clone(), ..params.clone() };
    let run = json!({
        "engine": engine.describe(),
        "marks": { "path": marks.display().to_string(), "sha256": io::sha256(marks)? },
        "stacks": inputs,
        "channel": options.channel,
        "time": options.time,
        "parameters": params,
    });
    let set = FileSet::new(dir, &LEARN_FILES, force)?;
    run_file::write_text(&set, "params.toml", &fitted.to_toml())?;
    run_file::write_text(&set, "learn.json", &format!("{:#}\n", json!(learned)))?;
    run_file::write_run(&set, "learn", run)?;
    Ok((learned, set.commit()?))
}
