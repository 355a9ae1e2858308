//! Points sampled from lines, with their nearest neighbours.

use std::collections::BTreeMap;

use crate::geometry::Line;
use crate::units::PointUm;

/// Distance between samples, µm.
const SPACING_UM: f64 = 0.5;
/// Edge of a cell, µm.
const CELL_UM: f64 = 4.0;
/// Weight of z against x and y in distances: traces jump by planes, and the optics blur z several times more.
pub(super) const Z_WEIGHT: f64 = 0.5;

/// A point of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) place: PointUm,
    /// Unit tangent (y, x).
    pub(super) tangent: (f64, f64),
    pub(super) line: usize,
    pub(super) s_um: f64,
}

impl Sample {
    /// Whether two lines run the same way here, whichever way they were traced: within 37 degrees.
    pub(super) fn is_along(&self, other: (f64, f64)) -> bool {
        (self.tangent.0 * other.0 + self.tangent.1 * other.1).abs() > 0.8
    }
}

/// Samples in cells of the image plane.
pub(super) struct Cloud {
    pub(super) samples: Vec<Sample>,
    cells: BTreeMap<(i64, i64), Vec<usize>>,
}

fn cell(place: PointUm) -> (i64, i64) {
    ((place.y / CELL_UM).floor() as i64, (place.x / CELL_UM).floor() as i64)
}

impl Cloud {
    /// Samples of all lines, half a µm apart.
    pub(super) fn new(lines: &[Line]) -> Self {
        let mut samples = Vec::new();
        for (n, line) in lines.iter().enumerate() {
            let mut next = f64::NEG_INFINITY;
            for (i, &s_um) in line.s_um.iter().enumerate() {
                if s_um >= next {
                    samples.push(Sample { place: line.points[i], tangent: line.tangents[i], line: n, s_um });
                    next = s_um + SPACING_UM - 1e-9;
                }
            }
        }
        let mut cells: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (i, sample) in samples.iter().enumerate() {
            cells.entry(cell(sample.place)).or_default().push(i);
        }
        Self { samples, cells }
    }

    /// Length of line one sample stands for, µm.
    pub(super) fn spacing_um(&self) -> f64 {
        SPACING_UM
    }

    /// Middle of all samples.
    pub(super) fn centre(&self) -> PointUm {
        let n = self.samples.len().max(1) as f64;
        let mean = |axis: fn(&PointUm) -> f64| self.samples.iter().map(|s| axis(&s.place)).sum::<f64>() / n;
        PointUm::new(mean(|p| p.z), mean(|p| p.y), mean(|p| p.x))
    }

    /// Calls `found` with every sample within `reach_um` of `place` in the image plane, and some beyond.
    pub(super) fn around(&self, place: PointUm, reach_um: f64, mut found: impl FnMut(&Sample)) {
        let at = |dy, dx| cell(PointUm::new(0.0, place.y + dy, place.x + dx));
        let (low, high) = (at(-reach_um, -reach_um), at(reach_um, reach_um));
        for y in low.0..=high.0 {
            for (_, members) in self.cells.range((y, low.1)..=(y, high.1)) {
                members.iter().for_each(|&i| found(&self.samples[i]));
            }
        }
    }

    /// The nearest sample (z counted half) that runs along `tangent`, and its distance; none within `reach_um`.
    pub(super) fn nearest(&self, place: PointUm, tangent: (f64, f64), reach_um: f64) -> Option<(Sample, f64)> {
        let mut best: Option<(Sample, f64)> = None;
        self.around(place, reach_um, |sample| {
            let d = place.distance_xy_um(sample.place).hypot(Z_WEIGHT * (place.z - sample.place.z));
            if d <= reach_um && sample.is_along(tangent) && best.is_none_or(|(_, least)| d < least) {
                best = Some((*sample, d));
            }
        });
        best
    }
}
