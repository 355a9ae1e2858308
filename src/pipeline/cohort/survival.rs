//! Survival of new spines, per animal and per treatment.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::Result;
use crate::io::Manifest;
use crate::pipeline::cohort::{Collected, tables};
use crate::statistics::{Z_95, wilson_95};

/// Share of new spines that is left. See the example of [`crate::pipeline::run_cohort`].
#[derive(Clone, Debug, PartialEq)]
pub struct SurvivalRow {
    /// Treatment.
    pub treatment: String,
    /// The animal, `all` for all of the treatment.
    pub mouse: String,
    /// `before` or `after` the dose: when they were formed.
    pub formed: &'static str,
    /// Days since a spine was first seen.
    pub day_since: f64,
    /// Spines followed up to here.
    pub n_at_risk: usize,
    /// Spines known lost by here and not before.
    pub n_lost: usize,
    /// Kaplan-Meier estimate.
    pub fraction: f64,
    /// Its 95 % interval by Greenwood's variance on the log-log scale, Wilson's where nothing or all is lost; spines are taken as independent.
    pub interval: (f64, f64),
}

/// One spine: days until it was last known to be there, or until it was first known lost.
type Life = (f64, bool);

/// Kaplan-Meier over the new spines of every treatment and animal; a loss counts on the first day that shows it. Those formed at the first session after
/// `last_baseline_day` are `after`, those formed earlier `before`; later ones are left out, so that all had the same drug on the way, and those that are
/// believed only because they stayed ([`crate::dynamics::is_followed`]).
pub(super) fn of_cohort(manifest: &Manifest, collected: &Collected, last_baseline_day: f64) -> Vec<SurvivalRow> {
    let mut lives: BTreeMap<(String, &'static str, String), Vec<Life>> = BTreeMap::new();
    for (series, results) in manifest.series.iter().zip(&collected.series) {
        let day = |k: usize| series.sessions[k].session.day.unwrap_or_default();
        let first_after = (0..series.sessions.len()).find(|&k| day(k) > last_baseline_day);
        for spine in results.new_spines.iter().filter(|spine| spine.followed) {
            let formed = match first_after {
                Some(k) if spine.formed == k => "after",
                Some(k) if spine.formed > k => continue,
                _ => "before",
            };
            let until = spine.lost.unwrap_or(spine.last);
            let life = (day(until) - day(spine.formed), spine.lost.is_some());
            let treatment = series.sessions[spine.formed].value("treatment").to_owned();
            for mouse in ["all", &series.animal] {
                lives.entry((treatment.clone(), formed, mouse.to_owned())).or_default().push(life);
            }
        }
    }
    lives
        .into_iter()
        .flat_map(|((treatment, formed, mouse), lives)| curve(&treatment, formed, &mouse, &lives))
        .collect()
}

fn curve(treatment: &str, formed: &'static str, mouse: &str, lives: &[Life]) -> Vec<SurvivalRow> {
    let mut days: Vec<f64> = lives.iter().map(|l| l.0).filter(|d| *d > 0.0).collect();
    days.sort_by(f64::total_cmp);
    days.dedup();
    let (mut fraction, mut variance) = (1.0, 0.0);
    let row = |day_since, n_at_risk, n_lost, fraction: f64, variance: f64| SurvivalRow {
        treatment: treatment.into(),
        mouse: mouse.into(),
        formed,
        day_since,
        n_at_risk,
        n_lost,
        fraction,
        interval: if n_at_risk == lives.len() && day_since == 0.0 {
            (1.0, 1.0)
        } else {
            // Where nothing or all is lost, Greenwood's variance says nothing: the interval of a share of those that were at risk.
            let lost_none_or_all = wilson_95((fraction * n_at_risk as f64).round() as usize, n_at_risk);
            log_log(fraction, variance).or(lost_none_or_all).unwrap_or((0.0, 1.0))
        },
    };
    let mut rows = vec![row(0.0, lives.len(), 0, 1.0, 0.0)];
    for day in days {
        let at_risk = lives.iter().filter(|l| l.0 >= day).count();
        let lost = lives.iter().filter(|l| l.0 == day && l.1).count();
        let (n, d) = (at_risk as f64, lost as f64);
        fraction *= 1.0 - d / n;
        variance += if lost < at_risk { d / (n * (n - d)) } else { 0.0 };
        rows.push(row(day, at_risk, lost, fraction, variance));
    }
    rows
}

fn log_log(fraction: f64, variance: f64) -> Option<(f64, f64)> {
    if !(fraction > 0.0 && fraction < 1.0) {
        return None;
    }
    let spread = Z_95 * variance.sqrt() / fraction.ln().abs();
    Some((fraction.powf(spread.exp()), fraction.powf((-spread).exp())))
}

pub(super) fn write(path: &Path, rows: &[SurvivalRow]) -> Result<()> {
    let columns =
        ["treatment", "mouse", "formed", "day_since", "n_at_risk", "n_lost", "survival_fraction", "lower", "upper"];
    let texts = rows.iter().map(|r| {
        let mut row = vec![r.treatment.clone(), r.mouse.clone(), r.formed.to_owned(), r.day_since.to_string()];
        row.extend([r.n_at_risk.to_string(), r.n_lost.to_string()]);
        row.extend([r.fraction, r.interval.0, r.interval.1].map(|v| format!("{v:.6}")));
        row
    });
    tables::write_rows(path, &columns, texts)
}

#[cfg(test)]
mod tests {
    use crate::pipeline::cohort::survival::curve;

    #[test]
    fn steps_are_as_by_hand() {
        // Of five: two lost on day 2, one censored there, one lost on day 7, one stays.
        let rows = curve("a", "after", "all", &[(2.0, true), (2.0, true), (2.0, false), (7.0, true), (7.0, false)]);
        let steps: Vec<(f64, usize, usize)> = rows.iter().map(|r| (r.day_since, r.n_at_risk, r.n_lost)).collect();
        assert_eq!(steps, [(0.0, 5, 0), (2.0, 5, 2), (7.0, 2, 1)]);
        assert!((rows[1].fraction - 0.6).abs() < 1e-12 && (rows[2].fraction - 0.3).abs() < 1e-12);
        // V = 2/(5*3): .6^exp(±1.96 √V / ln .6).
        let spread = (1.959_964 * (2.0_f64 / 15.0).sqrt() / 0.6_f64.ln().abs()).exp();
        assert!((rows[1].interval.0 - 0.6_f64.powf(spread)).abs() < 1e-9);
    }
}
