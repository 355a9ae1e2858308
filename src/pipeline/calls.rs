//! Every site measured in every session -> presence over the series -> calls.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::error::Result;
use crate::geometry::nearest_line;
use crate::measure::{self, Empty, Reading};
use crate::model::{Call, Side, Spine, Status, UnscorableReason, Verdict};
use crate::pipeline::Params;
use crate::pipeline::curation::{Curation, Ruling, Rulings};
use crate::pipeline::place::SitePlace;
use crate::pipeline::series::SeenSession;
use crate::pipeline::sites::Sites;
use crate::straight::{Spot, Strip};
use crate::track::{self, Evidence, FittedSeries, FoundSpine, Member, Presence, SeriesPresence};
use crate::units::PointUm;

/// A site in one session, before it is measured.
#[derive(Clone, Copy, Debug)]
struct Expected {
    /// Where it is expected, in the session's µm.
    place: PointUm,
    /// Position of its dendrite among the session's, and where beside it.
    beside: Option<(usize, Spot)>,
    /// The spine found there.
    spine: Option<usize>,
}

/// What was measured at a site in one session.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Measured {
    Read { reading: Reading, empty: Empty },
    Unscorable(UnscorableReason),
}

/// One site: its calls, and what they rest on.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    /// Spines that belong to it, by session.
    pub(super) members: Vec<Member>,
    /// One call per session.
    pub(super) calls: Vec<Call>,
}

/// Judges all sites; `days` are the sessions' days where known. What people decided stands, and tells of the other sessions.
pub(super) fn judge(
    seen: &[SeenSession],
    sites: &Sites,
    days: &[Option<f64>],
    curation: &Curation,
    params: &Params,
) -> Result<(Vec<Judged>, FittedSeries, Rulings)> {
    let expected: Vec<Vec<Option<Expected>>> =
        sites.sites.par_iter().map(|members| expect(members, seen, sites)).collect();
    let occupied = occupied(&expected);
    let measured: Vec<Vec<Option<Measured>>> = (0..expected.len())
        .into_par_iter()
        .map(|n| measure_everywhere(n, &expected[n], seen, &occupied, params))
        .collect();
    let found = |n: usize, k: usize| expected[n][k].and_then(|e| e.spine).map(|spine| &seen[k].spines[spine]);
    let evidence: Vec<Vec<Option<Evidence>>> = (0..expected.len())
        .map(|n| (0..seen.len()).map(|k| evidence(&measured[n][k], found(n, k), params)).collect())
        .collect();
    let places: Vec<Vec<Vec<PointUm>>> = expected
        .iter()
        .zip(&measured)
        .map(|(e, m)| {
            e.iter().zip(m).zip(seen).map(|((e, m), seen)| said_to_lie(e.as_ref(), m.as_ref(), seen)).collect()
        })
        .collect();
    let rulings = curation.matched(&places, &params.curation)?;
    let series = presence(&evidence, &rulings.known(), days, &sites.kept, params);
    // Were the link wrong, one spine had gone and another had come. The doubt that no cost knows of is left out: it is not about this link.
    let sure = |p: f64| (p / (1.0 - params.track.doubt)).min(1.0);
    let same: BTreeMap<Member, f64> = sites.links.iter().map(|&(_, later, p)| (later, sure(p))).collect();
    let judged = sites
        .sites
        .iter()
        .zip(&expected)
        .zip(&measured)
        .zip(&series.sites)
        .zip(&rulings.by_site)
        .map(|((((members, expected), measured), presence), rulings)| Judged {
            members: members.clone(),
            calls: (0..seen.len())
                .map(|k| {
                    let p_same = members.iter().find(|m| m.0 == k).and_then(|m| same.get(m)).copied();
                    let expected = expected[k].as_ref();
                    if !sites.kept.contains(&k) {
                        let left_out = Some(UnscorableReason::NotRegistered);
                        return Call { reason: left_out, ..Call::bare(Status::Unscorable, None) };
                    }
                    let found = call(k, expected, measured[k].as_ref(), presence, &seen[k], params);
                    let p_both = found.p_both.map(|p| p * p_same.unwrap_or(1.0));
                    let found = Call { p_both, ..found };
                    rulings[k].as_ref().map_or_else(|| found.clone(), |r| ruled(&found, r, k, presence, &seen[k]))
                })
                .collect(),
        })
        .collect();
    Ok((judged, series.fitted, rulings))
}

