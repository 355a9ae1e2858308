//! Two sessions: register -> P(same) -> refit the displacement along the dendrites -> P(same) again -> link.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::geometry::{Elastic, Line, SessionMap};
use crate::pipeline::Params;
use crate::register::{self, Overlap, Pair, RigidFit};
use crate::track::{self, Laid, Match, Near, TrackParams};
use crate::units::PointUm;

/// Spines and dendrites of one session, in its own µm.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Where the spines are.
    pub places: Vec<PointUm>,
    /// The centrelines.
    pub lines: Vec<Line>,
}

/// Two spines that are the same one, by their positions in either session, and how sure that is.
pub type Same = (usize, usize, f64);

/// How two sessions belong together.
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
    /// Spines that are the same.
    pub same: Vec<Same>,
}

/// Registers session `a` to session `b` and links their spines.
///
/// `trust_ids`: lines of the same [`Line::dendrite_id`] are the same dendrite, and no others are.
///
/// # Errors
/// A registration that cannot be trusted ([`register::rigid`]), a spine beside no line, parameters out of range.
pub fn link_pair(a: &Observed, b: &Observed, trust_ids: bool, params: &Params) -> Result<PairLinks> {
    let fit = register::rigid(&a.lines, &b.lines, (&a.places, &b.places), &params.register)?;
    let lines_in_b: Vec<Line> = a.lines.iter().map(|line| line.moved(&fit.rigid)).collect();
    let overlaps = if trust_ids {
        same_ids(&lines_in_b, &b.lines)
    } else {
        register::overlaps(&lines_in_b, &b.lines, &params.register)
    };
    let moved = a.places.iter().map(|&p| fit.rigid.apply(p)).collect();
    let (laid_a, laid_b) = (laid(moved, &lines_in_b)?, laid(b.places.clone(), &b.lines)?);
    let alike: BTreeSet<(usize, usize)> = overlaps.iter().map(|o| (o.a, o.b)).collect();
    let near = Near::all(&laid_a, &laid_b, |la, lb| alike.contains(&(la, lb)), &params.track);
    let (elastic, pairs) = settle(&laid_a, &near, params);
    let same = with_certainty(&pairs, &params.track);
    Ok(PairLinks { map: SessionMap { rigid: fit.rigid, elastic }, fit, lines_in_b, overlaps, same })
}

/// Links spines that no session in between links: `map` leads over the sessions in between.
///
/// # Errors
/// A spine beside no line.
pub(super) fn link_across(
    a: &Observed,
    b: &Observed,
    alike: &BTreeSet<(usize, usize)>,
    map: &SessionMap,
    params: &TrackParams,
) -> Result<Vec<Same>> {
    let lines: Vec<Line> = a.lines.iter().map(|line| line.moved(&map.rigid)).collect();
    let moved = a.places.iter().map(|&p| map.rigid.apply(p)).collect();
    let (laid_a, laid_b) = (laid(moved, &lines)?, laid(b.places.clone(), &b.lines)?);
    let near = Near::all(&laid_a, &laid_b, |la, lb| alike.contains(&(la, lb)), params);
    Ok(with_certainty(&costs(&laid_a, &near, &map.elastic, 1.0, params), params))
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

fn costs(a: &Laid, near: &[Near], elastic: &Elastic, widen: f64, params: &TrackParams) -> Vec<Match> {
    near.iter().map(|n| Match { a: n.a, b: n.b, cost: n.cost(a, elastic, widen, params) }).collect()
}

/// Below this a pair does not pull the displacement.
const NO_PULL: f64 = 1e-3;
/// Change of a probability at which the rounds have settled.
const SETTLED: f64 = 1e-3;

/// Rounds of P(same) and of the displacement refitted with it as weights, until neither changes (expectation
/// maximisation): the displacement, and all pairs' costs with it. Weights instead of chosen links keep a first wrong
/// choice from confirming itself.
fn settle(a: &Laid, near: &[Near], params: &Params) -> (Elastic, Vec<Match>) {
    let widen = &params.track.widen;
    let mut elastic = Elastic::default();
    let mut before = vec![0.0; near.len()];
    for round in 0..params.track.rounds {
        let costs = costs(a, near, &elastic, widen[round.min(widen.len() - 1)], &params.track);
        let p = track::p_same(&costs, params.track.unpaired);
        let changed = p.iter().zip(&before).any(|(new, old)| (new - old).abs() > SETTLED);
        if round >= widen.len() && !changed {
            break;
        }
        let pair = |(n, &weight): (&Near, &f64)| {
            let foot = &a.feet[n.a];
            (weight > NO_PULL).then_some(Pair { line: foot.line, s_um: foot.s_um, shift: n.shift, weight })
        };
        let pairs: Vec<Pair> = near.iter().zip(&p).filter_map(pair).collect();
        elastic = register::elastic(&a.lines, &pairs, &params.register);
        before = p;
    }
    let pairs = costs(a, near, &elastic, 1.0, &params.track);
    (elastic, pairs)
}

/// The cheapest assignment, with P(same) of its links, less the doubt that the costs leave out.
fn with_certainty(pairs: &[Match], params: &TrackParams) -> Vec<Same> {
    let p = track::p_same(pairs, params.unpaired);
    let chosen = track::assign(pairs, params.unpaired);
    let certainty = |m: &Match| {
        let at = pairs.binary_search_by_key(&(m.a, m.b), |q| (q.a, q.b)).expect("what is chosen is among the pairs");
        (m.a, m.b, p[at] * (1.0 - params.doubt))
    };
    chosen.iter().map(certainty).collect()
}
