//! Spines laid out beside lines, and what it costs to call two of them the same.

use std::collections::BTreeMap;

use crate::geometry::{Elastic, Foot, Line, nearest_line};
use crate::track::TrackParams;
use crate::units::PointUm;

/// Places of one session's spines beside its lines, all in the same µm.
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
    /// Each place beside the nearest of the lines; none if there are no lines.
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

/// How two spines lie in the frame of one line.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Beside {
    tangent: (f64, f64),
    /// Distance of the first and of the second spine from the line, µm; the line is the first session's, or the second's.
    u_um: (f64, f64),
    of_first: bool,
}

/// Two spines that could be the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// Position of the spine in the first session.
    pub a: usize,
    /// Position of the spine in the second.
    pub b: usize,
    /// From the first to the second, (z, y, x), µm.
    pub shift: [f64; 3],
    /// In the frame of either's own line: at branch points the nearest line is not the same in both sessions.
    beside: [Beside; 2],
}

impl Near {
    /// Every pair within [`TrackParams::reach_um`] in the image plane and [`TrackParams::reach_z_um`] along z whose lines `may` be the same, sorted.
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
                let on_a = a.lines[foot_a.line].foot(0, q).u_um;
                let on_b = b.lines[foot_b.line].foot(0, p).u_um;
                let beside = [
                    Beside { tangent: foot_a.tangent, u_um: (foot_a.u_um, on_a), of_first: true },
                    Beside { tangent: foot_b.tangent, u_um: (on_b, foot_b.u_um), of_first: false },
                ];
                found.push(Self { a: i, b: j, shift: [q.z - p.z, q.y - p.y, q.x - p.x], beside });
            }
        }
        found
    }

    /// Cost of calling the two the same, where the first session is displaced by `elastic` and all sigmas are `widen` times
    /// as wide: with the deviations ds along the line, d|u| of the distances from the line and dw along z,
    ///
    /// C = (ds/sigma_s)²/2 + min((d|u|/sigma_u)²/2, cap) + min((dw/sigma_w)²/2, cap), and + opposite on opposite sides;
    ///
    /// the smaller of the two in the frames of either's line.
    pub fn cost(&self, a: &Laid, elastic: &Elastic, widen: f64, params: &TrackParams) -> f64 {
        let foot = &a.feet[self.a];
        let field = elastic.at(foot.line, foot.s_um).zyx(foot.tangent);
        let left = [0, 1, 2].map(|axis| self.shift[axis] - field[axis]);
        let half = |deviation: f64, sigma: f64| 0.5 * (deviation / (sigma * widen)).powi(2);
        let in_frame = |beside: &Beside| {
            let (ty, tx) = beside.tangent;
            let ds = left[1] * ty + left[2] * tx;
            let across = field[2] * ty - field[1] * tx;
            // The field moves the first session's line along with its spine.
            let (u_a, u_b) = if beside.of_first {
                (beside.u_um.0, beside.u_um.1 - across)
            } else {
                (beside.u_um.0 + across, beside.u_um.1)
            };
            let opposite = if (u_a >= 0.0) == (u_b >= 0.0) { 0.0 } else { params.opposite };
            half(ds, params.sigma_s_um)
                + half(u_b.abs() - u_a.abs(), params.sigma_u_um).min(params.cap)
                + half(left[0], params.sigma_w_um).min(params.cap)
                + opposite
        };
        in_frame(&self.beside[0]).min(in_frame(&self.beside[1]))
    }
}
