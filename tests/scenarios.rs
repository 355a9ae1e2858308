//! From synthetic stacks to effects: do the intervals of a cohort hold what was programmed?

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use gemmule::interventions::Interventions;

fn gemmule(dir: &Path, args: &[&str]) {
    let out = Command::new(env!("CARGO_BIN_EXE_gemmule")).args(args).current_dir(dir).output().expect("gemmule starts");
    // A series that cannot be registered is reported, and the cohort goes on without it.
    let text = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() || text.contains("series failed:"), "{args:?}: {text}");
    if !out.status.success() {
        println!("{}", text.lines().next().unwrap_or_default());
    }
}

fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).expect("a table");
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

/// A test of the treatment: what it is called in `effects.csv`, and the measure of formation it is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    /// The default: differences from baseline, of calls.
    Permutation,
    /// Adjusted for baseline, of what is expected from probabilities.
    Adjusted,
}

impl By {
    fn row<'a>(
        self,
        effects: &'a [BTreeMap<String, String>],
        metric: &str,
        day: f64,
    ) -> Option<&'a BTreeMap<String, String>> {
        let (test, contrast, metric) = match (self, metric) {
            (Self::Permutation, "density_change") => ("permutation", "difference", "density"),
            (Self::Permutation, _) => ("permutation", "difference", "formation_rate"),
            (Self::Adjusted, "density_change") => ("adjusted", "ratio", "density"),
            (Self::Adjusted, _) => ("adjusted", "difference", "expected_formation_rate"),
        };
        let is = |e: &BTreeMap<String, String>| {
            (e["test"].as_str(), e["contrast"].as_str(), e["metric"].as_str()) == (test, contrast, metric)
        };
        effects.iter().find(|e| is(e) && number(e, "day") == Some(day))
    }
}

fn number(row: &BTreeMap<String, String>, column: &str) -> Option<f64> {
    row[column].parse().ok()
}

/// An estimate with its interval, and the truth that was programmed.
struct Judged {
    by: By,
    metric: String,
    day: f64,
    estimate: f64,
    interval: (f64, f64),
    truth: f64,
}

impl Judged {
    fn holds(&self) -> bool {
        (self.interval.0..=self.interval.1).contains(&self.truth)
    }
}

/// Makes a cohort, runs it and pairs its effects with the truth: density change and formation difference on days 1 to 3, survival of new spines at 7 days (once, whatever the test).
fn judge(name: &str, animals: usize, fovs: usize, seed: usize) -> Vec<Judged> {
    let dir = tempfile::tempdir().expect("a folder");
    let [animals, fovs, seed] = [animals, fovs, seed].map(|n| n.to_string());
    let cohort = ["--animals", &animals, "--fovs", &fovs, "--seed", &seed];
    gemmule(dir.path(), &[&["phantom", "--scenario", name, "-o", "c", "--quiet"], &cohort[..]].concat());
    gemmule(dir.path(), &["cohort", "c/manifest.csv", "-o", "r", "--backend", "cpu", "--no-pictures", "--quiet"]);
    let effects = rows(&dir.path().join("r/effects.csv"));
    let survival = rows(&dir.path().join("r/survival.csv"));
    let mut judged = Vec::new();
    for row in rows(&dir.path().join("c/truth_effects.csv")) {
        let (metric, day) = (row["metric"].clone(), number(&row, "day").expect("a day"));
        let of = |column: &str| number(&row, column).expect("a truth");
        let mut add = |by, found: Option<&BTreeMap<String, String>>, column: &str, truth: f64, less: f64| {
            let Some(found) = found else { panic!("{name}: no {metric} on day {day}") };
            let get = |column: &str| number(found, column).map(|v| v - less);
            if let (Some(estimate), Some(lower), Some(upper)) = (get(column), get("lower"), get("upper")) {
                judged.push(Judged { by, metric: metric.clone(), day, estimate, interval: (lower, upper), truth });
            }
        };
        match metric.as_str() {
            "density_change" | "formation_rate" if (1.0..=3.0).contains(&day) => {
                let by = |by: By| by.row(&effects, &metric, day);
                add(By::Permutation, by(By::Permutation), "estimate", of("difference"), 0.0);
                // A ratio is shown as a change.
                let (truth, less) = match metric.as_str() {
                    "density_change" => ((1.0 + of("treated_value")) / (1.0 + of("control_value")) - 1.0, 1.0),
                    _ => (of("difference"), 0.0),
                };
                add(By::Adjusted, by(By::Adjusted), "estimate", truth, less);
            }
            "new_spine_survival" if day == 7.0 => {
                let found = survival.iter().find(|s| {
                    s["treatment"] == row["treatment"]
                        && s["mouse"] == "all"
                        && s["formed"] == "after"
                        && number(s, "day_since") == Some(day)
                });
                add(By::Permutation, found, "survival_fraction", of("treated_value"), 0.0);
            }
            _ => {}
        }
    }
    judged
}