/// Presence over the sessions that belong together; the others are as if they had not been: of them nothing is known.
fn presence(
    evidence: &[Vec<Option<Evidence>>],
    known: &[Vec<Option<bool>>],
    days: &[Option<f64>],
    kept: &[usize],
    params: &Params,
) -> SeriesPresence {
    fn of<T: Copy>(kept: &[usize], row: &[T]) -> Vec<T> {
        kept.iter().map(|&k| row[k]).collect()
    }
    let evidence: Vec<Vec<Option<Evidence>>> = evidence.iter().map(|row| of(kept, row)).collect();
    let known: Vec<Vec<Option<bool>>> = known.iter().map(|row| of(kept, row)).collect();
    let mut series = track::presence_given(&evidence, &known, &of(kept, days), &params.presence);
    let place = |k: usize| kept.iter().position(|&at| at == k);
    let sessions = days.len();
    for site in &mut series.sites {
        site.p_present = (0..sessions).map(|k| place(k).map_or(0.0, |n| site.p_present[n])).collect();
        site.p_so_far = (0..sessions).map(|k| place(k).map_or(0.0, |n| site.p_so_far[n])).collect();
        site.p_both = (0..sessions).map(|k| place(k).map_or(0.0, |n| site.p_both[n])).collect();
        site.p_found = (0..sessions).map(|k| site.p_found[place(k)?]).collect();
        site.excess = (0..sessions).map(|k| site.excess[place(k)?]).collect();
    }
    series
}

/// Where a site may be said to lie in a session, in this run or another: where it is expected, and where its strongest signal is.
fn said_to_lie(expected: Option<&Expected>, measured: Option<&Measured>, seen: &SeenSession) -> Vec<PointUm> {
    let Some(expected) = expected else { return Vec::new() };
    let mut places = vec![expected.place];
    if let (Some((dendrite, _)), Some(Measured::Read { reading, .. })) = (expected.beside, measured) {
        places.push(seen.strips[dendrite].place(reading.spot));
    }
    places
}

/// The call as a person made it, with what was measured there.
fn ruled(found: &Call, ruling: &Ruling, k: usize, presence: &Presence, seen: &SeenSession) -> Call {
    let (status, p_present) = match ruling.verdict {
        Verdict::Present => (Status::Present, Some(1.0)),
        Verdict::Absent | Verdict::NotASpine => (Status::Absent, Some(0.0)),
        Verdict::Unscorable => (Status::Unscorable, None),
    };
    let spine = found.spine.and_then(|id| seen.spines.iter().find(|s| i64::from(s.spine_id) == id));
    Call {
        status,
        p_present,
        p_both: p_present.filter(|_| k > 0).map(|_| presence.p_both[k]),
        p_so_far: p_present,
        head_width_um: spine.filter(|_| status == Status::Present).and_then(|s| s.head_width_um),
        reason: (status == Status::Unscorable).then_some(UnscorableReason::Curated),
        curated: Some(ruling.who.clone()),
        ..found.clone()
    }
}

/// Where the site of `members` is expected in every session.
fn expect(members: &[Member], seen: &[SeenSession], sites: &Sites) -> Vec<Option<Expected>> {
    let observed: Vec<_> = seen.iter().map(|s| &s.observed).collect();
    let lies = sites.places(members, &observed);
    let (first, spine) = members[0];
    let own = nearest_line(&observed[first].lines, observed[first].places[spine]);
    lies.into_iter()
        .enumerate()
        .map(|(k, site)| {
            let site: SitePlace = site?;
            // Sites are free of motion; the session's own image is not.
            let place = seen[k].corrected.seen(site.place);
            let strip = |id: u32| seen[k].strips.iter().position(|s| s.frame.dendrite_id == id);
            let member = members.iter().find(|m| m.0 == k).map(|m| m.1);
            let dendrite = match (member, &own) {
                (Some(spine), _) => strip(seen[k].spines[spine].dendrite_id),
                (None, Some(own)) => {
                    let line = site.line(&observed[k].lines, own);
                    line.and_then(|n| u32::try_from(observed[k].lines[n].dendrite_id).ok()).and_then(strip)
                }
                (None, None) => None,
            };
            let beside = dendrite.map(|d| (d, seen[k].strips[d].locate(place)));
            Some(Expected { place, beside, spine: member })
        })
        .collect()
}

