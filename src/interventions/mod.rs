//! What is known about interventions, as data: kinetics for synthetic cohorts, and published effects to compare with.
//!
//! The file that comes with gemmule is `src/interventions/interventions.toml`; users can give their own.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The file that comes with gemmule.
const OWN: &str = include_str!("interventions.toml");

/// A file of interventions.
///
/// ```
/// use gemmule::interventions::Interventions;
/// let known = Interventions::own();
/// assert!(known.all.iter().all(|i| !i.source.is_empty()));
/// assert!(known.get("placebo").is_err()); // no such name
/// assert!(known.baseline.formation_2_days > 0.0);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interventions {
    /// What holds without any intervention.
    pub baseline: Baseline,
    /// The interventions.
    #[serde(rename = "intervention")]
    pub all: Vec<Intervention>,
}

/// Turnover at rest; the loss of old spines follows from it, so that density stays as it is.
///
/// ```
/// let rest = gemmule::interventions::Interventions::own().baseline;
/// assert!((0.0..=1.0).contains(&rest.transient_share) && rest.transient_half_life_days > 0.0);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// New spines within two days over the spines there are.
    pub formation_2_days: f64,
    /// Share of new spines that are transient.
    pub transient_share: f64,
    /// Half-life of those.
    pub transient_half_life_days: f64,
    /// Where the figures are from.
    pub source: String,
}

/// One intervention.
///
/// ```
/// use gemmule::interventions::Interventions;
/// let known = Interventions::own();
/// let psilocybin = known.get("psilocybin")?;
/// assert_eq!(psilocybin.treatment, "psilocybin");
/// assert!(psilocybin.days.iter().any(|day| *day < 0.0)); // imaged before the dose too
/// let formed_more = psilocybin.kinetics.iter().any(|piece| piece.formation_2_days > Some(known.baseline.formation_2_days));
/// assert!(formed_more && psilocybin.erase.is_none());
/// assert!(psilocybin.reference.iter().all(|figure| !figure.source.is_empty()));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intervention {
    /// Name on the command line.
    pub name: String,
    /// What it is called in a manifest's `treatment`; reports draw its published effects behind the curves of this treatment.
    pub treatment: String,
    /// Name in figures.
    pub label: String,
    /// Dose, for the manifest.
    #[serde(default)]
    pub dose: String,
    /// Single, chronic, ...
    #[serde(default)]
    pub regimen: String,
    /// Days of imaging relative to the dose.
    pub days: Vec<f64>,
    /// Where the figures are from, and which of them are assumptions.
    pub source: String,
    /// What differs from the baseline, and when.
    #[serde(default)]
    pub kinetics: Vec<Piece>,
    /// Removal of new spines.
    pub erase: Option<Erase>,
    /// Published effects.
    #[serde(default)]
    pub reference: Vec<Reference>,
}

/// Kinetics between two days relative to the dose; what is not named stays as at the baseline. See the example of [`Intervention`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    /// First day.
    pub from_day: f64,
    /// Last day.
    pub until_day: f64,
    /// New spines within two days over the spines of the first session.
    pub formation_2_days: Option<f64>,
    /// Hazard of old spines over that of the baseline.
    pub loss_factor: Option<f64>,
    /// Share of the spines born then that are transient.
    pub transient_share: Option<f64>,
    /// Half-life of those.
    pub transient_half_life_days: Option<f64>,
    /// Diameter of heads over that before.
    pub head_factor: Option<f64>,
}

/// Removal of what was born between two days.
///
/// ```
/// let known = gemmule::interventions::Interventions::own();
/// let erased = known.all.iter().find_map(|i| i.erase.as_ref()).expect("one of them erases new spines");
/// assert!(erased.born_after_day < erased.day);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erase {
    /// The day.
    pub day: f64,
    /// What was born after this day is removed.
    pub born_after_day: f64,
}

