//! Each command: arguments -> one call of the library -> print.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args::{Cli, Command, EngineArgs, OutArgs, ParamsArgs};
use crate::cli::progress::Bars;
use crate::cli::read_args::ReadArgs;
use crate::cli::score_args::ScoreCommand;
use crate::cli::{bench, cohort, extra, learn, print, series, stats, track};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::io;
use crate::pipeline::{self, DETECT_FILES, FileSet, Intake, Origin, Params};
use crate::report::{OverlayOptions, overlay};
use crate::volume::Source;

/// How much is said, and how.
#[derive(Clone, Copy)]
pub(crate) struct Voice {
    pub(crate) quiet: bool,
    pub(crate) json: bool,
}

impl Voice {
    /// A remark on stderr.
    pub(crate) fn remark(self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }
}

pub(crate) fn run(cli: Cli) -> Result<()> {
    let voice = Voice { quiet: cli.quiet, json: cli.json };
    match cli.command {
        Command::Info { file } => info(&file, voice),
        Command::Detect { stack, zarr_labels, read, engine, params, out } => {
            detect((&stack, zarr_labels.as_deref()), &read, &engine, &params, &out, voice)
        }
        Command::Learn { marks, stacks, read, engine, params, out } => {
            learn::learn((&marks, &stacks), &read, &engine, &params, &out, voice)
        }
        Command::Link { points, dendrites, voxel_um, trust_dendrite_ids, params, out } => {
            series::link((&points, &dendrites), voxel_um, trust_dendrite_ids, &params, &out, voice)
        }
        Command::Unblind { dir } => track::unblind(&dir, voice),
        Command::Track { inputs, review, read, engine, params, out } => {
            track::track((&inputs, &review), &read, &engine, &params, &out, voice)
        }
        Command::Audit { stacks, read, engine, params, out } => {
            track::audit(&stacks, &read, &engine, &params, &out, voice)
        }
        Command::Cohort { manifest, cohort: args, read, engine, params, out } => {
            let wanted = cohort::Wanted { manifest: &manifest, args: &args };
            cohort::cohort(wanted, &read, &engine, &params, &out, voice)
        }
        Command::Phantom { params, seed, days, scenario, out, .. } if scenario.scenario.is_some() => {
            cohort::scenario(&scenario, &params, (seed, days.as_deref()), &out, voice)
        }
        Command::Phantom { params, seed, days, test_retest, out, .. } => {
            extra::phantom(&params, seed, days.map(|days| (days, test_retest)), &out, voice)
        }
        Command::Score { what: ScoreCommand::Detect { found, truth, session, params } } => {
            extra::score_detect(&found, &truth, session, &params, voice)
        }
        Command::Score { what: ScoreCommand::Tracks { found, truth, sessions, params } } => {
            series::score_tracks(&found, &truth, sessions.as_deref(), &params, voice)
        }
        Command::Score { what: ScoreCommand::Links { found, truth } } => series::score_links(&found, &truth, voice),
        Command::Stats(args) => stats::stats(&args, voice),
        Command::Power(args) => stats::power(&args, voice),
        Command::Demo { engine, params, dir } => extra::demo(&engine, &params, &dir, voice),
        Command::Calibrate { engine, params, out } => extra::calibrate(&engine, &params, &out, voice),
        Command::Bench { list: true, .. } => bench::list(voice),
        Command::Bench { engine, shape, sizes, plot, force, list: false } => {
            bench::bench(&engine, shape, &sizes, plot.as_deref().map(|path| (path, force)), voice)
        }
        Command::Params { params } => print_params(&params, voice),
    }
}

pub(crate) fn read_params(args: &ParamsArgs) -> Result<Params> {
    args.params.as_ref().map_or_else(|| Ok(Params::default()), Params::read)
}

fn print_params(args: &ParamsArgs, voice: Voice) -> Result<()> {
    let params = read_params(args)?;
    if voice.json { print::json(&json!(params)) } else { print::line(params.to_toml().trim_end()) }
}

