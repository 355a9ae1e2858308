//! What one series adds to the tables of a cohort: values of its dendrites, and its new spines.

use crate::dynamics;
use crate::error::Result;
use crate::model::{Status, Track};
use crate::pipeline::{self, Params, SeenSession, Tracked};

/// A value of one dendrite in one session, and what it is over.
struct Row {
    dendrite: u32,
    session: usize,
    metric: &'static str,
    unit: &'static str,
    value: f64,
    over: f64,
}

/// One row per dendrite, measure and session, with what the value is over (`denominator`: spines of the session before, µm, or spines measured); rates stand at the later
/// session of their interval.
pub(super) fn of_dendrites(tracked: &Tracked, seen: &[SeenSession], params: &Params) -> Result<String> {
    let lengths = pipeline::lengths(tracked, seen);
    let intervals = dynamics::intervals(&tracked.sessions, &tracked.tracks, &lengths, &params.dynamics)?;
    let mut rows: Vec<Row> = Vec::new();
    for i in &intervals {
        let Some(dendrite) = i.dendrite_id else { continue };
        let (a, b) = i.sessions;
        // Over a session left out more comes and goes: no value beside those of other fields at that day.
        if b != a + 1 {
            continue;
        }
        let row = |metric, unit, over| move |value| Row { dendrite, session: b, metric, unit, value, over };
        let (turnover, share) = (params.dynamics.turnover, "fraction_of_previous_session");
        let (called, expected) = (i.called.rates(turnover), i.expected.rates(turnover));
        let (n, of) = (i.called.scorable_a, i.expected.scorable_a);
        rows.extend(called.formation.map(row("formation_rate", share, n)));
        rows.extend(called.elimination.map(row("elimination_rate", share, n)));
        rows.extend(called.turnover.map(row("turnover_ratio", "fraction", i.called.turnover_over(turnover))));
        // Where no spine is called before, a rate over what may have been there says nothing.
        if n > 0.0 {
            rows.extend(expected.formation.map(row("expected_formation_rate", share, of)));
            rows.extend(expected.elimination.map(row("expected_elimination_rate", share, of)));
        }
    }
    for l in &lengths {
        let (dendrite, session, value) = (l.dendrite_id, l.session, l.length_um);
        rows.push(Row { dendrite, session, metric: "scorable_length", unit: "um", value, over: 1.0 });
    }
    let mut dendrites: Vec<u32> = tracked.tracks.iter().map(|t| t.dendrite_id).collect();
    dendrites.sort_unstable();
    dendrites.dedup();
    for &dendrite in &dendrites {
        let here: Vec<&Track> = tracked.tracks.iter().filter(|t| t.dendrite_id == dendrite).collect();
        let value = here.len() as f64;
        rows.push(Row { dendrite, session: 0, metric: "sites", unit: "count", value, over: 1.0 });
        let of: Vec<f64> = lengths.iter().filter(|l| l.dendrite_id == dendrite).map(|l| l.length_um).collect();
        let (over, densities) = densities(&here, &of, tracked.sessions.len());
        let row = |(session, value)| Row { dendrite, session, metric: "density", unit: "per_um", value, over };
        rows.extend(densities.into_iter().map(row));
        for k in 0..tracked.sessions.len() {
            sizes(&here, (dendrite, k), seen, &mut rows);
        }
    }
    rows.sort_by_key(|r| (r.dendrite, r.metric, r.session));
    let row = |r: &Row| {
        let numbers = [r.value, r.over].map(|v| format!("{v:.6}"));
        let [value, over] = numbers;
        [r.dendrite.to_string(), r.session.to_string(), r.metric.into(), r.unit.into(), value, over]
    };
    text(["dendrite", "position", "metric", "unit", "value", "denominator"], rows.iter().map(row))
}