fn print(name: &str, judged: &[Judged]) {
    for j in judged {
        println!(
            "| {name} | {:?} | {} | {} | {:.3} | {:.3} ({:.3} to {:.3}) | {} |",
            j.by,
            j.metric.replace('_', " "),
            j.day,
            j.truth,
            j.estimate,
            j.interval.0,
            j.interval.1,
            if j.holds() { "yes" } else { "no" }
        );
    }
}

/// Of each test: intervals that hold, their median width, and what is found of the differences in formation above .03.
fn print_summary(all: &[Judged]) {
    for (by, metric) in [By::Permutation, By::Adjusted]
        .into_iter()
        .flat_map(|by| ["density_change", "formation_rate", "new_spine_survival"].map(|metric| (by, metric)))
    {
        let of: Vec<&Judged> = all.iter().filter(|j| j.by == by && j.metric == metric).collect();
        let mut widths: Vec<f64> = of.iter().map(|j| j.interval.1 - j.interval.0).collect();
        widths.sort_by(f64::total_cmp);
        let held = of.iter().filter(|j| j.holds()).count();
        let error = (of.iter().map(|j| (j.estimate - j.truth).powi(2)).sum::<f64>() / of.len() as f64).sqrt();
        let Some(width) = widths.get(widths.len() / 2) else { continue };
        println!("{by:?} {metric}: {held} of {} hold, {width:.3} wide, error {error:.3}", of.len());
        let large: Vec<&&Judged> = of.iter().filter(|j| j.truth > 0.03).collect();
        let mean = |of: &dyn Fn(&Judged) -> f64| large.iter().map(|j| of(j)).sum::<f64>() / large.len() as f64;
        println!("  {} above .03: {:.3}, estimated {:.3}", large.len(), mean(&|j| j.truth), mean(&|j| j.estimate));
    }
}

#[test]
fn a_cohort_with_psilocybin_is_estimated_within_its_intervals() {
    // As many as in the table: bootstrap intervals of four animals are too narrow to be held to. The seed is the program's default; of the table's psilocybin (seed 2) one interval
    // in five misses, so this holds the program to what it gave, not intervals to their coverage.
    let judged = judge("psilocybin", 6, 2, 1);
    print("psilocybin", &judged);
    assert!(judged.len() >= 8, "{} estimates", judged.len());
    let of = |by| judged.iter().filter(move |j| j.by == by && j.metric != "new_spine_survival");
    for j in of(By::Permutation) {
        assert!(j.holds(), "{} on day {}: {} not in {:?}", j.metric, j.day, j.truth, j.interval);
    }
    // Of four intervals of 95 % two or more miss once in seventy cohorts. One misses here, formation on day 3 by .01: formation is underestimated, and these intervals are narrower.
    assert!(of(By::Adjusted).filter(|j| j.holds()).count() >= 3);
    let width = |by| of(by).map(|j| j.interval.1 - j.interval.0).sum::<f64>();
    assert!(width(By::Adjusted) < 0.9 * width(By::Permutation), "{}", width(By::Adjusted) / width(By::Permutation));
}

/// `cargo test --test scenarios -- --ignored --nocapture`: the table of the README, 6 animals against 6 vehicle; some minutes per scenario.
#[test]
#[ignore = "ten minutes: all scenarios, for the table of the README"]
fn every_scenario() {
    println!(
        "| scenario | by | measure | day | programmed | estimated (95 %) | holds |\n|---|---|---|---|---|---|---|"
    );
    let mut all = Vec::new();
    for (n, intervention) in Interventions::own().all.iter().enumerate() {
        // Animals of its own, vehicle too: else all would share what those of vehicle show by chance.
        let judged = judge(&intervention.name, 6, 2, n + 1);
        print(&intervention.name, &judged);
        all.extend(judged);
    }
    print_summary(&all);
    assert!(!all.is_empty());
}
