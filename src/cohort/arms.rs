//! Which animals are compared with which.

use std::collections::BTreeSet;

use crate::cohort::params::Arm;
use crate::cohort::{LongRow, LongTable, StatsParams};
use crate::error::{Error, Result};

/// One study's arms.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Study {
    pub(super) name: String,
    /// None where the study has only one arm.
    pub(super) control: Option<String>,
    /// The others, sorted.
    pub(super) treated: Vec<String>,
}

impl Study {
    /// Every arm, the control first.
    pub(super) fn arms(&self) -> impl Iterator<Item = &String> {
        self.control.iter().chain(&self.treated)
    }
}

/// The arm a row belongs to.
pub(super) fn arm(row: &LongRow, by: Arm) -> &str {
    match by {
        Arm::Treatment => &row.treatment,
        Arm::Group => &row.group,
    }
}

/// The studies of a table by name, and their arms.
///
/// # Errors
/// [`Error::Parameter`] where the control of a study cannot be told.
pub(super) fn studies(table: &LongTable, params: &StatsParams) -> Result<Vec<Study>> {
    let names: BTreeSet<&str> = table.rows().iter().map(|r| r.study.as_str()).collect();
    let arms_of = |study: &str| -> BTreeSet<&str> {
        table.rows().iter().filter(|r| r.study == study).map(|r| arm(r, params.arm)).collect()
    };
    let all: BTreeSet<&str> = table.rows().iter().map(|r| arm(r, params.arm)).collect();
    if !params.control.is_empty() && !all.contains(params.control.as_str()) {
        let allowed = format!("one of {}", all.into_iter().collect::<Vec<_>>().join(", "));
        return Err(Error::parameter(
            "stats.control",
            &params.control,
            &allowed,
            "give --control as the table writes it",
        ));
    }
    names.into_iter().map(|name| study(name, &arms_of(name), params)).collect()
}

fn study(name: &str, arms: &BTreeSet<&str>, params: &StatsParams) -> Result<Study> {
    if arms.len() < 2 {
        let treated = arms.iter().map(ToString::to_string).collect();
        return Ok(Study { name: name.into(), control: None, treated });
    }
    let named = |arm: &&&str| {
        let arm = arm.to_lowercase();
        let mut words = arm.split(|c: char| !c.is_alphanumeric());
        words.any(|w| params.control_words.iter().any(|c| c.to_lowercase() == w))
    };
    let given = arms.get(params.control.as_str()).filter(|_| !params.control.is_empty());
    let candidates: Vec<&&str> = given.map_or_else(|| arms.iter().filter(named).collect(), |given| vec![given]);
    let [control] = candidates[..] else {
        let arms: Vec<&str> = arms.iter().copied().collect();
        let value = format!("not given, and study \"{name}\" has the arms {}", arms.join(", "));
        let allowed = "the name of one arm, or exactly one arm named by a word of stats.control_words";
        return Err(Error::parameter("stats.control", value, allowed, "give --control NAME"));
    };
    let treated = arms.iter().filter(|a| *a != control).map(ToString::to_string).collect();
    Ok(Study { name: name.into(), control: Some((*control).into()), treated })
}
