//! One series from its stacks to every file: detection, tracking, pictures, blind or open.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args::{EngineArgs, OutArgs};
use crate::cli::commands::{self, Voice};
use crate::cli::pictures::{self, Pictures};
use crate::cli::progress::Bars;
use crate::cli::read_args::ReadArgs;
use crate::error::Result;
use crate::io::{self, ReadOptions, SeriesFile};
use crate::model::{Blind, Session};
use crate::pipeline::{
    self, BLIND_FILES, BLIND_KEY, CURATION_FILE, Curation, DETECT_FILES, FileSet, LOCKED, Params, SeenSession,
    TRACK_FILES, Tracked,
};

/// How people take part.
#[derive(Clone, Copy, Default)]
pub(crate) struct Review<'a> {
    /// What they decided.
    pub(crate) curation: Option<&'a Path>,
    /// What their codes stand for.
    pub(crate) key: Option<&'a Path>,
    /// What their track numbers stand for.
    pub(crate) tracks: Option<&'a Path>,
    /// Whether they must not know the order of the sessions.
    pub(crate) blind: bool,
}

/// What is asked for.
pub(crate) struct Request<'a> {
    pub(crate) series: &'a SeriesFile,
    pub(crate) read: &'a ReadArgs,
    pub(crate) engine: &'a EngineArgs,
    pub(crate) params: &'a Params,
    pub(crate) out: &'a OutArgs,
    pub(crate) review: Review<'a>,
    /// What a reader of the report should know first.
    pub(crate) remark: Option<&'a str>,
}

/// Writes into the set of a series' files what goes beside the tables.
pub(crate) type Extra<'a> = dyn FnMut(&FileSet, &Tracked, &[SeenSession]) -> Result<()> + 'a;

impl Request<'_> {
    /// Where the open files go.
    fn home(&self) -> PathBuf {
        if self.review.blind { self.out.dir.join(LOCKED) } else { self.out.dir.clone() }
    }

    fn options(&self) -> ReadOptions {
        self.read.options()
    }

    fn names(&self, more: &[&'static str]) -> Vec<&'static str> {
        let review = [(self.review.curation.is_some(), CURATION_FILE), (self.review.blind, BLIND_KEY)];
        let review = review.into_iter().filter_map(|(wanted, name)| wanted.then_some(name));
        TRACK_FILES.into_iter().chain(more.iter().copied()).chain(review).collect()
    }

    /// Whether everything may be written, before long work.
    fn check(&self, names: &[&str]) -> Result<()> {
        let (home, force) = (self.home(), self.out.force);
        FileSet::check(&home, names, force)?;
        let folder = |s: &Session| home.join(format!("session-{}", s.name));
        self.series.sessions.iter().try_for_each(|(s, _)| FileSet::check(&folder(s), &DETECT_FILES, force))?;
        if self.review.blind {
            FileSet::check(&self.out.dir, &BLIND_FILES, force)?;
            pipeline::check_blind(&self.out.dir, names)?;
        } else {
            pipeline::check_open(&self.out.dir)?;
        }
        pipeline::check_template(&self.out.dir)
    }
}

/// Detects every session, tracks the series and writes [`TRACK_FILES`], what `extra` writes as `more`, and what a review needs.
pub(crate) fn follow(
    request: &Request<'_>,
    more: &[&'static str],
    voice: Voice,
    extra: &mut Extra<'_>,
) -> Result<(Tracked, Vec<PathBuf>)> {
    let (series, params, out, review) = (request.series, request.params, request.out, request.review);
    let names = request.names(more);
    request.check(&names)?;
    let sessions: Vec<Session> = series.sessions.iter().map(|(s, _)| s.clone()).collect();
    let curation = match review.curation {
        Some(path) => Curation::read(path, &sessions, review.key, review.tracks)?,
        None => Curation::default(),
    };
    let engine = commands::engine(request.engine, voice)?;
    let mut bars = Bars::new(voice.quiet)?;
    let (mut seen, mut inputs) = (Vec::new(), Vec::new());
    for (session, path) in &series.sessions {
        let (stack, sha256) = io::read_stack_summed(path, &request.options())?;
        let (found, kept) = pipeline::see(&engine, &stack, params, &mut bars)?;
        let folder = request.home().join(format!("session-{}", session.name));
        let set = FileSet::new(&folder, &DETECT_FILES, out.force)?;
        let (channel, time) = (request.read.channel, request.read.time);
        let origin = pipeline::Origin { path, sha256: &sha256, channel, time };
        pipeline::write_detect(&set, &found, &stack, &engine, params, origin)?;
        commands::save_overlay(&set, &stack, &found, path)?;
        set.commit()?;
        inputs.push(json!({
            "session": session.name,
            "day": session.day,
            "path": path.display().to_string(),
            "sha256": sha256,
            "channel": channel,
            "time": time,
            "voxel_um": stack.voxel_size,
        }));
        seen.push(kept);
    }
    let tracked = pipeline::track_curated(&seen, &sessions, &curation, params, &mut bars)?;
    for remark in tracked.remarks() {
        voice.remark(&remark);
    }
    let set = FileSet::new(&request.home(), &names, out.force)?;
    pipeline::write_track(&set, (&series.fov, &tracked, &seen), &inputs, &engine, params)?;
    if review.curation.is_some() {
        io::write_applied(set.path(CURATION_FILE), &tracked.applied)?;
    }
    extra(&set, &tracked, &seen)?;
    let origin = pictures::origin(request, &tracked, &inputs, &engine.describe());
    let lengths = pipeline::lengths(&tracked, &seen);
    let blind = review.blind.then(|| blinding(series, &inputs, &tracked));
    let mut open = Pictures::new(request, &tracked, &lengths, None);
    let mut hidden = blind.as_ref().map(|blind| Pictures::new(request, &tracked, &lengths, Some(blind)));
    // Stacks are read again one by one, so that no more than one is held.
    for (k, (_, path)) in series.sessions.iter().enumerate() {
        let stack = io::read_stack(path, &request.options())?;
        [Some(&mut open), hidden.as_mut()].into_iter().flatten().try_for_each(|p| p.session(k, &stack))?;
    }
    open.save(&set, &origin)?;
    let mut files = match (&blind, hidden) {
        (Some(blind), Some(hidden)) => {
            let key = pipeline::blind_key(&request.home(), blind, &sessions, &tracked.tracks)?;
            io::write_blind_key(set.path(BLIND_KEY), &key)?;
            let shown = FileSet::new(&out.dir, &BLIND_FILES, out.force)?;
            hidden.save(&shown, &origin)?;
            io::write_curation_template(shown.path("curation-template.csv"), &sessions, &tracked.tracks, Some(blind))?;
            shown.commit()?
        }
        _ => Vec::new(),
    };
    files.extend(set.commit()?);
    bars.finish();
    Ok((tracked, files))
}

fn blinding(series: &SeriesFile, inputs: &[serde_json::Value], tracked: &Tracked) -> Blind {
    let checksums: Vec<String> = inputs.iter().map(|i| i["sha256"].to_string()).collect();
    pipeline::blind(&series.fov, &checksums, &tracked.sessions, &tracked.tracks)
}
