//! Spines laid out beside lines, and which of two sessions could be the same.

use std::collections::BTreeMap;

use crate::geometry::{Foot, Line, nearest_line};
use crate::track::TrackParams;
use crate::units::PointUm;

/// Places of one session's spines beside its lines, all in the same µm. See the example of [`Near::all`].
#[derive(Clone, Debug, PartialEq)]
pub struct Laid {
    /// Where the spines are.
    pub places: Vec<PointUm>,
    /// The session's lines.
    pub lines: Vec<Line>,
    /// The foot of each spine on the nearest line.
    pub feet: Vec<Foot>,
    /// The lines each spine may sit on: those hardly farther than the nearest.
    pub hosts: Vec<Vec<usize>>,
}

/// At branch points a spine is about as near to one line as to another, µm.
const HOST_UM: f64 = 1.0;

impl Laid {
    /// Each place beside the nearest of the lines; none if there are no lines. See the example of [`Near::all`].
    pub fn new(places: Vec<PointUm>, lines: Vec<Line>) -> Option<Self> {
        let feet = places.iter().map(|&p| nearest_line(&lines, p)).collect::<Option<Vec<Foot>>>()?;
        let near = |(&place, foot): (&PointUm, &Foot)| {
            let close =
                |n: &usize| *n == foot.line || lines[*n].foot(*n, place).distance_um < foot.distance_um + HOST_UM;
            (0..lines.len()).filter(close).collect()
        };
        let hosts = places.iter().zip(&feet).map(near).collect();
        (!lines.is_empty()).then_some(Self { places, lines, feet, hosts })
    }
}

/// Two spines that could be the same. See the example of [`Near::all`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// Position of the spine in the first session.
    pub a: usize,
    /// Position of the spine in the second.
    pub b: usize,
    /// From the first to the second, (z, y, x), µm.
    pub shift: [f64; 3],
    /// The same along the tangent of the first spine's line, µm.
    pub ds_um: f64,
    /// By how much the second is farther from its line than the first, µm.
    pub du_um: f64,
    /// By how much the second is deeper relative to its line than the first, µm.
    pub dw_um: f64,
    /// Whether both are on the same side of the dendrite.
    pub same_side: bool,
}

impl Near {
    /// Every pair within [`TrackParams::reach_um`] in the image plane and [`TrackParams::reach_z_um`] along z whose lines `may` be the same, sorted.
    ///
    /// ```
    /// use gemmule::geometry::Line;
    /// use gemmule::track::{Laid, Near, TrackParams};
    /// use gemmule::units::PointUm;
    /// let line = Line::from_trace(1, &[PointUm::new(5.0, 10.0, 0.0), PointUm::new(5.0, 10.0, 30.0)]);
    /// let lines: Vec<Line> = line.into_iter().collect();
    /// let day_0 = Laid::new(vec![PointUm::new(5.0, 11.2, 8.0)], lines.clone()).expect("there is a line");
    /// let day_2 = Laid::new(vec![PointUm::new(5.5, 11.4, 8.3), PointUm::new(5.0, 11.2, 25.0)], lines).expect("there is a line");
    /// let near = Near::all(&day_0, &day_2, |_, _| true, &TrackParams::default());
    /// assert_eq!((near.len(), near[0].b), (1, 0)); // the other one is 17 µm away
    /// assert!((near[0].ds_um - 0.3).abs() < 1e-9 && (near[0].du_um - 0.2).abs() < 1e-9 && near[0].same_side);
    /// ```
    pub fn all(a: &Laid, b: &Laid, may: impl Fn(usize, usize) -> bool, params: &TrackParams) -> Vec<Self> {
        let cell = |p: PointUm| ((p.y / params.reach_um).floor() as i64, (p.x / params.reach_um).floor() as i64);
        let mut cells: BTreeMap<(i64, i64), Vec<usize>> = BTreeMap::new();
        for (j, &place) in b.places.iter().enumerate() {
            cells.entry(cell(place)).or_default().push(j);
        }
        let mut found = Vec::new();
        for (i, &p) in a.places.iter().enumerate() {
            let (y, x) = cell(p);
            let around = (y - 1..=y + 1).flat_map(|y| cells.range((y, x - 1)..=(y, x + 1)).flat_map(|(_, c)| c));
            let mut partners: Vec<usize> = around.copied().collect();
            partners.sort_unstable();
            for j in partners {
                let (q, foot_a, foot_b) = (b.places[j], &a.feet[i], &b.feet[j]);
                let same_line = || a.hosts[i].iter().any(|&la| b.hosts[j].iter().any(|&lb| may(la, lb)));
                let far = p.distance_xy_um(q) > params.reach_um || (q.z - p.z).abs() > params.reach_z_um;
                if far || !same_line() {
                    continue;
                }
                let ds_um = (q.y - p.y) * foot_a.tangent.0 + (q.x - p.x) * foot_a.tangent.1;
                let (du_um, dw_um, same_side) = beside((p, foot_a), (q, foot_b), a, b, &may);
                found.push(Self {
                    a: i,
                    b: j,
                    shift: [q.z - p.z, q.y - p.y, q.x - p.x],
                    ds_um,
                    du_um,
                    dw_um,
                    same_side,
                });
            }
        }
        found
    }
}

/// Deviations of the distances from the line and of the depths, µm, and whether the sides are the same.
///
/// Each spine is measured from its own session's line, so that bends of the dendrite between sessions leave no trace. At
/// branch points the nearest line is not the same in both sessions: there, and where the sides would be opposite, both
/// are measured from one line, the first session's or the second's, whichever makes them more alike.
fn beside(
    (p, foot_a): (PointUm, &Foot),
    (q, foot_b): (PointUm, &Foot),
    a: &Laid,
    b: &Laid,
    may: impl Fn(usize, usize) -> bool,
) -> (f64, f64, bool) {
    let compare = |u_a: f64, u_b: f64, dw: f64| (u_b.abs() - u_a.abs(), dw, (u_a >= 0.0) == (u_b >= 0.0));
    if may(foot_a.line, foot_b.line) {
        let along = foot_a.tangent.0 * foot_b.tangent.0 + foot_a.tangent.1 * foot_b.tangent.1;
        let own = compare(foot_a.u_um, foot_b.u_um * along.signum(), foot_b.w_um - foot_a.w_um);
        if own.2 {
            return own;
        }
    }
    let on_a = compare(foot_a.u_um, a.lines[foot_a.line].foot(0, q).u_um, q.z - p.z);
    let on_b = compare(b.lines[foot_b.line].foot(0, p).u_um, foot_b.u_um, q.z - p.z);
    if (on_a.2, -on_a.0.abs()) >= (on_b.2, -on_b.0.abs()) { on_a } else { on_b }
}
