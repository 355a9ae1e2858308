//! What detection does on synthetic stacks of known truth, from dim to bright.

use serde_json::json;

use crate::engine::Engine;
use crate::error::Result;
use crate::model::{CalibrationRow, Spine};
use crate::params::params;
use crate::phantom::{self, Phantom, PhantomParams, TrueSpine};
use crate::pipeline::{self, FileSet, Found, Params, run_file};
use crate::progress::Progress;
use crate::score::{self, CalibrationField, FoundPoint, HeadKind, Measured, Trial, Truth, TruthSpine};

params! {
    /// Which synthetic stacks a calibration is made of.
    ///
    /// ```
    /// use gemmule::pipeline::CalibrationParams;
    /// let params = CalibrationParams::default().photons(vec![60.0, 120.0])?.fields(3)?;
    /// assert_eq!((params.photons.len(), params.fields), (2, 3));
    /// assert!(params.fields(0).is_err());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub struct CalibrationParams in "calibration" {
        /// Photons on the axis of the brightest shaft.
        photons: Vec<f64> = vec![30.0, 60.0, 120.0, 200.0], "photons", 1.0..=10000.0, "dim to bright in-vivo stacks";
        /// Fields at each of them, with seeds from that of [phantom] on; the same fields at every brightness.
        fields: usize = 8, "", 1..=1000, "some 200 spines: a standard error of .02 on recall";
    }
}

/// Every file of a calibration.
pub const CALIBRATION_FILES: [&str; 3] = ["calibration.csv", "calibration.svg", "run.json"];

/// A centreline is traced where a traced one passes within this in the image plane, µm, and within [`COVERED_Z_UM`] along z.
const COVERED_UM: f64 = 1.0;
const COVERED_Z_UM: f64 = 3.0;

/// Makes stacks as `params.phantom` describes them, at every brightness of `params.calibration`, and compares what is found in them with what is there.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::pipeline::{FileSet, Params, calibrate, write_calibration};
/// use gemmule::progress::Silent;
/// let mut params = Params::default().with("trace.min_length_um", 5.0)?;
/// params.phantom = params.phantom.planes(8)?.rows(64)?.columns(96)?.density_per_um(0.8)?.seed(7)?;
/// params.calibration = params.calibration.photons(vec![120.0])?.fields(1)?;
/// let engine = Engine::new(Backend::Cpu)?;
/// let rows = calibrate(&engine, &params, &mut Silent)?;
/// assert!(rows.iter().all(|row| row.photons == 120.0));
/// assert!(rows.iter().any(|row| row.figure == "recall" && row.of == "all"));
///
/// let dir = tempfile::tempdir().unwrap();
/// let set = FileSet::new(&dir.path().join("calibration"), &["calibration.csv", "run.json"], false)?;
/// write_calibration(&set, &rows, &engine, &params)?;
/// assert_eq!(set.commit()?.len(), 2);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// Parameters out of range, GPU faults, cancellation.
pub fn calibrate(engine: &Engine, params: &Params, progress: &mut dyn Progress) -> Result<Vec<CalibrationRow>> {
    params.validate()?;
    let (levels, fields) = (&params.calibration.photons, params.calibration.fields);
    let total = (levels.len() * fields) as u64;
    let mut seen = Vec::new();
    for &photons in levels {
        for field in 0..fields {
            progress.step("calibrate", seen.len() as u64, total)?;
            let made = PhantomParams {
                photons,
                seed: params.phantom.seed.wrapping_add(field as u64),
                ..params.phantom.clone()
            };
            let phantom = phantom::stack(&made, progress)?;
            let found = pipeline::detect(engine, &phantom.stack, params, progress)?;
            seen.push(compare(&phantom, &found, photons, params)?);
        }
    }
    progress.step("calibrate", total, total)?;
    Ok(score::calibration(&seen))
}

fn compare(phantom: &Phantom, found: &Found, photons: f64, params: &Params) -> Result<CalibrationField> {
    let spine = |s: &TrueSpine| TruthSpine {
        tip: s.tip,
        head: Some(s.head),
        head_kind: Some(if s.resolved { HeadKind::Peak } else { HeadKind::Shoulder }),
        is_bad: !s.scorable,
    };
    let truth = Truth {
        session: 0,
        spines: phantom.spines.iter().map(spine).collect(),
        centrelines: phantom.dendrites.iter().map(|d| d.points.clone()).collect(),
    };
    let points: Vec<FoundPoint> =
        found.spines.iter().map(|s| FoundPoint { place: s.head, score: Some(s.score) }).collect();
    let (pairs, false_found) = score::matches(&truth, &points, &params.score)?;
    let trial = |(j, s): (usize, &TrueSpine)| Trial {
        distance_um: s.head.distance_xy_um(s.base),
        length_um: s.length_um,
        head_width_um: s.head_width_um,
        head_photons: s.photons,
        measured: pairs.iter().find(|pair| pair.1 == j).map(|pair| measured(&found.spines[pair.0])),
    };
    let trials = phantom.spines.iter().enumerate().filter(|(_, s)| s.scorable).map(trial).collect();
    let length_um = phantom.dendrites.iter().map(|d| d.length_um()).sum();
    Ok(CalibrationField { photons, length_um, traced_um: traced_um(phantom, found), trials, false_found })
}

fn measured(spine: &Spine) -> Measured {
    Measured {
        distance_um: spine.head.distance_xy_um(spine.base),
        length_um: spine.length_um,
        head_width_um: spine.head_width_um,
        brightness: spine.brightness,
        volume_um3: spine.volume_um3,
    }
}

/// Length of the true centrelines along which some traced one runs.
fn traced_um(phantom: &Phantom, found: &Found) -> f64 {
    let near = |p: crate::units::PointUm| {
        let close = |q: &crate::units::PointUm| (p.z - q.z).abs() <= COVERED_Z_UM && p.distance_xy_um(*q) <= COVERED_UM;
        found.dendrites.iter().flat_map(|d| &d.points).any(close)
    };
    let covered = |d: &crate::model::Dendrite| {
        let share = d.points.iter().filter(|&&p| near(p)).count() as f64 / d.points.len() as f64;
        share * d.length_um()
    };
    phantom.dendrites.iter().map(covered).sum()
}

/// Writes the table and `run.json`; the picture is drawn by [`crate::report`]. See the example of [`calibrate`].
///
/// # Errors
/// [`crate::error::Error::File`] if one cannot be written.
pub fn write_calibration(set: &FileSet, rows: &[CalibrationRow], engine: &Engine, params: &Params) -> Result<()> {
    crate::io::write_calibration_csv(set.path("calibration.csv"), rows)?;
    run_file::write_run(
        set,
        "calibrate",
        json!({ "engine": engine.describe(), "parameters": params, "rows": rows.len() }),
    )
}