/// Density of each session: that of the first session with a spine, times the spines of the session over those of the first at the sites that can be judged in both.
/// So neither sites that cannot be judged nor a centreline traced farther on one day than on another change it; the length, which comes first, is the median over the sessions.
fn densities(here: &[&Track], lengths_um: &[f64], sessions: usize) -> (f64, Vec<(usize, f64)>) {
    let mut lengths: Vec<f64> = lengths_um.iter().copied().filter(|l| *l > 0.0).collect();
    lengths.sort_by(f64::total_cmp);
    let Some(&length_um) = lengths.get(lengths.len() / 2) else { return (0.0, Vec::new()) };
    let count = |a: usize, b: usize| {
        let judged = |t: &&&Track| t.calls[a].status != Status::Unscorable && t.calls[b].status != Status::Unscorable;
        let there =
            |k: usize| here.iter().filter(judged).filter(|t| t.calls[k].status == Status::Present).count() as f64;
        (there(a), there(b))
    };
    let Some(first) = (0..sessions).find(|&k| count(k, k).0 > 0.0) else { return (length_um, Vec::new()) };
    let density = count(first, first).0 / length_um;
    let one = |k: usize| {
        let (before, now) = count(first, k);
        (before > 0.0).then(|| (k, density * now / before))
    };
    (length_um, (first..sessions).filter_map(one).collect())
}

/// Means over the spines that are there, and the share of sites that cannot be judged.
fn sizes(here: &[&Track], (dendrite, k): (u32, usize), seen: &[SeenSession], rows: &mut Vec<Row>) {
    let there: Vec<_> = here.iter().map(|t| &t.calls[k]).filter(|c| c.status == Status::Present).collect();
    let mut add = |metric, unit, values: Vec<f64>| {
        if !values.is_empty() {
            let over = values.len() as f64;
            let value = values.iter().sum::<f64>() / over;
            rows.push(Row { dendrite, session: k, metric, unit, value, over });
        }
    };
    add("head_width", "um", there.iter().filter(|c| c.spine.is_some()).filter_map(|c| c.head_width_um).collect());
    add("brightness", "fraction_of_shaft", there.iter().filter_map(|c| c.brightness).collect());
    add("contrast", "fold_of_smallest_seen", there.iter().filter_map(|c| c.contrast).collect());
    let spine = |id: i64| seen[k].spines.iter().find(|s| i64::from(s.spine_id) == id);
    let found = there.iter().filter_map(|c| c.spine.and_then(spine));
    add("protrusion_length", "um", found.map(|s| s.length_um).collect());
    let blind = |t: &&Track| f64::from(u8::from(t.calls[k].status == Status::Unscorable));
    add("unscorable_share", "fraction_of_sites", here.iter().map(blind).collect());
}

/// One row per spine that was formed: absent in the last session before that can be judged, present at `formed`. `last` is the last session
/// known to have it, `lost` the first one after that is known not to, empty where there is none; `followed` is 1 if its survival counts ([`dynamics::is_followed`]).
pub(super) fn new_spines(tracked: &Tracked, params: &Params) -> Result<String> {
    let (sessions, mut rows) = (tracked.sessions.len(), Vec::new());
    for track in &tracked.tracks {
        for formed in (1..sessions).filter(|&k| dynamics::is_formed(track, k)) {
            let status = |k: usize| track.calls[k].status;
            let lost = (formed + 1..sessions).find(|&k| status(k) == Status::Absent);
            let end = lost.unwrap_or(sessions);
            let last = (formed..end).rev().find(|&k| status(k) == Status::Present).unwrap_or(formed);
            let lost = lost.map_or_else(String::new, |k| k.to_string());
            let ids = [track.track_id.to_string(), track.dendrite_id.to_string()];
            let [id, dendrite] = ids;
            let contrast = track.calls[formed].contrast.map_or_else(String::new, |c| format!("{c:.4}"));
            let before = track.calls[formed - 1].contrast.map_or_else(String::new, |c| format!("{c:.4}"));
            let followed = u8::from(dynamics::is_followed(track, formed, &params.dynamics)).to_string();
            rows.push([id, dendrite, formed.to_string(), last.to_string(), lost, contrast, before, followed]);
        }
    }
    text(
        ["track_id", "dendrite", "formed", "last", "lost", "contrast", "contrast_before", "followed"],
        rows.into_iter(),
    )
}

fn text<const N: usize>(columns: [&str; N], rows: impl Iterator<Item = [String; N]>) -> Result<String> {
    let mut text = columns.join(",") + "\n";
    // No cell holds a comma or a quote: numbers and names of measures.
    rows.for_each(|row| text += &(row.join(",") + "\n"));
    Ok(text)
}