fn info(file: &Path, voice: Voice) -> Result<()> {
    let info = io::info(file)?;
    if voice.json {
        return print::json(&json!(info));
    }
    let [z, y, x] = info.shape;
    print::line(&format!("format      {}", info.format))?;
    print::line(&format!("shape       {z} x {y} x {x} (z, y, x), {}", info.voxel_type))?;
    let names =
        if info.channel_names.is_empty() { String::new() } else { format!(" ({})", info.channel_names.join(", ")) };
    print::line(&format!("channels    {}{names}", info.channels))?;
    print::line(&format!("times       {}", info.times))?;
    info.remarks.iter().try_for_each(|remark| print::line(&format!("remark      {remark}")))?;
    match info.voxel_size {
        Some(v) => print::line(&format!(
            "voxel size  {} x {} x {} µm (z, y, x), from {}",
            v.z_um, v.y_um, v.x_um, info.voxel_size_source
        )),
        None => print::line(&format!("voxel size  unknown: {}; give --voxel-um Z,Y,X", info.voxel_size_source)),
    }
}

pub(crate) fn engine(args: &EngineArgs, voice: Voice) -> Result<Engine> {
    let engine = Engine::new(args.backend()?)?;
    voice.remark(&format!("engine: {}", engine.describe()));
    Ok(engine)
}

fn detect(
    (path, zarr_labels): (&Path, Option<&str>),
    read: &ReadArgs,
    engine_args: &EngineArgs,
    params: &ParamsArgs,
    out: &OutArgs,
    voice: Voice,
) -> Result<()> {
    let params = read_params(params)?;
    FileSet::check(&out.dir, &DETECT_FILES, out.force)?;
    zarr_labels.map_or(Ok(()), |name| io::check_labels_zarr(path, name, out.force))?;
    let taken = Intake::open(path, &read.options(), &engine(engine_args, voice)?)?;
    if taken.in_parts() {
        voice.remark("the stack is read in parts: it does not fit the memory as a whole; planes lost to motion are not looked for");
    }
    let sha256 = taken.file().sha256()?;
    let mut bars = Bars::new(voice.quiet)?;
    let found = pipeline::detect(taken.engine(), taken.source(), &params, &mut bars)?;
    let set = FileSet::new(&out.dir, &DETECT_FILES, out.force)?;
    let origin = Origin { path, sha256: &sha256, channel: read.channel, time: read.time };
    pipeline::write_detect(&set, &found, taken.source(), taken.engine(), &params, origin)?;
    save_overlay(&set, taken.source(), &found, path)?;
    taken.file().check_unchanged()?;
    let mut files = set.commit()?;
    if let Some(name) = zarr_labels {
        files.push(io::write_labels_zarr(path, name, &found.labels, out.force)?);
    }
    bars.finish();
    found.remarks().iter().for_each(|remark| voice.remark(remark));
    report(&found, &files, voice)
}

pub(crate) fn save_overlay<'a>(
    set: &FileSet,
    stack: impl Into<Source<'a>>,
    found: &pipeline::Found,
    path: &Path,
) -> Result<()> {
    let title = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let options = OverlayOptions { title, ..OverlayOptions::default() };
    let picture = overlay(stack, &found.dendrites, &found.spines, &options)?;
    let to = set.path("overlay.png");
    picture.save(&to).map_err(|e| Error::file(&to, format!("cannot be written ({e})"), "check the folder and the disk"))
}

pub(crate) fn report(found: &pipeline::Found, files: &[PathBuf], voice: Voice) -> Result<()> {
    let summary = pipeline::summary(found);
    if voice.json {
        return print::json(&json!({ "result": summary, "files": files }));
    }
    let number = |key: &str| summary[key].as_f64().unwrap_or(0.0);
    let counted = |key: &str, one: &str| match number(key) {
        1.0 => format!("1 {one}"),
        n => format!("{n} {one}s"),
    };
    print::line(&format!(
        "{} on {}, {:.1} µm ({:.1} µm scorable){}",
        counted("spines", "spine"),
        counted("dendrites", "dendrite"),
        number("length_um"),
        number("scorable_length_um"),
        summary["density_per_um"].as_f64().map_or_else(String::new, |d| format!(", {d:.3} /µm"))
    ))?;
    files.iter().try_for_each(|file| print::line(&format!("  {}", file.display())))
}
