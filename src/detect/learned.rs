//! A score learned from a user's own marks.
//!
//! p = 1 / (1 + exp(-(bias + sum of weight_k * f_k))): the probability that a person would mark the candidate, from the features of
//! [`Features`]. `gemmule learn` fits the weights; none are shipped, and until some are given candidates are weighed as [`crate::detect`] says.

use crate::params::params;

params! {
    /// The score that `gemmule learn` fits. Where `enabled`, it takes the place of `detect.score_min` and the penalties of that section.
    ///
    /// ```
    /// use gemmule::detect::LearnedParams;
    /// let model = LearnedParams::default().with_weights(-1.0, [2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    /// assert!(model.enabled && model.weights()[0] == model.weight_log_snr);
    /// assert!(model.probability_min(1.5).is_err());
    /// ```
    pub struct LearnedParams in "learned" {
        /// Whether candidates are scored by this model; their score then is a probability.
        enabled: bool = false, "", false..=true, "nothing trained is shipped";
        /// Least probability of a spine.
        probability_min: f64 = 0.5, "", 0.0..=1.0, "as likely as not";
        /// Log odds of a candidate with all features 0.
        bias: f64 = 0.0, "log odds", -1000.0..=1000.0, "gemmule learn";
        /// Weight of the natural logarithm of the signal-to-noise ratio.
        weight_log_snr: f64 = 0.0, "log odds", -1000.0..=1000.0, "gemmule learn";
        /// Weight of the natural logarithm of the residual over the shaft's axis brightness.
        weight_log_contrast: f64 = 0.0, "log odds", -1000.0..=1000.0, "gemmule learn";
        /// Weight of signal beyond the candidate.
        weight_beyond: f64 = 0.0, "log odds", -1000.0..=1000.0, "gemmule learn";
        /// Weight of signal on the brighter flank.
        weight_flank: f64 = 0.0, "log odds", -1000.0..=1000.0, "gemmule learn";
        /// Weight of the distance beyond 1.6 µm from the shaft.
        weight_far: f64 = 0.0, "log odds per µm", -1000.0..=1000.0, "gemmule learn";
        /// Weight of the depth beyond 1 µm above or below the shaft.
        weight_deep: f64 = 0.0, "log odds per µm", -1000.0..=1000.0, "gemmule learn";
        /// Weight of signal on the opposite side of the shaft.
        weight_opposite: f64 = 0.0, "log odds", -1000.0..=1000.0, "gemmule learn";
        /// How strongly `gemmule learn` holds weights near 0: half of this times their squares, for features of unit variance, is added to the loss.
        regularisation: f64 = 1.0, "", 1e-6..=1e6, "a Gaussian prior of unit width";
        /// Fewest marks with a candidate that `gemmule learn` fits to.
        marks_min: usize = 30, "", 8..=1_000_000, "about four per weight";
    }
}

/// What is known about a candidate; all but the first two are 0 for an ideal spine.
///
/// ```
/// use gemmule::detect::Features;
/// let ideal = Features { log_snr: 2.0, log_contrast: -1.2, beyond: 0.0, flank: 0.0, far: 0.0, deep: 0.0, opposite: 0.0 };
/// assert_eq!(ideal.values()[..2], [2.0, -1.2]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Features {
    /// Natural logarithm of the signal-to-noise ratio.
    pub log_snr: f64,
    /// Natural logarithm of the residual over the shaft's axis brightness.
    pub log_contrast: f64,
    /// Largest share of z at the head .8 µm further out.
    pub beyond: f64,
    /// The same .8 µm along the shaft, on the brighter side.
    pub flank: f64,
    /// Distance beyond 1.6 µm from the shaft's edge, µm.
    pub far: f64,
    /// Depth beyond 1 µm above or below the shaft, µm.
    pub deep: f64,
    /// Largest share of z at the head on the other side of the shaft.
    pub opposite: f64,
}

impl Features {
    /// Number of features.
    pub const COUNT: usize = 7;

    /// In the order of the weights. See the example of [`Features`].
    pub fn values(&self) -> [f64; Self::COUNT] {
        [self.log_snr, self.log_contrast, self.beyond, self.flank, self.far, self.deep, self.opposite]
    }
}

impl LearnedParams {
    /// Weights in the order of [`Features::values`]. See the example of [`LearnedParams`].
    pub fn weights(&self) -> [f64; Features::COUNT] {
        [
            self.weight_log_snr,
            self.weight_log_contrast,
            self.weight_beyond,
            self.weight_flank,
            self.weight_far,
            self.weight_deep,
            self.weight_opposite,
        ]
    }

    /// These parameters, enabled, with other weights. See the example of [`LearnedParams`].
    pub fn with_weights(&self, bias: f64, weights: [f64; Features::COUNT]) -> Self {
        let [log_snr, log_contrast, beyond, flank, far, deep, opposite] = weights;
        Self {
            enabled: true,
            bias,
            weight_log_snr: log_snr,
            weight_log_contrast: log_contrast,
            weight_beyond: beyond,
            weight_flank: flank,
            weight_far: far,
            weight_deep: deep,
            weight_opposite: opposite,
            ..self.clone()
        }
    }

    /// Probability that a candidate is a spine.
    ///
    /// ```
    /// use gemmule::detect::{Features, LearnedParams};
    /// let model = LearnedParams { enabled: true, bias: -1.0, weight_log_snr: 2.0, ..LearnedParams::default() };
    /// let faint = Features { log_snr: 0.5, log_contrast: -2.0, beyond: 0.0, flank: 0.0, far: 0.0, deep: 0.0, opposite: 0.0 };
    /// assert_eq!(model.probability(&faint), 0.5);
    /// assert!(model.probability(&Features { log_snr: 2.0, ..faint }) > 0.9);
    /// ```
    pub fn probability(&self, features: &Features) -> f64 {
        let odds: f64 = self.weights().iter().zip(features.values()).map(|(w, f)| w * f).sum();
        1.0 / (1.0 + (-(self.bias + odds)).exp())
    }
}
