//! Synthetic stacks as files, scores against truth, and the demonstration that joins them.

use std::path::Path;

use crate::engine::Engine;
use crate::error::Result;
use crate::io::{self, ReadOptions};
use crate::phantom::{self, PhantomParams, SeriesParams};
use crate::pipeline::{FileSet, Found, Params, run_file};
use crate::progress::Progress;
use crate::score::{
    self, DetectDetail, DetectScore, FoundPoint, LinkScore, ScoreParams, SeriesTruth, TrackScore, Truth,
};
use crate::volume::Stack;

/// Files of a synthetic stack: the folder is a truth folder for `gemmule score`.
pub const PHANTOM_FILES: [&str; 5] = ["stack.tif", "meta.json", "spines.csv", "dendrites.csv", "links.csv"];

/// Makes a synthetic stack and writes it and its truth to `dir`.
///
/// ```
/// use gemmule::phantom::PhantomParams;
/// use gemmule::pipeline::{score_detail, score_detect, write_phantom};
/// use gemmule::progress::Silent;
/// use gemmule::score::ScoreParams;
/// let dir = tempfile::tempdir().unwrap();
/// let small = PhantomParams::default().planes(8)?.rows(64)?.columns(96)?.density_per_um(1.0)?.seed(7)?;
/// let files = write_phantom(dir.path(), &small, false, &mut Silent)?;
/// assert!(files.contains(&dir.path().join("stack.tif")));
///
/// let found = dir.path().join("found.csv"); // a method that finds nothing
/// std::fs::write(&found, "z_um,y_um,x_um\n").unwrap();
/// let score = score_detect(&found, dir.path(), 0, &ScoreParams::default())?;
/// assert_eq!((score.tp, score.missed), (0, score.n_truth));
/// assert!(score_detail(&found, dir.path(), 0, &ScoreParams::default())?.dendrites.iter().all(|d| d.tp == 0));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// Parameters out of range; files that are there already without `force`, or cannot be written; cancellation.
pub fn write_phantom(
    dir: &Path,
    params: &PhantomParams,
    force: bool,
    progress: &mut dyn Progress,
) -> Result<Vec<std::path::PathBuf>> {
    FileSet::check(dir, &PHANTOM_FILES, force)?;
    let made = phantom::stack(params, progress)?;
    let set = FileSet::new(dir, &PHANTOM_FILES, force)?;
    io::write_stack(set.path("stack.tif"), &made.stack)?;
    for (name, text) in phantom::truth_files(&made, 0)? {
        run_file::write_text(&set, name, &text)?;
    }
    set.commit()
}

/// Makes a synthetic series and writes its stacks (`s0.tif`, ...), its truth and a `series.toml` to `dir`.
///
/// ```
/// use gemmule::io::SeriesFile;
/// use gemmule::phantom::{PhantomParams, SeriesParams};
/// use gemmule::pipeline::{score_links, score_tracks, write_phantom_series};
/// use gemmule::progress::Silent;
/// use gemmule::score::ScoreParams;
/// let dir = tempfile::tempdir().unwrap();
/// let small = PhantomParams::default().planes(8)?.rows(64)?.columns(96)?.axons(0)?.density_per_um(1.0)?.seed(7)?;
/// write_phantom_series(dir.path(), &small, &SeriesParams::default().days(vec![0.0, 2.0])?, false, &mut Silent)?;
/// assert_eq!(SeriesFile::read(dir.path().join("series.toml"))?.sessions.len(), 2);
///
/// // The truth itself, as found links: all of them are right.
/// let links = score_links(&dir.path().join("links.csv"), dir.path())?;
/// assert!(links.pairs.iter().all(|pair| pair.figures.n_correct == pair.figures.n_truth));
/// let none = dir.path().join("tracks.csv"); // a method that finds nothing
/// std::fs::write(&none, "track_id,session,status,z_um,y_um,x_um\n").unwrap();
/// assert_eq!(score_tracks(&none, dir.path(), None, &ScoreParams::default())?.sessions[&0].tp, 0);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`write_phantom`] and [`phantom::series`].
pub fn write_phantom_series(
    dir: &Path,
    params: &PhantomParams,
    series: &SeriesParams,
    force: bool,
    progress: &mut dyn Progress,
) -> Result<Vec<std::path::PathBuf>> {
    let stacks: Vec<String> = (0..series.days.len()).map(|k| format!("s{k}.tif")).collect();
    let mut names = vec!["series.toml", "meta.json", "spines.csv", "dendrites.csv", "links.csv"];
    names.extend(stacks.iter().map(String::as_str));
    FileSet::check(dir, &names, force)?;
    let made = phantom::series(params, series, progress)?;
    let set = FileSet::new(dir, &names, force)?;
    let mut list = format!("fov = \"phantom-{}\"\n", params.seed);
    for ((name, session), day) in stacks.iter().zip(&made.sessions).zip(&made.days) {
        io::write_stack(set.path(name), &session.stack)?;
        list += &format!("\n[[session]]\npath = \"{name}\"\nday = {day:?}\n");
    }
    run_file::write_text(&set, "series.toml", &list)?;
    for (name, text) in phantom::series_files(&made)? {
        run_file::write_text(&set, name, &text)?;
    }
    set.commit()
}

