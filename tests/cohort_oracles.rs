//! Statistics against R and numpy: designs simulated and frozen in fixtures/, and the published tables where `GEMMULE_DATA` names their folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use gemmule::cohort::{
    Effect, Effects, Life, Repeats, Scale, StatsParams, adjusted, read_lives_csv, read_long_csv, stats,
    survival_effects,
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn kwan() -> Option<PathBuf> {
    let folder = std::env::var_os("GEMMULE_DATA").map(|data| PathBuf::from(data).join("kwan"));
    if folder.is_none() {
        eprintln!("GEMMULE_DATA is not set: tests on published tables are NOT run");
    }
    folder
}

/// Rows of a CSV without quotes, cells by column name.
fn rows(path: &Path) -> Vec<HashMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).expect("the table is there");
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

fn number(row: &HashMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} of {row:?} is no number"))
}

/// `fixtures/adjusted.py` searches the same definition split by split and shift by shift.
#[test]
fn adjusted_differences_are_those_of_numpy() {
    let text = std::fs::read_to_string(fixture("adjusted.json")).expect("the fixture is there");
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
    assert_eq!(cases.len(), 4);
    for case in &cases {
        let group =
            |name: &str| serde_json::from_value::<Vec<(f64, f64)>>(case[name].clone()).expect("value and baseline");
        let found = adjusted(&group("a"), &group("b"), &StatsParams::default(), 0).expect("enough animals");
        let (lower, upper) = found.interval.expect("enough splits");
        let of = [found.difference, found.slope, found.p_value, lower, upper];
        for (mine, name) in of.into_iter().zip(["difference", "slope", "p_value", "lower", "upper"]) {
            let numpy = case[name].as_f64().expect("a number");
            assert!((mine - numpy).abs() < 1e-9, "{name}: {mine} and not {numpy}");
        }
    }
}

#[test]
fn twenty_mixed_models_are_those_of_lme4() {
    let table = read_long_csv(fixture("mixed_models.csv")).expect("a long table");
    let answers: HashMap<(String, String, String), f64> = rows(&fixture("mixed_models_lme4.csv"))
        .iter()
        .map(|r| ((r["study"].clone(), r["what"].clone(), r["name"].clone()), number(r, "value")))
        .collect();
    let mut fitted = 0;
    for with_sex in [false, true] {
        let params = StatsParams { model_sex: with_sex, ..StatsParams::default() };
        let found = stats(&table, &params).expect("20 designs");
        // Designs 15 to 20 were fitted with sex.
        for model in found.models.iter().filter(|m| (m.study.parse::<u32>().expect("a number") > 14) == with_sex) {
            let fit = &model.fit;
            let of = |what: &str, name: &str| answers[&(model.study.clone(), what.into(), name.into())];
            let near = |found: f64, wanted: f64, what: &str| {
                assert!((found - wanted).abs() < 1e-5, "design {}, {what}: {found} and not {wanted}", model.study);
            };
            near(fit.reml_criterion, of("reml", ""), "REML criterion");
            let terms = answers.keys().filter(|k| k.0 == model.study && k.1 == "fixed").count();
            assert_eq!(fit.coefficients.len(), terms, "design {}", model.study);
            for c in &fit.coefficients {
                near(c.estimate, of("fixed", &c.name), &c.name);
                near(c.se, of("se", &c.name), &c.name);
            }
            fit.sd.iter().for_each(|(group, sd)| near(*sd, of("sd", group), group));
            near(fit.residual_sd, of("sd", "residual"), "residual");
            assert_eq!(fit.singular, of("singular", "") == 1.0, "design {}", model.study);
            assert!(fit.converged, "design {}", model.study);
            fitted += 1;
        }
    }
    assert_eq!(fitted, 20);
}

/// Rows of one test and arm (or pair of arms) of one study.
fn of<'a>(found: &'a Effects, study: &str, test: &str, group_a: &str) -> Vec<&'a Effect> {
    found.rows.iter().filter(|e| e.study == study && e.test == test && e.group_a == group_a).collect()
}

