//! Intervals of rates by resampling sites.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::dynamics::interval::Counts;
use crate::dynamics::{DynamicsParams, Rates};
use crate::model::Track;

/// Lower and upper bounds of the rates of an interval.
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
pub fn bootstrap(tracks: &[&Track], (a, b): (usize, usize), expected: bool, params: &DynamicsParams) -> Bounds {
    if tracks.is_empty() || params.resamples == 0 {
        return Bounds::default();
    }
    let mut rng = ChaCha8Rng::seed_from_u64(params.seed);
    let resample = |_| {
        let drawn = (0..tracks.len()).map(|_| tracks[rng.random_range(0..tracks.len())]);
        Counts::sum(drawn, a, b, expected).rates(params.turnover)
    };
    let rates: Vec<Rates> = (0..params.resamples).map(resample).collect();
    let bounds = |of: fn(&Rates) -> Option<f64>| {
        let mut values: Vec<f64> = rates.iter().filter_map(of).collect();
        values.sort_by(f64::total_cmp);
        let tail = (1.0 - params.confidence) / 2.0;
        let at = |share: f64| values[((share * values.len() as f64) as usize).min(values.len() - 1)];
        (!values.is_empty()).then(|| (at(tail), at(1.0 - tail)))
    };
    Bounds {
        formation: bounds(|r| r.formation),
        elimination: bounds(|r| r.elimination),
        turnover: bounds(|r| r.turnover),
    }
}
