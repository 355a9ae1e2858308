//! The files of `gemmule detect`.

use std::path::Path;

use serde_json::json;

use crate::engine::Engine;
use crate::error::Result;
use crate::io;
use crate::model::{Dendrite, Motion, Spine, SpineFlag, UnscorableReason};
use crate::pipeline::{FileSet, Found, Params, run_file};
use crate::volume::Source;

/// Every file of one stack's results, in the order they are listed to the user.
pub const DETECT_FILES: [&str; 6] =
    ["spines.csv", "dendrites.csv", "dendrites.swc", "labels.tif", "overlay.png", "run.json"];

/// What a result must say about where it came from. See the example of [`write_detect`].
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The file read.
    pub path: &'a Path,
    /// Its SHA-256.
    pub sha256: &'a str,
    /// Channel and time point read.
    pub channel: Option<usize>,
    /// Time point read.
    pub time: Option<usize>,
}

/// Writes all of [`DETECT_FILES`] but the overlay, which is drawn by [`crate::report`].
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::io::{ReadOptions, read_stack_summed};
/// use gemmule::phantom::PhantomParams;
/// use gemmule::pipeline::{DETECT_FILES, FileSet, Origin, Params, detect, summary, write_detect, write_phantom};
/// use gemmule::progress::Silent;
/// use gemmule::report::{OverlayOptions, overlay};
/// let dir = tempfile::tempdir().unwrap();
/// let small = PhantomParams::default().planes(8)?.rows(64)?.columns(96)?.density_per_um(0.8)?.seed(7)?;
/// write_phantom(dir.path(), &small, false, &mut Silent)?;
/// let (path, results) = (dir.path().join("stack.tif"), dir.path().join("results"));
/// let (stack, sha256) = read_stack_summed(&path, &ReadOptions::default())?;
/// let (engine, params) = (Engine::new(Backend::Cpu)?, Params::default().with("trace.min_length_um", 5.0)?);
/// let found = detect(&engine, &stack, &params, &mut Silent)?;
/// assert_eq!(summary(&found)["spines"], found.spines.len());
///
/// let set = FileSet::new(&results, &DETECT_FILES, false)?;
/// let origin = Origin { path: &path, sha256: &sha256, channel: None, time: None };
/// write_detect(&set, &found, &stack, &engine, &params, origin)?;
/// overlay(&stack, &found.dendrites, &found.spines, &OverlayOptions::default())?.save(set.path("overlay.png")).unwrap();
/// assert_eq!(set.commit()?.len(), 6);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`crate::error::Error::File`] if one cannot be written.
pub fn write_detect<'a>(
    set: &FileSet,
    found: &Found,
    stack: impl Into<Source<'a>>,
    engine: &Engine,
    params: &Params,
    origin: Origin<'_>,
) -> Result<()> {
    let stack = stack.into();
    io::write_spines_csv(set.path("spines.csv"), &found.spines)?;
    io::write_dendrites_csv(set.path("dendrites.csv"), &found.dendrites)?;
    io::write_swc(set.path("dendrites.swc"), &found.dendrites)?;
    io::write_labels(set.path("labels.tif"), &found.labels, stack.voxel_size())?;
    let shape = stack.shape();
    let run = json!({
        "engine": engine.describe(),
        "input": {
            "path": origin.path.display().to_string(),
            "sha256": origin.sha256,
            "channel": origin.channel,
            "time": origin.time,
            "shape_zyx": [shape.z, shape.y, shape.x],
            "voxel_type": stack.type_name(),
            "voxel_um": stack.voxel_size(),
        },
        "parameters": run_file::used(params),
        "noise": found.noise,
        "noise_correlation": found.noise_correlation,
        "motion": motion(&found.motion),
        "result": summary(found),
    });
    run_file::write_run(set, "detect", run)
}

/// Displacement of the planes and those that are bad, as `run.json` gives them.
pub(super) fn motion(motion: &Motion) -> serde_json::Value {
    json!({ "rms_um": motion.rms_um(), "bad": motion.bad_planes.len(), "bad_planes": motion.bad_planes })
}

/// What a user should know about bad planes.
pub(super) fn bad_planes(motion: &Motion) -> String {
    let planes: Vec<String> = motion.bad_planes.iter().map(ToString::to_string).collect();
    format!(
        "planes {} (from 0) are lost or displaced by motion; dendrites in them are left out as unscorable (motion).",
        planes.join(", ")
    )
}

/// What a user should know about centrelines that are axons; none if no dendrite is one over half of its length or more.
pub(super) fn axons(dendrites: &[Dendrite]) -> Option<String> {
    let axon_um = |d: &Dendrite| d.unscorable_length_um(UnscorableReason::Axon);
    let mostly: Vec<String> =
        dendrites.iter().filter(|d| axon_um(d) >= 0.5 * d.length_um()).map(|d| format!("D{}", d.dendrite_id)).collect();
    let total_um: f64 = dendrites.iter().map(axon_um).sum();
    (!mostly.is_empty()).then(|| {
        format!(
            "Axons by their brightness and width: {} ({total_um:.0} µm with parts of others). What is found on them is flagged and counts in no rate or density; set trace.axon_brightness to 0 if they are dendrites.",
            mostly.join(", ")
        )
    })
}

/// Counts, lengths and density: spines on scorable stretches over scorable length. See the example of [`write_detect`].
pub fn summary(found: &Found) -> serde_json::Value {
    let length_um: f64 = found.dendrites.iter().map(|d| d.length_um()).sum();
    let axon_um: f64 = found.dendrites.iter().map(|d| d.unscorable_length_um(UnscorableReason::Axon)).sum();
    let scorable_um: f64 = found.dendrites.iter().map(|d| d.scorable_length_um()).sum();
    let on_unscorable = |spine: &&Spine| spine.flags.contains(&SpineFlag::OnUnscorableStretch);
    let scorable = found.spines.len() - found.spines.iter().filter(on_unscorable).count();
    json!({
        "dendrites": found.dendrites.len(),
        "length_um": length_um,
        "axon_length_um": axon_um,
        "scorable_length_um": scorable_um,
        "spines": found.spines.len(),
        "scorable_spines": scorable,
        "density_per_um": (scorable_um > 0.0).then(|| scorable as f64 / scorable_um),
    })
}
