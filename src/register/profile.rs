//! What a line looks like along its course, and how well two views of it agree at every displacement.

use crate::geometry::Line;
use crate::register::drift::{Drift, SHIFT_STEP_UM};
use crate::register::{Overlap, RegisterParams};
use crate::units::PointUm;

/// Every so many-th point of a line is compared: half a µm.
const STRIDE: usize = 2;
/// Farthest the other session's line may lie aside, µm, and cosine of the largest angle to it: 37 degrees.
const ASIDE_UM: f64 = 2.5;
const PARALLEL: f64 = 0.8;
/// Beyond an end of a line its profile is not known, µm.
const END_UM: f64 = 0.5;
/// Slow changes along the dendrite (brightness, depth of focus) are taken out with a Gaussian of this standard deviation, µm.
const SLOW_UM: f64 = 6.0;
/// Least share of the displacements that must be seen for a place to say anything.
const MIN_SEEN: f64 = 0.5;

/// One row of values per point of a line: first those on its left from the shaft outwards, then as many on its right, in
/// units that grow with brightness but hardly with the session's gain (log(1 + contrast)). NaN where the image does not reach. See the example of [`Drift::compare`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// Values per side.
    pub bins: usize,
    /// Rows, one after the other.
    pub values: Vec<f32>,
}

impl Profile {
    fn row(&self, point: usize) -> Option<&[f32]> {
        let row = self.values.get(2 * self.bins * point..2 * self.bins * (point + 1))?;
        row.iter().all(|v| v.is_finite()).then_some(row)
    }
}

/// Most that a place can cost, in differences between places that have nothing to do with each other: a bright spine that came or went says no
/// more than that.
const MOST: f64 = 2.0;

/// Rows without their slow changes; none where not seen.
type Rows = Vec<Option<Vec<f64>>>;

impl Drift {
    /// Takes in how well `profiles` of either session (one per line) agree at every displacement.
    ///
    /// Each place of a line costs [`RegisterParams::profile_weight`] * 2 (1 - exp(-D / 2 D0)): D(displacement) is the squared difference
    /// of the rows, after slow changes are taken out, and D0 what it is between places that have nothing to do with each other.
    /// Where either is not seen nothing is said.
    ///
    /// ```
    /// use gemmule::geometry::Line;
    /// use gemmule::register::{Drift, Profile, RegisterParams, overlaps};
    /// use gemmule::units::PointUm;
    /// let line = Line::from_trace(1, &[PointUm::new(5.0, 10.0, 0.0), PointUm::new(5.0, 10.0, 40.0)]);
    /// let lines: Vec<Line> = line.into_iter().collect();
    /// // Bright spots at odd places on the left; in the other session all of them .75 µm further along.
    /// let spots = [4.0, 9.3, 13.1, 20.7, 24.2, 31.9, 36.4];
    /// let seen = |moved: f64| Profile {
    ///     bins: 1,
    ///     values: lines[0].s_um.iter().flat_map(|s| {
    ///         let left: f64 = spots.iter().map(|at| (-((s - at - moved) / 0.5).powi(2)).exp()).sum();
    ///         [left as f32, 0.0]
    ///     }).collect(),
    /// };
    /// let params = RegisterParams::default();
    /// let mut drift = Drift::new(&lines, &params);
    /// let together = overlaps(&lines, &lines, &params);
    /// drift.compare((&lines, &[seen(0.0)]), (&lines, &[seen(0.75)]), &together, &params);
    /// let found = drift.posterior(0, std::iter::empty());
    /// assert!((drift.mean_um(0, 20.0, &found) - 0.75).abs() < 0.2);
    /// ```
    pub fn compare(
        &mut self,
        (a_in_b, profiles_a): (&[Line], &[Profile]),
        (b, profiles_b): (&[Line], &[Profile]),
        overlaps: &[Overlap],
        params: &RegisterParams,
    ) {
        for (n, (line, profile)) in a_in_b.iter().zip(profiles_a).enumerate() {
            let partners: Vec<usize> = overlaps.iter().filter(|o| o.a == n).map(|o| o.b).collect();
            let own: Rows = (0..line.points.len()).map(|i| profile.row(i).map(wide)).collect();
            let reach = (params.drift_reach_um / SHIFT_STEP_UM).round() as i64 + 1;
            let others = other(line, reach, &partners, b, profiles_b);
            self.compare_line(n, line, (quickened(own), quickened(others)), reach, params);
        }
    }

