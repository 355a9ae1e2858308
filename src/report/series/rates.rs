//! Rates over the days, and survival: curves with their intervals, and the numbers they are drawn from.

use maud::{Markup, html};

use crate::dynamics::{self, Basis, Bounds, Cohort, Counts, Interval, Rates};
use crate::error::Result;
use crate::model::{Session, Track};
use crate::report::html::{details, figure, panels, table};
use crate::report::plot::{Curve, Panel, Point};
use crate::report::series::{SeriesReportData, session_name};

/// One interval, by everything that it is counted by.
struct Row {
    interval: Interval,
    called: (Rates, Bounds),
    expected: (Rates, Bounds),
    corrected: (Rates, Bounds),
}

const BASES: [Basis; 3] = [Basis::Called, Basis::Expected, Basis::Corrected];

pub(super) fn dynamics(data: &SeriesReportData<'_>) -> Result<Markup> {
    let all = rows(data)?;
    let whole: Vec<&Row> = all.iter().filter(|r| r.interval.dendrite_id.is_none()).collect();
    let percent = format!("{:.0} %", 100.0 * data.dynamics.confidence);
    let caption = format!(
        "All dendrites of this field. Rates are per interval, at the day of its later session; whiskers are {percent} percentile bootstrap intervals over the \
         sites of this one field and say nothing of other fields or animals. \"As expected\" counts P(present) instead of calls; \"corrected\" also divides by the share of spines of that size that are found, since what is there \
         once has fewer chances to be found than what stays. {}",
        if data.sessions.iter().any(|s| s.day.is_none()) {
            "Days are not known: sessions are at equal distances."
        } else {
            ""
        }
    );
    let dendrites: Vec<Vec<String>> =
        all.iter().filter(|r| r.interval.dendrite_id.is_some()).map(|r| numbers(data, r, Basis::Called)).collect();
    let columns = [
        "dendrite",
        "interval",
        "spines",
        "judged",
        "kept",
        "formed",
        "lost",
        "not judged",
        "formation %",
        "elimination %",
        "turnover %",
        "spines per µm",
    ];
    let below: Vec<Vec<String>> = whole.iter().flat_map(|r| BASES.map(|basis| numbers(data, r, basis))).collect();
    Ok(html! {
        (figure(&panels(&drawn(data, &whole), "Formation, elimination, turnover and density over the days")?, &caption))
        (table(&["counted", "interval", "spines", "judged", "kept", "formed", "lost", "not judged", "formation %", "elimination %", "turnover %", "spines per µm"], &below))
        p.faint { "Spines: of the earlier and the later session. Judged: spines of the earlier session at sites that can be judged in both. Not judged: sites with a
             spine in one of the sessions that cannot be judged in the other. Formation and elimination are over the judged; turnover is " (variant(data)) "." }
        (details("Every dendrite", &table(&columns, &dendrites)))
    })
}

fn variant(data: &SeriesReportData<'_>) -> &'static str {
    match data.dynamics.turnover {
        dynamics::Turnover::OverBoth => "(formed + lost) / (spines before + spines after)",
        dynamics::Turnover::MeanOfRates => "the mean of the two rates",
        dynamics::Turnover::OverCurrent => "(formed + lost) / (2 x spines after)",
    }
}

fn rows(data: &SeriesReportData<'_>) -> Result<Vec<Row>> {
    let intervals = dynamics::intervals(data.sessions, data.tracks, data.lengths, data.dynamics)?;
    let row = |interval: Interval| {
        let mine: Vec<&Track> =
            data.tracks.iter().filter(|t| interval.dendrite_id.is_none_or(|d| d == t.dendrite_id)).collect();
        let both = |counts: &Counts, basis: Basis| {
            (counts.rates(data.dynamics.turnover), dynamics::bootstrap(&mine, interval.sessions, basis, data.dynamics))
        };
        Row {
            called: both(&interval.called, Basis::Called),
            expected: both(&interval.expected, Basis::Expected),
            corrected: both(&interval.corrected, Basis::Corrected),
            interval,
        }
    };
    Ok(intervals.into_iter().map(row).collect())
}

/// The cells of one row.
fn numbers(data: &SeriesReportData<'_>, row: &Row, basis: Basis) -> Vec<String> {
    let interval = &row.interval;
    let ((rates, bounds), counts, name) = match basis {
        Basis::Called => (row.called, &interval.called, "as called"),
        Basis::Expected => (row.expected, &interval.expected, "as expected"),
        Basis::Corrected => (row.corrected, &interval.corrected, "corrected"),
    };
    let called = basis == Basis::Called;
    let count = |n: f64| if called { format!("{n}") } else { format!("{n:.1}") };
    let first = interval.dendrite_id.map_or_else(|| name.into(), |id| id.to_string());
    let names = [interval.sessions.0, interval.sessions.1].map(|k| session_name(&data.sessions[k]));
    let density = |d: Option<f64>| d.map_or_else(|| "–".into(), |d| format!("{d:.2}"));
    let (before, after) = interval.density_per_um();
    let only_called = |text: String| if called { text } else { String::new() };
    vec![
        first,
        names.join(" to "),
        only_called(format!("{} to {}", interval.n.0, interval.n.1)),
        count(counts.scorable_a),
        count(counts.persistent),
        count(counts.formed),
        count(counts.eliminated),
        only_called(interval.unscorable.to_string()),
        share(rates.formation, bounds.formation),
        share(rates.elimination, bounds.elimination),
        share(rates.turnover, bounds.turnover),
        only_called(format!("{} to {}", density(before), density(after))),
    ]
}

fn share(value: Option<f64>, bounds: Option<(f64, f64)>) -> String {
    let percent = |v: f64| format!("{:.1}", 100.0 * v);
    match (value, bounds) {
        (None, _) => "–".into(),
        (Some(v), None) => percent(v),
        (Some(v), Some((low, high))) => format!("{} [{}, {}]", percent(v), percent(low), percent(high)),
    }
}

/// Where a session stands on the axis.
fn at(sessions: &[Session], k: usize) -> f64 {
    let known = sessions.iter().all(|s| s.day.is_some());
    sessions[k].day.filter(|_| known).unwrap_or(k as f64)
}

/// Names of the sessions on the axis, where their days are not known.
fn axis(sessions: &[Session]) -> (String, Vec<String>) {
    if sessions.iter().all(|s| s.day.is_some()) {
        return ("day".into(), Vec::new());
    }
    ("session".into(), sessions.iter().map(|s| s.name.chars().take(8).collect()).collect())
}

fn drawn(data: &SeriesReportData<'_>, rows: &[&Row]) -> Vec<Panel> {
    let (x_label, ticks) = axis(data.sessions);
    let panel = |title: &str, y_label: &str, curves: Vec<Curve>| {
        let high = |p: &Point| p.interval.map_or(p.y, |i| i.1.max(p.y));
        let top = curves.iter().flat_map(|c| &c.points).map(high).fold(0.0, f64::max);
        let y = Some((0.0, if top > 0.0 { 1.08 * top } else { 1.0 }));
        Panel {
            title: title.into(),
            x_label: x_label.clone(),
            y_label: y_label.into(),
            y,
            ticks: ticks.clone(),
            curves,
        }
    };
    type Of = (fn(&Rates) -> Option<f64>, fn(&Bounds) -> Option<(f64, f64)>);
    let rate = |title: &str, (value, bounds): Of| {
        let percent = |v: f64| 100.0 * v;
        let curve = |name: &str, of: fn(&Row) -> &(Rates, Bounds)| {
            let point = |row: &&Row| {
                let (rates, limits) = of(row);
                let interval = bounds(limits).map(|(low, high)| (percent(low), percent(high)));
                Some(Point { x: at(data.sessions, row.interval.sessions.1), y: percent(value(rates)?), interval })
            };
            Curve { name: name.into(), points: rows.iter().filter_map(point).collect() }
        };
        panel(title, "% per interval", vec![curve("as called", |r| &r.called), curve("as expected", |r| &r.expected)])
    };
    let density = {
        let point = |k: usize| {
            let length_um: f64 = data.lengths.iter().filter(|l| l.session == k).map(|l| l.length_um).sum();
            let (y, interval) = dynamics::density(data.tracks, k, length_um, data.dynamics)?;
            Some(Point { x: at(data.sessions, k), y, interval })
        };
        Curve { name: "spines".into(), points: (0..data.sessions.len()).filter_map(point).collect() }
    };
    vec![
        rate("Formation", (|r| r.formation, |b| b.formation)),
        rate("Elimination", (|r| r.elimination, |b| b.elimination)),
        rate("Turnover", (|r| r.turnover, |b| b.turnover)),
        panel("Density", "spines per µm of scorable dendrite", vec![density]),
    ]
}

pub(super) fn survival(data: &SeriesReportData<'_>) -> Result<Markup> {
    let cohorts =
        std::iter::once(Cohort::Baseline).chain((1..data.sessions.len().saturating_sub(1)).map(Cohort::FormedAt));
    let (mut curves, mut cells) = (Vec::new(), Vec::new());
    for cohort in cohorts {
        let name = match cohort {
            Cohort::Baseline => "first session".to_owned(),
            Cohort::FormedAt(k) => format!("formed at {}", data.sessions[k].name),
        };
        let points = dynamics::survival(data.sessions, data.tracks, cohort, data.dynamics)?;
        for p in &points {
            let share = |v: f64| format!("{:.1}", 100.0 * v);
            let (session, at_risk) = (session_name(&data.sessions[p.session]), p.n_at_risk.to_string());
            let bounds = format!("[{}, {}]", share(p.bounds.0), share(p.bounds.1));
            cells.push(vec![
                name.clone(),
                session,
                format!("{}", p.since),
                at_risk,
                p.n_lost.to_string(),
                share(p.fraction),
                bounds,
            ]);
        }
        let point = |p: &dynamics::SurvivalPoint| Point { x: p.since, y: p.fraction, interval: Some(p.bounds) };
        // Of a cohort without spines there is nothing to follow.
        if points.first().is_some_and(|p| p.n_at_risk > 0) {
            curves.push(Curve { name, points: points.iter().map(point).collect() });
        }
    }
    let since = if data.sessions.iter().all(|s| s.day.is_some()) { "days since" } else { "sessions since" };
    // More curves than colours cannot be told apart; the table has them all.
    curves.truncate(6);
    let panel = Panel {
        title: "Share of spines left".into(),
        x_label: since.into(),
        y_label: "survival".into(),
        y: Some((0.0, 1.05)),
        ticks: Vec::new(),
        curves,
    };
    let caption = format!(
        "Kaplan-Meier estimate for the spines of the first session and for those formed at each later one, with {:.0} % intervals (Greenwood, log-log). A spine \
         that comes back counts as lost; one that can no longer be judged is followed as far as it was. Spines that are believed only because they are seen again later \
         are not followed (dynamics.followed_min {}).",
        100.0 * data.dynamics.confidence,
        data.dynamics.followed_min
    );
    let columns = ["spines", "session", since, "at risk", "lost", "left %", "interval %"];
    Ok(html! {
        (figure(&panels(&[panel], "Survival of spines over the days")?, &caption))
        (details("The numbers", &table(&columns, &cells)))
    })
}
