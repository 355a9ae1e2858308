//! Where to start: shifts that many pairs of points agree on, for each of several turns.

use crate::geometry::Rigid;
use crate::register::RegisterParams;
use crate::register::cloud::Cloud;
use crate::units::PointUm;

/// Edge of a bin, µm.
const BIN_UM: f64 = 1.0;
/// Step of the turns, degrees: 1 µm at the corner of a field of 80 µm.
const TURN_STEP_DEG: f64 = 1.0;
/// Starts kept per turn.
const PEAKS: usize = 2;
/// Every so many-th sample votes: 1 µm apart.
const STRIDE: usize = 2;

/// Transforms worth refining.
pub(super) fn starts(from: &Cloud, to: &Cloud, params: &RegisterParams) -> Vec<Rigid> {
    let turns = (params.max_turn_deg / TURN_STEP_DEG).ceil() as i64;
    let centre = from.centre();
    // Sessions may be far apart as a whole (another origin): shifts are sought around that of the centres too.
    let apart = to.centre();
    let offset = PointUm::new(apart.z - centre.z, apart.y - centre.y, apart.x - centre.x);
    let far = offset.distance_um(PointUm::default()) > params.max_shift_xy_um;
    let mut found = Vec::new();
    for turn in -turns..=turns {
        let angle = (turn as f64 * TURN_STEP_DEG).to_radians();
        for about in std::iter::once(PointUm::default()).chain(far.then_some(offset)) {
            let rigid = Rigid::new([angle, 0.0, 0.0], centre, about);
            found.extend(peaks(from, to, &rigid, params));
        }
    }
    found
}

/// The shifts with most votes after `rigid`.
fn peaks(from: &Cloud, to: &Cloud, rigid: &Rigid, params: &RegisterParams) -> Vec<Rigid> {
    let half =
        [params.max_shift_z_um, params.max_shift_xy_um, params.max_shift_xy_um].map(|m| (m / BIN_UM).ceil() as i64);
    let size = half.map(|h| 2 * h + 1);
    let at = |bin: [i64; 3]| ((bin[0] + half[0]) * size[1] + bin[1] + half[1]) * size[2] + bin[2] + half[2];
    let inside = |bin: &[i64; 3]| bin.iter().zip(&half).all(|(b, h)| b.abs() <= *h);
    let mut votes = vec![0_u32; (size[0] * size[1] * size[2]) as usize];
    let turn = rigid.turn_deg().to_radians();
    for sample in from.samples.iter().step_by(STRIDE) {
        let place = rigid.apply(sample.place);
        let (ty, tx) = sample.tangent;
        let tangent = (ty * turn.cos() - tx * turn.sin(), ty * turn.sin() + tx * turn.cos());
        to.around(place, params.max_shift_xy_um, |other| {
            let (q, p) = (other.place, place);
            let bin = [q.z - p.z, q.y - p.y, q.x - p.x].map(|d| (d / BIN_UM).round() as i64);
            if inside(&bin) && other.is_along(tangent) {
                votes[at(bin) as usize] += 1;
            }
        });
    }
    let bins = || {
        (-half[0]..=half[0])
            .flat_map(move |z| (-half[1]..=half[1]).flat_map(move |y| (-half[2]..=half[2]).map(move |x| [z, y, x])))
    };
    let mut ranked: Vec<(u32, [i64; 3])> = bins()
        .map(|b| {
            let around = (0..27).map(|k| [b[0] + k / 9 - 1, b[1] + k / 3 % 3 - 1, b[2] + k % 3 - 1]);
            (around.filter(|n| inside(n)).map(|n| votes[at(n) as usize]).sum(), b)
        })
        .collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut kept: Vec<[i64; 3]> = Vec::new();
    for (_, bin) in ranked {
        if kept.iter().all(|k| k.iter().zip(&bin).any(|(a, b)| (a - b).abs() > 2)) {
            kept.push(bin);
        }
        if kept.len() == PEAKS {
            break;
        }
    }
    let shifted = |b: [i64; 3]| {
        let by = b.map(|v| v as f64 * BIN_UM);
        rigid.turned([0.0; 3], PointUm::new(by[0], by[1], by[2]))
    };
    kept.into_iter().map(shifted).collect()
}
