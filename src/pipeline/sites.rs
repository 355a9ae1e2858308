//! Many sessions: every session to the next that it can be brought to, then links over missed sessions, then sites.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::geometry::{Line, SessionMap};
use crate::pipeline::Params;
use crate::pipeline::pair::{self, Observed, PairLinks};
use crate::pipeline::route::{self, LeftOut, Route};
use crate::progress::Progress;
use crate::track::{self, Member, Scales};

/// Sites over all sessions. See the example of [`sites`].
#[derive(Clone, Debug)]
pub struct Sites {
    /// Positions of the sessions that belong together.
    pub kept: Vec<usize>,
    /// How each of those belongs to the next.
    pub pairs: Vec<PairLinks>,
    /// The other sessions: their spines are at no site.
    pub left_out: Vec<LeftOut>,
    /// Members of each site, sorted by session.
    pub sites: Vec<Vec<Member>>,
    /// Links and P(same), sorted.
    pub links: Vec<(Member, Member, f64)>,
    /// Number of the dendrite, from 1, of every line of every session: the same number for the same dendrite. Empty for a session left out.
    pub dendrites: Vec<Vec<u32>>,
}

impl Sites {
    /// Each session that is brought to another, that one, and how. See the example of [`sites`].
    pub fn steps(&self) -> impl Iterator<Item = (usize, usize, &PairLinks)> {
        self.kept.windows(2).zip(&self.pairs).map(|(w, pair)| (w[0], w[1], pair))
    }
}

/// Links the spines of all sessions, in their order: each to the next, and what is left over [`track::TrackParams::max_missed`]
/// sessions. A link depends on no session after it, so adding a session changes none of those before it; the work grows
/// linearly with sessions and with spines. A session that cannot be brought to its neighbours is left out ([`Sites::left_out`])
/// and those before and after it are brought together: the longest run of sessions that belong together stays.
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
/// assert_eq!(found.steps().map(|(a, b, pair)| (a, b, pair.same.len())).collect::<Vec<_>>(), [(0, 1, 11)]);
/// let missed = found.sites.iter().find(|members| members.len() == 1).expect("the last spine");
/// let lies = found.places(missed, &[&first, &second])[1].expect("it can be told where it would be");
/// assert!(lies.steps == 1 && lies.place.distance_um(first.places[11]) < 0.2);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`pair::link_pair`], with the sessions (by `names`) that cannot be brought together, if no two can be; cancellation.
pub fn sites(
    sessions: &[&Observed],
    names: &[String],
    trust_ids: bool,
    params: &Params,
    progress: &mut dyn Progress,
) -> Result<Sites> {
    params.validate()?;
    let link = |a: usize, b: usize| {
        pair::link_pair(sessions[a], sessions[b], trust_ids, params).map_err(|e| named(e, &names[a], &names[b]))
    };
    let Route { kept, pairs, left_out } = route::route(sessions.len(), link, progress)?;
    let mut links: Vec<(Member, Member, f64)> = Vec::new();
    for (k, pair) in pairs.iter().enumerate() {
        links.extend(pair.same.iter().map(|&(a, b, p)| ((kept[k], a), (kept[k + 1], b), p)));
    }
    let together: Vec<&Observed> = kept.iter().map(|&k| sessions[k]).collect();
    for missed in 1..=params.track.max_missed {
        over(missed, (&together, &kept), &pairs, params, &mut links)?;
    }
    links.sort_by_key(|link| (link.0, link.1));
    let mut counts = vec![0; sessions.len()];
    kept.iter().for_each(|&k| counts[k] = sessions[k].places.len());
    let bare: Vec<(Member, Member)> = links.iter().map(|l| (l.0, l.1)).collect();
    let mut dendrites = vec![Vec::new(); sessions.len()];
    kept.iter().zip(common_dendrites(&together, &pairs)).for_each(|(&k, numbers)| dendrites[k] = numbers);
    Ok(Sites { sites: track::chain(&counts, &bare), links, dendrites, kept, pairs, left_out })
}

fn named(error: Error, a: &str, b: &str) -> Error {
    match error {
        Error::Parameter { name, value, allowed, remedy } if name == "registration" => {
            Error::Parameter { name: format!("registration of session {a} to {b}"), value, allowed, remedy }
        }
        other => other,
    }
}

/// Adds links between what has no successor and what has no predecessor, over `missed` of the sessions that belong together, whose positions are `kept`.
fn over(
    missed: usize,
    (sessions, kept): (&[&Observed], &[usize]),
    pairs: &[PairLinks],
    params: &Params,
    links: &mut Vec<(Member, Member, f64)>,
) -> Result<()> {
    let has_next: BTreeSet<Member> = links.iter().map(|l| l.0).collect();
    let has_previous: BTreeSet<Member> = links.iter().map(|l| l.1).collect();
    let free = |session: usize, taken: &BTreeSet<Member>| -> Vec<usize> {
        (0..sessions[session].places.len()).filter(|&n| !taken.contains(&(kept[session], n))).collect()
    };
    let across = |k: usize| {
        let to = k + missed + 1;
        let (ends, begins) = (free(k, &has_next), free(to, &has_previous));
        if ends.is_empty() || begins.is_empty() {
            return Ok(Vec::new());
        }
        let only = |session: usize, spines: &[usize]| Observed {
            places: spines.iter().map(|&n| sessions[session].places[n]).collect(),
            lines: sessions[session].lines.clone(),
            profiles: Vec::new(),
        };
        let (map, alike, scales) = path(&pairs[k..to]);
        let same = pair::link_across(&only(k, &ends), &only(to, &begins), &alike, (&map, &scales), params)?;
        Ok(same.into_iter().map(|(a, b, p)| ((kept[k], ends[a]), (kept[to], begins[b]), p)).collect::<Vec<_>>())
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