#[test]
fn survival_is_that_of_r() {
    let lives = read_lives_csv(fixture("lifetimes.csv")).expect("a table of lifetimes");
    let found = survival_effects(&lives, &StatsParams::default()).expect("6 designs");
    let mut compared = 0;
    for row in rows(&fixture("lifetimes_survival.csv")) {
        let (study, what, wanted) = (&row["study"], row["what"].as_str(), &row["value"]);
        // R writes NaN where nothing is left.
        let Some(wanted) = wanted.parse::<f64>().ok().filter(|w| w.is_finite()) else { continue };
        let at = |test: &str| {
            let day = number(&row, "day");
            let steps = of(&found, study, test, &row["arm"]);
            // Between steps the curve stays as it was.
            steps.into_iter().rfind(|e| e.day.is_some_and(|d| d <= day)).cloned()
        };
        let log_rank = &of(&found, study, "log-rank", "psilocybin")[0];
        let (value, tolerance) = match what {
            "n" => (at("kaplan-meier").map(|e| e.n_a as f64), 0.0),
            "fraction" => (at("kaplan-meier").and_then(|e| e.estimate), 1e-9),
            // R has no spread where nothing is left, and no bounds there or before the first loss.
            "se" | "lower" | "upper" => {
                let step = at("kaplan-meier").expect("a step");
                let inside = step.estimate.is_some_and(|s| s > 0.0 && s < 1.0);
                let value = [step.se, step.lower, step.upper]
                    [["se", "lower", "upper"].iter().position(|w| *w == what).expect("one")];
                (if inside { value } else { Some(wanted) }, 1e-9)
            }
            // R's iteration ends at 5e-5 of its own measure, ours at the maximum (see the next test).
            "interval" => (at("turnbull").map_or(Some(1.0), |e| e.estimate), 2e-3),
            "chi_square" => (log_rank.statistic, 1e-9),
            "p" => (log_rank.p_value, 1e-9),
            "expected" => continue,
            other => panic!("{other}"),
        };
        let value = value.unwrap_or_else(|| panic!("{row:?} has no counterpart"));
        assert!((value - wanted).abs() <= tolerance, "{row:?}: {value}");
        compared += 1;
    }
    assert!(compared > 250, "{compared}");
}

#[test]
fn interval_censored_survival_is_at_its_maximum() {
    let lives = read_lives_csv(fixture("lifetimes.csv")).expect("a table of lifetimes");
    for study in 1..=6 {
        let interval =
            |l: &Life| if l.eliminated { (l.last_seen.expect("given"), l.day) } else { (l.day, f64::INFINITY) };
        let of: Vec<(f64, f64)> = lives.iter().filter(|l| l.study == study.to_string()).map(interval).collect();
        let (steps, solved) = gemmule::cohort::turnbull(&of);
        assert!(solved && !steps.is_empty(), "design {study}");
        let likelihood = |alive: &dyn Fn(f64) -> f64| -> f64 {
            of.iter().map(|&(after, by)| (alive(after) - if by.is_finite() { alive(by) } else { 0.0 }).ln()).sum()
        };
        let curve = |fractions: &[f64]| -> f64 {
            likelihood(&|t| steps.iter().rposition(|s| s.to <= t).map_or(1.0, |at| fractions[at]))
        };
        let fractions: Vec<f64> = steps.iter().map(|s| s.fraction).collect();
        let best = curve(&fractions);
        // Moving any step up or down by a thousandth, where that leaves a survival curve, makes the data less likely.
        let mut moves = 0;
        for (k, by) in (0..steps.len()).flat_map(|k| [(k, -1e-3), (k, 1e-3)]) {
            let mut moved = fractions.clone();
            moved[k] += by;
            let falls = moved.windows(2).all(|w| w[0] >= w[1]);
            if falls && moved.iter().all(|f| (0.0..=1.0).contains(f)) {
                let other = curve(&moved);
                assert!(other < best, "design {study}, step {k}: {other} and not below {best}");
                moves += 1;
            }
        }
        assert!(moves > 0, "design {study}");
    }
}

