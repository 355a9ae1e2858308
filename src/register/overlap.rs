//! Which line of one session runs along which of another.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::geometry::Line;
use crate::register::RegisterParams;
use crate::register::cloud::Cloud;

/// Two lines that run together. See the example of [`overlaps`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overlap {
    /// Position of the first session's line.
    pub a: usize,
    /// Position of the second session's line.
    pub b: usize,
    /// Length over which they do, µm.
    pub length_um: f64,
}

/// Pairs of lines that run together over [`RegisterParams::min_overlap_um`] or half of the shorter one, from points and not from ids: a dendrite traced
/// in one piece in one session may be several in another. `a_in_b` are the first session's lines in the second's µm. Sorted.
///
/// ```
/// use gemmule::geometry::Line;
/// use gemmule::register::{RegisterParams, overlaps};
/// use gemmule::units::PointUm;
/// let along_x = |y| Line::from_trace(1, &[PointUm::new(5.0, y, 0.0), PointUm::new(5.0, y, 30.0)]);
/// let day_0: Vec<Line> = [10.0, 40.0].into_iter().filter_map(along_x).collect();
/// let day_2: Vec<Line> = [40.5].into_iter().filter_map(along_x).collect(); // the first was not traced
/// let found = overlaps(&day_0, &day_2, &RegisterParams::default());
/// assert_eq!(found.len(), 1);
/// assert!((found[0].a, found[0].b) == (1, 0) && (found[0].length_um - 30.0).abs() < 1.0);
/// ```
pub fn overlaps(a_in_b: &[Line], b: &[Line], params: &RegisterParams) -> Vec<Overlap> {
    let (from, to) = (Cloud::new(a_in_b), Cloud::new(b));
    let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for sample in &from.samples {
        if let Some((near, _)) = to.nearest(sample.place, sample.tangent, params.inlier_um) {
            *counts.entry((sample.line, near.line)).or_default() += 1;
        }
    }
    let length = |n: usize| n as f64 * from.spacing_um();
    let pairs = counts.into_iter().map(|((a, b), n)| Overlap { a, b, length_um: length(n) });
    let shorter = |o: &Overlap| a_in_b[o.a].length_um().min(b[o.b].length_um());
    pairs.filter(|o| o.length_um >= params.min_overlap_um.min(0.5 * shorter(o))).collect()
}
