//! `report.html` of `gemmule stats`.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};

use crate::cohort::{Effect, Effects, Scale};
use crate::error::Result;
use crate::report::html::{self, Section};
use crate::report::plot::{Curve, Panel, Point};
use crate::report::time_course::{self, Arm};

/// A self-contained page of effects: time courses with every animal, the default tests, survival, mixed models, and what was left out.
///
/// ```
/// use gemmule::cohort::{LongRow, LongTable, StatsParams, stats};
/// use gemmule::report::stats_html;
/// let row = |mouse: usize, day: f64| LongRow {
///     treatment: if mouse < 3 { "saline".into() } else { "ketamine".into() },
///     mouse: mouse.to_string(),
///     dendrite: "1".into(),
///     metric: "density".into(),
///     day,
///     value: Some(0.5 + 0.01 * mouse as f64 * (day + 2.0)),
///     ..LongRow::default()
/// };
/// let rows = (0..6).flat_map(|mouse| [-1.0, 1.0].map(|day| row(mouse, day))).collect();
/// let page = stats_html(&stats(&LongTable::new(rows, vec![])?, &StatsParams::default())?)?;
/// assert!(page.contains("<svg") && page.contains("ketamine"));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`crate::error::Error::Parameter`] for values that are no numbers.
pub fn stats_html(effects: &Effects) -> Result<String> {
    let mut sections = vec![
        Section::new("time-courses", "Time courses", time_courses(effects)?),
        Section::new("effects", "Effects", tests(effects)),
    ];
    let survival = survival(effects)?;
    sections.extend(survival.map(|body| Section::new("survival", "Survival", body)));
    if !effects.models.is_empty() {
        sections.push(Section::new("models", "Mixed models", models(effects)));
    }
    if !effects.remarks.is_empty() {
        let body = html! { ul { @for remark in &effects.remarks { li { (remark) } } } };
        sections.push(Section::new("remarks", "Left out, or odd", body));
    }
    let mut studies: Vec<&str> = effects.rows.iter().map(|e| e.study.as_str()).filter(|s| !s.is_empty()).collect();
    studies.dedup();
    let animals: std::collections::BTreeSet<_> = effects.animals.iter().map(|a| (&a.study, &a.mouse)).collect();
    let subtitle = format!(
        "{} animals; {}",
        animals.len(),
        if studies.is_empty() { "one study".into() } else { studies.join(", ") }
    );
    let lead = html! { p { "Animals are the units of the tests; p values are exact or Monte Carlo permutations of animals, as each row of effects.csv says." } };
    Ok(html::page("Effects of treatment", &subtitle, &lead, &sections))
}

fn scale_label(metric: &str, scale: Scale) -> String {
    match scale {
        Scale::Raw => metric.to_owned(),
        Scale::Fold => format!("{metric}, change from baseline (fraction)"),
        Scale::Difference => format!("{metric}, difference from baseline"),
    }
}

fn time_courses(effects: &Effects) -> Result<Markup> {
    // The normalised scale of each metric, which comes after the raw one.
    let mut scales: BTreeMap<(&str, &str), Scale> = BTreeMap::new();
    for animal in &effects.animals {
        let scale = scales.entry((&animal.study, &animal.metric)).or_insert(animal.scale);
        *scale = (*scale).max(animal.scale);
    }
    let mut drawn = Vec::new();
    for ((study, metric), scale) in scales {
        let title = format!("{study} {metric}");
        drawn.push(time_course::svg(title.trim(), &scale_label(metric, scale), &arms(effects, study, metric, scale))?);
    }
    Ok(html! {
        div.panels role="img" aria-label="Each measure over the days, by arm" { @for svg in &drawn { div { (PreEscaped(svg)) } } }
        p { "Thin lines: animals. Thick: means of animals with 95 % intervals of Student's t, cut at the panel's edge. Days are not to scale." }
    })
}

fn arms(effects: &Effects, study: &str, metric: &str, scale: Scale) -> Vec<Arm> {
    let mut arms: Vec<Arm> = Vec::new();
    let here = |s: &str, m: &str, of: Scale| s == study && m == metric && of == scale;
    for e in effects
        .rows
        .iter()
        .filter(|e| e.test == "mean" && e.contrast == "animals" && here(&e.study, &e.metric, e.scale))
    {
        let Some((day, mean)) = e.day.zip(e.estimate) else { continue };
        if arms.last().is_none_or(|a| a.name != e.group_a) {
            arms.push(Arm { name: e.group_a.clone(), means: Vec::new(), animals: Vec::new() });
        }
        let last = arms.len() - 1;
        arms[last].means.push((day, mean, e.lower.zip(e.upper)));
    }
    for arm in &mut arms {
        let mut mice: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
        for a in effects.animals.iter().filter(|a| a.arm == arm.name && here(&a.study, &a.metric, a.scale)) {
            mice.entry(&a.mouse).or_default().push((a.day, a.mean));
        }
        arm.animals = mice.into_values().collect();
    }
    arms
}

fn digits(value: Option<f64>) -> String {
    value.map_or_else(String::new, |v| format!("{v:.4}"))
}

fn interval(e: &Effect) -> String {
    e.lower.zip(e.upper).map_or_else(String::new, |(l, u)| format!("{l:.3} to {u:.3}"))
}

/// A ratio is marked as one.
fn estimate(e: &Effect) -> String {
    e.estimate.map_or_else(String::new, |v| if e.contrast == "ratio" { format!("× {v:.4}") } else { format!("{v:.4}") })
}