    fn compare_line(&mut self, n: usize, line: &Line, (own, other): (Rows, Rows), reach: i64, params: &RegisterParams) {
        let null = spread(&own) + spread(&other);
        if null <= 0.0 {
            return;
        }
        let spacing = line.length_um() / (line.points.len() - 1).max(1) as f64;
        let shifts = self.shifts_um().to_vec();
        for (i, row) in own.iter().enumerate().step_by(STRIDE) {
            let Some(row) = row else { continue };
            let cost = |shift: &f64| {
                let at = i as i64 + reach + (shift / spacing).round() as i64;
                let there = other.get(usize::try_from(at).ok()?)?.as_ref()?;
                let difference = row.iter().zip(there).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / null;
                Some(params.profile_weight * MOST * (1.0 - (-difference / MOST).exp()))
            };
            let costs: Vec<Option<f64>> = shifts.iter().map(cost).collect();
            let seen: Vec<f64> = costs.iter().copied().flatten().collect();
            if seen.len() as f64 >= MIN_SEEN * shifts.len() as f64 {
                let mean = seen.iter().sum::<f64>() / seen.len() as f64;
                let costs: Vec<f64> = costs.into_iter().map(|c| c.unwrap_or(mean)).collect();
                self.see(n, line.s_um[i], &costs);
            }
        }
    }
}

fn wide(row: &[f32]) -> Vec<f64> {
    row.iter().map(|&v| f64::from(v)).collect()
}

/// Rows of the other session's lines at every point of `line`, and at `reach` further points before and after it.
fn other(line: &Line, reach: i64, partners: &[usize], b: &[Line], profiles: &[Profile]) -> Rows {
    let last = line.points.len() as i64 - 1;
    let spacing = line.length_um() / last.max(1) as f64;
    let row = |at: i64| {
        let inside = at.clamp(0, last);
        let ((ty, tx), p) = (line.tangents[inside as usize], line.points[inside as usize]);
        let beyond = (at - inside) as f64 * spacing;
        let place = PointUm::new(p.z, p.y + beyond * ty, p.x + beyond * tx);
        let feet = partners.iter().map(|&n| b[n].foot(n, place));
        let near = feet.filter(|f| {
            let along = (f.tangent.0 * ty + f.tangent.1 * tx).abs();
            let length = b[f.line].length_um();
            f.distance_um <= ASIDE_UM && along > PARALLEL && (-END_UM..=length + END_UM).contains(&f.s_um)
        });
        let foot = near.min_by(|f, g| f.distance_um.total_cmp(&g.distance_um))?;
        let to = &b[foot.line];
        let after = to.s_um.partition_point(|&s| s < foot.s_um).min(to.points.len() - 1);
        let before = after.saturating_sub(1);
        let nearer = if foot.s_um - to.s_um[before] < to.s_um[after] - foot.s_um { before } else { after };
        let profile = profiles.get(foot.line)?;
        let mut row = wide(profile.row(nearer)?);
        if foot.tangent.0 * ty + foot.tangent.1 * tx < 0.0 {
            // Traced from the other end: left is right.
            row.rotate_left(profile.bins);
        }
        Some(row)
    };
    (-reach..=last + reach).map(row).collect()
}

