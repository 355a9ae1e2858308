//! Two sessions: register -> displacement along the dendrites and P(same), each from the other until neither changes -> link.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::geometry::{Elastic, Line, SessionMap};
use crate::pipeline::Params;
use crate::register::{self, Drift, Drifted, Overlap, Pair, Profile, RegisterParams, RigidFit};
use crate::track::{self, Beliefs, Laid, Likeness, Match, Near, Scales, TrackParams};
use crate::units::PointUm;

/// Spines and dendrites of one session, in its own µm. See the example of [`link_pair`].
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Where the spines are.
    pub places: Vec<PointUm>,
    /// The centrelines.
    pub lines: Vec<Line>,
    /// What the image looks like along each of them; empty where there is no image.
    pub profiles: Vec<Profile>,
}

/// Two spines that are the same one, by their positions in either session, and how sure that is.
pub type Same = (usize, usize, f64);

/// How two sessions belong together. See the example of [`link_pair`].
#[derive(Clone, Debug)]
pub struct PairLinks {
    /// The rigid transform and how well it fits.
    pub fit: RigidFit,
    /// From the first session to the second.
    pub map: SessionMap,
    /// The first session's lines in the second's µm, before the elastic part.
    pub lines_in_b: Vec<Line>,
    /// Which line runs along which.
    pub overlaps: Vec<Overlap>,
    /// How exactly spines repeat.
    pub scales: Scales,
    /// Spines that are the same.
    pub same: Vec<Same>,
}

/// Registers session `a` to session `b` and links their spines.
///
/// `trust_ids`: lines of the same [`Line::dendrite_id`] are the same dendrite, and no others are.
///
/// ```
/// use gemmule::geometry::Line;
/// use gemmule::pipeline::{Observed, Params, link_pair};
/// use gemmule::units::PointUm;
/// // A bent dendrite with a spine every 4 µm; in the second session all lies 2 µm further along x, and the first spine is gone.
/// let at = |x: f64, up: f64| PointUm::new(5.0, 20.0 + 8.0 * (x / 9.0).sin() + up, x);
/// let session = |first: u32, moved: f64| {
///     let shift = |p: PointUm| PointUm::new(p.z, p.y, p.x + moved);
///     let trace: Vec<PointUm> = (0..50).map(|i| shift(at(f64::from(i), 0.0))).collect();
///     Observed {
///         places: (first..12).map(|n| shift(at(4.0 * f64::from(n), 1.5))).collect(),
///         lines: Line::from_trace(1, &trace).into_iter().collect(),
///         profiles: vec![], // there is no image
///     }
/// };
/// let found = link_pair(&session(0, 0.0), &session(1, 2.0), false, &Params::default())?;
/// assert!((found.fit.rigid.apply(PointUm::default()).x - 2.0).abs() < 0.1);
/// assert!(found.same.len() == 11 && found.same.iter().all(|&(a, b, _)| a == b + 1));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// A registration that cannot be trusted ([`register::rigid`]), a spine beside no line, parameters out of range.
pub fn link_pair(a: &Observed, b: &Observed, trust_ids: bool, params: &Params) -> Result<PairLinks> {
    let Together { fit, lines_in_b, overlaps, drift } = together(a, b, trust_ids, params)?;
    let moved = a.places.iter().map(|&p| fit.rigid.apply(p)).collect();
    let (laid_a, laid_b) = (laid(moved, &lines_in_b)?, laid(b.places.clone(), &b.lines)?);
    let alike: BTreeSet<(usize, usize)> = overlaps.iter().map(|o| (o.a, o.b)).collect();
    let near = Near::all(&laid_a, &laid_b, |la, lb| alike.contains(&(la, lb)), &params.track);
    let Settled { elastic, scales, pairs } = settle(&laid_a, &laid_b, &near, &drift, params);
    let same = with_certainty(&pairs, &params.track);
    Ok(PairLinks { map: SessionMap { rigid: fit.rigid, elastic }, fit, lines_in_b, overlaps, scales, same })
}

