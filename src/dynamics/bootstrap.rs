//! Intervals of rates by resampling sites.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Poisson};

use crate::dynamics::interval::{Basis, Counts};
use crate::dynamics::{DynamicsParams, Rates};
use crate::model::{Status, Track};

/// Lower and upper bounds of the rates of an interval. See the example of [`bootstrap()`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bounds {
    /// Of the formation rate.
    pub formation: Option<(f64, f64)>,
    /// Of the elimination rate.
    pub elimination: Option<(f64, f64)>,
    /// Of the turnover ratio.
    pub turnover: Option<(f64, f64)>,
}

/// Percentile bootstrap (Efron 1979, doi:10.1214/aos/1176344552) of the rates between sessions `a` and `b`: sites are drawn with
/// replacement. It is the spread of sites within one field of view and says nothing of animals. The same seed gives the
/// same bounds; none where no resample has a rate, or without resamples.
///
/// ```
/// use gemmule::dynamics::{Basis, DynamicsParams, bootstrap};
/// use gemmule::model::{Call, Status::{self, Absent, Present}, Track};
/// let site = |statuses: [Status; 2]| Track {
///     track_id: 1,
///     dendrite_id: 1,
///     s_um: 0.0,
///     calls: statuses.map(|status| Call::bare(status, None)).to_vec(),
/// };
/// let (stays, goes, comes) = (site([Present, Present]), site([Present, Absent]), site([Absent, Present]));
/// let tracks: Vec<&Track> = [vec![&stays; 80], vec![&goes; 20], vec![&comes; 10]].concat();
/// let bounds = bootstrap(&tracks, (0, 1), Basis::Called, &DynamicsParams::default());
/// let (low, high) = bounds.elimination.expect("there are spines");
/// assert!(0.1 < low && low < 0.2 && 0.2 < high && high < 0.3); // .2 of 100
/// ```
pub fn bootstrap(tracks: &[&Track], (a, b): (usize, usize), basis: Basis, params: &DynamicsParams) -> Bounds {
    if tracks.is_empty() || params.resamples == 0 {
        return Bounds::default();
    }
    let mut rng = ChaCha8Rng::seed_from_u64(params.seed);
    let resample = |_| {
        let drawn = (0..tracks.len()).map(|_| tracks[rng.random_range(0..tracks.len())]);
        Counts::sum(drawn, a, b, basis).rates(params.turnover)
    };
    let rates: Vec<Rates> = (0..params.resamples).map(resample).collect();
    let bounds = |of: fn(&Rates) -> Option<f64>| {
        let values: Vec<f64> = rates.iter().filter_map(of).collect();
        (!values.is_empty()).then(|| percentiles(values, params.confidence))
    };
    Bounds {
        formation: bounds(|r| r.formation),
        elimination: bounds(|r| r.elimination),
        turnover: bounds(|r| r.turnover),
    }
}

/// Spines per µm of scorable length in session `session`, and their interval by a percentile bootstrap in which each site counts as often as a Poisson variable of mean 1 says: unlike
/// drawing as many sites as there are, this also varies their number. None without length; no interval without spines or resamples.
///
/// ```
/// use gemmule::dynamics::{DynamicsParams, density};
/// use gemmule::model::{Call, Status, Track};
/// let track = Track { track_id: 1, dendrite_id: 1, s_um: 0.0, calls: vec![Call::bare(Status::Present, None)] };
/// let (per_um, bounds) = density(&vec![track; 100], 0, 200.0, &DynamicsParams::default()).unwrap();
/// let (low, high) = bounds.unwrap();
/// assert_eq!(per_um, 0.5);
/// assert!((low - 0.402).abs() < 0.02 && (high - 0.598).abs() < 0.02); // 100 spines: .5 -+ 1.96 * sqrt(100) / 200
/// ```
pub fn density(
    tracks: &[Track],
    session: usize,
    length_um: f64,
    params: &DynamicsParams,
) -> Option<(f64, Option<(f64, f64)>)> {
    if length_um.is_nan() || length_um <= 0.0 {
        return None;
    }
    let there = |t: &&Track| t.calls.get(session).is_some_and(|c| c.status == Status::Present);
    let n = tracks.iter().filter(there).count() as f64;
    // A sum of n variables of mean 1 is one of mean n.
    let bounds = Poisson::new(n).ok().filter(|_| params.resamples > 0).map(|poisson| {
        let mut rng = ChaCha8Rng::seed_from_u64(params.seed);
        let values = (0..params.resamples).map(|_| poisson.sample(&mut rng) / length_um).collect();
        percentiles(values, params.confidence)
    });
    Some((n / length_um, bounds))
}

fn percentiles(mut values: Vec<f64>, confidence: f64) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let tail = (1.0 - confidence) / 2.0;
    let at = |share: f64| values[((share * values.len() as f64) as usize).min(values.len() - 1)];
    (at(tail), at(1.0 - tail))
}
