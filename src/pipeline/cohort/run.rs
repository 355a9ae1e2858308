//! Several series at once, in bounded memory.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::io::{CohortSeries, Manifest};
use crate::pipeline::Params;
use crate::pipeline::cohort::one::{self, Tools};
use crate::pipeline::cohort::{Pictures, Shard, state};
use crate::progress::Progress;

/// What one worker holds besides its stack: device, tables, strips.
const WORKER_BYTES: f64 = 2e8;
/// Bytes at the peak of detection per voxel of the stack; measured .56 GB for 35.7 million voxels.
const BYTES_PER_VOXEL: f64 = 16.0;
/// Between two looks at whether Ctrl-C was pressed.
const LOOK: Duration = Duration::from_millis(200);

/// A cohort to be run. See the example of [`run_cohort`].
#[derive(Clone, Copy)]
pub struct CohortRun<'a> {
    /// What is in it.
    pub manifest: &'a Manifest,
    /// Where kernels run.
    pub engine: &'a Engine,
    /// Where a series is run again whose GPU was lost or full; without it such a fault ends the run.
    pub fallback: Option<&'a Engine>,
    /// Parameters of all stages.
    pub params: &'a Params,
    /// Folder of the results.
    pub dir: &'a Path,
    /// Draws `overlay.png` and `strips.png`; without it there are none.
    pub pictures: Option<&'a dyn Pictures>,
    /// Only a part of the series.
    pub shard: Option<Shard>,
    /// Also what is done already.
    pub force: bool,
}

/// What a run did. See the example of [`run_cohort`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CohortOutcome {
    /// Series that were there already, made from the same.
    pub kept: usize,
    /// Series run now.
    pub done: usize,
    /// Series that were run on the fallback, and what happened to the GPU, by name.
    pub fell_back: Vec<(String, String)>,
    /// Series that failed now or before, and why, by name.
    pub failed: Vec<(String, String)>,
}

struct Reporter<'a> {
    stop: &'a AtomicBool,
}

impl Progress for Reporter<'_> {
    fn report(&mut self, _stage: &str, _done: u64, _total: u64) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }
}

enum Told {
    Kept,
    Done,
    FellBack(String),
    Failed(String),
}

/// Runs what is missing or was made from other stacks, parameters or by another version; series are in work several at a time, each on its own share
/// of the cores, so that one is decoded while another is computed. A series that fails leaves its reason and the others go on; one that failed before from the same
/// is not tried again unless `force`. A series whose GPU is lost or full is run again on the `fallback`, if there is one.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::interventions::Interventions;
/// use gemmule::io::{Manifest, ReadOptions};
/// use gemmule::phantom::ScenarioParams;
/// use gemmule::pipeline::{COHORT_FILES, CohortRun, FileSet, Params, Quality, Scenario, cohort_tables, collect, run_cohort, write_cohort, write_scenario};
/// use gemmule::progress::Silent;
/// let mut params = Params::default();
/// params.phantom = params.phantom.planes(12)?.rows(128)?.columns(224)?.dendrites(1)?.axons(0)?.density_per_um(0.8)?;
/// params.cohort = params.cohort.min_length_um(1.0)?.min_sites(0)?;
/// let (known, cohort) = (Interventions::own(), ScenarioParams::default().animals(1)?.fovs(1)?);
/// let scenario = Scenario { interventions: &known, name: "psilocybin", cohort: &cohort, days: Some(&[-1.0, 1.0]) };
/// let dir = tempfile::tempdir().unwrap();
/// write_scenario(dir.path(), &scenario, &params, false, &mut Silent)?;
/// let path = dir.path().join("manifest.csv");
/// let (manifest, engine) = (Manifest::read(&path, &ReadOptions::default(), false)?, Engine::new(Backend::Cpu)?);
///
/// let results = dir.path().join("results");
/// let run = CohortRun {
///     manifest: &manifest,
///     engine: &engine,
///     fallback: None,
///     params: &params,
///     dir: &results,
///     pictures: None,
///     shard: None,
///     force: false,
/// };
/// let outcome = run_cohort(&run, &mut Silent)?;
/// assert_eq!((outcome.done, outcome.kept), (2, 0)); // one animal treated, one control
/// assert_eq!(run_cohort(&run, &mut Silent)?.done, 0); // all is there already
///
/// let collected = collect(&manifest, &params, &results)?;
/// let tables = cohort_tables(&manifest, &collected, &params)?;
/// assert!(tables.long.rows().iter().any(|row| row.metric == "density" && row.day == 1.0));
/// let formed: usize = collected.series.iter().map(|series| series.new_spines.len()).sum();
/// let followed = tables.survival.iter().filter(|row| row.mouse == "all" && row.day_since == 0.0).map(|row| row.n_at_risk);
/// assert_eq!(followed.sum::<usize>(), formed);
/// assert!(collected.series.iter().all(|s| Quality::of(s).median_um < Some(0.9))); // the sessions fit
/// let set = FileSet::new(&results, &COHORT_FILES, false)?;
/// write_cohort(&set, (&manifest, &path), &collected, &tables, &params)?;
/// assert!(set.path("effects.csv").is_file()); // `gemmule::report` adds the page and the figures
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// A folder that holds something else, files that cannot be written, a lost GPU, cancellation: what was finished stays.
pub fn run_cohort(run: &CohortRun<'_>, progress: &mut dyn Progress) -> Result<CohortOutcome> {
    run.params.validate()?;
    check_folder(run.dir)?;
    let mine: Vec<&CohortSeries> = run
        .manifest
        .series
        .iter()
        .enumerate()
        .filter(|(n, _)| run.shard.is_none_or(|s| s.has(*n)))
        .map(|(_, s)| s)
        .collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = workers(run, cores).min(mine.len().max(1));
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (tell, told) = mpsc::channel::<Result<(usize, Told)>>();
    let mut answers: Vec<Option<Told>> = mine.iter().map(|_| None).collect();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let tell = tell.clone();
            let (next, stop, mine) = (&next, &stop, &mine);
            scope.spawn(move || {
                let result = pool(cores.div_ceil(workers)).map(|pool| {
                    pool.install(|| work(run, mine, next, stop, &tell));
                });
                if let Err(error) = result {
                    let _ = tell.send(Err(error));
                }
            });
        }
        drop(tell);
        let listened = listen(&told, &stop, &mut answers, progress);
        // Whatever ended the listening, the workers must end too.
        stop.store(true, Ordering::Relaxed);
        listened
    })?;
    let mut outcome = CohortOutcome::default();
    for (series, answer) in mine.iter().zip(answers) {
        match answer {
            Some(Told::Kept) => outcome.kept += 1,
            Some(Told::Done) => outcome.done += 1,
            Some(Told::FellBack(why)) => {
                outcome.done += 1;
                outcome.fell_back.push((series.name(), why));
            }
            Some(Told::Failed(why)) => outcome.failed.push((series.name(), why)),
            None => return Err(Error::Cancelled),
        }
    }
    Ok(outcome)
}

