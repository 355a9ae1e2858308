//! A synthetic cohort as files: stacks, manifest, and what is true of it.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::error::{Error, Result};
use crate::interventions::{Intervention, Interventions};
use crate::phantom::{self, CONTROL, Expected, PlannedFov, ScenarioParams, SeriesParams};
use crate::pipeline::demo::write_phantom_series;
use crate::pipeline::{FileSet, Params, run_file};
use crate::progress::{Progress, Silent};

/// Files of a synthetic cohort beside the folders of its animals.
pub const SCENARIO_FILES: [&str; 3] = ["manifest.csv", "truth_effects.csv", "run.json"];

/// What is to be made. See the example of [`write_scenario`].
#[derive(Clone, Debug)]
pub struct Scenario<'a> {
    /// All that is known about interventions.
    pub interventions: &'a Interventions,
    /// Name of one of them.
    pub name: &'a str,
    /// Animals, fields and seed.
    pub cohort: &'a ScenarioParams,
    /// Days of imaging; none for those of the intervention.
    pub days: Option<&'a [f64]>,
}

/// Makes the stacks of a cohort (`ANIMAL/fov-N/s0.tif` ... with their truth, as [`crate::pipeline::write_phantom_series`]), `manifest.csv`, and
/// `truth_effects.csv`: the density change from the first session (as [`crate::cohort`] normalises), formation, elimination and new-spine survival that
/// are programmed for both groups, and their difference.
///
/// ```
/// use gemmule::interventions::Interventions;
/// use gemmule::io::{Manifest, ReadOptions};
/// use gemmule::phantom::ScenarioParams;
/// use gemmule::pipeline::{Params, Scenario, write_scenario};
/// use gemmule::progress::Silent;
/// let mut params = Params::default();
/// params.phantom = params.phantom.planes(8)?.rows(64)?.columns(96)?.axons(0)?;
/// let (known, cohort) = (Interventions::own(), ScenarioParams::default().animals(1)?.fovs(1)?);
/// let scenario = Scenario { interventions: &known, name: "psilocybin", cohort: &cohort, days: Some(&[-1.0, 1.0]) };
/// let dir = tempfile::tempdir().unwrap();
/// write_scenario(dir.path(), &scenario, &params, false, &mut Silent)?;
/// let manifest = Manifest::read(dir.path().join("manifest.csv"), &ReadOptions::default(), false)?;
/// assert_eq!(manifest.series.len(), 2); // one animal treated, one control
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// An unknown scenario, parameters out of range, files that are there already without `force` or cannot be written; cancellation.
pub fn write_scenario(
    dir: &Path,
    scenario: &Scenario<'_>,
    params: &Params,
    force: bool,
    progress: &mut dyn Progress,
) -> Result<Vec<PathBuf>> {
    FileSet::check(dir, &SCENARIO_FILES, force)?;
    let intervention = scenario.interventions.get(scenario.name)?;
    let days = scenario.days.unwrap_or(&intervention.days);
    let baseline = &scenario.interventions.baseline;
    let of = (&params.phantom, &params.phantom_series);
    let plan = phantom::plan(baseline, intervention, days, scenario.cohort, of)?;
    for (n, fov) in plan.iter().enumerate() {
        progress.step("phantom cohort", n as u64, plan.len() as u64)?;
        let to = dir.join(&fov.animal).join(format!("fov-{}", fov.fov));
        write_phantom_series(&to, &fov.phantom, &fov.series, force, &mut Silent)?;
    }
    progress.step("phantom cohort", plan.len() as u64, plan.len() as u64)?;
    let set = FileSet::new(dir, &SCENARIO_FILES, force)?;
    run_file::write_text(&set, "manifest.csv", &manifest(scenario.name, intervention, &plan, days)?)?;
    let treated = phantom::kinetics_of(baseline, Some(intervention), days, of.1)?;
    let control = phantom::kinetics_of(baseline, None, days, of.1)?;
    run_file::write_text(&set, "truth_effects.csv", &truth(intervention, days, &treated, &control)?)?;
    let run = json!({
        "scenario": intervention,
        "baseline": baseline,
        "days": days,
        "parameters": { "scenario": scenario.cohort, "phantom": params.phantom, "phantom_series": params.phantom_series },
    });
    run_file::write_run(&set, "phantom", run)?;
    set.commit()
}

fn manifest(study: &str, what: &Intervention, plan: &[PlannedFov], days: &[f64]) -> Result<String> {
    let columns =
        ["study", "group", "treatment", "animal", "sex", "fov", "session", "day", "path", "dose", "regimen", "notes"];
    let rows = plan.iter().flat_map(|fov| {
        days.iter().enumerate().map(move |(k, day)| {
            let is_control = fov.treatment == CONTROL;
            let given = |text: &str| if is_control { String::new() } else { text.to_owned() };
            let folder = format!("fov-{}", fov.fov);
            let path = format!("{}/{folder}/s{k}.tif", fov.animal);
            [study, "", &fov.treatment, &fov.animal, fov.sex, &folder, &k.to_string(), &day.to_string(), &path]
                .map(str::to_owned)
                .into_iter()
                .chain([given(&what.dose), given(&what.regimen), "synthetic".into()])
                .collect::<Vec<_>>()
        })
    });
    table(&columns, rows)
}

/// Survival is given from the first session after the dose on, by days since that session.
fn truth(what: &Intervention, days: &[f64], treated: &SeriesParams, control: &SeriesParams) -> Result<String> {
    let courses = [phantom::expected(treated), phantom::expected(control)];
    let before = days.iter().rposition(|d| *d <= 0.0).unwrap_or(0);
    let mut rows = Vec::new();
    let mut add = |metric: &str, day: f64, value: &dyn Fn(&Expected) -> f64| {
        let [a, b] = [value(&courses[0]), value(&courses[1])];
        let figures = [a, b, a - b].map(|v| format!("{:.5}", v + 0.0));
        let names = [metric.to_owned(), day.to_string(), what.treatment.clone(), CONTROL.to_owned()];
        rows.push(names.into_iter().chain(figures).collect::<Vec<_>>());
    };
    for (k, &day) in days.iter().enumerate() {
        add("density_change", day, &|c| c.density_ratio[k] / c.density_ratio[0] - 1.0);
    }
    for (k, &day) in days.iter().enumerate().skip(1) {
        add("formation_rate", day, &|c| c.formation[k - 1]);
        add("elimination_rate", day, &|c| c.elimination[k - 1]);
    }
    for (n, &day) in days.iter().enumerate().skip(before + 1) {
        add("new_spine_survival", day - days[before + 1], &|c| c.survival[before][n - before - 1]);
    }
    table(&["metric", "day", "treatment", "control", "treated_value", "control_value", "difference"], rows.into_iter())
}

fn table(columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<String> {
    let failed = |e: &dyn std::fmt::Display| {
        Error::parameter("a table of the scenario", e, "rows of text", "report this as a fault of gemmule")
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(columns).map_err(|e| failed(&e))?;
    for row in rows {
        writer.write_record(&row).map_err(|e| failed(&e))?;
    }
    let bytes = writer.into_inner().map_err(|e| failed(&e))?;
    String::from_utf8(bytes).map_err(|e| failed(&e))
}
