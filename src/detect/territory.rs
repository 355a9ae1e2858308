//! Which dendrite a place belongs to: the nearest one.

use std::collections::HashMap;

use crate::model::Dendrite;
use crate::straight::Straight;
use crate::units::PointUm;

/// Edge of a cell of the search grid, µm; also the farthest another dendrite is looked for.
const CELL_UM: f64 = 5.0;
/// Weight of z in distances: the blur of a shaft reaches 5 to 8 times farther along z.
const Z_WEIGHT: f64 = 0.15;
/// Points of the own dendrite further along than this are another stretch of it, µm.
const SAME_STRETCH_UM: f64 = 3.0;
/// Centreline points used, of each dendrite, µm apart.
const SPACING_UM: f64 = 0.3;

/// A centreline point, its dendrite and its arc length.
type Stop = (PointUm, u32, f64);

/// Every dendrite's centreline, for nearest-point queries.
#[derive(Debug)]
pub(crate) struct Territory {
    cells: HashMap<(i64, i64), Vec<Stop>>,
}

impl Territory {
    /// From all dendrites of a stack.
    pub(crate) fn new(dendrites: &[Dendrite]) -> Self {
        let mut cells: HashMap<(i64, i64), Vec<Stop>> = HashMap::new();
        for dendrite in dendrites {
            let mut last = f64::NEG_INFINITY;
            for (&point, &s_um) in dendrite.points.iter().zip(&dendrite.s_um) {
                if s_um - last >= SPACING_UM {
                    last = s_um;
                    cells.entry(cell(point)).or_default().push((point, dendrite.dendrite_id, s_um));
                }
            }
        }
        Self { cells }
    }

    /// Whether a place at `lateral_um` beside dendrite `id` at `s_um` is nearer to another stretch.
    pub(crate) fn belongs_elsewhere(&self, place: PointUm, w_um: f64, lateral_um: f64, id: u32, s_um: f64) -> bool {
        let own = lateral_um.powi(2) + (Z_WEIGHT * w_um).powi(2);
        let (cy, cx) = cell(place);
        (cy - 1..=cy + 1).flat_map(|y| (cx - 1..=cx + 1).map(move |x| (y, x))).any(|key| {
            self.cells.get(&key).is_some_and(|points| {
                points.iter().any(|&(p, other, s)| {
                    let elsewhere = other != id || (s - s_um).abs() > SAME_STRETCH_UM;
                    let d = place.squared_xy_um2(p) + (Z_WEIGHT * (place.z - p.z)).powi(2);
                    elsewhere && d < own
                })
            })
        })
    }

    /// For each sample of a straightened dendrite, whether it is the dendrite's own.
    pub(crate) fn mask(&self, straight: &Straight) -> Vec<bool> {
        let frame = &straight.frame;
        // Borders between territories need no finer answer than half a shaft.
        let coarse = |step: f64, um: f64| ((um / step).round() as usize).max(1);
        let (ks, ku, kw) = (coarse(frame.step_s_um, 0.3), coarse(frame.step_u_um, 0.3), coarse(frame.step_w_um, 1.0));
        let mut own = vec![true; frame.len()];
        for s in (0..frame.ns()).step_by(ks) {
            for w in (0..frame.nw()).step_by(kw) {
                for u in (0..frame.nu()).step_by(ku) {
                    let (cs, cw, cu) = (
                        (s + ks / 2).min(frame.ns() - 1),
                        (w + kw / 2).min(frame.nw() - 1),
                        (u + ku / 2).min(frame.nu() - 1),
                    );
                    let (w_um, u_um) = (frame.w_um(cw as f64), frame.u_um(cu as f64));
                    let place = frame.place(cs, cw, cu);
                    if self.belongs_elsewhere(place, w_um, u_um.abs(), frame.dendrite_id, frame.points[cs].s_um) {
                        for i in s..(s + ks).min(frame.ns()) {
                            for j in w..(w + kw).min(frame.nw()) {
                                let from = frame.index(i, j, u);
                                own[from..from + ku.min(frame.nu() - u)].fill(false);
                            }
                        }
                    }
                }
            }
        }
        own
    }
}

fn cell(p: PointUm) -> (i64, i64) {
    ((p.y / CELL_UM).floor() as i64, (p.x / CELL_UM).floor() as i64)
}
