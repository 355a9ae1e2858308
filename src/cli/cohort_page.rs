//! What the report of a cohort shows, as text.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::cohort::Effects;
use crate::interventions::Interventions;
use crate::io::Manifest;
use crate::pipeline::{CohortTables, Collected, Quality};
use crate::report::{CohortReport, NewSpineControl, SurvivalCurve, TextTable, cohort_report};

/// Everything of a page that is not in the effects.
pub(crate) struct CohortPage {
    title: String,
    design: TextTable,
    exclusions: TextTable,
    series: TextTable,
    survival: Vec<SurvivalCurve>,
    control: Vec<NewSpineControl>,
    origin: Vec<(String, String)>,
}

impl CohortPage {
    pub(crate) fn of(path: &Path, manifest: &Manifest, collected: &Collected, tables: &CohortTables) -> Self {
        let study = manifest.series.first().map_or("", |s| s.sessions[0].value("study"));
        let stem = path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
        Self {
            title: if study.is_empty() { stem } else { study.to_owned() },
            design: design(manifest, collected),
            exclusions: exclusions(collected),
            series: series(manifest, collected),
            survival: survival(tables),
            control: control(manifest, collected, tables),
            origin: vec![
                ("version".into(), format!("gemmule {}", env!("CARGO_PKG_VERSION"))),
                ("manifest".into(), path.display().to_string()),
            ],
        }
    }

    pub(crate) fn draw(
        &self,
        effects: &Effects,
        interventions: &Interventions,
        parameters: &str,
    ) -> (String, Vec<(String, String)>) {
        cohort_report(&CohortReport {
            title: &self.title,
            design: &self.design,
            exclusions: &self.exclusions,
            series: &self.series,
            effects,
            survival: &self.survival,
            control: &self.control,
            interventions,
            parameters,
            origin: &self.origin,
        })
    }
}

fn table(columns: &[&str], rows: Vec<Vec<String>>) -> TextTable {
    TextTable { columns: columns.iter().map(|c| (*c).to_owned()).collect(), rows }
}

/// One row per treatment.
fn design(manifest: &Manifest, collected: &Collected) -> TextTable {
    let mut treatments: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (n, series) in manifest.series.iter().enumerate() {
        let given: BTreeSet<&str> = series.sessions.iter().map(|s| s.value("treatment")).collect();
        given.into_iter().for_each(|t| treatments.entry(t).or_default().push(n));
    }
    let row = |(treatment, of): (&str, Vec<usize>)| {
        let first = |column: &str, n: &usize| manifest.series[*n].sessions[0].value(column).to_owned();
        let animals: BTreeSet<(&str, String)> =
            of.iter().map(|n| (manifest.series[*n].animal.as_str(), first("sex", n))).collect();
        let sexes: BTreeSet<&String> = animals.iter().map(|a| &a.1).collect();
        let sexes = sexes
            .into_iter()
            .filter(|s| !s.is_empty())
            .map(|s| format!("{} {s}", animals.iter().filter(|a| a.1 == *s).count()));
        let unique = |column: &str| of.iter().map(|n| first(column, n)).collect::<BTreeSet<_>>();
        let text = |column: &str| unique(column).into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join("; ");
        let dendrites: usize = of
            .iter()
            .map(|n| collected.series[*n].values.iter().map(|v| v.dendrite).collect::<BTreeSet<_>>().len())
            .sum();
        let mut days: Vec<f64> =
            of.iter().flat_map(|n| manifest.series[*n].sessions.iter().filter_map(|s| s.session.day)).collect();
        days.sort_by(f64::total_cmp);
        days.dedup();
        let failed = of.iter().filter(|n| collected.series[**n].failed.is_some()).count();
        vec![
            treatment.to_owned(),
            text("dose"),
            text("regimen"),
            animals.len().to_string(),
            sexes.collect::<Vec<_>>().join(", "),
            of.len().to_string(),
            failed.to_string(),
            dendrites.to_string(),
            days.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        ]
    };
    let columns = ["treatment", "dose", "regimen", "animals", "sex", "fields", "failed", "dendrites", "days"];
    table(&columns, treatments.into_iter().map(row).collect())
}

fn exclusions(collected: &Collected) -> TextTable {
    let row = |e: &crate::pipeline::Exclusion| vec![e.series.clone(), e.dendrite.clone(), e.reason.clone()];
    table(&["series", "dendrite", "why"], collected.exclusions.iter().map(row).collect())
}

fn series(manifest: &Manifest, collected: &Collected) -> TextTable {
    let number = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), |v| format!("{v:.2}"));
    let rows = manifest.series.iter().zip(&collected.series).map(|(series, results)| {
        let quality = Quality::of(results);
        vec![
            series.name(),
            series.sessions[0].value("treatment").to_owned(),
            match (&results.failed, results.left_out.len()) {
                (Some(_), _) => "failed".to_owned(),
                (None, 0) => "done".to_owned(),
                (None, n) => format!("done, {n} of {} sessions left out", series.sessions.len()),
            },
            results.sites.to_string(),
            number(quality.unscorable),
            number(quality.median_um),
            number(quality.inliers),
        ]
    });
    let columns = [
        "series",
        "treatment",
        "status",
        "sites",
        "not to be judged",
        "worst fit, median µm",
        "worst fit, lines agreeing",
    ];
    table(&columns, rows.collect())
}

fn survival(tables: &CohortTables) -> Vec<SurvivalCurve> {
    let mut curves: Vec<SurvivalCurve> = Vec::new();
    for row in tables.survival.iter().filter(|r| r.formed == "after") {
        let mouse = (row.mouse != "all").then(|| row.mouse.clone());
        let point = (row.day_since, row.fraction, row.interval);
        match curves.last_mut() {
            Some(last) if last.treatment == row.treatment && last.mouse == mouse => last.points.push(point),
            _ => curves.push(SurvivalCurve { treatment: row.treatment.clone(), mouse, points: vec![point] }),
        }
    }
    curves
}

/// Contrast 1 is the smallest that is seen.
fn control(manifest: &Manifest, collected: &Collected, tables: &CohortTables) -> Vec<NewSpineControl> {
    let treatments: BTreeSet<&str> = tables.survival.iter().map(|r| r.treatment.as_str()).collect();
    let of = |treatment: &str| {
        let both = manifest.series.iter().zip(&collected.series);
        let new: Vec<_> = both
            .flat_map(|(series, results)| results.new_spines.iter().map(move |s| (&series.sessions[s.formed], s)))
            .filter(|(session, _)| {
                session.value("treatment") == treatment && session.session.day.is_some_and(|d| d > 0.0)
            })
            .map(|(_, spine)| spine)
            .collect();
        let mut contrasts: Vec<f64> = new.iter().filter_map(|s| s.contrast).collect();
        contrasts.sort_by(f64::total_cmp);
        let before: Vec<f64> = new.iter().filter_map(|s| s.contrast_before).collect();
        NewSpineControl {
            treatment: treatment.to_owned(),
            new_spines: new.len(),
            measured_before: before.len(),
            half_seen_before: before.iter().filter(|c| **c >= 0.5).count(),
            median_contrast: contrasts.get(contrasts.len() / 2).copied(),
        }
    };
    treatments.into_iter().map(of).collect()
}