#[test]
fn published_tests_and_means_are_reproduced() {
    let Some(folder) = kwan() else { return };
    let table = read_long_csv(folder.join("spine_cohorts_long.csv")).expect("the table");
    let refused = stats(&table, &StatsParams::default()).expect_err("it repeats rows").to_string();
    assert!(refused.contains("line 5122 and again in 5128") && refused.contains("--repeats"), "{refused}");
    let params = StatsParams { repeats: Repeats::First, ..StatsParams::default() };
    let found = stats(&table, &params).expect("repeated rows are settled");
    let tests = rows(&folder.join("jefferson2023_published_welch_tests.csv"));
    assert_eq!(tests.len(), 18);
    for published in tests {
        let here = |e: &&Effect| {
            (e.study.as_str(), e.test.as_str(), e.scale) == ("jefferson2023", "welch", Scale::Raw)
                && e.metric == published["metric"]
                && e.day == Some(number(&published, "day"))
        };
        let row = found.rows.iter().find(here).expect("the test");
        assert_eq!(
            (row.n_a, row.n_b),
            (number(&published, "n_treat") as usize, number(&published, "n_vehicle") as usize)
        );
        let p = row.p_value.expect("a p value");
        assert!((p - number(&published, "published_p")).abs() < 1e-6, "{published:?}: {p}");
    }
    let mut compared = 0;
    for mean in rows(&folder.join("group_means.csv")).iter().filter(|r| r["sex"] == "all") {
        let check = |scale: Scale, [n, value, sem]: [&str; 3]| {
            let here = |e: &&Effect| {
                (e.test.as_str(), e.contrast.as_str(), e.scale) == ("mean", "dendrites", scale)
                    && (&e.study, &e.metric, &e.group_a) == (&mean["study"], &mean["metric"], &mean["treatment"])
                    && e.day == Some(number(mean, "day"))
            };
            let row = found.rows.iter().find(here).unwrap_or_else(|| panic!("{mean:?}"));
            assert_eq!(row.n_a, number(mean, n) as usize);
            // The table has five digits.
            let near =
                |found: Option<f64>, column: &str| (found.expect("a number") - number(mean, column)).abs() < 5.1e-6;
            assert!(near(row.estimate, value) && near(row.se, sem), "{mean:?}: {row:?}");
        };
        check(Scale::Raw, ["n", "mean", "sem"]);
        compared += 1;
        let change = match mean["change_kind"].split('_').next() {
            Some("fold") => Scale::Fold,
            Some("difference") => Scale::Difference,
            _ => continue,
        };
        check(change, ["change_n", "change_mean", "change_sem"]);
    }
    assert!(compared > 100, "{compared}");
    // lme4 1.1-31: lmer(value ~ treatment * day + (1 | mouse/fov/dendrite)), day a factor: criterion, treatment, treatment:day1, residual.
    let lme4 = [
        ("shao2021", "density", [-2291.06666481, -0.0234599652, 0.0517431875, 0.0592829060]),
        ("shao2021", "head_width", [-2134.24169452, -0.0365211976, 0.0914327233, 0.0688031880]),
        ("jefferson2023", "density_fold_change", [-66.47079796, 0.0115718768, 0.1222774405, 0.1884794916]),
        ("jefferson2023", "formation_rate", [-320.47166726, 0.0470186094, 0.0797656813, 0.1574721413]),
    ];
    for (study, metric, wanted) in lme4 {
        let fit = &found.models.iter().find(|m| m.study == study && m.metric == metric).expect("a model").fit;
        let treatment = fit.coefficients.iter().filter(|c| c.name.starts_with("treatment"));
        let first = treatment.clone().next().expect("a term").estimate;
        let day = treatment.clone().find(|c| c.name.ends_with(":day[1]")).expect("a term").estimate;
        let values = [fit.reml_criterion, first, day, fit.residual_sd];
        assert!(values.iter().zip(&wanted).all(|(v, w)| (v - w).abs() < 2e-5), "{study} {metric}: {values:?}");
    }
}

#[test]
fn published_survival_is_that_of_r() {
    let Some(folder) = kwan() else { return };
    let lives = read_lives_csv(folder.join("shao2021_new_spine_survival.csv")).expect("the table");
    let found = survival_effects(&lives, &StatsParams::default()).expect("two arms");
    // R survival 3.5-3: survfit(Surv(day, eliminated) ~ 1, conf.type = "log-log"): day, at risk, survival, lower, upper.
    let saline = [
        (3.0, 36, 0.694444444444444, 0.516540839887525, 0.81768487593859),
        (5.0, 25, 0.638888888888889, 0.460653998910901, 0.771849745948437),
        (7.0, 23, 0.555555555555555, 0.380501136380698, 0.699384316698698),
        (34.0, 20, 0.388888888888889, 0.232916768251008, 0.542161662295539),
    ];
    let psilocybin = [
        (3.0, 53, 0.60377358490566, 0.45960861304935, 0.720737364771215),
        (5.0, 32, 0.566037735849057, 0.422677212306743, 0.686540537193095),
        (7.0, 30, 0.471698113207547, 0.333578496884065, 0.597925547510966),
        (34.0, 25, 0.339622641509434, 0.21678465634443, 0.466352641913993),
    ];
    for (arm, wanted) in [("saline", saline), ("psilocybin", psilocybin)] {
        let steps = of(&found, "", "kaplan-meier", arm);
        assert_eq!(steps.len(), wanted.len());
        for (step, (day, at_risk, fraction, lower, upper)) in steps.iter().zip(wanted) {
            assert_eq!((step.day, step.n_a), (Some(day), at_risk));
            let near = |found: Option<f64>, wanted: f64| (found.expect("a number") - wanted).abs() < 1e-9;
            assert!(near(step.estimate, fraction) && near(step.lower, lower) && near(step.upper, upper), "{step:?}");
        }
    }
    let rank = of(&found, "", "log-rank", "psilocybin")[0].statistic.expect("a statistic");
    assert!((rank - 0.380872076184675).abs() < 1e-9, "{rank}");
}
