//! Many sessions: every session to the next, then links over missed sessions, then sites.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::geometry::{Line, SessionMap};
use crate::pipeline::Params;
use crate::pipeline::pair::{self, Observed, PairLinks};
use crate::progress::Progress;
use crate::track::{self, Member, Scales};

/// Steps of a session between two reports of progress.
const BATCH: usize = 8;

/// Sites over all sessions. See the example of [`sites`].
#[derive(Clone, Debug)]
pub struct Sites {
    /// How each session belongs to the next.
    pub pairs: Vec<PairLinks>,
    /// Members of each site, sorted by session.
    pub sites: Vec<Vec<Member>>,
    /// Links and P(same), sorted.
    pub links: Vec<(Member, Member, f64)>,
    /// Number of the dendrite, from 1, of every line of every session: the same number for the same dendrite.
    pub dendrites: Vec<Vec<u32>>,
}

/// Links the spines of all sessions, in their order: each to the next, and what is left over [`track::TrackParams::max_missed`]
/// sessions. A link depends on no session after it, so adding a session changes none of those before it; the work grows
/// linearly with sessions and with spines.
///
/// ```
/// use gemmule::geometry::Line;
/// use gemmule::pipeline::{Observed, Params, sites};
/// use gemmule::progress::Silent;
/// use gemmule::units::PointUm;
/// // A bent dendrite with a spine every 4 µm, of which the second session misses the last.
/// let at = |x: f64, up: f64| PointUm::new(5.0, 20.0 + 8.0 * (x / 9.0).sin() + up, x);
/// let trace: Vec<PointUm> = (0..50).map(|i| at(f64::from(i), 0.0)).collect();
/// let session = |n: u32| Observed {
///     places: (0..n).map(|n| at(4.0 * f64::from(n), 1.5)).collect(),
///     lines: Line::from_trace(1, &trace).into_iter().collect(),
///     profiles: vec![],
/// };
/// let (first, second) = (session(12), session(11));
/// let names = ["day0", "day2"].map(String::from);
/// let found = sites(&[&first, &second], &names, false, &Params::default(), &mut Silent)?;
/// assert_eq!((found.sites.len(), found.links.len()), (12, 11));
/// let missed = found.sites.iter().find(|members| members.len() == 1).expect("the last spine");
/// let lies = found.places(missed, &[&first, &second])[1].expect("it can be told where it would be");
/// assert!(lies.steps == 1 && lies.place.distance_um(first.places[11]) < 0.2);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`pair::link_pair`], with the sessions (by `names`) that cannot be brought together; cancellation.
pub fn sites(
    sessions: &[&Observed],
    names: &[String],
    trust_ids: bool,
    params: &Params,
    progress: &mut dyn Progress,
) -> Result<Sites> {
    params.validate()?;
    let total = sessions.len().saturating_sub(1);
    let mut pairs: Vec<PairLinks> = Vec::with_capacity(total);
    while pairs.len() < total {
        progress.step("link", pairs.len() as u64, total as u64)?;
        let batch = pairs.len()..total.min(pairs.len() + BATCH);
        let link = |k: usize| {
            let linked = pair::link_pair(sessions[k], sessions[k + 1], trust_ids, params);
            linked.map_err(|e| named(e, &names[k], &names[k + 1]))
        };
        pairs.extend(batch.into_par_iter().map(link).collect::<Result<Vec<_>>>()?);
    }
    progress.step("link", total as u64, total as u64)?;
    let mut links: Vec<(Member, Member, f64)> = Vec::new();
    for (k, pair) in pairs.iter().enumerate() {
        links.extend(pair.same.iter().map(|&(a, b, p)| ((k, a), (k + 1, b), p)));
    }
    for missed in 1..=params.track.max_missed {
        over(missed, sessions, &pairs, params, &mut links)?;
    }
    links.sort_by_key(|link| (link.0, link.1));
    let counts: Vec<usize> = sessions.iter().map(|s| s.places.len()).collect();
    let bare: Vec<(Member, Member)> = links.iter().map(|l| (l.0, l.1)).collect();
    let dendrites = common_dendrites(sessions, &pairs);
    Ok(Sites { sites: track::chain(&counts, &bare), links, dendrites, pairs })
}

fn named(error: Error, a: &str, b: &str) -> Error {
    match error {
        Error::Parameter { name, value, allowed, remedy } if name == "registration" => {
            Error::Parameter { name: format!("registration of session {a} to {b}"), value, allowed, remedy }
        }
        other => other,
    }
}

