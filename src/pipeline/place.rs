//! Where a site lies in every session.

use crate::geometry::{Foot, Line, nearest_line};
use crate::pipeline::pair::Observed;
use crate::pipeline::sites::Sites;
use crate::track::Member;
use crate::units::PointUm;

/// Beyond an end of a trace by this much a spine still counts as on it, µm.
const END_UM: f64 = 0.5;
/// How far a site's distance from its line may change and still be from the same line, µm.
const SAME_UM: f64 = 2.0;
/// The same along z, where marks and traces are whole planes and blurred.
const SAME_Z_UM: f64 = 4.0;
/// Cosine of the largest angle between a site's dendrite and the line it is sought on: 37 degrees.
const PARALLEL: f64 = 0.8;

/// Where a site lies in one session, in that session's µm.
///
/// ```
/// use gemmule::geometry::{Line, nearest_line};
/// use gemmule::pipeline::SitePlace;
/// use gemmule::units::PointUm;
/// let along_x = |y| Line::from_trace(1, &[PointUm::new(5.0, y, 0.0), PointUm::new(5.0, y, 20.0)]);
/// let lines: Vec<Line> = [10.0, 30.0].into_iter().filter_map(along_x).collect();
/// // A spine 1.2 µm beside the second dendrite, and where it is expected in a session that does not show it.
/// let own = nearest_line(&lines, PointUm::new(5.0, 31.2, 8.0)).expect("there are lines");
/// let expected = SitePlace { place: PointUm::new(5.0, 31.0, 8.3), ahead: PointUm::new(5.0, 31.0, 9.3), steps: 1 };
/// assert_eq!(expected.line(&lines, &own), Some(1));
/// assert_eq!(expected.line(&lines[..1], &own), None); // its dendrite was not traced
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SitePlace {
    /// Its place: the spine's, or the expected one.
    pub place: PointUm,
    /// The place 1 µm further along its dendrite.
    pub ahead: PointUm,
    /// Sessions from here to the one in which it was seen: 0 where it was.
    pub steps: usize,
}

impl SitePlace {
    fn through(self, map: impl Fn(PointUm) -> PointUm) -> Self {
        Self { place: map(self.place), ahead: map(self.ahead), steps: self.steps + 1 }
    }

    /// The line of `lines` that passes where a spine that sits as `own` on its dendrite would be: in the same direction, at the same
    /// distance (2 µm in the image plane, 4 µm along z) and between its ends; the one whose distance fits best. See the example of [`SitePlace`].
    pub fn line(&self, lines: &[Line], own: &Foot) -> Option<usize> {
        let (dy, dx) = (self.ahead.y - self.place.y, self.ahead.x - self.place.x);
        let misfit = |foot: &Foot| (foot.u_um.abs() - own.u_um.abs()).abs();
        let fits = |(line, foot): &(&Line, Foot)| {
            let inside = (-END_UM..=line.length_um() + END_UM).contains(&foot.s_um);
            let parallel = (foot.tangent.0 * dy + foot.tangent.1 * dx).abs() > PARALLEL * dy.hypot(dx);
            inside && parallel && misfit(foot) <= SAME_UM && (foot.w_um - own.w_um).abs() <= SAME_Z_UM
        };
        let feet = lines.iter().enumerate().map(|(n, line)| (line, line.foot(n, self.place)));
        let best = feet.filter(fits).min_by(|a, b| misfit(&a.1).total_cmp(&misfit(&b.1)));
        best.map(|(_, foot)| foot.line)
    }
}

impl Sites {
    /// Where the site of `members` lies in every session: its spines' places, and elsewhere the place expected from the
    /// nearest session that has it (the earlier of two). None in a session left out, and for a spine beside no line. See the example of [`crate::pipeline::sites()`].
    pub fn places(&self, members: &[Member], sessions: &[&Observed]) -> Vec<Option<SitePlace>> {
        let mut lies: Vec<Option<SitePlace>> = vec![None; sessions.len()];
        for &(session, spine) in members {
            let place = sessions[session].places[spine];
            lies[session] = nearest_line(&sessions[session].lines, place).map(|foot| {
                let ahead = PointUm::new(place.z, place.y + foot.tangent.0, place.x + foot.tangent.1);
                SitePlace { place, ahead, steps: 0 }
            });
        }
        // Once forth, then back where that is nearer.
        let steps: Vec<_> = self.steps().collect();
        for &(a, b, pair) in &steps {
            if let (None, Some(site)) = (lies[b], lies[a]) {
                lies[b] = Some(site.through(|p| pair.map.forth(p, &pair.lines_in_b)));
            }
        }
        for &(a, b, pair) in steps.iter().rev() {
            let Some(site) = lies[b] else { continue };
            if lies[a].is_none_or(|now| now.steps > site.steps + 1) {
                lies[a] = Some(site.through(|p| pair.map.back(p, &pair.lines_in_b)));
            }
        }
        lies
    }
}
