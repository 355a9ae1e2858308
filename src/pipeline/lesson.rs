//! What marks say about candidates: which dendrite each mark is on, and which stretches a person went over.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::detect::Proposal;
use crate::io::SpineMark;
use crate::model::Dendrite;
use crate::score::{Truth, TruthSpine};
use crate::units::PointUm;

/// Fewer marks than this on a traced dendrite do not show that a person went over it.
const MARKS_OF_A_STRETCH: usize = 3;

/// What is seen in one stack. See the example of [`crate::pipeline::learn()`].
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its dendrites.
    pub dendrites: Vec<Dendrite>,
    /// Every candidate beside them.
    pub proposals: Vec<Proposal>,
}

/// Marks that are left out together: those of one dendrite. See the example of [`crate::pipeline::learn()`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Group {
    /// The session, where the user did not number the dendrites; their numbers hold for all sessions.
    pub session: Option<usize>,
    /// The user's number of the dendrite, or that of the traced one.
    pub dendrite_id: i64,
}

/// Marks by group, and the stretches that count as gone over.
#[derive(Clone, Debug)]
pub(super) struct Lesson<'a> {
    /// Marks and their groups; none beside no traced dendrite and without a number.
    marks: Vec<(&'a SpineMark, Option<Group>)>,
    /// Centrelines between the outermost marks of a group on a traced dendrite, by group and session.
    stretches: BTreeMap<(Group, usize), Vec<Vec<PointUm>>>,
}

impl<'a> Lesson<'a> {
    /// `reach_um`: how far from a centreline, in the plane and along z, its spines are marked.
    pub(super) fn new(seen: &[Seen], marks: &'a [SpineMark], reach_um: f64) -> Self {
        let mut grouped = Vec::new();
        let mut beside: BTreeMap<(Group, usize, usize), Vec<usize>> = BTreeMap::new();
        for mark in marks {
            let dendrites = seen.get(mark.session).map_or(&[][..], |s| &s.dendrites);
            let near = nearest(dendrites, mark.place, reach_um);
            let group = match (mark.dendrite_id, near) {
                (Some(dendrite_id), _) => Some(Group { session: None, dendrite_id }),
                (None, Some((d, _))) => {
                    Some(Group { session: Some(mark.session), dendrite_id: i64::from(dendrites[d].dendrite_id) })
                }
                (None, None) => None,
            };
            grouped.push((mark, group));
            if let (Some(group), Some((d, point))) = (group, near) {
                beside.entry((group, mark.session, d)).or_default().push(point);
            }
        }
        let mut stretches: BTreeMap<(Group, usize), Vec<Vec<PointUm>>> = BTreeMap::new();
        for ((group, session, d), points) in beside {
            let ends = (points.iter().min(), points.iter().max());
            if let (Some(&from), Some(&to)) = ends
                && points.len() >= MARKS_OF_A_STRETCH
                && from < to
            {
                let line = seen[session].dendrites[d].points[from..=to].to_vec();
                stretches.entry((group, session)).or_default().push(line);
            }
        }
        Self { marks: grouped, stretches }
    }

    /// Groups with a stretch that a person went over, sorted.
    pub(super) fn groups(&self) -> Vec<Group> {
        let all: BTreeSet<Group> = self.stretches.keys().map(|&(group, _)| group).collect();
        all.into_iter().collect()
    }

    /// Good marks that belong to none of the groups: they teach nothing.
    pub(super) fn unused(&self) -> usize {
        let groups = self.groups();
        self.marks.iter().filter(|(m, g)| !m.is_bad && g.is_none_or(|g| !groups.contains(&g))).count()
    }

    /// Truth of one group in one session: other groups' marks count neither for nor against.
    pub(super) fn truth(&self, group: Group, session: usize) -> Truth {
        let here = self.marks.iter().filter(|(m, _)| m.session == session);
        let spine = |(m, g): &(&SpineMark, Option<Group>)| TruthSpine {
            tip: m.place,
            head: m.head,
            head_kind: None,
            is_bad: m.is_bad || *g != Some(group),
        };
        Truth {
            session: session as i64,
            spines: here.map(spine).collect(),
            centrelines: self.stretches.get(&(group, session)).cloned().unwrap_or_default(),
        }
    }
}

/// The nearest centreline point in the plane, as dendrite and point; none within reach.
fn nearest(dendrites: &[Dendrite], place: PointUm, reach_um: f64) -> Option<(usize, usize)> {
    let points = dendrites.iter().enumerate().flat_map(|(d, dendrite)| {
        dendrite.points.iter().enumerate().map(move |(n, p)| (p.distance_xy_um(place), (p.z - place.z).abs(), d, n))
    });
    let inside = points.filter(|&(xy_um, z_um, ..)| xy_um <= reach_um && z_um <= reach_um);
    inside.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(.., d, n)| (d, n))
}
