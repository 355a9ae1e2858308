//! One metric of one study: values as measured and normalised, with animal and dendrite as numbers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use crate::cohort::arms::{Study, arm};
use crate::cohort::params::Repeats;
use crate::cohort::{LongRow, LongTable, StatsParams};

/// What the numbers of an effect are.
///
/// ```
/// use gemmule::cohort::Scale;
/// assert_eq!(Scale::Fold.name(), "fold");
/// assert!(Scale::Raw < Scale::Fold);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// As measured.
    Raw,
    /// value / baseline - 1 within the dendrite.
    Fold,
    /// value - baseline within the dendrite.
    Difference,
}

impl Scale {
    /// The name in `effects.csv`. See the example of [`Scale`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Fold => "fold",
            Self::Difference => "difference",
        }
    }

    /// A value against its baseline; none against a baseline that nothing can be measured by.
    pub(super) fn normalise(self, value: f64, baseline: f64) -> Option<f64> {
        match self {
            Self::Raw => Some(value),
            Self::Fold => (baseline > 0.0).then(|| value / baseline - 1.0),
            Self::Difference => Some(value - baseline),
        }
    }
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Observation {
    /// Position of the arm among the study's, the control first.
    pub(super) arm: usize,
    /// Position of the animal among the sorted names of the metric's.
    pub(super) mouse: usize,
    pub(super) cell: String,
    /// Position of the dendrite among the sorted ones of the metric.
    pub(super) dendrite: usize,
    pub(super) sex: String,
    pub(super) cell_type: String,
    pub(super) day: f64,
    pub(super) value: f64,
    /// The value as measured and, where known, what it is over.
    pub(super) measured: Measured,
    /// The same on the baseline day, where the value is normalised by it.
    pub(super) baseline: Option<Measured>,
}

/// A value as measured, and what it is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) value: f64,
    pub(super) denominator: Option<f64>,
}

impl Measured {
    /// The mean of repeated measurements.
    fn mean(of: &[Self]) -> Self {
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        let denominators: Vec<f64> = of.iter().filter_map(|m| m.denominator).collect();
        let value = mean(of.iter().map(|m| m.value).collect());
        Self { value, denominator: (!denominators.is_empty()).then(|| mean(denominators)) }
    }

    /// All of them as one: sum of value times denominator over the sum of denominators; none if one has no denominator.
    pub(super) fn pooled(of: impl Iterator<Item = Self>) -> Option<f64> {
        let mut sums = (0.0, 0.0);
        for m in of {
            let denominator = m.denominator?;
            sums = (sums.0 + m.value * denominator, sums.1 + denominator);
        }
        (sums.1 > 0.0).then(|| sums.0 / sums.1)
    }
}

/// One metric of one study.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) metric: String,
    /// As measured, sorted by animal, dendrite, day and line.
    pub(super) raw: Vec<Observation>,
    /// Normalised; as measured where the metric is not normalised.
    pub(super) normalised: Vec<Observation>,
    pub(super) scale: Scale,
    pub(super) mice: Vec<String>,
    /// First baseline day, if there is one.
    pub(super) baseline: Option<f64>,
    pub(super) remarks: Vec<String>,
}

impl Series {
    /// Whether a day is compared: after the baseline, or any where there is none.
    pub(super) fn is_compared(&self, day: f64, params: &StatsParams) -> bool {
        self.baseline.is_none() || day > params.last_baseline_day
    }
}

/// Names of a dendrite below its animal.
type Key<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

fn key(row: &LongRow) -> Key<'_> {
    (&row.mouse, &row.cell, &row.fov, &row.dendrite, &row.spine)
}

/// Every metric of a study, by name; or the faults, where repeated rows are refused.
pub(super) fn series(table: &LongTable, study: &Study, params: &StatsParams, faults: &mut Vec<String>) -> Vec<Series> {
    let of_study = || table.rows().iter().enumerate().filter(|(_, r)| r.study == study.name);
    let metrics: BTreeSet<&str> = of_study().map(|(_, r)| r.metric.as_str()).collect();
    let one = |metric: &str| {
        let rows: Vec<(usize, &LongRow)> = of_study().filter(|(_, r)| r.metric == metric).collect();
        of_metric(table, &rows, study, metric, params, faults)
    };
    metrics.into_iter().map(one).collect()
}

