//! `gemmule cohort`, and the synthetic cohorts of `gemmule phantom --scenario`.

use std::path::Path;

use serde_json::json;

use crate::cli::args::{CohortArgs, EngineArgs, Fallback, OutArgs, ParamsArgs, ScenarioArgs};
use crate::cli::cohort_page::CohortPage;
use crate::cli::commands::{self, Voice};
use crate::cli::print;
use crate::cli::progress::Bars;
use crate::cli::read_args::ReadArgs;
use crate::engine::{Backend, Engine};
use crate::error::{Error, Result};
use crate::interventions::Interventions;
use crate::io::Manifest;
use crate::phantom::small_field;
use crate::pipeline::{self, COHORT_FILES, CohortRun, FileSet, Found, Pictures, Scenario, Tracked};
use crate::report::{OverlayOptions, Strips, overlay};
use crate::volume::Stack;

/// Stacks are small unless the parameters say how they are to be.
pub(crate) fn scenario(
    args: &ScenarioArgs,
    params: &ParamsArgs,
    (seed, days): (Option<u64>, Option<&[f64]>),
    out: &OutArgs,
    voice: Voice,
) -> Result<()> {
    let mut all = commands::read_params(params)?;
    if params.params.is_none() {
        all.phantom = small_field();
    }
    let interventions = read_interventions(args.interventions.as_deref())?;
    let mut cohort = all.scenario.clone();
    cohort.animals = args.animals.unwrap_or(cohort.animals);
    cohort.fovs = args.fovs.unwrap_or(cohort.fovs);
    cohort.seed = seed.unwrap_or(cohort.seed);
    let name = args.scenario.as_deref().unwrap_or_default();
    let scenario = Scenario { interventions: &interventions, name, cohort: &cohort, days };
    let mut bars = Bars::new(voice.quiet)?;
    let files = pipeline::write_scenario(&out.dir, &scenario, &all, out.force, &mut bars)?;
    bars.finish();
    if voice.json {
        return print::json(&json!({ "files": files }));
    }
    files.iter().try_for_each(|file| print::line(&format!("{}", file.display())))
}

/// What is asked of a cohort besides the common arguments.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) manifest: &'a Path,
    pub(crate) args: &'a CohortArgs,
}

/// Runs what is missing (unless only the tables are asked for), then makes the tables from what is on disk (unless this is one shard of several).
pub(crate) fn cohort(
    wanted: Wanted<'_>,
    read: &ReadArgs,
    engine: &EngineArgs,
    params: &ParamsArgs,
    out: &OutArgs,
    voice: Voice,
) -> Result<()> {
    let args = wanted.args;
    let params = commands::read_params(params)?;
    // How many work at once changes no result: it is left out of what is recorded.
    let mut at_work = params.clone();
    at_work.cohort.workers = args.workers.unwrap_or(params.cohort.workers);
    let interventions = read_interventions(args.interventions.as_deref())?;
    let options = read.options();
    let manifest = Manifest::read_part(wanted.manifest, &options, args.crossover, &|n| {
        !args.combine && args.shard.is_none_or(|shard| shard.has(n))
    })?;
    if !args.combine {
        let engine = commands::engine(engine, voice)?;
        let fallback = args.fallback.map(|Fallback::Cpu| Engine::new(Backend::Cpu)).transpose()?;
        let pictures = Drawn;
        let run = CohortRun {
            manifest: &manifest,
            engine: &engine,
            fallback: fallback.as_ref(),
            params: &at_work,
            dir: &out.dir,
            pictures: (!args.no_pictures).then_some(&pictures as &dyn Pictures),
            shard: args.shard,
            force: out.force,
        };
        let mut bars = Bars::new(voice.quiet)?;
        let outcome = pipeline::run_cohort(&run, &mut bars)?;
        bars.finish();
        voice.remark(&format!(
            "{} series run, {} there already, {} failed",
            outcome.done,
            outcome.kept,
            outcome.failed.len()
        ));
        for (name, why) in &outcome.fell_back {
            voice.remark(&format!("  {name}: run on the CPU, because: {why}"));
        }
        outcome.failed.iter().for_each(|(name, why)| voice.remark(&format!("  {name}: {why}")));
        if args.shard.is_some() {
            return incomplete(outcome.failed.len(), outcome.done + outcome.kept + outcome.failed.len(), &out.dir);
        }
    }
    let collected = pipeline::collect(&manifest, &params, &out.dir)?;
    let tables = pipeline::cohort_tables(&manifest, &collected, &params)?;
    let made = CohortPage::of(wanted.manifest, &manifest, &collected, &tables);
    let (page, figures) = made.draw(&tables.effects, &interventions, &params.to_toml());
    let mut names = COHORT_FILES.to_vec();
    names.push("report.html");
    names.extend(figures.iter().map(|(name, _)| name.as_str()));
    // Tables are made anew from the series every time: nothing is lost by replacing them.
    let set = FileSet::new(&out.dir, &names, true)?;
    pipeline::write_cohort(&set, (&manifest, wanted.manifest), &collected, &tables, &params)?;
    for (name, text) in figures.iter().map(|(n, t)| (n.as_str(), t)).chain([("report.html", &page)]) {
        let to = set.path(name);
        std::fs::write(&to, text)
            .map_err(|e| Error::file(&to, format!("cannot be written ({e})"), "check the folder and the disk"))?;
    }
    let files = set.commit()?;
    let failed = collected.series.iter().filter(|s| s.failed.is_some()).count();
    if voice.json {
        let result = json!({ "series": collected.series.len(), "failed": failed, "remarks": tables.effects.remarks });
        print::json(&json!({ "result": result, "files": files }))?;
    } else {
        print::line(&format!("{} series, {failed} failed", collected.series.len()))?;
        tables.effects.remarks.iter().try_for_each(|r| print::line(&format!("  remark: {r}")))?;
        files.iter().try_for_each(|file| print::line(&format!("  {}", file.display())))?;
    }
    incomplete(failed, collected.series.len(), &out.dir)
}

/// A cohort with failed series ends with 1, so that whoever started it looks; its tables are there all the same.
fn incomplete(failed: usize, of: usize, dir: &Path) -> Result<()> {
    if failed == 0 { Ok(()) } else { Err(Error::Incomplete { failed, of, path: dir.to_owned() }) }
}

fn read_interventions(path: Option<&Path>) -> Result<Interventions> {
    path.map_or_else(|| Ok(Interventions::own()), Interventions::read)
}

/// The pictures of `gemmule track`.
struct Drawn;

impl Pictures for Drawn {
    fn overlay(&self, to: &Path, stack: &Stack, found: &Found, title: &str) -> Result<()> {
        let options = OverlayOptions { title: title.into(), ..OverlayOptions::default() };
        save(&overlay(stack, &found.dendrites, &found.spines, &options)?, to)
    }

    fn strips(
        &self,
        to: &Path,
        title: &str,
        tracked: &Tracked,
        stack: &mut dyn FnMut(usize) -> Result<Stack>,
    ) -> Result<()> {
        let mut strips = Strips::new(title, &tracked.sessions, &tracked.tracks, None);
        for k in 0..tracked.sessions.len() {
            strips.session(k, &stack(k)?)?;
        }
        save(&strips.picture(), to)
    }
}

fn save(picture: &image::RgbImage, to: &Path) -> Result<()> {
    picture.save(to).map_err(|e| Error::file(to, format!("cannot be written ({e})"), "check the folder and the disk"))
}