/// Scores a table of found spines against one session of a truth folder. See the example of [`write_phantom`].
///
/// # Errors
/// Files that cannot be read or understood, a session that is not there, parameters out of range.
pub fn score_detect(found: &Path, truth: &Path, session: i64, params: &ScoreParams) -> Result<DetectScore> {
    score::detect(&Truth::read(truth, session)?, &score::read_found(found)?, params)
}

/// What stands behind [`score_detect`]: intervals, figures per dendrite, precision against recall. See the example of [`write_phantom`].
///
/// # Errors
/// As [`score_detect`].
pub fn score_detail(found: &Path, truth: &Path, session: i64, params: &ScoreParams) -> Result<DetectDetail> {
    score::detect_detail(&Truth::read(truth, session)?, &score::read_found(found)?, params)
}

/// Scores a table of links between a truth folder's own marks. See the example of [`write_phantom_series`].
///
/// # Errors
/// Files that cannot be read or understood, a link of unknown marks.
pub fn score_links(found: &Path, truth: &Path) -> Result<LinkScore> {
    score::links(&SeriesTruth::read(truth)?, &score::read_found_links(found)?)
}

/// Scores a table of tracks against the sessions of a truth folder (none: all of them). See the example of [`write_phantom_series`].
///
/// # Errors
/// Files that cannot be read or understood, a session that is not there, parameters out of range.
pub fn score_tracks(found: &Path, truth: &Path, sessions: Option<&[i64]>, params: &ScoreParams) -> Result<TrackScore> {
    score::tracks(&SeriesTruth::read(truth)?, &score::read_found_tracks(found)?, sessions, params)
}

/// What the demonstration did. See the example of [`demo`].
#[derive(Clone, Debug)]
pub struct Demo {
    /// The stack as read back from its file.
    pub stack: Stack,
    /// What was found in it.
    pub found: Found,
    /// Agreement with its truth.
    pub score: DetectScore,
}

/// Makes a synthetic stack in `dir`, reads it back from its file, finds its spines and scores them against its own truth.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::pipeline::{Params, demo};
/// use gemmule::progress::Silent;
/// let mut params = Params::default().with("trace.min_length_um", 5.0)?;
/// params.phantom = params.phantom.planes(8)?.rows(64)?.columns(96)?.density_per_um(0.8)?.seed(7)?;
/// let dir = tempfile::tempdir().unwrap();
/// let shown = demo(&Engine::new(Backend::Cpu)?, dir.path(), &params, &mut Silent)?;
/// assert_eq!(shown.stack.voxels.shape().to_string(), "8 x 64 x 96");
/// assert_eq!(shown.score.n_found, shown.found.spines.len());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`write_phantom`], [`io::read_stack`] and [`crate::pipeline::detect`].
pub fn demo(engine: &Engine, dir: &Path, params: &Params, progress: &mut dyn Progress) -> Result<Demo> {
    write_phantom(dir, &params.phantom, true, progress)?;
    let stack = io::read_stack(dir.join("stack.tif"), &ReadOptions::default())?;
    let found = crate::pipeline::detect(engine, &stack, params, progress)?;
    let points: Vec<FoundPoint> =
        found.spines.iter().map(|s| FoundPoint { place: s.head, score: Some(s.score) }).collect();
    let score = score::detect(&Truth::read(dir, 0)?, &points, &params.score)?;
    Ok(Demo { stack, found, score })
}