/// Adds links between what has no successor and what has no predecessor, over `missed` sessions.
fn over(
    missed: usize,
    sessions: &[&Observed],
    pairs: &[PairLinks],
    params: &Params,
    links: &mut Vec<(Member, Member, f64)>,
) -> Result<()> {
    let has_next: BTreeSet<Member> = links.iter().map(|l| l.0).collect();
    let has_previous: BTreeSet<Member> = links.iter().map(|l| l.1).collect();
    let free = |session: usize, taken: &BTreeSet<Member>| -> Vec<usize> {
        (0..sessions[session].places.len()).filter(|&n| !taken.contains(&(session, n))).collect()
    };
    let across = |k: usize| {
        let to = k + missed + 1;
        let (ends, begins) = (free(k, &has_next), free(to, &has_previous));
        if ends.is_empty() || begins.is_empty() {
            return Ok(Vec::new());
        }
        let only = |session: usize, kept: &[usize]| Observed {
            places: kept.iter().map(|&n| sessions[session].places[n]).collect(),
            lines: sessions[session].lines.clone(),
            profiles: Vec::new(),
        };
        let (map, alike, scales) = path(&pairs[k..to]);
        let same = pair::link_across(&only(k, &ends), &only(to, &begins), &alike, (&map, &scales), params)?;
        Ok(same.into_iter().map(|(a, b, p)| ((k, ends[a]), (to, begins[b]), p)).collect::<Vec<_>>())
    };
    let last = sessions.len().saturating_sub(missed + 1);
    let found: Vec<Vec<_>> = (0..last).into_par_iter().map(across).collect::<Result<_>>()?;
    links.extend(found.into_iter().flatten());
    Ok(())
}

/// The map, which line is which, and how exactly spines repeat over several steps.
fn path(steps: &[PairLinks]) -> (SessionMap, BTreeSet<(usize, usize)>, Scales) {
    let alike = |pair: &PairLinks| -> BTreeSet<(usize, usize)> { pair.overlaps.iter().map(|o| (o.a, o.b)).collect() };
    let mut map = steps[0].map.clone();
    let mut same = alike(&steps[0]);
    let mut lines: Vec<Line> = steps[0].lines_in_b.clone();
    for step in &steps[1..] {
        map = map.then(&lines, &step.map, &step.lines_in_b);
        lines = lines.iter().map(|line| line.moved(&step.map.rigid)).collect();
        let next = alike(step);
        same = same.iter().flat_map(|&(a, b)| next.iter().filter(move |n| n.0 == b).map(move |n| (a, n.1))).collect();
    }
    let scales = steps[1..].iter().fold(steps[0].scales, |all, step| all.widest(&step.scales));
    (map, same, scales)
}

/// Numbers that lines of all sessions share: two lines are one dendrite if they run together over half of the shorter one.
fn common_dendrites(sessions: &[&Observed], pairs: &[PairLinks]) -> Vec<Vec<u32>> {
    let starts: Vec<usize> = sessions
        .iter()
        .scan(0, |sum, s| {
            *sum += s.lines.len();
            Some(*sum - s.lines.len())
        })
        .collect();
    let mut root: Vec<usize> = (0..sessions.iter().map(|s| s.lines.len()).sum()).collect();
    fn find(root: &[usize], mut n: usize) -> usize {
        while root[n] != n {
            n = root[n];
        }
        n
    }
    for (k, pair) in pairs.iter().enumerate() {
        for overlap in &pair.overlaps {
            let (a, b) = (&sessions[k].lines[overlap.a], &sessions[k + 1].lines[overlap.b]);
            if overlap.length_um >= 0.5 * a.length_um().min(b.length_um()) {
                let (x, y) = (find(&root, starts[k] + overlap.a), find(&root, starts[k + 1] + overlap.b));
                root[x.max(y)] = x.min(y);
            }
        }
    }
    let mut numbers: BTreeMap<usize, u32> = BTreeMap::new();
    for n in 0..root.len() {
        let next = numbers.len() as u32 + 1;
        numbers.entry(find(&root, n)).or_insert(next);
    }
    let number = |k: usize, line: usize| numbers[&find(&root, starts[k] + line)];
    sessions.iter().enumerate().map(|(k, s)| (0..s.lines.len()).map(|line| number(k, line)).collect()).collect()
}
