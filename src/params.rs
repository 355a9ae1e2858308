//! Parameters that carry their unit, range, default and source, so that they can be checked and printed.

use std::ops::RangeInclusive;

use crate::error::{Error, Result};

/// What `gemmule params` prints about one parameter.
///
/// ```
/// use gemmule::track::TrackParams;
/// let table = TrackParams::describe();
/// let sigma = table.iter().find(|p| p.name == "sigma_s_um").expect("a parameter of tracking");
/// assert_eq!((sigma.default.as_str(), sigma.unit, sigma.allowed.as_str()), ("0.5", "µm", "0.01 to 10.0"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ParamInfo {
    /// Name as written in a params TOML.
    pub name: &'static str,
    /// Default as written in a params TOML.
    pub default: String,
    /// Unit, or "" for a plain number.
    pub unit: &'static str,
    /// Values allowed.
    pub allowed: String,
    /// What it does.
    pub doc: String,
    /// Where the default comes from.
    pub source: &'static str,
}

/// A value with a range of allowed values.
///
/// ```
/// use gemmule::params::InRange;
/// assert!(0.5.in_range(&(0.0..=1.0)) && !f64::NAN.in_range(&(0.0..=1.0)));
/// assert!(!vec![0.5, 1.5].in_range(&(0.0..=1.0)) && !Vec::<f64>::new().in_range(&(0.0..=1.0)));
/// ```
pub trait InRange {
    /// Type of the range's ends.
    type Bound: std::fmt::Debug;
    /// Whether the value (each value of a list, which must not be empty) lies in the range; never for NaN. See the example of [`InRange`].
    fn in_range(&self, range: &RangeInclusive<Self::Bound>) -> bool;
}

macro_rules! in_range {
    ($($t:ty),*) => {$(
        impl InRange for $t {
            type Bound = $t;
            fn in_range(&self, range: &RangeInclusive<$t>) -> bool {
                range.contains(self)
            }
        }
    )*};
}
in_range!(f64, usize, u32, u64, bool);

/// The range is that of its length in characters.
impl InRange for String {
    type Bound = usize;
    fn in_range(&self, range: &RangeInclusive<usize>) -> bool {
        range.contains(&self.chars().count())
    }
}

impl<T: InRange> InRange for Vec<T> {
    type Bound = T::Bound;
    fn in_range(&self, range: &RangeInclusive<T::Bound>) -> bool {
        !self.is_empty() && self.iter().all(|v| v.in_range(range))
    }
}

/// The error for a parameter outside its range.
///
/// ```
/// let error = gemmule::params::out_of_range("detect.score_min", &0.1, &(0.5..=1000.0));
/// assert!(error.to_string().starts_with("detect.score_min is 0.1, allowed is 0.5 to 1000.0"), "{error}");
/// ```
pub fn out_of_range<T: InRange + std::fmt::Debug>(name: &str, value: &T, range: &RangeInclusive<T::Bound>) -> Error {
    Error::parameter(
        name,
        format!("{value:?}"),
        &format!("{:?} to {:?}", range.start(), range.end()),
        "change it in the params file; `gemmule params` prints the defaults",
    )
}

/// Checks one parameter.
///
/// ```
/// use gemmule::params::check;
/// assert!(check("detect.score_min", &2.1, 0.5..=1000.0).is_ok());
/// assert!(check("detect.score_min", &f64::NAN, 0.5..=1000.0).is_err());
/// ```
///
/// # Errors
/// [`Error::Parameter`] if it is outside `range`.
pub fn check<T: InRange + std::fmt::Debug>(name: &str, value: &T, range: RangeInclusive<T::Bound>) -> Result<()> {
    if value.in_range(&range) { Ok(()) } else { Err(out_of_range(name, value, &range)) }
}

/// Defines a struct of parameters: `name: type = default, "unit", range, "source";` with a doc comment on each.
///
/// It gets `Default`, serde (unknown keys are an error, missing ones take the default), `validate` and `describe`.
macro_rules! params {
    (
        $(#[$meta:meta])*
        pub struct $name:ident in $section:literal {
            $( $(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr, $unit:literal, $range:expr, $source:literal; )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $( $(#[doc = $doc])+ #[doc = concat!("\n\nUnit: ", $unit, ". Source: ", $source, ".")] pub $field: $type, )+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        impl $name {
            /// Section of the params TOML that holds these parameters.
            pub const SECTION: &'static str = $section;

            /// Checks every parameter against its range. See the example of [`crate::pipeline::Params::validate`].
            ///
            /// # Errors
            /// [`crate::error::Error::Parameter`] for the first one outside.
            pub fn validate(&self) -> crate::error::Result<()> {
                $( crate::params::check(concat!($section, ".", stringify!($field)), &self.$field, $range)?; )+
                Ok(())
            }

            $(
                #[doc = concat!("These parameters with another [`Self::", stringify!($field), "`](#structfield.", stringify!($field), "). See the example of [`Self`].\n\n# Errors\n[`crate::error::Error::Parameter`] if it is out of range.")]
                pub fn $field(mut self, $field: $type) -> crate::error::Result<Self> {
                    crate::params::check(concat!($section, ".", stringify!($field)), &$field, $range)?;
                    self.$field = $field;
                    Ok(self)
                }
            )+

            /// Name, default, unit, range, meaning and source of every parameter. See the example of [`ParamInfo`](crate::params::ParamInfo).
            pub fn describe() -> Vec<crate::params::ParamInfo> {
                let default = Self::default();
                vec![ $( crate::params::ParamInfo {
                    name: stringify!($field),
                    default: format!("{:?}", default.$field),
                    unit: $unit,
                    allowed: { let range = $range; format!("{:?} to {:?}", range.start(), range.end()) },
                    doc: [$( $doc ),+].map(str::trim).join(" "),
                    source: $source,
                }, )+ ]
            }
        }
    };
}
pub(crate) use params;

#[cfg(test)]
#[allow(unreachable_pub, reason = "the macro makes public items")]
mod tests {
    params! {
        /// Example.
        pub struct Example in "example" {
            /// A length.
            length_um: f64 = 2.0, "µm", 0.0..=10.0, "test";
            /// Scales.
            scales_um: Vec<f64> = vec![0.5, 1.0], "µm", 0.1..=5.0, "test";
        }
    }

    #[test]
    fn range_is_checked_and_named() {
        assert!(Example::default().validate().is_ok());
        let bad = Example { length_um: f64::NAN, ..Example::default() };
        let message = bad.validate().unwrap_err().to_string();
        assert!(message.starts_with("example.length_um is NaN, allowed is 0.0 to 10.0"), "{message}");
        let empty = Example { scales_um: vec![], ..Example::default() };
        assert!(empty.validate().is_err());
        assert_eq!(Example::default().length_um(3.0).unwrap().length_um, 3.0);
        assert!(Example::default().length_um(-3.0).unwrap_err().to_string().starts_with("example.length_um is -3"));
    }

    #[test]
    fn unknown_keys_are_errors_and_missing_ones_default() {
        assert!(toml::from_str::<Example>("lenght_um = 1.0").is_err());
        let partial: Example = toml::from_str("length_um = 1.0").unwrap();
        assert_eq!(partial.scales_um, vec![0.5, 1.0]);
        assert!(partial.scales_um(vec![0.5, 6.0]).is_err());
        assert_eq!(Example::describe()[0].default, "2.0");
        assert_eq!(Example::SECTION, "example");
    }
}
