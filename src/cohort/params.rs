//! Parameters of the statistics.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::params::{InRange, params};

macro_rules! choice {
    ($(#[$meta:meta])* $name:ident { $first:ident $last:ident; $( $(#[$doc:meta])* $variant:ident ),+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $( $(#[$doc])* $variant ),+ }

        impl $name {
            /// Every choice.
            pub const ALL: RangeInclusive<Self> = Self::$first..=Self::$last;
        }

        impl InRange for $name {
            type Bound = Self;
            fn in_range(&self, range: &RangeInclusive<Self>) -> bool {
                range.contains(self)
            }
        }
    };
}

choice! {
    /// What to do with several rows of one dendrite, metric and day. See the example of [`StatsParams`].
    Repeats { Error All;
        /// Refuse the table and list them.
        #[default]
        Error,
        /// Take the first.
        First,
        /// Take their mean.
        Mean,
        /// Take each as a value of its own.
        All
    }
}

choice! {
    /// What an animal's value is. See the example of [`StatsParams`].
    AnimalValue { Pooled Dendrites;
        /// That of all its dendrites together, as if they were one: sum of values times denominators over the sum of denominators, normalised after that. Where a table has no
        /// denominators, as [`AnimalValue::Dendrites`].
        #[default]
        Pooled,
        /// The mean of its dendrites' normalised values, each counted alike.
        Dendrites
    }
}

choice! {
    /// The column whose levels are compared. See the example of [`StatsParams`].
    Arm { Treatment Group;
        /// `treatment`.
        #[default]
        Treatment,
        /// `group`.
        Group
    }
}

choice! {
    /// Distribution of a fixed effect over its standard error. See the example of [`StatsParams`].
    ModelDf { BetweenWithin Normal;
        /// Student's t with animals less arms degrees of freedom for effects of treatment (between animals), observations less animals less the other
        /// coefficients for those within.
        #[default]
        BetweenWithin,
        /// Standard normal.
        Normal
    }
}

params! {
    /// How a long table is turned into effects.
    ///
    /// ```
    /// use gemmule::cohort::{AnimalValue, Arm, ModelDf, Repeats, StatsParams};
    /// let params = StatsParams::default().arm(Arm::Group)?.repeats(Repeats::Mean)?.model_df(ModelDf::Normal)?.last_baseline_day(-1.0)?;
    /// let params = params.animal_value(AnimalValue::Dendrites)?;
    /// params.validate()?;
    /// assert!(params.confidence(95.0).is_err()); // a share, not per cent
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub struct StatsParams in "stats" {
        /// Column whose levels are compared: treatment or group.
        arm: Arm = Arm::Treatment, "", Arm::ALL, "DESIGN.md";
        /// Name of the control; where a study has no such level, or this is empty, the one level with a control word.
        control: String = String::new(), "characters", 0..=200, "-";
        /// Words that make a level's name that of a control, in any case.
        control_words: Vec<String> = ["vehicle", "saline", "control", "sham"].map(String::from).to_vec(), "characters", 1..=200, "names in use";
        /// Sessions up to this day are baseline.
        last_baseline_day: f64 = 0.0, "days", -1e6..=1e6, "the treatment is on day 0";
        /// Metrics analysed as fold change, value / baseline - 1, from the first baseline day of the same dendrite.
        fold_metrics: Vec<String> = ["density", "head_width", "head_width_um", "protrusion_length", "length", "length_um", "volume_um3", "brightness"].map(String::from).to_vec(), "characters", 1..=200, "Shao et al. 2021, doi:10.1016/j.neuron.2021.06.008";
        /// Metrics analysed as difference from the first baseline day of the same dendrite.
        difference_metrics: Vec<String> = ["formation_rate", "elimination_rate", "turnover_ratio", "expected_formation_rate", "expected_elimination_rate"].map(String::from).to_vec(), "characters", 1..=200, "Shao et al. 2021: difference from the baseline interval";
        /// Several rows of one dendrite, metric and day: error, first, mean or all. Metrics per spine have as many as there are spines.
        repeats: Repeats = Repeats::Error, "", Repeats::ALL, "nothing is guessed";
        /// An animal's value: pooled (of all its spines together, where the table has denominators) or dendrites (mean of its dendrites' values).
        animal_value: AnimalValue = AnimalValue::Pooled, "", AnimalValue::ALL, "a rate of 2 spines tells less than one of 20: see README";
        /// Share of the distribution that an interval holds.
        confidence: f64 = 0.95, "", 0.5..=0.999, "convention";
        /// Most splits of the animals that are all gone through; above it some are drawn.
        max_splits: usize = 50_000, "", 10..=5_000_000, "9 animals against 9 have 48,620; some .1 s a comparison";
        /// Splits drawn where there are too many.
        drawn_splits: usize = 9_999, "", 99..=5_000_000, "standard error of p = .05 is .002";
        /// Resamples of the animals.
        resamples: usize = 4_999, "", 99..=1_000_000, "Efron and Tibshirani 1993: thousands for intervals";
        /// Seed of all that is drawn.
        seed: u64 = 1, "", 0..=u64::MAX, "any";
        /// Whether the mixed model is fitted.
        model: bool = true, "", false..=true, "-";
        /// Whether the mixed model is fitted to the normalised values of the days after treatment, not to the values as measured of all days.
        model_normalised: bool = false, "", false..=true, "with day as a factor, treatment:day is the change from the first day";
        /// Sex as a crossed factor of the mixed model.
        model_sex: bool = false, "", false..=true, "-";
        /// Cell type as a crossed factor of the mixed model.
        model_cell_type: bool = false, "", false..=true, "-";
        /// Degrees of freedom of the mixed model's tests: between-within or normal.
        model_df: ModelDf = ModelDf::BetweenWithin, "", ModelDf::ALL, "Schluchter and Elashoff 1990, doi:10.1080/00949659008811301";
        /// Power at which the smallest detectable effect is stated.
        power: f64 = 0.8, "", 0.5..=0.999, "convention";
    }
}