fn day(e: &Effect) -> String {
    e.day.map_or_else(String::new, |d| d.to_string())
}

fn tests(effects: &Effects) -> Markup {
    let of = |test: &'static str, contrast: &'static str| {
        effects.rows.iter().filter(move |e| e.test == test && e.contrast == contrast)
    };
    let columns = [
        "study",
        "metric",
        "day",
        "contrast",
        "animals",
        "difference",
        "95 %",
        "p",
        "p (Holm)",
        "Hedges g",
        "shown with power",
    ];
    let rows = of("permutation", "difference").map(|e| {
        let same = |other: &&Effect| {
            (&other.study, &other.metric, &other.group_a, other.day) == (&e.study, &e.metric, &e.group_a, e.day)
        };
        vec![
            e.study.clone(),
            scale_label(&e.metric, e.scale),
            day(e),
            format!("{} - {}", e.group_a, e.group_b),
            format!("{} + {}", e.n_animals_a, e.n_animals_b),
            digits(e.estimate),
            interval(e),
            digits(e.p_value),
            digits(e.p_adjusted),
            digits(of("hedges-g", "standardised").find(same).and_then(|g| g.estimate)),
            digits(of("detectable", "difference").find(same).and_then(|g| g.estimate)),
        ]
    });
    html! {
        (html::table(&columns, &rows.collect::<Vec<_>>()))
        p { "Last column: the smallest true difference that as many animals, as different as these, would show." }
        (adjusted(effects))
    }
}

/// The same comparisons adjusted for baseline.
fn adjusted(effects: &Effects) -> Markup {
    let columns = ["study", "metric", "day", "contrast", "animals", "adjusted", "95 %", "p", "p (Holm)"];
    let row = |e: &Effect| {
        vec![
            e.study.clone(),
            e.metric.clone(),
            day(e),
            format!("{} - {}", e.group_a, e.group_b),
            format!("{} + {}", e.n_animals_a, e.n_animals_b),
            estimate(e),
            interval(e),
            digits(e.p_value),
            digits(e.p_adjusted),
        ]
    };
    let rows: Vec<Vec<String>> = effects.rows.iter().filter(|e| e.test == "adjusted").map(row).collect();
    html! {
        @if !rows.is_empty() {
            p { "Adjusted for baseline: animals as measured, less what their baseline explains; densities and sizes as a ratio (×). It adds less noise than the difference from \
                 baseline. Say before you look which of the two you report." }
            (html::table(&columns, &rows))
        }
    }
}

fn survival(effects: &Effects) -> Result<Option<Markup>> {
    let mut panels: Vec<Panel> = Vec::new();
    for e in effects.rows.iter().filter(|e| e.test == "kaplan-meier") {
        let Some((day, share)) = e.day.zip(e.estimate) else { continue };
        let title = format!("{} {}", e.study, e.metric).trim().to_owned();
        if panels.last().is_none_or(|p| p.title != title) {
            panels.push(Panel {
                title,
                x_label: "day".into(),
                y_label: "share of spines left".into(),
                y: Some((0.0, 1.0)),
                ticks: Vec::new(),
                curves: Vec::new(),
            });
        }
        let last = panels.len() - 1;
        let curves = &mut panels[last].curves;
        if curves.last().is_none_or(|c: &Curve| c.name != e.group_a) {
            curves.push(Curve { name: e.group_a.clone(), points: vec![Point { x: 0.0, y: 1.0, interval: None }] });
        }
        let curve = curves.len() - 1;
        let points = &mut curves[curve].points;
        let before = points.last().map_or(1.0, |p| p.y);
        points.push(Point { x: day, y: before, interval: None });
        points.push(Point { x: day, y: share, interval: e.lower.zip(e.upper) });
    }
    if panels.is_empty() {
        return Ok(None);
    }
    let columns = ["study", "test", "contrast", "animals", "hazard ratio", "chi square", "p"];
    let rows = effects.rows.iter().filter(|e| e.test.starts_with("log-rank")).map(|e| {
        let contrast = format!("{} against {}", e.group_a, e.group_b);
        let animals = format!("{} + {}", e.n_animals_a, e.n_animals_b);
        vec![
            e.study.clone(),
            e.test.clone(),
            contrast,
            animals,
            digits(e.estimate),
            digits(e.statistic),
            digits(e.p_value),
        ]
    });
    Ok(Some(html! {
        (html::panels(&panels, "Share of spines left over the days, by arm")?)
        (html::table(&columns, &rows.collect::<Vec<_>>()))
    }))
}

fn models(effects: &Effects) -> Markup {
    let columns = ["study", "metric", "formula", "REML", "standard deviations", "remark"];
    let rows = effects.models.iter().map(|m| {
        let residual = ("residual".to_owned(), m.fit.residual_sd);
        let sds = m
            .fit
            .sd
            .iter()
            .chain([&residual])
            .map(|(group, sd)| format!("{group} {sd:.4}"))
            .collect::<Vec<_>>()
            .join(", ");
        let remark = match (m.fit.converged, m.fit.singular) {
            (false, _) => "not converged",
            (true, true) => "singular",
            (true, false) => "",
        };
        vec![
            m.study.clone(),
            m.metric.clone(),
            m.formula.clone(),
            format!("{:.3}", m.fit.reml_criterion),
            sds,
            remark.to_owned(),
        ]
    });
    html::table(&columns, &rows.collect::<Vec<_>>())
}