/// Two sessions brought together by their lines, and by the image or the marks where the lines do not say how far one has slid along them.
struct Together {
    fit: RigidFit,
    lines_in_b: Vec<Line>,
    overlaps: Vec<Overlap>,
    drift: Drift,
}

fn together(a: &Observed, b: &Observed, trust_ids: bool, params: &Params) -> Result<Together> {
    let seen = |session: &Observed| session.profiles.iter().any(|p| !p.values.is_empty());
    let has_image = seen(a) && seen(b);
    let marks = (!has_image).then_some((a.places.as_slice(), b.places.as_slice()));
    let compared = |fit: RigidFit| {
        let lines_in_b: Vec<Line> = a.lines.iter().map(|line| line.moved(&fit.rigid)).collect();
        let overlaps = match trust_ids {
            true => same_ids(&lines_in_b, &b.lines),
            false => register::overlaps(&lines_in_b, &b.lines, &params.register),
        };
        let mut drift = Drift::new(&lines_in_b, &params.register);
        drift.compare((&lines_in_b, &a.profiles), (&b.lines, &b.profiles), &overlaps, &params.register);
        Together { fit, lines_in_b, overlaps, drift }
    };
    let mut found = compared(register::rigid(&a.lines, &b.lines, marks, &params.register)?);
    if !has_image {
        return Ok(found);
    }
    // A session that has slid is turned wrongly as well: once that is mended more can be seen.
    for moves in 0..=SLIDES {
        let slid = found.drift.slid(&found.fit, &found.lines_in_b, &params.register);
        // Less than that is found along each dendrite.
        let settled = slid.by_um.abs() <= params.register.drift_um;
        // What still wants to move after that often has found no place.
        found.fit.slid_sure = Some(if settled { slid.sure } else { 0.0 });
        if settled || moves == SLIDES {
            break;
        }
        found = compared(register::slid(&a.lines, &b.lines, &found.fit, slid.by_um, &params.register)?);
    }
    refuse_unsure(&found.fit, &params.register)?;
    Ok(found)
}

fn refuse_unsure(fit: &RigidFit, params: &RegisterParams) -> Result<()> {
    let Some(sure) = fit.slid_sure.filter(|sure| *sure < params.slide_sure) else { return Ok(()) };
    Err(Error::parameter(
        "registration",
        format!("a shift of {:.2} µm along the dendrites, {:.0} % sure", fit.slid_um, 100.0 * sure),
        &format!("at least {:.0} % (register.slide_sure)", 100.0 * params.slide_sure),
        "the dendrites run too straight to tell, and what stands beside them differs: leave the session out, or image a larger field",
    ))
}

/// Links spines that no session in between links: `map` leads over the sessions in between.
///
/// # Errors
/// A spine beside no line.
pub(super) fn link_across(
    a: &Observed,
    b: &Observed,
    alike: &BTreeSet<(usize, usize)>,
    (map, scales): (&SessionMap, &Scales),
    params: &Params,
) -> Result<Vec<Same>> {
    let lines: Vec<Line> = a.lines.iter().map(|line| line.moved(&map.rigid)).collect();
    let moved = a.places.iter().map(|&p| map.rigid.apply(p)).collect();
    let (laid_a, laid_b) = (laid(moved, &lines)?, laid(b.places.clone(), &b.lines)?);
    let near = Near::all(&laid_a, &laid_b, |la, lb| alike.contains(&(la, lb)), &params.track);
    let likeness = Likeness::new(&laid_b);
    // The displacement is known from what the sessions in between share, not from the spines in question.
    let sigma_um = scales.s_um.hypot(params.register.drift_um);
    let cost = |n: &Near| {
        let foot = &laid_a.feet[n.a];
        let field_um = map.elastic.at(foot.line, foot.s_um).ds_um;
        let odds = likeness.log_odds(n, scales, &params.track) + Likeness::along(n.ds_um, field_um, sigma_um).ln();
        Match { a: n.a, b: n.b, cost: -odds }
    };
    Ok(with_certainty(&near.iter().map(cost).collect::<Vec<_>>(), &params.track))
}