fn listen(
    told: &mpsc::Receiver<Result<(usize, Told)>>,
    stop: &AtomicBool,
    answers: &mut [Option<Told>],
    progress: &mut dyn Progress,
) -> Result<()> {
    let total = answers.len() as u64;
    let mut done = 0;
    progress.step("cohort", 0, total)?;
    loop {
        match told.recv_timeout(LOOK) {
            Ok(Ok((n, answer))) => {
                answers[n] = Some(answer);
                done += 1;
            }
            Ok(Err(error)) => {
                stop.store(true, Ordering::Relaxed);
                return Err(error);
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(()),
        }
        progress.step("cohort", done, total)?;
    }
}

/// One worker: the next series until there is none.
fn work(
    run: &CohortRun<'_>,
    mine: &[&CohortSeries],
    next: &AtomicUsize,
    stop: &AtomicBool,
    tell: &mpsc::Sender<Result<(usize, Told)>>,
) {
    let tools = Tools { engine: run.engine, params: run.params, pictures: run.pictures };
    while !stop.load(Ordering::Relaxed) {
        let n = next.fetch_add(1, Ordering::Relaxed);
        let Some(series) = mine.get(n) else { return };
        let answer = one(run, series, tools, &mut Reporter { stop }).map(|told| (n, told));
        let ended = answer.is_err();
        if tell.send(answer).is_err() || ended {
            return;
        }
    }
}

fn one(run: &CohortRun<'_>, series: &CohortSeries, tools: Tools<'_>, progress: &mut Reporter<'_>) -> Result<Told> {
    let folder = state::folder(run.dir, series);
    let key = state::key(series, run.params);
    if let (Ok(key), false, Some(record)) = (&key, run.force, state::record(&folder))
        && record.key.as_ref() == Some(key)
        && (record.failed.is_some() || is_whole(&folder, series, run.pictures.is_some()))
    {
        return Ok(record.failed.map_or(Told::Kept, Told::Failed));
    }
    let again = key.as_ref().ok().cloned();
    let finished = one::finish(&folder, series, key, tools, progress);
    match (finished, run.fallback, again) {
        (Err(fault @ (Error::Gpu { .. } | Error::Memory { .. })), Some(engine), Some(key)) => {
            let tools = Tools { engine, ..tools };
            let failed = one::finish(&folder, series, Ok(key), tools, progress)?;
            Ok(failed.map_or(Told::FellBack(fault.to_string()), Told::Failed))
        }
        (finished, _, _) => Ok(finished?.map_or(Told::Done, Told::Failed)),
    }
}

/// Whether every file that would be made is there.
fn is_whole(folder: &Path, series: &CohortSeries, pictures: bool) -> bool {
    let wanted = |name: &&str| pictures || !name.ends_with(".png");
    let there = |folder: &Path, names: &[&str]| names.iter().filter(|n| wanted(n)).all(|n| folder.join(n).is_file());
    let session = |name: &str| folder.join(format!("session-{name}"));
    there(folder, &one::SERIES_FILES)
        && series.sessions.iter().all(|s| there(&session(&s.session.name), &crate::pipeline::DETECT_FILES))
}

fn workers(run: &CohortRun<'_>, cores: usize) -> usize {
    if run.params.cohort.workers > 0 {
        return run.params.cohort.workers;
    }
    let each = BYTES_PER_VOXEL * run.manifest.largest_stack_voxels as f64 + WORKER_BYTES;
    let fit = (run.params.cohort.memory_gb * 1e9 / each) as usize;
    fit.clamp(1, cores)
}

fn pool(threads: usize) -> Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| Error::parameter("threads", e, "as many as the system allows", "lower cohort.workers"))
}

/// A folder with other things in it is not taken for a cohort's.
fn check_folder(dir: &Path) -> Result<()> {
    if dir.as_os_str().is_empty() || (dir.exists() && !dir.is_dir()) {
        return Err(Error::file(dir, "is no folder's name, the results need one", "give another -o DIR"));
    }
    let empty = std::fs::read_dir(dir).map_or(true, |mut entries| entries.next().is_none());
    if empty || dir.join("series").is_dir() {
        return Ok(());
    }
    Err(Error::file(dir, "holds something, but no cohort that could be gone on with", "give another -o DIR"))
}
