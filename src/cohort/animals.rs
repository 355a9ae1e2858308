//! From dendrites to animals.

use std::collections::BTreeMap;

use crate::cohort::series::Observation;

/// Values of one arm on one day.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sample {
    /// Every value, as Welch's test over dendrites takes them.
    pub(super) values: Vec<f64>,
    /// Per animal in their order: its number, the mean of its dendrites' means, and how many dendrites these are.
    pub(super) animals: Vec<(usize, f64, usize)>,
}

impl Sample {
    /// The sample of `arm` on `day`.
    pub(super) fn of(observations: &[Observation], arm: usize, day: f64) -> Self {
        let here = observations.iter().filter(|o| o.arm == arm && o.day == day);
        let mut by_dendrite: BTreeMap<(usize, usize), (f64, f64)> = BTreeMap::new();
        let mut values = Vec::new();
        for o in here {
            values.push(o.value);
            let (sum, n) = by_dendrite.entry((o.mouse, o.dendrite)).or_default();
            (*sum, *n) = (*sum + o.value, *n + 1.0);
        }
        let mut by_mouse: BTreeMap<usize, (f64, usize)> = BTreeMap::new();
        for ((mouse, _), (sum, n)) in by_dendrite {
            let (total, dendrites) = by_mouse.entry(mouse).or_default();
            (*total, *dendrites) = (*total + sum / n, *dendrites + 1);
        }
        let animals = by_mouse.into_iter().map(|(mouse, (total, n))| (mouse, total / n as f64, n)).collect();
        Self { values, animals }
    }

    /// The animals' means.
    pub(super) fn means(&self) -> Vec<f64> {
        self.animals.iter().map(|(_, mean, _)| *mean).collect()
    }
}

/// Days of some observations, sorted.
pub(super) fn days(observations: &[Observation]) -> Vec<f64> {
    let mut days: Vec<f64> = observations.iter().map(|o| o.day).collect();
    days.sort_by(f64::total_cmp);
    days.dedup();
    days
}