/// What lies beside the dendrites: by session and dendrite, the sites' spots, and whether a spine was found there.
type Occupied = BTreeMap<(usize, usize), Vec<(usize, Spot, bool)>>;

fn occupied(expected: &[Vec<Option<Expected>>]) -> Occupied {
    let mut all: Occupied = BTreeMap::new();
    for (n, site) in expected.iter().enumerate() {
        for (k, expected) in site.iter().enumerate() {
            if let Some(Expected { beside: Some((dendrite, spot)), spine, .. }) = *expected {
                all.entry((k, dendrite)).or_default().push((n, spot, spine.is_some()));
            }
        }
    }
    all
}

/// One site in all sessions. What is found on a stretch that cannot be judged (crossed, steep) counts if it is linked to what is found where it can be: else
/// something would have to look like that spine, in its place, just when it had gone. What lies on an axon in half of the sessions or more lies on one in all.
fn measure_everywhere(
    site: usize,
    expected: &[Option<Expected>],
    seen: &[SeenSession],
    occupied: &Occupied,
    params: &Params,
) -> Vec<Option<Measured>> {
    let measured =
        |k: usize, trusted: bool| Some(measure((site, k), expected[k].as_ref()?, trusted, seen, occupied, params));
    let found = |k: usize| expected[k].is_some_and(|e| e.spine.is_some());
    let strict: Vec<Option<Measured>> = (0..seen.len()).map(|k| measured(k, false)).collect();
    let traced = expected.iter().flatten().filter(|e| e.beside.is_some()).count();
    if on_axon(&strict, traced) {
        return strict.iter().map(|m| m.map(|_| AXON)).collect();
    }
    let sure = (0..seen.len()).any(|k| found(k) && matches!(strict[k], Some(Measured::Read { .. })));
    strict.into_iter().enumerate().map(|(k, m)| if sure && found(k) { measured(k, true) } else { m }).collect()
}

const AXON: Measured = Measured::Unscorable(UnscorableReason::Axon);

/// Whether a site lies on an axon in half or more of the sessions that have a centreline there, `traced`.
fn on_axon(measured: &[Option<Measured>], traced: usize) -> bool {
    let axon = measured.iter().flatten().filter(|m| **m == AXON).count();
    axon > 0 && 2 * axon >= traced
}

/// `trusted`: whatever the stretch is like.
fn measure(
    (site, k): (usize, usize),
    at: &Expected,
    trusted: bool,
    seen: &[SeenSession],
    occupied: &Occupied,
    params: &Params,
) -> Measured {
    let Some((dendrite, spot)) = at.beside else {
        let inside = seen[k].grid.contains(at.place);
        return Measured::Unscorable(if inside { UnscorableReason::NotTraced } else { UnscorableReason::OutOfVolume });
    };
    let side = if spot.u_um >= 0.0 { Side::Left } else { Side::Right };
    // What is bright enough to be found where a typical spine would not be is no doubt bright enough to be judged.
    let matters = |reason: &UnscorableReason| match reason {
        UnscorableReason::Axon => true,
        UnscorableReason::Dim => !trusted && at.spine.is_none(),
        _ => !trusted,
    };
    if let Some(reason) = seen[k].dendrites[dendrite].unscorable_at(spot.s_um, side).filter(matters) {
        return Measured::Unscorable(reason);
    }
    let strip: &Strip = &seen[k].strips[dendrite];
    let others = occupied.get(&(k, dendrite)).map_or(&[][..], Vec::as_slice);
    let rivals: Vec<Spot> = others.iter().filter(|o| o.0 != site && o.2).map(|o| o.1).collect();
    let Some(reading) = measure::reading(strip, spot, &rivals, &params.forced) else {
        return Measured::Unscorable(UnscorableReason::OutOfVolume);
    };
    match empty(k, dendrite, spot, seen, occupied, params) {
        Some(empty) => Measured::Read { reading, empty },
        // Too crowded to tell what nothing looks like.
        None => Measured::Unscorable(UnscorableReason::Crossed),
    }
}

