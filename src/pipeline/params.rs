//! All parameters of a run in one bundle, one section per stage: read from a TOML, printed as one.

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::cohort::{PowerParams, StatsParams};
use crate::detect::{DetectParams, LearnedParams};
use crate::dynamics::{AuditParams, DynamicsParams};
use crate::error::{Error, Result};
use crate::filter::blob::BlobParams;
use crate::filter::ridge::RidgeParams;
use crate::filter::smooth::ScaleParams;
use crate::measure::{ForcedParams, MeasureParams};
use crate::params::ParamInfo;
use crate::phantom::{PhantomParams, ScenarioParams, SeriesParams};
use crate::pipeline::CalibrationParams;
use crate::pipeline::CohortParams;
use crate::pipeline::CurationParams;
use crate::register::{MotionParams, RegisterParams};
use crate::score::ScoreParams;
use crate::straight::StraightParams;
use crate::trace::TraceParams;
use crate::track::{PresenceParams, TrackParams};

/// What a reader should do about a params file that cannot be used.
const REMEDY: &str = "compare it with the output of `gemmule params`, which lists every section and key";

/// Lists the sections once; the struct, its checks and its description cannot fall out of step.
macro_rules! bundle {
    ($( $(#[doc = $doc:literal])+ $section:ident: $type:ty; )+) => {
        /// The parameters of every stage.
        ///
        /// ```
        /// use gemmule::pipeline::Params;
        /// let params = Params::from_toml("[trace]\nmin_length_um = 5.0\n", "example.toml")?;
        /// assert_eq!(params.trace.min_length_um, 5.0);
        /// assert_eq!(params.detect, Params::default().detect); // what is not named keeps its default
        /// assert!(Params::from_toml("[trace]\nmin_lenght_um = 5.0\n", "example.toml").is_err());
        /// # Ok::<(), gemmule::error::Error>(())
        /// ```
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Params {
            $( $(#[doc = $doc])+ pub $section: $type, )+
        }

        impl Params {
            /// Checks every parameter against its range.
            ///
            /// ```
            /// let mut params = gemmule::pipeline::Params::default();
            /// assert!(params.validate().is_ok() && params.trace.validate().is_ok());
            /// params.trace.min_length_um = -5.0; // fields can be set to anything
            /// assert!(params.validate().is_err() && params.trace.validate().is_err());
            /// ```
            ///
            /// # Errors
            /// [`Error::Parameter`] for the first one outside.
            pub fn validate(&self) -> Result<()> {
                $( self.$section.validate()?; )+
                Ok(())
            }

            /// Every section: its name, what it holds, its parameters, and their values as they are now.
            fn sections(&self) -> Vec<Section> {
                vec![ $( Section {
                    name: <$type>::SECTION,
                    doc: [$( $doc ),+].map(str::trim).join(" "),
                    parameters: <$type>::describe(),
                    values: toml::Table::try_from(&self.$section).unwrap_or_default(),
                }, )+ ]
            }
        }
    };
}

bundle! {
    /// The multi-scale ridge response that dendrites are traced on.
    ridge: RidgeParams;
    /// Bright blobs, wherever they lie: no stage of the analysis uses them.
    blob: BlobParams;
    /// From the ridge response to centrelines.
    trace: TraceParams;
    /// The scale at which spines are sought.
    scale: ScaleParams;
    /// The image laid out along a dendrite, and its shaft taken away.
    straight: StraightParams;
    /// From centrelines to spines.
    detect: DetectParams;
    /// A score learned from marks; not used unless enabled.
    learned: LearnedParams;
    /// Sizes and classes.
    measure: MeasureParams;
    /// Motion between the planes of a stack.
    motion: MotionParams;
    /// From one session to another.
    register: RegisterParams;
    /// Which spine is which in another session.
    track: TrackParams;
    /// What is seen at a place in a session in which no spine was found there.
    forced: ForcedParams;
    /// Presence over a whole series.
    presence: PresenceParams;
    /// From what people decided to the sites of a run.
    curation: CurationParams;
    /// Rates and survival.
    dynamics: DynamicsParams;
    /// How a long table is turned into effects.
    stats: StatsParams;
    /// The designs whose power is stated.
    power: PowerParams;
    /// Synthetic stacks with known truth.
    phantom: PhantomParams;
    /// A series of synthetic sessions.
    phantom_series: SeriesParams;
    /// Which dendrites of a cohort count, and how it is run.
    cohort: CohortParams;
    /// A synthetic cohort.
    scenario: ScenarioParams;
    /// The cohort an audit speaks of.
    audit: AuditParams;
    /// The synthetic stacks of a calibration.
    calibration: CalibrationParams;
    /// When a found spine counts as a true one.
    score: ScoreParams;
}

struct Section {
    name: &'static str,
    doc: String,
    parameters: Vec<ParamInfo>,
    values: toml::Table,
}

impl Params {
    /// Parameters from the text of a TOML; `path` is named in errors. See the example of [`Params`].
    ///
    /// # Errors
    /// [`Error::File`] for a text that is no TOML or has an unknown section or key, or a value of the wrong type;
    /// [`Error::Parameter`] for a value out of range.
    pub fn from_toml(text: &str, path: impl AsRef<Path>) -> Result<Self> {
        let params: Self = toml::from_str(text).map_err(|e| Error::file(path, e.to_string().trim_end(), REMEDY))?;
        params.validate()?;
        Ok(params)
    }

    /// Parameters from a TOML file; what it does not name keeps its default.
    ///
    /// ```
    /// use gemmule::pipeline::Params;
    /// let dir = tempfile::tempdir().unwrap();
    /// let path = dir.path().join("ours.toml");
    /// let params = Params::default().with("detect.score_min", 2.3)?;
    /// std::fs::write(&path, params.to_toml()).unwrap();
    /// assert_eq!(Params::read(&path)?, params);
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Params::from_toml`], and [`Error::File`] for a file that cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let text = std::fs::read_to_string(&path)
            .map_err(|e| Error::file(&path, format!("cannot be read as text ({e})"), "give a params TOML"))?;
        Self::from_toml(&text, path)
    }

    /// These parameters with another value for the one named `section.key`, as `gemmule params` prints it.
    ///
    /// The same can be written with names that the compiler checks: `params.trace = params.trace.min_length_um(5.0)?`.
    ///
    /// ```
    /// use gemmule::pipeline::Params;
    /// let params = Params::default().with("trace.min_length_um", 5.0)?.with("ridge.response", "sato")?;
    /// assert_eq!(params.trace.min_length_um, 5.0);
    /// assert!(Params::default().with("trace.min_length_um", -5.0).is_err());
    /// assert!(Params::default().with("trace.min_length", 5.0).is_err());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] for a name there is not, or a value of the wrong type or out of range.
    pub fn with(self, name: &str, value: impl Serialize) -> Result<Self> {
        let shown = || serde_json::to_string(&value).unwrap_or_default();
        let wrong = |problem: &str| Error::parameter(name, shown(), problem, REMEDY);
        let mut all = toml::Table::try_from(&self).map_err(|e| wrong(&e.to_string()))?;
        let known = name.split_once('.').and_then(|(section, key)| all.get_mut(section)?.get_mut(key));
        let Some(known) = known else {
            return Err(wrong("a section and key of the parameters, as in trace.min_length_um"));
        };
        *known = toml::Value::try_from(&value).map_err(|e| wrong(&e.to_string()))?;
        let params: Self = all.try_into().map_err(|e: toml::de::Error| wrong(e.message()))?;
        params.validate()?;
        Ok(params)
    }

    /// [`Params::with`], the value written as in a params file: `5.0`, `[0.3, 0.5]`, `"sato"`.
    ///
    /// ```
    /// use gemmule::pipeline::Params;
    /// let params = Params::default().with_text("ridge.sigma_xy_um", "[0.3, 0.5]")?;
    /// assert_eq!(params.ridge.sigma_xy_um, [0.3, 0.5]);
    /// assert!(params.with_text("ridge.sigma_xy_um", "wide").is_err());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Params::with`]; [`Error::Parameter`] for a text that is no value.
    pub fn with_text(self, name: &str, value: &str) -> Result<Self> {
        let parsed = toml::from_str::<toml::Table>(&format!("value = {value}\n"));
        let value =
            parsed.ok().filter(|table| table.len() == 1).and_then(|mut table| table.remove("value")).ok_or_else(
                || Error::parameter(name, value, "a number, a list or a text in quotes, as in a params file", REMEDY),
            )?;
        self.with(name, value)
    }

    /// Parameters that are not at their default: section and name, value, default.
    ///
    /// ```
    /// let mut params = gemmule::pipeline::Params::default();
    /// assert!(params.changed().is_empty());
    /// params.trace.min_length_um = 5.0;
    /// assert_eq!(params.changed()[0][..2], ["trace.min_length_um", "5.0"]);
    /// ```
    pub fn changed(&self) -> Vec<[String; 3]> {
        let defaults = Self::default();
        let both = self.sections().into_iter().zip(defaults.sections());
        let differing = |(mine, default): (Section, Section)| {
            let value = |of: &toml::Table, name: &str| of.get(name).map_or_else(String::new, ToString::to_string);
            let name = mine.name;
            let of = |p: &ParamInfo| {
                let (now, before) = (value(&mine.values, p.name), value(&default.values, p.name));
                (now != before).then(|| [format!("{name}.{}", p.name), now, before])
            };
            mine.parameters.iter().filter_map(of).collect::<Vec<_>>()
        };
        both.flat_map(differing).collect()
    }

    /// These parameters as a TOML that [`Params::from_toml`] reads back, each with its meaning, unit, range and source. See the example of [`Params::read`].
    pub fn to_toml(&self) -> String {
        let mut text = String::from("# Parameters of gemmule. Leave out what should keep its default.\n");
        for section in self.sections() {
            let _ = write!(text, "\n# {}\n[{}]\n", section.doc, section.name);
            for p in &section.parameters {
                let unit = if p.unit.is_empty() { String::new() } else { format!("Unit: {}. ", p.unit) };
                let _ = writeln!(text, "\n# {}\n# {unit}Allowed: {}. Source: {}.", p.doc, p.allowed, p.source);
                let value = section.values.get(p.name).map_or_else(|| p.default.clone(), ToString::to_string);
                let _ = writeln!(text, "{} = {value}", p.name);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use crate::pipeline::Params;

    #[test]
    fn what_is_printed_reads_back() {
        let mut params = Params::default();
        params.trace.min_length_um = 7.25;
        params.ridge.sigma_xy_um = vec![0.4];
        assert_eq!(Params::from_toml(&params.to_toml(), "printed").unwrap(), params);
    }

    #[test]
    fn errors_name_file_key_and_value() {
        let message = |text| Params::from_toml(text, "my.toml").unwrap_err().to_string();
        let unknown = message("[detect]\nsnr_mni = 3.0\n");
        assert!(unknown.starts_with("my.toml: ") && unknown.contains("snr_mni") && unknown.contains("gemmule params"));
        assert!(message("[detekt]\n").contains("detekt"));
        assert!(message("[detect]\nscore_min = -3.0\n").starts_with("detect.score_min is -3.0, allowed is"));
    }
}
