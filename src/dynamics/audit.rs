//! What two recordings of the same spines say about the calls: all turnover between them is false.

use serde::Serialize;

use crate::dynamics::Interval;
use crate::error::Result;
use crate::params::params;
use crate::statistics::{smallest_difference, wilson_95};

params! {
    /// What a cohort looks like that an audit speaks of.
    ///
    /// ```
    /// use gemmule::dynamics::AuditParams;
    /// let params = AuditParams::default().animals(vec![6, 12])?.spines_per_animal(80)?;
    /// assert_eq!(params.animals, [6, 12]);
    /// assert!(params.power(1.0).is_err()); // above .999
    /// assert!(AuditParams::describe().iter().any(|p| p.name == "baseline_rate" && p.default == "0.077"));
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub struct AuditParams in "audit" {
        /// Share of spines formed between two sessions without treatment.
        baseline_rate: f64 = 0.077, "", 0.0..=1.0, "Shao et al. 2021, saline, day 1, doi:10.1016/j.neuron.2021.06.008";
        /// Standard deviation of that rate between animals, sampling of spines left out.
        animal_sd: f64 = 0.021, "", 0.0..=1.0, "from the same study's table: variance of 12 mouse means on day -1 less that within mice";
        /// Spines per animal that can be judged.
        spines_per_animal: usize = 120, "", 1..=1_000_000, "the same study: 161 dendrites of some 9 spines in 12 mice";
        /// Animals per group.
        animals: Vec<usize> = vec![4, 6, 8, 10, 12, 16, 20], "", 2..=1000, "usual cohorts";
        /// Two-sided significance level.
        alpha: f64 = 0.05, "", 0.0001..=0.5, "convention";
        /// Probability with which the effect is to be shown.
        power: f64 = 0.8, "", 0.5..=0.999, "convention";
    }
}

/// A rate with its 95 % interval. See the example of [`audit()`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FalseRate {
    /// Sites.
    pub count: usize,
    /// Over the spines of the first recording.
    pub rate: f64,
    /// Wilson's interval.
    pub interval: (f64, f64),
    /// The same rate from probabilities instead of calls.
    pub expected_rate: Option<f64>,
}

/// The smallest difference in formation rate that so many animals per group show. See the example of [`audit()`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SmallestEffect {
    /// Animals per group.
    pub animals: usize,
    /// With turnover as audited.
    pub difference: f64,
    /// If no call were false.
    pub without_false_calls: f64,
}

/// What an audit found. See the example of [`audit()`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Audit {
    /// Spines of the first recording that can be judged in both.
    pub spines: usize,
    /// Sites with a spine in one recording that cannot be judged in the other.
    pub unscorable: usize,
    /// Their share of all sites with a spine.
    pub unscorable_share: Option<f64>,
    /// Called new in the second recording; none without spines.
    pub false_formation: Option<FalseRate>,
    /// Called gone in the second.
    pub false_elimination: Option<FalseRate>,
    /// What cohorts of a size could show.
    pub smallest_effects: Vec<SmallestEffect>,
}