fn same_ids(a: &[Line], b: &[Line]) -> Vec<Overlap> {
    let pairs = a.iter().enumerate().flat_map(|(x, la)| b.iter().enumerate().map(move |(y, lb)| (x, la, y, lb)));
    let same = pairs.filter(|(_, la, _, lb)| la.dendrite_id == lb.dendrite_id);
    same.map(|(a, la, b, lb)| Overlap { a, b, length_um: la.length_um().min(lb.length_um()) }).collect()
}

fn laid(places: Vec<PointUm>, lines: &[Line]) -> Result<Laid> {
    Laid::new(places, lines.to_vec()).ok_or_else(|| {
        Error::parameter("centrelines of a session", 0, "at least one", "trace the dendrites that carry the spines")
    })
}

/// How often a session may be moved along its dendrites and looked at again.
const SLIDES: usize = 3;
/// Below this a pair does not pull the displacement aside and in depth.
const NO_PULL: f64 = 1e-3;
/// Change of a probability at which the rounds have settled.
const SETTLED: f64 = 1e-3;
/// Least likelihood of a displacement in a message, so that it can be taken out again.
const FAINT: f64 = 1e-100;

/// What the rounds have settled on.
struct Settled {
    elastic: Elastic,
    scales: Scales,
    pairs: Vec<Match>,
}

/// How well every pair fits, by everything but the displacement (the odds), and at every displacement.
struct Fits {
    alike: Vec<f64>,
    along: Vec<Vec<f64>>,
}

impl Fits {
    fn new(near: &[Near], likeness: &Likeness, drift: &Drift, scales: &Scales, params: &TrackParams) -> Self {
        let along = |n: &Near| drift.shifts_um().iter().map(|&d| Likeness::along(n.ds_um, d, scales.s_um)).collect();
        Self {
            alike: near.iter().map(|n| likeness.log_odds(n, scales, params).exp()).collect(),
            along: near.iter().map(along).collect(),
        }
    }
}

/// The displacement along the dendrites and P(same) of every pair as one model, by belief propagation: each spine tells the
/// chain of its line how well every displacement fits its partners, as far as those are free; the chain tells each spine what
/// all the others (and the image) say of the displacement at its place, never what it said itself. So no pair confirms itself, and P(same) covers
/// that the displacement is not known exactly. How exactly spines repeat is fitted on the way.
fn settle(a: &Laid, b: &Laid, near: &[Near], drift: &Drift, params: &Params) -> Settled {
    let likeness = Likeness::new(b);
    let mut scales = Scales::new(&params.track);
    let mut said: Vec<Vec<f64>> = vec![vec![1.0; drift.shifts_um().len()]; a.feet.len()];
    let mut before = vec![f64::INFINITY; near.len()];
    let (mut drifted, mut pairs, mut p_same) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..params.track.rounds {
        let fits = Fits::new(near, &likeness, drift, &scales, &params.track);
        drifted = chains(a, drift, &said);
        let others: Vec<Vec<f64>> =
            near.iter().map(|n| of_others(drifted_at(a, n.a, drift, &drifted), &said[n.a])).collect();
        let cost = |(k, n): (usize, &Near)| {
            let odds: f64 = fits.alike[k] * others[k].iter().zip(&fits.along[k]).map(|(p, l)| p * l).sum::<f64>();
            Match { a: n.a, b: n.b, cost: -odds.max(FAINT).ln() }
        };
        pairs = near.iter().enumerate().map(cost).collect();
        let beliefs = track::beliefs(&pairs);
        let settled = beliefs.p_same.iter().zip(&before).all(|(new, old)| (new - old).abs() < SETTLED);
        said = say(near, &fits, &beliefs, &said);
        let expected = |p: &[f64]| p.iter().zip(drift.shifts_um()).map(|(p, d)| p * d).sum::<f64>();
        let beyond: Vec<f64> = near.iter().zip(&others).map(|(n, p)| n.ds_um - expected(p)).collect();
        scales = Scales::fitted(near, &beliefs.p_same, &beyond, (a.feet.len(), b.feet.len()), &params.track);
        before.clone_from(&beliefs.p_same);
        p_same = beliefs.p_same;
        if settled {
            break;
        }
    }
    let pull = |(n, &weight): (&Near, &f64)| {
        let foot = &a.feet[n.a];
        (weight > NO_PULL).then_some(Pair { line: foot.line, s_um: foot.s_um, shift: n.shift, weight })
    };
    let pulls: Vec<Pair> = near.iter().zip(&p_same).filter_map(pull).collect();
    let mut elastic = register::elastic(&a.lines, &pulls, &params.register);
    for (line, (field, drifted)) in elastic.lines.iter_mut().zip(&drifted).enumerate() {
        for (&s_um, shift) in field.s_um.iter().zip(&mut field.shift) {
            shift.ds_um = drift.mean_um(line, s_um, drifted);
        }
    }
    Settled { elastic, scales, pairs }
}

