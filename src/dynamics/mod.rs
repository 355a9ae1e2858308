//! Formation, elimination, turnover, density and survival, from the calls of tracks.
//!
//! Only sites scorable in both sessions of an interval count. Everything is given from calls and as expected counts from
//! `p_present`.

mod audit;
mod bootstrap;
mod fate;
mod interval;
mod kaplan_meier;
mod survival;
mod tables;

pub use crate::dynamics::audit::{Audit, AuditParams, FalseRate, SmallestEffect, audit};
pub use crate::dynamics::bootstrap::{Bounds, bootstrap, density};
pub use crate::dynamics::fate::Fate;
pub use crate::dynamics::interval::{Basis, Counts, DendriteLength, Interval, Rates, intervals};
pub use crate::dynamics::kaplan_meier::{Lifetime, SurvivalStep, kaplan_meier};
pub use crate::dynamics::survival::{Cohort, SurvivalPoint, is_followed, is_formed, survival};
pub use crate::dynamics::tables::{dynamics_table, survival_table, write_dynamics_csv, write_survival_csv};

use serde::{Deserialize, Serialize};

use crate::params::{InRange, params};

/// What a lab means by turnover; f and e are the formed and eliminated, n_a and n_b the spines of the earlier and the
/// later session. See the example of [`Counts::rates`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turnover {
    /// (f + e) / (n_a + n_b).
    #[default]
    OverBoth,
    /// (f / n_a + e / n_a) / 2: the mean of the two rates.
    MeanOfRates,
    /// (f + e) / (2 n_b): over the current session.
    OverCurrent,
}

impl InRange for Turnover {
    type Bound = Self;
    fn in_range(&self, range: &std::ops::RangeInclusive<Self>) -> bool {
        range.contains(self)
    }
}

params! {
    /// Rates and survival.
    ///
    /// ```
    /// use gemmule::dynamics::{DynamicsParams, Turnover};
    /// let params = DynamicsParams::default().turnover(Turnover::OverCurrent)?.resamples(0)?;
    /// assert_eq!(params.turnover, Turnover::OverCurrent);
    /// assert!(params.confidence(1.5).is_err());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub struct DynamicsParams in "dynamics" {
        /// Formula of the turnover ratio: over-both, mean-of-rates or over-current.
        turnover: Turnover = Turnover::OverBoth, "", Turnover::OverBoth..=Turnover::OverCurrent, "DESIGN.md: (formed + eliminated) / (n_a + n_b)";
        /// Share of the distribution that an interval holds.
        confidence: f64 = 0.95, "", 0.5..=0.999, "convention";
        /// Probability, from what is seen up to a session and not after it, from which a spine's survival is followed from that session on; 0: all that are called present.
        followed_min: f64 = 0.5, "", 0.0..=1.0, "as presence.call_min; faint spines are believed because they stay: with them .59 of the new spines of synthetic series were alive after 7 days, without .54, in truth .48";
        /// Resamples of the sites; 0 leaves the bootstrap out.
        resamples: usize = 1000, "", 0..=100_000, "error of a 95 % bound about 3 % of the interval's width (Efron and Tibshirani 1993)";
        /// Seed of the resampling.
        seed: u64 = 1, "", 0..=u64::MAX, "any";
    }
}