/// What nothing looks like: on the site's own dendrite, and on the session's others too where that one has too few empty places.
fn empty(
    k: usize,
    own: usize,
    spot: Spot,
    seen: &[SeenSession],
    occupied: &Occupied,
    params: &Params,
) -> Option<Empty> {
    let on = |dendrite: usize| {
        let others = occupied.get(&(k, dendrite)).map_or(&[][..], Vec::as_slice);
        let spots: Vec<Spot> = others.iter().map(|o| o.1).collect();
        measure::empty(&seen[k].strips[dendrite], spot, &spots, &params.forced)
    };
    let mut read = on(own);
    if read.len() < params.forced.empty_min {
        (0..seen[k].strips.len()).filter(|d| *d != own).for_each(|d| read.extend(on(d)));
    }
    let enough = read.len() >= params.forced.empty_min;
    Empty::new(read).filter(|_| enough)
}

fn evidence(measured: &Option<Measured>, found: Option<&Spine>, params: &Params) -> Option<Evidence> {
    let Some(Measured::Read { reading, empty }) = measured else { return None };
    let surety = |spine: &Spine| match params.learned.enabled {
        true => FoundSpine::learned(spine.score),
        false => FoundSpine::scored(spine.score, &params.presence),
    };
    Some(Evidence {
        z: reading.z,
        tau: reading.tau,
        empty_median: empty.median,
        empty_spread: empty.spread,
        found: found.map(surety),
    })
}

fn call(
    k: usize,
    expected: Option<&Expected>,
    measured: Option<&Measured>,
    presence: &Presence,
    seen: &SeenSession,
    params: &Params,
) -> Call {
    let place = expected.map(|e| e.place);
    let spine = expected.and_then(|e| e.spine);
    let number = spine.map(|n| i64::from(seen.spines[n].spine_id));
    let (reading, empty) = match measured {
        Some(Measured::Read { reading, empty }) => (reading, empty),
        Some(Measured::Unscorable(reason)) => {
            return Call { spine: number, reason: Some(*reason), ..Call::bare(Status::Unscorable, place) };
        }
        None => {
            return Call { reason: Some(UnscorableReason::NotTraced), ..Call::bare(Status::Unscorable, place) };
        }
    };
    let measured = Call {
        p_present: Some(presence.p_present[k]),
        p_both: (k > 0).then(|| presence.p_both[k]),
        p_so_far: Some(presence.p_so_far[k]),
        p_found: presence.p_found[k],
        spine: number,
        brightness: Some(reading.contrast),
        contrast: Some(reading.contrast / (empty.high * reading.tau).max(1e-6)),
        ..Call::bare(Status::Absent, place)
    };
    let expected_z = presence.excess[k].map_or(0.0, |over| over + empty.median);
    if spine.is_none() && params.presence.power * expected_z < empty.high {
        let bare = Call { p_present: None, p_both: None, p_so_far: None, ..measured };
        return Call { status: Status::Unscorable, reason: Some(UnscorableReason::Dim), ..bare };
    }
    if presence.p_present[k] < params.presence.call_min {
        return measured;
    }
    let place = match (spine, expected.and_then(|e| e.beside)) {
        (None, Some((dendrite, _))) => Some(seen.strips[dendrite].place(reading.spot)),
        _ => place,
    };
    let head_width_um = spine.and_then(|n| seen.spines[n].head_width_um);
    Call { status: Status::Present, place, head_width_um, ..measured }
}

#[cfg(test)]
mod tests {
    use crate::model::UnscorableReason;
    use crate::pipeline::calls::{AXON, Measured, on_axon};

    #[test]
    fn half_of_the_sessions_that_see_a_site_make_it_an_axon() {
        let because = |reason| Some(Measured::Unscorable(reason));
        let (axon, steep) = (Some(AXON), because(UnscorableReason::Steep));
        let untraced = because(UnscorableReason::NotTraced);
        assert!(on_axon(&[axon, steep], 2) && on_axon(&[axon, untraced, untraced, None], 1));
        assert!(!on_axon(&[axon, steep, steep], 3) && !on_axon(&[steep, untraced], 1) && !on_axon(&[], 0));
    }
}