/// Reads the interval of two recordings between which nothing changed, e.g. minutes apart.
///
/// The spread of an animal's formation rate is √(animal_sd² + f (1 - f) / spines), f the baseline and the false rate together, spines less those that cannot
/// be judged; the smallest difference that of a t-test over animals ([`smallest_difference`]). That true effects are called too small is not in it: an
/// audit sees only what is false.
///
/// ```
/// use gemmule::dynamics::{AuditParams, DynamicsParams, audit, intervals};
/// use gemmule::model::{Call, Session, Status, Track};
/// let sessions = ["first", "second"].map(|name| Session { name: name.into(), day: None });
/// // 40 spines that are seen twice, and one that is called gone.
/// let track = |n: u32| Track {
///     track_id: n,
///     dendrite_id: 1,
///     s_um: f64::from(n),
///     calls: vec![Call::bare(Status::Present, None), Call::bare(if n == 7 { Status::Absent } else { Status::Present }, None)],
/// };
/// let tracks: Vec<Track> = (1..=41).map(track).collect();
/// let all = intervals(&sessions, &tracks, &[], &DynamicsParams::default())?.pop().expect("one interval, all together last");
/// let found = audit(&all, &AuditParams::default())?;
/// let gone = found.false_elimination.expect("there are spines");
/// assert!(gone.count == 1 && gone.interval.0 < gone.rate && gone.rate < gone.interval.1);
/// let six = found.smallest_effects.iter().find(|e| e.animals == 6).expect("a default size of cohort");
/// assert!(six.difference >= six.without_false_calls);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`crate::error::Error::Parameter`] for parameters out of range.
pub fn audit(interval: &Interval, params: &AuditParams) -> Result<Audit> {
    params.validate()?;
    let (called, expected) = (&interval.called, &interval.expected);
    let spines = called.scorable_a as usize;
    let rate = |count: f64, likely: f64| {
        let share = (expected.scorable_a > 0.0).then(|| likely / expected.scorable_a);
        // Formed ones are not among the spines they are counted against: the interval's share cannot exceed 1.
        let interval = wilson_95((count as usize).min(spines), spines)?;
        Some(FalseRate { count: count as usize, rate: count / called.scorable_a, interval, expected_rate: share })
    };
    let false_formation = rate(called.formed, expected.formed);
    let sites = called.scorable_a + called.formed + interval.unscorable as f64;
    let unscorable_share = (sites > 0.0).then(|| interval.unscorable as f64 / sites);
    let sd = |false_rate: f64| {
        let f = (params.baseline_rate + false_rate).min(1.0);
        let judged = params.spines_per_animal as f64 * (1.0 - unscorable_share.unwrap_or(0.0));
        (params.animal_sd.powi(2) + f * (1.0 - f) / judged.max(1.0)).sqrt()
    };
    let smallest = |&animals: &usize| {
        let of = |rate: f64| smallest_difference(animals, sd(rate), params.alpha, params.power);
        let (difference, without_false_calls) = (of(false_formation?.rate)?, of(0.0)?);
        Some(SmallestEffect { animals, difference, without_false_calls })
    };
    Ok(Audit {
        spines,
        unscorable: interval.unscorable,
        unscorable_share,
        false_formation,
        false_elimination: rate(called.eliminated, expected.eliminated),
        smallest_effects: params.animals.iter().filter_map(smallest).collect(),
    })
}

#[cfg(test)]
mod tests {
    use crate::dynamics::{AuditParams, Counts, Interval, audit};

    #[test]
    fn rates_are_over_judged_spines_and_false_calls_cost_power() {
        let called = Counts { scorable_a: 200.0, persistent: 196.0, formed: 10.0, eliminated: 4.0 };
        let interval = Interval {
            dendrite_id: None,
            sessions: (0, 1),
            n: (210, 215),
            unscorable: 20,
            called,
            expected: called,
            corrected: called,
            length_um: (None, None),
        };
        let found = audit(&interval, &AuditParams::default()).expect("defaults are valid");
        let formed = found.false_formation.expect("there are spines");
        assert_eq!((formed.count, formed.rate, found.unscorable_share), (10, 0.05, Some(20.0 / 230.0)));
        assert!(formed.interval.0 < 0.05 && formed.interval.1 > 0.05);
        let six = found.smallest_effects.iter().find(|e| e.animals == 6).expect("6 is listed");
        assert!(six.difference > six.without_false_calls);
        // By hand: f .127 and .077, 109.57 judged spines, sd .0382 and .0330, t 2.2281 + .8791, √(2/6).
        assert!((six.difference - 0.0685).abs() < 0.001, "{}", six.difference);
        let none = Interval { called: Counts::default(), expected: Counts::default(), unscorable: 0, ..interval };
        assert_eq!(audit(&none, &AuditParams::default()).expect("valid").false_formation, None);
    }
}