fn of_metric<'a>(
    table: &LongTable,
    rows: &[(usize, &'a LongRow)],
    study: &Study,
    metric: &str,
    params: &StatsParams,
    faults: &mut Vec<String>,
) -> Series {
    let mut remarks = Vec::new();
    let missing = rows.iter().filter(|(_, r)| r.value.is_none()).count();
    if missing > 0 {
        remarks.push(format!("{} {metric}: {missing} missing values left out", study.name));
    }
    let measured = |&(n, row): &(usize, &'a LongRow)| {
        let of = Measured { value: row.value?, denominator: row.denominator };
        Some((n, row, of))
    };
    let measured = rows.iter().filter_map(measured).collect();
    let kept = settle_repeats(table, measured, params.repeats, faults);
    let arms: Vec<&str> = study.arms().map(String::as_str).collect();
    let mice: BTreeSet<&str> = kept.iter().map(|(r, _)| r.mouse.as_str()).collect();
    let mice: Vec<&str> = mice.into_iter().collect();
    // The cell is that of the dendrite; where no cell is known the field of view stands for it.
    let dendrites: BTreeSet<(&str, &str, &str, &str)> = kept.iter().map(|(r, _)| branch(r)).collect();
    let dendrites: HashMap<_, usize> = dendrites.into_iter().enumerate().map(|(n, d)| (d, n)).collect();
    let observation = |&(row, measured): &(&LongRow, Measured)| Observation {
        arm: arms.iter().position(|a| *a == arm(row, params.arm)).unwrap_or_default(),
        mouse: mice.binary_search(&row.mouse.as_str()).unwrap_or_default(),
        cell: if row.cell.is_empty() { row.fov.clone() } else { row.cell.clone() },
        dendrite: dendrites[&branch(row)],
        sex: row.sex.clone(),
        cell_type: row.cell_type.clone(),
        day: row.day,
        value: measured.value,
        measured,
        baseline: None,
    };
    let mut raw: Vec<(Observation, &LongRow)> = kept.iter().map(|k| (observation(k), k.0)).collect();
    raw.sort_by(|(a, _), (b, _)| (a.mouse, a.dendrite).cmp(&(b.mouse, b.dendrite)).then(a.day.total_cmp(&b.day)));
    let days = raw.iter().map(|(o, _)| o.day);
    let baseline = days.filter(|d| *d <= params.last_baseline_day).min_by(f64::total_cmp);
    let listed = |names: &[String]| names.iter().any(|n| n == metric);
    let scale = match baseline {
        Some(_) if listed(&params.fold_metrics) => Scale::Fold,
        Some(_) if listed(&params.difference_metrics) => Scale::Difference,
        _ => Scale::Raw,
    };
    if baseline.is_none() && (listed(&params.fold_metrics) || listed(&params.difference_metrics)) {
        remarks.push(format!("{} {metric}: no baseline day, so values are compared as measured", study.name));
    }
    let normalised = normalise(&raw, scale, baseline, |n| {
        remarks.push(format!("{} {metric}: {n} values of dendrites without a usable baseline left out", study.name));
    });
    Series {
        metric: metric.to_owned(),
        raw: raw.into_iter().map(|(o, _)| o).collect(),
        normalised,
        scale,
        mice: mice.into_iter().map(str::to_owned).collect(),
        baseline,
        remarks,
    }
}

fn branch(row: &LongRow) -> (&str, &str, &str, &str) {
    (&row.mouse, &row.cell, &row.fov, &row.dendrite)
}

/// Rows of the same dendrite (or spine) and day become one, as the parameters say; those of metrics per spine stay.
fn settle_repeats<'a>(
    table: &LongTable,
    rows: Vec<(usize, &'a LongRow, Measured)>,
    repeats: Repeats,
    faults: &mut Vec<String>,
) -> Vec<(&'a LongRow, Measured)> {
    let mut groups: BTreeMap<(Key<'_>, u64, usize), Vec<usize>> = BTreeMap::new();
    for (at, &(n, row, _)) in rows.iter().enumerate() {
        // A metric per spine whose spines have no names: every row is its own.
        let apart = repeats == Repeats::All || row.spine.is_empty() && row.is_per_spine();
        // -0 and 0 are one day.
        groups.entry((key(row), (row.day + 0.0).to_bits(), if apart { n + 1 } else { 0 })).or_default().push(at);
    }
    let mut kept = Vec::new();
    let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
    groups.sort_by_key(|group| rows[group[0]].0);
    for group in groups {
        let (n, row, first) = rows[group[0]];
        if group.len() > 1 && repeats == Repeats::Error {
            let others: Vec<String> = group[1..].iter().map(|&at| table.line(rows[at].0).to_string()).collect();
            faults.push(format!(
                "{} of mouse {}, fov {}, dendrite {}, day {} is in line {} and again in {}",
                row.metric,
                row.mouse,
                row.fov,
                row.dendrite,
                row.day,
                table.line(n),
                others.join(", ")
            ));
        }
        let of: Vec<Measured> = group.iter().map(|&at| rows[at].2).collect();
        kept.push((n, row, if repeats == Repeats::Mean { Measured::mean(&of) } else { first }));
    }
    kept.sort_by_key(|&(n, ..)| n);
    kept.into_iter().map(|(_, row, value)| (row, value)).collect()
}

fn normalise(
    raw: &[(Observation, &LongRow)],
    scale: Scale,
    baseline: Option<f64>,
    mut left_out: impl FnMut(usize),
) -> Vec<Observation> {
    if scale == Scale::Raw {
        return raw.iter().map(|(o, _)| o.clone()).collect();
    }
    let mut first: HashMap<Key<'_>, Measured> = HashMap::new();
    for (o, row) in raw.iter().filter(|(o, _)| Some(o.day) == baseline) {
        first.entry(key(row)).or_insert(o.measured);
    }
    let mut lost = 0;
    let mut kept = Vec::new();
    for (o, row) in raw {
        let from = first.get(&key(row)).copied();
        match from.and_then(|from| scale.normalise(o.value, from.value)) {
            Some(value) => kept.push(Observation { value, baseline: from, ..o.clone() }),
            None => lost += 1,
        }
    }
    if lost > 0 {
        left_out(lost);
    }
    kept
}