/// Rows less their Gaussian mean along the line, of what is seen.
fn quickened(rows: Rows) -> Rows {
    let sigma = SLOW_UM / SHIFT_STEP_UM;
    let radius = (3.0 * sigma).ceil() as usize;
    let taps: Vec<f64> = (0..=radius).map(|k| (-0.5 * (k as f64 / sigma).powi(2)).exp()).collect();
    let quick = |(i, row): (usize, &Option<Vec<f64>>)| {
        let row = row.as_ref()?;
        let (mut sum, mut total) = (vec![0.0; row.len()], 0.0);
        for j in i.saturating_sub(radius)..(i + radius + 1).min(rows.len()) {
            let Some(near) = &rows[j] else { continue };
            let tap = taps[i.abs_diff(j)];
            sum.iter_mut().zip(near).for_each(|(s, v)| *s += tap * v);
            total += tap;
        }
        Some(row.iter().zip(sum).map(|(v, s)| v - s / total).collect())
    };
    rows.iter().enumerate().map(quick).collect()
}

/// Summed variance of the values of all rows, whose mean along the line is near 0.
fn spread(rows: &Rows) -> f64 {
    let seen: Vec<f64> = rows.iter().flatten().map(|row| row.iter().map(|v| v * v).sum::<f64>()).collect();
    if seen.is_empty() { 0.0 } else { seen.iter().sum::<f64>() / seen.len() as f64 }
}

#[cfg(test)]
mod tests {
    use crate::geometry::Line;
    use crate::register::{Drift, Overlap, Profile, RegisterParams};
    use crate::units::PointUm;

    /// Bumps at irregular places on either side, of one height per place.
    fn profile(n: usize, shift: impl Fn(f64) -> f64, gain: f32, turned: bool) -> Profile {
        let places = [3.0, 5.5, 11.0, 12.5, 19.0, 24.0, 25.5, 33.0, 36.0, 44.0, 46.5, 52.0, 57.0];
        let height = |s: f64, side: usize| -> f32 {
            let bump = |(k, p): (usize, &f64)| {
                let on = f64::from(u8::from(k % 3 % 2 == side));
                on * (1.0 + 0.1 * k as f64) * (-0.5 * ((s - p - shift(*p)) / 0.4).powi(2)).exp()
            };
            places.iter().enumerate().map(bump).sum::<f64>() as f32
        };
        let s = |i: usize| 0.25 * if turned { n - 1 - i } else { i } as f64;
        let row =
            |i: usize| if turned { [height(s(i), 1), height(s(i), 0)] } else { [height(s(i), 0), height(s(i), 1)] };
        Profile { bins: 1, values: (0..n).flat_map(row).map(|v| (gain * v).ln_1p()).collect() }
    }

    #[test]
    fn bumps_say_where_a_stretched_line_has_gone() {
        let mut trace: Vec<PointUm> = (0..=120).map(|i| PointUm::new(5.0, 10.0, 0.5 * f64::from(i))).collect();
        let a = [Line::from_trace(0, &trace).unwrap()];
        trace.reverse();
        let b = [Line::from_trace(0, &trace).unwrap()];
        let n = a[0].points.len();
        let (params, overlaps) = (RegisterParams::default(), [Overlap { a: 0, b: 0, length_um: 60.0 }]);
        let moved = |s: f64| 1.5 * (s / 15.0).sin();
        // Half as bright, and traced from the other end.
        let (pa, pb) = ([profile(n, |_| 0.0, 4.0, false)], [profile(n, moved, 2.0, true)]);
        let mut drift = Drift::new(&a, &params);
        drift.compare((&a, &pa), (&b, &pb), &overlaps, &params);
        let drifted = drift.posterior(0, std::iter::empty());
        for s in [3.0, 12.0, 24.0, 36.0, 46.0, 57.0] {
            let found = drift.mean_um(0, s, &drifted);
            assert!((found - moved(s)).abs() < 0.35, "{found} at {s}, true {}", moved(s));
        }
        // Nothing seen, nothing said.
        let mut blind = Drift::new(&a, &params);
        let none = [Profile { bins: 1, values: vec![f32::NAN; 2 * n] }];
        blind.compare((&a, &none), (&b, &pb), &overlaps, &params);
        assert!(blind.mean_um(0, 24.0, &blind.posterior(0, std::iter::empty())).abs() < 1e-9);
    }
}
