//! The figures of a cohort, from effects to charts.

use std::collections::BTreeMap;

use crate::cohort::Scale;
use crate::report::cohort::CohortReport;
use crate::report::cohort::chart::{Chart, Group, Mean, Published};

/// A chart and the name of its file.
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) chart: Chart,
}

/// Name, metric, scale, title, axis, and what published figures are of it.
type Course = (&'static str, &'static str, bool, &'static str, &'static str, &'static str);

/// `bool`: normalised, otherwise as measured.
#[rustfmt::skip]
const COURSES: [Course; 10] = [
    ("density", "density", false, "Spine density", "spines per µm", ""),
    ("density_change", "density", true, "Change of density", "change from baseline", "density_change"),
    ("formation_rate", "formation_rate", false, "Formation", "share of previous session", ""),
    ("formation_difference", "formation_rate", true, "Change of formation", "difference from baseline", "formation_difference"),
    ("elimination_rate", "elimination_rate", false, "Elimination", "share of previous session", ""),
    ("elimination_difference", "elimination_rate", true, "Change of elimination", "difference from baseline", ""),
    ("head_width_change", "head_width", true, "Change of head width", "change from baseline", "head_width_change"),
    ("brightness_change", "brightness", true, "Change of head brightness", "change from baseline", ""),
    ("contrast", "contrast", false, "Contrast over the limit", "fold of smallest seen", ""),
    ("unscorable_share", "unscorable_share", false, "Sites that cannot be judged", "share of sites", ""),
];

/// Treatments, controls first.
pub(super) fn arms(data: &CohortReport<'_>) -> Vec<String> {
    let mut arms: Vec<String> = Vec::new();
    let rows = &data.effects.rows;
    let controls = rows.iter().filter(|e| e.test == "permutation").map(|e| &e.group_b);
    let others = data.effects.animals.iter().map(|a| &a.arm).chain(data.survival.iter().map(|s| &s.treatment));
    for arm in controls.chain(others) {
        if !arm.is_empty() && !arms.contains(arm) {
            arms.push(arm.clone());
        }
    }
    arms
}

pub(super) fn all(data: &CohortReport<'_>) -> Vec<Figure> {
    let mut figures: Vec<Figure> = COURSES.iter().filter_map(|course| of_course(data, course)).collect();
    figures.extend(survival(data));
    figures
}

fn of_course(
    data: &CohortReport<'_>,
    &(name, metric, normalised, title, y_label, published): &Course,
) -> Option<Figure> {
    let here = |of: &str, scale: Scale| of == metric && (scale != Scale::Raw) == normalised;
    let arms = arms(data);
    let groups: Vec<Group> = arms
        .iter()
        .map(|arm| {
            let mut animals: BTreeMap<(&str, &str), Vec<(f64, f64)>> = BTreeMap::new();
            for a in data.effects.animals.iter().filter(|a| a.arm == *arm && here(&a.metric, a.scale)) {
                animals.entry((&a.study, &a.mouse)).or_default().push((a.day, a.mean));
            }
            let of = |e: &&crate::cohort::Effect| {
                e.test == "mean" && e.contrast == "animals" && e.group_a == *arm && here(&e.metric, e.scale)
            };
            let mean = |e: &crate::cohort::Effect| {
                Some(Mean { day: e.day?, value: e.estimate?, interval: e.lower.zip(e.upper) })
            };
            let mut means: Vec<Mean> = data.effects.rows.iter().filter(of).filter_map(mean).collect();
            means.sort_by(|a, b| a.day.total_cmp(&b.day));
            let mut animals: Vec<Vec<(f64, f64)>> = animals.into_values().collect();
            animals.iter_mut().for_each(|line| line.sort_by(|a, b| a.0.total_cmp(&b.0)));
            Group { name: arm.clone(), animals, means }
        })
        .collect();
    if groups.iter().all(|g| g.means.is_empty()) {
        return None;
    }
    let chart = Chart {
        title: title.into(),
        x_label: "days since the dose",
        y_label: y_label.into(),
        published: references(data, published, &arms, last_day(&groups)),
        zero: normalised,
        dose: true,
        groups,
        ..Chart::default()
    };
    Some(Figure { name, chart })
}

fn last_day(groups: &[Group]) -> f64 {
    groups.iter().flat_map(|g| &g.means).map(|m| m.day).fold(0.0, f64::max)
}

/// Published figures of the treatments shown, as far as these were followed and half as long again.
fn references(data: &CohortReport<'_>, metric: &str, arms: &[String], last_day: f64) -> Vec<Published> {
    let mut all = Vec::new();
    for (group, arm) in arms.iter().enumerate() {
        let known = data.interventions.all.iter().filter(|i| i.treatment.eq_ignore_ascii_case(arm));
        for r in known.flat_map(|i| &i.reference).filter(|r| r.metric == metric && r.day <= 1.5 * last_day.max(5.0)) {
            all.push(Published { day: r.day, value: r.estimate, range: r.lower.zip(r.upper), group });
        }
    }
    all
}

fn survival(data: &CohortReport<'_>) -> Option<Figure> {
    let arms = arms(data);
    let groups: Vec<Group> = arms
        .iter()
        .map(|arm| {
            let mine = || data.survival.iter().filter(|s| s.treatment == *arm);
            let line = |s: &crate::report::cohort::SurvivalCurve| s.points.iter().map(|p| (p.0, p.1)).collect();
            let mean = |&(day, value, (low, high)): &(f64, f64, (f64, f64))| Mean {
                day,
                value,
                interval: (high > low).then_some((low, high)),
            };
            Group {
                name: arm.clone(),
                animals: mine().filter(|s| s.mouse.is_some()).map(line).collect(),
                means: mine().filter(|s| s.mouse.is_none()).flat_map(|s| s.points.iter().map(mean)).collect(),
            }
        })
        .collect();
    if groups.iter().all(|g| g.means.is_empty()) {
        return None;
    }
    let chart = Chart {
        title: "New spines that are left".into(),
        x_label: "days since first seen",
        y_label: "share left".into(),
        published: references(data, "new_spine_survival", &arms, last_day(&groups)),
        steps: true,
        include: vec![0.0, 1.0],
        groups,
        ..Chart::default()
    };
    Some(Figure { name: "new_spine_survival", chart })
}