/// The displacement along every line, given what its spines say.
fn chains(a: &Laid, drift: &Drift, said: &[Vec<f64>]) -> Vec<Drifted> {
    let mut of_line: Vec<Vec<usize>> = vec![Vec::new(); a.lines.len()];
    a.feet.iter().enumerate().for_each(|(n, foot)| of_line[foot.line].push(n));
    let heard = |line: usize, n: usize| (drift.knot(line, a.feet[n].s_um), said[n].as_slice());
    of_line
        .iter()
        .enumerate()
        .map(|(line, spines)| drift.posterior(line, spines.iter().map(|&n| heard(line, n))))
        .collect()
}

fn drifted_at<'a>(a: &Laid, spine: usize, drift: &Drift, drifted: &'a [Drifted]) -> &'a [f64] {
    let foot = &a.feet[spine];
    drifted[foot.line].at(drift.knot(foot.line, foot.s_um))
}

/// The probabilities of the displacements without what one spine said.
fn of_others(all: &[f64], said: &[f64]) -> Vec<f64> {
    let without: Vec<f64> = all.iter().zip(said).map(|(p, s)| p / s).collect();
    let total: f64 = without.iter().sum();
    without.into_iter().map(|v| v / total).collect()
}

/// What every spine says of the displacement at its place: halfway (in logarithms) from what it said before, so that the rounds
/// settle.
fn say(near: &[Near], fits: &Fits, beliefs: &Beliefs, before: &[Vec<f64>]) -> Vec<Vec<f64>> {
    // 1: it has no partner, whatever the displacement.
    let mut now: Vec<Vec<f64>> = before.iter().map(|row| vec![1.0; row.len()]).collect();
    for (n, pair) in near.iter().enumerate() {
        let weight = fits.alike[n] * beliefs.free[n];
        now[pair.a].iter_mut().zip(&fits.along[n]).for_each(|(v, l)| *v += weight * l);
    }
    let halfway = |(now, before): (Vec<f64>, &Vec<f64>)| {
        let most = now.iter().copied().fold(0.0, f64::max);
        now.iter().zip(before).map(|(n, b)| (n / most * b).sqrt().max(FAINT)).collect()
    };
    now.into_iter().zip(before).map(halfway).collect()
}

/// The cheapest assignment, with P(same) of its links, less the doubt that the costs leave out.
fn with_certainty(pairs: &[Match], params: &TrackParams) -> Vec<Same> {
    let p = track::beliefs(pairs).p_same;
    let certainty = |m: &Match| {
        let at = pairs.binary_search_by_key(&(m.a, m.b), |q| (q.a, q.b)).expect("what is chosen is among the pairs");
        (m.a, m.b, p[at] * (1.0 - params.doubt))
    };
    track::assign(pairs).iter().map(certainty).collect()
}
