//! What the kinetics of a series make on average: the truth that is programmed, not the one that chance made of it.

use serde::Serialize;

use crate::phantom::SeriesParams;
use crate::phantom::kinetics::{at, erases, left};

/// Mean course of a series. See the example of [`expected()`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Expected {
    /// Spines of each session over those of the first.
    pub density_ratio: Vec<f64>,
    /// Formed in each interval over the spines of its first session.
    pub formation: Vec<f64>,
    /// Eliminated in each interval over the spines of its first session.
    pub elimination: Vec<f64>,
    /// Of the spines first seen at a session (row, from the second one), the share that is there at each later session, itself included.
    pub survival: Vec<Vec<f64>>,
}

/// Spines born together: how many are left, and the hazard of the transient ones.
struct Pool {
    /// Interval of birth; none for those of the first session.
    born: Option<usize>,
    count: f64,
    /// Per day; none for those that go as old ones do.
    transient: Option<f64>,
}

/// The mean course of the kinetics that [`crate::phantom::series`] draws from; erasure acts between sessions.
///
/// ```
/// use gemmule::phantom::{SeriesParams, expected};
/// let params = SeriesParams { days: vec![0.0, 2.0, 4.0], transient_share: vec![0.0], ..SeriesParams::default() };
/// let course = expected(&params); // as many come as go, all alike
/// assert!((course.formation[0] - 0.08).abs() < 1e-12 && (course.density_ratio[2] - 1.0).abs() < 1e-12);
/// assert!((course.survival[0][1] - 0.92).abs() < 1e-12);
/// ```
pub fn expected(params: &SeriesParams) -> Expected {
    let hazard = |k: usize| -(1.0 - at(&params.loss_2_days, k)).ln() / 2.0;
    let transient = |k: usize| 2.0_f64.ln() / at(&params.transient_half_life_days, k);
    let start = params.transient_at_start;
    let mut pools = vec![
        Pool { born: None, count: 1.0 - start, transient: None },
        Pool { born: None, count: start, transient: Some(transient(0)) },
    ];
    let total = |pools: &[Pool]| pools.iter().map(|p| p.count).sum::<f64>();
    let of = |pools: &[Pool], k: usize| pools.iter().filter(|p| p.born == Some(k)).map(|p| p.count).sum::<f64>();
    let (mut density_ratio, mut formation, mut elimination) = (vec![1.0], Vec::new(), Vec::new());
    let mut seen: Vec<Vec<f64>> = Vec::new();
    for (k, pair) in params.days.windows(2).enumerate() {
        let (gap, before) = (pair[1] - pair[0], total(&pools));
        for pool in &mut pools {
            pool.count *= (-pool.transient.unwrap_or(hazard(k)) * gap).exp();
            let erased = params.erase_day > pair[0]
                && params.erase_day <= pair[1]
                && pool.born.is_some_and(|b| erases(params, (params.days[b] + params.days[b + 1]) / 2.0));
            pool.count *= if erased { 0.0 } else { 1.0 };
        }
        let stayed = total(&pools);
        let share = at(&params.transient_share, k);
        let (fast, slow) = (share * left(transient(k) * gap), (1.0 - share) * left(hazard(k) * gap));
        let formed = at(&params.gain_2_days, k) * gap / 2.0;
        pools.push(Pool { born: Some(k), count: formed * fast / (fast + slow), transient: Some(transient(k)) });
        pools.push(Pool { born: Some(k), count: formed * slow / (fast + slow), transient: None });
        density_ratio.push(total(&pools));
        formation.push(formed / before);
        elimination.push((before - stayed) / before);
        seen.push(Vec::new());
        for (born, counts) in seen.iter_mut().enumerate() {
            counts.push(of(&pools, born));
        }
    }
    let share = |counts: Vec<f64>| {
        let first = counts[0];
        counts.into_iter().map(|n| if first > 0.0 { n / first } else { 0.0 }).collect()
    };
    Expected { density_ratio, formation, elimination, survival: seen.into_iter().map(share).collect() }
}