/// One published figure. See the example of [`Intervention`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// `density_change`, `head_width_change` (fractions of the baseline), `formation_difference` (from the baseline's rate) or `new_spine_survival`.
    pub metric: String,
    /// Days since the dose; for survival, days since the spines were first seen.
    pub day: f64,
    /// The figure, or the middle of a range.
    pub estimate: f64,
    /// Lower end, where a range is given.
    pub lower: Option<f64>,
    /// Upper end.
    pub upper: Option<f64>,
    /// Where it is from.
    pub source: String,
}

/// What a reference may be of.
const METRICS: [&str; 4] = ["density_change", "head_width_change", "formation_difference", "new_spine_survival"];

impl Interventions {
    /// Those that come with gemmule: the rows of Liao, Dua and Kwan 2024.
    ///
    /// ```
    /// use gemmule::interventions::Interventions;
    /// let known = Interventions::own();
    /// assert!(known.get("psilocybin")?.reference.iter().any(|r| r.metric == "density_change"));
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the file built in were damaged.
    pub fn own() -> Self {
        Self::from_toml(OWN, "interventions.toml").expect("the file built in is tested")
    }

    /// Reads a file laid out as `interventions.toml`.
    ///
    /// ```
    /// use gemmule::interventions::Interventions;
    /// let dir = tempfile::tempdir().unwrap();
    /// let path = dir.path().join("ours.toml");
    /// std::fs::write(&path, r#"
    /// [baseline]
    /// formation_2_days = 0.08
    /// transient_share = 0.5
    /// transient_half_life_days = 4.0
    /// source = "our own animals"
    /// [[intervention]]
    /// name = "ketamine-low"
    /// treatment = "ketamine"
    /// label = "ketamine, 5 mg/kg"
    /// days = [-1, 1, 3]
    /// source = "to be measured"
    /// "#).unwrap();
    /// assert_eq!(Interventions::read(&path)?.get("ketamine-low")?.days, [-1.0, 1.0, 3.0]);
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be read or understood, or a value is out of range.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::file(path, format!("cannot be read ({e})"), "check the path"))?;
        Self::from_toml(&text, path)
    }

    fn from_toml(text: &str, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let remedy = "compare it with src/interventions/interventions.toml";
        let read: Self =
            toml::from_str(text).map_err(|e| Error::file(path, e.to_string().trim_end().to_owned(), remedy))?;
        let share = |x: Option<f64>| x.is_none_or(|x| (0.0..=0.9).contains(&x));
        let positive = |x: Option<f64>| x.is_none_or(|x| x.is_finite() && x > 0.0);
        for i in &read.all {
            let fault = |what: &str| Err(Error::file(path, format!("{}: {what}", i.name), remedy));
            if i.days.len() < 2 || i.days.windows(2).any(|w| w[1] <= w[0]) || i.days.iter().any(|d| !d.is_finite()) {
                return fault("days must be two or more, ascending");
            }
            for p in &i.kinetics {
                if p.until_day <= p.from_day {
                    return fault("until_day must come after from_day");
                }
                if !share(p.formation_2_days) || !positive(p.transient_half_life_days) || !positive(p.head_factor) {
                    return fault("formation_2_days must be 0 to .9, half-lives and factors above 0");
                }
                if p.transient_share.is_some_and(|s| !(0.0..=1.0).contains(&s))
                    || p.loss_factor.is_some_and(|f| f < 0.0)
                {
                    return fault("transient_share must be 0 to 1, loss_factor 0 or more");
                }
            }
            if let Some(r) = i.reference.iter().find(|r| !METRICS.contains(&r.metric.as_str())) {
                return fault(&format!("reference metric is {:?}, allowed are {}", r.metric, METRICS.join(", ")));
            }
        }
        Ok(read)
    }

    /// An intervention by its name. See the example of [`Interventions::own`].
    ///
    /// # Errors
    /// [`Error::Parameter`] for a name that is not there, with those that are.
    pub fn get(&self, name: &str) -> Result<&Intervention> {
        let names: Vec<&str> = self.all.iter().map(|i| i.name.as_str()).collect();
        self.all.iter().find(|i| i.name == name).ok_or_else(|| {
            Error::parameter("--scenario", name, &names.join(", "), "give one of them, or --interventions FILE.toml")
        })
    }
}
